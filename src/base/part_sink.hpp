// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_PART_SINK_HPP
#define SLK_BASE_PART_SINK_HPP

/// A part_sink: where a part is received to without becoming a message. It copies the bytes, or
/// keeps the memory that they lie in.

#include "base/message_access.hpp"

#include <cstddef>
#include <span>

namespace slk::message_detail {

class part_sink {
public:
    /// `owner`: of the bytes, one reference of which is handed over. Null: they are valid in this
    /// call only, and at most message::inline_capacity.
    void take(std::span<const std::byte> body, bool more, shared_memory* owner) noexcept
    {
        size_ = body.size();
        more_ = more;
        keep(body, owner);
    }
    /// A part that has become a message all the same.
    void take(const message& whole) noexcept
    {
        shared_memory* const owner = access::owner_of(whole);
        if (owner != nullptr)
            owner->retain();
        take(whole.bytes(), whole.more(), owner);
    }
    /// Of the last one that it took.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool more() const noexcept { return more_; }

protected:
    ~part_sink() = default;

private:
    virtual void keep(std::span<const std::byte> body, shared_memory* owner) noexcept = 0;

    std::size_t size_ = 0;
    bool more_ = false;
};

} // namespace slk::message_detail

#endif
