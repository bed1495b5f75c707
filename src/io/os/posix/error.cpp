// SPDX-License-Identifier: MPL-2.0
#include "io/os/system.hpp"

#include <cerrno>

#include <netdb.h>

namespace slk::io::os {

namespace {

struct meaning {
    int native;
    errc code;
};

// Every errno that the manual pages of the socket, epoll and eventfd calls name. Some systems give
// two names one number; the first line counts.
constexpr meaning meanings[] = {
    // The call, or its arguments.
    {EINVAL, errc::invalid_argument},
    {EFAULT, errc::invalid_argument},
    {EDOM, errc::invalid_argument},
    {EDESTADDRREQ, errc::invalid_argument},
    {ENAMETOOLONG, errc::invalid_argument},
    {ENODEV, errc::invalid_argument}, // SO_BINDTODEVICE, a scope: no such interface
    {EBADF, errc::invalid_state},
    {ENOTSOCK, errc::invalid_state},
    {EISCONN, errc::invalid_state},
    {EEXIST, errc::invalid_state},
    {ENOENT, errc::invalid_state},
    {ENOTDIR, errc::invalid_state},
    {ELOOP, errc::invalid_state},
    {EROFS, errc::permission_denied},
    {EOPNOTSUPP, errc::not_supported},
    {ENOTSUP, errc::not_supported},
    {ENOPROTOOPT, errc::not_supported},
    {EPROTONOSUPPORT, errc::not_supported},
    {ESOCKTNOSUPPORT, errc::not_supported},
    {EPROTOTYPE, errc::not_supported},
    {ENOSYS, errc::not_supported},
    {EALREADY, errc::in_progress},
    {EINPROGRESS, errc::in_progress},
    {EAGAIN, errc::would_block},
    {EWOULDBLOCK, errc::would_block},
    {EINTR, errc::interrupted},
    {ECANCELED, errc::cancelled},

    // Connecting.
    {ECONNREFUSED, errc::connection_refused},
    {ETIMEDOUT, errc::timed_out},
    {ENETUNREACH, errc::network_unreachable},
    {EHOSTUNREACH, errc::host_unreachable},
    {EHOSTDOWN, errc::host_unreachable},
    {ENETDOWN, errc::network_down},
#if defined(ENONET)
    {ENONET, errc::network_down},
#endif
    {EACCES, errc::permission_denied},
    {EPERM, errc::permission_denied},
    {EADDRINUSE, errc::address_in_use},
    {EADDRNOTAVAIL, errc::address_not_available},
    {EAFNOSUPPORT, errc::address_family_not_supported},
    {EPFNOSUPPORT, errc::address_family_not_supported},

    // Established.
    {ECONNRESET, errc::connection_reset},
    {ENETRESET, errc::connection_reset},
    {ECONNABORTED, errc::connection_aborted},
    {EPROTO, errc::connection_aborted}, // accept: it broke before we took it
    {ENOTCONN, errc::not_connected},
    {EPIPE, errc::broken_pipe},
    {ESHUTDOWN, errc::broken_pipe},
    {EMSGSIZE, errc::message_too_large},

    // Resources.
    {EMFILE, errc::too_many_descriptors},
    {ENFILE, errc::too_many_descriptors},
    {ENOBUFS, errc::out_of_memory},
    {ENOMEM, errc::out_of_memory},
    {ENOSPC, errc::out_of_memory}, // epoll_ctl: max_user_watches
#if defined(ENOSR)
    {ENOSR, errc::out_of_memory},
#endif
};

errc lookup(int native) noexcept
{
    for (const meaning& line : meanings)
        if (line.native == native)
            return line.code;
    return errc::unknown;
}

/// The meaning of the same number for connect(2), whose arguments have been checked before.
errc in_connect(int native, errc otherwise) noexcept
{
    switch (native) {
    case EADDRNOTAVAIL: // the ephemeral ports to this peer are used up
    case EADDRINUSE:
    case EAGAIN:        // connect(2): "no more free local ports or insufficient routing entries"
        return errc::no_local_port;
    case EINVAL:        // a blackhole route (ip-route(8))
        return errc::network_unreachable;
    default: return otherwise;
    }
}

/// The meaning of the same number for send(2) and recv(2).
errc in_transfer(int native, errc otherwise) noexcept
{
    // macOS: the peer has closed or reset the connection at this moment (sosend() in its kernel;
    // libuv and Go treat it as a reset, too).
    return native == EPROTOTYPE ? errc::connection_reset : otherwise;
}

} // namespace

error translate(int native, phase in) noexcept
{
    errc code = lookup(native);
    if (in == phase::connect)
        code = in_connect(native, code);
    else if (in == phase::transfer)
        code = in_transfer(native, code);
    return {code, in, native, nullptr};
}

error translate_name_error(int native) noexcept
{
    errc code = errc::unknown;
    switch (native) {
    case EAI_NONAME:
#if defined(EAI_NODATA)
    case EAI_NODATA:
#endif
#if defined(EAI_ADDRFAMILY)
    case EAI_ADDRFAMILY:
#endif
        code = errc::name_not_found;
        break;
    case EAI_AGAIN:
    case EAI_FAIL: code = errc::name_lookup_failed; break;
    case EAI_FAMILY: code = errc::address_family_not_supported; break;
    case EAI_MEMORY: code = errc::out_of_memory; break;
    case EAI_BADFLAGS:
    case EAI_SERVICE:
    case EAI_SOCKTYPE: code = errc::invalid_argument; break;
    case EAI_SYSTEM:
        // errno has the reason; a name service that could not be reached may answer later.
        return {errc::name_lookup_failed, phase::resolve, errno, "the name service failed"};
    default: break;
    }
    return {code, phase::resolve, native, nullptr};
}

} // namespace slk::io::os
