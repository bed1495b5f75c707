// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_POLLER_HPP
#define SLK_IO_POLLER_HPP

/// The poller: sockets, operations and timers of one thread, the same on every system.
///
/// Completion-based on every system: the owner submits an operation and gets a callback when it has
/// ended. IOCP works like that; the readiness backends (epoll, ...) try, wait until ready, and
/// retry.
///
/// The rules. The tests in tests/contract cite these numbers and run on every backend.
///
///  1. Exactly once. Every submitted operation completes exactly once, with success or with a
///     failure, whatever the caller, the peer or the system does.
///  2. Never inline. A completion is delivered from inside turn() and never from inside a submit,
///     cancel or close, not even when the system completes the operation at once.
///  3. Errors are values. A submit returns nothing: every failure, also of the arguments, is the
///     completion's `failure`. No error code of the system ends the process; an unknown one is
///     errc::unknown with its native number.
///  4. Ownership. An operation and its buffers belong to the poller until the completion is
///     delivered. An address or a list of buffers may end when the submit returns; the memory
///     that the buffers refer to may not.
///  5. Cancel has three outcomes: `cancelled`, success, or the failure that came first. After
///     cancel any failure of the system is reported as `cancelled`. Cancelling an operation that
///     is idle or completed does nothing.
///  6. close ends the id at once, and every operation in flight on it completes as by rule 5.
///     The effect of a local close is never reported as an action of the peer.
///  7. Ids are never reused. A stale id is an error value, never another socket.
///  8. Connected means confirmed: SO_ERROR, read once, is 0, and the socket has a peer. A socket
///     whose connect failed or was cancelled can only be closed.
///  9. Order. Receives of one socket, and sends of one socket, complete in the order in which
///     they were submitted. At most one connect per socket; several accepts may be posted.
/// 10. One turn is bounded: operations submitted and timers armed by a completion wait for the
///     next turn, so that no operation starves the others.
/// 11. A timer fires at most once per arm, not before its deadline, and never after disarm.
///     Equal deadlines fire in the order of arming.
/// 12. wake() may be called from any thread at any time, and the turn that sleeps, or else the
///     next one, returns soon. Many wakes may count as one, none is lost.
/// 13. Everything else is called on the thread that runs turn(). The poller has no thread, no
///     socket and no port of its own, except select on Windows: it can only wait for sockets, and
///     is woken by a UDP socket on the loopback that is connected to itself.
/// 14. shutdown() ends everything: it closes all sockets, delivers every outstanding completion,
///     disarms all timers. Submits after it complete with `loop_closed`.
/// 15. Receiving into an empty buffer waits until there is something to receive (data, the end of
///     the stream or a failure) and takes nothing: an idle connection needs no buffer.
/// 16. A watch reports by level, at most once in a turn, and never inline; not after end_watch().
///     The poller does not hold its descriptor any longer by then.

#include <serverlink/clock.hpp>

#include "io/ledger.hpp"
#include "io/operation.hpp"
#include "io/os/forks.hpp"
#include "io/socket_option.hpp"
#include "io/socket_table.hpp"
#include "io/timer.hpp"
#include "io/watch.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slk {
struct refused_backend; // serverlink/loop.hpp
}

namespace slk::io {

class name_service;

class poller {
public:
    virtual ~poller();
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;

    /// Returns the backend's name as in the Meson option `poller`: "epoll", "iocp", ...
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;

    /// Returns the asynchronous name service; null: the system's resolver is used, on a thread.
    [[nodiscard]] virtual name_service* names() noexcept { return nullptr; }

    // Sockets. These calls do not wait.

    /// Checks whether a local socket (Unix domain, address_family::local) can have this name:
    /// not_supported, with a detail, on Windows and on a simulated network, and for an abstract
    /// name on other systems than Linux. Any thread.
    [[nodiscard]] virtual result<void> check_local_name(std::string_view path) const = 0;
    /// Returns the addresses of a network interface; address_not_available if there is no such one.
    [[nodiscard]] virtual result<std::vector<address>>
    interface_addresses(const std::string& name) = 0;

    /// Opens a TCP or local socket, non-blocking, not inherited by child processes.
    [[nodiscard]] result<socket_id> open(address_family family);
    /// Binds a socket before connect: to the source address; without one not at all or, where the
    /// system requires it (IOCP), to the wildcard of the socket's family.
    [[nodiscard]] result<void> bind_source(socket_id id, const std::optional<address>& source);
    /// Opens a listening socket. A second listener on the same address and port, or path, is
    /// address_in_use on every system; one whose predecessor has just been closed is not. The file
    /// of a local socket stays when it is closed: os::local_name removes it.
    [[nodiscard]] result<socket_id> open_listener(const address& local,
                                                  const listen_settings& settings);
    [[nodiscard]] result<address> local_address(socket_id id);
    [[nodiscard]] result<address> peer_address(socket_id id);
    [[nodiscard]] result<void> set_option(socket_id id, socket_option option, int value);
    /// SO_BINDTODEVICE; not_supported where there is none. Before connect.
    [[nodiscard]] result<void> bind_to_device(socket_id id, std::string_view device);
    /// Half-close: the peer reads the end of the stream after what was sent.
    [[nodiscard]] result<void> shutdown_send(socket_id id);
    /// A stale id is ignored.
    void close(socket_id id, close_mode mode = close_mode::graceful);
    /// For a listener that is out of descriptors: resets at most `max` waiting connections with the
    /// help of a descriptor kept in reserve. Returns their number.
    std::size_t shed(socket_id listener, std::size_t max);
    /// Returns the system's descriptor or SOCKET, for options that serverlink does not know. It
    /// stays the poller's. invalid_handle for a stale id.
    [[nodiscard]] native_handle handle_of(socket_id id) noexcept;

    // The other end of an established connection, as far as the system knows about it. For a stale
    // id the answer is true.

    /// The peer's end of the stream has arrived, perhaps behind bytes that wait to be received.
    /// False where the system cannot tell.
    [[nodiscard]] bool peer_has_finished(socket_id id) noexcept;
    /// As above, or the end may be under way: so many bytes wait to be received that the peer's
    /// system may hold back the rest. What is sent to a peer that has closed by then makes its
    /// system reset the connection, and throw the rest away (RFC 9293 section 3.10.7).
    [[nodiscard]] bool peer_may_have_finished(socket_id id) noexcept;
    /// The peer's system acknowledges what it is sent, be it only that it has no room: it has done
    /// so during the last `within`, or nothing waits for it. True where the system cannot tell.
    [[nodiscard]] bool peer_acknowledges(socket_id id, duration within) noexcept;

    // Operations. These calls only submit; see rules 1 to 9.

    /// `path` of a local target may end when the submit returns. A local listener whose queue is
    /// full is connection_refused: no local connect waits.
    void connect(connect_operation& op, socket_id id, const address& target,
                 std::string_view path = {});
    void accept(accept_operation& op, socket_id listener);
    void receive(receive_operation& op, socket_id id, std::span<std::byte> buffer);
    void send(send_operation& op, socket_id id,
              std::span<const std::span<const std::byte>> buffers);
    void cancel(operation& op);

    // Watches: see rule 16.

    /// Waits for a descriptor that is not the poller's. Errors: not_supported (the backend has no
    /// watches, or the system cannot wait for such a descriptor), invalid_argument (a regular file
    /// or a directory, or no open descriptor), already_exists (a watch of this poller has it),
    /// loop_closed, forked, out_of_memory, and the system's.
    [[nodiscard]] result<void> begin_watch(watch& entry, native_handle handle, bool to_read,
                                           bool to_write);
    /// Changes what it waits for, which may be nothing. After a failure it has not begun.
    [[nodiscard]] result<void> change_watch(watch& entry, bool to_read, bool to_write);
    /// Does nothing if it has not begun.
    void end_watch(watch& entry) noexcept;

    // Timers.

    /// Re-arms a timer that is armed already.
    void arm(timer& entry, time_point deadline) noexcept;
    void disarm(timer& entry) noexcept { timers_.disarm(entry); }
    [[nodiscard]] std::size_t armed_timers() const noexcept { return timers_.size(); }

    // Running.

    /// Returns the time at the beginning of this turn; never goes back.
    [[nodiscard]] time_point now() const noexcept { return now_; }
    /// Reads the clock again, outside a turn or after long work inside one.
    time_point refresh_now() noexcept;

    /// Delivers completions and fires due timers; if there are none, waits for them, but not beyond
    /// `until` and not past a wake. Errors are those of the system's wait itself. In a child
    /// process that a handler has forked nothing more is delivered, and nothing is submitted.
    result<void> turn(time_point until);
    /// While it is on, a handler of a signal that runs on this thread ends the wait of a turn, and
    /// was_interrupted() returns true. Off: the wait goes on. On the loop's thread.
    void set_interruptible(bool on) noexcept
    {
        interruptible_ = on;
        interrupted_ = false;
    }
    [[nodiscard]] bool was_interrupted() const noexcept { return interrupted_; }
    /// Operations reach the system with the next turn at the latest. This call passes them on now,
    /// for a caller that may not run a turn soon.
    virtual void flush_submissions() noexcept {}
    /// The system has not taken everything, and nothing will tell when it would.
    [[nodiscard]] virtual bool has_unsubmitted() const noexcept { return false; }
    /// Returns a descriptor that is readable while the system has events for turn(), for other
    /// event loops to wait on; it does not show timers. invalid_handle where there is none.
    [[nodiscard]] virtual native_handle wait_handle() const noexcept { return invalid_handle; }
    /// Transfers that do not wait, for other threads than the loop's. They move the bytes that the
    /// system takes or has, which may be none (would_block). Only while no operation of that
    /// direction is in flight on the socket, and while the socket is not closed.
    struct direct_transfers {
        error (*send)(native_handle handle, std::span<const std::span<const std::byte>> buffers,
                      std::size_t& sent, bool& all) noexcept;
        error (*receive)(native_handle handle, std::span<std::byte> buffer,
                         std::size_t& received) noexcept;
        /// As poller::peer_has_finished().
        bool (*peer_has_finished)(native_handle handle) noexcept;
    };
    /// Returns null where the system has no such transfers.
    [[nodiscard]] virtual const direct_transfers* direct() const noexcept { return nullptr; }
    /// Returns the time at which turn() should be called again if nothing else happens: a time in
    /// the past if completions wait to be delivered, slk::never if no timer is armed.
    [[nodiscard]] time_point wants_turn_at() const noexcept
    {
        return completed_.empty() && ready_.empty() ? timers_.next_deadline() : time_point{};
    }
    /// True inside the wait of a turn. On the loop's thread: only a simulation calls code from
    /// there.
    [[nodiscard]] bool waiting() const noexcept { return waiting_; }
    /// Rule 12. Any thread.
    virtual void wake() noexcept = 0;
    void shutdown();
    /// In a child process (os/forks.hpp): closes this process' copies of the descriptors, and does
    /// nothing to what they refer to. Instead of shutdown(); nothing may be called afterwards.
    virtual void close_copies() noexcept {}

    [[nodiscard]] std::uint32_t open_sockets() const noexcept { return table_.open_count(); }
    [[nodiscard]] const ledger& operations() const noexcept { return ledger_; }
    /// Operations submitted and not yet delivered.
    [[nodiscard]] std::uint64_t outstanding() const noexcept { return ledger_.outstanding(); }

protected:
    explicit poller(clock& time) noexcept;

    // The functions of a backend.

    // The sockets behind the ids: see the public functions of the same names. Those of the
    // operating system are in system_poller.hpp.
    virtual result<native_handle> open_handle(address_family family) = 0;
    virtual result<native_handle> open_listening_handle(const address& local,
                                                        const listen_settings& settings) = 0;
    virtual result<void> bind_handle(socket_entry& entry, const std::optional<address>& source) = 0;
    virtual result<address> local_address_of(const socket_entry& entry) = 0;
    virtual result<address> peer_address_of(const socket_entry& entry) = 0;
    virtual result<void> set_option_of(const socket_entry& entry, socket_option option,
                                       int value) = 0;
    virtual result<void> bind_handle_to_device(const socket_entry& entry,
                                               std::string_view device) = 0;
    virtual result<void> shutdown_send_of(const socket_entry& entry) = 0;
    [[nodiscard]] virtual bool peer_has_finished_of(const socket_entry& entry) noexcept = 0;
    [[nodiscard]] virtual bool peer_may_have_finished_of(const socket_entry& entry) noexcept = 0;
    [[nodiscard]] virtual bool peer_acknowledges_of(const socket_entry& entry,
                                                    duration within) noexcept = 0;
    virtual std::size_t shed_from(const socket_entry& listener, std::size_t max) = 0;
    virtual void close_handle(native_handle handle, close_mode mode) noexcept = 0;

    // An operation given to start_* is linked into its entry's list; the backend ends it by calling
    // complete() once, at once or from wait().

    /// `op.path` is there only during this call.
    virtual void start_connect(connect_operation& op, socket_entry& entry) = 0;
    virtual void start_accept(accept_operation& op, socket_entry& entry) = 0;
    virtual void start_receive(receive_operation& op, socket_entry& entry) = 0;
    virtual void start_send(send_operation& op, socket_entry& entry) = 0;
    /// Asks for the end of a submitted operation; cancel_requested is set already.
    virtual void start_cancel(operation& op, socket_entry& entry) = 0;
    /// Called when a socket was added to the table; the backend may register it with the system.
    virtual result<void> attach(socket_id id, socket_entry& entry) = 0;
    /// Ends every operation in flight on the entry, at once or later from wait(), removes the
    /// handle from the system's poller and closes it. The entry is removed on return, so later
    /// completions may not look for it: its operations are marked and unlinked.
    virtual void release(socket_entry& entry, close_mode mode) = 0;
    /// Waits for an event, `until` or wake(), and completes the operations that have ended. With
    /// time_point{} (or any time in the past) it does not wait.
    virtual result<void> wait(time_point until) = 0;
    /// Checks whether the system can wait for the descriptor.
    virtual result<void> check_watch(native_handle handle);
    /// Waits for one event of what the watch wants, which is not nothing, and calls watch_ready()
    /// for it once, at once or from wait().
    virtual result<void> start_watch(watch& entry);
    /// Undoes start_watch(), also after the event: on return the system does not hold the
    /// descriptor on the poller's account. Called for each watch that ends, and before a change.
    virtual void stop_watch(watch& entry) noexcept;
    /// In shutdown(), when wait() goes on failing: keeps the system from writing to any buffer, and
    /// completes the operations in flight. Does nothing where release() has ended everything.
    virtual void abandon() {}
    /// Interruptions of one wait after which it ends early, so that tasks and timers run even if
    /// the interruptions never stop.
    static constexpr int max_interruptions = 1000;

    /// The system's wait was interrupted. Returns true if it is to end.
    [[nodiscard]] bool end_interrupted() noexcept
    {
        interrupted_ = interruptible_;
        return interruptible_;
    }

    /// Fixes the outcome and queues the completion. Applies rule 5.
    void complete(operation& op, const error& failure) noexcept;
    void complete(operation& op) noexcept { complete(op, error{}); }

    /// Queues the report of a watch. `lost`: the system does not wait for the descriptor any more.
    /// Returns false for an id that has ended.
    bool watch_ready(socket_id id, bool readable, bool writable, bool failed,
                     bool lost = false) noexcept;
    [[nodiscard]] const watch_table& watches() const noexcept { return watches_; }

    [[nodiscard]] bool shutting_down() const noexcept { return shut_down_; }
    [[nodiscard]] clock& time_source() const noexcept { return clock_; }
    [[nodiscard]] socket_table& table() noexcept { return table_; }
    /// Registers an accepted connection; closes it when that fails.
    /// The time that a wait from `now` until `until` may last: zero for a time that has passed,
    /// duration::max() for slk::never.
    [[nodiscard]] static duration time_until(time_point until, time_point now) noexcept
    {
        if (until == never)
            return duration::max();
        return until > now ? until - now : duration::zero();
    }
    [[nodiscard]] result<socket_id> adopt(native_handle handle, address_family family);

private:
    [[nodiscard]] result<socket_id> add_socket(native_handle handle, address_family family);
    bool submit(operation& op, socket_id id, phase in, socket_entry*& entry);
    void deliver_completed();
    void deliver_reports();
    void arm_watch(watch& entry) noexcept;

    clock& clock_;
    /// A handler may fork, and return in the child, where nothing may be taken from the system.
    const os::fork_watch process_;
    time_point now_{};
    socket_table table_;
    timer_queue timers_;
    list<operation> completed_;
    list<operation> delivering_; ///< what this turn delivers
    watch_table watches_;
    list<watch> ready_;
    list<watch> reporting_; ///< those that this turn reports
    ledger ledger_;
    bool shut_down_ = false;
    bool waiting_ = false;
    bool interruptible_ = false;
    bool interrupted_ = false;
};

/// Makes a poller on the best backend that this build has and this system allows. Only this
/// function knows the backends by name (backend/choose.cpp). `refused`, unless null, gets the
/// backends that were tried before and refused.
[[nodiscard]] result<std::unique_ptr<poller>>
make_poller(clock& time, std::vector<refused_backend>* refused = nullptr);
/// Makes a poller on the named backend; not_supported if this build does not have it, or the
/// system's error.
[[nodiscard]] result<std::unique_ptr<poller>> make_poller(clock& time, std::string_view backend);
/// Returns the names of the backends compiled into this library, best first.
[[nodiscard]] std::span<const std::string_view> compiled_backends() noexcept;

} // namespace slk::io

#endif
