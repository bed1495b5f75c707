// SPDX-License-Identifier: MPL-2.0

// A peer whose queue is full misses messages, which are counted, and costs the others nothing.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"
#include "support/stream_peer.hpp"

#include <algorithm>

using namespace slk;
using namespace slk::testing;

namespace {

/// A publisher, a SUB, and a peer that has subscribed to everything and reads nothing.
struct published {
    explicit published(const pub_options& options = {}, context_options of_context = {})
        : in(new_context(1, std::move(of_context))), from(new_socket<pub>(in, options))
    {
        where = must(from.bind(any_tcp));
        stuck.emplace(on, where);
        REQUIRE(stuck->shake_hands("SUB"));
        REQUIRE(stuck->send(short_frame("\1", false)));
        must(from.wait_subscribers("", 1, test_timeout));
    }
    /// Publishes until the system does not take any more for the peer that does not read.
    void fill(const std::string& text)
    {
        int in_a_row = 0;
        REQUIRE(until([&] {
            // Each time all that there is room for.
            const bool any = must(from.send(text)) == send_outcome::queued;
            while (must(from.send(text)) == send_outcome::queued) {
            }
            in_a_row = any ? 0 : in_a_row + 1;
            return in_a_row == 60;
        }));
    }
    /// The peer that has missed the most.
    [[nodiscard]] peer_status fullest()
    {
        const auto all = from.peers();
        REQUIRE_FALSE(all.empty());
        return *std::ranges::max_element(all, {}, &peer_status::dropped);
    }

    context in;
    pub from;
    std::string where;
    loop on = new_peer_loop();
    std::optional<stream_peer> stuck;
};

} // namespace

TEST_CASE("a peer that does not read misses whole messages, and the others get all of them")
{
    pub_options options;
    options.send_high_water_mark = 10;
    published with(options);
    with.fill(std::string(100'000, 'x'));
    auto to = new_socket<sub>(with.in);
    must(to.connect(with.where));
    must(to.subscribe(""));
    must(with.from.wait_subscribers("", 2, test_timeout));
    const std::uint64_t before = with.from.counters().dropped_full;
    for (int number = 0; number < 50; ++number) {
        multipart whole;
        must(whole.add(std::to_string(number)));
        must(whole.add(std::string(50'000, 'y')));
        CHECK(must(with.from.send(std::move(whole))) == send_outcome::queued);
        multipart got;
        must(to.receive(got, test_timeout));
        CHECK(texts_of(got) ==
              std::vector<std::string>{std::to_string(number), std::string(50'000, 'y')});
    }
    CHECK(with.from.counters().dropped_full == before + 50);
    const peer_status stuck = with.fullest();
    CHECK(stuck.dropped == before + 50);
    CHECK(stuck.queued == 10);
    CHECK(stuck.queued_total == stuck.queued + stuck.sent);
}

TEST_CASE("a message that all its peers miss is dropped_full")
{
    pub_options options;
    options.send_high_water_mark = 1;
    published with(options);
    with.fill(std::string(100'000, 'x'));
    CHECK(must(with.from.send("x")) == send_outcome::dropped_full);
    CHECK(with.from.events().writable);
}

TEST_CASE("a mark that becomes smaller holds from the next message on")
{
    pub_options options;
    options.send_high_water_mark = 20;
    published with(options);
    const std::string text(100'000, 'x');
    with.fill(text);
    options.send_high_water_mark = 1000;
    must(with.from.set_options(options));
    CHECK(must(with.from.send(text)) == send_outcome::queued);
    options.send_high_water_mark = 10;
    must(with.from.set_options(options));
    CHECK(must(with.from.send(text)) == send_outcome::dropped_full);
    CHECK(with.fullest().queued == 21);
    options.send_high_water_mark = 23;
    must(with.from.set_options(options));
    CHECK(must(with.from.send(text)) == send_outcome::queued);
    CHECK(must(with.from.send(text)) == send_outcome::queued);
    CHECK(must(with.from.send(text)) == send_outcome::dropped_full);
}

TEST_CASE("bytes have a mark as well")
{
    pub_options options;
    options.send_high_water_mark = 0;
    options.send_high_water_bytes = 300'000;
    published with(options);
    const std::string text(100'000, 'x');
    with.fill(text);
    CHECK(with.fullest().queued <= 4);
    // The system may take one more now and then.
    CHECK(until([&] {
        while (must(with.from.send(text)) == send_outcome::queued) {
        }
        return with.fullest().queued >= 3;
    }));
}

TEST_CASE("a used up budget of memory leaves room in empty queues only")
{
    context_options limited;
    limited.max_memory = 1'000'000;
    pub_options options;
    options.send_high_water_mark = 0;
    published with(options, std::move(limited));
    with.fill(std::string(1000, 'x'));
    CHECK(with.in.memory().bytes >= 1'000'000);
    CHECK(with.in.memory().bytes < 1'200'000);
    auto far = new_context();
    auto to = new_socket<sub>(far);
    must(to.connect(with.where));
    must(to.subscribe(""));
    must(with.from.wait_subscribers("", 2, test_timeout));
    CHECK(must(with.from.send("x")) == send_outcome::queued);
    CHECK(receive_text(to) == "x");
    with.stuck->close();
    CHECK(until([&] {
        (void)with.from.events();
        return with.in.memory().bytes < 1000; // a topic
    }));
}

TEST_CASE("a peer that reads again gets what is sent from then on")
{
    auto in = new_context();
    pub_options options;
    options.send_high_water_mark = 5;
    auto from = new_socket<pub>(in, options);
    sub_options few;
    few.receive_high_water_mark = 5;
    auto to = new_socket<sub>(in, few);
    must(to.subscribe(""));
    bind_and_connect(from, to);
    must(from.wait_subscribers("", 1, test_timeout));
    std::uint64_t number = 0;
    const auto publish = [&] {
        must(from.send(std::to_string(number++) + std::string(100'000, '.')));
    };
    while (from.counters().dropped_full < 100)
        publish();
    std::uint64_t received = 0, next = 0;
    const auto receive_one = [&](const timeout& limit) {
        message got;
        if (!to.receive(got, limit))
            return false;
        const std::uint64_t which = std::stoull(std::string(got.text()));
        CHECK(which >= next);
        next = which + 1;
        ++received;
        return true;
    };
    while (receive_one(short_timeout)) {
    }
    publish();
    while (next < number)
        REQUIRE(receive_one(test_timeout));
    CHECK(received == from.counters().queued_total);
    CHECK(received + from.counters().dropped_full == number);
}

TEST_CASE("inproc has the marks of both sides, and a full SUB misses messages")
{
    auto in = new_context();
    pub_options two;
    two.send_high_water_mark = 2;
    sub_options three;
    three.receive_high_water_mark = 3;
    auto from = new_socket<pub>(in, two);
    auto to = new_socket<sub>(in, three);
    auto other = new_socket<sub>(in);
    must(to.subscribe(""));
    must(other.subscribe(""));
    bind_and_connect(from, to, "inproc://marks");
    must(other.connect("inproc://marks"));
    for (int number = 0; number < 8; ++number)
        CHECK(must(from.send(std::to_string(number))) == send_outcome::queued);
    for (const char* const each : {"0", "1", "2", "3", "4"})
        CHECK(receive_text(to, no_wait) == each);
    CHECK(receive_text(to, no_wait) == "(would_block)");
    CHECK(from.counters().dropped_full == 3);
    for (int number = 0; number < 8; ++number)
        CHECK(receive_text(other, no_wait) == std::to_string(number));
    CHECK(must(from.send("again")) == send_outcome::queued);
    CHECK(receive_text(to, no_wait) == "again");
}
