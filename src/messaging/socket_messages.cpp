// SPDX-License-Identifier: MPL-2.0

// Messages on their way into the lanes and out of them.

#include "messaging/frame_reader.hpp"
#include "messaging/frame_writer.hpp"
#include "messaging/socket_core.hpp"
#include "messaging/waiter.hpp"
#include "pattern/router.hpp"

namespace slk::messaging {

namespace {

constexpr error no_memory{errc::out_of_memory, phase::transfer};
constexpr error no_route{errc::no_route, phase::transfer, 0, "nobody has that routing id"};

} // namespace

template <class Ready>
result<void> socket_core::await(Ready ready, const timeout& limit, bool expects_answer)
{
    waiter waiting(*context_, *box_, limit);
    if (expects_answer)
        waiting.expect_answer();
    do {
        SLK_TRY(waiting.wait());
        take_news();
    } while (!ready());
    return {};
}

// --- sending ---

std::uint64_t socket_core::send_mark(const pipe& to) const noexcept
{
    const std::uint64_t own = options_.send_high_water_mark;
    if (!to.is_inproc || !to.connected)
        return own;
    // Nobody stands between the two: what each of them may hold, both may.
    return own == 0 || to.far_mark == 0 ? 0 : own + to.far_mark;
}

/// The same in bytes.
std::uint64_t socket_core::send_bytes(const pipe& to) const noexcept
{
    const std::uint64_t own = options_.send_high_water_bytes;
    if (own == 0 || !to.is_inproc || !to.connected) [[likely]]
        return own;
    return to.far_bytes == 0 ? 0 : own + to.far_bytes;
}

bool socket_core::has_credit(pipe& to) noexcept
{
    const std::uint64_t mark = send_mark(to);
    const std::uint64_t bytes = send_bytes(to);
    const auto has_room = [&] {
        return to.out().credit(mark) > to.staged && to.out().byte_credit(bytes, to.staged) > 0;
    };
    if (has_room()) [[likely]]
        return true;
    if (to.staged > 0)
        publish(to, std::exchange(to.staged, 0));
    // To send what lies there takes less time than to sleep until somebody else has done so.
    if (to.far->send_now() && has_room())
        return true;
    return !to.out().producer_sleeps(mark, bytes);
}

/// Who gets the next message; null if nobody has room.
pipe* socket_core::choose() noexcept
{
    while (pattern::peer* const next = pattern_->send_to()) {
        auto& to = static_cast<pipe&>(*next);
        if (has_credit(to)) [[likely]]
            return &to;
        pattern_->writable(to, false);
    }
    return nullptr;
}

socket_core::routed socket_core::choose(const peer_id& to) noexcept
{
    auto* const known = static_cast<pipe*>(router_->find(to.routing_id));
    if (known == nullptr || (to.generation != 0 && to.generation != known->generation))
        return {};
    return {has_credit(*known) ? known : nullptr, true};
}

result<void> socket_core::write(pipe& to, std::span<const part_view> parts) noexcept
{
    // Nothing that was written before is lost with a message that does not fit into memory.
    if (parts.size() > 1 && to.staged > 0)
        publish(to, std::exchange(to.staged, 0));
    for (std::size_t index = 0; index < parts.size(); ++index) {
        const part_view& part = parts[index];
        if (!write_part(to.out(), part.bytes, part.owner, index + 1 < parts.size())) {
            if (index > 0)
                to.out().abandon();
            return fail(no_memory);
        }
    }
    return {};
}

/// In place of one that was not taken yet.
result<void> socket_core::replace(pipe& to, std::span<const part_view> parts) noexcept
{
    std::vector<message> whole(parts.size());
    for (std::size_t index = 0; index < parts.size(); ++index) {
        const part_view& part = parts[index];
        if (part.owner == nullptr) {
            SLK_TRY(whole[index], message::copy_of(part.bytes));
            continue;
        }
        part.owner->retain();
        message_detail::access::view(whole[index], part.bytes.data(), part.bytes.size(), part.owner,
                                     false);
    }
    if (to.newest_out().put(std::move(whole)))
        to.far->lane_readable();
    return {};
}

/// Waking the loop costs more than sending. Whoever sends in a row leaves that to the loop, which
/// then sends many messages at a time; but whoever has just waited for a message, and answers it or
/// asks the next thing, does it by hand. So does he who runs the loop himself.
void socket_core::publish(pipe& to, std::uint32_t messages, bool by_hand) noexcept
{
    by_hand = by_hand || context_->run_by_caller();
    if (to.out().publish(messages))
        by_hand ? to.far->carry() : to.far->lane_readable();
    else if (by_hand)
        (void)to.far->send_now();
}

void socket_core::publish_staged() noexcept
{
    for (pipe* const each : staged_)
        if (each->staged > 0)
            publish(*each, std::exchange(each->staged, 0));
    staged_.clear();
}

result<send_outcome> socket_core::send(std::span<const part_view> parts, const timeout& limit,
                                       const peer_id* to)
{
    SLK_TRY(usable());
    if (parts.empty())
        return fail(errc::invalid_argument, phase::transfer, "a message has at least one part");
    context_->settle();
    take_news();
    pipe* chosen = nullptr;
    if (to == nullptr) {
        chosen = choose();
        if (chosen == nullptr)
            SLK_TRY(await([&] { return (chosen = choose()) != nullptr; }, limit));
    } else {
        routed found = choose(*to);
        const auto decided = [&] {
            found = choose(*to);
            return found.to != nullptr || !found.known;
        };
        if (found.to == nullptr && found.known && mandatory)
            SLK_TRY(await(decided, limit));
        if (!found.known && mandatory)
            return fail(no_route);
        if (found.to == nullptr) {
            ++(found.known ? counters_.dropped_full : counters_.dropped_no_route);
            return found.known ? send_outcome::dropped_full : send_outcome::dropped_no_route;
        }
        chosen = found.to;
    }
    if (chosen->conflates) [[unlikely]] {
        SLK_TRY(replace(*chosen, parts));
        waited_ = false;
    } else {
        SLK_TRY(write(*chosen, parts));
        publish(*chosen, 1, std::exchange(waited_, false));
    }
    pattern_->sent(*chosen);
    context_->hand_over();
    return send_outcome::queued;
}

result<std::size_t> socket_core::send_batch(std::span<message> messages, const timeout& limit)
{
    SLK_TRY(usable());
    context_->settle();
    take_news();
    std::size_t queued = 0;
    error trouble;
    waiter waiting(*context_, *box_, limit);
    while (queued < messages.size()) {
        pipe* const chosen = choose();
        if (chosen == nullptr) {
            publish_staged();
            const auto waited = waiting.wait();
            if (!waited) {
                trouble = waited.error();
                break;
            }
            take_news();
            continue;
        }
        message& next = messages[queued];
        const part_view part{next.bytes(), message_detail::access::owner_of(next)};
        const bool conflates = chosen->conflates;
        const std::span one(&part, 1);
        if (const auto written = conflates ? replace(*chosen, one) : write(*chosen, one);
            !written) {
            trouble = written.error();
            break;
        }
        if (!conflates && chosen->staged++ == 0)
            staged_.push_back(chosen);
        next.clear();
        pattern_->sent(*chosen);
        ++queued;
    }
    publish_staged();
    context_->hand_over();
    if (queued == 0 && trouble)
        return fail(trouble);
    return queued;
}

// --- receiving ---

/// Its lane has room, and the other side waits for that.
void socket_core::refill(pipe& from) noexcept
{
    if (!from.far->receive_now(pools_))
        from.far->lane_writable();
}

bool socket_core::time_to_look(pipe& from) noexcept
{
    const std::uint32_t mark = options_.receive_high_water_mark;
    from.until_look = from.shows_bytes ? 1 : mark / 2 + 1;
    if (!from.shows_bytes)
        return true;
    const std::uint64_t before = from.in().shown_bytes();
    from.in().show_bytes();
    const std::uint64_t half = options_.receive_high_water_bytes / 2 + 1;
    return before / half != from.in().shown_bytes() / half ||
           (mark != 0 && (from.in().consumed() + 1) % (mark / 2 + 1) == 0);
}

/// A whole message of it was taken. The peer is told of the room when half of a mark is free.
void socket_core::consumed(pipe& from) noexcept
{
    const bool look = --from.until_look == 0 && time_to_look(from);
    if (from.in().consume(1, look))
        refill(from);
}

/// The next part, of whoever's turn it is; null if nobody has one.
pipe* socket_core::read_part_of_anybody(message& into)
{
    for (;;) {
        pipe* const from =
            receiving_ != nullptr ? receiving_ : static_cast<pipe*>(pattern_->receive_from());
        if (from == nullptr) {
            box_->hide();
            return nullptr;
        }
        if (read_part(from->in(), into)) [[likely]] {
            if (into.more()) {
                receiving_ = from;
            } else {
                receiving_ = nullptr;
                consumed(*from);
                pattern_->received(*from);
            }
            return from;
        }
        if (!from->conflates || !from->newest_in().move_to(from->in(), pools_))
            nothing_left(*from);
    }
}

/// In its lane. It takes no turns until it rings.
void socket_core::nothing_left(pipe& from)
{
    // Before we sleep, the other side must know that there is room.
    if (from.shows_bytes)
        from.in().show_bytes();
    if (from.in().consume(0, true))
        refill(from);
    if (from.conflates && !from.newest_in().sleeps())
        return;
    if (!from.in().consumer_sleeps())
        return;
    pattern_->readable(from, false);
    if (from.ended)
        end_of(from);
}

bool socket_core::can_receive()
{
    if (!notices_.empty() || receiving_ != nullptr)
        return true;
    while (pattern::peer* const next = pattern_->receive_from()) {
        auto& from = static_cast<pipe&>(*next);
        if (from.in().readable() || (from.conflates && from.newest_in().is_there()))
            return true;
        nothing_left(from);
    }
    box_->hide();
    return false;
}

void socket_core::told_of(peer_id* from, const pipe& who)
{
    if (from == nullptr)
        return;
    from->routing_id = who.routing_id;
    from->generation = who.generation;
}

result<router_event> socket_core::receive(message& into, const timeout& limit, peer_id* from)
{
    SLK_TRY(usable());
    into.clear();
    // Nothing comes between the parts of a message; what follows the first one is there.
    const bool begun = receiving_ != nullptr;
    if (!begun)
        take_news();
    const pipe* of = nullptr;
    const auto look = [&] {
        return (!begun && !notices_.empty()) || (of = read_part_of_anybody(into)) != nullptr;
    };
    if (!look()) {
        const bool has_sent = !std::exchange(waited_, true);
        SLK_TRY(await(look, limit, has_sent));
    }
    if (of != nullptr) {
        told_of(from, *of);
        return router_event::message;
    }
    notice first = std::move(notices_.front());
    notices_.pop_front();
    if (from != nullptr)
        *from = std::move(first.about);
    return first.what;
}

result<std::size_t> socket_core::receive_batch(std::span<message> into, const timeout& limit)
{
    if (into.empty())
        return fail(errc::invalid_argument, phase::transfer, "there is no space");
    SLK_TRY(receive(into.front(), limit));
    std::size_t count = 1;
    for (; count < into.size(); ++count) {
        into[count].clear();
        if (read_part_of_anybody(into[count]) == nullptr)
            break;
    }
    return count;
}

// --- a ROUTER's peers ---

result<void> socket_core::disconnect_peer(const peer_id& whom, const char* reason)
{
    SLK_TRY(usable());
    take_news();
    auto* const known = static_cast<pipe*>(router_->find(whom.routing_id));
    if (known == nullptr || (whom.generation != 0 && whom.generation != known->generation))
        return fail(no_route);
    drop(*known, {errc::cancelled, phase::none, 0, reason});
    return {};
}

result<bool> socket_core::has_room(const peer_id& to)
{
    SLK_TRY(usable());
    take_news();
    const routed found = choose(to);
    if (!found.known)
        return fail(no_route);
    return found.to != nullptr;
}

} // namespace slk::messaging
