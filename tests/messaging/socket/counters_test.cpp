// SPDX-License-Identifier: MPL-2.0

// The counters of a socket, and those of its peers.

#include "support/sockets.hpp"

#include <serverlink/serverlink.hpp>

#include <atomic>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

peer_status only_peer(socket& of)
{
    const auto all = of.peers();
    REQUIRE(all.size() == 1);
    return all.front();
}

/// No counter goes back.
bool has_grown(const socket_counters& before, const socket_counters& after)
{
    return after.queued_total >= before.queued_total && after.received >= before.received &&
           after.dropped_full >= before.dropped_full && after.unsent >= before.unsent &&
           after.discarded >= before.discarded && after.conflated_sent >= before.conflated_sent &&
           after.conflated_received >= before.conflated_received;
}

} // namespace

TEST_CASE("another thread reads the counters while the sockets are used, and they end exact")
{
    constexpr std::uint64_t count = 20'000;
    for (const bool conflate : {false, true}) {
        CAPTURE(conflate);
        auto in = new_context(2);
        socket_options options;
        options.conflate = conflate;
        auto from = must(push::create(in, options));
        auto to = must(pull::create(in, options));
        must(from.connect(must(to.bind("tcp://127.0.0.1:*"))));
        must(from.wait_ready(test_timeout));
        std::atomic<int> wrong{0};
        std::uint64_t reads = 0;
        {
            std::jthread reader([&](const std::stop_token& stop) {
                socket_counters sent, received;
                do {
                    const socket_counters now_received = to.counters();
                    const socket_counters now_sent = from.counters();
                    wrong += has_grown(sent, now_sent) ? 0 : 1;
                    wrong += has_grown(received, now_received) ? 0 : 1;
                    wrong += now_received.received <= count ? 0 : 1;
                    sent = now_sent;
                    received = now_received;
                    ++reads;
                } while (!stop.stop_requested());
            });
            std::jthread sender([&] {
                for (std::uint64_t index = 0; index < count; ++index)
                    if (!from.send(std::to_string(index), test_timeout))
                        ++wrong;
            });
            for (std::string got; got != std::to_string(count - 1);) {
                got = receive_text(to);
                REQUIRE(!got.starts_with("("));
            }
            sender.join();
        }
        CHECK(wrong == 0);
        CHECK(reads > 0);
        CHECK(from.counters().queued_total == count);
        CHECK(to.counters().received + from.counters().conflated_sent +
                  to.counters().conflated_received ==
              count);
        if (!conflate)
            CHECK(to.counters().received == count);
    }
}

TEST_CASE("a peer's `sent` counts what the system has taken, and `queued` the rest")
{
    auto in = new_context();
    push_options options = reconnect_at_once<push_options>();
    options.send_high_water_mark = 0;
    auto from = must(push::create(in, options));
    auto to = must(pull::create(in));
    const std::string at = must(to.bind("tcp://127.0.0.1:*"));
    must(to.unbind(at));
    must(from.connect(at));
    for (int index = 0; index < 10; ++index)
        must(from.send(std::to_string(index)));
    peer_status peer = only_peer(from);
    CHECK(peer.sent == 0);
    CHECK(peer.queued == 10);
    CHECK(peer.queued_total == 10);
    CHECK_FALSE(peer.ready);

    must(to.bind(at));
    REQUIRE(until([&] { return only_peer(from).sent == 10; }));
    peer = only_peer(from);
    CHECK(peer.queued == 0);
    CHECK(peer.queued_total == 10);
    CHECK(peer.ready);
    CHECK(peer.connections == 1);
}

TEST_CASE("a peer that does not read is sent what the buffers hold, and the rest when it reads")
{
    auto in = new_context();
    push_options unlimited;
    unlimited.send_high_water_mark = 0;
    pull_options small;
    small.receive_high_water_mark = 1;
    auto from = must(push::create(in, unlimited));
    auto to = must(pull::create(in, small));
    must(from.connect(must(to.bind("tcp://127.0.0.1:*"))));
    const std::string body(100'000, 'b');
    constexpr std::uint64_t count = 300;
    for (std::uint64_t index = 0; index < count; ++index)
        must(from.send(std::string_view(body)));
    // The system takes no more for a while.
    std::uint64_t sent = 0;
    REQUIRE(until([&] {
        std::this_thread::sleep_for(short_timeout);
        return sent != 0 && only_peer(from).sent == sent ? true
                                                         : (sent = only_peer(from).sent, false);
    }));
    peer_status peer = only_peer(from);
    CHECK(peer.sent < count);
    CHECK(peer.sent + peer.queued == count);
    CHECK(peer.queued_total == count);
    for (std::uint64_t index = 0; index < count; ++index) {
        REQUIRE((receive_text(to) == body));
        peer = only_peer(from);
        REQUIRE(peer.sent > index); // what was received had been taken
        REQUIRE(peer.sent + peer.queued == count);
    }
    CHECK(only_peer(from).sent == count);
    CHECK(only_peer(to).received == count);
    CHECK(to.counters().received == count);
}

TEST_CASE("with inproc a peer's `sent` counts what it has received")
{
    auto in = new_context();
    auto to = must(pull::create(in));
    auto from = must(push::create(in));
    must(to.bind("inproc://counted"));
    must(from.connect("inproc://counted"));
    for (int index = 0; index < 5; ++index)
        must(from.send(std::to_string(index)));
    CHECK(only_peer(from).sent == 0);
    CHECK(only_peer(from).queued == 5);
    CHECK(receive_text(to) == "0");
    CHECK(receive_text(to) == "1");
    CHECK(only_peer(from).sent == 2);
    CHECK(only_peer(from).queued == 3);
    CHECK(only_peer(from).queued_total == 5);
    CHECK(only_peer(to).received == 2);
}

TEST_CASE("messages that never leave are counted as unsent, and unread ones as discarded")
{
    auto in = new_context();
    auto from = must(push::create(in, reconnect_at_once<push_options>()));
    must(from.connect("tcp://127.0.0.1:1"));
    for (int index = 0; index < 3; ++index)
        must(from.send(std::to_string(index)));
    const close_report report = must(from.disconnect("tcp://127.0.0.1:1"));
    CHECK(report.unsent() == 3);
    CHECK(from.counters().unsent == 3);

    auto to = must(pull::create(in));
    auto other = must(push::create(in));
    must(to.bind("inproc://counted"));
    must(other.connect("inproc://counted"));
    for (int index = 0; index < 4; ++index)
        must(other.send(std::to_string(index)));
    CHECK(receive_text(to) == "0");
    to.close(duration::zero());
    CHECK(to.counters().discarded == 3);
    CHECK(to.counters().received == 1);
}
