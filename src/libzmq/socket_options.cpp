// SPDX-License-Identifier: MPL-2.0
#include "libzmq/socket_options.hpp"

#include "base/try_allocate.hpp"

#include <algorithm>
#include <chrono>

namespace slk::libzmq {

namespace {

// Of socket_options::peer_timeout.
constexpr int min_peer_timeout = 3;
constexpr duration max_peer_timeout = std::chrono::hours(24 * 30);
/// Programs that were written for libzmq connect from one address as often as they like.
constexpr std::uint32_t max_handshakes = 4096;
// Of keep_alive_options.
constexpr int max_probes = 127;
constexpr int max_seconds = 32'767;

std::chrono::milliseconds ms(int value) noexcept
{
    return std::chrono::milliseconds(value);
}

std::optional<int> unless_default(int value) noexcept
{
    return value < 0 ? std::nullopt : std::optional(std::max(value, 1));
}

bool has_topics(socket_type type) noexcept
{
    return type == socket_type::sub || type == socket_type::xsub;
}

bool try_copy(std::vector<socket_property>& to, const std::vector<socket_property>& from) noexcept
{
    if (!try_resize(to, from.size()))
        return false;
    for (std::size_t index = 0; index < from.size(); ++index)
        if (!try_assign(to[index].name, from[index].name) ||
            !try_assign(to[index].value, from[index].value))
            return false;
    return true;
}

/// The time of the first try, which doubles up to the other one if that is longer. A part of it is
/// random.
reconnect_options to_reconnect(const option_values& from) noexcept
{
    reconnect_options made;
    made.connect_timeout = ms(from.get<ZMQ_CONNECT_TIMEOUT>());
    if ((from.get<draft::reconnect_stop>() & 1) != 0)
        made.policy = retry_policy::stop_on_refused();
    const int first = from.get<ZMQ_RECONNECT_IVL>(), max = from.get<ZMQ_RECONNECT_IVL_MAX>();
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

std::optional<keep_alive_options> to_keep_alive(const option_values& from) noexcept
{
    const int wanted = from.get<ZMQ_TCP_KEEPALIVE>();
    if (wanted < 0)
        return std::nullopt;
    keep_alive_options made;
    made.enabled = wanted == 1;
    const auto seconds = [](int value) {
        return std::chrono::seconds(std::clamp(value, 0, max_seconds));
    };
    // What is not set is as the system has it.
    made.count = std::clamp(from.get<ZMQ_TCP_KEEPALIVE_CNT>(), 0, max_probes);
    made.idle = seconds(from.get<ZMQ_TCP_KEEPALIVE_IDLE>());
    made.interval = seconds(from.get<ZMQ_TCP_KEEPALIVE_INTVL>());
    return made;
}

/// Errors: out_of_memory.
result<tuning_options> to_tuning(const option_values& from)
{
    tuning_options made;
    made.best_effort = true;
    made.send_buffer = unless_default(from.get<ZMQ_SNDBUF>());
    made.receive_buffer = unless_default(from.get<ZMQ_RCVBUF>());
    made.keep_alive = to_keep_alive(from);
    if (const int tos = from.get<ZMQ_TOS>(); tos != 0)
        made.type_of_service = tos & 0xff;
    if (const int longest = from.get<ZMQ_TCP_MAXRT>(); longest > 0)
        made.user_timeout = ms(longest);
    if (!try_assign(made.device, from.device))
        return slk::fail(errc::out_of_memory, phase::setup);
    return made;
}

void set_heartbeats(socket_options& made, const option_values& from) noexcept
{
    made.peer_timeout = duration::zero();
    const int interval = from.get<ZMQ_HEARTBEAT_IVL>();
    if (interval <= 0)
        return;
    // Without a time for the answer it is the interval; with 0 none is waited for.
    const int patience = from.get<ZMQ_HEARTBEAT_TIMEOUT>();
    made.heartbeat_interval = ms(interval);
    made.peer_timeout =
        patience == 0
            ? max_peer_timeout
            : std::clamp<duration>(made.heartbeat_interval + ms(patience < 0 ? interval : patience),
                                   ms(min_peer_timeout), max_peer_timeout);
    made.heartbeat_interval = std::min(made.heartbeat_interval, made.peer_timeout - ms(1));
    made.heartbeat_ttl = ms(from.get<ZMQ_HEARTBEAT_TTL>());
}

/// What only some types have.
void set_options_of_type(socket_options& made, const option_values& from, socket_type type) noexcept
{
    const bool is_publisher = type == socket_type::pub || type == socket_type::xpub;
    made.inproc_ends_with_peer = true;
    made.probe_router = from.get<ZMQ_PROBE_ROUTER>() != 0 && type != socket_type::rep;
    made.conflate = from.get<ZMQ_CONFLATE>() != 0 &&
                    (is_publisher || type == socket_type::pull || type == socket_type::push ||
                     type == socket_type::sub || type == socket_type::dealer) &&
                    type != socket_type::xpub;
    made.no_drop = from.get<ZMQ_XPUB_NODROP>() != 0;
    if (type == socket_type::router) {
        made.mandatory = from.get<ZMQ_ROUTER_MANDATORY>() != 0;
        made.handover = from.get<ZMQ_ROUTER_HANDOVER>() != 0;
        made.mute_duplicates = true;
        made.notify_inproc = false;
    }
    if (type == socket_type::xpub) { // a PUB reports nothing
        made.verbose = from.get<ZMQ_XPUB_VERBOSE>() != 0;
        made.verboser = from.get<ZMQ_XPUB_VERBOSER>() != 0;
        made.holds_back_requests = false;
        made.manual = from.get<ZMQ_XPUB_MANUAL>() != 0;
        made.manual_last_value = from.get<draft::xpub_manual_last_value>() != 0;
    }
    made.only_first_subscribe = from.get<draft::only_first_subscribe>() != 0;
    if (is_publisher || type == socket_type::sub) // an XSUB does not filter
        made.invert_matching = from.get<ZMQ_INVERT_MATCHING>() != 0;
    if (type == socket_type::req) {
        made.correlate = from.get<ZMQ_REQ_CORRELATE>() != 0;
        made.relaxed = from.get<ZMQ_REQ_RELAXED>() != 0;
    }
    if (type == socket_type::stream)
        made.stream_notices = from.get<ZMQ_STREAM_NOTIFY>() != 0;
}

/// A client asks nobody, and NULL only if there is a domain, also with ZMQ_ZAP_ENFORCE_DOMAIN.
bool asks_zap_handler(security_mechanism mechanism, const option_values& from) noexcept
{
    return mechanism == security_mechanism::plain_server ||
           mechanism == security_mechanism::curve_server ||
           (mechanism == security_mechanism::null && !from.zap_domain.empty());
}

/// What is ZMTP's. Errors: out_of_memory.
result<void> set_protocol(socket_options& made, const option_values& from)
{
    made.accept_zmtp_2_0 = true;
    made.max_message_parts = 0;
    made.max_message_size = 0;
    made.max_part_size =
        from.max_message_size < 0 ? 0 : static_cast<std::uint64_t>(from.max_message_size);
    made.handshake_timeout = ms(from.get<ZMQ_HANDSHAKE_IVL>());
    if (from.mechanism == ZMQ_CURVE && !from.lacks_keys()) {
        const bool serves = from.get<ZMQ_CURVE_SERVER>() != 0;
        made.security.mechanism =
            serves ? security_mechanism::curve_server : security_mechanism::curve_client;
        made.security.curve.own = from.curve_secret;
        if (!serves)
            made.security.curve.server = from.curve_server;
    }
    if (from.mechanism == ZMQ_PLAIN) {
        const bool serves = from.get<ZMQ_PLAIN_SERVER>() != 0;
        made.security.mechanism =
            serves ? security_mechanism::plain_server : security_mechanism::plain_client;
        if (!serves && (!try_assign(made.security.own.user, from.plain_user) ||
                        !try_assign(made.security.own.password, from.plain_password)))
            return slk::fail(errc::out_of_memory, phase::setup);
    }
    if (asks_zap_handler(made.security.mechanism, from)) {
        made.security.zap =
            from.get<draft::zap_enforce_domain>() != 0 ? zap_use::always : zap_use::when_bound;
        if (!try_assign(made.security.zap_domain, from.zap_domain))
            return slk::fail(errc::out_of_memory, phase::setup);
    }
    if (!try_assign(made.routing_id, from.routing_id) ||
        !libzmq::try_copy(made.properties, from.properties))
        return slk::fail(errc::out_of_memory, phase::setup);
    return {};
}

} // namespace

void option_values::set_defaults(socket_type type, context& in) noexcept
{
    for (std::size_t row = 0; row < int_options.size(); ++row)
        ints[row] = int_options[row].initial;
    in.with_values([&](const context_values& common) {
        if (common.blocky == 0 || has_topics(type))
            at<ZMQ_LINGER>() = 0;
        at<ZMQ_IPV6>() = common.ipv6;
    });
}

bool option_values::try_copy(const option_values& from) noexcept
{
    ints = from.ints;
    affinity = from.affinity;
    max_message_size = from.max_message_size;
    mechanism = from.mechanism;
    curve_public = from.curve_public;
    curve_secret = from.curve_secret;
    curve_server = from.curve_server;
    return try_assign(routing_id, from.routing_id) &&
           try_assign(welcome_message, from.welcome_message) &&
           try_assign(plain_user, from.plain_user) &&
           try_assign(plain_password, from.plain_password) &&
           try_assign(zap_domain, from.zap_domain) && try_assign(socks_proxy, from.socks_proxy) &&
           try_assign(socks_user, from.socks_user) &&
           try_assign(socks_password, from.socks_password) && try_assign(device, from.device) &&
           try_allocate([&] { accepts = from.accepts; }) &&
           libzmq::try_copy(properties, from.properties);
}

result<socket_options> to_socket_options(const option_values& from, socket_type type, context& in)
{
    socket_options made;
    made.send_high_water_mark = static_cast<std::uint32_t>(from.get<ZMQ_SNDHWM>());
    made.receive_high_water_mark = static_cast<std::uint32_t>(from.get<ZMQ_RCVHWM>());
    made.linger = duration::zero(); // sockets are closed by hand
    made.requeue = false;
    made.bursts_end_at_mark = true;
    made.interruptible = true;
    made.tells_origin = true;
    made.tells_retries = false;
    made.event_handle_shows_news = true;
    made.checks_types_by_inproc = false;
    made.max_peers = 0;
    made.max_pending_handshakes = max_handshakes;
    made.max_pending_handshakes_per_address = 0;
    made.immediate = from.get<ZMQ_IMMEDIATE>() != 0;
    made.backlog = std::max(from.get<ZMQ_BACKLOG>(), 1);
    made.dual_stack = from.get<ZMQ_IPV6>() != 0;
    made.reconnect = to_reconnect(from);
    SLK_TRY(made.tuning, to_tuning(from));
    made.patterns_subscribe_all = has_topics(type);
    set_options_of_type(made, from, type);
    if (type == socket_type::stream) {
        made.peer_timeout = duration::zero();
    } else {
        set_heartbeats(made, from);
        SLK_TRY(set_protocol(made, from));
    }
    // Threads that do not exist carry nothing.
    const int threads = in.with_values(
        [](const context_values& common) { return std::clamp(common.io_threads, 1, max_threads); });
    made.affinity =
        threads == max_threads ? from.affinity : from.affinity & ((1ULL << threads) - 1);
    made.listening_descriptor = from.get<ZMQ_USE_FD>();
    if (!try_assign(made.welcome_message, from.welcome_message) ||
        !try_allocate([&] { made.accepts = from.accepts; }))
        return slk::fail(errc::out_of_memory, phase::setup);
    return made;
}

} // namespace slk::libzmq
