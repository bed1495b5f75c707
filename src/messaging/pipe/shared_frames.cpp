// SPDX-License-Identifier: MPL-2.0
#include "messaging/pipe/shared_frames.hpp"

#include "base/try_allocate.hpp"
#include "messaging/pipe/frame_writer.hpp"
#include "zmtp/frame.hpp"

#include <algorithm>
#include <cstring>

namespace slk::messaging {

using lane::run_view;
using pattern::part_view;

namespace {

/// Of the runs of a large body, whose size may not fit into 32 bits.
constexpr std::size_t max_body_run = std::size_t{1} << 30;

[[nodiscard]] bool is_large(const part_view& part) noexcept
{
    return part.bytes.size() >= (part.owner != nullptr ? worth_sharing : large_body);
}

[[nodiscard]] std::uint8_t flags_of(bool more) noexcept
{
    return more ? zmtp::flag_more : std::uint8_t{0};
}

} // namespace

void shared_frames::clear() noexcept
{
    runs_.clear();
    for (lane::shared_memory* const each : bodies_)
        each->release();
    bodies_.clear();
}

bool shared_frames::frame(std::span<const part_view> parts) noexcept
{
    clear();
    std::size_t size = 0;
    for (const part_view& each : parts) {
        if (is_large(each)) [[unlikely]]
            return frame_large(parts);
        size += zmtp::header_size(each.bytes.size()) + each.bytes.size();
        if (size > lane::shared_log::max_reserve) [[unlikely]]
            return frame_large(parts);
    }
    if (!try_reserve(runs_, 1)) [[unlikely]]
        return false;
    std::byte* to = log_.reserve(size);
    if (to == nullptr) [[unlikely]]
        return false;
    for (std::size_t index = 0; index < parts.size(); ++index) {
        const std::span<const std::byte> body = parts[index].bytes;
        to += zmtp::write_header(to, flags_of(index + 1 < parts.size()), body.size());
        if (!body.empty())
            std::memcpy(to, body.data(), body.size());
        to += body.size();
    }
    runs_.push_back(log_.commit(size));
    runs_.back().messages = 1;
    return true;
}

std::optional<run_view> shared_frames::frame_behind(const part_view& part) noexcept
{
    const std::size_t size = zmtp::header_size(part.bytes.size()) + part.bytes.size();
    if (is_large(part) || size > log_.room())
        return std::nullopt;
    std::byte* const to = log_.reserve(size);
    const std::size_t header = zmtp::write_header(to, flags_of(false), part.bytes.size());
    if (!part.bytes.empty())
        std::memcpy(to + header, part.bytes.data(), part.bytes.size());
    run_view made = log_.commit(size);
    made.messages = 1;
    return made;
}

/// With bodies of its own, or in several chunks.
bool shared_frames::frame_large(std::span<const part_view> parts) noexcept
{
    for (std::size_t index = 0; index < parts.size(); ++index) {
        const part_view& part = parts[index];
        const bool apart = is_large(part);
        const std::size_t header = zmtp::header_size(part.bytes.size());
        const std::size_t here = header + (apart ? 0 : part.bytes.size());
        std::byte* const to = log_.reserve(here);
        if (to == nullptr)
            return false;
        zmtp::write_header(to, flags_of(index + 1 < parts.size()), part.bytes.size());
        if (!apart && !part.bytes.empty())
            std::memcpy(to + header, part.bytes.data(), part.bytes.size());
        if (!add(log_.commit(here)) || (apart && !add_body(part)))
            return false;
    }
    runs_.back().messages = 1;
    return true;
}

/// Keeps the chunk until the queues do: the log may go on to the next one.
bool shared_frames::add(const run_view& next) noexcept
{
    if (!runs_.empty() && runs_.back().owner == next.owner &&
        runs_.back().data + runs_.back().size == next.data) {
        runs_.back().size += next.size;
        return true;
    }
    if (!try_reserve_more(bodies_) || !try_reserve_more(runs_))
        return false;
    next.owner->retain();
    bodies_.push_back(next.owner);
    runs_.push_back(next);
    return true;
}

bool shared_frames::add_body(const part_view& part) noexcept
{
    const std::size_t size = part.bytes.size();
    const std::size_t count = (size + max_body_run - 1) / max_body_run;
    if (!try_reserve_more(bodies_) || !try_reserve_more(runs_, count))
        return false;
    lane::shared_memory* owner = part.owner;
    const std::byte* data = part.bytes.data();
    if (owner != nullptr) {
        owner->retain();
    } else {
        auto* const copy = message_detail::owned_memory::create(size);
        if (copy == nullptr)
            return false;
        std::memcpy(copy->bytes(), data, size);
        data = copy->bytes();
        owner = copy;
    }
    lane::shared_memory* const counted = lane::count_body(owner, size, budget_);
    if (counted == nullptr) {
        owner->release();
        return false;
    }
    bodies_.push_back(counted);
    for (std::size_t at = 0; at < size; at += max_body_run)
        runs_.push_back(
            {counted, data + at, static_cast<std::uint32_t>(std::min(max_body_run, size - at)), 0});
    return true;
}

} // namespace slk::messaging
