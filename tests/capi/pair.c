/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 7: PAIR. */
#include "sockets.h"

#include <stdio.h>

static void both_ways(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        connected_pair pair;
        int index;
        open_pair(&pair, kind);
        for (index = 0; index < 100; ++index) {
            SEND_TEXT(pair.connected, "to the server", SLK_SNDMORE);
            SEND_TEXT(pair.connected, "again", 0);
            SEND_TEXT(pair.bound, "to the client", 0);
        }
        for (index = 0; index < 100; ++index) {
            CHECK_RECV_MORE(pair.bound, "to the server");
            CHECK_RECV_LAST(pair.bound, "again");
            CHECK_RECV_LAST(pair.connected, "to the client");
        }
        close_pair(&pair);
    }
}

static void without_a_peer(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    CHECK_FAILS(slk_send(socket, "x", 1, SLK_DONTWAIT), SLK_EAGAIN);
    CHECK_FAILS(slk_send(socket, "x", 1, SLK_DONTWAIT | SLK_SNDMORE), SLK_EAGAIN);
    bind_tcp(socket, endpoint);
    CHECK_FAILS(slk_send(socket, "x", 1, SLK_DONTWAIT), SLK_EAGAIN);
    CHECK_INT(get_int(socket, opt_events), 0);
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static void queues_before_the_connection_is_up(void)
{
    transport kind;
    for (kind = transport_tcp; kind <= transport_ipc; kind = (transport)(kind + 1)) {
        slk_ctx_t* ctx;
        slk_socket_t* client;
        slk_socket_t* server;
        endpoint_text endpoint;
        int index;
        if (!has_transport(kind))
            continue;
        ctx = new_context();
        client = open_socket(ctx, SLK_PAIR);
        server = open_socket(ctx, SLK_PAIR);
        set_int(client, SLK_SNDHWM, 20);
        set_int(client, SLK_RECONNECT_IVL, 10);
        free_endpoint(kind, endpoint);
        connect_to(client, endpoint);
        CHECK_INT(fill(client, 1000), 20);
        bind_at(server, endpoint);
        for (index = 0; index < 20; ++index)
            CHECK_RECV(server, "x");
        CHECK_NOTHING(server, 0);
        close_socket(client);
        close_socket(server);
        slk_ctx_destroy(ctx);
    }
}

static void a_second_peer_is_refused(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        connected_pair pair;
        slk_socket_t* second;
        int index;
        open_pair(&pair, kind);
        second = open_socket(pair.ctx, SLK_PAIR);
        set_int(second, SLK_LINGER, 0);
        set_int(second, SLK_RECONNECT_IVL, 10);
        /* On inproc it may be told so at once. */
        if (slk_connect(second, pair.endpoint) == 0)
            slk_send(second, "intruder", 8, SLK_DONTWAIT);
        for (index = 0; index < 10; ++index) {
            SEND_TEXT(pair.connected, "x", 0);
            CHECK_RECV(pair.bound, "x");
            SEND_TEXT(pair.bound, "y", 0);
            CHECK_RECV(pair.connected, "y");
            sleep_ms(3);
        }
        CHECK_NOTHING(pair.bound, 0);
        CHECK_NOTHING(second, 0);
        close_socket(second);
        SEND_TEXT(pair.bound, "still", 0);
        CHECK_RECV(pair.connected, "still");
        close_pair(&pair);
    }
}

static void another_peer_after_the_first(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* server = open_socket(ctx, SLK_PAIR);
        endpoint_text endpoint;
        int round;
        bind_to(server, kind, endpoint);
        for (round = 0; round < 5; ++round) {
            slk_socket_t* client = open_socket(ctx, SLK_PAIR);
            char text[16];
            connect_to(client, endpoint);
            snprintf(text, sizeof text, "client %d", round);
            SEND_TEXT(client, text, 0);
            CHECK_RECV(server, text);
            SEND_TEXT(server, text, 0);
            CHECK_RECV(client, text);
            close_socket(client);
            CHECK_UNTIL((get_int(server, opt_events) & SLK_POLLOUT) == 0, patience_ms);
        }
        close_socket(server);
        slk_ctx_destroy(ctx);
    }
}

/* One that waits while the first is up gets its turn, because it tries again. */
static void a_refused_peer_gets_its_turn(void)
{
    connected_pair pair;
    slk_socket_t* second;
    open_pair(&pair, transport_tcp);
    second = open_socket(pair.ctx, SLK_PAIR);
    set_int(second, SLK_RECONNECT_IVL, 10);
    connect_to(second, pair.endpoint);
    sleep_ms(30);
    close_socket(pair.connected);
    pair.connected = second;
    SEND_TEXT(second, "at last", 0);
    CHECK_RECV(pair.bound, "at last");
    close_pair(&pair);
}

static void a_full_peer(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* client = open_socket(ctx, SLK_PAIR);
        slk_socket_t* server = open_socket(ctx, SLK_PAIR);
        endpoint_text endpoint;
        int sent = 0;
        int received;
        set_int(client, SLK_SNDHWM, 10);
        set_int(server, SLK_RCVHWM, 10);
        set_int(client, SLK_SNDBUF, 5000);
        set_int(server, SLK_RCVBUF, 5000);
        bind_to(server, kind, endpoint);
        connect_to(client, endpoint);
        while (sent < 1000000 && slk_send(client, &sent, sizeof sent, SLK_DONTWAIT) > 0)
            ++sent;
        CHECK_INT(slk_errno(), SLK_EAGAIN);
        CHECK_BETWEEN(sent, 10, 999999);
        for (received = 0; received < sent; ++received) {
            int number = -1;
            REQUIRE_INT(recv_within(server, &number, sizeof number, patience_ms), sizeof number);
            REQUIRE_INT(number, received);
        }
        CHECK_NOTHING(server, 5);
        CHECK_UNTIL(slk_send(client, "after", 5, SLK_DONTWAIT) == 5, patience_ms);
        CHECK_RECV(server, "after");
        close_socket(client);
        close_socket(server);
        slk_ctx_destroy(ctx);
    }
}

CASES(pair) = {
    {"a PAIR sends and receives", both_ways},
    {"a PAIR without a peer waits", without_a_peer},
    {"a PAIR queues SLK_SNDHWM messages before it is connected",
     queues_before_the_connection_is_up},
    {"a PAIR refuses a second peer", a_second_peer_is_refused},
    {"a PAIR takes another peer after the first", another_peer_after_the_first},
    {"a refused peer of a PAIR gets its turn", a_refused_peer_gets_its_turn},
    {"a PAIR whose peer is full waits, and loses nothing", a_full_peer},
    END_OF_CASES,
};
