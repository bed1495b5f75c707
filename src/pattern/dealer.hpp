// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_DEALER_HPP
#define SLK_PATTERN_DEALER_HPP

/// DEALER: deals messages out to the peers that have room, and takes those of all peers, in turn.

#include "pattern/pattern.hpp"
#include "pattern/rotation.hpp"

namespace slk::pattern {

class dealer final : public pattern {
public:
    result<void> attach(peer& entry) override
    {
        queue_.add(entry, false);
        balancer_.add(entry, true);
        return {};
    }
    void stop_sending(peer& entry) noexcept override
    {
        if (balancer_.has(entry))
            balancer_.remove(entry);
    }
    result<void> resume_sending(peer& entry) override
    {
        if (!balancer_.has(entry))
            balancer_.add(entry, true);
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
        if (balancer_.has(entry))
            is ? balancer_.activate(entry) : balancer_.deactivate(entry);
    }

    [[nodiscard]] peer* receive_from() noexcept override { return queue_.current(); }
    void received(peer&) noexcept override { queue_.advance(); }
    [[nodiscard]] peer* send_to() noexcept override { return balancer_.current(); }
    void sent(peer&) noexcept override { balancer_.advance(); }

private:
    fair_queue queue_;
    load_balancer balancer_;
};

} // namespace slk::pattern

#endif
