// SPDX-License-Identifier: MPL-2.0
#include "bench/work.hpp"

#include <serverlink/socket_options.hpp>

#include <algorithm>

namespace slk::tool::bench {

namespace {

/// Bytes in one queue.
constexpr std::size_t max_queued = max_size;

} // namespace

bool is_sensible(const work& asked) noexcept
{
    return asked.size >= 1 && asked.size <= max_size && asked.batch >= 1 &&
           asked.batch <= max_batch && asked.size * asked.batch <= max_queued;
}

std::uint32_t high_water_mark_for(const work& done) noexcept
{
    const std::size_t fitting = std::max<std::size_t>(max_queued / done.size, 2);
    return static_cast<std::uint32_t>(
        std::min<std::size_t>(fitting, socket_options{}.send_high_water_mark));
}

std::uint64_t stride_of(const work& done) noexcept
{
    return std::clamp<std::uint64_t>(16384 / done.size, 1, 256);
}

std::string size_text(std::size_t size)
{
    constexpr std::size_t kilo = 1024;
    if (size >= kilo * kilo && size % (kilo * kilo) == 0)
        return std::to_string(size / (kilo * kilo)) + " MiB";
    if (size >= kilo && size % kilo == 0)
        return std::to_string(size / kilo) + " KiB";
    return std::to_string(size) + " B";
}

} // namespace slk::tool::bench
