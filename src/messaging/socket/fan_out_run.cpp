// SPDX-License-Identifier: MPL-2.0
#include "messaging/socket/fan_out_run.hpp"

#include "base/reference.hpp"
#include "base/try_allocate.hpp"
#include "messaging/pipe/pipe.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace slk::messaging {

namespace {

constexpr std::uint32_t max_messages = 1U << 30;

/// A full peer is looked at again after this part of its mark, and gets messages again when a
/// larger part is free: one that is sent a few messages at a time costs the most. Small marks are
/// exact.
constexpr std::uint64_t looks_in_a_mark = 16;
constexpr std::uint64_t part_to_resume = 4;
constexpr std::uint64_t least_mark_to_resume = 64;

/// Where most peers stay full, the publisher does not give way to the loops at each look.
constexpr std::uint32_t max_yield_interval = 8;

/// A part of what it takes to send to all of them.
duration watch_interval(std::size_t peers) noexcept
{
    constexpr duration shortest = std::chrono::microseconds(20);
    constexpr duration longest = std::chrono::milliseconds(2);
    constexpr duration for_each = std::chrono::microseconds(2);
    return std::clamp<duration>(for_each * static_cast<int>(std::min<std::size_t>(peers, 10'000)),
                                shortest, longest);
}

} // namespace

fan_out_run::fan_out_run(std::shared_ptr<io::loop_core> on) noexcept : on_(std::move(on))
{
    task_.owner = this;
    task_.run = [](io::task& self) noexcept {
        static_cast<fan_out_run*>(self.owner)->begin_to_watch();
    };
    task_.drop = [](io::task& self) noexcept {
        auto& mine = *static_cast<fan_out_run*>(self.owner);
        mine.scheduled_.store(false, std::memory_order_seq_cst);
        mine.release();
    };
    timer_.owner = this;
    timer_.on_expiry = [](io::timer& self) noexcept {
        static_cast<fan_out_run*>(self.owner)->watch();
    };
}

// --- the publisher ---

/// The loop is inside for as long as it takes to queue for all peers.
void fan_out_run::enter() noexcept
{
    while (!try_enter())
        std::this_thread::yield();
}

bool fan_out_run::begin(std::span<pattern::peer* const> targets,
                        std::span<pattern::peer* const> skipped, std::uint64_t mark) noexcept
{
    const std::size_t peers = targets.size() + skipped.size();
    const auto fits = [](pattern::peer* each) {
        pipe_out& out = static_cast<pipe&>(*each).out;
        return out.shares() && out.reserve_runs(1);
    };
    if (!std::ranges::all_of(targets, fits) || !std::ranges::all_of(skipped, fits))
        return false;
    skipped_.clear();
    enter();
    targets_.clear();
    const bool has_memory = try_reserve(targets_, peers) && try_reserve(skipped_, peers);
    if (has_memory) {
        for (pattern::peer* const each : targets)
            targets_.push_back({.to = &static_cast<pipe&>(*each)});
        for (pattern::peer* const each : skipped)
            skipped_.push_back({.to = &static_cast<pipe&>(*each)});
        written_ = {};
        published_.store(0, std::memory_order_relaxed);
    }
    leave();
    if (!has_memory)
        return false;
    mark_ = mark;
    look_interval_ = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(mark / looks_in_a_mark, 1, max_messages));
    room_to_resume_ = mark < least_mark_to_resume
                          ? 1
                          : static_cast<std::uint32_t>(
                                std::min<std::uint64_t>(mark / part_to_resume, max_messages));
    messages_ = next_look_ = next_look_at_skipped_ = 0;
    short_of_memory_.store(false, std::memory_order_relaxed);
    open_ = true;
    return true;
}

void fan_out_run::end() noexcept
{
    enter();
    (void)queue_all();
    for (const target& each : targets_) {
        each.to->known_room = each.room_until - messages_;
        each.to->dropped += unqueued(each);
    }
    targets_.clear();
    leave();
    for (const missing& each : skipped_) {
        each.to->dropped += messages_ - each.since;
        each.to->known_room = 0;
        each.to->is_full = true;
    }
    skipped_.clear();
    open_ = false;
}

/// Some peers have no room that is known.
bool fan_out_run::look() noexcept
{
    if (messages_ >= max_messages)
        return false;
    look_at_targets();
    if (!skipped_.empty() && messages_ >= next_look_at_skipped_)
        look_at_skipped();
    next_look_ = skipped_.empty() ? max_messages : next_look_at_skipped_;
    for (const target& each : targets_)
        next_look_ = std::min(next_look_, each.room_until);
    return true;
}

void fan_out_run::look_at_targets() noexcept
{
    if (skipped_.empty())
        next_look_at_skipped_ = messages_ + look_interval_;
    for (std::size_t index = targets_.size(); index-- > 0;) {
        target& each = targets_[index];
        if (each.room_until > messages_)
            continue;
        pipe& peer = *each.to;
        enter();
        queue_for(each, written_);
        leave();
        std::uint32_t room = room_of(peer);
        // A peer that has just become full need not miss anything if the system takes more at once.
        if (room == 0 && peer.far->send_now())
            room = room_of(peer);
        each.room_until = messages_ + room;
        if (room > 0)
            continue;
        skipped_.push_back({&peer, messages_ - unqueued(each)});
        enter();
        std::swap(each, targets_.back());
        targets_.pop_back();
        leave();
    }
}

void fan_out_run::look_at_skipped() noexcept
{
    give_way();
    const std::size_t before = skipped_.size();
    for (std::size_t index = before; index-- > 0;) {
        missing& each = skipped_[index];
        const std::uint32_t room = room_of(*each.to);
        if (room < room_to_resume_)
            continue;
        each.to->dropped += messages_ - each.since;
        enter();
        targets_.push_back({each.to, messages_ + room, written_});
        leave();
        std::swap(each, skipped_.back());
        skipped_.pop_back();
    }
    if (skipped_.size() < before)
        yield_interval_ = 1;
    next_look_at_skipped_ = messages_ + look_interval_;
}

/// Where most peers are full, the processor is of more use to those that empty their queues.
void fan_out_run::give_way() noexcept
{
    if (skipped_.size() <= targets_.size() || ++looks_before_yield_ < yield_interval_)
        return;
    looks_before_yield_ = 0;
    yield_interval_ = std::min(yield_interval_ * 2, max_yield_interval);
    std::this_thread::yield();
}

std::uint32_t fan_out_run::room_of(pipe& peer) const noexcept
{
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(peer.out.room_to_share(mark_), max_messages));
}

void fan_out_run::add(const lane::run_view& next) noexcept
{
    if (written_.messages == 0) {
        chunk_ = next.owner;
        begin_ = next.data;
    }
    written_.bytes += next.size;
    ++written_.messages;
    ++messages_;
    published_.store(written_.pack(), std::memory_order_seq_cst);
    // The loop may have gone on watching meanwhile.
    if (!scheduled_.load(std::memory_order_seq_cst) &&
        !scheduled_.exchange(true, std::memory_order_seq_cst))
        schedule();
}

void fan_out_run::schedule() noexcept
{
    retain(); // the task's
    if (on_->post(task_))
        return;
    release();
    scheduled_.store(false, std::memory_order_seq_cst);
    enter();
    (void)queue_all();
    leave();
}

// --- the loop ---

/// The task's reference is kept until the loop has stopped watching.
void fan_out_run::begin_to_watch() noexcept
{
    const auto kept = reference<fan_out_run>::to(*this);
    on_->add(*this);
    if (linked()) // the loop does not end
        watch();
}

void fan_out_run::watch() noexcept
{
    io::poller& io = on_->io();
    if (!try_enter())
        return io.arm(timer_, io.now()); // in the next turn
    const bool any = queue_all();
    const duration interval = watch_interval(targets_.size());
    leave();
    if (any)
        return io.arm(timer_, io.refresh_now() + interval);
    // A message that comes from now on has the task posted again; what came before is seen here.
    scheduled_.store(false, std::memory_order_seq_cst);
    const bool inside = try_enter();
    const bool more = !inside || queue_all();
    if (inside)
        leave();
    if (more && !scheduled_.exchange(true, std::memory_order_seq_cst))
        return io.arm(timer_, io.now());
    stop_watching();
}

void fan_out_run::stop_watching() noexcept
{
    on_->io().disarm(timer_);
    unlink();
    release();
}

void fan_out_run::loop_closing() noexcept
{
    scheduled_.store(false, std::memory_order_seq_cst);
    stop_watching();
}

// --- both, inside of guard_ ---

/// Returns whether there was anything.
bool fan_out_run::queue_all() noexcept
{
    const place until = place::unpack(published_.load(std::memory_order_seq_cst));
    bool any = false;
    for (target& each : targets_) {
        any = any || each.queued.messages != until.messages;
        queue_for(each, until);
    }
    return any;
}

void fan_out_run::queue_for(target& each, place until) noexcept
{
    if (until.messages == each.queued.messages)
        return;
    if (!each.to->out.reserve_runs(1)) {
        short_of_memory_.store(true, std::memory_order_relaxed);
        return;
    }
    const lane::run_view next{chunk_, begin_ + each.queued.bytes, until.bytes - each.queued.bytes,
                              until.messages - each.queued.messages};
    each.queued = until;
    if (each.to->out.share({&next, 1}))
        each.to->far->on_readable();
}

} // namespace slk::messaging
