// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_PAIR_HPP
#define SERVERLINK_PAIR_HPP

/// slk::pair: sends to its only peer, and receives from it. A second peer is disconnected while the
/// first one is there, and tries again later. RFC 31, PAIR.

#include <serverlink/socket.hpp>

namespace slk {

class SLK_API pair : public socket {
public:
    /// Errors: invalid_argument (an option), too_many_descriptors (context_options::max_sockets),
    /// cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<pair> create(context& in, pair_options options = {});

    using socket::receive;
    using socket::receive_batch;
    using socket::send;
    using socket::send_batch;

private:
    using socket::socket;
};

} // namespace slk

#endif
