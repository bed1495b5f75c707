// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/sealed_wire.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace slk::messaging {

namespace {

using zmtp::curve_message_overhead;

constexpr std::size_t min_capacity = 512; // an idle peer keeps it
constexpr std::size_t max_small_capacity = std::size_t{64} * 1024;
/// A large box gets memory as its bytes arrive: its size is announced by the peer.
constexpr std::size_t growth = 2;
/// After this number of receives that would have fitted into much less memory, it is given back.
constexpr std::uint8_t max_small_receives = 64;

/// The bytes of a body that come with its header: what the first block of the stream has behind the
/// flags. All further ones are whole blocks.
constexpr std::size_t first_part = 31;

constexpr error no_memory_to_open{errc::out_of_memory, phase::transfer, 0,
                                  "no memory for what arrives"};
constexpr error not_sealed{errc::protocol_error, phase::transfer, 0,
                           "the peer sent something else than a MESSAGE of CURVE"};

/// A publisher looks into what it receives before it knows how large it may be.
std::size_t large_body_of(const zmtp::session_options& options) noexcept
{
    return zmtp::is_publisher(options.metadata.type)
               ? static_cast<std::size_t>(options.limits.command) + 1
               : options.large_body;
}

zmtp::frame_limits limits_of_boxes(const zmtp::frame_limits& of) noexcept
{
    zmtp::frame_limits made;
    const std::uint64_t largest = std::max(of.part, of.command);
    made.part = std::min(largest, zmtp::max_size - curve_message_overhead) + curve_message_overhead;
    return made;
}

} // namespace

bool byte_buffer::make_room(std::size_t bytes) noexcept
{
    if (capacity_ - end_ >= bytes)
        return true;
    const std::size_t held = end_ - begin_;
    if (capacity_ - held >= bytes) {
        std::memmove(memory_.get(), memory_.get() + begin_, held);
    } else {
        std::unique_ptr<std::byte[]> larger(new (std::nothrow) std::byte[held + bytes]);
        if (larger == nullptr)
            return false;
        if (held > 0)
            std::memcpy(larger.get(), memory_.get() + begin_, held);
        memory_ = std::move(larger);
        capacity_ = held + bytes;
    }
    begin_ = 0;
    end_ = held;
    return true;
}

sealed_wire_in::sealed_wire_in(std::unique_ptr<wire_in> into,
                               const zmtp::session_options& options) noexcept
    : into_(std::move(into)), limits_(limits_of_boxes(options.limits)),
      large_body_(large_body_of(options))
{
}

bool sealed_wire_in::make_room(std::size_t bytes) noexcept
{
    const std::size_t before = byte_buffer::counted(buffer_.capacity());
    const std::size_t after = byte_buffer::counted(buffer_.capacity_with(bytes));
    if (after > before && !into_->hold_apart(before, after))
        return false;
    if (buffer_.make_room(bytes))
        return true;
    if (after > before)
        (void)into_->hold_apart(after, before);
    return false;
}

void sealed_wire_in::free_buffer() noexcept
{
    const std::size_t before = byte_buffer::counted(buffer_.capacity());
    buffer_.free();
    if (before > 0)
        (void)into_->hold_apart(before, 0);
}

bool sealed_wire_in::open_with(zmtp::curve_peer* keys) noexcept
{
    if (keys == nullptr)
        return true;
    keys_ = keys;
    missing_ = opened_ = 0;
    was_filled_ = false;
    failure_ = {};
    return take_early();
}

/// Boxes that were received into the other wire: they came with the peer's READY, or into room that
/// was offered before the end of the handshake. Returns false when memory is exhausted.
bool sealed_wire_in::take_early() noexcept
{
    const std::span<const std::byte> early = into_->window();
    if (!make_room(std::max(early.size(), min_capacity)))
        return false;
    if (!early.empty())
        std::memcpy(buffer_.room().data(), early.data(), early.size());
    buffer_.commit(early.size());
    into_->drop(early.size());
    return true;
}

bool sealed_wire_in::end_connection() noexcept
{
    keys_ = nullptr;
    free_buffer();
    opened_ = 0;
    return into_->end_connection();
}

// --- receiving ---

std::span<std::byte> sealed_wire_in::space(std::size_t wanted) noexcept
{
    offers_plain_ = keys_ == nullptr;
    if (offers_plain_)
        return into_->space(wanted);
    // What is here has to wait for memory, or is the last that is taken.
    if (opened_ > 0 || failure_ || (missing_ == 0 && !buffer_.rest().empty()))
        return {};
    const std::size_t held = buffer_.rest().size();
    if (held == 0)
        shrink();
    std::size_t room = std::max<std::size_t>(missing_, 1);
    if (held + missing_ <= max_small_capacity)
        room = std::max(room, was_filled_ ? max_small_capacity - held : min_capacity);
    else
        room = std::min(room, std::max(held * (growth - 1), max_small_capacity));
    if (buffer_.room().size() < room && !make_room(room))
        return {};
    // The bodies of large boxes do not take those that follow along.
    const std::span<std::byte> all = buffer_.room();
    offered_ = held + missing_ > max_small_capacity ? std::min(all.size(), room) : all.size();
    return all.first(offered_);
}

void sealed_wire_in::received(std::size_t bytes) noexcept
{
    if (std::exchange(offers_plain_, false)) {
        into_->received(bytes);
        if (keys_ == nullptr)
            return;
        if (!take_early())
            failure_ = no_memory_to_open;
        return open_frames();
    }
    was_filled_ = bytes == offered_;
    const bool small = bytes < buffer_.capacity() / 8 && buffer_.capacity() > min_capacity;
    small_receives_ = small ? static_cast<std::uint8_t>(small_receives_ + 1) : std::uint8_t{0};
    buffer_.commit(bytes);
    if (byte_buffer::counted(buffer_.capacity()) > 0)
        into_->received(0); // the message makes progress
    open_frames();
}

/// A buffer that was needed once is not kept for ever. It is empty.
void sealed_wire_in::shrink() noexcept
{
    if (small_receives_ < max_small_receives && buffer_.capacity() <= max_small_capacity)
        return;
    small_receives_ = 0;
    free_buffer();
}

std::span<const std::byte> sealed_wire_in::window() noexcept
{
    if (keys_ != nullptr && opened_ == 0 && !into_->receives_body() && into_->window().empty())
        open_frames();
    return into_->window();
}

/// The body of the first box, if all of it is there.
std::span<const std::byte> sealed_wire_in::next_box(zmtp::frame_header& outer) noexcept
{
    const std::span<const std::byte> rest = buffer_.rest();
    const zmtp::header_view seen = zmtp::read_header(rest, limits_);
    missing_ = seen.need;
    if (seen.need > 0)
        return {};
    outer = seen.frame;
    // A box is a frame of a message that has one frame.
    if (outer.command || outer.more || outer.size < curve_message_overhead)
        failure_ = not_sealed;
    else if (seen.failure)
        failure_ = seen.failure;
    if (failure_)
        return {};
    const std::size_t whole = outer.header + static_cast<std::size_t>(outer.size);
    missing_ = whole > rest.size() ? whole - rest.size() : 0;
    return missing_ > 0 ? std::span<const std::byte>()
                        : rest.subspan(outer.header, static_cast<std::size_t>(outer.size));
}

/// Puts as many frames into the other wire as there is room for in one piece.
void sealed_wire_in::open_frames() noexcept
{
    std::span<std::byte> room;
    std::size_t used = 0;
    zmtp::frame_header outer;
    while (opened_ == 0 && !failure_) {
        const std::span<const std::byte> box = next_box(outer);
        if (box.empty())
            break;
        const std::size_t size = box.size() - curve_message_overhead;
        if (size >= large_body_) {
            into_->received(std::exchange(used, 0));
            room = {};
            if (!begin_large(box))
                break;
            continue;
        }
        const std::size_t header = zmtp::header_size(size);
        if (room.size() < used + header + size) {
            into_->received(std::exchange(used, 0));
            room = into_->space(header + size);
            if (room.size() < header + size)
                break;
        }
        // The flags stand where the last byte of the header is to be.
        std::byte* const to = room.data() + used;
        std::byte* const text = to + header - 1;
        if (const error broken = keys_->open_frame(text, box)) {
            failure_ = broken;
            break;
        }
        const auto flags = std::to_integer<std::uint8_t>(*text);
        const bool command = (flags & zmtp::curve_peer::inner_command) != 0;
        const bool more = (flags & zmtp::curve_peer::inner_more) != 0;
        zmtp::write_header(to,
                           command ? zmtp::flag_command
                           : more  ? zmtp::flag_more
                                   : std::uint8_t{0},
                           size);
        used += header + size;
        buffer_.skip(outer.header + box.size());
    }
    if (used > 0)
        into_->received(used);
}

// --- large bodies ---

/// The header and the first bytes of the body go into the window, from where begin_body() takes
/// them. Returns false if there is no room now.
bool sealed_wire_in::begin_large(std::span<const std::byte> box) noexcept
{
    const std::size_t size = box.size() - curve_message_overhead;
    const std::size_t begin = zmtp::header_size(size) + first_part;
    const std::span<std::byte> room = into_->space(begin);
    if (room.size() < begin)
        return false;
    if (const error broken = keys_->check_frame(box)) {
        failure_ = broken;
        return false;
    }
    std::byte* const text = room.data() + zmtp::header_size(size) - 1;
    keys_->open_part(text, box, 0, 1 + first_part);
    const auto flags = std::to_integer<std::uint8_t>(*text);
    if ((flags & zmtp::curve_peer::inner_command) != 0) {
        failure_ = {errc::message_too_large, phase::transfer, 0,
                    "a command of the peer is too large"};
        return false;
    }
    const bool more = (flags & zmtp::curve_peer::inner_more) != 0;
    zmtp::write_header(room.data(), more ? zmtp::flag_more : std::uint8_t{0}, size);
    into_->received(begin);
    opened_ = 1 + first_part;
    return true;
}

/// As far as there is memory.
void sealed_wire_in::open_body() noexcept
{
    zmtp::frame_header outer;
    if (opened_ == 0)
        return;
    const std::span<const std::byte> box = next_box(outer);
    const std::size_t all = box.size() - curve_message_overhead + 1;
    while (opened_ < all) {
        const std::span<std::byte> room = into_->space(0);
        const std::size_t part = std::min(room.size(), all - opened_);
        if (part == 0)
            return;
        keys_->open_part(room.data(), box, opened_, part);
        into_->received(part);
        opened_ += part;
    }
}

std::size_t sealed_wire_in::body_progress() noexcept
{
    open_body();
    return into_->body_progress();
}

bool sealed_wire_in::end_body() noexcept
{
    if (!into_->end_body())
        return false;
    if (opened_ > 0)
        end_box();
    return true;
}

void sealed_wire_in::end_box() noexcept
{
    zmtp::frame_header outer;
    const std::span<const std::byte> box = next_box(outer);
    opened_ = 0;
    buffer_.skip(outer.header + box.size());
}

} // namespace slk::messaging
