// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_REQUEST_WIRE_HPP
#define SLK_MESSAGING_CONNECTION_REQUEST_WIRE_HPP

/// Subscriptions on their way: the requests that a subscriber sends, and that a publisher receives.

#include "messaging/connection/lane_wire_in.hpp"
#include "messaging/connection/lane_wire_out.hpp"
#include "pattern/topic_book.hpp"

#include <atomic>
#include <utility>

namespace slk::messaging {

/// Sends the topics of a subscriber: all of them when the handshake is over, and then each change.
/// The book writes them into the lane, as they go on the wire (RFC 23, RFC 29). An XSUB writes its
/// messages into the same lane, while it holds the book. What a connection that was ready has not
/// sent is dropped with it. A connection ends whose peer lets too many changes wait.
class request_wire_out final : public lane_wire_out, private pattern::topic_listener {
public:
    /// `pools`: those of the loop's thread.
    request_wire_out(lane::lane& through, reference<pattern::topic_book> topics,
                     lane::chunk_pools& pools) noexcept
        : lane_wire_out(through), topics_(std::move(topics)), pools_(pools)
    {
    }

    void set_user(far_end& user) noexcept override { user_ = &user; }
    void connection_ready(zmtp::version speaks) noexcept override;
    void depart() noexcept override;
    void end_connection() noexcept override;
    [[nodiscard]] error why_torn() const noexcept override;
    [[nodiscard]] bool allows_direct_io() const noexcept override { return false; }

private:
    [[nodiscard]] zmtp::scanned scan_frames(piece run, bool begins) noexcept override;
    void topic_changed(bool subscribed, pattern::topic_view topic,
                       lane::chunk_pools& pools) noexcept override;
    void topics_changed() noexcept override;

    const reference<pattern::topic_book> topics_;
    lane::chunk_pools& pools_;
    far_end* user_ = nullptr;
    zmtp::version speaks_ = zmtp::version::v3_1;
    bool was_ready_ = false;
    bool departs_ = false; ///< the peer is told no topics any more
    enum class damage : std::uint8_t { none, no_memory, too_far_behind };
    std::atomic<damage> torn_{damage::none};
    std::atomic<std::uint64_t> waiting_{0}; ///< bytes of requests that are in the lane
};

/// Receives subscriptions of either form (RFC 23, RFC 29) into the lane that the publisher reads
/// from, as messages of one part: 1 to subscribe, or 0 to cancel, and the topic. Other messages of
/// the peer are among them. The marks of the socket are not theirs: a publisher takes in during
/// each call what may wait here.
///
/// A subscription may be shorter than what it was in the window. All of them are moved together
/// first, and the rest of the window once, after the last one.
class request_wire_in final : public lane_wire_in {
public:
    using lane_wire_in::lane_wire_in;

    [[nodiscard]] std::span<const std::byte> window() noexcept override
    {
        return lane_wire_in::window().subspan(front_ + gap_);
    }
    void drop(std::size_t bytes) noexcept override
    {
        if (front_ > 0)
            gap_ += bytes;
        else
            lane_wire_in::drop(bytes);
    }
    [[nodiscard]] bool take(const zmtp::scanned& found) noexcept override
    {
        settle();
        return lane_wire_in::take(found);
    }
    void take_request(bool subscribe, std::span<const std::byte> topic,
                      std::size_t bytes) noexcept override;
    [[nodiscard]] bool end_requests() noexcept override
    {
        settle();
        return std::exchange(notify_, false);
    }
    [[nodiscard]] bool begin_body(std::size_t header, std::uint64_t size) noexcept override
    {
        settle();
        return lane_wire_in::begin_body(header, size);
    }
    [[nodiscard]] std::uint64_t credit() noexcept override;
    [[nodiscard]] bool must_wait() noexcept override;
    [[nodiscard]] bool end_connection() noexcept override
    {
        front_ = gap_ = requests_ = 0;
        return lane_wire_in::end_connection();
    }

private:
    // What may wait to be read.
    static constexpr std::uint64_t max_messages = 1000;
    static constexpr std::uint64_t max_bytes = std::uint64_t{1} << 20;

    void settle() noexcept;
    [[nodiscard]] std::uint64_t room() noexcept;

    std::size_t front_ = 0; ///< bytes at the beginning of the window that are requests
    std::size_t gap_ = 0; ///< bytes behind them that are done with
    std::size_t requests_ = 0;
    bool notify_ = false; ///< the reader waits for what was published
};

} // namespace slk::messaging

#endif
