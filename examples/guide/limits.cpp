// SPDX-License-Identifier: MPL-2.0
// A server that strangers can reach: CURVE, a list of clients, and limits.
#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

// part: server
static slk::pull_options server_options(const slk::curve_secret_key& own,
                                        const slk::curve_public_key& client)
{
    slk::pull_options options;
    options.security.mechanism = slk::security_mechanism::curve_server;
    options.security.curve.own = own;
    options.security.curve.accepted = {client}; // nobody else is let in

    options.max_message_size = 1 << 20; // a peer that sends more is disconnected
    options.max_peers = 1000;
    options.max_peers_per_address = 100;
    options.max_accepts_per_second_per_address = 10;
    options.handshake_timeout = 5s;
    return options;
}
// end

// part: client
static slk::push_options client_options(const slk::curve_secret_key& own,
                                        const slk::curve_public_key& server)
{
    slk::push_options options;
    options.security.mechanism = slk::security_mechanism::curve_client;
    options.security.curve.own = own;
    options.security.curve.server = server;
    return options;
}
// end

static slk::result<void> run()
{
    // In a real program each side makes its keys once, and keeps the secret half to itself.
    SLK_TRY(const auto server, slk::make_curve_keys());
    SLK_TRY(const auto client, slk::make_curve_keys());
    SLK_TRY(const auto stranger, slk::make_curve_keys());

    // No more than 64 MiB may wait in all queues of the context together.
    SLK_TRY(auto in, slk::context::create({.max_memory = 64 << 20}));
    SLK_TRY(auto pull, slk::pull::create(in, server_options(server.secret_key, client.public_key)));
    SLK_TRY(const std::string where, pull.bind("tcp://127.0.0.1:0"));

    SLK_TRY(auto push, slk::push::create(in, client_options(client.secret_key, server.public_key)));
    SLK_TRY(push.connect(where));
    SLK_TRY(push.send("from the client"));
    slk::message next;
    SLK_TRY(pull.receive(next, 30s));
    std::printf("%.*s\n", static_cast<int>(next.size()), next.text().data());

    // part: stranger
    const slk::event_set refusals{slk::event_kind::handshake_failed_auth};
    SLK_TRY(auto events, slk::event_stream::of(pull, {.kinds = refusals}));
    SLK_TRY(auto other,
            slk::push::create(in, client_options(stranger.secret_key, server.public_key)));
    SLK_TRY(other.connect(where));
    SLK_TRY(const slk::event refused, events.next(30s));
    std::printf("%s: %s\n", slk::name_of(refused.kind).data(),
                slk::name_of(refused.reason.code).data());
    // end
    return {};
}

int main()
{
    if (!slk::has_curve()) {
        std::puts("this build has no CURVE");
        return 0;
    }
    const auto ran = run();
    if (!ran)
        std::fprintf(stderr, "%s\n", slk::to_string(ran.error()).c_str());
    return ran ? 0 : 1;
}
