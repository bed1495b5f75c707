// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_READINESS_READINESS_POLLER_HPP
#define SLK_IO_BACKEND_READINESS_READINESS_POLLER_HPP

/// The rules of the poller on systems that report readiness: try, wait until ready, try again.
///
/// A submit tries at once, because most sends and many receives succeed, and an attempt costs less
/// than a registration; its completion is queued like any other. An operation that would block
/// waits in its socket's list. The socket is registered with the system when its first operation
/// has to wait. A connect is always started before the registration: a fresh socket would be
/// reported as hung up. It stays registered, for both directions and by edges, until it is closed.
/// The entry's `readable` and `writable` keep the results of the edges: "worth trying".
///
/// A backend provides the system's calls: watch(), unwatch(), wait_once(), wake(), and
/// handle_events(), which calls dispatch() for each event. A backend that reports levels instead of
/// edges waits only for what wants_to_read() and wants_to_write() return.

#include "io/system_poller.hpp"

namespace slk::io {

class readiness_poller : public system_poller {
public:
    [[nodiscard]] const direct_transfers* direct() const noexcept override;

protected:
    using system_poller::system_poller;

    struct readiness {
        bool readable = false;
        bool writable = false;
        /// Hung up in one or both directions, failed, or urgent data: everything is worth trying,
        /// and from now on a short receive does not mean that the socket is empty.
        bool unusual = false;
        /// The system's error number, if the event carries one. It is used where the socket itself
        /// no longer has the error of its connect.
        int failure = 0;
    };

    result<void> check_watch(native_handle handle) final;

    /// Registers the socket; existing readiness must be reported too.
    virtual result<void> watch(socket_id id, socket_entry& entry) = 0;
    /// Called before the descriptor is closed: closing does not end a registration while another
    /// process has a copy of the descriptor.
    virtual void unwatch(socket_entry& entry) noexcept = 0;
    /// One call of the system's wait, for at most `timeout`; duration::max() is for ever. Returns
    /// the number of events, 0 when the time has passed. errc::interrupted is no failure.
    virtual result<int> wait_once(duration timeout) = 0;
    /// Handles the events of the last wait_once(). Returns true if anything completed or wake() was
    /// called.
    virtual bool handle_events(int count) = 0;

    /// Continues the operations that waited for this event. A stale id is ignored. Returns true if
    /// any completed.
    bool dispatch(socket_id id, readiness ready);

    [[nodiscard]] static bool wants_to_read(const socket_entry& entry) noexcept
    {
        return !entry.inbound.empty();
    }
    [[nodiscard]] static bool wants_to_write(const socket_entry& entry) noexcept
    {
        return !entry.outbound.empty();
    }

private:
    void start_connect(connect_operation& op, socket_entry& entry) final;
    void start_accept(accept_operation& op, socket_entry& entry) final;
    void start_receive(receive_operation& op, socket_entry& entry) final;
    void start_send(send_operation& op, socket_entry& entry) final;
    void start_cancel(operation& op, socket_entry& entry) final;
    result<void> attach(socket_id id, socket_entry& entry) final;
    void release(socket_entry& entry, close_mode mode) final;
    result<void> wait(time_point until) final;

    void wait_until_ready(operation& op, socket_entry& entry);
    bool confirm(connect_operation& op, socket_entry& entry, readiness ready);
    bool try_inbound(operation& op, socket_entry& entry);
    bool try_accept(accept_operation& op, socket_entry& entry);
    bool try_receive(receive_operation& op, socket_entry& entry);
    bool try_send(send_operation& op, socket_entry& entry,
                  std::span<const std::span<const std::byte>> buffers);
};

/// Converts to milliseconds for calls that count in them: rounded up, or the loop would spin
/// through the last fraction; limited to an int; -1 for ever.
[[nodiscard]] int wait_milliseconds(duration remaining) noexcept;

} // namespace slk::io

#endif
