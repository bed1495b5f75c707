// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_CAPI_OPTIONS_HPP
#define SLK_CAPI_OPTIONS_HPP

/// The options of the C API: one table of those that are an int, with their numbers, defaults,
/// ranges and sockets; and what they are in the C++ API.

#include <serverlink/context.hpp>
#include <serverlink/frame_socket.hpp>
#include <serverlink/socket_options.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace slk::capi {

/// Options of libzmq that the header has no names for.
namespace unnamed {
inline constexpr int affinity = 4;
inline constexpr int more = 13;
inline constexpr int handle = 14;
inline constexpr int events = 15;
inline constexpr int type = 16;
inline constexpr int max_message_size = 22;
inline constexpr int immediate = 39;
inline constexpr int ipv6 = 42;
inline constexpr int probe_router = 51;
inline constexpr int tos = 57;
inline constexpr int handshake_ivl = 66;
inline constexpr int blocky = 70; ///< of a context
} // namespace unnamed

/// The options that are an int.
enum class int_option : std::uint8_t {
    router_mandatory,
    router_handover,
    router_notify,
    probe_router,
    linger,
    reconnect_ivl,
    reconnect_ivl_max,
    backlog,
    sndbuf,
    rcvbuf,
    sndhwm,
    rcvhwm,
    rcvtimeo,
    sndtimeo,
    tcp_keepalive,
    tcp_keepalive_cnt,
    tcp_keepalive_idle,
    tcp_keepalive_intvl,
    heartbeat_ivl,
    heartbeat_ttl,
    heartbeat_timeout,
    xpub_verbose,
    xpub_verboser,
    xpub_nodrop,
    xpub_manual,
    xpub_manual_last_value,
    only_first_subscribe,
    xsub_verbose_unsubscribe,
    invert_matching,
    immediate,
    ipv6,
    tos,
    handshake_ivl,
};
inline constexpr std::size_t int_option_count = 33;

/// What a program has set, as it has set it.
struct socket_values {
    std::array<int, int_option_count> ints{};
    std::uint64_t affinity = 0;
    std::int64_t max_message_size = -1;
    std::string routing_id;
    std::string welcome_message;

    [[nodiscard]] int operator[](int_option which) const noexcept
    {
        return ints[static_cast<std::size_t>(which)];
    }
    [[nodiscard]] int& operator[](int_option which) noexcept
    {
        return ints[static_cast<std::size_t>(which)];
    }
};

/// Returns false when memory is exhausted.
[[nodiscard]] bool try_copy(socket_values& to, const socket_values& from) noexcept;

/// A row of the table.
struct int_option_row {
    int number;
    int_option which;
    int initial;
    int min;
    int max;
    std::uint16_t types; ///< bit n: the type with the number n
    bool is_flag = false; ///< what is not 0 is 1
    bool set_only = false;
};

/// Null: the option is none of them, or not for that type.
[[nodiscard]] const int_option_row* find_int_option(int number, socket_type of) noexcept;

struct context_values {
    int io_threads = 1;
    int max_sockets = 1023;
    int max_message_size = INT32_MAX;
    int ipv6 = 0;
    int blocky = 1;
    int sched_policy = -1;
    int priority = -1;
    std::vector<int> processors;
    std::string name_prefix;
};

/// The defaults of a new socket.
void set_defaults(socket_values& of, socket_type type, const context_values& in) noexcept;

/// Errors: out_of_memory.
[[nodiscard]] result<socket_options> to_socket_options(const socket_values& from, socket_type type,
                                                       const context_values& in);
/// Errors: out_of_memory.
[[nodiscard]] result<context_options> to_context_options(const context_values& from);

} // namespace slk::capi

#endif
