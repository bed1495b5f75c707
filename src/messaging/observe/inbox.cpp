// SPDX-License-Identifier: MPL-2.0
#include "messaging/observe/inbox.hpp"

#include "messaging/context/yield_policy.hpp"
#include "messaging/observe/peer_registry.hpp"
#include "messaging/pipe/pipe.hpp"

#include <new>
#include <utility>

namespace slk::messaging {

namespace {

/// The connection came and ended while nobody looked, and has left nothing: there is nothing to say
/// of it. (With inproc the socket still has to give back the place. One that was displaced has to
/// be disconnected.)
bool is_over(const pipe& peer)
{
    return peer.origin != pipe_origin::connect && !peer.is_inproc && peer.met &&
           !peer.met->displaces && peer.lost && peer.lost_for_good && !peer.in.was_written();
}

} // namespace

inbox::inbox() : places_(new(std::nothrow) peer_registry) {}
inbox::~inbox() = default;

result<socket_metrics> inbox::metrics()
{
    socket_metrics now;
    now.number = event_source_.number();
    now.type = event_source_.type();
    now.counters = counters_.snapshot();
    SLK_TRY(registry_.read(now));
    return now;
}

void inbox::set_topics_of(const pattern::pattern& routes) noexcept
{
    if (routes.topics() != nullptr)
        subscribed_ = reference<pattern::topic_book>::to(*routes.topics());
    if (routes.published() != nullptr)
        published_ = reference<pattern::published_topics>::to(*routes.published());
}

void inbox::signal_events(bool first) noexcept
{
    if (first)
        signal(events_entry_);
}

/// Makes a change of what is unread about the peer. Returns true if there is nothing to report.
template <class Change>
bool inbox::add(pipe& peer, const Change& change)
{
    bool first = false;
    {
        const std::lock_guard lock(guard_);
        if (closed_)
            return false;
        change(static_cast<unread_events&>(peer));
        if (is_over(peer)) {
            forget(peer);
            return true;
        }
        if (!peer.linked()) {
            events_.push_back(peer);
            peer.retain();
        }
        first = !std::exchange(events_signalled_, true);
    }
    signal_events(first);
    return false;
}

void inbox::post(std::unique_ptr<peer_connected> met)
{
    // The inbox holds it.
    const reference<pipe> peer = std::exchange(met->peer, {});
    (void)add(*peer, [&](unread_events& to) {
        counters_.connected.add(1);
        if (to.met) {
            met->times += to.met->times;
            if (!met->far)
                met->far = std::move(to.met->far);
        }
        to.met = std::move(met);
        to.lost = false;
        to.is_connected = true;
    });
}

bool inbox::post(const peer_disconnected& what, const error& why)
{
    return add(*what.peer, [&](unread_events& to) {
        counters_.disconnected.add(to.is_connected ? 1 : 0);
        to.is_connected = false;
        to.lost = to.met != nullptr;
        to.lost_before = to.lost_before || !to.lost;
        to.lost_for_good = to.lost_for_good || what.for_good;
        if (!to.refused) // there is one reason for both, and this one says more
            to.lost_why = why;
        to.stall_changed = false;
    });
}

void inbox::post(const peer_stalled& what)
{
    (void)add(*what.peer, [&](unread_events& to) {
        to.stall_changed = true;
        to.is_stalled = what.stalled;
    });
}

void inbox::post(const message_refused& what, const error& why)
{
    (void)add(*what.peer, [&](unread_events& to) {
        to.refused = true;
        to.lost_why = why;
    });
}

/// `peer` is held by the caller.
void inbox::forget(pipe& peer) noexcept
{
    peer.met.reset();
    peer.lost_before = peer.stall_changed = peer.refused = peer.lost = peer.lost_for_good = false;
    if (!peer.linked())
        return;
    peer.unlink();
    peer.release();
}

void inbox::begin_events(list<unread_events>& all)
{
    const std::lock_guard lock(guard_);
    events_signalled_ = false;
    all.take(events_);
}

bool inbox::next_events(list<unread_events>& all, events_of_peer& next)
{
    const std::lock_guard lock(guard_);
    if (all.empty())
        return false;
    auto& peer = static_cast<pipe&>(all.pop_front());
    const auto about = reference<pipe>::adopt(&peer);
    const auto lost = [&](bool for_good) {
        return peer_report{peer_disconnected{about, for_good}, peer.lost_why};
    };
    if (peer.lost_before)
        next[0] = lost(peer.lost_for_good && !peer.lost);
    if (peer.met) {
        peer.met->peer = about;
        next[1] = peer_report{std::move(*peer.met), {}};
        peer.met.reset();
    }
    if (peer.stall_changed)
        next[2] = peer_report{peer_stalled{about, peer.is_stalled}, {}};
    if (peer.refused)
        next[3] = peer_report{message_refused{about}, peer.lost_why};
    if (peer.lost)
        next[4] = lost(peer.lost_for_good);
    peer.lost_before = peer.stall_changed = peer.refused = peer.lost = peer.lost_for_good = false;
    return true;
}

void inbox::notify()
{
    bool first = false;
    {
        const std::lock_guard lock(guard_);
        first = !std::exchange(events_signalled_, true);
    }
    signal_events(first);
}

void inbox::place_freed()
{
    {
        const std::lock_guard lock(guard_);
        place_freed_ = true;
    }
    notify();
}

bool inbox::take_place_freed()
{
    const std::lock_guard lock(guard_);
    return std::exchange(place_freed_, false);
}

result<io::native_handle> inbox::event_handle(bool as_socket)
{
    if (signal_ == nullptr) {
        SLK_TRY(signal_, io::os::signal::create(as_socket));
        shown_.store(signal_.get(), std::memory_order_seq_cst);
        signal_->set(); // there may be reports already
    }
    return signal_->handle();
}

bool inbox::make_notice() noexcept
{
    if (!notice_) {
        notice_ = reference<ready_notice>::adopt(new (std::nothrow) ready_notice);
        watched_.store(notice_.get(), std::memory_order_seq_cst);
    }
    return static_cast<bool>(notice_);
}

void inbox::wake() noexcept
{
    set_event_handle();
    reference<inbox_listener> told;
    {
        const std::lock_guard lock(guard_);
        parker_->wake();
        if (listens_)
            told = listener_;
        if (!closed_ && !told)
            return;
        if (closed_)
            told.reset();
    }
    if (told)
        return told->reported();
    discard_signalled();
}

bool inbox::sleep(duration timeout, bool expects_reply, bool interruptible)
{
    if (yield_until([this] { return has_reports(); }, expects_reply))
        return false;
    bool interrupted = false;
    sleeping_.store(true, std::memory_order_seq_cst);
    if (signalled_.load(std::memory_order_seq_cst) == nullptr) {
        if (interruptible)
            interrupted = own_.park_interruptibly(timeout);
        else
            own_.park(timeout);
    }
    sleeping_.store(listens_, std::memory_order_relaxed);
    return interrupted;
}

void inbox::redirect_wakes(thread_parker* other) noexcept
{
    const std::lock_guard lock(guard_);
    parker_ = other != nullptr ? other : &own_;
    sleeping_.store(other != nullptr || closed_ || listens_, std::memory_order_seq_cst);
}

void inbox::set_listener(reference<inbox_listener> next) noexcept
{
    const std::lock_guard lock(guard_);
    listens_ = false;
    sleeping_.store(closed_, std::memory_order_seq_cst);
    std::swap(listener_, next); // the former one ends behind the lock
}

void inbox::listen(bool on) noexcept
{
    const std::lock_guard lock(guard_);
    listens_ = on && !closed_;
    sleeping_.store(on || closed_, std::memory_order_seq_cst);
}

void inbox::close() noexcept
{
    reference<inbox_listener> told;
    {
        const std::lock_guard lock(guard_);
        closed_ = true;
        sleeping_.store(true, std::memory_order_seq_cst);
        if (std::exchange(listens_, false))
            told = listener_;
        listener_.reset();
    }
    if (told)
        told->reported();
    take_events([](const peer_report&) {});
    discard_signalled();
    set_event_handle(); // a watch ends
}

void inbox::discard_signalled() noexcept
{
    for (inbox_entry* each = take_signalled(); each != nullptr;) {
        inbox_entry* const next = each->next;
        if (!is_events(*each)) {
            const auto peer = reference<pipe>::adopt(static_cast<pipe*>(each));
            (void)peer->take_signals();
        }
        each = next;
    }
}

} // namespace slk::messaging
