// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_ROUTER_HPP
#define SLK_PATTERN_ROUTER_HPP

/// ROUTER: knows its peers by their routing ids, sends to whom it is told, and takes the messages
/// of all in turn.

#include "pattern/pattern.hpp"
#include "pattern/rotation.hpp"

#include <map>
#include <string_view>

namespace slk::pattern {

class router final : public pattern {
public:
    /// `first`: what the made-up ids of peers that have none begin to count from.
    explicit router(std::uint32_t first) noexcept : next_id_(first) {}

    /// A newcomer with an id that is taken: whether it takes over. Then leaving() is who had it.
    bool handover = false;

    /// Errors: address_in_use (the id is taken).
    result<void> attach(peer& entry) override;
    void stop_sending(peer& entry) noexcept override;
    result<void> resume_sending(peer& entry) override;
    void detach(peer& entry) noexcept override;

    void readable(peer& entry, bool is) noexcept override
    {
        is ? queue_.activate(entry) : queue_.deactivate(entry);
    }
    void writable(peer&, bool) noexcept override {}

    [[nodiscard]] peer* receive_from() noexcept override { return queue_.current(); }
    void received(peer&) noexcept override { queue_.advance(); }
    /// A ROUTER is told whom to send to: find() him.
    [[nodiscard]] peer* send_to() noexcept override { return nullptr; }
    void sent(peer&) noexcept override {}

    /// Null: nobody has that id, or he who had it has gone.
    [[nodiscard]] peer* find(std::string_view routing_id) const noexcept;
    /// Who lost his id with the last attach() or resume_sending(); null: nobody.
    [[nodiscard]] peer* leaving() const noexcept { return leaving_; }

private:
    [[nodiscard]] std::string make_id();

    fair_queue queue_;
    std::map<std::string, peer*, std::less<>> by_id_;
    std::uint32_t next_id_;
    std::uint64_t generations_ = 0;
    peer* leaving_ = nullptr;
};

} // namespace slk::pattern

#endif
