// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OBSERVE_PEER_REPORT_HPP
#define SLK_MESSAGING_OBSERVE_PEER_REPORT_HPP

/// A report: one change of a peer, as a value. It says which peer, what, and why. Connections make
/// reports on their loop's thread; the socket reads them from its inbox.

#include <serverlink/error.hpp>

#include "base/list.hpp"
#include "base/reference.hpp"
#include "messaging/pipe/far_end.hpp"
#include "messaging/pipe/peer_info.hpp"

#include <cstdint>
#include <memory>
#include <variant>

namespace slk::messaging {

class pipe;

/// The handshake with the pipe's peer is over.
struct peer_connected {
    reference<pipe> peer;
    peer_info info;
    /// inproc only: the other end, where it is another one than before.
    reference<far_end> far{};
    /// The peer connected this number of times, and was lost in between.
    std::uint64_t times = 1;
    /// It has taken over the place of another one, which does not know it yet.
    bool displaces = false;
};

/// The connection of the pipe's peer is over.
struct peer_disconnected {
    reference<pipe> peer;
    bool for_good = false; ///< no other connection follows: the pipe ends
};

/// The pipe's peer has stopped reading, or reads again.
struct peer_stalled {
    reference<pipe> peer;
    bool stalled = false;
};

/// A message was set aside because the pipe's peer has ended one connection after the other in it.
struct message_refused {
    reference<pipe> peer;
};

using report_detail =
    std::variant<peer_connected, peer_disconnected, peer_stalled, message_refused>;

struct peer_report {
    report_detail what;
    error why{};
};

/// What the socket has not read yet about a peer. It is a part of the pipe, so that no other event
/// than `met` needs memory, and however often the peer comes and goes, it does not grow. The inbox
/// guards it.
struct unread_events : list_node {
    std::unique_ptr<peer_connected> met; ///< its pipe is the one that this belongs to
    error lost_why{}; ///< the latest; but how a message was refused, if one was
    // What there is beside `met`, which is the second one, in this order.
    bool lost_before : 1 = false;
    bool stall_changed : 1 = false;
    bool refused : 1 = false;
    bool lost : 1 = false;

    bool is_stalled : 1 = false; ///< of stall_changed
    bool lost_for_good : 1 = false; ///< of lost_before or lost
    bool is_connected : 1 = false; ///< after all events so far, also those that were read
};

} // namespace slk::messaging

#endif
