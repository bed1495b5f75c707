// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_MUST_HPP
#define SLK_TESTS_SUPPORT_MUST_HPP

/// Results that a test cannot do without, and the errors that it expects.

#include <serverlink/error.hpp>
#include <serverlink/result.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace slk::testing {

/// Returns the value, or ends the test case with the text of the error. Only for the test's own
/// thread, like all that doctest does: at the end of another thread MinGW frees doctest's streams
/// before it destroys them.
template <class T>
T must(result<T> made)
{
    INFO((made ? std::string() : to_string(made.error())));
    REQUIRE(made.has_value());
    return std::move(*made);
}

inline void must(const result<void>& done)
{
    INFO((done ? std::string() : to_string(done.error())));
    REQUIRE(done.has_value());
}

template <class T>
[[nodiscard]] errc code_of(const result<T>& done)
{
    return done ? errc::ok : done.error().code;
}

} // namespace slk::testing

#endif
