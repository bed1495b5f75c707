// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_SOCKET_WATCH_HPP
#define SERVERLINK_SOCKET_WATCH_HPP

/// slk::socket_watch: the handle of a function that a loop of the program calls while a socket is
/// readable or writable.
///
///     SLK_TRY(auto arrived, jobs.watch(loop, slk::watch_for::readable,
///                                      [&](slk::socket_events) { take(jobs.receive(slk::no_wait));
///                                      }));
///
/// socket::watch() makes it (serverlink/socket.hpp).

#include <serverlink/descriptor_watch.hpp>
#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

namespace slk {

namespace messaging {
class socket_watch_call;
}

class SLK_API socket_watch {
public:
    /// A handle without a watch.
    socket_watch() noexcept = default;
    socket_watch(socket_watch&& other) noexcept;
    /// Cancels the watch that this handle had.
    socket_watch& operator=(socket_watch&& other) noexcept;
    /// As cancel().
    ~socket_watch();

    /// Ends the watch. On the loop's thread, or while no thread runs the loop, the function is not
    /// called any more when it returns; from inside of the function itself this is its last call.
    /// On another thread as timer::cancel(). Any thread.
    void cancel() noexcept;
    /// Changes what the watch waits for. From inside of the function, too. On the loop's thread.
    /// Errors: invalid_state (no watch, or it has ended; not the loop's thread), loop_closed,
    /// forked.
    result<void> set(watch_for wanted);
    /// Returns false once the watch has ended: by cancel(), or by the end of the loop or, after the
    /// loop's next turn, of the socket. Any thread.
    [[nodiscard]] bool active() const noexcept;

    /// For the library itself.
    explicit socket_watch(messaging::socket_watch_call* core) noexcept : core_(core) {}

private:
    messaging::socket_watch_call* core_ = nullptr;
};

} // namespace slk

#endif
