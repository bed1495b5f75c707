// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_CHILD_PROCESS_HPP
#define SLK_TESTS_SUPPORT_CHILD_PROCESS_HPP

/// A program that runs beside the tests, and whose output is read line by line. POSIX.

#include "tools/support/child_process.hpp"
#include "tools/support/output_lines.hpp"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace slk::testing {

/// Killed when destroyed, so it may be a program that never ends by itself.
class child_process {
public:
    /// The command and its arguments; without any there is no process, and no output.
    explicit child_process(std::vector<std::string> words);
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process() { output_.close(); }

    /// -1 if there is no process.
    [[nodiscard]] pid_t id() const;
    /// The next line of its output, stderr included. Nothing at the end, and after a minute
    /// without a line.
    [[nodiscard]] std::optional<std::string> line();
    /// Reads lines until one contains `text`.
    [[nodiscard]] bool says(const std::string& text);
    void interrupt(int signal);
    /// Waits for its end. Returns its exit code; -1 if it has crashed, or has not ended a minute
    /// after its last line.
    [[nodiscard]] int end();

private:
    // Outlives the process, whose reader adds to it. A process whose output is not read waits.
    tool::output_lines output_{std::size_t{64} * 1024};
    std::optional<tool::child_process> process_;
};

} // namespace slk::testing

#endif
