// SPDX-License-Identifier: MPL-2.0
#include "support/skip.hpp"
#include "vectors.hpp"
#include "zmtp/greeting.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::zmtp;
using namespace slk::testing;

namespace {

/// A whole greeting with these bytes where the version and its predecessor are.
bytes greeting_with(unsigned tenth, unsigned major, unsigned minor)
{
    const greeting_bytes usual = make_greeting(mechanism::null, false);
    bytes changed(usual.begin(), usual.end());
    changed[9] = static_cast<std::byte>(tenth);
    changed[10] = static_cast<std::byte>(major);
    changed[11] = static_cast<std::byte>(minor);
    return changed;
}

} // namespace

TEST_CASE("our greeting is libzmq's, except that a PLAIN server sets as-server")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    CHECK(to_hex(make_greeting(mechanism::null, false)) ==
          to_hex(vector_of("greeting", "null_full")));
    CHECK(to_hex(make_greeting(mechanism::plain, false)) ==
          to_hex(vector_of("greeting", "plain_client")));
    bytes server = vector_of("greeting", "plain_server");
    server[32] = std::byte{1};
    CHECK(to_hex(make_greeting(mechanism::plain, true)) == to_hex(server));
    CHECK(to_hex(vector_of("greeting", "null_part1") + vector_of("greeting", "null_part2") +
                 vector_of("greeting", "null_part3")) ==
          to_hex(vector_of("greeting", "null_full")));
}

TEST_CASE("the version of a peer is decided by its first bytes")
{
    struct row {
        unsigned tenth, major, minor;
        version speaks;
        std::size_t known_after;
    };
    const row rows[] = {
        {0x7e, 3, 1, version::v1_0, 10}, // the long header of a 1.0 identity
        {0x00, 3, 1, version::v1_0, 10},
        {0x7f, 0, 0, version::v1_0, 11},
        {0x7f, 1, 0, version::v2_0, 11},
        {0x7f, 2, 0, version::v3_1, 64},
        {0x7f, 3, 0, version::v3_0, 64},
        {0x7f, 3, 1, version::v3_1, 64},
        {0x7f, 3, 9, version::v3_1, 64},
        {0x7f, 4, 0, version::v3_1, 64},
        {0x7f, 255, 255, version::v3_1, 64},
        {0x01, 3, 1, version::v3_1, 64}, // only the lowest bit counts
    };
    for (const row& expected : rows) {
        const bytes stream = greeting_with(expected.tenth, expected.major, expected.minor);
        INFO(expected.tenth, " ", expected.major, ".", expected.minor);
        for (std::size_t size = 0; size <= stream.size(); ++size) {
            const greeting_view seen = inspect_greeting(byte_view(stream).first(size));
            INFO(size, " bytes");
            CHECK(seen.speaks.has_value() == (size >= expected.known_after));
            CHECK(seen.speaks.value_or(expected.speaks) == expected.speaks);
            CHECK((seen.need == 0) == seen.speaks.has_value());
            CHECK(seen.need <= expected.known_after - std::min(size, expected.known_after));
        }
    }
}

TEST_CASE("a peer whose first byte is no signature uses 1.0, which one byte shows")
{
    for (unsigned first = 0; first < 255; ++first) {
        const std::byte byte{static_cast<unsigned char>(first)};
        const greeting_view seen = inspect_greeting({&byte, 1});
        CHECK(seen.speaks == version::v1_0);
        CHECK(seen.need == 0);
    }
}

TEST_CASE("the padding of the signature and the filler are ignored")
{
    bytes stream = greeting_with(0x7f, 3, 1);
    for (std::size_t index = 0; index < stream.size(); ++index)
        if ((index >= 1 && index <= 8) || index >= 32)
            stream[index] = std::byte{0xa5};
    CHECK(inspect_greeting(stream).speaks == version::v3_1);
    CHECK(check_mechanism(stream, mechanism::null).has_value());
}

TEST_CASE("all twenty bytes of the mechanism must be the same")
{
    for (const mechanism own : {mechanism::null, mechanism::plain}) {
        const greeting_bytes good = make_greeting(own, false);
        CHECK(check_mechanism(good, own).has_value());
        const mechanism other = own == mechanism::null ? mechanism::plain : mechanism::null;
        CHECK_FALSE(check_mechanism(good, other).has_value());
        for (std::size_t index = 12; index < 32; ++index) {
            greeting_bytes changed = good;
            changed[index] ^= std::byte{0x20};
            const auto checked = check_mechanism(changed, own);
            REQUIRE_FALSE(checked.has_value());
            CHECK(checked.error().code == errc::protocol_error);
            CHECK(checked.error().phase == phase::handshake);
        }
    }
}
