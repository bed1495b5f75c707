// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_REP_HPP
#define SERVERLINK_REP_HPP

/// slk::rep: receives the requests of all its peers, in turn, and sends the reply to each of them
/// before it receives the next one. RFC 28, REP.
///
/// A request begins with an envelope, the parts up to the first one that is empty. The caller
/// receives what follows, and its reply gets the same envelope: so it finds its way back through
/// any number of ROUTERs. A message without an envelope, or with nothing behind it, is discarded
/// and counted (socket_counters::discarded).

#include <serverlink/socket.hpp>

namespace slk {

class SLK_API rep : public socket {
public:
    /// Errors: invalid_argument (an option), too_many_descriptors (context_options::max_sockets),
    /// cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<rep> create(context& in, rep_options options = {});

    /// Sends the reply to the request that was received, and does not wait. It is dropped if its
    /// peer is gone (dropped_no_route) or does not read its replies (dropped_full); the next
    /// request may be received then. A further error is invalid_state (no request was received, or
    /// not all of its parts).
    using socket::send;
    /// Receives the next request, or its next part. Further errors: invalid_state (the reply is
    /// due). If there is no memory for a request, it is lost, and no reply is due.
    using socket::receive;
    [[nodiscard]] result<void> receive(multipart& into, const timeout& limit = {});

private:
    using socket::socket;
};

} // namespace slk

#endif
