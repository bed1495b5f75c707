// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_RAW_WIRE_HPP
#define SLK_MESSAGING_CONNECTION_RAW_WIRE_HPP

/// The wires of a STREAM: the peer's bytes are no frames. In the lanes they are, as those of every
/// socket; the headers are added and left out here.

#include "messaging/connection/lane_wire_in.hpp"
#include "messaging/connection/lane_wire_out.hpp"
#include "zmtp/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace slk::messaging {

/// Sends the bodies of the messages in the lane, one behind the other.
class raw_wire_out final : public lane_wire_out {
public:
    using lane_wire_out::lane_wire_out;

    /// A stream has no messages that could be left out.
    std::size_t gather(std::vector<piece>& pieces, std::uint64_t before = no_message) override;
    progress taken(std::size_t bytes, bool look) noexcept override;
    void begin_connection() noexcept override
    {
        body_left_ = 0;
        lane_wire_out::begin_connection();
    }
    /// A caller that sends by itself writes frames.
    [[nodiscard]] bool allows_direct_io() const noexcept override { return false; }

private:
    std::uint64_t body_left_ = 0; ///< bytes of the body that sent() is in
};

/// Makes a message of each receive, and an empty one of the beginning and of the end of the
/// connection. All that is in the window are whole frames.
///
/// A receive leaves room for the empty message behind it, so that the end needs no memory.
class raw_wire_in final : public lane_wire_in {
public:
    /// `notices`: the empty messages. `max_chunk`: bytes of a message.
    raw_wire_in(lane::lane& into, pipe_lanes& shared, bool notices, std::size_t max_chunk) noexcept
        : lane_wire_in(into, shared), max_chunk_(max_chunk), notices_(notices)
    {
    }

    [[nodiscard]] std::span<std::byte> space(std::size_t wanted) noexcept override;
    void received(std::size_t bytes) noexcept override;
    [[nodiscard]] bool allows_direct_io() const noexcept override { return false; }
    [[nodiscard]] bool connection_ready() noexcept override;
    [[nodiscard]] bool end_connection() noexcept override;

private:
    [[nodiscard]] bool publish_notice() noexcept;

    const std::size_t max_chunk_;
    std::size_t offered_ = 0; ///< by the last space()
    const bool notices_;
    bool begun_ = false; ///< the connection is ready, and has not ended
};

} // namespace slk::messaging

#endif
