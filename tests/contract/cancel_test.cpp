// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"

using namespace slk;
using namespace slk::contract;

SLK_CONTRACT_TEST("C2: a waiting accept and a waiting receive end as cancelled")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const socket_pair link = loop.connect_pair(listener);

    accept_op accepting;
    receive_op receiving;
    std::array<std::byte, 16> buffer;
    loop.accept(accepting, listener);
    loop.receive(receiving, link.client, buffer);
    loop.turns(3);
    CHECK(accepting.completions == 0);
    CHECK(receiving.completions == 0);
    loop->cancel(accepting);
    loop->cancel(receiving);
    loop->cancel(receiving);
    REQUIRE(loop.run_until([&] { return accepting.done() && receiving.done(); }));
    CHECK(accepting.failure == errc::cancelled);
    CHECK(receiving.failure == errc::cancelled);
    loop->cancel(receiving); // idle: it has no effect
    loop.turns(3);
    CHECK(receiving.completions == 1);

    // A cancelled receive has taken nothing.
    const auto text = pattern(10);
    REQUIRE(loop.send_all(link.server, text));
    CHECK(loop.receive_all(link.client, 10) == text);
}

SLK_CONTRACT_TEST("C2: a cancelled receive leaves those before and after it")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    std::array<receive_op, 3> receiving;
    std::array<std::array<std::byte, 4>, 3> buffers;
    for (std::size_t index = 0; index < 3; ++index)
        loop.receive(receiving[index], link.client, buffers[index]);
    loop.turns(2);
    loop->cancel(receiving[1]);
    REQUIRE(loop.finish(receiving[1]));
    CHECK(receiving[1].failure == errc::cancelled);
    CHECK(receiving[0].completions == 0);
    CHECK(receiving[2].completions == 0);
    REQUIRE(loop.send_all(link.server, pattern(8)));
    REQUIRE(loop.run_until([&] { return receiving[0].done() && receiving[2].done(); }));
    CHECK(receiving[0].transferred == 4);
    CHECK(receiving[2].transferred == 4);
}

SLK_CONTRACT_TEST("C2: a send that waits for room can be cancelled")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    const auto block = pattern(1 << 20);
    send_op sending;
    bool waits = false;
    for (int tries = 0; tries < 1000 && !waits; ++tries) {
        loop.send(sending, link.client, block);
        waits = !loop.run_until([&] { return sending.done(); }, 100ms);
    }
    REQUIRE(waits);
    loop->cancel(sending);
    REQUIRE(loop.finish(sending));
    CHECK(sending.failure == errc::cancelled);
}

SLK_CONTRACT_TEST("C2: a connect that is cancelled at any moment ends as cancelled or as connected")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    const address target = loop.address_of(listener);
    int connected = 0;
    int cancelled = 0;
    int accepted = 0;
    const int count = rounds(1000);
    for (int round = 0; round < count; ++round) {
        accept_op accepting;
        connect_op connecting;
        const io::socket_id client = loop.open();
        loop.accept(accepting, listener);
        loop.connect(connecting, client, target);
        loop.turns(round % 4);
        loop->cancel(connecting);
        if (round % 2 == 0)
            loop->cancel(accepting);
        REQUIRE(loop.finish(connecting));
        if (connecting.failure == errc::ok)
            ++connected;
        else if (connecting.failure == errc::cancelled)
            ++cancelled;
        loop->close(client, io::close_mode::reset); // connected or not
        loop->cancel(accepting);
        REQUIRE(loop.finish(accepting));
        if (accepting.failure == errc::ok) {
            ++accepted;
            loop->close(accepting.accepted, io::close_mode::reset);
        } else {
            CHECK(accepting.failure == errc::cancelled);
        }
        CHECK(connecting.completions == 1);
        CHECK(accepting.completions == 1);
    }
    CHECK(connected + cancelled == count);
    CHECK(loop->open_sockets() == 1);
    MESSAGE(connected << " connected, " << cancelled << " cancelled, " << accepted << " accepted");
}

SLK_CONTRACT_TEST("C2: a receive that is cancelled while data arrives loses no byte")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    std::size_t sent = 0;
    std::size_t received = 0;
    const int count = rounds(2000);
    for (int round = 0; round < count; ++round) {
        std::array<std::byte, 8> buffer;
        receive_op receiving;
        send_op sending;
        loop.receive(receiving, link.client, buffer);
        const auto bytes = pattern(8, sent);
        loop.send(sending, link.server, bytes);
        if (round % 2 == 0)
            loop.turns(round % 3);
        loop->cancel(receiving);
        REQUIRE(loop.run_until([&] { return receiving.done() && sending.done(); }));
        REQUIRE(sending.failure == errc::ok);
        sent += sending.transferred;
        if (receiving.failure == errc::ok) {
            CHECK(std::equal(buffer.begin(),
                             buffer.begin() + static_cast<std::ptrdiff_t>(receiving.transferred),
                             pattern(receiving.transferred, received).begin()));
            received += receiving.transferred;
        } else {
            CHECK(receiving.failure == errc::cancelled);
            CHECK(receiving.transferred == 0);
        }
    }
    CHECK(loop.receive_all(link.client, sent - received) == pattern(sent - received, received));
}
