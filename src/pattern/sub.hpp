// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_SUB_HPP
#define SLK_PATTERN_SUB_HPP

/// SUB: receives the messages of all peers in turn, those that begin with one of its topics, and
/// sends none. RFC 29.
///
/// Publishers filter. What comes all the same, from one that does not or because a subscription was
/// taken back meanwhile, is thrown away here.

#include "base/reference.hpp"
#include "pattern/pattern.hpp"
#include "pattern/rotation.hpp"
#include "pattern/topic_book.hpp"

namespace slk::pattern {

class sub final : public pattern {
public:
    /// `topics`: not null.
    explicit sub(reference<topic_book> topics) noexcept
        : pattern(kind::subscribing), topics_(std::move(topics))
    {
    }

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

    [[nodiscard]] part_fate inspect(peer&, message& part, bool first) noexcept override
    {
        return first && !wants(part.bytes()) ? part_fate::discard : part_fate::deliver;
    }
    [[nodiscard]] peer* receive_from() noexcept override { return receiving_.current(); }
    void received(peer&) noexcept override { receiving_.advance(); }

    /// As those of the book.
    [[nodiscard]] result<void> subscribe(topic_view topic, lane::chunk_pools& pools) noexcept
    {
        const auto subscribed = topics_->subscribe(topic, pools);
        look_for_all();
        return subscribed;
    }
    [[nodiscard]] bool unsubscribe(topic_view topic, lane::chunk_pools& pools) noexcept
    {
        const bool last = topics_->unsubscribe(topic, pools);
        look_for_all();
        return last;
    }
    [[nodiscard]] topic_book* topics() const noexcept override { return topics_.get(); }
    [[nodiscard]] bool wants(std::span<const std::byte> first_part) const noexcept override
    {
        return topics_->matches(first_part);
    }

private:
    /// The empty topic matches everything.
    void look_for_all() noexcept { inspects = !topics_->matches({}); }

    fair_queue receiving_;
    const reference<topic_book> topics_;
};

} // namespace slk::pattern

#endif
