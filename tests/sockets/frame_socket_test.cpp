// SPDX-License-Identifier: MPL-2.0

// Sockets whose type is chosen at run time, part by part.

#include <serverlink/serverlink.hpp>

#include "base/message_origin.hpp"
#include "base/reference.hpp"
#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

frame_socket new_frames(context& in, slk::socket_type type, const socket_options& options = {})
{
    return must(frame_socket::create(in, type, options));
}

auto part(std::string_view text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

/// The next parts, up to the end of a message: "a|b|c".
std::string whole(frame_socket& from)
{
    std::string all;
    for (message next;;) {
        const auto received = from.receive(next, all.empty() ? timeout(test_timeout) : no_wait);
        if (!received)
            return all + "(" + std::string(name_of(received.error().code)) + ")";
        CHECK(from.is_receiving() == next.more());
        all += (all.empty() ? "" : "|") + std::string(next.text());
        if (!next.more())
            return all;
    }
}

socket_options with_mark(std::uint32_t mark)
{
    socket_options options;
    options.send_high_water_mark = options.receive_high_water_mark = mark;
    return options;
}

} // namespace

TEST_CASE("a frame socket sends a message with its last part")
{
    auto in = new_context();
    auto from = new_frames(in, slk::socket_type::dealer);
    auto to = new_frames(in, slk::socket_type::dealer);
    bind_and_connect(to, from);
    must(from.send(part("a"), true));
    CHECK(from.is_sending());
    message second = message_of("b");
    must(from.send(std::move(second), true));
    CHECK(second.empty());
    message none;
    CHECK(code_of(to.receive(none, 20ms)) == errc::timed_out);
    must(from.send(part("c"), false));
    CHECK_FALSE(from.is_sending());
    CHECK(whole(to) == "a|b|c");
    must(from.send(part("alone"), false));
    CHECK(whole(to) == "alone");
}

TEST_CASE("parts are received into the caller's memory, cut where that is too small")
{
    // In a chunk, and in memory of its own.
    const std::string small = "0123456789";
    const std::string large(200'000, 'x');
    // A type whose pattern looks at messages, one that names peers, and one that does neither.
    for (const auto type :
         {slk::socket_type::pull, slk::socket_type::sub, slk::socket_type::router})
        for (const std::string_view endpoint : {"tcp://127.0.0.1:0", "inproc://into-memory"})
            for (const std::string& content : {small, large}) {
                CAPTURE(int(type));
                CAPTURE(endpoint);
                CAPTURE(content.size());
                const bool names_peer = type == slk::socket_type::router;
                auto in = new_context();
                auto to = new_frames(in, type);
                socket_options options;
                options.routing_id = "alice";
                auto from = new_frames(in,
                                       type == slk::socket_type::sub ? slk::socket_type::xpub
                                       : names_peer                  ? slk::socket_type::dealer
                                                                     : slk::socket_type::push,
                                       options);
                const std::string at = must(to.bind(endpoint));
                must(from.connect(at));
                if (type == slk::socket_type::sub) {
                    must(to.subscribe(part("")));
                    message request;
                    must(from.receive(request, test_timeout));
                }
                must(from.send(part(content), true));
                must(from.send(part(content), false));

                std::string space(content.size() + 3, '.');
                const auto into = std::as_writable_bytes(std::span(space));
                if (names_peer) {
                    const auto name = must(to.receive_into(into, test_timeout));
                    CHECK(name.size == 5);
                    CHECK(name.more);
                    CHECK(space.substr(0, 6) == "alice.");
                }
                const auto first = must(to.receive_into(into, test_timeout));
                CHECK(first.size == content.size());
                CHECK(first.more);
                CHECK(to.is_receiving());
                CHECK(space == content + "...");
                space.assign(space.size(), '.');
                const auto second = must(to.receive_into(into.first(4), test_timeout));
                CHECK(second.size == content.size());
                CHECK(!second.more);
                CHECK(!to.is_receiving());
                CHECK(space.substr(0, 5) == content.substr(0, 4) + ".");

                CHECK(code_of(to.receive_into(into, no_wait)) == errc::would_block);
                must(from.send(part(content), false));
                CHECK(must(to.receive_into({}, test_timeout)).size ==
                      (names_peer ? 5 : content.size()));
            }
    auto in = new_context();
    auto sender = new_frames(in, slk::socket_type::push);
    CHECK(code_of(sender.receive_into({}, no_wait)) == errc::not_supported);
}

TEST_CASE("messages of several parts go to the peers in turn")
{
    auto in = new_context();
    auto from = new_frames(in, slk::socket_type::push);
    auto one = new_frames(in, slk::socket_type::pull),
         other = new_frames(in, slk::socket_type::pull);
    must(one.bind("inproc://one"));
    must(other.bind("inproc://other"));
    must(from.connect("inproc://one"));
    must(from.connect("inproc://other"));
    for (const char* const body : {"1", "2", "3", "4"}) {
        must(from.send(part("head"), true));
        must(from.send(part(body), false));
    }
    CHECK(whole(one) == "head|1");
    CHECK(whole(one) == "head|3");
    CHECK(whole(other) == "head|2");
    CHECK(whole(other) == "head|4");
}

TEST_CASE("the first part waits for a peer with room, and a part that was not taken may come again")
{
    auto in = new_context();
    auto from = new_frames(in, slk::socket_type::push, with_mark(1));
    CHECK(code_of(from.send(part("a"), true, no_wait)) == errc::would_block);
    CHECK_FALSE(from.is_sending());
    auto to = new_frames(in, slk::socket_type::pull, with_mark(1));
    must(to.bind("inproc://room"));
    must(from.connect("inproc://room"));
    for (int count = 0; count < 2; ++count) {
        must(from.send(part("a"), true, no_wait));
        must(from.send(part("b"), false, no_wait));
    }
    CHECK(code_of(from.send(part("a"), true, no_wait)) == errc::would_block);
    CHECK(code_of(from.send(part("a"), true, 10ms)) == errc::timed_out);
    CHECK(whole(to) == "a|b");
    must(from.send(part("c"), true, no_wait));
    must(from.send(part("d"), false, no_wait));
    CHECK(whole(to) == "a|b");
    CHECK(whole(to) == "c|d");
}

TEST_CASE("a ROUTER's first part names the peer")
{
    auto in = new_context();
    socket_options named;
    named.routing_id = "peer";
    auto hub = new_frames(in, slk::socket_type::router);
    auto peer = new_frames(in, slk::socket_type::dealer, named);
    bind_and_connect(hub, peer);
    must(peer.send(part("x"), true));
    must(peer.send(part("y"), false));
    CHECK(whole(hub) == "peer|x|y");
    must(hub.send(part("peer"), true));
    must(hub.send(part("hello"), false));
    CHECK(whole(peer) == "hello");

    SUBCASE("an unknown one is refused at once, and nothing was begun")
    {
        CHECK(code_of(hub.send(part("nobody"), true)) == errc::no_route);
        CHECK_FALSE(hub.is_sending());
        must(hub.send(part("peer"), true));
        must(hub.send(part("again"), false));
        CHECK(whole(peer) == "again");
    }
    SUBCASE("without mandatory the message is dropped, and counted")
    {
        socket_options lax = hub.options();
        lax.mandatory = false;
        must(hub.set_options(lax));
        must(hub.send(part("nobody"), true));
        must(hub.send(part("lost"), false));
        CHECK(hub.counters().dropped_no_route == 1);
    }
    SUBCASE("alone it is thrown away")
    {
        must(hub.send(part("peer"), false));
        CHECK_FALSE(hub.is_sending());
        CHECK(hub.counters().queued_total == 1);
    }
    SUBCASE("a peer that goes before the last part does not get the message")
    {
        must(hub.send(part("peer"), true));
        peer.close(0ms);
        REQUIRE(until([&] { return hub.peers().empty(); }));
        must(hub.send(part("late"), false));
        CHECK_FALSE(hub.is_sending());
    }
    SUBCASE("it knows its peers")
    {
        CHECK(must(hub.is_known({"peer"})));
        CHECK_FALSE(must(hub.is_known({"nobody"})));
        CHECK(must(hub.stats({"peer"})).messages_received == 1);
        CHECK(must(hub.known_peers()).size() == 1);
        CHECK(code_of(peer.known_peers()) == errc::not_supported);
    }
}

TEST_CASE("the routing id and the parts behind it are readable one by one")
{
    auto in = new_context();
    auto hub = new_frames(in, slk::socket_type::router);
    auto peer = new_frames(in, slk::socket_type::dealer);
    bind_and_connect(hub, peer, "inproc://readable");
    must(peer.send(part("x"), false));
    REQUIRE(hub.events().readable);
    message next;
    must(hub.receive(next, no_wait));
    CHECK(next.size() == 5);
    CHECK(next.more());
    CHECK(hub.events().readable);
    must(hub.receive(next, no_wait));
    CHECK(next.text() == "x");
    CHECK_FALSE(hub.events().readable);
    CHECK(code_of(hub.receive(next, no_wait)) == errc::would_block);
}

TEST_CASE("with no_drop the first part waits for all peers that want the message")
{
    auto in = new_context();
    socket_options options = with_mark(1);
    options.no_drop = true;
    auto from = new_frames(in, slk::socket_type::xpub, options);
    auto to = new_frames(in, slk::socket_type::sub, with_mark(1));
    must(to.subscribe(part("a")));
    must(to.bind("inproc://no_drop"));
    must(from.connect("inproc://no_drop"));
    for (int count = 0; count < 2; ++count) {
        must(from.send(part("a"), true, no_wait));
        must(from.send(part("1"), false, no_wait));
    }
    CHECK(code_of(from.send(part("a"), true, no_wait)) == errc::would_block);
    CHECK_FALSE(from.is_sending());
    // A message that nobody wants needs no room.
    must(from.send(part("b"), true, no_wait));
    must(from.send(part("2"), false, no_wait));
    CHECK(whole(to) == "a|1");
}

TEST_CASE("calls that a type does not have are errors")
{
    auto in = new_context();
    message into;
    for (const auto type : {slk::socket_type::pull, slk::socket_type::sub}) {
        auto made = new_frames(in, type);
        CHECK_FALSE(made.sends());
        CHECK(code_of(made.send(part("x"), false)) == errc::not_supported);
        CHECK_FALSE(made.events().writable);
    }
    for (const auto type : {slk::socket_type::push, slk::socket_type::pub}) {
        auto made = new_frames(in, type);
        CHECK_FALSE(made.receives());
        CHECK(code_of(made.receive(into, no_wait)) == errc::not_supported);
        CHECK(code_of(made.subscribe(part("x"))) == errc::not_supported);
        CHECK_FALSE(made.events().readable);
    }
    auto asks = new_frames(in, slk::socket_type::req);
    must(asks.usable());
    CHECK(code_of(asks.receive(into, no_wait)) == errc::invalid_state);
    auto answers = new_frames(in, slk::socket_type::rep);
    CHECK(code_of(answers.send(part("x"), true)) == errc::invalid_state);
    CHECK(code_of(frame_socket::create(in, slk::socket_type(12))) == errc::invalid_argument);
    in.shutdown();
    CHECK(code_of(asks.usable()) == errc::cancelled);
}

TEST_CASE("a message of a STREAM is a routing id and bytes, part by part")
{
    auto in = new_context();
    auto server = new_frames(in, slk::socket_type::stream);
    auto client = new_frames(in, slk::socket_type::stream);
    bind_and_connect(server, client);
    message server_id, id, bytes;
    // Both are told of the connection.
    must(client.receive(server_id, test_timeout));
    CHECK(server_id.size() == 5);
    CHECK(server_id.more());
    must(client.receive(bytes, no_wait));
    CHECK(bytes.empty());
    CHECK_FALSE(bytes.more());
    must(server.receive(id, test_timeout));
    must(server.receive(bytes, no_wait));
    CHECK(bytes.empty());

    CHECK(code_of(client.send(part("nobody"), true, no_wait)) == errc::no_route);
    CHECK_FALSE(client.is_sending());
    must(client.send(server_id.bytes(), true));
    CHECK(client.is_sending());
    must(client.send(part("hello"), true)); // the second part is the last one all the same
    CHECK_FALSE(client.is_sending());
    must(server.receive(id, test_timeout));
    CHECK(id.more());
    must(server.receive(bytes, no_wait));
    CHECK(bytes.text() == "hello");

    // An empty part closes the peer, which is told so.
    must(server.send(id.bytes(), true));
    must(server.send(part(""), false));
    CHECK(code_of(server.send(id.bytes(), true, no_wait)) == errc::no_route);
    must(client.receive(id, test_timeout));
    CHECK(id == server_id);
    must(client.receive(bytes, no_wait));
    CHECK(bytes.empty());
}

TEST_CASE("a request and its reply of several parts")
{
    auto in = new_context();
    auto asks = new_frames(in, slk::socket_type::req);
    auto answers = new_frames(in, slk::socket_type::rep);
    bind_and_connect(answers, asks);
    for (int count = 0; count < 3; ++count) {
        must(asks.send(part("q"), true));
        must(asks.send(part("1"), false));
        CHECK(code_of(asks.send(part("q"), true)) == errc::invalid_state);
        CHECK(whole(answers) == "q|1");
        must(answers.send(part("r"), true));
        must(answers.send(part("2"), false));
        CHECK(whole(asks) == "r|2");
    }
}

TEST_CASE("a publisher that connects by inproc knows the topics at once")
{
    auto in = new_context();
    auto to = new_frames(in, slk::socket_type::sub);
    must(to.subscribe(part("a")));
    must(to.bind("inproc://topics"));
    auto from = new_frames(in, slk::socket_type::pub);
    must(from.connect("inproc://topics"));
    CHECK(from.topics_count() == 1);
    must(from.send(part("a1"), false));
    CHECK(whole(to) == "a1");
    // It is not told the same once more.
    must(to.unsubscribe(part("a")));
    CHECK(from.topics_count() == 0);
    must(to.subscribe(part("b")));
    must(from.send(part("b1"), false));
    CHECK(whole(to) == "b1");
}

TEST_CASE("the rest of a message goes with its peer, and the next one is whole")
{
    auto in = new_context();
    auto hub = new_frames(in, slk::socket_type::router);
    socket_options one, two;
    one.routing_id = "one";
    two.routing_id = "two";
    auto first = new_frames(in, slk::socket_type::dealer, one);
    auto second = new_frames(in, slk::socket_type::dealer, two);
    must(first.bind("inproc://first"));
    must(second.bind("inproc://second"));
    must(hub.connect("inproc://first"));
    must(hub.connect("inproc://second"));
    for (const char* const text : {"1", "2"})
        must(first.send(part(text), true));
    must(first.send(part("3"), false));
    message next;
    must(hub.receive(next, test_timeout));
    CHECK(next.text() == "one");
    SUBCASE("behind the routing id") {}
    SUBCASE("behind a part")
    {
        must(hub.receive(next, test_timeout));
        CHECK(next.text() == "1");
    }
    must(hub.disconnect_in_background("inproc://first", 0s));
    must(second.send(part("hello"), false));
    CHECK(whole(hub) == "two|hello");
}

TEST_CASE("a ROUTER that connects probes its peer without another call")
{
    auto in = new_context();
    auto at = new_frames(in, slk::socket_type::router);
    socket_options options;
    options.probe_router = true;
    options.routing_id = "prober";
    auto from = new_frames(in, slk::socket_type::router, options);
    bind_and_connect(at, from);
    CHECK(whole(at) == "prober|");
    CHECK(from.counters().queued_total <= 1);
    CHECK(must(from.known_peers()).size() == 1);
    CHECK(from.counters().queued_total == 1);
}

TEST_CASE("with tells_origin a received part tells of its peer")
{
    const auto origin_of = [](frame_socket& of) {
        return reference<message_origin>::adopt(static_cast<message_origin*>(of.origin()));
    };
    socket_options options;
    options.tells_origin = true;
    socket_options named;
    named.routing_id = "me";
    named.properties = {{"X-Place", "cellar"}};
    auto in = new_context();
    message got;
    auto to = new_frames(in, slk::socket_type::router, options);
    auto from = new_frames(in, slk::socket_type::dealer, named);
    bind_and_connect(to, from);
    CHECK_FALSE(origin_of(to));
    std::vector<reference<message_origin>> all;
    for (int number = 0; number < 600; ++number) {
        must(from.send(part("x"), false, test_timeout));
        must(to.receive(got, test_timeout));
        all.push_back(origin_of(to));
        must(to.receive(got, test_timeout)); // behind the routing id
        REQUIRE(origin_of(to).get() == all.back().get());
        REQUIRE(all.back().get() == all.front().get());
    }
    const auto origin = all.front();
    all.clear();
    REQUIRE(origin);
    CHECK(*origin->find("Socket-Type") == "DEALER");
    CHECK(*origin->find("Identity") == "me");
    CHECK(*origin->find("Peer-Address") == "127.0.0.1");
    CHECK(*origin->find("X-Place") == "cellar");
    CHECK(origin->find("User-Id") == nullptr);
    CHECK(origin->descriptor >= 0);
    // Nothing is left of the references that the socket had in stock.
    (void)to.close(0s);
    to = new_frames(in, slk::socket_type::router);
    CHECK(origin->users == 1);

    auto near = new_frames(in, slk::socket_type::pull, options);
    auto other = new_frames(in, slk::socket_type::push);
    bind_and_connect(near, other, "inproc://near");
    must(other.send(part("x"), false));
    must(near.receive(got, test_timeout));
    CHECK_FALSE(origin_of(near));
}

TEST_CASE("a frame socket drops a message whose last peer goes between its parts")
{
    for (const bool other : {false, true}) {
        CAPTURE(other);
        auto in = new_context();
        auto from = new_frames(in, slk::socket_type::push);
        auto to = new_frames(in, slk::socket_type::pull);
        auto next = new_frames(in, slk::socket_type::pull);
        const auto where = bind_and_connect(to, from);
        const auto later = must(next.bind(any_tcp));
        if (other)
            must(from.connect(later));
        must(from.send(part("a"), true));
        must(from.disconnect_in_background(where, duration::zero()));
        must(from.send(part("b"), true, no_wait));
        if (!other)
            must(from.connect(later));
        must(from.send(part("c"), false, no_wait));
        CHECK_FALSE(from.is_sending());
        must(from.send(part("d"), true));
        must(from.send(part("e"), false));
        // The one that stays gets all of it.
        if (other)
            CHECK(whole(next) == "a|b|c");
        CHECK(whole(next) == "d|e");
    }
}
