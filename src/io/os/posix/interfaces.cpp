// SPDX-License-Identifier: MPL-2.0
#include "base/try_allocate.hpp"
#include "io/os/posix/sockaddr.hpp"
#include "io/os/system.hpp"

#include <cerrno>
#include <memory>

#include <ifaddrs.h>

namespace slk::io::os {

namespace {

struct free_list {
    void operator()(ifaddrs* first) const noexcept { ::freeifaddrs(first); }
};

} // namespace

result<std::vector<address>> interface_addresses(const std::string& name)
{
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0)
        return fail(translate(errno, phase::bind));
    const std::unique_ptr<ifaddrs, free_list> owned(first);
    std::vector<address> found;
    bool exists = false;
    for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
        if (name != each->ifa_name)
            continue;
        exists = true;
        const bool usable = each->ifa_addr != nullptr && (each->ifa_addr->sa_family == AF_INET ||
                                                          each->ifa_addr->sa_family == AF_INET6);
        if (usable && !try_push_back(found, from_native(each->ifa_addr)))
            return fail(errc::out_of_memory, phase::bind);
    }
    if (found.empty())
        return fail(errc::address_not_available, phase::bind,
                    exists ? "the network interface has no address"
                           : "no network interface of that name");
    return found;
}

} // namespace slk::io::os
