/* SPDX-License-Identifier: MPL-2.0 */
/* Functions without sockets: version, errors, Z85, timers, counters, stopwatches, threads. */
#include "facts.h"

static void the_version_is_the_headers(void)
{
    int major = -1, minor = -1, patch = -1;
    zmq_version(&major, &minor, &patch);
    CHECK_INT(major, 4);
    CHECK_INT(minor, 3);
    CHECK_INT(patch, 4);
}

static void errors_have_libzmqs_numbers_and_texts(void)
{
    char unknown[64];
    CHECK_INT(EFSM, 156384763);
    CHECK_INT(ENOCOMPATPROTO, 156384764);
    CHECK_INT(ETERM, 156384765);
    CHECK_INT(EMTHREAD, 156384766);
    CHECK_TEXT(zmq_strerror(EFSM), "Operation cannot be accomplished in current state");
    CHECK_TEXT(zmq_strerror(ENOCOMPATPROTO), "The protocol is not compatible with the socket type");
    CHECK_TEXT(zmq_strerror(ETERM), "Context was terminated");
    CHECK_TEXT(zmq_strerror(EMTHREAD), "No thread available");
    CHECK_TEXT(zmq_strerror(EHOSTUNREACH), "Host unreachable");
    CHECK_TEXT(zmq_strerror(EINVAL), strerror(EINVAL));
    CHECK_TEXT(zmq_strerror(ENAMETOOLONG), strerror(ENAMETOOLONG));
    /* Each text takes the place of the one before. */
    snprintf(unknown, sizeof unknown, "%s", strerror(123456));
    CHECK_TEXT(zmq_strerror(123456), unknown);
}

static void zmq_errno_is_errno(void)
{
    errno = ENOSPC;
    CHECK_INT(zmq_errno(), ENOSPC);
}

static void what_is_not_there_is_not_claimed(void)
{
#ifdef _WIN32
    CHECK_INT(zmq_has("ipc"), 0);
#else
    CHECK_INT(zmq_has("ipc"), 1);
#endif
    CHECK_INT(zmq_has("draft"), 0);
    CHECK_INT(zmq_has("ws"), 0);
    CHECK_INT(zmq_has("vmci"), 0);
    CHECK_INT(zmq_has("CURVE"), 0);
    CHECK_INT(zmq_has(""), 0);
    /* docs/libzmq.md says what each of them gives. */
    CHECK_INT(zmq_has("WS"), is_theirs());
    CHECK_INT(zmq_has("pgm"), is_theirs());
    CHECK_INT(zmq_has("norm"), is_theirs());
    CHECK_INT(zmq_has("tipc"), is_theirs());
    CHECK_INT(zmq_has("gssapi"), is_theirs());
}

static void z85_has_the_vectors_of_its_document(void)
{
    static const uint8_t bytes[8] = {0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B};
    static const uint8_t all[4] = {0xFF, 0xFF, 0xFF, 0xFF};
    char text[16] = "";
    uint8_t back[8] = {0};
    CHECK(zmq_z85_encode(text, bytes, 8) == text);
    CHECK_TEXT(text, "HelloWorld");
    CHECK(zmq_z85_decode(back, "HelloWorld") == back);
    CHECK_BYTES(back, 8, bytes, 8);
    CHECK(zmq_z85_encode(text, all, 4) == text);
    CHECK_TEXT(text, "%nSc0");
    CHECK(zmq_z85_encode(text, all, 0) == text);
    CHECK_TEXT(text, "");
}

static void z85_refuses_what_is_none(void)
{
    uint8_t back[16];
    char text[16];
    static const char* const bad[] = {"",       "Hell",  "HelloWorl", "%nSc1",      "#####",
                                      "Hel\\o", "hel o", "Hel~o",     "\x80hel\xff"};
    size_t i;
    for (i = 0; i < sizeof bad / sizeof *bad; ++i)
        CHECK_NULL(zmq_z85_decode(back, bad[i]), EINVAL);
    CHECK_NULL(zmq_z85_encode(text, back, 5), EINVAL);
}

static void curve_keys_belong_together(void)
{
    char public_key[41] = "", secret_key[41] = "", again[41] = "";
    if (!zmq_has("curve")) {
        CHECK_FAILS(zmq_curve_keypair(public_key, secret_key), ENOTSUP);
        CHECK_FAILS(zmq_curve_public(public_key, secret_key), ENOTSUP);
        skip("the library has no CURVE");
    }
    CHECK_INT(zmq_curve_keypair(public_key, secret_key), 0);
    CHECK_INT(strlen(public_key), 40);
    CHECK_INT(strlen(secret_key), 40);
    CHECK_INT(zmq_curve_public(again, secret_key), 0);
    CHECK_TEXT(again, public_key);
    CHECK_INT(zmq_curve_public(again, "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"), 0);
    CHECK_TEXT(again, "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID");
    CHECK_FAILS(zmq_curve_public(again, "too short"), EINVAL);
}

/* --- timers --- */

static int fired;
static void count_it(int id, void* argument)
{
    (void)id;
    (void)argument;
    ++fired;
}
static void note_id(int id, void* argument)
{
    *(int*)argument = id;
}

static void a_timer_repeats(void)
{
    void* timers = zmq_timers_new();
    int seen = 0;
    int id;
    REQUIRE(timers != NULL);
    id = zmq_timers_add(timers, 20, note_id, &seen);
    CHECK(id > 0);
    CHECK_BETWEEN(zmq_timers_timeout(timers), 0, 20);
    CHECK_UNTIL(zmq_timers_execute(timers) == 0 && seen == id, patience_ms);
    seen = 0;
    CHECK_UNTIL(zmq_timers_execute(timers) == 0 && seen == id, patience_ms);
    CHECK_INT(zmq_timers_destroy(&timers), 0);
    CHECK(timers == NULL);
}

static void a_cancelled_timer_does_not_fire(void)
{
    void* timers = zmq_timers_new();
    const int id = zmq_timers_add(timers, 0, count_it, NULL);
    fired = 0;
    CHECK_INT(zmq_timers_cancel(timers, id), 0);
    sleep_ms(5);
    CHECK_INT(zmq_timers_execute(timers), 0);
    CHECK_INT(fired, 0);
    CHECK_FAILS(zmq_timers_cancel(timers, id), EINVAL);
    CHECK_INT(zmq_timers_destroy(&timers), 0);
}

static void timers_without_a_timer_have_no_time(void)
{
    void* timers = zmq_timers_new();
    int id;
    CHECK_INT(zmq_timers_timeout(timers), -1);
    id = zmq_timers_add(timers, 1000, count_it, NULL);
    CHECK_INT(zmq_timers_cancel(timers, id), 0);
    CHECK_INT(zmq_timers_timeout(timers), -1);
    CHECK_INT(zmq_timers_destroy(&timers), 0);
}

static void an_interval_may_change(void)
{
    void* timers = zmq_timers_new();
    const int id = zmq_timers_add(timers, 100000, count_it, NULL);
    CHECK_INT(zmq_timers_set_interval(timers, id, 10), 0);
    CHECK_BETWEEN(zmq_timers_timeout(timers), 0, 10);
    CHECK_INT(zmq_timers_set_interval(timers, id, 100000), 0);
    CHECK_INT(zmq_timers_reset(timers, id), 0);
    CHECK_BETWEEN(zmq_timers_timeout(timers), 50000, 100000);
    CHECK_INT(zmq_timers_destroy(&timers), 0);
}

static void unknown_timers_are_invalid(void)
{
    void* timers = zmq_timers_new();
    CHECK_FAILS(zmq_timers_cancel(timers, 77), EINVAL);
    CHECK_FAILS(zmq_timers_reset(timers, 77), EINVAL);
    CHECK_FAILS(zmq_timers_set_interval(timers, 77, 5), EINVAL);
    CHECK_INT(zmq_timers_destroy(&timers), 0);
}

static void no_set_of_timers_is_a_fault(void)
{
    void* timers = zmq_timers_new();
    void* none = NULL;
    long other = 5;
    CHECK_FAILS(zmq_timers_add(timers, 1, NULL, NULL), EFAULT);
    CHECK_FAILS(zmq_timers_add(NULL, 1, count_it, NULL), EFAULT);
    CHECK_FAILS(zmq_timers_cancel(NULL, 1), EFAULT);
    CHECK_FAILS(zmq_timers_reset(NULL, 1), EFAULT);
    CHECK_FAILS(zmq_timers_set_interval(NULL, 1, 1), EFAULT);
    CHECK_FAILS(zmq_timers_timeout(NULL), EFAULT);
    CHECK_FAILS(zmq_timers_execute(NULL), EFAULT);
    CHECK_FAILS(zmq_timers_destroy(&none), EFAULT);
    CHECK_FAILS(zmq_timers_execute(&other), EFAULT);
    CHECK_INT(zmq_timers_destroy(&timers), 0);
}

/* --- counters, stopwatches, threads --- */

static void a_counter_counts(void)
{
    void* counter = zmq_atomic_counter_new();
    REQUIRE(counter != NULL);
    CHECK_INT(zmq_atomic_counter_value(counter), 0);
    CHECK_INT(zmq_atomic_counter_inc(counter), 0);
    CHECK_INT(zmq_atomic_counter_inc(counter), 1);
    CHECK_INT(zmq_atomic_counter_inc(counter), 2);
    CHECK_INT(zmq_atomic_counter_value(counter), 3);
    CHECK_INT(zmq_atomic_counter_dec(counter), 1);
    CHECK_INT(zmq_atomic_counter_dec(counter), 1);
    CHECK_INT(zmq_atomic_counter_dec(counter), 0);
    zmq_atomic_counter_set(counter, 2);
    CHECK_INT(zmq_atomic_counter_value(counter), 2);
    zmq_atomic_counter_destroy(&counter);
    CHECK(counter == NULL);
}

static void a_stopwatch_measures_microseconds(void)
{
    void* const watch = zmq_stopwatch_start();
    unsigned long first, second;
    REQUIRE(watch != NULL);
    sleep_ms(20);
    first = zmq_stopwatch_intermediate(watch);
    second = zmq_stopwatch_stop(watch);
    CHECK(first >= 19000);
    CHECK(second >= first);
    CHECK(second < 1e6 * patience_ms);
}

static void sleep_is_in_seconds(void)
{
    const double began = now_ms();
    zmq_sleep(1);
    CHECK(now_ms() - began >= 990);
}

static void set_it(void* argument)
{
    flag_set(argument, 7);
}

static void a_thread_runs_and_is_joined(void)
{
    test_flag ran = {0};
    void* const thread = zmq_threadstart(set_it, &ran);
    REQUIRE(thread != NULL);
    zmq_threadclose(thread);
    CHECK_INT(flag_get(&ran), 7);
}

CASES(utilities) = {
    {"the version is the header's", the_version_is_the_headers},
    {"errors have libzmq's numbers and texts", errors_have_libzmqs_numbers_and_texts},
    {"zmq_errno() is errno", zmq_errno_is_errno},
    {"zmq_has() is false for what is not there", what_is_not_there_is_not_claimed},
    {"Z85 has the vectors of its document", z85_has_the_vectors_of_its_document},
    {"Z85 refuses a wrong length, character or value", z85_refuses_what_is_none},
    {"keys of CURVE belong together", curve_keys_belong_together},
    {"a timer repeats", a_timer_repeats},
    {"a cancelled timer does not fire, and cannot be cancelled twice",
     a_cancelled_timer_does_not_fire},
    {"a set without timers has no time until the next", timers_without_a_timer_have_no_time},
    {"the interval of a timer may change", an_interval_may_change},
    {"an unknown timer is EINVAL", unknown_timers_are_invalid},
    {"what is no set of timers is EFAULT", no_set_of_timers_is_a_fault},
    {"a counter counts", a_counter_counts},
    {"a stopwatch measures microseconds", a_stopwatch_measures_microseconds},
    {"zmq_sleep() takes seconds", sleep_is_in_seconds},
    {"a thread runs and is joined", a_thread_runs_and_is_joined},
    END_OF_CASES,
};
