// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_PAIR_HPP
#define SLK_PATTERN_PAIR_HPP

/// PAIR: one peer at a time. Whoever comes while it is there is sent away.

#include "pattern/pattern.hpp"
#include "pattern/rotation.hpp"

namespace slk::pattern {

class pair final : public pattern {
public:
    result<void> attach(peer& entry) override
    {
        SLK_TRY(resume_sending(entry));
        queue_.add(entry, false);
        return {};
    }
    void stop_sending(peer& entry) noexcept override
    {
        if (only_ == &entry)
            only_ = nullptr;
    }
    result<void> resume_sending(peer& entry) override
    {
        if (only_ != nullptr && only_ != &entry)
            return fail(errc::address_in_use, phase::handshake, "this PAIR has a peer already");
        only_ = &entry;
        writable_ = true;
        return {};
    }
    void detach(peer& entry) noexcept override
    {
        stop_sending(entry);
        queue_.remove(entry);
    }

    void readable(peer& entry, bool is) noexcept override
    {
        is ? queue_.activate(entry) : queue_.deactivate(entry);
    }
    void writable(peer& entry, bool is) noexcept override
    {
        if (only_ == &entry)
            writable_ = is;
    }

    [[nodiscard]] peer* receive_from() noexcept override { return queue_.current(); }
    void received(peer&) noexcept override { queue_.advance(); }
    [[nodiscard]] peer* send_to() noexcept override { return writable_ ? only_ : nullptr; }
    void sent(peer&) noexcept override {}

private:
    /// What a peer that has gone left behind is received before the next one's.
    fair_queue queue_;
    peer* only_ = nullptr;
    bool writable_ = false;
};

} // namespace slk::pattern

#endif
