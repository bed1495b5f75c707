// SPDX-License-Identifier: MPL-2.0

// A build without CURVE: nothing of this is called, but is_available().

#include "zmtp/curve/crypto.hpp"

namespace slk::zmtp::crypto {

namespace {

class no_source final : public entropy_source {
public:
    void fill(std::span<std::byte>) noexcept override {}
};

} // namespace

bool is_available() noexcept
{
    return false;
}

entropy_source& system_entropy() noexcept
{
    static no_source source;
    return source;
}

void make_public_key(curve_key&, std::span<const std::byte, curve_key_size>) noexcept {}

bool make_shared_key(curve_key&, const curve_key&,
                     std::span<const std::byte, curve_key_size>) noexcept
{
    return false;
}

void derive_key(std::span<std::byte, curve_key_size>, std::span<const std::byte, curve_key_size>,
                std::span<const std::byte, curve_prefix_size>) noexcept
{
}

void seal(std::byte*, std::size_t, std::uint64_t,
          std::span<const std::byte, curve_key_size>) noexcept
{
}

bool is_authentic(byte_view, std::uint64_t, std::span<const std::byte, curve_key_size>) noexcept
{
    return false;
}

void decrypt(std::byte*, byte_view, std::uint64_t, std::uint64_t,
             std::span<const std::byte, curve_key_size>) noexcept
{
}

bool open(std::byte*, byte_view, std::uint64_t, std::span<const std::byte, curve_key_size>) noexcept
{
    return false;
}

bool equal(byte_view, byte_view) noexcept
{
    return false;
}

std::byte* lock_memory(std::size_t) noexcept
{
    return nullptr;
}

void unlock_memory(std::byte*) noexcept {}

} // namespace slk::zmtp::crypto
