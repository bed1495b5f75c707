// SPDX-License-Identifier: MPL-2.0
#include "lane/shared_log.hpp"

#include <new>
#include <utility>

namespace slk::lane {

namespace {

/// Memory whose last user gives what it counts in a budget back.
struct counted_memory : shared_memory {
    explicit counted_memory(std::shared_ptr<memory_budget> of) noexcept : budget(std::move(of)) {}

    void count(std::uint64_t bytes) noexcept
    {
        counted = bytes;
        if (budget != nullptr)
            (void)budget->add(bytes);
    }

    const std::shared_ptr<memory_budget> budget;
    std::uint64_t counted = 0;

protected:
    ~counted_memory()
    {
        if (budget != nullptr && counted > 0)
            budget->remove(counted);
    }
};

struct log_chunk final : counted_memory {
    log_chunk(std::shared_ptr<block_pool> pool, std::shared_ptr<memory_budget> of) noexcept
        : counted_memory(std::move(of)), home(std::move(pool))
    {
        dispose = [](shared_memory* self) noexcept {
            auto* const over = static_cast<log_chunk*>(self);
            const std::shared_ptr<block_pool> pool = std::move(over->home);
            over->~log_chunk();
            pool->give_back(over);
        };
    }

    std::shared_ptr<block_pool> home;
};
static_assert(large_block - sizeof(log_chunk) >= shared_log::max_reserve);

struct counted_body final : counted_memory {
    counted_body(shared_memory* owner, std::shared_ptr<memory_budget> of) noexcept
        : counted_memory(std::move(of)), body(owner)
    {
        dispose = [](shared_memory* self) noexcept { delete static_cast<counted_body*>(self); };
    }
    ~counted_body() { body->release(); }

    shared_memory* const body;
};

} // namespace

shared_log::~shared_log()
{
    if (chunk_ != nullptr)
        chunk_->release();
}

/// The present chunk is full.
void shared_log::leave() noexcept
{
    if (chunk_ == nullptr)
        return;
    static_cast<log_chunk*>(chunk_)->count(large_block);
    std::exchange(chunk_, nullptr)->release();
}

bool shared_log::grow() noexcept
{
    void* const memory = pools_.large->take();
    if (memory == nullptr)
        return false;
    leave();
    chunk_ = new (memory) log_chunk(pools_.large, pools_.budget);
    begin_ = static_cast<std::byte*>(memory) + sizeof(log_chunk);
    capacity_ = large_block - sizeof(log_chunk);
    written_ = 0;
    return true;
}

shared_memory* count_body(shared_memory* owner, std::size_t size,
                          const std::shared_ptr<memory_budget>& budget) noexcept
{
    auto* const made = new (std::nothrow) counted_body(owner, budget);
    if (made != nullptr)
        made->count(size);
    return made;
}

} // namespace slk::lane
