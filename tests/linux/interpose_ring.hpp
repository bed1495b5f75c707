// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_LINUX_INTERPOSE_RING_HPP
#define SLK_TESTS_LINUX_INTERPOSE_RING_HPP

/// The requests of io_uring go through functions of this program too: a connect in a ring counts
/// and fails like the system call connect, and so do accept4, send, recv and the wait.

#include <cstdint>

namespace slk::linux_tests {

/// The backend of these tests, for the loops and pollers that they make.
inline constexpr const char* here = "io_uring";

/// The setup of rings during its life.
class ring_setup {
public:
    ring_setup() noexcept;
    ~ring_setup();
    ring_setup(const ring_setup&) = delete;
    ring_setup& operator=(const ring_setup&) = delete;

    ring_setup& fails_with(int native) noexcept;
    /// Refused flags, as in an older kernel.
    ring_setup& without_flags(unsigned flags) noexcept;
    /// Missing features.
    ring_setup& without_features(unsigned features) noexcept;
    /// The length of the queues.
    ring_setup& entries(unsigned submissions, unsigned completions) noexcept;
    /// A request that the kernel does not know (an IORING_OP).
    ring_setup& without_operation(int operation) noexcept;
    /// The probe for known requests fails.
    ring_setup& probe_fails_with(int native) noexcept;
};

/// The flags and the descriptor of the ring that was set up last.
struct made_ring {
    unsigned flags = 0;
    int descriptor = -1;
};
[[nodiscard]] made_ring last_ring() noexcept;

/// During its life, the results of these requests (an IORING_OP) are replaced: the `first` one by
/// `result`. The request is not made.
class ring_answer {
public:
    ring_answer(int operation, int result, int times = 1) noexcept;
    ~ring_answer();
    ring_answer(const ring_answer&) = delete;
    ring_answer& operator=(const ring_answer&) = delete;

    /// The results come 20 ms after the request.
    ring_answer& late() noexcept;
    [[nodiscard]] int hits() const noexcept;
};

/// The number of requests of this kind (an IORING_OP) since the program began.
[[nodiscard]] int requests_of(int operation) noexcept;

} // namespace slk::linux_tests

#endif
