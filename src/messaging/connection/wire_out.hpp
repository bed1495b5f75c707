// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_WIRE_OUT_HPP
#define SLK_MESSAGING_CONNECTION_WIRE_OUT_HPP

/// Where a connection gets the bytes that it sends. A plain lane and the slot of a conflating
/// socket are implementations.
///
/// One thread at a time uses it: the loop's, or the one that direct_io has let in.

#include "messaging/pipe/far_end.hpp"
#include "zmtp/curve/peer.hpp"
#include "zmtp/greeting.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace slk::messaging {

class wire_out {
public:
    using piece = std::span<const std::byte>;

    wire_out() = default;
    wire_out(const wire_out&) = delete;
    wire_out& operator=(const wire_out&) = delete;
    virtual ~wire_out() = default;

    /// Appends the next runs of bytes to `pieces` and returns how many bytes they are. taken() must
    /// follow before the next call. `before`: the number of a message that is not to be sent, and
    /// that does not come first; messages are numbered by how many were written before them.
    virtual std::size_t gather(std::vector<piece>& pieces, std::uint64_t before = no_message) = 0;
    static constexpr std::uint64_t no_message = UINT64_MAX;

    struct progress {
        std::uint64_t messages = 0; ///< that the system has taken whole, and that are done with
        bool notify = false; ///< the writer waits for room and must be notified
    };
    /// The system has taken the first `bytes` of what was gathered. `look`: ask whether the writer
    /// waits.
    virtual progress taken(std::size_t bytes, bool look) noexcept = 0;

    /// Before anything else: is notified on its loop when there is something to send, where the
    /// writer of a lane does not notify.
    virtual void set_user(far_end& user) noexcept { (void)user; }
    /// A connection begins, with the first message that the system had not taken whole.
    virtual void begin_connection() noexcept = 0;
    /// Its handshake is over.
    virtual void connection_ready(zmtp::version speaks) noexcept { (void)speaks; }
    /// Before connection_ready(): `keys` seal what is sent until end_connection(); null: nothing
    /// does.
    virtual void seal_with(zmtp::curve_peer* keys) noexcept { (void)keys; }
    /// It is over.
    virtual void end_connection() noexcept {}
    /// The socket has given the connection up: what is queued is sent, and nothing else.
    virtual void depart() noexcept {}
    /// Something that the peer has to be told cannot be: why the connection has to end, or no
    /// error.
    [[nodiscard]] virtual error why_torn() const noexcept { return {}; }
    /// The last byte taken is inside a frame: nothing else may be sent now.
    [[nodiscard]] virtual bool inside_frame() const noexcept = 0;

    /// The system has taken the first message in part.
    [[nodiscard]] virtual bool inside_message() const noexcept = 0;
    /// Not inside a message, or between two connections: drops the first message. The writer is to
    /// be notified as by taken().
    virtual progress drop_message() noexcept = 0;

    /// After gather() has found nothing. Returns true if the writer will notify; false if there is
    /// something to send meanwhile.
    [[nodiscard]] virtual bool must_wait() noexcept = 0;
    /// Whether the thread that writes may also send.
    [[nodiscard]] virtual bool allows_direct_io() const noexcept = 0;
    /// What goes on the wire is what was written: with allows_direct_io() the thread that writes
    /// may also send without writing.
    [[nodiscard]] virtual bool sends_as_it_is() const noexcept { return true; }

protected:
    // Offered to the system at a time. A socket's buffer is rarely larger, and a command that must
    // go between two messages should not wait for too much.
    static constexpr std::size_t max_pieces = 32;
    static constexpr std::size_t max_bytes = std::size_t{512} * 1024;
};

} // namespace slk::messaging

#endif
