// SPDX-License-Identifier: MPL-2.0
#include "link/attempt_pool.hpp"

#include <new>
#include <utility>

namespace slk::link_detail {

attempt_pool::~attempt_pool()
{
    while (free_ != nullptr)
        delete std::exchange(free_, free_->next_free);
}

connect_attempt* attempt_pool::take()
{
    if (free_ == nullptr)
        return new (std::nothrow) connect_attempt;
    --kept_;
    return std::exchange(free_, free_->next_free);
}

void attempt_pool::give_back(connect_attempt& used) noexcept
{
    if (kept_ == most_kept) {
        delete &used;
        return;
    }
    used.candidates.clear();
    used.next_free = std::exchange(free_, &used);
    ++kept_;
}

} // namespace slk::link_detail
