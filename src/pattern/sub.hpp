// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_SUB_HPP
#define SLK_PATTERN_SUB_HPP

/// SUB: receives the messages of all peers that begin with one of its topics, or match one of its
/// patterns, and sends none.
///
/// Publishers filter by topics, and patterns are looked at here. What comes all the same, from one
/// that does not or because a subscription was taken back meanwhile, is thrown away here.

#include "pattern/subscriber.hpp"

namespace slk::pattern {

class sub final : public subscriber {
public:
    /// `topics`: not null.
    explicit sub(reference<topic_book> topics) noexcept
        : subscriber(kind::subscribing, std::move(topics))
    {
    }

    [[nodiscard]] bool can_send(room_check&) noexcept override { return false; }

    [[nodiscard]] part_fate inspect(peer&, message& part, bool first) noexcept override
    {
        return first && !wants(part.bytes()) ? part_fate::discard : part_fate::deliver;
    }
    [[nodiscard]] bool wants(std::span<const std::byte> first_part) const noexcept override
    {
        return topics()->matches(first_part) != inverts_;
    }

    [[nodiscard]] result<void> subscribe(topic_view topic,
                                         lane::chunk_pools& pools) noexcept override
    {
        const auto subscribed = subscriber::subscribe(topic, pools);
        look_for_all();
        return subscribed;
    }
    [[nodiscard]] bool unsubscribe(topic_view topic, lane::chunk_pools& pools) noexcept override
    {
        const bool last = subscriber::unsubscribe(topic, pools);
        look_for_all();
        return last;
    }

    [[nodiscard]] result<topic_book::pattern_change>
    add_pattern(std::span<const std::byte> pattern, lane::chunk_pools& pools) noexcept override
    {
        const auto added = subscriber::add_pattern(pattern, pools);
        look_for_all();
        return added;
    }
    [[nodiscard]] topic_book::pattern_change
    remove_pattern(std::span<const std::byte> pattern, lane::chunk_pools& pools) noexcept override
    {
        const auto removed = subscriber::remove_pattern(pattern, pools);
        look_for_all();
        return removed;
    }

    void set_options(const socket_options& options) noexcept override
    {
        subscriber::set_options(options);
        inverts_ = options.invert_matching;
        look_for_all();
    }

private:
    /// The empty topic matches everything.
    void look_for_all() noexcept { inspects = inverts_ || !topics()->matches_all(); }

    bool inverts_ = false;
};

} // namespace slk::pattern

#endif
