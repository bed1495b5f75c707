// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/direct_io.hpp"

#include "io/os/signal.hpp"
#include "messaging/pipe/frame_writer.hpp"

#include <algorithm>
#include <limits>
#include <thread>
#include <utility>

namespace slk::messaging {

namespace {

/// System calls of one send(), of half a megabyte each, before the loop goes on.
constexpr int max_sends = 4;

/// A thread that has sent this much at a time, before the loop came, is likely to go on. To notify
/// the loop of each first message that follows would slow the thread down more than anything else.
/// Instead the loop looks at such a lane by itself, after the first interval and then less and less
/// often. What the thread leaves in the lane when it stops waits for that look.
constexpr std::size_t streaming_bytes = 16384;
constexpr duration min_watch_interval = std::chrono::microseconds(100);
constexpr duration max_watch_interval = std::chrono::microseconds(800);

/// How long a sender of large bodies waits for the system, and how much may be in the lane without
/// that.
constexpr duration max_pace = std::chrono::milliseconds(2);
constexpr duration pace_step = std::chrono::microseconds(50);
/// The system's clock for waits is not finer.
constexpr duration shortest_wait = std::chrono::milliseconds(1);
constexpr std::size_t cached_bytes = std::size_t{512} * 1024;

} // namespace

// --- one direction ---

bool io_direction::enter() noexcept
{
    io_owner now = owner_.load(std::memory_order_relaxed);
    if (now != io_owner::caller && now != io_owner::watching)
        return false;
    return owner_.compare_exchange_strong(now, io_owner::busy, std::memory_order_acquire,
                                          std::memory_order_relaxed);
}

bool io_direction::leave(io_owner next) noexcept
{
    io_owner now = io_owner::busy;
    if (owner_.compare_exchange_strong(now, next, std::memory_order_acq_rel))
        return true;
    owner_.store(io_owner::loop, std::memory_order_release);
    return false;
}

bool io_direction::reclaim() noexcept
{
    io_owner now = owner_.load(std::memory_order_acquire);
    for (;;) {
        const bool inside = now == io_owner::busy;
        if (now == io_owner::loop || now == io_owner::recalled)
            return now == io_owner::loop;
        if (owner_.compare_exchange_weak(now, inside ? io_owner::recalled : io_owner::loop,
                                         std::memory_order_acq_rel))
            return !inside;
    }
}

bool io_direction::reclaim_if_idle() noexcept
{
    io_owner now = owner_.load(std::memory_order_acquire);
    while (now == io_owner::caller || now == io_owner::watching)
        if (owner_.compare_exchange_weak(now, io_owner::loop, std::memory_order_acq_rel))
            return true;
    return now == io_owner::loop;
}

// --- the loop's thread ---

void direct_io::begin(io::native_handle handle) noexcept
{
    handle_ = handle;
    receive_failure_ = {};
    caller_streams_ = false;
    torn_ = false;
    watch_interval_ = duration::zero();
    next_look_ = never;
    paused_.store(false, std::memory_order_relaxed);
    tells_.store(false, std::memory_order_relaxed);
}

bool direct_io::take_sending() noexcept
{
    // A caller that is inside tells the loop when it leaves.
    next_look_ = never;
    return sending_.reclaim();
}

/// While the loop owns sending.
void direct_io::plan_look(time_point now) noexcept
{
    // Not if the caller runs the loop: no other thread would do the looking.
    const bool goes_on = std::exchange(caller_streams_, false) && !by_caller_;
    watch_interval_ = !goes_on    ? duration::zero()
                      : watches() ? std::min(watch_interval_ * 2, max_watch_interval)
                                  : min_watch_interval;
    next_look_ = goes_on ? now + watch_interval_ : never;
}

bool direct_io::offer_sending(time_point now) noexcept
{
    if (!out_.allows_direct_io())
        return out_.must_wait();
    plan_look(now);
    if (!watches() && !out_.must_wait())
        return false;
    open_.store(true, std::memory_order_relaxed);
    sending_.offer(owner_between_calls());
    return true;
}

bool direct_io::keep_watching(time_point now) noexcept
{
    if (!watches() || next_look_ == never)
        return false;
    if (!sending_.reclaim_if_idle()) {
        // A caller is sending at this moment.
        next_look_ = now + watch_interval_;
        return true;
    }
    if (!caller_streams_ || torn_)
        return false;
    plan_look(now);
    sending_.offer(io_owner::watching);
    return true;
}

bool direct_io::take_receiving(error& failure) noexcept
{
    if (!receiving_.reclaim())
        return false;
    failure = std::exchange(receive_failure_, {});
    return true;
}

bool direct_io::release_descriptor() noexcept
{
    open_.store(false, std::memory_order_relaxed);
    const bool sending_free = sending_.reclaim();
    return receiving_.reclaim() && sending_free;
}

void direct_io::wait_until_idle() noexcept
{
    while (is_busy())
        std::this_thread::yield();
}

// --- a caller's thread ---

direct_io::attempt direct_io::send() noexcept
{
    const auto* const direct = loop_.io().direct();
    if (direct == nullptr || !sending_.enter())
        return attempt::none;
    // Up to the end of the lane; if that is far, the loop goes on.
    const bool all =
        drain(*direct, by_caller_ ? std::numeric_limits<int>::max() : max_sends) == drained::all;
    const bool kept = sending_.leave(all ? owner_between_calls() : io_owner::loop);
    return kept && all && !must_tell() ? attempt::done : attempt::notify;
}

/// Sends what the wire holds. The caller's thread is inside.
direct_io::drained direct_io::drain(const transfers& direct, int max_calls) noexcept
{
    bool any = false;
    if (paused_.load(std::memory_order_relaxed) && direct.peer_has_finished(handle_))
        return drained::nothing; // the loop knows what to do about it
    for (int calls = 0; calls < max_calls; ++calls) {
        pieces.clear();
        const std::size_t offered = out_.gather(pieces);
        if (offered == 0)
            return watches() || out_.must_wait() ? drained::all : drained::part;
        caller_streams_ = caller_streams_ || offered >= streaming_bytes;
        std::size_t sent = 0;
        bool all = false;
        // A failure is left for the loop to find, which knows what to do about it.
        if (direct.send(handle_, pieces, sent, all))
            sent = 0;
        transferred.sent.add_alone(sent);
        (void)out_.taken(sent, false);
        any = any || sent > 0;
        if (sent == 0 || !all)
            break;
    }
    return any ? drained::part : drained::nothing;
}

direct_io::attempt direct_io::send_body(lane::lane& lane, std::span<const std::byte> body,
                                        message_detail::shared_memory* owner) noexcept
{
    const auto* const direct = loop_.io().direct();
    if (direct == nullptr || by_caller_ || !out_.allows_direct_io() || !out_.sends_as_it_is())
        return attempt::none;
    const time_point until = system_clock_source().now() + max_pace;
    if (!enter_to_send_body(lane, until))
        return attempt::none;
    std::size_t sent = 0;
    if (drain(*direct, max_sends) == drained::all) {
        std::byte header[zmtp::long_header];
        zmtp::write_header(header, 0, body.size());
        const std::size_t header_size = zmtp::header_size(body.size());
        pieces.clear();
        pieces.emplace_back(header, header_size);
        pieces.push_back(body);
        bool all = false; // of what was offered to the system, which may be less
        if (direct->send(handle_, pieces, sent, all))
            sent = 0;
        transferred.sent.add_alone(sent);
        caller_streams_ = true;
        if (sent == header_size + body.size()) {
            lane.bypass();
            return sending_.leave(owner_between_calls()) && !must_tell() ? attempt::done
                                                                         : attempt::notify;
        }
    }
    if (!write_part(lane, body, owner, false)) {
        torn_ = sent > 0;
        (void)sending_.leave(io_owner::loop);
        return attempt::no_memory;
    }
    // This thread is the one that would be notified.
    (void)lane.publish(1);
    (void)out_.taken(sent, false);
    return drain_until(*direct, until);
}

/// Takes sending. While the loop sends and much waits in the lane, it gets a moment for that.
bool direct_io::enter_to_send_body(const lane::lane& lane, time_point until) noexcept
{
    if (sending_.enter())
        return true;
    if (!open_.load(std::memory_order_relaxed) || lane.waiting_bytes() < cached_bytes ||
        !pace_.take_turn())
        return false;
    clock& time = system_clock_source();
    do {
        std::this_thread::sleep_for(pace_step);
        const bool entered = sending_.enter();
        if (entered || lane.waiting_bytes() < cached_bytes) {
            pace_.kept_up();
            return entered;
        }
    } while (open_.load(std::memory_order_relaxed) && time.now() < until);
    pace_.waited_in_vain();
    return false;
}

/// The caller is inside, and the lane holds a message that the system has not taken: sends it as
/// soon as there is room; at `until` the loop goes on. While the caller waits, it is not inside, so
/// that the loop can take sending back at any time. Should the loop close the descriptor, this
/// wait, for a descriptor that may be another one by then, ends early or late, and no more.
direct_io::attempt direct_io::drain_until(const transfers& direct, time_point until) noexcept
{
    clock& time = system_clock_source();
    const io::native_handle handle = handle_;
    bool goes_on = pace_.take_turn();
    while (goes_on) {
        if (!sending_.leave(io_owner::caller))
            return attempt::notify;
        const duration left = until - time.now();
        const auto writable =
            left >= shortest_wait ? io::os::wait_until_writable(handle, left) : result<bool>(false);
        // Otherwise the loop has it, or is looking whether this thread goes on.
        if (!sending_.enter())
            return attempt::done;
        if (!writable)
            break;
        if (!*writable) {
            goes_on = until - time.now() >= shortest_wait; // a signal has interrupted
            if (!goes_on)
                pace_.waited_in_vain();
            continue;
        }
        switch (drain(direct, max_sends)) {
        case drained::all:
            pace_.kept_up();
            return sending_.leave(owner_between_calls()) ? attempt::done : attempt::notify;
        case drained::part: break;
        case drained::nothing: goes_on = false; break; // the loop finds the failure
        }
    }
    (void)sending_.leave(io_owner::loop);
    return attempt::notify;
}

direct_io::attempt direct_io::receive(lane::chunk_pools& pools,
                                      lane::chunk_pools& loop_pools) noexcept
{
    const auto* const direct = loop_.io().direct();
    if (direct == nullptr || !receiving_.enter())
        return attempt::none;
    in_.allocate_from(pools);
    bool goes_on = true;
    bool received = false;
    bool enough = false;
    while (goes_on && !enough) {
        const std::uint64_t allowed = in_.credit();
        const auto found =
            zmtp::scan_messages(in_.window(), settings_.protocol().limits, *begun_, allowed);
        if (allowed == 0) {
            enough = in_.must_wait();
        } else if (found.size > 0) {
            // The reader is this thread: it need not be notified.
            (void)in_.take(found);
            enough = received && found.messages > 0;
        } else {
            received = goes_on = receive_small(*direct);
        }
    }
    // There may be room left: the reader asks again when it has used up what it got.
    in_.request_notice();
    in_.allocate_from(loop_pools);
    return receiving_.leave(goes_on ? io_owner::caller : io_owner::loop) && goes_on
               ? attempt::done
               : attempt::notify;
}

/// Receives what the window lacks of a small frame, and as much more as there is room for. The
/// loop does everything else: commands, large bodies and failures.
bool direct_io::receive_small(const transfers& direct) noexcept
{
    const auto seen = zmtp::read_header(in_.window(), settings_.protocol().limits, *begun_);
    if (seen.failure || seen.frame.command || seen.frame.size >= settings_.protocol().large_body)
        return false;
    const std::size_t missing =
        seen.need > 0
            ? seen.need
            : seen.frame.header + static_cast<std::size_t>(seen.frame.size) - in_.window().size();
    const std::span<std::byte> space = in_.space(missing);
    std::size_t received = 0;
    if (space.empty())
        return false;
    const error failure = direct.receive(handle_, space, received);
    if (failure && failure != errc::would_block)
        receive_failure_ = failure;
    if (received == 0)
        return false;
    transferred.received.add_alone(received);
    in_.received(received);
    return true;
}

} // namespace slk::messaging
