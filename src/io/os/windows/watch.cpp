// SPDX-License-Identifier: MPL-2.0
#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

namespace slk::io::os {

const bool exceptional_means_failed = true;

result<void> check_watchable(native_handle handle) noexcept
{
    int type = 0;
    int length = sizeof type;
    if (::getsockopt(static_cast<SOCKET>(handle), SOL_SOCKET, SO_TYPE,
                     reinterpret_cast<char*>(&type), &length) != 0)
        return fail(errc::invalid_argument, phase::setup, "not an open socket");
    return {};
}

bool has_failed(native_handle /*handle*/) noexcept
{
    return false;
}

} // namespace slk::io::os
