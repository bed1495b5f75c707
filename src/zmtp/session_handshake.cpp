// SPDX-License-Identifier: MPL-2.0

// What a session receives before it is ready.

#include "base/zmtp_fault.hpp"
#include "zmtp/session.hpp"

#include <algorithm>

namespace slk::zmtp {

namespace {

constexpr error no_command =
    fault_error(fault::unexpected_command, "a message came before the end of the handshake");
constexpr error no_zmtp =
    fault_error(fault::unreported, "the peer uses ZMTP 1.0, which is not supported");
constexpr error handshake_too_large =
    fault_error(fault::unreported, "the peer's handshake is larger than max_handshake_size",
                errc::message_too_large);
constexpr error metadata_too_large =
    fault_error(fault::unreported, "the peer's metadata is larger than max_metadata_size",
                errc::message_too_large);

/// The longest name of a command that has metadata, with its length.
constexpr std::size_t initiate_name = 1 + 8;
/// Commands without metadata: HELLO has two texts with their lengths.
constexpr std::size_t max_other_command = 1 + 5 + 2 * (1 + 255);

/// Converts the peer's ERROR. libzmq's reason is ZAP's status; the reason of others may be a
/// sentence, which is not kept.
error refusal(std::string_view reason) noexcept
{
    error failure{errc::authentication_refused, phase::handshake, 0, "refused by the peer"};
    if (reason == reason_of(rejection::id_taken))
        return {errc::rejected, phase::handshake, 0, "the peer has another with this routing id"};
    if (reason == reason_of(rejection::has_peer))
        return {errc::rejected, phase::handshake, 0, "the peer is a PAIR that has a peer already"};
    if (reason == reason_of(rejection::too_many_peers))
        return {errc::rejected, phase::handshake, 0, "the peer has as many peers as it takes"};
    for (const auto& [digits, status] :
         {std::pair{"300", 300}, std::pair{"400", 400}, std::pair{"500", 500}})
        if (reason == digits)
            failure.native = status;
    return failure;
}

/// Returns whether a frame of this header may be part of the handshake.
error check_handshake_frame(const header_view& seen, std::size_t used,
                            const session_options& options) noexcept
{
    if (!seen.frame.command)
        return no_command;
    if (seen.failure)
        return fault_error(fault::unreported, seen.failure.detail, seen.failure.code);
    const std::size_t left =
        options.max_handshake_size - std::min(used, options.max_handshake_size);
    if (seen.frame.header + seen.frame.size > left)
        return handshake_too_large;
    const std::size_t sealed =
        options.security == mechanism::curve ? curve_initiate_overhead : initiate_name;
    return seen.frame.size > std::max(sealed + options.max_metadata_size, max_other_command)
               ? metadata_too_large
               : error{};
}

} // namespace

void session::receive_greeting(time_point now, byte_view run, arrival& next) noexcept
{
    const greeting_view seen = inspect_greeting(run);
    if (seen.signature)
        step(now, {.event = session_event::signature});
    // A revision of 0, or no identity of 1.0.
    if (seen.speaks == version::v1_0 && (seen.signature || run[0] == std::byte{0}))
        return violate(now, no_zmtp);
    session_input input{.event = session_event::revision};
    input.speaks = seen.speaks.value_or(version::v3_1);
    if (seen.speaks || seen.may_send_rest)
        step(now, input);
    if (state() == session_state::awaiting_identity)
        next.consumed += major_size;
    next.need = seen.need;
    if (!seen.complete)
        return;
    if (const auto same = check_mechanism(run.first(greeting_size), options_.security); !same)
        return violate(now, same.error());
    if (options_.security == mechanism::curve && !options_.as_server) {
        auto begun = curve_peer::begin(*options_.curve);
        if (!begun)
            return violate(now, begun.error());
        curve_ = std::move(*begun);
    }
    input.event = session_event::greeted;
    step(now, input);
    next.consumed += greeting_size;
    if (state() == session_state::authenticating)
        next.kind = arrival_kind::authenticate;
}

// ZMTP 2.0 (RFC 15): one byte for the socket type, then one frame with the identity.
void session::receive_old_identity(time_point now, byte_view rest, arrival& next) noexcept
{
    constexpr std::size_t type_size = 1;
    if (rest.size() < type_size + short_header) {
        next.need = type_size + short_header - rest.size();
        return;
    }
    const auto type = std::to_integer<std::size_t>(rest[0]);
    if (type >= socket_type_count)
        return violate(now,
                       fault_error(fault::unreported, "the peer names an unknown socket type"));
    next.peer.type = static_cast<socket_type>(type);
    if (!may_talk(options_.metadata.type, *next.peer.type))
        return violate(
            now, fault_error(fault::unreported, "the peer's socket type does not suit this one"));
    const header_view seen = read_header(rest.subspan(type_size), {});
    if (seen.need > 0) {
        next.need = seen.need;
        return;
    }
    if (seen.frame.command || seen.frame.more || seen.frame.size > max_identity)
        return violate(now, {errc::protocol_error, phase::handshake, 0,
                             "the peer's identity is no frame of at most 255 bytes"});
    const std::size_t whole =
        type_size + seen.frame.header + static_cast<std::size_t>(seen.frame.size);
    if (rest.size() < whole) {
        next.need = whole - rest.size();
        return;
    }
    next.peer.identity =
        rest.subspan(type_size + seen.frame.header, static_cast<std::size_t>(seen.frame.size));
    if (const auto good = check_identity(next.peer.identity); !good)
        return violate(now, good.error());
    step(now, {.event = session_event::identity});
    next.consumed += whole;
    next.kind = state() == session_state::admitting ? arrival_kind::admit : arrival_kind::ready;
}

void session::receive_handshake(time_point now, byte_view rest, arrival& next) noexcept
{
    const header_view seen = read_header(rest, {.part = max_size, .command = max_size});
    if (seen.need > 0) {
        next.need = seen.need;
        return;
    }
    const error broken = check_handshake_frame(seen, handshake_bytes_, options_);
    if (broken)
        return violate(now, broken);
    const std::size_t whole = seen.frame.header + static_cast<std::size_t>(seen.frame.size);
    if (rest.size() < whole) {
        next.need = whole - rest.size();
        return;
    }
    if (options_.ask_before_keys && state() == session_state::awaiting_hello &&
        options_.security == mechanism::curve && !told_hello_) {
        told_hello_ = true;
        next.kind = arrival_kind::hello;
        return;
    }
    handshake_bytes_ += static_cast<std::uint32_t>(whole); // at most max_handshake_size
    const auto command = parse_command(rest.subspan(seen.frame.header, whole - seen.frame.header));
    if (!command)
        return violate(now, command.error());
    const auto input = read_handshake_command(now, *command, next);
    if (!input)
        return violate(now, input.error());
    step(now, *input);
    next.consumed += whole;
    if (state() == session_state::authenticating) {
        next.kind = arrival_kind::authenticate;
        if (metadata_waits_)
            next.client.public_key = curve_->client_key();
    } else if (state() == session_state::admitting)
        next.kind = arrival_kind::admit;
    else if (state() == session_state::ready)
        next.kind = arrival_kind::ready;
}

/// Reads the data of the command that is due now; the machine refuses all others.
result<session_input> session::read_handshake_command(time_point now, const command_view& seen,
                                                      arrival& next) noexcept
{
    session_input input{.event = session_event::command};
    input.command = seen.name;
    if (options_.security == mechanism::curve && seen.name != command_name::error) {
        SLK_TRY(read_curve_command(now, seen, next));
        return input;
    }
    switch (seen.name) {
    case command_name::hello:
        if (state() == session_state::awaiting_hello) {
            SLK_TRY(next.client, parse_hello(seen.data));
        }
        break;
    case command_name::welcome:
        if (!seen.data.empty())
            return fail(errc::protocol_error, phase::handshake, "the peer's WELCOME has data");
        break;
    case command_name::initiate:
    case command_name::ready: {
        if (seen.data.size() > options_.max_metadata_size)
            return fail(metadata_too_large);
        SLK_TRY(next.peer, parse_metadata(seen.data, options_.metadata.type));
        break;
    }
    case command_name::error: {
        SLK_TRY(const std::string_view reason, parse_error(seen.data));
        input.failure = refusal(reason);
        break;
    }
    case command_name::unknown:
    case command_name::subscribe:
    case command_name::cancel:
    case command_name::ping:
    case command_name::pong: break;
    }
    return input;
}

/// The same with CURVE. A command that is not due is left to the machine.
result<void> session::read_curve_command(time_point now, const command_view& seen,
                                         arrival& next) noexcept
{
    const auto check_metadata = [&](peer_metadata& into) -> result<void> {
        const byte_view all = curve_->metadata();
        if (all.size() > options_.max_metadata_size)
            return fail(metadata_too_large);
        SLK_TRY(into, parse_metadata(all, options_.metadata.type));
        return {};
    };
    if (seen.name == command_name::hello && state() == session_state::awaiting_hello) {
        SLK_TRY(curve_, curve_peer::accept(*options_.curve, seen.data, now));
    } else if (seen.name == command_name::welcome && state() == session_state::awaiting_welcome) {
        SLK_TRY(curve_->take_welcome(seen.data, options_.metadata));
    } else if (seen.name == command_name::initiate && state() == session_state::awaiting_initiate) {
        SLK_TRY(curve_->take_initiate(seen.data, now));
        peer_metadata checked;
        SLK_TRY(check_metadata(checked));
        metadata_waits_ = true; // until its key is accepted
    } else if (seen.name == command_name::ready && state() == session_state::awaiting_ready) {
        SLK_TRY(curve_->take_ready(seen.data));
        SLK_TRY(check_metadata(next.peer));
    }
    return {};
}

/// A CURVE client was accepted: who it is came with its key.
void session::report_metadata(arrival& next) noexcept
{
    metadata_waits_ = false;
    // It was checked when it came.
    if (const auto seen = parse_metadata(curve_->metadata(), options_.metadata.type))
        next.peer = *seen;
    next.kind = state() == session_state::admitting ? arrival_kind::admit : arrival_kind::ready;
}

} // namespace slk::zmtp
