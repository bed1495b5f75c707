/* SPDX-License-Identifier: MPL-2.0 */

/* What a PUB or XPUB does about a peer that is full: it is skipped, or with NODROP waited for. */

#include "frames.h"

#include <stdio.h>

/* A publisher with small queues, a subscriber of "a", and one of "a" and "b". */
struct crowd {
    slk_ctx_t* ctx;
    slk_socket_t* pub;
    slk_socket_t* slow;
    slk_socket_t* other;
};

/* Between the two, inproc may choose. */
enum { mark = 40, slow_mark = 4, most = mark + slow_mark };

/*
 * A publisher learns in batches what was received, and looks for it only now and then. So that
 * `other` has room in every case, there is a pause after some messages.
 */
static void pace(int count)
{
    if (count % 16 == 15)
        sleep_ms(3);
}

static slk_socket_t* subscriber(struct crowd* of, const char* endpoint, int receive_mark)
{
    slk_socket_t* sub = open_socket(of->ctx, SLK_SUB);
    set_int(sub, SLK_RCVHWM, receive_mark);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
    connect_to(sub, endpoint);
    return sub;
}

static struct crowd open_crowd(int type, int nodrop)
{
    struct crowd of;
    endpoint_text endpoint;
    of.ctx = new_context();
    of.pub = open_socket(of.ctx, type);
    set_int(of.pub, SLK_SNDHWM, mark);
    set_int(of.pub, SLK_XPUB_NODROP, nodrop);
    bind_inproc(of.pub, endpoint);
    of.slow = subscriber(&of, endpoint, slow_mark);
    of.other = subscriber(&of, endpoint, 1000);
    CHECK_INT(set_text(of.other, SLK_SUBSCRIBE, "b"), 0);
    CHECK(until_topics(of.pub, 2));
    return of;
}

/* Fills the queue of `slow`, and empties that of `other`; returns the number of messages. */
static int fill_slow(struct crowd* of)
{
    int count = 0;
    while (count < 1000 && slk_send(of->pub, "a", 1, SLK_DONTWAIT) == 1) {
        ++count;
        CHECK(receives_now(of->other, "a"));
        pace(count);
    }
    CHECK_INT(slk_errno(), SLK_EAGAIN);
    CHECK_BETWEEN(count, mark, most);
    return count;
}

static void a_full_peer_refuses(int type)
{
    struct crowd of = open_crowd(type, 1);
    int count = fill_slow(&of);
    int i;
    /* Nobody has what was refused. */
    CHECK(receives_nothing(of.other));
    CHECK_FAILS(slk_send(of.pub, "a", 1, SLK_DONTWAIT | SLK_SNDMORE), SLK_EAGAIN);
    CHECK(receives_nothing(of.other));
    /* What the full peer does not want can be sent. */
    sleep_ms(3);
    CHECK(sends(of.pub, "b|1"));
    CHECK(receives_now(of.other, "b|1"));
    CHECK(sends(of.pub, "nobody"));
    for (i = 0; i < count; ++i)
        CHECK(receives_now(of.slow, "a"));
    CHECK(receives_nothing(of.slow));
    REQUIRE_UNTIL(slk_send(of.pub, "a", 1, SLK_DONTWAIT) == 1, patience_ms);
    CHECK(receives_now(of.slow, "a"));
    CHECK(receives_now(of.other, "a"));
    slk_ctx_destroy(of.ctx);
}

static void nodrop_refuses_instead_of_dropping(void)
{
    a_full_peer_refuses(SLK_XPUB);
    a_full_peer_refuses(SLK_PUB);
}

static void nodrop_waits_as_long_as_sndtimeo(void)
{
    struct crowd of = open_crowd(SLK_XPUB, 1);
    double begin;
    fill_slow(&of);
    set_int(of.pub, SLK_SNDTIMEO, 30);
    begin = now_ms();
    CHECK_FAILS(slk_send(of.pub, "a", 1, 0), SLK_EAGAIN);
    CHECK_BETWEEN(now_ms() - begin, 29, patience_ms);
    set_int(of.pub, SLK_SNDTIMEO, 0);
    begin = now_ms();
    CHECK_FAILS(slk_send(of.pub, "a", 1, 0), SLK_EAGAIN);
    CHECK_BETWEEN(now_ms() - begin, 0, 1000);
    CHECK(receives_nothing(of.other));
    slk_ctx_destroy(of.ctx);
}

static void drain_slow(void* argument)
{
    struct crowd* of = argument;
    sleep_ms(20);
    while (recv_within(of->slow, NULL, 0, 200) >= 0)
        continue;
}

static void a_blocked_send_is_woken(void)
{
    struct crowd of = open_crowd(SLK_PUB, 1);
    test_thread* thread;
    fill_slow(&of);
    thread = thread_start(drain_slow, &of);
    CHECK_INT(slk_send(of.pub, "a", 1, 0), 1);
    thread_join(thread);
    CHECK(receives_now(of.other, "a"));
    slk_ctx_destroy(of.ctx);
}

static void destroy_later(void* ctx)
{
    sleep_ms(20);
    slk_ctx_destroy(ctx);
}

static void a_blocked_send_ends_with_the_context(void)
{
    struct crowd of = open_crowd(SLK_PUB, 1);
    test_thread* thread;
    fill_slow(&of);
    thread = thread_start(destroy_later, of.ctx);
    CHECK_FAILS(slk_send(of.pub, "a", 1, 0), SLK_ETERM);
    thread_join(thread);
}

static void a_message_in_progress_is_finished(void)
{
    struct crowd of = open_crowd(SLK_XPUB, 1);
    int count = 0;
    /* Once its first frame is accepted, a message's other frames are. */
    while (count < 1000 && slk_send(of.pub, "a", 1, SLK_DONTWAIT | SLK_SNDMORE) == 1) {
        CHECK_INT(slk_send(of.pub, "2", 1, SLK_DONTWAIT | SLK_SNDMORE), 1);
        CHECK_INT(slk_send(of.pub, "3", 1, SLK_DONTWAIT), 1);
        ++count;
    }
    CHECK_BETWEEN(count, mark, most);
    while (count-- > 0)
        CHECK(receives_now(of.slow, "a|2|3"));
    CHECK(receives_nothing(of.slow));
    slk_ctx_destroy(of.ctx);
}

static void without_it_the_full_peer_is_skipped(int type)
{
    struct crowd of = open_crowd(type, 0);
    char text[32], got[32];
    int i, count = 0;
    for (i = 0; i < 3 * mark; ++i) {
        snprintf(text, sizeof text, "a|%d|end", i);
        /* Blocking, and not: it never waits. */
        CHECK_INT(slk_send(of.pub, "a", 1, i % 2 ? SLK_SNDMORE : SLK_SNDMORE | SLK_DONTWAIT), 1);
        snprintf(text, sizeof text, "%d", i);
        CHECK_INT(slk_send(of.pub, text, strlen(text), SLK_SNDMORE), strlen(text));
        CHECK_INT(slk_send(of.pub, "end", 3, 0), 3);
        snprintf(text, sizeof text, "a|%d|end", i);
        CHECK(receives_now(of.other, text));
        pace(i);
    }
    /* The slow one has the first ones, each whole. */
    while (next_message(of.slow, got, sizeof got, 0)) {
        snprintf(text, sizeof text, "a|%d|end", count++);
        CHECK_TEXT(got, text);
    }
    CHECK_BETWEEN(count, mark, most);
    /* And later ones when it has room again. */
    REQUIRE_UNTIL(sends(of.pub, "a|again") && next_message(of.slow, got, sizeof got, 0),
                  patience_ms);
    CHECK_TEXT(got, "a|again");
    slk_ctx_destroy(of.ctx);
}

static void a_full_peer_is_skipped_for_whole_messages(void)
{
    without_it_the_full_peer_is_skipped(SLK_PUB);
    without_it_the_full_peer_is_skipped(SLK_XPUB);
}

static void over_tcp_the_queue_is_exact(void)
{
    enum { size = 200000, limit = 2000 };
    static char large[size] = "a";
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_XPUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    int sent = 0, got = 0;
    set_int(pub, SLK_SNDHWM, 10);
    set_int(pub, SLK_SNDBUF, 4096);
    set_int(sub, SLK_RCVHWM, 1);
    set_int(sub, SLK_RCVBUF, 4096);
    set_int(pub, SLK_XPUB_NODROP, 1);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
    join(pub, sub, transport_tcp);
    CHECK(until_topics(pub, 1));
    /* A burst of SNDHWM messages fits; then the peer is full some time. */
    while (sent < limit && slk_send(pub, large, size, SLK_DONTWAIT) == size)
        ++sent;
    CHECK_BETWEEN(sent, 10, limit - 1);
    CHECK_INT(slk_errno(), SLK_EAGAIN);
    /* What was accepted arrives. */
    while (got < sent && recv_within(sub, NULL, 0, patience_ms) == size)
        ++got;
    CHECK_INT(got, sent);
    slk_ctx_destroy(ctx);
}

static void the_option_is_a_flag(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* xsub = open_socket(ctx, SLK_XSUB);
    int value = -1;
    CHECK_INT(get_int(pub, SLK_XPUB_NODROP), 0);
    set_int(pub, SLK_XPUB_NODROP, 7);
    CHECK_INT(get_int(pub, SLK_XPUB_NODROP), 1);
    CHECK_FAILS(slk_setsockopt(pub, SLK_XPUB_NODROP, &value, sizeof value), SLK_EINVAL);
    CHECK_INT(get_int(pub, SLK_XPUB_NODROP), 1);
    set_int(pub, SLK_XPUB_NODROP, 0);
    CHECK_INT(get_int(pub, SLK_XPUB_NODROP), 0);
    value = 1;
    CHECK_FAILS(slk_setsockopt(xsub, SLK_XPUB_NODROP, &value, sizeof value), SLK_EINVAL);
    slk_ctx_destroy(ctx);
}

static void pollout_of_publishers(void)
{
    struct crowd of = open_crowd(SLK_PUB, 0);
    int i;
    for (i = 0; i < 3 * most; ++i)
        CHECK(sends(of.pub, "a"));
    CHECK_INT(ready_now(of.pub), SLK_POLLOUT);
    slk_ctx_destroy(of.ctx);
}

CASES(xpub_nodrop) = {
    {"NODROP: a full peer refuses a message for all", nodrop_refuses_instead_of_dropping},
    {"NODROP: a send waits for SNDTIMEO", nodrop_waits_as_long_as_sndtimeo},
    {"NODROP: a send that waits is woken by room", a_blocked_send_is_woken},
    {"NODROP: a send that waits ends with the context", a_blocked_send_ends_with_the_context},
    {"NODROP: a message that was begun is finished", a_message_in_progress_is_finished},
    {"NODROP: over tcp what is accepted arrives", over_tcp_the_queue_is_exact},
    {"without NODROP a full peer is skipped for whole messages",
     a_full_peer_is_skipped_for_whole_messages},
    {"NODROP is a flag of PUB and XPUB", the_option_is_a_flag},
    {"a publisher is always writable", pollout_of_publishers},
    END_OF_CASES,
};
