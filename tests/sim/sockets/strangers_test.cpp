// SPDX-License-Identifier: MPL-2.0

// Clients that nobody knows: silent ones that come back at once, too many, and those that guess
// passwords.

#include "sim/sockets/simulated_sockets.hpp"
#include "support/sanitized.hpp"
#include "support/zmtp_handshake.hpp"

#include <array>
#include <deque>
#include <memory>

using namespace slk;
using namespace slk::testing;

namespace {

/// More client hosts, 10.0.1.1 and on, each with a loop.
struct many_hosts {
    many_hosts(socket_world& in, int count)
    {
        for (int number = 1; number <= count; ++number) {
            const std::string text = std::to_string(number);
            const host_id made =
                new_host(in.net, ("client" + text).c_str(), {ip(("10.0.1." + text).c_str())});
            loops.push_back(new_loop(in.net, made));
        }
    }
    std::deque<loop> loops;
};

link_options back_within(duration time)
{
    link_options options;
    options.reconnect.base = time / 2;
    options.reconnect.floor = 0ms;
    options.reconnect.cap = time;
    options.reconnect.useful_when = usefulness::connected;
    options.reconnect.stable_after = 0ms;
    return options;
}

/// A client that connects, sends `text` and nothing more, and comes back when it is thrown out.
class stranger {
public:
    explicit stranger(loop& on, std::string text = {}, duration back = 2ms)
        : text_(std::move(text)), dialling_(on, numeric_endpoint, back_within(back))
    {
        dialling_.on_connected = [this] {
            ++connections;
            read();
            if (!text_.empty())
                sent_ = std::make_unique<stream_sender>(dialling_.connection, text_);
        };
    }

    int connections = 0;

private:
    /// When the other side has closed, so does it.
    void read()
    {
        (void)dialling_.connection.receive(
            received_, [this, alive = std::weak_ptr(alive_)](const result<std::size_t>& count) {
                if (alive.expired())
                    return;
                if (count && *count > 0)
                    read();
                else
                    dialling_.connection.close();
            });
    }

    std::string text_;
    std::array<std::byte, 256> received_{};
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::unique_ptr<stream_sender> sent_;
    test_link dialling_;
};

std::string command(const std::string& body)
{
    return std::string("\4") + static_cast<char>(body.size()) + body;
}

std::string text_with_size(const std::string& text)
{
    return static_cast<char>(text.size()) + text;
}

std::string plain_greeting()
{
    std::string greeting = zmtp_greeting();
    greeting.replace(12, 5, "PLAIN");
    return greeting;
}

std::string hello(const std::string& user, const std::string& password)
{
    return command("\5HELLO" + text_with_size(user) + text_with_size(password));
}

socket_options plain_server()
{
    socket_options options;
    options.security.mechanism = security_mechanism::plain_server;
    options.security.accepted = {{"ann", "secret"}};
    return options;
}

socket_options plain_client(const std::string& password)
{
    socket_options options = reconnect_at_once();
    options.reconnect.stable_after = 0ms;
    options.security.mechanism = security_mechanism::plain_client;
    options.security.own = {"ann", password};
    return options;
}

} // namespace

TEST_CASE("strangers that come back at once do not keep a client out")
{
    socket_world in;
    socket_options options;
    options.handshake_timeout = 0s;
    many_hosts hosts(in, 4);
    std::size_t used = 1;
    std::string text;
    const char* reason = "max_pending_handshakes_per_address";
    SUBCASE("of its own address, and silent") {}
    SUBCASE("of its own address, after their greeting")
    {
        text = zmtp_greeting();
    }
    SUBCASE("of several addresses, and silent")
    {
        used = 4;
        reason = "max_pending_handshakes";
    }
    SUBCASE("of several addresses, after their greeting")
    {
        used = 4;
        text = zmtp_greeting();
        reason = "max_pending_handshakes";
    }
    pull server = new_socket<pull>(in.server_context, options);
    bind(server);
    context good_context = new_context(hosts.loops.front());
    std::deque<stranger> all;
    for (std::size_t number = 0; number < (slow_build ? 300u : 400u); ++number)
        all.emplace_back(hosts.loops[number % used], text);
    // All places are taken. The last ones to come have displaced others.
    REQUIRE(in.until([&] { return status_of(server).handshake_failures > 1000; }));
    const endpoint_status seen = status_of(server);
    CHECK(seen.handshake_failures == server.counters().handshake_failures);
    CHECK(seen.last_handshake_failure == errc::connection_refused);
    CHECK(std::string(seen.last_handshake_failure.detail) == reason);
    push client = new_socket<push>(good_context);
    connect(client);
    CHECK(in.time_until([&] { return ready_peers(server) == 1; }) < 1s);
    CHECK(status_of(client).handshake_failures == 0);
    REQUIRE(client.send("good", no_wait).has_value());
    CHECK(receive_text(server, no_wait) == "(would_block)");
    CHECK(in.until([&] { return receive_text(server, no_wait) == "good"; }, 10ms));
}

TEST_CASE("messages of many clients that come at once from one address are not lost")
{
    socket_world in;
    in.net.set_latency(in.client, in.server, 5ms);
    in.net.set_latency(in.server, in.client, 5ms);
    pull server = new_socket<pull>(in.server_context);
    bind(server);
    constexpr std::size_t count = slow_build ? 200 : 400;
    std::deque<push> clients;
    for (std::size_t number = 0; number < count; ++number) {
        connect(clients.emplace_back(new_socket<push>(in.client_context, reconnect_at_once())));
        REQUIRE(clients.back().send("from one of them", no_wait).has_value());
    }
    std::size_t received = 0;
    (void)in.until(
        [&] {
            while (receive_text(server, no_wait) == "from one of them")
                ++received;
            return received == count;
        },
        1min);
    CHECK(received == count);
    // There were too many of them.
    CHECK(server.counters().handshake_failures > 0);
}

TEST_CASE("one address cannot take the places of others, not even by its greetings")
{
    socket_world in;
    socket_options options;
    options.handshake_timeout = 0s;
    options.max_pending_handshakes_per_address = 3;
    pull server = new_socket<pull>(in.server_context, options);
    bind(server);
    many_hosts hosts(in, 1);
    stranger slow(hosts.loops[0], zmtp_greeting());
    REQUIRE(in.until([&] { return slow.connections == 1; }));
    std::deque<stranger> all;
    for (int number = 0; number < 20; ++number)
        all.emplace_back(*in.client_loop, zmtp_greeting());
    in.net.run_for(slow_build ? 100ms : 1000ms);
    CHECK(server.counters().handshake_failures > 100);
    CHECK(slow.connections == 1);
}

TEST_CASE("one more than max_peers is refused, and comes in when another one has gone")
{
    socket_world in;
    socket_options options;
    options.max_peers = 2;
    pull server = new_socket<pull>(in.server_context, options);
    bind(server);
    std::deque<push> clients;
    for (int number = 0; number < 3; ++number) {
        clients.push_back(new_socket<push>(in.client_context, reconnect_at_once()));
        connect(clients.back());
        in.net.run_for(10ms);
    }
    CHECK(ready_peers(server) == 2);
    CHECK(status_of(server).last_handshake_failure == errc::connection_refused);
    CHECK(std::string(status_of(server).last_handshake_failure.detail) == "max_peers");
    CHECK(server.counters().rejected > 0);
    // One that has left a message counts until the message was received.
    REQUIRE(clients[0].send("left", no_wait).has_value());
    in.net.run_for(10ms);
    clients[0].close(0s);
    in.net.run_for(1s);
    CHECK(ready_peers(server) == 1);
    CHECK(receive_text(server, no_wait) == "left");
    CHECK(receive_text(server, no_wait) == "(would_block)");
    CHECK(in.until([&] { return ready_peers(server) == 2; }, 1s));
}

TEST_CASE("peers that have gone and left nothing do not count while the server does something else")
{
    socket_world in;
    socket_options options;
    options.max_peers = 2;
    pull server = new_socket<pull>(in.server_context, options);
    bind(server);
    std::deque<push> clients;
    const auto connect_two = [&] {
        for (int number = 0; number < 2; ++number)
            connect(clients.emplace_back(new_socket<push>(in.client_context, reconnect_at_once())));
    };
    connect_two();
    REQUIRE(in.until([&] { return ready_peers(server) == 2; }));
    // One has left a message, the other one only such that was received.
    REQUIRE(clients[0].send("read", no_wait).has_value());
    REQUIRE(in.until([&] { return receive_text(server, no_wait) == "read"; }));
    bool left = false;
    SUBCASE("all have left nothing") {}
    SUBCASE("one has left a message")
    {
        left = true;
        REQUIRE(clients[1].send("left", no_wait).has_value());
        in.net.run_for(10ms);
    }
    for (push& each : clients)
        each.close(0s);
    connect_two();
    in.net.run_for(1s);
    CHECK(status_of(clients[2]).ready + status_of(clients[3]).ready == (left ? 1 : 2));
    CHECK(receive_text(server, no_wait) == (left ? "left" : "(would_block)"));
    CHECK(receive_text(server, no_wait) == "(would_block)");
    CHECK(in.until([&] { return ready_peers(server) == 2; }, 1s));
}

TEST_CASE("without max_peers a handshake is as short as with the default")
{
    socket_world in;
    socket_options options;
    bool waits = false;
    SUBCASE("no limit")
    {
        options.max_peers = 0;
    }
    SUBCASE("a limit")
    {
        options.max_peers = 2;
        waits = true;
    }
    pull server = new_socket<pull>(in.server_context, options);
    bind(server);
    test_link client(*in.client_loop, numeric_endpoint);
    REQUIRE(in.until([&] { return client.connected(); }));
    const reader received(client.connection);
    const stream_sender sent(client.connection, zmtp_greeting());
    in.net.run_for(1s);
    CHECK(received.text.contains("READY") != waits);
}

TEST_CASE("max_peers_per_address counts the peers of each address for itself")
{
    socket_world in;
    socket_options options;
    options.max_peers_per_address = 1;
    pull server = new_socket<pull>(in.server_context, options);
    bind(server);
    many_hosts hosts(in, 1);
    context other_context = new_context(hosts.loops[0]);
    push first = new_socket<push>(in.client_context, reconnect_at_once());
    push second = new_socket<push>(in.client_context, reconnect_at_once());
    push other = new_socket<push>(other_context, reconnect_at_once());
    connect(first);
    in.net.run_for(10ms);
    connect(second);
    connect(other);
    in.net.run_for(100ms);
    CHECK(ready_peers(server) == 2);
    CHECK(status_of(first).ready);
    CHECK(status_of(other).ready);
    CHECK(std::string(status_of(server).last_handshake_failure.detail) == "max_peers_per_address");
    first.close(0s);
    CHECK(in.until([&] { return status_of(second).ready && ready_peers(server) == 2; }, 1s));
}

TEST_CASE("clients that come all at once are accepted at the rate of max_accepts_per_second")
{
    for (const bool per_address : {false, true}) {
        CAPTURE(per_address);
        socket_world world;
        pull_options options;
        (per_address ? options.max_accepts_per_second_per_address
                     : options.max_accepts_per_second) = 2;
        auto server = new_socket<pull>(world.server_context, options);
        auto events = must(event_stream::of(server, {.kinds = {event_kind::accept_refused}}));
        bind(server);
        std::vector<push> clients;
        push_options coming_back;
        coming_back.reconnect.base = 10ms;
        coming_back.reconnect.floor = 0ms;
        coming_back.reconnect.cap = 20ms;
        for (int number = 0; number < 6; ++number) {
            clients.push_back(new_socket<push>(world.client_context, coming_back));
            connect(clients.back());
        }
        world.run_with_calls(server, 100ms);
        CHECK(ready_peers(server) == 2);
        CHECK(server.counters().rejected > 0);
        const auto refused = must(events.next(no_wait));
        CHECK(refused.address.family == address_family::ipv4);
        CHECK(std::string_view(refused.reason.detail) ==
              (per_address ? "max_accepts_per_second_per_address" : "max_accepts_per_second"));
        const auto numbers = must(metrics_of(server));
        REQUIRE(numbers.endpoints.size() == 1);
        CHECK(numbers.endpoints[0].refused == server.counters().rejected);
        world.run_with_calls(server, 1s);
        CHECK(ready_peers(server) == 4);
        world.run_with_calls(server, 2s);
        CHECK(ready_peers(server) == 6);
    }
}

TEST_CASE("no more HELLOs are looked at than max_curve_handshakes_per_second")
{
    if (!has_curve())
        return;
    for (const bool per_address : {false, true}) {
        CAPTURE(per_address);
        socket_world world;
        const auto server_keys = must(make_curve_keys()), client_keys = must(make_curve_keys());
        pull_options options;
        options.security.mechanism = security_mechanism::curve_server;
        options.security.curve.own = server_keys.secret_key;
        (per_address ? options.max_curve_handshakes_per_second_per_address
                     : options.max_curve_handshakes_per_second) = 2;
        auto server = new_socket<pull>(world.server_context, options);
        auto events = must(event_stream::of(server, {.kinds = {event_kind::accept_refused}}));
        bind(server);
        push_options coming_back;
        coming_back.security.mechanism = security_mechanism::curve_client;
        coming_back.security.curve.own = client_keys.secret_key;
        coming_back.security.curve.server = server_keys.public_key;
        coming_back.reconnect.base = 10ms;
        coming_back.reconnect.floor = 0ms;
        coming_back.reconnect.cap = 20ms;
        std::vector<push> clients;
        for (int number = 0; number < 4; ++number) {
            clients.push_back(new_socket<push>(world.client_context, coming_back));
            connect(clients.back());
        }
        world.run_with_calls(server, 100ms);
        CHECK(ready_peers(server) == 2);
        CHECK(server.counters().rejected > 0);
        const auto refused = must(events.next(no_wait));
        CHECK(refused.address.family == address_family::ipv4);
        CHECK(std::string_view(refused.reason.detail) ==
              (per_address ? "max_curve_handshakes_per_second_per_address"
                           : "max_curve_handshakes_per_second"));
        const auto numbers = must(metrics_of(server));
        REQUIRE(numbers.endpoints.size() == 1);
        CHECK(numbers.endpoints[0].refused == server.counters().rejected);
        world.run_with_calls(server, 2s);
        CHECK(ready_peers(server) == 4);
    }
}

TEST_CASE("each wrong password is answered later, and others are served meanwhile")
{
    socket_world in;
    pull server = new_socket<pull>(in.server_context, plain_server());
    bind(server);
    push guesser = new_socket<push>(in.client_context, plain_client("guess"));
    connect(guesser);
    in.net.run_for(1min);
    // 50, 100, 200, 400, 800, 1600 ms, and then 2 s for each.
    CHECK(status_of(guesser).handshake_failures > 25);
    CHECK(status_of(guesser).handshake_failures < 40);
    CHECK(status_of(guesser).last_handshake_failure == errc::authentication_refused);
    CHECK(status_of(guesser).last_handshake_failure.native == 400);
    CHECK(status_of(server).last_handshake_failure == errc::authentication_refused);

    SUBCASE("of the same address")
    {
        push good = new_socket<push>(in.client_context, plain_client("secret"));
        connect(good);
        CHECK(in.time_until([&] { return status_of(good).ready; }) < 1100ms);
    }
    SUBCASE("of another one")
    {
        many_hosts hosts(in, 1);
        context other_context = new_context(hosts.loops[0]);
        push good = new_socket<push>(other_context, plain_client("secret"));
        connect(good);
        CHECK(in.time_until([&] { return status_of(good).ready; }) < 10ms);
    }
}

TEST_CASE("an address that does not wait for the answers has few of its passwords looked at")
{
    socket_world in;
    socket_options options = plain_server();
    options.security.accepted.clear();
    int looked_at = 0;
    options.security.authenticator = [&](const authentication_request&) {
        ++looked_at;
        return authentication_answer::refused;
    };
    pull server = new_socket<pull>(in.server_context, options);
    bind(server);
    std::deque<stranger> all;
    // As many as it takes to be displaced by the next ones, again and again.
    for (int number = 0; number < 140; ++number)
        all.emplace_back(*in.client_loop, plain_greeting() + hello("ann", "guess"), 50ms);
    in.net.run_for(2s);
    CHECK(server.counters().handshake_failures > 3000);
    // 64 in 2 s, and as many at first.
    CHECK(looked_at > 10);
    CHECK(looked_at < 200);
}

TEST_CASE("a client that sends more before the answer does not learn it sooner")
{
    socket_world in;
    pull server = new_socket<pull>(in.server_context, plain_server());
    bind(server);
    test_link guesser(*in.client_loop, numeric_endpoint);
    REQUIRE(in.until([&] { return guesser.connected(); }));
    const reader received(guesser.connection);
    const stream_sender sent(guesser.connection, plain_greeting() + hello("ann", "guess") +
                                                     command(std::string("\10INITIATE")));
    CHECK(in.time_until([&] { return received.finished(); }) >= 50ms);
    CHECK(status_of(server).last_handshake_failure == errc::authentication_refused);
}

TEST_CASE("an answer to a password comes before the handshake has run out of time")
{
    socket_world in;
    socket_options options = plain_server();
    options.handshake_timeout = 1s;
    pull server = new_socket<pull>(in.server_context, options);
    bind(server);
    {
        push guesser = new_socket<push>(in.client_context, plain_client("guess"));
        connect(guesser);
        in.net.run_for(10s);
    }
    test_link slow(*in.client_loop, numeric_endpoint);
    REQUIRE(in.until([&] { return slow.connected(); }));
    const reader received(slow.connection);
    const stream_sender greeting(slow.connection, plain_greeting());
    in.net.run_for(800ms);
    const stream_sender password(slow.connection, hello("ann", "guess"));
    in.net.run_for(1s);
    CHECK(received.finished());
    CHECK(status_of(server).last_handshake_failure == errc::authentication_refused);
}

TEST_CASE("only a wrong password delays the answers to others of its address")
{
    socket_world in;
    socket_options options = plain_server();
    auto answer = authentication_answer::try_again;
    SUBCASE("the authenticator asks to try again") {}
    SUBCASE("the authenticator has failed")
    {
        answer = authentication_answer::failed;
    }
    options.security.accepted.clear();
    options.security.authenticator = [&](const authentication_request& of) {
        return of.password == "secret" ? authentication_answer::accepted : answer;
    };
    pull server = new_socket<pull>(in.server_context, options);
    bind(server);
    push other = new_socket<push>(in.client_context, plain_client("another"));
    connect(other);
    in.net.run_for(slow_build ? 1s : 10s);
    // At once, each time.
    CHECK(status_of(other).handshake_failures > 100);
    push good = new_socket<push>(in.client_context, plain_client("secret"));
    connect(good);
    CHECK(in.time_until([&] { return status_of(good).ready; }) < 20ms);
}
