// SPDX-License-Identifier: MPL-2.0
#include "io/backend/iocp/extension_functions.hpp"

#include <memory>
#include <new>

namespace slk::io::iocp {

namespace {

template <class Function>
bool load(SOCKET socket, GUID function, Function& found) noexcept
{
    DWORD size = 0;
    return WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &function, sizeof function, &found,
                    sizeof found, &size, nullptr, nullptr) == 0 &&
           found != nullptr;
}

} // namespace

result<extension_functions> load_extension_functions(native_handle handle)
{
    const SOCKET socket = os::windows::socket_of(handle);
    extension_functions found;
    if (!load(socket, WSAID_CONNECTEX, found.connect) ||
        !load(socket, WSAID_ACCEPTEX, found.accept))
        return fail(os::windows::last_error(phase::setup));
    return found;
}

bool every_provider_uses_system_handles()
{
    INT tcp[] = {IPPROTO_TCP, 0};
    DWORD size = 0;
    // The first call returns the size of the catalog only.
    (void)WSAEnumProtocolsW(tcp, nullptr, &size);
    if (size == 0)
        return false;
    const std::size_t room = size / sizeof(WSAPROTOCOL_INFOW) + 1;
    const std::unique_ptr<WSAPROTOCOL_INFOW[]> catalog(new (std::nothrow) WSAPROTOCOL_INFOW[room]);
    if (catalog == nullptr)
        return false;
    size = static_cast<DWORD>(room * sizeof(WSAPROTOCOL_INFOW));
    const int count = WSAEnumProtocolsW(tcp, catalog.get(), &size);
    for (int i = 0; i < count; ++i)
        if ((catalog[static_cast<std::size_t>(i)].dwServiceFlags1 & XP1_IFS_HANDLES) == 0)
            return false;
    return count > 0;
}

} // namespace slk::io::iocp
