// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_PUSH_HPP
#define SLK_PATTERN_PUSH_HPP

/// PUSH: sends each message to the next peer that has room, and receives none. RFC 30.

#include "pattern/balanced_sending.hpp"

namespace slk::pattern {

class push final : public pattern {
public:
    [[nodiscard]] bool may_requeue() const noexcept override { return true; }
    result<peer*> attach(peer& entry) override { return resume_sending(entry); }
    result<peer*> resume_sending(peer& entry) override
    {
        if (!sending_.add(entry))
            return fail(no_memory_for_peer);
        return nullptr;
    }
    void stop_sending(peer& entry) noexcept override { sending_.remove(entry); }
    void detach(peer& entry) noexcept override { sending_.remove(entry); }

    void readable(peer&, bool) noexcept override {}
    void writable(peer& entry, bool is) noexcept override { sending_.writable(entry, is); }

    [[nodiscard]] routing route(std::span<const part_view>&, const peer_id*,
                                room_check& rooms) noexcept override
    {
        return sending_.route(rooms);
    }
    [[nodiscard]] bool sends_to_one() const noexcept override { return sending_.is_single(); }
    [[nodiscard]] bool can_send(room_check& rooms) noexcept override
    {
        return sending_.can_send(rooms);
    }

    [[nodiscard]] peer* receive_from() noexcept override { return nullptr; }
    void received(peer&) noexcept override {}

private:
    balanced_sending sending_;
};

} // namespace slk::pattern

#endif
