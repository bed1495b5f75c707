// SPDX-License-Identifier: MPL-2.0
#include <serverlink/link.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/simulation.hpp>

#include "link/link_rig.hpp"

#include <doctest/doctest.h>

#include <array>

namespace slk::link_tests {

TEST_CASE("a drain completes once, even when the stream ends after a receive has succeeded")
{
    const books balance;
    auto net = simulation::create({});
    REQUIRE(net.has_value());
    const auto here = net->add_host("here", {});
    REQUIRE(here.has_value());
    auto loop = net->create_loop(*here);
    REQUIRE(loop.has_value());
    server peer(*loop);
    stream ours;
    link_handlers on;
    on.connected = [&](stream connection) { ours = std::move(connection); };
    auto dialled = link::create(*loop, {.to = at(peer.where())}, on);
    REQUIRE(dialled.has_value());
    dialled->start();
    REQUIRE(net->run_until([&] { return ours && peer.streams.size() == 1; }, 1s));

    std::array<std::byte, 8> buffer;
    int received = 0;
    int drained = 0;
    error drained_by;
    REQUIRE(ours.receive(buffer, [&](result<std::size_t>) { ++received; }).has_value());
    const auto count = [&](error reason) {
        ++drained;
        drained_by = reason;
    };
    REQUIRE(ours.close_after_drain(1h, count).has_value());
    // The send and the receive succeed and are reported late; meanwhile the link ends the stream.
    net->inject(fault::late_completion, 2);
    REQUIRE(peer.streams.front().send(buffer, [](result<std::size_t>) {}).has_value());
    REQUIRE(net->run_until([&] { return net->injected(fault::late_completion) == 2; }, 1s));
    CHECK(received == 0);
    dialled->stop();
    net->run_for(1s);
    CHECK(received == 1);
    CHECK(drained == 1);
    CHECK(drained_by == errc::cancelled);
}

} // namespace slk::link_tests
