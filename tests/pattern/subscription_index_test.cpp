// SPDX-License-Identifier: MPL-2.0
#include "pattern/subscription_index.hpp"

#include "pattern/peers.hpp"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

using namespace slk;
using namespace slk::testing;
using pattern::no_number;
using pattern::number_table;
using pattern::peer;
using pattern::subscription_index;
using pattern::subscription_limits;
using pattern::topic_view;

namespace {

constexpr std::uint64_t secret = 0x1234'5678'9abc'def1;

/// The names of the peers that the message goes to, sorted; a peer that comes twice is there twice.
std::string matched(subscription_index& index, std::string_view message)
{
    std::string names;
    index.match(bytes_of(message), [&](peer& each) { names += as_named(each).name; });
    std::ranges::sort(names);
    CHECK(index.matches(bytes_of(message)) == !names.empty());
    return names;
}

/// All topics, copied with room for a few bytes and `max` topics at a time.
std::multiset<std::string> copied(const subscription_index& index, std::size_t max)
{
    pattern::topic_copies part;
    part.bytes.reserve(8);
    part.sizes.reserve(max);
    std::multiset<std::string> all;
    for (std::uint32_t at = 0; at != no_number;) {
        std::size_t needs = 0;
        at = index.copy_topics(at, part, needs);
        const char* next = reinterpret_cast<const char*>(part.bytes.data());
        for (const std::uint32_t size : part.sizes) {
            all.emplace(next, size);
            next += size;
        }
        part.bytes.clear();
        part.sizes.clear();
        part.bytes.reserve(needs);
    }
    return all;
}

} // namespace

TEST_CASE("a message goes to the peers that have subscribed to a beginning of it")
{
    subscription_index index(secret);
    named_peer a('a'), b('b'), c('c');
    const auto one = index.add_peer(a), two = index.add_peer(b), three = index.add_peer(c);
    CHECK(*index.subscribe(one, bytes_of("cat"), {}) == 1);
    CHECK(*index.subscribe(two, bytes_of("catalogue.of.long.things"), {}) == 1);
    CHECK(*index.subscribe(three, bytes_of(""), {}) == 1);
    CHECK(matched(index, "cat") == "ac");
    CHECK(matched(index, "catalogue.of.long.things") == "abc");
    CHECK(matched(index, "catalogue.of.long.thing") == "ac");
    CHECK(matched(index, "dog") == "c");
    CHECK(matched(index, "") == "c");
    CHECK(matched(index, std::string_view("ca\0", 3)) == "c");
}

TEST_CASE("a peer with several matching topics gets a message once")
{
    subscription_index index(secret);
    named_peer a('a');
    const auto one = index.add_peer(a);
    for (const char* const topic : {"", "a", "ab", "abc"})
        CHECK(*index.subscribe(one, bytes_of(topic), {}) == 1);
    CHECK(matched(index, "abcd") == "a");
    CHECK(index.topics_of(one) == 4);
}

TEST_CASE("subscriptions are counted, and cancelled one by one or all at once")
{
    subscription_index index(secret);
    named_peer a('a');
    const auto one = index.add_peer(a);
    CHECK(*index.subscribe(one, bytes_of("x"), {}) == 1);
    CHECK(*index.subscribe(one, bytes_of("x"), {}) == 2);
    CHECK(index.size() == 1);
    CHECK(*index.unsubscribe(one, bytes_of("x")) == 1);
    CHECK(matched(index, "x") == "a");
    CHECK(*index.unsubscribe(one, bytes_of("x")) == 0);
    CHECK(matched(index, "x") == "");
    CHECK_FALSE(index.unsubscribe(one, bytes_of("x")));
    CHECK_FALSE(index.cancel(one, bytes_of("x")));

    CHECK(*index.subscribe(one, bytes_of("x"), {}) == 1);
    CHECK(*index.subscribe(one, bytes_of("x"), {}) == 2);
    CHECK(index.cancel(one, bytes_of("x")));
    CHECK(matched(index, "x") == "");
    CHECK(index.topics() == 0);
}

TEST_CASE("a peer that goes takes its subscriptions along, and no others")
{
    subscription_index index(secret);
    named_peer a('a'), b('b');
    const auto one = index.add_peer(a), two = index.add_peer(b);
    for (const char* const topic : {"x", "y", "a topic of more than sixteen bytes"}) {
        CHECK(index.subscribe(one, bytes_of(topic), {}));
        CHECK(index.subscribe(two, bytes_of(topic), {}));
    }
    index.remove_peer(one);
    CHECK(matched(index, "x") == "b");
    CHECK(matched(index, "a topic of more than sixteen bytes") == "b");
    CHECK(index.size() == 3);
    named_peer c('c');
    const auto three = index.add_peer(c);
    CHECK(matched(index, "y") == "b");
    CHECK(index.topics_of(three) == 0);
}

TEST_CASE("each limit of a peer's subscriptions is an error with its name")
{
    subscription_index index(secret);
    named_peer a('a'), b('b');
    const auto one = index.add_peer(a), two = index.add_peer(b);
    const subscription_limits limits{.topic_size = 8, .count = 3, .bytes = 12};
    const auto refused = [&](std::string_view topic) {
        const auto answer = index.subscribe(one, bytes_of(topic), limits);
        REQUIRE_FALSE(answer);
        CHECK(answer.error() == errc::message_too_large);
        return std::string(answer.error().detail);
    };
    CHECK(refused("ninebytes") == "max_topic_size");
    CHECK(index.subscribe(one, bytes_of("12345678"), limits));
    CHECK(refused("12345") == "max_subscription_bytes");
    CHECK(index.subscribe(one, bytes_of("1234"), limits));
    CHECK(index.subscribe(one, bytes_of(""), limits));
    CHECK(index.topics_of(one) == 3);
    CHECK(*index.subscribe(one, bytes_of(""), limits) == 2); // it has that one
    CHECK(index.subscribe(two, bytes_of("12345678"), limits)); // another peer has its own limits
    CHECK(index.cancel(one, bytes_of("12345678")));
    CHECK(index.subscribe(one, bytes_of("12345"), limits));
    CHECK(refused("1") == "max_subscriptions");
}

TEST_CASE("the topics of all peers that have not left are copied, in pieces")
{
    subscription_index index(secret);
    named_peer a('a'), b('b');
    const auto one = index.add_peer(a), two = index.add_peer(b);
    CHECK(copied(index, 1).empty());
    std::multiset<std::string> expected;
    for (int number = 0; number < 700; ++number) {
        const std::string topic(static_cast<std::size_t>(number % 40), 'a');
        const std::string own = topic + std::to_string(number);
        CHECK(index.subscribe(number % 2 == 0 ? one : two, bytes_of(own), {}));
        expected.insert(own);
    }
    CHECK(index.subscribe(one, bytes_of(""), {}));
    CHECK(index.subscribe(two, bytes_of(""), {}));
    CHECK(index.subscribe(two, bytes_of(""), {}));
    expected.insert("");
    CHECK(copied(index, 1) == expected);
    CHECK(copied(index, 1000) == expected);
    CHECK(index.present_topics() == 701);
    CHECK(index.subscribers_of(bytes_of("")) == 2);
    CHECK(index.subscribers_of(bytes_of("0")) == 1);
    CHECK(index.subscribers_of(bytes_of("1")) == 0);
    // What a peer that has left has still to be asked about does not count.
    index.leave(one);
    index.leave(one);
    std::erase_if(expected, [](const std::string& each) {
        return !each.empty() && (each.back() - '0') % 2 == 0;
    });
    CHECK(copied(index, 7) == expected);
    CHECK(index.subscribers_of(bytes_of("")) == 1);
    CHECK(index.subscribers_of(bytes_of("0")) == 0);
    CHECK(index.topics() == 701);
    CHECK(index.present_topics() == 351);
    while (index.topics_of(one) > 0)
        index.remove_first(one);
    index.remove_peer(one);
    CHECK(copied(index, 7) == expected);
    CHECK(index.subscribers_of(bytes_of("")) == 1);
    // The next one with that number.
    const auto again = index.add_peer(a);
    CHECK(index.subscribe(again, bytes_of(""), {}));
    CHECK(index.subscribers_of(bytes_of("")) == 2);
    index.remove_peer(two);
    CHECK(copied(index, 7) == std::multiset<std::string>{""});
    CHECK(index.present_topics() == 1);
    CHECK(index.cancel(again, bytes_of("")));
    CHECK(index.subscribers_of(bytes_of("")) == 0);
    CHECK(copied(index, 7).empty());
    CHECK(index.present_topics() == 0);
}

TEST_CASE("the topics of a peer are visited in the order of their bytes")
{
    subscription_index index(secret);
    named_peer a('a');
    const auto one = index.add_peer(a);
    for (const char* const topic : {"pre", "aaa", "", "aab", "\xff", "pre", "p"})
        CHECK(index.subscribe(one, bytes_of(topic), {}));
    std::string order;
    index.for_each_topic(one, [&](topic_view topic) {
        order += std::string(reinterpret_cast<const char*>(topic.data()), topic.size()) + '|';
    });
    CHECK(order == "|aaa|aab|p|pre|\xff|");
}

TEST_CASE("the index does what a list of all subscriptions does, whatever comes")
{
    for (unsigned seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        const auto below = [&](unsigned end) { return static_cast<unsigned>(random() % end); };
        const auto text = [&] {
            // Few different bytes, so that topics are beginnings of each other; some are long.
            std::string made(below(4) == 0 ? below(40) : below(6), ' ');
            for (char& each : made)
                each = "ab\0\xff"[below(seed % 3 == 0 ? 1 : 4)];
            return made;
        };
        subscription_index index(seed % 5 == 0 ? 0 : random());
        struct modelled {
            named_peer who;
            std::uint32_t number = no_number;
            std::map<std::string, std::uint32_t> topics;
        };
        std::vector<std::unique_ptr<modelled>> peers;
        std::string names = "abcdefgh";
        for (int step = 0; step < 3000; ++step) {
            const unsigned what = below(20);
            if ((what == 0 || peers.empty()) && !names.empty()) {
                peers.push_back(std::make_unique<modelled>(named_peer(names.back())));
                names.pop_back();
                peers.back()->number = index.add_peer(peers.back()->who);
                continue;
            }
            const std::size_t chosen = below(static_cast<unsigned>(peers.size()));
            modelled& by = *peers[chosen];
            const std::string topic = text();
            if (what == 1 && below(10) == 0) {
                names += by.who.name;
                index.remove_peer(by.number);
                peers.erase(peers.begin() + static_cast<std::ptrdiff_t>(chosen));
            } else if (what < 10) {
                CHECK(*index.subscribe(by.number, bytes_of(topic), {}) == ++by.topics[topic]);
            } else if (what < 14) {
                const auto known = by.topics.find(topic);
                const auto left = index.unsubscribe(by.number, bytes_of(topic));
                REQUIRE(left.has_value() == (known != by.topics.end()));
                if (left && --known->second == 0)
                    by.topics.erase(known);
            } else if (what == 14) {
                CHECK(index.cancel(by.number, bytes_of(topic)) == (by.topics.erase(topic) > 0));
            } else {
                std::string expected;
                for (const auto& each : peers)
                    for (const auto& [wanted, times] : each->topics)
                        if (topic.starts_with(wanted)) {
                            expected += each->who.name;
                            break;
                        }
                std::ranges::sort(expected);
                CHECK(matched(index, topic) == expected);
            }
        }
        std::size_t size = 0;
        std::set<std::string> different;
        for (const auto& each : peers) {
            size += each->topics.size();
            CHECK(index.topics_of(each->number) == each->topics.size());
            for (const auto& [topic, times] : each->topics)
                different.insert(topic);
        }
        CHECK(index.size() == size);
        CHECK(index.topics() == different.size());
    }
}

TEST_CASE("numbers are found again whichever of them have gone in between")
{
    std::mt19937 random(7);
    number_table table(true);
    std::map<std::uint32_t, std::uint32_t> hashes; // of the numbers that are in the table
    const auto hash_of = [&](std::uint32_t number) { return hashes.at(number); };
    for (std::uint32_t step = 0; step < 20000; ++step) {
        if (hashes.empty() || random() % 5 < 3) {
            // Few hashes, at both ends of the table.
            hashes[step] = static_cast<std::uint32_t>(random() % 8) - 4;
            REQUIRE(table.reserve(hash_of));
            table.insert(hashes[step], step);
        } else {
            auto which = hashes.begin();
            std::advance(which, random() % std::min<std::size_t>(hashes.size(), 50));
            table.erase(which->first, hash_of);
            hashes.erase(which);
        }
        if (step % 500 == 0)
            for (const auto& [number, hash] : hashes)
                for (const bool by_tag : {false, true}) {
                    const auto is = [&](std::uint32_t each) { return each == number; };
                    REQUIRE((by_tag ? table.find_by_tag(hash, is) : table.find(hash, is)) ==
                            number);
                }
        if (hashes.size() > 200)
            while (hashes.size() > 3) {
                table.erase(hashes.begin()->first, hash_of);
                hashes.erase(hashes.begin());
            }
    }
}

TEST_CASE("an index knows that a message begins with the same few topics as the one before")
{
    subscription_index index(secret);
    named_peer all('a'), some('s');
    const std::uint32_t first = index.add_peer(all);
    const std::uint32_t second = index.add_peer(some);
    REQUIRE(index.subscribe(first, bytes_of("a"), {}).has_value());
    REQUIRE(index.subscribe(second, bytes_of("ab"), {}).has_value());
    (void)matched(index, "abc");
    CHECK_FALSE(index.found_the_same());
    (void)matched(index, "abd");
    CHECK(index.found_the_same());
    CHECK(index.finds_the_same(bytes_of("ab")));
    CHECK_FALSE(index.finds_the_same(bytes_of("a")));
    CHECK_FALSE(index.finds_the_same(bytes_of("b")));
    (void)matched(index, "ac");
    CHECK_FALSE(index.found_the_same());
    CHECK(index.finds_the_same(bytes_of("a")));
    CHECK_FALSE(index.finds_the_same(bytes_of("ab")));
    for (const char* const topic : {"abc", "abcd", "abcde"})
        REQUIRE(index.subscribe(second, bytes_of(topic), {}).has_value());
    (void)matched(index, "abcde");
    (void)matched(index, "abcde");
    CHECK_FALSE(index.found_the_same()); // too many to compare
    CHECK_FALSE(index.finds_the_same(bytes_of("abcde")));
}
