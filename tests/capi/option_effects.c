/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 5.1: what options of connections do, as a peer on bare sockets sees it. */
#include "raw_peer.h"

#include <stdint.h>
#include <stdio.h>

typedef struct server_and_raw {
    slk_ctx_t* ctx;
    slk_socket_t* server;
    endpoint_text endpoint;
    raw_socket peer;
} server_and_raw;

/* With the socket's options set in between: it is not bound yet. */
static void open_server(server_and_raw* test, int type)
{
    test->ctx = new_context();
    test->server = open_socket(test->ctx, type);
}

static void open_peer(server_and_raw* test, const char* type)
{
    bind_tcp(test->server, test->endpoint);
    test->peer = raw_connect(test->endpoint);
    raw_handshake(test->peer, type, NULL);
}

static void end(server_and_raw* test)
{
    raw_close(test->peer);
    close_socket(test->server);
    slk_ctx_destroy(test->ctx);
}

static int is_ping(const unsigned char* body, int size)
{
    return size >= 7 && memcmp(body, "\4PING", 5) == 0;
}

static void heartbeats_are_sent(void)
{
    server_and_raw test;
    unsigned char body[64];
    int flags = 0;
    int pings = 0;
    double began;
    open_server(&test, SLK_PULL);
    set_int(test.server, SLK_HEARTBEAT_IVL, 30);
    set_int(test.server, SLK_HEARTBEAT_TTL, 2500);
    set_int(test.server, SLK_HEARTBEAT_TIMEOUT, 60000);
    began = now_ms(); /* the server may be ready before the peer knows */
    open_peer(&test, "PUSH");
    for (pings = 0; pings < 5; ++pings) {
        const int size = raw_recv_frame(test.peer, &flags, body, sizeof body, patience_ms);
        REQUIRE(is_ping(body, size));
        CHECK_INT(flags, frame_command);
        /* The peer's time to live, in tenths of a second. */
        CHECK_INT(body[5] * 256 + body[6], 25);
        raw_send_frame(test.peer, frame_command, "\4PONG", 5);
    }
    CHECK_BETWEEN(now_ms() - began, 100, 3000);
    end(&test);
}

static void heartbeats_are_off_by_default(void)
{
    server_and_raw test;
    char byte;
    open_server(&test, SLK_PULL);
    open_peer(&test, "PUSH");
    CHECK_INT(raw_recv(test.peer, &byte, 1, 100), 0);
    raw_send_frame(test.peer, 0, "x", 1);
    CHECK_RECV(test.server, "x");
    end(&test);
}

static void a_ping_is_answered(void)
{
    server_and_raw test;
    unsigned char body[64];
    int flags = 0;
    int size;
    open_server(&test, SLK_PULL);
    open_peer(&test, "PUSH");
    raw_send_frame(test.peer, frame_command, "\4PING\0\0context", 14);
    size = raw_recv_frame(test.peer, &flags, body, sizeof body, patience_ms);
    CHECK_BYTES(body, size, "\4PONGcontext", 12);
    CHECK_INT(flags, frame_command);
    end(&test);
}

static void a_silent_peer_is_given_up(void)
{
    server_and_raw test;
    double began;
    open_server(&test, SLK_PULL);
    set_int(test.server, SLK_HEARTBEAT_IVL, 20);
    set_int(test.server, SLK_HEARTBEAT_TIMEOUT, 100);
    began = now_ms(); /* the server may be ready before the peer knows */
    open_peer(&test, "PUSH");
    CHECK(raw_is_closed(test.peer, patience_ms));
    CHECK_BETWEEN(now_ms() - began, 80, 2000);
    end(&test);
}

static void the_timeout_is_the_interval_by_default(void)
{
    server_and_raw test;
    double began;
    open_server(&test, SLK_PULL);
    set_int(test.server, SLK_HEARTBEAT_IVL, 50);
    began = now_ms(); /* the server may be ready before the peer knows */
    open_peer(&test, "PUSH");
    CHECK(raw_is_closed(test.peer, patience_ms));
    CHECK_BETWEEN(now_ms() - began, 50, 2000);
    end(&test);
}

/* The peer says how long its silence may last. */
static void a_time_to_live_ends(void)
{
    server_and_raw test;
    double began;
    open_server(&test, SLK_PULL);
    open_peer(&test, "PUSH");
    began = now_ms();
    raw_send_frame(test.peer, frame_command, "\4PING\0\2", 7);
    CHECK(raw_is_closed(test.peer, patience_ms));
    CHECK_BETWEEN(now_ms() - began, 150, 2500);
    end(&test);
}

static void two_sockets_keep_each_other_alive(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* server = open_socket(ctx, SLK_ROUTER);
    slk_socket_t* client = open_socket(ctx, SLK_DEALER);
    endpoint_text endpoint;
    int index;
    set_bytes(client, SLK_ROUTING_ID, "client", 6);
    set_int(server, SLK_ROUTER_NOTIFY, 2);
    set_int(server, SLK_HEARTBEAT_IVL, 20);
    set_int(server, SLK_HEARTBEAT_TIMEOUT, 1000);
    set_int(client, SLK_HEARTBEAT_IVL, 20);
    set_int(client, SLK_HEARTBEAT_TIMEOUT, 1000);
    bind_tcp(server, endpoint);
    connect_to(client, endpoint);
    CHECK_UNTIL(slk_is_connected(server, "client", 6) == 1, patience_ms);
    for (index = 0; index < 10; ++index) {
        sleep_ms(15);
        CHECK_INT(slk_is_connected(server, "client", 6), 1);
    }
    CHECK_NOTHING(server, 0); /* no disconnect was reported */
    close_socket(client);
    close_socket(server);
    slk_ctx_destroy(ctx);
}

static void a_handshake_has_to_end_in_time(void)
{
    server_and_raw test;
    raw_socket silent;
    double began;
    open_server(&test, SLK_PULL);
    set_int(test.server, opt_handshake_ivl, 100);
    open_peer(&test, "PUSH");
    began = now_ms();
    silent = raw_connect(test.endpoint);
    CHECK(raw_is_closed(silent, patience_ms));
    CHECK_BETWEEN(now_ms() - began, 90, 3000);
    /* The other one has finished, and stays. */
    raw_send_frame(test.peer, 0, "x", 1);
    CHECK_RECV(test.server, "x");
    raw_close(silent);
    end(&test);
}

static void messages_that_are_too_large(void)
{
    server_and_raw test;
    const int64_t most = 100;
    char body[101];
    memset(body, 'b', sizeof body);
    open_server(&test, SLK_PULL);
    REQUIRE_INT(slk_setsockopt(test.server, opt_maxmsgsize, &most, sizeof most), 0);
    open_peer(&test, "PUSH");
    raw_send_frame(test.peer, 0, body, 100);
    CHECK_RECV_BYTES(test.server, body, 100);
    raw_send_frame(test.peer, 0, body, 101);
    CHECK(raw_is_closed(test.peer, patience_ms));
    CHECK_NOTHING(test.server, 0);
    end(&test);
}

static void another_type_is_refused(void)
{
    server_and_raw test;
    open_server(&test, SLK_PULL);
    bind_tcp(test.server, test.endpoint);
    test.peer = raw_connect(test.endpoint);
    raw_introduce(test.peer, "DEALER", NULL);
    CHECK(raw_is_closed(test.peer, patience_ms));
    end(&test);
}

static void nonsense_is_refused(void)
{
    server_and_raw test;
    raw_socket nonsense;
    open_server(&test, SLK_PULL);
    open_peer(&test, "PUSH");
    nonsense = raw_connect(test.endpoint);
    raw_send(nonsense,
             "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: everything\r\n"
             "User-Agent: somebody else\r\n\r\n",
             82);
    CHECK(raw_is_closed(nonsense, patience_ms));
    raw_send_frame(test.peer, 0, "x", 1);
    CHECK_RECV(test.server, "x");
    raw_close(nonsense);
    end(&test);
}

/* With IMMEDIATE a connection counts only when it is up. */
static void immediate(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* client = open_socket(ctx, SLK_PUSH);
    slk_socket_t* server = open_socket(ctx, SLK_PULL);
    endpoint_text nobody;
    endpoint_text endpoint;
    int index;
    set_int(client, opt_immediate, 1);
    free_endpoint(transport_tcp, nobody);
    connect_to(client, nobody);
    CHECK_FAILS(slk_send(client, "x", 1, SLK_DONTWAIT), SLK_EAGAIN);
    CHECK_INT(get_int(client, opt_events), 0);
    bind_tcp(server, endpoint);
    connect_to(client, endpoint);
    for (index = 0; index < 20; ++index)
        CHECK_INT(slk_send(client, "x", 1, 0), 1);
    for (index = 0; index < 20; ++index)
        CHECK_RECV(server, "x");
    close_socket(client);
    close_socket(server);
    slk_ctx_destroy(ctx);
}

static void not_immediate(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* client = open_socket(ctx, SLK_PUSH);
    endpoint_text nobody;
    free_endpoint(transport_tcp, nobody);
    connect_to(client, nobody);
    CHECK_INT(slk_send(client, "x", 1, SLK_DONTWAIT), 1);
    set_int(client, SLK_LINGER, 0);
    close_socket(client);
    slk_ctx_destroy(ctx);
}

CASES(option_effects) = {
    {"heartbeats are sent every SLK_HEARTBEAT_IVL", heartbeats_are_sent},
    {"no heartbeats are sent by default", heartbeats_are_off_by_default},
    {"a PING is answered", a_ping_is_answered},
    {"a silent peer is given up after SLK_HEARTBEAT_TIMEOUT", a_silent_peer_is_given_up},
    {"the heartbeats' timeout is their interval", the_timeout_is_the_interval_by_default},
    {"a peer's time to live ends", a_time_to_live_ends},
    {"two sockets keep each other alive", two_sockets_keep_each_other_alive},
    {"a handshake has to end in time", a_handshake_has_to_end_in_time},
    {"messages that are larger than MAXMSGSIZE", messages_that_are_too_large},
    {"a peer of a type that does not fit is refused", another_type_is_refused},
    {"a peer of another protocol is refused", nonsense_is_refused},
    {"IMMEDIATE sends to peers that are there", immediate},
    {"without IMMEDIATE a connection queues at once", not_immediate},
    END_OF_CASES,
};
