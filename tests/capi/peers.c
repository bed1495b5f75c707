/* SPDX-License-Identifier: MPL-2.0 */

/* What a ROUTER knows of its peers. */

#include "frames.h"

#include <stdlib.h>

static void connect_as(slk_socket_t* socket, const char* id, const char* endpoint)
{
    set_bytes(socket, SLK_ROUTING_ID, id, strlen(id));
    connect_to(socket, endpoint);
}

static void a_peer_is_connected_until_it_goes(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* dealer = open_socket(ctx, SLK_DEALER);
        endpoint_text endpoint;
        bind_to(router, kind, endpoint);
        CHECK_INT(slk_is_connected(router, "peer", 4), 0);
        connect_as(dealer, "peer", endpoint);
        REQUIRE_UNTIL(slk_is_connected(router, "peer", 4) == 1, patience_ms);
        CHECK_INT(slk_is_connected(router, "peer", 3), 0);
        CHECK_INT(slk_is_connected(router, "peer\0", 5), 0);
        CHECK_INT(slk_is_connected(router, "Peer", 4), 0);
        close_socket(dealer);
        REQUIRE_UNTIL(slk_is_connected(router, "peer", 4) == 0, patience_ms);
        slk_ctx_destroy(ctx);
    }
}

static transport timed_kind;

static double connect_time(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    slk_socket_t* dealer = open_socket(ctx, SLK_DEALER);
    endpoint_text endpoint;
    double took = now_ms();
    bind_to(router, timed_kind, endpoint);
    took = now_ms();
    connect_as(dealer, "peer", endpoint);
    REQUIRE_UNTIL(slk_is_connected(router, "peer", 4) == 1, patience_ms);
    took = now_ms() - took;
    slk_ctx_destroy(ctx);
    return took;
}

static double leave_time(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    slk_socket_t* dealer = open_socket(ctx, SLK_DEALER);
    endpoint_text endpoint;
    double took;
    bind_to(router, timed_kind, endpoint);
    connect_as(dealer, "peer", endpoint);
    REQUIRE_UNTIL(slk_is_connected(router, "peer", 4) == 1, patience_ms);
    took = now_ms();
    close_socket(dealer);
    REQUIRE_UNTIL(slk_is_connected(router, "peer", 4) == 0, patience_ms);
    took = now_ms() - took;
    slk_ctx_destroy(ctx);
    return took;
}

static void both_are_noticed_in_time(void)
{
    FOR_EACH_TRANSPORT(timed_kind)
    {
        CHECK_BEST(connect_time, 50);
        CHECK_BEST(leave_time, 100);
    }
}

static void an_alias_is_known_at_once(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    slk_socket_t* peer = open_socket(ctx, SLK_ROUTER);
    endpoint_text endpoint;
    set_bytes(peer, SLK_ROUTING_ID, "own", 3);
    bind_tcp(peer, endpoint);
    set_bytes(router, SLK_CONNECT_ROUTING_ID, "alias", 5);
    connect_to(router, endpoint);
    CHECK_INT(slk_is_connected(router, "alias", 5), 1);
    CHECK_INT(slk_send_to(router, "alias", 5, "hello", 5, 0), 5);
    CHECK_INT(recv_within(peer, NULL, 0, patience_ms), 5);
    CHECK_RECV_LAST(peer, "hello");
    CHECK_INT(slk_is_connected(router, "alias", 5), 1);
    CHECK_INT(slk_is_connected(router, "own", 3), 0);
    slk_ctx_destroy(ctx);
}

static void other_types_have_none_of_it(void)
{
    static const int others[] = {SLK_PAIR,   SLK_PUB,  SLK_SUB,  SLK_REQ,  SLK_REP,
                                 SLK_DEALER, SLK_PULL, SLK_PUSH, SLK_XPUB, SLK_XSUB};
    slk_ctx_t* ctx = new_context();
    size_t i;
    for (i = 0; i < sizeof others / sizeof *others; ++i) {
        slk_socket_t* socket = open_socket(ctx, others[i]);
        slk_peer_stats_t stats;
        void* ids[1] = {NULL};
        size_t sizes[1] = {0};
        size_t count = 1;
        CHECK_FAILS(slk_is_connected(socket, "peer", 4), sys_enotsup);
        CHECK_FAILS(slk_get_peer_stats(socket, "peer", 4, &stats), SLK_EPROTO);
        CHECK_FAILS(slk_get_peers(socket, ids, sizes, &count), SLK_EPROTO);
    }
    slk_ctx_destroy(ctx);
}

static void arguments_are_needed(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    slk_peer_stats_t stats;
    void* ids[1] = {NULL};
    size_t sizes[1] = {0};
    size_t count = 1;
    CHECK_FAILS(slk_is_connected(NULL, "peer", 4), SLK_EINVAL);
    CHECK_FAILS(slk_is_connected(router, NULL, 4), SLK_EINVAL);
    CHECK_FAILS(slk_get_peer_stats(NULL, "peer", 4, &stats), SLK_EINVAL);
    CHECK_FAILS(slk_get_peer_stats(router, NULL, 4, &stats), SLK_EINVAL);
    CHECK_FAILS(slk_get_peer_stats(router, "peer", 4, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_get_peers(NULL, ids, sizes, &count), SLK_EINVAL);
    CHECK_FAILS(slk_get_peers(router, NULL, sizes, &count), SLK_EINVAL);
    CHECK_FAILS(slk_get_peers(router, ids, sizes, NULL), SLK_EINVAL);
    slk_free_peers(NULL, NULL, 0);
    slk_free_peers(NULL, NULL, 3);
    slk_free_peers(NULL, sizes, 1);
    CHECK_FAILS(slk_get_peer_stats(router, "peer", 4, &stats), SLK_EHOSTUNREACH);
    slk_ctx_destroy(ctx);
}

static void statistics(transport kind)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    slk_socket_t* one = open_socket(ctx, SLK_DEALER);
    slk_socket_t* two = open_socket(ctx, SLK_DEALER);
    slk_peer_stats_t stats;
    endpoint_text endpoint;
    double connected;
    bind_to(router, kind, endpoint);
    connect_as(one, "one", endpoint);
    connect_as(two, "two", endpoint);
    REQUIRE_UNTIL(slk_is_connected(router, "one", 3) && slk_is_connected(router, "two", 3),
                  patience_ms);
    connected = now_ms();
    memset(&stats, 0x55, sizeof stats);
    CHECK_INT(slk_get_peer_stats(router, "one", 3, &stats), 0);
    CHECK_INT(stats.bytes_sent, 0);
    CHECK_INT(stats.bytes_received, 0);
    CHECK_INT(stats.msgs_sent, 0);
    CHECK_INT(stats.msgs_received, 0);
    CHECK_INT(stats.last_heartbeat, 0);
    CHECK_INT(stats.is_alive, 1);
    CHECK_BETWEEN(stats.connected_time, 0, patience_ms);
    /* Whole messages, and the bytes of their frames without the routing id. */
    CHECK(sends(router, "one|hello|world"));
    CHECK(sends(router, "one|"));
    CHECK_INT(slk_send_to(router, "one", 3, "12345678", 8, 0), 8);
    CHECK(sends(router, "two|x"));
    CHECK_INT(slk_get_peer_stats(router, "one", 3, &stats), 0);
    CHECK_INT(stats.msgs_sent, 3);
    CHECK_INT(stats.bytes_sent, 18);
    CHECK_INT(stats.msgs_received, 0);
    CHECK(sends(one, "a|bc"));
    CHECK(sends(one, "def"));
    CHECK(sends(two, "y"));
    CHECK(until_ready(router, SLK_POLLIN));
    /* Only what the program has received counts. */
    CHECK_INT(slk_get_peer_stats(router, "one", 3, &stats), 0);
    CHECK_INT(stats.msgs_received, 0);
    CHECK_INT(stats.bytes_received, 0);
    {
        char got[32];
        int i;
        for (i = 0; i < 3; ++i)
            CHECK(next_message(router, got, sizeof got, patience_ms));
    }
    CHECK_INT(slk_get_peer_stats(router, "one", 3, &stats), 0);
    CHECK_INT(stats.msgs_received, 2);
    CHECK_INT(stats.bytes_received, 6);
    CHECK_INT(stats.msgs_sent, 3);
    CHECK_INT(slk_get_peer_stats(router, "two", 3, &stats), 0);
    CHECK_INT(stats.msgs_received, 1);
    CHECK_INT(stats.bytes_received, 1);
    CHECK_INT(stats.msgs_sent, 1);
    CHECK_INT(stats.bytes_sent, 1);
    sleep_ms(30);
    CHECK_INT(slk_get_peer_stats(router, "two", 3, &stats), 0);
    CHECK_BETWEEN(stats.connected_time, 29, now_ms() - connected + 1000);
    close_socket(one);
    REQUIRE_UNTIL(slk_is_connected(router, "one", 3) == 0, patience_ms);
    CHECK_FAILS(slk_get_peer_stats(router, "one", 3, &stats), SLK_EHOSTUNREACH);
    CHECK_INT(slk_get_peer_stats(router, "two", 3, &stats), 0);
    slk_ctx_destroy(ctx);
}

static void statistics_of_a_peer(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind) statistics(kind);
}

static void a_heartbeat_has_a_time(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    slk_socket_t* dealer = open_socket(ctx, SLK_DEALER);
    slk_peer_stats_t stats;
    endpoint_text endpoint;
    uint64_t first;
    set_int(router, SLK_HEARTBEAT_IVL, 10);
    bind_tcp(router, endpoint);
    connect_as(dealer, "peer", endpoint);
    REQUIRE_UNTIL(slk_is_connected(router, "peer", 4), patience_ms);
    REQUIRE_UNTIL(slk_get_peer_stats(router, "peer", 4, &stats) == 0 && stats.last_heartbeat != 0,
                  patience_ms);
    first = stats.last_heartbeat;
    REQUIRE_UNTIL(slk_get_peer_stats(router, "peer", 4, &stats) == 0 &&
                      stats.last_heartbeat > first,
                  patience_ms);
    CHECK_INT(stats.is_alive, 1);
    slk_ctx_destroy(ctx);
}

/* The position of an id in a list, or -1. */
static int found(void** ids, const size_t* sizes, size_t count, const char* id)
{
    size_t i;
    for (i = 0; i < count; ++i)
        if (sizes[i] == strlen(id) && memcmp(ids[i], id, sizes[i]) == 0)
            return (int)i;
    return -1;
}

static void all_peers_are_listed(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* peers[3];
        void* ids[8];
        size_t sizes[8];
        size_t count = 8, i;
        endpoint_text endpoint;
        bind_to(router, kind, endpoint);
        CHECK_INT(slk_get_peers(router, ids, sizes, &count), 0);
        CHECK_INT(count, 0);
        for (i = 0; i < 3; ++i)
            peers[i] = open_socket(ctx, SLK_DEALER);
        connect_as(peers[0], "one", endpoint);
        connect_as(peers[1], "second", endpoint);
        connect_to(peers[2], endpoint); /* without a name */
        REQUIRE_UNTIL((count = 8, slk_get_peers(router, ids, sizes, &count)) == 0 &&
                          (count == 3 || (slk_free_peers(ids, sizes, count), 0)),
                      patience_ms);
        CHECK(found(ids, sizes, count, "one") >= 0);
        CHECK(found(ids, sizes, count, "second") >= 0);
        for (i = 0; i < 3; ++i)
            CHECK(sizes[i] == 3 || sizes[i] == 6 || (sizes[i] == 5 && *(char*)ids[i] == 0));
        slk_free_peers(ids, sizes, count);
        for (i = 0; i < 3; ++i) {
            CHECK(ids[i] == NULL);
            CHECK_INT(sizes[i], 0);
        }
        /* Less room, and no sizes. */
        ids[1] = &count;
        count = 1;
        CHECK_INT(slk_get_peers(router, ids, NULL, &count), 0);
        CHECK_INT(count, 1);
        CHECK(ids[0] != NULL);
        CHECK(ids[1] == &count);
        slk_free_peers(ids, NULL, count);
        CHECK(ids[0] == NULL);
        count = 0;
        CHECK_INT(slk_get_peers(router, ids, sizes, &count), 0);
        CHECK_INT(count, 0);
        close_socket(peers[0]);
        REQUIRE_UNTIL(!slk_is_connected(router, "one", 3), patience_ms);
        count = 8;
        CHECK_INT(slk_get_peers(router, ids, sizes, &count), 0);
        CHECK_INT(count, 2);
        CHECK(found(ids, sizes, count, "one") < 0);
        /* The identities are of malloc(). */
        for (i = 0; i < count; ++i)
            free(ids[i]);
        slk_ctx_destroy(ctx);
    }
}

CASES(peers) = {
    {"a ROUTER's peer is connected until it goes", a_peer_is_connected_until_it_goes},
    {"a peer is known within 50 ms, and gone within 100 ms", both_are_noticed_in_time},
    {"an alias is known at once", an_alias_is_known_at_once},
    {"other types know no peers", other_types_have_none_of_it},
    {"the functions of peers check their arguments", arguments_are_needed},
    {"the statistics of a peer count its messages", statistics_of_a_peer},
    {"the last heartbeat has a time", a_heartbeat_has_a_time},
    {"all peers are listed", all_peers_are_listed},
    END_OF_CASES,
};
