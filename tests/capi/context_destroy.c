/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 4: what slk_ctx_destroy() ends, and what it waits for. */
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct blocked_call {
    slk_socket_t* socket;
    int (*call)(slk_socket_t*);
    int result;
    int reason;
    test_flag started;
    test_flag done;
} blocked_call;

static int call_recv(slk_socket_t* socket)
{
    char buffer[8];
    return slk_recv(socket, buffer, sizeof buffer, 0);
}

static int call_send(slk_socket_t* socket)
{
    return slk_send(socket, "x", 1, 0);
}

static int call_msg_recv(slk_socket_t* socket)
{
    slk_msg_t* message = slk_msg_new();
    const int result = slk_msg_recv(message, socket, 0);
    slk_msg_destroy(message);
    return result;
}

static int call_msg_send(slk_socket_t* socket)
{
    slk_msg_t* message = slk_msg_new_data("kept", 4);
    const int result = slk_msg_send(message, socket, 0);
    CHECK_INT(slk_msg_size(message), 4);
    slk_msg_destroy(message);
    return result;
}

static int call_poll(slk_socket_t* socket)
{
    slk_pollitem_t item = {NULL, -1, SLK_POLLIN, 0};
    item.socket = socket;
    return slk_poll(&item, 1, -1);
}

static int call_proxy(slk_socket_t* socket)
{
    return slk_proxy(socket, socket, NULL);
}

/* Would wait for a minute without the end of the context. */
static int call_recv_with_timeout(slk_socket_t* socket)
{
    char buffer[8];
    set_int(socket, SLK_RCVTIMEO, 60000);
    return slk_recv(socket, buffer, sizeof buffer, 0);
}

static void block(void* argument)
{
    blocked_call* call = argument;
    flag_set(&call->started, 1);
    call->result = call->call(call->socket);
    call->reason = slk_errno();
    flag_set(&call->done, 1);
}

static void check_woken(transport kind, int (*function)(slk_socket_t*), int sends)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* bound = open_socket(ctx, SLK_PAIR);
    slk_socket_t* connected = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    blocked_call call = {NULL, NULL, 0, 0, {0}, {0}};
    test_thread* thread;
    double began;
    set_int(connected, SLK_SNDHWM, 1);
    if (sends) {
        /* Nobody is there to make room. */
        free_endpoint(kind, endpoint);
        connect_to(connected, endpoint);
        CHECK_INT(fill(connected, 100), 1);
    } else {
        bind_to(bound, kind, endpoint);
        connect_to(connected, endpoint);
        SEND_TEXT(connected, "there", 0);
        CHECK_RECV(bound, "there");
    }
    call.socket = connected;
    call.call = function;
    thread = thread_start(block, &call);
    REQUIRE_UNTIL(flag_get(&call.started), patience_ms);
    sleep_ms(10); /* so that it most likely waits by now */
    CHECK_INT(flag_get(&call.done), 0);
    began = now_ms();
    slk_ctx_destroy(ctx);
    CHECK_BETWEEN(now_ms() - began, 0, 3000);
    /* The call may not touch the socket any more, so that it is about to return. */
    thread_join(thread);
    CHECK_INT(call.result, -1);
    CHECK_INT(call.reason, SLK_ETERM);
}

static void wakes_calls(int (*function)(slk_socket_t*), int sends)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    check_woken(kind, function, sends);
}

static void wakes_recv(void)
{
    wakes_calls(call_recv, 0);
}

static void wakes_recv_with_timeout(void)
{
    wakes_calls(call_recv_with_timeout, 0);
}

static void wakes_send(void)
{
    wakes_calls(call_send, 1);
}

static void wakes_msg_recv(void)
{
    wakes_calls(call_msg_recv, 0);
}

static void wakes_msg_send(void)
{
    wakes_calls(call_msg_send, 1);
}

static void wakes_poll(void)
{
    wakes_calls(call_poll, 0);
}

static void wakes_proxy(void)
{
    wakes_calls(call_proxy, 0);
}

static void wakes_calls_of_every_type(void)
{
    static const int receiving[] = {SLK_PAIR,   SLK_SUB,  SLK_REP,  SLK_DEALER,
                                    SLK_ROUTER, SLK_PULL, SLK_XPUB, SLK_XSUB};
    static const int waiting_to_send[] = {SLK_PAIR, SLK_REQ, SLK_DEALER, SLK_PUSH};
    enum {
        receivers = sizeof receiving / sizeof receiving[0],
        senders = sizeof waiting_to_send / sizeof waiting_to_send[0]
    };
    slk_ctx_t* ctx = new_context();
    blocked_call calls[receivers + senders];
    test_thread* threads[receivers + senders];
    int index;
    memset(calls, 0, sizeof calls);
    for (index = 0; index < receivers + senders; ++index) {
        const int type = index < receivers ? receiving[index] : waiting_to_send[index - receivers];
        calls[index].socket = open_socket(ctx, type);
        calls[index].call = index < receivers ? call_recv : call_send;
        threads[index] = thread_start(block, &calls[index]);
    }
    for (index = 0; index < receivers + senders; ++index)
        REQUIRE_UNTIL(flag_get(&calls[index].started), patience_ms);
    sleep_ms(10);
    slk_ctx_destroy(ctx);
    for (index = 0; index < receivers + senders; ++index) {
        thread_join(threads[index]);
        CHECK_INT(calls[index].result, -1);
        CHECK_INT(calls[index].reason, SLK_ETERM);
    }
}

static void open_and_close(void* ctx)
{
    slk_socket_t* socket;
    while ((socket = slk_socket(ctx, SLK_DEALER)) != NULL) {
        slk_bind(socket, "inproc://of-a-thread");
        if (slk_close(socket) != 0)
            break;
    }
    /* It ends, or is gone, and so are its sockets. */
    CHECK(slk_errno() == SLK_ETERM || slk_errno() == SLK_ENOTSOCK || slk_errno() == SLK_EINVAL);
}

static void threads_open_and_close(void)
{
    enum { number = 4 };
    int round, index;
    for (round = 0; round < REPEATS(100); ++round) {
        test_thread* threads[number];
        slk_ctx_t* ctx = new_context();
        for (index = 0; index < number; ++index)
            threads[index] = thread_start(open_and_close, ctx);
        sleep_ms(1);
        slk_ctx_destroy(ctx);
        for (index = 0; index < number; ++index)
            thread_join(threads[index]);
    }
}

static void open_sockets_do_not_hold_it_up(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* nobody = open_socket(ctx, SLK_PAIR);
        slk_socket_t* patient = open_socket(ctx, SLK_DEALER);
        slk_socket_t* bound = open_socket(ctx, SLK_ROUTER);
        endpoint_text endpoint;
        endpoint_text used;
        double began;
        free_endpoint(kind, endpoint);
        bind_to(bound, kind, used);
        connect_to(nobody, endpoint);
        connect_to(patient, endpoint);
        connect_to(patient, used);
        set_int(nobody, SLK_LINGER, -1);
        set_int(patient, SLK_LINGER, 60000);
        CHECK(fill(nobody, 100) > 0);
        CHECK(fill(patient, 100) > 0);
        CHECK_INT(slk_send(patient, "unfinished", 10, SLK_SNDMORE), 10);
        began = now_ms();
        slk_ctx_destroy(ctx);
        CHECK_BETWEEN(now_ms() - began, 0, 3000);
    }
}

static void their_addresses_are_free(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        endpoint_text endpoint;
        int round;
        free_endpoint(kind, endpoint);
        for (round = 0; round < 5; ++round) {
            slk_ctx_t* ctx = new_context();
            slk_socket_t* bound = open_socket(ctx, SLK_PAIR);
            slk_socket_t* connected = open_socket(ctx, SLK_PAIR);
            bind_at(bound, endpoint);
            connect_to(connected, endpoint);
            SEND_TEXT(connected, "there", 0);
            CHECK_RECV(bound, "there");
            if (round % 2 == 0) {
                close_socket(bound);
                close_socket(connected);
            }
            slk_ctx_destroy(ctx);
        }
    }
}

/* Returns how long it takes to destroy a context whose socket was closed with a message unsent. */
static double destroy_after_close(int linger, transport kind)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    double began;
    free_endpoint(kind, endpoint);
    connect_to(socket, endpoint);
    SEND_TEXT(socket, "never sent", 0);
    set_int(socket, SLK_LINGER, linger);
    began = now_ms();
    close_socket(socket);
    CHECK_BETWEEN(now_ms() - began, 0, 200);
    slk_ctx_destroy(ctx);
    return now_ms() - began;
}

static void linger_is_waited_for(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        CHECK_BETWEEN(destroy_after_close(0, kind), 0, 1000);
        if (kind == transport_inproc)
            continue;
        CHECK_BETWEEN(destroy_after_close(150, kind), 145, 1500);
    }
}

static void pending_inproc_is_dropped(void)
{
    CHECK_BETWEEN(destroy_after_close(-1, transport_inproc), 0, 1000);
    CHECK_BETWEEN(destroy_after_close(60000, transport_inproc), 0, 1000);
}

typedef struct destruction {
    slk_ctx_t* ctx;
    test_flag done;
} destruction;

static void destroy(void* argument)
{
    destruction* of = argument;
    slk_ctx_destroy(of->ctx);
    flag_set(&of->done, 1);
}

static void waits_for_ever_for_a_peer(void)
{
    transport kind;
    for (kind = transport_tcp; kind <= transport_ipc; kind = (transport)(kind + 1)) {
        slk_ctx_t* other = new_context();
        slk_socket_t* peer = open_socket(other, SLK_PAIR);
        slk_socket_t* socket;
        destruction ending = {NULL, {0}};
        test_thread* thread;
        endpoint_text endpoint;
        char frame[16];
        int index;
        if (!has_transport(kind))
            continue;
        free_endpoint(kind, endpoint);
        ending.ctx = new_context();
        socket = open_socket(ending.ctx, SLK_PAIR);
        set_int(socket, SLK_RECONNECT_IVL, 10);
        connect_to(socket, endpoint);
        for (index = 0; index < 100; ++index) {
            snprintf(frame, sizeof frame, "%d", index);
            SEND_TEXT(socket, frame, 0);
        }
        close_socket(socket);
        thread = thread_start(destroy, &ending);
        sleep_ms(150);
        CHECK_INT(flag_get(&ending.done), 0);
        /* The context has begun to end. */
        CHECK_NULL(slk_socket(ending.ctx, SLK_PAIR), SLK_ETERM);
        bind_at(peer, endpoint);
        for (index = 0; index < 100; ++index) {
            snprintf(frame, sizeof frame, "%d", index);
            CHECK_RECV_LAST(peer, frame);
        }
        CHECK_UNTIL(flag_get(&ending.done), patience_ms);
        thread_join(thread);
        close_socket(peer);
        slk_ctx_destroy(other);
    }
}

static void closed_sockets_send_everything(void)
{
    enum { messages = 500, size = 20000 };
    slk_ctx_t* other = new_context();
    slk_socket_t* peer = open_socket(other, SLK_PULL);
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PUSH);
    destruction ending = {NULL, {0}};
    test_thread* thread;
    endpoint_text endpoint;
    char* block = calloc(size, 1);
    int index;
    bind_tcp(peer, endpoint);
    connect_to(socket, endpoint);
    for (index = 0; index < messages; ++index)
        CHECK_INT(slk_send(socket, block, size, 0), size);
    close_socket(socket);
    ending.ctx = ctx;
    thread = thread_start(destroy, &ending);
    for (index = 0; index < messages; ++index)
        REQUIRE_INT(recv_within(peer, block, size, patience_ms), size);
    thread_join(thread);
    CHECK_NOTHING(peer, 0);
    free(block);
    close_socket(peer);
    slk_ctx_destroy(other);
}

CASES(context_destroy) = {
    {"the end of a context wakes slk_recv()", wakes_recv},
    {"the end of a context wakes slk_recv() before its timeout", wakes_recv_with_timeout},
    {"the end of a context wakes slk_send()", wakes_send},
    {"the end of a context wakes slk_msg_recv()", wakes_msg_recv},
    {"the end of a context wakes slk_msg_send()", wakes_msg_send},
    {"the end of a context wakes slk_poll()", wakes_poll},
    {"the end of a context wakes slk_proxy()", wakes_proxy},
    {"the end of a context wakes sockets of each type", wakes_calls_of_every_type},
    {"threads may create and close sockets while their context ends", threads_open_and_close},
    {"open sockets do not hold up the end of a context", open_sockets_do_not_hold_it_up},
    {"addresses are free when a context has ended", their_addresses_are_free},
    {"the end of a context waits as SLK_LINGER says", linger_is_waited_for},
    {"the end of a context drops what waits for an inproc name", pending_inproc_is_dropped},
    {"the end of a context waits for a peer for ever", waits_for_ever_for_a_peer},
    {"sockets that were closed send everything", closed_sockets_send_everything},
    END_OF_CASES,
};
