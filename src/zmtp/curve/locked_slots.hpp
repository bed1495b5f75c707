// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_CURVE_LOCKED_SLOTS_HPP
#define SLK_ZMTP_CURVE_LOCKED_SLOTS_HPP

/// Locked memory for the keys of connections. A page of it costs several pages, and the system
/// limits them, so that many connections share one.

#include "zmtp/curve/crypto.hpp"

#include <cstddef>
#include <span>
#include <utility>

namespace slk::zmtp {

/// The keys of one connection; empty, or the owner of its slot. Wiped when it is destroyed.
class locked_slot {
public:
    static constexpr std::size_t size = 3 * curve_key_size;
    using key_span = std::span<std::byte, curve_key_size>;

    locked_slot() noexcept = default;
    locked_slot(locked_slot&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)) {}
    locked_slot& operator=(locked_slot&& other) noexcept
    {
        std::swap(memory_, other.memory_);
        return *this;
    }
    ~locked_slot();

    /// Any thread. Empty when memory is exhausted.
    [[nodiscard]] static locked_slot take() noexcept;

    [[nodiscard]] explicit operator bool() const noexcept { return memory_ != nullptr; }
    /// One of three keys.
    [[nodiscard]] key_span key(std::size_t index) const noexcept
    {
        return key_span(memory_ + index * curve_key_size, curve_key_size);
    }

private:
    explicit locked_slot(std::byte* memory) noexcept : memory_(memory) {}

    std::byte* memory_ = nullptr;
};

} // namespace slk::zmtp

#endif
