// SPDX-License-Identifier: MPL-2.0

// A peer whose application is busy elsewhere: what was sent to it arrives, or is reported.

#include "support/sockets.hpp"

#include <doctest/doctest.h>
#include <serverlink/serverlink.hpp>

#include <thread>

using namespace slk;
using namespace slk::testing;
using namespace std::chrono_literals;

namespace {

/// More than the buffers of a connection take at first.
constexpr int many_messages = 40'000;
const std::string hundred_bytes(92, 'x');

std::string numbered(int number)
{
    return std::to_string(10'000'000 + number) + hundred_bytes;
}

/// Its PINGs come often.
template <class Options = socket_options>
Options with_short_timeout()
{
    Options options = reconnect_at_once<Options>();
    options.peer_timeout = 150ms;
    options.send_high_water_mark = 0;
    return options;
}

/// Returns how many of `count` messages have come, in order.
template <class Socket>
int receive_in_order(Socket& from, int count, const timeout& limit = test_timeout)
{
    int next = 0;
    while (next < count && receive_text(from, limit) == numbered(next))
        ++next;
    return next;
}

// With IOCP nobody knows how much was taken of the send that the end has interrupted.
#ifdef _WIN32
const timeout last_wait = 1s;
#else
const timeout last_wait = test_timeout;
#endif

/// What the system has taken has arrived.
void check_all_arrived(int received, int taken)
{
#ifdef _WIN32
    constexpr int bytes_of_one_send = 65536;
    CHECK((taken - received) * static_cast<int>(numbered(0).size()) <= bytes_of_one_send);
#else
    CHECK(received == taken);
#endif
}

/// Connects both, sends all messages, and closes before they can have been received.
close_report send_and_close(dealer& to, dealer& from, const std::string& where)
{
    bind_and_connect(to, from, where);
    REQUIRE(from.wait_ready(test_timeout).has_value());
    for (int number = 0; number < many_messages; ++number)
        must(from.send(numbered(number), test_timeout));
    return from.close(100ms);
}

/// One endpoint for each transport that has a system between the sockets.
std::vector<std::string> system_endpoints()
{
    std::vector<std::string> all{any_tcp};
#ifndef _WIN32
    all.emplace_back("ipc://*");
#endif
    return all;
}

} // namespace

TEST_CASE("what the system took before an orderly close arrives, however late it is received")
{
    for (const std::string& where : system_endpoints()) {
        CAPTURE(where);
        context one = new_context();
        context other = new_context();
        auto to = new_socket<dealer>(one, with_short_timeout<dealer_options>());
        auto from = new_socket<dealer>(other, with_short_timeout<dealer_options>());
        const close_report report = send_and_close(to, from, where);
        CHECK(flushed(report) + report.unsent() == many_messages);
        std::this_thread::sleep_for(400ms); // several PINGs would have been sent
        const int sent = static_cast<int>(flushed(report));
        check_all_arrived(receive_in_order(to, sent, last_wait), sent);
        // It was not known that they would arrive.
        CHECK(report.unconfirmed() > 0);
        CHECK(report.unconfirmed() <= flushed(report));
    }
}

TEST_CASE("what the system took before an orderly close arrives at a reader that never catches up")
{
    for (const std::string& where : system_endpoints())
        for (const std::uint32_t mark : {10u, 1000u}) {
            CAPTURE(where);
            CAPTURE(mark);
            context one = new_context();
            context other = new_context();
            dealer_options options = with_short_timeout<dealer_options>();
            options.receive_high_water_mark = mark;
            auto to = new_socket<dealer>(one, options);
            // It sends no PINGs: on a machine that is busy with other things, their answers would
            // not wait for the reader.
            dealer_options of_sender;
            of_sender.send_high_water_mark = 0;
            auto from = new_socket<dealer>(other, of_sender);
            const close_report report = send_and_close(to, from, where);
            const int sent = static_cast<int>(flushed(report));
            int received = 0;
            while (received < sent && receive_text(to, last_wait) == numbered(received))
                if (++received % 100 == 0)
                    std::this_thread::sleep_for(1ms);
            check_all_arrived(received, sent);
        }
}

TEST_CASE("close() waits until a slow reader has read everything")
{
    for (const std::string& where : system_endpoints()) {
        CAPTURE(where);
        context one = new_context();
        context other = new_context();
        socket_options options = with_short_timeout();
        options.receive_high_water_mark = 10;
        auto to = new_socket<pull>(one, options);
        auto from = new_socket<push>(other, with_short_timeout());
        bind_and_connect(to, from, where);
        REQUIRE(from.wait_ready(test_timeout).has_value());
        for (int number = 0; number < 1000; ++number)
            must(from.send(numbered(number), test_timeout));
        std::jthread reader([&] {
            std::this_thread::sleep_for(1200ms);
            CHECK(receive_in_order(to, 1000) == 1000);
        });
        const time_point began = system_clock_source().now();
        const close_report report = from.close(20s);
        const duration taken = system_clock_source().now() - began;
        CHECK(taken >= 1100ms);
        CHECK(taken < 15s);
        CHECK(report.unsent() == 0);
        CHECK(report.unconfirmed() == 0);
        CHECK(from.counters().unconfirmed == 0);
    }
}

TEST_CASE("messages that a peer may not have read when it went are counted")
{
    context in = new_context();
    auto to = new_socket<pull>(in);
    auto from = new_socket<push>(in, reconnect_at_once());
    bind_and_connect(to, from);
    REQUIRE(from.wait_ready(test_timeout).has_value());
    for (int number = 0; number < 10; ++number)
        must(from.send(numbered(number), test_timeout));
    CHECK(until([&] { return from.peers().at(0).sent == 10; }));
    CHECK(from.counters().unconfirmed == 0);
    to.close(0ms);
    CHECK(until([&] { return from.counters().unconfirmed == 10; }));
    CHECK(from.peers().at(0).unconfirmed == 10);
    CHECK(from.close(0ms).unconfirmed() == 10);
}

TEST_CASE("messages that a peer has read for sure are not counted when it goes")
{
    context in = new_context();
    auto to = new_socket<pull>(in);
    auto from = new_socket<push>(in, with_short_timeout());
    bind_and_connect(to, from);
    REQUIRE(from.wait_ready(test_timeout).has_value());
    for (int number = 0; number < 10; ++number)
        must(from.send(numbered(number), test_timeout));
    CHECK(receive_in_order(to, 10) == 10);
    std::this_thread::sleep_for(300ms); // PINGs are answered
    to.close(0ms);
    CHECK(until([&] { return !status_of(from).ready; }));
    CHECK(from.counters().unconfirmed == 0);
}
