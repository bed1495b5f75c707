// SPDX-License-Identifier: MPL-2.0
#include "pattern/xpub.hpp"

#include "base/message_access.hpp"
#include "pattern/peers.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using namespace slk;
using namespace slk::testing;
using pattern::xpub;

namespace {

std::string request_text(bool subscribe, std::string_view topic)
{
    return std::string(1, subscribe ? '\1' : '\0') + std::string(topic);
}

error bring(xpub& at, named_peer& from, std::string_view text, bool more = false)
{
    auto part = message::copy_of(text);
    REQUIRE(part.has_value());
    message_detail::access::set_more(*part, more);
    const auto taken = at.take_request(from, *part, true, true);
    return taken ? error{} : taken.error();
}

/// What the caller of the socket receives now.
std::vector<std::string> take_all(xpub& by)
{
    std::vector<std::string> all;
    while (!by.own_messages.empty()) {
        message part;
        REQUIRE(by.receive_own(part, nullptr));
        all.emplace_back(part.text());
    }
    return all;
}

struct xpub_with_two {
    xpub_with_two()
    {
        REQUIRE(at.attach(a));
        REQUIRE(at.attach(b));
    }
    xpub at{1};
    named_peer a{'a'}, b{'b'};
};

} // namespace

TEST_CASE("a peer cannot take back what only others have, but what nobody has is reported")
{
    xpub_with_two in;
    CHECK_FALSE(bring(in.at, in.a, "\1t"));
    CHECK_FALSE(bring(in.at, in.b, request_text(false, "t")));
    CHECK_FALSE(bring(in.at, in.b, request_text(false, "z")));
    CHECK(take_all(in.at) == std::vector<std::string>{"\1t", request_text(false, "z")});
    CHECK(in.at.subscribers(bytes_of("t")) == 1);
}

TEST_CASE("a topic of a peer that has gone is reported only if nobody else has it by then")
{
    xpub_with_two in;
    for (const char* const topic : {"\1t", "\1u"})
        CHECK_FALSE(bring(in.at, in.a, topic));
    CHECK(take_all(in.at).size() == 2);
    CHECK_FALSE(bring(in.at, in.b, "hello"));
    in.at.detach(in.a);
    CHECK(in.at.subscribers(bytes_of("t")) == 0);
    // Not the first one: that of the other peer is not reported as over yet.
    CHECK_FALSE(bring(in.at, in.b, "\1t"));
    CHECK(take_all(in.at) == std::vector<std::string>{"hello", request_text(false, "u")});
    CHECK(in.at.subscribers(bytes_of("t")) == 1);
}

TEST_CASE("the topics of peers that have gone are reported however much others send")
{
    xpub_with_two in;
    for (int number = 0; number < 10; ++number)
        CHECK_FALSE(bring(in.at, in.a, "\1" + std::to_string(number)));
    CHECK(take_all(in.at).size() == 10);
    CHECK_FALSE(bring(in.at, in.b, "x"));
    in.at.detach(in.a);
    int reports = 0;
    for (int count = 0; count < 25; ++count) {
        CHECK_FALSE(bring(in.at, in.b, "x"));
        message part;
        REQUIRE(in.at.receive_own(part, nullptr));
        reports += part.text().starts_with('\0') ? 1 : 0;
    }
    CHECK(reports == 10);
}

TEST_CASE("a peer waits at the mark, and is resumed at half of it")
{
    xpub_with_two in;
    socket_options options;
    options.receive_high_water_mark = 4;
    in.at.set_options(options);
    for (int number = 0; number < 4; ++number) {
        CHECK(in.at.takes_more(in.a));
        CHECK_FALSE(bring(in.at, in.a, "x"));
    }
    CHECK_FALSE(in.at.takes_more(in.a));
    CHECK_FALSE(in.at.takes_more(in.a));
    CHECK(in.at.takes_more(in.b));
    message part;
    REQUIRE(in.at.receive_own(part, nullptr));
    CHECK(in.at.next_to_resume() == nullptr);
    CHECK_FALSE(in.at.takes_more(in.a));
    REQUIRE(in.at.receive_own(part, nullptr));
    CHECK(in.at.next_to_resume() == &in.a);
    CHECK(in.at.next_to_resume() == nullptr);
    CHECK(in.at.takes_more(in.a));
    // A peer that goes is not resumed, and leaves its messages.
    for (int number = 0; number < 2; ++number)
        CHECK_FALSE(bring(in.at, in.a, "x"));
    CHECK_FALSE(in.at.takes_more(in.a));
    in.at.detach(in.a);
    CHECK(take_all(in.at).size() == 4);
    CHECK(in.at.next_to_resume() == nullptr);
}

TEST_CASE("all peers wait while many topics of peers that have gone are to be reported")
{
    xpub_with_two in;
    socket_options options;
    options.receive_high_water_mark = 2;
    in.at.set_options(options);
    for (int number = 0; number < 5; ++number) {
        CHECK_FALSE(bring(in.at, in.a, "\1" + std::to_string(number)));
        CHECK(take_all(in.at).size() == 1);
    }
    in.at.detach(in.a);
    CHECK_FALSE(in.at.takes_more(in.b));
    message part;
    // One is reported already.
    for (int reports = 0; reports < 2; ++reports) {
        REQUIRE(in.at.receive_own(part, nullptr));
        CHECK(in.at.next_to_resume() == nullptr);
    }
    REQUIRE(in.at.receive_own(part, nullptr));
    CHECK(in.at.next_to_resume() == &in.b);
    CHECK(take_all(in.at).size() == 2);
}

TEST_CASE("peers that come, send and go cannot leave more and more")
{
    xpub at(1);
    for (const std::uint32_t mark : {4U, 0U}) {
        CAPTURE(mark);
        socket_options options;
        options.receive_high_water_mark = mark;
        at.set_options(options);
        std::size_t sent = 0;
        for (int round = 0; round < 50; ++round) {
            named_peer stranger('s');
            REQUIRE(at.attach(stranger));
            // Empty parts take memory, too.
            for (; at.takes_more(stranger) && sent < 100'000; ++sent)
                CHECK_FALSE(bring(at, stranger, ""));
            at.detach(stranger);
        }
        CHECK(sent <= (mark > 0 ? 2 * mark : 20'000));
        named_peer patient('p');
        REQUIRE(at.attach(patient));
        CHECK_FALSE(at.takes_more(patient));
        CHECK(take_all(at).size() == sent);
        CHECK(at.next_to_resume() == &patient);
        at.detach(patient);
    }
}

namespace {

/// The peers that one message goes to.
std::string targets_of(xpub& by)
{
    (void)route(by);
    std::string names;
    for (pattern::peer* const each : by.targets())
        names += as_named(*each).name;
    std::ranges::sort(names);
    return names;
}

} // namespace

TEST_CASE("a message that is for one peer goes to no other one, if that has gone or a send fails")
{
    xpub at(1);
    socket_options options;
    options.manual_last_value = true;
    at.set_options(options);
    named_peer a('a'), b('b');
    for (named_peer* const each : {&a, &b}) {
        REQUIRE(at.attach(*each));
        CHECK_FALSE(bring(at, *each, "\1"));
        CHECK(take_all(at).size() == 1);
        CHECK(at.subscribe_last({}).has_value());
    }
    CHECK(targets_of(at) == "b");
    at.route_failed();
    CHECK(targets_of(at) == "b");
    CHECK(targets_of(at) == "ab");
    at.route_failed();
    CHECK(targets_of(at) == "ab");
    CHECK(at.subscribe_last(bytes_of("more")).has_value());
    // It goes between the report and the message, and before the report.
    CHECK_FALSE(bring(at, b, "\1x"));
    CHECK(take_all(at).size() == 1);
    at.detach(b);
    CHECK(targets_of(at) == "");
    CHECK(targets_of(at) == "a");
    REQUIRE(at.attach(b));
    CHECK(take_all(at).size() == 2);
    CHECK_FALSE(bring(at, b, "\1y"));
    at.detach(b);
    message part;
    REQUIRE(at.receive_own(part, nullptr));
    CHECK(part.text() == "\1y");
    CHECK(targets_of(at) == "");
    // The report of its end is about nobody.
    CHECK(take_all(at).size() == 1);
    CHECK(targets_of(at) == "a");
}

TEST_CASE("a message of several parts is received whole, behind the subscriptions in it")
{
    xpub_with_two in;
    CHECK_FALSE(bring(in.at, in.a, "x", true));
    CHECK(in.at.own_messages.empty());
    CHECK_FALSE(bring(in.at, in.a, "\1t", true));
    CHECK_FALSE(bring(in.at, in.a, "y", true));
    CHECK_FALSE(bring(in.at, in.a, "\1u", false));
    std::string order;
    while (!in.at.own_messages.empty()) {
        message part;
        REQUIRE(in.at.receive_own(part, nullptr));
        order += std::string(part.text()) + (part.more() ? "+ " : " ");
    }
    CHECK(order == "\1t \1u x+ y ");
}
