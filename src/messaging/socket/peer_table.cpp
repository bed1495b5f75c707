// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/peer_table.hpp"

#include "base/try_allocate.hpp"
#include "messaging/socket/endpoint_table.hpp"
#include "pattern/topic_book.hpp"
#include "zmtp/command.hpp"

#include <algorithm>
#include <cassert>
#include <memory>
#include <new>
#include <utility>

namespace slk::messaging {

namespace {

std::uint64_t bytes_of(const std::vector<message>& parts) noexcept
{
    std::uint64_t sum = 0;
    for (const message& part : parts)
        sum += zmtp::header_size(part.size()) + part.size();
    return sum;
}

/// The next connection of the peer can be known to be the same peer's.
bool can_come_again(const pipe& peer) noexcept
{
    return !peer.is_inproc && (peer.origin == pipe_origin::link || !peer.info.routing_id.empty());
}

/// There is, or may be, something to be received before what the peer's next connection brings.
bool leaves_unread(pipe& peer) noexcept
{
    if (peer.receive_place == SIZE_MAX)
        return false;
    return peer.state == peer_state::leaving ||
           (peer.state == peer_state::connected &&
            (peer.after() != nullptr || peer.may_have_more() || peer.in.readable()));
}

} // namespace

// --- high-water marks ---

void peer_table::set_marks(const high_water& send, const high_water& receive) noexcept
{
    send_marks_ = send;
    receive_marks_ = receive;
    for (const auto& each : pipes_) {
        show_receive_marks(*each);
        // A peer whose queue was full may have room now.
        if (is_attached(each->state))
            pattern_.writable(*each, true);
    }
    resume_requests();
}

/// The connection reads the marks of the socket from the lanes.
void peer_table::show_receive_marks(pipe& peer) noexcept
{
    peer.until_look = 1;
    // A socket that sends by inproc does not learn of a change of this mark.
    peer.counts_bytes = receive_marks_.bytes != 0 || (peer.counts_bytes && peer.is_inproc);
    if (peer.counts_bytes)
        peer.in.update_consumed_bytes();
    // Conflating connections have no marks.
    if (peer.is_inproc || peer.in.conflates())
        return;
    const high_water unread = unread_before(peer);
    const bool no_bytes_left = receive_marks_.bytes != 0 && unread.bytes >= receive_marks_.bytes;
    const std::uint32_t messages =
        no_bytes_left ? no_room : left_of_mark(receive_marks_.messages, unread.messages);
    pipe_lanes& shared = *peer.lanes();
    const bool messages_changed =
        shared.receive_mark.exchange(messages, std::memory_order_seq_cst) != messages;
    const bool bytes_changed =
        shared.receive_bytes.exchange(receive_marks_.bytes, std::memory_order_seq_cst) !=
        receive_marks_.bytes;
    if ((messages_changed || bytes_changed) && peer.far)
        peer.far->on_writable();
}

/// What earlier connections of the peer have left unread, as far as it uses up the marks.
high_water peer_table::unread_before(const pipe& peer) const noexcept
{
    high_water sum;
    for (const pipe* each = peer.after(); each != nullptr; each = each->after()) {
        if (sum.messages >= receive_marks_.messages && sum.bytes >= receive_marks_.bytes)
            break;
        if (each->is_inproc)
            continue; // the other socket still counts there
        const high_water unread = each->unread();
        sum.messages += unread.messages;
        sum.bytes += unread.bytes;
    }
    return sum;
}

// --- places ---

void peer_table::take_place(pipe& peer)
{
    // An id that the pattern has made is no peer's own.
    if (peer.routing_id.starts_with('\0'))
        return;
    // The pattern has decided. The connection has reserved the place before, as a rule.
    (void)places_.reserve(peer.holder(), peer.routing_id, peer.named);
    peer.holds_place = true;
}

void peer_table::free_place(pipe& peer) noexcept
{
    if (!peer.holds_place)
        return;
    peer.holds_place = false;
    places_.release(peer.holder(), peer.routing_id);
    place_freed_ = true;
}

// --- peers come ---

bool peer_table::add(pipe& entry) noexcept
{
    assert(entry.place == SIZE_MAX && entry.state == peer_state::unattached);
    if (!try_push_back(pipes_, reference<pipe>::to(entry)))
        return false;
    // The lane may have been made by another thread, with pools of its own.
    entry.out.allocate_from(pools_);
    entry.place = pipes_.size() - 1;
    // connect() has reserved the name that it gives, and a PAIR's only place.
    const bool is_only_one = places_.rule() == pattern::peer_rule::one;
    entry.holds_place = entry.named || (is_only_one && entry.origin != pipe_origin::accept);
    show_receive_marks(entry);
    return true;
}

/// The pattern learns of the peer, or sends to it again.
result<void> peer_table::attach(pipe& peer)
{
    SLK_TRY(pattern::peer* const displaced, peer.state == peer_state::suspended
                                                ? pattern_.resume_sending(peer)
                                                : pattern_.attach(peer));
    if (displaced != nullptr)
        drop(static_cast<pipe&>(*displaced),
             {errc::cancelled, phase::none, 0, "another peer has taken over the routing id"});
    take_place(peer);
    return {};
}

result<void> peer_table::attach_unconnected(pipe& peer)
{
    assert(peer.state == peer_state::unattached);
    SLK_TRY(attach(peer));
    peer.state = peer_state::queueing;
    greet(peer);
    if (peer.is_inproc)
        send_all_requests(peer);
    send_waiting();
    return {};
}

/// The pipe of the link's connection before this one.
pipe* peer_table::predecessor(const pipe& peer) const noexcept
{
    if (peer.origin != pipe_origin::link)
        return nullptr;
    for (const auto& each : pipes_)
        if (each.get() != &peer && each->origin == pipe_origin::link &&
            each->endpoint == peer.endpoint && each->state != peer_state::leaving)
            return each.get();
    return nullptr;
}

// --- peers come again ---

bool peer_table::peer_order::operator()(const pipe* left, const pipe* right) const noexcept
{
    if (left->origin != right->origin)
        return left->origin < right->origin;
    return left->origin == pipe_origin::link ? left->endpoint < right->endpoint
                                             : left->info.routing_id < right->info.routing_id;
}

/// The last one of the earlier connections of the peer, if one of them has left something unread.
/// It may not be known yet that it has ended: a connection that has no room is not read.
pipe* peer_table::last_left_by(const pipe& peer) const noexcept
{
    const auto known = latest_.find(const_cast<pipe*>(&peer));
    const bool is_earlier = can_come_again(peer) && known != latest_.end() && *known != &peer;
    return is_earlier && (*known)->follower() == nullptr && leaves_unread(**known) ? *known
                                                                                   : nullptr;
}

/// Returns false when memory is exhausted.
bool peer_table::reserve_latest(pipe& peer) noexcept
{
    return !can_come_again(peer) || try_allocate([&] { latest_.insert(&peer); });
}

/// Without memory the next connection of the peer does not wait for this one.
void peer_table::become_latest(pipe& peer) noexcept
{
    if (!can_come_again(peer))
        return;
    if (const auto known = latest_.find(&peer); known != latest_.end())
        replace(known, peer);
    else
        (void)reserve_latest(peer);
}

/// The one before is the latest again.
void peer_table::stop_being_latest(pipe& peer) noexcept
{
    const auto known = latest_.find(&peer);
    if (known == latest_.end() || *known != &peer)
        return;
    pipe* const before = peer.after();
    const peer_order less;
    if (before != nullptr && !less(before, &peer) && !less(&peer, before))
        replace(known, *before);
    else
        latest_.erase(known);
}

void peer_table::replace(latest_pipes::iterator known, pipe& by) noexcept
{
    auto node = latest_.extract(known);
    node.value() = &by;
    latest_.insert(std::move(node));
}

/// The next peer of a link takes the place of the one before, and its queue if it is the same.
result<void> peer_table::attach_after(pipe& before, pipe& peer)
{
    peer.immediate = before.immediate;
    peer.named = before.named;
    const bool by_id = places_.rule() == pattern::peer_rule::one_for_each_id && !before.named;
    const bool same = !by_id || before.info.routing_id == peer.info.routing_id;
    // An id that was given stays, by connect() or by the pattern.
    if ((before.named || (by_id && same)) && !try_assign(peer.routing_id, before.routing_id))
        return fail(pattern::no_memory_for_peer);
    // Both may need it below: for what is taken back, and for what is still to be received.
    if (!before.make_history() || !peer.make_history() || !pattern_.prepare(peer))
        return fail(pattern::no_memory_for_peer);
    if (is_attached(before.state))
        stop_sending(before);
    if (auto attached = attach(peer); !attached) {
        if (before.state == peer_state::queueing)
            (void)pattern_.resume_sending(before);
        return attached;
    }
    if (same) {
        peer.connections += before.connections;
        before.holds_place = false; // it is this one's now
        if (before.is_severed() && pattern_.keeps_queues)
            hand_over(before, peer);
    }
    leave(before);
    return {};
}

/// What `before` has left unread is received first.
void peer_table::follow(pipe& peer, pipe& before) noexcept
{
    assert(before.follower() == nullptr);
    if (!peer.make_history() || !before.make_history())
        return;
    peer.history->after = &before;
    before.history->follower = &peer;
    pattern_.readable(peer, false);
    show_receive_marks(peer);
}

bool peer_table::connected(pipe& peer, peer_connected&& how)
{
    const bool first = !is_attached(peer.state);
    peer.connections += how.times;
    peer.ended_first = false;
    peer.far_marks = {how.far_mark, how.far_bytes};
    if (how.far)
        peer.far = std::move(how.far);
    stop_being_latest(peer);
    peer.info = std::move(how.info);
    peer.conflate();
    if (const auto taken = take_in(peer, first); !taken) {
        if (taken.error() == errc::out_of_memory)
            peer.connections -= how.times; // it comes again
        if (taken.error() == errc::out_of_memory && peer.is_inproc)
            return false;
        reject(peer, taken.error());
        return true;
    }
    peer.state = peer_state::connected;
    if (first && (peer.origin != pipe_origin::link || peer.connections == 1))
        greet(peer);
    if (pipe* const before = first ? last_left_by(peer) : nullptr; before != nullptr)
        follow(peer, *before);
    else
        show_receive_marks(peer);
    become_latest(peer);
    readable(peer);
    pattern_.writable(peer, true);
    peer.reported = true;
    report(event_kind::peer_added, peer);
    pattern_.connected(peer);
    if (peer.is_inproc && (first || peer.connections > 1))
        send_all_requests(peer);
    if (!pattern_.takes_requests)
        return true;
    // A connection that came and ended before this was known has left some, too.
    if (peer.immediate && has_last_requests(peer)) {
        stop_sending(peer);
        if (auto again = pattern_.resume_sending(peer); !again) {
            drop(peer, again.error());
            return true;
        }
    }
    take_requests(peer);
    return true;
}

/// `first`: the pattern does not know the peer.
result<void> peer_table::take_in(pipe& peer, bool first)
{
    // The name that connect() has given to a peer stays.
    if (!peer.named && !try_assign(peer.routing_id, peer.info.routing_id))
        return fail(pattern::no_memory_for_peer);
    if (peer.place == SIZE_MAX && !add(peer))
        return fail(pattern::no_memory_for_peer);
    if (!reserve_latest(peer))
        return fail(pattern::no_memory_for_peer);
    if (pipe* const before = first ? predecessor(peer) : nullptr; before != nullptr)
        return attach_after(*before, peer);
    pipe* const left = first ? last_left_by(peer) : nullptr;
    if ((left != nullptr && (!left->make_history() || !peer.make_history())) ||
        !pattern_.prepare(peer))
        return fail(pattern::no_memory_for_peer);
    return first || peer.state == peer_state::suspended ? attach(peer) : result<void>{};
}

/// The first message that a new peer is sent, if there is one.
void peer_table::greet(pipe& peer)
{
    if (welcome_)
        return welcome(peer);
    if (!pattern_.probes)
        return;
    const pattern::part_view nothing{};
    if (!peer.out.write({&nothing, 1}))
        return;
    counters_.queued_total.add_alone(1);
    peer.publish(false);
}

/// There was no memory for it.
void peer_table::count_missed_welcome(pipe& peer) noexcept
{
    ++peer.dropped;
    counters_.dropped_full.add_alone(1);
}

/// The peers refer to the same bytes.
void peer_table::welcome(pipe& peer)
{
    const std::span<const std::byte> framed(welcome_->bytes(), welcome_size_);
    if (peer.out.shares()) {
        const lane::run_view run{welcome_.get(), framed.data(),
                                 static_cast<std::uint32_t>(framed.size()), 1};
        if (!peer.out.reserve_runs(1))
            return count_missed_welcome(peer);
        counters_.queued_total.add_alone(1);
        if (peer.out.share({&run, 1}))
            peer.far->on_readable();
        return;
    }
    const frame_head head = read_head(framed.data());
    const pattern::part_view part{framed.subspan(head.header), welcome_.get()};
    if (!peer.out.write({&part, 1}))
        return count_missed_welcome(peer);
    counters_.queued_total.add_alone(1);
    peer.publish(false);
}

void peer_table::reject(pipe& peer, const error& reason)
{
    counters_.rejected.add(1);
    disconnect(peer, reason);
}

// --- requests ---

namespace {

/// Of one peer, before the caller of the socket goes on.
constexpr std::size_t max_requests = 1000;

constexpr error no_memory_for_request{errc::out_of_memory, phase::transfer, 0,
                                      "no memory for a subscription"};

/// Of a message whose first part this is: whether the lane counts it. Requests of inproc have no
/// mark.
bool is_counted(const pipe& from, const message& first) noexcept
{
    return !from.is_inproc || first.more() || !pattern::is_request(first.bytes());
}

/// Returns false when memory is exhausted.
bool write_request(pipe& to, bool subscribe, std::span<const std::byte> topic) noexcept
{
    constexpr zmtp::version message_form = zmtp::version::v3_0;
    std::byte* const at =
        to.out.write_request(zmtp::subscription_frame_size(message_form, subscribe, topic));
    if (at == nullptr)
        return false;
    zmtp::writer out(at);
    zmtp::write_subscription_frame(out, message_form, subscribe, topic);
    return true;
}

} // namespace

/// As pattern::take_request(), with an event if the peer has one topic more or less.
result<bool> peer_table::take_request(pipe& peer, message& part, bool first)
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
        report(kind, peer, {}, topic);
    else if (topics != before)
        events.emit(kind, {}, [](slk::event&) { return false; });
    return taken;
}

void peer_table::take_requests(pipe& peer)
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
            const auto taken = take_request(peer, part, first);
            refused = taken ? error{} : taken.error();
            kept = taken && (kept || *taken); // of a refused message nothing is
        }
        done += begins && counted ? 1 : 0;
        peer.discarded += begins && counted && !kept ? 1 : 0;
    }
    peer.in.update_consumed_bytes();
    if (done > 0 && peer.in.consume(done, true))
        peer.far->on_writable();
    if (refused)
        drop(peer, refused);
    else if (!waits)
        peer.on_readable(); // the rest has its turn later
}

/// Whether there are some of connections that are over.
bool peer_table::has_last_requests(const pipe& peer) const noexcept
{
    return !peer.is_inproc &&
           peer.in.consumed() < peer.lanes()->published_at_end.load(std::memory_order_acquire);
}

/// What connections that are over have left; with inproc, whatever there is. If the peer would have
/// to wait for the caller, its messages are discarded: it is not there to wait any more.
void peer_table::take_last_requests(pipe& peer)
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
            const auto taken = take_request(peer, part, first);
            takes = taken.has_value();
            kept = takes && (kept || *taken);
        }
        if (!begins)
            continue;
        done += counted ? 1 : 0;
        peer.discarded += counted && !kept ? 1 : 0;
        counters_.discarded.add_alone(is_message && !takes ? 1 : 0);
    }
    peer.in.update_consumed_bytes();
    if (peer.in.consume(done, true) && peer.far)
        peer.far->on_writable();
}

void peer_table::stop_sending(pipe& peer)
{
    if (pattern_.takes_requests && peer.send_place != SIZE_MAX &&
        (peer.is_inproc || has_last_requests(peer)))
        take_last_requests(peer);
    pattern_.stop_sending(peer);
}

void peer_table::resume_requests() noexcept
{
    while (pattern::peer* const next = pattern_.next_to_resume())
        static_cast<pipe*>(next)->on_readable();
}

void peer_table::send_request(bool subscribe, std::span<const std::byte> topic)
{
    // The last one first: a peer that is dropped may leave its place to the last one.
    for (std::size_t index = pipes_.size(); index-- > 0;) {
        pipe& peer = *pipes_[index];
        if (!peer.is_inproc || !is_attached(peer.state) || peer.state == peer_state::leaving)
            continue;
        if (write_request(peer, subscribe, topic))
            peer.publish(false);
        else
            drop(peer, no_memory_for_request);
    }
}

/// A connection does it by itself.
void peer_table::send_all_requests(pipe& peer)
{
    const pattern::topic_book* const topics = pattern_.topics();
    if (topics == nullptr)
        return;
    bool fits = true;
    topics->for_each(
        [&](std::span<const std::byte> topic) { fits = fits && write_request(peer, true, topic); });
    if (fits)
        return peer.publish(false);
    peer.out.discard_unpublished();
    drop(peer, no_memory_for_request);
}

// --- peers go ---

/// An accepted peer is over with its connection, and ends when that is reported: only then is it
/// known which of its messages were sent.
void peer_table::disconnect(pipe& peer, const error& reason)
{
    const reference<far_end> far = peer.far;
    peer.last_reason = reason;
    if (peer.is_inproc) {
        if (peer.origin != pipe_origin::accept) {
            leave_lanes(peer);
            peer.pipe_closed(reason); // it comes again
        } else if (peer.place != SIZE_MAX) {
            end(peer);
        }
    }
    if (far)
        peer.origin == pipe_origin::connect ? far->disconnect(reason) : far->pipe_closed(reason);
}

void peer_table::stalled(pipe& peer, bool is_stalled) noexcept
{
    peer.stalled = is_stalled;
    counters_.stalls.add_alone(is_stalled ? 1 : 0);
}

void peer_table::disconnected(pipe& peer, bool for_good, const error& reason)
{
    peer.last_reason = reason;
    peer.stalled = false;
    peer.severed = peer.severed || for_good;
    if (for_good && peer.place == SIZE_MAX)
        return;
    // The next connection of the link has another pipe; or the next meeting has this one.
    if (peer.origin == pipe_origin::link || (peer.is_inproc && peer.origin == pipe_origin::connect))
        for_good = false;
    if (for_good && peer.state == peer_state::connected)
        peer.state = peer_state::queueing;
    if (for_good)
        return retire(peer);
    // It was dropped; the connection may have published more before it ended.
    if (peer.state == peer_state::unattached)
        return discard_unread(peer);
    if (peer.state != peer_state::connected)
        return;
    if (peer.immediate) {
        stop_sending(peer);
        if (peer.origin == pipe_origin::link && !peer.named)
            free_place(peer);
    }
    peer.state = peer.immediate ? peer_state::suspended : peer_state::queueing;
    report_disconnected(peer);
}

void peer_table::retire(pipe& peer)
{
    if (peer.state == peer_state::leaving)
        return;
    if (is_attached(peer.state))
        stop_sending(peer);
    requeue(peer);
    leave(peer);
}

/// Nothing more is sent to the peer, and its queue is given up.
void peer_table::leave(pipe& peer)
{
    const bool is_received = peer.receive_place != SIZE_MAX;
    if (!is_attached(peer.state) || !is_received || !peer.in.readable())
        return end(peer);
    // Both ends of inproc may still read: the one that ends last counts.
    if (!peer.is_inproc)
        count_unsent(peer);
    pattern_.stop_sending(peer);
    free_place(peer);
    peer.state = peer_state::leaving;
    if (peer.follower() == nullptr && last_left_by(peer) == nullptr)
        become_latest(peer);
    readable(peer);
}

void peer_table::report_disconnected(pipe& peer)
{
    if (!peer.reported)
        return;
    peer.reported = false;
    report(event_kind::peer_removed, peer, peer.last_reason);
    pattern_.disconnected(peer);
}

/// Reports an event of the peer.
void peer_table::report(event_kind kind, const pipe& peer, const error& reason,
                        std::string_view topic) const noexcept
{
    if (!reports_.events().wants(kind)) [[likely]]
        return;
    const endpoint_entry* const at = endpoints_.find(peer.endpoint);
    reports_.events().emit(kind, at != nullptr ? std::string_view(at->text) : std::string_view(),
                           [&](slk::event& made) {
                               made.address = peer.info.peer;
                               made.generation = peer.generation;
                               made.reason = reason;
                               return try_assign(made.routing_id, peer.name()) &&
                                      try_assign(made.topic, topic);
                           });
}

void peer_table::report_dropped(drop_reason why, std::uint64_t count,
                                const pipe& peer) const noexcept
{
    if (count == 0)
        return;
    const endpoint_entry* const at = endpoints_.find(peer.endpoint);
    reports_.events().emit(event_kind::dropped,
                           at != nullptr ? std::string_view(at->text) : std::string_view(),
                           [&](slk::event& made) {
                               made.address = peer.info.peer;
                               made.generation = peer.generation;
                               made.drop = why;
                               made.count = count;
                               return try_assign(made.routing_id, peer.name());
                           });
}

/// The pattern does not know the peer any more.
void peer_table::detach(pipe& peer)
{
    if (mid_message == &peer)
        mid_message = nullptr;
    const peer_state before = std::exchange(peer.state, peer_state::unattached);
    if (!is_attached(before))
        return;
    pattern_.detach(peer);
    report_disconnected(peer);
    if (!peer.named)
        free_place(peer);
}

void peer_table::count_unsent(pipe& peer)
{
    const std::uint64_t untaken = peer.untaken(peer.out.counts());
    counters_.unsent.add_alone(untaken);
    report_dropped(drop_reason::unsent, untaken, peer);
}

/// The peer that has waited until this one was received has its turn.
void peer_table::end_turn_before(pipe& peer) noexcept
{
    pipe* const next = peer.follower();
    if (next == nullptr)
        return;
    peer.history->follower = nullptr;
    next->history->after = peer.after();
    if (peer.after() != nullptr)
        peer.after()->history->follower = next;
    show_receive_marks(*next);
    if (is_attached(next->state))
        readable(*next);
}

/// Nothing of the peer is received any more: the next one follows the one that it has followed.
void peer_table::leave_turns(pipe& peer) noexcept
{
    stop_being_latest(peer);
    if (peer.after() != nullptr)
        peer.after()->history->follower = nullptr;
    end_turn_before(peer);
    if (peer.history)
        peer.history->after = nullptr;
}

void peer_table::end(pipe& peer)
{
    assert(peer.place < pipes_.size());
    const auto kept = reference<pipe>::to(peer);
    if (!peer.is_inproc && peer.state != peer_state::leaving)
        count_unsent(peer);
    detach(peer);
    free_place(peer);
    discard_unread(peer);
    if (peer.is_inproc) {
        leave_lanes(peer);
        count_unsent(peer);
    }
    peer.state = peer_state::ended;
    if (can_come_again(peer))
        places_.forget_unread(peer.holder(), peer.info.routing_id, peer.lanes());
    std::swap(pipes_[peer.place], pipes_.back());
    pipes_[peer.place]->place = peer.place;
    pipes_.pop_back();
    peer.place = SIZE_MAX;
    leave_turns(peer);
    const reference<far_end> far = std::exchange(peer.far, {});
    // The other socket has parted from this one, and this one has read the rest: it may come again.
    if (peer.is_inproc && peer.origin == pipe_origin::accept && peer.severed && far)
        far->pipe_closed(peer.last_reason);
}

void peer_table::discard_unread(pipe& peer)
{
    // The other socket may have taken the rest back.
    if (!peer.has_ended())
        discard(peer);
}

void peer_table::discard_arrived() noexcept
{
    mid_message = nullptr;
    // Each of them once: one that goes on sending does not keep the caller here.
    for (std::size_t left = pipes_.size(); left > 0; --left) {
        auto* const next = static_cast<pipe*>(pattern_.receive_from());
        if (next == nullptr)
            return;
        pipe& peer = *next;
        discard_unread(peer);
        if (peer.in.must_wait())
            read_all(peer);
        else
            pattern_.received(peer);
    }
}

void peer_table::read_all(pipe& peer) noexcept
{
    if (peer.follower() != nullptr && peer.state == peer_state::connected && !peer.may_have_more())
        caught_up(peer);
    pattern_.readable(peer, false);
    if (peer.state == peer_state::leaving)
        end(peer);
}

/// The other end may be over, too, and may have written more until then.
void peer_table::leave_lanes(pipe& peer)
{
    if (peer.set_ended())
        discard(peer);
}

void peer_table::discard(pipe& peer)
{
    std::uint64_t messages = 0;
    bool begins = true, counted = true;
    do
        for (message part; peer.in.read(part); part.clear()) {
            if (std::exchange(begins, !part.more()) && pattern_.takes_requests)
                counted = is_counted(peer, part);
            messages += begins && counted ? 1 : 0;
        }
    while (peer.in.fetch(pools_));
    peer.discarded += messages;
    if (!pattern_.takes_requests) { // nobody misses a request
        counters_.discarded.add_alone(messages);
        report_dropped(drop_reason::discarded, messages, peer);
    }
    peer.in.update_consumed_bytes();
    if (peer.in.consume(messages, true) && peer.far)
        peer.far->on_writable();
}

void peer_table::drop(pipe& peer, const error& reason)
{
    const auto kept = reference<pipe>::to(peer);
    detach(peer);
    discard_unread(peer);
    leave_turns(peer);
    disconnect(peer, reason);
}

// --- messages of peers that are gone ---

bool peer_table::has_room(pattern::peer& entry) noexcept
{
    auto& to = static_cast<pipe&>(entry);
    const high_water marks = send_marks(to);
    return to.out.has_room(marks) || !to.out.must_wait(marks);
}

/// Whether as much waits for a peer as may wait for one.
bool peer_table::waiting_is_full() const noexcept
{
    return (send_marks_.messages != 0 && waiting_count_ >= send_marks_.messages) ||
           (send_marks_.bytes != 0 && waiting_bytes_ >= send_marks_.bytes);
}

/// Takes back what was queued for a peer that is gone, in its order.
void peer_table::requeue(pipe& peer)
{
    if (!requeue_ || !pattern_.may_requeue() || !peer.is_severed() || peer.ended_first ||
        !peer.make_history())
        return;
    const bool newest_only = peer.out.conflates();
    // The first message is the one that was being sent.
    std::uint8_t ends = peer.lanes()->ends_in_message(peer.out.counts().taken);
    for (;;) {
        if (!newest_only && waiting_is_full())
            send_waiting();
        if (!newest_only && waiting_is_full())
            break;
        // What there is no memory for stays in the lane, and is lost with it.
        std::unique_ptr<waiting_message> next(new (std::nothrow) waiting_message);
        if (next == nullptr || !peer.out.take_back(next->parts, pools_))
            break;
        ++peer.history->requeued;
        next->ends = std::exchange(ends, std::uint8_t{0});
        if (next->parts.empty() || !try_reserve(views_, next->parts.size())) {
            counters_.unsent.add_alone(1);
            continue;
        }
        counters_.requeued.add_alone(1);
        if (newest_only && !waiting_.empty()) {
            counters_.conflated_sent.add(waiting_count_);
            clear_waiting();
        }
        waiting_bytes_ += bytes_of(next->parts);
        next->held.emplace(pools_.budget.get(), memory_of(next->parts));
        waiting_.push_back(*next.release());
        ++waiting_count_;
    }
    send_waiting();
}

/// There is room for the views.
std::span<const pattern::part_view> peer_table::views_of(const std::vector<message>& parts) noexcept
{
    views_.clear();
    for (const message& part : parts)
        views_.push_back({part.bytes(), message_detail::access::owner_of(part)});
    return views_;
}

void peer_table::send_waiting()
{
    while (!waiting_.empty() && send_first_waiting()) {
    }
}

/// Returns false if no peer has room.
bool peer_table::send_first_waiting()
{
    std::span<const pattern::part_view> parts = views_of(waiting_.front().parts);
    const pattern::routing where = pattern_.route(parts, nullptr, *this);
    if (where.what != pattern::routing::kind::one)
        return false;
    auto& to = static_cast<pipe&>(*where.to);
    if (to.out.has_latest()) {
        counters_.conflated_sent.add(1); // a newer one waits there
    } else {
        if (!to.out.write(parts)) {
            reports_.notify(); // nothing else tells that there is memory again
            return false;
        }
        if (const std::uint8_t ends = waiting_.front().ends; ends > 0 && !to.out.conflates())
            to.lanes()->set_ends_in_message(to.out.counts().written, ends);
        to.publish(false);
    }
    waiting_bytes_ -= bytes_of(waiting_.front().parts);
    delete &waiting_.pop_front();
    --waiting_count_;
    return true;
}

void peer_table::clear_waiting() noexcept
{
    while (!waiting_.empty())
        delete &waiting_.pop_front();
    waiting_count_ = 0;
    waiting_bytes_ = 0;
}

std::size_t peer_table::give_up_waiting() noexcept
{
    const std::size_t count = waiting_count_;
    counters_.unsent.add_alone(count);
    clear_waiting();
    return count;
}

/// What was queued for a peer that has come again goes into its new pipe, before everything else.
void peer_table::hand_over(pipe& from, pipe& to)
{
    std::uint8_t ends = from.lanes()->ends_in_message(from.out.counts().taken);
    for (std::vector<message> parts; from.out.take_back(parts, pools_);) {
        ++from.history->requeued;
        if (parts.empty() || !try_reserve(views_, parts.size()) || !to.out.write(views_of(parts))) {
            counters_.unsent.add_alone(1);
            continue;
        }
        if (const std::uint8_t carried = std::exchange(ends, std::uint8_t{0}); carried > 0)
            to.lanes()->set_ends_in_message(to.out.counts().written, carried);
        to.publish(false);
    }
}

} // namespace slk::messaging
