/* SPDX-License-Identifier: MPL-2.0 */

/* Which subscriptions an XPUB reports: by default, VERBOSE and VERBOSER. */

#include "frames.h"

enum { plain, verbose, verboser };

struct three {
    slk_ctx_t* ctx;
    slk_socket_t* xpub;
    slk_socket_t* a;
    slk_socket_t* b;
};

/* An XPUB and two XSUBs that pass each subscription and each end of one on. */
static struct three open_three(transport kind, int mode)
{
    struct three of;
    endpoint_text endpoint;
    of.ctx = new_context();
    of.xpub = open_socket(of.ctx, SLK_XPUB);
    of.a = open_socket(of.ctx, SLK_XSUB);
    of.b = open_socket(of.ctx, SLK_XSUB);
    set_int(of.a, SLK_XSUB_VERBOSE_UNSUBSCRIBE, 1);
    set_int(of.b, SLK_XSUB_VERBOSE_UNSUBSCRIBE, 1);
    if (mode == verbose)
        set_int(of.xpub, SLK_XPUB_VERBOSE, 1);
    if (mode == verboser)
        set_int(of.xpub, SLK_XPUB_VERBOSER, 1);
    bind_to(of.xpub, kind, endpoint);
    connect_to(of.a, endpoint);
    connect_to(of.b, endpoint);
    /* Both are known. */
    CHECK(sends(of.a, "at"));
    CHECK(receives(of.xpub, "at"));
    CHECK(sends(of.b, "bt"));
    CHECK(receives(of.xpub, "bt"));
    return of;
}

/* `peer` sends the first, and the XPUB receives it only if `reported`. */
static void step(struct three* of, slk_socket_t* peer, const char* text, int reported)
{
    CHECK(sends(peer, text));
    if (reported)
        CHECK(receives(of->xpub, text));
    CHECK(sends(peer, "mark"));
    CHECK(receives(of->xpub, "mark"));
}

static void run_table(transport kind, int mode)
{
    struct three of = open_three(kind, mode);
    step(&of, of.a, "\1t", 1);
    step(&of, of.a, "\1t", mode != plain);
    step(&of, of.b, "\1t", mode != plain);
    CHECK_INT(get_int(of.xpub, SLK_TOPICS_COUNT), 1);
    step(&of, of.a, "~t", mode == verboser);
    CHECK_INT(get_int(of.xpub, SLK_TOPICS_COUNT), 1);
    step(&of, of.b, "~t", 1);
    CHECK_INT(get_int(of.xpub, SLK_TOPICS_COUNT), 0);
    /* And again from the beginning. */
    step(&of, of.b, "\1t", 1);
    step(&of, of.b, "~t", 1);
    slk_ctx_destroy(of.ctx);
}

static void by_default(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind) run_table(kind, plain);
}

static void with_verbose(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind) run_table(kind, verbose);
}

static void with_verboser(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind) run_table(kind, verboser);
}

static void run_disconnect(transport kind, int mode)
{
    struct three of = open_three(kind, mode);
    char first[8], second[8];
    step(&of, of.a, "\1t", 1);
    step(&of, of.a, "\1own", 1);
    step(&of, of.b, "\1t", mode != plain);
    close_socket(of.a);
    /* All topics of a, in any order. */
    REQUIRE(next_message(of.xpub, first, sizeof first, patience_ms));
    if (mode == verboser) {
        REQUIRE(next_message(of.xpub, second, sizeof second, patience_ms));
        CHECK((strcmp(first, "~own") == 0 && strcmp(second, "~t") == 0) ||
              (strcmp(first, "~t") == 0 && strcmp(second, "~own") == 0));
    } else {
        CHECK_TEXT(first, "~own");
    }
    CHECK(sends(of.b, "mark"));
    CHECK(receives(of.xpub, "mark"));
    close_socket(of.b);
    CHECK(receives(of.xpub, "~t"));
    CHECK(receives_nothing(of.xpub));
    CHECK_INT(get_int(of.xpub, SLK_TOPICS_COUNT), 0);
    slk_ctx_destroy(of.ctx);
}

static void a_disconnect_ends_all_subscriptions(void)
{
    transport kind;
    int mode;
    FOR_EACH_TRANSPORT(kind)
    for (mode = plain; mode <= verboser; ++mode)
        run_disconnect(kind, mode);
}

static void verbose_switches_verboser_off(void)
{
    struct three of = open_three(transport_inproc, verboser);
    set_int(of.xpub, SLK_XPUB_VERBOSE, 1);
    step(&of, of.a, "\1t", 1);
    step(&of, of.b, "\1t", 1);
    step(&of, of.a, "~t", 0);
    step(&of, of.b, "~t", 1);
    slk_ctx_destroy(of.ctx);
}

static void both_can_be_switched_off_at_once(void)
{
    struct three of = open_three(transport_inproc, verbose);
    step(&of, of.a, "\1t", 1);
    step(&of, of.b, "\1t", 1);
    set_int(of.xpub, SLK_XPUB_VERBOSE, 0);
    step(&of, of.b, "\1t", 0);
    set_int(of.xpub, SLK_XPUB_VERBOSER, 1);
    step(&of, of.b, "\1t", 1);
    step(&of, of.b, "~t", 1);
    set_int(of.xpub, SLK_XPUB_VERBOSER, 0);
    step(&of, of.b, "\1t", 0);
    step(&of, of.b, "~t", 0);
    step(&of, of.a, "~t", 1);
    slk_ctx_destroy(of.ctx);
}

static void verboser_reports_the_end_of_nothing(void)
{
    struct three of = open_three(transport_tcp, verboser);
    step(&of, of.a, "~never", 1);
    slk_ctx_destroy(of.ctx);
}

static void other_values_are_refused(void)
{
    static const int flags[] = {SLK_XPUB_VERBOSE, SLK_XPUB_VERBOSER};
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* xpub = open_socket(ctx, SLK_XPUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    int i;
    for (i = 0; i < 2; ++i) {
        int value = -1;
        size_t size = sizeof value;
        CHECK_FAILS(slk_setsockopt(xpub, flags[i], &value, sizeof value), SLK_EINVAL);
        value = 5;
        CHECK_INT(slk_setsockopt(xpub, flags[i], &value, sizeof value), 0);
        CHECK_INT(slk_setsockopt(pub, flags[i], &value, sizeof value), 0);
        CHECK_FAILS(slk_setsockopt(sub, flags[i], &value, sizeof value), SLK_EINVAL);
        CHECK_FAILS(slk_setsockopt(xpub, flags[i], &value, sizeof value - 1), SLK_EINVAL);
        CHECK_FAILS(slk_setsockopt(xpub, flags[i], &value, sizeof value + 1), SLK_EINVAL);
        CHECK_FAILS(slk_setsockopt(xpub, flags[i], NULL, sizeof value), SLK_EINVAL);
        CHECK_FAILS(slk_getsockopt(xpub, flags[i], &value, &size), SLK_EINVAL);
    }
    slk_ctx_destroy(ctx);
}

static void reports_wait_for_the_receiver(void)
{
    enum { count = 500 };
    slk_socket_t *xpub, *sub;
    slk_ctx_t* ctx = open_joined(transport_tcp, SLK_XPUB, &xpub, SLK_SUB, &sub);
    char topic[8] = "t000", report[8] = "\1t000";
    int i;
    CHECK(!(ready_now(xpub) & SLK_POLLIN));
    for (i = 0; i < count; ++i) {
        topic[1] = (char)('0' + i / 100);
        topic[2] = (char)('0' + i / 10 % 10);
        topic[3] = (char)('0' + i % 10);
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, topic), 0);
    }
    CHECK(until_topics(xpub, count));
    CHECK(until_ready(xpub, SLK_POLLIN));
    for (i = 0; i < count; ++i) {
        report[2] = (char)('0' + i / 100);
        report[3] = (char)('0' + i / 10 % 10);
        report[4] = (char)('0' + i % 10);
        REQUIRE(receives(xpub, report));
    }
    CHECK(receives_nothing(xpub));
    slk_ctx_destroy(ctx);
}

static double disconnect_time(void)
{
    slk_socket_t *xpub, *sub;
    slk_ctx_t* ctx = open_joined(transport_tcp, SLK_XPUB, &xpub, SLK_SUB, &sub);
    double begin, end;
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "t"), 0);
    CHECK(receives(xpub, "\1t"));
    begin = now_ms();
    close_socket(sub);
    CHECK(receives(xpub, "~t"));
    end = now_ms();
    slk_ctx_destroy(ctx);
    return end - begin;
}

static void a_closed_peer_is_noticed_within_100_ms(void)
{
    CHECK_BEST(disconnect_time, 100);
}

CASES(xpub_reports) = {
    {"an XPUB reports the first subscription and the last end", by_default},
    {"VERBOSE reports every subscription", with_verbose},
    {"VERBOSER reports every subscription and every end", with_verboser},
    {"a disconnect ends all subscriptions of the peer", a_disconnect_ends_all_subscriptions},
    {"VERBOSE switches VERBOSER off", verbose_switches_verboser_off},
    {"both act at once, and can be switched off", both_can_be_switched_off_at_once},
    {"VERBOSER reports the end of nothing, too", verboser_reports_the_end_of_nothing},
    {"VERBOSE and VERBOSER check their values", other_values_are_refused},
    {"reports wait, in their order, for a program that does not receive",
     reports_wait_for_the_receiver},
    {"a closed subscriber is noticed within 100 ms", a_closed_peer_is_noticed_within_100_ms},
    END_OF_CASES,
};
