// SPDX-License-Identifier: MPL-2.0

// The numbers of a socket and of a context, which any thread may read.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"
#include "support/stream_peer.hpp"

#include <atomic>
#include <numeric>
#include <thread>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a connection counts its messages and bytes at both sides")
{
    for (const std::string& where : stream_endpoints()) {
        CAPTURE(where);
        auto in = new_context();
        auto to = new_socket<dealer>(in);
        dealer_options options;
        options.routing_id = "client";
        auto from = new_socket<dealer>(in, options);
        const std::string bound = bind_and_connect(to, from, where);
        const std::string text(1000, 'x');
        for (int number = 0; number < 10; ++number)
            must(from.send(text, test_timeout));
        for (int number = 0; number < 10; ++number)
            CHECK(receive_text(to) == text);
        REQUIRE(until([&] { return from.peers().at(0).sent == 10; }));

        const socket_metrics sender = must(metrics_of(from));
        CHECK(sender.number == from.number());
        CHECK(sender.type == "DEALER");
        CHECK(sender.counters.queued_total == 10);
        REQUIRE(sender.peers.size() == 1);
        CHECK(sender.peers[0].endpoint == bound);
        CHECK(sender.peers[0].connection == 1);
        CHECK(sender.peers[0].ready);
        CHECK_FALSE(sender.peers[0].stalled);
        CHECK(sender.peers[0].queued_total == 10);
        CHECK(sender.peers[0].sent == 10);
        CHECK(sender.peers[0].queued == 0);
        REQUIRE(sender.endpoints.size() == 1);
        CHECK(sender.endpoints[0].kind == endpoint_kind::connected);
        CHECK(sender.endpoints[0].endpoint == bound);
        CHECK(sender.endpoints[0].link == link_state::connected);
        CHECK(sender.endpoints[0].attempts == 1);
        CHECK(sender.endpoints[0].connections == 1);
        CHECK(sender.endpoints[0].handshakes_succeeded == 1);

        const socket_metrics receiver = must(metrics_of(to));
        REQUIRE(receiver.peers.size() == 1);
        CHECK(receiver.peers[0].routing_id == "client");
        CHECK(receiver.peers[0].received == 10);
        REQUIRE(receiver.endpoints.size() == 1);
        CHECK(receiver.endpoints[0].kind == endpoint_kind::bound);
        CHECK(receiver.endpoints[0].handshakes_succeeded == 1);
        // 10 messages with headers of 9 bytes, and the handshake.
        CHECK(receiver.peers[0].bytes_received > 10 * 1009);
        CHECK(receiver.peers[0].bytes_received < 10 * 1009 + 300);
        CHECK(receiver.endpoints[0].bytes_received == receiver.peers[0].bytes_received);
        // A PING may be on its way between the two looks.
        CHECK(until([&] {
            const auto sends = must(metrics_of(from)), receives = must(metrics_of(to));
            return sends.peers[0].bytes_sent == receives.peers[0].bytes_received &&
                   sends.peers[0].bytes_received == receives.peers[0].bytes_sent;
        }));
    }
}

TEST_CASE("what nobody receives is not counted as received")
{
    auto in = new_context();
    SUBCASE("subscriptions")
    {
        auto from = new_socket<pub>(in);
        auto to = new_socket<sub>(in);
        bind_and_connect(from, to);
        must(to.subscribe("1"));
        must(to.subscribe("2"));
        must(to.unsubscribe("1"));
        must(from.wait_subscribers("2", 1, test_timeout));
        REQUIRE(until([&] { return from.peers().at(0).subscriptions == 1; }));
        CHECK(must(metrics_of(from)).peers.at(0).received == 0);
    }
    SUBCASE("subscriptions to an XPUB, which the program receives")
    {
        auto from = new_socket<xpub>(in);
        auto to = new_socket<xsub>(in);
        bind_and_connect(from, to);
        must(to.wait_ready(test_timeout));
        must(to.send("\0011"));
        must(to.send("upstream"));
        CHECK(receive_text(from) == "\0011");
        CHECK(receive_text(from) == "upstream");
        const auto now = must(metrics_of(from));
        CHECK(now.counters.received == 2);
        CHECK(now.peers.at(0).received == 1);
    }
    SUBCASE("messages without a matching subscription")
    {
        auto from = new_socket<xpub>(in);
        auto to = new_socket<sub>(in);
        bind_and_connect(from, to);
        must(to.subscribe("a"));
        must(from.wait_subscribers("a", 1, test_timeout));
        // The publisher does not know yet.
        must(to.subscribe("b"));
        must(to.unsubscribe("a"));
        must(from.send("a", no_wait));
        CHECK(until([&] {
            (void)from.events();
            (void)from.send("b", no_wait);
            return to.events().readable;
        }));
        while (receive_text(to, no_wait) == "b") {
        }
        const auto now = must(metrics_of(to));
        CHECK(now.peers.at(0).received == now.counters.received);
    }
}

TEST_CASE("a conflating socket counts what it has sent, and what waits")
{
    auto in = new_context();
    pull_options of_pull;
    of_pull.receive_high_water_mark = 1;
    auto to = new_socket<pull>(in, of_pull);
    push_options options;
    options.conflate = true;
    auto from = new_socket<push>(in, options);
    bind_and_connect(to, from);
    must(from.wait_ready(test_timeout));
    for (int number = 0; number < 1000; ++number)
        must(from.send(std::to_string(number), test_timeout));
    while (receive_text(to) != "999") {
    }
    const auto now = must(metrics_of(from));
    REQUIRE(now.peers.size() == 1);
    CHECK(now.peers[0].queued_total == 1000);
    CHECK(until([&] { return must(metrics_of(from)).peers[0].queued == 0; }));
    CHECK(must(metrics_of(from)).peers[0].sent == 1000 - from.counters().conflated_sent);
}

TEST_CASE("an endpoint knows how many peers are ready, and what waits for them")
{
    auto in = new_context();
    pull_options of_pull;
    of_pull.receive_high_water_mark = 1;
    auto to = new_socket<pull>(in, of_pull);
    auto from = new_socket<push>(in);
    bind_and_connect(to, from);
    must(from.wait_ready(test_timeout));
    const std::string text(100'000, 'x');
    for (int number = 0; number < 100; ++number)
        must(from.send(text, test_timeout));
    const auto now = must(metrics_of(from));
    REQUIRE(now.endpoints.size() == 1);
    CHECK(now.endpoints[0].ready_peers == 1);
    CHECK(now.endpoints[0].stalled_peers == 0);
    CHECK(now.endpoints[0].queued > 0);
    CHECK(now.endpoints[0].queued == now.peers.at(0).queued);
    to.close(0s);
    CHECK(until([&] { return must(metrics_of(from)).endpoints.at(0).ready_peers == 0; }));
}

TEST_CASE("an endpoint keeps the bytes and outcomes of connections that have ended")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    const std::string where = must(to.bind(any_tcp));
    for (int number = 1; number <= 3; ++number) {
        auto from = new_socket<push>(in);
        must(from.connect(where));
        must(from.send("message", test_timeout));
        CHECK(receive_text(to) == "message");
        from.close(0s);
    }
    loop peer_loop = new_peer_loop();
    {
        stream_peer stranger(peer_loop, where);
        REQUIRE(stranger.send(std::string(64, 'x')));
        (void)peer_loop.run_until(
            [&] { return must(metrics_of(to)).endpoints[0].handshakes_failed_protocol > 0; },
            test_timeout);
    }
    REQUIRE(until([&] { return must(metrics_of(to)).peers.empty(); }));
    const socket_metrics seen = must(metrics_of(to));
    CHECK(seen.endpoints[0].connections == 4);
    CHECK(seen.endpoints[0].handshakes_succeeded == 3);
    CHECK(seen.endpoints[0].handshakes_failed_protocol == 1);
    CHECK(seen.endpoints[0].handshakes_failed_no_detail == 0);
    CHECK(seen.endpoints[0].bytes_received > 3 * 64 + 64);
    CHECK(seen.endpoints[0].bytes_sent > 3 * 64);
    must(to.unbind(where));
    CHECK(until([&] { return must(metrics_of(to)).endpoints.empty(); }));
}

TEST_CASE("a refused link counts its tries, and an endpoint what its limits refuse")
{
    auto in = new_context();
    pull_options options;
    options.max_peers = 1;
    auto to = new_socket<pull>(in, options);
    const std::string where = must(to.bind(any_tcp));
    auto first = new_socket<push>(in);
    must(first.connect(where));
    must(first.wait_ready(test_timeout));
    auto second = new_socket<push>(in, reconnect_at_once());
    must(second.connect(where));
    CHECK(until([&] { return must(metrics_of(to)).endpoints[0].refused >= 2; }));
    CHECK(until([&] { return must(metrics_of(second)).endpoints[0].retries >= 2; }));
    CHECK(must(metrics_of(second)).endpoints[0].attempts >= 2);
}

TEST_CASE("a context has the numbers of its sockets, which other threads read meanwhile")
{
    auto in = new_context();
    std::atomic<bool> over{false};
    std::atomic<std::size_t> most{0}, failures{0};
    std::jthread reading([&] {
        while (!over) {
            const auto now = metrics_of(in);
            if (!now || !open_metrics(*now))
                ++failures;
            else
                most = std::max(most.load(), now->sockets.size());
        }
    });
    for (int number = 0; number < 20; ++number) {
        auto to = new_socket<pull>(in);
        auto from = new_socket<push>(in);
        bind_and_connect(to, from, number % 4 == 0 ? "inproc://counted" : any_tcp);
        must(from.send("message", test_timeout));
        CHECK(receive_text(to) == "message");
    }
    CHECK(until([&] { return most > 0; }));
    over = true;
    reading.join();
    CHECK(failures == 0);
    CHECK(must(metrics_of(in)).sockets.empty());
    CHECK(must(metrics_of(in)).memory.max_bytes == in.memory().max_bytes);
}

TEST_CASE("a socket that was moved from has no numbers")
{
    auto in = new_context();
    auto of = new_socket<pull>(in);
    const pull moved(std::move(of));
    CHECK(code_of(metrics_of(of)) == errc::invalid_state);
    CHECK(must(metrics_of(moved)).type == "PULL");
}
