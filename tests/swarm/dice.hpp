// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_DICE_HPP
#define SLK_TESTS_SWARM_DICE_HPP

/// What a seed decides, as numbers, times and choices.

#include <serverlink/clock.hpp>
#include <serverlink/random.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace slk::swarm {

class dice {
public:
    explicit dice(std::uint64_t seed) noexcept : random_(seed) {}

    /// `least` to `most`, both included.
    std::uint64_t number(std::uint64_t least, std::uint64_t most) noexcept
    {
        return least + scale(random_.next(), most - least);
    }
    std::size_t index(std::size_t count) noexcept
    {
        return static_cast<std::size_t>(number(0, count - 1));
    }
    bool chance(unsigned in_a_hundred) noexcept { return number(1, 100) <= in_a_hundred; }
    duration time(duration least, duration most) noexcept
    {
        return duration(static_cast<duration::rep>(number(
            static_cast<std::uint64_t>(least.count()), static_cast<std::uint64_t>(most.count()))));
    }
    template <class T>
    T one_of(std::initializer_list<T> choices) noexcept
    {
        return *(choices.begin() + index(choices.size()));
    }

private:
    random_stream random_;
};

} // namespace slk::swarm

#endif
