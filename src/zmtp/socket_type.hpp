// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_SOCKET_TYPE_HPP
#define SLK_ZMTP_SOCKET_TYPE_HPP

/// The socket types by their names and numbers on the wire, and their legal pairs.

#include "zmtp/bytes.hpp"

#include <optional>

namespace slk::zmtp {

/// The numbers are the socket-type byte of ZMTP 2.0 (RFC 15); XPUB and XSUB have libzmq's numbers.
enum class socket_type : std::uint8_t {
    pair = 0,
    pub = 1,
    sub = 2,
    req = 3,
    rep = 4,
    dealer = 5,
    router = 6,
    pull = 7,
    push = 8,
    xpub = 9,
    xsub = 10,
    stream = 11, ///< not ZMTP: never on the wire
};
/// Of those on the wire.
inline constexpr std::size_t socket_type_count = 11;

/// Returns the name as in the property Socket-Type: "DEALER".
[[nodiscard]] std::string_view name_of(socket_type which) noexcept;
/// The names are case-sensitive (RFC 23, "the Socket-Type property").
[[nodiscard]] std::optional<socket_type> socket_type_named(std::string_view name) noexcept;

/// Returns whether the two are a legal pair. Each side checks it.
[[nodiscard]] bool may_talk(socket_type own, socket_type peer) noexcept;

/// REQ, DEALER and ROUTER always send the property Identity, the others never, as libzmq does.
[[nodiscard]] bool sends_identity(socket_type which) noexcept;

/// True for PUB and XPUB, which receive subscriptions.
[[nodiscard]] bool is_publisher(socket_type which) noexcept;

} // namespace slk::zmtp

#endif
