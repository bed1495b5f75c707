// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/peer_requests.hpp"

#include "base/try_allocate.hpp"
#include "messaging/observe/inbox.hpp"
#include "messaging/pipe/pipe.hpp"
#include "messaging/pipe/requests.hpp"
#include "messaging/socket/peer_events.hpp"
#include "pattern/topic_book.hpp"

#include <utility>

namespace slk::messaging {

namespace {

/// Of one peer, before the caller of the socket goes on.
constexpr std::size_t max_requests = 1000;

constexpr error no_memory_for_request{errc::out_of_memory, phase::transfer, 0,
                                      "no memory for a subscription"};

} // namespace

bool peer_requests::is_counted(const pipe& from, const message& first) noexcept
{
    return !from.is_inproc || first.more() || !pattern::is_request(first.bytes());
}

// --- requests of peers ---

/// As pattern::take_request(), with an event if the peer has one topic more or less.
result<bool> peer_requests::take_one(pipe& peer, message& part, bool first)
{
    const auto ask = [&] { return pattern_.take_request(peer, part, first, !peer.is_inproc); };
    event_source& events = reports_.events();
    const bool watched =
        events.wants(event_kind::subscribed) || events.wants(event_kind::unsubscribed);
    if (!watched || part.size() == 0) [[likely]]
        return ask();
    // The pattern may take the part.
    std::string topic;
    const bool whole = try_assign(topic, part.text().substr(1));
    const std::uint32_t before = pattern_.topics_of(peer);
    auto taken = ask();
    const std::uint32_t topics = pattern_.topics_of(peer);
    const event_kind kind = topics > before ? event_kind::subscribed : event_kind::unsubscribed;
    if (topics != before && whole)
        peer_events_.report(kind, peer, {}, topic);
    else if (topics != before)
        events.emit(kind, {}, [](slk::event&) { return false; });
    return taken;
}

result<void> peer_requests::take(pipe& peer)
{
    error refused;
    std::uint64_t done = 0; // messages that the lane counts
    bool waits = false; // for the peer, or for the caller of the socket
    bool begins = true;
    bool kept = false; // of the present message
    bool counted = true;
    // All parts of a message are there: it is never left in the middle.
    for (std::size_t parts = 0; (parts < max_requests && !waits && !refused) || !begins; ++parts) {
        if (begins && !pattern_.takes_more(peer)) {
            waits = true;
            break;
        }
        message part;
        if (!peer.in.read(part)) {
            peer.in.update_consumed_bytes();
            if (peer.in.consume(std::exchange(done, 0), true))
                peer.far->on_writable();
            waits = peer.in.must_wait();
            continue;
        }
        if (begins) {
            kept = false;
            counted = is_counted(peer, part);
        }
        const bool first = std::exchange(begins, !part.more());
        if (!refused) {
            const auto taken = take_one(peer, part, first);
            refused = taken ? error{} : taken.error();
            kept = taken && (kept || *taken); // of a refused message nothing is
        }
        done += begins && counted ? 1 : 0;
        peer.count_discarded(begins && counted && !kept ? 1 : 0);
    }
    peer.in.update_consumed_bytes();
    if (done > 0 && peer.in.consume(done, true))
        peer.far->on_writable();
    if (refused)
        return fail(refused);
    if (!waits)
        peer.on_readable(); // the rest has its turn later
    return {};
}

bool peer_requests::has_last(const pipe& peer) const noexcept
{
    return !peer.is_inproc &&
           peer.in.consumed() < peer.lanes()->published_at_end.load(std::memory_order_acquire);
}

void peer_requests::take_last(pipe& peer)
{
    std::uint64_t done = 0; // messages that the lane counts
    bool begins = true, kept = false, counted = true, takes = true, is_message = false;
    const std::uint64_t end = peer.lanes()->published_at_end.load(std::memory_order_acquire);
    while (!begins || peer.is_inproc || peer.in.consumed() + done < end) {
        message part;
        if (!peer.in.read(part))
            break;
        if (begins) {
            kept = false;
            counted = is_counted(peer, part);
            takes = pattern_.takes_more(peer);
            is_message = part.more() || !pattern::is_request(part.bytes());
        }
        const bool first = std::exchange(begins, !part.more());
        if (takes) {
            const auto taken = take_one(peer, part, first);
            takes = taken.has_value();
            kept = takes && (kept || *taken);
        }
        if (!begins)
            continue;
        done += counted ? 1 : 0;
        peer.count_discarded(counted && !kept ? 1 : 0);
        reports_.counters().discarded.add_alone(is_message && !takes ? 1 : 0);
    }
    peer.in.update_consumed_bytes();
    if (peer.in.consume(done, true) && peer.far)
        peer.far->on_writable();
}

void peer_requests::resume() noexcept
{
    while (pattern::peer* const next = pattern_.next_to_resume())
        static_cast<pipe*>(next)->on_readable();
}

// --- requests to peers of inproc ---

result<void> peer_requests::send(pipe& to, bool subscribe, std::span<const std::byte> topic)
{
    if (!write_request(to, subscribe, topic))
        return fail(no_memory_for_request);
    to.publish(false);
    return {};
}

result<void> peer_requests::send_all(pipe& to)
{
    const pattern::topic_book* const topics = pattern_.topics();
    if (topics == nullptr)
        return {};
    if (!write_requests(to, *topics))
        return fail(no_memory_for_request);
    to.publish(false);
    return {};
}

} // namespace slk::messaging
