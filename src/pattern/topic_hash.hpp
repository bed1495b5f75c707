// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_TOPIC_HASH_HPP
#define SLK_PATTERN_TOPIC_HASH_HPP

/// Hashes of the beginnings of a message, from the shortest to the longest, in one pass. Peers
/// choose the bytes; without the secret they cannot choose equal hashes.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace slk::pattern {

// The upper and the lower half of a product, which has 128 bits, combined.
#ifdef __SIZEOF_INT128__
__extension__ using two_words = unsigned __int128;
[[nodiscard]] inline std::uint64_t fold_product(std::uint64_t a, std::uint64_t b) noexcept
{
    const two_words product = two_words{a} * b;
    return static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
}
#else
[[nodiscard]] inline std::uint64_t fold_product(std::uint64_t a, std::uint64_t b) noexcept
{
    constexpr std::uint64_t half = 0xffff'ffff;
    const std::uint64_t low = (a & half) * (b & half);
    const std::uint64_t one = (a >> 32) * (b & half) + (low >> 32);
    const std::uint64_t two = (a & half) * (b >> 32) + (one & half);
    const std::uint64_t high = (a >> 32) * (b >> 32) + (one >> 32) + (two >> 32);
    return high ^ (two << 32 | (low & half));
}
#endif

class topic_hash {
public:
    topic_hash(std::uint64_t secret, std::span<const std::byte> bytes) noexcept
        : secret_(secret | 1), state_(secret ^ constant), bytes_(bytes)
    {
    }

    /// The hash of the first `size` bytes; not fewer than the time before.
    [[nodiscard]] std::uint32_t of_first(std::size_t size) noexcept
    {
        for (; size - done_ >= sizeof(std::uint64_t); done_ += sizeof(std::uint64_t))
            state_ = fold_product(state_ ^ load(sizeof(std::uint64_t)), secret_ ^ constant);
        const std::uint64_t rest = load(size - done_);
        return static_cast<std::uint32_t>(fold_product(state_ ^ rest, secret_ + size * constant) >>
                                          32);
    }

private:
    /// 2^64 divided by the golden ratio; any odd number with many ones would do.
    static constexpr std::uint64_t constant = 0x9e37'79b9'7f4a'7c15;

    /// The next bytes, at most 8, and zeros.
    [[nodiscard]] std::uint64_t load(std::size_t size) const noexcept
    {
        std::uint64_t word = 0;
        if (bytes_.size() - done_ < sizeof word) {
            if (size > 0)
                std::memcpy(&word, bytes_.data() + done_, size);
            return word;
        }
        std::memcpy(&word, bytes_.data() + done_, sizeof word);
        if (size == sizeof word)
            return word;
        // A copy of a number of bytes that is not known before costs more than all else here.
        const std::uint64_t first_bytes = (std::uint64_t{1} << (8 * size)) - 1;
        return word &
               (std::endian::native == std::endian::little ? first_bytes
                                                           : ~(~std::uint64_t{0} >> (8 * size)));
    }

    const std::uint64_t secret_;
    std::uint64_t state_;
    const std::span<const std::byte> bytes_;
    std::size_t done_ = 0;
};

} // namespace slk::pattern

#endif
