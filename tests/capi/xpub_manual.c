/* SPDX-License-Identifier: MPL-2.0 */

/* XPUB_MANUAL: the program decides about each request. */

#include "frames.h"

struct three {
    slk_ctx_t* ctx;
    slk_socket_t* xpub;
    slk_socket_t* a;
    slk_socket_t* b;
};

static struct three open_three(transport kind, int option)
{
    struct three of;
    endpoint_text endpoint;
    of.ctx = new_context();
    of.xpub = open_socket(of.ctx, SLK_XPUB);
    of.a = open_socket(of.ctx, SLK_XSUB);
    of.b = open_socket(of.ctx, SLK_XSUB);
    set_int(of.xpub, option, 1);
    bind_to(of.xpub, kind, endpoint);
    connect_to(of.a, endpoint);
    connect_to(of.b, endpoint);
    CHECK(sends(of.a, "at"));
    CHECK(receives(of.xpub, "at"));
    CHECK(sends(of.b, "bt"));
    CHECK(receives(of.xpub, "bt"));
    return of;
}

static void nothing_is_applied_by_itself(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        struct three of = open_three(kind, SLK_XPUB_MANUAL);
        CHECK(sends(of.a, "\1t"));
        CHECK(receives(of.xpub, "\1t"));
        CHECK(sends(of.xpub, "t1"));
        /* All are reported, of every peer. */
        CHECK(sends(of.a, "\1t"));
        CHECK(receives(of.xpub, "\1t"));
        CHECK(sends(of.b, "\1t"));
        CHECK(receives(of.xpub, "\1t"));
        CHECK(sends(of.xpub, "t2"));
        CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "t"), 0);
        CHECK(sends(of.xpub, "t3"));
        CHECK(receives(of.b, "t3"));
        CHECK(receives_nothing(of.a));
        slk_ctx_destroy(of.ctx);
    }
}

static void another_topic_may_be_given(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        struct three of = open_three(kind, SLK_XPUB_MANUAL);
        CHECK(sends(of.a, "\1A"));
        CHECK(receives(of.xpub, "\1A"));
        CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "XA"), 0);
        CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "YA"), 0);
        CHECK(sends(of.b, "\1B"));
        CHECK(receives(of.xpub, "\1B"));
        CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "XB"), 0);
        CHECK(sends(of.xpub, "A"));
        CHECK(sends(of.xpub, "B"));
        CHECK(sends(of.xpub, "XA"));
        CHECK(sends(of.xpub, "XB"));
        CHECK(sends(of.xpub, "YA"));
        CHECK(receives(of.a, "XA"));
        CHECK(receives(of.a, "YA"));
        CHECK(receives(of.b, "XB"));
        /* An unsubscription is reported and not applied. */
        CHECK(sends(of.a, "~A"));
        CHECK(receives(of.xpub, "~A"));
        CHECK(sends(of.xpub, "XA|2"));
        CHECK(receives(of.a, "XA|2"));
        CHECK_INT(set_text(of.xpub, SLK_UNSUBSCRIBE, "XA"), 0);
        CHECK(sends(of.xpub, "XA|3"));
        CHECK(sends(of.xpub, "YA|3"));
        CHECK(receives(of.a, "YA|3"));
        CHECK(receives_nothing(of.a));
        CHECK(receives_nothing(of.b));
        slk_ctx_destroy(of.ctx);
    }
}

static void it_acts_on_the_peer_of_the_last_request(void)
{
    struct three of = open_three(transport_inproc, SLK_XPUB_MANUAL);
    /* Both have asked; only the first request was received. */
    CHECK(sends(of.a, "\1t"));
    CHECK(sends(of.b, "\1t"));
    CHECK(receives(of.xpub, "\1t"));
    CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "t"), 0);
    CHECK(sends(of.xpub, "t1"));
    CHECK(receives(of.a, "t1"));
    CHECK(receives_nothing(of.b));
    CHECK(receives(of.xpub, "\1t"));
    CHECK_INT(set_text(of.xpub, SLK_UNSUBSCRIBE, "t"), 0); /* of b, which has none */
    CHECK(sends(of.xpub, "t2"));
    CHECK(receives(of.a, "t2"));
    CHECK(receives_nothing(of.b));
    slk_ctx_destroy(of.ctx);
}

static void a_peer_that_is_gone_has_nothing(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        struct three of = open_three(kind, SLK_XPUB_MANUAL);
        CHECK(sends(of.a, "\1t"));
        CHECK(receives(of.xpub, "\1t"));
        close_socket(of.a);
        /* The end of its request is there when it is gone; the request was its last one. */
        CHECK(until_ready(of.xpub, SLK_POLLIN));
        CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "t"), 0);
        CHECK_INT(set_text(of.xpub, SLK_UNSUBSCRIBE, "t"), 0);
        CHECK(receives(of.xpub, "~t"));
        CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "t"), 0);
        CHECK_INT(set_text(of.xpub, SLK_UNSUBSCRIBE, "t"), 0);
        CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "t"), 0);
        CHECK(sends(of.xpub, "t"));
        CHECK(sends(of.b, "\1b"));
        CHECK(receives(of.xpub, "\1b"));
        CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "b"), 0);
        CHECK(sends(of.xpub, "t"));
        CHECK(sends(of.xpub, "b"));
        CHECK(receives(of.b, "b"));
        slk_ctx_destroy(of.ctx);
    }
}

static void a_disconnect_reports_what_was_asked_for(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        struct three of = open_three(kind, SLK_XPUB_MANUAL);
        int i, x = 0, y = 0;
        CHECK(sends(of.a, "\1x"));
        CHECK(receives(of.xpub, "\1x"));
        CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "given"), 0);
        CHECK(sends(of.a, "\1y"));
        CHECK(receives(of.xpub, "\1y"));
        CHECK(sends(of.a, "\1z"));
        CHECK(receives(of.xpub, "\1z"));
        CHECK(sends(of.a, "~z"));
        CHECK(receives(of.xpub, "~z"));
        /* Another peer asks for the same. */
        CHECK(sends(of.b, "\1x"));
        CHECK(receives(of.xpub, "\1x"));
        close_socket(of.a);
        for (i = 0; i < 2; ++i) {
            char got[16] = "";
            CHECK(next_message(of.xpub, got, sizeof got, patience_ms));
            x += strcmp(got, "~x") == 0;
            y += strcmp(got, "~y") == 0;
        }
        CHECK_INT(x, 1);
        CHECK_INT(y, 1);
        CHECK(sends(of.b, "mark"));
        CHECK(receives(of.xpub, "mark"));
        close_socket(of.b);
        CHECK(receives(of.xpub, "~x"));
        CHECK(receives_nothing(of.xpub));
        slk_ctx_destroy(of.ctx);
    }
}

static void outside_manual_mode_it_is_refused(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* xpub = open_socket(ctx, SLK_XPUB);
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    const int one = 1;
    const int minus = -1;
    int value = 0;
    size_t size = sizeof value;
    CHECK_FAILS(set_text(xpub, SLK_SUBSCRIBE, "a"), SLK_EINVAL);
    CHECK_FAILS(set_text(xpub, SLK_UNSUBSCRIBE, "a"), SLK_EINVAL);
    set_int(xpub, SLK_XPUB_MANUAL, 1);
    /* Before any request. */
    slk_setsockopt(xpub, SLK_SUBSCRIBE, "a", 1);
    slk_setsockopt(xpub, SLK_UNSUBSCRIBE, "a", 1);
    CHECK_INT(get_int(xpub, SLK_TOPICS_COUNT), 0);
    set_int(xpub, SLK_XPUB_MANUAL, 0);
    CHECK_FAILS(set_text(xpub, SLK_SUBSCRIBE, "a"), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(pub, SLK_XPUB_MANUAL, &one, sizeof one), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(pub, SLK_XPUB_MANUAL_LAST_VALUE, &one, sizeof one), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(xpub, SLK_XPUB_MANUAL, &minus, sizeof minus), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(xpub, SLK_XPUB_MANUAL_LAST_VALUE, &minus, sizeof minus), SLK_EINVAL);
    CHECK_FAILS(slk_getsockopt(xpub, SLK_XPUB_MANUAL, &value, &size), SLK_EINVAL);
    CHECK_FAILS(slk_getsockopt(xpub, SLK_XPUB_MANUAL_LAST_VALUE, &value, &size), SLK_EINVAL);
    slk_ctx_destroy(ctx);
}

static void last_value_goes_to_one_peer(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        struct three of = open_three(kind, SLK_XPUB_MANUAL_LAST_VALUE);
        CHECK(sends(of.a, "\1t"));
        CHECK(receives(of.xpub, "\1t"));
        CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "t"), 0);
        CHECK(sends(of.xpub, "t|first of a"));
        CHECK(receives(of.a, "t|first of a"));
        CHECK(sends(of.b, "\1t"));
        CHECK(receives(of.xpub, "\1t"));
        CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "t"), 0);
        CHECK(sends(of.xpub, "t|first of b"));
        CHECK(sends(of.xpub, "t|for all"));
        CHECK(receives(of.b, "t|first of b"));
        CHECK(receives(of.b, "t|for all"));
        CHECK(receives(of.a, "t|for all"));
        slk_ctx_destroy(of.ctx);
    }
}

static void last_value_needs_a_match(void)
{
    struct three of = open_three(transport_tcp, SLK_XPUB_MANUAL_LAST_VALUE);
    CHECK(sends(of.a, "\1t"));
    CHECK(receives(of.xpub, "\1t"));
    CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "t"), 0);
    CHECK(sends(of.xpub, "t"));
    CHECK(receives(of.a, "t"));
    CHECK(sends(of.b, "\1t"));
    CHECK(receives(of.xpub, "\1t"));
    CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "u"), 0);
    /* For b alone, which does not want it. */
    CHECK(sends(of.xpub, "t|lost"));
    CHECK(sends(of.xpub, "t|all"));
    CHECK(sends(of.xpub, "u|all"));
    CHECK(receives(of.a, "t|all"));
    CHECK(receives(of.b, "u|all"));
    CHECK(receives_nothing(of.b));
    slk_ctx_destroy(of.ctx);
}

static void user_messages_are_no_requests(void)
{
    struct three of = open_three(transport_tcp, SLK_XPUB_MANUAL);
    CHECK(sends(of.a, "\1t"));
    CHECK(receives(of.xpub, "\1t"));
    CHECK(sends(of.a, "hello|world"));
    CHECK(receives(of.xpub, "hello|world"));
    CHECK_INT(set_text(of.xpub, SLK_SUBSCRIBE, "t"), 0);
    CHECK(sends(of.xpub, "t"));
    CHECK(receives(of.a, "t"));
    slk_ctx_destroy(of.ctx);
}

CASES(xpub_manual) = {
    {"MANUAL: requests are reported and not applied", nothing_is_applied_by_itself},
    {"MANUAL: another topic may be given", another_topic_may_be_given},
    {"MANUAL: a topic is for the peer of the last request that was received",
     it_acts_on_the_peer_of_the_last_request},
    {"MANUAL: a topic for a peer that is gone does nothing", a_peer_that_is_gone_has_nothing},
    {"MANUAL: a disconnect ends what was asked for and not taken back",
     a_disconnect_reports_what_was_asked_for},
    {"MANUAL: outside it SUBSCRIBE is refused", outside_manual_mode_it_is_refused},
    {"MANUAL: messages in between are no requests", user_messages_are_no_requests},
    {"MANUAL_LAST_VALUE: the next message goes to the last peer alone",
     last_value_goes_to_one_peer},
    {"MANUAL_LAST_VALUE: the last peer needs a match", last_value_needs_a_match},
    END_OF_CASES,
};
