// SPDX-License-Identifier: MPL-2.0

// The captured connections of tests/zmtp/vectors, sent to one of our sockets over plain TCP. The
// socket must send the same bytes as libzmq did.

#include "interop_rig.hpp"
#include "support/skip.hpp"
#include "zmtp/vectors.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

std::string captured(const std::string& file, const std::string& name)
{
    const bytes& bytes = vector_of(file, name);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string as_hex(const std::string& text)
{
    return to_hex(bytes_of(text));
}

/// Checks the next bytes.
void expect_bytes(raw_peer& peer, const std::string& expected)
{
    CHECK(as_hex(peer.receive(expected.size()).value_or("")) == as_hex(expected));
}

/// Checks a greeting, except for two fields without a meaning: the length in the signature, and the
/// field as-server, which libzmq never sets (RFC 23).
void expect_greeting(raw_peer& peer, const std::string& expected)
{
    std::string got = peer.receive(64).value_or("");
    REQUIRE(got.size() == 64);
    CHECK(as_hex(got.substr(0, 1)) == "ff");
    constexpr std::size_t as_server = 32;
    got[as_server] = '\0';
    CHECK(as_hex(got.substr(9)) == as_hex(expected.substr(9, 55)));
}

std::string null_greeting()
{
    return captured("greeting", "null_full");
}

constexpr std::size_t greeting_size = 64;

} // namespace

TEST_CASE("our ROUTER sends a captured DEALER the bytes that libzmq sent")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    context mine = new_context();
    auto ours = new_socket<router>(mine);
    raw_peer peer(must(ours.bind(any_tcp)));
    REQUIRE(peer.send(captured("sessions", "dealer_to_router")));
    const auto got = receive_routed(ours);
    CHECK(got.from.routing_id == "dlr");
    CHECK(got.whole == parts{"to router"});
    REQUIRE(ours.send({"dlr"}, "back", test_timeout).has_value());
    const std::string whole = captured("sessions", "router_to_dealer");
    expect_greeting(peer, whole);
    expect_bytes(peer, whole.substr(greeting_size));
}

TEST_CASE("our DEALER sends a captured ROUTER the bytes that libzmq sent")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    context mine = new_context();
    dealer_options options;
    options.routing_id = "dlr";
    auto ours = new_socket<dealer>(mine, options);
    raw_peer peer(must(ours.bind(any_tcp)));
    REQUIRE(peer.send(captured("sessions", "router_to_dealer")));
    CHECK(receive_from(ours) == parts{"back"});
    REQUIRE(send_to(ours, {"to router"}));
    const std::string whole = captured("sessions", "dealer_to_router");
    expect_greeting(peer, whole);
    expect_bytes(peer, whole.substr(greeting_size));
}

TEST_CASE("our ROUTER sends a captured REQ a reply of two parts")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    context mine = new_context();
    auto ours = new_socket<router>(mine);
    raw_peer peer(must(ours.bind(any_tcp)));
    REQUIRE(peer.send(captured("sessions", "req_to_rep")));
    const auto got = receive_routed(ours);
    CHECK(got.whole == parts{"", "ping"});
    REQUIRE(ours.send(got.from, to_multipart({"", "pong", "2"}), test_timeout).has_value());
    const std::string whole = captured("sessions", "rep_to_req");
    expect_greeting(peer, whole);
    expect_bytes(peer, captured("ready", "router"));
    expect_bytes(peer, whole.substr(greeting_size + captured("ready", "rep").size()));
}

TEST_CASE("our DEALER sends a captured REP its request")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    context mine = new_context();
    auto ours = new_socket<dealer>(mine);
    raw_peer peer(must(ours.bind(any_tcp)));
    REQUIRE(peer.send(captured("sessions", "rep_to_req")));
    CHECK(receive_from(ours) == parts{"", "pong", "2"});
    REQUIRE(send_to(ours, {"", "ping"}));
    const std::string whole = captured("sessions", "req_to_rep");
    expect_greeting(peer, whole);
    expect_bytes(peer, captured("ready", "dealer"));
    expect_bytes(peer, whole.substr(greeting_size + captured("ready", "req").size()));
}

TEST_CASE("our PUSH sends the same frames as libzmq, and our PULL receives them")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    const std::vector<std::pair<std::string, parts>> samples = {
        {"empty", {""}},
        {"hello", {"hello"}},
        {"multipart_a_empty_bc", {"a", "", "bc"}},
        {"len255", {std::string(255, 'x')}},
        {"len256", {std::string(256, 'y')}},
        {"multipart_long_short", {std::string(256, 'z'), "q"}},
    };
    context mine = new_context();
    auto sends = new_socket<push>(mine);
    auto receives = new_socket<pull>(mine);
    raw_peer pulls(must(sends.bind(any_tcp)));
    raw_peer pushes(must(receives.bind(any_tcp)));
    REQUIRE(pulls.send(null_greeting() + captured("ready", "pull")));
    REQUIRE(pushes.send(null_greeting() + captured("ready", "push")));
    expect_greeting(pulls, null_greeting());
    expect_bytes(pulls, captured("ready", "push"));
    for (const auto& [name, whole] : samples) {
        CAPTURE(name);
        REQUIRE(send_to(sends, whole));
        expect_bytes(pulls, captured("frames", name));
        REQUIRE(pushes.send(captured("frames", name)));
        CHECK(receive_from(receives) == whole);
    }
}

TEST_CASE("captured PINGs get the same PONGs as from libzmq")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    context mine = new_context();
    auto ours = new_socket<dealer>(mine);
    raw_peer peer(must(ours.bind(any_tcp)));
    REQUIRE(peer.send(null_greeting() + captured("ready", "dealer")));
    expect_greeting(peer, null_greeting());
    expect_bytes(peer, captured("ready", "dealer"));
    for (const std::string kind : {"ttl0_noctx", "ttl0_ctx"}) {
        REQUIRE(peer.send(captured("heartbeat", "ping_in_" + kind)));
        expect_bytes(peer, captured("heartbeat", "pong_out_" + kind));
    }
    REQUIRE(peer.send(captured("heartbeat", "ping_in_ctx16")));
    expect_bytes(peer, captured("heartbeat", "pong_out_ctx16"));
    REQUIRE(peer.send(captured("heartbeat", "ping_in_ctx20")));
    expect_bytes(peer, captured("heartbeat", "pong_out_ctx20"));
}

TEST_CASE("our PING equals that of libzmq, with a time to live that follows from peer_timeout")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    context mine = new_context();
    dealer_options options;
    options.peer_timeout = 1s;
    auto ours = new_socket<dealer>(mine, options);
    raw_peer peer(must(ours.bind(any_tcp)));
    REQUIRE(peer.send(null_greeting() + captured("ready", "dealer")));
    expect_greeting(peer, null_greeting());
    expect_bytes(peer, captured("ready", "dealer"));
    expect_bytes(peer, captured("heartbeat", "ping_out_ttl1050ms"));
}

TEST_CASE("our PLAIN client sends the same bytes as that of libzmq")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    context mine = new_context();
    dealer_options options;
    options.security.mechanism = security_mechanism::plain_client;
    options.security.own = {"admin", "secret"};
    auto ours = new_socket<dealer>(mine, options);
    raw_peer peer(must(ours.bind(any_tcp)));
    REQUIRE(peer.send(captured("greeting", "plain_server")));
    expect_greeting(peer, captured("greeting", "plain_client"));
    expect_bytes(peer, captured("plain", "c_hello_out"));
    REQUIRE(peer.send(captured("plain", "s_welcome_in")));
    expect_bytes(peer, captured("plain", "c_initiate_out"));
    REQUIRE(peer.send(captured("plain", "s_ready_out") + std::string("\0\2hi", 4)));
    CHECK(receive_from(ours) == parts{"hi"});
    CHECK(ours.peers().front().routing_id == "srvid");
}

TEST_CASE("our PLAIN server sends the same bytes as that of libzmq, also when it refuses")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    context mine = new_context();
    dealer_options options;
    options.routing_id = "srvid";
    options.security.mechanism = security_mechanism::plain_server;
    options.security.accepted = {{"admin", "secret"}};
    auto ours = new_socket<dealer>(mine, options);
    const std::string where = must(ours.bind(any_tcp));
    raw_peer peer(where);
    REQUIRE(peer.send(captured("greeting", "plain_client") + captured("plain", "s_hello_in")));
    expect_greeting(peer, captured("greeting", "plain_server"));
    expect_bytes(peer, captured("plain", "s_welcome_out"));
    REQUIRE(peer.send(captured("plain", "s_initiate_in")));
    expect_bytes(peer, captured("plain", "s_ready_out"));

    raw_peer refused(where);
    std::string hello = captured("plain", "s_hello_in");
    hello.back() = 'T';
    REQUIRE(refused.send(captured("greeting", "plain_client") + hello));
    expect_greeting(refused, captured("greeting", "plain_server"));
    expect_bytes(refused, captured("plain", "s_error400_out_corrupt"));
    CHECK(refused.is_closed());
}

TEST_CASE("a captured peer of ZMTP 2.0 is served step by step with accept_zmtp_2_0")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    context mine = new_context();
    dealer_options options;
    options.routing_id = "me";
    options.accept_zmtp_2_0 = true;
    auto ours = new_socket<dealer>(mine, options);
    raw_peer peer(must(ours.bind(any_tcp)));
    const std::string signature = peer.receive(10).value_or("");
    REQUIRE(signature.size() == 10);
    const std::string sent = captured("zmtp2", "peer_in");
    REQUIRE(peer.send(sent.substr(0, 10)));
    expect_bytes(peer, captured("zmtp2", "out_after_signature"));
    REQUIRE(peer.send(sent.substr(10, 1)));
    expect_bytes(peer, captured("zmtp2", "out_after_revision_socket_type"));
    REQUIRE(peer.send(sent.substr(11)));
    expect_bytes(peer, captured("zmtp2", "out_after_peer_type_identity_frame"));
    REQUIRE(send_to(ours, {"x", "yy"}));
    expect_bytes(peer, captured("zmtp2", "out_message_x_yy"));
    REQUIRE(peer.send(captured("zmtp2", "out_message_x_yy")));
    CHECK(receive_from(ours) == parts{"x", "yy"});
    CHECK(ours.peers().front().routing_id == "abc");
}
