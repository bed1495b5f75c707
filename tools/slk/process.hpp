// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_PROCESS_HPP
#define SLK_TOOL_PROCESS_HPP

/// Another process that runs this very program.

#include <memory>
#include <string>
#include <vector>

namespace slk::tool {

/// Killed and waited for when destroyed.
class child_process {
public:
    /// Runs this program with `arguments`, stdout discarded. `program` is argv[0], for systems
    /// that cannot tell where the program is. Throws std::runtime_error.
    child_process(const std::string& program, const std::vector<std::string>& arguments);
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process();

    [[nodiscard]] unsigned long id() const noexcept;
    /// It has ended by itself.
    [[nodiscard]] bool ended();
    /// Ends it at once, as a crash would (SIGKILL, TerminateProcess), and waits for it.
    void kill();

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace slk::tool

#endif
