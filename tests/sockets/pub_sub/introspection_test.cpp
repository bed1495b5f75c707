// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "pub_sub_ways.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

using texts = std::vector<std::string>;

texts topics_of(const context& in, std::string_view matching = {})
{
    return must(subscribed_topics(in, matching));
}

} // namespace

TEST_CASE("the topics of a context are those that the peers of its publishers have")
{
    for_each_transport([](context& in, const std::string& where) {
        CHECK(topics_of(in).empty());
        CHECK(must(subscriber_count(in, "news")) == 0);
        auto by = new_socket<pub>(in);
        auto one = new_socket<sub>(in);
        auto other = new_socket<sub>(in);
        const std::string at = bind_and_connect(by, one, where);
        must(other.connect(at));
        for (const char* const topic : {"news", "news.sport", "weather", ""})
            must(one.subscribe(topic));
        must(other.subscribe("news"));
        must(other.subscribe("news"));
        // The publisher takes the subscriptions in this call.
        must(by.wait_subscribers("news.sport", 2, test_timeout));
        must(by.wait_subscribers("anything", 1, test_timeout));
        CHECK(topics_of(in) == texts{"", "news", "news.sport", "weather"});
        CHECK(topics_of(in, "*") == topics_of(in));
        CHECK(topics_of(in, "news*") == texts{"news", "news.sport"});
        CHECK(topics_of(in, "[nw]e?[st]*") == texts{"news", "news.sport", "weather"});
        CHECK(topics_of(in, "n[!a]ws") == texts{"news"});
        CHECK(topics_of(in, "sport").empty());
        CHECK(must(subscriber_count(in, "news")) == 2);
        CHECK(must(subscriber_count(in, "news.sport")) == 1);
        CHECK(must(subscriber_count(in, "")) == 1);
        CHECK(must(subscriber_count(in, "new")) == 0);
        // A cancellation.
        must(one.unsubscribe("news"));
        must(one.unsubscribe("weather"));
        REQUIRE(until([&] {
            (void)one.events();
            (void)by.events();
            return must(subscriber_count(in, "weather")) == 0;
        }));
        CHECK(must(subscriber_count(in, "news")) == 1);
        CHECK(topics_of(in) == texts{"", "news", "news.sport"});
        // The end of a connection.
        other.close(0ms);
        REQUIRE(until([&] {
            (void)by.events();
            return must(subscriber_count(in, "news")) == 0;
        }));
        CHECK(topics_of(in) == texts{"", "news.sport"});
        by.close(0ms);
        CHECK(topics_of(in).empty());
    });
}

TEST_CASE("what an XPUB has still to report about a peer that has gone does not count")
{
    auto in = new_context(0);
    auto by = new_socket<xpub>(in);
    auto one = new_socket<sub>(in);
    auto other = new_socket<sub>(in);
    const std::string at = bind_and_connect(by, one, "inproc://reports");
    must(other.connect(at));
    must(one.subscribe("both"));
    must(one.subscribe("mine"));
    must(other.subscribe("both"));
    // What waits to be received is taken already.
    (void)by.events();
    CHECK(must(subscriber_count(in, "both")) == 2);
    CHECK(topics_of(in) == texts{"both", "mine"});
    one.close(0ms);
    (void)by.events();
    CHECK(must(subscriber_count(in, "both")) == 1);
    CHECK(must(subscriber_count(in, "mine")) == 0);
    CHECK(topics_of(in) == texts{"both"});
    CHECK(by.topics_count() == 1);
    CHECK(receive_text(by) == subscription("both"));
    CHECK(receive_text(by) == subscription("mine"));
    CHECK(receive_text(by) == cancellation("mine"));
    CHECK(topics_of(in) == texts{"both"});
    CHECK(must(subscriber_count(in, "both")) == 1);
}

TEST_CASE("with the option manual the topics count that the caller has subscribed to")
{
    auto in = new_context(0);
    xpub_options options;
    options.manual = true;
    auto by = new_socket<xpub>(in, options);
    auto to = new_socket<sub>(in);
    bind_and_connect(by, to, "inproc://manual");
    must(to.subscribe("asked"));
    CHECK(receive_text(by) == subscription("asked"));
    CHECK(topics_of(in).empty());
    must(by.subscribe("given"));
    CHECK(topics_of(in) == texts{"given"});
    CHECK(must(subscriber_count(in, "given")) == 1);
    to.close(0ms);
    (void)by.events();
    CHECK(topics_of(in).empty());
}

TEST_CASE("topics of several publishers are summed, those of shards and brokers too")
{
    auto in = new_context();
    auto elsewhere = new_context();
    auto first = new_socket<pub>(in);
    auto second = new_socket<xpub>(in);
    auto to = new_socket<sub>(in);
    bind_and_connect(first, to, "inproc://first");
    bind_and_connect(second, to, "inproc://second");
    must(to.subscribe("news"));
    (void)first.events();
    (void)second.events();
    CHECK(must(subscriber_count(in, "news")) == 2);
    CHECK(topics_of(in) == texts{"news"});
    CHECK(topics_of(elsewhere).empty());
    auto shards = must(sharded_pubsub::create(in, 4));
    auto reader = new_socket<sub>(in);
    must(shards.subscribe(reader, "news"));
    CHECK(must(subscriber_count(in, "news")) == 3);
    // A SUB has the same topics at all its shards.
    for (const char* const channel : {"{news}a", "{news}b"})
        must(shards.subscribe(reader, channel));
    CHECK(topics_of(in, "{news}?") == texts{"{news}a", "{news}b"});
    CHECK(must(subscriber_count(in, "{news}a")) == 1);
    auto broker = must(pubsub_broker::create(in, any_tcp, any_tcp));
    must(broker.start());
    must(reader.connect(broker.backend()));
    // Nobody calls the broker's sockets but its own thread.
    REQUIRE(until([&] { return must(subscriber_count(in, "news")) == 4; }));
    must(reader.disconnect(broker.backend()));
    REQUIRE(until([&] { return must(subscriber_count(in, "news")) == 3; }));
}

TEST_CASE("the patterns of a context are the different ones of each subscriber")
{
    auto in = new_context(0);
    CHECK(must(pattern_count(in)) == 0);
    auto by = new_socket<pub>(in);
    auto one = new_socket<sub>(in);
    auto other = new_socket<sub>(in);
    bind_and_connect(by, one, "inproc://patterns");
    must(one.psubscribe("news.*.[a-z]"));
    must(one.psubscribe("news.*.[a-z]"));
    must(one.psubscribe("weather?"));
    must(one.subscribe("topic"));
    must(other.psubscribe("weather?"));
    CHECK(must(pattern_count(in)) == 3);
    // Publishers know what a pattern begins with.
    (void)by.events();
    CHECK(topics_of(in) == texts{"news.", "topic", "weather"});
    must(one.punsubscribe("news.*.[a-z]"));
    CHECK(must(pattern_count(in)) == 3);
    must(one.punsubscribe("news.*.[a-z]"));
    must(one.punsubscribe("never"));
    CHECK(must(pattern_count(in)) == 2);
    CHECK(one.psubscribe("[").error() == errc::invalid_argument);
    CHECK(must(pattern_count(in)) == 2);
    other.close(0ms);
    CHECK(must(pattern_count(in)) == 1);
    auto raw = new_socket<xsub>(in);
    must(raw.psubscribe("weather?"));
    CHECK(must(pattern_count(in)) == 2);
}

TEST_CASE("a malformed pattern, and a context that is gone, are errors")
{
    auto in = new_context(0);
    CHECK(subscribed_topics(in, "[a").error() == errc::invalid_argument);
    CHECK(subscribed_topics(in, std::string(256, 'a')).error() == errc::invalid_argument);
    in.shutdown();
    CHECK(topics_of(in).empty());
    const auto moved = std::move(in);
    CHECK(subscribed_topics(in).error() == errc::invalid_state);
    CHECK(subscriber_count(in, "a").error() == errc::invalid_state);
    CHECK(pattern_count(in).error() == errc::invalid_state);
}

TEST_CASE("topics are whole, however many and however long they are")
{
    auto in = new_context(0);
    auto by = new_socket<pub>(in);
    auto to = new_socket<sub>(in);
    bind_and_connect(by, to, "inproc://many");
    const std::string longest(40'000, 'x'), zeros(3, '\0');
    must(to.subscribe(longest));
    must(to.subscribe(zeros));
    constexpr int count = 3000;
    for (int number = 0; number < count; ++number)
        must(to.subscribe("topic " + std::to_string(number)));
    must(to.subscribe(longest + longest.substr(0, 20'000)));
    // A publisher takes in a number of them in each call.
    REQUIRE(until([&] { return by.topics_count() == count + 3; }));
    // A hole in the middle.
    for (int number = 1000; number < 1700; ++number)
        must(to.unsubscribe("topic " + std::to_string(number)));
    REQUIRE(until([&] { return by.topics_count() == count - 700 + 3; }));
    const auto all = topics_of(in);
    CHECK(all.size() == count - 700 + 3);
    CHECK(std::ranges::count(all, longest) == 1);
    CHECK(std::ranges::count(all, longest + longest.substr(0, 20'000)) == 1);
    CHECK(std::ranges::count(all, zeros) == 1);
    CHECK(std::ranges::count(all, "topic 999") == 1);
    CHECK(std::ranges::count(all, "topic 1000") == 0);
    CHECK(topics_of(in, "topic 17[0-4]").size() == 5);
    CHECK(must(subscriber_count(in, longest)) == 1);
}

TEST_CASE("any thread may ask while others subscribe, publish and close")
{
    auto in = new_context();
    auto shards = must(sharded_pubsub::create(in, 1));
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int number = 0; number < 2; ++number)
        threads.emplace_back([&, number] {
            const std::string name = "thread" + std::to_string(number);
            for (int round = 0; round < 40; ++round) {
                auto by = sub::create(in);
                if (!by || !by->psubscribe("p*")) {
                    ++wrong;
                    return;
                }
                for (int channel = 0; channel < 10; ++channel) {
                    const std::string full = name + "." + std::to_string(channel);
                    if (!shards.subscribe(*by, full) || !shards.publish(full, "x"))
                        ++wrong;
                }
                // What is subscribed to at this time is found, whatever the other thread does.
                const auto topics = subscribed_topics(in, name + ".?");
                const auto readers = subscriber_count(in, name + ".7");
                const auto patterns = pattern_count(in);
                if (!topics || topics->size() != 10 || !readers || *readers != 1 || !patterns ||
                    *patterns < 1)
                    ++wrong;
                by->close(0ms);
                for (int channel = 0; channel < 10; ++channel)
                    if (!shards.publish(name + "." + std::to_string(channel), "x"))
                        ++wrong;
                const auto left = subscriber_count(in, name + ".7");
                if (!left || *left != 0)
                    ++wrong;
            }
        });
    for (std::thread& each : threads)
        each.join();
    CHECK(wrong == 0);
}
