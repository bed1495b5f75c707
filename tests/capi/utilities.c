/* SPDX-License-Identifier: MPL-2.0 */

/* The clock, sleeping, counters and stopwatches. */

#include "frames.h"

static void the_clock_is_in_microseconds(void)
{
    const double begin = now_ms();
    const uint64_t first = slk_clock();
    uint64_t last = first, took;
    int i;
    for (i = 0; i < 10000; ++i) {
        const uint64_t now = slk_clock();
        REQUIRE(now >= last);
        last = now;
    }
    sleep_ms(20);
    took = slk_clock() - first;
    CHECK_BETWEEN(took / 1000.0, 19, now_ms() - begin + 1);
    /* Finer than milliseconds. */
    last = slk_clock();
    while (slk_clock() == last)
        continue;
    CHECK_BETWEEN(slk_clock() - last, 1, 999999);
}

static double oversleep(void)
{
    const double begin = now_ms();
    slk_sleep(10);
    return now_ms() - begin - 10;
}

static void sleep_lasts_at_least(void)
{
    static const int times[] = {1, 2, 5, 15, 33};
    size_t i;
    for (i = 0; i < sizeof times / sizeof *times; ++i) {
        const uint64_t begin = slk_clock();
        slk_sleep(times[i]);
        CHECK_BETWEEN((slk_clock() - begin) / 1000.0, times[i], patience_ms);
    }
    CHECK_BEST(oversleep, 20);
}

static double no_sleep(void)
{
    const double begin = now_ms();
    slk_sleep(0);
    slk_sleep(-1);
    slk_sleep(-2147483647 - 1);
    return now_ms() - begin;
}

static void sleep_of_nothing_returns_at_once(void)
{
    CHECK_BEST(no_sleep, 5);
}

static void only_ipc_is_there(void)
{
    static const char* const absent[] = {"curve", "gssapi", "pgm",  "tipc",  "norm", "draft",
                                         "",      "IPC",    "ipc ", "plain", "ip",   "ipcx",
                                         "tcp",   "inproc", "vmci", "WSS",   "ws"};
    size_t i;
#ifdef _WIN32
    CHECK(slk_has("ipc") == 0 || slk_has("ipc") == 1);
#else
    CHECK_INT(slk_has("ipc"), 1);
#endif
    for (i = 0; i < sizeof absent / sizeof *absent; ++i)
        CHECK_INT(slk_has(absent[i]), 0);
    CHECK_INT(slk_has(NULL), 0);
}

static void a_counter_counts(void)
{
    void* counter = slk_atomic_counter_new();
    REQUIRE(counter != NULL);
    CHECK_INT(slk_atomic_counter_value(counter), 0);
    CHECK_INT(slk_atomic_counter_inc(counter), 0);
    CHECK_INT(slk_atomic_counter_inc(counter), 1);
    CHECK_INT(slk_atomic_counter_value(counter), 2);
    CHECK_INT(slk_atomic_counter_dec(counter), 1);
    CHECK_INT(slk_atomic_counter_dec(counter), 0);
    CHECK_INT(slk_atomic_counter_dec(counter), -1);
    slk_atomic_counter_set(counter, 41);
    CHECK_INT(slk_atomic_counter_inc(counter), 41);
    CHECK_INT(slk_atomic_counter_value(counter), 42);
    slk_atomic_counter_set(counter, -5);
    CHECK_INT(slk_atomic_counter_dec(counter), -6);
    CHECK_INT(slk_atomic_counter_value(counter), -6);
    slk_atomic_counter_destroy(&counter);
    CHECK(counter == NULL);
}

static void no_counter_counts_nothing(void)
{
    void* none = NULL;
    slk_atomic_counter_set(NULL, 3);
    CHECK_INT(slk_atomic_counter_inc(NULL), 0);
    CHECK_INT(slk_atomic_counter_dec(NULL), 0);
    CHECK_INT(slk_atomic_counter_value(NULL), 0);
    slk_atomic_counter_destroy(NULL);
    slk_atomic_counter_destroy(&none);
    CHECK(none == NULL);
}

enum { rounds = REPEATS(100000), counting_threads = 4 };

static void count_up(void* counter)
{
    int i;
    for (i = 0; i < rounds; ++i)
        slk_atomic_counter_inc(counter);
}

static void count_up_and_down(void* counter)
{
    int i;
    for (i = 0; i < rounds; ++i) {
        slk_atomic_counter_dec(counter);
        slk_atomic_counter_inc(counter);
        (void)slk_atomic_counter_value(counter);
    }
}

static void threads_count_together(void)
{
    void* counter = slk_atomic_counter_new();
    test_thread* threads[counting_threads];
    int i;
    for (i = 0; i < counting_threads; ++i)
        threads[i] = thread_start(i % 2 ? count_up : count_up_and_down, counter);
    for (i = 0; i < counting_threads; ++i)
        thread_join(threads[i]);
    CHECK_INT(slk_atomic_counter_value(counter), rounds * (counting_threads / 2));
    slk_atomic_counter_destroy(&counter);
}

static void a_stopwatch_measures(void)
{
    const double begin = now_ms();
    void* watch = slk_stopwatch_start();
    unsigned long first, second, last;
    REQUIRE(watch != NULL);
    sleep_ms(10);
    first = slk_stopwatch_intermediate(watch);
    sleep_ms(10);
    second = slk_stopwatch_intermediate(watch);
    last = slk_stopwatch_stop(watch);
    CHECK_BETWEEN(first / 1000.0, 9, now_ms() - begin + 1);
    CHECK_BETWEEN((double)second / 1000.0, first / 1000.0 + 9, now_ms() - begin + 1);
    CHECK(last >= second);
    CHECK_INT(slk_stopwatch_intermediate(NULL), 0);
    CHECK_INT(slk_stopwatch_stop(NULL), 0);
}

static void they_leave_errno_alone(void)
{
    void* none = NULL;
    int before;
    CHECK_FAILS(slk_bind(NULL, "tcp://127.0.0.1:*"), SLK_EINVAL);
    before = slk_errno();
    slk_atomic_counter_inc(NULL);
    slk_atomic_counter_destroy(&none);
    slk_stopwatch_stop(NULL);
    slk_has(NULL);
    slk_sleep(-1);
    CHECK_INT(slk_errno(), before);
}

CASES(utilities) = {
    {"the clock counts microseconds and does not go back", the_clock_is_in_microseconds},
    {"a sleep lasts at least as long as it should", sleep_lasts_at_least},
    {"a sleep of nothing returns at once", sleep_of_nothing_returns_at_once},
    {"ipc is all there is to have", only_ipc_is_there},
    {"a counter counts", a_counter_counts},
    {"no counter counts nothing", no_counter_counts_nothing},
    {"threads count together", threads_count_together},
    {"a stopwatch measures", a_stopwatch_measures},
    {"they leave slk_errno() alone", they_leave_errno_alone},
    END_OF_CASES,
};
