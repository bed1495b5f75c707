// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/lane_wire_in.hpp"

#include "base/wipe.hpp"
#include "messaging/pipe/pipe.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

namespace slk::messaging {

namespace {

/// Less room than this is not worth a receive of its own.
constexpr std::size_t min_room = 128;

/// The size of a body is announced by the peer and may be false. This much memory is allocated for
/// a start, and twice as much each time that it has been filled.
constexpr std::size_t first_body_room = std::size_t{1} << 20;
/// A body that has to wait for memory begins with this much.
constexpr std::size_t min_body_room = 4096;

/// An unfinished message may hold this much without a claim: small messages never wait for memory.
constexpr std::size_t max_unclaimed = std::size_t{128} * 1024;

} // namespace

std::span<std::byte> lane_wire_in::space(std::size_t wanted) noexcept
{
    waits_for_memory_ = false;
    if (body_ != nullptr) {
        if (body_filled_ == body_room_ && !grow_body())
            return {};
        return {body_->bytes() + body_filled_, body_room_ - body_filled_};
    }
    const std::size_t room = lane_.rest().size() - window_size_;
    wanted = std::max(wanted, min_room);
    // A peer cannot bring this about: the limits of the ZMTP session are lower.
    if (window_size_ + wanted > lane::lane::max_reserve)
        return {};
    if (room >= wanted)
        return lane_.rest().subspan(window_size_);
    if (lane_.has_unpublished() && !may_take(lane::large_block))
        return {};
    if (is_secret_ ? !grow_secretly(window_size_ + wanted)
                   : !lane_.grow(window_size_ + wanted, window(), std::exchange(busy_, false)))
        return {};
    return lane_.rest().subspan(window_size_);
}

/// The reader may give the chunk back as soon as it is left, so the window leaves it before.
bool lane_wire_in::grow_secretly(std::size_t bytes) noexcept
{
    const std::unique_ptr<std::byte[]> carried(new (std::nothrow) std::byte[window_size_]);
    if (carried == nullptr)
        return false;
    const std::span<std::byte> before = lane_.rest().first(window_size_);
    const std::span<std::byte> copy(carried.get(), window_size_);
    std::ranges::copy(before, copy.begin());
    wipe(before);
    const bool grown = lane_.grow(bytes, copy, std::exchange(busy_, false));
    wipe(copy);
    return grown;
}

void lane_wire_in::received(std::size_t bytes) noexcept
{
    // The system probably holds more than there was room for.
    busy_ = body_ == nullptr && bytes == lane_.rest().size() - window_size_;
    (body_ != nullptr ? body_filled_ : window_size_) += bytes;
    if (claim_ != nullptr)
        claim_->note_progress();
}

void lane_wire_in::drop(std::size_t bytes) noexcept
{
    drop_behind(0, bytes);
}

void lane_wire_in::drop_behind(std::size_t offset, std::size_t bytes) noexcept
{
    const std::span<std::byte> all = lane_.rest().first(window_size_);
    std::memmove(all.data() + offset, all.data() + offset + bytes, window_size_ - offset - bytes);
    window_size_ -= bytes;
    if (is_secret_)
        wipe(all.last(bytes));
}

bool lane_wire_in::take(const zmtp::scanned& found) noexcept
{
    commit(found.whole_messages);
    if (found.messages > 0)
        withdraw_claim();
    const bool notify = found.messages > 0 && publish(found.messages);
    commit(found.size - found.whole_messages);
    return notify;
}

bool lane_wire_in::begin_body(std::size_t header, std::uint64_t size) noexcept
{
    const std::span<const std::byte> here = window().subspan(header);
    auto room = static_cast<std::size_t>(std::min<std::uint64_t>(size, first_body_room));
    // What does not get its memory now asks again when it has filled this.
    if (!may_take(room, false))
        room = std::min(room, std::max(here.size(), min_body_room));
    body_ = message_detail::owned_memory::create(room);
    if (body_ == nullptr)
        return false;
    set_body_room(room);
    body_size_ = size;
    body_filled_ = std::min(here.size(), body_room_);
    std::memcpy(body_->bytes(), here.data(), body_filled_);
    body_reported_ = body_filled_;
    // The header and its body stand in the same chunk.
    if (!lane_.can_splice() && !lane_.grow(header, window().first(header), true))
        return false;
    window_size_ = 0;
    lane_.commit(header);
    return true;
}

std::uint64_t lane_wire_in::credit() noexcept
{
    const std::uint32_t mark = shared_.receive_mark.load(std::memory_order_acquire);
    if (mark == no_room || !lane_.has_memory()) [[unlikely]]
        return 0;
    const std::uint64_t messages = lane_.credit(mark);
    const std::uint64_t bytes =
        lane_.byte_credit(shared_.receive_bytes.load(std::memory_order_acquire));
    // If not all of the window fits, one message at a time, until one has used up what was left.
    const std::uint64_t all =
        bytes >= window_size_ ? messages : std::min<std::uint64_t>(messages, bytes > 0 ? 1 : 0);
    if (is_blocked_ && all > 0)
        set_blocked(false);
    return all;
}

bool lane_wire_in::must_wait() noexcept
{
    const std::uint32_t mark = shared_.receive_mark.load(std::memory_order_acquire);
    // Who raises the mark notifies.
    const bool waits =
        mark == no_room ||
        lane_.producer_must_wait(mark, shared_.receive_bytes.load(std::memory_order_acquire));
    if (waits && claim_ != nullptr)
        set_blocked(true);
    return waits;
}

bool lane_wire_in::grow_body() noexcept
{
    const auto room = static_cast<std::size_t>(
        std::min<std::uint64_t>(body_size_, std::uint64_t{body_room_} * 2));
    if (!may_take(room - body_room_))
        return false;
    auto* const larger = body_->resize(room, body_filled_);
    if (larger == nullptr)
        return false;
    body_ = larger;
    set_body_room(room);
    return true;
}

std::size_t lane_wire_in::body_progress() noexcept
{
    return body_filled_ - std::exchange(body_reported_, body_filled_);
}

bool lane_wire_in::end_body() noexcept
{
    if (body_ == nullptr || body_filled_ != body_size_)
        return false;
    lane_.splice(body_->bytes(), body_filled_, body_);
    body_ = nullptr;
    body_filled_ = 0;
    set_body_room(0);
    return true;
}

bool lane_wire_in::end_connection() noexcept
{
    forget_body();
    withdraw_claim();
    if (is_secret_)
        wipe(lane_.rest().first(window_size_));
    window_size_ = 0;
    lane_.discard_unpublished();
    return false;
}

void lane_wire_in::forget_body() noexcept
{
    if (body_ != nullptr)
        std::exchange(body_, nullptr)->release();
    body_filled_ = 0;
    set_body_room(0);
}

// --- the budget of memory ---

/// What the body holds from now on.
void lane_wire_in::set_body_room(std::size_t room) noexcept
{
    const std::size_t before = std::exchange(body_room_, room);
    memory_budget* const budget = lane_.budget().get();
    if (budget == nullptr || room == before)
        return;
    if (room > before)
        (void)budget->add(room - before);
    else
        budget->remove(before - room);
}

bool lane_wire_in::hold_apart(std::size_t before, std::size_t now) noexcept
{
    if (now > before && !may_take(now - before, true, before))
        return false;
    memory_budget* const budget = lane_.budget().get();
    if (budget != nullptr && now > before)
        (void)budget->add(now - before);
    else if (budget != nullptr)
        budget->remove(before - now);
    return true;
}

/// Whether the unfinished message may hold more memory. If not, it waits, or goes on with less.
/// `apart`: bytes that it holds outside of the lane.
bool lane_wire_in::may_take(std::size_t more, bool waits, std::size_t apart) noexcept
{
    waits_for_memory_ = false;
    memory_budget* const budget = lane_.budget().get();
    if (budget == nullptr || !budget->is_limited())
        return true;
    const std::uint64_t held = lane_.unpublished_bytes() + body_room_ + apart;
    if (claim_ == nullptr) {
        if (held + more <= max_unclaimed)
            return true;
        claim_.reset(new (std::nothrow) memory_claim);
        if (claim_ == nullptr)
            return false;
        claim_->set_user(*user_);
    }
    if (is_blocked_) // it is received whatever the marks are
        set_blocked(false);
    const bool granted = budget->may_grow(*claim_, more, waits);
    waits_for_memory_ = !granted && waits;
    return granted;
}

void lane_wire_in::withdraw_claim() noexcept
{
    if (claim_ == nullptr)
        return;
    is_blocked_ = false;
    lane_.budget()->withdraw(*claim_);
    claim_.reset();
}

void lane_wire_in::set_blocked(bool blocked) noexcept
{
    is_blocked_ = blocked;
    lane_.budget()->set_blocked(*claim_, blocked);
}

} // namespace slk::messaging
