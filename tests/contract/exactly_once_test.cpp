// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"

using namespace slk;
using namespace slk::contract;

SLK_CONTRACT_TEST("C1: a connect, an accept, a send and a receive complete once and never inline")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    accept_op accepting;
    connect_op connecting;
    const io::socket_id client = loop.open();
    loop.accept(accepting, listener);
    loop.connect(connecting, client, loop.address_of(listener));
    CHECK(accepting.completions == 0);
    CHECK(connecting.completions == 0);
    REQUIRE(loop.run_until([&] { return accepting.done() && connecting.done(); }));
    CHECK(connecting.failure == errc::ok);
    CHECK(accepting.failure == errc::ok);

    const auto text = pattern(100);
    std::vector<std::byte> buffer(1000);
    send_op sending;
    receive_op receiving;
    loop.receive(receiving, accepting.accepted, buffer);
    loop.send(sending, client, text);
    CHECK(sending.completions == 0);
    REQUIRE(loop.run_until([&] { return sending.done() && receiving.done(); }));
    CHECK(sending.failure == errc::ok);
    CHECK(sending.transferred == 100);
    CHECK(receiving.failure == errc::ok);
    CHECK(receiving.transferred == 100);
    buffer.resize(100);
    CHECK(buffer == text);

    loop.turns(5);
    CHECK(accepting.completions == 1);
    CHECK(connecting.completions == 1);
    CHECK(sending.completions == 1);
    CHECK(receiving.completions == 1);
    CHECK(loop->outstanding() == 0);
}
