/* SPDX-License-Identifier: MPL-2.0 */
#ifndef SLK_TESTS_CAPI_HARNESS_H
#define SLK_TESTS_CAPI_HARNESS_H

/*
 * Test cases in C99. A file name.c of a program in tests/capi/meson.build ends with its table:
 *
 *     CASES(name) = {
 *         {"a socket that is closed does this", closed_socket_does_this},
 *         END_OF_CASES,
 *     };
 *
 * On POSIX systems each case runs in a process of its own, so that one that crashes or hangs does
 * not end the others. Arguments of a program: -tc=PATTERN (a name with *), --list, --one-process.
 *
 * CHECK... note a failure and go on; REQUIRE... end the case, and may be used in the case's thread
 * alone.
 */

#include "platform.h"

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct test_case {
    const char* name;
    void (*function)(void);
} test_case;

#define CASES(file) const test_case cases_of_##file[]
/* clang-format off */
#define END_OF_CASES {NULL, NULL}
/* clang-format on */

/* Ends the case, and counts it as skipped. */
void skip(const char* reason);

/* With a sanitizer, or on Windows (under Wine), everything is slow. */
#if defined(__has_feature)
#define TEST_HAS_FEATURE(name) __has_feature(name)
#else
#define TEST_HAS_FEATURE(name) 0
#endif
#if defined(_WIN32) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||            \
    TEST_HAS_FEATURE(address_sanitizer) || TEST_HAS_FEATURE(thread_sanitizer)
#define SLOW_BUILD 1
#else
#define SLOW_BUILD 0
#endif
/* The number of times for what is done many times. */
#define REPEATS(plain) (SLOW_BUILD ? ((plain) + 9) / 10 : (plain))

#define CHECK(condition) test_check(__FILE__, __LINE__, #condition, (condition) ? 1 : 0, 0)
#define REQUIRE(condition) test_check(__FILE__, __LINE__, #condition, (condition) ? 1 : 0, 1)

#define CHECK_INT(actual, expected)                                                                \
    test_check_int(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected), 0)
#define REQUIRE_INT(actual, expected)                                                              \
    test_check_int(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected), 1)
/* The bounds are allowed. */
#define CHECK_BETWEEN(actual, low, high)                                                           \
    test_check_between(__FILE__, __LINE__, #actual, (double)(actual), (double)(low), (double)(high))
#define CHECK_TEXT(actual, expected) test_check_text(__FILE__, __LINE__, #actual, actual, expected)
#define CHECK_BYTES(actual, size, expected, expected_size)                                         \
    test_check_bytes(__FILE__, __LINE__, #actual, actual, (size_t)(size), expected,                \
                     (size_t)(expected_size))

/*
 * The call fails with -1 (or NULL), and the library's error number becomes that one: before it, it
 * is another one.
 */
#define CHECK_FAILS(call, number)                                                                  \
    do {                                                                                           \
        const int test_number = (number);                                                          \
        test_other_errno(test_number);                                                             \
        test_check_failure(__FILE__, __LINE__, #call, (long long)(call), test_number);             \
    } while (0)
#define CHECK_NULL(call, number)                                                                   \
    do {                                                                                           \
        const int test_number = (number);                                                          \
        test_other_errno(test_number);                                                             \
        test_check_failure(__FILE__, __LINE__, #call, (call) == NULL ? -1 : 0, test_number);       \
    } while (0)

/* The condition becomes true within that time. */
#define CHECK_UNTIL(condition, ms) TEST_UNTIL(condition, ms, 0)
#define REQUIRE_UNTIL(condition, ms) TEST_UNTIL(condition, ms, 1)
#define TEST_UNTIL(condition, ms, ends)                                                            \
    do {                                                                                           \
        const double test_end = now_ms() + (ms);                                                   \
        int test_true = (condition) ? 1 : 0;                                                       \
        while (!test_true && now_ms() < test_end) {                                                \
            sleep_ms(1);                                                                           \
            test_true = (condition) ? 1 : 0;                                                       \
        }                                                                                          \
        test_check(__FILE__, __LINE__, #condition " within " #ms " ms", test_true, ends);          \
    } while (0)

/*
 * A promise about time: `measure` returns milliseconds, and the best of up to three calls is at
 * most `bound`. On a busy machine the first may be late.
 */
#define CHECK_BEST(measure, bound)                                                                 \
    test_check_best(__FILE__, __LINE__, #measure, measure, (double)(bound))

void test_check(const char* file, int line, const char* text, int passed, int ends);
void test_check_int(const char* file, int line, const char* text, long long actual,
                    long long expected, int ends);
void test_check_between(const char* file, int line, const char* text, double actual, double low,
                        double high);
void test_check_text(const char* file, int line, const char* text, const char* actual,
                     const char* expected);
void test_check_bytes(const char* file, int line, const char* text, const void* actual, size_t size,
                      const void* expected, size_t expected_size);
void test_check_failure(const char* file, int line, const char* text, long long result, int number);
void test_check_best(const char* file, int line, const char* text, double (*measure)(void),
                     double bound);
/* The tested library's error number of this thread. */
int test_errno(void);
/* Makes it something else than `number`. */
void test_other_errno(int number);
/* 1 if a check of the case has failed. */
int test_has_failed(void);

#ifdef __cplusplus
}
#endif

#endif
