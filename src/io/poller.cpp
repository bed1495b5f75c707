// SPDX-License-Identifier: MPL-2.0
#include "io/poller.hpp"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <thread>

namespace slk::io {

namespace {

constexpr const char* stale_socket = "the socket is closed, or belongs to another poller";

// In shutdown(): the number of consecutive waits that may fail, or bring nothing, until the backend
// must end its operations without the system.
constexpr int fruitless_waits = 256;
constexpr int weight_of_failed_wait = 16;
constexpr auto pause_after_fruitless_wait = std::chrono::milliseconds(1);

// A timer that is this late was kept from firing.
constexpr duration late = std::chrono::milliseconds(50);

} // namespace

poller::poller(clock& time) noexcept : clock_(time)
{
    refresh_now();
}

poller::~poller()
{
    assert(outstanding() == 0 && "shutdown() must come before the destructor");
}

time_point poller::refresh_now() noexcept
{
    // A clock may step back on a virtual machine; the poller's time does not.
    now_ = std::max(now_, clock_.now());
    return now_;
}

// --- sockets ---

result<socket_id> poller::add_socket(native_handle handle, address_family family)
{
    socket_id id;
    socket_entry* const entry = table_.add(handle, family, id);
    if (entry == nullptr) {
        close_handle(handle, close_mode::reset);
        return fail(errc::out_of_memory, phase::open);
    }
    if (auto attached = attach(id, *entry); !attached) {
        table_.remove(id);
        close_handle(handle, close_mode::reset);
        return fail(attached.error());
    }
    return id;
}

result<socket_id> poller::adopt(native_handle handle, address_family family)
{
    SLK_TRY(const socket_id id, add_socket(handle, family));
    table_.find(id)->connected = true;
    return id;
}

result<socket_id> poller::open(address_family family)
{
    if (shut_down_)
        return fail(errc::loop_closed, phase::open);
    SLK_TRY(const native_handle handle, open_handle(family));
    return add_socket(handle, family);
}

result<void> poller::bind_source(socket_id id, const std::optional<address>& source)
{
    socket_entry* const entry = table_.find(id);
    if (entry == nullptr)
        return fail(errc::invalid_state, phase::bind, stale_socket);
    return bind_handle(*entry, source);
}

result<socket_id> poller::open_listener(const address& local, const listen_settings& settings)
{
    if (shut_down_)
        return fail(errc::loop_closed, phase::listen);
    SLK_TRY(const native_handle handle, open_listening_handle(local, settings));
    SLK_TRY(const socket_id id, add_socket(handle, local.family));
    table_.find(id)->listening = true;
    return id;
}

result<address> poller::local_address(socket_id id)
{
    const socket_entry* const entry = table_.find(id);
    if (entry == nullptr)
        return fail(errc::invalid_state, phase::none, stale_socket);
    return local_address_of(*entry);
}

result<address> poller::peer_address(socket_id id)
{
    const socket_entry* const entry = table_.find(id);
    if (entry == nullptr)
        return fail(errc::invalid_state, phase::none, stale_socket);
    return peer_address_of(*entry);
}

result<void> poller::set_option(socket_id id, socket_option option, int value)
{
    const socket_entry* const entry = table_.find(id);
    if (entry == nullptr)
        return fail(errc::invalid_state, phase::tune, stale_socket);
    return set_option_of(*entry, option, value);
}

result<void> poller::bind_to_device(socket_id id, std::string_view device)
{
    const socket_entry* const entry = table_.find(id);
    if (entry == nullptr)
        return fail(errc::invalid_state, phase::bind, stale_socket);
    // Linux takes SO_BINDTODEVICE for a local socket as well, where it does nothing.
    if (entry->family == address_family::local)
        return fail(errc::not_supported, phase::bind);
    return bind_handle_to_device(*entry, device);
}

result<void> poller::shutdown_send(socket_id id)
{
    const socket_entry* const entry = table_.find(id);
    if (entry == nullptr)
        return fail(errc::invalid_state, phase::close, stale_socket);
    return shutdown_send_of(*entry);
}

bool poller::peer_has_finished(socket_id id) noexcept
{
    const socket_entry* const entry = table_.find(id);
    return entry == nullptr || peer_has_finished_of(*entry);
}

bool poller::peer_may_have_finished(socket_id id) noexcept
{
    const socket_entry* const entry = table_.find(id);
    return entry == nullptr || peer_may_have_finished_of(*entry);
}

bool poller::peer_acknowledges(socket_id id, duration within) noexcept
{
    const socket_entry* const entry = table_.find(id);
    return entry == nullptr || peer_acknowledges_of(*entry, within);
}

void poller::close(socket_id id, close_mode mode)
{
    socket_entry* const entry = table_.find(id);
    if (entry == nullptr || process_.forked())
        return;
    const auto mark = [](operation& op) { op.cancel_requested = true; };
    entry->inbound.for_each(mark);
    entry->outbound.for_each(mark);
    release(*entry, mode);
    // Operations in flight are the system's until their completions come; their socket no longer
    // finds them.
    const auto detach = [](operation& op) { op.unlink(); };
    entry->inbound.for_each(detach);
    entry->outbound.for_each(detach);
    table_.remove(id);
}

std::size_t poller::shed(socket_id listener, std::size_t max)
{
    const socket_entry* const entry = table_.find(listener);
    return entry != nullptr ? shed_from(*entry, max) : 0;
}

native_handle poller::handle_of(socket_id id) noexcept
{
    const socket_entry* const entry = table_.find(id);
    return entry != nullptr ? entry->handle : invalid_handle;
}

// --- operations ---

/// Takes the operation over. Returns false if it has completed already or was not accepted.
bool poller::submit(operation& op, socket_id id, phase in, socket_entry*& entry)
{
    if (op.in_flight()) {
        ledger::report_violation(op, "submitted while in flight");
        assert(false && "an operation was submitted while in flight");
        return false;
    }
    op.state_ = operation_state::submitted;
    op.cancel_requested = false;
    op.socket = id;
    op.failure = error{};
    ledger_.submitted(op);
    entry = table_.find(id);
    if (shut_down_ || process_.forked()) {
        complete(op, error{shut_down_ ? errc::loop_closed : errc::forked, in});
        return false;
    }
    if (entry == nullptr) {
        complete(op, error{errc::invalid_state, in, 0, stale_socket});
        return false;
    }
    const bool outbound = op.kind_ == operation_kind::connect || op.kind_ == operation_kind::send;
    (outbound ? entry->outbound : entry->inbound).push_back(op);
    return true;
}

namespace {

/// Returns the fault of a target that no system need be asked about; null: none.
const char* fault_of(const address& target, std::string_view path, address_family family)
{
    if (target.family != family)
        return "the address is of another family";
    if (target.family == address_family::local)
        return path.empty() ? "a local socket needs a path" : nullptr;
    if (target.port == 0)
        return "port 0 cannot be connected to";
    if (target.is_link_local_ipv6() && target.scope == 0)
        return "a link-local address needs a scope, as in fe80::1%eth0";
    return nullptr;
}

} // namespace

void poller::connect(connect_operation& op, socket_id id, const address& target,
                     std::string_view path)
{
    op.target = target;
    op.path = path;
    socket_entry* entry = nullptr;
    if (!submit(op, id, phase::connect, entry))
        return;
    if (const char* const fault = fault_of(target, path, entry->family); fault != nullptr)
        return complete(op, error{errc::invalid_argument, phase::connect, 0, fault});
    // Windows refuses the wildcard as a target; others treat it as the loopback.
    if (target.is_any())
        op.target = address::loopback(target.family, target.port);
    // The result of a second attempt differs by system: a refusal, an abort, or a false success.
    if (entry->attempted || entry->connected || entry->listening)
        return complete(
            op, error{errc::invalid_state, phase::connect, 0, "a socket allows one attempt only"});
    entry->attempted = true;
    start_connect(op, *entry);
    op.path = {};
}

void poller::accept(accept_operation& op, socket_id listener)
{
    op.accepted = {};
    socket_entry* entry = nullptr;
    if (!submit(op, listener, phase::accept, entry))
        return;
    if (!entry->listening)
        return complete(
            op, error{errc::invalid_argument, phase::accept, 0, "the socket does not listen"});
    start_accept(op, *entry);
}

void poller::receive(receive_operation& op, socket_id id, std::span<std::byte> buffer)
{
    op.buffer = buffer;
    op.transferred = 0;
    socket_entry* entry = nullptr;
    if (!submit(op, id, phase::transfer, entry))
        return;
    // An attempt would fail too, and could clear the error that a connect under way ends with.
    if (!entry->connected)
        return complete(op, error{errc::not_connected, phase::transfer});
    start_receive(op, *entry);
}

void poller::send(send_operation& op, socket_id id,
                  std::span<const std::span<const std::byte>> buffers)
{
    op.buffers = buffers;
    op.transferred = 0;
    op.perhaps_transferred = 0;
    socket_entry* entry = nullptr;
    if (!submit(op, id, phase::transfer, entry))
        return;
    if (!entry->connected)
        return complete(op, error{errc::not_connected, phase::transfer});
    const auto is_empty = [](std::span<const std::byte> part) { return part.empty(); };
    if (std::all_of(buffers.begin(), buffers.end(), is_empty))
        return complete(op, error{errc::invalid_argument, phase::transfer, 0, "nothing to send"});
    start_send(op, *entry);
}

void poller::cancel(operation& op)
{
    if (op.state_ != operation_state::submitted || op.cancel_requested)
        return;
    op.cancel_requested = true;
    if (socket_entry* const entry = table_.find(op.socket); entry != nullptr && !process_.forked())
        start_cancel(op, *entry);
}

void poller::complete(operation& op, const error& failure) noexcept
{
    assert(op.state_ == operation_state::submitted);
    if (op.linked())
        op.unlink();
    op.failure = failure;
    if (failure && op.cancel_requested)
        op.failure.code = errc::cancelled;
    if (op.kind_ == operation_kind::connect && !failure)
        if (socket_entry* const entry = table_.find(op.socket); entry != nullptr)
            entry->connected = true;
    op.state_ = operation_state::completed;
    completed_.push_back(op);
}

// --- watches ---

result<void> poller::check_watch(native_handle /*handle*/)
{
    return fail(errc::not_supported, phase::setup,
                "a loop on this backend cannot wait for descriptors");
}

result<void> poller::start_watch(watch& /*entry*/)
{
    return {};
}

void poller::stop_watch(watch& /*entry*/) noexcept {}

result<void> poller::begin_watch(watch& entry, native_handle handle, bool to_read, bool to_write)
{
    if (shut_down_ || process_.forked())
        return fail(shut_down_ ? errc::loop_closed : errc::forked, phase::setup);
    SLK_TRY(check_watch(handle));
    if (watches_.find(handle) != nullptr)
        return fail(errc::already_exists, phase::setup, "the descriptor is watched already");
    entry.handle = handle;
    entry.lost = false;
    if (!watches_.add(entry))
        return fail(errc::out_of_memory, phase::setup);
    return change_watch(entry, to_read, to_write);
}

result<void> poller::change_watch(watch& entry, bool to_read, bool to_write)
{
    if (process_.forked())
        return fail(errc::forked, phase::setup);
    if (!entry.id)
        return fail(errc::invalid_state, phase::setup, "the watch has ended");
    if (entry.wants_read == to_read && entry.wants_write == to_write)
        return {};
    entry.wants_read = to_read;
    entry.wants_write = to_write;
    if (entry.at == watch::stage::ready || entry.at == watch::stage::reporting)
        return {}; // it is armed after its report
    if (entry.at == watch::stage::armed) {
        if (entry.linked())
            entry.unlink();
        entry.at = watch::stage::idle; // first: stop_watch() may bring its end
        stop_watch(entry);
        watches_.renew(entry);
    }
    if (!entry.wants_any())
        return {};
    entry.at = watch::stage::armed;
    if (auto started = start_watch(entry); !started) {
        end_watch(entry);
        return started;
    }
    return {};
}

void poller::end_watch(watch& entry) noexcept
{
    if (!entry.id || process_.forked())
        return;
    if (entry.linked())
        entry.unlink();
    entry.at = watch::stage::idle; // first: stop_watch() may bring its end
    stop_watch(entry);
    watches_.remove(entry);
    entry.registered = false;
    entry.wants_read = false;
    entry.wants_write = false;
}

bool poller::watch_ready(socket_id id, bool readable, bool writable, bool failed,
                         bool lost) noexcept
{
    watch* const entry = watches_.find(id);
    if (entry == nullptr || (entry->at != watch::stage::armed && entry->at != watch::stage::ready))
        return false;
    if (entry->at == watch::stage::armed) {
        if (entry->linked())
            entry->unlink();
        entry->readable = false;
        entry->writable = false;
        entry->failed = false;
        entry->at = watch::stage::ready;
        ready_.push_back(*entry);
    }
    entry->failed = entry->failed || failed;
    entry->readable = entry->readable || readable || failed;
    entry->writable = entry->writable || writable || failed;
    entry->lost = entry->lost || lost;
    return true;
}

/// After a report.
void poller::arm_watch(watch& entry) noexcept
{
    entry.at = watch::stage::idle;
    if (!entry.wants_any() || entry.lost)
        return;
    entry.at = watch::stage::armed;
    if (!start_watch(entry))
        (void)watch_ready(entry.id, false, false, true, true);
}

void poller::deliver_reports()
{
    reporting_.take(ready_);
    while (!reporting_.empty() && !process_.forked()) {
        watch& entry = reporting_.pop_front();
        entry.at = watch::stage::reporting;
        // It may have been changed since.
        entry.readable = entry.readable && entry.wants_read;
        entry.writable = entry.writable && entry.wants_write;
        const socket_id id = entry.id;
        if (entry.readable || entry.writable || entry.lost)
            entry.on_ready(entry);
        if (watch* const left = watches_.find(id); left != nullptr && !process_.forked())
            arm_watch(*left);
    }
}

// --- running ---

void poller::arm(timer& entry, time_point deadline) noexcept
{
    if (!shut_down_)
        timers_.arm(entry, deadline);
}

void poller::deliver_completed()
{
    // A member, because a completion that calls shutdown() enters this function again, and the rest
    // of the batch is then delivered there.
    delivering_.take(completed_);
    while (!delivering_.empty() && !process_.forked()) {
        operation& op = delivering_.pop_front();
        op.state_ = operation_state::idle;
        ledger_.delivered(op);
        op.on_complete(op);
    }
}

result<void> poller::turn(time_point until)
{
    if (process_.forked())
        return {};
    refresh_now();
    waiting_ = true;
    auto waited = wait(std::min(until, wants_turn_at()));
    refresh_now();
    // The process was stopped, or kept from running, for longer than it wanted to wait. What has
    // arrived meanwhile comes before the timers: one of them may be there because nothing did.
    if (const time_point due = timers_.next_deadline(); due <= now_ && now_ - due >= late)
        (void)wait(time_point{});
    waiting_ = false;
    deliver_completed();
    deliver_reports();
    timers_.fire_due(now_);
    return waited;
}

void poller::shutdown()
{
    shut_down_ = true;
    timers_.disarm_all();
    watches_.for_each([this](watch& entry) { end_watch(entry); });
    for (socket_id id = table_.any_open(); id; id = table_.any_open())
        close(id, close_mode::graceful);
    // The system returns every operation of a closed socket sooner or later. A failed wait is no
    // reason to free memory that the system may still write to.
    int fruitless = 0;
    while (outstanding() != 0) {
        deliver_completed();
        if (outstanding() == 0 || !completed_.empty())
            continue;
        fruitless += wait(never) ? 1 : weight_of_failed_wait;
        if (!completed_.empty()) {
            fruitless = 0;
        } else if (fruitless >= fruitless_waits) {
            fruitless = 0;
            abandon();
        } else {
            std::this_thread::sleep_for(pause_after_fruitless_wait);
        }
    }
    // An accept may have succeeded after all, and its owner may have left it open.
    for (socket_id id = table_.any_open(); id; id = table_.any_open())
        close(id, close_mode::graceful);
}

} // namespace slk::io
