// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_TERMINAL_HPP
#define SLK_TOOL_TERMINAL_HPP

/// What a command-line program needs of the system: its standard streams and its interruption.

#include <cstddef>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>

namespace slk::tool {

/// A closed stdout becomes an error of writing instead of a signal.
void prepare_standard_streams();
/// Bytes pass through stdin and stdout as they are, line ends included.
void make_streams_binary();
[[nodiscard]] bool is_terminal(std::FILE* stream);
/// Another program reads or writes the other end, and may have gone away.
[[nodiscard]] bool is_pipe(std::FILE* stream);
/// Waits for input. 0: it has ended, or failed.
[[nodiscard]] std::size_t read_standard_input(std::span<std::byte> into);

/// While it lives, SIGINT and SIGTERM (Ctrl-C, Ctrl-Break and closing the window on Windows) do
/// not kill the program: `interrupted` is called instead, on another thread. Made before other
/// threads are started, because they inherit the signals that it blocks. One at a time.
class interrupt_watch {
public:
    explicit interrupt_watch(std::function<void()> interrupted);
    interrupt_watch(const interrupt_watch&) = delete;
    interrupt_watch& operator=(const interrupt_watch&) = delete;
    ~interrupt_watch();

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace slk::tool

#endif
