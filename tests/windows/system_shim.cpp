// SPDX-License-Identifier: MPL-2.0
#include "windows/system_shim.hpp"

#include <cstring>
#include <memory>

namespace slk::testing {

namespace {

system_shim* active = nullptr;

template <class Function>
Function original(const wchar_t* library, const char* name) noexcept
{
    const HMODULE loaded = LoadLibraryW(library);
    return reinterpret_cast<Function>(reinterpret_cast<void*>(GetProcAddress(loaded, name)));
}

// The original functions, read from the system's libraries, because the calls of this
// file go through the replaced table too.

const auto system_bind = original<decltype(&::bind)>(L"ws2_32.dll", "bind");
const auto system_accept = original<decltype(&::accept)>(L"ws2_32.dll", "accept");
const auto system_closesocket = original<decltype(&::closesocket)>(L"ws2_32.dll", "closesocket");
const auto system_getpeername = original<decltype(&::getpeername)>(L"ws2_32.dll", "getpeername");
const auto system_getsockname = original<decltype(&::getsockname)>(L"ws2_32.dll", "getsockname");
const auto system_shutdown = original<decltype(&::shutdown)>(L"ws2_32.dll", "shutdown");
const auto system_setsockopt = original<decltype(&::setsockopt)>(L"ws2_32.dll", "setsockopt");
const auto system_WSARecv = original<decltype(&::WSARecv)>(L"ws2_32.dll", "WSARecv");
const auto system_WSASend = original<decltype(&::WSASend)>(L"ws2_32.dll", "WSASend");
const auto system_WSAIoctl = original<decltype(&::WSAIoctl)>(L"ws2_32.dll", "WSAIoctl");
const auto system_WSAEnumProtocolsW =
    original<decltype(&::WSAEnumProtocolsW)>(L"ws2_32.dll", "WSAEnumProtocolsW");
const auto system_PostQueuedCompletionStatus = original<decltype(&::PostQueuedCompletionStatus)>(
    L"kernel32.dll", "PostQueuedCompletionStatus");
const auto system_CancelIoEx = original<decltype(&::CancelIoEx)>(L"kernel32.dll", "CancelIoEx");
const auto system_SetFileCompletionNotificationModes =
    original<decltype(&::SetFileCompletionNotificationModes)>(L"kernel32.dll",
                                                              "SetFileCompletionNotificationModes");
const auto system_GetQueuedCompletionStatusEx = original<decltype(&::GetQueuedCompletionStatusEx)>(
    L"kernel32.dll", "GetQueuedCompletionStatusEx");

std::uint32_t code_if(bool failed) noexcept
{
    return failed ? static_cast<std::uint32_t>(WSAGetLastError()) : 0;
}

void note(call made, bool failed)
{
    // Recording may call the system, and the caller reads the error afterwards.
    const DWORD code = GetLastError();
    made.failed = failed ? code : 0;
    active->record(made);
    SetLastError(code);
}

int family_of(SOCKET socket) noexcept
{
    WSAPROTOCOL_INFOW info{};
    int size = sizeof info;
    return getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, reinterpret_cast<char*>(&info),
                      &size) == 0
               ? info.iAddressFamily
               : 0;
}

bool is_any(const sockaddr* address) noexcept
{
    if (address->sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, address, sizeof v4);
        return v4.sin_addr.s_addr == 0;
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    const in6_addr none{};
    return std::memcmp(&v6.sin6_addr, &none, sizeof none) == 0;
}

// --- the functions that replace the system's ---

int WSAAPI shim_bind(SOCKET socket, const sockaddr* address, int length)
{
    const int outcome = system_bind(socket, address, length);
    note({.function = api::bind,
          .socket = socket,
          .family = address->sa_family,
          .any_address = is_any(address)},
         outcome != 0);
    return outcome;
}

SOCKET WSAAPI shim_accept(SOCKET listener, sockaddr* address, int* length)
{
    const SOCKET accepted = system_accept(listener, address, length);
    note({.function = api::plain_accept, .socket = listener, .value = accepted},
         accepted == INVALID_SOCKET);
    return accepted;
}

int WSAAPI shim_closesocket(SOCKET socket)
{
    const int outcome = system_closesocket(socket);
    note({.function = api::close, .socket = socket}, outcome != 0);
    return outcome;
}

int WSAAPI shim_getpeername(SOCKET socket, sockaddr* address, int* length)
{
    const int outcome = system_getpeername(socket, address, length);
    note({.function = api::peer_name, .socket = socket}, outcome != 0);
    return outcome;
}

int WSAAPI shim_getsockname(SOCKET socket, sockaddr* address, int* length)
{
    const int outcome = system_getsockname(socket, address, length);
    note({.function = api::local_name, .socket = socket}, outcome != 0);
    return outcome;
}

int WSAAPI shim_shutdown(SOCKET socket, int how)
{
    const int outcome = system_shutdown(socket, how);
    note({.function = api::shutdown, .socket = socket}, outcome != 0);
    return outcome;
}

int WSAAPI shim_setsockopt(SOCKET socket, int level, int option, const char* value, int length)
{
    call made{.function = api::set_option,
              .socket = socket,
              .level = level,
              .option = static_cast<std::uint32_t>(option)};
    if (value != nullptr)
        std::memcpy(&made.value, value,
                    static_cast<std::size_t>(length) < sizeof made.value
                        ? static_cast<std::size_t>(length)
                        : sizeof made.value);
    int code = 0;
    if (level == SOL_SOCKET && active->option_fails(made.option, code)) {
        WSASetLastError(code);
        note(made, true);
        return SOCKET_ERROR;
    }
    const int outcome = system_setsockopt(socket, level, option, value, length);
    note(made, outcome != 0);
    return outcome;
}

int WSAAPI shim_recv(SOCKET socket, WSABUF* buffers, DWORD count, DWORD* received, DWORD* flags,
                     OVERLAPPED* overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    const int outcome =
        system_WSARecv(socket, buffers, count, received, flags, overlapped, routine);
    note({.function = api::receive, .socket = socket}, outcome != 0);
    return outcome;
}

int WSAAPI shim_send(SOCKET socket, WSABUF* buffers, DWORD count, DWORD* sent, DWORD flags,
                     OVERLAPPED* overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    const int outcome = system_WSASend(socket, buffers, count, sent, flags, overlapped, routine);
    note({.function = api::send, .socket = socket}, outcome != 0);
    return outcome;
}

/// The family of a replaced extension function is known by its address, as with real providers.
template <int Family>
BOOL PASCAL shim_connect_ex(SOCKET socket, const sockaddr* address, int length, void* data,
                            DWORD size, DWORD* sent, OVERLAPPED* overlapped)
{
    const call made{.function = api::connect_ex,
                    .socket = socket,
                    .family = Family,
                    .any_address = is_any(address)};
    if (active->fail_connects > 0) {
        --active->fail_connects;
        WSASetLastError(active->extension_failure);
        note(made, true);
        return FALSE;
    }
    const BOOL outcome = active->connect_ex[Family == AF_INET6](socket, address, length, data, size,
                                                                sent, overlapped);
    note(made, outcome == FALSE);
    return outcome;
}

template <int Family>
BOOL PASCAL shim_accept_ex(SOCKET listener, SOCKET accepted, void* space, DWORD data_length,
                           DWORD local_length, DWORD remote_length, DWORD* received,
                           OVERLAPPED* overlapped)
{
    const call made{.function = api::accept_ex,
                    .socket = listener,
                    .option = data_length,
                    .value = accepted,
                    .family = Family};
    if (active->fail_accepts > 0) {
        --active->fail_accepts;
        WSASetLastError(active->extension_failure);
        note(made, true);
        return FALSE;
    }
    const BOOL outcome = active->accept_ex[Family == AF_INET6](
        listener, accepted, space, data_length, local_length, remote_length, received, overlapped);
    note(made, outcome == FALSE);
    return outcome;
}

template <class Function>
void exchange(void* answer, Function& original, Function replacement)
{
    std::memcpy(&original, answer, sizeof original);
    std::memcpy(answer, &replacement, sizeof replacement);
}

void replace_extension(const void* wanted, void* answer, int family)
{
    constexpr GUID connect = WSAID_CONNECTEX;
    constexpr GUID accept = WSAID_ACCEPTEX;
    const bool v6 = family == AF_INET6;
    if (std::memcmp(wanted, &connect, sizeof connect) == 0)
        exchange<LPFN_CONNECTEX>(answer, active->connect_ex[v6],
                                 v6 ? &shim_connect_ex<AF_INET6> : &shim_connect_ex<AF_INET>);
    else if (std::memcmp(wanted, &accept, sizeof accept) == 0)
        exchange<LPFN_ACCEPTEX>(answer, active->accept_ex[v6],
                                v6 ? &shim_accept_ex<AF_INET6> : &shim_accept_ex<AF_INET>);
}

int WSAAPI shim_ioctl(SOCKET socket, DWORD control, void* in, DWORD in_size, void* out,
                      DWORD out_size, DWORD* returned, OVERLAPPED* overlapped,
                      LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
    const int outcome =
        system_WSAIoctl(socket, control, in, in_size, out, out_size, returned, overlapped, routine);
    const std::uint32_t failed = code_if(outcome != 0);
    call made{.function = api::ioctl, .socket = socket, .option = control};
    if (control == SIO_GET_EXTENSION_FUNCTION_POINTER) {
        made.family = family_of(socket);
        if (outcome == 0)
            replace_extension(in, out, made.family);
    }
    WSASetLastError(static_cast<int>(failed));
    note(made, outcome != 0);
    return outcome;
}

int WSAAPI shim_enum_protocols(INT* protocols, WSAPROTOCOL_INFOW* catalog, DWORD* size)
{
    const int count = system_WSAEnumProtocolsW(protocols, catalog, size);
    if (active->layered_provider && count > 0)
        catalog[count - 1].dwServiceFlags1 &= ~DWORD{XP1_IFS_HANDLES};
    return count;
}

BOOL WINAPI shim_post(HANDLE port, DWORD bytes, ULONG_PTR key, OVERLAPPED* overlapped)
{
    static std::atomic<std::uint64_t> number{0};
    const std::uint64_t mixed = ++number * 0x9e3779b97f4a7c15u;
    if ((mixed >> 32) % 100 < active->failing_posts) {
        SetLastError(ERROR_NO_SYSTEM_RESOURCES);
        note({.function = api::post}, true);
        return FALSE;
    }
    const BOOL outcome = system_PostQueuedCompletionStatus(port, bytes, key, overlapped);
    note({.function = api::post}, outcome == FALSE);
    return outcome;
}

BOOL WINAPI shim_cancel(HANDLE file, OVERLAPPED* overlapped)
{
    const BOOL outcome = system_CancelIoEx(file, overlapped);
    note({.function = api::cancel,
          .socket = reinterpret_cast<SOCKET>(file),
          .option = overlapped != nullptr ? 1u : 0u},
         outcome == FALSE);
    return outcome;
}

BOOL WINAPI shim_modes(HANDLE file, UCHAR modes)
{
    const BOOL outcome = system_SetFileCompletionNotificationModes(file, modes);
    note({.function = api::modes, .socket = reinterpret_cast<SOCKET>(file), .option = modes},
         outcome == FALSE);
    return outcome;
}

BOOL WINAPI shim_wait(HANDLE port, OVERLAPPED_ENTRY* entries, ULONG room, ULONG* count,
                      DWORD timeout, BOOL alertable)
{
    const BOOL outcome =
        system_GetQueuedCompletionStatusEx(port, entries, room, count, timeout, alertable);
    note({.function = api::wait, .value = timeout}, outcome == FALSE);
    return outcome;
}

// --- the table of imported functions ---

struct replacement {
    const char* name;
    void* function;
    void* original = nullptr;
    void** slot = nullptr;
};

template <class Function>
void* address_of(Function* function) noexcept
{
    return reinterpret_cast<void*>(function);
}

replacement replacements[] = {
    {"bind", address_of(&shim_bind)},
    {"accept", address_of(&shim_accept)},
    {"closesocket", address_of(&shim_closesocket)},
    {"getpeername", address_of(&shim_getpeername)},
    {"getsockname", address_of(&shim_getsockname)},
    {"shutdown", address_of(&shim_shutdown)},
    {"setsockopt", address_of(&shim_setsockopt)},
    {"WSARecv", address_of(&shim_recv)},
    {"WSASend", address_of(&shim_send)},
    {"WSAIoctl", address_of(&shim_ioctl)},
    {"WSAEnumProtocolsW", address_of(&shim_enum_protocols)},
    {"PostQueuedCompletionStatus", address_of(&shim_post)},
    {"CancelIoEx", address_of(&shim_cancel)},
    {"SetFileCompletionNotificationModes", address_of(&shim_modes)},
    {"GetQueuedCompletionStatusEx", address_of(&shim_wait)},
};

/// Visits each function that the program imports by name, with the slot that its calls go through
/// (Microsoft, "PE Format", the .idata section).
template <class Visit>
void for_each_import(Visit&& visit)
{
    char* const base = reinterpret_cast<char*>(GetModuleHandleW(nullptr));
    const auto* const dos = reinterpret_cast<const IMAGE_DOS_HEADER*>(base);
    const auto* const headers = reinterpret_cast<const IMAGE_NT_HEADERS*>(base + dos->e_lfanew);
    const IMAGE_DATA_DIRECTORY& imports =
        headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
    const auto* library =
        reinterpret_cast<const IMAGE_IMPORT_DESCRIPTOR*>(base + imports.VirtualAddress);
    for (; library->Name != 0; ++library) {
        const auto* name =
            reinterpret_cast<const IMAGE_THUNK_DATA*>(base + library->OriginalFirstThunk);
        auto* slot = reinterpret_cast<IMAGE_THUNK_DATA*>(base + library->FirstThunk);
        for (; name->u1.AddressOfData != 0; ++name, ++slot) {
            if (IMAGE_SNAP_BY_ORDINAL(name->u1.Ordinal))
                continue;
            const auto* const entry =
                reinterpret_cast<const IMAGE_IMPORT_BY_NAME*>(base + name->u1.AddressOfData);
            visit(reinterpret_cast<const char*>(entry->Name),
                  reinterpret_cast<void**>(&slot->u1.Function));
        }
    }
}

void write(void** slot, void* function)
{
    DWORD before = 0;
    VirtualProtect(slot, sizeof *slot, PAGE_READWRITE, &before);
    *slot = function;
    VirtualProtect(slot, sizeof *slot, before, &before);
}

} // namespace

system_shim::system_shim()
{
    active = this;
    for (replacement& entry : replacements)
        for_each_import([&entry](std::string_view name, void** slot) {
            if (name != entry.name)
                return;
            entry.slot = slot;
            entry.original = *slot;
            write(slot, entry.function);
        });
}

system_shim::~system_shim()
{
    for (replacement& entry : replacements)
        if (entry.slot != nullptr)
            write(entry.slot, entry.original);
    active = nullptr;
}

void system_shim::record(const call& made)
{
    if (quiet)
        return;
    const std::lock_guard lock(mutex_);
    calls_.push_back(made);
}

bool system_shim::option_fails(std::uint32_t option, int& code)
{
    const std::lock_guard lock(mutex_);
    if (failing_times_ == 0 || option != failing_option_)
        return false;
    --failing_times_;
    code = failing_code_;
    return true;
}

void system_shim::fail_option(std::uint32_t option, int times, int code)
{
    const std::lock_guard lock(mutex_);
    failing_option_ = option;
    failing_times_ = times;
    failing_code_ = code;
}

std::vector<call> system_shim::calls()
{
    const std::lock_guard lock(mutex_);
    return calls_;
}

std::vector<call> system_shim::calls_of(api function)
{
    std::vector<call> found;
    for (const call& made : calls())
        if (made.function == function)
            found.push_back(made);
    return found;
}

std::vector<call> system_shim::calls_on(SOCKET socket)
{
    std::vector<call> found;
    for (const call& made : calls())
        if (made.socket == socket)
            found.push_back(made);
    return found;
}

bool program_imports(std::string_view function)
{
    bool found = false;
    for_each_import([&](std::string_view name, void**) { found = found || name == function; });
    return found;
}

} // namespace slk::testing
