// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_CHILD_PROCESS_HPP
#define SLK_TESTS_SUPPORT_CHILD_PROCESS_HPP

/// A child process whose output a test reads line by line. POSIX only.

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace slk::testing {

/// The destructor kills the process.
class child_process {
public:
    /// `words`: the command and its arguments. Starts no process if there are none.
    explicit child_process(std::vector<std::string> words);
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process();

    [[nodiscard]] pid_t id() const { return id_; }
    /// Returns the next line of its output; nothing at the end, or if no line comes within a
    /// minute.
    [[nodiscard]] std::optional<std::string> line();
    /// Reads lines until one contains `text`. Returns false if none does.
    [[nodiscard]] bool says(const std::string& text);
    void interrupt(int signal);
    /// Waits for its end and returns its exit code; -1 if it crashed, or prints nothing for a
    /// minute without ending.
    [[nodiscard]] int end();

private:
    pid_t id_ = -1;
    int output_ = -1;
    std::string read_;
};

} // namespace slk::testing

#endif
