// SPDX-License-Identifier: MPL-2.0

// Authenticators that answer later: what the peer, the socket and the context do meanwhile.

#include "sim/sockets/simulated_sockets.hpp"
#include "support/zmtp_handshake.hpp"

#include <deque>
#include <optional>
#include <string>

using namespace slk;
using namespace slk::testing;
using namespace std::string_literals;

namespace {

/// Keeps the requests, and answers none of them.
struct kept_requests {
    std::deque<pending_authentication> all;

    [[nodiscard]] socket_options options(bool plain)
    {
        socket_options made;
        made.security.mechanism =
            plain ? security_mechanism::plain_server : security_mechanism::null;
        made.security.zap_domain = "here";
        made.security.authenticator = [this](const authentication_request& who) {
            all.push_back(who.answer_later());
            return std::nullopt;
        };
        return made;
    }
};

push_options options_of_pusher(bool plain)
{
    push_options made = reconnect_at_once(push_options{});
    if (plain) {
        made.security.mechanism = security_mechanism::plain_client;
        made.security.own = {"ann", "secret"};
    }
    return made;
}

} // namespace

TEST_CASE("a peer waits for a late answer, and other peers do not wait for it")
{
    for (const bool plain : {false, true}) {
        CAPTURE(plain);
        kept_requests requests;
        socket_world in;
        auto to = new_socket<pull>(in.server_context, requests.options(plain));
        bind(to);
        auto first = new_socket<push>(in.client_context, options_of_pusher(plain));
        connect(first);
        REQUIRE(in.until([&] { return requests.all.size() == 1; }));
        auto second = new_socket<push>(in.client_context, options_of_pusher(plain));
        connect(second);
        REQUIRE(in.until([&] { return requests.all.size() == 2; }));
        must(first.send("first"));
        must(second.send("second"));
        in.run_with_calls(to, 1s);
        CHECK(ready_peers(to) == 0);

        // In another order, and with a name of its own.
        CHECK(requests.all[1].is_awaited());
        CHECK(requests.all[1].answer(
            {authentication_answer::accepted, "a name", {{"Rank", "captain"}}}));
        CHECK_FALSE(requests.all[1].is_awaited());
        CHECK_FALSE(requests.all[1].answer(authentication_answer::refused));
        CHECK(receive_text(to, 1s) == "second");
        CHECK(to.peers().at(0).user == "a name");
        CHECK(requests.all[0].answer(authentication_answer::accepted));
        CHECK(receive_text(to, 1s) == "first");
        CHECK(to.peers().at(1).user == (plain ? "ann" : ""));
    }
}

TEST_CASE("a late refusal is seen on both sides, with the status of ZAP")
{
    for (const bool plain : {false, true}) {
        for (const auto status : {authentication_answer::refused, authentication_answer::failed,
                                  authentication_answer::try_again}) {
            CAPTURE(plain);
            CAPTURE(static_cast<int>(status));
            kept_requests requests;
            socket_world in;
            auto to = new_socket<pull>(in.server_context, requests.options(plain));
            bind(to);
            auto from = new_socket<push>(in.client_context, options_of_pusher(plain));
            connect(from);
            REQUIRE(in.until([&] { return requests.all.size() == 1; }));
            in.net.run_for(1s);
            CHECK(requests.all[0].answer(status));
            REQUIRE(in.until([&] { return status_of(to).handshake_failures == 1; }));
            CHECK(status_of(to).last_handshake_failure == errc::authentication_refused);
            CHECK(status_of(to).last_handshake_failure.native == static_cast<int>(status));
            REQUIRE(in.until([&] { return status_of(from).handshake_failures == 1; }));
            // A temporary refusal is no error for the client, which comes again.
            const bool is_told = status != authentication_answer::try_again;
            CHECK((status_of(from).last_handshake_failure == errc::authentication_refused) ==
                  is_told);
            if (is_told)
                CHECK(status_of(from).last_handshake_failure.native == static_cast<int>(status));
            else
                CHECK(in.until([&] { return requests.all.size() == 2; }));
        }
    }
}

TEST_CASE("a request that is dropped or not taken refuses the peer")
{
    for (const bool takes : {false, true}) {
        CAPTURE(takes);
        socket_world in;
        pull_options of_server;
        of_server.security.zap_domain = "here";
        of_server.security.authenticator = [&](const authentication_request& who) {
            if (takes) {
                pending_authentication dropped = who.answer_later();
                CHECK(dropped.is_awaited());
                CHECK_FALSE(who.answer_later().is_awaited());
            }
            return std::nullopt;
        };
        auto to = new_socket<pull>(in.server_context, of_server);
        bind(to);
        auto from = new_socket<push>(in.client_context, options_of_pusher(false));
        connect(from);
        REQUIRE(in.until([&] { return status_of(from).handshake_failures > 0; }));
        CHECK(status_of(to).last_handshake_failure.native == 500);
        CHECK(status_of(from).last_handshake_failure.native == 500);
    }
}

TEST_CASE("an answer that is returned has precedence over one that would come later")
{
    socket_world in;
    std::optional<pending_authentication> kept;
    pull_options of_server;
    of_server.security.zap_domain = "here";
    of_server.security.authenticator = [&](const authentication_request& who) {
        kept = who.answer_later();
        return authentication_answer::accepted;
    };
    auto to = new_socket<pull>(in.server_context, of_server);
    bind(to);
    auto from = new_socket<push>(in.client_context);
    connect(from);
    must(from.send("let in"));
    CHECK(receive_text(to, 1s) == "let in");
    CHECK_FALSE(kept->answer(authentication_answer::refused));
    must(from.send("still here"));
    CHECK(receive_text(to, 1s) == "still here");
}

TEST_CASE("a peer that waits for an answer too long is given up, and the answer is ignored")
{
    for (const bool plain : {false, true}) {
        CAPTURE(plain);
        kept_requests requests;
        socket_world in;
        auto options = requests.options(plain);
        options.handshake_timeout = 2s;
        auto to = new_socket<pull>(in.server_context, options);
        bind(to);
        auto from = new_socket<push>(in.client_context, options_of_pusher(plain));
        connect(from);
        REQUIRE(in.until([&] { return requests.all.size() == 1; }));
        const duration lasted =
            in.time_until([&] { return status_of(to).handshake_failures == 1; });
        CHECK(lasted > 1900ms);
        CHECK(lasted < 2100ms);
        CHECK(status_of(to).last_handshake_failure == errc::timed_out);
        CHECK_FALSE(requests.all[0].is_awaited());
        CHECK_FALSE(requests.all[0].answer(authentication_answer::accepted));
        // It comes again, and is asked about anew.
        REQUIRE(in.until([&] { return requests.all.size() == 2; }));
        CHECK(requests.all[1].answer(authentication_answer::accepted));
        must(from.send("later"));
        CHECK(receive_text(to, 1s) == "later");
    }
}

TEST_CASE("what a client of PLAIN sends before it has an answer is neither lost nor looked at")
{
    kept_requests requests;
    socket_world in;
    auto to = new_socket<pull>(in.server_context, requests.options(true));
    bind(to);
    test_link early(*in.client_loop, numeric_endpoint);
    REQUIRE(in.until([&] { return early.connected(); }));
    const reader received(early.connection);
    std::string greeting = zmtp_greeting();
    greeting.replace(12, 5, "PLAIN");
    const std::string initiate = "\x8INITIATE\xbSocket-Type\0\0\0\4PUSH"s;
    const stream_sender sent(early.connection, greeting + "\4\x11\5HELLO\3ann\6secret"s + "\4"s +
                                                   static_cast<char>(initiate.size()) + initiate +
                                                   "\0\5early"s);
    REQUIRE(in.until([&] { return requests.all.size() == 1; }));
    in.run_with_calls(to, 1s);
    CHECK(ready_peers(to) == 0);
    CHECK(to.endpoints()[0].handshake_failures == 0);
    CHECK(requests.all[0].answer(authentication_answer::accepted));
    CHECK(receive_text(to, 1s) == "early");
}

TEST_CASE("a client of PLAIN that goes while it waits is noticed at once")
{
    kept_requests requests;
    socket_world in;
    auto to = new_socket<pull>(in.server_context, requests.options(true));
    bind(to);
    auto from = new_socket<push>(in.client_context, options_of_pusher(true));
    connect(from);
    REQUIRE(in.until([&] { return requests.all.size() == 1; }));
    in.net.run_for(1s);
    from.close(0ms);
    CHECK(in.time_until([&] { return status_of(to).handshake_failures == 1; }) < 100ms);
    CHECK_FALSE(requests.all[0].answer(authentication_answer::accepted));
}

TEST_CASE("an answer and the end of the connection may come in any order, at any moment")
{
    // Who ends what, this long after the request; the answer comes 400 us after the request.
    enum class ends : std::uint8_t { client, endpoint, socket, context };
    for (const bool plain : {false, true}) {
        for (const auto which : {ends::client, ends::endpoint, ends::socket, ends::context}) {
            for (duration after = 0us; after < 1500us; after += 50us) {
                CAPTURE(plain);
                CAPTURE(static_cast<int>(which));
                CAPTURE(after);
                kept_requests requests;
                socket_world in;
                std::optional<pull> to{
                    new_socket<pull>(in.server_context, requests.options(plain))};
                const std::string bound = must(to->bind("tcp://10.0.0.1:5000"));
                auto from = new_socket<push>(in.client_context, options_of_pusher(plain));
                connect(from);
                REQUIRE(in.until([&] { return !requests.all.empty(); }));
                const auto end = [&] {
                    switch (which) {
                    case ends::client: from.close(0ms); break;
                    case ends::endpoint: (void)to->unbind(bound); break;
                    case ends::socket: to.reset(); break;
                    case ends::context: in.server_context.shutdown(); break;
                    }
                };
                const duration answer_after = 400us;
                in.net.run_for(std::min(after, answer_after));
                if (after < answer_after)
                    end();
                in.net.run_for(answer_after - std::min(after, answer_after));
                (void)requests.all[0].answer(after % 100us == 0us ? authentication_answer::accepted
                                                                  : authentication_answer::refused);
                in.net.run_for(std::max(after, answer_after) - answer_after);
                if (after >= answer_after)
                    end();
                in.net.run_for(1s);
            }
        }
    }
}

TEST_CASE("a request that outlives its context answers nothing")
{
    kept_requests requests;
    {
        socket_world in;
        auto to = new_socket<pull>(in.server_context, requests.options(true));
        bind(to);
        auto from = new_socket<push>(in.client_context, options_of_pusher(true));
        connect(from);
        REQUIRE(in.until([&] { return requests.all.size() == 1; }));
    }
    CHECK_FALSE(requests.all[0].is_awaited());
    CHECK_FALSE(requests.all[0].answer(authentication_answer::accepted));
}

TEST_CASE("a wrong password is answered with a delay after a late answer too")
{
    kept_requests requests;
    socket_world in;
    auto to = new_socket<pull>(in.server_context, requests.options(true));
    bind(to);
    auto from = new_socket<push>(in.client_context, options_of_pusher(true));
    connect(from);
    for (std::size_t number = 0; number < 4; ++number) {
        REQUIRE(in.until([&] { return requests.all.size() == number + 1; }));
        CHECK(requests.all[number].answer(authentication_answer::refused));
        const duration delay =
            in.time_until([&] { return status_of(to).handshake_failures == number + 1; });
        CHECK(delay >= 50ms * (1 << number));
    }
}
