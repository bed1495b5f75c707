// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_KQUEUE_KQUEUE_POLLER_HPP
#define SLK_IO_BACKEND_KQUEUE_KQUEUE_POLLER_HPP

#include "io/poller.hpp"

#include <memory>

namespace slk::io {

/// BSD and macOS, kqueue(2): by edges (EV_CLEAR), two filters per socket for its whole life.
[[nodiscard]] result<std::unique_ptr<poller>> make_kqueue_poller(clock& time);

} // namespace slk::io

#endif
