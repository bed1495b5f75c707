// SPDX-License-Identifier: MPL-2.0

// The memory of large bodies: which block fits, how many are kept, and threads that give back what
// others took.

#include "base/body_pool.hpp"
#include "base/message_access.hpp"
#include "support/sanitized.hpp"
#include "support/skip.hpp"

#include <atomic>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

using namespace slk;

namespace {

constexpr std::size_t kibibyte = 1024;
constexpr std::size_t mebibyte = 1024 * kibibyte;

std::vector<body_pool::block> take_many(body_pool& pool, std::size_t count, std::size_t size)
{
    std::vector<body_pool::block> taken(count);
    for (body_pool::block& each : taken) {
        each = pool.take(size);
        REQUIRE(each.memory != nullptr);
    }
    return taken;
}

void give_back_all(body_pool& pool, const std::vector<body_pool::block>& taken)
{
    for (const body_pool::block& each : taken)
        pool.give_back(each);
}

} // namespace

TEST_CASE("a block is as large as was asked for, and not much larger than twice that")
{
    body_pool pool;
    for (std::size_t size = 1; size <= 9 * mebibyte; size += 1 + size / 7) {
        const body_pool::block taken = pool.take(size);
        REQUIRE(taken.memory != nullptr);
        CAPTURE(size);
        CHECK(taken.size >= size);
        CHECK(taken.size <= 2 * size + 4096);
        std::memset(taken.memory, 1, taken.size);
        pool.give_back(taken);
    }
}

TEST_CASE("a power of two and a header before it fit into a block of hardly more")
{
    body_pool pool;
    for (std::size_t size = 8 * kibibyte; size <= 4 * mebibyte; size *= 2) {
        const body_pool::block taken = pool.take(size + 64);
        REQUIRE(taken.memory != nullptr);
        CHECK(taken.size == size + 4096);
        pool.give_back(taken);
    }
}

TEST_CASE("the block that was given back is taken again")
{
    body_pool pool;
    const body_pool::block first = pool.take(65 * kibibyte);
    REQUIRE(first.memory != nullptr);
    CHECK(pool.kept() == 0);
    pool.give_back(first);
    CHECK(pool.kept() == first.size);
    const body_pool::block other_size = pool.take(200 * kibibyte);
    CHECK(other_size.memory != first.memory);
    const body_pool::block second = pool.take(66 * kibibyte);
    CHECK(second.memory == first.memory);
    CHECK(second.size == first.size);
    CHECK(pool.kept() == 0);
    pool.give_back(second);
    pool.give_back(other_size);
}

TEST_CASE("small and huge blocks are not kept")
{
    body_pool pool;
    for (const std::size_t size :
         {std::size_t{1}, body_pool::min_size - 1, body_pool::max_size + 1, 20 * mebibyte}) {
        const body_pool::block taken = pool.take(size);
        REQUIRE(taken.memory != nullptr);
        CHECK(taken.size == size);
        pool.give_back(taken);
        CHECK(pool.kept() == 0);
    }
}

TEST_CASE("of a burst a bounded part is kept")
{
    body_pool pool;
    for (const std::size_t size : {8 * kibibyte, 64 * kibibyte, mebibyte, 4 * mebibyte}) {
        const std::size_t before = pool.kept();
        give_back_all(pool, take_many(pool, 64, size));
        CAPTURE(size);
        CHECK(pool.kept() - before >= size);
        CHECK(pool.kept() - before <= 4 * mebibyte + 16 * 4096);
    }
    for (std::size_t size = body_pool::min_size; size <= body_pool::max_size; size *= 2)
        give_back_all(pool, take_many(pool, 64, size));
    CHECK(pool.kept() == body_pool::max_kept());
    CHECK(body_pool::max_kept() <= 25 * mebibyte);
    pool.trim();
    CHECK(pool.kept() == 0);
}

TEST_CASE("a block that no memory is left for is null")
{
    CHECK(message_detail::owned_memory::create(SIZE_MAX) == nullptr);
    if (testing::address_sanitized || testing::thread_sanitized)
        SLK_SKIP("the sanitizer ends a program that asks for too much");
    body_pool pool;
    CHECK(pool.take(SIZE_MAX / 2).memory == nullptr);
    CHECK(message_detail::owned_memory::create(SIZE_MAX / 2) == nullptr);
}

TEST_CASE("a body that grows keeps its first bytes, and stays as it is where there is no memory")
{
    auto* body = message_detail::owned_memory::create(8 * kibibyte);
    REQUIRE(body != nullptr);
    std::memset(body->bytes(), 7, 8 * kibibyte);
    for (std::size_t size = 16 * kibibyte; size <= 16 * mebibyte; size *= 2) {
        auto* const larger = body->resize(size, size / 2);
        REQUIRE(larger != nullptr);
        body = larger;
        const std::byte* const bytes = body->bytes();
        CHECK(std::all_of(bytes, bytes + size / 2,
                          [](std::byte each) { return each == std::byte{7}; }));
        std::memset(body->bytes(), 7, size);
    }
    CHECK(body->resize(SIZE_MAX, 1) == nullptr);
    CHECK(body->bytes()[16 * mebibyte - 1] == std::byte{7});
    body->release();
}

TEST_CASE("threads take blocks that no other one has, and give back what others took")
{
    body_pool pool;
    constexpr int threads = 4;
    constexpr unsigned rounds = 3000;
    std::atomic<unsigned> foreign{0}; // bytes that another thread has written
    std::mutex guard;
    std::vector<body_pool::block> passed; // from any thread to any other
    const auto work = [&](unsigned char mark) {
        for (unsigned round = 0; round < rounds; ++round) {
            const body_pool::block taken = pool.take((round % 3 + 1) * 9 * kibibyte);
            auto* const bytes = static_cast<unsigned char*>(taken.memory);
            bytes[0] = mark;
            bytes[taken.size - 1] = mark;
            std::this_thread::yield();
            foreign += bytes[0] == mark && bytes[taken.size - 1] == mark ? 0 : 1;
            body_pool::block other = taken;
            {
                const std::lock_guard lock(guard);
                passed.push_back(taken);
                std::swap(passed.front(), passed.back());
                other = passed.back();
                passed.pop_back();
            }
            pool.give_back(other);
        }
    };
    std::vector<std::thread> running;
    for (int number = 0; number < threads; ++number)
        running.emplace_back(work, static_cast<unsigned char>(number + 1));
    for (std::thread& each : running)
        each.join();
    give_back_all(pool, passed);
    CHECK(foreign == 0);
    CHECK(pool.kept() > 0);
    CHECK(pool.kept() <= body_pool::max_kept());
}
