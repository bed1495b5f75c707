// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_LINKS_ALLOCATIONS_HPP
#define BENCH_LINKS_ALLOCATIONS_HPP

/// What goes through operator new and delete while it is counted. The program replaces both.

#include <cstdint>

namespace bench {

struct allocation_counts {
    std::uint64_t calls = 0;
    /// What the allocator set aside for them, less what was given back meanwhile.
    std::int64_t bytes = 0;
};

/// From here on everything counts, on all threads; the sums begin at zero.
void begin_counting() noexcept;
/// So far; the counting ends.
allocation_counts end_counting() noexcept;

} // namespace bench

#endif
