// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_WIRE_IN_HPP
#define SLK_MESSAGING_CONNECTION_WIRE_IN_HPP

/// Where a connection puts the bytes that it receives. A plain lane and the slot of a conflating
/// socket are implementations.
///
/// Bytes that were received and not yet understood are the window. Frames of messages at its
/// beginning are taken; other bytes are dropped. A large body is received into memory of its own.
///
/// One thread at a time uses it: the loop's, or the one that direct_io has let in.

#include "base/memory_budget.hpp"
#include "lane/chunk.hpp"
#include "zmtp/curve/peer.hpp"
#include "zmtp/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace slk::messaging {

class wire_in {
public:
    wire_in() = default;
    wire_in(const wire_in&) = delete;
    wire_in& operator=(const wire_in&) = delete;
    virtual ~wire_in() = default;

    // --- receiving ---

    /// Where the next bytes are to be received; empty when memory is exhausted, or the message has
    /// to wait for memory. At least `wanted` more bytes fit behind the window in one piece.
    [[nodiscard]] virtual std::span<std::byte> space(std::size_t wanted) noexcept = 0;
    /// This number of bytes was received there.
    virtual void received(std::size_t bytes) noexcept = 0;
    /// The last receive filled all the room that there was: the system probably holds more. Before
    /// the next space().
    [[nodiscard]] virtual bool was_filled() const noexcept = 0;

    // --- the window ---

    [[nodiscard]] virtual std::span<const std::byte> window() noexcept = 0;
    /// Removes bytes that are not frames of messages from its beginning.
    virtual void drop(std::size_t bytes) noexcept = 0;
    /// Takes the frames of messages at its beginning, and publishes the whole messages. Returns
    /// true if the reader waits and must be notified.
    [[nodiscard]] virtual bool take(const zmtp::scanned& found) noexcept = 0;

    /// The first bytes of the window are a subscription, or a cancellation, of `topic`, which lies
    /// in the window, and perhaps others before it that are to be dropped.
    virtual void take_request(bool subscribe, std::span<const std::byte> topic,
                              std::size_t bytes) noexcept
    {
        (void)subscribe, (void)topic;
        drop(bytes);
    }
    /// All that is in the window was looked at. Returns as take().
    [[nodiscard]] virtual bool end_requests() noexcept { return false; }

    // --- large bodies ---

    /// The window begins with the header of a frame whose body is large, and the first bytes of the
    /// body. Returns false when memory is exhausted.
    [[nodiscard]] virtual bool begin_body(std::size_t header, std::uint64_t size) noexcept = 0;
    [[nodiscard]] virtual bool receives_body() const noexcept = 0;
    /// Bytes of the body that were received since the last call.
    [[nodiscard]] virtual std::size_t body_progress() noexcept = 0;
    /// Takes the body if all of it was received, and returns true then.
    [[nodiscard]] virtual bool end_body() noexcept = 0;
    /// Publishes one message whose last part is a large body. Returns as take().
    [[nodiscard]] virtual bool publish_body() noexcept = 0;

    // --- the budget of memory ---

    /// Before the first space(): is called when there is memory for a message that waits.
    virtual void set_memory_user(memory_user& user) noexcept = 0;
    /// The last space() was empty because the message has to wait for memory.
    [[nodiscard]] virtual bool waits_for_memory() const noexcept = 0;
    /// A large message is arriving, and is to end because others have waited for its memory.
    [[nodiscard]] virtual bool must_give_memory_back() const noexcept = 0;
    /// The message does not arrive any more: it is the turn of another one.
    virtual void withdraw_claim() noexcept = 0;
    /// Memory for the message that arrives that is not in the reader's queue: `now` bytes in place
    /// of `before`. Less is always granted. False: as an empty space().
    [[nodiscard]] virtual bool hold_apart(std::size_t before, std::size_t now) noexcept = 0;
    /// See memory_budget::look_for_memory().
    [[nodiscard]] virtual time_point look_for_memory(time_point now) noexcept = 0;

    // --- credit ---

    /// Messages that may be taken now.
    [[nodiscard]] virtual std::uint64_t credit() noexcept = 0;
    /// Returns true if the reader will notify when there is room; false if there is room meanwhile.
    [[nodiscard]] virtual bool must_wait() noexcept = 0;
    /// The reader notifies when it has read something.
    virtual void request_notice() noexcept = 0;

    /// Whether the thread that reads may also receive.
    [[nodiscard]] virtual bool allows_direct_io() const noexcept = 0;
    /// Chunks come from `pools` from now on: those of the thread that receives.
    virtual void allocate_from(lane::chunk_pools& pools) noexcept = 0;

    /// Whether a password may be among the bytes of the window, which are wiped then wherever they
    /// have been. Off when messages arrive.
    virtual void keep_secret(bool is) noexcept = 0;

    /// After connection_ready(): what follows the window's first bytes that were dropped is
    /// CURVE's, and `keys` open it until end_connection(); null: it is not. Returns false when
    /// memory is exhausted.
    [[nodiscard]] virtual bool open_with(zmtp::curve_peer* keys) noexcept
    {
        (void)keys;
        return true;
    }
    /// What has arrived cannot be read, and why the connection has to end; else no error.
    [[nodiscard]] virtual error failure() const noexcept { return {}; }
    /// The handshake of a connection is over, and the reader does not know yet. Returns false when
    /// memory is exhausted.
    [[nodiscard]] virtual bool connection_ready() noexcept { return true; }
    /// A connection is over: what was not published is forgotten. Returns as take().
    [[nodiscard]] virtual bool end_connection() noexcept = 0;
};

} // namespace slk::messaging

#endif
