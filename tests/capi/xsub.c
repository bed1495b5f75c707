/* SPDX-License-Identifier: MPL-2.0 */

/* XSUB: subscriptions are messages that it sends, and other messages go to the XPUB's program. */

#include "frames.h"

static void messages_subscribe_and_unsubscribe(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *pub, *xsub;
        slk_ctx_t* ctx = open_joined(kind, SLK_PUB, &pub, SLK_XSUB, &xsub);
        CHECK(sends(xsub, "\1a"));
        CHECK(sends(xsub, "\1~\1"));
        CHECK(until_topics(pub, 2));
        CHECK(sends(pub, "a|data"));
        CHECK(sends(pub, "b"));
        CHECK(sends(pub, "~\1|2"));
        CHECK(receives(xsub, "a|data"));
        CHECK(receives(xsub, "~\1|2"));
        CHECK(sends(xsub, "~a"));
        CHECK(until_topics(pub, 1));
        CHECK(sends(pub, "a"));
        CHECK(sends(pub, "~\1"));
        CHECK(receives(xsub, "~\1"));
        CHECK(receives_nothing(xsub));
        slk_ctx_destroy(ctx);
    }
}

static void one_byte_is_the_empty_topic(void)
{
    slk_socket_t *xpub, *xsub;
    slk_ctx_t* ctx = open_joined(transport_tcp, SLK_XPUB, &xpub, SLK_XSUB, &xsub);
    CHECK(sends(xsub, "\1"));
    CHECK(receives(xpub, "\1"));
    CHECK(sends(xpub, "anything"));
    CHECK(receives(xsub, "anything"));
    CHECK(sends(xsub, "~"));
    CHECK(receives(xpub, "~"));
    slk_ctx_destroy(ctx);
}

static void other_messages_arrive_as_they_are(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *xpub, *xsub;
        slk_ctx_t* ctx = open_joined(kind, SLK_XPUB, &xpub, SLK_XSUB, &xsub);
        CHECK(sends(xsub, "\1begin"));
        CHECK(receives(xpub, "\1begin"));
        CHECK(sends(xsub, "hello"));
        CHECK(sends(xsub, ""));
        CHECK(sends(xsub, "\2more|than|one"));
        CHECK(receives(xpub, "hello"));
        CHECK(receives(xpub, ""));
        CHECK(receives(xpub, "\2more|than|one"));
        CHECK(receives_nothing(xpub));
        slk_ctx_destroy(ctx);
    }
}

static void a_pub_discards_them(void)
{
    slk_socket_t *pub, *xsub;
    slk_ctx_t* ctx = open_joined(transport_tcp, SLK_PUB, &pub, SLK_XSUB, &xsub);
    int i;
    set_int(pub, SLK_RCVHWM, 1);
    CHECK(sends(xsub, "\1a"));
    CHECK(until_topics(pub, 1));
    /* More than its queues would hold, and the subscription behind them acts. */
    for (i = 0; i < 5000; ++i)
        CHECK(sends(xsub, "hello|world"));
    CHECK(until_ready(pub, SLK_POLLOUT));
    REQUIRE_UNTIL(sends(xsub, "\1b") && get_int(pub, SLK_TOPICS_COUNT) == 2, patience_ms);
    CHECK(sends(pub, "b"));
    CHECK(receives(xsub, "b"));
    slk_ctx_destroy(ctx);
}

static void an_xsub_does_not_filter(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *xpub, *xsub;
        slk_ctx_t* ctx = open_joined(kind, SLK_XPUB, &xpub, SLK_XSUB, &xsub);
        set_int(xpub, SLK_XPUB_MANUAL, 1);
        CHECK(sends(xsub, "\1asked"));
        CHECK(receives(xpub, "\1asked"));
        CHECK_INT(set_text(xpub, SLK_SUBSCRIBE, "given"), 0);
        CHECK(sends(xpub, "given|1"));
        CHECK(receives(xsub, "given|1"));
        slk_ctx_destroy(ctx);
    }
}

static void a_sub_filters_again(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *xpub, *sub;
        slk_ctx_t* ctx = open_joined(kind, SLK_XPUB, &xpub, SLK_SUB, &sub);
        set_int(xpub, SLK_XPUB_MANUAL, 1);
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "asked"), 0);
        CHECK(receives(xpub, "\1asked"));
        CHECK_INT(set_text(xpub, SLK_SUBSCRIBE, ""), 0);
        CHECK(sends(xpub, "given|asked"));
        CHECK(sends(xpub, "asked|1"));
        CHECK(receives(sub, "asked|1"));
        CHECK(receives_nothing(sub));
        slk_ctx_destroy(ctx);
    }
}

/* What an XPUB that reports everything receives is what was passed upstream. */
static slk_ctx_t* open_watched(transport kind, int type, slk_socket_t** xpub, slk_socket_t** sub)
{
    slk_ctx_t* ctx = new_context();
    *xpub = open_socket(ctx, SLK_XPUB);
    set_int(*xpub, SLK_XPUB_VERBOSER, 1);
    *sub = open_socket(ctx, type);
    join(*xpub, *sub, kind);
    return ctx;
}

static void identical_subscriptions_of_a_sub_are_counted(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *xpub, *sub;
        slk_ctx_t* ctx = open_watched(kind, SLK_SUB, &xpub, &sub);
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
        CHECK(receives(xpub, "\1a"));
        /* Passed on each time. */
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
        CHECK(receives(xpub, "\1a"));
        CHECK_INT(get_int(sub, SLK_TOPICS_COUNT), 1);
        CHECK_INT(set_text(sub, SLK_UNSUBSCRIBE, "a"), 0);
        CHECK(sends(xpub, "a1"));
        CHECK(receives(sub, "a1"));
        CHECK_INT(set_text(sub, SLK_UNSUBSCRIBE, "a"), 0);
        CHECK(receives(xpub, "~a"));
        CHECK_INT(get_int(sub, SLK_TOPICS_COUNT), 0);
        /* One too many, and one of nothing. */
        CHECK_INT(set_text(sub, SLK_UNSUBSCRIBE, "a"), 0);
        CHECK_INT(set_text(sub, SLK_UNSUBSCRIBE, "never"), 0);
        CHECK_INT(set_text(sub, SLK_UNSUBSCRIBE, ""), 0);
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "end"), 0);
        CHECK(receives(xpub, "\1end"));
        /* They do not count against later ones. */
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
        CHECK(receives(xpub, "\1a"));
        CHECK(sends(xpub, "a2"));
        CHECK(receives(sub, "a2"));
        slk_ctx_destroy(ctx);
    }
}

static void identical_subscriptions_of_an_xsub_are_counted(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *xpub, *xsub;
        slk_ctx_t* ctx = open_watched(kind, SLK_XSUB, &xpub, &xsub);
        /* A connection begins with each topic once: the second one is sent when it is up. */
        CHECK(sends(xsub, "\1a"));
        CHECK(receives(xpub, "\1a"));
        CHECK(sends(xsub, "\1a"));
        CHECK(receives(xpub, "\1a"));
        CHECK(sends(xsub, "~a"));
        CHECK(sends(xsub, "~never"));
        CHECK(sends(xsub, "\1b"));
        CHECK(receives(xpub, "\1b"));
        CHECK(sends(xsub, "~a"));
        CHECK(receives(xpub, "~a"));
        CHECK(sends(xsub, "~a"));
        CHECK(sends(xsub, "\1c"));
        CHECK(receives(xpub, "\1c"));
        slk_ctx_destroy(ctx);
    }
}

static void verbose_unsubscribe_passes_each_on(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *xpub, *xsub;
        slk_ctx_t* ctx = open_watched(kind, SLK_XSUB, &xpub, &xsub);
        set_int(xsub, SLK_XSUB_VERBOSE_UNSUBSCRIBE, 1);
        /* A connection begins with each topic once: the second one is sent when it is up. */
        CHECK(sends(xsub, "\1a"));
        CHECK(receives(xpub, "\1a"));
        CHECK(sends(xsub, "\1a"));
        CHECK(receives(xpub, "\1a"));
        CHECK(sends(xsub, "~a"));
        CHECK(receives(xpub, "~a"));
        CHECK(sends(xsub, "~a"));
        CHECK(receives(xpub, "~a"));
        CHECK(sends(xsub, "~never"));
        CHECK(receives(xpub, "~never"));
        set_int(xsub, SLK_XSUB_VERBOSE_UNSUBSCRIBE, 0);
        CHECK(sends(xsub, "~never"));
        CHECK(sends(xsub, "\1end"));
        CHECK(receives(xpub, "\1end"));
        slk_ctx_destroy(ctx);
    }
}

static void subscriptions_are_kept_for_later_connections(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* xsub = open_socket(ctx, SLK_XSUB);
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    endpoint_text endpoint;
    set_int(xsub, SLK_RECONNECT_IVL, 10);
    CHECK(sends(xsub, "\1a"));
    CHECK(sends(xsub, "\1b"));
    CHECK(sends(xsub, "~b"));
    bind_to(pub, transport_tcp, endpoint);
    connect_to(xsub, endpoint);
    CHECK(until_topics(pub, 1));
    close_socket(pub);
    pub = open_socket(ctx, SLK_PUB);
    REQUIRE_UNTIL(slk_bind(pub, endpoint) == 0, 1000);
    CHECK(until_topics(pub, 1));
    CHECK(sends(pub, "b"));
    CHECK(sends(pub, "a"));
    CHECK(receives(xsub, "a"));
    slk_ctx_destroy(ctx);
}

/* Both ends look at each frame, unless they are told to look at the first one alone. */
static void only_first_subscribe(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *xpub, *xsub;
        slk_ctx_t* ctx = open_joined(kind, SLK_XPUB, &xpub, SLK_XSUB, &xsub);
        set_int(xsub, SLK_ONLY_FIRST_SUBSCRIBE, 1);
        set_int(xpub, SLK_ONLY_FIRST_SUBSCRIBE, 1);
        CHECK(sends(xsub, "user|\1a|~b"));
        CHECK(receives(xpub, "user|\1a|~b"));
        CHECK_INT(get_int(xpub, SLK_TOPICS_COUNT), 0);
        CHECK_INT(get_int(xsub, SLK_TOPICS_COUNT), 0);
        CHECK(sends(xsub, "\1c"));
        CHECK(receives(xpub, "\1c"));
        CHECK_INT(get_int(xpub, SLK_TOPICS_COUNT), 1);
        CHECK_INT(get_int(xsub, SLK_TOPICS_COUNT), 1);
        slk_ctx_destroy(ctx);
    }
}

static void later_frames_subscribe_without_that(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *pub, *xsub;
        slk_ctx_t* ctx = open_joined(kind, SLK_PUB, &pub, SLK_XSUB, &xsub);
        CHECK(sends(xsub, "user|\1a"));
        CHECK(until_topics(pub, 1));
        CHECK_INT(get_int(xsub, SLK_TOPICS_COUNT), 1);
        CHECK(sends(pub, "a"));
        CHECK(receives(xsub, "a"));
        slk_ctx_destroy(ctx);
    }
}

static void an_xsub_never_waits(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* xsub = open_socket(ctx, SLK_XSUB);
    int i;
    CHECK_INT(ready_now(xsub), SLK_POLLOUT);
    /* Nobody is there; the call waits for nobody. */
    for (i = 0; i < 2000; ++i)
        CHECK_INT(slk_send(xsub, "user", 4, 0), 4);
    CHECK_INT(slk_send(xsub, "\1a", 2, 0), 2);
    CHECK_FAILS(slk_recv(xsub, NULL, 0, SLK_DONTWAIT), SLK_EAGAIN);
    slk_ctx_destroy(ctx);
}

CASES(xsub) = {
    {"messages of an XSUB subscribe and unsubscribe", messages_subscribe_and_unsubscribe},
    {"a byte alone subscribes to the empty topic", one_byte_is_the_empty_topic},
    {"other messages of an XSUB arrive as they are", other_messages_arrive_as_they_are},
    {"a PUB discards an XSUB's messages", a_pub_discards_them},
    {"an XSUB delivers all that arrives", an_xsub_does_not_filter},
    {"a SUB delivers only what matches, whatever arrives", a_sub_filters_again},
    {"identical subscriptions of a SUB are counted", identical_subscriptions_of_a_sub_are_counted},
    {"identical subscriptions of an XSUB are counted",
     identical_subscriptions_of_an_xsub_are_counted},
    {"XSUB_VERBOSE_UNSUBSCRIBE passes each unsubscription on", verbose_unsubscribe_passes_each_on},
    {"an XSUB's subscriptions are kept for later connections",
     subscriptions_are_kept_for_later_connections},
    {"ONLY_FIRST_SUBSCRIBE leaves later frames alone", only_first_subscribe},
    {"later frames subscribe without that", later_frames_subscribe_without_that},
    {"an XSUB never waits to send", an_xsub_never_waits},
    END_OF_CASES,
};
