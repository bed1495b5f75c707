// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_OPEN_WHEN_FREE_HPP
#define SLK_LINK_OPEN_WHEN_FREE_HPP

/// Opens a listener at an address whose owner may have just ended.
///
/// Linux ends the requests of an io_uring in the background when its process is gone
/// (io_ring_exit_work in the kernel's io_uring.c), and each of them holds its socket. So the port
/// of a program that was killed, or that ended without closing its listener, stays in use for a
/// while, whichever backend its successor has: 7 ms in the median and at most 16 ms of 200 trials
/// on a busy machine (Linux 6.18); after a program on epoll or select it was free within 0.2 ms.

#include <serverlink/endpoint.hpp>
#include <serverlink/result.hpp>

#include "io/os/system.hpp"

#include <chrono>
#include <thread>

namespace slk::link_detail {

/// Returns what open() returns, a result. While that is address_in_use, calls it again for a time
/// (os::max_release_time()), unless the caller may not wait.
template <class Open>
[[nodiscard]] auto open_when_free(bool may_wait, transport by, const Open& open)
{
    // To look for the owner of an ipc name is a connection for that one.
    const duration pause = std::chrono::milliseconds(by == transport::ipc ? 20 : 1);
    clock& time = system_clock_source();
    auto opened = open();
    const time_point until = time.now() + io::os::max_release_time();
    while (may_wait && !opened && opened.error() == errc::address_in_use && time.now() < until) {
        std::this_thread::sleep_for(pause);
        opened = open();
    }
    return opened;
}

} // namespace slk::link_detail

#endif
