// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SIM_MESSAGES_RIG_HPP
#define SLK_TESTS_SIM_MESSAGES_RIG_HPP

/// What the tests of sockets on the simulated network share: a context on each of the two hosts,
/// and calls that wait in simulated time.

#include <serverlink/context.hpp>
#include <serverlink/dealer.hpp>
#include <serverlink/pair.hpp>
#include <serverlink/pull.hpp>
#include <serverlink/push.hpp>
#include <serverlink/router.hpp>

#include "sim/sim_rig.hpp"

namespace slk::sim_tests {

inline context new_context(loop& on)
{
    auto made = context::on(on);
    REQUIRE(made.has_value());
    return std::move(*made);
}

/// Sockets must end before it.
struct messages_world : world {
    explicit messages_world(simulation_options options = {}) : world(std::move(options)) {}

    context client_side = new_context(*client_loop);
    context server_side = new_context(*server_loop);
};

template <class Socket>
Socket make(context& in, const auto& options)
{
    auto made = Socket::create(in, options);
    REQUIRE(made.has_value());
    return std::move(*made);
}

template <class Socket>
Socket make(context& in)
{
    auto made = Socket::create(in);
    REQUIRE(made.has_value());
    return std::move(*made);
}

inline void bind(socket& which, const std::string& where = "tcp://10.0.0.1:5000")
{
    REQUIRE(which.bind(where).has_value());
}

inline void connect(socket& which, const std::string& where = "tcp://10.0.0.1:5000",
                    const connect_options& how = {})
{
    REQUIRE(which.connect(where, how).has_value());
}

/// Of the first endpoint.
inline endpoint_status first(const socket& which)
{
    const auto all = which.endpoints();
    REQUIRE(!all.empty());
    return all.front();
}

/// Peers whose handshake is over.
inline std::size_t ready_peers(const socket& which)
{
    const auto all = which.peers();
    return static_cast<std::size_t>(std::ranges::count_if(all, &peer_status::ready));
}

/// Lets time pass for a socket whose thread looks after it: who comes is only let in or turned away
/// by a call.
inline void attend(messages_world& in, const socket& which, duration time)
{
    (void)in.net.run_until(
        [&] {
            (void)which.counters();
            return false;
        },
        time);
}

/// What a peer that speaks ZMTP 3.1 without security says before its first message (RFC 37).
inline std::string handshake_of(const std::string& type)
{
    const std::string property = "Socket-Type";
    std::string ready = "\x05READY";
    ready += static_cast<char>(property.size());
    ready += property + std::string(3, '\0') + static_cast<char>(type.size()) + type;
    return "\xff" + std::string(8, '\0') + "\x7f\x03\x01NULL" + std::string(48, '\0') + "\x04" +
           static_cast<char>(ready.size()) + ready;
}

/// The text of the next message, or why there is none.
template <class Socket>
std::string next(Socket& from, const timeout& test_timeout = 1s)
{
    message into;
    const auto received = from.receive(into, test_timeout);
    return received ? std::string(into.text()) : std::string(name_of(received.error().code));
}

} // namespace slk::sim_tests

#endif
