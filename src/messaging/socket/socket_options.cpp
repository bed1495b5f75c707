// SPDX-License-Identifier: MPL-2.0
#include <serverlink/socket_options.hpp>

#include "base/wipe.hpp"
#include "zmtp/greeting.hpp"
#include "zmtp/metadata.hpp"
#include "zmtp/session_options.hpp"

#include <algorithm>

namespace slk {

namespace {

constexpr duration max_liveness = std::chrono::hours(24 * 30);
constexpr duration min_liveness = std::chrono::milliseconds(3);
constexpr std::size_t max_credential = 255;
constexpr std::size_t max_domain = 255;

unexpected bad(const char* what)
{
    return fail(errc::invalid_argument, phase::setup, what);
}

/// Beside them a handshake has the socket's type, its routing id and a property of the library.
constexpr std::size_t max_own_properties = zmtp::max_properties - 3;
/// Names and values; a handshake has room for little more.
constexpr std::size_t max_property_bytes = 30'000;
/// The lengths of the name and the value of a property.
constexpr std::size_t property_overhead = 1 + 4;
/// The socket's type, the name of the routing id, and the property of the library.
constexpr std::size_t other_metadata = 64;

result<void> check(const curve_options& curve, security_mechanism mechanism)
{
    const bool is_client = mechanism == security_mechanism::curve_client;
    const bool is_server = mechanism == security_mechanism::curve_server;
    const bool has_any = curve.own.is_set() || curve.server.is_set() || !curve.accepted.empty();
    if (!is_client && !is_server)
        return has_any ? bad("security: CURVE keys are for a curve_client or curve_server")
                       : result<void>();
    if (!has_curve())
        return fail(errc::not_supported, phase::setup, "this build is without CURVE");
    if (!curve.own.is_set())
        return bad("security: CURVE needs a secret key of its own");
    if (is_client != curve.server.is_set())
        return bad("security: a curve_client, and no other, has the server's key");
    if (is_client && !curve.accepted.empty())
        return bad("security: curve.accepted is for a curve_server");
    return {};
}

result<void> check(const security_options& security)
{
    SLK_TRY(check(security.curve, security.mechanism));
    const auto too_long = [](const plain_credentials& each) {
        return each.user.size() > max_credential || each.password.size() > max_credential;
    };
    if (too_long(security.own) || std::ranges::any_of(security.accepted, too_long))
        return bad("security: a user or password is longer than 255 bytes");
    if (security.mechanism != security_mechanism::plain_server && !security.accepted.empty())
        return bad("security: accepted is for a plain_server");
    if (security.authenticator && !security.accepted.empty())
        return bad("security: there is accepted, or an authenticator, not both");
    if (security.authenticator && !security.curve.accepted.empty())
        return bad("security: there is curve.accepted, or an authenticator, not both");
    const bool is_client = security.mechanism == security_mechanism::plain_client ||
                           security.mechanism == security_mechanism::curve_client;
    if (is_client && security.authenticator)
        return bad("security: a client does not ask an authenticator");
    if (security.zap_domain.size() > max_domain)
        return bad("security: zap_domain has more than 255 bytes");
    if (security.zap > zap_use::always)
        return bad("security: zap is not one of its values");
    const bool asks_handler = security.zap != zap_use::never;
    if (is_client && asks_handler)
        return bad("security: a client does not ask a ZAP handler");
    if (security.zap == zap_use::always && security.mechanism == security_mechanism::null &&
        security.zap_domain.empty())
        return bad("security: without a mechanism, zap_use::always needs a zap_domain");
    if (asks_handler &&
        (security.authenticator || !security.accepted.empty() || !security.curve.accepted.empty()))
        return bad("security: there is ZAP, or an authenticator, or accepted; not two of them");
    if (!security.authenticator && !asks_handler && !security.zap_domain.empty())
        return bad("security: zap_domain is for an authenticator, or for ZAP");
    return {};
}

/// Peers have the same limit, unless they were told otherwise.
result<void> check_metadata(const socket_options& options)
{
    std::size_t size = other_metadata + options.routing_id.size();
    for (const socket_property& each : options.properties)
        size += property_overhead + each.name.size() + each.value.size();
    if (!options.properties.empty() && size > options.max_metadata_size)
        return bad("properties: they are larger than max_metadata_size");
    return {};
}

result<void> check(const std::vector<socket_property>& properties)
{
    if (properties.size() > max_own_properties)
        return bad("properties: there are more than 253");
    std::size_t bytes = 0;
    for (const socket_property& each : properties)
        bytes += each.name.size() + each.value.size();
    if (bytes > max_property_bytes)
        return bad("properties: they have more than 30,000 bytes");
    for (const socket_property& each : properties)
        if (!each.name.starts_with("X-") || each.name.size() > zmtp::max_property_name)
            return bad("properties: a name begins with X- and has at most 255 bytes");
    return {};
}

} // namespace

plain_credentials::~plain_credentials()
{
    wipe(password);
}

result<void> socket_options::validate() const
{
    if (peer_timeout != duration::zero() &&
        (peer_timeout < min_liveness || peer_timeout > max_liveness))
        return bad("peer_timeout is not 0 or 3 ms to 30 days");
    if (heartbeat_interval < duration::zero() ||
        (heartbeat_interval > duration::zero() && heartbeat_interval >= peer_timeout))
        return bad("heartbeat_interval is not 0 or less than peer_timeout");
    if (heartbeat_ttl.value_or(duration::zero()) < duration::zero())
        return bad("heartbeat_ttl is negative");
    if (stalled_timeout < duration::zero())
        return bad("stalled_timeout is negative");
    if (handshake_timeout < duration::zero())
        return bad("handshake_timeout is negative");
    if (max_pending_handshakes == 0)
        return bad("max_pending_handshakes is 0");
    if (max_message_size > zmtp::max_size)
        return bad("max_message_size is 2^63 or more");
    if (max_part_size > zmtp::max_size)
        return bad("max_part_size is 2^63 or more");
    if (max_handshake_size < zmtp::greeting_size || max_handshake_size > 65536)
        return bad("max_handshake_size is not 64 to 65536");
    if (max_metadata_size < 64 || max_metadata_size > 65536)
        return bad("max_metadata_size is not 64 to 65536");
    if (expires_after < duration::zero())
        return bad("expires_after is negative");
    if (on_reconnect > queue_policy::keep_newest)
        return bad("on_reconnect is not one of its values");
    if (max_chunk_size < 1 || max_chunk_size > 65536)
        return bad("max_chunk_size is not 1 to 65536");
    if (linger < duration::zero())
        return bad("linger is negative");
    if (backlog < 1)
        return bad("backlog is less than 1");
    if (welcome_message.size() > 65536)
        return bad("welcome_message has more than 65536 bytes");
    if (!routing_id.empty())
        if (const auto good = zmtp::check_identity(zmtp::bytes_of(routing_id)); !good)
            return bad("routing_id has more than 255 bytes or begins with a zero");
    SLK_TRY(check(security));
    SLK_TRY(check(properties));
    SLK_TRY(check_metadata(*this));
    SLK_TRY(reconnect.validate());
    SLK_TRY(tuning.validate());
    return {};
}

} // namespace slk
