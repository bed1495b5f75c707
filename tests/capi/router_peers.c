/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 7: identities that are announced, in use, taken over and free again; full peers. */
#include "raw_peer.h"

#include <stdio.h>

static void known_without_a_message(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* peer = open_named(ctx, SLK_DEALER, "peer");
        endpoint_text endpoint;
        set_int(router, SLK_ROUTER_MANDATORY, 1);
        bind_to(router, kind, endpoint);
        connect_to(peer, endpoint);
        /* The ROUTER receives nothing, and its peer sends nothing. */
        CHECK_UNTIL(slk_send(router, "peer", 4, SLK_SNDMORE | SLK_DONTWAIT) == 4, patience_ms);
        SEND_TEXT(router, "hello", 0);
        CHECK_RECV(peer, "hello");
        close_socket(router);
        close_socket(peer);
        slk_ctx_destroy(ctx);
    }
}

static void router_to_router(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* server = open_named(ctx, SLK_ROUTER, "server");
        slk_socket_t* client = open_named(ctx, SLK_ROUTER, "client");
        endpoint_text endpoint;
        set_int(server, SLK_ROUTER_MANDATORY, 1);
        set_int(client, SLK_ROUTER_MANDATORY, 1);
        bind_to(server, kind, endpoint);
        connect_to(client, endpoint);
        CHECK_UNTIL(slk_send(server, "client", 6, SLK_SNDMORE) == 6, patience_ms);
        SEND_TEXT(server, "hello", 0);
        CHECK_UNTIL(slk_send(client, "server", 6, SLK_SNDMORE) == 6, patience_ms);
        SEND_TEXT(client, "hello back", 0);
        CHECK_RECV_MORE(client, "server");
        CHECK_RECV_LAST(client, "hello");
        CHECK_RECV_MORE(server, "client");
        CHECK_RECV_LAST(server, "hello back");
        close_socket(server);
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
}

/* The identity is that of the moment of slk_connect(), or of slk_bind() at the other end. */
static void identities_are_of_the_moment(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* bound = open_named(ctx, SLK_ROUTER, "first bind");
        slk_socket_t* connected = open_named(ctx, SLK_ROUTER, "first connect");
        endpoint_text first;
        endpoint_text second;
        bind_to(bound, kind, first);
        set_bytes(bound, SLK_ROUTING_ID, "second bind", 11);
        bind_to(bound, kind, second);
        set_bytes(bound, SLK_ROUTING_ID, "too late", 8);
        connect_to(connected, first);
        set_bytes(connected, SLK_ROUTING_ID, "second connect", 14);
        connect_to(connected, second);
        set_bytes(connected, SLK_ROUTING_ID, "too late", 8);
        CHECK_UNTIL(knows(bound, "first connect") && knows(bound, "second connect"), patience_ms);
        CHECK_UNTIL(knows(connected, "first bind") && knows(connected, "second bind"), patience_ms);
        CHECK(!knows(bound, "too late"));
        CHECK(!knows(connected, "too late"));
        close_socket(bound);
        close_socket(connected);
        slk_ctx_destroy(ctx);
    }
}

static void an_identity_in_use_is_ignored(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* first = open_named(ctx, SLK_DEALER, "peer");
        slk_socket_t* second = open_named(ctx, SLK_DEALER, "peer");
        endpoint_text endpoint;
        int index;
        set_int(second, SLK_LINGER, 0);
        bind_to(router, kind, endpoint);
        connect_to(first, endpoint);
        CHECK_UNTIL(knows(router, "peer"), patience_ms);
        if (slk_connect(second, endpoint) == 0)
            slk_send(second, "ignored", 7, SLK_DONTWAIT);
        for (index = 0; index < 10; ++index) {
            CHECK_INT(slk_send_to(router, "peer", 4, "to the first", 12, 0), 12);
            CHECK_RECV_LAST(first, "to the first");
            SEND_TEXT(first, "from the first", 0);
            CHECK_RECV_MORE(router, "peer");
            CHECK_RECV_LAST(router, "from the first");
            sleep_ms(3);
        }
        CHECK_NOTHING(second, 0);
        close_socket(second);
        CHECK(knows(router, "peer"));
        close_socket(first);
        close_socket(router);
        slk_ctx_destroy(ctx);
    }
}

static void an_identity_is_free_again(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        endpoint_text endpoint;
        int round;
        bind_to(router, kind, endpoint);
        for (round = 0; round < 5; ++round) {
            slk_socket_t* peer = open_named(ctx, SLK_DEALER, "peer");
            connect_to(peer, endpoint);
            CHECK_UNTIL(knows(router, "peer"), patience_ms);
            CHECK_INT(slk_send_to(router, "peer", 4, "hello", 5, 0), 5);
            CHECK_RECV_LAST(peer, "hello");
            close_socket(peer);
            CHECK_UNTIL(!knows(router, "peer"), patience_ms);
        }
        close_socket(router);
        slk_ctx_destroy(ctx);
    }
}

/* Messages of the one before that were not received do not keep the identity in use. */
static void an_identity_is_free_with_messages_unread(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* peer = open_named(ctx, SLK_DEALER, "peer");
        endpoint_text endpoint;
        bind_to(router, kind, endpoint);
        connect_to(peer, endpoint);
        SEND_TEXT(peer, "unread", 0);
        CHECK_UNTIL((get_int(router, opt_events) & SLK_POLLIN) != 0, patience_ms);
        close_socket(peer);
        CHECK_UNTIL(!knows(router, "peer"), patience_ms);
        peer = open_named(ctx, SLK_DEALER, "peer");
        connect_to(peer, endpoint);
        CHECK_UNTIL(knows(router, "peer"), patience_ms);
        CHECK_INT(slk_send_to(router, "peer", 4, "for the new one", 15, 0), 15);
        CHECK_RECV_LAST(peer, "for the new one");
        SEND_TEXT(peer, "read", 0);
        CHECK_RECV_MORE(router, "peer");
        CHECK_RECV_LAST(router, "unread");
        CHECK_RECV_MORE(router, "peer");
        CHECK_RECV_LAST(router, "read");
        close_socket(router);
        close_socket(peer);
        slk_ctx_destroy(ctx);
    }
}

static void handover(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* first = open_named(ctx, SLK_DEALER, "peer");
        slk_socket_t* second = open_named(ctx, SLK_DEALER, "peer");
        endpoint_text endpoint;
        set_int(first, SLK_RECONNECT_IVL, -1);
        bind_to(router, kind, endpoint);
        set_int(router, SLK_ROUTER_HANDOVER, 1);
        connect_to(first, endpoint);
        CHECK_UNTIL(knows(router, "peer"), patience_ms);
        CHECK_INT(slk_send_to(router, "peer", 4, "to the first", 12, 0), 12);
        CHECK_RECV_LAST(first, "to the first");
        connect_to(second, endpoint);
        SEND_TEXT(second, "from the second", 0);
        CHECK_RECV_MORE(router, "peer");
        CHECK_RECV_LAST(router, "from the second");
        CHECK(knows(router, "peer"));
        CHECK_INT(slk_send_to(router, "peer", 4, "to the second", 13, 0), 13);
        CHECK_RECV_LAST(second, "to the second");
        CHECK_NOTHING(first, 0);
        /* The old connection has ended, and no other follows. */
        if (kind != transport_inproc)
            CHECK_UNTIL((get_int(first, opt_events) & SLK_POLLOUT) == 0, patience_ms);
        close_socket(router);
        close_socket(first);
        close_socket(second);
        slk_ctx_destroy(ctx);
    }
}

static void handover_ends_the_old_connection(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    endpoint_text endpoint;
    raw_socket first;
    raw_socket second;
    set_int(router, SLK_ROUTER_HANDOVER, 1);
    bind_tcp(router, endpoint);
    first = raw_connect(endpoint);
    raw_handshake(first, "DEALER", "peer");
    CHECK_UNTIL(knows(router, "peer"), patience_ms);
    /* Half a message of it is never seen. */
    raw_send_frame(first, frame_more, "half", 4);
    second = raw_connect(endpoint);
    raw_handshake(second, "DEALER", "peer");
    /* The next call on the socket notices it. */
    CHECK_UNTIL(knows(router, "peer") && raw_is_closed(first, 10), patience_ms);
    raw_send_frame(second, 0, "whole", 5);
    CHECK_RECV_MORE(router, "peer");
    CHECK_RECV_LAST(router, "whole");
    CHECK_NOTHING(router, 5);
    raw_close(first);
    raw_close(second);
    close_socket(router);
    slk_ctx_destroy(ctx);
}

static int fill_peer(slk_socket_t* router, int limit)
{
    int number = 0;
    while (number < limit && slk_send_to(router, "peer", 4, "x", 1, SLK_DONTWAIT) == 1)
        ++number;
    return number;
}

static void open_full_peer(slk_ctx_t* ctx, slk_socket_t** router, slk_socket_t** peer,
                           int mandatory)
{
    endpoint_text endpoint;
    *router = open_socket(ctx, SLK_ROUTER);
    *peer = open_named(ctx, SLK_DEALER, "peer");
    set_int(*router, SLK_SNDHWM, 5);
    set_int(*peer, SLK_RCVHWM, 5);
    set_int(*router, SLK_ROUTER_MANDATORY, mandatory);
    bind_inproc(*router, endpoint);
    connect_to(*peer, endpoint);
}

static void a_full_peer_is_dropped_for(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router;
    slk_socket_t* peer;
    open_full_peer(ctx, &router, &peer, 0);
    CHECK_INT(fill_peer(router, 100), 100);
    CHECK_INT(get_int(router, opt_events) & SLK_POLLOUT, SLK_POLLOUT);
    SEND_TEXT(router, "peer", SLK_SNDMORE);
    SEND_TEXT(router, "lost", SLK_SNDMORE);
    SEND_TEXT(router, "lost", 0);
    CHECK_BETWEEN(drain(peer, 0), 5, 10);
    close_socket(router);
    close_socket(peer);
    slk_ctx_destroy(ctx);
}

static void a_full_peer_is_reported(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router;
    slk_socket_t* peer;
    slk_socket_t* other = open_named(ctx, SLK_DEALER, "other");
    endpoint_text endpoint;
    int filled;
    open_full_peer(ctx, &router, &peer, 1);
    filled = fill_peer(router, 100);
    CHECK_BETWEEN(filled, 5, 10);
    CHECK_FAILS(slk_send(router, "peer", 4, SLK_SNDMORE | SLK_DONTWAIT), SLK_EAGAIN);
    CHECK_INT(get_int(router, opt_events) & SLK_POLLOUT, 0);
    set_int(router, SLK_SNDTIMEO, 10);
    CHECK_FAILS(slk_send(router, "peer", 4, SLK_SNDMORE), SLK_EAGAIN);
    /* Another peer has room. */
    bind_inproc(router, endpoint);
    connect_to(other, endpoint);
    CHECK_UNTIL((get_int(router, opt_events) & SLK_POLLOUT) != 0, patience_ms);
    CHECK_INT(slk_send_to(router, "other", 5, "seen", 4, SLK_DONTWAIT), 4);
    CHECK_RECV_LAST(other, "seen");
    CHECK_INT(drain(peer, 0), filled);
    CHECK_UNTIL(slk_send(router, "peer", 4, SLK_SNDMORE | SLK_DONTWAIT) == 4, patience_ms);
    SEND_TEXT(router, "after", 0);
    CHECK_RECV_LAST(peer, "after");
    close_socket(router);
    close_socket(peer);
    close_socket(other);
    slk_ctx_destroy(ctx);
}

static void frames_after_the_identity_have_room(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router;
    slk_socket_t* peer;
    int filled;
    int index;
    open_full_peer(ctx, &router, &peer, 1);
    filled = fill_peer(router, 3);
    CHECK_INT(filled, 3);
    SEND_TEXT(router, "peer", SLK_SNDMORE | SLK_DONTWAIT);
    for (index = 0; index < 50; ++index)
        SEND_TEXT(router, "frame", SLK_DONTWAIT | (index < 49 ? SLK_SNDMORE : 0));
    CHECK_INT(drain(peer, 0), 3 + 50);
    close_socket(router);
    close_socket(peer);
    slk_ctx_destroy(ctx);
}

CASES(router_peers) = {
    {"a peer is known before any message", known_without_a_message},
    {"a ROUTER sees the identity of a ROUTER", router_to_router},
    {"an identity is that of the moment", identities_are_of_the_moment},
    {"a second peer with an identity that is in use", an_identity_in_use_is_ignored},
    {"an identity is free again when its peer has gone", an_identity_is_free_again},
    {"an identity is free while messages are unread", an_identity_is_free_with_messages_unread},
    {"SLK_ROUTER_HANDOVER gives the identity to the new peer", handover},
    {"SLK_ROUTER_HANDOVER ends the old connection", handover_ends_the_old_connection},
    {"a ROUTER drops messages for a full peer", a_full_peer_is_dropped_for},
    {"with SLK_ROUTER_MANDATORY a full peer is reported", a_full_peer_is_reported},
    {"frames after the identity always have room", frames_after_the_identity_have_room},
    END_OF_CASES,
};
