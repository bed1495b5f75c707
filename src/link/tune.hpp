// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_TUNE_HPP
#define SLK_LINK_TUNE_HPP

/// Applies tuning_options to a socket, in the two moments that TCP has for them.

#include <serverlink/tuning.hpp>

#include "io/poller.hpp"

namespace slk::link_detail {

/// Buffers, because the window scale is fixed by the SYN, and the device, which chooses the route.
[[nodiscard]] result<void> tune_before_connect(io::poller& poller, io::socket_id id,
                                               const tuning_options& options);
/// Everything else. On IOCP the socket is complete only after SO_UPDATE_CONNECT_CONTEXT, which the
/// backend has done by then.
/// A local connection has none of TCP's settings: what was asked for fails, the defaults are left
/// out.
[[nodiscard]] result<void> tune_connected(io::poller& poller, io::socket_id id,
                                          address_family family, const tuning_options& options);

} // namespace slk::link_detail

#endif
