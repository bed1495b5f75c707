// SPDX-License-Identifier: MPL-2.0

// The ZAP handler of a context (RFC 27): what it is asked, and what becomes of its replies.

#include "sim/sockets/simulated_sockets.hpp"
#include "support/skip.hpp"
#include "support/texts.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace slk;
using namespace slk::testing;
using namespace std::string_literals;

namespace {

using texts = text_list;

constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";

socket_options asks_handler(bool plain, zap_use use = zap_use::when_bound)
{
    socket_options made;
    made.security.mechanism = plain ? security_mechanism::plain_server : security_mechanism::null;
    made.security.zap = use;
    made.security.zap_domain = "global";
    return made;
}

push_options client_of(bool plain)
{
    push_options made = reconnect_at_once(push_options{});
    if (plain) {
        made.security.mechanism = security_mechanism::plain_client;
        made.security.own = {"admin", "secret"};
    }
    return made;
}

/// A server that asks, and a client of it.
struct zap_world : socket_world {
    explicit zap_world(bool plain, socket_options of_server)
        : to(new_socket<pull>(server_context, of_server)),
          from(new_socket<push>(client_context, client_of(plain)))
    {
        bind(to);
    }
    explicit zap_world(bool plain) : zap_world(plain, asks_handler(plain)) {}

    /// The server's socket carries nothing by itself while it waits for the handler.
    bool server_failed(std::uint64_t times = 1)
    {
        return until([&] { return status_of(to).handshake_failures >= times; });
    }

    pull to;
    push from;
};

texts receive_request(rep& by)
{
    multipart whole;
    must(by.receive(whole, 1min));
    return texts_of(whole);
}

texts reply_to(const texts& request, const std::string& status)
{
    return {request.at(0), request.at(1), status, "the reason", "", ""};
}

} // namespace

TEST_CASE("the ZAP handler is asked as libzmq asks it, and lets a peer in with properties")
{
    for (const bool plain : {false, true}) {
        CAPTURE(plain);
        auto options = asks_handler(plain);
        options.routing_id = "srvid";
        zap_world in(plain, options);
        auto handler = new_socket<rep>(in.server_context);
        bind(handler, zap_endpoint);
        connect(in.from);
        must(in.from.send("let in"));
        texts wanted{"1.0", "1", "global", "10.0.0.2", "srvid", plain ? "PLAIN" : "NULL"};
        if (plain)
            wanted.insert(wanted.end(), {"admin", "secret"});
        CHECK(receive_request(handler) == wanted);
        in.run_with_calls(in.to, 1s);
        CHECK(ready_peers(in.to) == 0);
        const std::string rank = "\4Rank\0\0\0\7captain"s;
        must(handler.send(multipart_of({"1.0", "1", "200", "", "the user", rank})));
        CHECK(receive_text(in.to, 1s) == "let in");
        CHECK(in.to.peers().at(0).user == "the user");
    }
}

TEST_CASE("a ROUTER may be the ZAP handler, and answers in any order")
{
    zap_world in(true);
    auto handler = new_socket<router>(in.server_context);
    bind(handler, zap_endpoint);
    std::vector<push> clients;
    for (int number = 0; number < 50; ++number) {
        push_options options = client_of(true);
        options.security.own.user = std::to_string(number);
        clients.push_back(new_socket<push>(in.client_context, options));
        connect(clients.back());
        must(clients.back().send(std::to_string(number)));
    }
    std::vector<std::pair<peer_id, texts>> requests;
    for (int number = 0; number < 50; ++number) {
        peer_id from;
        multipart whole;
        must(handler.receive(from, whole, 1min));
        requests.emplace_back(from, texts_of(whole));
    }
    for (; !requests.empty(); requests.pop_back()) {
        const auto& [from, request] = requests.back();
        const texts reply{"", "1.0", "1", "200", "", "user " + request.at(7), ""};
        must(handler.send(from, multipart_of(reply)));
        // Nobody waits for a second one.
        (void)handler.send(from, multipart_of({"", "1.0", "1", "400", "", "", ""}));
    }
    for (int number = 0; number < 50; ++number)
        CHECK_FALSE(receive_text(in.to, 1s).starts_with("("));
    CHECK(ready_peers(in.to) == 50);
    CHECK(in.to.peers().at(7).user.starts_with("user "));
    CHECK(status_of(in.to).handshake_failures == 0);
    CHECK(handler.peers().empty());
}

TEST_CASE("a refusal of the ZAP handler is seen on both sides, but for a temporary one")
{
    for (const bool plain : {false, true}) {
        for (const int status : {300, 400, 500}) {
            CAPTURE(plain);
            CAPTURE(status);
            zap_world in(plain);
            auto handler = new_socket<rep>(in.server_context);
            bind(handler, zap_endpoint);
            auto events =
                must(event_stream::of(in.to, {.kinds = {event_kind::handshake_failed_auth}}));
            connect(in.from);
            const auto request = receive_request(handler);
            must(handler.send(multipart_of(reply_to(request, std::to_string(status)))));
            REQUIRE(in.server_failed());
            const auto refused = must(events.next(no_wait));
            CHECK(refused.reason.native == status);
            CHECK(refused.text == "the reason");
            REQUIRE(in.until([&] { return status_of(in.from).handshake_failures > 0; }));
            const error seen = status_of(in.from).last_handshake_failure;
            CHECK((seen == errc::authentication_refused) == (status != 300));
            CHECK(seen.native == (status != 300 ? status : 0));
            if (status == 300) { // it comes again
                const auto again = receive_request(handler);
                must(handler.send(multipart_of(reply_to(again, "200"))));
                must(in.from.send("let in"));
                CHECK(receive_text(in.to, 1s) == "let in");
            }
        }
    }
}

TEST_CASE("a wrong reply of the ZAP handler ends the handshake with its own number")
{
    struct wrong {
        texts reply;
        int number;
    };
    const std::vector<wrong> all{
        {{"1.0", "1", "200", "", ""}, 0x20000001},
        {{"1.0", "1", "200", "", "", "", ""}, 0x20000001},
        {{""}, 0x20000001},
        {{"1.1", "1", "200", "", "", ""}, 0x20000003},
        {{"", "1", "200", "", "", ""}, 0x20000003},
        {{"1.0", "2", "200", "", "", ""}, 0x20000002},
        {{"1.0", "", "200", "", "", ""}, 0x20000002},
        {{"1.0", "1", "201", "", "", ""}, 0x20000004},
        {{"1.0", "1", "", "", "", ""}, 0x20000004},
        {{"1.0", "1", "2000", "", "", ""}, 0x20000004},
        {{"1.0", "1", "200", "", "", "\5short"s}, 0x20000005},
        {{"1.0", "1", "200", "", "", std::string("\0\0\0\0\0", 5)}, 0x20000005},
    };
    for (const wrong& each : all) {
        for (const bool plain : {false, true}) {
            CAPTURE(plain);
            CAPTURE(each.number);
            zap_world in(plain);
            auto handler = new_socket<rep>(in.server_context);
            bind(handler, zap_endpoint);
            connect(in.from);
            (void)receive_request(handler);
            must(handler.send(multipart_of(each.reply)));
            REQUIRE(in.server_failed());
            const error why = status_of(in.to).last_handshake_failure;
            CHECK(why == errc::protocol_error);
            CHECK(why.native == each.number);
            CHECK(why.phase == phase::handshake);
        }
    }
    // A ROUTER may also forget the delimiter.
    zap_world in(false);
    auto handler = new_socket<router>(in.server_context);
    bind(handler, zap_endpoint);
    connect(in.from);
    peer_id from;
    multipart whole;
    must(handler.receive(from, whole, 1min));
    must(handler.send(from, multipart_of({"x", "1.0", "1", "200", "", "", ""})));
    REQUIRE(in.server_failed());
    CHECK(status_of(in.to).last_handshake_failure.native == 0x20000000);
}

TEST_CASE("without a ZAP handler a plain_server lets nobody in, and others by their option")
{
    for (const bool plain : {false, true}) {
        for (const auto use : {zap_use::when_bound, zap_use::always}) {
            CAPTURE(plain);
            CAPTURE(static_cast<int>(use));
            zap_world in(plain, asks_handler(plain, use));
            connect(in.from);
            must(in.from.send("hello"));
            if (!plain && use == zap_use::when_bound) {
                CHECK(receive_text(in.to, 1s) == "hello");
                continue;
            }
            REQUIRE(in.server_failed(3));
            CHECK(status_of(in.to).last_handshake_failure == errc::not_connected);
            // When there is a handler, the client is let in.
            auto handler = new_socket<rep>(in.server_context);
            bind(handler, zap_endpoint);
            must(handler.send(multipart_of(reply_to(receive_request(handler), "200"))));
            CHECK(receive_text(in.to, 1s) == "hello");
        }
    }
}

TEST_CASE("while a socket that cannot reply has the name of the ZAP handler, nobody is let in")
{
    for (const bool plain : {false, true}) {
        CAPTURE(plain);
        zap_world in(plain);
        auto other = new_socket<pull>(in.server_context);
        bind(other, zap_endpoint);
        connect(in.from);
        must(in.from.send("hello"));
        REQUIRE(in.server_failed(3));
        CHECK(status_of(in.to).last_handshake_failure == errc::not_supported);
        other.close(0ms);
        auto handler = new_socket<rep>(in.server_context);
        bind(handler, zap_endpoint);
        must(handler.send(multipart_of(reply_to(receive_request(handler), "200"))));
        CHECK(receive_text(in.to, 1s) == "hello");
    }
}

TEST_CASE("a ZAP handler that goes ends the handshakes that wait for it, and only those")
{
    for (const bool plain : {false, true}) {
        for (const bool was_read : {false, true}) {
            CAPTURE(plain);
            CAPTURE(was_read);
            zap_world in(plain);
            auto handler = new_socket<rep>(in.server_context);
            bind(handler, zap_endpoint);
            connect(in.from);
            must(handler.send(multipart_of(reply_to(receive_request(handler), "200"))));
            must(in.from.send("first"));
            CHECK(receive_text(in.to, 1s) == "first");
            auto second = new_socket<push>(in.client_context, client_of(plain));
            connect(second);
            if (was_read)
                (void)receive_request(handler);
            else
                in.run_with_calls(in.to, 1s);
            // The name alone is not the handler.
            handler.close(0ms);
            REQUIRE(in.server_failed());
            CHECK(status_of(in.to).last_handshake_failure == errc::broken_pipe);
            must(in.from.send("still here"));
            CHECK(receive_text(in.to, 1s) == "still here");
        }
    }
}

TEST_CASE("a ZAP handler whose name is taken back answers what it was asked before")
{
    zap_world in(false);
    auto handler = new_socket<rep>(in.server_context);
    const std::string bound = must(handler.bind(zap_endpoint));
    connect(in.from);
    const auto request = receive_request(handler);
    (void)must(handler.unbind(bound));
    must(handler.send(multipart_of(reply_to(request, "200"))));
    must(in.from.send("let in"));
    CHECK(receive_text(in.to, 1s) == "let in");
}

TEST_CASE("a ZAP handler that never answers costs a handshake its time, and a late reply is lost")
{
    for (const bool plain : {false, true}) {
        CAPTURE(plain);
        auto options = asks_handler(plain);
        options.handshake_timeout = 2s;
        zap_world in(plain, options);
        auto handler = new_socket<rep>(in.server_context);
        bind(handler, zap_endpoint);
        connect(in.from);
        const auto request = receive_request(handler);
        REQUIRE(in.server_failed());
        CHECK(status_of(in.to).last_handshake_failure == errc::timed_out);
        must(handler.send(multipart_of(reply_to(request, "200"))));
        const auto again = receive_request(handler);
        CHECK(handler.peers().size() == 1); // the one before has gone
        must(handler.send(multipart_of(reply_to(again, "200"))));
        must(in.from.send("let in"));
        CHECK(receive_text(in.to, 1s) == "let in");
        CHECK(ready_peers(in.to) == 1);
    }
}

TEST_CASE("a request that is given up is withdrawn from a ZAP handler that never replies")
{
    auto options = asks_handler(true);
    options.handshake_timeout = 500ms;
    zap_world in(true, options);
    auto handler = new_socket<router>(in.server_context);
    bind(handler, zap_endpoint);
    connect(in.from);
    for (std::uint64_t times = 1; times <= 4; ++times) {
        peer_id asks;
        multipart request;
        must(handler.receive(asks, request, 1min));
        REQUIRE(in.server_failed(times));
        // The next one may be there.
        CHECK(handler.peers().size() <= 1);
    }
    in.from.close(0s);
    peer_id asks;
    multipart request;
    CHECK(in.until([&] {
        (void)handler.receive(asks, request, no_wait);
        return handler.peers().empty();
    }));
}

TEST_CASE("a reply of the ZAP handler and an end may come in any order, at any moment")
{
    enum class ends : std::uint8_t { client, server, handler, context };
    for (const bool plain : {false, true}) {
        for (const auto which : {ends::client, ends::server, ends::handler, ends::context}) {
            for (duration after = 0us; after < 1500us; after += 50us) {
                CAPTURE(plain);
                CAPTURE(static_cast<int>(which));
                CAPTURE(after);
                zap_world in(plain);
                auto handler = new_socket<router>(in.server_context);
                bind(handler, zap_endpoint);
                connect(in.from);
                peer_id from;
                multipart whole;
                must(handler.receive(from, whole, 1min));
                const auto end = [&] {
                    switch (which) {
                    case ends::client: in.from.close(0ms); break;
                    case ends::server: in.to.close(0ms); break;
                    case ends::handler: handler.close(0ms); break;
                    case ends::context: in.server_context.shutdown(); break;
                    }
                };
                const duration reply_after = 400us;
                in.net.run_for(std::min(after, reply_after));
                if (after < reply_after)
                    end();
                in.net.run_for(reply_after - std::min(after, reply_after));
                (void)handler.send(from, multipart_of({"", "1.0", "1", "200", "", "", ""}),
                                   no_wait);
                in.net.run_for(std::max(after, reply_after) - reply_after);
                if (after >= reply_after)
                    end();
                in.net.run_for(1s);
            }
        }
    }
}

TEST_CASE("the ZAP handler learns the public key of a client of CURVE")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_key_pair of_server = must(make_curve_keys());
    const curve_key_pair of_client = must(make_curve_keys());
    socket_world in;
    pull_options server;
    server.security.mechanism = security_mechanism::curve_server;
    server.security.curve.own = of_server.secret_key;
    server.security.zap = zap_use::when_bound;
    push_options client = reconnect_at_once(push_options{});
    client.security.mechanism = security_mechanism::curve_client;
    client.security.curve.own = of_client.secret_key;
    client.security.curve.server = of_server.public_key;
    auto to = new_socket<pull>(in.server_context, server);
    bind(to);
    auto handler = new_socket<rep>(in.server_context);
    bind(handler, zap_endpoint);
    auto from = new_socket<push>(in.client_context, client);
    connect(from);
    const auto request = receive_request(handler);
    REQUIRE(request.size() == 7);
    CHECK(request[5] == "CURVE");
    CHECK(must(curve_public_key::from(request[6])) == of_client.public_key);
    must(handler.send(multipart_of(reply_to(request, "400"))));
    REQUIRE(in.until([&] { return status_of(from).handshake_failures > 0; }));
    CHECK(status_of(from).last_handshake_failure.native == 400);
    must(handler.send(multipart_of(reply_to(receive_request(handler), "200"))));
    must(from.send("let in"));
    CHECK(receive_text(to, 1s) == "let in");
    // Without a handler libzmq lets everybody in, and so does this; but not beside a list.
    handler.close(0ms);
    auto second = new_socket<push>(in.client_context, client);
    connect(second);
    must(second.send("let in too"));
    CHECK(receive_text(to, 1s) == "let in too");
    // A handler that cannot answer is not an absent one.
    auto other = new_socket<pull>(in.server_context);
    bind(other, zap_endpoint);
    auto third = new_socket<push>(in.client_context, client);
    connect(third);
    REQUIRE(in.until([&] { return status_of(to).last_handshake_failure == errc::not_supported; }));
    CHECK(ready_peers(to) == 2);
    server.security.curve.accepted = {of_client.public_key};
    CHECK(code_of(pull::create(in.server_context, server)) == errc::invalid_argument);
}
