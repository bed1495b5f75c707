// SPDX-License-Identifier: MPL-2.0

// One thread takes blocks, and others give them back.

#include "base/block_pool.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

using namespace slk;

TEST_CASE("a block that is taken belongs to one thread, while others give blocks back")
{
    constexpr std::size_t size = 64;
    constexpr int rounds = 30'000;
    constexpr std::size_t givers = 2;
    block_pool pool(size, 8);
    struct slot {
        std::atomic<void*> block{nullptr};
    };
    std::vector<slot> slots(givers);
    std::atomic<int> damaged{0};
    std::atomic<bool> over{false};
    {
        std::vector<std::jthread> threads;
        for (slot& at : slots)
            threads.emplace_back([&] {
                while (!over.load()) {
                    void* const block = at.block.exchange(nullptr);
                    if (block == nullptr) {
                        std::this_thread::yield();
                        continue;
                    }
                    unsigned char seen[size];
                    std::memcpy(seen, block, size);
                    for (const unsigned char byte : seen)
                        damaged += byte == seen[0] ? 0 : 1;
                    pool.give_back(block);
                }
            });
        for (int round = 0; round < rounds; ++round) {
            void* block = pool.take();
            REQUIRE(block != nullptr);
            std::memset(block, round & 0xff, size);
            block = slots[static_cast<std::size_t>(round) % givers].block.exchange(block);
            if (block != nullptr)
                pool.give_back(block);
        }
        over = true;
    }
    for (slot& at : slots)
        if (void* const block = at.block.load(); block != nullptr)
            pool.give_back(block);
    CHECK(damaged == 0);
}
