// SPDX-License-Identifier: MPL-2.0

// A SUB receives what matches its topics at the time, whatever a publisher sends.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"
#include "support/stream_peer.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

/// A SUB, and a publisher that sends everything.
struct unfiltered {
    unfiltered()
    {
        must(to.subscribe("a"));
        peer.emplace(on, must(to.bind(any_tcp)));
        REQUIRE(peer->shake_hands("PUB"));
    }

    void publish(const std::vector<std::string>& parts)
    {
        std::string bytes;
        for (std::size_t index = 0; index < parts.size(); ++index) {
            const bool more = index + 1 < parts.size();
            bytes += parts[index].size() < 256
                         ? short_frame(parts[index], more)
                         : long_frame_header(parts[index].size(), more) + parts[index];
        }
        REQUIRE(peer->send(bytes));
    }

    context in = new_context();
    sub to = new_socket<sub>(in);
    loop on = new_peer_loop();
    std::optional<stream_peer> peer;
};

} // namespace

TEST_CASE("messages that were not subscribed to are discarded, with all their parts")
{
    unfiltered with;
    with.publish({"b", "a", "a"});
    with.publish({"a1"});
    with.publish({std::string(100'000, 'b'), std::string(50'000, 'a')});
    with.publish({std::string(100'000, 'a'), "b"});
    with.publish({""});
    with.publish({"a2"});
    CHECK(receive_text(with.to) == "a1");
    multipart got;
    must(with.to.receive(got, test_timeout));
    CHECK(texts_of(got) == std::vector<std::string>{std::string(100'000, 'a'), "b"});
    CHECK(receive_text(with.to) == "a2");
    CHECK(with.to.counters().received == 3);
    CHECK(with.to.counters().discarded == 3);
    const auto peers = with.to.peers();
    REQUIRE(peers.size() == 1);
    CHECK(peers.front().received == 3);
}

TEST_CASE("a batch has only what was subscribed to")
{
    unfiltered with;
    std::vector<std::string> expected;
    for (int number = 0; number < 300; ++number) {
        const std::string text = std::to_string(number);
        if (number % 3 == 0) {
            with.publish({"a" + text, "b", std::string(number % 7 == 0 ? 40'000 : 10, 'c')});
            expected.insert(expected.end(),
                            {"a" + text, "b", std::string(number % 7 == 0 ? 40'000 : 10, 'c')});
        } else {
            with.publish({"b" + text, std::string(number % 5 == 0 ? 40'000 : 10, 'a')});
        }
    }
    with.publish({"a end"});
    expected.emplace_back("a end");
    std::vector<std::string> got;
    for (received_batch some; got.empty() || got.back() != "a end";) {
        must(with.to.receive_batch(some, 11, test_timeout));
        for (std::size_t index = 0; index < some.size(); ++index)
            got.emplace_back(some.text(index));
    }
    CHECK(got == expected);
    CHECK(with.to.counters().received == 101);
    CHECK(with.to.counters().discarded == 200);
}

TEST_CASE("a SUB is readable only if there is something that it would receive")
{
    unfiltered with;
    with.publish({"b"});
    with.publish({"b", "a"});
    CHECK(until([&] {
        CHECK_FALSE(with.to.events().readable);
        return with.to.counters().discarded == 2;
    }));
    wait_item items[] = {{.on = &with.to}};
    CHECK(wait(items, short_timeout).error() == errc::timed_out);
    with.publish({"b"});
    with.publish({"a"});
    CHECK(wait(items, test_timeout).has_value());
    CHECK(with.to.events().readable);
    CHECK(receive_text(with.to, no_wait) == "a");
    CHECK(receive_text(with.to, no_wait) == "(would_block)");
}

TEST_CASE("what has arrived before its subscription was taken back is discarded")
{
    unfiltered with;
    with.publish({"a"});
    with.publish({"b"});
    CHECK(until([&] { return with.to.events().readable; }));
    must(with.to.unsubscribe("a"));
    must(with.to.subscribe("b"));
    CHECK(receive_text(with.to) == "b");
    must(with.to.unsubscribe("b"));
    with.publish({"b"});
    CHECK(receive_text(with.to, short_timeout) == "(timed_out)");
    must(with.to.subscribe(""));
    with.publish({"anything"});
    CHECK(receive_text(with.to) == "anything");
}

TEST_CASE("a call discards a limited number of messages, and then looks at its time limit")
{
    constexpr std::uint64_t most = 5000;
    sub_options unlimited;
    unlimited.receive_high_water_mark = 0;
    const auto flood = [] {
        std::string bytes;
        for (int number = 0; number < 20'000; ++number)
            bytes += short_frame("b", false);
        return bytes + short_frame("a", false);
    };
    for (const int way : {0, 1, 2}) {
        CAPTURE(way);
        unfiltered with;
        must(with.to.set_options(unlimited));
        REQUIRE(with.peer->send(flood()));
        std::uint64_t calls = 0, before = 0;
        bool got = false;
        CHECK(until([&] {
            ++calls;
            received_batch some;
            if (way == 0)
                got = receive_text(with.to, no_wait) == "a";
            else if (way == 1)
                got = with.to.receive_batch(some, 10, no_wait).has_value();
            else
                got = with.to.events().readable;
            const std::uint64_t discarded = with.to.counters().discarded;
            CHECK(discarded <= before + most);
            before = discarded;
            return got;
        }));
        CHECK(before == 20'000);
        CHECK(calls >= 4);
    }
    // A call that waits goes on by itself.
    unfiltered with;
    must(with.to.set_options(unlimited));
    REQUIRE(with.peer->send(flood()));
    CHECK(receive_text(with.to) == "a");
    REQUIRE(with.peer->send(flood()));
    wait_item items[] = {{.on = &with.to}};
    must(wait(items, test_timeout));
    CHECK(receive_text(with.to, no_wait) == "a");
}
