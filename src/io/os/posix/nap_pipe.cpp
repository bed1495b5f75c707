// SPDX-License-Identifier: MPL-2.0

// POSIX without futexes: poll(2) returns EINTR.

#include "io/os/nap.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <poll.h>

namespace slk::io::os {

bool nap::prepare() noexcept
{
    if (pipe_ == nullptr) {
        auto made = signal::create();
        if (!made)
            return false;
        pipe_ = std::move(*made);
    }
    pipe_->clear();
    return true;
}

bool nap::sleep(duration timeout) noexcept
{
    const duration shortened = std::min<duration>(timeout, std::chrono::hours(24));
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(shortened).count();
    pollfd asked{static_cast<int>(pipe_->handle()), POLLIN, 0};
    return ::poll(&asked, 1, static_cast<int>(whole)) < 0 && errno == EINTR;
}

void nap::wake() noexcept
{
    pipe_->set();
}

} // namespace slk::io::os
