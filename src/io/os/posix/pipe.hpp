// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_POSIX_PIPE_HPP
#define SLK_IO_OS_POSIX_PIPE_HPP

/// A pipe whose ends do not wait, and which a program that a child executes does not inherit.

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace slk::io::os {

/// Returns false with errno set.
[[nodiscard]] inline bool open_pipe(int (&ends)[2]) noexcept
{
#if defined(__APPLE__)
    if (::pipe(ends) != 0)
        return false;
    for (const int end : ends)
        if (::fcntl(end, F_SETFD, FD_CLOEXEC) != 0 || ::fcntl(end, F_SETFL, O_NONBLOCK) != 0) {
            const int native = errno;
            ::close(ends[0]);
            ::close(ends[1]);
            errno = native;
            return false;
        }
    return true;
#else
    return ::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0;
#endif
}

} // namespace slk::io::os

#endif
