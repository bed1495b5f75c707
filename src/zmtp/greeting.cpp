// SPDX-License-Identifier: MPL-2.0
#include "zmtp/greeting.hpp"

#include "base/zmtp_fault.hpp"

#include <algorithm>

namespace slk::zmtp {

namespace {

constexpr std::size_t version_offset = 10;
constexpr std::size_t mechanism_offset = 12;
constexpr std::size_t mechanism_size = 20;
constexpr std::size_t as_server_offset = 32;

constexpr std::byte first_byte{0xff};
constexpr std::byte last_of_signature{0x7f};

std::array<std::byte, mechanism_size> padded_name(mechanism which) noexcept
{
    std::array<std::byte, mechanism_size> field{};
    const byte_view name = bytes_of(name_of(which));
    std::copy(name.begin(), name.end(), field.begin());
    return field;
}

} // namespace

std::string_view name_of(mechanism which) noexcept
{
    switch (which) {
    case mechanism::null: return "NULL";
    case mechanism::plain: return "PLAIN";
    case mechanism::curve: return "CURVE";
    }
    return "";
}

std::string_view name_of(version which) noexcept
{
    switch (which) {
    case version::v1_0: return "1.0";
    case version::v2_0: return "2.0";
    case version::v3_0: return "3.0";
    case version::v3_1: return "3.1";
    }
    return "";
}

greeting_bytes make_greeting(mechanism which, bool as_server) noexcept
{
    greeting_bytes made{};
    made[0] = first_byte;
    // In a 1.0 header the eight bytes of padding are the length. libzmq writes the size of its
    // routing id + 1, which no peer reads; 1 stands for an anonymous peer.
    made[8] = std::byte{1};
    made[9] = last_of_signature;
    made[version_offset] = std::byte{3};
    made[version_offset + 1] = std::byte{1};
    const auto name = padded_name(which);
    std::copy(name.begin(), name.end(), made.begin() + mechanism_offset);
    made[as_server_offset] = as_server ? std::byte{1} : std::byte{0};
    return made;
}

greeting_view inspect_greeting(byte_view stream) noexcept
{
    greeting_view seen;
    const auto wait_for = [&](std::size_t size) {
        seen.need = size - stream.size();
        return seen;
    };
    if (stream.empty())
        return wait_for(1);
    if (stream[0] != first_byte) {
        seen.speaks = version::v1_0;
        return seen;
    }
    if (stream.size() < signature_size)
        return wait_for(signature_size);
    // RFC 23, "version negotiation": in the long header of 1.0 this byte is the flags, whose lowest
    // bit is MORE, which an identity never has.
    if ((stream[signature_size - 1] & std::byte{1}) == std::byte{0}) {
        seen.speaks = version::v1_0;
        return seen;
    }
    seen.signature = true;
    if (stream.size() < major_size)
        return wait_for(major_size);
    const auto major = std::to_integer<unsigned>(stream[version_offset]);
    if (major <= 1) {
        seen.speaks = major == 0 ? version::v1_0 : version::v2_0;
        return seen;
    }
    // No known peer sends 2: RFC 23 reads it as 2.0, libzmq as 3.1, and so does this library.
    seen.may_send_rest = true;
    if (stream.size() < greeting_size)
        return wait_for(greeting_size);
    const bool is_3_0 = major == 3 && stream[version_offset + 1] == std::byte{0};
    seen.speaks = is_3_0 ? version::v3_0 : version::v3_1;
    seen.complete = true;
    return seen;
}

result<void> check_mechanism(byte_view whole_greeting, mechanism own) noexcept
{
    const byte_view field = whole_greeting.subspan(mechanism_offset, mechanism_size);
    if (std::ranges::equal(field, padded_name(own)))
        return {};
    return fail(
        fault_error(fault::mechanism_mismatch, "the peer's security mechanism is another one"));
}

} // namespace slk::zmtp
