// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_NUMBERED_HPP
#define SLK_PATTERN_NUMBERED_HPP

/// Containers of things that are known by numbers of 32 bits, which take less memory than pointers,
/// and do not change when the containers grow.

#include "base/prefetch.hpp"
#include "base/try_allocate.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
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
///
/// Each place may have a tag of one byte, which is made of the hash. The tags lie apart, eight are
/// compared at a time, and most looks for what is not there end with them: they do not touch the
/// numbers, nor what these stand for, which is many times as much memory.
class number_table {
public:
    explicit number_table(bool tagged = false) noexcept : tagged_(tagged) {}

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
    /// Before find_by_tag(): brings the tags into the caches.
    void prefetch_tags(std::uint32_t hash) const noexcept
    {
        prefetch(tags_.data() + (hash & mask()));
    }
    /// The same by the tags: faster if the number is probably not there, and slower if it is.
    template <class Is>
    [[nodiscard]] std::uint32_t find_by_tag(std::uint32_t hash, const Is& is) const noexcept
    {
        assert(tagged_);
        if (slots_.empty())
            return no_number;
        const std::uint64_t wanted = each_byte * tag_of(hash);
        for (std::size_t at = hash & mask();; at = (at + group) & mask()) {
            const std::uint64_t tags = tags_from(at);
            const std::uint64_t free = zero_bytes(tags);
            // Of those before the first free place; a few may be false.
            for (std::uint64_t same = zero_bytes(tags ^ wanted) & (free ^ (free - 1)); same != 0;
                 same &= same - 1) {
                const auto behind = static_cast<std::size_t>(std::countr_zero(same)) / 8;
                const std::uint32_t number = slots_[(at + behind) & mask()];
                if (number != no_number && is(number))
                    return number;
            }
            if (free != 0)
                return no_number;
        }
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
        const std::size_t count = std::max(min_slots, slots_.size() * 2);
        std::vector<std::uint32_t> larger;
        std::vector<std::uint8_t> tags;
        if (!try_resize(larger, count) || (tagged_ && !try_resize(tags, count + group)))
            return false;
        std::ranges::fill(larger, no_number);
        larger.swap(slots_);
        tags.swap(tags_);
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
            std::vector<std::uint8_t>().swap(tags_);
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
            set(hole, slots_[at], tagged_ ? tags_[at] : std::uint8_t{0});
            hole = at;
        }
        set(hole, no_number, 0);
    }

private:
    static constexpr std::size_t min_slots = 16;
    /// Tags that are compared at a time. The first ones stand behind the last ones once more.
    static constexpr std::size_t group = 8;
    static constexpr std::uint64_t each_byte = 0x0101'0101'0101'0101;

    [[nodiscard]] std::size_t mask() const noexcept { return slots_.size() - 1; }
    /// The bits that choose the place are others, but in tables of more than 2^24 places. 0 is the
    /// tag of a free place.
    [[nodiscard]] static std::uint8_t tag_of(std::uint32_t hash) noexcept
    {
        return static_cast<std::uint8_t>(std::max(hash >> 24, std::uint32_t{1}));
    }
    /// The upper bit of each byte that is 0, from the lowest one on. Above one that is set, others
    /// may be set that are not to be.
    [[nodiscard]] static std::uint64_t zero_bytes(std::uint64_t word) noexcept
    {
        return (word - each_byte) & ~word & (each_byte << 7);
    }
    /// The tags of a place and those behind it: the first one is the lowest byte.
    [[nodiscard]] std::uint64_t tags_from(std::size_t at) const noexcept
    {
        std::uint64_t word = 0;
        if constexpr (std::endian::native == std::endian::little) {
            std::memcpy(&word, &tags_[at], sizeof word);
        } else {
            for (std::size_t index = group; index-- > 0;)
                word = word << 8 | tags_[at + index];
        }
        return word;
    }
    void put(std::uint32_t hash, std::uint32_t number) noexcept
    {
        std::size_t at = hash & mask();
        while (slots_[at] != no_number)
            at = (at + 1) & mask();
        set(at, number, tag_of(hash));
    }
    void set(std::size_t at, std::uint32_t number, std::uint8_t tag) noexcept
    {
        slots_[at] = number;
        if (!tagged_)
            return;
        tags_[at] = tag;
        if (at < group)
            tags_[slots_.size() + at] = tag;
    }

    std::vector<std::uint32_t> slots_;
    std::vector<std::uint8_t> tags_;
    std::size_t size_ = 0;
    const bool tagged_;
};

} // namespace slk::pattern

#endif
