// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_PROCESS_HPP
#define SLK_TOOL_PROCESS_HPP

/// Another process that runs this very program.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slk::tool {

/// Killed and waited for when destroyed.
class child_process {
public:
    /// What it has written to its stdout. Called on a thread of its own.
    using reader = std::function<void(std::string_view bytes)>;

    /// Runs this program with `arguments`, its notes on stderr discarded. `program` is argv[0],
    /// for systems that cannot tell where the program is. Throws std::runtime_error.
    child_process(const std::string& program, const std::vector<std::string>& arguments,
                  reader output);
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process();

    [[nodiscard]] unsigned long id() const noexcept;
    /// It has ended by itself.
    [[nodiscard]] bool ended();
    /// Ends it at once, as a crash would (SIGKILL, TerminateProcess), and waits for it. All that it
    /// has written was given to the reader then.
    void kill();

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace slk::tool

#endif
