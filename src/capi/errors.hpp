// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_CAPI_ERRORS_HPP
#define SLK_CAPI_ERRORS_HPP

/// How a call of the C API fails: slk_errno(), or errno.

#include <serverlink/error.hpp>
#include <serverlink/result.hpp>

#include <cerrno>

namespace slk::capi {

/// Reasons that have no code of their own, by the system's numbers.
namespace native {
#if defined(_WIN32)
inline constexpr int address_in_use = 10048;
inline constexpr int permission_denied = 10013;
inline constexpr int address_not_available = 10049;
inline constexpr int unknown_transport = 10043;
inline constexpr int name_too_long = ENAMETOOLONG;
inline constexpr int not_supported = 129; // the runtime's ENOTSUP
#else
inline constexpr int address_in_use = EADDRINUSE;
inline constexpr int permission_denied = EACCES;
inline constexpr int address_not_available = EADDRNOTAVAIL;
inline constexpr int unknown_transport = EPROTONOSUPPORT;
inline constexpr int name_too_long = ENAMETOOLONG;
inline constexpr int not_supported = ENOTSUP;
#endif
inline constexpr int no_device = ENODEV;
inline constexpr int no_entry = ENOENT;
inline constexpr int exists = EEXIST;
inline constexpr int too_many_open = EMFILE;
inline constexpr int interrupted = EINTR;
} // namespace native

/// Returns -1, and makes `code` the thread's slk_errno().
int fail_with(int code) noexcept;
/// The code for an error of the C++ API.
[[nodiscard]] int code_of(const error& failure) noexcept;
/// Returns -1, and makes that the thread's slk_errno().
[[gnu::cold]] int fail_with(const error& failure) noexcept;
/// 0, or as fail_with().
template <class T>
int answer(const result<T>& of) noexcept
{
    return of ? 0 : fail_with(of.error());
}

/// For pollers and timers: returns -1, and sets errno.
int fail_with_errno(int number) noexcept;

} // namespace slk::capi

#endif
