// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_IO_URING_IO_URING_POLLER_HPP
#define SLK_IO_BACKEND_IO_URING_IO_URING_POLLER_HPP

#include "io/poller.hpp"

#include <memory>

namespace slk::io {

/// Linux, io_uring(7), from 5.13 on. A missing or forbidden feature is an error with its errno:
/// ENOSYS (none in the kernel), EPERM (a sandbox, or the sysctl io_uring_disabled), ENOMEM, ...
[[nodiscard]] result<std::unique_ptr<poller>> make_io_uring_poller(clock& time);

} // namespace slk::io

#endif
