// SPDX-License-Identifier: MPL-2.0
#include "support/skip.hpp"
#include "vectors.hpp"
#include "zmtp/command.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

using namespace slk;
using namespace slk::zmtp;
using namespace slk::testing;
using namespace std::chrono_literals;

namespace {

/// Returns the output of `write` in a buffer of exactly `size` bytes.
template <class Write>
bytes framed(std::size_t size, Write write)
{
    bytes made(size);
    writer out(made.data());
    write(out);
    return made;
}

bytes ready_of(const own_metadata& own, command_name which = command_name::ready)
{
    return framed(metadata_frame_size(which, own),
                  [&](writer& out) { write_metadata_frame(out, which, own); });
}

bytes hello_of(const credentials& who)
{
    return framed(hello_frame_size(who), [&](writer& out) { write_hello_frame(out, who); });
}

bytes error_of(std::string_view reason, error_spelling how)
{
    return framed(error_frame_size(reason, how),
                  [&](writer& out) { write_error_frame(out, reason, how); });
}

bytes ping_of(duration ttl, byte_view context = {})
{
    return framed(ping_frame_size(context),
                  [&](writer& out) { write_ping_frame(out, ttl, context); });
}

bytes pong_of(byte_view context)
{
    return framed(pong_frame_size(context), [&](writer& out) { write_pong_frame(out, context); });
}

bytes subscription_of(version peer, bool subscribe, std::string_view topic)
{
    return framed(subscription_frame_size(peer, subscribe, testing::bytes_of(topic)),
                  [&](writer& out) {
                      write_subscription_frame(out, peer, subscribe, testing::bytes_of(topic));
                  });
}

/// The command in a whole frame.
command_view command_in(const bytes& frame)
{
    const header_view seen = read_header(frame, {});
    REQUIRE(seen.frame.command);
    REQUIRE(seen.frame.header + seen.frame.size == frame.size());
    const auto parsed = parse_command(byte_view(frame).subspan(seen.frame.header));
    REQUIRE(parsed.has_value());
    return *parsed;
}

} // namespace

TEST_CASE("READY of every socket type is libzmq's")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    std::size_t compared = 0;
    for (const auto& [name, captured] : vectors_of("ready")) {
        std::string type = name.substr(0, name.find('_'));
        std::ranges::transform(type, type.begin(),
                               [](char letter) { return static_cast<char>(letter - 'a' + 'A'); });
        own_metadata own;
        own.type = socket_type_named(type).value_or(socket_type::pair);
        own.identity = name.ends_with("_id1") ? "id1" : "";
        INFO(name);
        CHECK(to_hex(ready_of(own)) == to_hex(captured));
        CHECK(command_in(captured).name == command_name::ready);
        ++compared;
    }
    CHECK(compared == socket_type_count + 3);
}

TEST_CASE("the commands of PLAIN are libzmq's")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    const auto captured = [](const char* name) { return to_hex(vector_of("plain", name)); };
    const own_metadata dealer{.type = socket_type::dealer, .identity = {}, .application = {}};
    const own_metadata named{.type = socket_type::dealer, .identity = "srvid", .application = {}};
    CHECK(to_hex(hello_of({"admin", "secret"})) == captured("c_hello_out"));
    CHECK(to_hex(framed(welcome_frame_size(), write_welcome_frame)) == captured("s_welcome_out"));
    CHECK(to_hex(ready_of(dealer, command_name::initiate)) == captured("c_initiate_out"));
    CHECK(to_hex(ready_of(named)) == captured("s_ready_out"));
    CHECK(to_hex(error_of("400", error_spelling::plain_of_libzmq)) ==
          captured("s_error400_out_corrupt"));
    CHECK(to_hex(error_of("400", error_spelling::proper)) == captured("s_error400_correct_form"));
}

TEST_CASE("ERROR is parsed in both spellings")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    for (const auto& [name, captured] : vectors_of("error")) {
        INFO(name);
        const command_view seen = command_in(captured);
        CHECK(seen.name == command_name::error);
        const auto reason = parse_error(seen.data);
        REQUIRE(reason.has_value());
        CHECK(*reason == (name == "null_error500" ? "500" : "400"));
    }
}

TEST_CASE("PONG answers PING with at most 16 bytes of its context")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    for (const char* which : {"ttl0_noctx", "ttl0_ctx", "ctx16", "ctx20"}) {
        const bytes& in = vector_of("heartbeat", std::string("ping_in_") + which);
        const command_view seen = command_in(in);
        REQUIRE(seen.name == command_name::ping);
        const auto parsed = parse_ping(seen.data);
        REQUIRE(parsed.has_value());
        CHECK(parsed->ttl == 0s);
        CHECK(to_hex(pong_of(parsed->context)) ==
              to_hex(vector_of("heartbeat", std::string("pong_out_") + which)));
    }
    CHECK(to_hex(ping_of(1050ms)) == to_hex(vector_of("heartbeat", "ping_out_ttl1050ms")));
    CHECK(to_hex(ping_of(0s)) == to_hex(vector_of("heartbeat", "ping_out_nottl")));
    CHECK(to_hex(ping_of(0s, testing::bytes_of("ctx"))) ==
          to_hex(vector_of("heartbeat", "ping_in_ttl0_ctx")));
}

TEST_CASE("a TTL counts tenths of a second, and is never more than libzmq can keep")
{
    CHECK(parse_ping(from_hex("00 01"))->ttl == 100ms);
    CHECK(parse_ping(from_hex("ff ff"))->ttl == 6553500ms);
    CHECK(to_hex(ping_of(99ms)) == "04 07 04 50 49 4e 47 00 00");
    CHECK(to_hex(ping_of(65500ms)) == "04 07 04 50 49 4e 47 02 8f");
    CHECK(to_hex(ping_of(1h)) == "04 07 04 50 49 4e 47 02 8f");
    CHECK(to_hex(ping_of(-1s)) == "04 07 04 50 49 4e 47 00 00");
    for (const char* shortened : {"", "00"})
        CHECK_FALSE(parse_ping(from_hex(shortened)).has_value());
}

TEST_CASE("a subscription has the form of the peer's version")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    const auto captured = [](const char* name) { return to_hex(vector_of("pubsub", name)); };
    const auto made = [](version peer, bool subscribe, std::size_t count, char letter) {
        return to_hex(subscription_of(peer, subscribe, std::string(count, letter)));
    };
    CHECK(to_hex(subscription_of(version::v3_1, true, "abc")) == captured("v31_subscribe_abc"));
    CHECK(to_hex(subscription_of(version::v3_1, false, "abc")) == captured("v31_cancel_abc"));
    CHECK(to_hex(subscription_of(version::v3_1, true, "")) == captured("v31_subscribe_all"));
    CHECK(to_hex(subscription_of(version::v3_0, true, "abc")) == captured("v30_subscribe_abc"));
    CHECK(to_hex(subscription_of(version::v3_0, false, "abc")) == captured("v30_cancel_abc"));
    CHECK(to_hex(subscription_of(version::v3_0, true, "")) == captured("v30_subscribe_all"));
    CHECK(to_hex(subscription_of(version::v2_0, true, "abc")) == captured("v20_subscribe_abc"));
    CHECK(to_hex(subscription_of(version::v3_1, true, "aaa") +
                 subscription_of(version::v3_1, true, "pre")) ==
          captured("v31_xsub_cached_pre_pre_aaa_replayed_on_connect"));
    CHECK(made(version::v3_1, true, 245, 't') == captured("v31_subscribe_245t"));
    CHECK(made(version::v3_1, true, 256, 't') == captured("v31_subscribe_256t"));
    CHECK(made(version::v3_1, false, 248, 'u') == captured("v31_cancel_248u"));
    CHECK(made(version::v3_0, true, 254, 't') == captured("v30_subscribe_254t"));
    CHECK(made(version::v3_0, true, 256, 't') == captured("v30_subscribe_256t"));
}

TEST_CASE("a subscription whose size has eight bytes says LONG, where 4.3.4 forgets it")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    struct row {
        const char* broken;
        version peer;
        bool subscribe;
        std::size_t count;
        char letter;
    };
    for (const row& each : {row{"v31_subscribe_246t", version::v3_1, true, 246, 't'},
                            row{"v31_subscribe_255t", version::v3_1, true, 255, 't'},
                            row{"v31_cancel_249u", version::v3_1, false, 249, 'u'},
                            row{"v30_subscribe_255t", version::v3_0, true, 255, 't'}}) {
        bytes mended = vector_of("pubsub", each.broken);
        CHECK((mended[0] & std::byte{flag_long}) == std::byte{0});
        mended[0] |= std::byte{flag_long};
        CHECK(to_hex(subscription_of(each.peer, each.subscribe,
                                     std::string(each.count, each.letter))) == to_hex(mended));
    }
}

TEST_CASE("the name of a command is its whole name, and case counts")
{
    struct row {
        const char* body;
        bool good;
        command_name name;
    };
    const row rows[] = {
        {"", false, command_name::unknown},
        {"05", false, command_name::unknown},
        {"05 52 45 41 44", false, command_name::unknown},
        {"00", true, command_name::unknown},
        {"05 52 45 41 44 59", true, command_name::ready},
        {"05 72 65 61 64 79", true, command_name::unknown},
        {"04 52 45 41 44 59", true, command_name::unknown}, // READ, with the data Y
        {"06 52 45 41 44 59 53", true, command_name::unknown},
        {"5e 52 52 4f 52", true, command_name::error},
        {"5e 52 52 4f", false, command_name::unknown},
        {"04 4a 4f 49 4e 61", true, command_name::unknown}, // JOIN
        {"04 50 4f 4e 47", true, command_name::pong},
        {"06 43 41 4e 43 45 4c", true, command_name::cancel},
        {"09 53 55 42 53 43 52 49 42 45", true, command_name::subscribe},
    };
    for (const row& expected : rows) {
        INFO(std::string(expected.body));
        const bytes body = from_hex(expected.body);
        const auto parsed = parse_command(body);
        REQUIRE(parsed.has_value() == expected.good);
        if (parsed)
            CHECK(parsed->name == expected.name);
    }
}

TEST_CASE("HELLO is two texts and nothing more")
{
    const bytes data = from_hex("02 61 62 01 63");
    const auto good = parse_hello(data);
    REQUIRE(good.has_value());
    CHECK(good->user == "ab");
    CHECK(good->password == "c");
    CHECK(parse_hello(from_hex("00 00")).has_value());
    for (const char* bad : {"", "00", "02 61", "02 61 62", "02 61 62 01", "02 61 62 01 63 64",
                            "00 00 00", "ff 00", "00 ff"})
        CHECK_FALSE(parse_hello(from_hex(bad)).has_value());
    const std::string longest(255, 'u');
    const bytes frame = hello_of({longest, longest});
    const auto again = parse_hello(command_in(frame).data);
    REQUIRE(again.has_value());
    CHECK(again->user == longest);
    CHECK(again->password == longest);
}

TEST_CASE("ERROR with a reason that is cut off is malformed")
{
    CHECK(parse_error(from_hex("00"))->empty());
    CHECK(*parse_error(from_hex("03 34 30 30")) == "400");
    for (const char* bad : {"", "01", "03 34 30"})
        CHECK_FALSE(parse_error(from_hex(bad)).has_value());
}
