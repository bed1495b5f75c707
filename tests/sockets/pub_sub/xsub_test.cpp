// SPDX-License-Identifier: MPL-2.0

// An XSUB subscribes by messages, sends others to all its peers, and does not filter.

#include "sockets/pub_sub/pub_sub_ways.hpp"
#include "support/stream_peer.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("an XSUB subscribes at a PUB and an XPUB by messages, before and after it connects")
{
    for_each_transport([](context& in, const std::string& where) {
        auto from = new_socket<pub>(in);
        auto to = new_socket<xsub>(in);
        CHECK(must(to.send(subscription("before"))) == send_outcome::queued);
        CHECK(must(to.send(cancellation("unknown"))) == send_outcome::queued);
        bind_and_connect(from, to, where);
        must(from.wait_subscribers("before", 1, test_timeout));
        must(to.send(message_of(subscription("after"))));
        must(from.wait_subscribers("after", 1, test_timeout));
        must(from.send("after"));
        must(from.send(parts_of({"before", std::string(100'000, 'b')})));
        CHECK(receive_text(to) == "after");
        CHECK(receive_parts(to) == std::vector<std::string>{"before", std::string(100'000, 'b')});
        must(to.send(cancellation("after")));
        CHECK(until([&] { return must(from.send("after")) == send_outcome::dropped_no_route; }));
    });
}

TEST_CASE("an XSUB receives everything that its peers send, also in a received_batch")
{
    auto in = new_context();
    auto to = new_socket<xsub>(in);
    loop on = new_peer_loop();
    stream_peer peer(on, must(to.bind(any_tcp)));
    REQUIRE(peer.shake_hands("PUB"));
    REQUIRE(peer.send(short_frame("nobody", true) + short_frame("has asked", false) +
                      short_frame("for this", false)));
    CHECK(receive_parts(to) == std::vector<std::string>{"nobody", "has asked"});
    received_batch some;
    CHECK(must(to.receive_batch(some, 5, test_timeout)) == 1);
    CHECK(some.text(0) == "for this");
    CHECK(to.counters().received == 2);
}

TEST_CASE("an XSUB sends its messages to all peers, and says if there is none, or none has room")
{
    for_each_transport([](context& in, const std::string& where) {
        xsub_options few;
        few.send_high_water_mark = 2;
        auto from = new_socket<xsub>(in, few);
        CHECK(must(from.send("nobody")) == send_outcome::dropped_no_route);
        CHECK(from.counters().dropped_no_route == 1);
        auto one = new_socket<xpub>(in), other = new_socket<xpub>(in);
        must(from.connect(must(one.bind(where))));
        must(from.connect(must(other.bind(where + (where.starts_with("inproc") ? "2" : "")))));
        must(from.wait_ready(test_timeout));
        CHECK(must(from.send("both")) == send_outcome::queued);
        CHECK(receive_text(one) == "both");
        CHECK(receive_text(other) == "both");
        CHECK(from.counters().queued_total == 2);
        must(from.disconnect(one.last_endpoint()));
        must(from.disconnect(other.last_endpoint()));
        // Nobody is there.
        must(from.connect(where.starts_with("inproc") ? "inproc://nobody" : "tcp://127.0.0.1:1"));
        CHECK(must(from.send("1")) == send_outcome::queued);
        CHECK(must(from.send("2")) == send_outcome::queued);
        CHECK(must(from.send("3")) == send_outcome::dropped_full);
        CHECK(must(from.send(subscription("t"))) == send_outcome::queued);
        CHECK(from.counters().dropped_full == 1);
        CHECK(from.peers().front().dropped == 1);
        CHECK(from.close(0s).unsent() == 2);
    });
}

TEST_CASE("messages of an XSUB come in their order with its subscriptions")
{
    for_each_transport([](context& in, const std::string& where) {
        auto at = new_socket<xpub>(in);
        auto from = new_socket<xsub>(in);
        bind_and_connect(at, from, where);
        must(from.wait_ready(test_timeout));
        for (int number = 0; number < 300; ++number) {
            const std::string text = std::to_string(number);
            must(from.send(subscription(text)));
            must(from.send(parts_of({text, std::string(number % 50 == 0 ? 100'000 : 10, 'x')})));
        }
        for (int number = 0; number < 300; ++number) {
            const std::string text = std::to_string(number);
            CHECK(receive_text(at) == subscription(text));
            CHECK(receive_parts(at) ==
                  std::vector{text, std::string(number % 50 == 0 ? 100'000 : 10, 'x')});
        }
    });
}

TEST_CASE("a topic that is too long is refused, and nothing of its message is done")
{
    auto in = new_context();
    auto to = new_socket<xsub>(in);
    const std::string longest = subscription(std::string(xsub::max_topic_size, 't'));
    CHECK(to.send(longest + "t").error() == errc::invalid_argument);
    CHECK(to.send(parts_of({subscription("a"), longest + "t"})).error() == errc::invalid_argument);
    CHECK(to.send(multipart()).error() == errc::invalid_argument);
    auto from = new_socket<pub>(in);
    bind_and_connect(from, to);
    CHECK(must(to.send(longest)) == send_outcome::queued);
    must(from.wait_subscribers(std::string(xsub::max_topic_size, 't'), 1, test_timeout));
    CHECK(from.peers().front().subscriptions == 1);
}

TEST_CASE("an XPUB and an XSUB make a proxy for publishers and subscribers")
{
    for_each_transport([](context& in, const std::string& where) {
        const bool inproc = where.starts_with("inproc");
        auto back = new_socket<xsub>(in);
        auto front = new_socket<xpub>(in);
        must(back.bind(where));
        must(front.bind(where + (inproc ? "2" : "")));
        auto from = new_socket<pub>(in);
        auto to = new_socket<sub>(in);
        must(from.connect(back.last_endpoint()));
        must(to.connect(front.last_endpoint()));
        must(to.subscribe("t"));
        const auto forward = [&] {
            multipart whole;
            while (front.receive(whole, no_wait))
                must(back.send(std::move(whole)));
            while (back.receive(whole, no_wait))
                must(front.send(std::move(whole)));
        };
        std::string got;
        CHECK(until([&] {
            forward();
            (void)must(from.send("t"));
            return (got = receive_text(to, no_wait)) == "t";
        }));
        must(to.unsubscribe("t"));
        CHECK(until([&] {
            forward();
            (void)to.events();
            return must(from.send("t")) == send_outcome::dropped_no_route;
        }));
    });
}

TEST_CASE("an XSUB with verbose_unsubscribe passes on each cancellation")
{
    for_each_transport([](context& in, const std::string& where) {
        xpub_options all;
        all.verboser = true;
        auto at = new_socket<xpub>(in, all);
        xsub_options options;
        options.verbose_unsubscribe = true;
        auto from = new_socket<xsub>(in, options);
        bind_and_connect(at, from, where);
        must(from.wait_ready(test_timeout));
        const std::string cancel = std::string(1, '\0') + "t";
        for (int count = 0; count < 2; ++count) {
            must(from.send(subscription("t")));
            CHECK(receive_text(at) == subscription("t"));
        }
        for (int count = 0; count < 3; ++count) { // one of them is of no subscription
            must(from.send(cancel));
            CHECK(receive_text(at) == cancel);
        }
        options.verbose_unsubscribe = false;
        must(from.set_options(options));
        must(from.send(cancel));
        must(from.send(subscription("end")));
        CHECK(receive_text(at) == subscription("end"));
    });
}
