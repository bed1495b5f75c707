// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_POLLER_HPP
#define SLK_IO_POLLER_HPP

/// The poller: sockets, operations and timers of one thread, the same on every system.
///
/// Completion-based for everybody: the owner submits an operation and is told when it has ended.
/// IOCP works like that; the readiness backends (epoll, ...) try, wait until ready, and retry.
///
/// The contract. The tests in tests/contract cite these numbers and run on every backend.
///
///  1. Exactly once. Every submitted operation is completed exactly once, with success or with a
///     failure, whatever the caller, the peer or the system does.
///  2. Never inline. A completion is delivered from inside turn() and never from inside a submit,
///     cancel or close, not even when the system answers at once.
///  3. Errors are values. A submit returns nothing: every failure, also of the arguments, comes
///     as the completion's `failure`. No code of the system ends the process; one that no table
///     knows is errc::unknown with its native number.
///  4. Ownership. An operation and its buffers belong to the poller until the completion is
///     delivered. An address or a list of buffers may end when the submit returns; the memory
///     that the buffers refer to may not.
///  5. Cancel has three outcomes: `cancelled`, success, or the failure that came first. After
///     cancel any failure of the system is reported as `cancelled`. Cancelling an operation that
///     is idle or completed does nothing.
///  6. close ends the id at once, and every operation in flight on it completes as by rule 5.
///     What a local close causes is never reported as the peer's doing.
///  7. Ids are never reused. A stale id is an error value, never another socket.
///  8. Connected means confirmed: the system said so (SO_ERROR, read once, is 0) and the socket
///     has a peer. A socket whose connect failed or was cancelled is only good for closing.
///  9. Order. Receives of one socket, and sends of one socket, complete in the order in which
///     they were submitted. At most one connect per socket; several accepts may be posted.
/// 10. One turn is bounded: operations submitted and timers armed by a completion wait for the
///     next turn, so nobody starves the others.
/// 11. A timer fires at most once per arm, not before its deadline, and never after disarm.
///     Equal deadlines fire in the order of arming.
/// 12. wake() may be called from any thread at any time, and the turn that sleeps, or else the
///     next one, returns soon. Many wakes may count as one, none is lost.
/// 13. Everything else is called on the thread that runs turn(). The poller has no thread, no
///     socket and no port of its own; except select on Windows, which can wait for nothing but
///     sockets and so is woken by one: a UDP socket of the loopback, connected to itself.
/// 14. shutdown() ends everything: it closes all sockets, delivers every outstanding completion,
///     disarms all timers. Submits after it complete with `loop_closed`.
/// 15. Receiving into an empty buffer waits until there is something to receive (data, the end of
///     the stream or a failure) and takes nothing: an idle connection needs no buffer.

#include <serverlink/clock.hpp>

#include "io/ledger.hpp"
#include "io/operation.hpp"
#include "io/socket_option.hpp"
#include "io/socket_table.hpp"
#include "io/timer.hpp"

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

    /// The backend's name as in the Meson option `poller`: "epoll", "iocp", ...
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;

    /// Where names are looked up without a thread that waits; null: by the system's resolver.
    [[nodiscard]] virtual name_service* names() noexcept { return nullptr; }

    // Sockets. These calls answer at once.

    /// Whether there can be local sockets (Unix domain, address_family::local) of this name here:
    /// not_supported, with a sentence, on Windows and on a simulated network, and for an abstract
    /// name elsewhere than on Linux. Any thread.
    [[nodiscard]] virtual result<void> check_local_name(std::string_view path) const = 0;
    /// The addresses of a network interface; address_not_available if there is none of that name.
    [[nodiscard]] virtual result<std::vector<address>>
    interface_addresses(const std::string& name) = 0;

    /// A new TCP or local socket, non-blocking, not inherited by child processes.
    [[nodiscard]] result<socket_id> open(address_family family);
    /// What a socket needs before connect: the source address, or nothing where the system
    /// chooses by itself, or the wildcard of the socket's family where it insists (IOCP).
    [[nodiscard]] result<void> bind_source(socket_id id, const std::optional<address>& source);
    /// A listening socket. A second listener on the same address and port, or path, is
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
    /// For a listener that is out of descriptors: resets at most `most` waiting connections with
    /// the help of a descriptor kept in reserve. Returns how many.
    std::size_t shed(socket_id listener, std::size_t most);
    /// The system's descriptor or SOCKET, for options that serverlink does not know. It stays the
    /// poller's. invalid_handle for a stale id.
    [[nodiscard]] native_handle handle_of(socket_id id) noexcept;

    // Operations. These calls only submit; see rules 1 to 9.

    /// `path`: where a local target is; it may end when the submit returns. A listener whose queue
    /// is full is connection_refused there: no local socket waits for its turn.
    void connect(connect_operation& op, socket_id id, const address& target,
                 std::string_view path = {});
    void accept(accept_operation& op, socket_id listener);
    void receive(receive_operation& op, socket_id id, std::span<std::byte> buffer);
    void send(send_operation& op, socket_id id,
              std::span<const std::span<const std::byte>> buffers);
    void cancel(operation& op);

    // Timers.

    /// Re-arms a timer that is armed already.
    void arm(timer& entry, time_point deadline) noexcept;
    void disarm(timer& entry) noexcept { timers_.disarm(entry); }
    [[nodiscard]] std::size_t armed_timers() const noexcept { return timers_.size(); }

    // Running.

    /// The time at the beginning of this turn; never goes back.
    [[nodiscard]] time_point now() const noexcept { return now_; }
    /// Reads the clock anew, outside a turn or after long work inside one.
    time_point refresh_now() noexcept;

    /// Delivers what has completed and what is due; if there is nothing, waits for it, but not
    /// beyond `until` and not past a wake. Errors are those of the system's wait itself.
    result<void> turn(time_point until);
    /// What was submitted is the system's at the latest with the next turn. This makes it so now,
    /// for whoever may not turn soon.
    virtual void hand_over() {}
    /// A descriptor that is readable while the system has something for turn(), for other event
    /// loops to wait on; timers are not told by it. invalid_handle where there is none.
    [[nodiscard]] virtual native_handle wait_handle() const noexcept { return invalid_handle; }
    /// Transfers that do not wait, for a thread that is not the loop's. They move what the system
    /// moves at once, which may be nothing (would_block). Only while no operation of that direction
    /// is in flight on the socket, and nobody closes it.
    struct direct_transfers {
        error (*send)(native_handle handle, std::span<const std::span<const std::byte>> buffers,
                      std::size_t& sent, bool& all) noexcept;
        error (*receive)(native_handle handle, std::span<std::byte> buffer,
                         std::size_t& received) noexcept;
    };
    /// Null where the system has no such thing.
    [[nodiscard]] virtual const direct_transfers* direct() const noexcept { return nullptr; }
    /// When turn() should be called again if nothing else happens: a point that has passed if
    /// something waits to be delivered, slk::never if nothing is planned.
    [[nodiscard]] time_point wants_turn_at() const noexcept
    {
        return completed_.empty() ? timers_.next_deadline() : time_point{};
    }
    /// True inside the wait of a turn. On the loop's thread: whoever asks is called from there,
    /// which only a simulation does.
    [[nodiscard]] bool waiting() const noexcept { return waiting_; }
    /// Rule 12. Any thread.
    virtual void wake() noexcept = 0;
    void shutdown();

    [[nodiscard]] std::uint32_t open_sockets() const noexcept { return table_.open_count(); }
    [[nodiscard]] const ledger& book() const noexcept { return ledger_; }
    /// Operations submitted and not yet delivered.
    [[nodiscard]] std::uint64_t outstanding() const noexcept { return ledger_.outstanding(); }

protected:
    explicit poller(clock& time) noexcept;

    // What a backend provides.

    // The sockets behind the ids: see the calls above that have the same words. The machine's are
    // in system_poller.hpp.
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
    virtual std::size_t shed_from(const socket_entry& listener, std::size_t most) = 0;
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
    /// A socket was added to the table; the backend may register it with the system.
    virtual result<void> attach(socket_id id, socket_entry& entry) = 0;
    /// Ends every operation in flight on the entry, at once or later from wait(), takes the
    /// handle out of the system's poller and closes it. The entry is removed on return, so
    /// nothing that completes later may look for it: its operations were marked and unlinked.
    virtual void release(socket_entry& entry, close_mode mode) = 0;
    /// Waits until something happens, `until` has passed or wake() was called, and completes what
    /// has ended. time_point{} (or any past point) means: look, do not wait.
    virtual result<void> wait(time_point until) = 0;
    /// In shutdown(), when wait() goes on failing: takes from the system what it could still write
    /// to, and completes what is in flight. Nothing to do where release() has ended everything.
    virtual void abandon() {}
    /// Interruptions of one wait after which it ends early: tasks and timers must have their turn
    /// even if they never stop.
    static constexpr int max_interruptions = 1000;

    /// Fixes the outcome and queues the delivery. Applies rule 5.
    void complete(operation& op, const error& failure) noexcept;
    void complete(operation& op) noexcept { complete(op, error{}); }

    [[nodiscard]] bool shutting_down() const noexcept { return shut_down_; }
    [[nodiscard]] clock& time_source() const noexcept { return clock_; }
    [[nodiscard]] socket_table& table() noexcept { return table_; }
    /// Registers an accepted connection; closes it when that fails.
    [[nodiscard]] result<socket_id> adopt(native_handle handle, address_family family);

private:
    [[nodiscard]] result<socket_id> add_socket(native_handle handle, address_family family);
    bool submit(operation& op, socket_id id, phase where, socket_entry*& entry);
    void deliver_completed();

    clock& clock_;
    time_point now_{};
    socket_table table_;
    timer_queue timers_;
    list<operation> completed_;
    list<operation> delivering_; ///< what this turn delivers
    ledger ledger_;
    bool shut_down_ = false;
    bool waiting_ = false;
};

/// A poller on the best backend that this build has and this system allows. This is the only
/// function that knows the backends by name (backend/choose.cpp). `refused`, unless null, gets
/// those that were tried before it.
[[nodiscard]] result<std::unique_ptr<poller>>
make_poller(clock& time, std::vector<refused_backend>* refused = nullptr);
/// One named backend; not_supported if this build does not have it, or the system's refusal.
[[nodiscard]] result<std::unique_ptr<poller>> make_poller(clock& time, std::string_view backend);
/// The names of the backends compiled into this library, best first.
[[nodiscard]] std::span<const std::string_view> compiled_backends() noexcept;

} // namespace slk::io

#endif
