// SPDX-License-Identifier: MPL-2.0

// The high-water marks that count messages.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <thread>

using namespace slk;
using namespace slk::testing;

TEST_CASE("the send high-water mark is the number of messages that are queued, and can be changed")
{
    for (const std::uint32_t mark : {1U, 2U, 3U, 10U}) {
        CAPTURE(mark);
        auto in = new_context();
        push_options options = reconnect_at_once();
        options.send_high_water_mark = mark;
        auto from = new_socket<push>(in, options);
        must(from.connect("tcp://127.0.0.1:1"));
        for (std::uint32_t count = 0; count < mark; ++count)
            must(from.send("x", no_wait));
        CHECK(code_of(from.send("x", no_wait)) == errc::would_block);
        CHECK(from.peers().at(0).queued == mark);
        // A higher mark makes room at once.
        must(from.set_send_high_water_mark(mark + 1));
        must(from.send("x", no_wait));
        CHECK(code_of(from.send("x", no_wait)) == errc::would_block);
        must(from.set_send_high_water_mark(0));
        for (int count = 0; count < 3000; ++count)
            REQUIRE(from.send("x", no_wait).has_value());
        from.close(0ms);
    }
}

TEST_CASE("over inproc the two marks add up, and there is no limit if one of them has none")
{
    const auto room = [](std::uint32_t send, std::uint32_t receive) {
        auto in = new_context();
        push_options of_push;
        of_push.send_high_water_mark = send;
        pull_options of_pull;
        of_pull.receive_high_water_mark = receive;
        auto to = new_socket<pull>(in, of_pull);
        auto from = new_socket<push>(in, of_push);
        must(to.bind("inproc://room"));
        must(from.connect("inproc://room"));
        int count = 0;
        while (count < 5000 && from.send("x", no_wait))
            ++count;
        // All queued messages can be received, and there is room again.
        for (int taken = 0; taken < count; ++taken)
            REQUIRE(receive_text(to, no_wait) == "x");
        CHECK(from.send("x", no_wait).has_value());
        return count;
    };
    CHECK(room(10, 20) == 30);
    CHECK(room(1, 1) == 2);
    CHECK(room(0, 20) == 5000);
    CHECK(room(10, 0) == 5000);
}

TEST_CASE("over inproc a change of the receive mark counts at once, whoever came first")
{
    for (const bool receiver_connects : {false, true}) {
        CAPTURE(receiver_connects);
        auto in = new_context();
        auto to = new_socket<pull>(in, {.receive_high_water_mark = 5});
        auto from = new_socket<push>(in, {.send_high_water_mark = 5});
        if (receiver_connects)
            bind_and_connect(from, to, "inproc://marks");
        else
            bind_and_connect(to, from, "inproc://marks");
        const auto fill = [&] {
            int count = 0;
            while (count < 5000 && from.send("x", no_wait))
                ++count;
            return count;
        };
        // Before the other socket knows of its peer.
        must(to.set_receive_high_water_mark(10));
        must(to.wait_ready(test_timeout));
        CHECK(fill() == 15);
        must(to.set_receive_high_water_mark(20));
        CHECK(fill() == 10);
        must(to.set_receive_high_water_mark(1));
        CHECK(fill() == 0);
        for (int taken = 0; taken < 25; ++taken)
            REQUIRE(receive_text(to) == "x");
        CHECK(fill() == 6);
        // A sender that waits goes on.
        bool sent = false;
        std::thread waits([&] { sent = from.send("y", test_timeout).has_value(); });
        must(to.set_receive_high_water_mark(2));
        waits.join();
        CHECK(sent);
        must(to.set_receive_high_water_bytes(30));
        must(from.set_send_high_water_bytes(30));
        must(to.set_receive_high_water_mark(0));
        must(from.set_send_high_water_mark(0));
        for (int taken = 0; taken < 7; ++taken)
            CHECK(receive_text(to).size() == 1);
        CHECK(fill() == 20); // of 3 bytes each
        must(to.set_receive_high_water_bytes(0));
        CHECK(fill() == 5000);
    }
}

TEST_CASE("a receiver that does not receive stops the sender, and loses nothing")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        push_options of_push;
        of_push.send_high_water_mark = 10;
        pull_options of_pull;
        of_pull.receive_high_water_mark = 10;
        auto to = new_socket<pull>(in, of_pull);
        auto from = new_socket<push>(in, of_push);
        bind_and_connect(to, from);
        const std::string body(50'000, 'x');
        int sent = 0;
        while (from.send(std::to_string(sent) + body, 200ms))
            ++sent;
        CHECK(sent >= 20);
        CHECK(sent < 2000);
        for (int number = 0; number < sent; ++number)
            REQUIRE(receive_text(to) == std::to_string(number) + body);
        must(from.send("again", test_timeout));
        CHECK(receive_text(to) == "again");
    }
}

TEST_CASE("the receive mark can be changed")
{
    auto in = new_context();
    pull_options of_pull;
    of_pull.receive_high_water_mark = 1;
    auto to = new_socket<pull>(in, of_pull);
    push_options of_push;
    of_push.send_high_water_mark = 1;
    auto from = new_socket<push>(in, of_push);
    bind_and_connect(to, from);
    const std::string body(100'000, 'x');
    int before = 0;
    while (from.send(std::string_view(body), 100ms))
        ++before;
    must(to.set_receive_high_water_mark(0));
    int after = 0;
    while (after < 4 * before && from.send(std::string_view(body), test_timeout))
        ++after;
    CHECK(after == 4 * before);
}
