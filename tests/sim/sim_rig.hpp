// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SIM_SIM_RIG_HPP
#define SLK_TESTS_SIM_SIM_RIG_HPP

/// What the tests of links on the simulated network share: a listener and a link that record what
/// their handlers are given.

#include <serverlink/link.hpp>
#include <serverlink/listener.hpp>

#include "support/reconnect.hpp"
#include "support/simulated.hpp"
#include "support/streams.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slk::testing {

/// The endpoint of the server without a name to look up.
inline constexpr const char* numeric_endpoint = "tcp://10.0.0.1:5000";

/// A listener that keeps the accepted streams, unless `on_accepted` is set.
struct test_listener {
    explicit test_listener(loop& on, const std::string& endpoint = "tcp://*:5000",
                           listener_options options = {})
    {
        options.at = endpoint_of(endpoint);
        auto made = listener::create(on, options,
                                     {.accepted =
                                          [this](stream accepted) {
                                              if (on_accepted)
                                                  on_accepted(std::move(accepted));
                                              else
                                                  streams.push_back(std::move(accepted));
                                          },
                                      .failed = [this](const error& e) { errors.push_back(e); }});
        if (made)
            handle.emplace(std::move(*made));
        else
            create_error = made.error();
    }
    test_listener(const test_listener&) = delete;
    test_listener& operator=(const test_listener&) = delete;

    [[nodiscard]] listener_status status() const { return handle->status(); }

    std::function<void(stream)> on_accepted;
    std::vector<stream> streams;
    std::vector<error> errors;
    error create_error{};
    std::optional<listener> handle;
};

/// A link that is started at once, and keeps its stream, its transitions and its errors.
struct test_link {
    explicit test_link(loop& on, const std::string& endpoint = "tcp://server:5000",
                       link_options options = {})
    {
        options.to = endpoint_of(endpoint);
        auto made = link::create(on, std::move(options),
                                 {.state_changed =
                                      [this](const link_transition& move, const link_status& now) {
                                          transitions.push_back(move);
                                          if (now.last_error)
                                              errors.push_back(now.last_error);
                                      },
                                  .connected =
                                      [this](stream connected_stream) {
                                          connection = std::move(connected_stream);
                                          if (on_connected)
                                              on_connected();
                                      }});
        handle.emplace(must(std::move(made)));
        handle->start();
    }
    test_link(const test_link&) = delete;
    test_link& operator=(const test_link&) = delete;

    [[nodiscard]] link_status status() const { return handle->status(); }
    [[nodiscard]] bool connected() const { return status().state == link_state::connected; }
    [[nodiscard]] bool in_backoff() const { return status().state == link_state::backoff; }
    /// An attempt failed with that error.
    [[nodiscard]] bool failed_with(errc code) const
    {
        return std::ranges::any_of(errors, [&](const error& each) { return each == code; });
    }

    std::vector<link_transition> transitions;
    std::vector<error> errors;
    std::function<void()> on_connected;
    stream connection;
    std::optional<link> handle;
};

/// A link and a listener, and the two ends of the connection between them.
struct connected_pair {
    explicit connected_pair(world& in, link_options client_options = {},
                            listener_options server_options = {})
        : server(*in.server_loop, "tcp://*:5000", std::move(server_options)),
          client(*in.client_loop, "tcp://server:5000", std::move(client_options))
    {
        REQUIRE(in.until([&] { return client.connected() && !server.streams.empty(); }));
    }

    stream& at_server() { return server.streams.back(); }
    stream& at_client() { return client.connection; }

    test_listener server;
    test_link client;
};

/// The options of a link that reconnects after a few milliseconds.
[[nodiscard]] inline link_options with_short_delays()
{
    link_options options;
    options.reconnect = short_delays();
    return options;
}

} // namespace slk::testing

#endif
