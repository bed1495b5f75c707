// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_SANITIZED_HPP
#define SLK_TESTS_SUPPORT_SANITIZED_HPP

/// Which sanitizer the tests are compiled with: gcc defines macros, clang has features.

#if defined(__has_feature)
#define SLK_TEST_HAS_FEATURE(name) __has_feature(name)
#else
#define SLK_TEST_HAS_FEATURE(name) 0
#endif

namespace slk::testing {

#if defined(__SANITIZE_ADDRESS__) || SLK_TEST_HAS_FEATURE(address_sanitizer)
inline constexpr bool address_sanitized = true;
#else
inline constexpr bool address_sanitized = false;
#endif

#if defined(__SANITIZE_THREAD__) || SLK_TEST_HAS_FEATURE(thread_sanitizer)
inline constexpr bool thread_sanitized = true;
#else
inline constexpr bool thread_sanitized = false;
#endif

} // namespace slk::testing

#undef SLK_TEST_HAS_FEATURE

#endif
