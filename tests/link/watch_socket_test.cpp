// SPDX-License-Identifier: MPL-2.0

// loop::watch() for sockets, on each backend of each system: the socket is another loop's.

#include "link/link_rig.hpp"

#include <serverlink/simulation.hpp>

namespace slk::link_tests {

TEST_CASE("a socket of another loop is reported as writable, and as readable when data arrives")
{
    loop other = new_loop();
    server there(other);
    stream here;
    link_handlers handlers;
    handlers.connected = [&](stream next) { here = std::move(next); };
    auto client = make_link(other, at(there.where()), quick(), std::move(handlers));
    client.start();
    REQUIRE(other.run_until([&] { return here && !there.streams.empty(); }, 10s).value_or(false));

    rig on;
    int readable = 0;
    int writable = 0;
    const auto count = [&](descriptor_state now) {
        readable += now.readable ? 1 : 0;
        writable += now.writable ? 1 : 0;
        CHECK_FALSE(now.failed);
    };
    auto made = on->watch(here.native_handle(), watch_for::both, count);
    if (on->backend() == "iocp") {
        REQUIRE_FALSE(made);
        CHECK(made.error() == errc::not_supported);
        return;
    }
    REQUIRE(made);
    REQUIRE(on.until([&] { return writable > 0; }));
    CHECK(readable == 0);
    REQUIRE(made->set(watch_for::readable));
    const std::array<std::byte, 3> bytes{};
    bool sent = false;
    REQUIRE(there.streams.front().send(bytes, [&](auto) { sent = true; }));
    REQUIRE(other.run_until([&] { return sent; }, 10s).value_or(false));
    REQUIRE(on.until([&] { return readable > 3; })); // by level: nobody reads it
    made->cancel();
    readable = 0;
    on.pass(5ms);
    CHECK(readable == 0);
}

TEST_CASE("what is no descriptor, or a loop that is simulated, is an error")
{
    rig on;
    const auto bad = on->watch(io::invalid_handle, watch_for::readable, [](descriptor_state) {});
    REQUIRE_FALSE(bad);
    CHECK((bad.error() == errc::invalid_argument || on->backend() == "iocp"));

    auto net = simulation::create();
    REQUIRE(net);
    const auto host = net->add_host("here", {});
    REQUIRE(host);
    auto simulated = net->create_loop(*host);
    REQUIRE(simulated);
    const auto made = simulated->watch(0, watch_for::readable, [](descriptor_state) {});
    REQUIRE_FALSE(made);
    CHECK(made.error() == errc::not_supported);
}

} // namespace slk::link_tests
