// SPDX-License-Identifier: MPL-2.0

// The arrivals of a ready session.

#include "session_rig.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::zmtp;
using namespace slk::testing;

namespace {

/// The arrivals after "ready ...", from a peer of the other type.
std::string arrivals_after_ready(const session_options& options, socket_type peer,
                                 const bytes& stream, const fuzz::owner& by = {})
{
    const auto result = drive_both(options, null_peer(peer) + stream, by);
    CHECK(result.broken == nullptr);
    return result.events.substr(std::min(result.events.find('\n') + 1, result.events.size()));
}

bytes sent_after_ready(const session_options& options, socket_type peer, const bytes& stream)
{
    const std::size_t before = drive_both(options, null_peer(peer)).sent.size();
    const bytes all = drive_both(options, null_peer(peer) + stream).sent;
    return {all.begin() + static_cast<std::ptrdiff_t>(before), all.end()};
}

void check_failed(const session_options& options, socket_type peer, const bytes& stream, errc code)
{
    const auto result = drive_both(options, null_peer(peer) + stream);
    CHECK(result.broken == nullptr);
    CHECK(result.state == session_state::failed);
    CHECK(result.failure.code == code);
    CHECK(result.failure.phase == phase::transfer);
}

const bytes pong = from_hex("04 05 04 50 4f 4e 47");

} // namespace

TEST_CASE("message frames arrive as ranges of the received bytes")
{
    const session_options options = options_of(socket_type::pull);
    session receiver(options);
    receiver.start({});
    const bytes greeted = null_peer(socket_type::push);
    REQUIRE(receiver.receive({}, greeted).kind == arrival_kind::ready);
    const bytes run = frame_from(flag_more, "a") + frame_from(0, "bc") + frame_from(0, "") +
                      frame_from(flag_more, "open") + from_hex("00 09 68 61 6c 66");
    const arrival arrived = receiver.receive({}, run);
    CHECK(arrived.kind == arrival_kind::messages);
    CHECK(arrived.data.data() == run.data());
    CHECK(arrived.found.frames == 4);
    CHECK(arrived.found.messages == 2);
    CHECK(arrived.found.whole_messages == 9);
    CHECK(arrived.consumed == 15);
    const arrival rest = receiver.receive({}, byte_view(run).subspan(arrived.consumed));
    CHECK(rest.kind == arrival_kind::need);
    CHECK(rest.consumed == 0);
    CHECK(rest.need == 5);
}

TEST_CASE("commands between the frames of a message are taken out of it")
{
    const bytes stream = frame_from(flag_more, "a") + ping_frame +
                         from_hex("05 05 04 50 4f 4e 47") + frame_from(flag_more, "b") +
                         ping_frame + frame_from(0, "c");
    CHECK(arrivals_after_ready(options_of(socket_type::pull), socket_type::push, stream) ==
          "frame+ a\nframe+ b\nframe c\n");
    CHECK(to_hex(sent_after_ready(options_of(socket_type::pull), socket_type::push, stream)) ==
          to_hex(pong + pong));
}

TEST_CASE("every PING is answered, even many at once, and nothing grows")
{
    const session_options options = options_of(socket_type::pair);
    bytes stream;
    for (int count = 0; count < 50; ++count)
        stream = stream + ping_frame;
    const bytes sent = sent_after_ready(options, socket_type::pair, stream);
    CHECK(sent.size() == 50 * pong.size());

    session slow(options);
    slow.start({});
    bytes ignored(slow.pending());
    (void)slow.receive({}, null_peer(socket_type::pair));
    ignored.resize(slow.pending());
    slow.transmit(ignored);
    // Those of 100 wait to be sent.
    CHECK(slow.receive({}, stream).consumed == stream.size());
    CHECK(slow.receive({}, stream).consumed == stream.size());
    CHECK(slow.pending() == 100 * pong.size());
    const arrival arrived = slow.receive({}, stream);
    CHECK(arrived.kind == arrival_kind::flush);
    CHECK(arrived.consumed == 0);
    bytes answers(slow.pending());
    CHECK(slow.transmit(answers) == 100 * pong.size());
    CHECK(to_hex(bytes(answers.begin(), answers.begin() + 14)) == to_hex(pong + pong));
    CHECK(slow.receive({}, stream).consumed == stream.size());
    CHECK(slow.pending() == 50 * pong.size());
}

TEST_CASE("a PING with another context than that of the answer that waits has its own answer")
{
    session one(options_of(socket_type::pair));
    one.start({});
    bytes ignored(one.pending());
    (void)one.receive({}, null_peer(socket_type::pair));
    ignored.resize(one.pending());
    one.transmit(ignored);
    const bytes with_context = from_hex("04 08 04 50 49 4e 47 00 00 07");
    const arrival arrived = one.receive({}, ping_frame + with_context);
    CHECK(arrived.kind == arrival_kind::flush);
    CHECK(arrived.consumed == ping_frame.size());
    CHECK(one.pending() == pong.size());
}

TEST_CASE("pending output is written in whole pieces, as far as there is room")
{
    const session_options options = options_of(socket_type::pair);
    session one(options);
    one.start({});
    (void)one.receive({}, greeting_from(mechanism::null));
    const std::size_t all = one.pending();
    bytes out(all);
    CHECK(one.transmit(std::span(out).first(9)) == 0);
    CHECK(one.transmit(std::span(out).first(63)) == 11);
    CHECK(one.pending() == all - 11);
    CHECK(one.transmit(std::span(out).subspan(11)) == all - 11);
    CHECK(one.pending() == 0);
    CHECK(to_hex(out) == to_hex(null_peer(socket_type::pair)));
}

TEST_CASE("PINGs get libzmq's answers")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    for (const char* which : {"ttl0_noctx", "ttl0_ctx", "ctx16", "ctx20"})
        CHECK(to_hex(sent_after_ready(options_of(socket_type::pair), socket_type::pair,
                                      vector_of("heartbeat", std::string("ping_in_") + which))) ==
              to_hex(vector_of("heartbeat", std::string("pong_out_") + which)));
}

TEST_CASE("a PING of less than seven bytes is an error")
{
    const session_options options = options_of(socket_type::pair);
    check_failed(options, socket_type::pair, from_hex("04 05 04 50 49 4e 47"),
                 errc::protocol_error);
    check_failed(options, socket_type::pair, from_hex("04 06 04 50 49 4e 47 00"),
                 errc::protocol_error);
}

TEST_CASE("other commands after the handshake change nothing, even malformed ones")
{
    const bytes stream = metadata_from(socket_type::pair) +
                         from_hex("04 0a 05 45 52 52 4f 52 03 34 30 30") + from_hex("04 00") +
                         from_hex("04 02 09 41") + from_hex("04 06 04 4a 4f 49 4e 61") +
                         from_hex("04 0d 09 53 55 42 53 43 52 49 42 45 61 62 63") + pong +
                         frame_from(0, "still there");
    CHECK(arrivals_after_ready(options_of(socket_type::pair), socket_type::pair, stream) ==
          "frame still there\n");
    CHECK(sent_after_ready(options_of(socket_type::pair), socket_type::pair, stream).empty());
}

TEST_CASE("a publisher gets subscriptions in both forms, from a peer of any version")
{
    const bytes command_form = from_hex("04 0d 09 53 55 42 53 43 52 49 42 45 61 62 63") +
                               from_hex("04 0a 06 43 41 4e 43 45 4c 61 62 63") +
                               from_hex("04 0a 09 53 55 42 53 43 52 49 42 45");
    const bytes message_form = from_hex("00 04 01 61 62 63 00 04 00 61 62 63 00 01 01");
    const std::string expected = "subscribe abc\ncancel abc\nsubscribe \n";
    for (const socket_type publisher : {socket_type::pub, socket_type::xpub})
        for (const unsigned minor : {0u, 1u})
            for (const bytes& form : {command_form, message_form}) {
                const auto result =
                    drive_both(options_of(publisher), null_peer(socket_type::sub, minor) + form);
                CHECK(result.broken == nullptr);
                CHECK(result.events.ends_with(expected));
            }
    CHECK(arrivals_after_ready(options_of(socket_type::pull), socket_type::push,
                               command_form + message_form) ==
          std::string("frame \1abc\nframe \0abc\nframe \1\n", 30));
}

TEST_CASE("a publisher takes only a message of one frame for a subscription")
{
    const bytes stream = frame_from(0, "hello") + frame_from(flag_more, "\1a") +
                         frame_from(0, "\1b") + frame_from(0, "") + frame_from(0, "\1c") +
                         frame_from(0, "\2d");
    CHECK(arrivals_after_ready(options_of(socket_type::xpub), socket_type::sub, stream) ==
          "frame hello\nframe+ \1a\nframe \1b\nframe \nsubscribe c\nframe \2d\n");
}

TEST_CASE("a publisher takes a large frame for a subscription or a body by its first byte")
{
    session_options options = options_of(socket_type::xpub);
    options.large_body = 20;
    const std::string topic(30, 't');
    const std::string large(30, 'm');
    const bytes stream = frame_from(0, "\1" + topic) + frame_from(flag_more, large) +
                         frame_from(0, "\1a") + frame_from(0, large) + frame_from(0, "\1b");
    CHECK(arrivals_after_ready(options, socket_type::sub, stream) ==
          "subscribe " + topic + "\nframe+ " + large + "\nframe \1a\nframe " + large +
              "\nsubscribe b\n");
}

TEST_CASE("captured subscriptions are parsed, and the broken ones lose their topic at most")
{
    if (!know_the_sources())
        SLK_SKIP("needs SLK_SOURCE_ROOT, which meson test sets");
    const session_options options = options_of(socket_type::xpub);
    for (const auto& [name, data] : vectors_of("pubsub")) {
        INFO(name);
        const auto result = drive_both(options, null_peer(socket_type::sub) + data);
        CHECK(result.broken == nullptr);
        const bool broken =
            name.ends_with("246t") || name.ends_with("_255t") || name.ends_with("249u");
        if (!broken) {
            CHECK(result.state == session_state::ready);
            const bool cancels =
                name.find("cancel") != std::string::npos || name.ends_with("00abc");
            CHECK((result.events.find("\ncancel ") != std::string::npos) == cancels);
            CHECK((result.events.find("\nsubscribe ") != std::string::npos) == !cancels);
        }
    }
}

TEST_CASE("a large body is announced with its first bytes, and may be received elsewhere")
{
    session_options options = options_of(socket_type::pull);
    options.large_body = 1000;
    const std::string body(5000, 'b');
    const bytes stream =
        frame_from(flag_more, "a") + frame_from(flag_more, body) + frame_from(0, "z");
    const std::string expected = "frame+ a\nframe+ " + body + "\nframe z\n";
    CHECK(arrivals_after_ready(options, socket_type::push, stream) == expected);

    fuzz::owner elsewhere;
    elsewhere.bodies_elsewhere = true;
    const bytes all = null_peer(socket_type::push) + stream;
    const std::size_t header_end = null_peer(socket_type::push).size() + 3 + long_header;
    const auto result = fuzz::drive(options, all, {header_end + 10, header_end + 700}, elsewhere);
    CHECK(result.broken == nullptr);
    CHECK(result.events.ends_with("frame+ " + body.substr(0, 10) + std::string(4990, '.') +
                                  "\nframe z\n"));

    // A smaller body is awaited, and lies whole in the run.
    options.large_body = 5001;
    CHECK(arrivals_after_ready(options, socket_type::push, stream) == expected);
    CHECK(drive_both(options, all).max_kept == 0);
    CHECK(fuzz::drive(options, all, {all.size() - 4}).max_kept == long_header + 4999);
}

TEST_CASE("body_received takes no more than the rest of the body")
{
    session_options options = options_of(socket_type::pull);
    options.large_body = 10;
    session one(options);
    one.start({});
    (void)one.receive({}, null_peer(socket_type::push));
    const arrival arrived = one.receive({}, from_hex("00 64 61 62"));
    REQUIRE(arrived.kind == arrival_kind::body);
    CHECK(arrived.frame.size == 100);
    CHECK(one.body_left() == 98);
    one.body_received({}, 90);
    CHECK(one.body_left() == 8);
    one.body_received({}, 1000);
    CHECK(one.body_left() == 0);
    CHECK(one.receive({}, frame_from(0, "next")).kind == arrival_kind::messages);
}

TEST_CASE("the limits hold for each frame, by the header alone")
{
    session_options options = options_of(socket_type::xpub);
    options.limits = {.part = 100, .command = 50};
    const std::string most(100, 'm');
    CHECK(arrivals_after_ready(options, socket_type::sub,
                               frame_from(flag_more, most) + frame_from(0, most)) ==
          "frame+ " + most + "\nframe " + most + "\n");
    check_failed(options, socket_type::sub, from_hex("00 65"), errc::message_too_large);
    check_failed(options, socket_type::sub, from_hex("02 00 00 00 00 00 00 00 65"),
                 errc::message_too_large);
    check_failed(options, socket_type::sub, from_hex("04 33"), errc::message_too_large);
    check_failed(options, socket_type::sub, from_hex("02 ff ff ff ff ff ff ff ff"),
                 errc::protocol_error);
    // The message form of a subscription is kept like a command, whatever large_body is.
    for (const std::size_t large : {30u, 51u, 8192u}) {
        options.large_body = large;
        check_failed(options, socket_type::sub, from_hex("00 33 01"), errc::message_too_large);
    }
    CHECK(arrivals_after_ready(options, socket_type::sub, from_hex("00 33 02")).empty());
    options.metadata.type = socket_type::pull;
    check_failed(options, socket_type::push, frame_from(0, "ok") + from_hex("00 65"),
                 errc::message_too_large);
}

TEST_CASE("the limits of a message hold for all its frames, by the header of each")
{
    const std::string part(60, 'p');
    // A publisher looks at frames one by one; a large body is announced before it is there.
    for (const socket_type type : {socket_type::pull, socket_type::xpub})
        for (const std::size_t large_body : {10u, 8192u}) {
            session_options options = options_of(type);
            options.large_body = large_body;
            const socket_type peer =
                type == socket_type::pull ? socket_type::push : socket_type::sub;
            const auto check = [&](const bytes& stream, const char* what) {
                const auto result = drive_both(options, null_peer(peer) + stream);
                CHECK(result.broken == nullptr);
                CHECK(result.failure.code == errc::message_too_large);
                CHECK(std::string_view(result.failure.detail).find(what) != std::string_view::npos);
            };
            options.limits.message = 120;
            const bytes full = frame_from(flag_more, part) + frame_from(0, part);
            CHECK(drive_both(options, null_peer(peer) + full + full).state == session_state::ready);
            check(full + frame_from(flag_more, part) + frame_from(flag_more, part) +
                      from_hex("00 01"),
                  "max_message_size");
            check(frame_from(flag_more, part) + from_hex("02 00 00 00 00 40 00 00 00"),
                  "max_message_size");
            check(from_hex("00 79"), "max_message_size");
            options.limits = {.parts = 3};
            const bytes three =
                frame_from(flag_more, "") + frame_from(flag_more, part) + frame_from(0, "x");
            CHECK(drive_both(options, null_peer(peer) + three + three).state ==
                  session_state::ready);
            check(three + frame_from(flag_more, "") + frame_from(flag_more, part) +
                      frame_from(flag_more, "x") + from_hex("00 00"),
                  "max_message_parts");
            check(frame_from(flag_more, part) + ping_frame + frame_from(flag_more, part) +
                      ping_frame + frame_from(flag_more, part) + from_hex("00 40"),
                  "max_message_parts");
        }
}

TEST_CASE("the peer's close is a failure of the phase in which it comes")
{
    const session_options options = options_of(socket_type::pair);
    session one(options);
    one.start({});
    session two(options);
    two.start({});
    one.ended({});
    CHECK(one.failure().code == errc::end_of_stream);
    CHECK(one.failure().phase == phase::handshake);
    (void)two.receive({}, null_peer(socket_type::pair));
    two.ended({});
    CHECK(two.failure().phase == phase::transfer);
    CHECK(two.receive({}, frame_from(0, "late")).kind == arrival_kind::failed);
}

TEST_CASE("before its start a session needs nothing and sends nothing")
{
    const session_options options = options_of(socket_type::pair);
    session one(options);
    const arrival arrived = one.receive({}, null_peer(socket_type::pair));
    CHECK(arrived.kind == arrival_kind::need);
    CHECK(arrived.consumed == 0);
    CHECK(one.pending() == 0);
    CHECK(one.due() == never);
}
