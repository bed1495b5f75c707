// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_LINKS_ALLOCATIONS_HPP
#define BENCH_LINKS_ALLOCATIONS_HPP

/// Counts the calls of operator new and delete. The program replaces both.

#include <cstdint>

namespace bench {

struct allocation_counts {
    std::uint64_t calls = 0;
    /// The sizes of the allocated blocks, less those of the blocks that were freed meanwhile.
    std::int64_t bytes = 0;
};

/// Sets the counts to zero and begins to count, on all threads.
void begin_counting() noexcept;
/// Ends the counting, and returns the counts.
allocation_counts end_counting() noexcept;

} // namespace bench

#endif
