// SPDX-License-Identifier: MPL-2.0

// Every option of sockets that other files here do not test.

#include "messaging/context_core.hpp"
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <atomic>
#include <latch>
#include <thread>

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

TEST_CASE("options out of range are refused by their name")
{
    CHECK(refuses([](auto& o) { o.peer_timeout = 1ms; }));
    CHECK(refuses([](auto& o) { o.peer_timeout = 61s; }));
    CHECK(refuses([](auto& o) { o.handshake_timeout = -1s; }));
    CHECK(refuses([](auto& o) { o.max_pending_handshakes = 0; }));
    CHECK(refuses([](auto& o) { o.max_message_size = UINT64_MAX; }));
    CHECK(refuses([](auto& o) { o.max_handshake_size = 10; }));
    CHECK(refuses([](auto& o) { o.max_handshake_size = 65537; }));
    CHECK(refuses([](auto& o) { o.linger = -1s; }));
    CHECK(refuses([](auto& o) { o.backlog = 0; }));
    CHECK(refuses([](auto& o) { o.routing_id = std::string("\0x", 2); }));
    CHECK(refuses([](auto& o) { o.routing_id = std::string(256, 'x'); }));
    CHECK(refuses([](auto& o) { o.properties = {{"no x", "value"}}; }));
    CHECK(refuses([](auto& o) { o.security.own.user = std::string(256, 'x'); }));
    CHECK(refuses([](auto& o) { o.security.accepted = {{"user", "password"}}; }));
    const auto everybody = [](const authentication_request&) {
        return authentication_answer::accepted;
    };
    CHECK(refuses([](auto& o) { o.security.zap_domain = "asks nobody"; }));
    CHECK(refuses([&](auto& o) {
        o.security.authenticator = everybody;
        o.security.zap_domain = std::string(256, 'x');
    }));
    CHECK(refuses([&](auto& o) {
        o.security.authenticator = everybody;
        o.security.mechanism = security_mechanism::plain_client;
    }));
    CHECK(refuses([&](auto& o) {
        o.security.authenticator = everybody;
        o.security.mechanism = security_mechanism::plain_server;
        o.security.accepted = {{"user", "password"}};
    }));
    CHECK(refuses([](auto& o) { o.reconnect.base = -7s; }));
    CHECK(refuses([](auto& o) { o.tuning.type_of_service = 300; }));
    CHECK_FALSE(refuses(socket_options{}));
}

TEST_CASE("the high-water marks count messages exactly")
{
    for (const std::uint32_t mark : {1U, 2U, 3U, 10U}) {
        CAPTURE(mark);
        auto in = new_context();
        push_options options = reconnect_at_once();
        options.send_high_water_mark = mark;
        auto from = new_socket<push>(in, options);
        must(from.connect("tcp://127.0.0.1:1"));
        for (std::uint32_t count = 0; count < mark; ++count)
            must(from.send("x", no_wait));
        CHECK(code_of(from.send("x", no_wait)) == errc::would_block);
        CHECK(from.peers().at(0).queued == mark);
        // It is live: more room lets a message in, also one that waits.
        must(from.set_send_high_water_mark(mark + 1));
        must(from.send("x", no_wait));
        CHECK(code_of(from.send("x", no_wait)) == errc::would_block);
        must(from.set_send_high_water_mark(0));
        for (int count = 0; count < 3000; ++count)
            REQUIRE(from.send("x", no_wait).has_value());
    }
}

TEST_CASE("with inproc the two marks add up, and either without limit means none")
{
    const auto room = [](std::uint32_t send, std::uint32_t receive) {
        auto in = new_context();
        push_options of_push;
        of_push.send_high_water_mark = send;
        pull_options of_pull;
        of_pull.receive_high_water_mark = receive;
        auto to = new_socket<pull>(in, of_pull);
        auto from = new_socket<push>(in, of_push);
        must(to.bind("inproc://room"));
        must(from.connect("inproc://room"));
        int count = 0;
        while (count < 5000 && from.send("x", no_wait))
            ++count;
        // Everything that was queued can be received, and room comes back.
        for (int taken = 0; taken < count; ++taken)
            REQUIRE(receive_text(to, no_wait) == "x");
        CHECK(from.send("x", no_wait).has_value());
        return count;
    };
    CHECK(room(10, 20) == 30);
    CHECK(room(1, 1) == 2);
    CHECK(room(0, 20) == 5000);
    CHECK(room(10, 0) == 5000);
}

TEST_CASE("the high-water marks in bytes leave room while fewer wait, and for one message always")
{
    struct limits {
        std::uint64_t mark;
        std::size_t size; ///< of each message
        int fit;
    };
    // Each message has two bytes more on the wire, and a large one nine.
    for (const auto& [mark, size, fit] :
         {limits{1, 10, 1}, limits{1, 100'000, 1}, limits{12, 10, 1}, limits{13, 10, 2},
          limits{1200, 10, 100}, limits{1'000'000, 99'991, 10}, limits{100'001, 99'991, 2}}) {
        CAPTURE(mark);
        CAPTURE(size);
        auto in = new_context();
        push_options options = reconnect_at_once();
        options.send_high_water_bytes = mark;
        auto from = new_socket<push>(in, options);
        must(from.connect("tcp://127.0.0.1:1"));
        const std::string body(size, 'x');
        for (int count = 0; count < fit; ++count)
            must(from.send(std::string_view(body), no_wait));
        CHECK(code_of(from.send(std::string_view(body), no_wait)) == errc::would_block);
        CHECK_FALSE(from.events().writable);
        // It is live, and the mark of messages counts besides.
        must(from.set_send_high_water_bytes(0));
        must(from.set_send_high_water_mark(static_cast<std::uint32_t>(fit) + 1));
        must(from.send(std::string_view(body), no_wait));
        CHECK(code_of(from.send(std::string_view(body), no_wait)) == errc::would_block);
        // Batches keep to it as well.
        must(from.set_send_high_water_mark(0));
        must(from.set_send_high_water_bytes(static_cast<std::uint64_t>(fit + 4) * (size + 2)));
        std::vector<message> batch(1000);
        for (message& each : batch)
            each = message_of(body);
        const std::size_t queued = must(from.send_batch(batch, no_wait));
        CHECK(queued >= 3);
        CHECK(queued <= 5);
        from.close(0ms);
    }
}

TEST_CASE("with inproc the two marks in bytes add up, and either without limit means none")
{
    const auto room = [](std::uint64_t send, std::uint64_t receive) {
        auto in = new_context();
        push_options of_push;
        of_push.send_high_water_mark = 0;
        of_push.send_high_water_bytes = send;
        pull_options of_pull;
        of_pull.receive_high_water_bytes = receive;
        auto to = new_socket<pull>(in, of_pull);
        auto from = new_socket<push>(in, of_push);
        must(to.bind("inproc://room"));
        must(from.connect("inproc://room"));
        int count = 0;
        while (count < 5000 && from.send("12345678", no_wait))
            ++count;
        // Everything that was queued can be received, and room comes back, again and again.
        for (int round = 0; round < 3; ++round) {
            for (int taken = 0; taken < count; ++taken)
                REQUIRE(receive_text(to, no_wait) == "12345678");
            for (int again = 0; again < count; ++again)
                REQUIRE(from.send("12345678", no_wait).has_value());
        }
        // A limit that is taken back leaves nobody waiting.
        must(to.set_receive_high_water_bytes(0));
        for (int taken = 0; taken < count; ++taken)
            REQUIRE(receive_text(to, no_wait) == "12345678");
        must(from.send("x", no_wait));
        return count;
    };
    CHECK(room(100, 200) == 30);
    CHECK(room(1, 1) == 1);
    CHECK(room(0, 200) == 5000);
    CHECK(room(100, 0) == 5000);
}

TEST_CASE("a receive mark in bytes stops the sender, loses nothing, and is live")
{
    for (const int threads : {0, 1}) {
        for (const std::size_t size : {std::size_t{10'000}, std::size_t{100'000}}) {
            CAPTURE(threads);
            CAPTURE(size);
            auto in = new_context(threads);
            push_options of_push = reconnect_at_once();
            of_push.send_high_water_bytes = 1;
            of_push.tuning.send_buffer = 100'000;
            pull_options of_pull;
            of_pull.receive_high_water_mark = 0;
            of_pull.receive_high_water_bytes = 30'000;
            of_pull.tuning.receive_buffer = 100'000;
            auto to = new_socket<pull>(in, of_pull);
            auto from = new_socket<push>(in, of_push);
            bind_and_connect(to, from);
            must(from.wait_ready(test_timeout));
            const std::string body(size, 'x');
            const auto fill = [&](int most) {
                int count = 0;
                while (count < most && from.send(std::string_view(body), short_timeout))
                    ++count;
                return count;
            };
            const int before = fill(5000);
            CHECK(before >= 1);
            CHECK(before < 1000);
            // Whoever waits for room gets it.
            int waiting = before;
            for (int round = 0; round < 3; ++round) {
                for (; waiting > 0; --waiting)
                    REQUIRE(receive_text(to).size() == size);
                must(from.send(std::string_view(body), test_timeout));
                waiting = 1 + fill(5000);
                CHECK(waiting < 1000);
            }
            must(to.set_receive_high_water_bytes(0));
            CHECK(fill(2 * before) == 2 * before);
            for (waiting += 2 * before; waiting > 0; --waiting)
                REQUIRE(receive_text(to).size() == size);
        }
    }
}

TEST_CASE("parts that exceed the receive mark in bytes together arrive as one message")
{
    auto in = new_context();
    pull_options options;
    options.receive_high_water_bytes = 1000;
    auto to = new_socket<pull>(in, options);
    auto from = new_socket<push>(in, reconnect_at_once());
    bind_and_connect(to, from);
    for (int number = 0; number < 5; ++number) {
        multipart whole;
        for (const std::size_t size : {3000U, 50'000U, 0U, 5000U})
            must(whole.add(std::string(size, 'x')));
        must(from.send(std::move(whole), test_timeout));
    }
    multipart got;
    for (int number = 0; number < 5; ++number) {
        must(to.receive(got, test_timeout));
        CHECK(got.size() == 4);
    }
}

TEST_CASE("a receiver that does not receive stops the sender, and loses nothing")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        push_options of_push;
        of_push.send_high_water_mark = 10;
        pull_options of_pull;
        of_pull.receive_high_water_mark = 10;
        auto to = new_socket<pull>(in, of_pull);
        auto from = new_socket<push>(in, of_push);
        bind_and_connect(to, from);
        const std::string body(50'000, 'x');
        int sent = 0;
        while (from.send(std::to_string(sent) + body, 200ms))
            ++sent;
        CHECK(sent >= 20);
        CHECK(sent < 2000);
        for (int number = 0; number < sent; ++number)
            REQUIRE(receive_text(to) == std::to_string(number) + body);
        must(from.send("again", test_timeout));
        CHECK(receive_text(to) == "again");
    }
}

TEST_CASE("the receive mark is live")
{
    auto in = new_context();
    pull_options of_pull;
    of_pull.receive_high_water_mark = 1;
    auto to = new_socket<pull>(in, of_pull);
    push_options of_push;
    of_push.send_high_water_mark = 1;
    auto from = new_socket<push>(in, of_push);
    bind_and_connect(to, from);
    const std::string body(100'000, 'x');
    int before = 0;
    while (from.send(std::string_view(body), 100ms))
        ++before;
    must(to.set_receive_high_water_mark(0));
    int after = 0;
    while (after < 4 * before && from.send(std::string_view(body), test_timeout))
        ++after;
    CHECK(after == 4 * before);
}

TEST_CASE("with immediate nothing is queued for who is not there")
{
    auto in = new_context();
    push_options options = reconnect_at_once();
    options.immediate = true;
    auto from = new_socket<push>(in, options);
    must(from.connect("tcp://127.0.0.1:1"));
    CHECK(code_of(from.send("x", no_wait)) == errc::would_block);
    auto to = new_socket<pull>(in);
    const auto where = must(to.bind(any_tcp));
    must(from.connect(where));
    must(from.send("to who is there", test_timeout));
    CHECK(receive_text(to) == "to who is there");
    must(to.unbind(where));
    CHECK(until([&] { return !from.endpoints()[1].ready; }));
    CHECK(code_of(from.send("x", no_wait)) == errc::would_block);
    must(to.bind(where));
    must(from.send("again", test_timeout));
    CHECK(receive_text(to) == "again");
}

TEST_CASE("a part that is larger than max_message_size costs its sender the connection")
{
    auto in = new_context();
    pull_options options;
    options.max_message_size = 1000;
    auto to = new_socket<pull>(in, options);
    auto from = new_socket<push>(in, reconnect_at_once());
    bind_and_connect(to, from);
    must(from.send(std::string(1000, 'x'), test_timeout));
    CHECK(receive_text(to).size() == 1000);
    must(from.send(std::string(1001, 'x'), test_timeout));
    CHECK(until([&] {
        const auto all = to.peers();
        message got;
        (void)to.receive(got, no_wait);
        return from.peers().at(0).connections >= 2;
    }));
}

TEST_CASE("PLAIN lets in who has a password, and both sides are told who was refused")
{
    for (const bool right : {true, false}) {
        CAPTURE(right);
        auto in = new_context();
        pull_options of_server;
        of_server.security.mechanism = security_mechanism::plain_server;
        of_server.security.accepted = {{"ann", "secret"}, {"bob", "other"}};
        auto to = new_socket<pull>(in, of_server);
        push_options of_client = reconnect_at_once();
        of_client.security.mechanism = security_mechanism::plain_client;
        of_client.security.own = {"bob", right ? "other" : "secret"};
        auto from = new_socket<push>(in, of_client);
        bind_and_connect(to, from);
        if (right) {
            must(from.send("let in", test_timeout));
            CHECK(receive_text(to) == "let in");
            CHECK(to.peers().at(0).user == "bob");
        } else {
            CHECK(until([&] { return from.endpoints()[0].handshake_failures > 0; }));
            CHECK(from.endpoints()[0].last_handshake_failure == errc::authentication_refused);
            CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
            CHECK(to.endpoints()[0].last_handshake_failure == errc::authentication_refused);
            CHECK(code_of(from.wait_ready(short_timeout)) == errc::timed_out);
        }
    }
}

TEST_CASE("an authenticator is asked about clients of PLAIN, and what it answers holds")
{
    for (const auto answer : {authentication_answer::accepted, authentication_answer::refused,
                              authentication_answer::try_again}) {
        CAPTURE(static_cast<int>(answer));
        auto in = new_context();
        std::atomic<int> right{0};
        pull_options of_server;
        of_server.security.mechanism = security_mechanism::plain_server;
        of_server.security.zap_domain = "here";
        of_server.security.authenticator = [&](const authentication_request& who) {
            right += who.domain == "here" && who.user == "ann" && who.password == "secret" &&
                     who.mechanism == security_mechanism::plain_server && who.peer.port != 0;
            return answer;
        };
        auto to = new_socket<pull>(in, of_server);
        push_options of_client = reconnect_at_once();
        of_client.security.mechanism = security_mechanism::plain_client;
        of_client.security.own = {"ann", "secret"};
        auto from = new_socket<push>(in, of_client);
        bind_and_connect(to, from);
        if (answer == authentication_answer::accepted) {
            must(to.wait_ready(test_timeout));
            CHECK(to.peers().at(0).user == "ann");
        } else {
            CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
            CHECK(to.endpoints()[0].last_handshake_failure.native == static_cast<int>(answer));
        }
        CHECK(right > 0);
    }
}

TEST_CASE("without a mechanism an authenticator is asked if there is a zap_domain, and only then")
{
    for (const bool has_domain : {true, false}) {
        for (const bool accepts : {true, false}) {
            CAPTURE(has_domain);
            CAPTURE(accepts);
            auto in = new_context();
            std::atomic<int> asked{0};
            std::atomic<int> right{0};
            pull_options of_server;
            of_server.security.zap_domain = has_domain ? "here" : "";
            of_server.security.authenticator = [&](const authentication_request& who) {
                ++asked;
                right += who.domain == "here" && who.mechanism == security_mechanism::null &&
                         who.user.empty() && who.peer.port != 0;
                return accepts ? authentication_answer::accepted : authentication_answer::refused;
            };
            auto to = new_socket<pull>(in, of_server);
            auto from = new_socket<push>(in, reconnect_at_once());
            bind_and_connect(to, from);
            if (accepts || !has_domain) {
                must(from.send("let in", test_timeout));
                CHECK(receive_text(to) == "let in");
            } else {
                CHECK(until([&] { return from.endpoints()[0].handshake_failures > 0; }));
                CHECK(from.endpoints()[0].last_handshake_failure == errc::authentication_refused);
                CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
                CHECK(to.endpoints()[0].last_handshake_failure == errc::authentication_refused);
                CHECK(from.endpoints()[0].last_handshake_failure.native == 400);
            }
            CHECK((asked > 0) == has_domain);
            CHECK(asked == right);
            from.close(0ms);
        }
    }
}

TEST_CASE("who speaks another mechanism does not get in")
{
    auto in = new_context();
    pull_options of_server;
    of_server.security.mechanism = security_mechanism::plain_server;
    auto to = new_socket<pull>(in, of_server);
    auto from = new_socket<push>(in, reconnect_at_once());
    bind_and_connect(to, from);
    CHECK(until([&] { return from.endpoints()[0].handshake_failures > 0; }));
    CHECK(from.endpoints()[0].last_handshake_failure == errc::protocol_error);
}

TEST_CASE("properties are shown to the peer")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    push_options options;
    options.properties = {{"X-Name", "value"}, {"X-Other", ""}};
    auto from = new_socket<push>(in, options);
    bind_and_connect(to, from);
    must(to.wait_ready(test_timeout));
    std::string name;
    const auto peers = to.peers();
    for (const auto& each : peers.at(0).properties)
        if (each.name == "X-Name")
            name = each.value;
    CHECK(name == "value");
}

TEST_CASE("a connection whose handshake takes too long is closed")
{
    auto in = new_context();
    pull_options options;
    options.handshake_timeout = short_timeout;
    auto to = new_socket<pull>(in, options);
    const auto where = must(to.bind(any_tcp));
    auto loop = must(slk::loop::create());
    bool over = false;
    std::byte some[256];
    stream silent;
    link_handlers on;
    const std::function<void(result<std::size_t>)> read = [&](result<std::size_t> answer) {
        over = !answer || *answer == 0;
        if (!over)
            (void)silent.receive(some, read);
    };
    on.connected = [&](stream connection) {
        silent = std::move(connection);
        (void)silent.receive(some, read);
    };
    auto to_there = must(slk::link::create(loop, {.to = must(endpoint::parse(where))}, on));
    to_there.start();
    CHECK(must(loop.run_until([&] { return over; }, test_timeout)));
    CHECK(until([&] { return to.endpoints()[0].last_handshake_failure == errc::timed_out; }));
}

TEST_CASE("no more connections are in their handshake at a time than max_pending_handshakes")
{
    auto in = new_context();
    pull_options options;
    options.max_pending_handshakes = 3;
    auto to = new_socket<pull>(in, options);
    const auto where = must(to.bind(any_tcp));
    auto loop = must(slk::loop::create());
    std::vector<slk::link> silent;
    int closed = 0;
    for (int number = 0; number < 10; ++number) {
        link_handlers on;
        on.state_changed = [&](const link_transition& move, const link_status&) {
            closed += move.to == link_state::idle ? 1 : 0;
        };
        link_options wanted{.to = must(endpoint::parse(where))};
        wanted.reconnect.base = reconnect_never;
        silent.push_back(must(slk::link::create(loop, wanted, on)));
        silent.back().start();
    }
    CHECK(must(loop.run_until([&] { return closed == 7; }, test_timeout)));
    CHECK(to.endpoints()[0].handshake_failures == 7);
    silent.clear();
    CHECK(loop.run_for(10ms).has_value());
    auto from = new_socket<push>(in);
    must(from.connect(where));
    must(from.send("good", test_timeout));
    CHECK(receive_text(to) == "good");
}

TEST_CASE("connections are carried by the threads that affinity allows")
{
    auto in = new_context(3);
    socket_options options;
    options.affinity = 8;
    CHECK(code_of(pull::create(in, options)) == errc::invalid_argument);

    // Two of the three threads do nothing else while the third one works.
    std::latch done(1);
    std::atomic<bool> gave_up{false};
    for (const std::uint64_t busy : {1U, 4U})
        in.core()->next_carrier(busy)->loop->post([&] {
            const auto end = std::chrono::steady_clock::now() + test_timeout;
            while (!done.try_wait())
                if (std::chrono::steady_clock::now() > end)
                    return gave_up.store(true);
                else
                    std::this_thread::sleep_for(1ms);
        });
    options.affinity = 2;
    for (int round = 0; round < 6; ++round) {
        auto to = new_socket<pull>(in, options);
        auto from = new_socket<push>(in, options);
        bind_and_connect(to, from);
        must(from.send("x", test_timeout));
        CHECK(receive_text(to) == "x");
    }
    done.count_down();
    CHECK_FALSE(gave_up);
}

TEST_CASE("peer_timeout keeps an idle good connection, and zero asks nobody")
{
    for (const duration peer_timeout : {duration(30ms), duration::zero()}) {
        auto in = new_context();
        pull_options options;
        options.peer_timeout = peer_timeout;
        auto to = new_socket<pull>(in, options);
        auto from = new_socket<push>(in, reconnect_at_once());
        bind_and_connect(to, from);
        must(from.wait_ready(test_timeout));
        message got;
        CHECK(code_of(to.receive(got, 200ms)) == errc::timed_out);
        CHECK(from.peers().at(0).connections == 1);
        must(from.send("still there", test_timeout));
        CHECK(receive_text(to) == "still there");
    }
}

TEST_CASE("the reconnect options of a socket are its links'")
{
    auto in = new_context();
    push_options options;
    options.reconnect.base = reconnect_never;
    auto from = new_socket<push>(in, options);
    must(from.connect("tcp://127.0.0.1:1"));
    CHECK(until([&] { return from.endpoints()[0].link.last_error == errc::connection_refused; }));
    CHECK(from.endpoints()[0].link.state == link_state::idle);
}

TEST_CASE("the tuning options of a socket are its connections'")
{
    auto in = new_context();
    push_options options = reconnect_at_once();
    options.tuning.device = "no such device";
    auto from = new_socket<push>(in, options);
    must(from.connect("tcp://127.0.0.1:1"));
    CHECK(until([&] { return from.endpoints()[0].link.last_error != error{}; }));
    CHECK(from.endpoints()[0].link.last_error != errc::connection_refused);
}

TEST_CASE("the tuning options of a socket are its listeners' as well")
{
    auto in = new_context();
    pull_options options;
    options.tuning.device = "no such device";
    auto to = new_socket<pull>(in, options);
    CHECK(code_of(to.bind(any_tcp)) != errc::ok);
}

TEST_CASE("a peer that speaks ZMTP 2.0 gets in with accept_zmtp_2_0, and otherwise not")
{
    for (const bool accepts : {true, false}) {
        CAPTURE(accepts);
        auto in = new_context();
        pull_options options;
        options.accept_zmtp_2_0 = accepts;
        auto to = new_socket<pull>(in, options);
        const auto where = must(to.bind(any_tcp));
        // Signature, revision 1, the type PUSH, no identity, and a message (RFC 15).
        using namespace std::string_view_literals;
        constexpr std::string_view says = "\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08\0\0\0\x03"
                                          "old"sv;
        auto loop = must(slk::loop::create());
        stream old;
        bool connected = false;
        link_handlers on;
        on.connected = [&](stream connection) {
            old = std::move(connection);
            connected = true;
            (void)old.send(std::as_bytes(std::span(says.data(), says.size())),
                           [](const result<std::size_t>&) {});
        };
        auto there = must(slk::link::create(loop, {.to = must(endpoint::parse(where))}, on));
        there.start();
        REQUIRE(must(loop.run_until([&] { return connected; }, test_timeout)));
        REQUIRE(loop.run_for(1ms));
        if (accepts) {
            CHECK(receive_text(to) == "old");
        } else {
            CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
            CHECK(to.endpoints()[0].last_handshake_failure == errc::protocol_error);
        }
    }
}

TEST_CASE("an IPv6 wildcard takes IPv4 connections with dual_stack, and otherwise not")
{
    for (const bool both : {false, true}) {
        CAPTURE(both);
        auto in = new_context();
        pull_options options;
        options.dual_stack = both;
        auto to = new_socket<pull>(in, options);
        const auto where = must(to.bind("tcp://[::]:*"));
        auto from = new_socket<push>(in, reconnect_at_once());
        must(from.connect("tcp://127.0.0.1" + where.substr(where.rfind(':'))));
        if (both)
            must(from.wait_ready(test_timeout));
        else
            CHECK(until(
                [&] { return from.endpoints()[0].link.last_error == errc::connection_refused; }));
    }
}

TEST_CASE("a peer whose handshake is larger than max_handshake_size does not get in")
{
    for (const std::size_t largest : {std::size_t{100}, std::size_t{65536}}) {
        CAPTURE(largest);
        auto in = new_context();
        pull_options options;
        options.max_handshake_size = largest;
        auto to = new_socket<pull>(in, options);
        push_options of_push = reconnect_at_once();
        of_push.properties = {{"X-Long", std::string(500, 'x')}};
        auto from = new_socket<push>(in, of_push);
        bind_and_connect(to, from);
        if (largest == 65536) {
            must(to.wait_ready(test_timeout));
        } else {
            CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
            CHECK(to.endpoints()[0].last_handshake_failure == errc::message_too_large);
        }
    }
}
