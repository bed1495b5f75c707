// SPDX-License-Identifier: MPL-2.0
#include "io/os/signal.hpp"

#include "base/try_allocate.hpp"
#include "io/os/posix/pipe.hpp"
#include "io/os/system.hpp"

#include <cerrno>
#include <climits>
#include <new>
#include <vector>

#include <poll.h>
#include <unistd.h>

namespace slk::io::os {

namespace {

constexpr int max_interrupted_tries = 16;

int milliseconds(duration time) noexcept
{
    if (time == duration::max())
        return -1;
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(time).count();
    return whole < INT_MAX ? static_cast<int>(whole) : INT_MAX;
}

} // namespace

result<std::unique_ptr<signal>> signal::create(bool)
{
    std::unique_ptr<signal> made(new (std::nothrow) signal);
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    int ends[2];
    if (!open_pipe(ends))
        return fail(translate(errno, phase::setup));
    made->waits_ = ends[0];
    made->raises_ = ends[1];
    return made;
}

signal::~signal()
{
    for (const native_handle end : {waits_, raises_})
        if (end != invalid_handle)
            ::close(static_cast<int>(end));
}

bool signal::raise() noexcept
{
    const char one = 1;
    for (int tries = 0; tries < max_interrupted_tries; ++tries) {
        if (::write(static_cast<int>(raises_), &one, 1) > 0)
            return true;
        if (errno == EAGAIN)
            return true; // it is full, and so readable
        if (errno != EINTR)
            return false;
    }
    return false;
}

void signal::lower() noexcept
{
    // Bytes that stay show a report too many.
    char some[16];
    for (int tries = 0; tries < max_interrupted_tries; ++tries)
        if (::read(static_cast<int>(waits_), some, sizeof some) >= 0 || errno != EINTR)
            return;
}

result<std::size_t> wait_for(std::span<watched> all, duration timeout, bool* interrupted)
{
    std::vector<pollfd> asked;
    if (!try_reserve(asked, all.size()))
        return fail(errc::out_of_memory, phase::none);
    for (const watched& each : all) {
        short events = 0;
        if (each.for_reading)
            events |= POLLIN;
        if (each.for_writing)
            events |= POLLOUT;
        if (each.for_urgent)
            events |= POLLPRI;
        // poll() reports some events unasked, but ignores a negative descriptor.
        const bool wanted = events != 0 || each.for_failure;
        asked.push_back({wanted ? static_cast<int>(each.handle) : -1, events, 0});
    }
    const int ready =
        ::poll(asked.data(), static_cast<nfds_t>(asked.size()), milliseconds(timeout));
    if (ready < 0 && errno != EINTR)
        return fail(translate(errno, phase::none));
    if (interrupted != nullptr)
        *interrupted = ready < 0;
    for (std::size_t index = 0; index < all.size(); ++index) {
        const short events = ready > 0 ? asked[index].revents : short{0};
        watched& each = all[index];
        if ((events & POLLNVAL) != 0 && !each.apart)
            return fail(errc::invalid_argument, phase::none, "not an open descriptor");
        each.failed = (events & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        const bool over = each.failed && !each.apart;
        each.readable = each.for_reading && ((events & POLLIN) != 0 || over);
        each.writable = each.for_writing && ((events & POLLOUT) != 0 || over);
        each.urgent = each.for_urgent && (events & POLLPRI) != 0;
    }
    return static_cast<std::size_t>(std::max(ready, 0));
}

result<bool> wait_until_writable(native_handle socket, duration timeout) noexcept
{
    pollfd asked{static_cast<int>(socket), POLLOUT, 0};
    const int ready = ::poll(&asked, 1, milliseconds(timeout));
    if (ready < 0 && errno != EINTR)
        return fail(translate(errno, phase::none));
    if (ready > 0 && (asked.revents & POLLNVAL) != 0)
        return fail(errc::invalid_argument, phase::none, "not an open descriptor");
    return ready > 0;
}

} // namespace slk::io::os
