// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_BALANCED_SENDING_HPP
#define SLK_PATTERN_BALANCED_SENDING_HPP

/// The sending half of PUSH, DEALER and REQ: each message goes to the next peer that has room.

#include "pattern/pattern.hpp"
#include "pattern/rotation.hpp"

namespace slk::pattern {

class balanced_sending {
public:
    /// Returns false when memory is exhausted.
    [[nodiscard]] bool add(peer& entry) noexcept
    {
        if (peers_.has(entry))
            return true;
        if (!peers_.reserve())
            return false;
        peers_.add(entry, true);
        return true;
    }
    void remove(peer& entry) noexcept
    {
        if (peers_.has(entry))
            peers_.remove(entry);
    }
    void writable(peer& entry, bool is) noexcept
    {
        if (peers_.has(entry))
            is ? peers_.activate(entry) : peers_.deactivate(entry);
    }

    [[nodiscard]] routing route(room_check& rooms) noexcept
    {
        peer* const to = next(rooms);
        if (to == nullptr)
            return {};
        peers_.advance();
        return routing::to_peer(*to);
    }
    [[nodiscard]] bool can_send(room_check& rooms) noexcept { return next(rooms) != nullptr; }
    [[nodiscard]] bool is_single() const noexcept { return peers_.is_single(); }

private:
    [[nodiscard]] peer* next(room_check& rooms) noexcept
    {
        while (peer* const to = peers_.current()) {
            if (rooms.has_room(*to)) [[likely]]
                return to;
            peers_.deactivate(*to);
        }
        return nullptr;
    }

    load_balancer peers_;
};

} // namespace slk::pattern

#endif
