// SPDX-License-Identifier: MPL-2.0
#include "pattern/pub.hpp"

#include "base/try_allocate.hpp"

#include <algorithm>

namespace slk::pattern {

result<peer*> pub::resume_sending(peer& entry)
{
    const std::size_t peers = peers_ + 1;
    if (peers > peers_of_message_.size() &&
        !try_resize(peers_of_message_, std::max(peers, peers_of_message_.size() * 2)))
        return fail(no_memory_for_peer);
    const std::uint32_t number = index_->add_peer(entry);
    if (number == no_number)
        return fail(no_memory_for_peer);
    entry.send_place = number;
    ++peers_;
    return nullptr;
}

void pub::remove(peer& entry) noexcept
{
    if (entry.send_place == SIZE_MAX)
        return;
    index_->remove_peer(number_of(entry));
    entry.send_place = SIZE_MAX;
    --peers_;
}

void pub::leave(peer& entry) noexcept
{
    index_->leave(number_of(entry));
    entry.send_place = SIZE_MAX;
    --peers_;
}

/// Each part that looks like a request is one, as with libzmq. Other parts are thrown away.
result<bool> pub::take_request(peer& from, message& part, bool first, bool limited) noexcept
{
    const std::span<const std::byte> bytes = part.bytes();
    if (is_request_now(bytes, first) && from.send_place != SIZE_MAX)
        SLK_TRY(request(from, bytes.front() == std::byte{1}, bytes.subspan(1), limited));
    return false;
}

/// The peer has a set of topics: one cancellation takes back all subscriptions to a topic, as
/// libzmq does.
result<void> pub::request(peer& from, bool subscribe, topic_view topic, bool limited) noexcept
{
    if (subscribe)
        SLK_TRY(index_->subscribe(number_of(from), topic, limits(limited)));
    else
        index_->cancel(number_of(from), topic);
    return {};
}

routing pub::route(std::span<const part_view>& parts, const peer_id*, room_check& rooms) noexcept
{
    return route_to(parts.front().bytes, rooms, [](const peer&) { return true; });
}

routing pub::check_send(std::span<const std::byte> first_part, const peer_id*,
                        room_check& rooms) noexcept
{
    bool any_full = false;
    if (no_drop_)
        for_each_subscriber(
            first_part, [&](peer& each) { any_full = !rooms.has_room_for_all(each) || any_full; });
    return any_full ? routing{} : routing::to_targets(0);
}

void pub::set_options(const socket_options& options) noexcept
{
    pattern::set_options(options);
    const auto limit = [](std::uint64_t value) { return value > 0 ? value : UINT64_MAX; };
    limits_ = {.topic_size = limit(options.max_topic_size),
               .count = limit(options.max_subscriptions),
               .bytes = limit(options.max_subscription_bytes),
               .lengths = limit(options.max_topic_lengths),
               .memory = true};
    no_drop_ = options.no_drop;
    inverts_ = options.invert_matching;
    only_first_subscribe_ = options.only_first_subscribe;
}

std::size_t pub::subscribers(topic_view topic) noexcept
{
    std::size_t count = 0;
    for_each_subscriber(topic, [&](const peer&) { ++count; });
    return count;
}

} // namespace slk::pattern
