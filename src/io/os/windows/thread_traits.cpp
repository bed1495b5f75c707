// SPDX-License-Identifier: MPL-2.0
#include "io/os/thread.hpp"

#include "io/os/windows/winsock.hpp"

#include <algorithm>
#include <cwchar>
#include <iterator>

namespace slk::io::os {

namespace {

using describe = HRESULT(WINAPI*)(HANDLE, PCWSTR);

/// From Windows 10, version 1607, on: it is looked up.
void name_thread(std::string_view prefix, unsigned number) noexcept
{
    const HMODULE kernel = GetModuleHandleW(L"kernelbase.dll");
    const FARPROC found =
        kernel != nullptr ? GetProcAddress(kernel, "SetThreadDescription") : nullptr;
    if (found == nullptr)
        return;
    wchar_t name[80];
    constexpr std::size_t max_prefix = 63;
    const int size = MultiByteToWideChar(
        CP_UTF8, 0, prefix.data(), static_cast<int>(std::min(prefix.size(), max_prefix)), name, 64);
    (void)std::swprintf(name + size, std::size(name) - static_cast<std::size_t>(size), L"/%u",
                        number);
    // Through a type without parameters: no compiler warns of that cast.
    (void)reinterpret_cast<describe>(reinterpret_cast<void (*)()>(found))(GetCurrentThread(), name);
}

void set_cpus(std::span<const int> cpus) noexcept
{
    DWORD_PTR mask = 0;
    for (const int cpu : cpus)
        if (cpu < static_cast<int>(sizeof mask * 8))
            mask |= DWORD_PTR{1} << cpu;
    DWORD_PTR of_process = 0;
    DWORD_PTR of_system = 0;
    // A CPU that there is not would make it refuse all of them.
    if (GetProcessAffinityMask(GetCurrentProcess(), &of_process, &of_system) != 0)
        mask &= of_process;
    if (mask != 0)
        (void)SetThreadAffinityMask(GetCurrentThread(), mask);
}

} // namespace

void apply(const thread_traits& wanted) noexcept
{
    if (!wanted.name_prefix.empty())
        name_thread(wanted.name_prefix, wanted.number);
    if (!wanted.cpus.empty())
        set_cpus(wanted.cpus);
    if (wanted.priority >= 0)
        (void)SetThreadPriority(GetCurrentThread(),
                                std::min(wanted.priority, THREAD_PRIORITY_HIGHEST));
}

} // namespace slk::io::os
