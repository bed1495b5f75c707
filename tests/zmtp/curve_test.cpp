// SPDX-License-Identifier: MPL-2.0

// CURVE against recorded sessions of libzmq, and against every change of a byte.

#include "curve_rig.hpp"
#include "session_rig.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string_view>

using namespace slk;
using namespace slk::zmtp;
using namespace slk::testing;

namespace {

byte_view data_of(const bytes& frame, std::size_t name)
{
    const header_view seen = read_header(frame, {});
    return byte_view(frame).subspan(seen.frame.header + name);
}

byte_view body_of(const bytes& frame)
{
    return data_of(frame, 0);
}

std::string opened(curve_peer& by, const bytes& frame)
{
    const byte_view body = body_of(frame);
    bytes text(body.size() - curve_message_overhead + 1);
    if (by.open_frame(text.data(), body))
        return "refused";
    return to_hex(text);
}

bytes sealed(curve_peer& by, std::string_view body, bool more = false, bool command = false)
{
    bytes frame(sealed_frame_size(body.size()));
    std::byte* const to = by.begin_frame(frame.data(), more, command, body.size());
    std::ranges::copy(testing::bytes_of(body), to);
    by.end_frame(to, body.size());
    return frame;
}

constexpr std::size_t hello_name = 6, welcome_name = 8, initiate_name = 9, ready_name = 6;

} // namespace

TEST_CASE("a short box has the stream that libsodium makes for a long one")
{
    if (!has_curve())
        return;
    scripted_entropy entropy;
    for (std::size_t size = 0; size <= 300; ++size) {
        CAPTURE(size);
        curve_key key{};
        entropy.fill(key);
        bytes text(size), opened(size), number_bytes(8), box(curve_mac_size + size);
        entropy.fill(text);
        entropy.fill(number_bytes);
        const auto number = load<std::uint64_t>(number_bytes.data());
        std::ranges::copy(text, box.begin() + curve_mac_size);
        crypto::seal(box.data(), size, number, key);
        // These two take the stream of libsodium, whatever the size.
        CHECK(crypto::is_authentic(box, number, key));
        crypto::decrypt(opened.data(), byte_view(box).subspan(curve_mac_size), 0, number, key);
        CHECK((opened == text));
        std::ranges::fill(opened, std::byte{});
        CHECK(crypto::open(opened.data(), box, number, key));
        CHECK((opened == text));
    }
}

TEST_CASE("a CURVE client repeats a recorded session with libzmq's server")
{
    if (!know_the_sources() || !has_curve())
        return;
    const auto recorded = [](const char* name) -> const bytes& {
        return vector_of("curve_server", name);
    };
    scripted_entropy entropy;
    entropy.next = recorded("ct");
    curve_settings settings;
    settings.own_public = key_of(recorded("C"));
    settings.own_secret = recorded("c");
    settings.server = key_of(recorded("S"));
    settings.entropy = &entropy;
    auto begun = curve_peer::begin(settings);
    REQUIRE(begun);
    curve_peer& client = **begun;
    CHECK(to_hex(client.output()) == to_hex(recorded("hello_c")));
    client.output_sent();
    const own_metadata own{.type = socket_type::dealer, .identity = "CLI", .application = {}};
    REQUIRE(client.take_welcome(data_of(recorded("welcome_s"), welcome_name), own));
    // Its vouch has a random nonce; the rest of the frame's size and cookie are the recorded ones.
    CHECK(client.output().size() == recorded("initiate_c").size());
    CHECK(std::ranges::equal(client.output().first(9 + 9 + 96),
                             byte_view(recorded("initiate_c")).first(9 + 9 + 96)));
    client.output_sent();
    REQUIRE(client.take_ready(data_of(recorded("ready_s"), ready_name)));
    CHECK(to_hex(client.metadata()) == to_hex(recorded("ready_plaintext")));
    CHECK(to_hex(sealed(client, "hello")) == to_hex(recorded("message_c1")));
    CHECK(opened(client, recorded("message_s1")) == to_hex(testing::bytes_of("\1part1")));
    CHECK(opened(client, recorded("message_s1")) == "refused"); // a second time
    CHECK(opened(client, recorded("message_s2")) ==
          to_hex(testing::bytes_of(std::string_view("\0part2", 6))));
    CHECK(to_hex(sealed(client, std::string_view("\4PING\0\0ctx", 10), false, true)) ==
          to_hex(recorded("ping_c")));
    CHECK(opened(client, recorded("pong_s")) == to_hex(testing::bytes_of("\2\4PONGctx")));
}

TEST_CASE("a CURVE server repeats a recorded session with libzmq's client")
{
    if (!know_the_sources() || !has_curve())
        return;
    const auto recorded = [](const char* name) -> const bytes& {
        return vector_of("curve_client", name);
    };
    // The recorded cookie is opened with its key and its number.
    const byte_view initiate = data_of(recorded("initiate_c"), initiate_name);
    scripted_entropy entropy;
    entropy.next = bytes(16) + recorded("st") + recorded("cookie_key");
    const auto cookies = curve_cookies::create(entropy, load<std::uint64_t>(initiate.data()) - 1);
    curve_settings settings;
    settings.own_public = key_of(recorded("S"));
    settings.own_secret = recorded("s");
    settings.cookies = cookies.get();
    settings.entropy = &entropy;
    auto accepted =
        curve_peer::accept(settings, data_of(recorded("hello_c"), hello_name), handshake_time);
    REQUIRE(accepted);
    curve_peer& server = **accepted;
    CHECK(server.output().size() == recorded("welcome_s").size());
    server.output_sent();
    REQUIRE(server.take_initiate(initiate, handshake_time));
    CHECK(to_hex(server.client_key()) == to_hex(recorded("C")));
    CHECK(text_of(server.metadata()).find("DEALER") != std::string_view::npos);
    const own_metadata own{.type = socket_type::dealer, .identity = {}, .application = {}};
    bytes ready(curve_peer::ready_frame_size(own));
    writer out(ready.data());
    server.write_ready_frame(out, own);
    CHECK(ready.size() == recorded("ready_s").size());
    CHECK(opened(server, recorded("message_c1")) ==
          to_hex(testing::bytes_of(std::string_view("\0hi", 3))));
    CHECK(to_hex(sealed(server, "yo")) == to_hex(recorded("message_s1")));
    CHECK(opened(server, recorded("message_c2_230z")) ==
          to_hex(bytes(1) + bytes(230, std::byte{'z'})));
}

TEST_CASE("no byte of a CURVE handshake or of a message can be changed")
{
    if (!has_curve())
        return;
    const curve_rig rig;
    // What each side has sent when the commands before are what they were.
    for (int step = 0; step < 5; ++step) {
        curve_pair good(rig);
        REQUIRE(good.run(step, {}));
        const std::size_t size = good.last.size();
        // The header and the name are the session's, but for MESSAGE.
        const std::size_t names[] = {hello_name, welcome_name, initiate_name, ready_name, 0};
        const std::size_t begin =
            read_header(good.last, {}).frame.header + names[static_cast<std::size_t>(step)];
        for (std::size_t place = begin; place < size; ++place) {
            // Nobody reads the padding of HELLO.
            if (step == 0 && place >= 2 + 8 && place < 2 + 80)
                continue;
            curve_pair changed(rig);
            CHECK_MESSAGE(!changed.run(step, place), "step ", step, ", byte ", place);
        }
    }
}

TEST_CASE("a CURVE peer opens nothing before it has keys, and a server has them before READY")
{
    if (!has_curve())
        return;
    // Its place for keys would be zeros.
    bytes forged(curve_message_overhead + 1);
    std::ranges::copy(testing::bytes_of("\7MESSAGE"), forged.begin());
    writer(forged.data() + 8).number(1'000);
    crypto::seal(forged.data() + 16, 2, 1'000, curve_key{});
    bytes text(2);
    const curve_rig rig;
    for (int step = 0; step < 4; ++step) {
        CAPTURE(step);
        curve_pair pair(rig);
        REQUIRE(pair.run(step, {}));
        CHECK(pair.client->has_traffic_keys() == (step == 3));
        CHECK(pair.server->has_traffic_keys() == (step >= 2));
        for (const auto* const each : {&pair.client, &pair.server}) {
            CHECK((*each)->open_frame(text.data(), forged) == errc::protocol_error);
            CHECK((*each)->check_frame(forged) == errc::protocol_error);
        }
    }
}

TEST_CASE("a CURVE server refuses a cookie of another connection, and one that is too old")
{
    if (!has_curve())
        return;
    const curve_rig rig;
    curve_pair one(rig), other(rig);
    REQUIRE(one.run(2, {}));
    REQUIRE(other.run(1, {}));
    // A recorded handshake is sent again: its HELLO is good, its INITIATE is not.
    auto again = curve_peer::accept(rig.server(), data_of(one.hello, hello_name), handshake_time);
    REQUIRE(again);
    (*again)->output_sent();
    const auto refused =
        (*again)->take_initiate(data_of(one.initiate, initiate_name), handshake_time);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::authentication_refused);

    curve_pair late(rig);
    late.initiate_at = handshake_time + 2 * curve_cookies::lifetime + std::chrono::seconds(1);
    CHECK_FALSE(late.run(2, {}));
    curve_pair in_time(rig);
    in_time.initiate_at = late.initiate_at + curve_cookies::lifetime * 3 / 2;
    in_time.hello_at = late.initiate_at + std::chrono::seconds(1);
    CHECK(in_time.run(2, {}));
}

TEST_CASE("a CURVE message of any size is opened as it was sealed, also in parts")
{
    if (!has_curve())
        return;
    const curve_rig rig;
    curve_pair pair(rig);
    REQUIRE(pair.run(3, {}));
    for (std::size_t size = 0; size < 700; size += size < 300 ? 1 : 37) {
        std::string text(size, 'x');
        for (std::size_t index = 0; index < size; ++index)
            text[index] = static_cast<char>(index * 7);
        const bytes frame = sealed(*pair.client, text, true);
        CHECK(opened(*pair.server, frame) ==
              to_hex(bytes(1, std::byte{1}) + testing::bytes_of(text)));
        const bytes next = sealed(*pair.client, text);
        const byte_view body = body_of(next);
        REQUIRE_FALSE(pair.server->check_frame(body));
        bytes parts(size + 1);
        for (std::size_t from = 0; from < parts.size();) {
            const std::size_t part = std::min<std::size_t>(parts.size() - from, 1 + from % 130);
            pair.server->open_part(parts.data() + from, body, from, part);
            from += part;
        }
        CHECK(to_hex(parts) == to_hex(bytes(1) + testing::bytes_of(text)));
    }
}

TEST_CASE("a CURVE client whose server closes after HELLO is told what that may mean")
{
    if (!has_curve())
        return;
    const curve_rig rig;
    session_options options = options_of(socket_type::dealer);
    options.security = mechanism::curve;
    options.curve = &rig.client();
    session one(options);
    one.start(handshake_time);
    (void)one.receive(handshake_time, greeting_from(mechanism::curve));
    CHECK(one.state() == session_state::awaiting_welcome);
    one.ended(handshake_time);
    CHECK(one.failure().code == errc::end_of_stream);
    CHECK(std::string_view(one.failure().detail).ends_with("it may have another key"));
}
