/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 5: slk_unbind() and slk_disconnect(). */
#include "sockets.h"

#include <stdio.h>

static void unbind_keeps_connections(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        connected_pair pair;
        int round;
        open_pair(&pair, kind);
        SEND_TEXT(pair.bound, "queued before", 0);
        CHECK_INT(slk_unbind(pair.bound, pair.endpoint), 0);
        for (round = 0; round < 10; ++round) {
            SEND_TEXT(pair.connected, "to the server", 0);
            CHECK_RECV(pair.bound, "to the server");
            SEND_TEXT(pair.bound, "to the client", 0);
        }
        CHECK_RECV(pair.connected, "queued before");
        for (round = 0; round < 10; ++round)
            CHECK_RECV(pair.connected, "to the client");
        close_pair(&pair);
    }
}

static void unbind_stops_listening(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* server = open_socket(ctx, SLK_PULL);
        slk_socket_t* other = open_socket(ctx, SLK_PULL);
        slk_socket_t* client = open_socket(ctx, SLK_PUSH);
        endpoint_text endpoint;
        bind_to(server, kind, endpoint);
        CHECK_INT(slk_unbind(server, endpoint), 0);
        set_int(client, SLK_RECONNECT_IVL, 10);
        connect_to(client, endpoint);
        SEND_TEXT(client, "for another", 0);
        CHECK_NOTHING(server, 60);
        bind_at(other, endpoint);
        CHECK_RECV(other, "for another");
        close_socket(server);
        close_socket(other);
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
}

static void bind_again_after_unbind(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* server = open_socket(ctx, SLK_PULL);
        endpoint_text endpoint;
        int round;
        bind_to(server, kind, endpoint);
        for (round = 0; round < 10; ++round) {
            slk_socket_t* client = open_socket(ctx, SLK_PUSH);
            connect_to(client, endpoint);
            SEND_TEXT(client, "there", 0);
            CHECK_RECV(server, "there");
            CHECK_INT(slk_unbind(server, endpoint), 0);
            CHECK_UNTIL(slk_bind(server, endpoint) == 0, 1000);
            close_socket(client);
        }
        close_socket(server);
        slk_ctx_destroy(ctx);
    }
}

static void unbind_by_the_given_text(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* server = open_socket(ctx, SLK_PULL);
    endpoint_text endpoint;
    endpoint_text given;
    free_endpoint(transport_tcp, endpoint);
    snprintf(given, sizeof given, "tcp://*%s", strrchr(endpoint, ':'));
    bind_at(server, given);
    CHECK_INT(slk_unbind(server, given), 0);
    bind_at(server, given);
    last_endpoint(server, endpoint);
    CHECK_INT(slk_unbind(server, endpoint), 0);
    CHECK_FAILS(slk_unbind(server, endpoint), sys_enoent);
    close_socket(server);
    slk_ctx_destroy(ctx);
}

static void unbind_of_one_of_several(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* server = open_socket(ctx, SLK_PULL);
    slk_socket_t* client = open_socket(ctx, SLK_PUSH);
    endpoint_text first;
    endpoint_text second;
    bind_tcp(server, first);
    bind_tcp(server, second);
    CHECK_INT(slk_unbind(server, first), 0);
    connect_to(client, second);
    SEND_TEXT(client, "there", 0);
    CHECK_RECV(server, "there");
    CHECK_INT(slk_unbind(server, second), 0);
    close_socket(server);
    close_socket(client);
    slk_ctx_destroy(ctx);
}

static void disconnect_ends_the_connection(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* client = open_socket(ctx, SLK_DEALER);
        endpoint_text endpoint;
        int round;
        set_bytes(client, SLK_ROUTING_ID, "client", 6);
        bind_to(router, kind, endpoint);
        for (round = 0; round < 5; ++round) {
            connect_to(client, endpoint);
            CHECK_UNTIL(slk_is_connected(router, "client", 6) == 1, patience_ms);
            CHECK_INT(slk_send_to(router, "client", 6, "hello", 5, 0), 5);
            CHECK_RECV(client, "hello");
            CHECK_INT(slk_disconnect(client, endpoint), 0);
            CHECK_UNTIL(slk_is_connected(router, "client", 6) == 0, patience_ms);
            CHECK_FAILS(slk_send(client, "x", 1, SLK_DONTWAIT), SLK_EAGAIN);
        }
        close_socket(router);
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
}

static void disconnect_discards_what_was_not_received(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* server = open_socket(ctx, SLK_PUSH);
        slk_socket_t* client = open_socket(ctx, SLK_PULL);
        endpoint_text endpoint;
        int index;
        bind_to(server, kind, endpoint);
        connect_to(client, endpoint);
        for (index = 0; index < 10; ++index)
            SEND_TEXT(server, "old", 0);
        CHECK_RECV(client, "old");
        sleep_ms(20);
        CHECK_INT(slk_disconnect(client, endpoint), 0);
        CHECK_NOTHING(client, 30);
        /* Nothing of it comes with the next connection. */
        CHECK_UNTIL((get_int(server, opt_events) & SLK_POLLOUT) == 0, patience_ms);
        connect_to(client, endpoint);
        SEND_TEXT(server, "new", 0);
        CHECK_RECV(client, "new");
        CHECK_NOTHING(client, 30);
        close_socket(server);
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
}

static void disconnect_in_the_middle_of_receiving(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* server = open_socket(ctx, SLK_PUSH);
        slk_socket_t* other = open_socket(ctx, SLK_PUSH);
        slk_socket_t* client = open_socket(ctx, SLK_PULL);
        endpoint_text endpoint;
        endpoint_text of_other;
        char text[16];
        bind_to(server, kind, endpoint);
        bind_to(other, kind, of_other);
        connect_to(client, endpoint);
        SEND_TEXT(server, "1", SLK_SNDMORE);
        SEND_TEXT(server, "2", SLK_SNDMORE);
        SEND_TEXT(server, "3", 0);
        CHECK_RECV_MORE(client, "1");
        CHECK_INT(slk_disconnect(client, endpoint), 0);
        connect_to(client, of_other);
        SEND_TEXT(other, "whole", SLK_SNDMORE);
        SEND_TEXT(other, "message", 0);
        /* What has begun may be finished, or end there. */
        REQUIRE(recv_within(client, text, sizeof text, patience_ms) > 0);
        if (text[0] == '2') {
            CHECK_RECV_LAST(client, "3");
            CHECK_RECV_MORE(client, "whole");
        } else {
            CHECK_INT(text[0], 'w');
        }
        CHECK_RECV_LAST(client, "message");
        close_socket(server);
        close_socket(other);
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
}

static void disconnect_sends_what_is_queued(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* server = open_socket(ctx, SLK_PULL);
        slk_socket_t* client = open_socket(ctx, SLK_PUSH);
        endpoint_text endpoint;
        int index;
        set_int(server, SLK_RCVHWM, 5);
        bind_to(server, kind, endpoint);
        connect_to(client, endpoint);
        for (index = 0; index < 500; ++index)
            SEND_TEXT(client, "x", 0);
        CHECK_INT(slk_disconnect(client, endpoint), 0);
        for (index = 0; index < 500; ++index)
            CHECK_RECV(server, "x");
        close_socket(server);
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
}

static void disconnect_with_linger_0(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* client = open_socket(ctx, SLK_PUSH);
    slk_socket_t* server = open_socket(ctx, SLK_PULL);
    endpoint_text endpoint;
    free_endpoint(transport_tcp, endpoint);
    set_int(client, SLK_LINGER, 0);
    set_int(client, SLK_RECONNECT_IVL, 10);
    connect_to(client, endpoint);
    SEND_TEXT(client, "old", 0);
    CHECK_INT(slk_disconnect(client, endpoint), 0);
    connect_to(client, endpoint);
    SEND_TEXT(client, "new", 0);
    bind_at(server, endpoint);
    CHECK_RECV(server, "new");
    CHECK_NOTHING(server, 60);
    close_socket(server);
    close_socket(client);
    slk_ctx_destroy(ctx);
}

static void disconnect_of_one_of_several(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* first = open_socket(ctx, SLK_PULL);
        slk_socket_t* second = open_socket(ctx, SLK_PULL);
        slk_socket_t* client = open_socket(ctx, SLK_PUSH);
        endpoint_text of_first;
        endpoint_text of_second;
        int index;
        bind_to(first, kind, of_first);
        bind_to(second, kind, of_second);
        connect_to(client, of_first);
        connect_to(client, of_second);
        SEND_TEXT(client, "a", 0);
        SEND_TEXT(client, "a", 0);
        CHECK_RECV(first, "a");
        CHECK_RECV(second, "a");
        CHECK_INT(slk_disconnect(client, of_first), 0);
        for (index = 0; index < 10; ++index)
            SEND_TEXT(client, "b", 0);
        for (index = 0; index < 10; ++index)
            CHECK_RECV(second, "b");
        CHECK_NOTHING(first, 0);
        close_socket(first);
        close_socket(second);
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
}

CASES(disconnect) = {
    {"slk_unbind() keeps connections", unbind_keeps_connections},
    {"slk_unbind() stops listening", unbind_stops_listening},
    {"an endpoint is bound again after slk_unbind()", bind_again_after_unbind},
    {"slk_unbind() takes the text that was bound", unbind_by_the_given_text},
    {"slk_unbind() ends one of several endpoints", unbind_of_one_of_several},
    {"slk_disconnect() ends the connection", disconnect_ends_the_connection},
    {"slk_disconnect() discards unread messages", disconnect_discards_what_was_not_received},
    {"slk_disconnect() in the middle of a message", disconnect_in_the_middle_of_receiving},
    {"slk_disconnect() sends what is queued", disconnect_sends_what_is_queued},
    {"slk_disconnect() with SLK_LINGER 0 discards", disconnect_with_linger_0},
    {"slk_disconnect() ends one of several endpoints", disconnect_of_one_of_several},
    END_OF_CASES,
};
