// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_KQUEUE_EVENT_HPP
#define SLK_IO_BACKEND_KQUEUE_EVENT_HPP

/// What the events of kqueue(2) mean. Needs no header of such a system, so it is compiled and
/// tested everywhere, with lists of events as those systems report them.

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
    std::uintptr_t tag = 0;   ///< udata: what the registration was made with
};

/// What an event of a socket says. It never says "connected": that is for SO_ERROR and the peer's
/// name to say, because a fresh socket is writable too.
struct meaning {
    bool readable = false;
    bool writable = false;
    /// The stream has ended in one direction or has failed. There may still be data before the
    /// end, so it is read until recv says 0.
    bool unusual = false;
    /// The errno that came with the event. Some systems have taken it off SO_ERROR by then, or
    /// say EBADF there, so it is all that is known of why a connect failed.
    std::int32_t failure = 0;
};
[[nodiscard]] meaning decode(const event& reported) noexcept;

/// One receipt per change (EV_RECEIPT): a change that fails does not hide those after it. Returns
/// the first errno that matters, or 0. EPIPE of the write filter does not if there is a read
/// filter too: the peer is gone already, and that one reports it.
[[nodiscard]] std::int32_t failure_of(std::span<const event> receipts) noexcept;

/// Which socket a descriptor was registered for. A pointer's bits, which are all that the system
/// keeps for us, hold a whole socket_id only where they are 64; so the descriptor finds the id,
/// and the tag tells whether the event belongs to it or to one that had the descriptor before.
class descriptor_ids {
public:
    [[nodiscard]] static std::uintptr_t tag_of(socket_id id) noexcept;

    void remember(std::uintptr_t descriptor, socket_id id);
    void forget(std::uintptr_t descriptor) noexcept;
    /// A null id for an event that is not, or no longer, anybody's.
    [[nodiscard]] socket_id find(const event& reported) const noexcept;

private:
    std::vector<socket_id> ids_; ///< by descriptor
};

} // namespace slk::io::kqueue

#endif
