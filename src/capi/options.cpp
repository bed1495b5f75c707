// SPDX-License-Identifier: MPL-2.0
#include "capi/options.hpp"

#include <serverlink/serverlink.h>

#include "base/try_allocate.hpp"

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdlib>

namespace slk::capi {

namespace {

constexpr std::uint16_t bit(socket_type type) noexcept
{
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(type));
}

constexpr std::uint16_t all = 0x7ff;
constexpr std::uint16_t routers = bit(socket_type::router);
constexpr std::uint16_t probers = routers | bit(socket_type::dealer) | bit(socket_type::req);
constexpr std::uint16_t xpubs = bit(socket_type::xpub);
constexpr std::uint16_t publishers = xpubs | bit(socket_type::pub);
constexpr std::uint16_t xsubs = bit(socket_type::xsub);
constexpr std::uint16_t subscribers = xsubs | bit(socket_type::sub);

constexpr int max_ttl = 6'553'500;
// Of socket_options::peer_timeout.
constexpr int min_peer_timeout = 3;
constexpr duration max_peer_timeout = std::chrono::hours(24 * 30);

using enum int_option;
constexpr std::array<int_option_row, int_option_count> table{{
    {SLK_ROUTER_MANDATORY, router_mandatory, 0, 0, INT_MAX, routers, true},
    {SLK_ROUTER_HANDOVER, router_handover, 0, 0, INT_MAX, routers, true},
    {SLK_ROUTER_NOTIFY, router_notify, 0, 0, 3, routers},
    {unnamed::probe_router, probe_router, 0, 0, INT_MAX, probers, true},
    {SLK_LINGER, linger, -1, -1, INT_MAX, all},
    {SLK_RECONNECT_IVL, reconnect_ivl, 100, -1, INT_MAX, all},
    {SLK_RECONNECT_IVL_MAX, reconnect_ivl_max, 0, 0, INT_MAX, all},
    {SLK_BACKLOG, backlog, 100, 0, INT_MAX, all},
    {SLK_SNDBUF, sndbuf, -1, -1, INT_MAX, all},
    {SLK_RCVBUF, rcvbuf, -1, -1, INT_MAX, all},
    {SLK_SNDHWM, sndhwm, 1000, 0, INT_MAX, all},
    {SLK_RCVHWM, rcvhwm, 1000, 0, INT_MAX, all},
    {SLK_RCVTIMEO, rcvtimeo, -1, -1, INT_MAX, all},
    {SLK_SNDTIMEO, sndtimeo, -1, -1, INT_MAX, all},
    {SLK_TCP_KEEPALIVE, tcp_keepalive, -1, -1, 1, all},
    {SLK_TCP_KEEPALIVE_CNT, tcp_keepalive_cnt, -1, -1, INT_MAX, all},
    {SLK_TCP_KEEPALIVE_IDLE, tcp_keepalive_idle, -1, -1, INT_MAX, all},
    {SLK_TCP_KEEPALIVE_INTVL, tcp_keepalive_intvl, -1, -1, INT_MAX, all},
    {SLK_HEARTBEAT_IVL, heartbeat_ivl, 0, 0, INT_MAX, all},
    {SLK_HEARTBEAT_TTL, heartbeat_ttl, 0, 0, max_ttl, all},
    {SLK_HEARTBEAT_TIMEOUT, heartbeat_timeout, -1, 0, INT_MAX, all},
    {SLK_XPUB_VERBOSE, xpub_verbose, 0, 0, INT_MAX, publishers, true, true},
    {SLK_XPUB_VERBOSER, xpub_verboser, 0, 0, INT_MAX, publishers, true, true},
    {SLK_XPUB_NODROP, xpub_nodrop, 0, 0, INT_MAX, publishers, true},
    {SLK_XPUB_MANUAL, xpub_manual, 0, 0, INT_MAX, xpubs, true, true},
    {SLK_XPUB_MANUAL_LAST_VALUE, xpub_manual_last_value, 0, 0, INT_MAX, xpubs, true, true},
    {SLK_ONLY_FIRST_SUBSCRIBE, only_first_subscribe, 0, 0, INT_MAX, xpubs | xsubs, true, true},
    {SLK_XSUB_VERBOSE_UNSUBSCRIBE, xsub_verbose_unsubscribe, 0, 0, INT_MAX, xsubs, true, true},
    {SLK_INVERT_MATCHING, invert_matching, 0, 0, 1, publishers | subscribers},
    {unnamed::immediate, immediate, 0, 0, 1, all},
    {unnamed::ipv6, ipv6, 0, 0, 1, all},
    {unnamed::tos, tos, 0, 0, 255, all},
    {unnamed::handshake_ivl, handshake_ivl, 30'000, 0, INT_MAX, all},
}};

constexpr bool is_in_order() noexcept
{
    for (std::size_t index = 0; index < table.size(); ++index)
        if (static_cast<std::size_t>(table[index].which) != index)
            return false;
    return true;
}
static_assert(is_in_order());

std::chrono::milliseconds ms(int value) noexcept
{
    return std::chrono::milliseconds(value);
}

std::optional<int> unless_default(int value) noexcept
{
    return value < 0 ? std::nullopt : std::optional(std::max(value, 1));
}

/// The time of the first try, which doubles up to the other one if that is longer. A part of it is
/// random.
reconnect_options to_reconnect(const socket_values& from) noexcept
{
    reconnect_options made;
    const int first = from[reconnect_ivl], max = from[reconnect_ivl_max];
    if (first <= 0) {
        made.base = first < 0 ? reconnect_never : duration::zero();
        return made;
    }
    made.floor = ms(first);
    made.base = made.cap = ms(1);
    if (max > first) {
        made.base = std::min(ms(first), ms(max - first));
        made.cap = ms(max - first);
    }
    return made;
}

/// Programs that were written for libzmq connect from one address as often as they like.
constexpr std::uint32_t max_handshakes = 4096;

constexpr int max_probes = 127;
constexpr int max_seconds = 32'767;

std::optional<keep_alive_options> to_keep_alive(const socket_values& from) noexcept
{
    if (from[tcp_keepalive] < 0)
        return std::nullopt;
    keep_alive_options made;
    made.enabled = from[tcp_keepalive] == 1;
    // What is not set is as the system has it.
    made.count = std::clamp(from[tcp_keepalive_cnt], 0, max_probes);
    made.idle = std::chrono::seconds(std::clamp(from[tcp_keepalive_idle], 0, max_seconds));
    made.interval = std::chrono::seconds(std::clamp(from[tcp_keepalive_intvl], 0, max_seconds));
    return made;
}

} // namespace

const int_option_row* find_int_option(int number, socket_type of) noexcept
{
    const auto found = std::ranges::find(table, number, &int_option_row::number);
    return found != table.end() && (found->types & bit(of)) != 0 ? &*found : nullptr;
}

bool try_copy(socket_values& to, const socket_values& from) noexcept
{
    to.ints = from.ints;
    to.affinity = from.affinity;
    to.max_message_size = from.max_message_size;
    return try_assign(to.routing_id, from.routing_id) &&
           try_assign(to.welcome_message, from.welcome_message);
}

void set_defaults(socket_values& of, socket_type type, const context_values& in) noexcept
{
    for (const int_option_row& each : table)
        of[each.which] = each.initial;
    if (in.blocky == 0 || (bit(type) & subscribers) != 0)
        of[linger] = 0;
    of[ipv6] = in.ipv6;
}

result<socket_options> to_socket_options(const socket_values& from, socket_type type,
                                         const context_values& in)
{
    socket_options made;
    made.send_high_water_mark = static_cast<std::uint32_t>(from[sndhwm]);
    made.receive_high_water_mark = static_cast<std::uint32_t>(from[rcvhwm]);
    made.linger = duration::zero(); // sockets are closed by hand
    made.requeue = false;
    made.bursts_end_at_mark = true;
    made.patterns_subscribe_all = type == socket_type::sub || type == socket_type::xsub;
    made.adds_no_limit_by_inproc = true;
    made.interruptible = true;
    made.accept_zmtp_2_0 = true;
    made.max_peers = 0;
    made.max_pending_handshakes = max_handshakes;
    made.max_pending_handshakes_per_address = 0;
    made.max_message_parts = 0;
    made.max_message_size = 0;
    made.max_part_size =
        from.max_message_size < 0 ? 0 : static_cast<std::uint64_t>(from.max_message_size);
    made.immediate = from[immediate] != 0;
    made.handshake_timeout = ms(from[handshake_ivl]);
    made.backlog = std::max(from[backlog], 1);
    made.dual_stack = from[ipv6] != 0;
    made.reconnect = to_reconnect(from);
    made.tuning.best_effort = true;
    made.tuning.send_buffer = unless_default(from[sndbuf]);
    made.tuning.receive_buffer = unless_default(from[rcvbuf]);
    made.tuning.keep_alive = to_keep_alive(from);
    if (from[tos] != 0)
        made.tuning.type_of_service = from[tos];
    made.peer_timeout = duration::zero();
    if (from[heartbeat_ivl] > 0) {
        // Without a time for the answer it is the interval; with 0 none is waited for.
        const int patience = from[heartbeat_timeout];
        made.heartbeat_interval = ms(from[heartbeat_ivl]);
        made.peer_timeout =
            patience == 0
                ? max_peer_timeout
                : std::clamp<duration>(made.heartbeat_interval +
                                           ms(patience < 0 ? from[heartbeat_ivl] : patience),
                                       ms(min_peer_timeout), max_peer_timeout);
        made.heartbeat_interval = std::min(made.heartbeat_interval, made.peer_timeout - ms(1));
        made.heartbeat_ttl = ms(from[heartbeat_ttl]);
    }
    made.probe_router = from[probe_router] != 0;
    made.mandatory = type != socket_type::router || from[router_mandatory] != 0;
    made.handover = from[router_handover] != 0;
    made.notify_connect = (from[router_notify] & 1) != 0;
    made.notify_inproc = type != socket_type::router;
    made.notify_disconnect = (from[router_notify] & 2) != 0;
    made.no_drop = from[xpub_nodrop] != 0;
    if (type == socket_type::xpub) { // a PUB reports nothing
        made.verbose = from[xpub_verbose] != 0;
        made.verboser = from[xpub_verboser] != 0;
        made.holds_back_requests = false;
    }
    made.manual = from[xpub_manual] != 0;
    made.manual_last_value = from[xpub_manual_last_value] != 0;
    made.only_first_subscribe = from[only_first_subscribe] != 0;
    made.verbose_unsubscribe = from[xsub_verbose_unsubscribe] != 0;
    if (type != socket_type::xsub) // an XSUB does not filter
        made.invert_matching = from[invert_matching] != 0;
    // Threads that do not exist carry nothing.
    const int threads = std::clamp(in.io_threads, 1, 64);
    made.affinity = threads == 64 ? from.affinity : from.affinity & ((1ULL << threads) - 1);
    if (!try_assign(made.routing_id, from.routing_id) ||
        !try_assign(made.welcome_message, from.welcome_message))
        return fail(errc::out_of_memory, phase::setup);
    return made;
}

result<context_options> to_context_options(const context_values& from)
{
    context_options made;
    // Without threads of its own each thread would have to run the loop; inproc needs none.
    made.threads = std::clamp(from.io_threads, 1, 64);
    made.max_sockets = static_cast<std::size_t>(from.max_sockets);
    made.max_memory = 0;
    made.thread.policy = from.sched_policy;
    made.thread.priority = from.priority;
    if (!try_assign(made.thread.name_prefix, from.name_prefix) ||
        !try_assign(made.thread.cpus, from.processors))
        return fail(errc::out_of_memory, phase::setup);
    if (const char* const backend = std::getenv("SERVERLINK_BACKEND");
        backend != nullptr && !try_assign(made.loop.backend, backend))
        return fail(errc::out_of_memory, phase::setup);
    return made;
}

} // namespace slk::capi
