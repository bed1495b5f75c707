// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "pub_sub_ways.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

using texts = std::vector<std::string>;

/// The channel and the data of the next message, or the name of the error in parentheses.
texts next_of(pubsub_cluster& from, const timeout& limit = test_timeout)
{
    message channel, data;
    const auto received = from.receive(channel, data, limit);
    return received ? texts{std::string(channel.text()), std::string(data.text())}
                    : texts{"(" + std::string(name_of(received.error().code)) + ")"};
}

/// An XPUB that takes data of any bytes.
xpub new_node(context& in)
{
    xpub_options options;
    options.only_first_subscribe = true;
    return new_socket<xpub>(in, options);
}

/// Publishes at a node that has the subscription by then.
void publish_at(xpub& node, std::string_view channel, std::string_view data)
{
    must(node.wait_subscribers(channel, 1, test_timeout));
    REQUIRE(must(node.send(parts_of({std::string(channel), std::string(data)}))) ==
            send_outcome::queued);
}

/// The next message that the cluster has published: without the reports of subscriptions.
texts published_at(xpub& node)
{
    for (;;) {
        const texts next = receive_parts(node);
        if (next.size() != 1 || next[0].empty() || next[0][0] > 1)
            return next;
    }
}

/// Topics that the peers of the node have subscribed to.
std::size_t topics_at(xpub& node)
{
    std::size_t sum = 0;
    for (const peer_status& each : node.peers())
        sum += each.subscriptions;
    return sum;
}

/// Waits until they are this number.
bool has_topics(xpub& node, std::size_t count)
{
    return until([&] { return topics_at(node) == count; });
}

/// A channel of the `index`th of `nodes` nodes.
std::string channel_of(std::size_t index, std::size_t nodes, const std::string& name = "channel ")
{
    for (int number = 0;; ++number) {
        std::string channel = name + std::to_string(number) + ".";
        if (slot_of(channel) * nodes / slot_count == index)
            return channel;
    }
}

} // namespace

TEST_CASE("a cluster subscribes to a channel at its node, and to a pattern at all nodes")
{
    for_each_transport([](context& in, const std::string& where) {
        auto cluster = must(pubsub_cluster::create(in));
        std::vector<xpub> nodes;
        texts endpoints;
        for (int number = 0; number < 3; ++number) {
            nodes.push_back(new_node(in));
            endpoints.push_back(must(nodes.back().bind(
                where == "inproc://upstream" ? where + std::to_string(number) : where)));
            must(cluster.add_node(endpoints.back()));
        }
        CHECK(must(cluster.nodes()) == endpoints);
        must(cluster.psubscribe("pattern *"));
        for (std::size_t number = 0; number < nodes.size(); ++number) {
            const std::string channel = channel_of(number, nodes.size());
            CHECK(must(cluster.node_of(channel)) == endpoints[number]);
            must(cluster.subscribe(channel));
        }
        must(cluster.wait_ready(test_timeout));
        for (std::size_t number = 0; number < nodes.size(); ++number) {
            REQUIRE(has_topics(nodes[number], 2));
            publish_at(nodes[number], channel_of(number, nodes.size()), "of the channel");
            CHECK(next_of(cluster) == texts{channel_of(number, nodes.size()), "of the channel"});
            publish_at(nodes[number], "pattern " + std::to_string(number), "of the pattern");
            CHECK(next_of(cluster) == texts{"pattern " + std::to_string(number), "of the pattern"});
        }
        CHECK(next_of(cluster, no_wait) == texts{"(would_block)"});
        // What is published goes to the owner, as two parts, whatever the bytes are.
        for (std::size_t number = 0; number < nodes.size(); ++number) {
            const std::string channel = channel_of(number, nodes.size(), "to ");
            const std::string data = std::string("\0\1", 2) + "data" + std::to_string(number);
            CHECK(must(cluster.publish(channel, data)) == send_outcome::queued);
            CHECK(must(cluster.publish(channel, "")) == send_outcome::queued);
            CHECK(published_at(nodes[number]) == texts{channel, data});
            CHECK(published_at(nodes[number]) == texts{channel, ""});
        }
    });
}

TEST_CASE("slots are split evenly in the order of the nodes")
{
    auto in = new_context(0);
    auto cluster = must(pubsub_cluster::create(in));
    for (const char* const each : {"inproc://a", "inproc://b", "inproc://c"})
        must(cluster.add_node(each));
    // A name of each slot.
    std::vector<std::string> owner(slot_count);
    std::size_t missing = owner.size();
    for (int number = 0; missing > 0; ++number) {
        const std::string channel = std::to_string(number);
        std::string& of_slot = owner[slot_of(channel)];
        if (!of_slot.empty())
            continue;
        of_slot = must(cluster.node_of(channel));
        --missing;
    }
    CHECK(std::ranges::is_sorted(owner));
    CHECK(std::ranges::count(owner, "inproc://a") == 5462);
    CHECK(std::ranges::count(owner, "inproc://b") == 5461);
    CHECK(std::ranges::count(owner, "inproc://c") == 5461);
    CHECK(must(cluster.node_of("{user}.mail")) == must(cluster.node_of("{user}.name")));
}

TEST_CASE("a cluster knows its nodes by their texts")
{
    auto in = new_context(0);
    auto cluster = must(pubsub_cluster::create(in));
    CHECK(must(cluster.nodes()).empty());
    CHECK(cluster.node_of("a").error() == errc::no_route);
    must(cluster.add_node("tcp://127.0.0.1:5"));
    CHECK(cluster.add_node("tcp://127.0.0.1:5").error() == errc::already_exists);
    CHECK(cluster.add_node("nonsense").error() == errc::invalid_argument);
    CHECK(cluster.add_node("").error() == errc::invalid_argument);
    must(cluster.add_node("inproc://a"));
    CHECK(must(cluster.nodes()) == texts{"tcp://127.0.0.1:5", "inproc://a"});
    CHECK(cluster.remove_node("inproc://b").error() == errc::not_found);
    must(cluster.remove_node("tcp://127.0.0.1:5"));
    CHECK(cluster.remove_node("tcp://127.0.0.1:5").error() == errc::not_found);
    must(cluster.add_node("tcp://127.0.0.1:5"));
    CHECK(must(cluster.nodes()) == texts{"inproc://a", "tcp://127.0.0.1:5"});
}

TEST_CASE("without nodes subscriptions are kept, and a message has no way")
{
    auto in = new_context();
    auto cluster = must(pubsub_cluster::create(in));
    must(cluster.subscribe("channel"));
    must(cluster.subscribe("not this"));
    must(cluster.unsubscribe("not this"));
    must(cluster.psubscribe("p[0-9]"));
    must(cluster.psubscribe("not th*"));
    must(cluster.punsubscribe("not th*"));
    CHECK(cluster.publish("channel", "x").error() == errc::no_route);
    CHECK(next_of(cluster, no_wait) == texts{"(would_block)"});
    CHECK(next_of(cluster, 1ms) == texts{"(timed_out)"});
    must(cluster.wait_ready(no_wait));
    auto node = new_node(in);
    const std::string at = must(node.bind(any_tcp));
    must(cluster.add_node(at));
    REQUIRE(has_topics(node, 2));
    publish_at(node, "channel", "1");
    publish_at(node, "p7", "2");
    CHECK(next_of(cluster) == texts{"channel", "1"});
    CHECK(next_of(cluster) == texts{"p7", "2"});
    // The last one goes.
    must(cluster.remove_node(at));
    REQUIRE(has_topics(node, 0));
    CHECK(cluster.publish("channel", "x").error() == errc::no_route);
    CHECK(next_of(cluster, no_wait) == texts{"(would_block)"});
    must(cluster.add_node(at));
    publish_at(node, "channel", "3");
    CHECK(next_of(cluster) == texts{"channel", "3"});
}

TEST_CASE("subscriptions of a cluster are counted, and its nodes are told the first and the last")
{
    auto in = new_context(0);
    auto cluster = must(pubsub_cluster::create(in));
    xpub_options options;
    options.verboser = true;
    auto node = new_socket<xpub>(in, options);
    must(node.bind("inproc://node"));
    must(cluster.add_node("inproc://node"));
    must(cluster.subscribe("a"));
    must(cluster.subscribe("a"));
    must(cluster.psubscribe("p*"));
    must(cluster.psubscribe("p*"));
    must(cluster.unsubscribe("a"));
    must(cluster.punsubscribe("p*"));
    must(node.send(parts_of({"a", "1"})));
    must(node.send(parts_of({"p", "2"})));
    CHECK(next_of(cluster) == texts{"a", "1"});
    CHECK(next_of(cluster) == texts{"p", "2"});
    must(cluster.unsubscribe("a"));
    must(cluster.unsubscribe("a"));
    must(cluster.punsubscribe("p*"));
    must(cluster.punsubscribe("p*"));
    must(cluster.unsubscribe("never"));
    for (const std::string& each :
         {subscription("a"), subscription("p"), cancellation("a"), cancellation("p")})
        CHECK(receive_text(node) == each);
    CHECK(receive_text(node, no_wait) == "(would_block)");
}

TEST_CASE("a message is received once, whatever matches it")
{
    auto in = new_context(0);
    auto cluster = must(pubsub_cluster::create(in));
    auto node = new_node(in);
    must(node.bind("inproc://node"));
    must(cluster.add_node("inproc://node"));
    for (const char* const each : {"news", "news.sport", "new"})
        must(cluster.subscribe(each));
    for (const char* const each : {"news*", "*", "news.[s]port"})
        must(cluster.psubscribe(each));
    must(node.send(parts_of({"news.sport", "1"})));
    CHECK(next_of(cluster) == texts{"news.sport", "1"});
    CHECK(next_of(cluster, no_wait) == texts{"(would_block)"});
    // A channel is a prefix, and a pattern is for the whole name.
    for (const char* const each : {"*", "news*"})
        must(cluster.punsubscribe(each));
    must(cluster.unsubscribe("new"));
    must(cluster.unsubscribe("news.sport"));
    must(cluster.psubscribe("x?"));
    for (const char* const each :
         {"xy", "xyz", "x", "news", "newsroom", "new", "news.sport", "nexs"})
        must(node.send(parts_of({each, "2"})));
    for (const char* const each : {"xy", "news", "newsroom", "news.sport"})
        CHECK(next_of(cluster) == texts{each, "2"});
    CHECK(next_of(cluster, no_wait) == texts{"(would_block)"});
}

TEST_CASE("a channel is found among many whose beginnings are like its own")
{
    auto in = new_context(0);
    auto cluster = must(pubsub_cluster::create(in));
    auto node = new_node(in);
    must(node.bind("inproc://node"));
    must(cluster.add_node("inproc://node"));
    // So that everything arrives.
    must(cluster.psubscribe("*-"));
    for (const char* const each : {"a", "abcd", "abd", "ab\xff", "b\x80", "bb"})
        must(cluster.subscribe(each));
    for (const char* const each :
         {"abce", "ab\xfe", "abcd", "b", "b\x7f", "b\x80z", "ba", "bba", "c", "B"})
        must(node.send(parts_of({each, ""})));
    for (const char* const each : {"abce", "ab\xfe", "abcd", "b\x80z", "bba"})
        CHECK(next_of(cluster) == texts{each, ""});
    CHECK(next_of(cluster, no_wait) == texts{"(would_block)"});
}

TEST_CASE("what was unsubscribed from is not received any more")
{
    auto in = new_context(0);
    auto cluster = must(pubsub_cluster::create(in));
    auto node = new_node(in);
    must(node.bind("inproc://node"));
    must(cluster.add_node("inproc://node"));
    must(cluster.subscribe("a"));
    must(cluster.psubscribe("b*"));
    must(node.send(parts_of({"a", "1"})));
    must(node.send(parts_of({"b", "2"})));
    must(cluster.unsubscribe("a"));
    must(cluster.punsubscribe("b*"));
    CHECK(next_of(cluster, no_wait) == texts{"(would_block)"});
}

TEST_CASE("channels move when the list of nodes changes, and nothing is lost or twice")
{
    auto in = new_context();
    auto cluster = must(pubsub_cluster::create(in));
    auto first = new_node(in);
    auto second = new_node(in);
    const std::string one = must(first.bind(any_tcp)), other = must(second.bind(any_tcp));
    must(cluster.add_node(one));
    const std::string stays = channel_of(0, 2), moves = channel_of(1, 2);
    must(cluster.subscribe(stays));
    must(cluster.subscribe(moves));
    must(cluster.psubscribe("pattern*"));
    publish_at(first, stays, "1");
    publish_at(first, moves, "2");
    // Before the change; it is received after it.
    REQUIRE(has_topics(first, 3));
    must(cluster.add_node(other));
    CHECK(must(cluster.node_of(moves)) == other);
    CHECK(next_of(cluster) == texts{stays, "1"});
    CHECK(next_of(cluster) == texts{moves, "2"});
    REQUIRE(has_topics(second, 2));
    REQUIRE(has_topics(first, 2));
    publish_at(second, moves, "3");
    CHECK(next_of(cluster) == texts{moves, "3"});
    CHECK(must(first.send(parts_of({moves, "nobody"}))) == send_outcome::dropped_no_route);
    must(cluster.publish(moves, "up"));
    CHECK(published_at(second) == texts{moves, "up"});
    // The first node goes: the second one has all.
    must(cluster.remove_node(one));
    REQUIRE(has_topics(second, 3));
    publish_at(second, stays, "4");
    publish_at(second, moves, "5");
    CHECK(next_of(cluster) == texts{stays, "4"});
    CHECK(next_of(cluster) == texts{moves, "5"});
    must(cluster.publish(stays, "up"));
    CHECK(published_at(second) == texts{stays, "up"});
    REQUIRE(has_topics(first, 0));
}

TEST_CASE("a node in the middle goes, and channels of all others move")
{
    auto in = new_context(0);
    auto cluster = must(pubsub_cluster::create(in));
    std::vector<xpub> nodes;
    for (int number = 0; number < 4; ++number) {
        nodes.push_back(new_node(in));
        must(nodes.back().bind("inproc://" + std::to_string(number)));
        must(cluster.add_node("inproc://" + std::to_string(number)));
    }
    constexpr int channels = 200;
    for (int number = 0; number < channels; ++number)
        must(cluster.subscribe("channel " + std::to_string(number) + "."));
    const auto publish_all = [&] {
        std::size_t topics = 0;
        for (xpub& each : nodes)
            topics += topics_at(each);
        CHECK(topics == channels);
        for (int number = 0; number < channels; ++number) {
            const std::string channel = "channel " + std::to_string(number) + ".";
            const std::string owner = must(cluster.node_of(channel));
            xpub& at = nodes[static_cast<std::size_t>(owner.back() - '0')];
            CHECK(must(at.send(parts_of({channel, "x"}))) == send_outcome::queued);
        }
        for (int number = 0; number < channels; ++number)
            CHECK(next_of(cluster).size() == 2);
        CHECK(next_of(cluster, no_wait) == texts{"(would_block)"});
    };
    publish_all();
    must(cluster.remove_node("inproc://1"));
    publish_all();
    must(cluster.remove_node("inproc://0"));
    publish_all();
    must(cluster.add_node("inproc://1"));
    publish_all();
}

TEST_CASE("a node need not be there when it is added")
{
    for (const int threads : {1, 0}) {
        auto in = new_context(threads);
        auto cluster = must(pubsub_cluster::create(in, reconnect_at_once<xsub_options>()));
        std::string at;
        {
            auto place = new_socket<xpub>(in);
            at = must(place.bind(any_tcp));
        }
        must(cluster.add_node(at));
        must(cluster.subscribe("early"));
        CHECK(must(cluster.publish("early", "waits")) == send_outcome::queued);
        CHECK(next_of(cluster, 5ms) == texts{"(timed_out)"});
        auto node = new_node(in);
        must(node.bind(at));
        if (threads > 0) {
            CHECK(published_at(node) == texts{"early", "waits"});
            publish_at(node, "early", "1");
        } else {
            REQUIRE(until([&] {
                (void)next_of(cluster, no_wait);
                return topics_at(node) == 1;
            }));
            must(node.send(parts_of({"early", "1"})));
        }
        CHECK(next_of(cluster) == texts{"early", "1"});
    }
}

TEST_CASE("a node that is killed under load has its subscriptions again when it is back")
{
    auto in = new_context();
    auto cluster = must(pubsub_cluster::create(in, reconnect_at_once<xsub_options>()));
    auto steady = new_node(in);
    std::optional<xpub> killed(new_node(in));
    const std::string at = must(killed->bind(any_tcp));
    must(cluster.add_node(must(steady.bind(any_tcp))));
    must(cluster.add_node(at));
    const std::string of_steady = channel_of(0, 2), of_killed = channel_of(1, 2);
    must(cluster.subscribe(of_steady));
    must(cluster.subscribe(of_killed));
    must(cluster.psubscribe("pattern"));
    REQUIRE(has_topics(steady, 2));
    for (int round = 0; round < 3; ++round) {
        REQUIRE(has_topics(*killed, 2));
        for (int number = 0; number < 300; ++number) {
            must(steady.send(parts_of({of_steady, std::to_string(number)})));
            must(killed->send(parts_of({of_killed, std::to_string(number)})));
            (void)must(cluster.publish(of_killed, "up"));
        }
        killed->close(0ms);
        // What the other node has sent is there, and in order.
        int next = 0;
        while (next < 300) {
            const texts got = next_of(cluster);
            REQUIRE(got.size() == 2);
            if (got[0] == of_steady)
                REQUIRE(got[1] == std::to_string(next++));
        }
        (void)must(cluster.publish(of_killed, "while it is away"));
        CHECK(must(cluster.publish(of_steady, "up")) == send_outcome::queued);
        CHECK(published_at(steady) == texts{of_steady, "up"});
        killed.emplace(new_node(in));
        must(killed->bind(at));
        REQUIRE(has_topics(*killed, 2));
        must(cluster.wait_ready(test_timeout));
        must(killed->send(parts_of({of_killed, "back"})));
        texts got;
        while (got != texts{of_killed, "back"}) {
            got = next_of(cluster);
            REQUIRE(got.size() == 2);
        }
        REQUIRE(must(cluster.publish(of_killed, "again")) == send_outcome::queued);
        while (got != texts{of_killed, "again"}) {
            got = published_at(*killed);
            REQUIRE(got.size() == 2);
        }
    }
}

TEST_CASE("nodes have their turns")
{
    auto in = new_context(0);
    auto cluster = must(pubsub_cluster::create(in));
    auto first = new_node(in);
    auto second = new_node(in);
    must(first.bind("inproc://1"));
    must(second.bind("inproc://2"));
    must(cluster.add_node("inproc://1"));
    must(cluster.add_node("inproc://2"));
    must(cluster.psubscribe("*"));
    for (int number = 0; number < 5; ++number) {
        must(first.send(parts_of({"first", ""})));
        must(second.send(parts_of({"second", ""})));
    }
    for (int number = 0; number < 5; ++number) {
        CHECK(next_of(cluster)[0] == "first");
        CHECK(next_of(cluster)[0] == "second");
    }
}

TEST_CASE("a message of a node with fewer or more parts has a channel and data")
{
    auto in = new_context(0);
    auto cluster = must(pubsub_cluster::create(in));
    auto node = new_node(in);
    must(node.bind("inproc://node"));
    must(cluster.add_node("inproc://node"));
    must(cluster.subscribe("a"));
    must(node.send("a"));
    must(node.send(parts_of({"a", "data", "and", "more"})));
    must(node.send(parts_of({"a", "last"})));
    CHECK(next_of(cluster) == texts{"a", ""});
    CHECK(next_of(cluster) == texts{"a", "data"});
    CHECK(next_of(cluster) == texts{"a", "last"});
}

TEST_CASE("a receive of a cluster waits for the first of its nodes, a stop, or the context's end")
{
    auto in = new_context();
    auto cluster = must(pubsub_cluster::create(in));
    auto first = new_node(in);
    auto second = new_node(in);
    must(first.bind("inproc://1"));
    must(second.bind("inproc://2"));
    for (const bool has_nodes : {false, true}) {
        std::stop_source stop;
        std::thread stops([&] { stop.request_stop(); });
        CHECK(next_of(cluster, stop.get_token()) == texts{"(cancelled)"});
        stops.join();
        if (!has_nodes) {
            must(cluster.add_node("inproc://1"));
            must(cluster.add_node("inproc://2"));
        }
    }
    must(cluster.subscribe("a"));
    must(cluster.psubscribe("*"));
    (void)first.events();
    (void)second.events();
    result<send_outcome> sent = send_outcome::dropped_full;
    // Built here: MinGW frees the thread-locals of an assertion before it destroys them, at a
    // thread's end.
    auto late = parts_of({"b", "late"});
    std::thread sends([&] { sent = second.send(std::move(late)); });
    CHECK(next_of(cluster) == texts{"b", "late"});
    sends.join();
    CHECK(must(sent) == send_outcome::queued);
    std::thread ends([&] { in.shutdown(); });
    CHECK(next_of(cluster) == texts{"(cancelled)"});
    ends.join();
    CHECK(cluster.subscribe("b").error() == errc::cancelled);
    CHECK(cluster.publish("b", "x").error() == errc::cancelled);
    CHECK(cluster.add_node("inproc://3").error() == errc::cancelled);
    must(cluster.remove_node("inproc://1"));
    CHECK(must(cluster.nodes()) == texts{"inproc://2"});
}

TEST_CASE("a cluster checks what it is given, and one that was moved from is empty")
{
    auto in = new_context(0);
    xsub_options wrong;
    wrong.backlog = 0;
    CHECK(pubsub_cluster::create(in, wrong).error() == errc::invalid_argument);
    auto cluster = must(pubsub_cluster::create(in));
    must(cluster.add_node("inproc://node"));
    const std::string longest(xsub::max_topic_size, 'x');
    must(cluster.subscribe(longest));
    for (const std::string& bad : {std::string(), longest + "x"})
        CHECK(cluster.subscribe(bad).error() == errc::invalid_argument);
    CHECK(cluster.unsubscribe("").error() == errc::invalid_argument);
    for (const std::string& bad : {std::string(), std::string("[a"), std::string(256, 'a')})
        CHECK(cluster.psubscribe(bad).error() == errc::invalid_argument);
    CHECK(cluster.punsubscribe("").error() == errc::invalid_argument);
    for (const std::string& bad : {std::string(), std::string(1, '\0'), std::string("\1a")})
        CHECK(cluster.publish(bad, "x").error() == errc::invalid_argument);
    auto moved = std::move(cluster);
    message part;
    CHECK(cluster.add_node("inproc://a").error() == errc::invalid_state);
    CHECK(cluster.remove_node("inproc://a").error() == errc::invalid_state);
    CHECK(cluster.nodes().error() == errc::invalid_state);
    CHECK(cluster.node_of("a").error() == errc::invalid_state);
    CHECK(cluster.wait_ready().error() == errc::invalid_state);
    CHECK(cluster.subscribe("a").error() == errc::invalid_state);
    CHECK(cluster.psubscribe("a").error() == errc::invalid_state);
    CHECK(cluster.publish("a", "x").error() == errc::invalid_state);
    CHECK(cluster.receive(part, part).error() == errc::invalid_state);
    CHECK(must(moved.nodes()).size() == 1);
    cluster = std::move(moved);
    CHECK(must(cluster.nodes()).size() == 1);
    context empty = std::move(in);
    CHECK(pubsub_cluster::create(in).error() == errc::invalid_state);
}

TEST_CASE("many messages that nothing wants do not keep a receive beyond its limit")
{
    auto in = new_context(0);
    xsub_options unlimited;
    unlimited.receive_high_water_mark = 0;
    auto cluster = must(pubsub_cluster::create(in, unlimited));
    auto node = new_node(in);
    must(node.bind("inproc://node"));
    must(cluster.add_node("inproc://node"));
    must(cluster.psubscribe("a[x]"));
    for (int number = 0; number < 1500; ++number)
        must(node.send(parts_of({"ab", "unwanted"})));
    must(node.send(parts_of({"ax", "wanted"})));
    CHECK(next_of(cluster, no_wait) == texts{"(would_block)"});
    CHECK(next_of(cluster, no_wait) == texts{"ax", "wanted"});
}

TEST_CASE("the patterns of a cluster are told as the options have it")
{
    auto in = new_context(0);
    xsub_options options;
    options.patterns_subscribe_all = true;
    auto cluster = must(pubsub_cluster::create(in, options));
    auto node = new_node(in);
    must(node.bind("inproc://node"));
    must(cluster.psubscribe("before*"));
    must(cluster.add_node("inproc://node"));
    must(cluster.psubscribe("after*"));
    CHECK(receive_text(node) == subscription(""));
    must(cluster.punsubscribe("before*"));
    CHECK(receive_text(node, no_wait) == "(would_block)");
    must(node.send(parts_of({"before", "x"})));
    must(node.send(parts_of({"after", "x"})));
    CHECK(next_of(cluster) == texts{"after", "x"});
    must(cluster.punsubscribe("after*"));
    CHECK(receive_text(node) == cancellation(""));
}
