// SPDX-License-Identifier: MPL-2.0

// handshake_timeout, and the limits on connections whose handshake is under way.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <array>
#include <functional>
#include <memory>
#include <set>
#include <vector>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a connection is closed when its handshake takes longer than handshake_timeout")
{
    auto in = new_context();
    pull_options options;
    options.handshake_timeout = short_timeout;
    auto to = new_socket<pull>(in, options);
    const auto where = must(to.bind(any_tcp));
    auto loop = must(slk::loop::create());
    bool closed = false;
    std::byte some[256];
    stream silent;
    link_handlers on;
    const std::function<void(result<std::size_t>)> read = [&](result<std::size_t> received) {
        closed = !received || *received == 0;
        if (!closed)
            (void)silent.receive(some, read);
    };
    on.connected = [&](stream connection) {
        silent = std::move(connection);
        (void)silent.receive(some, read);
    };
    auto to_there = must(slk::link::create(loop, {.to = must(endpoint::parse(where))}, on));
    to_there.start();
    CHECK(must(loop.run_until([&] { return closed; }, test_timeout)));
    CHECK(until([&] { return to.endpoints()[0].last_handshake_failure == errc::timed_out; }));
}

TEST_CASE("at most max_pending_handshakes connections are in their handshake")
{
    auto in = new_context();
    pull_options options;
    SUBCASE("in all")
    {
        options.max_pending_handshakes = 3;
    }
    SUBCASE("of one address")
    {
        options.max_pending_handshakes_per_address = 3;
    }
    auto to = new_socket<pull>(in, options);
    const auto where = must(to.bind(any_tcp));
    auto loop = must(slk::loop::create());
    std::vector<slk::link> silent;
    std::vector<std::unique_ptr<stream>> connections;
    std::array<std::byte, 256> some{};
    std::set<int> closed; // a reset may be seen as the end of the stream
    const std::function<void(stream&, int)> read = [&](stream& from, int number) {
        (void)from.receive(some, [&, number](const result<std::size_t>& received) {
            if (received && *received > 0)
                read(from, number);
            else
                closed.insert(number);
        });
    };
    for (int number = 0; number < 10; ++number) {
        link_handlers on;
        on.state_changed = [&, number](const link_transition& move, const link_status&) {
            if (move.to == link_state::idle)
                closed.insert(number);
        };
        on.connected = [&, number](stream connection) {
            connections.push_back(std::make_unique<stream>(std::move(connection)));
            read(*connections.back(), number);
        };
        link_options once{.to = must(endpoint::parse(where))};
        once.reconnect.base = reconnect_never;
        silent.push_back(must(slk::link::create(loop, once, on)));
        silent.back().start();
    }
    CHECK(must(loop.run_until([&] { return closed.size() == 7; }, test_timeout)));
    CHECK(until([&] { return to.endpoints()[0].handshake_failures == 7; }));
    CHECK(to.endpoints()[0].last_handshake_failure == errc::connection_refused);
    // The first ones have given way to the last ones, and the last ones give way to it.
    auto from = new_socket<push>(in);
    must(from.connect(where));
    must(from.send("good", test_timeout));
    CHECK(receive_text(to) == "good");
}
