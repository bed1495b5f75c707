// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_SUBSCRIBER_HPP
#define SLK_PATTERN_SUBSCRIBER_HPP

/// What SUB and XSUB have in common: they receive the messages of all peers in turn, and have
/// topics that their peers are told of. RFC 29.

#include "base/reference.hpp"
#include "pattern/pattern.hpp"
#include "pattern/rotation.hpp"
#include "pattern/topic_book.hpp"

#include <utility>

namespace slk::pattern {

class subscriber : public pattern {
public:
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

    [[nodiscard]] peer* receive_from() noexcept override { return receiving_.current(); }
    [[nodiscard]] bool receives_from_one() const noexcept override
    {
        return receiving_.is_single();
    }
    void received(peer&) noexcept override { receiving_.advance(); }

    /// As those of the book.
    [[nodiscard]] virtual result<void> subscribe(topic_view topic,
                                                 lane::chunk_pools& pools) noexcept
    {
        return topics_->subscribe(topic, pools);
    }
    [[nodiscard]] virtual bool unsubscribe(topic_view topic, lane::chunk_pools& pools) noexcept
    {
        return topics_->unsubscribe(topic, pools);
    }
    [[nodiscard]] virtual result<topic_book::pattern_change>
    add_pattern(std::span<const std::byte> pattern, lane::chunk_pools& pools) noexcept
    {
        return topics_->add_pattern(pattern, patterns_for_all_, pools);
    }
    [[nodiscard]] virtual topic_book::pattern_change
    remove_pattern(std::span<const std::byte> pattern, lane::chunk_pools& pools) noexcept
    {
        return topics_->remove_pattern(pattern, pools);
    }
    void set_options(const socket_options& options) noexcept override
    {
        pattern::set_options(options);
        patterns_for_all_ = options.patterns_subscribe_all;
    }
    [[nodiscard]] topic_book* topics() const noexcept override { return topics_.get(); }

protected:
    /// `topics`: not null.
    subscriber(kind which, reference<topic_book> topics) noexcept
        : pattern(which), topics_(std::move(topics))
    {
    }

private:
    fair_queue receiving_;
    const reference<topic_book> topics_;
    bool patterns_for_all_ = false;
};

} // namespace slk::pattern

#endif
