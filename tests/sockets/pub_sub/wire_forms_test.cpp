// SPDX-License-Identifier: MPL-2.0

// Subscriptions on the wire, as peers of ZMTP 3.1 and 3.0 get them and send them (the vectors of
// the protocol, written out here).

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"
#include "support/stream_peer.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

const std::string subscribe_abc_3_1("\4\15\11SUBSCRIBEabc");
const std::string cancel_abc_3_1("\4\12\6CANCELabc");
const std::string subscribe_all_3_1("\4\12\11SUBSCRIBE");
const std::string subscribe_abc_3_0("\0\4\1abc", 6);
const std::string cancel_abc_3_0("\0\4\0abc", 6);
const std::string subscribe_all_3_0("\0\1\1", 3);

/// Shakes hands as a peer of 3.0 does.
bool shake_hands_3_0(stream_peer& peer, std::string_view type)
{
    return peer.send(zmtp_3_0_greeting() + zmtp_ready(type)) &&
           peer.run_until([&] { return peer.received().find("READY") != std::string::npos; });
}

} // namespace

TEST_CASE("a SUB sends its subscriptions in the form of the peer's version, in their order")
{
    for (const bool is_3_1 : {true, false}) {
        CAPTURE(is_3_1);
        auto in = new_context();
        auto to = new_socket<sub>(in);
        for (const char* const topic : {"pre", "aaa", "pre"})
            must(to.subscribe(topic));
        loop on = new_peer_loop();
        stream_peer peer(on, must(to.bind(any_tcp)));
        REQUIRE((is_3_1 ? peer.shake_hands("PUB") : shake_hands_3_0(peer, "PUB")));
        const std::string first = is_3_1 ? "\4\15\11SUBSCRIBEaaa\4\15\11SUBSCRIBEpre"
                                         : std::string("\0\4\1aaa\0\4\1pre", 12);
        CHECK(peer.run_until([&] { return peer.received().ends_with(first); }));
        must(to.subscribe("abc"));
        must(to.subscribe(""));
        must(to.unsubscribe("abc"));
        const std::string then = is_3_1 ? subscribe_abc_3_1 + subscribe_all_3_1 + cancel_abc_3_1
                                        : subscribe_abc_3_0 + subscribe_all_3_0 + cancel_abc_3_0;
        CHECK(peer.run_until([&] { return peer.received().ends_with(first + then); }));
    }
}

TEST_CASE("a PUB takes both forms from a peer of any version")
{
    for (const bool is_3_1 : {true, false}) {
        CAPTURE(is_3_1);
        auto in = new_context();
        auto from = new_socket<pub>(in);
        loop on = new_peer_loop();
        stream_peer peer(on, must(from.bind(any_tcp)));
        REQUIRE((is_3_1 ? peer.shake_hands("SUB") : shake_hands_3_0(peer, "SUB")));
        const auto topics = [&](std::uint32_t count) {
            return until([&] {
                const auto all = from.peers();
                return all.size() == 1 && all.front().subscriptions == count;
            });
        };
        for (const auto& [subscribe, cancel] : {std::pair{subscribe_abc_3_1, cancel_abc_3_0},
                                                std::pair{subscribe_abc_3_0, cancel_abc_3_1}}) {
            REQUIRE(peer.send(subscribe));
            CHECK(topics(1));
            must(from.send("abcd"));
            CHECK(peer.run_until(
                [&] { return peer.received().ends_with(std::string("\0\4abcd", 6)); }));
            REQUIRE(peer.send(subscribe_all_3_1 + cancel));
            must(from.wait_subscribers("x", 1, test_timeout));
            CHECK(topics(1));
            must(from.send("x"));
            CHECK(
                peer.run_until([&] { return peer.received().ends_with(std::string("\0\1x", 3)); }));
            REQUIRE(peer.send(std::string("\0\1\0", 3)));
            CHECK(topics(0));
        }
    }
}

TEST_CASE("a subscription that follows the handshake at once is not lost")
{
    auto in = new_context();
    auto from = new_socket<pub>(in);
    loop on = new_peer_loop();
    stream_peer peer(on, must(from.bind(any_tcp)));
    REQUIRE(peer.send(zmtp_greeting() + zmtp_ready("SUB") + subscribe_abc_3_1 + subscribe_abc_3_0));
    CHECK(from.wait_subscribers("abc", 1, test_timeout).has_value());
}
