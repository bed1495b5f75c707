// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_SHARED_FRAMES_HPP
#define SLK_MESSAGING_PIPE_SHARED_FRAMES_HPP

/// Frames a message once for all peers that it goes to: as the bytes on the wire, in memory that
/// their queues refer to. For the thread that sends.

#include "lane/shared_log.hpp"
#include "pattern/pattern.hpp"

#include <optional>
#include <span>
#include <vector>

namespace slk::messaging {

class shared_frames {
public:
    /// `pools`: those of the thread that sends.
    explicit shared_frames(lane::chunk_pools& pools) noexcept : budget_(pools.budget), log_(pools)
    {
    }
    shared_frames(const shared_frames&) = delete;
    shared_frames& operator=(const shared_frames&) = delete;
    ~shared_frames() { clear(); }

    /// Frames one message; the one before is over. Returns false when memory is exhausted.
    [[nodiscard]] bool frame(std::span<const pattern::part_view> parts) noexcept;
    /// Frames one message of one part, if it fits behind the one before. It is whole, and no part
    /// of runs().
    [[nodiscard]] std::optional<lane::run_view>
    frame_behind(const pattern::part_view& part) noexcept;
    /// The message, until the next call. Large bodies are runs of their own.
    [[nodiscard]] std::span<const lane::run_view> runs() const noexcept { return runs_; }
    /// Releases the large bodies of the message, which its queues refer to by now.
    void clear() noexcept;

private:
    [[nodiscard]] bool add(const lane::run_view& next) noexcept;
    [[nodiscard]] bool add_body(const pattern::part_view& part) noexcept;
    [[nodiscard]] bool frame_large(std::span<const pattern::part_view> parts) noexcept;

    const std::shared_ptr<memory_budget> budget_;
    lane::shared_log log_;
    std::vector<lane::run_view> runs_;
    std::vector<lane::shared_memory*> bodies_;
};

} // namespace slk::messaging

#endif
