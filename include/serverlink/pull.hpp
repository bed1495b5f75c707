// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_PULL_HPP
#define SERVERLINK_PULL_HPP

/// slk::pull: receives the messages of all its peers, in turn. RFC 30, PULL.

#include <serverlink/socket.hpp>

namespace slk {

class SLK_API pull : public socket {
public:
    /// Errors: invalid_argument (an option), too_many_descriptors (context_options::max_sockets),
    /// cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<pull> create(context& in, pull_options options = {});

    using socket::receive;
    using socket::receive_batch;

private:
    using socket::socket;
};

} // namespace slk

#endif
