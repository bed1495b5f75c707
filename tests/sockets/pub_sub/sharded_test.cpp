// SPDX-License-Identifier: MPL-2.0
#include <serverlink/frame_socket.hpp>
#include <serverlink/sharded_pubsub.hpp>

#include "support/sockets.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

std::vector<std::string> next_of(sub& from)
{
    multipart whole;
    must(from.receive(whole, test_timeout));
    return texts_of(whole);
}

} // namespace

TEST_CASE("the slot of a channel is that of Redis")
{
    CHECK(slot_of("123456789") == 0x31c3);
    CHECK(slot_of("foo") == 12182);
    CHECK(slot_of("bar") == 5061);
    CHECK(slot_of("") == 0);
    CHECK(slot_of("{user1000}.following") == slot_of("user1000"));
    CHECK(slot_of("{user1000}.followers") == 3443);
    CHECK(slot_of("foo{{bar}}zap") == slot_of("{bar"));
    CHECK(slot_of("foo{bar}{zap}") == slot_of("bar"));
    // Without anything between the braces the whole name counts.
    CHECK(slot_of("foo{}{bar}") == 8363);
    CHECK(slot_of("}foo{") != slot_of("foo"));
}

TEST_CASE("a subscriber of a sharded publisher receives its channels, whatever their shards")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto news = must(sharded_pubsub::create(in, 5));
        CHECK(news.shards() == 5);
        auto all = new_socket<sub>(in);
        auto one = new_socket<sub>(in);
        std::set<std::size_t> used;
        for (int number = 0; number < 12; ++number) {
            const std::string channel = "channel " + std::to_string(number) + ".";
            CHECK(news.shard_of(channel) == slot_of(channel) % 5);
            used.insert(news.shard_of(channel));
            must(news.subscribe(all, channel));
        }
        CHECK(used.size() > 2);
        CHECK(all.endpoints().size() == used.size());
        must(news.subscribe(one, "channel 3."));
        for (int number = 0; number < 12; ++number)
            CHECK(must(news.publish("channel " + std::to_string(number) + ".",
                                    std::to_string(number))) == send_outcome::queued);
        CHECK(must(news.publish("nobody's", "x")) == send_outcome::dropped_no_route);
        std::set<std::string> got;
        for (int number = 0; number < 12; ++number) {
            const auto next = next_of(all);
            REQUIRE(next.size() == 2);
            CHECK(next[0] == "channel " + next[1] + ".");
            got.insert(next[1]);
        }
        CHECK(got.size() == 12);
        CHECK(next_of(one) == std::vector<std::string>{"channel 3.", "3"});
        message extra;
        CHECK_FALSE(one.receive(extra, no_wait));
        must(news.unsubscribe(one, "channel 3."));
        must(news.publish("channel 3.", "again"));
        CHECK(next_of(all) == std::vector<std::string>{"channel 3.", "again"});
        CHECK_FALSE(one.receive(extra, no_wait));
    }
}

TEST_CASE("threads publish by one sharded publisher, each channel in its order")
{
    auto in = new_context();
    pub_options options;
    options.send_high_water_mark = 0;
    auto news = must(sharded_pubsub::create(in, 4, options));
    sub_options unlimited;
    unlimited.receive_high_water_mark = 0;
    auto all = new_socket<sub>(in, unlimited);
    constexpr int writers = 3, each = 200;
    for (int writer = 0; writer < writers; ++writer)
        must(news.subscribe(all, "writer" + std::to_string(writer)));
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    for (int writer = 0; writer < writers; ++writer)
        threads.emplace_back([&, writer] {
            for (int number = 0; number < each; ++number)
                if (!news.publish("writer" + std::to_string(writer), std::to_string(number)))
                    ++failed;
        });
    for (std::thread& one : threads)
        one.join();
    CHECK(failed == 0);
    int next[writers] = {};
    for (int count = 0; count < writers * each; ++count) {
        const auto got = next_of(all);
        const auto writer = static_cast<std::size_t>(got[0].back() - '0');
        REQUIRE(got[1] == std::to_string(next[writer]++));
    }
}

TEST_CASE("a sharded publisher checks what it is given, and takes a mark for all shards")
{
    auto in = new_context(0);
    CHECK(sharded_pubsub::create(in, 0).error() == errc::invalid_argument);
    CHECK(sharded_pubsub::create(in, 1025).error() == errc::invalid_argument);
    pub_options wrong;
    wrong.backlog = 0;
    CHECK(sharded_pubsub::create(in, 2, wrong).error() == errc::invalid_argument);
    auto news = must(sharded_pubsub::create(in, 2));
    auto other = must(sharded_pubsub::create(in, 2));
    auto by = new_socket<sub>(in);
    CHECK(news.publish("", "x").error() == errc::invalid_argument);
    CHECK(news.subscribe(by, "").error() == errc::invalid_argument);
    CHECK(news.unsubscribe(by, "").error() == errc::invalid_argument);
    must(news.set_send_high_water_mark(1));
    sub_options small;
    small.receive_high_water_mark = 1;
    auto slow = new_socket<sub>(in, small);
    must(news.subscribe(slow, "a"));
    send_outcome last = send_outcome::queued;
    for (int number = 0; number < 5; ++number)
        last = must(news.publish("a", "x"));
    CHECK(last == send_outcome::dropped_full);
    const auto moved = std::move(news);
    CHECK(news.publish("a", "x").error() == errc::invalid_state);
    CHECK(news.subscribe(by, "a").error() == errc::invalid_state);
    CHECK(news.unsubscribe(by, "a").error() == errc::invalid_state);
    CHECK(news.set_send_high_water_mark(1).error() == errc::invalid_state);
    CHECK(news.shards() == 0);
}

TEST_CASE("a SUB that has left a shard is connected again when it subscribes again")
{
    auto in = new_context();
    auto news = must(sharded_pubsub::create(in, 3));
    auto by = new_socket<sub>(in);
    must(news.subscribe(by, "a"));
    REQUIRE(by.endpoints().size() == 1);
    must(by.disconnect(by.endpoints()[0].endpoint));
    must(news.subscribe(by, "a"));
    CHECK(by.endpoints().size() == 1);
    must(news.publish("a", "x"));
    CHECK(next_of(by) == std::vector<std::string>{"a", "x"});
    must(news.subscribe(by, "a"));
    CHECK(by.endpoints().size() == 1);
}

TEST_CASE("subscriptions do not pile up at a shard that nobody publishes with")
{
    context_options limited;
    limited.max_memory = 1'000'000;
    auto in = new_context(1, std::move(limited));
    auto news = must(sharded_pubsub::create(in, 2));
    auto by = new_socket<sub>(in);
    std::string other = "b";
    while (news.shard_of(other) == news.shard_of("a"))
        other += "b";
    must(news.subscribe(by, "a"));
    must(news.subscribe(by, other));
    const auto before = in.memory().bytes;
    for (int round = 0; round < 1000; ++round) {
        const std::string topic = "{a}" + std::string(1000, 'x') + std::to_string(round);
        must(news.subscribe(by, topic));
        must(news.unsubscribe(by, topic));
    }
    CHECK(in.memory().bytes < before + 300'000);
}

TEST_CASE("a SUB that cannot get at a sharded publisher is an error")
{
    auto in = new_context();
    auto elsewhere = new_context();
    auto news = must(sharded_pubsub::create(in, 2));
    auto other = new_socket<sub>(elsewhere);
    CHECK(news.subscribe(other, "a").error() == errc::invalid_argument);
    CHECK(other.endpoints().empty());
    auto closed = new_socket<sub>(in);
    closed.close(0ms);
    CHECK(news.subscribe(closed, "a").error() == errc::invalid_state);
    CHECK(news.unsubscribe(closed, "a").error() == errc::invalid_state);
    auto by = new_socket<sub>(in);
    const auto moved = std::move(by);
    CHECK(news.subscribe(by, "a").error() == errc::invalid_state);
}

TEST_CASE("a socket whose type is chosen at run time subscribes at a sharded publisher")
{
    auto in = new_context();
    auto news = must(sharded_pubsub::create(in, 3));
    for (const socket_type type : {socket_type::sub, socket_type::xsub}) {
        auto by = must(frame_socket::create(in, type));
        must(news.subscribe(by, "a"));
        must(news.publish("a", "data"));
        message part;
        must(by.receive(part, test_timeout));
        CHECK(part.text() == "a");
        must(by.receive(part, test_timeout));
        CHECK(part.text() == "data");
        must(news.unsubscribe(by, "a"));
        CHECK(must(news.publish("a", "data")) == send_outcome::dropped_no_route);
        CHECK(news.subscribe(by, "").error() == errc::invalid_argument);
    }
    auto other = must(frame_socket::create(in, socket_type::dealer));
    CHECK(news.subscribe(other, "a").error() == errc::invalid_argument);
    CHECK(news.unsubscribe(other, "a").error() == errc::invalid_argument);
    CHECK(other.endpoints().empty());
}
