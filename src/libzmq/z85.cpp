// SPDX-License-Identifier: MPL-2.0

// Z85 as text with an end.

#include "base/z85.hpp"

#include <libzmq/zmq.h>

#include "libzmq/errors.hpp"

#include <span>
#include <string_view>

using namespace slk::libzmq;

char* zmq_z85_encode(char* to, const uint8_t* data, size_t size)
{
    if (to == nullptr || (data == nullptr && size != 0) || size % 4 != 0)
        return fail_null(EINVAL);
    const std::size_t length = slk::z85_length(size);
    slk::write_z85({to, length}, std::as_bytes(std::span(data, size)));
    to[length] = '\0';
    return to;
}

uint8_t* zmq_z85_decode(uint8_t* to, const char* text)
{
    if (to == nullptr || text == nullptr)
        return fail_null(EINVAL);
    const std::string_view from(text);
    const std::span into(to, from.size() / 5 * 4);
    if (from.empty() || !slk::read_z85(std::as_writable_bytes(into), from))
        return fail_null(EINVAL);
    return to;
}
