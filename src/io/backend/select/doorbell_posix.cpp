// SPDX-License-Identifier: MPL-2.0
#include "io/backend/select/doorbell.hpp"
#include "io/os/system.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace slk::io::select {

namespace {

#if defined(__APPLE__)
bool open_pipe(int (&ends)[2]) noexcept
{
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
}
#else
bool open_pipe(int (&ends)[2]) noexcept
{
    return ::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0;
}
#endif

} // namespace

doorbell::~doorbell()
{
    for (const native_handle end : {listens_, rings_})
        if (end != invalid_handle)
            ::close(static_cast<int>(end));
}

result<void> doorbell::open()
{
    int ends[2];
    if (!open_pipe(ends))
        return fail(os::translate(errno, phase::setup));
    listens_ = ends[0];
    rings_ = ends[1];
    return {};
}

void doorbell::signal() noexcept
{
    // There is at most one byte in the pipe, so there is always room.
    const char one = 1;
    while (::write(static_cast<int>(rings_), &one, 1) < 0 && errno == EINTR) {
    }
}

void doorbell::drain() noexcept
{
    char taken = 0;
    while (::read(static_cast<int>(listens_), &taken, 1) < 0 && errno == EINTR) {
    }
}

} // namespace slk::io::select
