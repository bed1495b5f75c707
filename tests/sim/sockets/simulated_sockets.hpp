// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SIM_SOCKETS_SIMULATED_SOCKETS_HPP
#define SLK_TESTS_SIM_SOCKETS_SIMULATED_SOCKETS_HPP

/// What the tests of sockets on the simulated network share: a context on each of the two hosts.
/// Calls that wait do so in simulated time.

#include <serverlink/serverlink.hpp>

#include "sim/sim_rig.hpp"
#include "support/sockets.hpp"

namespace slk::testing {

/// The sockets must be destroyed before it.
struct socket_world : world {
    explicit socket_world(simulation_options options = {}) : world(std::move(options)) {}

    /// Lets time pass, and calls the socket after each event: a socket admits and rejects peers
    /// only in its calls.
    void run_with_calls(socket& which, duration time)
    {
        (void)net.run_until(
            [&] {
                (void)which.events();
                return false;
            },
            time);
    }

    context client_context = new_context(*client_loop);
    context server_context = new_context(*server_loop);
};

inline dealer_options dealer_called(const char* name)
{
    dealer_options options;
    options.routing_id = name;
    return options;
}

inline void bind(socket& which, const std::string& endpoint = "tcp://10.0.0.1:5000")
{
    must(which.bind(endpoint));
}

inline void connect(socket& which, const std::string& endpoint = "tcp://10.0.0.1:5000",
                    const connect_options& options = {})
{
    must(which.connect(endpoint, options));
}

} // namespace slk::testing

#endif
