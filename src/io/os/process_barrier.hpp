// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_PROCESS_BARRIER_HPP
#define SLK_IO_OS_PROCESS_BARRIER_HPP

/// A memory barrier for two sides of which one is rare: the frequent side pays nothing for it.
///
/// The frequent side writes A, calls light_barrier() and reads B. The rare side writes B, calls
/// heavy_barrier() and reads A. At least one of them sees what the other one has written.
/// Linux: membarrier(2). Windows: FlushProcessWriteBuffers. Elsewhere both are fences.

#include <atomic>

// The thread sanitizer knows neither fences nor the system calls.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLK_THREAD_SANITIZER
#endif
#elif defined(__SANITIZE_THREAD__)
#define SLK_THREAD_SANITIZER
#endif

namespace slk::io::os {

/// Orders what this thread has written before what it reads then.
inline void full_barrier() noexcept
{
#if defined(SLK_THREAD_SANITIZER)
    static std::atomic<unsigned> order{0};
    order.fetch_add(1, std::memory_order_seq_cst);
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

/// Whether light_barrier() has to be a fence. Set by prepare_barriers().
inline std::atomic<bool> needs_fences{true};

/// Before the first pair of barriers whose frequent side is to be cheap. Any thread.
void prepare_barriers() noexcept;

inline void light_barrier() noexcept
{
    if (needs_fences.load(std::memory_order_relaxed)) [[unlikely]]
        full_barrier();
    else
        std::atomic_signal_fence(std::memory_order_seq_cst);
}
void heavy_barrier() noexcept;

} // namespace slk::io::os

#endif
