// SPDX-License-Identifier: MPL-2.0
#include "io/os/attempt.hpp"
#include "io/os/system.hpp"

#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace slk::io::os {

namespace {

native_handle open_reserve() noexcept
{
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

} // namespace

reserve_descriptor::reserve_descriptor() noexcept : reserve_(open_reserve()) {}

reserve_descriptor::~reserve_descriptor()
{
    if (reserve_ != invalid_handle)
        ::close(static_cast<int>(reserve_));
}

std::size_t reserve_descriptor::shed(native_handle listener, std::size_t max) noexcept
{
    if (reserve_ != invalid_handle) {
        // The number is forgotten first: a process that is forked in between must not close it.
        ::close(static_cast<int>(std::exchange(reserve_, invalid_handle)));
    }
    std::size_t count = 0;
    native_handle accepted = invalid_handle;
    while (count < max && !try_accept(listener, accepted)) {
        close(accepted, close_mode::reset);
        ++count;
    }
    reserve_ = open_reserve(); // may fail if another thread was faster; the next shed tries again
    return count;
}

} // namespace slk::io::os
