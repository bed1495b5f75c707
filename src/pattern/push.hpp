// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_PUSH_HPP
#define SLK_PATTERN_PUSH_HPP

/// PUSH: deals messages out to the peers that have room, in turn, and receives none.

#include "pattern/pattern.hpp"
#include "pattern/rotation.hpp"

namespace slk::pattern {

class push final : public pattern {
public:
    result<void> attach(peer& entry) override
    {
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
    void detach(peer& entry) noexcept override { stop_sending(entry); }

    void readable(peer&, bool) noexcept override {}
    void writable(peer& entry, bool is) noexcept override
    {
        if (balancer_.has(entry))
            is ? balancer_.activate(entry) : balancer_.deactivate(entry);
    }

    [[nodiscard]] peer* receive_from() noexcept override { return nullptr; }
    void received(peer&) noexcept override {}
    [[nodiscard]] peer* send_to() noexcept override { return balancer_.current(); }
    void sent(peer&) noexcept override { balancer_.advance(); }

private:
    load_balancer balancer_;
};

} // namespace slk::pattern

#endif
