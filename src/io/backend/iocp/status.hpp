// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IOCP_STATUS_HPP
#define SLK_IO_BACKEND_IOCP_STATUS_HPP

/// From the NTSTATUS of a completion packet to its meaning.
///
/// WSAGetOverlappedResult is not called: the packet's socket may be closed by then. The system's
/// RtlNtStatusToDosError returns the codes of files ("the specified network name is no longer
/// available"), so the mapping to the codes of Windows Sockets is a table here. The numbers are
/// those of Microsoft's [MS-ERREF], section 2.3.1, as constants: the table is compiled and tested
/// on every system.

#include <serverlink/error.hpp>

#include <cstdint>
#include <optional>

namespace slk::io::iocp {

/// STATUS_NETWORK_NAME_DELETED: the peer is gone.
inline constexpr std::uint32_t status_network_name_deleted = 0xC00000C9;

/// Returns the code of Windows Sockets, or of Win32 where that is more precise (64, "net name
/// deleted"); 0 for every success; nothing for a status that the table does not have.
[[nodiscard]] std::optional<std::int32_t> code_of_status(std::uint32_t status) noexcept;

/// errc::ok for a success. The native number is the code, or the status itself where there is no
/// code, with errc::unknown.
[[nodiscard]] error error_of_status(std::uint32_t status, phase in) noexcept;

} // namespace slk::io::iocp

#endif
