// SPDX-License-Identifier: MPL-2.0

// PING and PONG with libzmq, and peers that are stopped. `peer_timeout` and the intervals of libzmq
// are short, so that a test can wait for several of them.

#include "interop_rig.hpp"
#include "support/child_process.hpp"
#include "support/skip.hpp"

#include <array>
#include <csignal>
#include <utility>

using namespace slk;
using namespace slk::testing;

namespace {

constexpr auto peer_timeout = 150ms;
constexpr auto several_periods = 8 * peer_timeout;

socket_options with_peer_timeout(duration time)
{
    socket_options options;
    options.peer_timeout = time;
    return reconnect_at_once(options);
}

void set_heartbeats(libzmq_socket& theirs, int interval, int timeout)
{
    theirs.set(ZMQ_HEARTBEAT_IVL, interval);
    theirs.set(ZMQ_HEARTBEAT_TIMEOUT, timeout);
}

/// Checks that the socket keeps its only connection for that time.
void stays_connected(socket& ours, std::chrono::milliseconds time)
{
    REQUIRE(ours.wait_ready(test_timeout).has_value());
    CHECK_FALSE(until(
        [&] {
            const auto all = ours.peers();
            return all.size() != 1 || !all.front().ready || all.front().connections != 1;
        },
        time));
}

} // namespace

TEST_CASE("an idle libzmq socket without heartbeats of its own answers our PINGs")
{
    context mine = new_context();
    auto ours = new_socket<pull>(mine, with_peer_timeout(peer_timeout));
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PUSH);
    must(ours.connect(theirs.bind(any_tcp)));
    stays_connected(ours, several_periods);
    REQUIRE(theirs.send({"still there"}));
    CHECK(receive_from(ours) == parts{"still there"});
}

TEST_CASE("our idle socket answers the PINGs of libzmq")
{
    context mine = new_context();
    auto ours = new_socket<pull>(mine, with_peer_timeout(0ms));
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PUSH);
    set_heartbeats(theirs, 30, 120);
    theirs.set(ZMQ_HEARTBEAT_TTL, 200);
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    stays_connected(ours, several_periods);
    REQUIRE(theirs.send({"still there"}));
    CHECK(receive_from(ours) == parts{"still there"});
}

TEST_CASE(
    "with heartbeats on both sides idle sockets stay connected and large messages arrive intact")
{
    context mine = new_context();
    auto ours = new_socket<dealer>(mine, [] {
        dealer_options options;
        options.peer_timeout = peer_timeout;
        return options;
    }());
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_DEALER);
    set_heartbeats(theirs, 20, 150);
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    stays_connected(ours, several_periods);
    const parts large = {random_bytes(1, 3'000'000), "end"};
    for (int round = 0; round < 20; ++round) {
        REQUIRE(theirs.send(large));
        REQUIRE(receive_from(ours) == large);
        REQUIRE(send_to(ours, large));
        const auto back = theirs.receive();
        REQUIRE(shape_of(back.value_or(parts{})) == shape_of(large));
        REQUIRE(back == large);
    }
    stays_connected(ours, 0ms);
}

TEST_CASE(
    "libzmq disconnects a socket without a loop thread that is not called, and connects when it is")
{
    context mine = new_context(0);
    auto ours = new_socket<pull>(mine, with_peer_timeout(0ms));
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PUSH);
    set_heartbeats(theirs, 30, 60);
    theirs.set(ZMQ_RECONNECT_IVL, 5);
    libzmq_monitor events(libzmq, theirs);
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    CHECK(until([&] {
        receive_from(ours, no_wait);
        return events.wait_for(ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0ms).has_value();
    }));
    CHECK(events.wait_for(ZMQ_EVENT_DISCONNECTED).has_value());
    REQUIRE(theirs.send({"hello"}));
    CHECK(receive_from(ours) == parts{"hello"});
}

TEST_CASE("a stopped peer is disconnected within peer_timeout, and reconnects when it continues")
{
    if (!have_pyzmq())
        SLK_SKIP("needs pyzmq");
    context mine = new_context();
    auto ours = new_socket<dealer>(mine, [] {
        dealer_options options;
        options.peer_timeout = peer_timeout;
        return reconnect_at_once(options);
    }());
    child_process peer(peer_program("echo.py", {"DEALER", "bind", any_tcp}));
    const auto where = peer.line();
    REQUIRE(where.has_value());
    must(ours.connect(*where));
    stays_connected(ours, several_periods);
    REQUIRE(send_to(ours, {"hello"}));
    REQUIRE(receive_from(ours) == parts{"hello"});

    peer.interrupt(SIGSTOP);
    const time_point stopped = system_clock_source().now();
    CHECK(until([&] { return !status_of(ours).ready; }));
    const duration took = system_clock_source().now() - stopped;
    CHECK(took < peer_timeout + 1s);
    CHECK(ours.peers().front().last_reason == errc::timed_out);

    peer.interrupt(SIGCONT);
    CHECK(ours.wait_ready(test_timeout).has_value());
    REQUIRE(send_to(ours, {"hello again"}));
    CHECK(receive_from(ours) == parts{"hello again"});
}

TEST_CASE(
    "a stopped peer that has not read everything is stalled, and disconnected after that limit")
{
    if (!have_pyzmq())
        SLK_SKIP("needs pyzmq");
    context mine = new_context();
    socket_options options = with_peer_timeout(peer_timeout);
    options.stalled_timeout = 500ms;
    auto ours = new_socket<push>(mine, options);
    child_process peer(peer_program("echo.py", {"PULL", "bind", any_tcp}));
    const auto where = peer.line();
    REQUIRE(where.has_value());
    must(ours.connect(*where));
    stays_connected(ours, 2 * peer_timeout);
    // More than the system buffers. They are made first: a peer that is stopped for peer_timeout
    // before anything is sent to it is just disconnected.
    const std::string large = random_bytes(1, std::size_t{16} << 20);
    std::array<message, 3> messages;
    for (message& each : messages)
        each = must(message::copy_of(large));
    peer.interrupt(SIGSTOP);
    for (message& each : messages)
        must(ours.send(std::move(each)));
    CHECK(until([&] { return ours.peers().front().stalled; }, 3s));
    CHECK(status_of(ours).ready);
    CHECK(until([&] { return !status_of(ours).ready; }, 3s));
    CHECK(ours.peers().front().last_reason == errc::timed_out);
    CHECK(ours.counters().stalls == 1);
}

TEST_CASE("a stopped peer is disconnected after the time to live of its last PING")
{
    if (!have_pyzmq())
        SLK_SKIP("needs pyzmq");
    context mine = new_context();
    auto ours = new_socket<pull>(mine, with_peer_timeout(0ms));
    child_process peer(
        peer_program("echo.py", {"PUSH", "connect", must(ours.bind(any_tcp)), "HEARTBEAT_IVL=30",
                                 "HEARTBEAT_TTL=300", "HEARTBEAT_TIMEOUT=10000"}));
    stays_connected(ours, several_periods);
    peer.interrupt(SIGSTOP);
    CHECK(until([&] { return ours.peers().empty(); }));
}

TEST_CASE("a libzmq socket stays connected while its program does not receive")
{
    context mine = new_context();
    auto ours = new_socket<push>(mine, with_peer_timeout(peer_timeout));
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PULL);
    must(ours.connect(theirs.bind(any_tcp)));
    // It does not receive, but its queue has room.
    for (int number = 0; number < 100; ++number)
        REQUIRE(send_to(ours, {std::to_string(number)}));
    stays_connected(ours, several_periods);
    for (int number = 0; number < 100; ++number)
        CHECK(theirs.receive() == parts{std::to_string(number)});
}

TEST_CASE("a libzmq socket whose queue is full stays connected, and gets everything")
{
    context mine = new_context();
    auto ours = new_socket<push>(mine, with_peer_timeout(peer_timeout));
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_PULL);
    theirs.set(ZMQ_RCVHWM, 1);
    must(ours.connect(theirs.bind(any_tcp)));
    // A few that stay in the buffers, or more than they hold.
    const int messages = 20;
    std::size_t size = 100;
    SUBCASE("small messages") {}
    SUBCASE("large messages")
    {
        size = 1'000'000;
    }
    for (int number = 0; number < messages; ++number)
        REQUIRE(send_to(ours, {random_bytes(static_cast<std::uint64_t>(number), size)}));
    stays_connected(ours, several_periods);
    for (int number = 0; number < messages; ++number)
        CHECK(theirs.receive() == parts{random_bytes(static_cast<std::uint64_t>(number), size)});
}

TEST_CASE("a libzmq socket with heartbeats stays connected while we do not receive")
{
    for (const int timeout : {60, 150, 1000}) {
        CAPTURE(timeout);
        context mine = new_context();
        socket_options options = with_peer_timeout(0ms);
        options.receive_high_water_mark = 1;
        auto ours = new_socket<pull>(mine, options);
        libzmq_context libzmq;
        libzmq_socket theirs(libzmq, ZMQ_PUSH);
        set_heartbeats(theirs, timeout, timeout * 3 / 2);
        REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
        // It has sent PINGs when the queue becomes full.
        stays_connected(ours, std::chrono::milliseconds(3 * timeout));
        for (int number = 0; number < 20; ++number)
            REQUIRE(theirs.send({std::to_string(number)}));
        stays_connected(ours, std::chrono::milliseconds(5 * timeout));
        for (int number = 0; number < 20; ++number)
            CHECK(receive_from(ours) == parts{std::to_string(number)});
    }
}
