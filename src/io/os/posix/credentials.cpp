// SPDX-License-Identifier: MPL-2.0

// SO_PEERCRED in unix(7); getpeereid(3) elsewhere.

// struct ucred.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE 1
#endif

#include "io/os/credentials.hpp"

#include "io/os/system.hpp"

#include <cerrno>

#include <sys/socket.h>
#include <unistd.h>

namespace slk::io::os {

result<credentials> peer_credentials(std::intptr_t socket) noexcept
{
    const int fd = static_cast<int>(socket);
#if defined(SO_PEERCRED) && defined(__linux__)
    ucred told{};
    socklen_t size = sizeof told;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &told, &size) != 0)
        return fail(translate(errno, phase::accept));
    return credentials{static_cast<std::uint32_t>(told.pid), told.uid, told.gid};
#else
    uid_t user = 0;
    gid_t group = 0;
    if (::getpeereid(fd, &user, &group) != 0)
        return fail(translate(errno, phase::accept));
    return credentials{std::nullopt, user, group};
#endif
}

} // namespace slk::io::os
