// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_PEER_INFO_HPP
#define SLK_MESSAGING_PIPE_PEER_INFO_HPP

/// What the handshake told about a peer.

#include <serverlink/address.hpp>
#include <serverlink/socket_options.hpp>

#include "base/shared_text.hpp"
#include "zmtp/greeting.hpp"
#include "zmtp/socket_type.hpp"

#include <optional>
#include <string>
#include <vector>

namespace slk::messaging {

struct peer_info {
    std::optional<zmtp::socket_type> type{};
    zmtp::version speaks = zmtp::version::v3_1;
    std::string routing_id{};
    /// The user that a PLAIN server has let in, if any.
    reference<shared_text> user{};
    std::vector<socket_property> properties{};
    address local{};
    address peer{};
    time_point since{}; ///< the end of the handshake
};

} // namespace slk::messaging

#endif
