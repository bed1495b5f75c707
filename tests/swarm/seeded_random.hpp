// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_SEEDED_RANDOM_HPP
#define SLK_TESTS_SWARM_SEEDED_RANDOM_HPP

/// Random numbers, times and choices from a seed.

#include <serverlink/clock.hpp>
#include <serverlink/random.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace slk::swarm {

class seeded_random {
public:
    explicit seeded_random(std::uint64_t seed) noexcept : stream_(seed) {}

    /// From `min` to `max`, both included.
    std::uint64_t number(std::uint64_t min, std::uint64_t max) noexcept
    {
        return min + scale(stream_.next(), max - min);
    }
    std::size_t index(std::size_t count) noexcept
    {
        return static_cast<std::size_t>(number(0, count - 1));
    }
    bool chance(unsigned percent) noexcept { return number(1, 100) <= percent; }
    duration time(duration min, duration max) noexcept
    {
        return duration(static_cast<duration::rep>(number(
            static_cast<std::uint64_t>(min.count()), static_cast<std::uint64_t>(max.count()))));
    }
    template <class T>
    T one_of(std::initializer_list<T> choices) noexcept
    {
        return *(choices.begin() + index(choices.size()));
    }

private:
    random_stream stream_;
};

} // namespace slk::swarm

#endif
