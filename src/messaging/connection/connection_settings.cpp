// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/connection_settings.hpp"

#include "base/call_user.hpp"
#include "base/try_allocate.hpp"
#include "base/wipe.hpp"
#include "messaging/pipe/frame_writer.hpp"

#include <algorithm>

namespace slk::messaging {

bool try_copy(socket_options& to, const socket_options& from) noexcept
{
    // With as many elements as the other list, an assignment makes no elements, and each text
    // belongs to `to` at once.
    return try_resize(to.properties, from.properties.size()) &&
           try_resize(to.security.accepted, from.security.accepted.size()) &&
           try_resize(to.security.curve.accepted, from.security.curve.accepted.size()) &&
           try_allocate([&] { to = from; });
}

void move_options(socket_options& to, socket_options& from) noexcept
{
    // Credentials have no move: without the texts a copy needs no memory.
    plain_credentials& own = from.security.own;
    std::string user = std::move(own.user), password = std::move(own.password);
    wipe(own.password);
    to = std::move(from);
    to.security.own.user = std::move(user);
    to.security.own.password = std::move(password);
    wipe(password);
}

result<std::shared_ptr<const connection_settings>>
connection_settings::create(zmtp::socket_type type, const socket_options& options,
                            reference<pattern::topic_book> topics)
{
    SLK_TRY(options.validate());
    socket_options own;
    std::vector<zmtp::property> properties, properties_to_bound;
    const std::size_t count = options.properties.size();
    if (!try_copy(own, options) || !try_reserve(properties, count) ||
        !try_reserve(properties_to_bound, count + 1))
        return fail(errc::out_of_memory, phase::setup);
    zmtp::curve_settings curve;
    std::unique_ptr<zmtp::curve_cookies> cookies;
    if (const curve_secret_key& key = options.security.curve.own; key.is_set()) {
        SLK_TRY(const curve_public_key half, key.public_key());
        curve.own_public = half.bytes();
        curve.server = options.security.curve.server.bytes();
        curve.entropy = &zmtp::crypto::system_entropy();
        if (options.security.mechanism == security_mechanism::curve_server) {
            cookies = zmtp::curve_cookies::create(*curve.entropy);
            if (cookies == nullptr)
                return fail(errc::out_of_memory, phase::setup);
        }
    }
    auto made = try_make_shared<const connection_settings>(
        type, std::move(own), std::move(properties), std::move(properties_to_bound),
        std::move(topics), curve, std::move(cookies));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(zmtp::check(made->protocol(pipe_origin::accept)));
    return made;
}

namespace {

/// The time that it takes does not tell where the two differ.
bool equal_secrets(std::string_view one, std::string_view other) noexcept
{
    if (one.size() != other.size())
        return false;
    unsigned difference = 0;
    for (std::size_t index = 0; index < one.size(); ++index)
        difference |= static_cast<unsigned char>(one[index]) ^
                      static_cast<unsigned>(static_cast<unsigned char>(other[index]));
    return difference == 0;
}

zmtp::mechanism mechanism_of(security_mechanism which) noexcept
{
    switch (which) {
    case security_mechanism::null: return zmtp::mechanism::null;
    case security_mechanism::plain_client:
    case security_mechanism::plain_server: return zmtp::mechanism::plain;
    case security_mechanism::curve_client:
    case security_mechanism::curve_server: return zmtp::mechanism::curve;
    }
    return zmtp::mechanism::null;
}

} // namespace

connection_settings::connection_settings(zmtp::socket_type type, socket_options&& options,
                                         std::vector<zmtp::property> properties,
                                         std::vector<zmtp::property> properties_to_bound,
                                         reference<pattern::topic_book> topics,
                                         const zmtp::curve_settings& curve,
                                         std::unique_ptr<zmtp::curve_cookies> cookies) noexcept
    : topics_(std::move(topics)), properties_(std::move(properties)),
      properties_to_bound_(std::move(properties_to_bound)), cookies_(std::move(cookies)),
      curve_(curve)
{
    move_options(options_, options);
    curve_.own_secret = options_.security.curve.own.bytes();
    curve_.cookies = cookies_.get();
    // A message that is replaced by a newer one needs no room.
    if (options_.conflate) {
        options_.send_high_water_mark = options_.receive_high_water_mark = 0;
        options_.send_high_water_bytes = options_.receive_high_water_bytes = 0;
    }
    for (const socket_property& each : options_.properties) {
        properties_.push_back({each.name, each.value});
        properties_to_bound_.push_back(properties_.back());
    }
    if (options_.tells_retries)
        properties_to_bound_.push_back({retries_name, {}});
    const security_options& security = options_.security;
    protocol_.security = mechanism_of(security.mechanism);
    protocol_.as_server = security.mechanism == security_mechanism::plain_server ||
                          security.mechanism == security_mechanism::curve_server;
    if (is_sealed())
        protocol_.curve = &curve_;
    protocol_.ask_with_null = !security.zap_domain.empty();
    protocol_.own_credentials = {security.own.user, security.own.password};
    protocol_.metadata = {type, options_.routing_id, properties_};
    protocol_.accept_2_0 = options_.accept_zmtp_2_0;
    const auto size_limit = [](std::uint64_t size) { return size > 0 ? size : zmtp::max_size; };
    protocol_.limits.part = size_limit(options_.max_part_size);
    protocol_.limits.message = size_limit(options_.max_message_size);
    protocol_.limits.parts =
        options_.max_message_parts > 0 ? options_.max_message_parts : UINT64_MAX;
    protocol_.max_handshake_size = options_.max_handshake_size;
    protocol_.max_metadata_size = options_.max_metadata_size;
    protocol_.large_body = large_body;
    protocol_.raw = type == zmtp::socket_type::stream;
    protocol_.handshake_timeout = options_.handshake_timeout;
    // A PING follows after a third of the time; its answer has the other two thirds.
    protocol_.heartbeat_interval = options_.heartbeat_interval > duration::zero()
                                       ? options_.heartbeat_interval
                                       : options_.peer_timeout / 3;
    protocol_.heartbeat_timeout = options_.peer_timeout - protocol_.heartbeat_interval;
    protocol_.heartbeat_ttl =
        std::min(options_.heartbeat_ttl.value_or(options_.peer_timeout), zmtp::max_ttl);

    // A peer that may be rejected must not send before that is decided. Only one of the two sides
    // can wait for the other: it is the one that has accepted.
    const bool rejects = type == zmtp::socket_type::router || type == zmtp::socket_type::pair;
    // The default limit is far away, and is not worth a longer handshake of every peer.
    const bool has_limits =
        options_.max_peers_per_address != 0 ||
        (options_.max_peers != 0 && options_.max_peers != socket_options{}.max_peers);
    if (protocol_.raw) {
        protocol_.limits = {};
        protocol_.heartbeat_interval = protocol_.heartbeat_ttl = duration::zero();
    }
    protocol_of_accepted_ = protocol_;
    protocol_of_accepted_.ask_about_peer = true;
    protocol_of_accepted_.ask_before_keys =
        options_.max_curve_handshakes_per_second != 0 ||
        options_.max_curve_handshakes_per_second_per_address != 0;
    protocol_of_accepted_.ready_last = !protocol_.raw && (rejects || has_limits);
    protocol_where_crowded_ = protocol_of_accepted_;
    protocol_where_crowded_.ready_last = !protocol_.raw;
    protocol_.metadata.application = properties_to_bound_;
    protocol_of_links_ = protocol_;
    protocol_of_links_.ask_about_peer = true;
}

bool connection_settings::retries(const zmtp::peer_metadata& peer) noexcept
{
    zmtp::metadata_reader properties(peer.properties);
    for (auto next = properties.next(); next && *next; next = properties.next())
        if ((*next)->name == retries_name)
            return true;
    return false;
}

std::optional<authentication_answer>
connection_settings::authenticate(const zmtp::credentials& peer, const address& from,
                                  authentication& asked) const noexcept
{
    const security_options& security = options_.security;
    if (security.authenticator) {
        const authentication_request request{.domain = security.zap_domain,
                                             .mechanism = security.mechanism,
                                             .peer = from,
                                             .user = peer.user,
                                             .password = peer.password,
                                             .public_key = peer.public_key,
                                             .asked = &asked};
        auto answer = call_user("security_options::authenticator",
                                [&] { return security.authenticator(request); });
        if (answer || asked.deferred())
            return answer;
        return authentication_answer::failed;
    }
    if (security.mechanism == security_mechanism::curve_server) {
        // Public keys are no secrets: they need no comparison in constant time.
        const auto& accepted = security.curve.accepted;
        const bool known =
            accepted.empty() || std::ranges::any_of(accepted, [&](const curve_public_key& each) {
                return std::ranges::equal(each.bytes(), peer.public_key);
            });
        return known ? authentication_answer::accepted : authentication_answer::refused;
    }
    const bool known = std::ranges::any_of(security.accepted, [&](const plain_credentials& each) {
        return each.user == peer.user && equal_secrets(each.password, peer.password);
    });
    return known ? authentication_answer::accepted : authentication_answer::refused;
}

} // namespace slk::messaging
