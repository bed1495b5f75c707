// SPDX-License-Identifier: MPL-2.0
#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

#include <iphlpapi.h>

#include <memory>

namespace slk::io::os {

namespace {

/// The displayed name ("Ethernet"), in UTF-8.
std::string narrow(const wchar_t* text)
{
    const int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
    if (size <= 1)
        return {};
    std::string narrowed(static_cast<std::size_t>(size), '\0');
    (void)WideCharToMultiByte(CP_UTF8, 0, text, -1, narrowed.data(), size, nullptr, nullptr);
    narrowed.pop_back(); // the NUL
    return narrowed;
}

/// Calls GetAdaptersAddresses with enough memory; the list may grow between two calls.
result<std::unique_ptr<IP_ADAPTER_ADDRESSES[]>> adapters()
{
    constexpr ULONG flags =
        GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
    ULONG size = 16 * 1024;
    ULONG code = ERROR_BUFFER_OVERFLOW;
    for (int tries = 0; tries < 4 && code == ERROR_BUFFER_OVERFLOW; ++tries) {
        auto memory =
            std::make_unique<IP_ADAPTER_ADDRESSES[]>(size / sizeof(IP_ADAPTER_ADDRESSES) + 1);
        code = GetAdaptersAddresses(AF_UNSPEC, flags, nullptr, memory.get(), &size);
        if (code == NO_ERROR)
            return memory;
    }
    if (code == ERROR_NO_DATA)
        return std::unique_ptr<IP_ADAPTER_ADDRESSES[]>{};
    return fail(translate(static_cast<int>(code), phase::bind));
}

} // namespace

result<std::vector<address>> interface_addresses(const std::string& name)
{
    SLK_TRY(const auto owned, adapters());
    const std::uint32_t index = interface_index(name);
    std::vector<address> found;
    bool exists = false;
    for (const IP_ADAPTER_ADDRESSES* each = owned.get(); each != nullptr; each = each->Next) {
        const bool numbered = index != 0 && (each->IfIndex == index || each->Ipv6IfIndex == index);
        if (!numbered && narrow(each->FriendlyName) != name)
            continue;
        exists = true;
        for (const IP_ADAPTER_UNICAST_ADDRESS* one = each->FirstUnicastAddress; one != nullptr;
             one = one->Next) {
            const address value = windows::from_system(one->Address.lpSockaddr);
            if (value.family != address_family::none)
                found.push_back(value);
        }
    }
    if (found.empty())
        return fail(errc::address_not_available, phase::bind,
                    exists ? "the network interface has no address"
                           : "no network interface of that name");
    return found;
}

} // namespace slk::io::os
