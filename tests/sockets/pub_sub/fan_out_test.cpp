// SPDX-License-Identifier: MPL-2.0

// A publisher that sends one message after the other to the same many peers, whose queues are
// filled by a loop.

#include <serverlink/serverlink.hpp>

#include "support/events.hpp"
#include "support/sanitized.hpp"
#include "support/sockets.hpp"
#include "support/stream_peer.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

constexpr std::size_t many = 12;

/// Enough of them for a run of messages to begin.
constexpr int some = 40;

std::string text_of(int number)
{
    std::string text = std::to_string(number);
    text.resize(64, '.');
    return text;
}

int number_of(const std::string& text)
{
    return text.empty() || text[0] < '0' || text[0] > '9' ? -1 : std::stoi(text);
}

/// A publisher, and subscribers to everything or to one topic.
struct fan {
    explicit fan(int threads = 1, pub_options of_pub = unlimited<pub_options>(),
                 std::size_t subscribers = many, const std::string& topic = "")
        : in(new_context(threads)), from(new_socket<pub>(in, of_pub)),
          where(must(from.bind(any_tcp)))
    {
        for (std::size_t number = 0; number < subscribers; ++number)
            add(topic);
    }
    template <class Options>
    static Options unlimited()
    {
        Options options;
        options.send_high_water_mark = 0;
        options.receive_high_water_mark = 0;
        return options;
    }
    /// One more subscriber, which the publisher knows.
    sub& add(const std::string& topic)
    {
        to.push_back(new_socket<sub>(in, unlimited<sub_options>()));
        must(to.back().subscribe(topic));
        must(to.back().connect(where));
        must(from.wait_subscribers(topic, ++subscribers_, test_timeout));
        return to.back();
    }
    void send(int first, int end)
    {
        for (int number = first; number < end; ++number)
            CHECK(must(from.send(text_of(number))) == send_outcome::queued);
    }
    /// Whether the next messages of the subscriber are these, and whole.
    [[nodiscard]] static bool has(sub& which, int first, int end)
    {
        for (int number = first; number < end; ++number)
            if (const std::string text = receive_text(which); text != text_of(number)) {
                CAPTURE(text);
                CHECK(number_of(text) == number);
                return false;
            }
        return true;
    }
    [[nodiscard]] bool all_have(int first, int end)
    {
        for (sub& each : to)
            if (!has(each, first, end))
                return false;
        return true;
    }

    context in;
    pub from;
    std::string where;
    std::vector<sub> to;

private:
    std::size_t subscribers_ = 0;
};

/// Peers that have subscribed to everything and read nothing.
struct stuck_peers {
    stuck_peers(const std::string& where, std::size_t count)
    {
        for (std::size_t number = 0; number < count; ++number) {
            all.push_back(std::make_unique<stream_peer>(on, where));
            REQUIRE(all.back()->shake_hands("SUB"));
            REQUIRE(all.back()->send(short_frame("\1", false)));
        }
    }

    loop on = new_peer_loop();
    std::vector<std::unique_ptr<stream_peer>> all;
};

pub_options with_mark(std::uint32_t mark)
{
    pub_options options;
    options.send_high_water_mark = mark;
    options.tuning.send_buffer = 16'384;
    return options;
}

/// What the publisher has counted for all its peers.
struct sums {
    explicit sums(pub& of)
    {
        for (const peer_status& each : of.peers()) {
            queued_total += each.queued_total;
            dropped += each.dropped;
            most_queued = std::max(most_queued, each.queued);
        }
    }
    std::uint64_t queued_total = 0;
    std::uint64_t dropped = 0;
    std::uint64_t most_queued = 0;
};

} // namespace

TEST_CASE("many subscribers get all messages of a burst, in order")
{
    for (const int threads : {1, 2}) {
        CAPTURE(threads);
        fan with(threads);
        const int count = repeats(20'000); // several chunks of the log
        with.send(0, count);
        // The publisher does nothing more.
        CHECK(with.all_have(0, count));
        CHECK(with.from.counters().queued_total == static_cast<std::uint64_t>(count) * many);
        CHECK(with.from.counters().dropped_full == 0);
    }
}

TEST_CASE("many subscribers get each burst although the publisher pauses after it")
{
    fan with;
    for (int number = 0; number < 10 * some; number += some) {
        with.send(number, number + some);
        CHECK(with.all_have(number, number + some));
    }
}

TEST_CASE("many subscribers get messages of other forms in between, in order")
{
    fan with;
    const std::string large(20'000, 'x');
    for (int round = 0; round < 3; ++round) {
        with.send(0, some);
        SUBCASE("of several parts")
        {
            multipart whole;
            must(whole.add("1"));
            must(whole.add("2"));
            must(with.from.send(std::move(whole)));
            for (sub& each : with.to) {
                CHECK(fan::has(each, 0, some));
                CHECK(receive_text(each) == "1");
                CHECK(receive_text(each) == "2");
            }
        }
        SUBCASE("a large one")
        {
            must(with.from.send(large));
            for (sub& each : with.to) {
                CHECK(fan::has(each, 0, some));
                CHECK(receive_text(each) == large);
            }
        }
        SUBCASE("one that expires")
        {
            message one = message_of("soon");
            one.expire_after(1h);
            must(with.from.send(std::move(one)));
            for (sub& each : with.to) {
                CHECK(fan::has(each, 0, some));
                CHECK(receive_text(each) == "soon");
            }
        }
        SUBCASE("a batch")
        {
            std::vector<message> batch;
            for (int number = some; number < 2 * some; ++number)
                batch.push_back(message_of(text_of(number)));
            CHECK(must(with.from.send_batch(batch)) == static_cast<std::size_t>(some));
            CHECK(with.all_have(0, 2 * some));
        }
    }
}

TEST_CASE("each of many subscribers gets the topics that it wants, in order")
{
    fan with(1, fan::unlimited<pub_options>(), many, "a");
    std::vector<sub> others;
    for (std::size_t number = 0; number < many; ++number) {
        others.push_back(new_socket<sub>(with.in, fan::unlimited<sub_options>()));
        must(others.back().subscribe(number % 2 == 0 ? "b" : ""));
        must(others.back().connect(with.where));
    }
    must(with.from.wait_subscribers("b", many, test_timeout));
    must(with.from.wait_subscribers("a", many + many / 2, test_timeout));
    std::vector<std::string> of_a, of_b, of_both;
    for (int number = 0; number < 10 * some; ++number) {
        const bool is_a = number / some % 2 == 0;
        const std::string text = (is_a ? "a" : "b") + std::to_string(number);
        (is_a ? of_a : of_b).push_back(text);
        of_both.push_back(text);
        must(with.from.send(text));
    }
    const auto has = [](sub& which, const std::vector<std::string>& expected) {
        for (const std::string& each : expected)
            if (receive_text(which) != each)
                return false;
        return true;
    };
    for (sub& each : with.to)
        CHECK(has(each, of_a));
    for (std::size_t number = 0; number < many; ++number)
        CHECK(has(others[number], number % 2 == 0 ? of_b : of_both));
}

TEST_CASE("a subscription that changes between two messages holds from the second one on")
{
    fan with;
    with.send(0, some);
    SUBCASE("a new subscriber")
    {
        sub& late = with.add("");
        with.send(some, 2 * some);
        CHECK(fan::has(late, some, 2 * some));
        with.to.pop_back();
    }
    SUBCASE("one that unsubscribes")
    {
        CHECK(fan::has(with.to.back(), 0, some));
        must(with.to.back().unsubscribe(""));
        CHECK(until([&] {
            std::size_t left = 0;
            for (const peer_status& each : with.from.peers())
                left += each.subscriptions;
            return left == many - 1;
        }));
        with.send(some, 2 * some);
        message none;
        CHECK(with.to.back().receive(none, no_wait).error() == errc::would_block);
        with.to.pop_back();
    }
    SUBCASE("one that ends")
    {
        with.to.pop_back();
        CHECK(until([&] { return with.from.peers().size() == many - 1; }));
        with.send(some, 2 * some);
    }
    CHECK(with.all_have(0, 2 * some));
}

TEST_CASE("a publisher that is closed after a burst delivers it to many subscribers")
{
    fan with;
    with.send(0, some);
    const close_report report = with.from.close(test_timeout);
    CHECK(flushed(report) == static_cast<std::uint64_t>(some) * many);
    CHECK(with.all_have(0, some));
}

TEST_CASE("each message is queued or dropped for each of many peers that do not read")
{
    const std::uint32_t mark = 100;
    for (const bool events : {false, true}) {
        CAPTURE(events);
        auto in = new_context();
        auto from = new_socket<pub>(in, with_mark(mark));
        const std::string where = must(from.bind(any_tcp));
        stuck_peers peers(where, many);
        must(from.wait_subscribers("", many, test_timeout));
        std::optional<watched_events> seen;
        if (events)
            seen.emplace(from);
        const std::string text(8'000, 'x');
        std::uint64_t sent = 0;
        // Until the system takes no more for any of them.
        constexpr int rounds = 20;
        int in_a_row = 0;
        REQUIRE(until([&] {
            bool any = false;
            for (int number = 0; number < 200; ++number)
                any = must(from.send(text)) == send_outcome::queued || any;
            sent += 200;
            in_a_row = any ? 0 : in_a_row + 1;
            return in_a_row == rounds;
        }));
        const sums found(from);
        // A peer that is full gets messages again when a quarter of its mark is free.
        CHECK(found.most_queued <= mark);
        CHECK(found.most_queued > mark - mark / 4);
        CHECK(found.queued_total + found.dropped == sent * many);
        CHECK(found.dropped > rounds * 200 * many - 1);
        const socket_counters counts = from.counters();
        CHECK(counts.queued_total == found.queued_total);
        CHECK(counts.dropped_full == found.dropped);
        CHECK(counts.dropped_no_route == 0);
        if (!events)
            continue;
        seen->read();
        std::uint64_t reported = 0;
        for (const event& each : seen->all)
            reported += each.kind == event_kind::dropped ? each.count : 0;
        CHECK(reported == found.dropped);
    }
}

TEST_CASE("peers that do not read cost many that do nothing")
{
    auto in = new_context();
    auto from = new_socket<pub>(in, with_mark(100));
    const std::string where = must(from.bind(any_tcp));
    stuck_peers stuck(where, many);
    must(from.wait_subscribers("", many, test_timeout));
    const std::string large(8'000, 'x');
    int in_a_row = 0;
    REQUIRE(until([&] {
        in_a_row = must(from.send(large)) == send_outcome::queued ? 0 : in_a_row + 1;
        return in_a_row == 1'000;
    }));
    std::vector<sub> to;
    for (std::size_t number = 0; number < 3; ++number) {
        to.push_back(new_socket<sub>(in));
        must(to.back().subscribe(""));
        must(to.back().connect(where));
    }
    must(from.wait_subscribers("", many + to.size(), test_timeout));
    const std::uint64_t before = sums(from).dropped;
    const int count = 20 * some;
    for (int number = 0; number < count; ++number) {
        CHECK(must(from.send(text_of(number))) == send_outcome::queued);
        if (number % some == some - 1)
            for (sub& each : to)
                CHECK(fan::has(each, number + 1 - some, number + 1));
    }
    // The system may have taken a little more.
    CHECK(sums(from).dropped - before > static_cast<std::uint64_t>(count / 2) * many);
}

TEST_CASE("many peers that read again get messages again")
{
    pub_options options = with_mark(200);
    fan with(1, options);
    const int count = repeats(30'000);
    // More than there is room for, unless the subscribers' loops keep up.
    for (int number = 0; number < count; ++number)
        (void)must(with.from.send(text_of(number)));
    const sums found(with.from);
    CHECK(found.queued_total + found.dropped == static_cast<std::uint64_t>(count) * many);
    // What was queued arrives, in order.
    std::uint64_t got = 0;
    std::vector<int> last(many, -1);
    CHECK(until([&] {
        for (std::size_t index = 0; index < many; ++index)
            for (message part; with.to[index].receive(part, no_wait); ++got) {
                const int number = number_of(std::string(part.text()));
                CHECK(number > last[index]);
                last[index] = number;
            }
        return got >= found.queued_total;
    }));
    CHECK(got == found.queued_total);
    with.send(count, count + some);
    CHECK(with.all_have(count, count + some));
}
