// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_DEALER_HPP
#define SLK_PATTERN_DEALER_HPP

/// DEALER: sends each message to the next peer that has room, and receives the messages of all
/// peers in turn. RFC 28.

#include "pattern/balanced_sending.hpp"

namespace slk::pattern {

class dealer final : public pattern {
public:
    [[nodiscard]] bool may_requeue() const noexcept override { return true; }
    result<peer*> attach(peer& entry) override
    {
        if (!receiving_.reserve())
            return fail(no_memory_for_peer);
        SLK_TRY(resume_sending(entry));
        receiving_.add(entry, false);
        return nullptr;
    }
    result<peer*> resume_sending(peer& entry) override
    {
        if (!sending_.add(entry))
            return fail(no_memory_for_peer);
        return nullptr;
    }
    void stop_sending(peer& entry) noexcept override { sending_.remove(entry); }
    void detach(peer& entry) noexcept override
    {
        sending_.remove(entry);
        receiving_.remove(entry);
    }

    void readable(peer& entry, bool is) noexcept override
    {
        is ? receiving_.activate(entry) : receiving_.deactivate(entry);
    }
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

    [[nodiscard]] peer* receive_from() noexcept override { return receiving_.current(); }
    [[nodiscard]] bool receives_from_one() const noexcept override
    {
        return receiving_.is_single();
    }
    void received(peer&) noexcept override { receiving_.advance(); }

private:
    balanced_sending sending_;
    fair_queue receiving_;
};

} // namespace slk::pattern

#endif
