// SPDX-License-Identifier: MPL-2.0
#include "io/os/credentials.hpp"

namespace slk::io::os {

result<credentials> peer_credentials(std::intptr_t) noexcept
{
    return fail(errc::not_supported, phase::accept, "Windows does not tell who a peer is");
}

} // namespace slk::io::os
