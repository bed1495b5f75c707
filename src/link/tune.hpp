// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_TUNE_HPP
#define SLK_LINK_TUNE_HPP

/// Applies tuning_options to a socket, at the two times that TCP requires.

#include <serverlink/tuning.hpp>

#include "io/poller.hpp"

namespace slk::link_detail {

/// Buffers, because the SYN fixes the window scale, and the device, which chooses the route.
[[nodiscard]] result<void> tune_before_connect(io::poller& poller, io::socket_id id,
                                               const tuning_options& options);
/// All other options. On IOCP the socket is complete only after SO_UPDATE_CONNECT_CONTEXT, which
/// the backend has set by then. A local connection has no TCP options: explicit ones fail, the
/// defaults are left out.
[[nodiscard]] result<void> tune_connected(io::poller& poller, io::socket_id id,
                                          address_family family, const tuning_options& options);

} // namespace slk::link_detail

#endif
