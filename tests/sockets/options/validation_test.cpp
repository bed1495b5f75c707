// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

bool refuses(const socket_options& options)
{
    auto in = new_context(0);
    return code_of(pair::create(in, options)) == errc::invalid_argument;
}

template <class Change>
bool refuses(Change change)
{
    socket_options options;
    change(options);
    return refuses(options);
}

} // namespace

TEST_CASE("options out of range are refused")
{
    CHECK(refuses([](auto& o) { o.peer_timeout = 1ms; }));
    CHECK(refuses([](auto& o) { o.peer_timeout = std::chrono::hours(24 * 31); }));
    CHECK(refuses([](auto& o) { o.handshake_timeout = -1s; }));
    CHECK(refuses([](auto& o) { o.max_pending_handshakes = 0; }));
    CHECK(refuses([](auto& o) { o.max_message_size = UINT64_MAX; }));
    CHECK(refuses([](auto& o) { o.max_part_size = UINT64_MAX; }));
    CHECK(refuses([](auto& o) { o.max_handshake_size = 10; }));
    CHECK(refuses([](auto& o) { o.max_handshake_size = 65537; }));
    CHECK(refuses([](auto& o) { o.max_metadata_size = 63; }));
    CHECK(refuses([](auto& o) { o.max_metadata_size = 65537; }));
    CHECK(refuses([](auto& o) { o.linger = -1s; }));
    CHECK(refuses([](auto& o) { o.expires_after = -1ms; }));
    CHECK(refuses([](auto& o) { o.on_reconnect = static_cast<queue_policy>(3); }));
    CHECK(refuses([](auto& o) { o.backlog = 0; }));
    CHECK(refuses([](auto& o) { o.routing_id = std::string("\0x", 2); }));
    CHECK(refuses([](auto& o) { o.routing_id = std::string(256, 'x'); }));
    CHECK(refuses([](auto& o) { o.properties = {{"no x", "value"}}; }));
    CHECK(refuses([](auto& o) { o.properties.assign(254, {"X-Name", "value"}); }));
    CHECK_FALSE(refuses([](auto& o) { o.properties.assign(253, {"X-Name", "value"}); }));
    const auto two_of_size = [](std::size_t first) {
        return [first](auto& o) {
            o.max_metadata_size = 65536;
            o.properties = {{"X-A", std::string(first, 'x')}, {"X-B", std::string(14'997, 'x')}};
        };
    };
    CHECK(refuses(two_of_size(14'998)));
    CHECK_FALSE(refuses(two_of_size(14'997)));
    const auto larger_than_peers_take = [](auto& o) {
        o.properties = {{"X-A", std::string(8'192 - 64 - 5 - 3 + 1, 'x')}};
    };
    CHECK(refuses(larger_than_peers_take));
    CHECK(refuses([](auto& o) { o.security.own.user = std::string(256, 'x'); }));
    CHECK(refuses([](auto& o) { o.security.accepted = {{"user", "password"}}; }));
    const auto accept_all = [](const authentication_request&) {
        return authentication_answer::accepted;
    };
    CHECK(refuses([](auto& o) { o.security.zap_domain = "no authenticator"; }));
    CHECK(refuses([&](auto& o) {
        o.security.authenticator = accept_all;
        o.security.zap = zap_use::when_bound;
    }));
    CHECK(refuses([](auto& o) {
        o.security.mechanism = security_mechanism::plain_server;
        o.security.accepted = {{"ann", "secret"}};
        o.security.zap = zap_use::always;
    }));
    CHECK(refuses([](auto& o) { o.security.zap = static_cast<zap_use>(3); }));
    CHECK(refuses([](auto& o) { o.security.zap = zap_use::always; })); // it would ask nobody
    CHECK_FALSE(refuses([](auto& o) {
        o.security.zap = zap_use::always;
        o.security.zap_domain = "global";
    }));
    CHECK_FALSE(refuses([](auto& o) { o.security.zap = zap_use::when_bound; }));
    for (const zap_use use : {zap_use::when_bound, zap_use::always}) {
        CHECK(refuses([use](auto& o) {
            o.security.mechanism = security_mechanism::plain_client;
            o.security.zap = use;
            o.security.zap_domain = "global";
        }));
        CHECK_FALSE(refuses([use](auto& o) {
            o.security.mechanism = security_mechanism::plain_server;
            o.security.zap = use;
        }));
    }
    CHECK(refuses([&](auto& o) {
        o.security.authenticator = accept_all;
        o.security.zap_domain = std::string(256, 'x');
    }));
    CHECK(refuses([&](auto& o) {
        o.security.authenticator = accept_all;
        o.security.mechanism = security_mechanism::plain_client;
    }));
    CHECK(refuses([&](auto& o) {
        o.security.authenticator = accept_all;
        o.security.mechanism = security_mechanism::plain_server;
        o.security.accepted = {{"user", "password"}};
    }));
    CHECK(refuses([](auto& o) { o.reconnect.base = -7s; }));
    CHECK(refuses([](auto& o) { o.tuning.type_of_service = 300; }));
    CHECK_FALSE(refuses(socket_options{}));
}
