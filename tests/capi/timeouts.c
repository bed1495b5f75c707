/* SPDX-License-Identifier: MPL-2.0 */
/* Chapters 3 and 5.1: SLK_RCVTIMEO, SLK_SNDTIMEO and SLK_DONTWAIT. */
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>

static slk_socket_t* used;

static int by_recv(int flags)
{
    char text[8];
    return slk_recv(used, text, sizeof text, flags);
}

static int by_msg_recv(int flags)
{
    slk_msg_t* message = slk_msg_new_data("kept", 4);
    const int result = slk_msg_recv(message, used, flags);
    slk_msg_destroy(message);
    return result;
}

static int by_send(int flags)
{
    return slk_send(used, "x", 1, flags);
}

static int by_msg_send(int flags)
{
    slk_msg_t* message = slk_msg_new_data("kept", 4);
    const int result = slk_msg_send(message, used, flags);
    CHECK_BYTES(slk_msg_data(message), slk_msg_size(message), "kept", 4);
    slk_msg_destroy(message);
    return result;
}

static int by_send_to(int flags)
{
    return slk_send_to(used, "peer", 4, "x", 1, flags);
}

static int (*call)(int);
static int flags_of_call;

static double measure_call(void)
{
    const double began = now_ms();
    CHECK_FAILS(call(flags_of_call), SLK_EAGAIN);
    return now_ms() - began;
}

static void check_timeouts(int option)
{
    double took;
    flags_of_call = SLK_DONTWAIT;
    set_int(used, option, 60000);
    CHECK_BEST(measure_call, 20);
    flags_of_call = 0;
    /* At once: without a bind or connect in between. */
    set_int(used, option, 0);
    CHECK_BEST(measure_call, 20);
    set_int(used, option, 30);
    CHECK_BEST(measure_call, 130);
    took = measure_call();
    CHECK_BETWEEN(took, 29, 10000);
    set_int(used, option, 1);
    CHECK_BEST(measure_call, 50);
}

static void timeouts_of_receiving(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        connected_pair pair;
        open_pair(&pair, kind);
        used = pair.bound;
        call = by_recv;
        check_timeouts(SLK_RCVTIMEO);
        call = by_msg_recv;
        check_timeouts(SLK_RCVTIMEO);
        close_pair(&pair);
    }
}

static void timeouts_without_a_peer(void)
{
    static const int types[] = {SLK_PAIR, SLK_DEALER, SLK_PUSH, SLK_REQ};
    slk_ctx_t* ctx = new_context();
    size_t index;
    for (index = 0; index < sizeof types / sizeof types[0]; ++index) {
        used = open_socket(ctx, types[index]);
        call = by_send;
        check_timeouts(SLK_SNDTIMEO);
        call = by_msg_send;
        check_timeouts(SLK_SNDTIMEO);
        close_socket(used);
    }
    slk_ctx_destroy(ctx);
}

static void timeouts_of_a_full_queue(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        endpoint_text endpoint;
        slk_socket_t* peer = open_socket(ctx, SLK_PULL);
        used = open_socket(ctx, SLK_PUSH);
        set_int(used, SLK_SNDHWM, 2);
        set_int(used, SLK_LINGER, 0);
        free_endpoint(kind, endpoint);
        connect_to(used, endpoint); /* where nobody is */
        CHECK_INT(fill(used, 100), 2);
        call = by_send;
        check_timeouts(SLK_SNDTIMEO);
        call = by_msg_send;
        check_timeouts(SLK_SNDTIMEO);
        bind_at(peer, endpoint);
        CHECK_RECV(peer, "x");
        CHECK_RECV(peer, "x");
        CHECK_NOTHING(peer, 10);
        close_socket(used);
        close_socket(peer);
        slk_ctx_destroy(ctx);
    }
}

static void timeouts_of_a_router(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* peer = open_socket(ctx, SLK_DEALER);
    endpoint_text endpoint;
    int filled = 0;
    used = open_socket(ctx, SLK_ROUTER);
    set_int(used, SLK_ROUTER_MANDATORY, 1);
    set_int(used, SLK_SNDHWM, 2);
    set_int(peer, SLK_RCVHWM, 2);
    set_bytes(peer, SLK_ROUTING_ID, "peer", 4);
    bind_inproc(used, endpoint);
    connect_to(peer, endpoint);
    while (slk_send_to(used, "peer", 4, "x", 1, SLK_DONTWAIT) == 1 && filled < 100)
        ++filled;
    CHECK_BETWEEN(filled, 2, 4);
    call = by_send_to;
    check_timeouts(SLK_SNDTIMEO);
    CHECK_INT(drain(peer, 0), filled);
    close_socket(used);
    close_socket(peer);
    slk_ctx_destroy(ctx);
}

typedef struct late_peer {
    slk_socket_t* socket;
    int receives;
    int number;
} late_peer;

static void act_later(void* argument)
{
    late_peer* late = argument;
    int index;
    sleep_ms(30);
    for (index = 0; index < late->number; ++index) {
        if (late->receives)
            slk_recv(late->socket, NULL, 0, 0);
        else
            slk_send(late->socket, "late", 4, 0);
    }
}

static void a_blocked_receive_is_woken(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        connected_pair pair;
        late_peer late;
        test_thread* thread;
        char text[8];
        double took;
        open_pair(&pair, kind);
        late.socket = pair.connected;
        late.receives = 0;
        late.number = 1;
        thread = thread_start(act_later, &late);
        took = now_ms();
        CHECK_INT(slk_recv(pair.bound, text, sizeof text, 0), 4);
        took = now_ms() - took;
        CHECK_BETWEEN(took, 0, 2000);
        thread_join(thread);
        close_pair(&pair);
    }
}

static void a_blocked_send_is_woken(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* sender = open_socket(ctx, SLK_PUSH);
        slk_socket_t* receiver = open_socket(ctx, SLK_PULL);
        endpoint_text endpoint;
        late_peer late;
        test_thread* thread;
        const size_t size = 100000;
        char* much = calloc(size, 1);
        const int number = 300;
        int sent;
        set_int(sender, SLK_SNDHWM, 2);
        set_int(receiver, SLK_RCVHWM, 2);
        bind_to(receiver, kind, endpoint);
        connect_to(sender, endpoint);
        late.socket = receiver;
        late.receives = 1;
        late.number = number;
        thread = thread_start(act_later, &late);
        /* More than fits anywhere: it has to wait again and again. */
        for (sent = 0; sent < number; ++sent)
            CHECK_INT(slk_send(sender, much, size, 0), size);
        thread_join(thread);
        free(much);
        close_socket(sender);
        close_socket(receiver);
        slk_ctx_destroy(ctx);
    }
}

static void a_blocked_router_is_woken(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* peer = open_socket(ctx, SLK_DEALER);
        endpoint_text endpoint;
        late_peer late;
        test_thread* thread;
        const size_t size = 100000;
        char* much = calloc(size, 1);
        int sent;
        set_int(router, SLK_SNDHWM, 2);
        set_int(peer, SLK_RCVHWM, 2);
        set_int(router, SLK_ROUTER_MANDATORY, 1);
        set_bytes(peer, SLK_ROUTING_ID, "peer", 4);
        bind_to(router, kind, endpoint);
        connect_to(peer, endpoint);
        CHECK_UNTIL((get_int(router, opt_events) & SLK_POLLOUT) != 0, patience_ms);
        late.socket = peer;
        late.receives = 1;
        late.number = 200;
        thread = thread_start(act_later, &late);
        for (sent = 0; sent < 200; ++sent)
            CHECK_INT(slk_send_to(router, "peer", 4, much, size, 0), size);
        thread_join(thread);
        CHECK_NOTHING(peer, 5);
        free(much);
        close_socket(router);
        close_socket(peer);
        slk_ctx_destroy(ctx);
    }
}

static void a_peer_that_comes_wakes_a_send(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* sender = open_socket(ctx, SLK_PUSH);
        slk_socket_t* receiver = open_socket(ctx, SLK_PULL);
        endpoint_text endpoint;
        late_peer late;
        test_thread* thread;
        bind_to(sender, kind, endpoint);
        set_int(sender, SLK_SNDTIMEO, patience_ms);
        late.socket = receiver;
        late.receives = 1;
        late.number = 1;
        connect_to(receiver, endpoint);
        thread = thread_start(act_later, &late);
        CHECK_INT(slk_send(sender, "x", 1, 0), 1);
        thread_join(thread);
        close_socket(sender);
        close_socket(receiver);
        slk_ctx_destroy(ctx);
    }
}

CASES(timeouts) = {
    {"receiving waits as SLK_RCVTIMEO says", timeouts_of_receiving},
    {"sending to nobody waits as SLK_SNDTIMEO says", timeouts_without_a_peer},
    {"sending to a full queue waits as SLK_SNDTIMEO says", timeouts_of_a_full_queue},
    {"a ROUTER waits for a full peer as SLK_SNDTIMEO says", timeouts_of_a_router},
    {"a call that waits for a message is woken by one", a_blocked_receive_is_woken},
    {"a call that waits for room is woken by it", a_blocked_send_is_woken},
    {"a ROUTER that waits for room is woken by it", a_blocked_router_is_woken},
    {"a call that waits for a peer is woken by one", a_peer_that_comes_wakes_a_send},
    END_OF_CASES,
};
