// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IO_URING_AWAITED_RECEIVES_HPP
#define SLK_IO_BACKEND_IO_URING_AWAITED_RECEIVES_HPP

/// The receives in the kernel, as long as they are few.

#include "io/backend/io_uring/pending.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace slk::io::uring {

class awaited_receives {
public:
    static constexpr std::size_t max = 4;

    /// Returns true if there is at least one, and all of them are known.
    [[nodiscard]] bool few() const noexcept { return count_ > 0 && others_ == 0; }
    [[nodiscard]] std::span<operation* const> all() const noexcept
    {
        return std::span(known_).first(count_);
    }

    void add(operation& op) noexcept
    {
        if (count_ < max)
            known_[count_++] = &op;
        else
            ++others_;
    }

    void remove(const operation& op) noexcept
    {
        const auto end = known_.begin() + static_cast<std::ptrdiff_t>(count_);
        const auto found = std::find(known_.begin(), end, &op);
        if (found == end) {
            --others_;
            return;
        }
        *found = known_[--count_];
    }

private:
    std::array<operation*, max> known_{};
    std::size_t count_ = 0;
    std::uint64_t others_ = 0;
};

} // namespace slk::io::uring

#endif
