// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_PUB_HPP
#define SLK_PATTERN_PUB_HPP

/// PUB: sends each message to all peers that have subscribed to a beginning of its first part, and
/// receives none. A peer whose queue is full misses the message, and nobody waits for it. RFC 29.

#include "pattern/pattern.hpp"
#include "pattern/subscription_index.hpp"

namespace slk::pattern {

class pub : public pattern {
public:
    explicit pub(std::uint64_t secret) noexcept : pattern(kind::publishing), index_(secret) {}

    result<peer*> attach(peer& entry) override { return resume_sending(entry); }
    result<peer*> resume_sending(peer& entry) override;
    void stop_sending(peer& entry) noexcept override { remove(entry); }
    void detach(peer& entry) noexcept override { stop_sending(entry); }

    void readable(peer&, bool) noexcept override {}
    void writable(peer&, bool) noexcept override {}
    [[nodiscard]] result<bool> take_request(peer& from, message& part, bool first,
                                            bool limited) noexcept override;

    [[nodiscard]] routing route(std::span<const part_view>& parts, const peer_id*,
                                room_check& rooms) noexcept override;
    [[nodiscard]] std::span<peer* const> targets() const noexcept override { return targets_; }
    [[nodiscard]] bool can_send(room_check&) noexcept override { return true; }

    [[nodiscard]] peer* receive_from() noexcept override { return nullptr; }
    void received(peer&) noexcept override {}

    void set_options(const socket_options& options) noexcept override;

    [[nodiscard]] std::uint32_t topics_of(const peer& entry) const noexcept override
    {
        return entry.send_place != SIZE_MAX ? index_.topics_of(number_of(entry)) : 0;
    }
    /// The peers that a message of this topic would go to.
    [[nodiscard]] std::size_t subscribers(topic_view topic) noexcept;

protected:
    [[nodiscard]] static std::uint32_t number_of(const peer& entry) noexcept
    {
        return static_cast<std::uint32_t>(entry.send_place);
    }
    [[nodiscard]] subscription_index& index() noexcept { return index_; }
    /// What the peer may subscribe to. `limited`: as in take_request().
    [[nodiscard]] subscription_limits limits(bool limited) const noexcept
    {
        return limited ? limits_ : subscription_limits{};
    }
    /// The peer subscribes, or cancels. Errors: those of take_request().
    [[nodiscard]] virtual result<void> request(peer& from, bool subscribe, topic_view topic,
                                               bool limited) noexcept;
    /// The peer has no more messages. The index forgets it.
    void remove(peer& entry) noexcept;
    /// The same, but the peer's topics stay in the index until its number is removed.
    void leave(peer& entry) noexcept;

private:
    subscription_index index_;
    subscription_limits limits_;
    std::vector<peer*> targets_; ///< with room for every peer
    std::size_t peers_ = 0;
};

} // namespace slk::pattern

#endif
