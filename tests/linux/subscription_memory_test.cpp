// SPDX-License-Identifier: MPL-2.0

// The memory of a million subscriptions, as the C library counts it.

#include "pattern/subscription_index.hpp"

#include "support/sanitized.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

#include <malloc.h>

#include <string>
#include <vector>

using namespace slk;
using namespace slk::pattern;

namespace {

struct anybody final : peer {};

std::size_t memory_in_use()
{
    const struct mallinfo2 now = ::mallinfo2();
    return now.uordblks + now.hblkhd;
}

topic_view topic_of(const std::string& text)
{
    return std::as_bytes(std::span(text.data(), text.size()));
}

} // namespace

TEST_CASE("a million subscriptions of a thousand peers take at most 100 bytes each")
{
    if (testing::slow_build)
        SLK_SKIP("the sanitizers have their own allocators");
    constexpr std::size_t count = 1'000'000, peer_count = 1000;
    std::vector<anybody> peers(peer_count);
    for (const bool alike : {false, true}) { // do the peers have the same topics
        CAPTURE(alike);
        const std::size_t before = memory_in_use();
        {
            subscription_index index(7);
            std::vector<std::uint32_t> numbers;
            for (anybody& each : peers)
                numbers.push_back(index.add_peer(each));
            for (std::size_t at = 0; at < count; ++at) {
                const std::string text = "topic." + std::to_string(alike ? at / peer_count : at);
                REQUIRE(index.subscribe(numbers[at % peer_count], topic_of(text), {}));
            }
            CHECK(index.size() == count);
            const std::size_t each = (memory_in_use() - before) / count;
            CAPTURE(each);
            CHECK(each <= 100);
            CHECK(each > 20); // they were counted
            std::size_t matched = 0;
            index.match(topic_of("topic.999 and more"), [&](peer&) { ++matched; });
            CHECK(matched == (alike ? peer_count : 3)); // topic.9, .99 and .999
            for (const std::uint32_t number : numbers)
                index.remove_peer(number);
            CHECK(index.size() == 0);
        }
        CHECK(memory_in_use() <= before + 100'000);
    }
}
