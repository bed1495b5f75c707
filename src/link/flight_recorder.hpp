// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_FLIGHT_RECORDER_HPP
#define SLK_LINK_FLIGHT_RECORDER_HPP

/// The last moves of a link in 32 bytes each, written by the loop's thread and read by any thread.

#include <serverlink/link.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

namespace slk::link_detail {

class flight_recorder {
public:
    /// Sets the move's number.
    void record(link_transition& move) noexcept;
    /// Returns the moves, oldest first. A move that is overwritten while it is read is left out.
    [[nodiscard]] std::vector<link_transition> moves() const;

private:
    static constexpr std::size_t words_per_move = 4;
    using packed = std::array<std::uint64_t, words_per_move>;

    [[nodiscard]] static packed pack(const link_transition& move) noexcept;
    [[nodiscard]] static link_transition unpack(const packed& words) noexcept;

    /// Moves begun, and moves finished: equal except during a write.
    std::atomic<std::uint64_t> begun_{0};
    std::atomic<std::uint64_t> finished_{0};
    std::array<std::atomic<std::uint64_t>, link::flight_recorder_size * words_per_move> ring_{};
};

} // namespace slk::link_detail

#endif
