// SPDX-License-Identifier: MPL-2.0
#include "zmtp/curve/cookies.hpp"

#include "base/wipe.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace slk::zmtp {

namespace {

constexpr std::string_view label = "COOKIE--";
constexpr std::size_t nonce_size = 16;
constexpr std::size_t number_size = 8;

/// The nonce in a cookie is its number, and eight random bytes.
void derive(curve_key& into, std::span<const std::byte, curve_key_size> key,
            std::uint64_t number) noexcept
{
    std::array<std::byte, curve_prefix_size> prefix{};
    writer out(prefix.data());
    out.copy(label);
    out.number(number);
    crypto::derive_key(into, key, prefix);
}

} // namespace

std::unique_ptr<curve_cookies> curve_cookies::create(entropy_source& entropy,
                                                     std::uint64_t last) noexcept
{
    std::byte* const keys = crypto::lock_memory(2 * curve_key_size);
    if (keys == nullptr)
        return nullptr;
    std::unique_ptr<curve_cookies> made(new (std::nothrow) curve_cookies(entropy, keys, last));
    if (made == nullptr)
        crypto::unlock_memory(keys);
    return made;
}

curve_cookies::~curve_cookies()
{
    crypto::unlock_memory(keys_);
}

void curve_cookies::change_keys(time_point now) noexcept
{
    if (has_present_ && now < after(changed_at_, lifetime))
        return;
    has_before_ = has_present_ && now < after(changed_at_, 2 * lifetime);
    if (has_before_)
        std::ranges::copy(present(), before().begin());
    else
        wipe(before());
    entropy_.fill(present());
    has_present_ = true;
    changed_at_ = now;
}

std::uint64_t curve_cookies::make(std::span<std::byte, curve_cookie_size> into,
                                  const curve_cookie_keys& keys, time_point now) noexcept
{
    curve_key key{};
    std::uint64_t number = 0;
    {
        const std::lock_guard lock(guard_);
        change_keys(now);
        number = ++last_number_;
        derive(key, present(), number);
    }
    std::array<std::byte, number_size> random{};
    entropy_.fill(random);
    writer out(into.data());
    out.number(number);
    out.copy(byte_view(random));
    std::byte* const box = into.data() + nonce_size;
    std::memcpy(box + curve_mac_size, keys.client.data(), curve_key_size);
    std::memcpy(box + curve_mac_size + curve_key_size, keys.secret.data(), curve_key_size);
    crypto::seal(box, 2 * curve_key_size, load<std::uint64_t>(random.data()), key);
    wipe(key);
    return number;
}

bool curve_cookies::open(curve_cookie_keys& into,
                         std::span<const std::byte, curve_cookie_size> cookie, std::uint64_t number,
                         time_point now) noexcept
{
    if (load<std::uint64_t>(cookie.data()) != number)
        return false;
    curve_key keys[2];
    bool has_before = false;
    {
        const std::lock_guard lock(guard_);
        change_keys(now);
        derive(keys[0], present(), number);
        has_before = has_before_;
        if (has_before)
            derive(keys[1], before(), number);
    }
    std::array<std::byte, 2 * curve_key_size> both{};
    const auto nonce = load<std::uint64_t>(cookie.data() + number_size);
    const byte_view box = cookie.subspan(nonce_size);
    const bool opened = crypto::open(both.data(), box, nonce, keys[0]) ||
                        (has_before && crypto::open(both.data(), box, nonce, keys[1]));
    if (opened) {
        std::copy_n(both.begin(), curve_key_size, into.client.begin());
        std::copy_n(both.begin() + curve_key_size, curve_key_size, into.secret.begin());
    }
    wipe(both);
    wipe(keys[0]);
    wipe(keys[1]);
    return opened;
}

} // namespace slk::zmtp
