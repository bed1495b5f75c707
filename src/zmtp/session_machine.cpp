// SPDX-License-Identifier: MPL-2.0
#include "zmtp/session_machine.hpp"

#include "base/zmtp_fault.hpp"

#include <algorithm>
#include <utility>

namespace slk::zmtp {

namespace {

using enum session_state;

// clang-format off
constexpr session_transition transitions[] = {
    {idle, session_event::start, greeting, "the greeting is sent, or its signature"},
    {idle, session_event::start, admitting, "raw: the owner is asked"},
    {idle, session_event::start, ready, "raw"},

    {greeting, session_event::signature, greeting, "the greeting is staged: 3 is sent"},
    {greeting, session_event::revision, greeting, "the greeting is staged: its rest is sent"},
    {greeting, session_event::revision, awaiting_identity, "2.0: type and identity are sent"},
    {greeting, session_event::revision, failed, "1.0, or 2.0 that is not allowed"},
    {greeting, session_event::greeted, awaiting_ready, "NULL: READY is sent, or comes last"},
    {greeting, session_event::greeted, authenticating, "NULL: the owner is asked"},
    {greeting, session_event::greeted, awaiting_welcome, "client: HELLO is sent"},
    {greeting, session_event::greeted, awaiting_hello, "server"},
    {greeting, session_event::timer, failed, ""},
    {greeting, session_event::violation, failed, ""},
    {greeting, session_event::ended, failed, ""},

    {awaiting_identity, session_event::identity, ready, ""},
    {awaiting_identity, session_event::identity, admitting, "the owner is asked"},
    {awaiting_identity, session_event::timer, failed, ""},
    {awaiting_identity, session_event::violation, failed, ""},
    {awaiting_identity, session_event::ended, failed, ""},

    {awaiting_hello, session_event::command, authenticating, "PLAIN: HELLO"},
    {awaiting_hello, session_event::command, awaiting_initiate, "CURVE: HELLO; WELCOME is sent"},
    {awaiting_hello, session_event::command, failed, "any other"},
    {awaiting_hello, session_event::timer, failed, ""},
    {awaiting_hello, session_event::violation, failed, ""},
    {awaiting_hello, session_event::ended, failed, ""},

    {authenticating, session_event::accepted, awaiting_ready, "NULL: READY is sent, or comes last"},
    {authenticating, session_event::accepted, awaiting_initiate, "PLAIN: WELCOME is sent"},
    {authenticating, session_event::accepted, ready, "CURVE: READY is sent"},
    {authenticating, session_event::accepted, admitting, "CURVE: the owner is asked"},
    {authenticating, session_event::refused, failed, "ERROR is sent, unless the status is 300"},
    {authenticating, session_event::command, failed, "the client has to wait"},
    {authenticating, session_event::timer, failed, ""},
    {authenticating, session_event::violation, failed, ""},
    {authenticating, session_event::ended, failed, ""},

    {awaiting_welcome, session_event::command, awaiting_ready, "WELCOME: INITIATE is sent"},
    {awaiting_welcome, session_event::command, failed, "ERROR, or any other"},
    {awaiting_welcome, session_event::timer, failed, ""},
    {awaiting_welcome, session_event::violation, failed, ""},
    {awaiting_welcome, session_event::ended, failed, ""},

    {awaiting_initiate, session_event::command, ready, "PLAIN: INITIATE; READY is sent"},
    {awaiting_initiate, session_event::command, admitting, "PLAIN: INITIATE; the owner is asked"},
    {awaiting_initiate, session_event::command, authenticating, "CURVE: INITIATE; the owner is asked"},
    {awaiting_initiate, session_event::command, failed, "any other"},
    {awaiting_initiate, session_event::timer, failed, ""},
    {awaiting_initiate, session_event::violation, failed, ""},
    {awaiting_initiate, session_event::ended, failed, ""},

    {awaiting_ready, session_event::command, ready, "READY"},
    {awaiting_ready, session_event::command, admitting, "READY: the owner is asked"},
    {awaiting_ready, session_event::command, failed, "ERROR, or any other"},
    {awaiting_ready, session_event::timer, failed, ""},
    {awaiting_ready, session_event::violation, failed, ""},
    {awaiting_ready, session_event::ended, failed, ""},

    {admitting, session_event::accepted, ready, "READY is sent, if it comes last"},
    {admitting, session_event::refused, failed, "ERROR is sent, if READY would come last"},
    {admitting, session_event::timer, failed, ""},
    {admitting, session_event::violation, failed, ""},
    {admitting, session_event::ended, failed, ""},

    {ready, session_event::received, ready, "the peer is alive"},
    {ready, session_event::command, ready, "PING: PONG is sent; other commands are ignored"},
    {ready, session_event::sent, ready, "PING is due earlier"},
    {ready, session_event::ping_taken, ready, "the wait for the answer begins"},
    {ready, session_event::paused, ready, "PONG is sent, if the peer waits for a sign of life"},
    {ready, session_event::resumed, ready, ""},
    {ready, session_event::timer, ready, "PING is due (while paused PONG), or the peer lives in silence"},
    {ready, session_event::timer, failed, "the peer was silent for too long"},
    {ready, session_event::violation, failed, ""},
    {ready, session_event::ended, failed, ""},
};
// clang-format on

constexpr error silent{errc::timed_out, phase::transfer, 0, "the peer was silent for too long"};
constexpr error out_of_time{errc::timed_out, phase::handshake, 0, "handshake_timeout"};
/// While this side does not receive, it cannot answer PINGs, and shows that it lives by itself. How
/// long the peer waits for an answer is not known: it gets several signs between two of its PINGs.
constexpr int signs_per_ping = 8;
constexpr duration min_sign_interval = std::chrono::milliseconds(50);
/// Between the PINGs of a peer that has sent only one.
constexpr duration assumed_peer_interval = std::chrono::seconds(2);

constexpr error unexpected_command = fault_error(
    fault::unexpected_command, "a command that has no place at this point of the handshake");

/// While messages are sent, PINGs ask more often whether they were read.
constexpr int questions_per_ping = 10;

/// The silence after a PING that ends the session; 0: none.
duration patience(const session_options& options) noexcept
{
    return options.heartbeat_timeout.value_or(options.heartbeat_interval);
}

/// READY comes last: of NULL where the owner asks for it, and of a PLAIN or CURVE server.
bool sends_ready_last(const session_options& options, version speaks) noexcept
{
    if (speaks == version::v2_0)
        return false;
    return options.security == mechanism::null ? options.ready_last : options.as_server;
}

} // namespace

std::span<const session_transition> session_transitions() noexcept
{
    return transitions;
}

std::string_view name_of(session_state state) noexcept
{
    switch (state) {
    case idle: return "idle";
    case greeting: return "greeting";
    case awaiting_identity: return "awaiting_identity";
    case awaiting_hello: return "awaiting_hello";
    case authenticating: return "authenticating";
    case awaiting_welcome: return "awaiting_welcome";
    case awaiting_initiate: return "awaiting_initiate";
    case awaiting_ready: return "awaiting_ready";
    case admitting: return "admitting";
    case ready: return "ready";
    case failed: return "failed";
    }
    return "";
}

std::string_view name_of(session_event event) noexcept
{
    switch (event) {
    case session_event::start: return "start";
    case session_event::signature: return "signature";
    case session_event::revision: return "revision";
    case session_event::greeted: return "greeted";
    case session_event::identity: return "identity";
    case session_event::command: return "command";
    case session_event::accepted: return "accepted";
    case session_event::refused: return "refused";
    case session_event::received: return "received";
    case session_event::sent: return "sent";
    case session_event::ping_taken: return "ping_taken";
    case session_event::paused: return "paused";
    case session_event::resumed: return "resumed";
    case session_event::timer: return "timer";
    case session_event::violation: return "violation";
    case session_event::ended: return "ended";
    }
    return "";
}

session_actions session_machine::step(const session_options& options, time_point now,
                                      const session_input& input) noexcept
{
    switch (input.event) {
    case session_event::start: return start(options, now);
    case session_event::signature:
        if (state_ != greeting || !std::exchange(major_held_back_, false))
            return {};
        return {.send = {output::major}};
    case session_event::revision: return decide(options, input.speaks);
    case session_event::greeted: return begin_handshake(options, input.speaks);
    case session_event::identity:
        return state_ == awaiting_identity ? meet(options, now) : session_actions{};
    case session_event::command: return take(options, now, input);
    case session_event::accepted: return accept(options, now);
    case session_event::refused: return refuse(options, input);
    case session_event::received:
        if (state_ == ready)
            hear(now);
        return {};
    case session_event::sent:
        if (state_ == ready && reading_ && next_ping_ != never)
            next_ping_ = std::min(
                next_ping_,
                std::max(now, after(pinged_at_, options.heartbeat_interval / questions_per_ping)));
        return {};
    case session_event::ping_taken:
        if (silent_at_ != never && !std::exchange(ping_taken_, true))
            silent_at_ = after(now, patience(options));
        return {};
    case session_event::paused: return pause(options, now);
    case session_event::resumed: return resume(options, now);
    case session_event::timer: return expire(options, now, input);
    case session_event::violation: return fail(input.failure);
    case session_event::ended:
        // A CURVE server says nothing to a client that does not know its key.
        return fail({errc::end_of_stream, phase::transfer, 0,
                     state_ == awaiting_welcome && options.security == mechanism::curve
                         ? "the peer has closed after HELLO: it may have another key"
                         : "the peer has closed"});
    }
    return {};
}

session_actions session_machine::start(const session_options& options, time_point now) noexcept
{
    if (state_ != idle)
        return {};
    if (options.raw)
        return meet(options, now);
    state_ = greeting;
    if (options.handshake_timeout > duration::zero())
        handshake_ends_ = after(now, options.handshake_timeout);
    // A 3.x peer takes the whole greeting at once. A 2.0 peer would read the end of it as messages,
    // so a side that may use 2.0 does not send it before the peer's version is known.
    major_held_back_ = rest_held_back_ = options.accept_2_0;
    if (options.accept_2_0)
        return {.send = {output::signature}};
    return {.send = {output::signature, output::major, output::rest}};
}

session_actions session_machine::decide(const session_options& options, version peer) noexcept
{
    if (state_ != greeting)
        return {};
    switch (peer) {
    case version::v1_0:
        return fail(
            fault_error(options.security == mechanism::null ? fault::not_spoken : fault::unreported,
                        "the peer uses ZMTP 1.0, which is not supported"));
    case version::v2_0: break;
    case version::v3_0:
    case version::v3_1:
        if (!std::exchange(rest_held_back_, false))
            return {};
        return {.send = {output::rest}};
    }
    // Version 2.0 has no mechanisms: accepting it would bypass authentication.
    if (options.security != mechanism::null)
        return fail(
            fault_error(fault::unreported, options.security == mechanism::plain
                                               ? "the peer uses ZMTP 2.0, which has no PLAIN"
                                               : "the peer uses ZMTP 2.0, which has no CURVE"));
    if (options.ask_with_null)
        return fail(
            fault_error(fault::unreported, "the peer uses ZMTP 2.0, which has no authentication"));
    if (!options.accept_2_0)
        return fail({errc::protocol_error, phase::handshake, 0,
                     "the peer uses ZMTP 2.0, and accept_2_0 is off"});
    speaks_ = version::v2_0;
    state_ = awaiting_identity;
    return {.send = {output::type_and_identity}};
}

session_actions session_machine::begin_handshake(const session_options& options,
                                                 version peer) noexcept
{
    if (state_ != greeting)
        return {};
    speaks_ = peer;
    switch (options.security) {
    case mechanism::null:
        if (!options.ask_with_null)
            return await_ready(options);
        state_ = authenticating;
        return {};
    case mechanism::plain:
    case mechanism::curve: break;
    }
    state_ = options.as_server ? awaiting_hello : awaiting_welcome;
    return options.as_server ? session_actions{} : session_actions{.send = {output::hello}};
}

session_actions session_machine::await_ready(const session_options& options) noexcept
{
    state_ = awaiting_ready;
    return sends_ready_last(options, speaks_) ? session_actions{}
                                              : session_actions{.send = {output::ready}};
}

/// Who the peer is, is known.
session_actions session_machine::meet(const session_options& options, time_point now) noexcept
{
    if (options.ask_about_peer) {
        state_ = admitting;
        return {};
    }
    const bool answers = state_ == awaiting_initiate || state_ == authenticating;
    return become_ready(options, now, answers ? outputs{output::ready} : outputs{});
}

session_actions session_machine::accept(const session_options& options, time_point now) noexcept
{
    if (state_ == admitting)
        return become_ready(
            options, now, sends_ready_last(options, speaks_) ? outputs{output::ready} : outputs{});
    if (state_ != authenticating)
        return {};
    switch (options.security) {
    case mechanism::null: return await_ready(options);
    case mechanism::plain: break;
    case mechanism::curve: return meet(options, now); // who it is came with its credentials
    }
    state_ = awaiting_initiate;
    return {.send = {output::welcome}};
}

session_actions session_machine::refuse(const session_options& options,
                                        const session_input& input) noexcept
{
    if (state_ != authenticating && state_ != admitting)
        return {};
    // Behind a READY the peer does not expect an ERROR any more.
    const bool tells =
        !input.silently && (state_ == authenticating || sends_ready_last(options, speaks_));
    fail(input.failure);
    return tells ? session_actions{.send = {output::error}} : session_actions{};
}

session_actions session_machine::take(const session_options& options, time_point now,
                                      const session_input& input) noexcept
{
    switch (state_) {
    case idle:
    case greeting:
    case awaiting_identity:
    case admitting:
    case failed: return {};
    case awaiting_hello:
        if (input.command != command_name::hello)
            return fail(unexpected_command);
        if (options.security == mechanism::curve) {
            state_ = awaiting_initiate;
            return {.send = {output::welcome}};
        }
        state_ = authenticating;
        return {};
    case authenticating: return fail(unexpected_command);
    case awaiting_welcome:
        if (input.command == command_name::error)
            return fail(input.failure);
        if (input.command != command_name::welcome)
            return fail(unexpected_command);
        state_ = awaiting_ready;
        return {.send = {output::initiate}};
    case awaiting_initiate:
        if (input.command != command_name::initiate)
            return fail(unexpected_command);
        if (options.security != mechanism::curve)
            return meet(options, now);
        state_ = authenticating;
        return {};
    case awaiting_ready:
        if (input.command == command_name::error)
            return fail(input.failure);
        if (input.command != command_name::ready)
            return fail(unexpected_command);
        return meet(options, now);
    case ready: break;
    }
    // A second READY, ERROR and unknown commands are ignored.
    return take_heartbeat(now, input);
}

/// RFC 23, "the PING and PONG commands".
session_actions session_machine::take_heartbeat(time_point now, const session_input& input) noexcept
{
    if (input.command != command_name::ping && input.command != command_name::pong)
        return {};
    peer_answers_pings_ = true;
    if (input.command == command_name::pong)
        return {};
    hear(now);
    // PINGs that have waited while this side was paused come all at once.
    if (heard_ping_ != never && now - heard_ping_ >= min_sign_interval)
        peer_interval_ = now - heard_ping_;
    heard_ping_ = now;
    owes_sign_ = false;
    if (input.ttl > duration::zero())
        ttl_ends_ = after(now, input.ttl);
    promised_at_ = never;
    return {.send = {output::pong}};
}

session_actions session_machine::become_ready(const session_options& options, time_point now,
                                              outputs send) noexcept
{
    state_ = ready;
    pinged_at_ = now;
    handshake_ends_ = never;
    peer_answers_pings_ = speaks_ == version::v3_1 && !options.raw;
    // Version 2.0 has no commands. libzmq sends PING to 3.0 peers too, although the RFC does not.
    if (options.heartbeat_interval > duration::zero() && speaks_ != version::v2_0)
        next_ping_ = after(now, options.heartbeat_interval);
    return {.send = send};
}

session_actions session_machine::pause(const session_options& options, time_point now) noexcept
{
    if (state_ != ready || !std::exchange(reading_, false))
        return {};
    stop_waiting();
    owes_sign_ = heard_ping_ != never;
    next_ping_ = std::min(next_ping_, after(now, sign_interval(options)));
    return std::exchange(promised_at_, never) != never ? session_actions{.send = {output::pong}}
                                                       : session_actions{};
}

bool is_silence(const error& reason) noexcept
{
    return reason.detail == silent.detail;
}

session_actions session_machine::resume(const session_options& options, time_point now) noexcept
{
    if (state_ != ready || std::exchange(reading_, true))
        return {};
    const bool beats = options.heartbeat_interval > duration::zero() && speaks_ != version::v2_0;
    const time_point next = beats ? after(now, options.heartbeat_interval) : never;
    next_ping_ = owes_sign_ ? std::min(next_ping_, next) : next;
    return {};
}

/// Between the signs of life of a side that does not receive.
duration session_machine::sign_interval(const session_options& options) const noexcept
{
    if (speaks_ == version::v2_0)
        return duration::max();
    duration interval = options.heartbeat_interval > duration::zero() ? options.heartbeat_interval
                                                                      : duration::max();
    const duration theirs =
        peer_interval_ > duration::zero() ? peer_interval_ : assumed_peer_interval;
    if (heard_ping_ != never)
        interval = std::min(interval, std::max(theirs / signs_per_ping, min_sign_interval));
    return interval;
}

session_actions session_machine::expire(const session_options& options, time_point now,
                                        const session_input& input) noexcept
{
    if (now >= handshake_ends_)
        return fail(out_of_time);
    if (suspects(now)) {
        if (!input.lives)
            return fail(silent);
        ttl_ends_ = never;
        if (silent_at_ != never)
            silent_at_ = after(now, patience(options));
    }
    if (now < next_ping_)
        return {};
    next_ping_ = !reading_ ? after(now, sign_interval(options))
                 : options.heartbeat_interval > duration::zero()
                     ? after(now, options.heartbeat_interval)
                     : never;
    if (std::exchange(owes_sign_, false) || !reading_)
        return {.send = {output::pong}};
    const duration interval = options.heartbeat_interval;
    if (!input.asks_what_was_read && now < after(heard_at_, interval)) {
        next_ping_ = after(heard_at_, interval);
        // The ttl is several intervals.
        if (promised_at_ == never || now < promised_at_ + interval * 3 / 2)
            return {};
        promised_at_ = never;
        return {.send = {output::pong}};
    }
    if (silent_at_ == never && patience(options) > duration::zero())
        silent_at_ = after(now, patience(options));
    pinged_at_ = now;
    promised_at_ = options.heartbeat_ttl > duration::zero() ? now : never;
    return {.send = {output::ping}};
}

session_actions session_machine::fail(error reason) noexcept
{
    if (!running())
        return {};
    reason.phase = state_ == ready ? phase::transfer : phase::handshake;
    state_ = failed;
    handshake_ends_ = next_ping_ = silent_at_ = ttl_ends_ = never;
    reason_ = reason;
    return {};
}

bool session_machine::running() const noexcept
{
    return state_ != idle && state_ != failed;
}

// Any byte is a sign of life, not only a whole frame: a large body may take longer than any
// timeout.
void session_machine::hear(time_point now) noexcept
{
    heard_at_ = now;
    stop_waiting();
}

void session_machine::stop_waiting() noexcept
{
    silent_at_ = never;
    ttl_ends_ = never;
    ping_taken_ = false;
}

time_point session_machine::due() const noexcept
{
    return std::min({handshake_ends_, next_ping_, silent_at_, ttl_ends_});
}

} // namespace slk::zmtp
