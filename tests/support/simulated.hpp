// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_SIMULATED_HPP
#define SLK_TESTS_SUPPORT_SIMULATED_HPP

/// Simulated networks: their hosts and loops, and a world of two hosts that most tests use.

#include <serverlink/loop.hpp>
#include <serverlink/simulation.hpp>

#include "support/endpoints.hpp"
#include "support/ledger_check.hpp"
#include "support/must.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace slk::testing {

using namespace std::chrono_literals;

[[nodiscard]] inline simulation new_simulation(simulation_options options = {})
{
    return must(simulation::create(std::move(options)));
}

inline host_id new_host(simulation& net, const char* name, std::vector<address> addresses)
{
    return must(net.add_host(name, std::move(addresses)));
}

[[nodiscard]] inline loop new_loop(simulation& net, host_id on, loop_options options = {})
{
    return must(net.create_loop(on, std::move(options)));
}

/// A client (10.0.0.2) and a server (10.0.0.1) with a loop each. Everything on the loops must be
/// destroyed before the world, or before end() is called.
struct world {
    explicit world(simulation_options options = {}) : net(new_simulation(std::move(options))) {}
    world(const world&) = delete;
    world& operator=(const world&) = delete;
    ~world() { end(); }

    void end()
    {
        client_loop.reset();
        server_loop.reset();
        CHECK(net.open_sockets() == 0);
    }

    /// Runs the network until the condition holds. The limit ends a hang, in simulated time.
    bool until(const std::function<bool()>& holds, duration limit = 1min)
    {
        return net.run_until(holds, limit);
    }
    /// Returns how long it takes until the condition holds, in simulated time.
    duration time_until(const std::function<bool()>& holds, duration limit = 1h)
    {
        const time_point begin = net.now();
        CHECK(until(holds, limit));
        return net.now() - begin;
    }

    ledger_check ledger;
    simulation net;
    host_id server = new_host(net, "server", {ip("10.0.0.1")});
    host_id client = new_host(net, "client", {ip("10.0.0.2")});
    std::optional<loop> server_loop{new_loop(net, server)};
    std::optional<loop> client_loop{new_loop(net, client)};
};

} // namespace slk::testing

#endif
