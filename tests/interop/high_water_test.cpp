// SPDX-License-Identifier: MPL-2.0

// When one side does not receive, the other side waits, and no message is lost.

#include "interop_rig.hpp"

#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

constexpr std::size_t message_size = 100'000;

parts numbered(std::size_t number)
{
    return {std::to_string(number), random_bytes(number, message_size)};
}

socket_options with_marks(std::uint32_t messages)
{
    socket_options options;
    options.send_high_water_mark = messages;
    options.receive_high_water_mark = messages;
    return options;
}

} // namespace

TEST_CASE("a libzmq PULL that does not receive stops our PUSH, and no message is lost")
{
    for (const int threads : {1, 0})
        for (const test_endpoint::transport over : all_transports) {
            CAPTURE(threads);
            CAPTURE(static_cast<int>(over));
            const test_endpoint place(over);
            context mine = new_context(threads);
            auto ours = new_socket<push>(mine, with_marks(10));
            libzmq_context libzmq;
            libzmq_socket theirs(libzmq, ZMQ_PULL);
            theirs.set(ZMQ_RCVHWM, 5);
            must(ours.connect(theirs.bind(place.text())));
            REQUIRE(ours.wait_ready(test_timeout).has_value());
            std::size_t sent = 0;
            while (send_to(ours, numbered(sent), 300ms))
                ++sent;
            CHECK(ours.send("x", no_wait).error() == errc::would_block);
            CHECK(sent >= 10);
            CHECK(sent < 2000);
            CHECK(ours.counters().queued_total == sent);

            std::size_t wrong = 0;
            std::jthread receiving([&] {
                for (std::size_t number = 0; number < 2 * sent; ++number)
                    wrong += theirs.receive() == numbered(number) ? 0 : 1;
            });
            for (std::size_t number = sent; number < 2 * sent; ++number)
                REQUIRE(send_to(ours, numbered(number)));
            CHECK(ours.close(test_timeout).unsent() == 0);
            receiving.join();
            CHECK(wrong == 0);
        }
}

TEST_CASE("our PULL that does not receive stops a libzmq PUSH, and no message is lost")
{
    for (const int threads : {1, 0})
        for (const test_endpoint::transport over : all_transports) {
            CAPTURE(threads);
            CAPTURE(static_cast<int>(over));
            const test_endpoint place(over);
            context mine = new_context(threads);
            auto ours = new_socket<pull>(mine, with_marks(5));
            libzmq_context libzmq;
            libzmq_socket theirs(libzmq, ZMQ_PUSH);
            theirs.set(ZMQ_SNDHWM, 10);
            REQUIRE(theirs.connect(must(ours.bind(place.text()))));
            REQUIRE(ours.wait_ready(test_timeout).has_value());
            std::size_t sent = 0;
            while (theirs.send(numbered(sent), 300ms))
                ++sent;
            CHECK(sent >= 10);
            CHECK(sent < 2000);
            const std::jthread sending([&] {
                for (std::size_t number = sent; number < 2 * sent; ++number)
                    theirs.send(numbered(number));
                // libzmq sends the remaining messages after the socket is closed.
                theirs.set(ZMQ_LINGER, -1);
            });
            for (std::size_t number = 0; number < 2 * sent; ++number)
                REQUIRE(receive_from(ours) == numbered(number));
            CHECK(ours.counters().received == 2 * sent);
        }
}

TEST_CASE("our mandatory ROUTER waits for a full libzmq peer, and another ROUTER drops")
{
    context mine = new_context();
    router_options options;
    options.send_high_water_mark = 5;
    auto ours = new_socket<router>(mine, options);
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_DEALER);
    theirs.set(ZMQ_RCVHWM, 5);
    theirs.set(ZMQ_ROUTING_ID, "slow");
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    REQUIRE(ours.wait_ready(test_timeout).has_value());
    std::size_t sent = 0;
    while (ours.send({"slow"}, to_multipart(numbered(sent)), 300ms))
        ++sent;
    CHECK(ours.send({"slow"}, "x", no_wait).error() == errc::would_block);
    CHECK(ours.has_room({"slow"}) == false);
    must(ours.set_mandatory(false));
    CHECK(ours.send({"slow"}, "x") == send_outcome::dropped_full);
    CHECK(ours.counters().dropped_full == 1);
    for (std::size_t number = 0; number < sent; ++number)
        REQUIRE(theirs.receive() == numbered(number));
    CHECK(until([&] { return ours.has_room({"slow"}) == true; }));
    REQUIRE(ours.send({"slow"}, "after all") == send_outcome::queued);
    CHECK(theirs.receive() == parts{"after all"});
}

TEST_CASE("our PUSH sends to libzmq PULL sockets in turn, and skips the one that is full")
{
    context mine = new_context();
    auto ours = new_socket<push>(mine, with_marks(10));
    const std::string where = must(ours.bind(any_tcp));
    libzmq_context libzmq;
    libzmq_socket slow(libzmq, ZMQ_PULL);
    libzmq_socket fast(libzmq, ZMQ_PULL);
    slow.set(ZMQ_RCVHWM, 5);
    REQUIRE(slow.connect(where));
    REQUIRE(fast.connect(where));
    REQUIRE(until([&] { return ours.peers().size() == 2; }));
    constexpr std::size_t many = 400;
    std::size_t at_fast = 0;
    for (std::size_t number = 0; number < many; ++number) {
        REQUIRE(send_to(ours, numbered(number)));
        while (fast.receive(0ms))
            ++at_fast;
    }
    std::size_t at_slow = 0;
    CHECK(until([&] {
        while (fast.receive(0ms))
            ++at_fast;
        while (slow.receive(0ms))
            ++at_slow;
        return at_fast + at_slow == many;
    }));
    CHECK(at_fast > at_slow);
}

TEST_CASE("messages are queued up to the mark for a libzmq peer that is not bound yet")
{
    context mine = new_context();
    auto ours = new_socket<push>(mine, reconnect_at_once(with_marks(10)));
    libzmq_context libzmq;
    const test_endpoint place(test_endpoint::transport::ipc_file);
    must(ours.connect(place.text()));
    for (int number = 0; number < 10; ++number)
        REQUIRE(send_to(ours, {std::to_string(number)}, no_wait));
    CHECK(ours.send("x", no_wait).error() == errc::would_block);
    libzmq_socket theirs(libzmq, ZMQ_PULL);
    REQUIRE(theirs.bind(place.text()) == place.text());
    for (int number = 0; number < 10; ++number)
        CHECK(theirs.receive() == parts{std::to_string(number)});
}
