// SPDX-License-Identifier: MPL-2.0
#include "zmtp/command.hpp"

#include "base/zmtp_fault.hpp"

#include <algorithm>

namespace slk::zmtp {

namespace {

constexpr std::string_view corrupt_error = "^RROR";
constexpr std::size_t ttl_size = 2;
constexpr duration ttl_unit = std::chrono::milliseconds(100);

constexpr command_name known[] = {
    command_name::ready,   command_name::error,    command_name::hello,
    command_name::welcome, command_name::initiate, command_name::subscribe,
    command_name::cancel,  command_name::ping,     command_name::pong,
};

unexpected broken_command(fault how, const char* detail) noexcept
{
    return fail(fault_error(how, detail));
}

std::size_t frame_size(std::size_t body) noexcept
{
    return header_size(body) + body;
}

std::size_t body_size(command_name which, std::size_t data) noexcept
{
    return 1 + name_of(which).size() + data;
}

void write_begin(writer& out, std::uint8_t flags, std::size_t body) noexcept
{
    std::array<std::byte, long_header> header{};
    const std::size_t size = write_header(header.data(), flags, body);
    out.copy(byte_view(header).first(size));
}

void write_begin(writer& out, command_name which, std::size_t data) noexcept
{
    write_begin(out, flag_command, body_size(which, data));
    out.byte(name_of(which).size());
    out.copy(name_of(which));
}

std::size_t hello_data(const credentials& client) noexcept
{
    return 1 + client.user.size() + 1 + client.password.size();
}

} // namespace

std::string_view reason_of(rejection why) noexcept
{
    switch (why) {
    case rejection::id_taken: return "id taken";
    case rejection::has_peer: return "has a peer";
    case rejection::too_many_peers:
    case rejection::too_many_peers_of_address: return "too many peers";
    }
    return "";
}

std::string_view name_of(command_name which) noexcept
{
    switch (which) {
    case command_name::unknown: return "";
    case command_name::ready: return "READY";
    case command_name::error: return "ERROR";
    case command_name::hello: return "HELLO";
    case command_name::welcome: return "WELCOME";
    case command_name::initiate: return "INITIATE";
    case command_name::subscribe: return "SUBSCRIBE";
    case command_name::cancel: return "CANCEL";
    case command_name::ping: return "PING";
    case command_name::pong: return "PONG";
    }
    return "";
}

result<command_view> parse_command(byte_view body) noexcept
{
    if (text_of(body).starts_with(corrupt_error))
        return command_view{command_name::error, body.subspan(corrupt_error.size())};
    if (body.empty() || std::to_integer<std::size_t>(body[0]) > body.size() - 1)
        return broken_command(fault::unexpected_command, "a command is shorter than its name");
    const auto size = std::to_integer<std::size_t>(body[0]);
    const std::string_view name = text_of(body.subspan(1, size));
    for (const command_name which : known)
        if (name == name_of(which))
            return command_view{which, body.subspan(1 + size)};
    return command_view{command_name::unknown, body.subspan(1 + size)};
}

result<credentials> parse_hello(byte_view data) noexcept
{
    constexpr const char* malformed = "the peer's HELLO is malformed";
    if (data.empty())
        return broken_command(fault::malformed_hello, malformed);
    const auto user_size = std::to_integer<std::size_t>(data[0]);
    if (data.size() < 1 + user_size + 1)
        return broken_command(fault::malformed_hello, malformed);
    const byte_view rest = data.subspan(1 + user_size);
    if (std::to_integer<std::size_t>(rest[0]) != rest.size() - 1)
        return broken_command(fault::malformed_hello, malformed);
    return credentials{text_of(data.subspan(1, user_size)), text_of(rest.subspan(1))};
}

result<std::string_view> parse_error(byte_view data) noexcept
{
    if (data.empty() || std::to_integer<std::size_t>(data[0]) > data.size() - 1)
        return broken_command(fault::malformed_error, "the peer's ERROR is malformed");
    return text_of(data.subspan(1, std::to_integer<std::size_t>(data[0])));
}

result<ping_view> parse_ping(byte_view data) noexcept
{
    if (data.size() < ttl_size)
        return fail(errc::protocol_error, phase::transfer, "a PING is shorter than 7 bytes");
    const byte_view context = data.subspan(ttl_size);
    return ping_view{load<std::uint16_t>(data.data()) * ttl_unit,
                     context.first(std::min(context.size(), max_ping_context))};
}

std::size_t error_frame_size(std::string_view reason, error_spelling how) noexcept
{
    const std::size_t name =
        how == error_spelling::proper ? body_size(command_name::error, 0) : corrupt_error.size();
    return frame_size(name + 1 + reason.size());
}

void write_error_frame(writer& out, std::string_view reason, error_spelling how) noexcept
{
    // A libzmq PLAIN client knows only the corrupt spelling; the proper one is an unexpected
    // command to it, and its monitor would not report the refusal.
    if (how == error_spelling::proper) {
        write_begin(out, command_name::error, 1 + reason.size());
    } else {
        write_begin(out, flag_command, corrupt_error.size() + 1 + reason.size());
        out.copy(corrupt_error);
    }
    out.byte(reason.size());
    out.copy(reason);
}

std::size_t hello_frame_size(const credentials& client) noexcept
{
    return frame_size(body_size(command_name::hello, hello_data(client)));
}

void write_hello_frame(writer& out, const credentials& client) noexcept
{
    write_begin(out, command_name::hello, hello_data(client));
    out.byte(client.user.size());
    out.copy(client.user);
    out.byte(client.password.size());
    out.copy(client.password);
}

std::size_t welcome_frame_size() noexcept
{
    return frame_size(body_size(command_name::welcome, 0));
}

void write_welcome_frame(writer& out) noexcept
{
    write_begin(out, command_name::welcome, 0);
}

std::size_t metadata_frame_size(command_name which, const own_metadata& own) noexcept
{
    return frame_size(body_size(which, metadata_size(own)));
}

void write_metadata_frame(writer& out, command_name which, const own_metadata& own) noexcept
{
    write_begin(out, which, metadata_size(own));
    write_metadata(out, own);
}

std::size_t ping_frame_size(byte_view context) noexcept
{
    return frame_size(body_size(command_name::ping, ttl_size + context.size()));
}

void write_ping_frame(writer& out, duration ttl, byte_view context) noexcept
{
    write_begin(out, command_name::ping, ttl_size + context.size());
    const duration sent = std::clamp(ttl, duration::zero(), max_ttl);
    out.number(static_cast<std::uint16_t>(sent / ttl_unit));
    out.copy(context);
}

std::size_t pong_frame_size(byte_view context) noexcept
{
    return frame_size(body_size(command_name::pong, context.size()));
}

void write_pong_frame(writer& out, byte_view context) noexcept
{
    write_begin(out, command_name::pong, context.size());
    out.copy(context);
}

std::size_t subscription_frame_size(version peer, bool subscribe, byte_view topic) noexcept
{
    if (peer != version::v3_1)
        return frame_size(1 + topic.size());
    const command_name which = subscribe ? command_name::subscribe : command_name::cancel;
    return frame_size(body_size(which, topic.size()));
}

void write_subscription_frame(writer& out, version peer, bool subscribe, byte_view topic) noexcept
{
    if (peer != version::v3_1) {
        write_begin(out, 0, 1 + topic.size());
        out.byte(subscribe ? 1 : 0);
    } else {
        write_begin(out, subscribe ? command_name::subscribe : command_name::cancel, topic.size());
    }
    out.copy(topic);
}

} // namespace slk::zmtp
