// SPDX-License-Identifier: MPL-2.0
#include "lane/chunk.hpp"

#include "base/wipe.hpp"

#include <cassert>
#include <new>
#include <utility>

namespace slk::lane {

chunk* chunk::create(const std::shared_ptr<block_pool>& home, std::uint32_t externals) noexcept
{
    void* const memory = home->take();
    return memory != nullptr ? new (memory) chunk(home, externals) : nullptr;
}

chunk::chunk(std::shared_ptr<block_pool> home, std::uint32_t externals) noexcept
    : home_(std::move(home)), max_externals_(externals)
{
    auto* const behind = reinterpret_cast<std::byte*>(this + 1);
    externals_ = new (behind) external[externals]{};
    const std::size_t used = sizeof(chunk) + externals * sizeof(external);
    assert(used < home_->block_size());
    capacity_ = static_cast<std::uint32_t>(home_->block_size() - used);
    dispose = [](shared_memory* self) noexcept {
        auto* const over = static_cast<chunk*>(self);
        if (over->is_secret)
            wipe({over->bytes(), over->capacity_});
        const std::shared_ptr<block_pool> pool = std::move(over->home_);
        over->~chunk();
        pool->give_back(over);
    };
}

chunk::~chunk()
{
    for (std::uint32_t index = 0; index < set_externals; ++index)
        if (externals_[index].owner != nullptr)
            externals_[index].owner->release();
}

} // namespace slk::lane
