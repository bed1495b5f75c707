// SPDX-License-Identifier: MPL-2.0
#include "pattern/pub.hpp"

#include "pattern/peers.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace slk;
using namespace slk::testing;
using pattern::pub;

namespace {

error request(pub& at, named_peer& from, std::string_view bytes)
{
    auto part = message::copy_of(bytes);
    REQUIRE(part.has_value());
    const auto taken = at.take_request(from, *part, true, true);
    return taken ? error{} : taken.error();
}

struct answer {
    std::string to;
    send_outcome outcome;
    std::uint64_t skipped;
    friend bool operator==(const answer&, const answer&) = default;
};

/// Routes one message, and takes room at the peers that get it.
answer publish(pub& by, std::string_view text)
{
    const pattern::part_view part{bytes_of(text), nullptr};
    std::span<const pattern::part_view> parts(&part, 1);
    peer_rooms rooms;
    const pattern::routing where = by.route(parts, nullptr, rooms);
    REQUIRE(where.what == pattern::routing::kind::several);
    std::string names;
    for (pattern::peer* const each : by.targets()) {
        --as_named(*each).room;
        names += as_named(*each).name;
    }
    std::ranges::sort(names);
    return {names, where.outcome, where.skipped};
}

} // namespace

TEST_CASE("PUB sends to the peers that have subscribed")
{
    pub by(1);
    named_peer a('a'), b('b');
    REQUIRE(by.attach(a));
    REQUIRE(by.attach(b));
    CHECK(publish(by, "x") == answer{"", send_outcome::dropped_no_route, 0});
    CHECK_FALSE(request(by, a, "\1x"));
    CHECK_FALSE(request(by, b, "\1"));
    CHECK(publish(by, "x1") == answer{"ab", send_outcome::queued, 0});
    CHECK(publish(by, "y") == answer{"b", send_outcome::queued, 0});
    CHECK(by.subscribers(bytes_of("x")) == 2);
    CHECK(by.topics_of(a) == 1);
}

TEST_CASE("one cancellation takes back all subscriptions to a topic, and other messages nothing")
{
    pub by(1);
    named_peer a('a');
    REQUIRE(by.attach(a));
    for (const char* const what : {"\1x", "\1x", "\1x", "hello", "", "\2x"})
        CHECK_FALSE(request(by, a, what));
    CHECK(publish(by, "x") == answer{"a", send_outcome::queued, 0});
    CHECK_FALSE(request(by, a, std::string_view("\0x", 2)));
    CHECK(publish(by, "x") == answer{"", send_outcome::dropped_no_route, 0});
    CHECK_FALSE(request(by, a, std::string_view("\0x", 2)));
}

TEST_CASE("PUB does not wait for a peer that is full, which misses the message")
{
    pub by(1);
    named_peer a('a'), b('b');
    for (named_peer* const each : {&a, &b}) {
        REQUIRE(by.attach(*each));
        CHECK_FALSE(request(by, *each, "\1"));
    }
    a.room = 1;
    CHECK(publish(by, "1") == answer{"ab", send_outcome::queued, 0});
    CHECK(publish(by, "2") == answer{"b", send_outcome::queued, 1});
    b.room = 0;
    CHECK(publish(by, "3") == answer{"", send_outcome::dropped_full, 2});
    CHECK(can_send(by));
    CHECK(std::uint64_t{a.dropped} == 2);
    CHECK(std::uint64_t{b.dropped} == 1);
}

TEST_CASE("PUB asks for room only when it has used up what it knows of")
{
    pub by(1);
    named_peer a('a');
    REQUIRE(by.attach(a));
    CHECK_FALSE(request(by, a, "\1"));
    a.known_room = 2;
    for (const bool is_queued : {true, true, false}) {
        a.room = 0;
        CHECK((publish(by, "x").outcome == send_outcome::queued) == is_queued);
    }
    CHECK(a.known_room == 0);
    // It does not hold while memory is used up.
    struct without_memory final : pattern::room_check {
        [[nodiscard]] bool has_room(pattern::peer&) noexcept override { return false; }
        [[nodiscard]] bool has_memory() noexcept override { return false; }
    } no_memory;
    a.known_room = 1;
    const pattern::part_view part{};
    std::span<const pattern::part_view> parts(&part, 1);
    CHECK(by.route(parts, nullptr, no_memory).outcome == send_outcome::dropped_full);
    // Where all peers get the message or none, what is known of one is not used up.
    socket_options options;
    options.no_drop = true;
    by.set_options(options);
    peer_rooms rooms;
    a.room = 0;
    CHECK(by.route(parts, nullptr, rooms).what == pattern::routing::kind::wait);
    CHECK(a.known_room == 1);
}

TEST_CASE("a peer that goes is not sent to, and has no subscriptions when it comes again")
{
    pub by(1);
    named_peer a('a');
    REQUIRE(by.attach(a));
    CHECK_FALSE(request(by, a, "\1x"));
    by.stop_sending(a);
    by.stop_sending(a);
    CHECK(publish(by, "x").to == "");
    REQUIRE(by.resume_sending(a));
    CHECK(publish(by, "x").to == "");
    CHECK_FALSE(request(by, a, "\1x"));
    CHECK(publish(by, "x").to == "a");
    by.detach(a);
    CHECK_FALSE(request(by, a, "\1x"));
    CHECK(publish(by, "x").to == "");
}

TEST_CASE("a peer that exceeds a limit is told from one that does not")
{
    pub by(1);
    socket_options options;
    options.max_topic_size = 4;
    options.max_subscriptions = 2;
    by.set_options(options);
    named_peer a('a');
    REQUIRE(by.attach(a));
    CHECK(request(by, a, "\1fives").detail == std::string_view("max_topic_size"));
    CHECK_FALSE(request(by, a, "\1four"));
    CHECK_FALSE(request(by, a, "\1"));
    CHECK(request(by, a, "\1x") == errc::message_too_large);
    options.max_subscriptions = 0;
    by.set_options(options);
    CHECK_FALSE(request(by, a, "\1x"));
}
