// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_PULL_HPP
#define SLK_PATTERN_PULL_HPP

/// PULL: takes the messages of all peers in turn, and sends none.

#include "pattern/pattern.hpp"
#include "pattern/rotation.hpp"

namespace slk::pattern {

class pull final : public pattern {
public:
    result<void> attach(peer& entry) override
    {
        queue_.add(entry, false);
        return {};
    }
    void stop_sending(peer&) noexcept override {}
    result<void> resume_sending(peer&) override { return {}; }
    void detach(peer& entry) noexcept override { queue_.remove(entry); }

    void readable(peer& entry, bool is) noexcept override
    {
        is ? queue_.activate(entry) : queue_.deactivate(entry);
    }
    void writable(peer&, bool) noexcept override {}

    [[nodiscard]] peer* receive_from() noexcept override { return queue_.current(); }
    void received(peer&) noexcept override { queue_.advance(); }
    [[nodiscard]] peer* send_to() noexcept override { return nullptr; }
    void sent(peer&) noexcept override {}

private:
    fair_queue queue_;
};

} // namespace slk::pattern

#endif
