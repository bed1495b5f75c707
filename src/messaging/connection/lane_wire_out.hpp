// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_LANE_WIRE_OUT_HPP
#define SLK_MESSAGING_CONNECTION_LANE_WIRE_OUT_HPP

/// Sends what lies in a lane, which is what goes on the wire.
///
/// A message of the lane stays there until the system has taken all of it. When a connection is
/// lost, a message that was taken in part is sent again from its beginning on the next connection.

#include "lane/lane.hpp"
#include "messaging/connection/wire_out.hpp"
#include "zmtp/frame.hpp"

namespace slk::messaging {

class lane_wire_out : public wire_out {
public:
    explicit lane_wire_out(lane::lane& from) noexcept
        : lane_(from), scanned_(from.head()), sent_(from.head())
    {
    }

    std::size_t gather(std::vector<piece>& pieces, std::uint64_t before = no_message) override;
    progress taken(std::size_t bytes, bool look) noexcept override
    {
        return taken_from_lane(bytes, look);
    }
    void begin_connection() noexcept override { rewind(); }
    [[nodiscard]] bool inside_frame() const noexcept override { return inside_frame_; }
    [[nodiscard]] bool inside_message() const noexcept override
    {
        return !lane_.head().same_place(sent_);
    }
    progress drop_message() noexcept override;
    [[nodiscard]] bool must_wait() noexcept override
    {
        const bool waits = lane_.consumer_must_wait();
        rewind();
        return waits;
    }
    [[nodiscard]] bool allows_direct_io() const noexcept override { return true; }

protected:
    [[nodiscard]] lane::lane& lane() noexcept { return lane_; }
    /// Behind the last byte that was taken.
    [[nodiscard]] const lane::cursor& sent() const noexcept { return sent_; }
    /// As taken(), of the bytes in the lane.
    progress taken_from_lane(std::size_t bytes, bool look) noexcept;
    void rewind() noexcept
    {
        sent_ = lane_.head();
        scanned_ = sent_;
        inside_frame_ = false;
        inside_message_ = false;
    }
    /// The whole frames of a run. `begins`: the first one begins a message.
    [[nodiscard]] virtual zmtp::scanned scan_frames(piece run, bool begins) noexcept;

private:
    [[nodiscard]] lane::cursor begin_of(std::uint64_t message) const noexcept;
    void advance(std::size_t bytes) noexcept;
    [[nodiscard]] bool scan(std::uint64_t& messages) noexcept;
    void release_scanned() noexcept;

    lane::lane& lane_;
    lane::cursor scanned_; ///< behind the last frame that was taken whole
    lane::cursor sent_;    ///< behind the last byte that was taken
    bool inside_frame_ = false;
    bool inside_message_ = false; ///< the frame behind scanned_ goes on with one
};

} // namespace slk::messaging

#endif
