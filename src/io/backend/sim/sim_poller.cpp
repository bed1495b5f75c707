// SPDX-License-Identifier: MPL-2.0
#include "io/backend/sim/sim_poller.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace slk::io::sim {

namespace {

constexpr std::uint32_t none = UINT32_MAX;

/// The poller's state of an operation in flight, in its scratch space.
struct note {
    /// Its outcome is fixed, although it may be reported later.
    bool decided = false;
    /// The late cancel, if nothing ends the operation before.
    std::uint32_t late_cancel = none;
    /// The caller's list of buffers may end with its submit, so the first ones are kept.
    static constexpr std::size_t kept_buffers = 3;
    std::span<const std::byte> buffers[kept_buffers];
};
static_assert(sizeof(note) <= operation::scratch_size);

void write_note(operation& op)
{
    new (op.scratch) note{};
}

note& note_of(operation& op)
{
    return *std::launder(reinterpret_cast<note*>(op.scratch));
}

void keep_buffers(send_operation& op)
{
    note& kept = note_of(op);
    std::size_t count = 0;
    for (const std::span<const std::byte> buffer : op.buffers) {
        if (count == note::kept_buffers)
            break;
        if (!buffer.empty())
            kept.buffers[count++] = buffer;
    }
    op.buffers = {};
}

constexpr errc wait_errors[] = {errc::unknown, errc::out_of_memory, errc::invalid_argument};

} // namespace

sim_poller::sim_poller(std::shared_ptr<network> net, std::uint32_t on_host, clock& time)
    : poller(time), network_(std::move(net)), host_(on_host)
{
    number_ = network_->add_poller(*this);
}

sim_poller::~sim_poller()
{
    network_->remove_poller(*this);
}

// --- sockets ---

namespace {

constexpr const char* no_local_sockets = "the simulated network has no ipc";

} // namespace

result<void> sim_poller::check_local_name(std::string_view /*path*/) const
{
    return fail(errc::not_supported, phase::setup, no_local_sockets);
}

result<std::vector<address>> sim_poller::interface_addresses(const std::string& /*name*/)
{
    return fail(errc::address_not_available, phase::bind,
                "the simulated network has no network interfaces");
}

result<native_handle> sim_poller::open_handle(address_family family)
{
    if (family == address_family::local)
        return fail(errc::not_supported, phase::open, no_local_sockets);
    SLK_TRY(const socket_ref opened, network_->open(host_, *this));
    return to_handle(opened);
}

result<native_handle> sim_poller::open_listening_handle(const address& local,
                                                        const listen_settings& settings)
{
    if (local.family == address_family::local)
        return fail(errc::not_supported, phase::listen, no_local_sockets);
    SLK_TRY(const socket_ref opened, network_->open_listener(host_, *this, local, settings));
    return to_handle(opened);
}

result<void> sim_poller::attach(socket_id id, socket_entry& entry)
{
    network_->find(to_ref(entry.handle))->id = id;
    return {};
}

result<void> sim_poller::bind_handle(socket_entry& entry, const std::optional<address>& source)
{
    return network_->bind(*network_->find(to_ref(entry.handle)), entry.family, source);
}

result<address> sim_poller::local_address_of(const socket_entry& entry)
{
    return network_->find(to_ref(entry.handle))->local;
}

result<address> sim_poller::peer_address_of(const socket_entry& entry)
{
    const sim_socket& socket = *network_->find(to_ref(entry.handle));
    if (socket.at != stage::established || socket.failure)
        return fail(system_failure(errc::not_connected, phase::none));
    return socket.remote;
}

result<void> sim_poller::set_option_of(const socket_entry& entry, socket_option option, int value)
{
    if (network_->should_inject(fault::option_error))
        return fail(system_failure(errc::invalid_argument, phase::tune));
    sim_socket& socket = *network_->find(to_ref(entry.handle));
    switch (option) {
    case socket_option::no_delay:
    case socket_option::type_of_service: break; // nothing here depends on it
    case socket_option::keep_alive: socket.keep_alive = value != 0; break;
    case socket_option::keep_alive_idle: socket.keep_alive_idle = value; break;
    case socket_option::keep_alive_interval: socket.keep_alive_interval = value; break;
    case socket_option::keep_alive_count: socket.keep_alive_count = value; break;
    case socket_option::send_buffer: socket.send_room = static_cast<std::size_t>(value); break;
    case socket_option::receive_buffer:
        socket.receive_room = static_cast<std::size_t>(value);
        break;
    case socket_option::user_timeout: socket.user_timeout = std::chrono::milliseconds(value); break;
    }
    // The path may have closed before.
    network_->watch_path(to_ref(entry.handle));
    return {};
}

result<void> sim_poller::bind_handle_to_device(const socket_entry&, std::string_view)
{
    return fail(errc::not_supported, phase::bind, "a simulated host has no devices");
}

result<void> sim_poller::shutdown_send_of(const socket_entry& entry)
{
    return network_->end(to_ref(entry.handle));
}

bool sim_poller::peer_has_finished_of(const socket_entry& entry) noexcept
{
    return network_->peer_has_finished(to_ref(entry.handle));
}

bool sim_poller::peer_may_have_finished_of(const socket_entry& entry) noexcept
{
    return network_->peer_may_have_finished(to_ref(entry.handle));
}

bool sim_poller::peer_acknowledges_of(const socket_entry& entry, duration) noexcept
{
    return network_->peer_acknowledges(to_ref(entry.handle));
}

std::size_t sim_poller::shed_from(const socket_entry& listener, std::size_t max)
{
    return network_->shed(to_ref(listener.handle), max);
}

void sim_poller::close_handle(native_handle handle, close_mode mode) noexcept
{
    network_->close(to_ref(handle), mode);
}

// --- outcomes ---

/// Fixes the outcome.
void sim_poller::decide(operation& op, const error& failure)
{
    note& known = note_of(op);
    known.decided = true;
    if (known.late_cancel != none)
        network_->forget(std::exchange(known.late_cancel, none));
    report(op, failure, network_->lateness(fault::late_completion));
}

/// Reports the outcome at once, or later, but never before an older one of the same direction of
/// the same socket (rule 9).
void sim_poller::report(operation& op, const error& failure, duration lateness)
{
    const time_point now = network_->now();
    const socket_entry* const entry = table().find(op.socket);
    if (entry == nullptr)
        return finish(op, failure);
    time_point& latest = latest_late_of(op, *entry);
    // One that is due now may not have been reported yet.
    if (lateness == duration::zero() && latest < now)
        return finish(op, failure);
    latest = std::max(latest, now + lateness);
    (void)network_->complete_later(*this, op, failure, latest);
}

time_point& sim_poller::latest_late_of(const operation& op, const socket_entry& entry)
{
    sim_socket& socket = *network_->find(to_ref(entry.handle));
    const bool inbound =
        op.kind() == operation_kind::accept || op.kind() == operation_kind::receive;
    return inbound ? socket.late_inbound : socket.late_outbound;
}

void sim_poller::finish(operation& op, const error& failure)
{
    network_->note(std::uint64_t{op.socket.index} << 32 | std::uint64_t{number_} << 16 |
                   static_cast<std::uint64_t>(failure.code) << 2 |
                   static_cast<std::uint64_t>(op.kind()));
    complete(op, failure);
    ++completions_;
    network_->request_turn(*this);
}

void sim_poller::late(operation& op, const error& failure)
{
    note& known = note_of(op);
    known.decided = true;
    known.late_cancel = none;
    finish(op, failure);
}

void sim_poller::start_cancel(operation& op, socket_entry&)
{
    note& known = note_of(op);
    if (known.decided)
        return; // too late: its outcome is fixed
    const error failure{errc::cancelled, phase::none};
    const duration lateness = network_->lateness(fault::late_cancel);
    if (lateness > duration::zero()) {
        known.late_cancel =
            network_->complete_later(*this, op, failure, network_->now() + lateness);
        return;
    }
    known.decided = true;
    finish(op, failure);
}

void sim_poller::release(socket_entry& entry, close_mode mode)
{
    const error failure{errc::cancelled, phase::close};
    const auto end = [&](operation& op) {
        note& known = note_of(op);
        if (std::exchange(known.decided, true))
            return;
        if (known.late_cancel == none)
            return report(op, failure, network_->lateness(fault::late_cancel));
        time_point& latest = latest_late_of(op, entry);
        latest = std::max(latest, network_->time_of(known.late_cancel));
    };
    entry.inbound.for_each(end);
    entry.outbound.for_each(end);
    network_->close(to_ref(entry.handle), mode);
}

// --- operations ---

void sim_poller::start_connect(connect_operation& op, socket_entry& entry)
{
    write_note(op);
    if (const error failure = network_->connect(to_ref(entry.handle), op.target))
        decide(op, failure);
}

void sim_poller::start_accept(accept_operation& op, socket_entry& entry)
{
    write_note(op);
    serve_accepts(entry);
}

void sim_poller::start_receive(receive_operation& op, socket_entry& entry)
{
    write_note(op);
    serve_receives(entry);
}

void sim_poller::start_send(send_operation& op, socket_entry& entry)
{
    write_note(op);
    // Only the oldest waiting operation may be tried: sends do not overtake each other.
    bool first = true;
    entry.outbound.for_each(
        [&](operation& each) { first = first && (&each == &op || note_of(each).decided); });
    if (!first || !try_send(op, entry, op.buffers))
        keep_buffers(op);
}

bool sim_poller::try_connect(connect_operation& op, socket_entry& entry)
{
    const sim_socket& socket = *network_->find(to_ref(entry.handle));
    if (socket.failure)
        decide(op, {socket.failure.code, phase::connect, socket.failure.native});
    else if (socket.at == stage::established)
        decide(op, {});
    else
        return false;
    return true;
}

bool sim_poller::try_accept(accept_operation& op, socket_entry& entry)
{
    const socket_ref listener = to_ref(entry.handle);
    const auto next = network_->next_waiting(listener);
    if (!next)
        return false;
    if (network_->should_inject(fault::accept_error)) {
        const errc code = network_->random_accept_error();
        // Such a connection is gone; a lack of memory or descriptors leaves it in the queue.
        if (code != errc::too_many_descriptors && code != errc::out_of_memory)
            (void)network_->shed(listener, 1);
        decide(op, system_failure(code, phase::accept));
        return true;
    }
    const host& here = host_here();
    if (here.limits.descriptors != 0 && here.descriptors >= here.limits.descriptors) {
        decide(op, system_failure(errc::too_many_descriptors, phase::accept));
        return true;
    }
    network_->accepted(*next, *this);
    if (auto adopted = adopt(to_handle(*next), entry.family)) {
        op.accepted = *adopted;
        decide(op, {});
    } else {
        decide(op, adopted.error());
    }
    return true;
}

bool sim_poller::try_receive(receive_operation& op, socket_entry& entry)
{
    const error outcome = network_->receive(to_ref(entry.handle), op.buffer, op.transferred);
    if (outcome == errc::would_block)
        return false;
    decide(op, outcome);
    return true;
}

bool sim_poller::try_send(send_operation& op, socket_entry& entry,
                          std::span<const std::span<const std::byte>> buffers)
{
    const error outcome = network_->send(to_ref(entry.handle), buffers, op.transferred);
    if (outcome == errc::would_block)
        return false;
    decide(op, outcome);
    return true;
}

// --- carrying on ---

void sim_poller::serve(socket_id id)
{
    socket_entry* const entry = table().find(id);
    if (entry == nullptr)
        return;
    if (entry->listening)
        return serve_accepts(*entry);
    serve_outbound(*entry);
    serve_receives(*entry);
}

void sim_poller::serve_accepts(socket_entry& entry)
{
    bool more = true;
    entry.inbound.for_each([&](operation& op) {
        if (more && !note_of(op).decided)
            more = try_accept(static_cast<accept_operation&>(op), entry);
    });
}

void sim_poller::serve_receives(socket_entry& entry)
{
    bool more = true;
    entry.inbound.for_each([&](operation& op) {
        if (more && !note_of(op).decided)
            more = try_receive(static_cast<receive_operation&>(op), entry);
    });
}

void sim_poller::serve_outbound(socket_entry& entry)
{
    bool more = true;
    entry.outbound.for_each([&](operation& op) {
        if (!more || note_of(op).decided)
            return;
        if (op.kind() == operation_kind::connect)
            more = try_connect(static_cast<connect_operation&>(op), entry);
        else
            more = try_send(static_cast<send_operation&>(op), entry, note_of(op).buffers);
    });
}

// --- waiting ---

void sim_poller::wake() noexcept
{
    woken_.store(true, std::memory_order_release);
    noticed_.store(true, std::memory_order_release);
    network_->woken();
}

result<void> sim_poller::wait(time_point until)
{
    // Late outcomes are reported now: no time passes for a loop that ends.
    if (shutting_down())
        network_->complete_all_late(*this);
    else if (!driven)
        network_->advance(*this, network_->should_inject(fault::idle_turn) ? time_point{} : until);
    completions_ = 0;
    woken_.exchange(false, std::memory_order_acq_rel);
    if (network_->should_inject(fault::wait_error))
        return fail(system_failure(
            wait_errors[scale(network_->random(), std::size(wait_errors) - 1)], phase::none));
    return {};
}

time_point sim_poller::network_time_of(time_point until)
{
    host& here = host_here();
    time_point there = never;
    if (&time_source() == &here.time) {
        there = network_->network_time(here, std::min(until, wants_turn_at()));
    } else if (until != never) {
        // For another clock only the remaining time can be converted to the network's time.
        there = after(network_->now(), until - std::min(until, time_source().now()));
    }
    return std::max(there, here.suspended_until);
}

} // namespace slk::io::sim
