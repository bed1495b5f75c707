// SPDX-License-Identifier: MPL-2.0
#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

namespace slk::io::os {

namespace {

int start_winsock() noexcept
{
    WSADATA ignored;
    return WSAStartup(MAKEWORD(2, 2), &ignored);
}

} // namespace

result<void> start_network()
{
    // Never undone: WSACleanup at exit would race with other users in the process, and the system
    // frees everything by itself.
    static const int outcome = start_winsock();
    if (outcome != 0)
        return fail(translate(outcome, phase::setup));
    return {};
}

} // namespace slk::io::os
