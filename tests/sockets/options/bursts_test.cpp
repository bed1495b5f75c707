// SPDX-License-Identifier: MPL-2.0

// Bursts of sends that do not wait: bursts_end_at_mark; and adds_no_limit_by_inproc.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

/// Messages that a burst sends before one would have to wait, at most `most`. `again`: so often it
/// tries once more.
template <class Socket>
int burst(Socket& from, int most, int again = 0)
{
    int count = 0;
    while (count < most && (from.send("x", no_wait) ? ++count > 0 : again-- > 0)) {
    }
    return count;
}

} // namespace

TEST_CASE("a burst ends at the mark, although the system takes messages meanwhile")
{
    constexpr std::uint32_t mark = 50;
    constexpr int many = 5000;
    for (const bool option : {true, false}) {
        CAPTURE(option);
        auto in = new_context();
        pair_options options;
        options.send_high_water_mark = mark;
        options.bursts_end_at_mark = option;
        auto from = new_socket<slk::pair>(in, options);
        auto to = new_socket<slk::pair>(in);
        bind_and_connect(to, from);
        must(from.wait_ready(test_timeout));
        // On a busy machine a burst may last longer than a millisecond, and find room once more;
        // and the loop may be in the middle of sending, so that there is none.
        CHECK(until([&] {
            const int count = burst(from, many, option ? 0 : many);
            for (int left = count; left > 0; --left)
                CHECK(receive_text(to) == "x");
            return option ? count == int{mark} : count > int{mark};
        }));
    }
}

TEST_CASE("a burst finds the room of all peers that there was before it")
{
    auto in = new_context();
    push_options options;
    options.send_high_water_mark = 8;
    options.bursts_end_at_mark = true;
    auto from = new_socket<push>(in, options);
    std::vector<pull> readers;
    for (int count = 0; count < 3; ++count) {
        readers.push_back(new_socket<pull>(in));
        bind_and_connect(readers.back(), from);
    }
    must(from.wait_ready(test_timeout));
    for (int round = 0; round < 20; ++round) {
        REQUIRE(until([&] {
            return from.peers().at(0).queued + from.peers().at(1).queued +
                       from.peers().at(2).queued ==
                   0;
        }));
        std::this_thread::sleep_for(2ms);
        CHECK(burst(from, 24) == 24);
        for (pull& each : readers)
            for (int taken = 0; taken < 8; ++taken)
                CHECK(receive_text(each) == "x");
    }
}

TEST_CASE("a peer that was full in a burst has its turn later")
{
    auto in = new_context();
    push_options options;
    options.send_high_water_mark = 10;
    options.bursts_end_at_mark = true;
    for (int round = 0; round < 20; ++round) {
        auto from = new_socket<push>(in, options);
        auto one = new_socket<pull>(in), other = new_socket<pull>(in);
        bind_and_connect(one, from);
        must(from.wait_ready(test_timeout));
        (void)burst(from, 8);
        bind_and_connect(other, from);
        (void)burst(from, 8); // the first peer may be full as it was seen last
        must(from.wait_ready(test_timeout));
        const auto drain = [](pull& at) {
            while (receive_text(at, 20ms) == "x") {
            }
        };
        drain(one);
        drain(other);
        for (int count = 0; count < 4; ++count) {
            must(from.send("later", test_timeout));
            std::this_thread::sleep_for(1ms);
        }
        CHECK(receive_text(one) == "later");
        CHECK(receive_text(other) == "later");
    }
}

TEST_CASE("a send that waits, and one that comes later, find room")
{
    auto in = new_context();
    push_options options;
    options.send_high_water_mark = 2;
    options.bursts_end_at_mark = true;
    auto from = new_socket<push>(in, options);
    auto to = new_socket<pull>(in);
    bind_and_connect(to, from);
    must(from.wait_ready(test_timeout));
    for (int round = 0; round < 50; ++round) {
        (void)burst(from, 100);
        must(from.send("waits", test_timeout));
        REQUIRE(until([&] { return from.send("later", no_wait).has_value(); }));
        wait_item item{.on = &from, .to_receive = false, .to_send = true};
        (void)burst(from, 100);
        CHECK(must(slk::wait(std::span(&item, 1), test_timeout)) == 1);
    }
    from.close(0ms);
}

TEST_CASE("by inproc a receiver without a mark need not lift the sender's")
{
    const auto room = [](std::uint32_t send, std::uint32_t receive) {
        auto in = new_context();
        push_options of_push;
        of_push.send_high_water_mark = send;
        pull_options of_pull;
        of_pull.receive_high_water_mark = receive;
        of_pull.adds_no_limit_by_inproc = true;
        auto to = new_socket<pull>(in, of_pull);
        auto from = new_socket<push>(in, of_push);
        bind_and_connect(to, from, "inproc://room");
        return burst(from, 1000);
    };
    CHECK(room(10, 0) == 10);
    CHECK(room(10, 5) == 15);
    CHECK(room(0, 0) == 1000);
}
