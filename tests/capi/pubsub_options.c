/* SPDX-License-Identifier: MPL-2.0 */

/* Other options of publishers and subscribers: welcome, inverted matching, numbers of topics. */

#include "frames.h"

/* Peers are noticed by the next call on the socket, whichever it is. */
static int welcomes(slk_socket_t* xpub, slk_socket_t* peer, const char* text)
{
    char got[16] = "";
    REQUIRE_UNTIL(get_int(xpub, opt_events) >= 0 && next_message(peer, got, sizeof got, 0),
                  patience_ms);
    CHECK_TEXT(got, text);
    return strcmp(got, text) == 0;
}

static void each_new_peer_is_welcomed_first(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* xpub = open_socket(ctx, SLK_XPUB);
        slk_socket_t* sub = open_socket(ctx, SLK_SUB);
        slk_socket_t* deaf = open_socket(ctx, SLK_SUB);
        slk_socket_t* xsub = open_socket(ctx, SLK_XSUB);
        endpoint_text endpoint;
        CHECK_INT(set_text(xpub, SLK_XPUB_WELCOME_MSG, "W~"), 0);
        bind_to(xpub, kind, endpoint);
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, ""), 0);
        connect_to(sub, endpoint);
        CHECK(receives(xpub, "\1"));
        CHECK(sends(xpub, "1"));
        CHECK(receives(sub, "W~"));
        CHECK(receives(sub, "1"));
        /* An XSUB sees it without a subscription; a SUB does not. */
        connect_to(xsub, endpoint);
        CHECK(welcomes(xpub, xsub, "W~"));
        CHECK_INT(set_text(deaf, SLK_SUBSCRIBE, "2"), 0);
        connect_to(deaf, endpoint);
        CHECK(receives(xpub, "\1"
                             "2"));
        CHECK(sends(xpub, "2"));
        CHECK(receives(deaf, "2"));
        CHECK(receives(sub, "2"));
        CHECK(receives_nothing(sub));
        slk_ctx_destroy(ctx);
    }
}

static void a_welcome_can_be_changed_and_removed(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* xpub = open_socket(ctx, SLK_XPUB);
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* subs[3];
    endpoint_text endpoint;
    char value[8];
    size_t size = sizeof value;
    int i;
    bind_tcp(xpub, endpoint);
    for (i = 0; i < 3; ++i) {
        subs[i] = open_socket(ctx, SLK_SUB);
        CHECK_INT(set_text(subs[i], SLK_SUBSCRIBE, ""), 0);
    }
    CHECK_INT(set_text(xpub, SLK_XPUB_WELCOME_MSG, "one"), 0);
    connect_to(subs[0], endpoint);
    CHECK(welcomes(xpub, subs[0], "one"));
    CHECK_INT(set_text(xpub, SLK_XPUB_WELCOME_MSG, "two"), 0);
    connect_to(subs[1], endpoint);
    CHECK(welcomes(xpub, subs[1], "two"));
    CHECK_INT(slk_setsockopt(xpub, SLK_XPUB_WELCOME_MSG, "", 0), 0);
    set_int(xpub, SLK_XPUB_VERBOSE, 1);
    CHECK(receives(xpub, "\1"));
    connect_to(subs[2], endpoint);
    CHECK(receives(xpub, "\1"));
    CHECK(sends(xpub, "end"));
    CHECK(receives(subs[2], "end"));
    CHECK(receives(subs[0], "end"));
    CHECK_FAILS(set_text(pub, SLK_XPUB_WELCOME_MSG, "x"), SLK_EINVAL);
    CHECK_FAILS(set_text(subs[0], SLK_XPUB_WELCOME_MSG, "x"), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(xpub, SLK_XPUB_WELCOME_MSG, NULL, 3), SLK_EINVAL);
    CHECK_FAILS(slk_getsockopt(xpub, SLK_XPUB_WELCOME_MSG, value, &size), SLK_EINVAL);
    slk_ctx_destroy(ctx);
}

static void inverted(int pub_type, int sub_type, transport kind)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pub = open_socket(ctx, pub_type);
    slk_socket_t* sub = open_socket(ctx, sub_type);
    set_int(pub, SLK_INVERT_MATCHING, 1);
    set_int(sub, SLK_INVERT_MATCHING, 1);
    if (sub_type == SLK_SUB)
        CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "no"), 0);
    else
        CHECK(sends(sub, "\1no"));
    join(pub, sub, kind);
    CHECK(until_topics(pub, 1));
    CHECK(sends(pub, "no"));
    CHECK(sends(pub, "yes|no"));
    CHECK(sends(pub, "now"));
    CHECK(sends(pub, "n"));
    CHECK(sends(pub, ""));
    CHECK(receives(sub, "yes|no"));
    CHECK(receives(sub, "n"));
    CHECK(receives(sub, ""));
    CHECK(receives_nothing(sub));
    slk_ctx_destroy(ctx);
}

static void inverted_matching(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        inverted(SLK_PUB, SLK_SUB, kind);
        inverted(SLK_XPUB, SLK_SUB, kind);
        inverted(SLK_PUB, SLK_XSUB, kind);
    }
}

static void inverted_matching_is_an_exact_flag(void)
{
    static const int with[] = {SLK_PUB, SLK_SUB, SLK_XPUB, SLK_XSUB};
    static const int without[] = {SLK_PAIR,   SLK_REQ,  SLK_REP, SLK_DEALER,
                                  SLK_ROUTER, SLK_PULL, SLK_PUSH};
    slk_ctx_t* ctx = new_context();
    size_t i;
    for (i = 0; i < sizeof with / sizeof *with; ++i) {
        slk_socket_t* socket = open_socket(ctx, with[i]);
        int value = 2;
        CHECK_INT(get_int(socket, SLK_INVERT_MATCHING), 0);
        CHECK_FAILS(slk_setsockopt(socket, SLK_INVERT_MATCHING, &value, sizeof value), SLK_EINVAL);
        value = -1;
        CHECK_FAILS(slk_setsockopt(socket, SLK_INVERT_MATCHING, &value, sizeof value), SLK_EINVAL);
        set_int(socket, SLK_INVERT_MATCHING, 1);
        CHECK_INT(get_int(socket, SLK_INVERT_MATCHING), 1);
        set_int(socket, SLK_INVERT_MATCHING, 0);
        CHECK_INT(get_int(socket, SLK_INVERT_MATCHING), 0);
    }
    for (i = 0; i < sizeof without / sizeof *without; ++i) {
        slk_socket_t* socket = open_socket(ctx, without[i]);
        int value = 1;
        size_t size = sizeof value;
        CHECK_FAILS(slk_setsockopt(socket, SLK_INVERT_MATCHING, &value, sizeof value), SLK_EINVAL);
        CHECK_FAILS(slk_getsockopt(socket, SLK_INVERT_MATCHING, &value, &size), SLK_EINVAL);
    }
    slk_ctx_destroy(ctx);
}

static void topics_are_counted(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* pub = open_socket(ctx, SLK_PUB);
        slk_socket_t* one = open_socket(ctx, SLK_SUB);
        slk_socket_t* two = open_socket(ctx, SLK_XSUB);
        endpoint_text endpoint;
        CHECK_INT(get_int(pub, SLK_TOPICS_COUNT), 0);
        CHECK_INT(get_int(one, SLK_TOPICS_COUNT), 0);
        CHECK_INT(get_int(two, SLK_TOPICS_COUNT), 0);
        bind_to(pub, kind, endpoint);
        connect_to(one, endpoint);
        connect_to(two, endpoint);
        CHECK_INT(set_text(one, SLK_SUBSCRIBE, "a"), 0);
        CHECK_INT(set_text(one, SLK_SUBSCRIBE, "a"), 0);
        CHECK_INT(set_text(one, SLK_SUBSCRIBE, "ab"), 0);
        CHECK_INT(set_text(one, SLK_SUBSCRIBE, ""), 0);
        CHECK_INT(get_int(one, SLK_TOPICS_COUNT), 3);
        CHECK(until_topics(pub, 3));
        CHECK(sends(two, "\1a"));
        CHECK(sends(two, "\1other"));
        CHECK_INT(get_int(two, SLK_TOPICS_COUNT), 2);
        CHECK(until_topics(pub, 4));
        CHECK_INT(set_text(one, SLK_UNSUBSCRIBE, "a"), 0);
        CHECK_INT(get_int(one, SLK_TOPICS_COUNT), 3);
        CHECK_INT(set_text(one, SLK_UNSUBSCRIBE, "a"), 0);
        CHECK_INT(get_int(one, SLK_TOPICS_COUNT), 2);
        CHECK_INT(set_text(one, SLK_UNSUBSCRIBE, "ab"), 0);
        CHECK(until_topics(pub, 3)); /* a, other, and the empty one */
        close_socket(two);
        CHECK(until_topics(pub, 1));
        close_socket(one);
        CHECK(until_topics(pub, 0));
        slk_ctx_destroy(ctx);
    }
}

static void the_number_of_topics_is_read_only(void)
{
    static const int with[] = {SLK_PUB, SLK_SUB, SLK_XPUB, SLK_XSUB};
    static const int without[] = {SLK_PAIR,   SLK_REQ,  SLK_REP, SLK_DEALER,
                                  SLK_ROUTER, SLK_PULL, SLK_PUSH};
    slk_ctx_t* ctx = new_context();
    size_t i;
    for (i = 0; i < sizeof with / sizeof *with; ++i) {
        slk_socket_t* socket = open_socket(ctx, with[i]);
        int values[2] = {0, 0};
        size_t size = sizeof values;
        CHECK_FAILS(slk_setsockopt(socket, SLK_TOPICS_COUNT, values, sizeof *values), SLK_EINVAL);
        CHECK_FAILS(slk_getsockopt(socket, SLK_TOPICS_COUNT, values, &size), SLK_EINVAL);
        size = sizeof *values - 1;
        CHECK_FAILS(slk_getsockopt(socket, SLK_TOPICS_COUNT, values, &size), SLK_EINVAL);
        size = sizeof *values;
        CHECK_FAILS(slk_getsockopt(socket, SLK_TOPICS_COUNT, NULL, &size), SLK_EINVAL);
        CHECK_FAILS(slk_getsockopt(socket, SLK_TOPICS_COUNT, values, NULL), SLK_EINVAL);
        CHECK_INT(slk_getsockopt(socket, SLK_TOPICS_COUNT, values, &size), 0);
        CHECK_INT(size, sizeof *values);
    }
    for (i = 0; i < sizeof without / sizeof *without; ++i) {
        slk_socket_t* socket = open_socket(ctx, without[i]);
        int value = 0;
        size_t size = sizeof value;
        CHECK_FAILS(slk_getsockopt(socket, SLK_TOPICS_COUNT, &value, &size), SLK_EINVAL);
    }
    slk_ctx_destroy(ctx);
}

CASES(pubsub_options) = {
    {"WELCOME_MSG is the first message of each new peer", each_new_peer_is_welcomed_first},
    {"WELCOME_MSG can be changed and removed", a_welcome_can_be_changed_and_removed},
    {"INVERT_MATCHING delivers what does not match", inverted_matching},
    {"INVERT_MATCHING is 0 or 1", inverted_matching_is_an_exact_flag},
    {"TOPICS_COUNT counts different topics", topics_are_counted},
    {"TOPICS_COUNT is read only", the_number_of_topics_is_read_only},
    END_OF_CASES,
};
