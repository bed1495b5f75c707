// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LIBZMQ_ERRORS_HPP
#define SLK_LIBZMQ_ERRORS_HPP

/// How a function of zmq.h fails: errno, in the numbers that programs for libzmq know.

#include <serverlink/error.hpp>
#include <serverlink/result.hpp>

#include <cerrno>
#include <cstddef>

namespace slk::libzmq {

/// Returns -1, and sets errno.
int fail(int number) noexcept;
/// Returns null, and sets errno.
std::nullptr_t fail_null(int number) noexcept;

/// The number for an error of the C++ API: what the system reported, where it did; else what
/// libzmq sets for the same.
[[nodiscard]] int errno_of(const error& failure) noexcept;
/// As fail().
[[gnu::cold]] int fail_with(const error& failure) noexcept;

/// 0, or as fail().
template <class T>
int answer(const result<T>& of) noexcept
{
    return of ? 0 : fail_with(of.error());
}

} // namespace slk::libzmq

#endif
