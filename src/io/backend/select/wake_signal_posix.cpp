// SPDX-License-Identifier: MPL-2.0
#include "io/backend/select/wake_signal.hpp"
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

wake_signal::~wake_signal()
{
    for (const native_handle end : {read_end_, write_end_})
        if (end != invalid_handle)
            ::close(static_cast<int>(end));
}

result<void> wake_signal::open()
{
    int ends[2];
    if (!open_pipe(ends))
        return fail(os::translate(errno, phase::setup));
    read_end_ = ends[0];
    write_end_ = ends[1];
    return {};
}

void wake_signal::write_byte() noexcept
{
    // There is at most one byte in the pipe, so there is always room.
    const char one = 1;
    while (::write(static_cast<int>(write_end_), &one, 1) < 0 && errno == EINTR) {
    }
}

void wake_signal::drain() noexcept
{
    char taken = 0;
    while (::read(static_cast<int>(read_end_), &taken, 1) < 0 && errno == EINTR) {
    }
}

} // namespace slk::io::select
