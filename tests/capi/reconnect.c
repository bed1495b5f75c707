/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 5: connecting before there is a peer, and again after it has gone. */
#include "raw_peer.h"

#include <stdio.h>

static void connect_before_bind(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* client = open_socket(ctx, SLK_DEALER);
        slk_socket_t* server = open_socket(ctx, SLK_DEALER);
        endpoint_text endpoint;
        double began;
        free_endpoint(kind, endpoint);
        began = now_ms();
        connect_to(client, endpoint);
        CHECK_BETWEEN(now_ms() - began, 0, 100);
        SEND_TEXT(client, "first", SLK_SNDMORE);
        SEND_TEXT(client, "of two", 0);
        SEND_TEXT(client, "second", 0);
        if (kind != transport_inproc)
            sleep_ms(30); /* so that some attempts have failed */
        bind_at(server, endpoint);
        CHECK_RECV_MORE(server, "first");
        CHECK_RECV_LAST(server, "of two");
        CHECK_RECV_LAST(server, "second");
        SEND_TEXT(server, "back", 0);
        CHECK_RECV(client, "back");
        close_socket(client);
        close_socket(server);
        slk_ctx_destroy(ctx);
    }
}

static void connect_before_bind_of_every_type(void)
{
    static const int types[][2] = {{SLK_PAIR, SLK_PAIR},     {SLK_PUSH, SLK_PULL},
                                   {SLK_DEALER, SLK_ROUTER}, {SLK_REQ, SLK_REP},
                                   {SLK_DEALER, SLK_DEALER}, {SLK_PAIR, SLK_PAIR}};
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        size_t index;
        for (index = 0; index < sizeof types / sizeof types[0]; ++index) {
            slk_socket_t* client = open_socket(ctx, types[index][0]);
            slk_socket_t* server = open_socket(ctx, types[index][1]);
            endpoint_text endpoint;
            char frame[8];
            free_endpoint(kind, endpoint);
            set_int(client, SLK_RECONNECT_IVL, 10);
            connect_to(client, endpoint);
            SEND_TEXT(client, "x", 0);
            bind_at(server, endpoint);
            CHECK(recv_within(server, frame, sizeof frame, patience_ms) > 0);
            close_socket(client);
            close_socket(server);
        }
        slk_ctx_destroy(ctx);
    }
}

static void reconnects_after_a_loss(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* client = open_socket(ctx, SLK_DEALER);
        endpoint_text endpoint;
        int round;
        free_endpoint(kind, endpoint);
        set_int(client, SLK_RECONNECT_IVL, 10);
        connect_to(client, endpoint);
        for (round = 0; round < 5; ++round) {
            slk_socket_t* server = open_socket(ctx, SLK_REP);
            char text[8];
            CHECK_UNTIL(slk_bind(server, endpoint) == 0, patience_ms);
            /* What was sent while it was away may be lost. */
            do {
                SEND_TEXT(client, "", SLK_SNDMORE);
                SEND_TEXT(client, "x", 0);
            } while (recv_within(server, text, sizeof text, 50) != 1 && !test_has_failed());
            SEND_TEXT(server, "back", 0);
            CHECK_RECV_MORE(client, "");
            CHECK_RECV_LAST(client, "back");
            close_socket(server);
        }
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
}

static void inproc_reconnects(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* client = open_socket(ctx, SLK_DEALER);
    int round;
    connect_to(client, "inproc://again");
    for (round = 0; round < 5; ++round) {
        slk_socket_t* server = open_socket(ctx, SLK_DEALER);
        bind_at(server, "inproc://again");
        SEND_TEXT(client, "there", 0);
        CHECK_RECV(server, "there");
        close_socket(server);
    }
    close_socket(client);
    slk_ctx_destroy(ctx);
}

/* Returns how often a peer that ends every connection at once is connected to, during `ms`. */
static int attempts_within(int interval, int maximum, int ms)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* client = open_socket(ctx, SLK_DEALER);
    endpoint_text endpoint;
    const raw_socket listener = raw_listen(endpoint);
    const double end = now_ms() + ms;
    int number = 0;
    set_int(client, SLK_RECONNECT_IVL, interval);
    set_int(client, SLK_RECONNECT_IVL_MAX, maximum);
    connect_to(client, endpoint);
    while (now_ms() < end) {
        raw_socket accepted;
        if (raw_accept(listener, &accepted, 20)) {
            raw_close(accepted);
            ++number;
        }
    }
    close_socket(client);
    slk_ctx_destroy(ctx);
    raw_close(listener);
    return number;
}

static void reconnect_interval(void)
{
    /* libzmq adds up to the interval at random, and so may others. */
    CHECK_BETWEEN(attempts_within(50, 0, 600), 4, 14);
    CHECK_BETWEEN(attempts_within(200, 0, 500), 2, 4);
}

static void reconnect_interval_0(void)
{
    CHECK_BETWEEN(attempts_within(0, 0, 300), 15, 1000000);
}

static void reconnect_interval_off(void)
{
    CHECK_INT(attempts_within(-1, 0, 300), 1);
}

static void reconnect_interval_doubles(void)
{
    /* 10, 20, 40, 80, 160, 160, ..., also if it is up to that; a constant interval makes 35. */
    CHECK_BETWEEN(attempts_within(10, 160, 700), 4, 20);
    /* Up to the maximum alone: endless doubling would make 5 or 6. */
    CHECK_BETWEEN(attempts_within(10, 40, 700), 9, 50);
}

static void a_refused_port_is_tried_again(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* client = open_socket(ctx, SLK_PUSH);
    slk_socket_t* server = open_socket(ctx, SLK_PULL);
    endpoint_text endpoint;
    free_endpoint(transport_tcp, endpoint);
    set_int(client, SLK_RECONNECT_IVL, 20);
    connect_to(client, endpoint);
    SEND_TEXT(client, "late", 0);
    sleep_ms(100);
    bind_at(server, endpoint);
    CHECK_RECV(server, "late");
    close_socket(client);
    close_socket(server);
    slk_ctx_destroy(ctx);
}

static void a_refused_port_is_not_tried_again(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* client = open_socket(ctx, SLK_PUSH);
    slk_socket_t* server = open_socket(ctx, SLK_PULL);
    endpoint_text endpoint;
    free_endpoint(transport_tcp, endpoint);
    set_int(client, SLK_RECONNECT_IVL, -1);
    set_int(client, SLK_LINGER, 0);
    connect_to(client, endpoint);
    sleep_ms(SLOW_BUILD ? 300 : 60);
    bind_at(server, endpoint);
    slk_send(client, "never", 5, SLK_DONTWAIT);
    CHECK_NOTHING(server, 250);
    close_socket(client);
    close_socket(server);
    slk_ctx_destroy(ctx);
}

static void queued_messages_survive_a_loss(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* client = open_socket(ctx, SLK_PUSH);
    endpoint_text endpoint;
    const raw_socket listener = raw_listen(endpoint);
    raw_socket peer;
    char body[8];
    int flags = -1;
    set_int(client, SLK_RECONNECT_IVL, 10);
    connect_to(client, endpoint);
    REQUIRE(raw_accept(listener, &peer, patience_ms));
    raw_handshake(peer, "PULL", NULL);
    raw_close(peer);
    REQUIRE(raw_accept(listener, &peer, patience_ms));
    /* Not connected now: it waits for the next handshake. */
    SEND_TEXT(client, "kept", 0);
    raw_handshake(peer, "PULL", NULL);
    CHECK_INT(raw_recv_frame(peer, &flags, body, sizeof body, patience_ms), 4);
    CHECK_INT(flags, 0);
    CHECK_BYTES(body, 4, "kept", 4);
    raw_close(peer);
    raw_close(listener);
    set_int(client, SLK_LINGER, 0);
    close_socket(client);
    slk_ctx_destroy(ctx);
}

static void half_a_message_of_a_lost_peer(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* server = open_socket(ctx, SLK_PULL);
    endpoint_text endpoint;
    raw_socket peer;
    bind_tcp(server, endpoint);
    peer = raw_connect(endpoint);
    raw_handshake(peer, "PUSH", NULL);
    raw_send_frame(peer, 0, "whole", 5);
    raw_send_frame(peer, frame_more, "half", 4);
    raw_send(peer,
             "\0\10"
             "byt",
             5); /* and some of the next frame's bytes */
    CHECK_RECV_LAST(server, "whole");
    CHECK_NOTHING(server, 20);
    raw_close(peer);
    CHECK_NOTHING(server, 50);
    peer = raw_connect(endpoint);
    raw_handshake(peer, "PUSH", NULL);
    raw_send_frame(peer, frame_more, "a", 1);
    raw_send_frame(peer, 0, "b", 1);
    CHECK_RECV_MORE(server, "a");
    CHECK_RECV_LAST(server, "b");
    raw_close(peer);
    close_socket(server);
    slk_ctx_destroy(ctx);
}

CASES(reconnect) = {
    {"slk_connect() before slk_bind()", connect_before_bind},
    {"slk_connect() before slk_bind(), of each type", connect_before_bind_of_every_type},
    {"a lost connection is made again", reconnects_after_a_loss},
    {"a lost connection of inproc is made again", inproc_reconnects},
    {"attempts come every SLK_RECONNECT_IVL", reconnect_interval},
    {"SLK_RECONNECT_IVL 0 tries at once", reconnect_interval_0},
    {"SLK_RECONNECT_IVL -1 tries once", reconnect_interval_off},
    {"SLK_RECONNECT_IVL doubles up to its maximum", reconnect_interval_doubles},
    {"a port that refuses is tried again", a_refused_port_is_tried_again},
    {"a port that refuses is tried once", a_refused_port_is_not_tried_again},
    {"queued messages survive the loss of a connection", queued_messages_survive_a_loss},
    {"half a message of a lost peer is not received", half_a_message_of_a_lost_peer},
    END_OF_CASES,
};
