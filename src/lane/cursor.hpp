// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LANE_CURSOR_HPP
#define SLK_LANE_CURSOR_HPP

/// A place in a lane, from where its consumer reads.

#include "lane/chunk.hpp"

#include <span>

namespace slk::lane {

/// Between two frames, or anywhere inside: bytes of the chunk, and bytes of the external that
/// comes next. A cursor does not keep its chunk alive: the lane does, from its head on.
class cursor {
public:
    cursor() noexcept = default;
    explicit cursor(chunk* first) noexcept : at_(first) {}

    [[nodiscard]] chunk* at() const noexcept { return at_; }
    [[nodiscard]] std::uint32_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::uint32_t externals() const noexcept { return externals_; }
    [[nodiscard]] std::size_t inside() const noexcept { return inside_; }

    /// The bytes of this chunk that lie in one piece from here on: up to the next external, or to
    /// what is published. Looks at what is published only if it knows of nothing.
    [[nodiscard, gnu::always_inline]] std::span<const std::byte> run() noexcept
    {
        if (bytes_ == seen_.bytes && externals_ == seen_.externals)
            seen_ = at_->published();
        const std::uint32_t end =
            externals_ < seen_.externals ? at_->at(externals_).at : seen_.bytes;
        return {at_->bytes() + bytes_, end - bytes_};
    }
    /// The external that begins here or goes on here, or null; after run() has come out empty or
    /// has been skipped.
    [[nodiscard]] external* here() noexcept
    {
        return externals_ < seen_.externals && at_->at(externals_).at == bytes_
                   ? &at_->at(externals_)
                   : nullptr;
    }
    /// At the end of a chunk that will not grow: goes on to the next one, and returns the one that
    /// it has left. Else null.
    [[nodiscard]] chunk* leave() noexcept
    {
        if (bytes_ != seen_.bytes || externals_ != seen_.externals)
            return nullptr;
        // Once more, because what was seen may have grown before it became final.
        seen_ = at_->published();
        if (!seen_.final || bytes_ != seen_.bytes || externals_ != seen_.externals)
            return nullptr;
        chunk* const left = at_;
        *this = cursor(left->next);
        return left;
    }

    void skip_bytes(std::size_t count) noexcept { bytes_ += static_cast<std::uint32_t>(count); }
    void skip_inside(std::size_t count) noexcept
    {
        inside_ += count;
        if (inside_ == at_->at(externals_).size)
            skip_external();
    }
    void skip_external() noexcept
    {
        ++externals_;
        inside_ = 0;
    }

    [[nodiscard]] bool same_place(const cursor& other) const noexcept
    {
        return at_ == other.at_ && bytes_ == other.bytes_ && externals_ == other.externals_ &&
               inside_ == other.inside_;
    }

private:
    chunk* at_ = nullptr;
    extent seen_{};
    std::uint32_t bytes_ = 0;
    std::uint32_t externals_ = 0;
    std::size_t inside_ = 0;
};

} // namespace slk::lane

#endif
