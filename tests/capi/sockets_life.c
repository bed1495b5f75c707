/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 5: creating and closing sockets. */
#include "sockets.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static void every_type(void)
{
    slk_ctx_t* ctx = new_context();
    int type;
    for (type = SLK_PAIR; type <= SLK_XSUB; ++type) {
        slk_socket_t* socket = open_socket(ctx, type);
        CHECK_INT(get_int(socket, opt_type), type);
        close_socket(socket);
    }
    slk_ctx_destroy(ctx);
}

static void other_types(void)
{
    slk_ctx_t* ctx = new_context();
    static const int unknown[] = {-1, 11, 12, 13, 100, INT_MAX, INT_MIN};
    size_t index;
    for (index = 0; index < sizeof unknown / sizeof unknown[0]; ++index)
        CHECK_NULL(slk_socket(ctx, unknown[index]), SLK_EINVAL);
    slk_ctx_destroy(ctx);
}

static void close_returns_at_once(void)
{
    transport kind;
    for (kind = transport_tcp; kind <= transport_ipc; kind = (transport)(kind + 1)) {
        slk_ctx_t* ctx;
        slk_socket_t* peer;
        slk_socket_t* socket;
        endpoint_text endpoint;
        double began;
        int index;
        if (!has_transport(kind))
            continue;
        ctx = new_context();
        peer = open_socket(ctx, SLK_PULL);
        socket = open_socket(ctx, SLK_PUSH);
        set_int(peer, SLK_RCVHWM, 10);
        bind_to(peer, kind, endpoint);
        connect_to(socket, endpoint);
        for (index = 0; index < 1000; ++index)
            CHECK_INT(slk_send(socket, "x", 1, 0), 1);
        began = now_ms();
        close_socket(socket);
        CHECK_BETWEEN(now_ms() - began, 0, 500);
        /* What it had to send goes out in the background. */
        for (index = 0; index < 1000; ++index)
            CHECK_RECV(peer, "x");
        close_socket(peer);
        slk_ctx_destroy(ctx);
    }
}

static void linger_0_discards(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    slk_socket_t* later;
    endpoint_text endpoint;
    free_endpoint(transport_tcp, endpoint);
    set_int(socket, SLK_LINGER, 0);
    connect_to(socket, endpoint);
    SEND_TEXT(socket, "never seen", 0);
    close_socket(socket);
    later = open_socket(ctx, SLK_PAIR);
    bind_at(later, endpoint);
    CHECK_NOTHING(later, 250);
    close_socket(later);
    slk_ctx_destroy(ctx);
}

static void linger_acts_at_once(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    slk_socket_t* later = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    free_endpoint(transport_tcp, endpoint);
    set_int(socket, SLK_LINGER, 0);
    set_int(socket, SLK_RECONNECT_IVL, 20);
    connect_to(socket, endpoint);
    SEND_TEXT(socket, "seen", 0);
    set_int(socket, SLK_LINGER, -1);
    close_socket(socket);
    bind_at(later, endpoint);
    CHECK_RECV(later, "seen");
    close_socket(later);
    slk_ctx_destroy(ctx);
}

static void closed_sockets_are_gone(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* bound = open_socket(ctx, SLK_DEALER);
        endpoint_text endpoint;
        int round;
        bind_to(bound, kind, endpoint);
        for (round = 0; round < 3; ++round) {
            slk_socket_t* connected = open_socket(ctx, SLK_DEALER);
            connect_to(connected, endpoint);
            SEND_TEXT(connected, "there", 0);
            CHECK_RECV(bound, "there");
            close_socket(connected);
            /* Nobody is left to send to. */
            CHECK_UNTIL((get_int(bound, opt_events) & SLK_POLLOUT) == 0, patience_ms);
            CHECK_FAILS(slk_send(bound, "x", 1, SLK_DONTWAIT), SLK_EAGAIN);
        }
        close_socket(bound);
        slk_ctx_destroy(ctx);
    }
}

static void unfinished_messages_are_discarded(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* bound = open_socket(ctx, SLK_PULL);
        slk_socket_t* connected = open_socket(ctx, SLK_PUSH);
        endpoint_text endpoint;
        bind_to(bound, kind, endpoint);
        connect_to(connected, endpoint);
        SEND_TEXT(connected, "whole", 0);
        SEND_TEXT(connected, "half", SLK_SNDMORE);
        SEND_TEXT(connected, "half", SLK_SNDMORE);
        close_socket(connected);
        CHECK_RECV_LAST(bound, "whole");
        CHECK_NOTHING(bound, 60);
        connected = open_socket(ctx, SLK_PUSH);
        connect_to(connected, endpoint);
        SEND_TEXT(connected, "after", 0);
        CHECK_RECV_LAST(bound, "after");
        close_socket(connected);
        close_socket(bound);
        slk_ctx_destroy(ctx);
    }
}

static void unread_messages_of_a_closed_peer(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* bound = open_socket(ctx, SLK_PULL);
        slk_socket_t* connected = open_socket(ctx, SLK_PUSH);
        endpoint_text endpoint;
        int index;
        bind_to(bound, kind, endpoint);
        connect_to(connected, endpoint);
        for (index = 0; index < 100; ++index) {
            SEND_TEXT(connected, "a", SLK_SNDMORE);
            SEND_TEXT(connected, "b", 0);
        }
        close_socket(connected);
        sleep_ms(20);
        for (index = 0; index < 100; ++index) {
            CHECK_RECV_MORE(bound, "a");
            CHECK_RECV_LAST(bound, "b");
        }
        CHECK_NOTHING(bound, 0);
        close_socket(bound);
        slk_ctx_destroy(ctx);
    }
}

static void sockets_that_never_did_anything(void)
{
    slk_ctx_t* ctx = new_context();
    int type;
    int round;
    for (round = 0; round < REPEATS(100); ++round)
        for (type = SLK_PAIR; type <= SLK_XSUB; ++type)
            close_socket(open_socket(ctx, type));
    for (type = SLK_PAIR; type <= SLK_XSUB; ++type) {
        slk_socket_t* socket = open_socket(ctx, type);
        endpoint_text endpoint;
        free_endpoint(transport_tcp, endpoint);
        connect_to(socket, endpoint);
        bind_inproc(socket, endpoint);
        close_socket(socket);
    }
    slk_ctx_destroy(ctx);
}

static void a_thousand_sockets(void)
{
    enum { number = 1000 };
    slk_ctx_t* ctx = new_context();
    slk_socket_t* bound = open_socket(ctx, SLK_ROUTER);
    slk_socket_t** sockets = calloc(number, sizeof *sockets);
    const int used = REPEATS(number);
    endpoint_text endpoint;
    int index;
    set_int(bound, SLK_RCVHWM, 10 * number);
    bind_inproc(bound, endpoint);
    for (index = 0; index < used; ++index) {
        sockets[index] = open_socket(ctx, SLK_DEALER);
        connect_to(sockets[index], endpoint);
        SEND_TEXT(sockets[index], "x", 0);
    }
    for (index = 0; index < used; ++index) {
        char identity[255];
        CHECK_INT(recv_within(bound, identity, sizeof identity, patience_ms), 5);
        CHECK_RECV_LAST(bound, "x");
        CHECK_INT(slk_send_to(bound, identity, 5, "y", 1, 0), 1);
    }
    for (index = 0; index < used; ++index) {
        CHECK_RECV(sockets[index], "y");
        close_socket(sockets[index]);
    }
    close_socket(bound);
    slk_ctx_destroy(ctx);
    free(sockets);
}

CASES(sockets_life) = {
    {"sockets of each type", every_type},
    {"sockets of other types", other_types},
    {"slk_close() returns at once, and the rest is sent", close_returns_at_once},
    {"SLK_LINGER 0 discards what is unsent", linger_0_discards},
    {"SLK_LINGER acts at once", linger_acts_at_once},
    {"a closed socket is gone for its peer", closed_sockets_are_gone},
    {"slk_close() discards an unfinished message", unfinished_messages_are_discarded},
    {"messages of a closed peer can be received", unread_messages_of_a_closed_peer},
    {"sockets are closed that never did anything", sockets_that_never_did_anything},
    {"a thousand sockets of a context", a_thousand_sockets},
    END_OF_CASES,
};
