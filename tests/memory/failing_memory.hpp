// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_MEMORY_FAILING_MEMORY_HPP
#define SLK_TESTS_MEMORY_FAILING_MEMORY_HPP

/// The allocator of the test program "memory", which fails where a test wants it to. It counts the
/// allocations of the library alone: those of calls that a scenario makes through library_call, and
/// those of other threads.

#include <cstdint>

namespace slk::testing {

class failing_memory {
public:
    /// From now on allocations count from 1, and those of the numbers [first, first + count) fail.
    /// `first` 0: none fails.
    static void start(std::uint64_t first, std::uint64_t count) noexcept;
    /// No allocation counts or fails any more. Returns the number of those that counted.
    static std::uint64_t stop() noexcept;
    /// Between start() and stop(): no further allocation fails.
    static void recover() noexcept;
    /// An allocation has failed since start().
    [[nodiscard]] static bool has_failed() noexcept;

    /// Allocations of the whole program that were not freed yet.
    [[nodiscard]] static std::int64_t live() noexcept;

    /// The return addresses of the first allocation that failed since start(), as offsets in the
    /// program; 0 behind the last.
    static constexpr int max_frames = 32;
    static const std::uintptr_t* first_failure() noexcept;
};

/// While one exists, allocations of this thread count.
class library_call {
public:
    library_call() noexcept;
    ~library_call();
    library_call(const library_call&) = delete;
    library_call& operator=(const library_call&) = delete;
};

/// While one exists, allocations of this thread do not count: in handlers that the library calls.
class own_code {
public:
    own_code() noexcept;
    ~own_code();
    own_code(const own_code&) = delete;
    own_code& operator=(const own_code&) = delete;

private:
    int before_;
};

} // namespace slk::testing

#endif
