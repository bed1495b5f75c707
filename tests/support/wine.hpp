// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_WINE_HPP
#define SLK_TESTS_SUPPORT_WINE_HPP

/// Whether the program for Windows runs under Wine, for what Wine is known to do differently.

#if defined(_WIN32)
#include <winsock2.h>

#include <windows.h>
// Macros for nothing, since there is no memory near or far any more.
#undef near
#undef far
#endif

namespace slk::testing {

#if defined(_WIN32)
[[nodiscard]] inline bool running_under_wine() noexcept
{
    const HMODULE library = GetModuleHandleW(L"ntdll.dll");
    return library != nullptr && GetProcAddress(library, "wine_get_version") != nullptr;
}
#else
[[nodiscard]] inline bool running_under_wine() noexcept
{
    return false;
}
#endif

} // namespace slk::testing

#endif
