// SPDX-License-Identifier: MPL-2.0

// What a lane counts in the budget of memory, and that it gives all of it back.

#include "lane_rig.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

constexpr std::uint64_t limit = 10 * lane::large_block;

struct counted_lane {
    counted_lane() { REQUIRE(at->open(pools)); }

    /// One message that fills a large chunk.
    void put_chunk()
    {
        put(*at, std::string(lane::lane::max_reserve - 100, 'x'));
        (void)at->publish(1);
    }

    std::shared_ptr<memory_budget> budget = std::make_shared<memory_budget>(limit);
    lane::chunk_pools pools{budget};
    std::unique_ptr<lane::lane> at = std::make_unique<lane::lane>();
};

} // namespace

TEST_CASE("a lane counts its large chunks and its bodies until they are taken")
{
    counted_lane one;
    put(*one.at, "small");
    (void)one.at->publish(1);
    CHECK(one.budget->used() == 0);
    one.put_chunk();
    one.put_chunk();
    // The one that is written into does not count.
    CHECK(one.budget->used() == lane::large_block);
    one.put_chunk();
    CHECK(one.budget->used() == 2 * lane::large_block);
    lent_memory body(std::string(5000, 'b'));
    put(*one.at, "(", body.lend());
    CHECK(one.budget->used() >= 2 * lane::large_block + 5000);
    (void)one.at->publish(1);
    (void)take(*one.at);
    CHECK(one.budget->used() == 0);
    CHECK(body.is_back());
    one.at.reset();
    CHECK(one.budget->used() == 0);
}

TEST_CASE("a lane gives back what was not read, and what was not published")
{
    for (const bool discards : {false, true}) {
        counted_lane one;
        lent_memory body(std::string(5000, 'b'));
        for (int round = 0; round < 3; ++round) {
            one.put_chunk();
            put(*one.at, "(", body.lend());
            (void)one.at->publish(1);
        }
        const std::uint64_t published = one.budget->used();
        put(*one.at, std::string(60'000, 'u'));
        for (int round = 0; round < 40; ++round)
            put(*one.at, "(", body.lend());
        put(*one.at, std::string(60'000, 'u'));
        CHECK(one.at->unpublished_bytes() == 120'000 + 40 * 5001);
        CHECK(one.budget->used() >= published + 40 * 5000 + lane::large_block);
        if (discards) {
            one.at->discard_unpublished();
            // A chunk that was begun with nothing in it stays.
            CHECK(one.budget->used() <= published + lane::large_block);
            CHECK(one.at->unpublished_bytes() == 0);
        }
        one.at.reset();
        CHECK(one.budget->used() == 0);
        CHECK(body.is_back());
    }
}

TEST_CASE("a chunk that is written into again counts no longer")
{
    counted_lane one;
    one.put_chunk();
    put(*one.at, std::string(60'000, 'u'));
    put(*one.at, std::string(60'000, 'u'));
    CHECK(one.budget->used() >= lane::large_block);
    one.at->discard_unpublished();
    (void)take(*one.at);
    for (int round = 0; round < 3; ++round) {
        one.put_chunk();
        (void)take(*one.at);
        CHECK(one.budget->used() == 0);
    }
}

TEST_CASE("when the budget is used up, a lane has room for one message while it is empty")
{
    counted_lane one;
    (void)one.budget->add(limit);
    // It learns of that when it takes memory itself.
    put(*one.at, "small");
    (void)one.at->publish(1);
    CHECK(one.at->has_memory());
    one.put_chunk();
    CHECK(one.at->has_memory());
    one.put_chunk();
    CHECK(one.at->is_short_of_memory());
    CHECK_FALSE(one.at->has_memory());
    CHECK(one.at->producer_must_wait(0));
    (void)take(*one.at);
    CHECK(one.at->consume(3, true));
    CHECK(one.at->has_memory());
    CHECK_FALSE(one.at->has_memory(1));
    CHECK_FALSE(one.at->producer_must_wait(0));
    put(*one.at, "one");
    (void)one.at->publish(1);
    CHECK_FALSE(one.at->has_memory());
    // Elsewhere some was given back.
    one.budget->remove(limit);
    CHECK(one.at->has_memory());
    CHECK_FALSE(one.at->is_short_of_memory());
}

TEST_CASE("a lane without a budget counts nothing")
{
    open_lane one;
    lent_memory body(std::string(5000, 'b'));
    for (int round = 0; round < 100; ++round) {
        put(one.lane, std::string(60'000, 'x'), body.lend());
        (void)one.lane.publish(1);
        CHECK(one.lane.has_memory());
    }
}
