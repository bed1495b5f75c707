// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_SHARED_WIRE_OUT_HPP
#define SLK_MESSAGING_CONNECTION_SHARED_WIRE_OUT_HPP

/// Sends messages that several connections send: runs of bytes in shared memory, which the queue of
/// this connection refers to (run_queue.hpp). The lane counts the messages.

#include "lane/lane.hpp"
#include "lane/run_queue.hpp"
#include "messaging/connection/wire_out.hpp"

#include <optional>

namespace slk::messaging {

class shared_wire_out final : public wire_out {
public:
    shared_wire_out(lane::run_queue& from, lane::lane& counts) noexcept
        : queue_(from), lane_(counts), sent_(from.head())
    {
    }

    std::size_t gather(std::vector<piece>& pieces, std::uint64_t before = no_message) override;
    progress taken(std::size_t bytes, bool look) noexcept override;
    void begin_connection() noexcept override { rewind(); }
    /// Nothing goes between the frames of a message.
    [[nodiscard]] bool inside_frame() const noexcept override { return inside_message(); }
    [[nodiscard]] bool inside_message() const noexcept override { return unsettled_ > 0; }
    progress drop_message() noexcept override;
    [[nodiscard]] bool must_wait() noexcept override;
    [[nodiscard]] bool allows_direct_io() const noexcept override { return true; }

private:
    void rewind() noexcept
    {
        sent_ = queue_.head();
        unsettled_ = 0;
    }
    [[nodiscard]] std::optional<lane::run_queue::cursor>
    begin_of(std::uint64_t message) const noexcept;
    void settle(std::uint32_t end, std::uint32_t messages, std::uint64_t& whole) noexcept;

    lane::run_queue& queue_;
    lane::lane& lane_;
    lane::run_queue::cursor sent_; ///< behind the last byte that was taken
    std::uint64_t unsettled_ = 0; ///< bytes between the head of the queue and that place
    std::uint32_t counted_ = 0; ///< messages of the head's run that lie before the head
};

} // namespace slk::messaging

#endif
