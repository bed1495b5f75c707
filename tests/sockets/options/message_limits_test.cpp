// SPDX-License-Identifier: MPL-2.0

// max_message_size, max_message_parts and max_part_size: peers that send more than that, to each
// type of socket that receives.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"
#include "support/stream_peer.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

std::vector<std::string> next_message(router& from)
{
    multipart got;
    peer_id who;
    must(from.receive(who, got, test_timeout));
    return texts_of(got);
}

template <class Socket>
std::vector<std::string> next_message(Socket& from)
{
    multipart got;
    must(from.receive(got, test_timeout));
    return texts_of(got);
}

template <class Socket>
constexpr const char* peer_of = "";
template <>
constexpr const char* peer_of<pair> = "PAIR";
template <>
constexpr const char* peer_of<pull> = "PUSH";
template <>
constexpr const char* peer_of<dealer> = "ROUTER";
template <>
constexpr const char* peer_of<router> = "DEALER";

socket_options limited(std::uint64_t bytes, std::uint32_t parts, std::uint64_t part = 0)
{
    socket_options options;
    options.max_message_size = bytes;
    options.max_message_parts = parts;
    options.max_part_size = part;
    return options;
}

template <class Socket>
options_of<Socket> for_type(const socket_options& common)
{
    options_of<Socket> options;
    static_cast<socket_options&>(options) = common;
    return options;
}

std::string repeated(std::string_view frame, std::size_t count)
{
    std::string all;
    for (; count > 0; --count)
        all += frame;
    return all;
}

std::string body(std::size_t size)
{
    return std::string(size, 'x');
}

/// What a peer sends, how it goes on without end, and the limit that it exceeds. A message before
/// is as large as the limits allow.
struct attack {
    const char* limit;
    socket_options options;
    std::string fits; ///< whole messages
    std::size_t messages;
    std::string begin; ///< of the message that exceeds the limit
    std::string then; ///< again and again
};

std::vector<attack> attacks()
{
    const std::string part64 = short_frame(body(64), true);
    const std::string large = long_frame_header(100'000, true) + body(100'000);
    return {
        {"max_message_size", limited(6400, 0), repeated(part64, 99) + short_frame(body(64), false),
         1, "", part64},
        {"max_message_size", limited(300'000, 0),
         large + large + long_frame_header(100'000, false) + body(100'000), 1, large + large,
         large},
        // The size alone is too much.
        {"max_message_size", limited(300'000, 0), short_frame("ok", false), 1,
         large + large + long_frame_header(100'001, false), ""},
        {"max_message_size",
         {},
         short_frame("ok", false),
         1,
         long_frame_header(std::uint64_t{1} << 40, false),
         ""},
        {"max_message_parts", limited(0, 1000),
         repeated(short_frame("", true), 999) + short_frame("", false), 1, "",
         repeated(short_frame("", true), 100)},
        {"max_message_parts",
         {},
         short_frame("ok", false),
         1,
         "",
         repeated(short_frame("", true), 5000)},
        {"max_part_size", limited(0, 0, 64), repeated(part64, 300) + short_frame(body(64), false),
         1, part64, short_frame(body(65), true)},
    };
}

template <class Socket>
void check_attacks(const std::string& where, const socket_options& common)
{
    for (const attack& each : attacks()) {
        CAPTURE(where);
        CAPTURE(each.limit);
        CAPTURE(each.options.max_message_size);
        socket_options options = common;
        options.max_message_size = each.options.max_message_size;
        options.max_message_parts = each.options.max_message_parts;
        options.max_part_size = each.options.max_part_size;
        auto in = new_context();
        auto to = new_socket<Socket>(in, for_type<Socket>(options));
        const std::string at = must(to.bind(where));
        loop on = new_peer_loop();
        {
            stream_peer bad(on, at);
            REQUIRE(bad.shake_hands(peer_of<Socket>));
            REQUIRE(bad.send(each.fits));
            CHECK_FALSE(next_message(to).empty());
            REQUIRE(bad.send(each.begin));
            // Much more than the system buffers, if nothing stops it.
            while (!each.then.empty() && bad.bytes_sent() < (std::size_t{64} << 20) &&
                   bad.send(each.then)) {
            }
            CHECK(bad.is_closed());
            CHECK(until([&] { return to.peers().empty(); }));
        }
        stream_peer good(on, at);
        REQUIRE(good.shake_hands(peer_of<Socket>));
        REQUIRE(good.send(short_frame("still", true) + short_frame("served", false)));
        CHECK(next_message(to) == std::vector<std::string>{"still", "served"});
        CHECK(to.counters().received == 2);
    }
}

} // namespace

TEST_CASE("a PULL disconnects a peer whose message exceeds a limit, and serves the next one")
{
    for (const std::string& where : stream_endpoints())
        check_attacks<pull>(where, {});
}

TEST_CASE("a PAIR disconnects a peer whose message exceeds a limit, and serves the next one")
{
    for (const std::string& where : stream_endpoints())
        check_attacks<pair>(where, {});
}

TEST_CASE("a DEALER disconnects a peer whose message exceeds a limit, and serves the next one")
{
    for (const std::string& where : stream_endpoints())
        check_attacks<dealer>(where, {});
}

TEST_CASE("a ROUTER disconnects a peer whose message exceeds a limit, and serves the next one")
{
    for (const std::string& where : stream_endpoints())
        check_attacks<router>(where, {});
}

TEST_CASE("the limits of a message hold for a conflating socket, and whatever the marks are")
{
    socket_options options;
    SUBCASE("conflating")
    {
        options.conflate = true;
    }
    SUBCASE("marks of one")
    {
        options.receive_high_water_mark = 1;
        options.receive_high_water_bytes = 1;
    }
    SUBCASE("no marks")
    {
        options.receive_high_water_mark = 0;
    }
    for (const std::string& where : stream_endpoints()) {
        check_attacks<pull>(where, options);
        check_attacks<dealer>(where, options);
    }
}

TEST_CASE("a socket that has connected learns which limit its peer exceeded")
{
    for (const attack& each : attacks()) {
        CAPTURE(each.limit);
        loop on = new_peer_loop();
        stream_peer bad(on, any_tcp, true);
        auto in = new_context();
        auto to = new_socket<pull>(in, each.options);
        must(to.connect(bad.endpoint()));
        REQUIRE(bad.is_connected());
        REQUIRE(bad.shake_hands("PUSH"));
        REQUIRE(bad.send(each.begin));
        while (!each.then.empty() && bad.bytes_sent() < (std::size_t{64} << 20) &&
               bad.send(each.then)) {
        }
        CHECK(bad.is_closed());
        REQUIRE(until([&] { return to.peers().at(0).last_reason != errc::ok; }));
        const error reason = to.peers().at(0).last_reason;
        CHECK(reason == errc::message_too_large);
        CHECK(std::string(reason.detail).find(each.limit) != std::string::npos);
    }
}

TEST_CASE("the parts of a message count together, whichever thread receives them")
{
    // After the first message the thread that reads receives the next ones itself.
    for (const std::size_t more : {3u, 4u}) {
        auto in = new_context();
        pull_options options = limited(0, 5);
        options.receive_high_water_mark = 1;
        auto to = new_socket<pull>(in, options);
        loop on = new_peer_loop();
        stream_peer peer(on, must(to.bind(any_tcp)));
        REQUIRE(peer.shake_hands("PUSH"));
        const std::string part = short_frame("p", true);
        REQUIRE(peer.send(short_frame("first", false) + part));
        CHECK(until([&] { return to.events().readable; }));
        CHECK(receive_text(to) == "first");
        REQUIRE(peer.send(repeated(part, more)));
        CHECK_FALSE(peer.is_closed(short_timeout));
        REQUIRE(peer.send(short_frame("last", false)));
        if (more == 3) {
            CHECK(next_message(to).size() == 5);
            CHECK_FALSE(peer.is_closed(short_timeout));
        } else {
            (void)to.events();
            CHECK(peer.is_closed());
        }
    }
}

TEST_CASE("what a socket sends is not compared with its own limits")
{
    auto in = new_context();
    auto from = new_socket<push>(in, reconnect_at_once(limited(10, 2)));
    auto to = new_socket<pull>(in);
    auto same = new_socket<pull>(in, limited(10, 2));
    bind_and_connect(to, from);
    const auto send_three = [&] {
        multipart whole;
        for (const char* const text : {"1", "22", "0123456789"})
            must(whole.add(text));
        must(from.send(std::move(whole), test_timeout));
    };
    send_three();
    CHECK(next_message(to) == std::vector<std::string>{"1", "22", "0123456789"});
    // Nothing comes from outside the process by inproc: the limits of the receiver do not count.
    must(from.disconnect(from.last_endpoint()));
    bind_and_connect(same, from, "inproc://same");
    send_three();
    CHECK(next_message(same) == std::vector<std::string>{"1", "22", "0123456789"});
}

TEST_CASE("a limit of 0 is none")
{
    auto in = new_context();
    auto to = new_socket<pull>(in, limited(0, 0));
    loop on = new_peer_loop();
    stream_peer peer(on, must(to.bind(any_tcp)));
    REQUIRE(peer.shake_hands("PUSH"));
    // One part more than by default.
    REQUIRE(peer.send(repeated(short_frame("", true), 65536) + short_frame("", false)));
    CHECK(next_message(to).size() == 65537);
    REQUIRE(peer.send(long_frame_header(std::uint64_t{1} << 40, false) + body(1000)));
    CHECK_FALSE(peer.is_closed(short_timeout));
}
