// SPDX-License-Identifier: MPL-2.0
#include "io/os/wake_signal.hpp"

#include "io/os/posix/pipe.hpp"
#include "io/os/system.hpp"

#include <cerrno>
#include <utility>

#include <unistd.h>

namespace slk::io::os {

namespace {

constexpr int max_wake_tries = 16;

} // namespace

void wake_signal::close() noexcept
{
    for (native_handle* const end : {&read_end_, &write_end_})
        if (*end != invalid_handle)
            ::close(static_cast<int>(std::exchange(*end, invalid_handle)));
}

result<void> wake_signal::open()
{
    int ends[2];
    if (!open_pipe(ends))
        return fail(translate(errno, phase::setup));
    read_end_ = ends[0];
    write_end_ = ends[1];
    return {};
}

bool wake_signal::write_byte() noexcept
{
    // There is at most one byte in the pipe, so there is always room.
    const char one = 1;
    for (int tries = 0; tries < max_wake_tries; ++tries) {
        if (::write(static_cast<int>(write_end_), &one, 1) > 0)
            return true;
        if (errno != EINTR)
            return false;
    }
    return false;
}

void wake_signal::drain() noexcept
{
    // A byte that stays wakes the loop once more.
    char taken = 0;
    for (int tries = 0; tries < max_wake_tries; ++tries)
        if (::read(static_cast<int>(read_end_), &taken, 1) >= 0 || errno != EINTR)
            return;
}

} // namespace slk::io::os
