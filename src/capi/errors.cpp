// SPDX-License-Identifier: MPL-2.0
#include "capi/errors.hpp"

#include <serverlink/serverlink.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace slk::capi {

namespace {

thread_local int last_error = 0;

} // namespace

int fail_with(int code) noexcept
{
    last_error = code;
    return -1;
}

int fail_with_errno(int number) noexcept
{
    errno = number;
    return -1;
}

namespace {

struct code_for {
    errc of;
    int code;
    bool prefers_native = false; ///< the system's number, if there is one
};

constexpr code_for codes[]{
    {errc::ok, 0},
    {errc::invalid_argument, SLK_EINVAL},
    {errc::out_of_memory, SLK_ENOMEM},
    {errc::would_block, SLK_EAGAIN},
    {errc::timed_out, SLK_EAGAIN},
    {errc::cancelled, SLK_ETERM},
    {errc::loop_closed, SLK_ETERM},
    {errc::forked, SLK_ETERM},
    {errc::no_route, SLK_EHOSTUNREACH},
    {errc::peer_replaced, SLK_EHOSTUNREACH},
    {errc::already_exists, EEXIST},
    {errc::not_found, ENOENT},
    {errc::not_supported, native::not_supported},
    {errc::interrupted, native::interrupted},
    {errc::too_many_descriptors, native::too_many_open},
    {errc::address_in_use, native::address_in_use, true},
    {errc::address_not_available, native::address_not_available, true},
    {errc::permission_denied, native::permission_denied, true},
};

} // namespace

int code_of(const error& failure) noexcept
{
    const auto known = std::ranges::find(codes, failure.code, &code_for::of);
    if (known != std::end(codes) && (!known->prefers_native || failure.native == 0))
        return known->code;
    return failure.native != 0 ? failure.native : SLK_EPROTO;
}

int fail_with(const error& failure) noexcept
{
    return fail_with(code_of(failure));
}

} // namespace slk::capi

int slk_errno(void)
{
    return slk::capi::last_error;
}

const char* slk_strerror(int errnum)
{
    switch (errnum) {
    case SLK_EINVAL: return "Invalid argument";
    case SLK_ENOMEM: return "Out of memory";
    case SLK_EAGAIN: return "Resource temporarily unavailable";
    case SLK_ENOTSOCK: return "Not a socket";
    case SLK_EPROTO: return "Protocol error";
    case SLK_ETERM: return "Context terminated";
    case SLK_EMTHREAD: return "No I/O thread available";
    case SLK_EHOSTUNREACH: return "Host unreachable";
    case SLK_ENOTREADY: return "Socket not ready";
    case SLK_EPEERUNREACH: return "Peer unreachable";
    case SLK_EAUTH: return "Authentication failed";
    default: break;
    }
    const char* const text = std::strerror(errnum);
    return text != nullptr ? text : "Unknown error";
}
