// SPDX-License-Identifier: MPL-2.0

// A lane: publishing, bodies, chunks, credit, and waiting.

#include "allocations.hpp"
#include "lane_rig.hpp"

using namespace slk;
using namespace slk::testing;

TEST_CASE("bytes are read in order, and not before they are published")
{
    open_lane at;
    put(at.lane, "one ");
    put(at.lane, "two ");
    CHECK(at.lane.has_unpublished());
    CHECK_FALSE(at.lane.readable());
    CHECK(at.lane.publish(2));
    CHECK_FALSE(at.lane.has_unpublished());
    put(at.lane, "hidden");
    CHECK(take(at.lane) == "one two ");
    CHECK(at.lane.publish(1) == false);
    CHECK(take(at.lane) == "hidden");
    CHECK(at.lane.produced() == 3);
}

TEST_CASE("bytes that span several chunks become readable together")
{
    for (const bool something_before : {false, true}) {
        open_lane at;
        std::string all;
        if (something_before) {
            put(at.lane, "before");
            CHECK(at.lane.publish(1));
            CHECK(take(at.lane) == "before");
        }
        for (const char byte : {'a', 'b', 'c', 'd'}) {
            const std::string part(60'000, byte);
            put(at.lane, part);
            all += part;
            CHECK(at.lane.has_unpublished());
            REQUIRE_FALSE(at.lane.readable());
        }
        (void)at.lane.publish(1);
        CHECK((take(at.lane) == all));
        CHECK_FALSE(at.lane.readable());
        put(at.lane, "behind");
        (void)at.lane.publish(1);
        CHECK(take(at.lane) == "behind");
    }
}

TEST_CASE("a body is read at the place where it was spliced, in any chunk")
{
    open_lane at;
    lent_memory body("<body>");
    std::string expected;
    for (int index = 0; index < 100; ++index) {
        put(at.lane, "(" + std::to_string(index), body.lend());
        put(at.lane, ")");
        expected += "(" + std::to_string(index) + "<body>)";
    }
    CHECK_FALSE(at.lane.readable());
    (void)at.lane.publish(1);
    CHECK(body.released() == 0);
    CHECK(take(at.lane) == expected);
    CHECK(body.is_back());
}

TEST_CASE("reserve() gives room in one piece up to its limit, however full the chunk is")
{
    open_lane at;
    for (const std::size_t size : {lane::lane::max_reserve, std::size_t{1}, std::size_t{0},
                                   lane::lane::max_reserve, lane::lane::max_reserve}) {
        std::byte* const to = at.lane.reserve(size, true);
        REQUIRE(to != nullptr);
        REQUIRE(at.lane.rest().size() >= size);
        CHECK(at.lane.can_splice());
        std::memset(to, 'x', size);
        at.lane.commit(size);
    }
    (void)at.lane.publish(1);
    CHECK(take(at.lane).size() == 3 * lane::lane::max_reserve + 1);
}

TEST_CASE("an idle lane has a small chunk, and another small one follows while few messages wait")
{
    open_lane at;
    CHECK(at.lane.rest().size() < lane::small_block);
    for (int index = 0; index < 100; ++index) {
        put(at.lane, std::string(100, 'x'));
        (void)at.lane.publish(1);
        CHECK(take(at.lane).size() == 100);
        (void)at.lane.consume(1, true);
        REQUIRE(at.lane.rest().size() < lane::small_block);
    }
    // Many messages wait: the next chunk is large.
    for (int index = 0; index < 20; ++index) {
        put(at.lane, std::string(100, 'x'));
        (void)at.lane.publish(1);
    }
    CHECK(at.lane.rest().size() > lane::small_block);
}

TEST_CASE("grow() copies bytes that were not committed into the new chunk")
{
    open_lane at;
    put(at.lane, "whole ");
    for (const bool published : {true, false}) {
        if (published)
            (void)at.lane.publish(1);
        std::memcpy(at.lane.rest().data(), "carried", 7);
        REQUIRE(at.lane.grow(20'000, at.lane.rest().first(7)));
        CHECK(at.lane.rest().size() >= 20'000);
        at.lane.commit(7);
    }
    (void)at.lane.publish(1);
    CHECK(take(at.lane) == "whole carriedcarried");
    // A caller that knows of more gets a large chunk.
    REQUIRE(at.lane.grow(10));
    CHECK(at.lane.rest().size() < lane::small_block);
    REQUIRE(at.lane.grow(10, {}, true));
    CHECK(at.lane.rest().size() > lane::small_block);
}

TEST_CASE("discarded bytes are never read, and their bodies are released")
{
    open_lane at;
    lent_memory kept("kept"), lost("lost");
    put(at.lane, "a", kept.lend());
    (void)at.lane.publish(1);
    SUBCASE("in one chunk")
    {
        put(at.lane, "b", lost.lend());
        put(at.lane, "c");
    }
    SUBCASE("in several chunks")
    {
        for (int index = 0; index < 100; ++index) {
            put(at.lane, "b", lost.lend());
            put(at.lane, std::string(5000, 'c'));
        }
    }
    SUBCASE("in a chunk that has nothing else")
    {
        put(at.lane, std::string(20'000, 'c'), lost.lend());
    }
    SUBCASE("behind a chunk that had ended before")
    {
        REQUIRE(at.lane.grow(10));
        put(at.lane, "b", lost.lend());
    }
    SUBCASE("nothing") {}
    at.lane.discard_unpublished();
    CHECK_FALSE(at.lane.has_unpublished());
    CHECK(lost.is_back());
    CHECK(kept.released() == 0);

    put(at.lane, "d", kept.lend());
    (void)at.lane.publish(1);
    CHECK(take(at.lane) == "akeptdkept");
    CHECK(kept.is_back());
    CHECK(lost.is_back());

    // The same again, before several chunks.
    put(at.lane, "e", lost.lend());
    at.lane.discard_unpublished();
    const std::string large(50'000, 'f');
    put(at.lane, large);
    put(at.lane, large);
    (void)at.lane.publish(1);
    CHECK((take(at.lane) == large + large));
    CHECK(lost.is_back());
}

TEST_CASE("the end of a lane releases all bodies that are in it")
{
    lent_memory published("published"), open("open"), taken("taken");
    {
        open_lane at;
        put(at.lane, "a", taken.lend());
        (void)at.lane.publish(1);
        (void)take(at.lane);
        for (int index = 0; index < 50; ++index)
            put(at.lane, "b", published.lend());
        (void)at.lane.publish(1);
        for (int index = 0; index < 50; ++index)
            put(at.lane, std::string(1000, 'c'), open.lend());
        CHECK(published.released() == 0);
    }
    CHECK(taken.is_back());
    CHECK(published.is_back());
    CHECK(open.is_back());
}

TEST_CASE("without memory nothing is written, and the lane works again when there is some")
{
    lane::chunk_pools pools;
    lane::lane closed;
    {
        const scarce_memory none(0);
        CHECK_FALSE(closed.open(pools));
    }
    open_lane at;
    put(at.lane, "before");
    {
        const scarce_memory none(0);
        CHECK(at.lane.reserve(5000) == nullptr);
        CHECK_FALSE(at.lane.grow(5000));
        CHECK(at.lane.reserve(10) != nullptr);
    }
    put(at.lane, std::string(5000, 'x'));
    {
        const scarce_memory none(0);
        CHECK(at.lane.reserve(lane::lane::max_reserve) == nullptr);
    }
    (void)at.lane.publish(1);
    CHECK(take(at.lane) == "before" + std::string(5000, 'x'));
}

TEST_CASE("credit is exact for every mark")
{
    for (const std::uint64_t mark : {1u, 2u, 3u, 10u}) {
        open_lane at;
        for (std::uint64_t waiting = 0; waiting < mark; ++waiting) {
            CHECK(at.lane.credit(mark) == mark - waiting);
            put(at.lane, "m");
            (void)at.lane.publish(1);
        }
        CHECK(at.lane.credit(mark) == 0);
        // Each message that the consumer is done with gives credit for another one.
        for (std::uint64_t done = 0; done < 3 * mark; ++done) {
            (void)at.lane.consume(1, done % 2 == 0);
            CHECK(at.lane.consumed_by_now() == done + 1);
            CHECK(at.lane.credit(mark) == 1);
            put(at.lane, "m");
            (void)at.lane.publish(1);
            CHECK(at.lane.credit(mark) == 0);
        }
        (void)at.lane.consume(mark, true);
        CHECK(at.lane.credit(mark) == mark);
    }
}

TEST_CASE("a mark of 0 is no limit, and marks may change")
{
    open_lane at;
    CHECK(at.lane.credit(0) == UINT64_MAX);
    (void)at.lane.publish(1'000'000);
    CHECK(at.lane.credit(0) == UINT64_MAX);
    CHECK_FALSE(at.lane.producer_must_wait(0));
    CHECK(at.lane.credit(10) == 0);
    CHECK(at.lane.credit(1'000'000) == 0);
    CHECK(at.lane.credit(1'000'001) == 1);
    (void)at.lane.consume(999'995, true);
    CHECK(at.lane.credit(10) == 5);
    CHECK(at.lane.credit(5) == 0);
    CHECK(at.lane.credit(UINT64_MAX) == UINT64_MAX - 5);
}

TEST_CASE("the producer notifies a consumer that waits, once, and no other")
{
    open_lane at;
    // In the beginning the consumer waits.
    put(at.lane, "a");
    CHECK(at.lane.publish(1));
    put(at.lane, "b");
    CHECK_FALSE(at.lane.publish(1));
    CHECK_FALSE(at.lane.consumer_must_wait());
    put(at.lane, "c");
    CHECK_FALSE(at.lane.publish(1));
    CHECK(take(at.lane) == "abc");
    CHECK(at.lane.consumer_must_wait());
    put(at.lane, "d");
    CHECK(at.lane.publish(1));
    put(at.lane, std::string(50'000, 'e'));
    put(at.lane, std::string(50'000, 'e'));
    CHECK_FALSE(at.lane.publish(1));
    (void)take(at.lane);
    CHECK(at.lane.consumer_must_wait());
    put(at.lane, std::string(50'000, 'f'));
    put(at.lane, std::string(50'000, 'f'));
    CHECK(at.lane.publish(1));
}

TEST_CASE("a consumer that looks notifies a producer that waits, once")
{
    open_lane at;
    put(at.lane, "abc");
    (void)at.lane.publish(3);
    CHECK_FALSE(at.lane.producer_must_wait(4));
    CHECK_FALSE(at.lane.consume(0, true));
    CHECK(at.lane.producer_must_wait(3));
    CHECK_FALSE(at.lane.consume(1, false));
    CHECK_FALSE(at.lane.producer_must_wait(3));
    (void)at.lane.publish(1);
    CHECK(at.lane.producer_must_wait(3));
    CHECK(at.lane.consume(1, true));
    CHECK_FALSE(at.lane.consume(1, true));
    // A producer that asks for a notice gets it, with credit and without.
    at.lane.request_notice();
    CHECK(at.lane.consume(0, true));
    CHECK_FALSE(at.lane.consume(0, true));
}

TEST_CASE("chunks that were read are used again, with short queues and long ones")
{
    constexpr std::size_t size = 60;
    constexpr std::size_t total = 4 * lane::large_block;
    for (const std::size_t waiting : {1u, 3u, 1000u}) {
        open_lane at;
        std::uint64_t before = 0;
        for (const bool warm : {false, true}) {
            if (warm)
                before = allocations();
            for (std::size_t bytes = 0; bytes < total; bytes += waiting * size) {
                for (std::size_t index = 0; index < waiting; ++index) {
                    std::memset(at.lane.reserve(size), 'x', size);
                    at.lane.commit(size);
                    (void)at.lane.publish(1);
                }
                while (at.lane.readable()) {
                    at.lane.head().skip_bytes(size);
                    (void)at.lane.consume(1, true);
                }
            }
        }
        CHECK(allocations() == before);
    }
}

TEST_CASE("use() makes later chunks come from other pools")
{
    lane::chunk_pools other;
    {
        open_lane at;
        at.lane.use(other);
        put(at.lane, std::string(2000, 'x'));
        (void)at.lane.publish(1);
        CHECK(take(at.lane).size() == 2000);
        REQUIRE(at.lane.grow(10));
        CHECK_FALSE(at.lane.readable());
    }
    // Both blocks were given back to their pools.
    const std::uint64_t before = allocations();
    for (const auto& pool : {other.small, other.large})
        pool->give_back(pool->take());
    CHECK(allocations() == before);
}

TEST_CASE("credit in bytes counts all bytes and bodies between the two sides")
{
    open_lane at;
    lent_memory body(std::string(50'000, 'b'));
    const std::string text(30'000, 't');
    CHECK(at.lane.byte_credit(0) == UINT64_MAX);
    CHECK(at.lane.byte_credit(1) == 1);
    std::uint64_t waiting = 0;
    for (int number = 0; number < 100; ++number) {
        put(at.lane, text);
        put(at.lane, "with", body.lend());
        CHECK(at.lane.byte_credit(10) == 1);
        (void)at.lane.publish(1);
        waiting = 80'004;
        CHECK(at.lane.byte_credit(waiting) == 0);
        CHECK(at.lane.byte_credit(waiting + 7) == 7);
        CHECK(at.lane.producer_must_wait(0, waiting));
        CHECK(take(at.lane).size() == waiting);
        at.lane.update_consumed_bytes();
        CHECK(at.lane.byte_credit(waiting) == waiting);
        CHECK(at.lane.consume(1, true));
        CHECK_FALSE(at.lane.producer_must_wait(0, waiting));
    }
    // Bytes that were not published count, and discarded ones do not.
    put(at.lane, text);
    put(at.lane, text);
    put(at.lane, text);
    CHECK(at.lane.byte_credit(90'001) == 1);
    CHECK(at.lane.byte_credit(90'000) == 1);
    CHECK(at.lane.byte_credit(90'000, 1) == 0);
    at.lane.discard_unpublished();
    CHECK(at.lane.byte_credit(90'000) == 90'000);
}
