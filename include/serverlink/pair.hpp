// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_PAIR_HPP
#define SERVERLINK_PAIR_HPP

/// slk::pair: two sockets that talk to each other and to nobody else. RFC 31. Who comes while there
/// is a peer already is disconnected, and tries again later.

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
