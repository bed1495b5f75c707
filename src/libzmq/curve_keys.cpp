// SPDX-License-Identifier: MPL-2.0

// The pairs of keys of CURVE, as text.

#include <libzmq/zmq.h>

#include <serverlink/curve.hpp>

#include "base/z85.hpp"
#include "libzmq/errors.hpp"

#include <span>

using namespace slk::libzmq;

namespace {

constexpr std::size_t text_size = slk::z85_length(slk::curve_public_key::size);

void write_key(std::span<const std::byte> key, char* to) noexcept
{
    slk::write_z85({to, text_size}, key);
    to[text_size] = '\0';
}

} // namespace

int zmq_curve_keypair(char* public_key, char* secret_key)
{
    if (public_key == nullptr || secret_key == nullptr)
        return fail(EFAULT);
    const auto made = slk::make_curve_keys();
    if (!made)
        return answer(made);
    write_key(made->public_key.bytes(), public_key);
    write_key(made->secret_key.bytes(), secret_key);
    return 0;
}

int zmq_curve_public(char* public_key, const char* secret_key)
{
    if (public_key == nullptr || secret_key == nullptr)
        return fail(EFAULT);
    if (!slk::has_curve())
        return fail(ENOTSUP);
    const auto secret = slk::curve_secret_key::from({secret_key, text_size});
    if (!secret)
        return answer(secret);
    const auto half = secret->public_key();
    if (half)
        write_key(half->bytes(), public_key);
    return answer(half);
}
