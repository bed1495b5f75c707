/* SPDX-License-Identifier: MPL-2.0 */

/* PUB and SUB: what matches, and what happens to subscriptions. */

#include "frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void connects_to_a_place_once(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx;
        slk_socket_t *pub, *sub;
        endpoint_text endpoint;
        if (kind == transport_inproc)
            continue;
        ctx = new_context();
        pub = open_socket(ctx, SLK_PUB);
        sub = open_socket(ctx, SLK_SUB);
        bind_to(pub, kind, endpoint);
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, ""), 0);
        connect_to(sub, endpoint);
        connect_to(sub, endpoint);
        CHECK_UNTIL(get_int(pub, SLK_TOPICS_COUNT) == 1, patience_ms);
        CHECK(sends(pub, "m"));
        CHECK(sends(pub, "n"));
        CHECK(receives(sub, "m"));
        CHECK(receives(sub, "n"));
        CHECK(receives_nothing(sub));
        /* It was one, and may be made again. */
        CHECK_INT(slk_disconnect(sub, endpoint), 0);
        CHECK_INT(slk_disconnect(sub, endpoint), -1);
        connect_to(sub, endpoint);
        slk_ctx_destroy(ctx);
    }
}

static void beginnings_of(transport kind)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "news."), 0);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "x"), 0);
    join(pub, sub, kind);
    CHECK(until_topics(pub, 2));
    CHECK(sends(pub, "news.local"));
    CHECK(sends(pub, "news"));
    CHECK(sends(pub, "News.local"));
    CHECK(sends(pub, ""));
    CHECK(sends(pub, " news.local"));
    CHECK(sends(pub, "news."));
    CHECK(sends(pub, "x"));
    CHECK(receives(sub, "news.local"));
    CHECK(receives(sub, "news."));
    CHECK(receives(sub, "x"));
    CHECK(receives_nothing(sub));
    slk_ctx_destroy(ctx);
}

static void beginnings_of_messages(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        beginnings_of(kind);
    }
}

static void first_frame(transport kind)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
    join(pub, sub, kind);
    CHECK(until_topics(pub, 1));
    CHECK(sends(pub, "b|a|a"));
    CHECK(sends(pub, "a|b||c"));
    CHECK(sends(pub, "|a"));
    CHECK(sends(pub, "ab"));
    CHECK(receives(sub, "a|b||c"));
    CHECK(receives(sub, "ab"));
    CHECK(receives_nothing(sub));
    slk_ctx_destroy(ctx);
}

static void the_first_frame_decides_alone(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        first_frame(kind);
    }
}

static void a_message_comes_once(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, ""), 0);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "ab"), 0);
    CHECK_INT(set_text(sub, SLK_PSUBSCRIBE, "a*"), 0);
    join(pub, sub, transport_tcp);
    CHECK(until_topics(pub, 3));
    CHECK(sends(pub, "abc"));
    CHECK(sends(pub, "end"));
    CHECK(receives(sub, "abc"));
    CHECK(receives(sub, "end"));
    slk_ctx_destroy(ctx);
}

static void an_empty_subscription_takes_everything(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    /* Without a value, too. */
    CHECK_INT(slk_setsockopt(sub, SLK_SUBSCRIBE, NULL, 0), 0);
    join(pub, sub, transport_tcp);
    CHECK(until_topics(pub, 1));
    CHECK(sends(pub, ""));
    CHECK(sends(pub, "a"));
    CHECK(sends(pub, "|b"));
    CHECK(receives(sub, ""));
    CHECK(receives(sub, "a"));
    CHECK(receives(sub, "|b"));
    CHECK_INT(slk_setsockopt(sub, SLK_UNSUBSCRIBE, NULL, 0), 0);
    CHECK(until_topics(pub, 0));
    slk_ctx_destroy(ctx);
}

static void what_nobody_wants_is_dropped(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    int i;
    set_int(pub, SLK_SNDHWM, 1);
    for (i = 0; i < 10; ++i)
        CHECK_INT(slk_send(pub, "nobody", 6, 0), 6);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
    join(pub, sub, transport_tcp);
    CHECK(until_topics(pub, 1));
    for (i = 0; i < 10; ++i)
        CHECK_INT(slk_send(pub, "nobody", 6, 0), 6);
    CHECK(sends(pub, "a"));
    CHECK(receives(sub, "a"));
    slk_ctx_destroy(ctx);
}

static void pub_does_not_receive_and_sub_does_not_send(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    slk_msg_t* message = slk_msg_new_data("m", 1);
    char byte;
    REQUIRE(message != NULL);
    CHECK_FAILS(slk_recv(pub, &byte, 1, 0), sys_enotsup);
    CHECK_FAILS(slk_recv(pub, &byte, 1, SLK_DONTWAIT), sys_enotsup);
    CHECK_FAILS(slk_msg_recv(message, pub, 0), sys_enotsup);
    CHECK_FAILS(slk_send(sub, "a", 1, 0), sys_enotsup);
    CHECK_FAILS(slk_send(sub, "a", 1, SLK_DONTWAIT | SLK_SNDMORE), sys_enotsup);
    CHECK_FAILS(slk_msg_send(message, sub, 0), sys_enotsup);
    CHECK_INT(slk_msg_size(message), 1);
    slk_msg_destroy(message);
    /* And does not look as if it could. */
    CHECK_INT(ready_now(sub), 0);
    CHECK_INT(ready_now(pub), SLK_POLLOUT);
    slk_ctx_destroy(ctx);
}

static void a_sub_connects_or_binds_and_subscribes_before_or_after(void)
{
    transport kind;
    int bound, early;
    FOR_EACH_TRANSPORT(kind)
    for (bound = 0; bound < 2; ++bound)
        for (early = 0; early < 2; ++early) {
            slk_ctx_t* ctx = new_context();
            slk_socket_t* pub = open_socket(ctx, SLK_PUB);
            slk_socket_t* sub = open_socket(ctx, SLK_SUB);
            if (early)
                CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
            join(bound ? sub : pub, bound ? pub : sub, kind);
            if (!early)
                CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
            CHECK(until_topics(pub, 1));
            CHECK(sends(pub, "a1"));
            CHECK(receives(sub, "a1"));
            slk_ctx_destroy(ctx);
        }
}

static void every_connection_has_the_subscriptions(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* sub = open_socket(ctx, SLK_SUB);
        slk_socket_t* pubs[5];
        int j;
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
        for (j = 0; j < 5; ++j) {
            pubs[j] = open_socket(ctx, SLK_PUB);
            join(pubs[j], sub, kind);
            CHECK(until_topics(pubs[j], 1));
        }
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "b"), 0);
        for (j = 0; j < 5; ++j) {
            CHECK(until_topics(pubs[j], 2));
            CHECK(sends(pubs[j], "b"));
            CHECK(receives(sub, "b"));
        }
        slk_ctx_destroy(ctx);
    }
}

static void a_renewed_connection_has_the_subscriptions(void)
{
    transport kind;
    FOR_EACH_NETWORK(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* sub = open_socket(ctx, SLK_SUB);
        slk_socket_t* pub = open_socket(ctx, SLK_PUB);
        endpoint_text endpoint;
        set_int(sub, SLK_RECONNECT_IVL, 10);
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "kept"), 0);
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "gone"), 0);
        bind_to(pub, kind, endpoint);
        connect_to(sub, endpoint);
        CHECK(until_topics(pub, 2));
        CHECK_INT(slk_close(pub), 0);
        /* Changes while there is no connection count, too. */
        CHECK_INT(set_text(sub, SLK_UNSUBSCRIBE, "gone"), 0);
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "new"), 0);
        pub = open_socket(ctx, SLK_PUB);
        REQUIRE_UNTIL(slk_bind(pub, endpoint) == 0, 1000);
        CHECK(until_topics(pub, 2));
        CHECK(sends(pub, "gone"));
        CHECK(sends(pub, "new"));
        CHECK(sends(pub, "kept"));
        CHECK(receives(sub, "new"));
        CHECK(receives(sub, "kept"));
        slk_ctx_destroy(ctx);
    }
}

static void bytes_of_every_kind_are_topics(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    const int sizes[] = {1, 200, 245, 246, 247, 254, 255, 256, 257, 300, 8192, 10000};
    const int count = (int)(sizeof sizes / sizeof *sizes);
    char* topic = malloc(10000);
    int i, j;
    REQUIRE(topic != NULL);
    join(pub, sub, transport_tcp);
    for (i = 0; i < count; ++i) {
        char got[10001];
        for (j = 0; j < sizes[i]; ++j)
            topic[j] = (char)(j * 7 + i);
        CHECK_INT(slk_setsockopt(sub, SLK_SUBSCRIBE, topic, (size_t)sizes[i]), 0);
        CHECK(until_topics(pub, 1));
        /* A byte less, and another last byte. */
        CHECK_INT(slk_send(pub, topic, (size_t)sizes[i] - 1, 0), sizes[i] - 1);
        topic[sizes[i] - 1] = (char)(topic[sizes[i] - 1] ^ 1);
        CHECK_INT(slk_send(pub, topic, (size_t)sizes[i], 0), sizes[i]);
        topic[sizes[i] - 1] = (char)(topic[sizes[i] - 1] ^ 1);
        CHECK_INT(slk_send(pub, topic, (size_t)sizes[i], 0), sizes[i]);
        set_int(sub, SLK_RCVTIMEO, patience_ms);
        CHECK_INT(slk_recv(sub, got, sizeof got, 0), sizes[i]);
        CHECK_BYTES(got, sizes[i], topic, sizes[i]);
        CHECK_INT(slk_setsockopt(sub, SLK_UNSUBSCRIBE, topic, (size_t)sizes[i]), 0);
        CHECK(until_topics(pub, 0));
    }
    free(topic);
    slk_ctx_destroy(ctx);
}

static void each_of_many_subscribers_has_its_own(void)
{
    enum { count = 20 };
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* pub = open_socket(ctx, SLK_PUB);
        slk_socket_t* subs[count];
        endpoint_text endpoint;
        char topic[16];
        int j;
        bind_to(pub, kind, endpoint);
        for (j = 0; j < count; ++j) {
            subs[j] = open_socket(ctx, SLK_SUB);
            snprintf(topic, sizeof topic, "own%02d", j);
            CHECK_INT(set_text(subs[j], SLK_SUBSCRIBE, topic), 0);
            CHECK_INT(set_text(subs[j], SLK_SUBSCRIBE, "all"), 0);
            connect_to(subs[j], endpoint);
        }
        CHECK(until_topics(pub, count + 1));
        for (j = 0; j < count; ++j) {
            snprintf(topic, sizeof topic, "own%02d|data", j);
            CHECK(sends(pub, topic));
        }
        for (j = 0; j < count; ++j) {
            snprintf(topic, sizeof topic, "own%02d|data", j);
            CHECK(receives(subs[j], topic));
        }
        CHECK(sends(pub, "own05|last"));
        CHECK(receives(subs[5], "own05|last"));
        for (j = 0; j < count; ++j)
            CHECK(receives_nothing(subs[j]));
        slk_ctx_destroy(ctx);
    }
}

static void inproc_is_there_at_once(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_XPUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    int i;
    join(pub, sub, transport_inproc);
    for (i = 0; i < REPEATS(1000); ++i) {
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
        REQUIRE(receives_now(pub, "\1a"));
        CHECK(sends(pub, "a|b"));
        REQUIRE(receives_now(sub, "a|b"));
        CHECK_INT(set_text(sub, SLK_UNSUBSCRIBE, "a"), 0);
        REQUIRE(receives_now(pub, "~a"));
        CHECK(sends(pub, "a|b"));
        REQUIRE(receives_nothing(sub));
    }
    slk_ctx_destroy(ctx);
}

static void inproc_needs_no_receive_at_the_pub(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    int i;
    join(pub, sub, transport_inproc);
    for (i = 0; i < REPEATS(1000); ++i) {
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
        CHECK(sends(pub, "a"));
        REQUIRE(receives_now(sub, "a"));
        CHECK_INT(set_text(sub, SLK_UNSUBSCRIBE, "a"), 0);
        CHECK(sends(pub, "a"));
        REQUIRE(receives_nothing(sub));
    }
    slk_ctx_destroy(ctx);
}

static transport timed_kind;

static double subscription_time(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    double begin, end;
    join(pub, sub, timed_kind);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
    CHECK(until_topics(pub, 1));
    begin = now_ms();
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "b"), 0);
    do {
        CHECK(sends(pub, "b"));
        end = now_ms();
    } while (!next_message(sub, (char[8]){0}, 8, 1) && end - begin < patience_ms);
    slk_ctx_destroy(ctx);
    return end - begin;
}

static void a_subscription_is_active_within_50_ms(void)
{
    transport kind;
    FOR_EACH_NETWORK(kind)
    {
        timed_kind = kind;
        CHECK_BEST(subscription_time, 50);
    }
}

CASES(subscriptions) = {
    {"a SUB receives what begins with one of its subscriptions", beginnings_of_messages},
    {"the first frame alone decides, and the message comes whole", the_first_frame_decides_alone},
    {"a message comes once, however many subscriptions match", a_message_comes_once},
    {"an empty subscription takes everything", an_empty_subscription_takes_everything},
    {"what nobody wants is dropped with success", what_nobody_wants_is_dropped},
    {"PUB cannot receive, SUB cannot send", pub_does_not_receive_and_sub_does_not_send},
    {"a SUB binds or connects, and subscribes before or after that",
     a_sub_connects_or_binds_and_subscribes_before_or_after},
    {"every connection of a SUB has its subscriptions", every_connection_has_the_subscriptions},
    {"a renewed connection has the subscriptions of now",
     a_renewed_connection_has_the_subscriptions},
    {"topics have any bytes and any length", bytes_of_every_kind_are_topics},
    {"each of many subscribers has what it wants", each_of_many_subscribers_has_its_own},
    {"a subscription over inproc is there when the call returns", inproc_is_there_at_once},
    {"a PUB knows a subscription over inproc without receiving",
     inproc_needs_no_receive_at_the_pub},
    {"a subscription is active within 50 ms", a_subscription_is_active_within_50_ms},
    {"a SUB connects to a place once", connects_to_a_place_once},
    END_OF_CASES,
};
