// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_RESULT_HPP
#define SERVERLINK_RESULT_HPP

/// slk::result<T>: a value, or the slk::error that explains why there is none.
///
/// It is `std::expected<T, error>` or `tl::expected<T, error>`, whichever the library was built
/// with (Meson option `expected`). Code that should build with both uses `has_value()`, `*`,
/// `->`, `error()` and `value_or()`; the monadic members are not in every standard library yet.

#include <serverlink/config.hpp>
#include <serverlink/error.hpp>

#include <utility>

#if SLK_EXPECTED_STD
#include <expected>
#if !defined(__cpp_lib_expected)
#error "serverlink was built with std::expected: compile with C++23, or build it with -Dexpected=tl"
#endif
#else
#include <tl/expected.hpp>
#endif

namespace slk {

#if SLK_EXPECTED_STD
template <class T>
using result = std::expected<T, error>;
/// The other half of a result: an error.
using unexpected = std::unexpected<error>;
#else
template <class T>
using result = tl::expected<T, error>;
using unexpected = tl::unexpected<error>;
#endif

/// A result is not an error: compare `done.error()`, after a look whether there is one.
template <class T>
bool operator==(const result<T>& done, errc code) = delete;

/// Makes an unexpected value for any result: `return fail(errc::timed_out, phase::connect);`
[[nodiscard]] inline unexpected fail(error failure)
{
    return unexpected(failure);
}

/// The same, of a code, the phase, and a literal that names the argument.
[[nodiscard]] inline unexpected fail(errc code, phase in, const char* detail = nullptr)
{
    return unexpected(error{code, in, 0, detail});
}

} // namespace slk

#define SLK_DETAIL_CONCAT_(a, b) a##b
#define SLK_DETAIL_CONCAT(a, b) SLK_DETAIL_CONCAT_(a, b)
#define SLK_DETAIL_TRY_VOID(name, expression)                                                      \
    do {                                                                                           \
        if (auto name = (expression); !name)                                                       \
            return ::slk::unexpected(std::move(name).error());                                     \
    } while (false)
#define SLK_DETAIL_TRY_BIND(name, declaration, expression)                                         \
    auto name = (expression);                                                                      \
    if (!name)                                                                                     \
        return ::slk::unexpected(std::move(name).error());                                         \
    declaration = std::move(*name)
#define SLK_DETAIL_TRY_1(expression)                                                               \
    SLK_DETAIL_TRY_VOID(SLK_DETAIL_CONCAT(slk_try_, __LINE__), expression)
#define SLK_DETAIL_TRY_2(declaration, expression)                                                  \
    SLK_DETAIL_TRY_BIND(SLK_DETAIL_CONCAT(slk_try_, __LINE__), declaration, expression)
#define SLK_DETAIL_TRY_PICK(first, second, chosen, ...) chosen
/// For functions that return a result:
///
///     SLK_TRY(expression);             // returns the error to the caller, or continues
///     SLK_TRY(auto value, expression); // returns the error, or binds the value
///
/// Both are statements, not expressions: a GNU statement expression does not build with MSVC.
#define SLK_TRY(...)                                                                               \
    SLK_DETAIL_TRY_PICK(__VA_ARGS__, SLK_DETAIL_TRY_2, SLK_DETAIL_TRY_1, unused)(__VA_ARGS__)

#endif
