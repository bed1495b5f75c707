/* SPDX-License-Identifier: MPL-2.0 */

/* Timers. */

#include "frames.h"

#include <stdint.h>

/* What a handler has seen, and what it shall do. */
struct job {
    void* timers;
    int calls;
    int last_id;
    void (*action)(struct job* job, int id);
    int other;
};

static void handle(int id, void* argument)
{
    struct job* job = argument;
    ++job->calls;
    job->last_id = id;
    if (job->action != NULL)
        job->action(job, id);
}

static int add(void* timers, size_t interval, struct job* job)
{
    int id;
    job->timers = timers;
    id = slk_timers_add(timers, interval, handle, job);
    CHECK(id >= 1);
    return id;
}

/* Waits until the next timer is due, and executes. */
static void execute_next(void* timers)
{
    long left;
    while ((left = slk_timers_timeout(timers)) > 0)
        sleep_ms((int)left);
    CHECK_INT(left, 0);
    CHECK_INT(slk_timers_execute(timers), 0);
}

static void they_are_made_and_destroyed(void)
{
    void* timers = slk_timers_new();
    struct job job = {0};
    REQUIRE(timers != NULL);
    CHECK_INT(slk_timers_timeout(timers), -1);
    CHECK_INT(slk_timers_execute(timers), 0);
    add(timers, 1, &job);
    CHECK_INT(slk_timers_destroy(&timers), 0);
    CHECK(timers == NULL);
    CHECK_FAILS_WITH_ERRNO(slk_timers_destroy(&timers), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_timers_destroy(NULL), EFAULT);
    CHECK_INT(job.calls, 0);
}

static void arguments_are_checked(void)
{
    void* timers = slk_timers_new();
    struct job job = {0};
    const int id = add(timers, 1000, &job);
    CHECK_FAILS_WITH_ERRNO(slk_timers_add(NULL, 1, handle, &job), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_timers_add(timers, 1, NULL, &job), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_timers_cancel(NULL, id), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_timers_set_interval(NULL, id, 1), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_timers_reset(NULL, id), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_timers_execute(NULL), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_timers_timeout(NULL), EFAULT);
    {
        const int unknown[] = {0, -1, id + 1, 1000000};
        size_t i;
        for (i = 0; i < sizeof unknown / sizeof *unknown; ++i) {
            CHECK_FAILS_WITH_ERRNO(slk_timers_cancel(timers, unknown[i]), EINVAL);
            CHECK_FAILS_WITH_ERRNO(slk_timers_set_interval(timers, unknown[i], 1), EINVAL);
            CHECK_FAILS_WITH_ERRNO(slk_timers_reset(timers, unknown[i]), EINVAL);
        }
    }
    CHECK_INT(slk_timers_cancel(timers, id), 0);
    CHECK_FAILS_WITH_ERRNO(slk_timers_cancel(timers, id), EINVAL);
    CHECK_FAILS_WITH_ERRNO(slk_timers_set_interval(timers, id, 1), EINVAL);
    CHECK_FAILS_WITH_ERRNO(slk_timers_reset(timers, id), EINVAL);
    CHECK_INT(slk_timers_timeout(timers), -1);
    slk_timers_destroy(&timers);
}

static void it_is_due_again_and_again(void)
{
    void* timers = slk_timers_new();
    struct job job = {0};
    const double begin = now_ms();
    const int id = add(timers, 10, &job);
    int i;
    CHECK_BETWEEN(slk_timers_timeout(timers), 0, 10);
    for (i = 1; i <= 4; ++i) {
        execute_next(timers);
        CHECK_INT(job.calls, i);
        CHECK_INT(job.last_id, id);
        CHECK_BETWEEN(now_ms() - begin, 10 * i - 0.5, patience_ms);
    }
    CHECK_INT(slk_timers_cancel(timers, id), 0);
    CHECK_INT(slk_timers_timeout(timers), -1);
    slk_timers_destroy(&timers);
}

/*
 * It fires during a call, and is armed again in it: so its interval is at least as long as the time
 * from the beginning of one such call to the end of the next one.
 */
static void it_is_never_early(void)
{
    enum { interval = 5 };
    void* timers = slk_timers_new();
    struct job job = {0};
    uint64_t last = slk_clock();
    int i;
    add(timers, interval, &job);
    for (i = 0; i < REPEATS(40); ++i) {
        const int before = job.calls;
        uint64_t begin;
        do {
            begin = slk_clock();
            CHECK_INT(slk_timers_execute(timers), 0);
        } while (job.calls == before);
        CHECK_INT(job.calls, before + 1);
        CHECK_BETWEEN((slk_clock() - last) / 1000.0, interval, patience_ms);
        last = begin;
    }
    slk_timers_destroy(&timers);
}

static void what_is_due_is_called_once(void)
{
    void* timers = slk_timers_new();
    struct job early = {0}, late = {0}, far = {0};
    add(timers, 1, &early);
    add(timers, 2, &late);
    add(timers, 60000, &far);
    /* Several periods pass. */
    sleep_ms(15);
    CHECK_INT(slk_timers_timeout(timers), 0);
    CHECK_INT(slk_timers_execute(timers), 0);
    CHECK_INT(early.calls, 1);
    CHECK_INT(late.calls, 1);
    CHECK_INT(far.calls, 0);
    slk_timers_destroy(&timers);
}

static void timeout_tells_the_next(void)
{
    void* timers = slk_timers_new();
    struct job job = {0};
    const int slow = add(timers, 50000, &job);
    int quick;
    CHECK_BETWEEN(slk_timers_timeout(timers), 20000, 50000);
    quick = add(timers, 10000, &job);
    CHECK_BETWEEN(slk_timers_timeout(timers), 1000, 10000);
    CHECK_INT(slk_timers_cancel(timers, quick), 0);
    CHECK_BETWEEN(slk_timers_timeout(timers), 20000, 50000);
    CHECK_INT(slk_timers_set_interval(timers, slow, 70000), 0);
    CHECK_BETWEEN(slk_timers_timeout(timers), 50001, 70000);
    CHECK_INT(slk_timers_execute(timers), 0);
    CHECK_INT(job.calls, 0);
    slk_timers_destroy(&timers);
}

static void an_interval_begins_anew(void)
{
    void* timers = slk_timers_new();
    struct job job = {0};
    const int id = add(timers, 30000, &job);
    CHECK_INT(slk_timers_set_interval(timers, id, 5), 0);
    execute_next(timers);
    CHECK_INT(job.calls, 1);
    /* The new interval stays. */
    CHECK_BETWEEN(slk_timers_timeout(timers), 0, 5);
    execute_next(timers);
    CHECK_INT(job.calls, 2);
    CHECK_INT(slk_timers_set_interval(timers, id, 40), 0);
    sleep_ms(25);
    CHECK_INT(slk_timers_reset(timers, id), 0);
    CHECK_BETWEEN(slk_timers_timeout(timers), 20, 40);
    slk_timers_destroy(&timers);
}

static void an_overdue_timer_can_be_reset(void)
{
    void* timers = slk_timers_new();
    struct job job = {0};
    const int id = add(timers, 1, &job);
    sleep_ms(5);
    CHECK_INT(slk_timers_timeout(timers), 0);
    CHECK_INT(slk_timers_set_interval(timers, id, 30000), 0);
    CHECK_INT(slk_timers_execute(timers), 0);
    CHECK_INT(job.calls, 0);
    slk_timers_destroy(&timers);
}

static void ids_are_never_used_again(void)
{
    void* timers = slk_timers_new();
    struct job job = {0};
    int ids[500];
    int i, j;
    for (i = 0; i < 500; ++i) {
        const int id = add(timers, 1000, &job);
        for (j = 0; j < i; ++j)
            REQUIRE(ids[j] != id);
        ids[i] = id;
        CHECK_INT(slk_timers_cancel(timers, id), 0);
    }
    slk_timers_destroy(&timers);
}

static void cancel_itself(struct job* job, int id)
{
    CHECK_INT(slk_timers_cancel(job->timers, id), 0);
    CHECK_FAILS_WITH_ERRNO(slk_timers_cancel(job->timers, id), EINVAL);
}

static void cancel_other(struct job* job, int id)
{
    (void)id;
    slk_timers_cancel(job->timers, job->other);
}

static void add_another(struct job* job, int id)
{
    (void)id;
    job->other = slk_timers_add(job->timers, 0, handle, job);
    job->action = NULL;
}

static void slow_down(struct job* job, int id)
{
    CHECK_INT(slk_timers_set_interval(job->timers, id, 30000), 0);
}

static void reset_itself(struct job* job, int id)
{
    CHECK_INT(slk_timers_reset(job->timers, id), 0);
}

static void a_handler_may_change_timers(void)
{
    void* timers = slk_timers_new();
    struct job one = {0}, two = {0};
    one.action = cancel_itself;
    add(timers, 1, &one);
    execute_next(timers);
    CHECK_INT(one.calls, 1);
    CHECK_INT(slk_timers_timeout(timers), -1);

    /* One of two that are due cancels the other: whichever is first. */
    one.calls = 0;
    one.action = two.action = cancel_other;
    two.other = add(timers, 1, &one);
    one.other = add(timers, 1, &two);
    sleep_ms(5);
    CHECK_INT(slk_timers_execute(timers), 0);
    CHECK_INT(one.calls + two.calls, 1);
    slk_timers_cancel(timers, one.other);
    slk_timers_cancel(timers, two.other);
    CHECK_INT(slk_timers_timeout(timers), -1);

    one.calls = 0;
    one.action = slow_down;
    add(timers, 1, &one);
    execute_next(timers);
    CHECK_INT(one.calls, 1);
    CHECK_BETWEEN(slk_timers_timeout(timers), 10000, 30000);

    two.calls = 0;
    two.action = reset_itself;
    add(timers, 3, &two);
    execute_next(timers);
    CHECK_INT(two.calls, 1);
    CHECK_BETWEEN(slk_timers_timeout(timers), 0, 3);
    execute_next(timers);
    CHECK_INT(two.calls, 2);
    slk_timers_destroy(&timers);
}

static void a_handler_may_add_timers(void)
{
    void* timers = slk_timers_new();
    struct job job = {0};
    const int id = add(timers, 1, &job);
    job.action = add_another;
    execute_next(timers);
    CHECK(job.calls >= 1);
    CHECK(job.other >= 1 && job.other != id);
    slk_timers_destroy(&timers);
}

static void an_interval_may_be_nothing_or_large(void)
{
    void* timers = slk_timers_new();
    struct job none = {0}, large = {0};
    int id = add(timers, 0, &none);
    CHECK_INT(slk_timers_timeout(timers), 0);
    CHECK_INT(slk_timers_execute(timers), 0);
    CHECK_INT(none.calls, 1);
    CHECK_INT(slk_timers_cancel(timers, id), 0);
    id = add(timers, (size_t)-1, &large);
    CHECK(slk_timers_timeout(timers) > 1000000);
    CHECK_INT(slk_timers_execute(timers), 0);
    CHECK_INT(large.calls, 0);
    CHECK_INT(slk_timers_reset(timers, id), 0);
    CHECK_INT(slk_timers_execute(timers), 0);
    CHECK_INT(large.calls, 0);
    slk_timers_destroy(&timers);
}

static void many_timers(void)
{
    enum { count = REPEATS(2000) };
    static struct job jobs[count];
    void* timers = slk_timers_new();
    int i;
    for (i = 0; i < count; ++i)
        add(timers, (size_t)(i % 7), &jobs[i]);
    sleep_ms(10);
    CHECK_INT(slk_timers_execute(timers), 0);
    for (i = 0; i < count; ++i)
        CHECK_INT(jobs[i].calls, 1);
    slk_timers_destroy(&timers);
}

CASES(timers) = {
    {"timers are made and destroyed", they_are_made_and_destroyed},
    {"timers check their arguments", arguments_are_checked},
    {"a timer is due again and again", it_is_due_again_and_again},
    {"a timer is never early", it_is_never_early},
    {"what is due is called once, however late", what_is_due_is_called_once},
    {"timeout tells when the next one is due", timeout_tells_the_next},
    {"an interval begins anew", an_interval_begins_anew},
    {"an overdue timer can be put off", an_overdue_timer_can_be_reset},
    {"ids are never used again", ids_are_never_used_again},
    {"a handler may change timers", a_handler_may_change_timers},
    {"a handler may add timers", a_handler_may_add_timers},
    {"an interval may be nothing or large", an_interval_may_be_nothing_or_large},
    {"many timers", many_timers},
    END_OF_CASES,
};
