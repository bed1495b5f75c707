// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_KQUEUE_EVENT_HPP
#define SLK_IO_BACKEND_KQUEUE_EVENT_HPP

/// The meaning of the events of kqueue(2). Needs no system header, so it is compiled and tested on
/// every system, with lists of events as BSD and macOS report them.

#include "io/socket_table.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace slk::io::kqueue {

/// The filters' numbers differ from system to system; the backend translates them.
enum class filter : std::uint8_t { read, write, user };

// These two are the same everywhere; the backend checks it.
inline constexpr std::uint32_t flag_error = 0x4000; // EV_ERROR
inline constexpr std::uint32_t flag_eof = 0x8000;   // EV_EOF

/// A struct kevent.
struct event {
    std::uintptr_t ident = 0; ///< the descriptor
    kqueue::filter filter = filter::user;
    std::uint32_t flags = 0;
    std::uint32_t fflags = 0; ///< with EV_EOF the socket's error, 0 if it has none
    std::int64_t data = 0;    ///< with EV_ERROR an errno, 0 if this is a receipt of success
    std::uintptr_t tag = 0;   ///< udata of the registration
};

/// The meaning of a socket's event. It never means "connected": SO_ERROR and the peer's address
/// decide, because a fresh socket is writable too.
struct meaning {
    bool readable = false;
    bool writable = false;
    /// The stream has ended in one direction or has failed. There may still be data before the end,
    /// so the socket is read until recv returns 0.
    bool unusual = false;
    /// The errno of the event. Some systems have cleared it from SO_ERROR by then, or report EBADF
    /// there, so it is the only trace of a failed connect.
    std::int32_t failure = 0;
};
[[nodiscard]] meaning decode(const event& reported) noexcept;

/// One receipt per change (EV_RECEIPT): a change that fails does not hide the later ones. Returns
/// the first errno that matters, or 0. EPIPE of the write filter is ignored if there is a read
/// filter too: the peer is gone already, and the read filter reports it.
[[nodiscard]] std::int32_t failure_of(std::span<const event> receipts) noexcept;

/// Maps descriptors to the sockets that they were registered for. The system keeps a pointer's
/// bits, which hold a whole socket_id only where they are 64. So the descriptor finds the id, and
/// the tag tells whether the event belongs to it or to an earlier socket with the same descriptor.
class descriptor_ids {
public:
    [[nodiscard]] static std::uintptr_t tag_of(socket_id id) noexcept;

    [[nodiscard]] bool remember(std::uintptr_t descriptor, socket_id id);
    void forget(std::uintptr_t descriptor) noexcept;
    /// Returns a null id for an event of a socket that is not open any more.
    [[nodiscard]] socket_id find(const event& reported) const noexcept;

private:
    std::vector<socket_id> ids_; ///< by descriptor
};

} // namespace slk::io::kqueue

#endif
