// SPDX-License-Identifier: MPL-2.0

// How a connection receives: the window, the handshake, and messages on their way into the lane.

#include "messaging/connection/connection.hpp"

#include "base/try_allocate.hpp"
#include "io/os/credentials.hpp"
#include "messaging/connection/zap_request.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

namespace slk::messaging {

namespace {

/// As after the temporary refusal of an authenticator, the peer gets no ERROR, and comes again.
constexpr error too_many_refusals{errc::authentication_refused, phase::handshake, 300,
                                  "too many wrong passwords from this address"};
constexpr error no_handler{errc::not_connected, phase::handshake, 0,
                           "no ZAP handler is bound to inproc://zeromq.zap.01"};
constexpr error no_memory_to_receive{errc::out_of_memory, phase::transfer, 0,
                                     "no memory for what arrives"};
constexpr error memory_used_up{errc::out_of_memory, phase::transfer, 0,
                               "max_memory of the context is used up"};

/// Bytes that are received in a row before other connections have their turn.
constexpr std::size_t max_at_once = std::size_t{256} * 1024;
/// Received with the header of the frame that follows a large body: the next body is not to be
/// copied out of the window.
constexpr std::size_t next_frame_bytes = 64;

} // namespace

/// Receives again after a pause, or gives the memory of an unfinished message back.
void connection::resume() noexcept
{
    error failure;
    if (!direct_.take_receiving(failure))
        return; // a caller is receiving, and asks for this when it leaves
    if (failure)
        return lose(failure);
    if (in_->must_give_memory_back())
        return end_for_want_of_memory();
    after_body_ = false; // a caller may have received more
    if (!paused_)
        return;
    paused_ = false;
    direct_.set_paused(false);
    session_->resume(now());
    process_window();
    send_more(); // what was held back
    arm();
}

void connection::receive_more() noexcept
{
    if (receiving_ || paused_ || !machine_.has_stream())
        return;
    // While the answer is awaited an empty window shows when the peer goes. Behind what is in the
    // window nothing is received: it moves when it is looked at.
    if (is_authenticating() && !in_->window().empty())
        return;
    const std::span<std::byte> space = in_->space(need_);
    if (space.empty())
        return in_->waits_for_memory() ? wait_for_memory() : lose(no_memory_to_receive);
    held_until_ = never;
    receiving_ = true;
    retain();
    const auto begun = stream_.receive(space, [this](const result<std::size_t>& count) {
        received(count);
        release();
    });
    if (!begun) {
        receiving_ = false;
        lose(begun.error());
        release();
    }
}

/// A part of a message has arrived, and not all of it.
bool connection::is_inside_message() noexcept
{
    return machine_.has_stream() &&
           (in_->receives_body() || !in_->window().empty() || session_->begun().parts > 0);
}

void connection::received(const result<std::size_t>& count) noexcept
{
    receiving_ = false;
    // There may be a stream behind it: the next one, which has waited for this receive to end.
    if (!count)
        return lose(count.error());
    if (!machine_.has_stream())
        return check_returned();
    if (*count == 0) {
        session_->ended(now());
        return lose(session_->failure());
    }
    after_body_ = false;
    direct_.transferred.received.add_alone(*count);
    in_->received(*count);
    session_->heard(now());
    process_window();
    if (!paused_ && !is_inside_message() && lanes_->has_paused.load(std::memory_order_relaxed)) {
        lanes_->has_paused.store(false, std::memory_order_release);
        if (near_)
            near_->on_readable();
    }
    if (!is_ready())
        report_progress();
}

void connection::report_progress() noexcept
{
    if (machine_.state() == connection_state::handshaking && observer_ != nullptr)
        observer_->handshake_progressed(session_->state() == zmtp::session_state::greeting
                                            ? handshake_stage::begun
                                            : handshake_stage::greeted);
}

/// Goes over what was received, and on to receiving more.
void connection::process_window() noexcept
{
    std::size_t allowed = max_at_once;
    do
        process_received();
    while (receive_at_once(allowed));
    notify_reader();
    if (!machine_.has_stream())
        return;
    note_sign_of_life();
    if (session_->pending() > 0 || session_->state() == zmtp::session_state::failed)
        send_more();
    receive_more();
    arm();
}

/// Where much arrives at a time: receives what is there already, without waiting. To wake the
/// reader takes as long as to receive a body of medium size, so that comes afterwards. Returns true
/// if something was received.
bool connection::receive_at_once(std::size_t& allowed) noexcept
{
    const auto* const direct = on_->core->io().direct();
    if (direct == nullptr || !machine_.has_stream() || paused_ || allowed == 0 ||
        is_authenticating())
        return false;
    const bool body = in_->receives_body();
    if (!body && !after_body_ && !in_->was_filled())
        return false;
    std::span<std::byte> space = in_->space(body ? 0 : need_);
    if (!body && after_body_)
        space = space.first(std::min(space.size(), std::max(need_, next_frame_bytes)));
    std::size_t received = 0;
    if (space.empty())
        return false;
    held_until_ = never;
    // The system reports a failure once. The end of the stream is found again by the operation that
    // follows.
    const error failure = direct->receive(stream_.native_handle(), space, received);
    if (failure && failure != errc::would_block)
        lose(failure);
    if (received == 0)
        return false;
    after_body_ = false;
    allowed -= std::min(allowed, received);
    direct_.transferred.received.add_alone(received);
    in_->received(received);
    return true;
}

void connection::process_received() noexcept
{
    if (finishing_) {
        (void)in_->end_connection();
        need_ = 0;
        return;
    }
    bool more = true;
    if (in_->receives_body()) {
        session_->body_received(now(), in_->body_progress());
        more = session_->body_left() == 0 && process_body({});
    }
    while (more && machine_.has_stream() && !is_authenticating()) {
        const std::uint64_t allowed = receives_rest_ ? UINT64_MAX : in_->credit();
        if (allowed == 0 && is_ready()) {
            pause();
            more = !paused_;
            continue;
        }
        more = process(session_->receive(now(), in_->window(), allowed));
    }
    reader_waits_ = in_->end_requests() || reader_waits_;
    if (const error failure = in_->failure(); failure && machine_.has_stream())
        lose(failure);
}

/// A peer that has gone is not noticed before the stream is read again, and may come again
/// meanwhile.
void connection::note_pause() noexcept
{
    if (!paused_ || origin_ != pipe_origin::accept || peer_id().empty() ||
        owner_->places().rule() == pattern::peer_rule::one ||
        owner_->places().rule() == pattern::peer_rule::one_for_each_id)
        return;
    lanes_->has_paused.store(true, std::memory_order_release);
    leave_unread();
}

/// The socket's queue is full. Until it has room the stream is not read, so that the peer waits.
void connection::pause() noexcept
{
    if (departs_)
        discard_arrived();
    paused_ = in_->must_wait();
    held_until_ = never;
    note_pause();
    // A publisher has to look into what it receives.
    if (paused_ && in_->allows_direct_io() && session_->state() == zmtp::session_state::ready &&
        !zmtp::is_publisher(settings_->protocol().metadata.type))
        direct_.offer_receiving(session_->begun());
    if (paused_) {
        direct_.set_paused(true);
        session_->pause(now());
    }
}

/// The budget of memory is used up, and a large message needs more. The stream is not read until
/// there is some, which on_memory() reports.
void connection::wait_for_memory() noexcept
{
    paused_ = true;
    note_pause();
    direct_.set_paused(true);
    session_->pause(now());
    if (held_until_ == never)
        look_for_memory();
}

/// Ends messages of others that hold memory for too long.
void connection::look_for_memory() noexcept
{
    held_until_ = in_->waits_for_memory() ? in_->look_for_memory(now()) : never;
}

void connection::end_for_want_of_memory() noexcept
{
    lanes_->toward[1].budget()->count_ended();
    lose(memory_used_up);
}

/// Returns true if there may be more in the window.
bool connection::process(const zmtp::arrival& found) noexcept
{
    switch (found.kind) {
    case zmtp::arrival_kind::need:
        if (found.consumed > 0)
            in_->drop(found.consumed);
        need_ = found.need;
        return false;
    case zmtp::arrival_kind::messages:
        // Commands that came before are in the window too.
        if (const std::size_t before = found.consumed - found.data.size(); before > 0)
            in_->drop(before);
        reader_waits_ = in_->take(found.found) || reader_waits_;
        return found.found.size > 0;
    case zmtp::arrival_kind::body: return process_body(found);
    case zmtp::arrival_kind::subscription:
        in_->take_request(found.subscribe, found.data, found.consumed);
        return true;
    case zmtp::arrival_kind::hello:
        if (const error why = observer_->exchange_keys(stream_.peer_address()); why) {
            give_way(why);
            return false;
        }
        in_->drop(found.consumed); // the greeting may have come with it
        return true;
    case zmtp::arrival_kind::authenticate:
        authenticate(found.client);
        if (!machine_.has_stream())
            return false;
        in_->drop(found.consumed);
        return true;
    case zmtp::arrival_kind::admit: admit(found); return machine_.has_stream();
    case zmtp::arrival_kind::ready: become_ready(found); return machine_.has_stream();
    case zmtp::arrival_kind::flush:
        in_->drop(found.consumed);
        send_more();
        // A peer that does not take our PONGs gets one when it does. It is read meanwhile: what it
        // sends is its sign of life.
        if (machine_.has_stream())
            session_->skip_pong();
        return machine_.has_stream();
    case zmtp::arrival_kind::failed: return false;
    }
    return false;
}

/// The beginning of a large body, or with an empty arrival the end of it. Returns true if all of it
/// is there.
bool connection::process_body(const zmtp::arrival& found) noexcept
{
    if (found.kind == zmtp::arrival_kind::body) {
        const std::size_t header = found.frame.header;
        if (const std::size_t before = found.consumed - header - found.data.size(); before > 0)
            in_->drop(before);
        if (!in_->begin_body(header, found.frame.size)) {
            lose(no_memory_to_receive);
            return false;
        }
        body_more_ = found.frame.more;
        // More of it may be there than the window has shown.
        session_->body_received(now(), in_->body_progress());
    }
    if (!in_->end_body())
        return false;
    after_body_ = true;
    if (!body_more_)
        reader_waits_ = in_->publish_body() || reader_waits_;
    return true;
}

void connection::authenticate(const zmtp::credentials& peer) noexcept
{
    if (has_password() && !observer_->may_authenticate())
        return lose(too_many_refusals);
    const bool by_zap = settings_->options().security.zap != zap_use::never;
    // The handler itself says what the peer is called.
    authentication_ =
        authentication::create(*this, on_->core, by_zap ? std::string_view{} : peer.user);
    if (!authentication_)
        return lose(no_memory_to_receive);
    if (by_zap)
        return ask_zap_handler(peer);
    // The authenticator may end the connection.
    const reference<authentication> asked = authentication_;
    auto decision = settings_->authenticate(peer, stream_.peer_address(), *asked);
    if (decision && asked->claim() && authentication_.get() == asked.get())
        decide(std::move(*decision));
}

void connection::ask_zap_handler(const zmtp::credentials& peer) noexcept
{
    const socket_options& options = settings_->options();
    const bool plain = options.security.mechanism == security_mechanism::plain_server;
    const std::array plain_parts{zmtp::bytes_of(peer.user), zmtp::bytes_of(peer.password)};
    zap_question question{.domain = options.security.zap_domain,
                          .peer = stream_.peer_address(),
                          .handle = stream_.native_handle(),
                          .identity = options.routing_id,
                          .mechanism = zmtp::name_of(settings_->protocol().security)};
    if (plain)
        question.credentials = plain_parts;
    else if (!peer.public_key.empty())
        question.credentials = {&peer.public_key, 1};
    auto sent = zap_request::send(on_, *authentication_, question);
    if (sent)
        return authentication_->wait_for(std::move(*sent));
    if (sent.error() == errc::would_block)
        return decide(authentication_answer::try_again);
    if (sent.error() != errc::not_connected)
        return lose(sent.error());
    if (plain || options.security.zap == zap_use::always)
        return lose(no_handler);
    decide(authentication_answer::accepted);
}

void connection::answered(authentication_answer decision) noexcept
{
    const auto kept = reference<connection>::to(*this);
    decide(std::move(decision));
    process_window();
}

void connection::decide(authentication_answer decision) noexcept
{
    const int hundreds = static_cast<int>(decision.status) / 100;
    zap_hundreds_ = static_cast<std::uint8_t>(hundreds >= 2 && hundreds <= 4 ? hundreds : 5);
    const bool right = zap_hundreds_ == 2;
    if (right && !authentication_->keep(decision))
        return lose(no_memory_to_receive);
    authentication_->set_text(std::move(decision.text));
    // An authenticator that could not decide says nothing about the password.
    const bool is_decided = right || zap_hundreds_ == 4;
    const time_point when = has_password() && is_decided
                                ? observer_->authenticated(right, now(), session_->due())
                                : now();
    if (when <= now())
        return answer();
    // Until then the peer is not read: it has nothing to say.
    held_until_ = when;
    paused_ = true;
}

void connection::answer() noexcept
{
    if (zap_hundreds_ == 2)
        session_->accept(now());
    else
        session_->refuse(now(), zap_hundreds_ * 100);
}

void connection::answer_late() noexcept
{
    held_until_ = never;
    paused_ = false;
    answer();
    process_window();
}

/// Returns false if memory is exhausted.
bool connection::note_peer_id(std::string_view routing_id) noexcept
{
    if (peer_id() == routing_id)
        return true;
    // An idle peer without one should not cost its memory.
    reference<shared_text> noted;
    if (!routing_id.empty()) {
        noted = shared_text::create(routing_id);
        if (!noted)
            return false;
    }
    log_->registry().change([&] { std::swap(record_.routing_id, noted); });
    return true;
}

/// Decides whether the peer may be one of the socket's, before it is told READY.
void connection::admit(const zmtp::arrival& found) noexcept
{
    if (!note_peer_id(zmtp::text_of(found.peer.identity)))
        return lose(no_memory_to_receive);
    const auto rejected = take_place();
    if (!rejected)
        return lose(no_memory_to_receive);
    if (*rejected) {
        owner_->counters().rejected.add(1);
        session_->reject(now(), **rejected, !connection_settings::retries(found.peer));
        in_->drop(found.consumed);
        return;
    }
    session_->accept(now());
    become_ready(found);
}

/// Takes the peer's place at the socket, and one of the endpoint's, or returns why not. Errors:
/// out_of_memory.
result<std::optional<zmtp::rejection>> connection::take_place() noexcept
{
    // One that is not let in must not displace another one.
    if (observer_ != nullptr)
        if (const auto refused = observer_->refuses())
            return refused;
    if (departs_)
        return std::nullopt;
    SLK_TRY(auto taken, owner_->places().reserve(holder(), peer_id(), now(), false, &place_from_));
    // The socket mutes it.
    if (taken == zmtp::rejection::id_taken && settings_->options().mute_duplicates)
        return std::nullopt;
    has_place_ = !taken && place_from_ != reserved_from::itself;
    return taken;
}

/// What earlier connections of this peer have left unread counts in the mark of this one.
void connection::count_unread_before() noexcept
{
    const socket_options& options = settings_->options();
    if (origin_ == pipe_origin::connect || options.conflate)
        return;
    // Bytes are not known here; the socket's thread counts them.
    const std::uint64_t enough = std::max<std::uint64_t>(options.receive_high_water_mark, 1);
    const std::uint64_t unread = owner_->places().unread_before(holder(), peer_id(), enough);
    const bool no_bytes = options.receive_high_water_bytes != 0 && unread > 0;
    lanes_->receive_mark.store(no_bytes ? no_room
                                        : left_of_mark(options.receive_high_water_mark, unread),
                               std::memory_order_release);
}

/// Returns false when memory is exhausted.
bool connection::read_metadata(const zmtp::peer_metadata& from, peer_info& into) const noexcept
{
    if (!try_assign(into.routing_id, peer_id()))
        return false;
    if (authentication_)
        into.known = authentication_->kept();
    // The standard properties have fields of their own.
    const auto for_each_other = [&](auto visit) {
        zmtp::metadata_reader properties(from.properties);
        for (auto next = properties.next(); next && *next; next = properties.next())
            if ((*next)->name.starts_with("X-") &&
                (*next)->name != connection_settings::retries_name && !visit(**next))
                return false;
        return true;
    };
    std::size_t count = 0;
    (void)for_each_other([&](const zmtp::property&) { return ++count > 0; });
    if (!try_resize(into.properties, count))
        return false;
    auto place = into.properties.begin();
    return for_each_other([&](const zmtp::property& each) {
        socket_property& to = *place++;
        return try_assign(to.name, each.name) && try_assign(to.value, each.value);
    });
}

/// A peer that the socket has not heard of yet: its thread may be busy, or wait for the answer.
void connection::probe_new_peer() noexcept
{
    const bool is_new =
        origin_ == pipe_origin::accept ||
        (origin_ == pipe_origin::link && log_->record().handshakes_succeeded.value() == 0);
    if (!settings_->options().probe_router || !is_new || departs_)
        return;
    near_->out.allocate_from(on_->pools);
    const pattern::part_view nothing{};
    if (!near_->out.write({&nothing, 1}))
        return;
    (void)near_->out.publish(); // it is sent with the end of the handshake
    near_->was_probed = true; // the socket counts it
}

/// The address of a local peer is who it is. Returns false when memory is exhausted.
bool connection::tell_local_peer(peer_info& to) noexcept
{
    if (!settings_->options().tells_origin ||
        stream_.peer_address().family != address_family::local)
        return true;
    const auto who = io::os::peer_credentials(transport_->native_handle());
    if (!who || !who->process)
        return true;
    socket_property made;
    made.value = joined({"localhost:", number_text(who->user), ":", number_text(who->group), ":",
                         number_text(*who->process)});
    return !made.value.empty() && try_assign(made.name, "Peer-Address") &&
           try_push_back(to.properties, std::move(made));
}

void connection::become_ready(const zmtp::arrival& found) noexcept
{
    if (!note_peer_id(zmtp::text_of(found.peer.identity)))
        return lose(no_memory_to_receive);
    std::unique_ptr<peer_connected> met(new (std::nothrow) peer_connected);
    if (met == nullptr || !read_metadata(found.peer, met->info) || !tell_local_peer(met->info))
        return lose(no_memory_to_receive);
    met->displaces = place_from_ == reserved_from::another_one;
    met->info.type = found.peer.type;
    met->info.speaks = session_->speaks();
    met->info.descriptor = static_cast<std::int32_t>(transport_->native_handle());
    met->info.local = stream_.local_address();
    met->info.peer = stream_.peer_address();
    met->info.since = now();
    in_->drop(found.consumed);

    if ((!near_ && !make_pipe()) || !in_->connection_ready() ||
        !in_->open_with(session_->sealing()))
        return lose(no_memory_to_receive);
    in_->keep_secret(false);
    met->peer = near_;
    count_unread_before();
    authentication_.reset();
    // From now on it is the pipe's, which may outlive its connection.
    if (origin_ == pipe_origin::link)
        has_place_ = false;
    drop_stale();
    probe_new_peer();
    out_->seal_with(session_->sealing());
    out_->connection_ready(session_->speaks());
    log_->record().handshakes_succeeded.add(1);
    log_->registry().change([&] { record_.ready = true; });
    report(event_kind::handshake_succeeded, peer_id()); // before the socket's thread knows
    if (!departs_)
        owner_->post(std::move(met));
    ready_since_ = now();
    direct_.tell_of_next_send();
    step({connection_event::handshaken});
    send_more();
}

} // namespace slk::messaging
