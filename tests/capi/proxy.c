/* SPDX-License-Identifier: MPL-2.0 */

/* slk_proxy(). */

#include "frames.h"

struct proxy {
    slk_socket_t* frontend;
    slk_socket_t* backend;
    slk_socket_t* capture;
    int result;
    int error;
    test_thread* thread;
};

static void run(void* argument)
{
    struct proxy* of = argument;
    of->result = slk_proxy(of->frontend, of->backend, of->capture);
    of->error = slk_errno();
}

static void start(struct proxy* of, slk_socket_t* frontend, slk_socket_t* backend,
                  slk_socket_t* capture)
{
    of->frontend = frontend;
    of->backend = backend;
    of->capture = capture;
    of->result = 1;
    of->thread = thread_start(run, of);
}

static void end(struct proxy* of, slk_ctx_t* ctx)
{
    slk_ctx_destroy(ctx);
    thread_join(of->thread);
    CHECK_INT(of->result, -1);
    CHECK_INT(of->error, SLK_ETERM);
}

static void sockets_are_needed(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    CHECK_FAILS(slk_proxy(NULL, NULL, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_proxy(socket, NULL, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_proxy(NULL, socket, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_proxy(NULL, NULL, socket), SLK_EINVAL);
    slk_ctx_destroy(ctx);
}

static void requests_and_replies_pass(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        struct proxy proxy;
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* dealer = open_socket(ctx, SLK_DEALER);
        slk_socket_t* req = open_socket(ctx, SLK_REQ);
        slk_socket_t* rep = open_socket(ctx, SLK_REP);
        int i;
        join(router, req, kind);
        join(dealer, rep, kind);
        start(&proxy, router, dealer, NULL);
        for (i = 0; i < 20; ++i) {
            CHECK_INT(slk_send(req, "question", 8, SLK_SNDMORE), 8);
            CHECK_INT(slk_send(req, "", 0, 0), 0);
            CHECK(receives(rep, "question|"));
            CHECK_INT(slk_send(rep, "answer", 6, SLK_SNDMORE), 6);
            CHECK_INT(slk_send(rep, "2", 1, 0), 1);
            CHECK(receives(req, "answer|2"));
        }
        end(&proxy, ctx);
    }
}

static void subscriptions_and_messages_pass(void)
{
    struct proxy proxy;
    slk_ctx_t* ctx = new_context();
    slk_socket_t* xsub = open_socket(ctx, SLK_XSUB);
    slk_socket_t* xpub = open_socket(ctx, SLK_XPUB);
    slk_socket_t* pub = open_socket(ctx, SLK_PUB);
    slk_socket_t* sub = open_socket(ctx, SLK_SUB);
    join(xsub, pub, transport_tcp);
    join(xpub, sub, transport_tcp);
    start(&proxy, xsub, xpub, NULL);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
    CHECK(until_topics(pub, 1));
    CHECK(sends(pub, "b"));
    CHECK(sends(pub, "a|1"));
    CHECK(receives(sub, "a|1"));
    CHECK_INT(set_text(sub, SLK_UNSUBSCRIBE, "a"), 0);
    CHECK(until_topics(pub, 0));
    end(&proxy, ctx);
}

static void one_way_suffices(void)
{
    struct proxy proxy;
    enum { count = 500 };
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pull = open_socket(ctx, SLK_PULL);
    slk_socket_t* push = open_socket(ctx, SLK_PUSH);
    slk_socket_t* source = open_socket(ctx, SLK_PUSH);
    slk_socket_t* sink = open_socket(ctx, SLK_PULL);
    int i;
    join(pull, source, transport_tcp);
    join(push, sink, transport_tcp);
    start(&proxy, pull, push, NULL);
    for (i = 0; i < count; ++i) {
        CHECK_INT(slk_send(source, &i, sizeof i, SLK_SNDMORE), sizeof i);
        CHECK_INT(slk_send(source, "", 0, 0), 0);
    }
    for (i = 0; i < count; ++i) {
        int got = -1;
        REQUIRE_INT(recv_within(sink, &got, sizeof got, patience_ms), sizeof got);
        REQUIRE_INT(got, i);
        REQUIRE_INT(get_int(sink, opt_rcvmore), 1);
        REQUIRE_INT(recv_within(sink, &got, sizeof got, patience_ms), 0);
        REQUIRE_INT(get_int(sink, opt_rcvmore), 0);
    }
    end(&proxy, ctx);
}

static void capture_has_every_frame_of_both_ways(void)
{
    struct proxy proxy;
    slk_ctx_t* ctx = new_context();
    slk_socket_t* front = open_socket(ctx, SLK_DEALER);
    slk_socket_t* back = open_socket(ctx, SLK_DEALER);
    slk_socket_t* capture = open_socket(ctx, SLK_PUSH);
    slk_socket_t* a = open_socket(ctx, SLK_DEALER);
    slk_socket_t* b = open_socket(ctx, SLK_DEALER);
    slk_socket_t* watcher = open_socket(ctx, SLK_PULL);
    join(front, a, transport_inproc);
    join(back, b, transport_inproc);
    join(capture, watcher, transport_inproc);
    start(&proxy, front, back, capture);
    CHECK(sends(a, "to|the|"));
    CHECK(receives(b, "to|the|"));
    CHECK(receives(watcher, "to|the|"));
    CHECK(sends(b, "back"));
    CHECK(receives(a, "back"));
    CHECK(receives(watcher, "back"));
    end(&proxy, ctx);
}

static void one_socket_may_be_both(void)
{
    struct proxy proxy;
    slk_ctx_t* ctx = new_context();
    slk_socket_t* both = open_socket(ctx, SLK_DEALER);
    slk_socket_t* peer = open_socket(ctx, SLK_DEALER);
    join(both, peer, transport_tcp);
    start(&proxy, both, both, NULL);
    CHECK(sends(peer, "echo|1"));
    CHECK(receives(peer, "echo|1"));
    CHECK(sends(peer, "echo|2"));
    CHECK(receives(peer, "echo|2"));
    end(&proxy, ctx);
}

static void the_receiver_needs_room(void)
{
    struct proxy proxy;
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pull = open_socket(ctx, SLK_PULL);
    slk_socket_t* push = open_socket(ctx, SLK_PUSH);
    slk_socket_t* source = open_socket(ctx, SLK_PUSH);
    slk_socket_t* sink = open_socket(ctx, SLK_PULL);
    endpoint_text endpoint;
    int sent = 0, again, got = 0;
    set_int(pull, SLK_RCVHWM, 3);
    set_int(source, SLK_SNDHWM, 3);
    join(pull, source, transport_inproc);
    bind_inproc(push, endpoint);
    start(&proxy, pull, push, NULL);
    /* The backend has no peer: what waits is in the queue to the frontend, and nothing is lost. */
    sleep_ms(10);
    sent = fill(source, 100);
    sleep_ms(10);
    again = fill(source, 100);
    CHECK_BETWEEN(sent, 3, 6);
    CHECK_INT(again, 0);
    connect_to(sink, endpoint);
    while (got < sent && recv_within(sink, NULL, 0, patience_ms) >= 0)
        ++got;
    CHECK_INT(got, sent);
    end(&proxy, ctx);
}

static void both_directions_share(void)
{
    struct proxy proxy;
    enum { count = 200 };
    slk_ctx_t* ctx = new_context();
    slk_socket_t* front = open_socket(ctx, SLK_DEALER);
    slk_socket_t* back = open_socket(ctx, SLK_DEALER);
    slk_socket_t* a = open_socket(ctx, SLK_DEALER);
    slk_socket_t* b = open_socket(ctx, SLK_DEALER);
    int i;
    join(front, a, transport_tcp);
    join(back, b, transport_tcp);
    for (i = 0; i < count; ++i) {
        CHECK(sends(a, "from a"));
        CHECK(sends(b, "from b"));
    }
    start(&proxy, front, back, NULL);
    for (i = 0; i < count; ++i) {
        CHECK(receives(b, "from a"));
        CHECK(receives(a, "from b"));
    }
    end(&proxy, ctx);
}

static void control_may_be_missing(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    CHECK_FAILS(slk_proxy_steerable(NULL, NULL, NULL, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_proxy_steerable(socket, NULL, NULL, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_proxy_steerable(NULL, socket, NULL, socket), SLK_EINVAL);
    slk_ctx_destroy(ctx);
}

CASES(proxy) = {
    {"a proxy needs two sockets", sockets_are_needed},
    {"requests and replies pass a proxy", requests_and_replies_pass},
    {"subscriptions and messages pass a proxy", subscriptions_and_messages_pass},
    {"a proxy of one direction", one_way_suffices},
    {"a capture has every frame of both ways", capture_has_every_frame_of_both_ways},
    {"one socket may be both sides", one_socket_may_be_both},
    {"a side is read only while the other has room", the_receiver_needs_room},
    {"both directions have their share", both_directions_share},
    {"a steerable proxy needs two sockets", control_may_be_missing},
    END_OF_CASES,
};
