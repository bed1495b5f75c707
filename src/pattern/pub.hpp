// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_PUB_HPP
#define SLK_PATTERN_PUB_HPP

/// PUB: sends each message to all peers that have subscribed to a beginning of its first part, and
/// receives none. A peer whose queue is full misses the message, and nobody waits for it. RFC 29.

#include "base/memory_budget.hpp"
#include "base/reference.hpp"
#include "pattern/pattern.hpp"
#include "pattern/subscription_index.hpp"

#include <new>
#include <utility>

namespace slk::pattern {

class pub : public pattern {
public:
    /// `budget`: that topics count in; may be null.
    explicit pub(std::uint64_t secret, std::shared_ptr<memory_budget> budget = nullptr) noexcept
        : pattern(kind::publishing),
          index_(reference<published_topics>::adopt(new(std::nothrow) published_topics(secret)))
    {
        if (index_)
            index_->count_in(std::move(budget));
    }
    /// False: there was no memory for all of it, and it cannot be used.
    [[nodiscard]] bool complete() const noexcept { return static_cast<bool>(index_); }

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
    [[nodiscard]] std::span<peer* const> targets() const noexcept override
    {
        return std::span(peers_of_message_).first(targets_);
    }
    [[nodiscard]] std::span<peer* const> skipped() const noexcept override
    {
        return std::span(peers_of_message_).last(skipped_);
    }
    [[nodiscard]] bool repeats_route() const noexcept override
    {
        return !no_drop_ && index_->found_the_same();
    }
    [[nodiscard]] bool is_routed_as_before(std::span<const std::byte> first_part) noexcept override
    {
        return index_->finds_the_same(first_part);
    }
    [[nodiscard]] bool can_send(room_check&) noexcept override { return true; }

    [[nodiscard]] routing check_send(std::span<const std::byte> first_part, const peer_id*,
                                     room_check& rooms) noexcept override;

    [[nodiscard]] peer* receive_from() noexcept override { return nullptr; }
    void received(peer&) noexcept override {}

    void set_options(const socket_options& options) noexcept override;

    [[nodiscard]] std::uint32_t topics_of(const peer& entry) const noexcept override
    {
        return entry.send_place != SIZE_MAX ? index_->topics_of(number_of(entry)) : 0;
    }
    /// The peers that a message of this topic would go to.
    [[nodiscard]] std::size_t subscribers(topic_view topic) noexcept;
    [[nodiscard]] published_topics* published() const noexcept override { return index_.get(); }
    /// Different topics that peers have subscribed to.
    [[nodiscard]] std::size_t topics_count() const noexcept { return index_->present_topics(); }

protected:
    [[nodiscard]] static std::uint32_t number_of(const peer& entry) noexcept
    {
        return static_cast<std::uint32_t>(entry.send_place);
    }
    [[nodiscard]] subscription_index& index() noexcept { return *index_; }
    /// What the peer may subscribe to. `limited`: as in take_request().
    [[nodiscard]] subscription_limits limits(bool limited) const noexcept
    {
        return limited ? limits_ : subscription_limits{};
    }
    /// Of a part that has arrived: whether it is a request. In the order of the parts.
    [[nodiscard]] bool is_request_now(std::span<const std::byte> part, bool first) noexcept
    {
        const bool is = is_request(part) && (first || takes_rest_);
        if (first)
            takes_rest_ = is || !only_first_subscribe_;
        return is;
    }
    /// Calls visit(peer&) for each peer that gets the message.
    template <class Visit>
    void for_each_subscriber(topic_view message, Visit&& visit)
    {
        inverts_ ? index_->match_not(message, visit) : index_->match(message, visit);
    }
    /// Routes to those of them for which `gets` returns true.
    template <class Gets>
    [[nodiscard]] routing route_to(topic_view message, room_check& rooms,
                                   const Gets& gets) noexcept;
    /// The peer subscribes, or cancels. Errors: those of take_request().
    [[nodiscard]] virtual result<void> request(peer& from, bool subscribe, topic_view topic,
                                               bool limited) noexcept;
    /// The peer has no more messages. The index forgets it.
    void remove(peer& entry) noexcept;
    /// The same, but the peer's topics stay in the index until its number is removed.
    void leave(peer& entry) noexcept;

private:
    const reference<published_topics> index_;
    subscription_limits limits_;
    /// Room for every peer: the targets of the present message come first, and the skipped peers
    /// last.
    std::vector<peer*> peers_of_message_;
    std::size_t targets_ = 0;
    std::size_t skipped_ = 0;
    std::size_t peers_ = 0;
    bool no_drop_ = false;
    bool inverts_ = false;
    bool only_first_subscribe_ = false;
    bool takes_rest_ = true; ///< requests among the further parts of the present message
};

template <class Gets>
routing pub::route_to(topic_view message, room_check& rooms, const Gets& gets) noexcept
{
    targets_ = skipped_ = 0;
    const bool knows_room = !no_drop_ && rooms.has_memory();
    for_each_subscriber(message, [&](peer& each) {
        if (!gets(each))
            return;
        const bool is_known = knows_room && each.known_room > 0;
        each.known_room -= is_known ? 1 : 0;
        if (is_known || (no_drop_ ? rooms.has_room_for_all(each) : rooms.has_room_now(each)))
            [[likely]] {
            peers_of_message_[targets_++] = &each;
        } else {
            if (!no_drop_)
                ++each.dropped;
            peers_of_message_[peers_of_message_.size() - ++skipped_] = &each;
        }
    });
    if (no_drop_ && skipped_ > 0) {
        targets_ = skipped_ = 0;
        return {.what = routing::kind::wait};
    }
    return routing::to_targets(skipped_, targets_ > 0    ? send_outcome::queued
                                         : skipped_ == 0 ? send_outcome::dropped_no_route
                                                         : send_outcome::dropped_full);
}

} // namespace slk::pattern

#endif
