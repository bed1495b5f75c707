// SPDX-License-Identifier: MPL-2.0
#include "messaging/observe/endpoint_log.hpp"

namespace slk::messaging {

void endpoint_log::handshake_failed(const error& why) noexcept
{
    owner_->counters().handshake_failures.add(1);
    const std::lock_guard lock(guard_);
    ++failures_.count;
    failures_.latest = why;
}

endpoint_log::failures endpoint_log::handshake_failures() const noexcept
{
    const std::lock_guard lock(guard_);
    return failures_;
}

} // namespace slk::messaging
