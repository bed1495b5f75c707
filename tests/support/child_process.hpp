// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_CHILD_PROCESS_HPP
#define SLK_TESTS_SUPPORT_CHILD_PROCESS_HPP

/// A program that runs beside the tests, whose output is read line by line. POSIX.

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace slk::testing {

/// Killed when destroyed, so it may be one that never ends by itself.
class child_process {
public:
    /// The command and its arguments; without any there is no process, and no output.
    explicit child_process(std::vector<std::string> words);
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process();

    [[nodiscard]] pid_t id() const { return id_; }
    /// The next line of its output. Nothing at the end, and after a minute of silence.
    [[nodiscard]] std::optional<std::string> line();
    /// Reads lines until one contains `text`.
    [[nodiscard]] bool says(const std::string& text);
    void interrupt(int signal);
    /// Its exit code once it has ended; -1 if it has not, a minute after its last line, or crashed.
    [[nodiscard]] int end();

private:
    pid_t id_ = -1;
    int output_ = -1;
    std::string read_;
};

} // namespace slk::testing

#endif
