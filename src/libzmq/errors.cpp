// SPDX-License-Identifier: MPL-2.0
#include "libzmq/errors.hpp"

#include <libzmq/zmq.h>

#include <algorithm>
#include <cstring>
#include <iterator>

namespace slk::libzmq {

namespace {

struct number_for {
    errc of;
    int number;
    bool prefers_native = false; ///< the system's number, if there is one
};

constexpr number_for numbers[]{
    {errc::ok, 0},
    {errc::invalid_argument, EINVAL},
    {errc::invalid_state, EFSM},
    {errc::not_supported, ENOTSUP},
    {errc::in_progress, EINVAL},
    {errc::already_exists, EADDRINUSE},
    {errc::not_found, ENOENT},
    {errc::cancelled, ETERM},
    {errc::loop_closed, ETERM},
    {errc::forked, ETERM},
    {errc::connection_refused, ECONNREFUSED},
    {errc::timed_out, EAGAIN},
    {errc::network_unreachable, ENETUNREACH, true},
    {errc::host_unreachable, EHOSTUNREACH, true},
    {errc::network_down, ENETDOWN, true},
    {errc::permission_denied, EACCES, true},
    {errc::address_in_use, EADDRINUSE},
    {errc::address_not_available, EADDRNOTAVAIL, true},
    {errc::no_local_port, EADDRINUSE},
    {errc::address_family_not_supported, EAFNOSUPPORT},
    {errc::name_not_found, EINVAL},
    {errc::name_lookup_failed, EINVAL},
    {errc::connection_reset, ECONNRESET},
    {errc::connection_aborted, ECONNABORTED},
    {errc::not_connected, ENOTCONN},
    {errc::end_of_stream, EPIPE},
    {errc::broken_pipe, EPIPE},
    {errc::too_many_descriptors, EMFILE, true},
    {errc::out_of_memory, ENOMEM, true},
    {errc::protocol_error, EPROTO},
    {errc::authentication_refused, EACCES},
    {errc::rejected, EACCES},
    {errc::message_too_large, EMSGSIZE},
    {errc::no_route, EHOSTUNREACH},
    {errc::peer_replaced, EHOSTUNREACH},
    {errc::would_block, EAGAIN},
    {errc::interrupted, EINTR},
};

} // namespace

int fail(int number) noexcept
{
    errno = number;
    return -1;
}

std::nullptr_t fail_null(int number) noexcept
{
    errno = number;
    return nullptr;
}

int errno_of(const error& failure) noexcept
{
    const auto known = std::ranges::find(numbers, failure.code, &number_for::of);
#if defined(_WIN32)
    // Its numbers are not those of errno.
    const bool has_native = false;
#else
    const bool has_native = failure.native > 0;
#endif
    if (known != std::end(numbers) && !(known->prefers_native && has_native))
        return known->number;
    return has_native ? failure.native : EINVAL;
}

int fail_with(const error& failure) noexcept
{
    return fail(errno_of(failure));
}

} // namespace slk::libzmq

int zmq_errno(void)
{
    return errno;
}

const char* zmq_strerror(int errnum)
{
    switch (errnum) {
    case EFSM: return "Operation cannot be accomplished in current state";
    case ENOCOMPATPROTO: return "The protocol is not compatible with the socket type";
    case ETERM: return "Context was terminated";
    case EMTHREAD: return "No thread available";
    case EHOSTUNREACH: return "Host unreachable";
    default: break;
    }
    const char* const text = std::strerror(errnum);
    return text != nullptr ? text : "Unknown error";
}
