/* SPDX-License-Identifier: MPL-2.0 */
#ifndef _WIN32
#define _POSIX_C_SOURCE 200809L
#endif

#include "harness.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

/* The tables of the program's files; meson.build makes the list. */
extern const test_case* const test_tables[];
extern const int cases_share_a_process;

enum { outcome_passed = 0, outcome_failed = 1, outcome_skipped = 2 };

/* A hang; no case comes near it. */
static const int case_limit_ms = SLOW_BUILD ? 120000 : 30000;
static const double slow_ms = 500;

static struct {
    const char* name;
    test_flag failures;
    test_flag skipped;
    jmp_buf end;
} current;

static int in_one_process;

/* --- What the macros call --- */

static void end_case(void)
{
    longjmp(current.end, 1);
}

static void fail(const char* file, int line, const char* text, int ends)
{
    fflush(stdout);
    fprintf(stderr, "%s:%d: %s: %s", file, line, current.name, text);
    flag_add(&current.failures, 1);
    if (ends) {
        fprintf(stderr, "; the case ends\n");
        end_case();
    }
    fprintf(stderr, "\n");
}

int test_has_failed(void)
{
    return flag_get(&current.failures) > 0;
}

void skip(const char* reason)
{
    printf("skipped: %s: %s\n", current.name, reason);
    flag_set(&current.skipped, 1);
    end_case();
}

void test_check(const char* file, int line, const char* text, int passed, int ends)
{
    if (!passed)
        fail(file, line, text, ends);
}

void test_check_int(const char* file, int line, const char* text, long long actual,
                    long long expected, int ends)
{
    char message[512];
    if (actual == expected)
        return;
    snprintf(message, sizeof message, "%s is %lld, not %lld (errno %d)", text, actual, expected,
             test_errno());
    fail(file, line, message, ends);
}

void test_check_between(const char* file, int line, const char* text, double actual, double low,
                        double high)
{
    char message[512];
    if (actual >= low && actual <= high)
        return;
    snprintf(message, sizeof message, "%s is %g, not between %g and %g", text, actual, low, high);
    fail(file, line, message, 0);
}

void test_check_text(const char* file, int line, const char* text, const char* actual,
                     const char* expected)
{
    char message[1024];
    if (actual != NULL && strcmp(actual, expected) == 0)
        return;
    snprintf(message, sizeof message, "%s is \"%s\", not \"%s\"", text,
             actual == NULL ? "NULL" : actual, expected);
    fail(file, line, message, 0);
}

static void print_bytes(char* out, size_t room, const unsigned char* bytes, size_t size)
{
    size_t index;
    size_t used = 0;
    for (index = 0; index < size && used + 8 < room; ++index) {
        const int plain = bytes[index] >= 0x20 && bytes[index] < 0x7f;
        used += (size_t)snprintf(out + used, room - used, plain ? "%c" : "\\x%02x", bytes[index]);
    }
    out[used] = '\0';
}

void test_check_bytes(const char* file, int line, const char* text, const void* actual, size_t size,
                      const void* expected, size_t expected_size)
{
    char got[160];
    char wanted[160];
    char message[640];
    if (size == expected_size && (size == 0 || memcmp(actual, expected, size) == 0))
        return;
    print_bytes(got, sizeof got, actual, size);
    print_bytes(wanted, sizeof wanted, expected, expected_size);
    snprintf(message, sizeof message, "%s is \"%s\" (%lu bytes), not \"%s\" (%lu bytes)", text, got,
             (unsigned long)size, wanted, (unsigned long)expected_size);
    fail(file, line, message, 0);
}

void test_check_failure(const char* file, int line, const char* text, long long result, int number)
{
    const int reason = test_errno();
    char message[512];
    if (result == -1 && reason == number)
        return;
    if (result == -1)
        snprintf(message, sizeof message, "errno of %s is %d, not %d", text, reason, number);
    else
        snprintf(message, sizeof message, "%s succeeds; errno should be %d", text, number);
    fail(file, line, message, 0);
}

void test_check_best(const char* file, int line, const char* text, double (*measure)(void),
                     double bound)
{
    double best = 0;
    int attempt;
    char message[256];
    for (attempt = 0; attempt < 3; ++attempt) {
        const double ms = measure();
        if (attempt == 0 || ms < best)
            best = ms;
        if (best <= bound)
            return;
    }
    snprintf(message, sizeof message, "%s takes %.1f ms, and may take %.1f", text, best, bound);
    fail(file, line, message, 0);
}

/* --- Running --- */

static int run_case(const test_case* test)
{
    flag_set(&current.failures, 0);
    flag_set(&current.skipped, 0);
    if (setjmp(current.end) == 0)
        test->function();
    remove_scratch_folder();
    if (flag_get(&current.failures) > 0)
        return outcome_failed;
    return flag_get(&current.skipped) ? outcome_skipped : outcome_passed;
}

static struct {
    int passed;
    int failed;
    int skipped;
} counts;

static void print_counts(void)
{
    printf("slk-tests: %d passed, %d failed, %d skipped\n", counts.passed, counts.failed,
           counts.skipped);
    fflush(stdout);
}

/* Here nothing can end a case that hangs but the end of the process. */
static test_flag running;
static test_flag watching;

static void watch(void* unused)
{
    (void)unused;
    while (flag_get(&watching)) {
        const int seen = flag_get(&running);
        const double end = now_ms() + case_limit_ms;
        while (flag_get(&watching) && flag_get(&running) == seen && now_ms() < end)
            sleep_ms(20);
        if (flag_get(&watching) && flag_get(&running) == seen) {
            printf("failed: %s: hangs\n", current.name);
            ++counts.failed;
            print_counts();
            _Exit(1);
        }
    }
}

#ifdef _WIN32
static int run_apart(const test_case* test)
{
    return run_case(test);
}
#else
static int run_apart(const test_case* test)
{
    int status = 0;
    double end;
    pid_t child;
    if (in_one_process)
        return run_case(test);
    child = fork();
    if (child == 0) {
        const int outcome = run_case(test);
        fflush(stdout);
        /* A case that was ended leaves things open, which would be reported as leaks. */
        if (outcome == outcome_passed)
            exit(outcome);
        _exit(outcome);
    }
    end = now_ms() + case_limit_ms;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (now_ms() > end) {
            printf("%s: hangs\n", test->name);
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            break;
        }
        sleep_ms(1);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) <= outcome_skipped)
        return WEXITSTATUS(status);
    if (WIFEXITED(status))
        printf("%s: ends with status %d\n", test->name, WEXITSTATUS(status));
    else
        printf("%s: ends with signal %d\n", test->name, WTERMSIG(status));
    return outcome_failed;
}
#endif

/* A pattern is text with *, which stands for any text. */
static int matches(const char* pattern, const char* text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return matches(pattern + 1, text) || (*text != '\0' && matches(pattern, text + 1));
    return *pattern == *text && matches(pattern + 1, text + 1);
}

static void run_and_count(const test_case* test)
{
    const double began = now_ms();
    double took;
    int outcome;
    current.name = test->name;
    flag_add(&running, 1);
    fflush(stdout);
    outcome = run_apart(test);
    took = now_ms() - began;
    if (took >= slow_ms)
        printf("slow: %.2f s: %s\n", took / 1e3, test->name);
    if (outcome == outcome_failed)
        printf("failed: %s\n", test->name);
    ++*(outcome == outcome_passed   ? &counts.passed
        : outcome == outcome_failed ? &counts.failed
                                    : &counts.skipped);
    fflush(stdout);
}

int main(int argc, char** argv)
{
    const char* pattern = "*";
    const test_case* const* table;
    const test_case* test;
    test_thread* watcher = NULL;
    int list = 0;
    int index;
    in_one_process = cases_share_a_process;
#ifdef _WIN32
    /* No window that waits for a click when a case crashes. */
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
    in_one_process = 1;
#endif
    for (index = 1; index < argc; ++index) {
        if (strncmp(argv[index], "-tc=", 4) == 0) {
            pattern = argv[index] + 4;
        } else if (strcmp(argv[index], "--list") == 0) {
            list = 1;
        } else if (strcmp(argv[index], "--one-process") == 0) {
            in_one_process = 1;
        } else {
            fprintf(stderr, "usage: %s [-tc=PATTERN] [--list] [--one-process]\n", argv[0]);
            return 2;
        }
    }
    if (in_one_process && !list) {
        flag_set(&watching, 1);
        watcher = thread_start(watch, NULL);
    }
    for (table = test_tables; *table != NULL; ++table) {
        for (test = *table; test->name != NULL; ++test) {
            if (!matches(pattern, test->name))
                continue;
            if (list)
                printf("%s\n", test->name);
            else
                run_and_count(test);
        }
    }
    if (watcher != NULL) {
        flag_set(&watching, 0);
        thread_join(watcher);
    }
    if (!list)
        print_counts();
    return counts.failed > 0 ? 1 : 0;
}
