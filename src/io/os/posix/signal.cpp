// SPDX-License-Identifier: MPL-2.0
#include "io/os/signal.hpp"

#include "base/try_allocate.hpp"
#include "io/os/system.hpp"

#include <cerrno>
#include <climits>
#include <new>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace slk::io::os {

namespace {

bool prepare(int descriptor) noexcept
{
    return ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 &&
           ::fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0;
}

int milliseconds(duration time) noexcept
{
    if (time == duration::max())
        return -1;
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(time).count();
    return whole < INT_MAX ? static_cast<int>(whole) : INT_MAX;
}

} // namespace

result<std::unique_ptr<signal>> signal::create()
{
    std::unique_ptr<signal> made(new (std::nothrow) signal);
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    int ends[2];
    if (::pipe(ends) != 0)
        return fail(translate(errno, phase::setup));
    made->waits_ = ends[0];
    made->raises_ = ends[1];
    if (!prepare(ends[0]) || !prepare(ends[1]))
        return fail(translate(errno, phase::setup));
    return made;
}

signal::~signal()
{
    for (const native_handle end : {waits_, raises_})
        if (end != invalid_handle)
            ::close(static_cast<int>(end));
}

void signal::raise() noexcept
{
    const char one = 1;
    while (::write(static_cast<int>(raises_), &one, 1) < 0 && errno == EINTR) {
    }
}

void signal::lower() noexcept
{
    char some[16];
    while (::read(static_cast<int>(waits_), some, sizeof some) < 0 && errno == EINTR) {
    }
}

result<std::size_t> wait_for(std::span<watched> all, duration timeout)
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
        asked.push_back({static_cast<int>(each.handle), events, 0});
    }
    const int ready =
        ::poll(asked.data(), static_cast<nfds_t>(asked.size()), milliseconds(timeout));
    if (ready < 0 && errno != EINTR)
        return fail(translate(errno, phase::none));
    for (std::size_t index = 0; index < all.size(); ++index) {
        const short events = ready > 0 ? asked[index].revents : short{0};
        if ((events & POLLNVAL) != 0)
            return fail(errc::invalid_argument, phase::none, "not an open descriptor");
        const bool over = (events & (POLLERR | POLLHUP)) != 0;
        all[index].readable = all[index].for_reading && ((events & POLLIN) != 0 || over);
        all[index].writable = all[index].for_writing && ((events & POLLOUT) != 0 || over);
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
