// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OUTGOING_HPP
#define SLK_MESSAGING_OUTGOING_HPP

/// The session's end of the lane to the network: what it offers to the system, and what it has to
/// keep until the system has taken it.
///
/// A message stays in the lane until all of it has been taken. When a connection is lost, what was
/// taken of a message in part is sent again from the message's beginning on the next one.

#include "lane/lane.hpp"
#include "zmtp/frame.hpp"

#include <vector>

namespace slk::messaging {

class outgoing {
public:
    using piece = std::span<const std::byte>;

    explicit outgoing(lane::lane& from) noexcept
        : lane_(from), scanned_(from.head()), sent_(from.head())
    {
    }

    /// Adds what comes next to `pieces`. What was gathered must be answered by taken() before more
    /// is gathered. Says how many bytes.
    std::size_t gather(std::vector<piece>& pieces);

    /// So many of the gathered bytes were taken, all or the first ones. Says how many messages
    /// are done with; they are not in the lane any more.
    [[nodiscard]] std::uint64_t taken(std::size_t bytes) noexcept;

    /// A new connection begins: with the first message that was not taken as a whole.
    void rewind() noexcept
    {
        sent_ = lane_.head();
        scanned_ = sent_;
        inside_frame_ = false;
    }

    /// In the middle of a message: the connection cannot say anything else now.
    [[nodiscard]] bool inside_frame() const noexcept { return inside_frame_; }

    /// When gather() has found nothing and all was taken. True if the producer will ring; false if
    /// there is something meanwhile.
    [[nodiscard]] bool sleeps() noexcept
    {
        const bool waits = lane_.consumer_sleeps();
        rewind();
        return waits;
    }

private:
    void advance(std::size_t bytes) noexcept;
    [[nodiscard]] bool scan(std::uint64_t& messages) noexcept;
    void forget() noexcept;

    lane::lane& lane_;
    lane::cursor scanned_; ///< behind the last frame that was taken as a whole
    lane::cursor sent_; ///< behind the last byte that was taken
    bool inside_frame_ = false;
};

} // namespace slk::messaging

#endif
