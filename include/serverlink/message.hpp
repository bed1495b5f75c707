// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_MESSAGE_HPP
#define SERVERLINK_MESSAGE_HPP

/// slk::message: the bytes of one message, or of one part of a message that has several; and
/// slk::multipart, all parts of one message.
///
/// A message of at most `inline_capacity` bytes is held by value. A larger one refers to memory
/// that it may share with others: the buffer it was received into, memory of its own, or memory of
/// the caller's that it has adopted. What a message holds does not change: to write, allocate() a
/// new one.
///
/// A received message of more than `inline_capacity` bytes and less than 32 KiB keeps the buffer
/// alive in which it arrived, up to 72 KiB: to hold many of them for long, keep a copy_of() each.
///
/// Different messages may be used by different threads, also if they share memory.

#include <serverlink/clock.hpp>
#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace slk {

/// Used by the library only.
namespace message_detail {

/// Memory that is freed with its last user.
struct shared_memory {
    std::atomic<std::uint32_t> users{1};
    void (*dispose)(shared_memory* self) noexcept = nullptr;

    void retain() noexcept { users.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept
    {
        // The only user needs no atomic subtraction.
        if (users.load(std::memory_order_acquire) == 1 ||
            users.fetch_sub(1, std::memory_order_acq_rel) == 1)
            dispose(this);
    }
};

struct access;

} // namespace message_detail

class SLK_API message {
public:
    /// Bytes that a message holds without memory of its own.
    static constexpr std::size_t inline_capacity = 64;

    /// Empty: no bytes.
    message() noexcept = default;
    message(message&& other) noexcept { take(other); }
    message& operator=(message&& other) noexcept
    {
        if (this != &other) {
            clear();
            take(other);
        }
        return *this;
    }
    ~message() { clear(); }

    /// Errors of all four: out_of_memory.
    [[nodiscard]] static result<message> copy_of(std::span<const std::byte> bytes);
    [[nodiscard]] static result<message> copy_of(std::string_view text)
    {
        return copy_of(std::as_bytes(std::span(text.data(), text.size())));
    }
    /// A message of that size, filled with zeros, to be written to through writable().
    [[nodiscard]] static result<message> allocate(std::size_t size);
    /// As allocate(), without clearing the bytes: the caller writes all of them before it sends the
    /// message.
    [[nodiscard]] static result<message> allocate_for_overwrite(std::size_t size);
    /// A message that refers to the caller's memory. `release(bytes, hint)` is called once, when
    /// the last message that refers to it is gone, on the thread where that happens. It may be null
    /// for memory that lives for ever. It must not throw. On an error nothing was adopted.
    [[nodiscard]] static result<message>
    adopt(std::span<const std::byte> bytes,
          void (*release)(std::span<const std::byte> bytes, void* hint), void* hint = nullptr);

    /// Another message with the same bytes, and the same time to expire after. A large one shares
    /// its memory, and costs one reference.
    [[nodiscard]] message copy() const noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return is_view() ? view_.size : is_.kind; }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }
    /// Returns the bytes, which stay where they are until the message changes or moves.
    [[nodiscard]] const std::byte* data() const noexcept
    {
        return is_view() ? view_.data : inline_;
    }
    /// Returns the bytes as a span, as long-lived as data().
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data(), size()}; }
    /// Returns the bytes as a text, as long-lived as data(); they may be anything.
    [[nodiscard]] std::string_view text() const noexcept
    {
        return {reinterpret_cast<const char*>(data()), size()};
    }
    /// The bytes of a message that allocate() has made, to be filled. Empty if other messages share
    /// them, or if they are not the library's.
    [[nodiscard]] std::span<std::byte> writable() noexcept;

    /// A received part only: more parts of the same message follow.
    [[nodiscard]] bool more() const noexcept { return is_.more; }

    /// A message that has waited in this socket for that long, from when it was queued, is dropped
    /// instead of sent (socket_options::expires_after, which this has precedence over). In whole
    /// milliseconds, at least one; more than 49 days: never. Of several parts the first one's
    /// counts. A received message has none. It has no effect with an XSUB or a STREAM, nor in the
    /// requests and replies of slk::client and slk::server, which have times of their own.
    void expire_after(duration time) noexcept
    {
        constexpr std::chrono::milliseconds longest(UINT32_MAX - 1);
        is_.lifetime = time > longest ? forever
                       : time <= duration::zero()
                           ? 1
                           : static_cast<std::uint32_t>(
                                 std::chrono::ceil<std::chrono::milliseconds>(time).count());
    }

    void clear() noexcept
    {
        if (is_view())
            view_.owner->release();
        is_ = {};
    }

    /// Compares the bytes; more() does not count.
    friend bool operator==(const message& a, const message& b) noexcept
    {
        return a.text() == b.text();
    }

private:
    friend struct message_detail::access;

    struct view {
        const std::byte* data;
        std::size_t size;
        message_detail::shared_memory* owner; ///< never null
        bool writable;
    };
    static constexpr std::uint8_t view_kind = 255;

    [[nodiscard]] bool is_view() const noexcept { return is_.kind == view_kind; }
    void take(message& other) noexcept
    {
        std::memcpy(inline_, other.inline_, other.is_view() ? sizeof view_ : sizeof inline_);
        is_ = std::exchange(other.is_, {});
    }

    union {
        std::byte inline_[inline_capacity]{};
        view view_;
    };
    /// Of a lifetime.
    static constexpr std::uint32_t forever = UINT32_MAX;
    struct traits {
        std::uint8_t kind = 0; ///< the size, if inline
        bool more = false;
        std::uint32_t lifetime = 0; ///< in milliseconds; 0: that of the socket
    };
    traits is_{};
};

/// All parts of one message, in order. It is sent and received as a whole or not at all.
class multipart {
public:
    multipart() noexcept = default;
    multipart(multipart&&) noexcept = default;
    multipart& operator=(multipart&&) noexcept = default;

    /// Beyond the parts that reserve() has made room for, it throws std::bad_alloc when memory is
    /// exhausted.
    void add(message part) { parts_.push_back(std::move(part)); }
    /// Errors: out_of_memory.
    [[nodiscard]] SLK_API result<void> add(std::string_view text);
    /// Makes room for this number of parts altogether. Errors: out_of_memory.
    [[nodiscard]] SLK_API result<void> reserve(std::size_t parts);
    void clear() noexcept { parts_.clear(); }

    [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }
    [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }
    [[nodiscard]] message& operator[](std::size_t index) noexcept { return parts_[index]; }
    [[nodiscard]] const message& operator[](std::size_t index) const noexcept
    {
        return parts_[index];
    }
    [[nodiscard]] auto begin() noexcept { return parts_.begin(); }
    [[nodiscard]] auto end() noexcept { return parts_.end(); }
    [[nodiscard]] auto begin() const noexcept { return parts_.begin(); }
    [[nodiscard]] auto end() const noexcept { return parts_.end(); }

private:
    friend struct message_detail::access;

    std::vector<message> parts_;
};

} // namespace slk

#endif
