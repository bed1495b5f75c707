// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_SELECT_SELECT_POLLER_HPP
#define SLK_IO_BACKEND_SELECT_SELECT_POLLER_HPP

#include "io/poller.hpp"

#include <memory>

namespace slk::io {

/// Every system, select(2): the last choice, because the cost of a turn grows with the number of
/// waiting sockets.
[[nodiscard]] result<std::unique_ptr<poller>> make_select_poller(clock& time);

} // namespace slk::io

#endif
