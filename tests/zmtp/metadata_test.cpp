// SPDX-License-Identifier: MPL-2.0
#include "vectors.hpp"
#include "zmtp/metadata.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::zmtp;
using namespace slk::testing;

namespace {

bytes property_of(std::string_view name, std::string_view value)
{
    bytes made(1 + name.size() + 4 + value.size());
    writer out(made.data());
    out.byte(name.size());
    out.copy(name);
    out.number(static_cast<std::uint32_t>(value.size()));
    out.copy(value);
    return made;
}

bytes written(const own_metadata& own)
{
    bytes made(metadata_size(own));
    writer out(made.data());
    write_metadata(out, own);
    return made;
}

} // namespace

TEST_CASE("only REQ, DEALER and ROUTER send an identity, and they do even when it is empty")
{
    for (std::size_t number = 0; number < socket_type_count; ++number) {
        const auto type = static_cast<socket_type>(number);
        const bytes made = written({.type = type, .identity = "me", .application = {}});
        const bytes anonymous = written({.type = type, .identity = {}, .application = {}});
        const std::string name(name_of(type));
        const bool sends = name == "REQ" || name == "DEALER" || name == "ROUTER";
        const bytes only_type = property_of("Socket-Type", name);
        CHECK(to_hex(made) ==
              to_hex(sends ? only_type + property_of("Identity", "me") : only_type));
        CHECK(to_hex(anonymous) ==
              to_hex(sends ? only_type + property_of("Identity", "") : only_type));
    }
}

TEST_CASE("the application's properties come last and are read again")
{
    const property extra[] = {{"X-Region", "north"}, {"X-Empty", ""}};
    const bytes made = written({.type = socket_type::pub, .identity = {}, .application = extra});
    CHECK(to_hex(made) == to_hex(property_of("Socket-Type", "PUB") +
                                 property_of("X-Region", "north") + property_of("X-Empty", "")));
    const auto peer = parse_metadata(made, socket_type::sub);
    REQUIRE(peer.has_value());
    CHECK(peer->type == socket_type::pub);
    CHECK(peer->identity.empty());
    metadata_reader reader(peer->properties);
    std::string all;
    for (auto next = reader.next(); next && *next; next = reader.next())
        all += std::string((*next)->name) + "=" + std::string((*next)->value) + ";";
    CHECK(all == "Socket-Type=PUB;X-Region=north;X-Empty=;");
}

TEST_CASE("metadata is accepted or refused by the table")
{
    struct row {
        const char* about;
        bytes data;
        bool good;
    };
    const bytes type = property_of("Socket-Type", "ROUTER");
    const bytes huge = from_hex("01 78 ff ff ff ff");
    const row rows[] = {
        {"nothing at all", {}, true},
        {"only a type", type, true},
        {"no type", property_of("X-a", "b"), true},
        {"names in another case", property_of("SOCKET-type", "ROUTER"), true},
        {"a wrong type under a name in another case", property_of("sOCKET-TYPE", "PUB"), false},
        {"a type in another case", property_of("Socket-Type", "router"), false},
        {"an unknown type", property_of("Socket-Type", "STREAM"), false},
        {"an illegal pair", property_of("Socket-Type", "SUB"), false},
        {"a good type, then a bad one", type + property_of("Socket-Type", "SUB"), false},
        {"a name of no bytes", property_of("", "value"), true},
        {"a name of 255 bytes", property_of(std::string(255, 'n'), "v"), true},
        {"one stray byte", type + from_hex("00"), false},
        {"a name that is cut off", type + from_hex("05 61 62"), false},
        {"a length that is cut off", type + from_hex("01 61 00 00 00"), false},
        {"a value that is cut off", type + from_hex("01 61 00 00 00 02 62"), false},
        {"a value of 2^32-1 bytes", huge, false},
        {"an identity of 255 bytes", property_of("Identity", std::string(255, 'i')), true},
        {"an identity of 256 bytes", property_of("Identity", std::string(256, 'i')), false},
        {"an identity that begins with zero", property_of("Identity", {"\0a", 2}), false},
        {"an identity with a zero behind", property_of("Identity", {"a\0", 2}), true},
        {"a bad identity in another case", property_of("IDENTITY", {"\0a", 2}), false},
    };
    for (const row& expected : rows) {
        INFO(std::string(expected.about));
        const auto parsed = parse_metadata(expected.data, socket_type::dealer);
        CHECK(parsed.has_value() == expected.good);
        if (parsed)
            continue;
        CHECK(parsed.error().code == errc::protocol_error);
        CHECK(parsed.error().phase == phase::handshake);
        CHECK(parsed.error().detail != nullptr);
    }
}

TEST_CASE("every proper prefix of metadata that is not whole properties is refused")
{
    const bytes first = property_of("Socket-Type", "ROUTER");
    const bytes all = first + property_of("Identity", "name");
    for (std::size_t size = 0; size <= all.size(); ++size) {
        const bool whole = size == 0 || size == first.size() || size == all.size();
        INFO(size);
        CHECK(parse_metadata(byte_view(all).first(size), socket_type::dealer).has_value() == whole);
    }
}

TEST_CASE("the last of two identities counts")
{
    const bytes data = property_of("Identity", "first") + property_of("identity", "second");
    const auto peer = parse_metadata(data, socket_type::router);
    REQUIRE(peer.has_value());
    CHECK(text_of(peer->identity) == "second");
}

TEST_CASE("a peer may have 256 properties and not one more")
{
    bytes data;
    for (std::size_t count = 0; count < max_properties; ++count)
        data = data + property_of("a", "");
    CHECK(parse_metadata(data, socket_type::pair).has_value());
    CHECK_FALSE(parse_metadata(data + property_of("a", ""), socket_type::pair).has_value());
}
