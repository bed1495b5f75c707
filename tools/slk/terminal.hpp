// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_TERMINAL_HPP
#define SLK_TOOL_TERMINAL_HPP

/// The standard streams of a command-line program, and its interruption.

#include <cstddef>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>

namespace slk::tool {

/// Writing to a closed stdout becomes an error instead of a signal.
void prepare_standard_streams();
/// Bytes pass through stdin and stdout as they are, line ends included.
void make_streams_binary();
[[nodiscard]] bool is_terminal(std::FILE* stream);
/// Another program has the other end, and may have closed it.
[[nodiscard]] bool is_pipe(std::FILE* stream);
/// The size of the buffers for read_standard_input().
inline constexpr std::size_t input_chunk_size = std::size_t{64} * 1024;
/// Waits for input, and returns the number of bytes. 0: the input has ended, or has failed.
[[nodiscard]] std::size_t read_standard_input(std::span<std::byte> into);

/// While it exists, SIGINT, SIGTERM and SIGHUP (Ctrl-C, Ctrl-Break and closing the window on
/// Windows) do not kill the program: `interrupted` is called instead, on another thread. It must be
/// created before other threads are started, because they inherit the signals that it blocks. One
/// at a time.
class interrupt_watch {
public:
    /// The number of the last signal that has called an `interrupted`; 0: none has.
    [[nodiscard]] static int last_signal() noexcept;

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
