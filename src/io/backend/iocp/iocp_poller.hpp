// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IOCP_IOCP_POLLER_HPP
#define SLK_IO_BACKEND_IOCP_IOCP_POLLER_HPP

/// The backend for Windows: an I/O completion port (Windows 8 and later).

#include "io/poller.hpp"

namespace slk::io {

[[nodiscard]] result<std::unique_ptr<poller>> make_iocp_poller(clock& time);

} // namespace slk::io

#endif
