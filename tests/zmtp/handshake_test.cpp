// SPDX-License-Identifier: MPL-2.0

// From the first byte to ready, or to the reason of the failure.

#include "session_rig.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::zmtp;
using namespace slk::testing;

namespace {

const bytes welcome = from_hex("04 08 07 57 45 4c 43 4f 4d 45");
const bytes hello = from_hex("04 13 05 48 45 4c 4c 4f 05 61 64 6d 69 6e 06 73 65 63 72 65 74");
const bytes error_400 = from_hex("04 0a 05 45 52 52 4f 52 03 34 30 30");
const bytes corrupt_error_400 = from_hex("04 09 5e 52 52 4f 52 03 34 30 30");

const bytes error_id_taken = from_hex("04 0f 05 45 52 52 4f 52 08 69 64 20 74 61 6b 65 6e");
const bytes error_has_peer = from_hex("04 11 05 45 52 52 4f 52 0a 68 61 73 20 61 20 70 65 65 72");

bytes initiate(socket_type type)
{
    return metadata_from(type, {}, command_name::initiate);
}

void check_failed(const session_options& options, const bytes& stream, errc code,
                  std::string_view words, const fuzz::owner& by = {})
{
    const fuzz::conversation result = drive_both(options, stream, by);
    CHECK(result.broken == nullptr);
    CHECK(result.state == session_state::failed);
    CHECK(result.failure.code == code);
    CHECK(result.failure.phase == phase::handshake);
    REQUIRE(result.failure.detail != nullptr);
    CHECK_MESSAGE(std::string_view(result.failure.detail).find(words) != std::string_view::npos,
                  std::string(result.failure.detail));
}

} // namespace

TEST_CASE("two sessions of NULL become ready by each other's bytes")
{
    const bytes peer = null_peer(socket_type::router);
    const fuzz::conversation result = drive_both(options_of(socket_type::dealer, "dlr"), peer);
    CHECK(result.broken == nullptr);
    CHECK(result.events == "ready 3.1 ROUTER \n");
    CHECK(to_hex(result.sent) ==
          to_hex(greeting_from(mechanism::null) + metadata_from(socket_type::dealer, "dlr")));
}

TEST_CASE("a greeting is sent before anything has arrived, whole or its first ten bytes")
{
    session_options options = options_of(socket_type::pair);
    CHECK(fuzz::drive(options, {}, {}).sent.size() == greeting_size);
    options.accept_2_0 = true;
    CHECK(fuzz::drive(options, {}, {}).sent.size() == signature_size);
    const bytes peer = greeting_from(mechanism::null);
    for (std::size_t size = 0; size < greeting_size; ++size) {
        const std::size_t expected = size < signature_size ? signature_size
                                     : size < major_size   ? major_size
                                                           : greeting_size;
        CHECK(fuzz::drive(options, byte_view(peer).first(size), {}).sent.size() == expected);
    }
}

TEST_CASE("a 3.0 peer gets version 3.0")
{
    const auto result = drive_both(options_of(socket_type::sub), null_peer(socket_type::pub, 0));
    CHECK(result.events == "ready 3.0 PUB \n");
}

TEST_CASE("a client and a server of PLAIN go through all four steps, in libzmq's bytes")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    const auto plain = [](const char* name) -> const bytes& { return vector_of("plain", name); };
    const bytes server =
        vector_of("greeting", "plain_server") + plain("s_welcome_in") + plain("s_ready_out");
    const auto client = drive_both(plain_options(socket_type::dealer, false), server);
    CHECK(client.broken == nullptr);
    CHECK(client.events == "ready 3.1 DEALER srvid\n");
    CHECK(to_hex(client.sent) == to_hex(vector_of("greeting", "plain_client") +
                                        plain("c_hello_out") + plain("c_initiate_out")));

    session_options options = plain_options(socket_type::dealer, true);
    options.metadata.identity = "srvid";
    const bytes stream =
        vector_of("greeting", "plain_client") + plain("s_hello_in") + plain("s_initiate_in");
    const auto served = drive_both(options, stream);
    CHECK(served.broken == nullptr);
    CHECK(served.events == "authenticate admin secret\nready 3.1 DEALER \n");
    const greeting_bytes own = make_greeting(mechanism::plain, true);
    CHECK(to_hex(served.sent) ==
          to_hex(bytes(own.begin(), own.end()) + plain("s_welcome_out") + plain("s_ready_out")));
}

TEST_CASE("a refused PLAIN client gets libzmq's ERROR with the status, and nothing with 300")
{
    const bytes client = greeting_from(mechanism::plain) + hello;
    for (const int status : {300, 400, 500, 404}) {
        fuzz::owner by;
        by.status = status;
        const auto result = drive_both(plain_options(socket_type::rep, true), client, by);
        CHECK(result.state == session_state::failed);
        CHECK(result.failure.code == errc::authentication_refused);
        CHECK(result.failure.native == status);
        const std::string answer = to_hex(byte_view(result.sent).subspan(greeting_size));
        if (status == 300)
            CHECK(answer.empty());
        else if (status == 400)
            CHECK(answer == "04 09 5e 52 52 4f 52 03 34 30 30");
        else
            CHECK(answer == "04 09 5e 52 52 4f 52 03 35 30 30");
    }
}

TEST_CASE("a refused client gets the reason, in both spellings and at both steps")
{
    const bytes greeted = greeting_from(mechanism::plain);
    for (const bytes& refusal : {error_400, corrupt_error_400}) {
        for (const bytes& before : {greeted, greeted + welcome}) {
            const auto result =
                drive_both(plain_options(socket_type::req, false), before + refusal);
            CHECK(result.failure.code == errc::authentication_refused);
            CHECK(result.failure.native == 400);
            CHECK(result.failure.phase == phase::handshake);
        }
    }
    const auto null =
        drive_both(options_of(socket_type::req),
                   greeting_from(mechanism::null) + from_hex("04 08 05 45 52 52 4f 52 01 78"));
    CHECK(null.failure.code == errc::authentication_refused);
    CHECK(null.failure.native == 0);
}

TEST_CASE("an old peer is recognised, and refused with its reason")
{
    const bytes old = greeting_from(mechanism::null);
    const bytes two = bytes(old.begin(), old.begin() + 10) + from_hex("01");
    session_options agreeable = options_of(socket_type::dealer);
    agreeable.accept_2_0 = true;
    session_options plain = plain_options(socket_type::dealer, false);
    plain.accept_2_0 = true;
    check_failed(agreeable, from_hex("01 00"), errc::protocol_error, "1.0");
    check_failed(agreeable, from_hex("ff 00 00 00 00 00 00 00 01 00"), errc::protocol_error, "1.0");
    check_failed(options_of(socket_type::dealer), two, errc::protocol_error, "accept_2_0 is off");
    check_failed(plain, two, errc::protocol_error, "no PLAIN");
    check_failed(plain_options(socket_type::dealer, true), two, errc::protocol_error, "no PLAIN");
    if (!know_the_sources())
        return;
    check_failed(agreeable, vector_of("zmtp1", "peer_in_anonymous_identity"), errc::protocol_error,
                 "1.0");
}

TEST_CASE("with a 2.0 peer the bytes are libzmq's")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    const auto captured = [](const char* name) -> const bytes& { return vector_of("zmtp2", name); };
    session_options options = options_of(socket_type::dealer, "me");
    options.accept_2_0 = true;
    const auto result = drive_both(options, captured("peer_in") + captured("out_message_x_yy") +
                                                from_hex("04 00") + ping_frame);
    CHECK(result.broken == nullptr);
    CHECK(result.state == session_state::ready);
    CHECK(result.events == "ready 2.0 ROUTER abc\nframe+ x\nframe yy\n");
    // libzmq's padding is the size of its routing id + 1, which no peer reads; ours is 1.
    bytes expected = captured("out_on_connect") + captured("out_after_signature") +
                     captured("out_after_revision_socket_type") +
                     captured("out_after_peer_type_identity_frame");
    expected[8] = std::byte{1};
    CHECK(to_hex(result.sent) == to_hex(expected));
}

TEST_CASE("a 2.0 peer's type and identity are checked")
{
    session_options options = options_of(socket_type::dealer);
    options.accept_2_0 = true;
    const bytes old = greeting_from(mechanism::null);
    const bytes two = bytes(old.begin(), old.begin() + 10) + from_hex("01");
    CHECK(drive_both(options, two + from_hex("06 00 00")).events == "ready 2.0 ROUTER \n");
    CHECK(drive_both(options, two + from_hex("06 02 00 00 00 00 00 00 00 01 61")).events ==
          "ready 2.0 ROUTER a\n");
    check_failed(options, two + from_hex("0b 00 00"), errc::protocol_error, "unknown socket type");
    check_failed(options, two + from_hex("02 00 00"), errc::protocol_error, "does not suit");
    check_failed(options, two + from_hex("06 01 00"), errc::protocol_error, "identity");
    check_failed(options, two + from_hex("06 04 00"), errc::protocol_error, "identity");
    check_failed(options, two + from_hex("06 02 00 00 00 00 00 00 01 00"), errc::protocol_error,
                 "identity");
    check_failed(options, two + from_hex("06 00 01 00"), errc::protocol_error, "zero byte");
}

TEST_CASE("another mechanism is refused")
{
    check_failed(options_of(socket_type::pair), greeting_from(mechanism::plain),
                 errc::protocol_error, "mechanism");
    check_failed(plain_options(socket_type::pair, true), greeting_from(mechanism::null),
                 errc::protocol_error, "mechanism");
    if (!know_the_sources())
        return;
    for (const char* other : {"curve_client", "curve_server"})
        check_failed(plain_options(socket_type::pair, false), vector_of("greeting", other),
                     errc::protocol_error, "mechanism");
}

TEST_CASE("a command out of turn ends the handshake")
{
    const bytes null = greeting_from(mechanism::null);
    const bytes plain = greeting_from(mechanism::plain);
    const session_options pair = options_of(socket_type::pair);
    const session_options client = plain_options(socket_type::pair, false);
    const session_options server = plain_options(socket_type::pair, true);
    const bytes ready = metadata_from(socket_type::pair);
    for (const bytes& wrong : {hello, welcome, initiate(socket_type::pair), ping_frame})
        check_failed(pair, null + wrong, errc::protocol_error, "no place");
    for (const bytes& wrong : {hello, ready, initiate(socket_type::pair), ping_frame})
        check_failed(client, plain + wrong, errc::protocol_error, "no place");
    for (const bytes& wrong : {hello, welcome, ping_frame})
        check_failed(client, plain + welcome + wrong, errc::protocol_error, "no place");
    for (const bytes& wrong : {welcome, ready, initiate(socket_type::pair), error_400, ping_frame})
        check_failed(server, plain + wrong, errc::protocol_error, "no place");
    for (const bytes& wrong : {hello, welcome, ready, error_400, ping_frame})
        check_failed(server, plain + hello + wrong, errc::protocol_error, "no place");
}

TEST_CASE(
    "with NULL the owner may decide before READY is sent, and refuses with an ERROR spelled well")
{
    session_options options = options_of(socket_type::pair);
    options.ask_with_null = true;
    const bytes peer = null_peer(socket_type::pair);
    for (const int status : {200, 300, 400}) {
        fuzz::owner by;
        by.status = status;
        const auto result = drive_both(options, peer, by);
        const std::string answer = to_hex(byte_view(result.sent).subspan(greeting_size));
        if (status == 200) {
            CHECK(result.state == session_state::ready);
            CHECK(answer == to_hex(metadata_from(socket_type::pair)));
        } else {
            CHECK(result.failure.code == errc::authentication_refused);
            CHECK(answer == (status == 300 ? "" : "04 0a 05 45 52 52 4f 52 03 34 30 30"));
        }
    }
    // The peer need not wait for the decision, nor does the owner have to make it at once.
    session slow(options);
    slow.start({});
    const arrival asked = slow.receive({}, peer);
    REQUIRE(asked.kind == arrival_kind::authenticate);
    const byte_view rest = byte_view(peer).subspan(asked.consumed);
    const arrival early = slow.receive({}, rest);
    CHECK(early.kind == arrival_kind::need);
    CHECK(early.consumed == 0);
    slow.accept({});
    CHECK(slow.receive({}, rest).kind == arrival_kind::ready);
    // A peer without a decision is not accepted.
    options.accept_2_0 = true;
    const bytes old = greeting_from(mechanism::null);
    check_failed(options, bytes(old.begin(), old.begin() + 10) + from_hex("01"),
                 errc::protocol_error, "no authentication");
}

TEST_CASE("NULL holds READY back until the owner has admitted the peer, and else sends an ERROR")
{
    session_options options = options_of(socket_type::router);
    options.ask_about_peer = options.ready_last = true;
    const bytes greeting = greeting_from(mechanism::null);
    CHECK(drive_both(options, greeting).sent.size() == greeting_size);
    const bytes peer = greeting + metadata_from(socket_type::dealer, "me");
    const auto admitted = drive_both(options, peer);
    CHECK(admitted.broken == nullptr);
    CHECK(admitted.events == "ready 3.1 DEALER me\n");
    const auto answer = [](const fuzz::conversation& of) {
        return to_hex(byte_view(of.sent).subspan(greeting_size));
    };
    CHECK(answer(admitted) == to_hex(metadata_from(socket_type::router)));

    fuzz::owner by;
    by.rejects = rejection::id_taken;
    const auto rejected = drive_both(options, peer, by);
    CHECK(rejected.broken == nullptr);
    CHECK(rejected.state == session_state::failed);
    CHECK(rejected.failure.code == errc::rejected);
    CHECK(answer(rejected) == to_hex(error_id_taken));
    by.silently = true;
    CHECK(answer(drive_both(options, peer, by)).empty());
    by = {};
    by.rejects = rejection::has_peer;
    CHECK(answer(drive_both(options, peer, by)) == to_hex(error_has_peer));
}

TEST_CASE("a side whose READY does not come last sends no ERROR behind it")
{
    session_options options = options_of(socket_type::router);
    options.ask_about_peer = true;
    fuzz::owner by;
    by.rejects = rejection::id_taken;
    const auto result = drive_both(options, null_peer(socket_type::dealer), by);
    CHECK(result.failure.code == errc::rejected);
    CHECK(to_hex(byte_view(result.sent).subspan(greeting_size)) ==
          to_hex(metadata_from(socket_type::router)));
}

TEST_CASE("a PLAIN server asks about the peer after INITIATE, before READY")
{
    session_options options = plain_options(socket_type::router, true);
    options.ask_about_peer = true;
    const bytes client = greeting_from(mechanism::plain) + hello + initiate(socket_type::dealer);
    const auto admitted = drive_both(options, client);
    CHECK(admitted.state == session_state::ready);
    CHECK(to_hex(byte_view(admitted.sent).subspan(greeting_size)) ==
          to_hex(welcome + metadata_from(socket_type::router)));
    fuzz::owner by;
    by.rejects = rejection::id_taken;
    const auto rejected = drive_both(options, client, by);
    CHECK(rejected.failure.code == errc::rejected);
    const bytes corrupt_error = from_hex("04 0e 5e 52 52 4f 52 08 69 64 20 74 61 6b 65 6e");
    CHECK(to_hex(byte_view(rejected.sent).subspan(greeting_size)) ==
          to_hex(welcome + corrupt_error));
}

TEST_CASE("a 2.0 peer that the owner does not take is disconnected")
{
    session_options options = options_of(socket_type::router);
    options.ask_about_peer = options.ready_last = options.accept_2_0 = true;
    const bytes old = greeting_from(mechanism::null);
    const bytes peer = bytes(old.begin(), old.begin() + 10) + from_hex("01 05 00 02 6d 65");
    CHECK(drive_both(options, peer).events == "ready 2.0 DEALER me\n");
    fuzz::owner by;
    by.rejects = rejection::id_taken;
    const auto rejected = drive_both(options, peer, by);
    CHECK(rejected.failure.code == errc::rejected);
    CHECK(rejected.sent == drive_both(options, peer).sent);
}

TEST_CASE("a peer that is rejected is told why, and knows it from a refused password")
{
    const bytes greeting = greeting_from(mechanism::null);
    for (const bytes& told : {error_id_taken, error_has_peer}) {
        const auto result = drive_both(options_of(socket_type::dealer), greeting + told);
        CHECK(result.failure.code == errc::rejected);
        CHECK(result.failure.detail != nullptr);
    }
}

TEST_CASE("the decision about a peer may come later")
{
    session_options options = options_of(socket_type::router);
    options.ask_about_peer = options.ready_last = true;
    const bytes peer = null_peer(socket_type::dealer) + frame_from(0, "early");
    session slow(options);
    slow.start({});
    const arrival asked = slow.receive({}, peer);
    REQUIRE(asked.kind == arrival_kind::admit);
    const byte_view rest = byte_view(peer).subspan(asked.consumed);
    const arrival early = slow.receive({}, rest);
    CHECK(early.kind == arrival_kind::need);
    CHECK(early.consumed == 0);
    slow.accept({});
    CHECK(slow.receive({}, rest).kind == arrival_kind::messages);
}

TEST_CASE("a client that does not wait for WELCOME is refused while the owner still decides")
{
    const session_options options = plain_options(socket_type::pair, true);
    session server(options);
    const bytes stream = greeting_from(mechanism::plain) + hello + initiate(socket_type::pair);
    server.start({});
    const arrival asked = server.receive({}, stream);
    REQUIRE(asked.kind == arrival_kind::authenticate);
    const arrival early = server.receive({}, byte_view(stream).subspan(asked.consumed));
    CHECK(early.kind == arrival_kind::failed);
    CHECK(server.failure().code == errc::protocol_error);
    server.accept({});
    CHECK(server.state() == session_state::failed);
}

TEST_CASE("a malformed command ends the handshake")
{
    const session_options pair = options_of(socket_type::pair);
    const bytes null = greeting_from(mechanism::null);
    const bytes plain = greeting_from(mechanism::plain);
    check_failed(pair, null + from_hex("00 05 52 45 41 44 59"), errc::protocol_error, "message");
    check_failed(pair, null + from_hex("04 00"), errc::protocol_error, "shorter than its name");
    check_failed(pair, null + from_hex("04 02 05 52"), errc::protocol_error,
                 "shorter than its name");
    check_failed(pair, null + from_hex("04 07 05 52 45 41 44 59 00"), errc::protocol_error,
                 "cut off");
    check_failed(pair, null_peer(socket_type::pub), errc::protocol_error, "suit");
    check_failed(plain_options(socket_type::pair, true),
                 plain + from_hex("04 08 05 48 45 4c 4c 4f 00 01"), errc::protocol_error, "HELLO");
    check_failed(plain_options(socket_type::pair, false),
                 plain + from_hex("04 09 07 57 45 4c 43 4f 4d 45 00"), errc::protocol_error,
                 "WELCOME");
    check_failed(plain_options(socket_type::pair, false),
                 plain + from_hex("04 08 05 45 52 52 4f 52 02 34"), errc::protocol_error, "ERROR");
    check_failed(plain_options(socket_type::pair, true), plain + hello + initiate(socket_type::pub),
                 errc::protocol_error, "suit");
}

TEST_CASE("a handshake is refused by its size alone")
{
    session_options options = options_of(socket_type::pair);
    const bytes ready = metadata_from(socket_type::pair);
    options.max_handshake_size = ready.size();
    CHECK(drive_both(options, null_peer(socket_type::pair)).events == "ready 3.1 PAIR \n");
    options.max_handshake_size = ready.size() - 1;
    check_failed(options, null_peer(socket_type::pair), errc::message_too_large,
                 "max_handshake_size");
    // The header is enough; no byte of the body has to arrive.
    check_failed(options_of(socket_type::pair),
                 greeting_from(mechanism::null) + from_hex("06 00 00 00 00 00 01 00 00"),
                 errc::message_too_large, "max_handshake_size");
    check_failed(options_of(socket_type::pair),
                 greeting_from(mechanism::null) + from_hex("06 80 00 00 00 00 00 00 00"),
                 errc::protocol_error, "2^63");
    // All steps of the peer count together.
    session_options server = plain_options(socket_type::pair, true);
    server.max_handshake_size = hello.size() + initiate(socket_type::pair).size() - 1;
    check_failed(server, greeting_from(mechanism::plain) + hello + initiate(socket_type::pair),
                 errc::message_too_large, "max_handshake_size");
}

TEST_CASE("metadata that is too large is refused, by its header if that is enough")
{
    session_options options = options_of(socket_type::pair);
    const bytes ready = metadata_from(socket_type::pair);
    constexpr std::size_t before = 2 + 6; // the header, and the name of the command
    options.max_metadata_size = ready.size() - before;
    CHECK(drive_both(options, null_peer(socket_type::pair)).events == "ready 3.1 PAIR \n");
    options.max_metadata_size = ready.size() - before - 1;
    check_failed(options, null_peer(socket_type::pair), errc::message_too_large,
                 "max_metadata_size");
    // 8192 bytes, and "INITIATE" with its length.
    check_failed(options_of(socket_type::pair),
                 greeting_from(mechanism::null) + from_hex("06 00 00 00 00 00 00 20 0a"),
                 errc::message_too_large, "max_metadata_size");
    session_options server = plain_options(socket_type::pair, true);
    server.max_metadata_size = initiate(socket_type::pair).size() - (2 + 9) - 1;
    check_failed(server, greeting_from(mechanism::plain) + hello + initiate(socket_type::pair),
                 errc::message_too_large, "max_metadata_size");
}

TEST_CASE("the limits of messages do not concern the handshake")
{
    session_options options = options_of(socket_type::pair);
    options.limits = {.message = 1, .command = 1};
    CHECK(drive_both(options, null_peer(socket_type::pair)).state == session_state::ready);
}
