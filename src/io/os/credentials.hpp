// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_CREDENTIALS_HPP
#define SLK_IO_OS_CREDENTIALS_HPP

#include <serverlink/result.hpp>

#include <cstdint>
#include <optional>

namespace slk::io::os {

/// The process at the other end of a local connection, as it was when it connected.
struct credentials {
    std::optional<std::uint32_t> process{}; ///< not every system tells
    std::uint32_t user = 0;
    std::uint32_t group = 0;
};

/// Of the peer of a local socket. Errors: not_supported, and the system's.
[[nodiscard]] result<credentials> peer_credentials(std::intptr_t socket) noexcept;

} // namespace slk::io::os

#endif
