// SPDX-License-Identifier: MPL-2.0
#include "io/backend/eventfd/wake_event.hpp"

#include "io/os/system.hpp"

#include <cerrno>
#include <cstdint>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace slk::io {

namespace {

constexpr int max_interrupted_tries = 16;

} // namespace

result<void> wake_event::open()
{
    descriptor_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor_ < 0)
        return fail(os::translate(errno, phase::setup));
    return {};
}

void wake_event::close() noexcept
{
    if (descriptor_ >= 0)
        ::close(std::exchange(descriptor_, -1));
}

bool wake_event::write() noexcept
{
    const std::uint64_t one = 1;
    for (int tries = 0; tries < max_interrupted_tries; ++tries) {
        if (::write(descriptor_, &one, sizeof one) >= 0)
            return true;
        if (errno == EAGAIN) {
            // At one write per wake the counter outlasts the machine, but a full counter would
            // refuse writes for ever.
            std::uint64_t count = 0;
            (void)!::read(descriptor_, &count, sizeof count);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return false;
}

} // namespace slk::io
