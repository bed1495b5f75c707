// SPDX-License-Identifier: MPL-2.0
#include "base/try_allocate.hpp"
#include "io/os/posix/sockaddr.hpp"
#include "io/os/system.hpp"

#include <algorithm>
#include <memory>

#include <net/if.h>
#include <netdb.h>

namespace slk::io::os {

namespace {

struct free_addresses {
    void operator()(addrinfo* first) const noexcept { ::freeaddrinfo(first); }
};

} // namespace

result<std::vector<address>> resolve(const std::string& host, std::uint16_t port)
{
    // No AI_ADDRCONFIG: it hides ::1 from a machine without another IPv6 address, and an
    // unreachable address costs a race of several addresses nothing.
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    addrinfo* found = nullptr;
    if (const int native = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); native != 0)
        return fail(translate_name_error(native));
    const std::unique_ptr<addrinfo, free_addresses> owned(found);
    std::vector<address> addresses;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        address value = from_native(each->ai_addr);
        value.port = port;
        const bool known = std::find(addresses.begin(), addresses.end(), value) != addresses.end();
        if (value.family == address_family::none || known)
            continue;
        if (!try_push_back(addresses, value))
            return fail(errc::out_of_memory, phase::resolve);
    }
    if (addresses.empty())
        return fail(errc::name_not_found, phase::resolve);
    return addresses;
}

std::uint32_t interface_index(std::string_view name) noexcept
{
    char terminated[IF_NAMESIZE] = {};
    if (name.size() >= sizeof terminated)
        return 0;
    name.copy(terminated, name.size());
    return ::if_nametoindex(terminated);
}

} // namespace slk::io::os
