// SPDX-License-Identifier: MPL-2.0

// The memory of an idle peer, as the C library counts it.

#include "interop_rig.hpp"
#include "support/sanitized.hpp"
#include "support/skip.hpp"

#include <malloc.h>

using namespace slk;
using namespace slk::testing;

namespace {

constexpr std::size_t max_idle_bytes = 4096;

std::size_t bytes_in_use()
{
    const struct mallinfo2 now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
}

/// Peers that have connected and sent one message.
std::vector<raw_peer> connect_peers(const std::string& where, std::size_t count)
{
    std::vector<raw_peer> all;
    all.reserve(count);
    for (std::size_t number = 0; number < count; ++number) {
        raw_peer& peer = all.emplace_back(where);
        REQUIRE(peer.send(zmtp_greeting() + zmtp_ready("DEALER") + std::string("\0\5hello", 7)));
    }
    return all;
}

} // namespace

TEST_CASE("an idle peer uses at most 4 KiB")
{
    if (address_sanitized)
        SLK_SKIP("the address sanitizer has its own allocator");
    constexpr std::size_t count = 200;
    auto in = new_context();
    auto ours = new_socket<router>(in);
    const auto bound = ours.bind(any_tcp);
    REQUIRE(bound);
    const std::string& where = *bound;
    const auto receive_all = [&] {
        for (std::size_t number = 0; number < count; ++number) {
            peer_id from;
            message got;
            REQUIRE(ours.receive(from, got, test_timeout));
            REQUIRE(got.text() == "hello");
        }
        // All peers must be ready, so that only their memory makes the difference.
        REQUIRE(until([&] { return ours.peers().size() >= count; }));
    };
    const auto first = connect_peers(where, count);
    receive_all();
    const std::size_t before = bytes_in_use();
    const auto second = connect_peers(where, count);
    receive_all();
    const std::size_t each = (bytes_in_use() - before) / count;
    CAPTURE(each);
    CHECK(each <= max_idle_bytes);
    CHECK(each > 1000); // the peers were counted
}

TEST_CASE("an idle subscriber uses at most 4 KiB")
{
    if (address_sanitized)
        SLK_SKIP("the address sanitizer has its own allocator");
    constexpr std::size_t count = 256; // an index grows by so many peers
    auto in = new_context();
    auto ours = new_socket<pub>(in);
    const std::string where = must(ours.bind(any_tcp));
    const auto connect = [&](std::size_t all) {
        std::vector<raw_peer> peers;
        for (std::size_t number = 0; number < count; ++number) {
            raw_peer& peer = peers.emplace_back(where);
            REQUIRE(peer.send(zmtp_greeting() + zmtp_ready("SUB") + std::string("\0\6\1topic", 8)));
        }
        must(ours.wait_subscribers("topic", all, test_timeout));
        // A message has gone out, and its memory is given back.
        must(ours.send("topic 1"));
        for (raw_peer& peer : peers)
            REQUIRE(until([&] { return peer.receive_some().ends_with("topic 1"); }));
        return peers;
    };
    const auto first = connect(count);
    const std::size_t before = bytes_in_use();
    const auto second = connect(2 * count);
    const std::size_t each = (bytes_in_use() - before) / count;
    CAPTURE(each);
    CHECK(each <= max_idle_bytes);
    CHECK(each > 1000); // the peers were counted
}
