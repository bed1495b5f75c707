// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_LANE_ALLOCATIONS_HPP
#define SLK_TESTS_LANE_ALLOCATIONS_HPP

/// The program's own operator new: it counts, and it fails when it is told to.

#include <cstdint>

namespace slk::testing {

/// How often the calling thread has asked for memory.
[[nodiscard]] std::uint64_t allocations() noexcept;

/// While it lives, the calling thread gets memory so many times more, and then no more. Only where
/// the code asks with std::nothrow.
class scarce_memory {
public:
    explicit scarce_memory(std::uint64_t left) noexcept;
    scarce_memory(const scarce_memory&) = delete;
    scarce_memory& operator=(const scarce_memory&) = delete;
    ~scarce_memory();
};

} // namespace slk::testing

#endif
