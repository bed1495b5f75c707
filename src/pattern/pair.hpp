// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_PAIR_HPP
#define SLK_PATTERN_PAIR_HPP

/// PAIR: one peer at a time. A second peer is rejected while the first one is there. RFC 31.

#include "pattern/pattern.hpp"
#include "pattern/rotation.hpp"

namespace slk::pattern {

class pair final : public pattern {
public:
    [[nodiscard]] peer_rule rule() const noexcept override { return peer_rule::one; }
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
        if (only_ != nullptr && only_ != &entry)
            return fail(errc::address_in_use, phase::handshake, "this PAIR has a peer already");
        only_ = &entry;
        writable_ = true;
        return nullptr;
    }
    void stop_sending(peer& entry) noexcept override
    {
        if (only_ == &entry)
            only_ = nullptr;
    }
    void detach(peer& entry) noexcept override
    {
        stop_sending(entry);
        receiving_.remove(entry);
    }

    void readable(peer& entry, bool is) noexcept override
    {
        is ? receiving_.activate(entry) : receiving_.deactivate(entry);
    }
    void writable(peer& entry, bool is) noexcept override
    {
        if (only_ == &entry)
            writable_ = is;
    }

    [[nodiscard]] routing route(std::span<const part_view>&, const peer_id*,
                                room_check& rooms) noexcept override
    {
        return can_send(rooms) ? routing::to_peer(*only_) : routing{};
    }
    [[nodiscard]] bool sends_to_one() const noexcept override { return true; }
    [[nodiscard]] bool can_send(room_check& rooms) noexcept override
    {
        if (only_ == nullptr || !writable_)
            return false;
        writable_ = rooms.has_room(*only_);
        return writable_;
    }

    [[nodiscard]] peer* receive_from() noexcept override { return receiving_.current(); }
    [[nodiscard]] bool receives_from_one() const noexcept override
    {
        return receiving_.is_single();
    }
    void received(peer&) noexcept override { receiving_.advance(); }

private:
    /// The messages that an earlier peer left are received before the next peer's.
    fair_queue receiving_;
    peer* only_ = nullptr;
    bool writable_ = false;
};

} // namespace slk::pattern

#endif
