// SPDX-License-Identifier: MPL-2.0
#include "pattern/xpub.hpp"

#include "base/message_access.hpp"
#include "base/try_allocate.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace slk::pattern {

namespace {

/// Bytes of each peer that may wait for the caller, or one message.
constexpr std::uint64_t max_bytes = std::uint64_t{1} << 20;

/// A smaller part is copied: it may lie in a chunk with much else, which it would keep.
constexpr std::size_t max_copied = std::size_t{72} * 1024;

constexpr error no_memory_for_report{errc::out_of_memory, phase::transfer, 0,
                                     "no memory for a subscription"};
constexpr error no_memory_for_part{errc::out_of_memory, phase::transfer, 0,
                                   "no memory for a message"};

} // namespace

xpub::~xpub()
{
    (void)discard_own();
}

// --- peers ---

result<peer*> xpub::resume_sending(peer& entry)
{
    SLK_TRY(peer* const displaced, pub::resume_sending(entry));
    const std::size_t number = number_of(entry);
    if ((number >= records_.size() && !try_resize(records_, number + 1)) ||
        !try_reserve(held_, records_.size())) {
        remove(entry);
        return fail(no_memory_for_peer);
    }
    if (manual_ && !become_manual(records_[number], entry)) {
        remove(entry);
        return fail(no_memory_for_peer);
    }
    return displaced;
}

/// The peer's requests are kept apart. Returns false when memory is exhausted.
bool xpub::become_manual(record& of, peer& entry) noexcept
{
    if (of.manual_number == no_number)
        of.manual_number = requests_.add_peer(entry);
    return of.manual_number != no_number;
}

void xpub::stop_sending(peer& entry) noexcept
{
    if (entry.send_place == SIZE_MAX)
        return;
    const std::uint32_t number = number_of(entry);
    record& left = records_[number];
    release(entry);
    if (left.waiting > 0)
        waiting_.for_each([&](waiting_part& each) {
            if (each.from == &entry)
                each.from = nullptr;
        });
    gone_parts_ += left.waiting;
    gone_bytes_ += left.bytes;
    left = {.manual_number = left.manual_number};
    if (last_ == &entry) {
        last_ = nullptr;
        // What was for that peer alone is not for others.
        if (next_ == next_targets::last)
            next_ = next_targets::nobody;
    }
    if (left.manual_number != no_number) {
        index().remove_all(number);
        requests_.leave(left.manual_number);
    }
    reported_of(left).sort_topics_of(reported_number(left, number));
    leave(entry);
    gone_topics_ += reported_of(left).topics_of(reported_number(left, number));
    left.next_gone = std::exchange(gone_, number);
    if (waiting_.empty())
        (void)report_gone();
    update_own();
}

/// Reports one topic of a peer that has gone. Returns false when memory is exhausted.
bool xpub::report_gone() noexcept
{
    while (gone_ != no_number) {
        const std::uint32_t number = gone_;
        record& of = records_[number];
        subscription_index& topics = reported_of(of);
        const std::uint32_t there = reported_number(of, number);
        while (topics.topics_of(there) > 0) {
            const auto [topic, by_others] = topics.first_of(there);
            const bool reports = !by_others || verboser_ || of.manual_number != no_number;
            auto report = reports ? make_report(false, topic) : nullptr;
            if (reports && report == nullptr)
                return false;
            topics.remove_first(there);
            const bool fitted = gone_fits();
            --gone_topics_;
            look_again(fitted);
            if (reports) {
                push(std::move(report), nullptr);
                return true;
            }
        }
        gone_ = of.next_gone;
        if (of.manual_number != no_number)
            requests_.remove_peer(of.manual_number);
        of = {};
        index().remove_peer(number);
    }
    return true;
}

// --- what peers send ---

/// Whether not more than this share of the limits is used.
bool xpub::has_room(const record& of, std::uint64_t share) const noexcept
{
    if (!holds_back_)
        return mark_ == 0 || of.kept < mark_ / share + share - 1;
    // While the budget of memory is used up, one part may wait.
    if (of.waiting > 0 && budget_ != nullptr && budget_->is_used_up())
        return false;
    return of.bytes < max_bytes / share && gone_fits() &&
           (mark_ == 0 || of.waiting < mark_ / share + share - 1);
}

bool xpub::gone_fits() const noexcept
{
    return !holds_back_ ||
           (gone_bytes_ <= max_bytes && (mark_ == 0 || gone_topics_ + gone_parts_ <= mark_));
}

/// Less is left of peers that have gone: those that were held for that may go on.
void xpub::look_again(bool gone_fitted) noexcept
{
    if (!gone_fitted && gone_fits())
        left_to_look_ = held_.size();
}

bool xpub::takes_more(peer& from) noexcept
{
    if (from.send_place == SIZE_MAX)
        return true;
    record& of = record_of(from);
    if (of.held_at != SIZE_MAX)
        return false;
    if (has_room(of, 1))
        return true;
    of.held_at = held_.size();
    held_.push_back(&from);
    return false;
}

void xpub::release(peer& held) noexcept
{
    if (may_resume_ == &held)
        may_resume_ = nullptr;
    const std::size_t at = std::exchange(record_of(held).held_at, SIZE_MAX);
    if (at == SIZE_MAX)
        return;
    record_of(*held_.back()).held_at = held_.back() == &held ? SIZE_MAX : at;
    held_[at] = held_.back();
    held_.pop_back();
    left_to_look_ = std::min(left_to_look_, held_.size());
}

peer* xpub::next_to_resume() noexcept
{
    peer* next = std::exchange(may_resume_, nullptr);
    while (next == nullptr && left_to_look_ > 0)
        if (peer* const each = held_[--left_to_look_]; has_room(record_of(*each), 2))
            next = each;
    if (next != nullptr)
        release(*next);
    return next;
}

std::unique_ptr<xpub::waiting_part> xpub::make_report(bool subscribe, topic_view topic) noexcept
{
    std::unique_ptr<waiting_part> made(new (std::nothrow) waiting_part);
    if (made == nullptr)
        return nullptr;
    auto content = message::allocate_for_overwrite(1 + topic.size());
    if (!content)
        return nullptr;
    const std::span<std::byte> bytes = content->writable();
    bytes.front() = subscribe ? std::byte{1} : std::byte{0};
    std::ranges::copy(topic, bytes.begin() + 1);
    made->content = *std::move(content);
    made->is_report = true;
    return made;
}

void xpub::push(std::unique_ptr<waiting_part> part, peer* from) noexcept
{
    part->from = from;
    if (from != nullptr) {
        record& of = record_of(*from);
        ++of.waiting;
        of.kept += part->is_report ? 0 : 1;
        of.bytes += cost_of(part->content.size());
    } else {
        ++gone_parts_;
        gone_bytes_ += cost_of(part->content.size());
    }
    if (budget_ != nullptr)
        (void)budget_->add(memory_of(*part));
    waiting_.push_back(*part.release());
}

result<bool> xpub::take_request(peer& from, message& part, bool first, bool limited) noexcept
{
    if (from.send_place == SIZE_MAX)
        return false;
    const bool last = !part.more();
    const bool kept = !is_request_now(part.bytes(), first);
    const result<void> taken = kept ? keep(part)
                                    : request(from, part.bytes().front() == std::byte{1},
                                              part.bytes().subspan(1), limited);
    // Requests among the parts are reported before the message.
    if (taken && last && !begun_.empty()) {
        message_detail::access::set_more(begun_.back().content, false);
        while (!begun_.empty())
            push(std::unique_ptr<waiting_part>(&begun_.pop_front()), &from);
    }
    update_own();
    if (taken)
        return kept;
    while (!begun_.empty())
        delete &begun_.pop_front();
    return fail(taken.error());
}

/// Whether a request is to be reported is known only when it is done; but then there must be
/// memory.
result<void> xpub::request(peer& from, bool subscribe, topic_view topic, bool limited) noexcept
{
    auto report = make_report(subscribe, topic);
    if (report == nullptr)
        return fail(no_memory_for_report);
    const std::size_t before = index().topics();
    bool reports = false;
    if (manual_) {
        record& of = record_of(from);
        if (!become_manual(of, from))
            return fail(no_memory_for_report);
        if (subscribe)
            SLK_TRY(requests_.subscribe(of.manual_number, topic, limits(limited)));
        else
            (void)requests_.cancel(of.manual_number, topic);
        reports = true;
    } else if (subscribe) {
        SLK_TRY(index().subscribe(number_of(from), topic, limits(limited)));
        reports = verbose_ || index().topics() > before;
    } else {
        // One that nobody has subscribed to is reported, as libzmq does; a peer cannot take back
        // what others have.
        (void)index().cancel(number_of(from), topic);
        reports = verboser_ || index().topics() < before || !index().has_topic(topic);
    }
    if (reports)
        push(std::move(report), &from);
    return {};
}

result<void> xpub::keep(message& part) noexcept
{
    std::unique_ptr<waiting_part> made(new (std::nothrow) waiting_part);
    if (made == nullptr)
        return fail(no_memory_for_part);
    if (part.size() <= max_copied) {
        auto copy = message::copy_of(part.bytes());
        if (!copy)
            return fail(no_memory_for_part);
        made->content = *std::move(copy);
    } else {
        made->content = std::move(part);
    }
    message_detail::access::set_more(made->content, true);
    begun_.push_back(*made.release());
    return {};
}

// --- what the caller receives ---

result<router_event> xpub::receive_own(message& into, peer_id*) noexcept
{
    if (waiting_.empty()) {
        const bool done = report_gone();
        update_own();
        // Another peer may have got the topic of which there was no memory to report.
        if (waiting_.empty())
            return done ? fail(errc::would_block, phase::transfer) : fail(no_memory_for_report);
    }
    const std::unique_ptr<waiting_part> next(&waiting_.pop_front());
    uncount(*next);
    into = std::move(next->content);
    if (next->from != nullptr) {
        record& of = record_of(*next->from);
        --of.waiting;
        of.kept -= next->is_report ? 0 : 1;
        of.bytes -= cost_of(into.size());
        if (of.held_at != SIZE_MAX && has_room(of, 2))
            may_resume_ = next->from;
    } else {
        const bool fitted = gone_fits();
        --gone_parts_;
        gone_bytes_ -= cost_of(into.size());
        look_again(fitted);
    }
    if (next->is_report) {
        last_ = next->from;
        // The end of a peer is no peer's subscription.
        next_ = last_ != nullptr                       ? next_targets::last
                : into.bytes().front() == std::byte{1} ? next_targets::nobody
                                                       : next_targets::all;
    }
    // One for one, so that they have their turn however much peers send.
    (void)report_gone();
    update_own();
    return router_event::message;
}

std::uint64_t xpub::discard_own() noexcept
{
    std::uint64_t messages = 0;
    for (part_list* const each : {&waiting_, &begun_})
        while (!each->empty()) {
            const std::unique_ptr<waiting_part> part(&each->pop_front());
            if (each == &waiting_)
                uncount(*part);
            messages += part->is_report || part->content.more() ? 0 : 1;
        }
    return messages;
}

void xpub::set_options(const socket_options& options) noexcept
{
    pub::set_options(options);
    mark_ = options.receive_high_water_mark;
    holds_back_ = options.holds_back_requests;
    left_to_look_ = held_.size();
    verbose_ = options.verbose || options.verboser;
    verboser_ = options.verboser;
    manual_ = options.manual || options.manual_last_value;
    last_value_ = options.manual_last_value;
}

// --- subscriptions of the caller's ---

result<peer*> xpub::last_reported() const noexcept
{
    if (!manual_)
        return fail(errc::invalid_state, phase::setup, "the option manual is not set");
    if (last_ == nullptr)
        return fail(errc::no_route, phase::setup, "no peer has reported last, or it has gone");
    return last_;
}

result<void> xpub::subscribe_last(topic_view topic) noexcept
{
    SLK_TRY(const peer* const of, last_reported());
    SLK_TRY(index().subscribe(number_of(*of), topic, {}));
    return {};
}

result<void> xpub::unsubscribe_last(topic_view topic) noexcept
{
    SLK_TRY(const peer* const of, last_reported());
    (void)index().cancel(number_of(*of), topic);
    return {};
}

routing xpub::route(std::span<const part_view>& parts, const peer_id* to,
                    room_check& rooms) noexcept
{
    if (!last_value_ || next_ == next_targets::all) [[likely]] {
        next_before_ = next_targets::all;
        return pub::route(parts, to, rooms);
    }
    const peer* const only = next_ == next_targets::last ? last_ : nullptr;
    const routing where =
        route_to(parts.front().bytes, rooms, [only](const peer& each) { return &each == only; });
    next_before_ = next_;
    if (where.what != routing::kind::wait)
        next_ = next_targets::all;
    return where;
}

routing xpub::check_send(std::span<const std::byte> first_part, const peer_id* to,
                         room_check& rooms) noexcept
{
    if (!last_value_ || next_ == next_targets::all)
        return pub::check_send(first_part, to, rooms);
    // It is for one peer at most.
    const bool fits =
        next_ != next_targets::last || last_ == nullptr || rooms.has_room_for_all(*last_);
    return fits ? routing::to_targets(0) : routing{};
}

} // namespace slk::pattern
