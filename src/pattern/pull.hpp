// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_PULL_HPP
#define SLK_PATTERN_PULL_HPP

/// PULL: receives the messages of all peers in turn, and sends none. RFC 30.

#include "pattern/pattern.hpp"
#include "pattern/rotation.hpp"

namespace slk::pattern {

class pull final : public pattern {
public:
    result<peer*> attach(peer& entry) override
    {
        if (!receiving_.reserve())
            return fail(no_memory_for_peer);
        receiving_.add(entry, false);
        return nullptr;
    }
    result<peer*> resume_sending(peer&) override { return nullptr; }
    void stop_sending(peer&) noexcept override {}
    void detach(peer& entry) noexcept override { receiving_.remove(entry); }

    void readable(peer& entry, bool is) noexcept override
    {
        is ? receiving_.activate(entry) : receiving_.deactivate(entry);
    }
    void writable(peer&, bool) noexcept override {}

    [[nodiscard]] routing route(std::span<const part_view>&, const peer_id*,
                                room_check&) noexcept override
    {
        return refuse_to_send();
    }
    [[nodiscard]] bool can_send(room_check&) noexcept override { return false; }

    [[nodiscard]] peer* receive_from() noexcept override { return receiving_.current(); }
    [[nodiscard]] bool receives_from_one() const noexcept override
    {
        return receiving_.is_single();
    }
    void received(peer&) noexcept override { receiving_.advance(); }

private:
    fair_queue receiving_;
};

} // namespace slk::pattern

#endif
