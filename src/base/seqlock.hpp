// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_SEQLOCK_HPP
#define SLK_BASE_SEQLOCK_HPP

/// One writer publishes a value, any number of readers copy it; the writer never waits.
///
/// The value is stored as atomic words, so that a reader that meets a write in progress has no
/// data race; it sees the sequence number change and reads again (Boehm, "Can Seqlocks Get Along
/// with Programming Language Memory Models?", MSPC 2012).

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <type_traits>

namespace slk {

template <class T>
class seqlock {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    /// By one thread at a time.
    void store(const T& value) noexcept
    {
        std::uint64_t buffer[word_count] = {};
        std::memcpy(buffer, &value, sizeof value);
        const std::uint32_t before = sequence_.load(std::memory_order_relaxed);
        sequence_.store(before + 1, std::memory_order_relaxed);
        // Release on every word keeps it behind the odd number without a fence, which
        // ThreadSanitizer does not understand; on x86-64 it is an ordinary store.
        for (std::size_t i = 0; i < word_count; ++i)
            words_[i].store(buffer[i], std::memory_order_release);
        sequence_.store(before + 2, std::memory_order_release);
    }

    [[nodiscard]] T load() const noexcept
    {
        std::uint64_t buffer[word_count];
        for (;;) {
            const std::uint32_t before = sequence_.load(std::memory_order_acquire);
            for (std::size_t i = 0; i < word_count; ++i)
                buffer[i] = words_[i].load(std::memory_order_acquire);
            const std::uint32_t behind = sequence_.load(std::memory_order_relaxed);
            if (before == behind && before % 2 == 0)
                break;
            std::this_thread::yield();
        }
        T value;
        std::memcpy(&value, buffer, sizeof value);
        return value;
    }

private:
    static constexpr std::size_t word_count = (sizeof(T) + 7) / 8;

    std::atomic<std::uint32_t> sequence_{0};
    std::atomic<std::uint64_t> words_[word_count]{};
};

} // namespace slk

#endif
