// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_NUMBERED_HPP
#define SLK_PATTERN_NUMBERED_HPP

/// Containers of things that are known by numbers of 32 bits, which take less memory than pointers,
/// and do not change when the containers grow.

#include "base/try_allocate.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace slk::pattern {

inline constexpr std::uint32_t no_number = UINT32_MAX;

/// Elements in pieces that do not move. `Link`: a member that is free while the element is.
template <class T, std::uint32_t T::* Link>
class numbered {
public:
    [[nodiscard]] T& operator[](std::uint32_t number) noexcept
    {
        return pieces_[number / piece][number % piece];
    }
    [[nodiscard]] const T& operator[](std::uint32_t number) const noexcept
    {
        return pieces_[number / piece][number % piece];
    }

    /// Makes room for one more. Returns false when memory is exhausted.
    [[nodiscard]] bool reserve() noexcept
    {
        if (free_ != no_number || end_ < pieces_.size() * piece)
            return true;
        std::unique_ptr<T[]> next(new (std::nothrow) T[piece]);
        return next != nullptr && end_ < no_number - piece &&
               try_push_back(pieces_, std::move(next));
    }
    /// After reserve(). The element is as a new one.
    [[nodiscard]] std::uint32_t add() noexcept
    {
        ++size_;
        if (free_ == no_number)
            return end_++;
        const std::uint32_t number = free_;
        free_ = (*this)[number].*Link;
        (*this)[number] = T{};
        return number;
    }
    void remove(std::uint32_t number) noexcept
    {
        if (--size_ == 0) {
            clear();
            return;
        }
        T& gone = (*this)[number];
        gone = T{};
        gone.*Link = free_;
        free_ = number;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// All numbers are smaller.
    [[nodiscard]] std::uint32_t end() const noexcept { return end_; }

private:
    static constexpr std::uint32_t piece = 256;

    void clear() noexcept
    {
        pieces_.clear();
        pieces_.shrink_to_fit();
        free_ = no_number;
        end_ = 0;
    }

    std::vector<std::unique_ptr<T[]>> pieces_;
    std::uint32_t free_ = no_number;
    std::uint32_t end_ = 0; ///< the numbers from here on were never used
    std::size_t size_ = 0;
};

/// Numbers that are found by a hash of what they stand for: open addressing, without marks where
/// numbers have been.
class number_table {
public:
    /// Returns the number for which `is` returns true, or no_number.
    template <class Is>
    [[nodiscard]] std::uint32_t find(std::uint32_t hash, const Is& is) const noexcept
    {
        if (slots_.empty())
            return no_number;
        std::size_t at = hash & mask();
        while (slots_[at] != no_number && !is(slots_[at]))
            at = (at + 1) & mask();
        return slots_[at];
    }
    template <class Visit>
    void for_each(Visit&& visit) const
    {
        for (const std::uint32_t number : slots_)
            if (number != no_number)
                visit(number);
    }
    /// Makes room for one more. Returns false when memory is exhausted.
    template <class HashOf>
    [[nodiscard]] bool reserve(const HashOf& hash_of) noexcept
    {
        if ((size_ + 1) * 4 <= slots_.size() * 3)
            return true;
        std::vector<std::uint32_t> larger;
        if (!try_resize(larger, std::max(min_slots, slots_.size() * 2)))
            return false;
        std::ranges::fill(larger, no_number);
        larger.swap(slots_);
        for (const std::uint32_t number : larger)
            if (number != no_number)
                put(hash_of(number), number);
        return true;
    }
    /// After reserve().
    void insert(std::uint32_t hash, std::uint32_t number) noexcept
    {
        put(hash, number);
        ++size_;
    }
    template <class HashOf>
    void erase(std::uint32_t number, const HashOf& hash_of) noexcept
    {
        if (--size_ == 0) {
            std::vector<std::uint32_t>().swap(slots_);
            return;
        }
        std::size_t hole = hash_of(number) & mask();
        while (slots_[hole] != number)
            hole = (hole + 1) & mask();
        // Those behind it move up, but not to a place before their own.
        for (std::size_t at = (hole + 1) & mask(); slots_[at] != no_number;
             at = (at + 1) & mask()) {
            const std::size_t own = hash_of(slots_[at]) & mask();
            if (((at - own) & mask()) < ((at - hole) & mask()))
                continue;
            slots_[hole] = slots_[at];
            hole = at;
        }
        slots_[hole] = no_number;
    }

private:
    static constexpr std::size_t min_slots = 16;

    [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
    void put(std::uint32_t hash, std::uint32_t number) noexcept
    {
        std::size_t at = hash & mask();
        while (slots_[at] != no_number)
            at = (at + 1) & mask();
        slots_[at] = number;
    }

    std::vector<std::uint32_t> slots_;
    std::size_t size_ = 0;
};

} // namespace slk::pattern

#endif
