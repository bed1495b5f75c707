// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_DEALER_HPP
#define SERVERLINK_DEALER_HPP

/// slk::dealer: sends each message to the next of its peers that has room, and receives the
/// messages of all its peers, in turn. RFC 28, DEALER.

#include <serverlink/socket.hpp>

namespace slk {

class SLK_API dealer : public socket {
public:
    /// Errors: invalid_argument (an option), too_many_descriptors (context_options::max_sockets),
    /// cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<dealer> create(context& in, dealer_options options = {});

    using socket::receive;
    using socket::receive_batch;
    using socket::send;
    using socket::send_batch;

private:
    using socket::socket;
};

} // namespace slk

#endif
