// SPDX-License-Identifier: MPL-2.0

// Chunks, the blocks that they lie in, and cursors.

#include "allocations.hpp"
#include "lane/cursor.hpp"
#include "lane_rig.hpp"

using namespace slk;
using namespace slk::testing;
using slk::lane::chunk;
using slk::lane::cursor;
using slk::lane::extent;

namespace {

std::shared_ptr<block_pool> make_pool()
{
    return std::make_shared<block_pool>(lane::small_block, 4);
}

void add_body(chunk& to, std::uint32_t at, const message& body)
{
    auto* const owner = message_detail::access::owner_of(body);
    owner->retain();
    to.at(to.set_externals++) = {at, body.data(), body.size(), owner};
}

} // namespace

TEST_CASE("what is secret is overwritten when its chunk is given back")
{
    for (const bool is_secret : {false, true}) {
        CAPTURE(is_secret);
        lane::chunk_pools pools;
        // The memory of the pools may be that of the other round.
        const std::string password(60, is_secret ? 's' : 'p');
        {
            lane::lane through;
            REQUIRE(through.open(pools));
            put(through, "before ");
            (void)through.publish(1);
            // In two chunks.
            put(through, std::string(150, '-'));
            put(through, password);
            put(through, password);
            if (is_secret)
                through.mark_secret();
            (void)through.publish(1);
            CHECK(take(through).ends_with(password + password));
        }
        int seen = 0;
        for (const auto& home : {pools.small, pools.large}) {
            const void* const block = home->take();
            REQUIRE(block != nullptr);
            const std::string_view all(static_cast<const char*>(block), home->block_size());
            seen += all.find(password) != std::string_view::npos ? 1 : 0;
            home->give_back(const_cast<void*>(block));
        }
        CHECK((seen > 0) == !is_secret);
    }
}

TEST_CASE("published() returns the extent that was published, up to the largest numbers")
{
    chunk* const one = chunk::create(make_pool(), 2);
    REQUIRE(one != nullptr);
    CHECK(one->published() == extent{});
    for (const extent& what :
         {extent{1, 0, false}, extent{0, 1, false}, extent{0, 0, true}, extent{70, 30, true},
          extent{UINT32_MAX, 0, false}, extent{0, 0x7fff'ffff, false},
          extent{UINT32_MAX, 0x7fff'ffff, true}}) {
        one->publish(what);
        CHECK(one->published() == what);
        one->publish({});
        one->publish_quietly(what);
        CHECK(one->published() == what);
    }
    one->release();
}

TEST_CASE("the bytes and the externals of a chunk fill its block, and do not overlap")
{
    const auto pool = make_pool();
    for (const std::uint32_t externals : {0u, 2u, 5u}) {
        chunk* const one = chunk::create(pool, externals);
        REQUIRE(one != nullptr);
        CHECK(one->max_externals() == externals);
        const auto* const begin = reinterpret_cast<const std::byte*>(one);
        CHECK(one->bytes() + one->capacity() == begin + lane::small_block);
        const auto* const behind =
            externals > 0 ? reinterpret_cast<const std::byte*>(&one->at(externals - 1) + 1)
                          : begin + sizeof(chunk);
        CHECK(one->bytes() == behind);
        one->release();
    }
}

TEST_CASE("the end of a chunk releases the bodies that were not taken, once")
{
    lent_memory first("first"), second("second"), taken("taken");
    chunk* const one = chunk::create(make_pool(), 3);
    REQUIRE(one != nullptr);
    add_body(*one, 0, first.lend());
    add_body(*one, 0, taken.lend());
    add_body(*one, 0, second.lend());
    std::exchange(one->at(1).owner, nullptr)->release();
    CHECK(taken.is_back());
    one->retain();
    one->release();
    CHECK_FALSE(first.is_back());
    one->release();
    CHECK(first.is_back());
    CHECK(second.is_back());
    CHECK(taken.is_back());
}

TEST_CASE("a chunk keeps its pool alive")
{
    auto pool = make_pool();
    chunk* const one = chunk::create(pool, 0);
    REQUIRE(one != nullptr);
    pool.reset();
    std::memset(one->bytes(), 1, one->capacity());
    one->release();
}

TEST_CASE("a block is used again, and memory is allocated only if the pool has none")
{
    const auto pool = make_pool();
    chunk* const first = chunk::create(pool, 0);
    chunk* const second = chunk::create(pool, 0);
    first->release();
    second->release();
    const std::uint64_t before = allocations();
    CHECK(chunk::create(pool, 2) == second);
    CHECK(chunk::create(pool, 2) == first);
    CHECK(allocations() == before);
    chunk* const third = chunk::create(pool, 2);
    CHECK(allocations() == before + 1);
    for (chunk* const each : {first, second, third})
        each->release();
}

TEST_CASE("a pool keeps the number of blocks that it was made for, and frees others")
{
    const auto pool = make_pool();
    std::vector<void*> taken(6);
    for (void*& each : taken)
        each = pool->take();
    for (void* const each : taken)
        pool->give_back(each);
    const std::uint64_t before = allocations();
    for (void*& each : taken)
        each = pool->take();
    CHECK(allocations() == before + 2);
    for (void* const each : taken)
        pool->give_back(each);
}

TEST_CASE("without memory there is no chunk, unless the pool has kept a block")
{
    const auto pool = make_pool();
    chunk* const kept = chunk::create(pool, 0);
    {
        const scarce_memory none(0);
        CHECK(chunk::create(pool, 0) == nullptr);
    }
    kept->release();
    const scarce_memory none(0);
    chunk* const again = chunk::create(pool, 0);
    REQUIRE(again != nullptr);
    again->release();
}

TEST_CASE("a cursor stops at a body, inside it, and behind it")
{
    lent_memory body("body"), last("last");
    chunk* const one = chunk::create(make_pool(), 2);
    REQUIRE(one != nullptr);
    std::memcpy(one->bytes(), "abcdef", 6);
    add_body(*one, 2, body.lend());
    add_body(*one, 6, last.lend());
    cursor at(one);
    CHECK(at.run().empty());
    CHECK(at.here() == nullptr);

    one->publish({6, 2, false});
    CHECK(text_of(at.run()) == "ab");
    CHECK(at.here() == nullptr);
    at.skip_bytes(1);
    CHECK(text_of(at.run()) == "b");
    at.skip_bytes(1);
    CHECK(at.run().empty());
    REQUIRE(at.here() == &one->at(0));
    at.skip_inside(3);
    CHECK(at.inside() == 3);
    CHECK(at.here() == &one->at(0));
    at.skip_inside(1);
    CHECK(at.inside() == 0);
    CHECK(at.here() == nullptr);
    CHECK(text_of(at.run()) == "cdef");
    at.skip_bytes(4);
    CHECK(at.run().empty());
    REQUIRE(at.here() == &one->at(1));
    CHECK(at.leave() == nullptr);
    at.skip_external();
    CHECK(at.here() == nullptr);
    CHECK(at.leave() == nullptr);
    one->release();
    CHECK(body.is_back());
    CHECK(last.is_back());
}

TEST_CASE("a cursor leaves a chunk when all of it was read and the chunk is final")
{
    const auto pool = make_pool();
    chunk* const one = chunk::create(pool, 0);
    chunk* const two = chunk::create(pool, 0);
    std::memcpy(one->bytes(), "abcd", 4);
    one->publish({2, 0, false});
    cursor at(one);
    CHECK(text_of(at.run()) == "ab");
    at.skip_bytes(2);
    CHECK(at.leave() == nullptr);
    // More was published together with the end.
    one->next = two;
    one->publish({4, 0, true});
    CHECK(at.leave() == nullptr);
    CHECK(text_of(at.run()) == "cd");
    at.skip_bytes(1);
    CHECK(at.leave() == nullptr);
    at.skip_bytes(1);
    CHECK(at.run().empty());
    CHECK(at.leave() == one);
    CHECK(at.at() == two);
    CHECK(at.same_place(cursor(two)));
    CHECK_FALSE(at.same_place(cursor(one)));
    one->release();
    two->release();
}
