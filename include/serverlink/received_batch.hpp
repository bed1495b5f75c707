// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_RECEIVED_BATCH_HPP
#define SERVERLINK_RECEIVED_BATCH_HPP

/// slk::received_batch: parts of messages that were received together, as views into the memory in
/// which they arrived. This is the fastest way to receive many small messages: nothing is copied,
/// and nothing is allocated once the batch has grown to its size.
///
///     slk::received_batch batch;
///     SLK_TRY(pull.receive_batch(batch, 500));
///     for (std::span<const std::byte> body : batch) ...
///
/// The batch keeps the memory alive until it is cleared, filled again or destroyed. It may be moved
/// to another thread.

#include <serverlink/export.hpp>
#include <serverlink/message.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace slk {

class SLK_API received_batch {
public:
    received_batch() noexcept = default;
    received_batch(received_batch&& other) noexcept
        : parts_(std::move(other.parts_)), owners_(std::move(other.owners_))
    {
        other.parts_.clear();
        other.owners_.clear();
    }
    received_batch& operator=(received_batch&& other) noexcept
    {
        if (this != &other) {
            clear();
            parts_.swap(other.parts_);
            owners_.swap(other.owners_);
        }
        return *this;
    }
    ~received_batch() { clear(); }

    [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }
    [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }
    [[nodiscard]] std::span<const std::byte> operator[](std::size_t index) const noexcept
    {
        return {parts_[index].data, parts_[index].size};
    }
    /// Returns a part as a text; its bytes may be anything.
    [[nodiscard]] std::string_view text(std::size_t index) const noexcept
    {
        return {reinterpret_cast<const char*>(parts_[index].data), parts_[index].size};
    }
    /// More parts of the same message follow: in this batch, or at the beginning of the next one.
    [[nodiscard]] bool more(std::size_t index) const noexcept { return parts_[index].more; }

    void clear() noexcept;

    /// Walks over the parts, in their order.
    class iterator {
    public:
        // As the standard's algorithms need them.
        using value_type = std::span<const std::byte>;
        using difference_type = std::ptrdiff_t;

        iterator() noexcept = default;
        [[nodiscard]] value_type operator*() const noexcept { return (*batch_)[index_]; }
        iterator& operator++() noexcept
        {
            ++index_;
            return *this;
        }
        iterator operator++(int) noexcept
        {
            iterator before = *this;
            ++index_;
            return before;
        }
        friend bool operator==(const iterator&, const iterator&) noexcept = default;

    private:
        friend class received_batch;
        iterator(const received_batch* batch, std::size_t index) noexcept
            : batch_(batch), index_(index)
        {
        }

        const received_batch* batch_ = nullptr;
        std::size_t index_ = 0;
    };
    [[nodiscard]] iterator begin() const noexcept { return {this, 0}; }
    [[nodiscard]] iterator end() const noexcept { return {this, parts_.size()}; }

private:
    friend struct message_detail::access;

    struct part {
        const std::byte* data;
        std::size_t size;
        bool more;
    };

    std::vector<part> parts_;
    std::vector<message_detail::shared_memory*> owners_;
};

} // namespace slk

#endif
