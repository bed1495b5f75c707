// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_WAIT_OR_INTERRUPT_HPP
#define SLK_MESSAGING_SOCKET_WAIT_OR_INTERRUPT_HPP

#include <serverlink/wait.hpp>

#include <atomic>

namespace slk::messaging {

/// As slk::wait(), for items that are sockets. Another thread ends it: it sets `interrupted`, and
/// wakes the inbox of one of the sockets and its context. Further error: interrupted.
[[nodiscard]] result<std::size_t> wait_or_interrupt(std::span<wait_item> items,
                                                    const timeout& limit,
                                                    const std::atomic<bool>& interrupted);

} // namespace slk::messaging

#endif
