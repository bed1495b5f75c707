// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_PIPE_PEER_INFO_HPP
#define SLK_MESSAGING_PIPE_PEER_INFO_HPP

/// What the handshake told about a peer.

#include <serverlink/address.hpp>
#include <serverlink/socket_options.hpp>

#include "messaging/pipe/peer_properties.hpp"
#include "zmtp/greeting.hpp"
#include "zmtp/socket_type.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slk::messaging {

struct peer_info {
    std::optional<zmtp::socket_type> type{};
    zmtp::version speaks = zmtp::version::v3_1;
    std::int32_t descriptor = -1; ///< of the connection; it may be closed
    std::string routing_id{};
    /// What the authenticator has told of the peer that it has let in, if anything.
    reference<peer_properties> known{};
    std::vector<socket_property> properties{};
    address local{};
    address peer{};
    time_point since{}; ///< the end of the handshake

    /// The name that the peer was let in by; empty: none.
    [[nodiscard]] std::string_view user() const noexcept
    {
        const std::string* const name = known ? known->find(peer_properties::user_id) : nullptr;
        return name != nullptr ? std::string_view(*name) : std::string_view();
    }
};

} // namespace slk::messaging

#endif
