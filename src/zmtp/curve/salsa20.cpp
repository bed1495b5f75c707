// SPDX-License-Identifier: MPL-2.0
#include "zmtp/curve/salsa20.hpp"

#include <array>
#include <bit>
#include <cstring>

#include <sodium.h>

namespace slk::zmtp::crypto {

#if defined(__GNUC__)

namespace {

/// The same word of four blocks.
using lanes = std::uint32_t __attribute__((vector_size(16)));
using salsa20_state = std::array<lanes, 16>;

constexpr int double_rounds = 10;

/// Words are little-endian.
constexpr std::uint32_t as_little(std::uint32_t value) noexcept
{
    return std::endian::native == std::endian::little ? value : __builtin_bswap32(value);
}

lanes in_all(std::uint32_t value) noexcept
{
    return lanes{value, value, value, value};
}

lanes word_at(const std::byte* from) noexcept
{
    std::uint32_t value = 0;
    std::memcpy(&value, from, sizeof value);
    return in_all(as_little(value));
}

template <int Bits>
lanes rotated(const lanes& value) noexcept
{
    return value << Bits | value >> (32 - Bits);
}

void quarter_round(lanes& a, lanes& b, lanes& c, lanes& d) noexcept
{
    b ^= rotated<7>(a + d);
    c ^= rotated<9>(b + a);
    d ^= rotated<13>(c + b);
    a ^= rotated<18>(d + c);
}

void double_round(salsa20_state& x) noexcept
{
    quarter_round(x[0], x[4], x[8], x[12]);
    quarter_round(x[5], x[9], x[13], x[1]);
    quarter_round(x[10], x[14], x[2], x[6]);
    quarter_round(x[15], x[3], x[7], x[11]);
    quarter_round(x[0], x[1], x[2], x[3]);
    quarter_round(x[5], x[6], x[7], x[4]);
    quarter_round(x[10], x[11], x[8], x[9]);
    quarter_round(x[15], x[12], x[13], x[14]);
}

/// Writes four words of each block.
void write_words(std::byte* to, const lanes& a, const lanes& b, const lanes& c,
                 const lanes& d) noexcept
{
    const lanes low_ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    const lanes high_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const lanes low_cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const lanes high_cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const std::array<lanes, salsa20_blocks> blocks{
        __builtin_shufflevector(low_ab, low_cd, 0, 1, 4, 5),
        __builtin_shufflevector(low_ab, low_cd, 2, 3, 6, 7),
        __builtin_shufflevector(high_ab, high_cd, 0, 1, 4, 5),
        __builtin_shufflevector(high_ab, high_cd, 2, 3, 6, 7)};
    for (std::size_t block = 0; block < salsa20_blocks; ++block) {
        lanes words = blocks[block];
        if constexpr (std::endian::native == std::endian::big)
            for (int index = 0; index < 4; ++index)
                words[index] = as_little(words[index]);
        std::memcpy(to + block * salsa20_block, &words, sizeof words);
    }
}

} // namespace

void begin_salsa20(std::span<std::byte, salsa20_blocks * salsa20_block> into,
                   std::span<const std::byte, curve_key_size> key,
                   std::span<const std::byte, 8> nonce) noexcept
{
    constexpr std::size_t word = sizeof(std::uint32_t);
    salsa20_state begin{};
    // "expand 32-byte k"
    begin[0] = in_all(0x61707865);
    begin[5] = in_all(0x3320646e);
    begin[10] = in_all(0x79622d32);
    begin[15] = in_all(0x6b206574);
    for (std::size_t index = 0; index < 4; ++index) {
        begin[1 + index] = word_at(key.data() + index * word);
        begin[11 + index] = word_at(key.data() + (4 + index) * word);
    }
    begin[6] = word_at(nonce.data());
    begin[7] = word_at(nonce.data() + word);
    begin[8] = lanes{0, 1, 2, 3}; // the number of the block
    salsa20_state mixed = begin;
    for (int round = 0; round < double_rounds; ++round)
        double_round(mixed);
    for (std::size_t index = 0; index < mixed.size(); ++index)
        mixed[index] += begin[index];
    for (std::size_t index = 0; index < mixed.size(); index += 4)
        write_words(into.data() + index * word, mixed[index], mixed[index + 1], mixed[index + 2],
                    mixed[index + 3]);
    sodium_memzero(mixed.data(), sizeof mixed);
    sodium_memzero(begin.data(), sizeof begin);
}

#else

void begin_salsa20(std::span<std::byte, salsa20_blocks * salsa20_block> into,
                   std::span<const std::byte, curve_key_size> key,
                   std::span<const std::byte, 8> nonce) noexcept
{
    (void)crypto_stream_salsa20(reinterpret_cast<unsigned char*>(into.data()), into.size(),
                                reinterpret_cast<const unsigned char*>(nonce.data()),
                                reinterpret_cast<const unsigned char*>(key.data()));
}

#endif

} // namespace slk::zmtp::crypto
