// SPDX-License-Identifier: MPL-2.0

// The arrivals and the output of a session do not depend on where its stream is cut.

#include "session_rig.hpp"
#include "support/skip.hpp"

#include <serverlink/random.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace slk;
using namespace slk::zmtp;
using namespace slk::testing;

namespace {

struct golden {
    const char* name;
    session_options options; ///< of the side that receives it
    bytes stream;
    const char* arrived;
};

std::vector<golden> golden_sessions()
{
    const auto captured = [](const char* name) { return vector_of("sessions", name); };
    const auto plain = [](const char* name) { return vector_of("plain", name); };
    session_options old = options_of(socket_type::dealer, "me");
    old.accept_2_0 = true;
    session_options staged = options_of(socket_type::rep);
    staged.accept_2_0 = true;
    session_options small = options_of(socket_type::router);
    small.large_body = 4;
    return {
        {"req_to_rep", options_of(socket_type::rep), captured("req_to_rep"),
         "ready 3.1 REQ \nframe+ \nframe ping\n"},
        {"req_to_rep, staged", staged, captured("req_to_rep"),
         "ready 3.1 REQ \nframe+ \nframe ping\n"},
        {"rep_to_req", options_of(socket_type::req), captured("rep_to_req"),
         "ready 3.1 REP \nframe+ \nframe+ pong\nframe 2\n"},
        {"sub_to_pub", options_of(socket_type::pub), captured("sub_to_pub"),
         "ready 3.1 SUB \nsubscribe k\ncancel k\n"},
        {"pub_to_sub", options_of(socket_type::sub), captured("pub_to_sub"),
         "ready 3.1 PUB \nframe+ k1\nframe v\n"},
        {"dealer_to_router", options_of(socket_type::router), captured("dealer_to_router"),
         "ready 3.1 DEALER dlr\nframe to router\n"},
        {"dealer_to_router, in parts", small, captured("dealer_to_router"),
         "ready 3.1 DEALER dlr\nframe to router\n"},
        {"router_to_dealer", options_of(socket_type::dealer), captured("router_to_dealer"),
         "ready 3.1 ROUTER \nframe back\n"},
        {"PLAIN client to server", plain_options(socket_type::dealer, true),
         vector_of("greeting", "plain_client") + plain("s_hello_in") + plain("s_initiate_in"),
         "authenticate admin secret\nready 3.1 DEALER \n"},
        {"PLAIN server to client", plain_options(socket_type::dealer, false),
         vector_of("greeting", "plain_server") + plain("s_welcome_out") + plain("s_ready_out"),
         "ready 3.1 DEALER srvid\n"},
        {"PLAIN refusal", plain_options(socket_type::dealer, false),
         vector_of("greeting", "plain_server") + plain("s_error400_out_corrupt"),
         "failed: handshake: authentication_refused (native 400): refused by the peer\n"},
        {"ZMTP 2.0", old, vector_of("zmtp2", "peer_in") + vector_of("zmtp2", "out_message_x_yy"),
         "ready 2.0 ROUTER abc\nframe+ x\nframe yy\n"},
    };
}

void check_same(const golden& one, const fuzz::conversation& whole,
                const std::vector<std::size_t>& cuts)
{
    const fuzz::conversation cut = fuzz::drive(one.options, one.stream, cuts);
    REQUIRE(cut.broken == nullptr);
    REQUIRE(cut.events == whole.events);
    REQUIRE(to_hex(cut.sent) == to_hex(whole.sent));
    REQUIRE(cut.state == whole.state);
}

} // namespace

TEST_CASE("the golden sessions arrive in full, in one piece and byte by byte")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    for (const golden& one : golden_sessions()) {
        INFO(std::string(one.name));
        const fuzz::conversation whole = fuzz::drive(one.options, one.stream, {});
        CHECK(whole.broken == nullptr);
        CHECK(whole.events == one.arrived);
        check_same(one, whole, fuzz::every_byte(one.stream.size()));
    }
}

TEST_CASE("the golden sessions are the same for every cut in two")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    for (const golden& one : golden_sessions()) {
        INFO(std::string(one.name));
        const fuzz::conversation whole = fuzz::drive(one.options, one.stream, {});
        for (std::size_t at = 0; at <= one.stream.size(); ++at)
            check_same(one, whole, {at});
    }
}

TEST_CASE("the golden sessions are the same for random cuts in three")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    random_stream random(11);
    for (const golden& one : golden_sessions()) {
        INFO(std::string(one.name));
        const fuzz::conversation whole = fuzz::drive(one.options, one.stream, {});
        for (int round = 0; round < 500; ++round) {
            std::vector<std::size_t> cuts{scale(random.next(), one.stream.size()),
                                          scale(random.next(), one.stream.size())};
            std::ranges::sort(cuts);
            check_same(one, whole, cuts);
        }
    }
}

TEST_CASE("a session answers a captured peer with the bytes that its partner was captured with")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    // Greeting and READY; the rest is the application's.
    const auto check_answer = [](const session_options& options, const char* in, const char* out) {
        const bytes sent = fuzz::drive(options, vector_of("sessions", in), {}).sent;
        bytes expected = vector_of("sessions", out);
        REQUIRE(expected.size() >= sent.size());
        expected.resize(sent.size());
        expected[8] = std::byte{1}; // the size of libzmq's routing id + 1, which no peer reads
        CHECK(to_hex(sent) == to_hex(expected));
    };
    check_answer(options_of(socket_type::req), "rep_to_req", "req_to_rep");
    check_answer(options_of(socket_type::rep), "req_to_rep", "rep_to_req");
    check_answer(options_of(socket_type::sub), "pub_to_sub", "sub_to_pub");
    check_answer(options_of(socket_type::pub), "sub_to_pub", "pub_to_sub");
    check_answer(options_of(socket_type::dealer, "dlr"), "router_to_dealer", "dealer_to_router");
    check_answer(options_of(socket_type::router), "dealer_to_router", "router_to_dealer");
}
