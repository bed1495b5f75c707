// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_SELECT_SOCKET_SET_HPP
#define SLK_IO_BACKEND_SELECT_SOCKET_SET_HPP

/// Sets of sockets for select(), of any size.
///
/// The system's own fd_set has room for FD_SETSIZE: descriptors below 1024 on POSIX, where a larger
/// one is written beyond its end, and 64 sockets on Windows, where further ones are left out.
/// Neither is a limit of the call. Implemented twice: a set of bits on POSIX, a counted list on
/// Windows.

#include <serverlink/clock.hpp>
#include <serverlink/result.hpp>

#include "io/socket_table.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace slk::io::select {

class socket_set {
public:
    /// Makes room for `count` sockets, none with a number above `highest`. The contents are lost.
    /// Returns false without memory; the set is then unchanged.
    [[nodiscard]] bool reserve(std::size_t count, native_handle highest) noexcept;

    void clear() noexcept;
    /// There must be room for the socket, and it must not be in the set.
    void add(native_handle handle) noexcept;
    [[nodiscard]] bool has(native_handle handle) const noexcept;

private:
    friend result<int> wait_for(socket_set& readable, socket_set& writable, socket_set& failed,
                                duration timeout);

    /// In the system's format: words of bits, or the count and then the sockets.
    std::unique_ptr<std::uintptr_t[]> space_;
    std::size_t size_ = 0;
    native_handle highest_ = invalid_handle; ///< of those in the set
};

/// Waits until at least one of the sockets is readable, writable or has failed, and leaves only
/// those in the sets. Returns their number; 0 when the time has passed, or a little before: there
/// is a maximum. errc::interrupted by a signal, errc::invalid_state when one of them is no socket;
/// after an error the sets are undefined.
[[nodiscard]] result<int> wait_for(socket_set& readable, socket_set& writable, socket_set& failed,
                                   duration timeout);

} // namespace slk::io::select

#endif
