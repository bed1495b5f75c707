// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_METADATA_HPP
#define SLK_ZMTP_METADATA_HPP

/// The properties in READY and INITIATE. RFC 23 (ZMTP 3.1), "metadata": name-length (1), name,
/// value-length (4), value, repeated.

#include "zmtp/bytes.hpp"
#include "zmtp/socket_type.hpp"

#include <serverlink/result.hpp>

#include <optional>

namespace slk::zmtp {

inline constexpr std::size_t max_property_name = 255;
inline constexpr std::size_t max_identity = 255;
/// A peer that sends more is refused: no known peer comes near it.
inline constexpr std::size_t max_properties = 256;

struct property {
    std::string_view name;
    std::string_view value;
};

/// Reads properties one after the other; the views lie in the bytes of the caller.
class metadata_reader {
public:
    explicit metadata_reader(byte_view data) noexcept : left_(data) {}

    /// Returns the next property; nothing at the end; an error if it is cut off.
    [[nodiscard]] result<std::optional<property>> next() noexcept;

private:
    byte_view left_;
};

/// RFC 23 compares names without regard to case, libzmq with: this follows the more tolerant RFC.
[[nodiscard]] bool same_name(std::string_view one, std::string_view other) noexcept;

/// The metadata of a peer. Views into the parsed bytes.
struct peer_metadata {
    std::optional<socket_type> type{}; ///< not checked if the peer does not send it
    byte_view identity{};
    byte_view properties{}; ///< all of them, for a metadata_reader
};

/// At most 255 bytes, and not beginning with 0: ROUTER makes up such identities (RFC 23).
[[nodiscard]] result<void> check_identity(byte_view identity) noexcept;

/// Reads and checks all properties, and that the socket types match. The last one of two equal
/// properties counts.
[[nodiscard]] result<peer_metadata> parse_metadata(byte_view data, socket_type own) noexcept;

/// The metadata of this side: Socket-Type, Identity where the type has one, and the application's
/// properties.
struct own_metadata {
    socket_type type = socket_type::pair;
    std::string_view identity;
    std::span<const property> application;
};

[[nodiscard]] std::size_t metadata_size(const own_metadata& own) noexcept;
/// Writes metadata_size() bytes.
void write_metadata(writer& out, const own_metadata& own) noexcept;

} // namespace slk::zmtp

#endif
