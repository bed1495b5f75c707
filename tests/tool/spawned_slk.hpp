// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_TOOL_SPAWNED_SLK_HPP
#define SLK_TESTS_TOOL_SPAWNED_SLK_HPP

/// A running slk command whose process is known: it can be interrupted, and looked into. Linux.

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace slk::testing {

/// Killed when destroyed, so it may be one that never ends by itself.
class spawned_slk {
public:
    /// `under`: a command, with its options, that runs it as this same process.
    explicit spawned_slk(std::vector<std::string> arguments, std::vector<std::string> under = {});
    spawned_slk(const spawned_slk&) = delete;
    spawned_slk& operator=(const spawned_slk&) = delete;
    ~spawned_slk();

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
