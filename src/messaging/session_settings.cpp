// SPDX-License-Identifier: MPL-2.0
#include "messaging/session_settings.hpp"

#include "messaging/frame_writer.hpp"

#include <algorithm>

namespace slk::messaging {

result<std::shared_ptr<const session_settings>>
session_settings::create(zmtp::socket_type type, const socket_options& options)
{
    SLK_TRY(options.validate());
    auto made = std::make_shared<const session_settings>(type, options);
    SLK_TRY(zmtp::check(made->protocol()));
    return made;
}

session_settings::session_settings(zmtp::socket_type type, const socket_options& options)
    : options_(options)
{
    for (const socket_property& each : options_.properties)
        properties_.push_back({each.name, each.value});
    const security_options& security = options_.security;
    if (security.mechanism != security_mechanism::null)
        protocol_.security = zmtp::mechanism::plain;
    protocol_.as_server = security.mechanism == security_mechanism::plain_server;
    protocol_.ask_with_null = !security.zap_domain.empty();
    protocol_.own_credentials = {security.own.user, security.own.password};
    protocol_.metadata = {type, options_.routing_id, properties_};
    protocol_.accept_2_0 = options_.accept_zmtp_2_0;
    protocol_.limits.message = std::min<std::uint64_t>(options_.max_message_size, zmtp::max_size);
    protocol_.max_handshake_size = options_.max_handshake_size;
    protocol_.large_body = large_body;
    protocol_.handshake_timeout = options_.handshake_timeout;
    // A third of the time is spent with listening, two thirds with waiting for the answer.
    protocol_.heartbeat_interval = options_.peer_timeout / 3;
    protocol_.heartbeat_timeout = options_.peer_timeout - options_.peer_timeout / 3;
    protocol_.heartbeat_ttl = options_.peer_timeout;
}

int session_settings::authenticate(const zmtp::credentials& who, const address& from) const noexcept
{
    const security_options& security = options_.security;
    if (security.authenticator)
        return static_cast<int>(security.authenticator(
            {security.zap_domain, security.mechanism, from, who.user, who.password}));
    const bool known = std::ranges::any_of(security.accepted, [&](const plain_credentials& each) {
        return each.user == who.user && each.password == who.password;
    });
    return known ? 200 : 400;
}

} // namespace slk::messaging
