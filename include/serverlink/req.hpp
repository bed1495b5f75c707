// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_REQ_HPP
#define SERVERLINK_REQ_HPP

/// slk::req: asks its peers, each request the next one of them that has room, and receives the
/// reply before the next request. RFC 28, REQ.
///
/// On the wire a request has an envelope, which the peer returns: an empty part, and before it a
/// number with the option `correlate`. Only the reply of the peer that was asked is received. What
/// others send, what has arrived before the request was sent, and what has another envelope is
/// discarded, and counted (socket_counters::discarded).
///
/// A request is never sent twice. If the peer that was asked is gone, no reply may come: wait with
/// a timeout, and with the option `relaxed` ask again. At an endpoint of connect() the peer may
/// come back, and then may still reply; a request that was not sent yet waits for it. In place of a
/// peer of bind() that has gone, any peer may reply.

#include <serverlink/socket.hpp>

namespace slk {

class SLK_API req : public socket {
public:
    /// Errors: invalid_argument (an option), too_many_descriptors (context_options::max_sockets),
    /// cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<req> create(context& in, req_options options = {});

    /// Sends a request. A further error is invalid_state (a reply is due, and the option `relaxed`
    /// is not set). With `relaxed`, the request before is over also when there is no memory for
    /// this one.
    using socket::send;
    /// Receives the reply, or its next part. Further errors: invalid_state (no reply is due). A
    /// reply that is lost with out_of_memory ends the request.
    using socket::receive;

private:
    using socket::socket;
};

} // namespace slk

#endif
