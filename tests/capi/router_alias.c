/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 7: SLK_CONNECT_ROUTING_ID, SLK_ROUTER_NOTIFY and the probe. */
#include "raw_peer.h"

#include <stdio.h>

static void an_alias_works_in_both_directions(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* client = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* server = open_named(ctx, SLK_DEALER, "announced");
        endpoint_text endpoint;
        bind_to(server, kind, endpoint);
        set_int(client, SLK_ROUTER_MANDATORY, 1);
        set_bytes(client, SLK_CONNECT_ROUTING_ID, "alias", 5);
        connect_to(client, endpoint);
        SEND_TEXT(server, "hello", 0);
        CHECK_RECV_MORE(client, "alias");
        CHECK_RECV_LAST(client, "hello");
        CHECK_INT(slk_send_to(client, "alias", 5, "back", 4, 0), 4);
        CHECK_RECV_LAST(server, "back");
        CHECK(knows(client, "alias"));
        CHECK(!knows(client, "announced"));
        CHECK_FAILS(slk_send(client, "announced", 9, SLK_SNDMORE), SLK_EHOSTUNREACH);
        close_socket(client);
        close_socket(server);
        slk_ctx_destroy(ctx);
    }
}

static void an_alias_is_valid_at_once(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* client = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* server = open_socket(ctx, SLK_DEALER);
        endpoint_text endpoint;
        free_endpoint(kind, endpoint);
        set_int(client, SLK_RECONNECT_IVL, 10);
        set_int(client, SLK_ROUTER_MANDATORY, 1);
        set_bytes(client, SLK_CONNECT_ROUTING_ID, "alias", 5);
        connect_to(client, endpoint);
        /* Before anybody is there. */
        CHECK(knows(client, "alias"));
        CHECK_INT(slk_send_to(client, "alias", 5, "early", 5, SLK_DONTWAIT), 5);
        bind_at(server, endpoint);
        CHECK_RECV_LAST(server, "early");
        SEND_TEXT(server, "back", 0);
        CHECK_RECV_MORE(client, "alias");
        CHECK_RECV_LAST(client, "back");
        close_socket(client);
        close_socket(server);
        slk_ctx_destroy(ctx);
    }
}

static void an_alias_is_for_one_connect(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* client = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* first = open_named(ctx, SLK_DEALER, "first");
        slk_socket_t* second = open_named(ctx, SLK_DEALER, "second");
        endpoint_text of_first;
        endpoint_text of_second;
        bind_to(first, kind, of_first);
        bind_to(second, kind, of_second);
        set_bytes(client, SLK_CONNECT_ROUTING_ID, "alias", 5);
        connect_to(client, of_first);
        connect_to(client, of_second);
        CHECK_UNTIL(knows(client, "alias") && knows(client, "second"), patience_ms);
        CHECK(!knows(client, "first"));
        CHECK_INT(slk_send_to(client, "alias", 5, "1", 1, 0), 1);
        CHECK_INT(slk_send_to(client, "second", 6, "2", 1, 0), 1);
        CHECK_RECV_LAST(first, "1");
        CHECK_RECV_LAST(second, "2");
        close_socket(client);
        close_socket(first);
        close_socket(second);
        slk_ctx_destroy(ctx);
    }
}

static void an_alias_in_use(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* client = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* first = open_socket(ctx, SLK_DEALER);
        slk_socket_t* second = open_socket(ctx, SLK_DEALER);
        endpoint_text of_first;
        endpoint_text of_second;
        bind_to(first, kind, of_first);
        bind_to(second, kind, of_second);
        set_bytes(client, SLK_CONNECT_ROUTING_ID, "alias", 5);
        connect_to(client, of_first);
        set_bytes(client, SLK_CONNECT_ROUTING_ID, "alias", 5);
        CHECK_FAILS(slk_connect(client, of_second), SLK_EINVAL);
        SEND_TEXT(first, "undisturbed", 0);
        CHECK_RECV_MORE(client, "alias");
        CHECK_RECV_LAST(client, "undisturbed");
        set_bytes(client, SLK_CONNECT_ROUTING_ID, "other", 5);
        CHECK_INT(slk_connect(client, of_second), 0);
        CHECK_INT(slk_send_to(client, "other", 5, "hello", 5, 0), 5);
        CHECK_RECV_LAST(second, "hello");
        close_socket(client);
        close_socket(first);
        close_socket(second);
        slk_ctx_destroy(ctx);
    }
}

static void an_alias_stays_over_reconnects(void)
{
    transport kind;
    for (kind = transport_tcp; kind <= transport_ipc; kind = (transport)(kind + 1)) {
        slk_ctx_t* ctx;
        slk_socket_t* client;
        endpoint_text endpoint;
        int round;
        if (!has_transport(kind))
            continue;
        ctx = new_context();
        client = open_socket(ctx, SLK_ROUTER);
        free_endpoint(kind, endpoint);
        set_int(client, SLK_RECONNECT_IVL, 10);
        set_bytes(client, SLK_CONNECT_ROUTING_ID, "alias", 5);
        connect_to(client, endpoint);
        for (round = 0; round < 3; ++round) {
            char name[16];
            slk_socket_t* server;
            snprintf(name, sizeof name, "server %d", round);
            server = open_named(ctx, SLK_DEALER, name);
            CHECK_UNTIL(slk_bind(server, endpoint) == 0, patience_ms);
            SEND_TEXT(server, name, 0);
            CHECK_RECV_MORE(client, "alias");
            CHECK_RECV_LAST(client, name);
            CHECK(!knows(client, name));
            CHECK_INT(slk_send_to(client, "alias", 5, "back", 4, 0), 4);
            CHECK_RECV_LAST(server, "back");
            close_socket(server);
        }
        set_int(client, SLK_LINGER, 0);
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
}

/* --- SLK_ROUTER_NOTIFY --- */

static void check_notifications(int bits)
{
    transport kind;
    for (kind = transport_tcp; kind <= transport_ipc; kind = (transport)(kind + 1)) {
        slk_ctx_t* ctx;
        slk_socket_t* router;
        slk_socket_t* peer;
        endpoint_text endpoint;
        if (!has_transport(kind))
            continue;
        ctx = new_context();
        router = open_socket(ctx, SLK_ROUTER);
        peer = open_named(ctx, SLK_DEALER, "peer");
        set_int(router, SLK_ROUTER_NOTIFY, bits);
        bind_to(router, kind, endpoint);
        connect_to(peer, endpoint);
        SEND_TEXT(peer, "message", 0);
        if (bits & 1) {
            CHECK_RECV_MORE(router, "peer");
            CHECK_RECV_LAST(router, "");
        }
        CHECK_RECV_MORE(router, "peer");
        CHECK_RECV_LAST(router, "message");
        SEND_TEXT(peer, "last", 0);
        close_socket(peer);
        CHECK_RECV_MORE(router, "peer");
        CHECK_RECV_LAST(router, "last");
        if (bits & 2) {
            CHECK_RECV_MORE(router, "peer");
            CHECK_RECV_LAST(router, "");
        }
        CHECK_NOTHING(router, 30);
        close_socket(router);
        slk_ctx_destroy(ctx);
    }
}

static void notifications_of_comers(void)
{
    check_notifications(1);
}

static void notifications_of_goers(void)
{
    check_notifications(2);
}

static void notifications_of_both(void)
{
    check_notifications(3);
}

static void no_notifications(void)
{
    check_notifications(0);
}

static void no_notifications_of_failed_handshakes(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    endpoint_text endpoint;
    raw_socket peer;
    set_int(router, SLK_ROUTER_NOTIFY, 3);
    bind_tcp(router, endpoint);
    peer = raw_connect(endpoint);
    raw_close(peer);
    peer = raw_connect(endpoint);
    raw_send(peer, "\377\0\0\0\0\0\0\0\1\177\3", 11);
    raw_close(peer);
    peer = raw_connect(endpoint);
    raw_introduce(peer, "PUB", NULL);
    CHECK(raw_is_closed(peer, patience_ms));
    raw_close(peer);
    CHECK_NOTHING(router, 30);
    close_socket(router);
    slk_ctx_destroy(ctx);
}

static void half_a_message_before_the_notification(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    endpoint_text endpoint;
    raw_socket peer;
    set_int(router, SLK_ROUTER_NOTIFY, 3);
    bind_tcp(router, endpoint);
    peer = raw_connect(endpoint);
    raw_handshake(peer, "DEALER", "peer");
    raw_send_frame(peer, 0, "whole", 5);
    raw_send_frame(peer, frame_more, "half", 4);
    CHECK_RECV_MORE(router, "peer");
    CHECK_RECV_LAST(router, "");
    CHECK_RECV_MORE(router, "peer");
    CHECK_RECV_LAST(router, "whole");
    raw_close(peer);
    CHECK_RECV_MORE(router, "peer");
    CHECK_RECV_LAST(router, "");
    CHECK_NOTHING(router, 10);
    close_socket(router);
    slk_ctx_destroy(ctx);
}

/* --- The probe --- */

static void probes(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        int binds;
        for (binds = 0; binds <= 1; ++binds) {
            slk_ctx_t* ctx = new_context();
            slk_socket_t* prober = open_named(ctx, SLK_ROUTER, "prober");
            slk_socket_t* other = open_named(ctx, SLK_ROUTER, "other");
            endpoint_text endpoint;
            set_int(prober, opt_probe_router, 1);
            bind_to(binds ? prober : other, kind, endpoint);
            connect_to(binds ? other : prober, endpoint);
            /* Its socket need not be called. */
            if (kind == transport_inproc)
                (void)get_int(prober, opt_events);
            REQUIRE_UNTIL((get_int(other, opt_events) & SLK_POLLIN) != 0, 1000);
            CHECK_RECV_MORE(other, "prober");
            CHECK_RECV_LAST(other, "");
            CHECK_NOTHING(other, 10);
            CHECK_NOTHING(prober, 10);
            close_socket(prober);
            close_socket(other);
            slk_ctx_destroy(ctx);
        }
    }
}

CASES(router_alias) = {
    {"an alias names the peer in both directions", an_alias_works_in_both_directions},
    {"an alias is valid before the connection is up", an_alias_is_valid_at_once},
    {"an alias is for one slk_connect()", an_alias_is_for_one_connect},
    {"an alias that is in use is refused", an_alias_in_use},
    {"an alias stays over reconnects", an_alias_stays_over_reconnects},
    {"SLK_ROUTER_NOTIFY 0 reports nothing", no_notifications},
    {"SLK_ROUTER_NOTIFY 1 reports peers that come", notifications_of_comers},
    {"SLK_ROUTER_NOTIFY 2 reports peers that go", notifications_of_goers},
    {"SLK_ROUTER_NOTIFY 3 reports both", notifications_of_both},
    {"a failed handshake is not reported", no_notifications_of_failed_handshakes},
    {"half a message before a peer's end is not received", half_a_message_before_the_notification},
    {"a ROUTER probes its peers", probes},
    END_OF_CASES,
};
