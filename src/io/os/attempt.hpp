// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_ATTEMPT_HPP
#define SLK_IO_OS_ATTEMPT_HPP

/// The calls that a readiness backend tries and, when they cannot go on, tries again once the
/// system says "ready". None blocks, none raises a signal, none allocates.
///
/// errc::would_block means "not yet"; every other failure is final. An interruption by a signal is
/// not seen outside.

#include <serverlink/address.hpp>
#include <serverlink/error.hpp>

#include "io/socket_table.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace slk::io::os {

/// `path` is a local target's; its connect never waits, so that it is never "not yet" on the
/// systems that we know.
[[nodiscard]] error try_connect(native_handle handle, const address& target,
                                std::string_view path = {}) noexcept;
/// After an event on a connecting socket: ok only if the system has no error for it (SO_ERROR,
/// which reading clears: the value must be kept) and it has a peer. Some systems report a socket
/// as writable before its connect has ended: that is "not yet".
[[nodiscard]] error confirm_connect(native_handle handle) noexcept;

/// A non-blocking connection that children do not inherit. A waiting connection that has failed
/// by itself (reset by its peer, its network down, ...) is skipped, up to a bound.
[[nodiscard]] error try_accept(native_handle listener, native_handle& accepted) noexcept;

/// Whether accept failed with an errno of the waiting connection, which says nothing about the
/// listener.
[[nodiscard]] bool lost_before_accept(int native) noexcept;

/// An empty buffer looks whether there is something to receive and takes nothing.
[[nodiscard]] error try_receive(native_handle handle, std::span<std::byte> buffer,
                                std::size_t& received) noexcept;

/// Offers at most `gather_limit` buffers; `all` tells whether every offered byte was taken.
inline constexpr std::size_t gather_limit = 64;
[[nodiscard]] error try_send(native_handle handle,
                             std::span<const std::span<const std::byte>> buffers, std::size_t& sent,
                             bool& all) noexcept;

} // namespace slk::io::os

#endif
