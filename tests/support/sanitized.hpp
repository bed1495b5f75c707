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

/// A sanitizer makes everything slow, and so does Wine, under which the tests for Windows run.
#if defined(_WIN32)
inline constexpr bool slow_build = true;
#else
inline constexpr bool slow_build = address_sanitized || thread_sanitized;
#endif

/// Of a test that does alike things many times, the number of times: fewer where each one is slow.
/// The plain build does them all.
[[nodiscard]] constexpr int repeats(int plain) noexcept
{
    return slow_build ? (plain + 5) / 6 : plain;
}

/// The same for a test of one thread, in which the thread sanitizer has nothing to find.
[[nodiscard]] constexpr int repeats_of_one_thread(int plain) noexcept
{
    return thread_sanitized ? (plain + 29) / 30 : repeats(plain);
}

} // namespace slk::testing

#undef SLK_TEST_HAS_FEATURE

#endif
