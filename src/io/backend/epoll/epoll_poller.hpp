// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_EPOLL_EPOLL_POLLER_HPP
#define SLK_IO_BACKEND_EPOLL_EPOLL_POLLER_HPP

#include "io/poller.hpp"

#include <memory>

namespace slk::io {

/// Linux, epoll(7): edge-triggered, one registration per socket for its whole life.
[[nodiscard]] result<std::unique_ptr<poller>> make_epoll_poller(clock& time);

} // namespace slk::io

#endif
