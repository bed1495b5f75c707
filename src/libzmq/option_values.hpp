// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LIBZMQ_OPTION_VALUES_HPP
#define SLK_LIBZMQ_OPTION_VALUES_HPP

/// The options of sockets: one table of those that are an int, with their numbers, defaults, ranges
/// and sockets; and what a program has set.

#include <serverlink/curve.hpp>
#include <serverlink/frame_socket.hpp>

#include <libzmq/zmq.h>

#include "base/wipe.hpp"

#include <array>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace slk::libzmq {

class context;

// Drafts that libzmq 4.3.4 has all the same. The header does not name them.
namespace draft {
inline constexpr int zap_enforce_domain = 93;
inline constexpr int loopback_fastpath = 94;
inline constexpr int metadata = 95;
inline constexpr int multicast_loop = 96;
inline constexpr int xpub_manual_last_value = 98;
inline constexpr int socks_username = 99;
inline constexpr int socks_password = 100;
inline constexpr int only_first_subscribe = 108;
inline constexpr int reconnect_stop = 109;
} // namespace draft

namespace option_detail {

consteval std::uint16_t set_of(auto... types)
{
    return static_cast<std::uint16_t>(((1U << static_cast<unsigned>(types)) | ...));
}

inline constexpr std::uint16_t all = 0xfff;
inline constexpr std::uint16_t routers = set_of(ZMQ_ROUTER, ZMQ_REP);
inline constexpr std::uint16_t probers = set_of(ZMQ_REQ, ZMQ_REP, ZMQ_DEALER, ZMQ_ROUTER);
inline constexpr std::uint16_t publishers = set_of(ZMQ_PUB, ZMQ_XPUB);
inline constexpr std::uint16_t xpubs = publishers | set_of(ZMQ_XSUB);
inline constexpr std::uint16_t reqs = set_of(ZMQ_REQ);
inline constexpr std::uint16_t streams = set_of(ZMQ_STREAM);

} // namespace option_detail

/// A row of the table.
struct int_option {
    int number;
    int initial;
    int min;
    int max = INT_MAX;
    std::uint16_t types = option_detail::all; ///< bit n: the type with the number n
    bool is_readable = true;
    bool is_flag = false; ///< what is not 0 is 1
};

inline constexpr auto int_options = [] {
    using namespace option_detail;
    constexpr bool set_only = false;
    constexpr bool flag = true;
    return std::to_array<int_option>({
        {ZMQ_RATE, 100, 1},
        {ZMQ_RECOVERY_IVL, 10'000, 0},
        {ZMQ_SNDBUF, -1, -1},
        {ZMQ_RCVBUF, -1, -1},
        {ZMQ_LINGER, -1, -1},
        {ZMQ_RECONNECT_IVL, 100, -1},
        {ZMQ_BACKLOG, 100, 0},
        {ZMQ_RECONNECT_IVL_MAX, 0, 0},
        {ZMQ_SNDHWM, 1000, 0},
        {ZMQ_RCVHWM, 1000, 0},
        {ZMQ_MULTICAST_HOPS, 1, 1},
        {ZMQ_RCVTIMEO, -1, -1},
        {ZMQ_SNDTIMEO, -1, -1},
        {ZMQ_ROUTER_MANDATORY, 0, 0, INT_MAX, routers, set_only, flag},
        {ZMQ_TCP_KEEPALIVE, -1, -1, 1},
        {ZMQ_TCP_KEEPALIVE_CNT, -1, -1},
        {ZMQ_TCP_KEEPALIVE_IDLE, -1, -1},
        {ZMQ_TCP_KEEPALIVE_INTVL, -1, -1},
        {ZMQ_IMMEDIATE, 0, 0, 1},
        {ZMQ_XPUB_VERBOSE, 0, 0, INT_MAX, publishers, set_only, flag},
        {ZMQ_ROUTER_RAW, 0, 0, INT_MAX, routers, set_only, flag},
        {ZMQ_IPV6, 0, 0, 1},
        {ZMQ_PLAIN_SERVER, 0, 0, 1},
        {ZMQ_CURVE_SERVER, 0, 0, 1},
        {ZMQ_PROBE_ROUTER, 0, 0, INT_MAX, probers, set_only, flag},
        {ZMQ_REQ_CORRELATE, 0, 0, INT_MAX, reqs, set_only, flag},
        {ZMQ_REQ_RELAXED, 0, 0, INT_MAX, reqs, set_only, flag},
        {ZMQ_CONFLATE, 0, 0, 1},
        {ZMQ_ROUTER_HANDOVER, 0, 0, INT_MAX, routers, set_only, flag},
        {ZMQ_TOS, 0, 0},
        {ZMQ_HANDSHAKE_IVL, 30'000, 0},
        {ZMQ_XPUB_NODROP, 0, 0, INT_MAX, publishers, set_only, flag},
        {ZMQ_XPUB_MANUAL, 0, 0, INT_MAX, publishers, set_only, flag},
        {ZMQ_STREAM_NOTIFY, 1, 0, 1, streams, set_only},
        {ZMQ_INVERT_MATCHING, 0, INT_MIN},
        {ZMQ_HEARTBEAT_IVL, 0, 0},
        {ZMQ_HEARTBEAT_TTL, 0, -99, 6'553'599},
        {ZMQ_HEARTBEAT_TIMEOUT, -1, 0},
        {ZMQ_XPUB_VERBOSER, 0, 0, INT_MAX, publishers, set_only, flag},
        {ZMQ_CONNECT_TIMEOUT, 0, 0},
        {ZMQ_TCP_MAXRT, 0, 0},
        {ZMQ_MULTICAST_MAXTPDU, 1500, 1},
        {ZMQ_USE_FD, -1, -1},
        {draft::zap_enforce_domain, 0, 0, 1},
        {draft::loopback_fastpath, 0, 0, 1},
        {draft::multicast_loop, 1, 0, 1},
        {draft::xpub_manual_last_value, 0, 0, INT_MAX, publishers, set_only, flag},
        {draft::only_first_subscribe, 0, 0, INT_MAX, xpubs, set_only, flag},
        {draft::reconnect_stop, 0, 0},
    });
}();

inline constexpr std::size_t no_option = int_options.size();
/// The row of an option; no_option: it is not in the table.
[[nodiscard]] constexpr std::size_t row_of(int number) noexcept
{
    for (std::size_t row = 0; row < int_options.size(); ++row)
        if (int_options[row].number == number)
            return row;
    return no_option;
}

/// What a program has set, as it has set it.
struct option_values {
    option_values() = default;
    option_values(option_values&&) = default;
    option_values& operator=(option_values&&) = default;
    ~option_values() { wipe_secrets(); }

    std::array<int, int_options.size()> ints{};
    std::uint64_t affinity = 0;
    std::int64_t max_message_size = -1;
    int mechanism = ZMQ_NULL;
    std::string routing_id{};
    std::string welcome_message{};
    std::string plain_user{};
    std::string plain_password{};
    std::string zap_domain{};
    std::string socks_proxy{};
    std::string socks_user{};
    std::string socks_password{};
    std::string device{};
    curve_public_key curve_public{}; ///< what the program calls its own; its secret key decides
    curve_secret_key curve_secret{};
    curve_public_key curve_server{}; ///< the server's
    peer_filter accepts{};
    std::vector<socket_property> properties{}; ///< those of ZMQ_METADATA

    template <int Number>
    [[nodiscard]] int get() const noexcept
    {
        static_assert(row_of(Number) != no_option);
        return ints[row_of(Number)];
    }
    template <int Number>
    [[nodiscard]] int& at() noexcept
    {
        static_assert(row_of(Number) != no_option);
        return ints[row_of(Number)];
    }

    /// Passwords do not stay in memory that is given back.
    void wipe_secrets() noexcept
    {
        wipe(plain_password);
        wipe(socks_password);
    }

    /// The mechanism is CURVE, and a key that this side needs is not set.
    [[nodiscard]] bool lacks_keys() const noexcept
    {
        return mechanism == ZMQ_CURVE &&
               (!curve_secret.is_set() || (get<ZMQ_CURVE_SERVER>() == 0 && !curve_server.is_set()));
    }

    /// Those of a new socket.
    void set_defaults(socket_type type, context& in) noexcept;
    /// Returns false when memory is exhausted.
    [[nodiscard]] bool try_copy(const option_values& from) noexcept;
};

} // namespace slk::libzmq

#endif
