// SPDX-License-Identifier: MPL-2.0
#include "base/try_allocate.hpp"
#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

#include <iphlpapi.h>

#include <memory>
#include <new>

namespace slk::io::os {

namespace {

/// Whether the displayed name ("Ethernet") is this one, in UTF-8.
bool is_called(const wchar_t* displayed, std::string_view name)
{
    // At most three bytes for each character of IF_MAX_STRING_SIZE.
    char narrow[3 * NDIS_IF_MAX_STRING_SIZE + 1] = {};
    const int size = WideCharToMultiByte(CP_UTF8, 0, displayed, -1, narrow,
                                         static_cast<int>(sizeof narrow), nullptr, nullptr);
    return size > 1 && name == narrow;
}

/// Calls GetAdaptersAddresses with enough memory; the list may grow between two calls.
result<std::unique_ptr<IP_ADAPTER_ADDRESSES[]>> adapters()
{
    constexpr ULONG flags =
        GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
    ULONG size = 16 * 1024;
    ULONG code = ERROR_BUFFER_OVERFLOW;
    for (int tries = 0; tries < 4 && code == ERROR_BUFFER_OVERFLOW; ++tries) {
        std::unique_ptr<IP_ADAPTER_ADDRESSES[]> memory(
            new (std::nothrow) IP_ADAPTER_ADDRESSES[size / sizeof(IP_ADAPTER_ADDRESSES) + 1]());
        if (memory == nullptr)
            return fail(errc::out_of_memory, phase::bind);
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
        if (!numbered && !is_called(each->FriendlyName, name))
            continue;
        exists = true;
        for (const IP_ADAPTER_UNICAST_ADDRESS* one = each->FirstUnicastAddress; one != nullptr;
             one = one->Next) {
            const address value = windows::from_system(one->Address.lpSockaddr);
            if (value.family != address_family::none && !try_push_back(found, value))
                return fail(errc::out_of_memory, phase::bind);
        }
    }
    if (found.empty())
        return fail(errc::address_not_available, phase::bind,
                    exists ? "the network interface has no address"
                           : "no network interface of that name");
    return found;
}

} // namespace slk::io::os
