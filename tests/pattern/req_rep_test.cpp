// SPDX-License-Identifier: MPL-2.0
#include "base/message_access.hpp"
#include "pattern/peers.hpp"
#include "pattern/rep.hpp"
#include "pattern/req.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace slk;
using namespace slk::testing;
using pattern::part_fate;
using pattern::rep;
using pattern::req;

namespace {

using fates = std::vector<part_fate>;
using enum part_fate;

/// Counts how often everything that has arrived was thrown away.
struct counting_rooms final : pattern::room_check {
    [[nodiscard]] bool has_room(pattern::peer& entry) noexcept override
    {
        return as_named(entry).room > 0;
    }
    void discard_arrived() noexcept override { ++discards; }
    int discards = 0;
};

/// The parts that a message of one part is written as, the last one of them the text.
std::vector<std::string> written(pattern::pattern& by, std::string_view text, char to)
{
    const pattern::part_view part{bytes_of(text), nullptr};
    std::span<const pattern::part_view> parts(&part, 1);
    counting_rooms rooms;
    const pattern::routing where = by.route(parts, nullptr, rooms);
    REQUIRE(where.what == pattern::routing::kind::one);
    CHECK(as_named(*where.to).name == to);
    std::vector<std::string> texts;
    for (const pattern::part_view& each : parts)
        texts.emplace_back(reinterpret_cast<const char*>(each.bytes.data()), each.bytes.size());
    return texts;
}

errc refusal(pattern::pattern& by)
{
    const pattern::routing where = route(by);
    REQUIRE(where.what == pattern::routing::kind::refused);
    return where.failure.code;
}

/// What becomes of the parts of a message, until one is discarded or lost.
fates receive_parts(pattern::pattern& by, named_peer& from,
                    const std::vector<std::string_view>& texts)
{
    fates all;
    for (std::size_t index = 0; index < texts.size(); ++index) {
        message part = *message::copy_of(texts[index]);
        message_detail::access::set_more(part, index + 1 < texts.size());
        all.push_back(by.inspect(from, part, index == 0));
        if (all.back() == discard || all.back() == lose)
            break;
    }
    by.received(from);
    return all;
}

} // namespace

TEST_CASE("REQ asks one peer after the other, and puts an empty part before the request")
{
    req by(1);
    named_peer a('a'), b('b');
    REQUIRE(by.attach(a));
    REQUIRE(by.attach(b));
    CHECK(written(by, "one", 'a') == std::vector<std::string>{"", "one"});
    CHECK_FALSE(can_send(by));
    CHECK(refusal(by) == errc::invalid_state);
    CHECK(receive_parts(by, a, {"", "reply"}) == fates{strip, deliver});
    CHECK(written(by, "two", 'b') == std::vector<std::string>{"", "two"});
    CHECK(receive_parts(by, b, {"", "re", "ply"}) == fates{strip, deliver, deliver});
    CHECK(can_send(by));
}

TEST_CASE("REQ receives only what the peer that was asked replies, with an envelope")
{
    req by(1);
    named_peer a('a'), b('b');
    REQUIRE(by.attach(a));
    REQUIRE(by.attach(b));
    CHECK_FALSE(by.check_receive());
    CHECK(receive_parts(by, a, {"", "not asked for"}) == fates{discard});
    (void)written(by, "request", 'a');
    CHECK(by.check_receive());
    CHECK(receive_parts(by, b, {"", "of another one"}) == fates{discard});
    CHECK(receive_parts(by, a, {"no delimiter"}) == fates{discard});
    CHECK(receive_parts(by, a, {"no delimiter", "either"}) == fates{discard});
    CHECK(receive_parts(by, a, {"1234", "", "a number"}) == fates{discard});
    CHECK(receive_parts(by, a, {""}) == fates{discard});
    CHECK(receive_parts(by, a, {"", ""}) == fates{strip, deliver});
    CHECK_FALSE(by.check_receive());
}

TEST_CASE("REQ takes the reply of any peer when the one that was asked is gone")
{
    req by(1);
    named_peer a('a'), b('b');
    REQUIRE(by.attach(a));
    REQUIRE(by.attach(b));
    (void)written(by, "request", 'a');
    by.stop_sending(a);
    CHECK(receive_parts(by, b, {"", "early"}) == fates{discard});
    by.detach(a);
    CHECK(receive_parts(by, b, {"", "late"}) == fates{strip, deliver});
}

TEST_CASE("a REQ that correlates takes only the reply with the number of the last request")
{
    req by(0x01020304);
    named_peer a('a');
    REQUIRE(by.attach(a));
    by.correlate = by.relaxed = true;
    const auto first = written(by, "x", 'a');
    const auto second = written(by, "y", 'a');
    REQUIRE(first.size() == 3);
    CHECK(first[0].size() == 4);
    CHECK(first[1].empty());
    CHECK(second[0] != first[0]);
    CHECK(receive_parts(by, a, {first[0], "", "x"}) == fates{discard});
    CHECK(receive_parts(by, a, {"", "y"}) == fates{discard});
    CHECK(receive_parts(by, a, {second[0]}) == fates{discard});
    CHECK(receive_parts(by, a, {second[0], "no delimiter", "y"}) == fates{strip, discard});
    // The option holds for the next request.
    by.correlate = false;
    CHECK(receive_parts(by, a, {second[0], "", "y"}) == fates{strip, strip, deliver});
    CHECK(written(by, "z", 'a').size() == 2);
}

TEST_CASE("a REQ throws away what has arrived before it sends, but only when it sends")
{
    req by(1);
    named_peer a('a');
    counting_rooms rooms;
    const pattern::part_view part{};
    const auto ask = [&] {
        std::span<const pattern::part_view> parts(&part, 1);
        return by.route(parts, nullptr, rooms).what;
    };
    CHECK(ask() == pattern::routing::kind::wait);
    CHECK(rooms.discards == 0);
    REQUIRE(by.attach(a));
    CHECK(ask() == pattern::routing::kind::one);
    CHECK(rooms.discards == 1);
    CHECK(ask() == pattern::routing::kind::refused);
    CHECK(rooms.discards == 1);
    // What was not written is no request.
    by.route_failed();
    CHECK_FALSE(by.check_receive());
    CHECK(ask() == pattern::routing::kind::one);
}

TEST_CASE("REP returns the whole envelope of the request, and replies to its peer only")
{
    rep by;
    named_peer a('a'), b('b');
    REQUIRE(by.attach(a));
    REQUIRE(by.attach(b));
    CHECK_FALSE(can_send(by));
    CHECK(refusal(by) == errc::invalid_state);
    CHECK(receive_parts(by, b, {"hop 2", "hop 1", "", "re", "", "quest"}) ==
          fates{strip, strip, strip, deliver, deliver, deliver});
    CHECK(can_send(by));
    CHECK_FALSE(by.check_receive());
    CHECK(written(by, "reply", 'b') == std::vector<std::string>{"hop 2", "hop 1", "", "reply"});
    CHECK(refusal(by) == errc::invalid_state);
    CHECK(by.check_receive());
    CHECK(receive_parts(by, a, {"", "next"}) == fates{strip, deliver});
    CHECK(written(by, "r", 'a') == std::vector<std::string>{"", "r"});
}

TEST_CASE("REP discards messages without an envelope or a body")
{
    rep by;
    named_peer a('a');
    REQUIRE(by.attach(a));
    CHECK(receive_parts(by, a, {"one"}) == fates{discard});
    CHECK(receive_parts(by, a, {""}) == fates{discard});
    CHECK(receive_parts(by, a, {"a", "b", "c"}) == fates{strip, strip, discard});
    CHECK(receive_parts(by, a, {"a", ""}) == fates{strip, discard});
    CHECK(by.check_receive());
    CHECK_FALSE(can_send(by));
    CHECK(receive_parts(by, a, {"x", "", "y"}) == fates{strip, strip, deliver});
    CHECK(written(by, "z", 'a') == std::vector<std::string>{"x", "", "z"});
}

TEST_CASE("a reply to a peer that is gone or full is dropped")
{
    rep by;
    named_peer a('a'), b('b');
    REQUIRE(by.attach(a));
    REQUIRE(by.attach(b));
    const auto dropped = [&] {
        const pattern::routing where = route(by);
        REQUIRE(where.what == pattern::routing::kind::dropped);
        return where.outcome;
    };
    (void)receive_parts(by, a, {"", "request"});
    a.room = 0;
    CHECK(dropped() == send_outcome::dropped_full);
    (void)receive_parts(by, b, {"", "request"});
    by.detach(b);
    CHECK(dropped() == send_outcome::dropped_no_route);
    // What it has left is received, and its reply dropped.
    by.stop_sending(a);
    (void)receive_parts(by, a, {"", "request"});
    CHECK(dropped() == send_outcome::dropped_no_route);
    CHECK(by.check_receive());
}
