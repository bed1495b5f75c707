// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LIBZMQ_MESSAGE_HPP
#define SLK_LIBZMQ_MESSAGE_HPP

/// What is in a zmq_msg_t. Programs move it by copying its 64 bytes, so nothing refers to its
/// address, and it has neither a constructor nor a destructor.

#include <serverlink/message.hpp>

#include <libzmq/zmq.h>

#include "base/message_origin.hpp"
#include "base/part_sink.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace slk::libzmq {

using message_detail::shared_memory;

struct part {
    static constexpr std::size_t max_inline = 33;

    /// In a part that was closed, or never initialised, it is something else.
    enum class tag : std::uint32_t { inlined = 0x5c0e7101, view = 0x5c0e7102 };

    struct memory {
        const std::byte* data;
        std::size_t size;
        shared_memory* owner; ///< null: bytes that live for ever
    };
    union {
        std::byte bytes[40];
        memory view;
    };
    message_origin* origin; ///< of a received part; or null
    tag what;
    std::uint8_t size; ///< of `bytes`
    bool more;
    bool shared; ///< it was copied
    bool has_block; ///< a view of a block for small bodies, which may be used again
    std::uint8_t unused[8];

    [[nodiscard]] static part& of(zmq_msg_t* message) noexcept
    {
        return *reinterpret_cast<part*>(message);
    }
    [[nodiscard]] static const part& of(const zmq_msg_t* message) noexcept
    {
        return *reinterpret_cast<const part*>(message);
    }

    /// Whether there is an initialised message.
    [[nodiscard]] static bool is_at(const zmq_msg_t* message) noexcept
    {
        return message != nullptr && of(message).is_valid();
    }
    [[nodiscard]] bool is_valid() const noexcept { return what == tag::inlined || is_view(); }
    [[nodiscard]] bool is_view() const noexcept { return what == tag::view; }
    [[nodiscard]] std::span<const std::byte> content() const noexcept
    {
        return is_view() ? std::span(view.data, view.size) : std::span(bytes, size);
    }

    /// What was in it does not count.
    void init() noexcept
    {
        origin = nullptr;
        what = tag::inlined;
        size = 0;
        more = shared = has_block = false;
    }
    /// Uninitialised bytes. Returns false when memory is exhausted.
    [[nodiscard]] bool init_size(std::size_t wanted) noexcept;
    /// Takes over a reference.
    void init_view(const std::byte* data, std::size_t length, shared_memory* owner) noexcept
    {
        init();
        what = tag::view;
        view = {data, length, owner};
    }
    /// Releases what it holds; it is not valid then.
    void release() noexcept
    {
        if (is_view() && view.owner != nullptr)
            view.owner->release();
        if (origin != nullptr)
            origin->release();
        what = tag{};
    }
    void clear() noexcept
    {
        release();
        init();
    }
    /// The block of the part is big enough for what is received by value, and nobody else has it.
    [[nodiscard]] bool may_use_block() const noexcept
    {
        return is_view() && has_block && view.owner->users.load(std::memory_order_acquire) == 1;
    }
    /// Into a part that is not valid.
    void take(part& other) noexcept
    {
        *this = other;
        other.init();
    }
    /// Into a part that is not valid: the same bytes, of which larger ones are shared.
    void share(part& other) noexcept;
    /// Replaces the content, but for the origin. Returns false when memory is exhausted; then it is
    /// empty. `owner`: as in part_sink::take().
    [[nodiscard]] bool refill(std::span<const std::byte> from, shared_memory* owner) noexcept;
};

/// Receives into a part that is valid.
class part_filler final : public message_detail::part_sink {
public:
    explicit part_filler(part& to) noexcept : to_(to) {}
    /// Memory was exhausted: the part is empty.
    [[nodiscard]] bool failed() const noexcept { return failed_; }

private:
    void keep(std::span<const std::byte> body, shared_memory* owner) noexcept override
    {
        failed_ = !to_.refill(body, owner);
    }

    part& to_;
    bool failed_ = false;
};

static_assert(sizeof(part) <= sizeof(zmq_msg_t) && alignof(part) <= alignof(zmq_msg_t));
static_assert(std::is_trivially_copyable_v<part> && std::is_standard_layout_v<part>);

} // namespace slk::libzmq

#endif
