// SPDX-License-Identifier: MPL-2.0

// What an XPUB receives: subscriptions, cancellations, and the messages of XSUBs.

#include "sockets/pub_sub/pub_sub_ways.hpp"

#include <algorithm>

using namespace slk;
using namespace slk::testing;

namespace {

xpub_options reporting(bool verbose, bool verboser)
{
    xpub_options options;
    options.verbose = verbose;
    options.verboser = verboser;
    return options;
}

std::string report_of(bool verbose, const std::string& text)
{
    return verbose ? text : std::string();
}

} // namespace

TEST_CASE("an XPUB reports the first subscription to a topic and its last cancellation, or all")
{
    for (const auto& [verbose, verboser] :
         {std::pair{false, false}, std::pair{true, false}, std::pair{false, true}})
        for_each_transport([&](context& in, const std::string& where) {
            CAPTURE(verbose);
            CAPTURE(verboser);
            const bool each_first = verbose || verboser;
            auto at = new_socket<xpub>(in, reporting(verbose, verboser));
            auto one = new_socket<xsub>(in), other = new_socket<xsub>(in);
            must(one.connect(must(at.bind(where))));
            must(other.connect(at.last_endpoint()));
            must(one.wait_ready(test_timeout));
            must(other.wait_ready(test_timeout));
            // A message of the same peer comes after what it has sent before.
            const auto step = [&](xsub& from, const std::string& request,
                                  const std::string& expected) {
                must(from.send(request));
                must(from.send("next"));
                if (!expected.empty())
                    CHECK(receive_text(at) == expected);
                CHECK(receive_text(at) == "next");
            };
            step(one, subscription("t"), subscription("t"));
            step(one, subscription("t"), report_of(each_first, subscription("t")));
            step(other, subscription("t"), report_of(each_first, subscription("t")));
            step(other, subscription("t2"), subscription("t2"));
            // Subscriptions are counted here, and are a set there.
            step(one, cancellation("t"), "");
            step(one, cancellation("t"), report_of(verboser, cancellation("t")));
            step(one, cancellation("t"), "");
            CHECK(must(at.send("t")) == send_outcome::queued);
            CHECK(receive_text(other) == "t");
            step(other, cancellation("t"), cancellation("t"));
            CHECK(must(at.send("t")) == send_outcome::dropped_no_route);
            CHECK(at.counters().received >= 8);
        });
}

TEST_CASE("the end of a peer is a cancellation of all its topics")
{
    for (const bool verboser : {false, true})
        for_each_transport([&](context& in, const std::string& where) {
            CAPTURE(verboser);
            auto at = new_socket<xpub>(in, reporting(false, verboser));
            auto one = new_socket<sub>(in), other = new_socket<sub>(in);
            must(at.bind(where));
            for (sub* const each : {&one, &other}) {
                must(each->subscribe("both"));
                must(each->connect(at.last_endpoint()));
            }
            must(one.subscribe(std::string(500, 'l')));
            must(at.wait_subscribers("both", 2, test_timeout));
            must(at.wait_subscribers(std::string(500, 'l'), 1, test_timeout));
            for (int count = verboser ? 3 : 2; count > 0; --count)
                CHECK(receive_text(at).starts_with('\1'));
            (void)one.close(0s);
            std::vector<std::string> got;
            for (int count = verboser ? 2 : 1; count > 0; --count)
                got.push_back(receive_text(at));
            std::ranges::sort(got);
            CHECK(got ==
                  (verboser ? std::vector{cancellation("both"), cancellation(std::string(500, 'l'))}
                            : std::vector{cancellation(std::string(500, 'l'))}));
            CHECK(must(at.send("both")) == send_outcome::queued);
            CHECK(receive_text(other) == "both");
            (void)other.close(0s);
            CHECK(receive_text(at) == cancellation("both"));
            CHECK(must(at.send("both")) == send_outcome::dropped_no_route);
            CHECK(receive_text(at, no_wait) == "(would_block)");
        });
}

TEST_CASE(
    "an XPUB receives the messages of XSUBs whole, behind the subscriptions among their parts")
{
    for_each_transport([](context& in, const std::string& where) {
        auto at = new_socket<xpub>(in);
        auto from = new_socket<xsub>(in);
        bind_and_connect(at, from, where);
        must(from.wait_ready(test_timeout));
        const std::string large(200'000, 'x'), middle(5'000, 'y');
        for (const std::vector<std::string>& texts : {std::vector<std::string>{""},
                                                      {"plain"},
                                                      {middle},
                                                      {large},
                                                      {"a", large, ""},
                                                      {"", middle, large, "z"}}) {
            CHECK(must(from.send(parts_of(texts))) == send_outcome::queued);
            CHECK(receive_parts(at) == texts);
        }
        CHECK(must(from.send(parts_of({"hello", subscription("u"), "world"}))) ==
              send_outcome::queued);
        CHECK(receive_text(at) == subscription("u"));
        CHECK(receive_parts(at) == std::vector<std::string>{"hello", "world"});
        CHECK(must(from.send(parts_of({subscription("v"), subscription("w")}))) ==
              send_outcome::queued);
        CHECK(receive_text(at) == subscription("v"));
        CHECK(receive_text(at) == subscription("w"));
        CHECK(must(at.send("w")) == send_outcome::queued);
        CHECK(receive_text(from) == "w");
        CHECK(at.counters().received == 10);
        const auto peers = at.peers();
        REQUIRE(peers.size() == 1);
        CHECK(peers.front().received == 7);
        CHECK(peers.front().subscriptions == 3);
    });
}

TEST_CASE("reports are received in batches, and part by part")
{
    for_each_transport([](context& in, const std::string& where) {
        auto at = new_socket<xpub>(in);
        auto from = new_socket<xsub>(in);
        bind_and_connect(at, from, where);
        must(from.wait_ready(test_timeout));
        for (const char* const topic : {"a", "b", "c"})
            must(from.send(subscription(topic)));
        must(from.send(parts_of({"x", "y"})));
        must(at.wait_subscribers("c", 1, test_timeout));
        std::vector<std::string> got;
        while (got.size() < 5) {
            message several[3];
            const std::size_t count = must(at.receive_batch(several, test_timeout));
            for (const message& each : std::span(several).first(count))
                got.emplace_back(each.text());
        }
        CHECK(got == std::vector{subscription("a"), subscription("b"), subscription("c"),
                                 std::string("x"), std::string("y")});
        received_batch some;
        CHECK(at.receive_batch(some, 3, no_wait).error() == errc::not_supported);
        CHECK_FALSE(at.events().readable);
        must(from.send(subscription("d")));
        wait_item items[] = {{.on = &at}};
        must(wait(items, test_timeout));
        CHECK(at.events().readable);
        CHECK(receive_text(at, no_wait) == subscription("d"));
    });
}

TEST_CASE("a peer has to wait while as many of its reports wait as the mark says")
{
    for_each_transport([](context& in, const std::string& where) {
        xpub_options few;
        few.receive_high_water_mark = 3;
        auto at = new_socket<xpub>(in, few);
        auto from = new_socket<xsub>(in), other = new_socket<xsub>(in);
        bind_and_connect(at, from, where);
        must(other.connect(at.last_endpoint()));
        must(other.wait_ready(test_timeout));
        constexpr int count = 40;
        for (int number = 0; number < count; ++number)
            must(from.send(subscription(std::to_string(100 + number))));
        must(at.wait_subscribers("102", 1, test_timeout));
        CHECK(at.wait_subscribers("103", 1, short_timeout).error() == errc::timed_out);
        // Others do not.
        must(other.send(subscription("other")));
        must(at.wait_subscribers("other", 1, test_timeout));
        std::vector<std::string> got;
        for (int number = 0; number <= count; ++number)
            if (const std::string text = receive_text(at); text != subscription("other"))
                got.push_back(text);
        REQUIRE(got.size() == count);
        for (int number = 0; number < count; ++number)
            CHECK(got[static_cast<std::size_t>(number)] ==
                  subscription(std::to_string(100 + number)));
    });
}

TEST_CASE("a higher mark lets a peer go on that has waited")
{
    for_each_transport([](context& in, const std::string& where) {
        xpub_options few;
        few.receive_high_water_mark = 3;
        auto at = new_socket<xpub>(in, few);
        auto from = new_socket<xsub>(in);
        bind_and_connect(at, from, where);
        for (int number = 0; number < 20; ++number)
            must(from.send(subscription(std::to_string(100 + number))));
        must(at.wait_subscribers("102", 1, test_timeout));
        must(at.set_receive_high_water_mark(0));
        must(at.wait_subscribers("119", 1, test_timeout));
    });
}

TEST_CASE("what a peer has sent is received although it went before anybody looked")
{
    for_each_transport([](context& in, const std::string& where) {
        auto at = new_socket<xpub>(in);
        const std::string bound = must(at.bind(where));
        {
            auto from = new_socket<xsub>(in);
            must(from.connect(bound));
            must(from.wait_ready(test_timeout));
            (void)at.events();
            must(from.send(subscription("t")));
            must(from.send("bye"));
            must(from.send(parts_of({"bye", "again"})));
            CHECK(from.close(test_timeout).unsent() == 0);
        }
        // Where a thread runs the loop, all of it has arrived now; the XPUB has not looked.
        (void)until([&] { return at.counters().disconnected == 1; }, 100ms);
        CHECK(receive_text(at) == subscription("t"));
        CHECK(receive_text(at) == "bye");
        multipart last;
        must(at.receive(last, test_timeout));
        CHECK(texts_of(last) == std::vector<std::string>{"bye", "again"});
        CHECK(receive_text(at) == cancellation("t"));
        CHECK(at.counters().discarded == 0);
    });
}

TEST_CASE("messages that an XPUB has not received when it is closed are counted as discarded")
{
    for_each_transport([](context& in, const std::string& where) {
        auto at = new_socket<xpub>(in);
        auto from = new_socket<xsub>(in);
        bind_and_connect(at, from, where);
        must(from.wait_ready(test_timeout));
        must(from.send("lost"));
        must(from.send(parts_of({"lost", "too"})));
        must(from.send(subscription("t")));
        must(at.wait_subscribers("t", 1, test_timeout));
        (void)at.close(0s);
        CHECK(at.counters().discarded == 2);
        CHECK(at.counters().received == 0);
    });
}

TEST_CASE("verbose and verboser are for an XPUB")
{
    auto in = new_context();
    CHECK(pub::create(in, reporting(true, false)).error().detail ==
          std::string("verbose is for an XPUB"));
    CHECK(xsub::create(in, reporting(false, true)).error().detail ==
          std::string("verboser is for an XPUB"));
    // They act at once.
    auto at = new_socket<xpub>(in);
    auto one = new_socket<sub>(in), other = new_socket<sub>(in);
    must(at.bind("inproc://x"));
    must(one.connect("inproc://x"));
    must(one.subscribe("t"));
    CHECK(receive_text(at) == subscription("t"));
    must(at.set_options(reporting(true, false)));
    must(other.connect("inproc://x"));
    must(other.subscribe("t"));
    CHECK(receive_text(at) == subscription("t"));
}
