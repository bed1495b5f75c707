// SPDX-License-Identifier: MPL-2.0
#include "messaging/context/yield_policy.hpp"

namespace slk::messaging {

yield_policy& own_yield_policy() noexcept
{
    thread_local yield_policy own;
    return own;
}

} // namespace slk::messaging
