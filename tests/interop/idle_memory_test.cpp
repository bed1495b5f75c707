// SPDX-License-Identifier: MPL-2.0

// What a peer costs while nothing is said, by the C library's own count.

#include "interop_rig.hpp"
#include "support/skip.hpp"

#include <malloc.h>

using namespace slk;
using namespace slk::testing;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool counts_memory = false;
#else
constexpr bool counts_memory = true;
#endif

std::size_t bytes_in_use()
{
    const struct mallinfo2 now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
}

/// Those who have come, and have said one thing.
std::vector<raw_peer> guests(const std::string& where, std::size_t count)
{
    std::vector<raw_peer> all;
    all.reserve(count);
    for (std::size_t number = 0; number < count; ++number) {
        raw_peer& guest = all.emplace_back(where);
        REQUIRE(guest.send(zmtp_greeting() + zmtp_ready("DEALER") + std::string("\0\5hello", 7)));
    }
    return all;
}

} // namespace

TEST_CASE("a peer that is connected and idle costs at most 4 KiB")
{
    if (!counts_memory)
        SLK_SKIP("the sanitizer has an allocator of its own");
    constexpr std::size_t count = 200;
    auto in = new_context();
    auto ours = new_socket<router>(in);
    const auto bound = ours.bind(any_tcp);
    REQUIRE(bound);
    const std::string& where = *bound;
    const auto hear = [&] {
        for (std::size_t number = 0; number < count; ++number) {
            peer_id from;
            message said;
            REQUIRE(ours.receive(from, said, timeout(std::chrono::seconds(20))));
            REQUIRE(said.text() == "hello");
        }
        // So that nothing but what belongs to a peer makes the difference.
        REQUIRE(until([&] { return ours.peers().size() >= count; }));
    };
    const auto first = guests(where, count);
    hear();
    const std::size_t before = bytes_in_use();
    const auto second = guests(where, count);
    hear();
    const std::size_t each = (bytes_in_use() - before) / count;
    CAPTURE(each);
    CHECK(each <= 4096);
    CHECK(each > 1000); // they are there
}
