// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_RANDOM_HPP
#define SERVERLINK_RANDOM_HPP

/// A small random stream for delays: fast, seedable, the same on every platform. Not for keys.
///
/// Every link has its own, seeded from the operating system or, in a simulation, from the seed of
/// the run. A shared generator would couple links, and a badly seeded one would make a fleet
/// reconnect in lockstep.

#include <serverlink/export.hpp>

#include <cstdint>

namespace slk {

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014):
/// eight bytes of state, full period 2^64, passes BigCrush.
class random_stream {
public:
    explicit constexpr random_stream(std::uint64_t seed) noexcept : state_(seed) {}

    /// Returns the next 64 random bits.
    constexpr std::uint64_t next() noexcept
    {
        state_ += 0x9e3779b97f4a7c15u;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
        return mixed ^ (mixed >> 31);
    }

private:
    std::uint64_t state_;
};

/// Maps 64 random bits to 0 ... limit, both included, by the high half of a 128-bit product. The
/// bias is below limit / 2^64, too small to show in a delay.
[[nodiscard]] constexpr std::uint64_t scale(std::uint64_t random, std::uint64_t limit) noexcept
{
    const std::uint64_t count = limit + 1;
    if (count == 0)
        return random;
    const std::uint64_t random_low = random & 0xffffffffu;
    const std::uint64_t random_high = random >> 32;
    const std::uint64_t count_low = count & 0xffffffffu;
    const std::uint64_t count_high = count >> 32;
    const std::uint64_t middle = random_high * count_low + ((random_low * count_low) >> 32);
    const std::uint64_t cross = random_low * count_high + (middle & 0xffffffffu);
    return random_high * count_high + (middle >> 32) + (cross >> 32);
}

/// Returns 64 bits from the operating system: getrandom(2), or BCryptGenRandom. Never blocks for
/// long: if the system refuses, it mixes the clock, the process and a counter instead.
[[nodiscard]] SLK_API std::uint64_t system_entropy() noexcept;

} // namespace slk

#endif
