// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/peer_table.hpp"

#include "base/try_allocate.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace slk::messaging {

namespace {

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

void peer_table::set_marks(const high_water& send, const high_water& receive,
                           bool no_mark_adds_nothing) noexcept
{
    no_mark_adds_nothing_ = no_mark_adds_nothing;
    send_marks_ = send;
    waiting_.set_marks(send);
    receive_marks_ = receive;
    for (const auto& each : pipes_) {
        show_receive_marks(*each);
        each->known_room = 0;
        // A peer whose queue was full may have room now.
        if (is_attached(each->state))
            pattern_.writable(*each, true);
    }
    requests_.resume();
}

/// The connection reads the marks of the socket from the lanes; another socket has them in its
/// pipe.
void peer_table::show_receive_marks(pipe& peer) noexcept
{
    peer.until_look = 1;
    // A socket that sends by inproc may not know yet that this mark is gone.
    peer.counts_bytes = receive_marks_.bytes != 0 || (peer.counts_bytes && peer.is_inproc);
    if (peer.counts_bytes)
        peer.in.update_consumed_bytes();
    // Conflating connections have no marks, and one that the socket has given away has none left.
    if (peer.in.conflates() || (peer.history && peer.history->arrived))
        return;
    if (peer.is_inproc) {
        const bool adds_nothing_to_it = receive_marks_.messages == 0 && no_mark_adds_nothing_;
        if (peer.far)
            peer.far->set_far_marks(adds_nothing_to_it ? adds_nothing : receive_marks_.messages,
                                    receive_marks_.bytes);
        return;
    }
    const high_water unread = unread_before(peer);
    const bool no_bytes_left = receive_marks_.bytes != 0 && unread.bytes >= receive_marks_.bytes;
    const std::uint32_t messages = no_bytes_left || peer.is_muted
                                       ? no_room
                                       : left_of_mark(receive_marks_.messages, unread.messages);
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
    (void)places_.reserve(peer.holder(), peer.routing_id, events_.now(), peer.named);
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
    if (displaced != nullptr && mutes_duplicates_)
        mute(static_cast<pipe&>(*displaced));
    else if (displaced != nullptr)
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
    waiting_.send(*this);
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
    const bool same = places_.rule() != pattern::peer_rule::one_for_each_connection &&
                      (!by_id || before.info.routing_id == peer.info.routing_id);
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
            count_stale(waiting_.hand_over(before, peer), peer);
    }
    leave(before);
    return {};
}

/// No other peer is sent to.
bool peer_table::is_only_one(const pipe& peer) const noexcept
{
    return std::ranges::none_of(pipes_, [&](const auto& each) {
        return each.get() != &peer &&
               (each->state == peer_state::connected || each->state == peer_state::queueing);
    });
}

/// Messages were dropped because the peer is back.
void peer_table::count_stale(std::uint64_t messages, const pipe& peer) noexcept
{
    counters_.dropped_stale.add(messages);
    events_.report_dropped(drop_reason::stale, messages, peer);
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
    const bool was_sent_to = peer.state == peer_state::queueing;
    peer.connections += static_cast<std::uint32_t>(how.times);
    peer.ended_first = false;
    if (how.far)
        peer.far = std::move(how.far);
    stop_being_latest(peer);
    peer.info = std::move(how.info);
    peer.forget_origin();
    peer.conflate();
    if (const auto taken = take_in(peer, first); !taken) {
        if (taken.error() == errc::out_of_memory)
            peer.connections -= static_cast<std::uint32_t>(how.times); // it comes again
        if (taken.error() == errc::out_of_memory && peer.is_inproc)
            return false;
        if (mutes_duplicates_ && taken.error() == errc::address_in_use)
            mute(peer);
        else
            reject(peer, taken.error());
        return true;
    }
    peer.state = peer_state::connected;
    if (waiting_.count() > 0 && !was_sent_to && is_only_one(peer))
        count_stale(waiting_.drop_stale(peer.on_reconnect), peer);
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
    events_.report(event_kind::peer_added, peer);
    pattern_.connected(peer);
    if (peer.is_inproc && !peer.told_topics && (first || peer.connections > 1))
        send_all_requests(peer);
    peer.told_topics = false; // of the next one that it meets
    if (!pattern_.takes_requests)
        return true;
    // A connection that came and ended before this was known has left some, too.
    if (peer.immediate && requests_.has_last(peer)) {
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
    if (peer.was_probed)
        return counters_.queued_total.add_alone(1);
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
    events_.report_dropped(drop_reason::full, 1, peer);
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
        peer.known_room = 0;
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

void peer_table::take_requests(pipe& peer)
{
    if (const auto taken = requests_.take(peer); !taken)
        drop(peer, taken.error());
}

void peer_table::stop_sending(pipe& peer)
{
    if (pattern_.takes_requests && peer.send_place != SIZE_MAX &&
        (peer.is_inproc || requests_.has_last(peer)))
        requests_.take_last(peer);
    pattern_.stop_sending(peer);
    look_for_receivers(peer);
}

void peer_table::look_for_receivers(const pipe& without) noexcept
{
    if (watches_receivers_ && is_only_one(without))
        lost_receivers_ = true;
}

void peer_table::send_request(bool subscribe, std::span<const std::byte> topic)
{
    // The last one first: a peer that is dropped may leave its place to the last one.
    for (std::size_t index = pipes_.size(); index-- > 0;) {
        pipe& peer = *pipes_[index];
        if (!peer.is_inproc || !is_attached(peer.state) || peer.state == peer_state::leaving)
            continue;
        if (const auto sent = requests_.send(peer, subscribe, topic); !sent)
            drop(peer, sent.error());
    }
}

void peer_table::send_all_requests(pipe& peer)
{
    if (const auto sent = requests_.send_all(peer); !sent)
        drop(peer, sent.error());
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

void peer_table::disconnected(pipe& peer, bool for_good, const error& reason, bool may_return)
{
    peer.last_reason = reason;
    peer.stalled = false;
    peer.severed = peer.severed || for_good;
    if (for_good && peer.place == SIZE_MAX)
        return;
    // The next connection of the link has another pipe; or the next meeting has this one.
    if (!may_return)
        for_good = true;
    else if (peer.origin == pipe_origin::link ||
             (peer.is_inproc && peer.origin == pipe_origin::connect))
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
    waiting_.take_back(peer, *this);
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
    events_.report(event_kind::peer_removed, peer, peer.last_reason);
    pattern_.disconnected(peer);
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
    if (before != peer_state::leaving)
        look_for_receivers(peer);
    report_disconnected(peer);
    if (!peer.named)
        free_place(peer);
}

void peer_table::count_expired(pipe& peer) noexcept
{
    // The other socket may read the rest.
    if (peer.is_inproc && (peer.ended_first || !peer.is_severed()))
        return;
    const std::uint64_t expired = peer.out.settle_expired(events_.now());
    counters_.expired.add(expired);
    events_.report_dropped(drop_reason::expired, expired, peer);
}

void peer_table::count_unsent(pipe& peer)
{
    count_expired(peer);
    const std::uint64_t untaken = peer.untaken(peer.out.counts());
    counters_.unsent.add(untaken);
    events_.report_dropped(drop_reason::unsent, untaken, peer);
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
    const reference<far_end> far = remove(peer);
    // The other socket has parted from this one, and this one has read the rest: it may come again.
    if (peer.is_inproc && peer.origin == pipe_origin::accept && peer.severed && far)
        far->pipe_closed(peer.last_reason);
}

/// Takes the pipe out of the table. Returns its other end.
reference<far_end> peer_table::remove(pipe& peer) noexcept
{
    peer.state = peer_state::ended;
    if (can_come_again(peer))
        places_.forget_unread(peer.holder(), peer.info.routing_id, peer.lanes());
    std::swap(pipes_[peer.place], pipes_.back());
    pipes_[peer.place]->place = peer.place;
    pipes_.pop_back();
    peer.place = SIZE_MAX;
    leave_turns(peer);
    return std::exchange(peer.far, {});
}

void peer_table::give_away(pipe& peer, bool keeps)
{
    assert(!peer.is_inproc && peer.place < pipes_.size());
    const auto kept = reference<pipe>::to(peer);
    // Its connection is over, and it ends when the rest was received.
    if (keeps && peer.state == peer_state::leaving)
        return;
    // No connection has it any more.
    const bool is_over =
        peer.severed || (peer.origin == pipe_origin::link && peer.state != peer_state::connected &&
                         peer.state != peer_state::unattached);
    if (is_over && peer.state != peer_state::leaving)
        count_unsent(peer);
    if (keeps && keep_arrived(peer)) {
        stop_sending(peer);
        free_place(peer);
        peer.severed = true;
        peer.state = peer_state::leaving;
        return readable(peer);
    }
    detach(peer);
    free_place(peer);
    discard_unread(peer);
    (void)remove(peer);
}

/// Takes what has arrived out of the lanes, which the connection goes on with. Returns false if
/// there is nothing, or no memory: then it is still to be discarded.
bool peer_table::keep_arrived(pipe& peer)
{
    if (!is_attached(peer.state) || peer.receive_place == SIZE_MAX || !peer.in.readable() ||
        !peer.make_history())
        return false;
    std::unique_ptr<lane::lane> own(new (std::nothrow) lane::lane);
    if (own == nullptr || !own->open(pools_))
        return false;
    peer.history->arrived = std::move(own);
    const std::uint64_t lost = peer.in.move_to(*peer.history->arrived, pools_);
    if (lost == 0)
        return true;
    // The message that is being received may be among them.
    if (mid_message == &peer)
        mid_message = nullptr;
    count_discarded(peer, lost);
    return false;
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
                counted = peer_requests::is_counted(peer, part);
            messages += begins && counted ? 1 : 0;
        }
    while (peer.in.fetch(pools_));
    count_discarded(peer, messages);
    peer.in.update_consumed_bytes();
    if (peer.in.consume(messages, true) && peer.far)
        peer.far->on_writable();
}

void peer_table::count_discarded(pipe& peer, std::uint64_t messages) noexcept
{
    peer.count_discarded(messages);
    if (pattern_.takes_requests)
        return; // nobody misses a request
    counters_.discarded.add_alone(messages);
    events_.report_dropped(drop_reason::discarded, messages, peer);
}

void peer_table::part_from(pipe& peer)
{
    detach(peer);
    discard_unread(peer);
    leave_turns(peer);
}

void peer_table::drop(pipe& peer, const error& reason)
{
    const auto kept = reference<pipe>::to(peer);
    part_from(peer);
    disconnect(peer, reason);
}

/// Parts from the peer. The connection stays, and is not read any more when something has arrived.
void peer_table::mute(pipe& peer)
{
    part_from(peer);
    peer.is_muted = true;
    show_receive_marks(peer);
}

bool peer_table::has_room(pattern::peer& entry) noexcept
{
    auto& to = static_cast<pipe&>(entry);
    const high_water marks = send_marks(to);
    return to.out.has_room(marks) || !to.out.must_wait(marks);
}
} // namespace slk::messaging
