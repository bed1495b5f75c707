// SPDX-License-Identifier: MPL-2.0

// The boxes of CURVE: sizes and offsets are those of RFC 26, and of what libzmq 4.3.4 sends.

#include "zmtp/curve/peer.hpp"

#include "base/wipe.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace slk::zmtp {

namespace {

constexpr std::string_view message_name = "\7MESSAGE";

} // namespace

result<locked_slot> curve_peer::take_slot() noexcept
{
    locked_slot made = locked_slot::take();
    if (!made)
        return fail(errc::out_of_memory, phase::handshake, "no memory for the keys");
    return made;
}

bool curve_peer::make_block(std::size_t size, bool is_output) noexcept
{
    free_block();
    block_.reset(new (std::nothrow) std::byte[std::max<std::size_t>(size, 1)]);
    if (block_ == nullptr)
        return false;
    block_size_ = size;
    has_output_ = is_output;
    return true;
}

void curve_peer::free_block() noexcept
{
    if (block_ != nullptr)
        wipe({block_.get(), block_size_});
    block_.reset();
    block_size_ = 0;
    has_output_ = false;
}

/// Each direction has its own.
void curve_peer::derive_traffic_keys(bool as_server) noexcept
{
    const auto from_client = bytes_of("CurveZMQMESSAGEC").first<curve_prefix_size>();
    const auto from_server = bytes_of("CurveZMQMESSAGES").first<curve_prefix_size>();
    crypto::derive_key(keys_.key(sending), keys_.key(shared),
                       as_server ? from_server : from_client);
    crypto::derive_key(keys_.key(receiving), keys_.key(shared),
                       as_server ? from_client : from_server);
    has_traffic_keys_ = true;
}

// --- traffic ---

std::byte* curve_peer::begin_frame(std::byte* to, bool more, bool command,
                                   std::uint64_t size) noexcept
{
    to += write_header(to, 0, curve_message_overhead + size);
    writer out(to);
    out.copy(message_name);
    out.number(++sent_);
    std::byte* const flags = to + curve_message_overhead - 1;
    *flags = static_cast<std::byte>((more ? inner_more : 0) | (command ? inner_command : 0));
    return flags + 1;
}

void curve_peer::end_frame(std::byte* body, std::size_t size) noexcept
{
    crypto::seal(body - 1 - curve_mac_size, 1 + size, sent_, keys_.key(sending));
}

error curve_peer::take_number(byte_view sealed) noexcept
{
    if (!has_traffic_keys_)
        return {errc::protocol_error, phase::transfer, 0,
                "a MESSAGE of CURVE came before there were keys for it"};
    if (sealed.size() < curve_message_overhead || !text_of(sealed).starts_with(message_name))
        return {errc::protocol_error, phase::transfer, 0,
                "the peer sent something else than a MESSAGE of CURVE"};
    const auto number = load<std::uint64_t>(sealed.data() + message_name.size());
    if (number <= received_)
        return {errc::protocol_error, phase::transfer, 0,
                "the number of a MESSAGE is not greater than the one before"};
    received_ = number;
    return {};
}

namespace {

constexpr error not_opened{errc::protocol_error, phase::transfer, 0,
                           "a MESSAGE of CURVE was changed on its way, or has another key"};

constexpr std::size_t box_offset = message_name.size() + curve_number_size;

} // namespace

error curve_peer::open_frame(std::byte* to, byte_view sealed) noexcept
{
    if (const error broken = take_number(sealed))
        return broken;
    return crypto::open(to, sealed.subspan(box_offset), received_, keys_.key(receiving))
               ? error{}
               : not_opened;
}

error curve_peer::check_frame(byte_view sealed) noexcept
{
    if (const error broken = take_number(sealed))
        return broken;
    return crypto::is_authentic(sealed.subspan(box_offset), received_, keys_.key(receiving))
               ? error{}
               : not_opened;
}

void curve_peer::open_part(std::byte* to, byte_view sealed, std::uint64_t offset,
                           std::size_t size) const noexcept
{
    const byte_view text = sealed.subspan(box_offset + curve_mac_size);
    crypto::decrypt(to, text.subspan(static_cast<std::size_t>(offset), size), offset, received_,
                    keys_.key(receiving));
}

} // namespace slk::zmtp
