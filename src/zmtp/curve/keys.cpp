// SPDX-License-Identifier: MPL-2.0

// The keys of the public interface.

#include <serverlink/curve.hpp>

#include "base/try_allocate.hpp"
#include "base/wipe.hpp"
#include "base/z85.hpp"
#include "zmtp/curve/crypto.hpp"

#include <algorithm>
#include <cstring>

namespace slk {

namespace curve_detail {

class locked_key {
public:
    explicit locked_key(std::byte* memory) noexcept : memory_(memory) {}
    locked_key(const locked_key&) = delete;
    locked_key& operator=(const locked_key&) = delete;
    ~locked_key() { zmtp::crypto::unlock_memory(memory_); }

    [[nodiscard]] std::span<const std::byte, zmtp::curve_key_size> bytes() const noexcept
    {
        return std::span<const std::byte, zmtp::curve_key_size>(memory_, zmtp::curve_key_size);
    }

private:
    std::byte* const memory_;
};

} // namespace curve_detail

namespace {

using curve_detail::locked_key;

constexpr std::size_t text_size = 40;

unexpected without_curve() noexcept
{
    return fail(errc::not_supported, phase::setup, "this build is without CURVE");
}

bool read_key(std::span<std::byte> into, std::string_view text) noexcept
{
    if (text.size() == into.size()) {
        std::memcpy(into.data(), text.data(), text.size());
        return true;
    }
    if (text.size() == text_size + 1 && text.back() == '\0')
        text.remove_suffix(1);
    return read_z85(into, text);
}

unexpected no_key() noexcept
{
    return fail(errc::invalid_argument, phase::setup,
                "a CURVE key is 40 characters of Z85, or 32 bytes");
}

std::string text_of(std::span<const std::byte> key) noexcept
{
    std::string text;
    if (!try_allocate([&] { text.resize(text_size); }))
        return {};
    write_z85(text, key);
    return text;
}

/// Null when memory is exhausted.
std::shared_ptr<const locked_key> make_locked(std::byte* memory) noexcept
{
    if (memory == nullptr)
        return nullptr;
    auto made = try_make_shared<const locked_key>(memory);
    if (made == nullptr)
        zmtp::crypto::unlock_memory(memory);
    return made;
}

} // namespace

bool has_curve() noexcept
{
    return zmtp::crypto::is_available();
}

result<curve_public_key> curve_public_key::from(std::string_view text) noexcept
{
    std::array<std::byte, size> bytes{};
    if (!read_key(bytes, text))
        return no_key();
    return curve_public_key(bytes);
}

bool curve_public_key::is_set() const noexcept
{
    return *this != curve_public_key();
}

std::string curve_public_key::text() const noexcept
{
    return text_of(bytes_);
}

result<curve_secret_key> curve_secret_key::from(std::string_view text) noexcept
{
    if (!has_curve())
        return without_curve();
    std::byte* const memory = zmtp::crypto::lock_memory(zmtp::curve_key_size);
    auto made = make_locked(memory);
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    if (!read_key({memory, zmtp::curve_key_size}, text))
        return no_key();
    return curve_secret_key(std::move(made));
}

result<curve_secret_key> curve_secret_key::make() noexcept
{
    if (!has_curve())
        return without_curve();
    std::byte* const memory = zmtp::crypto::lock_memory(zmtp::curve_key_size);
    auto made = make_locked(memory);
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    zmtp::crypto::system_entropy().fill({memory, zmtp::curve_key_size});
    return curve_secret_key(std::move(made));
}

result<curve_public_key> curve_secret_key::public_key() const noexcept
{
    if (key_ == nullptr)
        return fail(errc::invalid_state, phase::setup, "there is no secret key");
    zmtp::curve_key made{};
    zmtp::crypto::make_public_key(made, key_->bytes());
    return curve_public_key(made);
}

std::span<const std::byte> curve_secret_key::bytes() const noexcept
{
    return key_ != nullptr ? key_->bytes() : std::span<const std::byte>();
}

std::string curve_secret_key::text() const noexcept
{
    return key_ != nullptr ? text_of(key_->bytes()) : std::string();
}

result<curve_key_pair> make_curve_keys() noexcept
{
    SLK_TRY(curve_secret_key secret, curve_secret_key::make());
    SLK_TRY(const curve_public_key own, secret.public_key());
    return curve_key_pair{own, std::move(secret)};
}

} // namespace slk
