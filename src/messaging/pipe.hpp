// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_HPP
#define SLK_MESSAGING_PIPE_HPP

/// A pipe: a socket's end of the two lanes that it has with one peer.
///
/// At the other end is a session, which lives on a loop and joins the lanes with a connection; or,
/// with inproc, the pipe of another socket. Each end is the other's bell.

#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "lane/lane.hpp"
#include "messaging/latest_slot.hpp"
#include "messaging/mailbox.hpp"
#include "messaging/peer_info.hpp"
#include "pattern/peer.hpp"

#include <atomic>
#include <cstdint>
#include <memory>

namespace slk::messaging {

/// The two lanes, which live as long as one of their ends. `toward[0]` leads away from the end
/// that has made them.
struct lane_pair final : ref_counted<lane_pair> {
    lane::lane toward[2];
    /// Messages that may wait in the lane from the network.
    std::atomic<std::uint32_t> receive_mark{0};
    std::atomic<std::uint64_t> receive_bytes{0}; ///< and bytes of them
    /// If each direction is to keep the newest message alone. Then a lane is written to by whoever
    /// reads it. With inproc it may come later than the first message.
    std::unique_ptr<conflation> conflates{};
};

/// One end of two lanes, seen from the other.
class far_end : public ref_counted<far_end>, public lane::bell {
public:
    /// As lane_readable(), by somebody who has nothing better to do than to carry the message
    /// himself, if that can be done without waiting.
    virtual void carry() noexcept { lane_readable(); }
    /// The same by somebody who has filled the lane. False: nothing was done, and nobody told.
    virtual bool send_now() noexcept { return false; }
    /// By the reader, who has made room: puts into the lane what has arrived, as far as that can be
    /// done without waiting. False: the other side is to be told of the room. `pools`: the
    /// caller's.
    virtual bool receive_now(lane::chunk_pools& pools) noexcept
    {
        (void)pools;
        return false;
    }
    /// The other end is gone, and why: nobody reads or writes there any more. Any thread.
    virtual void far_end_left(const error& reason) noexcept = 0;
    /// It does not want the present connection any more; the next one may come. Any thread.
    virtual void far_end_disconnects(const error& reason) noexcept = 0;

protected:
    friend class ref_counted<far_end>;
    far_end() = default;
    virtual ~far_end() = default;
};

class pipe final : public far_end, public pattern::peer, public ringer {
public:
    pipe(reference<lane_pair> lanes, std::size_t side) noexcept
        : conflates(lanes->conflates != nullptr), lanes_(std::move(lanes)),
          out_(lanes_->toward[side]), in_(lanes_->toward[1 - side])
    {
    }

    [[nodiscard]] lane::lane& out() noexcept { return out_; }
    [[nodiscard]] lane::lane& in() noexcept { return in_; }
    [[nodiscard]] const reference<lane_pair>& lanes() const noexcept { return lanes_; }

    /// Of one that conflates.
    [[nodiscard]] newest_message& newest_out() noexcept
    {
        return lanes_->conflates->toward[&out_ - lanes_->toward];
    }
    [[nodiscard]] newest_message& newest_in() noexcept
    {
        return lanes_->conflates->toward[&in_ - lanes_->toward];
    }
    /// What was sent by way of this pipe: all of it, what newer messages have replaced, and what
    /// the other end has taken.
    [[nodiscard]] newest_message::counts sent() noexcept;

    /// Where this pipe rings. Once; with inproc that may be later than the first message.
    void belong_to(reference<mailbox> owner) noexcept
    {
        owner_ = std::move(owner);
        rings_.store(owner_.get(), std::memory_order_seq_cst);
    }

    // Bells: called by the other end.
    void lane_readable() noexcept override { signal(bit_readable); }
    void lane_writable() noexcept override { signal(bit_writable); }
    void far_end_left(const error& reason) noexcept override;
    void far_end_disconnects(const error& reason) noexcept override { far_end_left(reason); }

    static constexpr std::uint32_t bit_readable = 1;
    static constexpr std::uint32_t bit_writable = 2;
    /// By the socket, when it has taken the pipe from its mailbox's list.
    [[nodiscard]] std::uint32_t take_signals() noexcept
    {
        return signals_.exchange(0, std::memory_order_seq_cst);
    }

    // What follows is the socket's own.

    reference<far_end> far;
    peer_info about;
    std::size_t place = SIZE_MAX; ///< in the socket's list
    std::uint64_t endpoint = 0; ///< by whose number it came about
    bool accepted = false; ///< ends with its connection
    bool attached = false; ///< the pattern knows it
    bool connected = false; ///< the handshake is over
    bool ended = false; ///< nothing more will arrive
    bool named = false; ///< its routing id was given by connect()
    std::uint32_t until_look = 1; ///< messages until the other side is told of room
    std::uint32_t staged = 0; ///< messages written and not yet published
    std::uint32_t far_mark = 0; ///< of inproc: how many messages the other end holds
    std::uint64_t far_bytes = 0; ///< and how many bytes of them
    bool is_inproc = false;
    bool shows_bytes = false; ///< somebody counts the bytes that are received
    bool conflates; ///< what goes either way goes by way of the newest message
    std::uint64_t discarded = 0; ///< messages that were thrown away instead of received
    std::uint64_t connections = 0; ///< times that the peer arrived
    error last_reason{}; ///< why it left

private:
    void signal(std::uint32_t bit) noexcept
    {
        mailbox* const to = rings_.load(std::memory_order_seq_cst);
        if (to == nullptr || signals_.fetch_or(bit, std::memory_order_seq_cst) != 0)
            return;
        retain(); // the list's
        to->ring(*this);
    }

    const reference<lane_pair> lanes_;
    lane::lane& out_;
    lane::lane& in_;
    reference<mailbox> owner_;
    std::atomic<mailbox*> rings_{nullptr};
    std::atomic<std::uint32_t> signals_{0};
};

} // namespace slk::messaging

#endif
