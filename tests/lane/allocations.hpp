// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_LANE_ALLOCATIONS_HPP
#define SLK_TESTS_LANE_ALLOCATIONS_HPP

/// The operator new of this test program, which counts its calls and can fail.

#include <cstdint>

namespace slk::testing {

/// The number of allocations of the calling thread.
[[nodiscard]] std::uint64_t allocations() noexcept;

/// While it lives, allocations of the calling thread with std::nothrow fail after the next `left`
/// ones.
class scarce_memory {
public:
    explicit scarce_memory(std::uint64_t left) noexcept;
    scarce_memory(const scarce_memory&) = delete;
    scarce_memory& operator=(const scarce_memory&) = delete;
    ~scarce_memory();
};

} // namespace slk::testing

#endif
