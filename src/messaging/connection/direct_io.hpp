// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_DIRECT_IO_HPP
#define SLK_MESSAGING_CONNECTION_DIRECT_IO_HPP

/// Direct I/O: the thread that uses a socket sends and receives by itself on the descriptor of a
/// connection, while the loop has nothing to do there. That saves a wake of the loop.
///
/// Each direction has one owner at a time, and neither thread waits for the other, but for the end
/// of the loop. The loop offers a direction when it has nothing under way; a caller's thread takes
/// it for a few system calls; the loop takes it back when it needs it. If a caller is inside at
/// that moment, the direction is recalled: the caller gives it to the loop when it leaves, and
/// notifies it.

#include "base/message_access.hpp"
#include "io/loop_core.hpp"
#include "lane/lane.hpp"
#include "messaging/connection/connection_settings.hpp"
#include "messaging/connection/wire_in.hpp"
#include "messaging/connection/wire_out.hpp"
#include "messaging/observe/metrics_registry.hpp"

#include <atomic>
#include <cstdint>
#include <vector>

namespace slk::messaging {

/// The owner of one direction of a connection.
enum class io_owner : std::uint8_t {
    loop,     ///< the loop
    caller,   ///< the caller's thread may take it; the lane notifies the loop of new messages
    watching, ///< as caller, but the loop is not notified: it looks by itself from time to time
    busy,     ///< a caller's thread is inside a transfer
    recalled, ///< as busy, and the loop wants it back
};

class io_direction {
public:
    // --- a caller's thread ---

    /// Takes the direction. False: it is the loop's, or another call is inside.
    [[nodiscard]] bool enter() noexcept;
    /// Gives it to `next`. False: it was recalled, is the loop's now, and the loop must be told.
    [[nodiscard]] bool leave(io_owner next) noexcept;

    // --- the loop's thread ---

    /// Takes the direction back. False: a caller is inside, and tells the loop when it leaves.
    [[nodiscard]] bool reclaim() noexcept;
    /// Takes it back unless a caller is inside, and recalls nothing.
    [[nodiscard]] bool reclaim_if_idle() noexcept;
    void offer(io_owner to) noexcept { owner_.store(to, std::memory_order_release); }
    /// A caller is inside.
    [[nodiscard]] bool is_busy() const noexcept
    {
        const io_owner now = owner_.load(std::memory_order_acquire);
        return now == io_owner::busy || now == io_owner::recalled;
    }

private:
    std::atomic<io_owner> owner_{io_owner::loop};
};

/// Whether a sender of large bodies waits for the system to take what it has sent, instead of
/// filling the lane: memory that is used again at once stays in the processor's cache, and a lane
/// full of large bodies does not. A peer that is too slow for that is not waited for with the next
/// bodies, twice as many each time. For the sender's thread.
class body_pace {
public:
    /// One body's turn: whether its sender waits.
    [[nodiscard]] bool take_turn() noexcept
    {
        if (bodies_to_skip_ == 0)
            return true;
        --bodies_to_skip_;
        return false;
    }
    void waited_in_vain() noexcept
    {
        bodies_to_skip_ = static_cast<std::uint16_t>(first_skip << failures_);
        if (failures_ < max_failures)
            ++failures_;
    }
    void kept_up() noexcept { failures_ = 0; }

private:
    static constexpr unsigned first_skip = 16;
    static constexpr std::uint8_t max_failures = 6;

    std::uint16_t bodies_to_skip_ = 0;
    std::uint8_t failures_ = 0; ///< in a row
};

class direct_io {
public:
    /// `counts`: the owner of each direction adds to it.
    direct_io(wire_out& out, wire_in& in, const connection_settings& settings, io::loop_core& loop,
              bool loop_run_by_caller, byte_counters& counts) noexcept
        : transferred(counts), out_(out), in_(in), settings_(settings), loop_(loop),
          by_caller_(loop_run_by_caller)
    {
    }

    byte_counters& transferred;

    // --- the loop's thread ---

    /// A connection begins: both directions are the loop's.
    void begin(io::native_handle handle) noexcept;

    /// The loop wants to send. False: a caller is sending, and notifies the loop when it leaves.
    [[nodiscard]] bool take_sending() noexcept;
    /// The loop has nothing to send. Returns false if there is something meanwhile; else callers
    /// may send.
    [[nodiscard]] bool offer_sending(time_point now) noexcept;
    /// When the loop is to look whether a caller still sends by itself; never if it is notified.
    [[nodiscard]] time_point next_look() const noexcept { return next_look_; }
    /// At next_look(). Returns true if a caller still sends by itself, and the loop need not.
    [[nodiscard]] bool keep_watching(time_point now) noexcept;

    /// The loop does not receive for want of room; callers may when they have made some. They count
    /// the parts of an unfinished message in `begun`.
    void offer_receiving(zmtp::message_progress& begun) noexcept
    {
        begun_ = &begun;
        receiving_.offer(io_owner::caller);
    }
    /// The loop does not receive, so that it does not see the peer's end: a caller that sends asks
    /// the system.
    void set_paused(bool paused) noexcept { paused_.store(paused, std::memory_order_relaxed); }
    /// The loop wants to receive. False: a caller is receiving, and notifies the loop when it
    /// leaves. `failure`: what a caller has found, if its receive failed.
    [[nodiscard]] bool take_receiving(error& failure) noexcept;

    /// The loop is to be notified when a caller sends by itself the next time. Once.
    void tell_of_next_send() noexcept { tells_.store(true, std::memory_order_relaxed); }
    /// The connection cannot go on. While the loop owns sending.
    [[nodiscard]] bool is_torn() const noexcept { return torn_; }
    /// The descriptor is to be closed. False: a caller is inside, and notifies the loop.
    [[nodiscard]] bool release_descriptor() noexcept;
    [[nodiscard]] bool is_busy() const noexcept
    {
        return sending_.is_busy() || receiving_.is_busy();
    }
    /// The end of the loop: waits until no caller is inside, which takes a few system calls.
    void wait_until_idle() noexcept;

    /// For gather(), with room for `min_pieces` at least; the owner's of the sending direction.
    std::vector<wire_out::piece> pieces;
    static constexpr std::size_t min_pieces = 2;

    // --- a caller's thread ---

    enum class attempt : std::uint8_t {
        none, ///< the direction is not the caller's: nothing was done
        done, ///< as much was done as possible
        notify, ///< the same, and the loop must be notified
        no_memory, ///< for the message, or the rest of it; the loop must be notified
    };
    /// Sends what the wire holds. Also `notify` if something is left to send.
    [[nodiscard]] attempt send() noexcept;
    /// Sends a message of one part straight from the caller's memory, behind what `lane` holds,
    /// which is that of the wire. What the system does not take is written to the lane; then this
    /// thread goes on sending for a short time, and may wait for that (max_pace). `owner`: that of
    /// the memory, or null.
    [[nodiscard]] attempt send_body(lane::lane& lane, std::span<const std::byte> body,
                                    message_detail::shared_memory* owner) noexcept;
    /// Receives small messages into room that the caller has made, with chunks from `pools`. At
    /// most one receive brings something. `done`: the lane has got messages or is full, and the
    /// caller asks again when it has read; `none` and `notify`: the loop must be notified, which
    /// then waits for what has not arrived yet.
    [[nodiscard]] attempt receive(lane::chunk_pools& pools, lane::chunk_pools& loop_pools) noexcept;

private:
    using transfers = io::poller::direct_transfers;
    enum class drained : std::uint8_t {
        all, ///< nothing is left, and the loop need not be notified before the next message
        part,
        nothing, ///< the system takes nothing now, or the connection has failed
    };
    [[nodiscard]] drained drain(const transfers& direct, int max_calls) noexcept;
    [[nodiscard]] bool enter_to_send_body(const lane::lane& lane, time_point until) noexcept;
    [[nodiscard]] attempt drain_until(const transfers& direct, time_point until) noexcept;
    [[nodiscard]] io_owner owner_between_calls() const noexcept
    {
        return watches() ? io_owner::watching : io_owner::caller;
    }
    [[nodiscard]] bool receive_small(const transfers& direct) noexcept;
    [[nodiscard]] bool watches() const noexcept { return watch_interval_ > duration::zero(); }
    void plan_look(time_point now) noexcept;
    [[nodiscard]] bool must_tell() noexcept
    {
        return tells_.load(std::memory_order_relaxed) &&
               tells_.exchange(false, std::memory_order_relaxed);
    }

    wire_out& out_;
    wire_in& in_;
    const connection_settings& settings_;
    io::loop_core& loop_;
    const bool by_caller_;
    // The loop's; any thread reads it.
    std::atomic<bool> open_{false}; ///< sending was offered on this connection
    std::atomic<bool> paused_{false};
    std::atomic<bool> tells_{false}; ///< of the next send
    io::native_handle handle_ = io::invalid_handle;

    io_direction sending_;
    io_direction receiving_;
    // The owner's of the sending direction.
    bool caller_streams_ = false; ///< a caller has sent much at a time since the last look
    bool torn_ = false; ///< the rest of a message that was sent in part is not there
    // The sender's.
    body_pace pace_;
    // The owner's of the receiving direction.
    error receive_failure_{};
    zmtp::message_progress* begun_ = nullptr; ///< the session's; set while receiving was offered
    // The loop's; a caller inside may read the interval.
    duration watch_interval_{};
    time_point next_look_ = never;
};

} // namespace slk::messaging

#endif
