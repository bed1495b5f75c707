// SPDX-License-Identifier: MPL-2.0

// A connection's life: requests of the pipe, streams that come and go, and sending.

#include "messaging/connection/connection.hpp"

#include "base/try_allocate.hpp"
#include "base/wipe.hpp"
#include "messaging/connection/latest_wire.hpp"
#include "messaging/connection/raw_wire.hpp"
#include "messaging/connection/request_wire.hpp"
#include "messaging/connection/sealed_wire.hpp"
#include "messaging/connection/shared_wire_out.hpp"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

namespace slk::messaging {

namespace {

constexpr error no_memory_to_send{errc::out_of_memory, phase::transfer, 0,
                                  "no memory for the rest of a message"};
constexpr error stalled_too_long{errc::timed_out, phase::transfer, 0,
                                 "the peer has not read for stalled_timeout"};
constexpr error not_taken{errc::timed_out, phase::close, 0,
                          "the peer's system has taken nothing for peer_timeout"};
constexpr error loop_ends{errc::cancelled, phase::close, 0, "the loop ends"};

} // namespace

struct connection::wires {
    std::unique_ptr<wire_out> out;
    std::unique_ptr<wire_in> in;

    /// Either is null when memory is exhausted.
    void seal(const zmtp::session_options& options,
              const std::shared_ptr<memory_budget>& budget) noexcept
    {
        std::unique_ptr<wire_out> out_of(new (std::nothrow)
                                             sealed_wire_out(std::move(out), budget));
        std::unique_ptr<wire_in> into(new (std::nothrow) sealed_wire_in(std::move(in), options));
        out = std::move(out_of);
        in = std::move(into);
    }
};

reference<connection> connection::create(std::shared_ptr<io_loop> on,
                                         std::shared_ptr<const connection_settings> settings,
                                         reference<inbox> owner, pipe_origin origin,
                                         reference<endpoint_log> log, lane::chunk_pools& pools)
{
    const zmtp::socket_type type = settings->protocol().metadata.type;
    const bool publishes = zmtp::is_publisher(type);
    const bool conflates = settings->options().conflate;
    const auto lanes =
        pipe_lanes::create(pools, conflates, publishes && !conflates, conflated_lanes(type));
    if (!lanes)
        return {};
    // The loop writes to what leads to the socket.
    lanes->toward[1].use(on->pools);
    latest_slots* const latest = lanes->latest.get();
    if (latest != nullptr) {
        latest->received.use(on->pools);
        latest->toward[0].count_replaced(owner, owner->counters().conflated_sent);
        latest->toward[1].count_replaced(owner, owner->counters().conflated_received);
    }
    wires made;
    // Subscriptions go their own way.
    if (const auto& topics = settings->topics())
        made.out.reset(new (std::nothrow) request_wire_out(lanes->toward[0], topics, on->pools));
    else if (latest != nullptr)
        made.out.reset(new (std::nothrow)
                           latest_wire_out(lanes->toward[0], latest->toward[0], on->pools));
    else if (lanes->shared != nullptr)
        made.out.reset(new (std::nothrow) shared_wire_out(*lanes->shared, lanes->toward[0]));
    else if (settings->is_raw())
        made.out.reset(new (std::nothrow) raw_wire_out(lanes->toward[0]));
    else
        made.out.reset(new (std::nothrow) lane_wire_out(lanes->toward[0]));
    if (publishes)
        made.in.reset(new (std::nothrow) request_wire_in(lanes->toward[1], *lanes));
    else if (latest != nullptr)
        made.in.reset(new (std::nothrow)
                          latest_wire_in(latest->received, latest->toward[1], *lanes));
    else if (const socket_options& options = settings->options(); settings->is_raw())
        made.in.reset(new (std::nothrow) raw_wire_in(
            lanes->toward[1], *lanes, options.stream_notices, options.max_chunk_size));
    else
        made.in.reset(new (std::nothrow) lane_wire_in(lanes->toward[1], *lanes));
    if (made.out != nullptr && made.in != nullptr && settings->is_sealed())
        made.seal(settings->protocol(), lanes->toward[0].budget());
    if (made.out == nullptr || made.in == nullptr)
        return {};
    auto all = reference<connection>::adopt(
        new (std::nothrow) connection(std::move(on), std::move(settings), std::move(owner), lanes,
                                      std::move(made), origin, std::move(log)));
    return all && try_reserve(all->direct_.pieces, direct_io::min_pieces) ? all
                                                                          : reference<connection>{};
}

reference<connection>
connection::create_connecting(std::shared_ptr<io_loop> on,
                              std::shared_ptr<const connection_settings> settings,
                              reference<inbox> owner, pipe_origin origin,
                              reference<endpoint_log> log, lane::chunk_pools& pools)
{
    auto made =
        create(std::move(on), std::move(settings), std::move(owner), origin, std::move(log), pools);
    return made && made->make_pipe() ? made : reference<connection>{};
}

reference<connection> connection::create_single(std::shared_ptr<io_loop> on,
                                                std::shared_ptr<const connection_settings> settings,
                                                reference<inbox> owner, pipe_origin origin,
                                                reference<endpoint_log> log)
{
    lane::chunk_pools& pools = on->pools;
    return create(std::move(on), std::move(settings), std::move(owner), origin, std::move(log),
                  pools);
}

connection::connection(std::shared_ptr<io_loop> on,
                       std::shared_ptr<const connection_settings> settings, reference<inbox> owner,
                       reference<pipe_lanes> lanes, wires made, pipe_origin origin,
                       reference<endpoint_log> log) noexcept
    : on_(std::move(on)), settings_(std::move(settings)), owner_(std::move(owner)),
      lanes_(std::move(lanes)), log_(std::move(log)), out_(std::move(made.out)),
      in_(std::move(made.in)),
      direct_(*out_, *in_, *settings_, *on_->core, on_->by_caller, lanes_->bytes), origin_(origin),
      machine_(origin != pipe_origin::connect)
{
    lanes_->receive_mark.store(left_of_mark(settings_->options().receive_high_water_mark, 0),
                               std::memory_order_relaxed);
    lanes_->receive_bytes.store(settings_->options().receive_high_water_bytes,
                                std::memory_order_relaxed);
    record_.endpoint = &log_->record();
    record_.lanes = lanes_.get();
    in_->set_memory_user(*this);
    out_->set_user(*this);
    timer_.owner = this;
    timer_.on_expiry = [](io::timer& self) noexcept {
        auto& mine = *static_cast<connection*>(self.owner);
        const auto kept = reference<connection>::to(mine);
        mine.expire();
    };
    task_.owner = this;
    task_.run = [](io::task& self) noexcept {
        auto& mine = *static_cast<connection*>(self.owner);
        mine.serve(mine.requests_.exchange(0, std::memory_order_seq_cst));
        mine.release();
    };
    task_.drop = [](io::task& self) noexcept { static_cast<connection*>(self.owner)->release(); };
}

connection::~connection()
{
    log_->registry().remove(record_);
    drop_control();
}

bool connection::make_pipe() noexcept
{
    near_ = reference<pipe>::adopt(new (std::nothrow) pipe(lanes_, 0, origin_, false));
    if (!near_)
        return false;
    // The bytes for one connection of a STREAM make no sense to the next one.
    near_->immediate =
        origin_ == pipe_origin::link && (settings_->options().immediate || settings_->is_raw());
    near_->on_reconnect = settings_->options().on_reconnect;
    near_->far = reference<far_end>::to(*this);
    near_->endpoint = log_->number;
    near_->report_to(owner_);
    return true;
}

// --- requests of other threads ---

void connection::request(std::uint32_t what) noexcept
{
    // A thread that runs the loop itself need not wait for the next turn.
    if (on_->by_caller && on_->core->may_touch() && !on_->core->closed()) {
        const auto kept = reference<connection>::to(*this);
        return serve(what);
    }
    post_request(what);
}

void connection::post_request(std::uint32_t what) noexcept
{
    if (requests_.fetch_or(what, std::memory_order_seq_cst) != 0)
        return;
    retain(); // the task's
    if (!on_->core->post(task_))
        release();
}

void connection::request_because(std::uint32_t what, const error& reason) noexcept
{
    {
        const std::lock_guard lock(on_->reason_guard);
        request_reason_ = reason;
    }
    request(what);
}

error connection::request_reason() noexcept
{
    const std::lock_guard lock(on_->reason_guard);
    return request_reason_;
}

void connection::pipe_closed(const error& reason) noexcept
{
    request_because(wants_close, reason);
}

void connection::disconnect(const error& reason) noexcept
{
    request_because(wants_disconnect, reason);
}

void connection::finish() noexcept
{
    request(wants_finish);
}

void connection::serve(std::uint32_t requests) noexcept
{
    if ((requests & wants_descriptor_back) != 0 && transport_ && !direct_.is_busy()) {
        transport_->descriptor_returned();
        check_returned();
    }
    if ((requests & wants_close) != 0)
        return end(request_reason());
    if ((requests & wants_disconnect) != 0)
        return lose(request_reason());
    if ((requests & wants_finish) != 0 && machine_.state() == connection_state::waiting)
        return give_up(closed_by_owner); // it had no stream yet
    if (!machine_.has_stream())
        return watch_for_deadline();
    if ((requests & wants_deadlines) != 0)
        arm();
    if ((requests & wants_receive) != 0)
        resume();
    if ((requests & wants_finish) != 0)
        begin_to_finish();
    if (!machine_.has_stream())
        return;
    if ((requests & (wants_send | wants_finish)) != 0) {
        send_more();
        arm();
    }
}

// --- direct I/O: on the thread that uses the socket ---

void connection::send_or_notify() noexcept
{
    if (!send_now())
        on_readable();
}

bool connection::send_now() noexcept
{
    // The loop looks at deadlines.
    if (lanes_->toward[0].has_deadlines()) [[unlikely]]
        return false;
    switch (direct_.send()) {
    case direct_io::attempt::none: return false;
    case direct_io::attempt::done: return true;
    case direct_io::attempt::notify:
    case direct_io::attempt::no_memory: request(wants_send | wants_descriptor_back); return true;
    }
    return false;
}

result<bool> connection::send_body(std::span<const std::byte> body,
                                   message_detail::shared_memory* owner) noexcept
{
    if (lanes_->toward[0].has_deadlines())
        return false;
    switch (direct_.send_body(lanes_->toward[0], body, owner)) {
    case direct_io::attempt::none: return false;
    case direct_io::attempt::done: return true;
    case direct_io::attempt::notify: request(wants_send | wants_descriptor_back); return true;
    case direct_io::attempt::no_memory:
        request(wants_send | wants_descriptor_back);
        return fail(errc::out_of_memory, phase::transfer);
    }
    return false;
}

bool connection::receive_now(lane::chunk_pools& pools) noexcept
{
    switch (direct_.receive(pools, on_->pools)) {
    case direct_io::attempt::none: return false;
    case direct_io::attempt::done: return true;
    case direct_io::attempt::notify:
    case direct_io::attempt::no_memory: request(wants_receive | wants_descriptor_back); return true;
    }
    return false;
}

bool connection::release_descriptor() noexcept
{
    return direct_.release_descriptor();
}

// --- the life of a stream ---

/// Does what the machine asks for. `reason`: why the stream ends, or the connection.
void connection::step(const connection_input& input, const error& reason) noexcept
{
    const auto kept = reference<connection>::to(*this);
    stop_watching();
    const connection_actions actions = machine_.step(input);
    reference<authentication> asked;
    const auto asks = [&](connection_action which) { return actions.has(which); };
    using enum connection_action;

    if (asks(close_stream) || asks(drain_stream)) {
        ending_because_ = reason;
        asked = std::exchange(authentication_, {});
        if (asked)
            asked->abandon();
        on_->core->io().disarm(timer_);
        if (asks(drain_stream))
            connection::drain_stream();
        else
            stream_.close(reason);
    }
    if (asks(report_failed))
        log_->handshake_failed(reason, record_.number, transport_->peer(),
                               asked ? std::string_view(asked->text()) : std::string_view());
    if (asks(report_disconnected) && !departs_ &&
        owner_->post(peer_disconnected{near_, machine_.state() == connection_state::closed},
                     ending_because_) &&
        place_from_ != reserved_from::itself)
        has_place_ = true; // nobody knows the pipe, which may have had it
    // Behind the event: the next peer's comes after it.
    if (input.event == connection_event::returned || machine_.state() == connection_state::closed)
        leave_place();
    if (asks(connection_action::finish))
        leave();
    if (asks(connection_action::begin))
        begin_stream();
    if (asks(connection_action::report_connected) && observer_ != nullptr)
        observer_->connection_ready();
    if (machine_.state() == connection_state::ending)
        check_returned();
    watch_for_deadline();
}

void connection::begin(stream next)
{
    if (machine_.last())
        return;
    next_stream_ = std::move(next);
    step({connection_event::stream});
}

void connection::begin_stream() noexcept
{
    assert(machine_.state() == connection_state::handshaking);
    assert(!sending_ && !receiving_ && !draining_ && !session_);
    stream_ = std::move(next_stream_);
    transport_ = reference<link_detail::stream_core>::to(*stream_.core());
    transport_->lend_descriptor(this);
    direct_.begin(stream_.native_handle());
    read_ = taken();
    answers_before_ = arrived();
    receives_rest_ = false;
    ready_since_ = held_since_ = never;
    ping_ = 0;
    sent_at_last_look_ = read_;
    progress_at_ = now();
    log_->registry().change([&] {
        record_.number = log_->events().next_connection();
        record_.address = transport_->peer();
    });
    log_->registry().add(record_);
    log_->record().connections.add(1);
    timed_ping_ = 0;
    report(origin_ == pipe_origin::accept ? event_kind::accepted : event_kind::connected, {});
    stalled_since_ = never;
    paused_ = false;
    after_body_ = false;
    need_ = 0;
    held_until_ = never;
    out_->begin_connection();
    in_->keep_secret(settings_->protocol().as_server);
    session_.emplace(observer_ != nullptr && observer_->tells_ready_last()
                         ? settings_->protocol_where_crowded()
                         : settings_->protocol(origin_));
    session_->start(now());
    if (!linked())
        on_->core->add(*this);
    retain(); // the stream's, given back when it has ended
    // A raw stream has no handshake.
    if (session_->state() == zmtp::session_state::admitting)
        admit({});
    else if (session_->state() == zmtp::session_state::ready)
        become_ready({});
    send_more();
    receive_more();
    arm();
}

/// Reports an event of the present stream.
void connection::report(event_kind kind, std::string_view routing_id, const error& reason,
                        std::uint64_t count, duration delay) noexcept
{
    log_->emit(kind, [&](slk::event& made) {
        made.connection = record_.number;
        made.address = transport_->peer();
        made.descriptor = transport_->native_handle();
        made.reason = reason;
        made.count = count;
        made.delay = delay;
        return try_assign(made.routing_id, routing_id);
    });
}

void connection::arm() noexcept
{
    if (machine_.has_stream())
        on_->core->io().arm(timer_, std::min({session_->due(), direct_.next_look(), stall_ends(),
                                              held_until_, finish_ends(), next_deadline()}));
}

void connection::expire() noexcept
{
    if (!machine_.has_stream())
        return watch_for_deadline();
    const time_point at = now();
    if (at >= next_deadline()) {
        if (!is_ready() || direct_.take_sending())
            (void)drop_expired();
        send_more();
        if (!machine_.has_stream())
            return;
    }
    if (at >= held_until_ && !is_ready())
        return answer_late();
    const bool silent = session_->suspects(at);
    session_->tick(at, silent && lives_in_silence(), taken() != read_);
    if (is_ready())
        look_for_stall(silent);
    if (at >= stall_ends())
        return lose(stalled_too_long);
    if (at >= finish_ends())
        return end(not_taken);
    if (at >= held_until_)
        look_for_memory();
    // At once: a send that is under way to a dead peer would never come back.
    if (session_->state() == zmtp::session_state::failed)
        return lose(session_->failure());
    if (session_->pending() > 0 || !direct_.keep_watching(at))
        send_more();
    arm();
}

void connection::lose(const error& reason) noexcept
{
    step({connection_event::lost}, reason);
}

void connection::end(const error& reason) noexcept
{
    next_stream_ = {};
    step({connection_event::close}, reason);
}

void connection::give_up(const error& reason) noexcept
{
    const reference<connection> kept = reference<connection>::to(*this);
    const reference<pipe> peer = near_;
    end(reason);
    if (peer)
        owner_->post(peer_disconnected{peer, true}, reason);
}

void connection::give_way(const error& reason) noexcept
{
    if (machine_.state() != connection_state::handshaking)
        return; // it ends already
    stream_.reset();
    lose(reason);
}

void connection::close(duration timeout, connection_observer& until_closed)
{
    next_stream_ = {};
    if (machine_.state() == connection_state::closed) {
        observer_ = nullptr;
        return until_closed.connection_closed();
    }
    observer_ = &until_closed;
    if (draining_ && timeout > duration::zero())
        return; // drain_sent() has limited it
    // A peer that was sent messages may still be reading them. Were the stream closed now, the
    // peer's next PING, or bytes that were not read on this side, would make the system reset the
    // connection.
    const bool drain = is_ready() && timeout > duration::zero() && taken() != read_;
    drain_timeout_ = timeout;
    step({connection_event::close, drain}, closed_by_owner);
}

/// What the lane holds is still sent, as long as the peer's system takes some of it. What arrives
/// is thrown away, so that the peer's end is seen.
void connection::begin_to_finish() noexcept
{
    finishing_ = true;
    sent_at_last_look_ = taken() + transport_->sent();
    progress_at_ = now();
    resume();
}

time_point connection::finish_ends() const noexcept
{
    const duration limit = settings_->options().peer_timeout;
    return finishing_ && limit > duration::zero() ? after(progress_at_, limit) : never;
}

/// Everything was sent.
void connection::drain_to_finish() noexcept
{
    next_stream_ = {};
    drain_timeout_ = settings_->options().linger;
    step({connection_event::close, drain_timeout_ > duration::zero()}, closed_by_owner);
}

// --- the socket has parted from the connection ---

void connection::depart(time_point deadline) noexcept
{
    const auto kept = reference<connection>::to(*this);
    if (machine_.state() == connection_state::closed) {
        if (observer_ != nullptr)
            std::exchange(observer_, nullptr)->connection_closed();
        return;
    }
    departs_ = true;
    departs_until_ = deadline;
    out_->depart();
    // Another peer may have its place.
    has_place_ = false;
    if (owner_->places().release(holder(), peer_id()))
        owner_->place_freed();
    if (near_) {
        near_->stop_reporting();
        lanes_->receive_mark.store(left_of_mark(0, 0), std::memory_order_relaxed);
        lanes_->receive_bytes.store(0, std::memory_order_relaxed);
        discard_arrived();
    }
    if (deadline <= now() || (!is_ready() && !has_unsent()))
        return end(closed_by_owner);
    if (!is_ready())
        return;
    resume();
    send_more();
    arm();
}

bool connection::has_unsent() const noexcept
{
    const message_counts all = queue();
    return all.written != all.replaced + all.taken;
}

/// Everything was sent.
void connection::drain_to_depart() noexcept
{
    next_stream_ = {};
    drain_timeout_ = departs_until_ == never ? duration::max() : departs_until_ - now();
    if (observer_ != nullptr)
        observer_->everything_sent();
    const bool drain = drain_timeout_ > duration::zero() && taken() != read_;
    step({connection_event::close, drain}, closed_by_owner);
}

/// The connection has ended, and nobody else counts what is left.
void connection::count_unsent() noexcept
{
    const message_counts all = queue();
    const std::uint64_t unsent = all.written - all.replaced - all.taken;
    if (unsent == 0)
        return;
    owner_->counters().unsent.add(unsent);
    log_->emit(event_kind::dropped, [&](slk::event& made) {
        made.drop = drop_reason::unsent;
        made.count = unsent;
        return try_assign(made.routing_id, peer_id());
    });
}

/// The pipe may read from elsewhere.
pipe_in connection::arriving() const noexcept
{
    return {lanes_->toward[1], lanes_->slot_of(1)};
}

/// As the socket would have read it.
void connection::discard_arrived() noexcept
{
    if (!near_)
        return;
    std::uint64_t messages = 0;
    pipe_in from = arriving();
    do
        for (message part; from.read(part); part.clear())
            messages += part.more() ? 0 : 1;
    while (from.fetch(on_->pools));
    from.update_consumed_bytes();
    (void)from.consume(messages, false);
}

bool connection::drain_sent(duration timeout) noexcept
{
    if (!is_ready() || !near_ || taken() == read_)
        return false;
    const message_counts sent = near_->out.counts();
    if (sent.written != sent.replaced + sent.taken)
        return false;
    drain_timeout_ = timeout;
    step({connection_event::close, true}, closed_by_owner);
    return true;
}

void connection::drain_stream() noexcept
{
    (void)direct_.release_descriptor();
    // A receive that is under way keeps its memory until it comes back (check_returned()).
    if (receiving_)
        in_->withdraw_claim();
    retain();
    // A peer that finishes before this side does may not read any more.
    const bool finished_first = transport_->peer_has_finished();
    draining_ = true;
    const auto begun = stream_.close_after_drain(
        drain_timeout_, [this, finished_first](const error& reason) noexcept {
            draining_ = false;
            if (!reason && !finished_first)
                read_ = taken();
            check_returned();
            release();
        });
    if (!begun) {
        draining_ = false;
        stream_.close(closed_by_owner);
        release();
    }
}

void connection::loop_closing() noexcept
{
    step({connection_event::close}, loop_ends);
}

/// When everything that was under way has come back, the next stream may begin.
void connection::check_returned() noexcept
{
    if (machine_.state() != connection_state::ending || receiving_ || direct_.is_busy())
        return;
    // Not before the last receive into it has come back.
    if (in_->end_connection() && near_)
        near_->on_readable();
    if (sending_ || draining_)
        return;
    out_->end_connection();
    const auto kept = reference<connection>::to(*this);
    // A caller that has left may not have posted its request yet: nothing waits for it.
    transport_->descriptor_returned();
    session_.reset();
    transport_->lend_descriptor(nullptr);
    if (linked())
        on_->core->remove(*this);
    release(); // the stream's
    const bool was_ready = ready_since_ != never;
    // Only now is it known how much of the last send the system has taken.
    look_for_refusal();
    count_unconfirmed();
    lanes_->published_at_end.store(lanes_->toward[1].produced(), std::memory_order_release);
    log_->registry().change([&] { record_.ready = record_.stalled = false; });
    if (was_ready && zmtp::is_silence(ending_because_))
        report(event_kind::heartbeat_missed, peer_id());
    report(event_kind::disconnected, was_ready ? peer_id() : std::string_view{}, ending_because_);
    step({connection_event::returned});
    if (!machine_.has_stream())
        transport_.reset();
}

void connection::leave() noexcept
{
    notify_reader();
    if (departs_)
        count_unsent();
    log_->registry().remove(record_);
    near_.reset();
    if (connection_observer* const observer = std::exchange(observer_, nullptr);
        observer != nullptr)
        observer->connection_closed();
}

// --- the peer's place ---

place_holder connection::holder() const noexcept
{
    return origin_ == pipe_origin::accept ? place_holder{.lanes = lanes_.get()}
                                          : place_holder{.endpoint = log_->number};
}

/// The peer may come again before the socket's thread has read what is here.
void connection::leave_unread() noexcept
{
    if (!near_ || departs_ || origin_ == pipe_origin::connect || settings_->options().conflate)
        return;
    lanes_->published_at_pause.store(lanes_->toward[1].produced(), std::memory_order_release);
    owner_->places().leave_unread(holder(), peer_id(), lanes_);
}

void connection::leave_place() noexcept
{
    leave_unread();
    // Nothing of the peer is left but what the socket knows already.
    if (near_ && machine_.state() == connection_state::closed && arriving().was_read() &&
        place_from_ != reserved_from::another_one)
        near_->count_out();
    if (std::exchange(has_place_, false) && owner_->places().release(holder(), peer_id()))
        owner_->place_freed();
}

// --- sending ---

/// Puts what is to be sent next into direct_.pieces.
connection::gathered connection::gather() noexcept
{
    direct_.pieces.clear();
    offered_control_ = 0;
    offers_ping_ = false;
    if (session_->pending() > 0 && !out_->inside_frame() && may_send_heartbeat()) {
        const std::uint32_t ping_before = session_->last_ping();
        if (!try_resize(control_, session_->pending()))
            return gathered::no_memory;
        offered_control_ = static_cast<std::uint32_t>(session_->transmit(control_));
        direct_.pieces.emplace_back(control_.data(), offered_control_);
        offers_ping_ = session_->last_ping() != ping_before;
    }
    if (offers_ping_ && ping_ == 0) {
        ping_ = session_->last_ping();
        taken_before_ping_ = taken();
    }
    if (is_ready() && session_->state() == zmtp::session_state::ready)
        out_->gather(direct_.pieces, drop_expired());
    if (direct_.pieces.empty() && out_->why_torn())
        return gathered::no_memory;
    return direct_.pieces.empty() ? gathered::nothing : gathered::something;
}

void connection::send_more() noexcept
{
    if (!machine_.has_stream())
        return;
    // Once ready, a failed session has nothing left to send. A peer that does not take what is
    // being sent is not waited for.
    if (is_ready() && session_->state() == zmtp::session_state::failed)
        return lose(session_->failure());
    if (const error why = out_->why_torn())
        return lose(why);
    if (sending_ || !direct_.take_sending())
        return;
    if (direct_.is_torn())
        return lose(no_memory_to_send);
    if (holds_back()) {
        // While the rest waits for memory, on_memory() resumes.
        if (receives_rest_ && held_until_ == never)
            resume();
        return;
    }
    ask_what_was_read();
    for (gathered found = gather(); found != gathered::something; found = gather()) {
        if (found == gathered::no_memory)
            return lose(out_->why_torn() ? out_->why_torn() : no_memory_to_send);
        if (session_->state() == zmtp::session_state::failed)
            return lose(session_->failure());
        if (departs_ && is_ready())
            return drain_to_depart();
        if (finishing_ && is_ready())
            return drain_to_finish();
        if (!is_ready() || direct_.offer_sending(now()))
            return;
    }
    sending_ = true;
    sent_before_ = transport_->sent();
    retain();
    const auto begun = stream_.send(direct_.pieces, [this](const result<std::size_t>& count) {
        sent(count);
        release();
    });
    if (!begun) {
        sending_ = false;
        drop_control();
        lose(begun.error());
        release();
    }
}

/// A handshake has the longest of these texts, and an idle peer should not cost its memory. A
/// password may be among them.
void connection::drop_control() noexcept
{
    wipe(control_);
    control_ = {};
}

void connection::sent(const result<std::size_t>& count) noexcept
{
    sending_ = false;
    // Bytes that a broken connection took are not sent again.
    const std::uint64_t taken = count ? *count : transport_->sent() - sent_before_;
    direct_.transferred.sent.add_alone(taken);
    if (offers_ping_ && taken >= offered_control_ && session_) {
        session_->ping_taken(now());
        // Its answer may have come before this report that it was taken.
        if (timed_ping_ == 0 && session_->answered_ping() < session_->last_ping()) {
            timed_ping_ = session_->last_ping();
            timed_since_ = now();
        }
    }
    if (taken > offered_control_) {
        const auto progress = out_->taken(static_cast<std::size_t>(taken) - offered_control_, true);
        if (progress.notify && near_)
            near_->on_writable();
    }
    if (offered_control_ > 0)
        drop_control();
    if (!count)
        lose(count.error());
    if (!machine_.has_stream())
        return check_returned();
    send_more();
    arm();
}

} // namespace slk::messaging
