// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_INTERRUPTION_HPP
#define SLK_TOOL_INTERRUPTION_HPP

/// Ctrl-C as a request to stop, which ends waiting calls.

#include "terminal.hpp"

#include <serverlink/clock.hpp>

#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace slk::tool {

/// Whether a signal has interrupted this program (Ctrl-C).
[[nodiscard]] bool interrupted() noexcept;
/// 128 and the number of that signal, as shells have it.
[[nodiscard]] int exit_code_of_interruption() noexcept;

/// It must be created before other threads are started: it contains an interrupt_watch.
class interruption {
public:
    /// For calls of a socket.
    [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }
    [[nodiscard]] bool requested() const noexcept { return source_.stop_requested(); }
    /// Returns false when interrupted, now or before.
    bool sleep(duration timeout);

private:
    void request();

    std::stop_source source_;
    std::mutex mutex_;
    std::condition_variable changed_;
    interrupt_watch watch_{[this] { request(); }};
};

} // namespace slk::tool

#endif
