// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_LANE_WIRE_IN_HPP
#define SLK_MESSAGING_CONNECTION_LANE_WIRE_IN_HPP

/// Receives straight into the lane that the socket reads from. The window lies behind what the lane
/// holds, in the same chunk.

#include "base/message_access.hpp"
#include "lane/lane.hpp"
#include "messaging/connection/wire_in.hpp"
#include "messaging/pipe/pipe_lanes.hpp"

namespace slk::messaging {

class lane_wire_in : public wire_in {
public:
    /// `shared`: has the marks of the socket that reads.
    lane_wire_in(lane::lane& into, pipe_lanes& shared) noexcept : lane_(into), shared_(shared) {}
    ~lane_wire_in() override
    {
        forget_body();
        lane_wire_in::withdraw_claim();
    }

    [[nodiscard]] std::span<std::byte> space(std::size_t wanted) noexcept override;
    void received(std::size_t bytes) noexcept override;
    [[nodiscard]] bool was_filled() const noexcept override { return busy_; }
    [[nodiscard]] std::span<const std::byte> window() noexcept override
    {
        return lane_.rest().first(window_size_);
    }
    void drop(std::size_t bytes) noexcept override;
    [[nodiscard]] bool take(const zmtp::scanned& found) noexcept override;
    [[nodiscard]] bool begin_body(std::size_t header, std::uint64_t size) noexcept override;
    [[nodiscard]] bool receives_body() const noexcept override { return body_ != nullptr; }
    [[nodiscard]] std::size_t body_progress() noexcept override;
    [[nodiscard]] bool end_body() noexcept override;
    [[nodiscard]] bool publish_body() noexcept override
    {
        withdraw_claim();
        return publish(1);
    }
    void set_memory_user(memory_user& user) noexcept override { user_ = &user; }
    [[nodiscard]] bool waits_for_memory() const noexcept override { return waits_for_memory_; }
    [[nodiscard]] bool must_give_memory_back() const noexcept override
    {
        return claim_ != nullptr && lane_.budget()->is_to_end(*claim_);
    }
    void withdraw_claim() noexcept override;
    [[nodiscard]] bool hold_apart(std::size_t before, std::size_t now) noexcept override;
    [[nodiscard]] time_point look_for_memory(time_point now) noexcept override
    {
        return claim_ != nullptr ? lane_.budget()->look_for_memory(now) : never;
    }
    [[nodiscard]] std::uint64_t credit() noexcept override;
    [[nodiscard]] bool must_wait() noexcept override;
    void request_notice() noexcept override { lane_.request_notice(); }
    [[nodiscard]] bool allows_direct_io() const noexcept override { return true; }
    void allocate_from(lane::chunk_pools& pools) noexcept override { lane_.use(pools); }
    void keep_secret(bool is) noexcept override { is_secret_ = is; }
    [[nodiscard]] bool end_connection() noexcept override;

protected:
    /// What was committed to the lane is this number of whole messages.
    [[nodiscard]] virtual bool publish(std::uint64_t messages) noexcept
    {
        return lane_.publish(messages);
    }
    [[nodiscard]] lane::lane& lane() noexcept { return lane_; }
    /// Where not all of the room is offered: whether all that was offered is filled.
    void set_filled(bool filled) noexcept { busy_ = filled; }
    /// Removes bytes of the window that lie behind its first `offset` ones.
    void drop_behind(std::size_t offset, std::size_t bytes) noexcept;

private:
    void commit(std::size_t bytes) noexcept
    {
        lane_.commit(bytes);
        window_size_ -= bytes;
    }
    [[nodiscard]] bool grow_secretly(std::size_t bytes) noexcept;
    [[nodiscard]] bool grow_body() noexcept;
    void forget_body() noexcept;
    void set_body_room(std::size_t room) noexcept;
    [[nodiscard]] bool may_take(std::size_t more, bool waits = true,
                                std::size_t apart = 0) noexcept;
    void set_blocked(bool blocked) noexcept;

    lane::lane& lane_;
    pipe_lanes& shared_;
    std::size_t window_size_ = 0;
    bool busy_ = false; ///< the last receive filled the chunk: a larger one pays
    bool is_secret_ = false;
    bool is_blocked_ = false; ///< the message, for want of credit
    bool waits_for_memory_ = false;

    message_detail::owned_memory* body_ = nullptr;
    std::uint64_t body_size_ = 0;
    std::size_t body_room_ = 0;
    std::size_t body_filled_ = 0;
    std::size_t body_reported_ = 0;

    std::unique_ptr<memory_claim> claim_; ///< of the message that arrives, if it is large
    memory_user* user_ = nullptr;
};

} // namespace slk::messaging

#endif
