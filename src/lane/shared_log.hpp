// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LANE_SHARED_LOG_HPP
#define SLK_LANE_SHARED_LOG_HPP

/// Bytes that are written once and read by many queues (run_queue.hpp), in chunks of 72 KiB. A
/// chunk is freed when it is full and the last queue is done with it.
///
/// Memory: a chunk counts in the budget of the context from when it is full until it is freed; the
/// one that is written into does not.

#include "lane/chunk.hpp"
#include "lane/run_queue.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace slk::lane {

class shared_log {
public:
    /// `pools`: those of the writer's thread.
    explicit shared_log(chunk_pools& pools) noexcept : pools_(pools) {}
    shared_log(const shared_log&) = delete;
    shared_log& operator=(const shared_log&) = delete;
    ~shared_log();

    static constexpr std::size_t max_reserve = 70 * 1024;
    /// Room for this number of bytes in one piece. Null when memory is exhausted.
    [[nodiscard]] std::byte* reserve(std::size_t bytes) noexcept
    {
        return bytes <= room() || grow() ? begin_ + written_ : nullptr;
    }
    /// After reserve(): these bytes are written. The run has no messages yet.
    [[nodiscard]] run_view commit(std::size_t bytes) noexcept
    {
        const run_view made{chunk_, begin_ + written_, static_cast<std::uint32_t>(bytes), 0};
        written_ += bytes;
        return made;
    }

    /// What is left of the present chunk.
    [[nodiscard]] std::size_t room() const noexcept { return capacity_ - written_; }

private:
    [[nodiscard]] bool grow() noexcept;
    void leave() noexcept;

    chunk_pools& pools_;
    shared_memory* chunk_ = nullptr;
    std::byte* begin_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t written_ = 0;
};

/// A body that stays where it is, and counts in the budget until the last queue is done with it.
/// Takes over one use of `owner`. Null when memory is exhausted; `owner` is the caller's then.
[[nodiscard]] shared_memory* count_body(shared_memory* owner, std::size_t size,
                                        const std::shared_ptr<memory_budget>& budget) noexcept;

} // namespace slk::lane

#endif
