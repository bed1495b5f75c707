// SPDX-License-Identifier: MPL-2.0
#include "io/os/system.hpp"
#include "io/os/windows/codes.hpp"
#include "io/os/windows/winsock.hpp"

namespace slk::io::os {

error translate(int native, phase in) noexcept
{
    return error{windows::meaning_of_code(native, in), in, native};
}

error translate_name_error(int native) noexcept
{
    return error{windows::meaning_of_name_code(native), phase::resolve, native};
}

error windows::last_error(phase in) noexcept
{
    return translate(WSAGetLastError(), in);
}

} // namespace slk::io::os
