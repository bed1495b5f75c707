// SPDX-License-Identifier: MPL-2.0
#include "messaging/incoming.hpp"

#include <algorithm>
#include <cstring>

namespace slk::messaging {

namespace {

/// Less room than this is not worth a receive of its own.
constexpr std::size_t min_room = 128;

/// The peer alone says how large its body will be: so much memory is given for a promise, and twice
/// as much each time that has been filled.
constexpr std::size_t first_body_room = std::size_t{1} << 20;

} // namespace

std::span<std::byte> incoming::space(std::size_t wanted) noexcept
{
    if (body_ != nullptr) {
        if (body_filled_ == body_room_ && !grow_body())
            return {};
        return {body_->bytes() + body_filled_, body_room_ - body_filled_};
    }
    const std::size_t room = lane_.rest().size() - filled_;
    wanted = std::max(wanted, min_room);
    // A peer cannot bring this about: the limits of its session are lower.
    if (filled_ + wanted > lane::lane::max_bytes)
        return {};
    if (room < wanted && !lane_.grow(filled_ + wanted, window(), std::exchange(busy_, false)))
        return {};
    return lane_.rest().subspan(filled_);
}

void incoming::received(std::size_t bytes) noexcept
{
    // More is waiting than there was room for.
    busy_ = body_ == nullptr && bytes == lane_.rest().size() - filled_;
    (body_ != nullptr ? body_filled_ : filled_) += bytes;
}

void incoming::drop(std::size_t bytes) noexcept
{
    const std::span<std::byte> all = lane_.rest().first(filled_);
    std::memmove(all.data(), all.data() + bytes, filled_ - bytes);
    filled_ -= bytes;
}

bool incoming::begin_body(std::size_t header, std::uint64_t size) noexcept
{
    body_room_ = static_cast<std::size_t>(std::min<std::uint64_t>(size, first_body_room));
    body_ = message_detail::owned_memory::create(body_room_);
    if (body_ == nullptr)
        return false;
    body_size_ = size;
    const std::span<const std::byte> here = window().subspan(header);
    body_filled_ = std::min(here.size(), body_room_);
    std::memcpy(body_->bytes(), here.data(), body_filled_);
    body_told_ = body_filled_;
    // The header and its body stand in the same chunk.
    if (!lane_.can_splice() && !lane_.grow(header, window().first(header), true))
        return false;
    filled_ = 0;
    lane_.commit(header);
    return true;
}

bool incoming::grow_body() noexcept
{
    const auto room = static_cast<std::size_t>(
        std::min<std::uint64_t>(body_size_, std::uint64_t{body_room_} * 2));
    auto* const larger = body_->resize(room);
    if (larger == nullptr)
        return false;
    body_ = larger;
    body_room_ = room;
    return true;
}

std::size_t incoming::body_progress() noexcept
{
    return body_filled_ - std::exchange(body_told_, body_filled_);
}

bool incoming::end_body() noexcept
{
    if (body_ == nullptr || body_filled_ != body_size_)
        return false;
    lane_.splice(body_->bytes(), body_filled_, body_);
    body_ = nullptr;
    body_filled_ = 0;
    return true;
}

void incoming::reset() noexcept
{
    forget_body();
    filled_ = 0;
    lane_.abandon();
}

void incoming::forget_body() noexcept
{
    if (body_ != nullptr)
        std::exchange(body_, nullptr)->release();
    body_filled_ = 0;
}

} // namespace slk::messaging
