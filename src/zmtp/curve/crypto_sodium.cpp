// SPDX-License-Identifier: MPL-2.0

// CURVE's cryptography by libsodium.

#include "base/wipe.hpp"
#include "zmtp/curve/crypto.hpp"
#include "zmtp/curve/salsa20.hpp"

#include <algorithm>
#include <cstring>

#include <sodium.h>

namespace slk::zmtp::crypto {

namespace {

/// The stream of Salsa20 comes in blocks of this size; the first half of the first block is the key
/// of Poly1305.
constexpr std::size_t block_size = 64;
constexpr std::size_t mac_key_size = 32;
/// Up to this size the whole stream is made by one call.
constexpr std::size_t short_size = salsa20_blocks * salsa20_block - mac_key_size;
using short_stream = std::array<unsigned char, salsa20_blocks * salsa20_block>;

using nonce_bytes = std::array<unsigned char, crypto_stream_salsa20_NONCEBYTES>;

nonce_bytes nonce_of(std::uint64_t number) noexcept
{
    nonce_bytes made{};
    for (std::size_t index = 0; index < made.size(); ++index)
        made[index] = static_cast<unsigned char>(number >> (8 * (made.size() - 1 - index)));
    return made;
}

unsigned char* raw(std::byte* bytes) noexcept
{
    return reinterpret_cast<unsigned char*>(bytes);
}

const unsigned char* raw(const std::byte* bytes) noexcept
{
    return reinterpret_cast<const unsigned char*>(bytes);
}

/// The stream of a short box.
void make_stream(short_stream& into, const nonce_bytes& nonce,
                 std::span<const std::byte, curve_key_size> key) noexcept
{
    begin_salsa20(std::as_writable_bytes(std::span(into)), key, std::as_bytes(std::span(nonce)));
}

class system_source final : public entropy_source {
public:
    void fill(std::span<std::byte> into) noexcept override
    {
        randombytes_buf(into.data(), into.size());
    }
};

void combine(unsigned char* to, const unsigned char* from, const unsigned char* stream,
             std::size_t size) noexcept
{
    for (std::size_t index = 0; index < size; ++index)
        to[index] = static_cast<unsigned char>(from[index] ^ stream[index]);
}

} // namespace

bool is_available() noexcept
{
    static const bool ready = sodium_init() >= 0;
    return ready;
}

entropy_source& system_entropy() noexcept
{
    static system_source source;
    return source;
}

void make_public_key(curve_key& into, std::span<const std::byte, curve_key_size> secret) noexcept
{
    (void)crypto_scalarmult_base(raw(into.data()), raw(secret.data()));
}

bool make_shared_key(curve_key& into, const curve_key& their_public,
                     std::span<const std::byte, curve_key_size> own_secret) noexcept
{
    return crypto_box_beforenm(raw(into.data()), raw(their_public.data()),
                               raw(own_secret.data())) == 0;
}

void derive_key(std::span<std::byte, curve_key_size> into,
                std::span<const std::byte, curve_key_size> key,
                std::span<const std::byte, curve_prefix_size> prefix) noexcept
{
    (void)crypto_core_hsalsa20(raw(into.data()), raw(prefix.data()), raw(key.data()), nullptr);
}

void seal(std::byte* box, std::size_t size, std::uint64_t number,
          std::span<const std::byte, curve_key_size> key) noexcept
{
    const nonce_bytes nonce = nonce_of(number);
    unsigned char* const text = raw(box) + curve_mac_size;
    short_stream stream;
    if (size <= short_size) {
        make_stream(stream, nonce, key);
        combine(text, text, stream.data() + mac_key_size, size);
    } else {
        crypto_stream_salsa20(stream.data(), block_size, nonce.data(), raw(key.data()));
        constexpr std::size_t in_first = block_size - mac_key_size;
        combine(text, text, stream.data() + mac_key_size, in_first);
        crypto_stream_salsa20_xor_ic(text + in_first, text + in_first, size - in_first,
                                     nonce.data(), 1, raw(key.data()));
    }
    crypto_onetimeauth_poly1305(raw(box), text, size, stream.data());
    sodium_memzero(stream.data(), stream.size());
}

bool is_authentic(byte_view box, std::uint64_t number,
                  std::span<const std::byte, curve_key_size> key) noexcept
{
    const nonce_bytes nonce = nonce_of(number);
    unsigned char mac_key[mac_key_size];
    crypto_stream_salsa20(mac_key, sizeof mac_key, nonce.data(), raw(key.data()));
    const bool right =
        crypto_onetimeauth_poly1305_verify(raw(box.data()), raw(box.data()) + curve_mac_size,
                                           box.size() - curve_mac_size, mac_key) == 0;
    sodium_memzero(mac_key, sizeof mac_key);
    return right;
}

void decrypt(std::byte* to, byte_view from, std::uint64_t offset, std::uint64_t number,
             std::span<const std::byte, curve_key_size> key) noexcept
{
    const nonce_bytes nonce = nonce_of(number);
    std::uint64_t at = mac_key_size + offset;
    while (!from.empty()) {
        const auto inside = static_cast<std::size_t>(at % block_size);
        std::size_t size = from.size() - from.size() % block_size;
        if (inside == 0 && size > 0) {
            crypto_stream_salsa20_xor_ic(raw(to), raw(from.data()), size, nonce.data(),
                                         at / block_size, raw(key.data()));
        } else {
            size = std::min(block_size - inside, from.size());
            unsigned char stream[block_size] = {};
            crypto_stream_salsa20_xor_ic(stream, stream, block_size, nonce.data(), at / block_size,
                                         raw(key.data()));
            combine(raw(to), raw(from.data()), stream + inside, size);
            sodium_memzero(stream, sizeof stream);
        }
        to += size;
        at += size;
        from = from.subspan(size);
    }
}

bool open(std::byte* to, byte_view box, std::uint64_t number,
          std::span<const std::byte, curve_key_size> key) noexcept
{
    if (box.size() < curve_mac_size)
        return false;
    const byte_view text = box.subspan(curve_mac_size);
    if (text.size() > short_size) {
        if (!is_authentic(box, number, key))
            return false;
        decrypt(to, text, 0, number, key);
        return true;
    }
    const nonce_bytes nonce = nonce_of(number);
    short_stream stream;
    make_stream(stream, nonce, key);
    const bool right = crypto_onetimeauth_poly1305_verify(raw(box.data()), raw(text.data()),
                                                          text.size(), stream.data()) == 0;
    if (right)
        combine(raw(to), raw(text.data()), stream.data() + mac_key_size, text.size());
    sodium_memzero(stream.data(), stream.size());
    return right;
}

bool equal(byte_view one, byte_view other) noexcept
{
    return one.size() == other.size() && sodium_memcmp(one.data(), other.data(), one.size()) == 0;
}

std::byte* lock_memory(std::size_t bytes) noexcept
{
    return is_available() ? static_cast<std::byte*>(sodium_malloc(bytes)) : nullptr;
}

void unlock_memory(std::byte* memory) noexcept
{
    sodium_free(memory);
}

} // namespace slk::zmtp::crypto
