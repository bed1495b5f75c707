// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_PATTERN_HPP
#define SLK_PATTERN_PATTERN_HPP

/// A pattern: whose message is received next, and who gets the next one that is sent. There is one
/// for each type of socket, and nothing in it but routing: no bytes, no threads, no time.

#include <serverlink/result.hpp>

#include "pattern/peer.hpp"

#include <memory>

namespace slk::pattern {

class pattern {
public:
    virtual ~pattern() = default;

    /// A peer is there. An error: this socket does not take it, and its connection is to be closed.
    virtual result<void> attach(peer& entry) = 0;
    /// After stop_sending: it gets messages again. An error, likewise: its place was taken.
    virtual result<void> resume_sending(peer& entry) = 0;
    /// What was received of it may still be read: it leaves the order of receiving later, by
    /// detach().
    virtual void stop_sending(peer& entry) noexcept = 0;
    virtual void detach(peer& entry) noexcept = 0;

    /// It has something to be received, or nothing any more.
    virtual void readable(peer& entry, bool is) noexcept = 0;
    /// It has room for a message, or none any more.
    virtual void writable(peer& entry, bool is) noexcept = 0;

    /// Whose message is next; null: nobody has one.
    [[nodiscard]] virtual peer* receive_from() noexcept = 0;
    /// One whole message of it was received.
    virtual void received(peer& entry) noexcept = 0;
    /// Who gets the next message; null: nobody has room.
    [[nodiscard]] virtual peer* send_to() noexcept = 0;
    /// One whole message was sent to it.
    virtual void sent(peer& entry) noexcept = 0;
};

} // namespace slk::pattern

#endif
