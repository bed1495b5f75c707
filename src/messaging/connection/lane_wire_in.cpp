// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/lane_wire_in.hpp"

#include "base/wipe.hpp"

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

} // namespace

std::span<std::byte> lane_wire_in::space(std::size_t wanted) noexcept
{
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
}

void lane_wire_in::drop(std::size_t bytes) noexcept
{
    const std::span<std::byte> all = lane_.rest().first(window_size_);
    std::memmove(all.data(), all.data() + bytes, window_size_ - bytes);
    window_size_ -= bytes;
    if (is_secret_)
        wipe(all.last(bytes));
}

bool lane_wire_in::take(const zmtp::scanned& found) noexcept
{
    commit(found.whole_messages);
    const bool notify = found.messages > 0 && publish(found.messages);
    commit(found.size - found.whole_messages);
    return notify;
}

bool lane_wire_in::begin_body(std::size_t header, std::uint64_t size) noexcept
{
    body_room_ = static_cast<std::size_t>(std::min<std::uint64_t>(size, first_body_room));
    body_ = message_detail::owned_memory::create(body_room_);
    if (body_ == nullptr)
        return false;
    body_size_ = size;
    const std::span<const std::byte> here = window().subspan(header);
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
    if (mark == no_room) [[unlikely]]
        return 0;
    const std::uint64_t messages = lane_.credit(mark);
    const std::uint64_t bytes =
        lane_.byte_credit(shared_.receive_bytes.load(std::memory_order_acquire));
    // If not all of the window fits, one message at a time, until one has used up what was left.
    return bytes >= window_size_ ? messages : std::min<std::uint64_t>(messages, bytes > 0 ? 1 : 0);
}

bool lane_wire_in::must_wait() noexcept
{
    const std::uint32_t mark = shared_.receive_mark.load(std::memory_order_acquire);
    // Who raises the mark notifies.
    return mark == no_room ||
           lane_.producer_must_wait(mark, shared_.receive_bytes.load(std::memory_order_acquire));
}

bool lane_wire_in::grow_body() noexcept
{
    const auto room = static_cast<std::size_t>(
        std::min<std::uint64_t>(body_size_, std::uint64_t{body_room_} * 2));
    auto* const larger = body_->resize(room, body_filled_);
    if (larger == nullptr)
        return false;
    body_ = larger;
    body_room_ = room;
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
    return true;
}

void lane_wire_in::end_connection() noexcept
{
    forget_body();
    if (is_secret_)
        wipe(lane_.rest().first(window_size_));
    window_size_ = 0;
    lane_.discard_unpublished();
}

void lane_wire_in::forget_body() noexcept
{
    if (body_ != nullptr)
        std::exchange(body_, nullptr)->release();
    body_filled_ = 0;
}

} // namespace slk::messaging
