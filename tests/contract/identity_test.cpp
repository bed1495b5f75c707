// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"

using namespace slk;
using namespace slk::contract;

SLK_CONTRACT_TEST("C4: an event of a closed socket never reaches the one that got its number")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const address dead = loop.dead_address();
    const int count = rounds(500);
    for (int round = 0; round < count; ++round) {
        // Two sockets become ready in one turn. The completion of the first closes the second and
        // opens another one at once, which gets its number and connects to a dead port.
        const socket_pair one = loop.connect_pair(listener);
        const socket_pair two = loop.connect_pair(listener);
        std::array<std::byte, 8> buffers[2];
        receive_op first;
        receive_op second;
        connect_op dialling;
        io::socket_id reused;
        io::socket_id victim = two.client;
        first.then = [&] {
            loop->close(victim);
            reused = loop.open();
            loop.connect(dialling, reused, dead);
        };
        loop.receive(second, two.client, buffers[1]);
        loop.receive(first, one.client, buffers[0]);
        loop.turns(1);
        send_op sending[2];
        const auto text = pattern(8);
        loop.send(sending[1], two.server, text);
        loop.send(sending[0], one.server, text);
        REQUIRE(loop.run_until([&] { return first.done() && second.done() && dialling.done(); }));
        CHECK(dialling.failure == errc::connection_refused);
        CHECK(second.completions == 1);
        REQUIRE(loop.run_until([&] { return !sending[0].in_flight() && !sending[1].in_flight(); }));
        for (const io::socket_id id : {one.client, one.server, two.server, reused})
            loop->close(id);
    }
    CHECK(loop->open_sockets() == 1);
}

SLK_CONTRACT_TEST("C4: a stale id is an error value for every call, never another socket")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const io::socket_id stale = loop.open();
    loop->close(stale);
    const socket_pair link = loop.connect_pair(listener);
    CHECK(link.client.index == stale.index); // the entry of the closed one, but another id
    CHECK(!(link.client == stale));
    CHECK(loop->handle_of(stale) == io::invalid_handle);
    CHECK(loop->local_address(stale).error() == errc::invalid_state);
    CHECK(loop->peer_address(stale).error() == errc::invalid_state);
    CHECK(loop->set_option(stale, io::socket_option::no_delay, 1).error() == errc::invalid_state);
    CHECK(loop->shutdown_send(stale).error() == errc::invalid_state);
    CHECK(loop->bind_source(stale, std::nullopt).error() == errc::invalid_state);
    CHECK(loop->shed(stale, 10) == 0);
    loop->close(stale);
    loop->close(stale, io::close_mode::reset);

    connect_op connecting;
    accept_op accepting;
    receive_op receiving;
    send_op sending;
    std::array<std::byte, 8> buffer{};
    loop.connect(connecting, stale, address::loopback(address_family::ipv4, 1));
    loop.accept(accepting, stale);
    loop.receive(receiving, stale, buffer);
    loop.send(sending, stale, buffer);
    CHECK(connecting.completions + accepting.completions + receiving.completions +
              sending.completions ==
          0);
    loop.turns(2);
    CHECK(connecting.failure == errc::invalid_state);
    CHECK(accepting.failure == errc::invalid_state);
    CHECK(receiving.failure == errc::invalid_state);
    CHECK(sending.failure == errc::invalid_state);

    REQUIRE(loop.send_all(link.client, pattern(5)));
    CHECK(loop.receive_all(link.server, 5) == pattern(5));
}

SLK_CONTRACT_TEST("C16: of 64 sockets ready at once, the first completion may close all others")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    constexpr std::size_t count = 64;
    std::vector<socket_pair> links;
    for (std::size_t index = 0; index < count; ++index)
        links.push_back(loop.connect_pair(listener));
    std::array<receive_op, count> receiving;
    std::array<std::array<std::byte, 8>, count> buffers;
    for (std::size_t index = 0; index < count; ++index) {
        receiving[index].then = [&, index] {
            for (std::size_t other = 0; other < count; ++other)
                if (other != index)
                    loop->close(links[other].client);
        };
        loop.receive(receiving[index], links[index].client, buffers[index]);
    }
    loop.turns(1);
    std::array<send_op, count> sending;
    const auto text = pattern(8);
    for (std::size_t index = 0; index < count; ++index)
        loop.send(sending[index], links[index].server, text);
    REQUIRE(loop.run_until([&] {
        return std::all_of(receiving.begin(), receiving.end(),
                           [](const receive_op& op) { return op.done(); });
    }));
    for (const receive_op& op : receiving) {
        CHECK(op.completions == 1);
        const bool defined = op.failure == errc::ok || op.failure == errc::cancelled;
        CHECK(defined);
    }
    REQUIRE(loop.run_until([&] {
        return std::none_of(sending.begin(), sending.end(),
                            [](const send_op& op) { return op.in_flight(); });
    }));
}
