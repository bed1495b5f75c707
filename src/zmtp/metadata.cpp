// SPDX-License-Identifier: MPL-2.0
#include "zmtp/metadata.hpp"

#include "base/zmtp_fault.hpp"

#include <algorithm>

namespace slk::zmtp {

namespace {

constexpr std::size_t lengths_size = 1 + 4;

// The exact spelling, because libzmq's comparison is case-sensitive.
constexpr std::string_view socket_type_name = "Socket-Type";
constexpr std::string_view identity_name = "Identity";

constexpr char lower(char letter) noexcept
{
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

unexpected broken_metadata(const char* detail) noexcept
{
    return fail(fault_error(fault::unreported, detail));
}

std::size_t property_size(std::string_view name, std::string_view value) noexcept
{
    return lengths_size + name.size() + value.size();
}

void write_property(writer& out, std::string_view name, std::string_view value) noexcept
{
    out.byte(name.size());
    out.copy(name);
    out.number(static_cast<std::uint32_t>(value.size()));
    out.copy(value);
}

} // namespace

result<std::optional<property>> metadata_reader::next() noexcept
{
    if (left_.empty())
        return std::optional<property>{};
    constexpr const char* cut_off = "the peer's metadata is cut off";
    // A name without bytes is tolerated, as libzmq does.
    const auto name_size = std::to_integer<std::size_t>(left_[0]);
    if (left_.size() < lengths_size + name_size)
        return broken_metadata(cut_off);
    const std::string_view name = text_of(left_.subspan(1, name_size));
    const auto value_size = load<std::uint32_t>(left_.data() + 1 + name_size);
    if (value_size > left_.size() - lengths_size - name_size)
        return broken_metadata(cut_off);
    const std::string_view value = text_of(left_.subspan(lengths_size + name_size, value_size));
    left_ = left_.subspan(property_size(name, value));
    return std::optional<property>({name, value});
}

bool same_name(std::string_view one, std::string_view other) noexcept
{
    return std::ranges::equal(one, other, {}, lower, lower);
}

result<void> check_identity(byte_view identity) noexcept
{
    if (identity.size() > max_identity)
        return broken_metadata("an identity is longer than 255 bytes");
    if (!identity.empty() && identity.front() == std::byte{0})
        return broken_metadata("an identity begins with a zero byte");
    return {};
}

result<peer_metadata> parse_metadata(byte_view data, socket_type own) noexcept
{
    peer_metadata peer{.type = {}, .identity = {}, .properties = data};
    metadata_reader reader(data);
    for (std::size_t count = 0;; ++count) {
        SLK_TRY(const std::optional<property> found, reader.next());
        if (!found)
            return peer;
        if (count == max_properties)
            return broken_metadata("the peer's metadata has more than 256 properties");
        if (same_name(found->name, socket_type_name)) {
            peer.type = socket_type_named(found->value);
            if (!peer.type)
                return broken_metadata("the peer names an unknown socket type");
            if (!may_talk(own, *peer.type))
                return broken_metadata("the peer's socket type does not suit this one");
        } else if (same_name(found->name, identity_name)) {
            SLK_TRY(check_identity(bytes_of(found->value)));
            peer.identity = bytes_of(found->value);
        }
    }
}

std::size_t metadata_size(const own_metadata& own) noexcept
{
    std::size_t size = property_size(socket_type_name, name_of(own.type));
    if (sends_identity(own.type))
        size += property_size(identity_name, own.identity);
    for (const property& extra : own.application)
        size += property_size(extra.name, extra.value);
    return size;
}

void write_metadata(writer& out, const own_metadata& own) noexcept
{
    write_property(out, socket_type_name, name_of(own.type));
    if (sends_identity(own.type))
        write_property(out, identity_name, own.identity);
    for (const property& extra : own.application)
        write_property(out, extra.name, extra.value);
}

} // namespace slk::zmtp
