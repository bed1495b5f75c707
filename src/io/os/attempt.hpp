// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_ATTEMPT_HPP
#define SLK_IO_OS_ATTEMPT_HPP

/// The calls that a readiness backend tries and, after would_block, tries again once the system
/// reports readiness. None blocks, raises a signal or allocates.
///
/// errc::would_block means "not yet"; every other failure is final. Interruptions by signals are
/// not visible outside.

#include <serverlink/address.hpp>
#include <serverlink/error.hpp>

#include "io/socket_table.hpp"

#include <cstddef>
#include <span>
#include <string_view>

namespace slk::io::os {

/// `path` is that of a local target. On all known systems a local connect never waits and never
/// returns would_block.
[[nodiscard]] error try_connect(native_handle handle, const address& target,
                                std::string_view path = {}) noexcept;
/// After an event on a connecting socket: ok only if SO_ERROR is 0 (reading it clears it, so the
/// value must be kept) and the socket has a peer. Some systems report a socket as writable before
/// its connect has ended: that is would_block.
[[nodiscard]] error confirm_connect(native_handle handle) noexcept;

/// Accepts a non-blocking connection that children do not inherit. A waiting connection that has
/// failed by itself (reset by its peer, its network down, ...) is skipped, up to a limit.
[[nodiscard]] error try_accept(native_handle listener, native_handle& accepted) noexcept;

/// Returns whether accept failed with an errno of the waiting connection, which does not concern
/// the listener.
[[nodiscard]] bool lost_before_accept(int native) noexcept;

/// With an empty buffer: checks whether there is something to receive, and takes nothing.
[[nodiscard]] error try_receive(native_handle handle, std::span<std::byte> buffer,
                                std::size_t& received) noexcept;

/// Offers at most `gather_limit` buffers; `all` is set if every offered byte was taken.
inline constexpr std::size_t gather_limit = 64;
[[nodiscard]] error try_send(native_handle handle,
                             std::span<const std::span<const std::byte>> buffers, std::size_t& sent,
                             bool& all) noexcept;

} // namespace slk::io::os

#endif
