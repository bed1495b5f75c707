// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_LATEST_WIRE_HPP
#define SLK_MESSAGING_CONNECTION_LATEST_WIRE_HPP

/// The wires of a conflating socket: only the newest message is sent, and only the newest of the
/// received ones is kept.

#include "messaging/connection/lane_wire_in.hpp"
#include "messaging/connection/lane_wire_out.hpp"
#include "messaging/context/io_loop.hpp"
#include "messaging/pipe/latest_slot.hpp"

namespace slk::messaging {

/// Moves the newest message into the lane when the one before has been sent.
class latest_wire_out final : public lane_wire_out {
public:
    latest_wire_out(lane::lane& through, latest_slot& from, lane::chunk_pools& pools) noexcept
        : lane_wire_out(through), slot_(from), pools_(pools)
    {
    }

    std::size_t gather(std::vector<piece>& pieces, std::uint64_t before = no_message) override;
    void begin_connection() noexcept override;
    progress drop_message() noexcept override;
    [[nodiscard]] bool must_wait() noexcept override
    {
        return lane().produced() == lane().consumed() && slot_.reader_must_wait();
    }
    [[nodiscard]] bool allows_direct_io() const noexcept override { return false; }

private:
    latest_slot& slot_;
    lane::chunk_pools& pools_; ///< of the loop's thread
};

/// Receives into a lane of its own, and moves the newest message from there to the slot.
class latest_wire_in final : public lane_wire_in {
public:
    latest_wire_in(lane::lane& through, latest_slot& to, pipe_lanes& shared) noexcept
        : lane_wire_in(through, shared), slot_(to)
    {
    }

    [[nodiscard]] std::uint64_t credit() noexcept override { return UINT64_MAX; }
    [[nodiscard]] bool allows_direct_io() const noexcept override { return false; }

protected:
    [[nodiscard]] bool publish(std::uint64_t messages) noexcept override;

private:
    latest_slot& slot_;
};

} // namespace slk::messaging

#endif
