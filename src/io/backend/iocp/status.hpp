// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IOCP_STATUS_HPP
#define SLK_IO_BACKEND_IOCP_STATUS_HPP

/// From the NTSTATUS that a completion packet carries to what it means.
///
/// A packet is not asked through WSAGetOverlappedResult: its socket may be closed by then. The
/// system's own RtlNtStatusToDosError answers with the codes of files ("the specified network
/// name is no longer available"), so the way to the codes of Windows Sockets is a table here. The
/// numbers are those of Microsoft's [MS-ERREF], section 2.3.1, as constants: the table is compiled
/// and tested on every system.

#include <serverlink/error.hpp>

#include <cstdint>
#include <optional>

namespace slk::io::iocp {

/// STATUS_NETWORK_NAME_DELETED: the peer is gone.
inline constexpr std::uint32_t status_network_name_deleted = 0xC00000C9;

/// The code of Windows Sockets, or of Win32 where that says more (64, "net name deleted"); 0 for
/// every success; nothing for a status that the table does not have.
[[nodiscard]] std::optional<std::int32_t> code_of_status(std::uint32_t status) noexcept;

/// errc::ok for a success. The native number is the code, or the status itself where there is
/// none, with errc::unknown.
[[nodiscard]] error error_of_status(std::uint32_t status, phase where) noexcept;

} // namespace slk::io::iocp

#endif
