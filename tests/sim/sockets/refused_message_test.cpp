// SPDX-License-Identifier: MPL-2.0

// A message that the peer does not want: those behind it arrive.

#include "sim/sockets/simulated_sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

/// More than the buffers of a connection hold.
constexpr std::size_t too_large = 1'000'000;

socket_options receiver_options()
{
    socket_options options;
    options.max_message_size = 100'000;
    return options;
}

template <class Sender, class Receiver>
void check_refusal(bool parts)
{
    socket_world in;
    auto to = new_socket<Receiver>(in.server_context, {receiver_options()});
    auto from = new_socket<Sender>(in.client_context);
    bind(to);
    connect(from);
    must(from.send("before"));
    if (parts) {
        multipart whole;
        must(whole.add("small"));
        must(whole.add(patterned_text(too_large)));
        must(whole.add("last"));
        must(from.send(std::move(whole)));
    } else {
        must(from.send(patterned_text(too_large)));
    }
    must(from.send("behind"));
    CHECK(receive_text(to, 10s) == "before");
    CHECK(receive_text(to, 1min) == "behind");
    REQUIRE(in.until([&] { return from.counters().refused == 1; }));
    const peer_status peer = from.peers().at(0);
    CHECK(peer.refused == 1);
    CHECK(
        (peer.last_refusal == errc::connection_reset || peer.last_refusal == errc::end_of_stream));
    CHECK(peer.connections == 4);
    CHECK(peer.sent == 2);
    CHECK(peer.queued == 0);
    const close_report report = from.close(1s);
    REQUIRE(report.peers.size() == 1);
    CHECK(report.peers.front().refused == 1);
    CHECK(report.peers.front().last_refusal == peer.last_refusal);
    CHECK(report.peers.front().flushed == 2);
    CHECK(report.unsent() == 0);
}

/// The same where the sender is bound: each connection of the receiver is another peer.
template <class Sender, class Receiver>
void check_refusal_by_peers()
{
    socket_world in;
    auto from = new_socket<Sender>(in.server_context);
    auto to = new_socket<Receiver>(in.client_context, {receiver_options()});
    bind(from);
    connect(to);
    REQUIRE(in.until([&] { return ready_peers(from) == 1; }));
    must(from.send("before"));
    must(from.send(patterned_text(too_large)));
    must(from.send("behind"));
    CHECK(receive_text(to, 10s) == "before");
    in.run_with_calls(from, 1min);
    CHECK(receive_text(to, 1min) == "behind");
    CHECK(from.counters().refused == 1);
    CHECK(from.counters().unsent == 0);
    CHECK(status_of(to).link.generation == 4);
}

} // namespace

TEST_CASE("a message that every connection of a peer of bind() ends in is set aside")
{
    check_refusal_by_peers<push, pull>();
    check_refusal_by_peers<dealer, dealer>();
    check_refusal_by_peers<pair, pair>();
}

TEST_CASE("a message that ends three connections in a row is set aside, and those behind it arrive")
{
    for (const bool parts : {false, true}) {
        CAPTURE(parts);
        check_refusal<push, pull>(parts);
        check_refusal<dealer, dealer>(parts);
        check_refusal<pair, pair>(parts);
    }
}

TEST_CASE("a message is not set aside because connections break in it that the network ends")
{
    socket_world in;
    socket_options options;
    options.peer_timeout = 1s;
    auto to = new_socket<pull>(in.server_context);
    auto from = new_socket<push>(in.client_context, options);
    bind(to);
    connect(from);
    REQUIRE(in.until([&] { return status_of(from).ready; }));
    in.net.set_latency(in.server, in.client, 200ms);
    must(from.send(patterned_text(too_large)));
    for (int round = 0; round < 5; ++round) {
        in.net.run_for(100ms);
        in.net.partition(in.server, in.client);
        in.net.partition(in.client, in.server);
        REQUIRE(in.until([&] { return !status_of(from).ready; }, 1min));
        in.net.heal();
        REQUIRE(in.until([&] { return status_of(from).ready; }, 10min));
    }
    CHECK(receive_text(to, 1min) == patterned_text(too_large));
    CHECK(from.counters().refused == 0);
}
