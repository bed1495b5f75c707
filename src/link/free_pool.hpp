// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_FREE_POOL_HPP
#define SLK_LINK_FREE_POOL_HPP

/// Objects that are borrowed and given back, so that the next borrower allocates nothing.

#include <cstddef>
#include <new>
#include <utility>

namespace slk::link_detail {

/// `Item` has a member `Item* next_free`. On the loop's thread. All objects must have been given
/// back before the pool is destroyed.
template <class Item>
class free_pool {
public:
    free_pool() = default;
    free_pool(const free_pool&) = delete;
    free_pool& operator=(const free_pool&) = delete;
    ~free_pool()
    {
        while (free_ != nullptr)
            delete std::exchange(free_, free_->next_free);
    }

    /// Returns an object in the state in which its last borrower left it. Null when memory is
    /// exhausted.
    [[nodiscard]] Item* take() noexcept
    {
        if (free_ == nullptr)
            return new (std::nothrow) Item;
        --kept_;
        return std::exchange(free_, free_->next_free);
    }

    void give_back(Item& used) noexcept
    {
        if (kept_ == max_kept) {
            delete &used;
            return;
        }
        used.next_free = std::exchange(free_, &used);
        ++kept_;
    }

private:
    /// Further objects are freed: a burst of 100,000 attempts should not hold its memory.
    static constexpr std::size_t max_kept = 1024;

    Item* free_ = nullptr;
    std::size_t kept_ = 0;
};

} // namespace slk::link_detail

#endif
