// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_PUSH_HPP
#define SERVERLINK_PUSH_HPP

/// slk::push: sends each message to the next of its peers that has room. RFC 30, PUSH.

#include <serverlink/socket.hpp>

namespace slk {

class SLK_API push : public socket {
public:
    /// Errors: invalid_argument (an option), too_many_descriptors (context_options::max_sockets),
    /// cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<push> create(context& in, push_options options = {});

    using socket::send;
    using socket::send_batch;

private:
    using socket::socket;
};

} // namespace slk

#endif
