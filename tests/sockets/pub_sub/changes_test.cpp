// SPDX-License-Identifier: MPL-2.0

// Subscriptions that come and go, before and after the peers.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <string>

using namespace slk;
using namespace slk::testing;

namespace {

/// The topics of the only peer.
[[nodiscard]] bool has_topics(pub& which, std::uint32_t count)
{
    return until([&] {
        const auto all = which.peers();
        return all.size() == 1 && all.front().ready && all.front().subscriptions == count;
    });
}

} // namespace

TEST_CASE("subscriptions change at any time")
{
    for (const char* const where : {any_tcp, "inproc://changes"}) {
        CAPTURE(where);
        auto in = new_context();
        auto from = new_socket<pub>(in);
        auto to = new_socket<sub>(in);
        must(to.subscribe("before"));
        bind_and_connect(from, to, where);
        must(to.subscribe("after"));
        CHECK(has_topics(from, 2));
        must(to.unsubscribe("before"));
        CHECK(has_topics(from, 1));
        CHECK(must(from.send("before")) == send_outcome::dropped_no_route);
        CHECK(must(from.send("after")) == send_outcome::queued);
        CHECK(receive_text(to) == "after");
        must(to.unsubscribe("after"));
        CHECK(has_topics(from, 0));
        CHECK(must(from.send("after")) == send_outcome::dropped_no_route);
    }
}

TEST_CASE("two subscriptions to a topic need two to be taken back")
{
    auto in = new_context();
    auto from = new_socket<pub>(in);
    auto to = new_socket<sub>(in);
    bind_and_connect(from, to);
    must(to.subscribe("x"));
    must(to.subscribe("x"));
    must(to.unsubscribe("x"));
    must(to.subscribe("end")); // arrives after everything before
    must(from.wait_subscribers("end", 1, test_timeout));
    CHECK(must(from.send("x")) == send_outcome::queued);
    CHECK(receive_text(to) == "x");
    must(to.unsubscribe("x"));
    CHECK(has_topics(from, 1));
}

TEST_CASE("to take back what was not subscribed to changes nothing")
{
    auto in = new_context();
    auto to = new_socket<sub>(in);
    CHECK(to.unsubscribe("x").has_value());
    auto from = new_socket<pub>(in);
    bind_and_connect(from, to);
    must(to.subscribe("y"));
    CHECK(to.unsubscribe("x").has_value());
    CHECK(has_topics(from, 1));
}

TEST_CASE("a topic is any bytes, up to its limit")
{
    auto in = new_context();
    auto from = new_socket<pub>(in);
    auto to = new_socket<sub>(in);
    bind_and_connect(from, to);
    const std::string zeros("\0\xff\0", 3);
    const std::string longest(sub::max_topic_size, 't');
    must(to.subscribe(zeros));
    must(to.subscribe(longest));
    CHECK(to.subscribe(longest + 't').error() == errc::invalid_argument);
    CHECK(has_topics(from, 2));
    CHECK(must(from.send(longest + "!")) == send_outcome::queued);
    CHECK(must(from.send(zeros + "!")) == send_outcome::queued);
    CHECK(must(from.send(std::string_view("\0\xff\1", 3))) == send_outcome::dropped_no_route);
    CHECK(receive_text(to) == longest + "!");
    CHECK(receive_text(to) == zeros + "!");
}

TEST_CASE("more subscriptions than all marks reach every publisher, whenever it comes")
{
    for (const int threads : {1, 0}) {
        CAPTURE(threads);
        // More bytes than a chunk has, too.
        constexpr std::uint32_t count = 1000;
        const std::string common(100, 't');
        socket_options small;
        small.send_high_water_mark = small.receive_high_water_mark = 2;
        auto in = new_context(threads);
        auto to = new_socket<sub>(in, small);
        const std::string where = must(to.bind(any_tcp));
        auto early = new_socket<pub>(in, small);
        must(early.connect(where));
        for (std::uint32_t number = 0; number < count; ++number)
            must(to.subscribe(common + std::to_string(number)));
        auto late = new_socket<pub>(in, small);
        must(late.connect(where));
        CHECK(has_topics(early, count));
        CHECK(has_topics(late, count));
        for (std::uint32_t number = 0; number < count; ++number)
            must(to.unsubscribe(common + std::to_string(number)));
        CHECK(has_topics(early, 0));
        CHECK(has_topics(late, 0));
    }
}

TEST_CASE("a SUB that connects by inproc before the name is bound is known when it is")
{
    auto in = new_context();
    auto to = new_socket<sub>(in);
    must(to.subscribe("a"));
    must(to.connect("inproc://late"));
    must(to.subscribe("b"));
    must(to.unsubscribe("a"));
    auto from = new_socket<pub>(in);
    must(from.bind("inproc://late"));
    CHECK(must(from.send("b")) == send_outcome::queued);
    CHECK(must(from.send("a")) == send_outcome::dropped_no_route);
    CHECK(receive_text(to, no_wait) == "b");
}

TEST_CASE("a SUB is ready when its connection has its subscriptions")
{
    auto in = new_context();
    auto from = new_socket<pub>(in);
    auto to = new_socket<sub>(in);
    must(to.subscribe("x"));
    bind_and_connect(from, to);
    must(to.wait_ready(test_timeout));
    CHECK(from.wait_subscribers("x", 1, test_timeout).has_value());
}

TEST_CASE("wait_subscribers waits for that many peers whose subscriptions match, and not longer "
          "than it may")
{
    auto in = new_context();
    auto from = new_socket<pub>(in);
    const std::string where = must(from.bind(any_tcp));
    CHECK(from.wait_subscribers("x", 0, no_wait).has_value());
    CHECK(from.wait_subscribers("x", 1, no_wait).error() == errc::would_block);
    CHECK(from.wait_subscribers("x", 1, short_timeout).error() == errc::timed_out);
    auto one = new_socket<sub>(in);
    must(one.connect(where));
    must(one.subscribe("topic"));
    must(one.subscribe("top"));
    auto other = new_socket<sub>(in);
    must(other.connect(where));
    must(other.subscribe(""));
    CHECK(from.wait_subscribers("topical", 2, test_timeout).has_value());
    CHECK(from.wait_subscribers("to", 2, short_timeout).error() == errc::timed_out);
    CHECK(from.wait_subscribers("to", 1, test_timeout).has_value());
    (void)other.close(0s);
    CHECK(until(
        [&] { return from.wait_subscribers("to", 1, no_wait).error() == errc::would_block; }));
    (void)from.close(0s);
    CHECK(from.wait_subscribers("to").error() == errc::invalid_state);
}

TEST_CASE("a moved socket subscribes, and an empty one does not")
{
    auto in = new_context();
    auto to = new_socket<sub>(in);
    auto next = std::move(to);
    CHECK(to.subscribe("x").error() == errc::invalid_state);
    CHECK(to.unsubscribe("x").error() == errc::invalid_state);
    must(next.subscribe("x"));
    (void)next.close(0s);
    CHECK(next.subscribe("x").error() == errc::invalid_state);
    CHECK(next.unsubscribe("x").error() == errc::invalid_state);
}
