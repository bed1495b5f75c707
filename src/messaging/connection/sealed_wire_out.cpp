// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/sealed_wire.hpp"

#include "base/try_allocate.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace slk::messaging {

namespace {

/// What is sealed at a time, unless one frame is larger: what stays in the processor's cache.
constexpr std::size_t max_sealed = std::size_t{128} * 1024;
/// A larger buffer is not kept for the next run.
constexpr std::size_t max_kept = 2 * max_sealed;

constexpr error no_memory_to_seal{errc::out_of_memory, phase::transfer, 0,
                                  "no memory to encrypt what is sent"};
constexpr error no_keys{errc::invalid_state, phase::transfer, 0,
                        "there are no keys yet to encrypt what is sent"};
constexpr error too_large{errc::message_too_large, phase::transfer, 0,
                          "a part is too large to be encrypted"};

/// The size of the frame that a sealed frame was made of.
std::size_t plain_size(const zmtp::frame_header& sealed) noexcept
{
    const auto body = static_cast<std::size_t>(sealed.size) - zmtp::curve_message_overhead;
    return zmtp::header_size(body) + body;
}

} // namespace

/// Reads whole frames out of pieces. A frame may begin in one piece and end in another one.
class sealed_wire_out::frames {
public:
    explicit frames(std::span<const piece> from) noexcept : left_(from) {}

    /// The next frame, if all of it is there. Then read() its body.
    [[nodiscard]] bool next(zmtp::frame_header& frame) noexcept
    {
        std::array<std::byte, zmtp::long_header> header{};
        skip_empty();
        if (left_.empty())
            return false;
        const piece here = left_.front().subspan(at_);
        zmtp::header_view seen = zmtp::read_header(here, {});
        if (seen.need > 0) {
            // Cut in its header.
            const std::size_t size = std::min(header.size(), size_up_to(header.size()));
            frames copy = *this;
            copy.read(header.data(), size);
            seen = zmtp::read_header(std::span(header).first(size), {});
            if (seen.need > 0)
                return false;
        }
        frame = seen.frame;
        const auto whole = frame.header + static_cast<std::size_t>(frame.size);
        if (here.size() < whole && size_up_to(whole) < whole)
            return false;
        skip(frame.header);
        return true;
    }
    void skip(std::size_t size) noexcept
    {
        while (size > 0) {
            skip_empty();
            const std::size_t part = std::min(size, left_.front().size() - at_);
            size -= part;
            at_ += part;
        }
    }
    void read(std::byte* to, std::size_t size) noexcept
    {
        while (size > 0) {
            skip_empty();
            const piece here = left_.front().subspan(at_);
            const std::size_t part = std::min(size, here.size());
            std::memcpy(to, here.data(), part);
            to += part;
            size -= part;
            at_ += part;
        }
    }

private:
    void skip_empty() noexcept
    {
        while (!left_.empty() && at_ == left_.front().size()) {
            left_ = left_.subspan(1);
            at_ = 0;
        }
    }
    /// The bytes that are left, or more than `enough` of them.
    [[nodiscard]] std::size_t size_up_to(std::size_t enough) const noexcept
    {
        std::size_t size = 0;
        for (std::size_t index = 0; index < left_.size() && size < enough + at_; ++index)
            size += left_[index].size();
        return size - std::min(size, at_);
    }

    std::span<const piece> left_;
    std::size_t at_ = 0;
};

std::size_t sealed_wire_out::gather(std::vector<piece>& pieces, std::uint64_t before)
{
    if (keys_ == nullptr || torn_)
        return 0;
    if (sealed_.rest().empty()) {
        plain_.clear();
        if (from_->gather(plain_, before) == 0) {
            free_sealed(); // an idle peer should not cost its memory
            plain_ = {};
            return 0;
        }
        if (!seal())
            return 0;
    }
    const piece next = sealed_.rest().subspan(part_);
    if (!try_push_back(pieces, next)) {
        torn_ = no_memory_to_seal;
        return 0;
    }
    return next.size();
}

/// Seals frames of what was gathered.
bool sealed_wire_out::seal() noexcept
{
    if (!keys_->has_traffic_keys()) {
        torn_ = no_keys;
        return false;
    }
    // How many, and how much room they need.
    std::size_t room = 0;
    zmtp::frame_header frame;
    frames ahead(plain_);
    std::size_t count = 0;
    while (room < max_sealed) {
        frames here = ahead;
        if (!here.next(frame))
            break;
        const std::size_t size = zmtp::sealed_frame_size(frame.size);
        if (count > 0 && room + size > max_sealed)
            break;
        room += size;
        ++count;
        ahead = here;
        ahead.skip(static_cast<std::size_t>(frame.size));
    }
    if (count == 0) {
        torn_ = too_large;
        return false;
    }
    if (sealed_.capacity() > max_kept)
        free_sealed();
    if (!make_room(room)) {
        torn_ = no_memory_to_seal;
        return false;
    }
    std::byte* to = sealed_.room().data();
    frames from(plain_);
    for (; count > 0; --count) {
        (void)from.next(frame);
        const auto size = static_cast<std::size_t>(frame.size);
        std::byte* const body = keys_->begin_frame(to, frame.more, frame.command, size);
        from.read(body, size);
        keys_->end_frame(body, size);
        to = body + size;
    }
    sealed_.commit(room);
    part_ = 0;
    return true;
}

bool sealed_wire_out::make_room(std::size_t bytes) noexcept
{
    const std::size_t before = byte_buffer::counted(sealed_.capacity());
    if (!sealed_.make_room(bytes))
        return false;
    if (budget_ != nullptr)
        (void)budget_->add(byte_buffer::counted(sealed_.capacity()) - before);
    return true;
}

void sealed_wire_out::free_sealed() noexcept
{
    const std::size_t counted = byte_buffer::counted(sealed_.capacity());
    sealed_.free();
    if (budget_ != nullptr && counted > 0)
        budget_->remove(counted);
}

wire_out::progress sealed_wire_out::taken(std::size_t bytes, bool look) noexcept
{
    // Frames that were taken whole. In part_ are bytes of the first one.
    std::size_t plain = 0;
    std::size_t left = part_ + bytes;
    while (left > 0) {
        const std::span<const std::byte> rest = sealed_.rest();
        const zmtp::frame_header outer = zmtp::read_header(rest, {}).frame;
        const std::size_t whole = outer.header + static_cast<std::size_t>(outer.size);
        if (left < whole)
            break;
        plain += plain_size(outer);
        sealed_.skip(whole);
        left -= whole;
    }
    part_ = left;
    return plain > 0 ? from_->taken(plain, look) : progress{};
}

void sealed_wire_out::begin_connection() noexcept
{
    keys_ = nullptr;
    free_sealed();
    part_ = 0;
    torn_ = {};
    from_->begin_connection();
}

void sealed_wire_out::end_connection() noexcept
{
    keys_ = nullptr;
    free_sealed();
    part_ = 0;
    from_->end_connection();
}

} // namespace slk::messaging
