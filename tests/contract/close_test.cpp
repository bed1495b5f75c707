// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"
#include "support/skip.hpp"
#include "support/wine.hpp"

using namespace slk;
using namespace slk::contract;

SLK_CONTRACT_TEST("C3: memory is the owner's again with the completion, and not touched after it")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const int count = rounds(300);
    for (int round = 0; round < count; ++round) {
        const socket_pair link = loop.connect_pair(listener);
        auto receiving = std::make_unique<receive_op>();
        auto buffer = std::make_unique<std::array<std::byte, 64>>();
        loop.receive(*receiving, link.client, *buffer);
        loop.turns(round % 2);
        send_op sending;
        const auto text = pattern(64);
        if (round % 3 == 0)
            loop.send(sending, link.server, text);
        loop->close(link.client, round % 5 == 0 ? io::close_mode::reset : io::close_mode::graceful);
        REQUIRE(loop.finish(*receiving));
        // From here on an address sanitizer reports every late write.
        receiving.reset();
        buffer.reset();
        REQUIRE(loop.run_until([&] { return !sending.in_flight(); }));
        loop->close(link.server);
    }
    CHECK(loop->open_sockets() == 1);
}

SLK_CONTRACT_TEST("C8: operations that a local close ends are cancelled, and no end of the stream")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const socket_pair link = loop.connect_pair(listener);
    receive_op receiving;
    accept_op accepting;
    std::array<std::byte, 16> buffer;
    loop.receive(receiving, link.client, buffer);
    loop.accept(accepting, listener);
    loop.turns(2);
    loop->close(link.client);
    loop->close(listener);
    CHECK(receiving.completions == 0); // rule 2
    REQUIRE(loop.run_until([&] { return receiving.done() && accepting.done(); }));
    CHECK(receiving.failure == errc::cancelled);
    CHECK(receiving.transferred == 0);
    CHECK(accepting.failure == errc::cancelled);
    CHECK(!accepting.accepted);
}

SLK_CONTRACT_TEST("C8: closing a socket that is connecting cancels the connect")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const address target = loop.address_of(listener);
    for (int round = 0; round < 50; ++round) {
        const io::socket_id client = loop.open();
        connect_op connecting;
        loop.connect(connecting, client, target);
        loop->close(client);
        REQUIRE(loop.finish(connecting));
        const bool expected =
            connecting.failure == errc::cancelled || connecting.failure == errc::ok;
        CHECK(expected);
        CHECK(connecting.completions == 1);
    }
    CHECK(loop->open_sockets() == 1);
}

SLK_CONTRACT_TEST("C5: a socket allows one attempt, even after a refusal or a cancel")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const io::socket_id client = loop.open();
    connect_op connecting;
    loop.connect(connecting, client, loop.dead_address());
    REQUIRE(loop.finish(connecting));
    CHECK(connecting.failure == errc::connection_refused);
    loop.connect(connecting, client, loop.address_of(listener));
    REQUIRE(loop.finish(connecting));
    CHECK(connecting.failure == errc::invalid_state);

    const io::socket_id other = loop.open();
    loop.connect(connecting, other, loop.address_of(listener));
    loop->cancel(connecting);
    REQUIRE(loop.finish(connecting));
    loop.connect(connecting, other, loop.address_of(listener));
    REQUIRE(loop.finish(connecting));
    CHECK(connecting.failure == errc::invalid_state);
}

SLK_CONTRACT_TEST("C5: neither send nor receive work, or do harm, before the connect has ended")
{
    rig loop(backend);
    const io::socket_id client = loop.open();
    connect_op connecting;
    receive_op receiving;
    send_op sending;
    std::array<std::byte, 4> buffer{};
    loop.connect(connecting, client, loop.dead_address());
    loop.receive(receiving, client, buffer);
    loop.send(sending, client, buffer);
    REQUIRE(
        loop.run_until([&] { return connecting.done() && receiving.done() && sending.done(); }));
    CHECK(connecting.failure == errc::connection_refused); // its error was not cleared
    CHECK(receiving.failure == errc::not_connected);
    CHECK(sending.failure == errc::not_connected);
}

SLK_CONTRACT_TEST("C13: a close with unread data gives the peer all of it or a defined error")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    REQUIRE(loop.send_all(link.server, pattern(1))); // never read by the client
    const auto block = pattern(1 << 20);
    std::size_t sent = 0;
    std::vector<std::byte> got;
    std::vector<std::byte> buffer(1 << 16);
    send_op sending;
    receive_op receiving;
    error failure;
    bool closed = false;
    bool ended = false;
    REQUIRE(loop.run_until([&] {
        if (!sending.in_flight() && !closed) {
            sent += sending.completions > 0 ? sending.transferred : 0;
            if (sent < block.size()) {
                loop.send(sending, link.client, std::span(block).subspan(sent));
            } else {
                loop->close(link.client);
                closed = true;
            }
        }
        if (!receiving.in_flight() && !ended) {
            got.insert(got.end(), buffer.begin(),
                       buffer.begin() + static_cast<std::ptrdiff_t>(receiving.transferred));
            failure = receiving.failure;
            ended = receiving.completions > 0 && (failure || receiving.transferred == 0);
            if (!ended)
                loop.receive(receiving, link.server, buffer);
        }
        return ended && closed;
    }));
    CHECK(std::equal(got.begin(), got.end(), block.begin()));
    // Wine clears the socket's error before a receive can read it, even before a plain recv.
    if (!failure && got.size() < block.size() && testing::running_under_wine())
        SLK_SKIP("Wine shows a reset that comes behind data as the end of the stream");
    if (failure)
        CHECK(failure == errc::connection_reset);
    else
        CHECK(got.size() == block.size());
}

SLK_CONTRACT_TEST("C13: a close with reset is seen by the peer as a reset")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    receive_op receiving;
    std::array<std::byte, 4> buffer;
    loop.receive(receiving, link.server, buffer);
    loop.turns(1);
    loop->close(link.client, io::close_mode::reset);
    REQUIRE(loop.finish(receiving));
    CHECK(receiving.failure == errc::connection_reset);
}
