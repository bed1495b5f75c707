// SPDX-License-Identifier: MPL-2.0

// CURVE between sockets: who is let in, and that every kind of message arrives as it was sent.

#include <serverlink/serverlink.hpp>

#include "support/curve_options.hpp"
#include "support/skip.hpp"
#include "support/sockets.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

std::string text_of_size(std::size_t size, char first = 'a')
{
    std::string text(size, first);
    for (std::size_t index = 0; index < size; ++index)
        text[index] = static_cast<char>(text[index] + static_cast<char>(index % 23));
    return text;
}

} // namespace

TEST_CASE("a CURVE key is read from its text or its bytes, and a new pair belongs together")
{
    // RFC 26, and libzmq's examples.
    constexpr std::string_view text = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    const auto key = must(curve_public_key::from(text));
    CHECK(key.text() == text);
    CHECK(key.is_set());
    CHECK(must(curve_public_key::from(std::string(text) + '\0')) == key);
    const auto* const raw = reinterpret_cast<const char*>(key.bytes().data());
    CHECK(must(curve_public_key::from({raw, 32})) == key);
    for (const std::string bad : {"", "Yne@", "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI~",
                                  "#####w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"})
        CHECK(code_of(curve_public_key::from(bad)) == errc::invalid_argument);
    CHECK_FALSE(curve_public_key().is_set());
    CHECK(curve_secret_key().text().empty());
    CHECK(code_of(curve_secret_key().public_key()) == errc::invalid_state);
    if (!has_curve()) {
        CHECK(code_of(make_curve_keys()) == errc::not_supported);
        SLK_SKIP("this build is without CURVE");
    }
    const curve_key_pair pair = must(make_curve_keys());
    CHECK(must(pair.secret_key.public_key()) == pair.public_key);
    const auto again = must(curve_secret_key::from(pair.secret_key.text()));
    CHECK(must(again.public_key()) == pair.public_key);
    CHECK(must(make_curve_keys()).public_key != pair.public_key);
    // libzmq's documented pair.
    const auto known = must(curve_secret_key::from("D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"));
    CHECK(must(known.public_key()) == key);
}

TEST_CASE("CURVE options without their keys, or keys without CURVE, are refused")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_keys keys;
    const auto code = [](const socket_options& options) { return code_of(options.validate()); };
    CHECK(code(keys.of_server()) == errc::ok);
    CHECK(code(keys.of_client()) == errc::ok);
    socket_options options = keys.of_client();
    options.security.mechanism = security_mechanism::null;
    CHECK(code(options) == errc::invalid_argument);
    options = keys.of_client();
    options.security.curve.server = {};
    CHECK(code(options) == errc::invalid_argument);
    options = keys.of_client();
    options.security.curve.accepted = {keys.client.public_key};
    CHECK(code(options) == errc::invalid_argument);
    options = keys.of_server();
    options.security.curve.own = {};
    CHECK(code(options) == errc::invalid_argument);
    options = keys.of_server();
    options.security.curve.server = keys.server.public_key;
    CHECK(code(options) == errc::invalid_argument);
    options = keys.of_server();
    options.security.curve.accepted = {keys.client.public_key};
    CHECK(code(options) == errc::ok);
    options.security.authenticator = [](const authentication_request&) {
        return authentication_answer::accepted;
    };
    CHECK(code(options) == errc::invalid_argument);
}

TEST_CASE("CURVE carries messages of every size, in parts, whichever side has bound")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_keys keys;
    for (const bool server_binds : {true, false}) {
        auto in = new_context();
        auto to = new_socket<pull>(in, server_binds ? keys.of_server<pull_options>()
                                                    : keys.of_client<pull_options>());
        auto from = new_socket<push>(in, server_binds ? keys.of_client<push_options>()
                                                      : keys.of_server<push_options>());
        bind_and_connect(to, from);
        for (const std::size_t size :
             {0UL, 1UL, 30UL, 31UL, 32UL, 190UL, 222UL, 223UL, 255UL, 256UL, 4095UL, 8192UL,
              32767UL, 32768UL, 65535UL, 65536UL, 65537UL, 300'000UL, 5'000'001UL}) {
            const std::string text = text_of_size(size);
            must(from.send(text, test_timeout));
            CHECK(receive_text(to) == text);
        }
        multipart parts;
        for (const std::size_t size : {3UL, 40'000UL, 0UL, 100'000UL, 9UL})
            must(parts.add(text_of_size(size, 'A')));
        must(from.send(std::move(parts), test_timeout));
        multipart got;
        must(to.receive(got, test_timeout));
        REQUIRE(got.size() == 5);
        CHECK(got[1].text() == text_of_size(40'000, 'A'));
        CHECK(got[3].text() == text_of_size(100'000, 'A'));
        CHECK(got[4].text() == text_of_size(9, 'A'));
    }
}

TEST_CASE("CURVE carries many messages while the receiver is slower, in their order")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_keys keys;
    auto in = new_context();
    pull_options of_server = keys.of_server<pull_options>();
    of_server.receive_high_water_mark = 7;
    auto to = new_socket<pull>(in, of_server);
    auto from = new_socket<push>(in, keys.of_client<push_options>());
    bind_and_connect(to, from);
    constexpr int count = 3000;
    int sent = 0, received = 0;
    while (received < count) {
        while (sent < count &&
               from.send(std::to_string(sent) +
                             text_of_size(static_cast<std::size_t>(sent % 7 == 0 ? 3000 : 20)),
                         no_wait))
            ++sent;
        message got;
        must(to.receive(got, test_timeout));
        REQUIRE(got.text().substr(0, std::to_string(received).size()) == std::to_string(received));
        ++received;
    }
}

TEST_CASE(
    "a CURVE server lets in the clients with keys that it knows, and both sides see a refusal")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_keys keys;
    for (const bool known : {true, false}) {
        CAPTURE(known);
        auto in = new_context();
        pull_options of_server = keys.of_server<pull_options>();
        of_server.security.curve.accepted = {must(make_curve_keys()).public_key};
        if (known)
            of_server.security.curve.accepted.push_back(keys.client.public_key);
        auto to = new_socket<pull>(in, of_server);
        auto from = new_socket<push>(in, keys.of_client<push_options>(reconnect_at_once()));
        bind_and_connect(to, from);
        if (known) {
            must(from.send("admitted", test_timeout));
            CHECK(receive_text(to) == "admitted");
        } else {
            CHECK(until([&] { return from.endpoints()[0].handshake_failures > 0; }));
            CHECK(from.endpoints()[0].last_handshake_failure == errc::authentication_refused);
            CHECK(from.endpoints()[0].last_handshake_failure.native == 400);
            CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
            CHECK(to.endpoints()[0].last_handshake_failure == errc::authentication_refused);
            CHECK(code_of(from.wait_ready(short_timeout)) == errc::timed_out);
        }
    }
}

TEST_CASE("an authenticator sees the key of a CURVE client, and its answer counts")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_keys keys;
    auto in = new_context();
    pull_options of_server = keys.of_server<pull_options>();
    of_server.security.authenticator = [&](const authentication_request& request) {
        return request.mechanism == security_mechanism::curve_server &&
                       std::ranges::equal(request.public_key, keys.client.public_key.bytes())
                   ? authentication_answer::accepted
                   : authentication_answer::refused;
    };
    auto to = new_socket<pull>(in, of_server);
    auto from = new_socket<push>(in, keys.of_client<push_options>());
    bind_and_connect(to, from);
    must(from.send("admitted", test_timeout));
    CHECK(receive_text(to) == "admitted");
    const curve_keys others;
    push_options of_other = reconnect_at_once();
    of_other.security.mechanism = security_mechanism::curve_client;
    of_other.security.curve.own = others.client.secret_key;
    of_other.security.curve.server = keys.server.public_key;
    auto other = new_socket<push>(in, of_other);
    must(other.connect(to.endpoints()[0].endpoint));
    CHECK(until([&] { return other.endpoints()[0].handshake_failures > 0; }));
    CHECK(other.endpoints()[0].last_handshake_failure == errc::authentication_refused);
}

TEST_CASE("a CURVE client whose authenticator answers later is let in then, with its routing id")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_keys keys;
    auto in = new_context();
    std::mutex guard;
    pending_authentication pending;
    router_options of_server = keys.of_server<router_options>();
    of_server.security.authenticator =
        [&](const authentication_request& request) -> std::optional<authentication_answer> {
        const std::lock_guard lock(guard);
        pending = request.answer_later();
        return std::nullopt;
    };
    auto to = new_socket<router>(in, of_server);
    dealer_options of_client = keys.of_client<dealer_options>();
    of_client.routing_id = "me";
    auto from = new_socket<dealer>(in, of_client);
    bind_and_connect(to, from);
    must(from.send("waits", test_timeout));
    REQUIRE(until([&] {
        const std::lock_guard lock(guard);
        return pending.is_awaited();
    }));
    CHECK_FALSE(to.wait_ready(no_wait));
    {
        const std::lock_guard lock(guard);
        CHECK(pending.answer(authentication_answer(authentication_answer::accepted, "ann")));
    }
    peer_id who;
    message got;
    must(to.receive(who, got, test_timeout));
    CHECK(got.text() == "waits");
    REQUIRE(to.peers().size() == 1);
    CHECK(to.peers()[0].user == "ann");
    CHECK(to.peers()[0].routing_id == "me");
}

TEST_CASE("a CURVE client with another server's key gets nowhere, and both sides see why")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_keys keys;
    auto in = new_context();
    auto to = new_socket<pull>(in, keys.of_server<pull_options>());
    push_options of_client = keys.of_client<push_options>(reconnect_at_once());
    of_client.security.curve.server = must(make_curve_keys()).public_key;
    auto from = new_socket<push>(in, of_client);
    bind_and_connect(to, from);
    CHECK(until([&] { return from.endpoints()[0].handshake_failures > 0; }));
    CHECK(from.endpoints()[0].last_handshake_failure.phase == phase::handshake);
    CHECK(until([&] { return to.endpoints()[0].handshake_failures > 0; }));
    CHECK(to.endpoints()[0].last_handshake_failure == errc::authentication_refused);
}

TEST_CASE("CURVE and another mechanism fail the handshake")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_keys keys;
    auto in = new_context();
    auto to = new_socket<pull>(in, keys.of_server<pull_options>());
    auto from = new_socket<push>(in, reconnect_at_once());
    bind_and_connect(to, from);
    CHECK(until([&] { return from.endpoints()[0].handshake_failures > 0; }));
    CHECK(from.endpoints()[0].last_handshake_failure == errc::protocol_error);
}

TEST_CASE("subscriptions and what they match travel through CURVE, to many subscribers")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_keys keys;
    auto in = new_context();
    auto from = new_socket<pub>(in, keys.of_server<pub_options>());
    const std::string at = must(from.bind(any_tcp));
    std::vector<sub> all;
    for (int number = 0; number < 5; ++number) {
        all.push_back(new_socket<sub>(in, keys.of_client<sub_options>()));
        must(all.back().subscribe(number == 0 ? "" : "topic" + std::to_string(number)));
        must(all.back().connect(at));
    }
    REQUIRE(until([&] { return from.wait_ready(no_wait) && from.peers().size() == 5; }));
    const std::string large = text_of_size(100'000);
    REQUIRE(until([&] {
        must(from.send("topic4", test_timeout));
        message got;
        return all[4].receive(got, short_timeout).has_value();
    }));
    for (int number = 1; number < 5; ++number) {
        multipart parts;
        must(parts.add("topic" + std::to_string(number)));
        must(parts.add(large));
        must(from.send(std::move(parts), test_timeout));
        multipart got;
        do {
            got = {};
            must(all[static_cast<std::size_t>(number)].receive(got, test_timeout));
        } while (got.size() == 1);
        REQUIRE(got.size() == 2);
        CHECK(got[0].text() == "topic" + std::to_string(number));
        CHECK(got[1].text() == large);
    }
    must(all[4].unsubscribe("topic4"));
}

TEST_CASE("a router and its dealers talk through CURVE, with heartbeats")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_keys keys;
    auto in = new_context();
    router_options of_server = keys.of_server<router_options>();
    of_server.peer_timeout = std::chrono::milliseconds(300);
    auto to = new_socket<router>(in, of_server);
    dealer_options of_client = keys.of_client<dealer_options>();
    of_client.routing_id = "me";
    of_client.peer_timeout = std::chrono::milliseconds(300);
    auto from = new_socket<dealer>(in, of_client);
    bind_and_connect(to, from);
    for (int number = 0; number < 20; ++number) {
        must(from.send("question", test_timeout));
        peer_id who;
        message got;
        must(to.receive(who, got, test_timeout));
        CHECK(got.text() == "question");
        must(to.send(who, "answer", test_timeout));
        CHECK(receive_text(from) == "answer");
    }
    // Several times the time after which a silent peer is given up.
    CHECK_FALSE(until([&] { return from.endpoints()[0].link.generation > 1; },
                      std::chrono::milliseconds(1500)));
    must(from.send("still there", test_timeout));
    peer_id who;
    message got;
    must(to.receive(who, got, test_timeout));
    CHECK(got.text() == "still there");
}

TEST_CASE("a conflating socket keeps the newest message through CURVE")
{
    if (!has_curve())
        SLK_SKIP("this build is without CURVE");
    const curve_keys keys;
    auto in = new_context();
    pull_options of_server = keys.of_server<pull_options>();
    of_server.conflate = true;
    push_options of_client = keys.of_client<push_options>();
    of_client.conflate = true;
    auto to = new_socket<pull>(in, of_server);
    auto from = new_socket<push>(in, of_client);
    bind_and_connect(to, from);
    for (int number = 0; number <= 500; ++number)
        must(from.send(std::to_string(number), test_timeout));
    std::string got;
    while (got != "500")
        got = receive_text(to);
}
