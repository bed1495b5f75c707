// SPDX-License-Identifier: MPL-2.0
#include "base/try_allocate.hpp"
#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

#include <iphlpapi.h>

#include <memory>

namespace slk::io::os {

namespace {

struct free_list {
    void operator()(ADDRINFOW* first) const noexcept { FreeAddrInfoW(first); }
};

/// Names are UTF-8 everywhere in serverlink; the narrow getaddrinfo would read them in the process'
/// code page. Empty: not UTF-8, or empty. Errors: out_of_memory.
result<std::wstring> widen(const std::string& text)
{
    // No name of the domain name system is nearly that long.
    if (text.empty() || text.size() > 4096)
        return std::wstring();
    const int size = static_cast<int>(text.size());
    std::wstring wide;
    if (!try_reserve(wide, text.size()))
        return fail(errc::out_of_memory, phase::resolve);
    wide.resize(text.size());
    const int written =
        MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text.data(), size, wide.data(), size);
    wide.resize(static_cast<std::size_t>(written));
    return wide;
}

} // namespace

result<std::vector<address>> resolve(const std::string& host, std::uint16_t port)
{
    SLK_TRY(start_network());
    SLK_TRY(const std::wstring name, widen(host));
    if (name.empty() || name.find(L'\0') != std::wstring::npos)
        return fail(errc::invalid_argument, phase::resolve, "a name must be text in UTF-8");
    ADDRINFOW hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    ADDRINFOW* found = nullptr;
    if (const int failed = GetAddrInfoW(name.c_str(), nullptr, &hints, &found); failed != 0)
        return fail(translate_name_error(failed));
    const std::unique_ptr<ADDRINFOW, free_list> owned(found);
    std::vector<address> addresses;
    for (const ADDRINFOW* entry = found; entry != nullptr; entry = entry->ai_next) {
        address value = windows::from_system(entry->ai_addr);
        value.port = port;
        if (value.family != address_family::none && !try_push_back(addresses, value))
            return fail(errc::out_of_memory, phase::resolve);
    }
    if (addresses.empty())
        return fail(errc::name_not_found, phase::resolve, "the name has no IP address");
    return addresses;
}

std::uint32_t interface_index(std::string_view name) noexcept
{
    char terminated[NDIS_IF_MAX_STRING_SIZE + 1] = {};
    if (name.size() >= sizeof terminated)
        return 0;
    name.copy(terminated, name.size());
    return if_nametoindex(terminated);
}

} // namespace slk::io::os
