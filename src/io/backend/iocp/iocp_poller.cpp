// SPDX-License-Identifier: MPL-2.0
#include "io/backend/iocp/iocp_poller.hpp"

#include "io/backend/iocp/extension_functions.hpp"
#include "io/backend/iocp/pending.hpp"
#include "io/backend/iocp/port_waker.hpp"
#include "io/backend/iocp/status.hpp"
#include "io/os/system.hpp"
#include "io/system_poller.hpp"

#include <algorithm>
#include <new>

namespace slk::io {

namespace {

using iocp::of;
using iocp::pending;
using os::windows::file_of;
using os::windows::last_error;
using os::windows::socket_of;

/// Packets taken from the port at once, and so the maximum per turn.
constexpr ULONG batch_size = 128;

/// Buffers gathered into one WSASend. The owner's next send has the rest.
constexpr std::size_t max_buffers = 64;

/// Bytes offered in one WSARecv: its counter has 32 bits.
constexpr std::size_t max_received = std::size_t{1} << 30;

/// Bytes offered in one WSASend. If the connection ends meanwhile, nobody tells how many of them
/// were taken, so that all of them may be lost: they should not be many.
constexpr std::size_t max_sent = std::size_t{64} * 1024;

/// The maximum of peers that were gone before their connection was accepted: in one turn, and in a
/// row until the accept reports it to its owner.
constexpr int max_lost_peers_per_turn = 64;
constexpr std::uint16_t max_lost_peers = 10'000;

/// Returns whether a failed accept is due to the peer, so that the next peer may be accepted.
bool lost_peer(const error& failure) noexcept
{
    return failure == errc::connection_aborted || failure == errc::connection_reset ||
           failure == errc::not_connected || failure == errc::timed_out ||
           failure == errc::end_of_stream;
}

/// Rounded up, or a wait for less than a millisecond would spin.
DWORD milliseconds(duration span) noexcept
{
    constexpr std::int64_t max = 0x7fffffff;
    constexpr std::int64_t unit = 1'000'000;
    const std::int64_t count = span.count();
    if (count <= 0)
        return 0;
    return static_cast<DWORD>(std::min(count / unit + (count % unit != 0 ? 1 : 0), max));
}

class iocp_poller final : public system_poller {
public:
    iocp_poller(clock& time, HANDLE port, bool system_handles) noexcept
        : system_poller(time), port_(port), system_handles_(system_handles), waker_(port)
    {
    }
    ~iocp_poller() override { CloseHandle(port_); }

    [[nodiscard]] std::string_view name() const noexcept override { return "iocp"; }
    void wake() noexcept override { waker_.wake(); }

protected:
    void start_connect(connect_operation& op, socket_entry& entry) override;
    void start_accept(accept_operation& op, socket_entry& entry) override;
    void start_receive(receive_operation& op, socket_entry& entry) override;
    void start_send(send_operation& op, socket_entry& entry) override;
    void start_cancel(operation& op, socket_entry& entry) override;
    result<void> attach(socket_id id, socket_entry& entry) override;
    void release(socket_entry& entry, close_mode mode) override;
    result<void> wait(time_point until) override;

private:
    result<const iocp::extension_functions*> functions_for(const socket_entry& entry);
    void dequeued(operation& op, std::uint32_t status, std::size_t transferred);
    void end_connect(connect_operation& op, socket_entry* entry, error failure);
    void run_accept(accept_operation& op, socket_entry& entry);
    bool post_accept(accept_operation& op, socket_entry& entry, error& failure);
    bool end_accept(accept_operation& op, socket_entry* entry, error failure);
    void end_transfer(operation& op, socket_entry* entry, error failure);
    void deliver_held(list<operation>& siblings);

    HANDLE port_;
    /// A call that succeeds at once can be told to queue no packet.
    bool system_handles_;
    iocp::port_waker waker_;
    iocp::extension_functions ipv4_functions_;
    iocp::extension_functions ipv6_functions_;
    OVERLAPPED_ENTRY batch_[batch_size];
};

/// The state of a call with an OVERLAPPED.
enum class call_state : std::uint8_t {
    pending,   ///< a packet will come
    completed, ///< done at once; a packet comes all the same unless the socket is `watched`
    failed,    ///< no packet will come
};

struct call_outcome {
    call_state state = call_state::completed;
    error failure{};
};

/// To be called right after the call: it reads the thread's last error.
call_outcome outcome_of(bool succeeded, phase in) noexcept
{
    if (succeeded)
        return {};
    const int code = WSAGetLastError();
    if (code == WSA_IO_PENDING)
        return {call_state::pending, {}};
    return {call_state::failed, os::translate(code, in)};
}

bool packet_follows(const call_outcome& outcome, const socket_entry& entry) noexcept
{
    switch (outcome.state) {
    case call_state::pending: return true;
    case call_state::completed: return !entry.watched;
    case call_state::failed: return false;
    }
    return false;
}

// --- sockets ---

result<void> iocp_poller::attach(socket_id /*id*/, socket_entry& entry)
{
    // For life: a socket cannot change its port, so it belongs to this loop from now on.
    if (CreateIoCompletionPort(file_of(entry.handle), port_, 0, 0) == nullptr)
        return fail(os::translate(static_cast<int>(GetLastError()), phase::open));
    constexpr UCHAR modes = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;
    entry.watched = system_handles_ &&
                    SetFileCompletionNotificationModes(file_of(entry.handle), modes) != FALSE;
    return {};
}

/// Links each held operation to the one before it, because the list with their order ends with the
/// socket. A held operation always has an earlier one in flight.
void chain_held(list<operation>& siblings)
{
    operation* earlier = nullptr;
    siblings.for_each([&earlier](operation& op) {
        if (of(op).held && earlier != nullptr)
            of(*earlier).follower = &op;
        earlier = &op;
    });
}

void iocp_poller::release(socket_entry& entry, close_mode mode)
{
    chain_held(entry.inbound);
    chain_held(entry.outbound);
    // Closing ends them too, unless another process has the socket as well.
    if (!entry.inbound.empty() || !entry.outbound.empty())
        (void)CancelIoEx(file_of(entry.handle), nullptr);
    os::close(entry.handle, mode);
}

result<const iocp::extension_functions*> iocp_poller::functions_for(const socket_entry& entry)
{
    iocp::extension_functions& known =
        entry.family == address_family::ipv6 ? ipv6_functions_ : ipv4_functions_;
    if (known.connect == nullptr) {
        SLK_TRY(known, iocp::load_extension_functions(entry.handle));
    }
    return &known;
}

// --- connect ---

void iocp_poller::start_connect(connect_operation& op, socket_entry& entry)
{
    pending& notes = iocp::begin(op);
    const auto functions = functions_for(entry);
    if (!functions)
        return complete(op, functions.error());
    if (!entry.bound) {
        const auto bound = os::bind_source(entry.handle, entry.family, std::nullopt, entry.bound);
        if (!bound)
            return complete(op, bound.error());
    }
    if (op.target.is_loopback())
        os::windows::do_not_repeat_the_syn(entry.handle);
    const os::windows::socket_address target = os::windows::to_system(op.target);
    const BOOL connected = (*functions)
                               ->connect(socket_of(entry.handle), target.data(), target.length,
                                         nullptr, 0, nullptr, &notes.overlapped);
    const call_outcome outcome = outcome_of(connected != FALSE, phase::connect);
    if (!packet_follows(outcome, entry))
        end_connect(op, &entry, outcome.failure);
}

/// The entry is null when the socket was closed meanwhile: its number may belong to another one.
void iocp_poller::end_connect(connect_operation& op, socket_entry* entry, error failure)
{
    if (entry == nullptr)
        return complete(op, failure ? failure : error{errc::cancelled, phase::connect});
    // Until then the socket counts as not connected, and shutdown, getpeername and others fail
    // (Microsoft, ConnectEx).
    if (!failure && setsockopt(socket_of(entry->handle), SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT,
                               nullptr, 0) != 0)
        failure = last_error(phase::connect);
    if (!failure) {
        const auto peer = os::peer_address(entry->handle);
        if (!peer)
            failure = error{peer.error().code, phase::connect, peer.error().native};
    }
    complete(op, failure);
}

// --- accept ---

void iocp_poller::start_accept(accept_operation& op, socket_entry& entry)
{
    (void)iocp::begin(op);
    run_accept(op, entry);
}

void iocp_poller::run_accept(accept_operation& op, socket_entry& entry)
{
    error failure;
    for (int tries = 0; tries < max_lost_peers_per_turn; ++tries)
        if (!post_accept(op, entry, failure) || end_accept(op, &entry, failure))
            return;
    // A packet of the poller's own lets the accept go on in the next turn.
    OVERLAPPED& overlapped = of(op).overlapped;
    overlapped.Internal = iocp::status_network_name_deleted;
    if (PostQueuedCompletionStatus(port_, 0, 0, &overlapped) == FALSE)
        complete(op, failure);
}

/// Returns false if a packet will come; true if the accept has ended at once, with `failure`.
bool iocp_poller::post_accept(accept_operation& op, socket_entry& entry, error& failure)
{
    pending& notes = of(op);
    const auto functions = functions_for(entry);
    if (!functions) {
        failure = functions.error();
        return true;
    }
    const auto opened = os::open_stream(entry.family);
    if (!opened) {
        failure = error{opened.error().code, phase::accept, opened.error().native};
        return true;
    }
    notes.overlapped = {};
    notes.accepted = *opened;
    // No first data (0): a client that sends nothing would keep the place for ever.
    constexpr DWORD space = accept_operation::address_space;
    DWORD received = 0;
    const BOOL accepted = (*functions)
                              ->accept(socket_of(entry.handle), socket_of(notes.accepted),
                                       op.addresses, 0, space, space, &received, &notes.overlapped);
    const call_outcome outcome = outcome_of(accepted != FALSE, phase::accept);
    failure = outcome.failure;
    return !packet_follows(outcome, entry);
}

/// Returns true if the accept is completed; false if its peer is gone, and it is to be posted
/// again.
bool iocp_poller::end_accept(accept_operation& op, socket_entry* entry, error failure)
{
    pending& notes = of(op);
    const native_handle accepted = std::exchange(notes.accepted, invalid_handle);
    if (entry == nullptr && !failure)
        failure = error{errc::cancelled, phase::accept};
    if (!failure) {
        // The accepted socket gets the listener's properties and state: before that, shutdown,
        // getpeername and others fail (Microsoft, AcceptEx).
        const SOCKET listener = socket_of(entry->handle);
        if (setsockopt(socket_of(accepted), SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
                       reinterpret_cast<const char*>(&listener), sizeof listener) != 0)
            failure = last_error(phase::accept);
    }
    if (!failure) {
        const auto adopted = adopt(accepted, entry->family);
        if (adopted)
            op.accepted = *adopted;
        complete(op, adopted ? error{} : adopted.error());
        return true;
    }
    if (accepted != invalid_handle)
        os::close(accepted, close_mode::reset);
    if (entry != nullptr && !op.cancel_requested && lost_peer(failure) &&
        ++notes.lost_peers < max_lost_peers)
        return false;
    complete(op, failure);
    return true;
}

// --- receive and send ---

void iocp_poller::start_receive(receive_operation& op, socket_entry& entry)
{
    pending& notes = iocp::begin(op);
    // The address of an empty span may be null; nothing is written to it.
    char nothing = 0;
    WSABUF buffer;
    buffer.buf = op.buffer.empty() ? &nothing : reinterpret_cast<char*>(op.buffer.data());
    buffer.len = static_cast<ULONG>(std::min(op.buffer.size(), max_received));
    DWORD flags = 0;
    DWORD transferred = 0;
    const int called = WSARecv(socket_of(entry.handle), &buffer, 1, &transferred, &flags,
                               &notes.overlapped, nullptr);
    const call_outcome outcome = outcome_of(called == 0, phase::transfer);
    if (packet_follows(outcome, entry))
        return;
    op.transferred = transferred;
    end_transfer(op, &entry, outcome.failure);
}

void iocp_poller::start_send(send_operation& op, socket_entry& entry)
{
    pending& notes = iocp::begin(op);
    WSABUF gathered[max_buffers];
    DWORD count = 0;
    std::size_t offered = 0;
    for (const std::span<const std::byte> buffer : op.buffers) {
        if (count == max_buffers || offered == max_sent)
            break;
        if (buffer.empty())
            continue;
        const std::size_t size = std::min(buffer.size(), max_sent - offered);
        // WSASend only reads, although its parameter is not const.
        gathered[count].buf = const_cast<char*>(reinterpret_cast<const char*>(buffer.data()));
        gathered[count].len = static_cast<ULONG>(size);
        ++count;
        offered += size;
    }
    // A packet that reports a failure does not tell how much was taken before.
    op.perhaps_transferred = offered;
    DWORD transferred = 0;
    const int called = WSASend(socket_of(entry.handle), gathered, count, &transferred, 0,
                               &notes.overlapped, nullptr);
    const call_outcome outcome = outcome_of(called == 0, phase::transfer);
    if (packet_follows(outcome, entry))
        return;
    op.transferred = transferred;
    op.perhaps_transferred = 0;
    end_transfer(op, &entry, outcome.failure);
}

/// A call that ends at once overtakes an earlier one whose packet is still in the port, so it is
/// held back until that one is dequeued (rule 9). A cancelled operation is not held: the operation
/// before it may never end.
void iocp_poller::end_transfer(operation& op, socket_entry* entry, error failure)
{
    // The end of a stream is no failure.
    if (failure == errc::end_of_stream && op.kind() == operation_kind::receive)
        failure = {};
    if (entry == nullptr) {
        complete(op, failure);
        operation* next = of(op).follower;
        while (next != nullptr) {
            operation& held = *next;
            next = of(held).follower;
            complete(held, error{held.failure});
        }
        return;
    }
    list<operation>& siblings =
        op.kind() == operation_kind::send ? entry->outbound : entry->inbound;
    if (!op.cancel_requested && &siblings.front() != &op) {
        op.failure = failure;
        of(op).held = true;
        return;
    }
    complete(op, failure);
    deliver_held(siblings);
}

void iocp_poller::deliver_held(list<operation>& siblings)
{
    while (!siblings.empty() && of(siblings.front()).held) {
        operation& first = siblings.front();
        complete(first, error{first.failure});
    }
}

void iocp_poller::start_cancel(operation& op, socket_entry& entry)
{
    // A failure has nothing to cancel: ERROR_NOT_FOUND means that the packet is in the port
    // already. A held operation has ended.
    (void)CancelIoEx(file_of(entry.handle), &of(op).overlapped);
}

// --- waiting ---

void iocp_poller::dequeued(operation& op, std::uint32_t status, std::size_t transferred)
{
    socket_entry* const entry = table().find(op.socket);
    switch (op.kind()) {
    case operation_kind::connect:
        return end_connect(static_cast<connect_operation&>(op), entry,
                           iocp::error_of_status(status, phase::connect));
    case operation_kind::accept: {
        auto& accepting = static_cast<accept_operation&>(op);
        if (!end_accept(accepting, entry, iocp::error_of_status(status, phase::accept)))
            run_accept(accepting, *entry);
        return;
    }
    case operation_kind::receive:
        static_cast<receive_operation&>(op).transferred = transferred;
        break;
    case operation_kind::send: static_cast<send_operation&>(op).transferred = transferred; break;
    }
    end_transfer(op, entry, iocp::error_of_status(status, phase::transfer));
}

result<void> iocp_poller::wait(time_point until)
{
    DWORD timeout = until == never ? INFINITE : milliseconds(until - now());
    if (timeout != 0 && !waker_.may_sleep())
        timeout = 0;
    ULONG count = 0;
    const BOOL taken =
        GetQueuedCompletionStatusEx(port_, batch_, batch_size, &count, timeout, FALSE);
    const DWORD code = taken == FALSE ? GetLastError() : 0;
    waker_.awake();
    if (taken == FALSE) {
        if (code == WAIT_TIMEOUT)
            return {};
        return fail(os::translate(static_cast<int>(code), phase::none));
    }
    for (ULONG i = 0; i < count; ++i) {
        OVERLAPPED* const overlapped = batch_[i].lpOverlapped;
        if (overlapped == nullptr) // a wake
            continue;
        dequeued(iocp::owner_of(overlapped), static_cast<std::uint32_t>(overlapped->Internal),
                 batch_[i].dwNumberOfBytesTransferred);
    }
    return {};
}

} // namespace

result<std::unique_ptr<poller>> make_iocp_poller(clock& time)
{
    SLK_TRY(os::start_network());
    // One thread at a time takes packets from it.
    const HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1);
    if (port == nullptr)
        return fail(os::translate(static_cast<int>(GetLastError()), phase::setup));
    std::unique_ptr<poller> made(
        new (std::nothrow) iocp_poller(time, port, iocp::every_provider_uses_system_handles()));
    if (made == nullptr) {
        CloseHandle(port);
        return fail(errc::out_of_memory, phase::setup);
    }
    return made;
}

} // namespace slk::io
