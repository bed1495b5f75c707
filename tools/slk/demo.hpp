// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_DEMO_HPP
#define SLK_TOOL_DEMO_HPP

/// What `slk demo` shows.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/loop.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace slk::tool {

struct demo_settings {
    loop_options loop;
    /// The path of this program, which is started further times.
    std::string program;
    // Of a cluster.
    std::optional<std::string> http;
    duration time = std::chrono::seconds(3); ///< after it has healed
    // Of links.
    int links = 4;
    int returns = 2;
};

/// The most links that run_links_demo() has names for.
inline constexpr int max_demo_links = 16;

// Both return the exit code, and throw std::exception.

/// A proxy, publishers, subscribers, clients and a server; the proxy and the server are killed and
/// return.
[[nodiscard]] int run_cluster_demo(const demo_settings& settings);
/// Links whose listener starts late, is killed and returns.
[[nodiscard]] int run_links_demo(const demo_settings& settings);

/// Finds free ports outside the range from which systems take the ports of outgoing connections.
/// From that range, an attempt without a listener might get this very port and connect to itself.
[[nodiscard]] std::vector<address> free_addresses(loop& on, std::size_t count);

} // namespace slk::tool

#endif
