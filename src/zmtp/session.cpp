// SPDX-License-Identifier: MPL-2.0

// Output of the session, and its inputs to the machine. Receiving is in session_handshake.cpp and
// session_traffic.cpp.

#include "zmtp/session.hpp"

#include <algorithm>

namespace slk::zmtp {

namespace {

/// A 2.0 peer gets one byte, and one frame with the identity (RFC 15).
std::size_t old_greeting_size(std::string_view identity) noexcept
{
    return 1 + header_size(identity.size()) + identity.size();
}

error rejected_here(rejection why) noexcept
{
    switch (why) {
    case rejection::id_taken:
        return {errc::rejected, phase::handshake, 0, "the peer's routing id is taken"};
    case rejection::has_peer:
        return {errc::rejected, phase::handshake, 0, "this PAIR has a peer already"};
    case rejection::too_many_peers: return {errc::rejected, phase::handshake, 0, "max_peers"};
    case rejection::too_many_peers_of_address:
        return {errc::rejected, phase::handshake, 0, "max_peers_per_address"};
    }
    return {errc::rejected, phase::handshake};
}

/// To a peer that was not authenticated: ZAP's status in digits.
std::string_view status_text(int status) noexcept
{
    switch (status) {
    case 300: return "300";
    case 400: return "400";
    default: return "500";
    }
}

} // namespace

session_actions session::step(time_point now, const session_input& input) noexcept
{
    const session_actions actions = machine_.step(options_, now, input);
    // A PONG that answers no PING has a context, so that the peer can tell.
    if (actions.send.has(output::pong) && !pending_.has(output::pong) &&
        input.event != session_event::command)
        pong_size_ = pongs_ = 1;
    pending_.add(actions.send);
    return actions;
}

void session::violate(time_point now, const error& failure) noexcept
{
    session_input input{.event = session_event::violation};
    input.failure = failure;
    step(now, input);
}

arrival session::receive(time_point now, byte_view run, std::uint64_t max_messages) noexcept
{
    arrival next;
    if (curve_ != nullptr) {
        if (!metadata_waits_)
            curve_->forget_metadata();
        else if (state() == session_state::admitting || state() == session_state::ready)
            return report_metadata(next), next;
    }
    if (state() == session_state::ready && !run.empty())
        step(now, {.event = session_event::received});
    while (next.kind == arrival_kind::need && next.need == 0) {
        const byte_view rest = run.subspan(next.consumed);
        switch (state()) {
        case session_state::idle: return next;
        case session_state::greeting: receive_greeting(now, rest, next); break;
        // The owner has not decided yet.
        case session_state::admitting: return next.need = 1, next;
        case session_state::awaiting_identity: receive_old_identity(now, rest, next); break;
        case session_state::authenticating:
            // A NULL peer does not wait, and is not read before the decision.
            if (options_.security == mechanism::null)
                return next.need = 1, next;
            [[fallthrough]];
        case session_state::awaiting_hello:
        case session_state::awaiting_welcome:
        case session_state::awaiting_initiate:
        case session_state::awaiting_ready: receive_handshake(now, rest, next); break;
        case session_state::ready: receive_traffic(now, rest, max_messages, next); break;
        case session_state::failed: next.kind = arrival_kind::failed; break;
        }
    }
    return next;
}

void session::body_received(time_point now, std::uint64_t count) noexcept
{
    body_left_ -= std::min(count, body_left_);
    step(now, {.event = session_event::received});
}

void session::refuse(time_point now, int status) noexcept
{
    session_input input{.event = session_event::refused};
    input.failure = {errc::authentication_refused, phase::handshake, status,
                     "refused by this side"};
    // ZAP's 300 is temporary: the client is to run into its timeout and try again.
    input.silently = status == 300;
    step(now, input);
}

void session::reject(time_point now, rejection why, bool silently) noexcept
{
    rejected_ = why;
    session_input input{.event = session_event::refused};
    input.failure = rejected_here(why);
    input.silently = silently;
    step(now, input);
}

std::size_t session::pending() const noexcept
{
    std::size_t size = 0;
    for (std::size_t number = 0; number < output_count; ++number)
        if (pending_.has(static_cast<output>(number)))
            size += size_of(static_cast<output>(number));
    return size;
}

std::size_t session::transmit(std::span<std::byte> into) noexcept
{
    std::size_t used = 0;
    for (std::size_t number = 0; number < output_count; ++number) {
        const auto which = static_cast<output>(number);
        if (!pending_.has(which))
            continue;
        const std::size_t size = size_of(which);
        if (size > into.size() - used)
            break;
        if (which == output::ping)
            ++last_ping_;
        writer out(into.data() + used);
        write(out, which);
        used += size;
        pending_.remove(which);
    }
    return used;
}

error_spelling session::spelling() const noexcept
{
    return options_.security == mechanism::plain ? error_spelling::plain_of_libzmq
                                                 : error_spelling::proper;
}

std::string_view session::error_reason() const noexcept
{
    return rejected_ ? reason_of(*rejected_) : status_text(failure().native);
}

/// CURVE: of a frame without it that has a short header.
std::size_t session::heartbeat_size(std::size_t frame) const noexcept
{
    return curve_ != nullptr ? sealed_frame_size(frame - short_header) : frame;
}

std::size_t session::size_of_curve(output which) const noexcept
{
    return which == output::ready ? curve_peer::ready_frame_size(options_.metadata)
                                  : curve_->output().size();
}

void session::write_curve(writer& out, output which) const noexcept
{
    if (which == output::ready)
        return curve_->write_ready_frame(out, options_.metadata);
    out.copy(curve_->output());
    curve_->output_sent();
}

void session::write_sealed(writer& out, byte_view frame) const noexcept
{
    const byte_view body = frame.subspan(short_header);
    std::byte* const to = out.skip(sealed_frame_size(body.size()));
    std::byte* const inner = curve_->begin_frame(to, false, true, body.size());
    std::ranges::copy(body, inner);
    curve_->end_frame(inner, body.size());
}

std::size_t session::size_of(output which) const noexcept
{
    if (curve_ != nullptr && which >= output::hello && which <= output::ready)
        return size_of_curve(which);
    switch (which) {
    case output::signature: return signature_size;
    case output::major: return major_size - signature_size;
    case output::rest: return greeting_size - major_size;
    case output::type_and_identity: return old_greeting_size(options_.metadata.identity);
    case output::hello: return hello_frame_size(options_.own_credentials);
    case output::welcome: return welcome_frame_size();
    case output::initiate: return metadata_frame_size(command_name::initiate, options_.metadata);
    case output::ready: return metadata_frame_size(command_name::ready, options_.metadata);
    case output::error: return error_frame_size(error_reason(), spelling());
    case output::pong:
        return pongs_ * heartbeat_size(pong_frame_size(byte_view(pong_context_).first(pong_size_)));
    case output::ping: return heartbeat_size(ping_frame_size({}));
    }
    return 0;
}

void session::write(writer& out, output which) const noexcept
{
    const auto part_of_greeting = [&](std::size_t from, std::size_t to) {
        const bool is_server = options_.security != mechanism::null && options_.as_server;
        const greeting_bytes whole = make_greeting(options_.security, is_server);
        out.copy(byte_view(whole).subspan(from, to - from));
    };
    if (curve_ != nullptr && which >= output::hello && which <= output::ready)
        return write_curve(out, which);
    std::array<std::byte, short_header + 1 + 4 + 2 + max_ping_context> frame{};
    const auto seal_or_copy = [&](std::size_t size, auto write_frame) {
        if (curve_ == nullptr)
            return write_frame(out);
        writer plain(frame.data());
        write_frame(plain);
        write_sealed(out, byte_view(frame).first(size));
    };
    switch (which) {
    case output::signature: part_of_greeting(0, signature_size); break;
    case output::major: part_of_greeting(signature_size, major_size); break;
    case output::rest: part_of_greeting(major_size, greeting_size); break;
    case output::type_and_identity: {
        out.byte(static_cast<std::size_t>(options_.metadata.type));
        out.byte(0);
        out.byte(options_.metadata.identity.size());
        out.copy(options_.metadata.identity);
        break;
    }
    case output::hello: write_hello_frame(out, options_.own_credentials); break;
    case output::welcome: write_welcome_frame(out); break;
    case output::initiate:
        write_metadata_frame(out, command_name::initiate, options_.metadata);
        break;
    case output::ready: write_metadata_frame(out, command_name::ready, options_.metadata); break;
    case output::error: write_error_frame(out, error_reason(), spelling()); break;
    case output::pong:
        for (std::uint8_t number = 0; number < pongs_; ++number) {
            const byte_view context = byte_view(pong_context_).first(pong_size_);
            seal_or_copy(pong_frame_size(context),
                         [&](writer& to) { write_pong_frame(to, context); });
        }
        break;
    case output::ping:
        seal_or_copy(ping_frame_size({}),
                     [&](writer& to) { write_ping_frame(to, options_.heartbeat_ttl, {}); });
        break;
    }
}

} // namespace slk::zmtp
