// SPDX-License-Identifier: MPL-2.0
#include "io/os/system.hpp"

#include <cerrno>
#include <climits>

#include <poll.h>
#include <sys/stat.h>

namespace slk::io::os {

const bool exceptional_means_failed = false;

result<void> check_watchable(native_handle handle) noexcept
{
    struct stat about{};
    if (handle < 0 || handle > INT_MAX || ::fstat(static_cast<int>(handle), &about) != 0)
        return fail(errc::invalid_argument, phase::setup, "not an open descriptor");
    if (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode) || S_ISBLK(about.st_mode))
        return fail(errc::invalid_argument, phase::setup,
                    "a file is always ready, and cannot be waited for");
    return {};
}

bool has_failed(native_handle handle) noexcept
{
    pollfd asked{static_cast<int>(handle), 0, 0};
    return ::poll(&asked, 1, 0) > 0 && (asked.revents & (POLLERR | POLLHUP)) != 0;
}

} // namespace slk::io::os
