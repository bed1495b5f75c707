// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_WINDOWS_CODES_HPP
#define SLK_IO_OS_WINDOWS_CODES_HPP

/// The meaning of the numbers of Windows Sockets and of Win32.
///
/// The numbers are Microsoft's ("Windows Sockets Error Codes", "System Error Codes"), written here
/// as constants, so that the table is compiled and tested on every system.

#include <serverlink/error.hpp>

#include <cstdint>

namespace slk::io::os::windows {

/// errc::unknown for a number that the table does not have. The meaning of some numbers depends on
/// the phase: a deleted net name is a reset on a stream and an aborted accept on a listener, and
/// "no such address" or "no buffers" of a connect means that the ports are used up.
[[nodiscard]] errc meaning_of_code(std::int32_t code, phase in) noexcept;

/// Translates the results of getaddrinfo.
[[nodiscard]] errc meaning_of_name_code(std::int32_t code) noexcept;

} // namespace slk::io::os::windows

#endif
