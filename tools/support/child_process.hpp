// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOLS_SUPPORT_CHILD_PROCESS_HPP
#define SLK_TOOLS_SUPPORT_CHILD_PROCESS_HPP

/// A program that runs beside this one.

#include <serverlink/clock.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slk::tool {

/// Where the error output of a child_process goes.
enum class error_output : std::uint8_t {
    inherited, ///< where that of this program goes
    discarded,
    to_reader, ///< to the reader, like its other output
};

/// Killed and waited for when destroyed.
class child_process {
public:
    /// Receives the output, on a thread of its own. No bytes: the output has ended.
    using reader = std::function<void(std::string_view bytes)>;

    /// `words` are the program, which is looked up in PATH, and its arguments. On Windows they
    /// contain neither blanks nor quotes, except for the program. Throws std::runtime_error.
    child_process(std::vector<std::string> words, error_output errors, reader output);
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process();

    [[nodiscard]] unsigned long id() const noexcept;
    /// It has ended by itself.
    [[nodiscard]] bool ended();
    /// Waits until it ends by itself, and until its output was read.
    void wait();
    /// Once it has ended: its exit code. Nothing before, and if it crashed or was killed.
    [[nodiscard]] std::optional<int> exit_code();
    /// Ends it at once, as a crash would (SIGKILL, TerminateProcess), and waits for it. All of its
    /// output was given to the reader then.
    void kill();
    /// The processor time of all its threads. Nothing if it has ended, or the system has no such
    /// count.
    [[nodiscard]] std::optional<duration> processor_time();

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// The path of the running program; `called` (argv[0]) on systems that cannot tell.
[[nodiscard]] std::string path_of_this_program(const std::string& called);

} // namespace slk::tool

#endif
