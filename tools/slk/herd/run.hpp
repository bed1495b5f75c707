// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_HERD_RUN_HPP
#define SLK_TOOL_HERD_RUN_HPP

/// One run of the simulation: many clients, which are links, lose one server, which is a listener,
/// and reconnect to it. Except for the delays of other libraries, this is the code of the library
/// on a simulated network.

#include "herd/policy.hpp"

#include <serverlink/clock.hpp>
#include <serverlink/reconnect.hpp>
#include <serverlink/result.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slk::tool::herd {

enum class scenario : std::uint8_t {
    outage,            ///< the server is gone, and connects are refused
    black_hole,        ///< the server is gone, and its host does not reply
    resume,            ///< the clients sleep through most of the outage, and wake when it ends
    cold_start,        ///< all clients start at once, and the server is there
    flapping,          ///< the server is gone for a second, there for a second, and so on
    accept_then_close, ///< the server closes every connection that it accepts
};

struct scenario_entry {
    scenario kind;
    std::string_view name;
    std::string_view about;
};

[[nodiscard]] std::span<const scenario_entry> scenarios() noexcept;
[[nodiscard]] std::string_view name_of(scenario kind) noexcept;

struct settings {
    scenario kind = scenario::outage;
    std::uint32_t clients = 10'000;
    duration outage = std::chrono::seconds(60);
    /// How long accept_then_close and flapping last.
    std::optional<duration> length;
    std::uint32_t accepts_per_second = 5'000;
    int backlog = 128;
    /// How long to wait for the last client.
    duration limit = std::chrono::minutes(10);
    reconnect_options reconnect{};
    std::uint64_t seed = 1;
};

/// The scenario has an end of the outage, from which times count; else it has a length.
[[nodiscard]] bool has_return(scenario kind) noexcept;
[[nodiscard]] duration length_of(const settings& options) noexcept;

struct client_record {
    std::uint32_t attempts = 0;
    std::uint32_t connections = 0;
    /// From the server's return to the connection.
    std::optional<duration> back_after;
    duration connected{}; ///< the sum of the times
};

/// The course of a run. Times count from the loss of the server, or from the start of the clients.
struct record {
    std::vector<duration>
        attempts_down; ///< attempts that began while there was no server, in order
    std::vector<duration> attempts_up;   ///< attempts that began while there was a server
    std::vector<client_record> clients;
    std::uint64_t wasted = 0; ///< those of attempts_up that failed
    std::uint64_t syn_drops = 0;
    std::uint64_t delays = 0;
    std::uint64_t zero_delays = 0; ///< shorter than 1 ms
    duration returned{};           ///< the end of the outage
    duration ended{};
    std::uint64_t events = 0;
};

/// Called regularly with the time that has been simulated.
using progress = std::function<void(duration simulated)>;

[[nodiscard]] result<record> run(const settings& options, const policy& which,
                                 const progress& report);

} // namespace slk::tool::herd

#endif
