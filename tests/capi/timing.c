/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 3: the times that callers may count on, on loopback. */
#include "sockets.h"

#include <stdio.h>

static transport kind;

/* Calls that notice what has happened, none of which receives. */
static int notices_by_is_connected(slk_socket_t* router)
{
    return slk_is_connected(router, "peer", 4) == 1;
}

static int notices_by_send(slk_socket_t* router)
{
    return slk_send_to(router, "peer", 4, "x", 1, SLK_DONTWAIT) == 1;
}

static int notices_by_events(slk_socket_t* router)
{
    return (get_int(router, opt_events) & SLK_POLLOUT) != 0;
}

static int notices_by_poll(slk_socket_t* router)
{
    slk_pollitem_t item = {NULL, -1, SLK_POLLOUT, 0};
    item.socket = router;
    return slk_poll(&item, 1, 0) == 1;
}

static int (*noticed)(slk_socket_t*);

static double until_noticed(slk_socket_t* router, int expected)
{
    const double began = now_ms();
    while (noticed(router) != expected && now_ms() - began < patience_ms)
        sleep_ms(1);
    return now_ms() - began;
}

/* From slk_connect() until the ROUTER can address the peer; the peer calls nothing. */
static double measure_connect(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    slk_socket_t* peer = open_socket(ctx, SLK_DEALER);
    endpoint_text endpoint;
    double took;
    set_int(router, SLK_ROUTER_MANDATORY, 1);
    set_bytes(peer, SLK_ROUTING_ID, "peer", 4);
    bind_to(router, kind, endpoint);
    connect_to(peer, endpoint);
    took = until_noticed(router, 1);
    close_socket(router);
    close_socket(peer);
    slk_ctx_destroy(ctx);
    return took;
}

/* From the peer's slk_close() until the ROUTER cannot address it any more. */
static double measure_close(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    slk_socket_t* peer = open_socket(ctx, SLK_DEALER);
    endpoint_text endpoint;
    double took;
    set_int(router, SLK_ROUTER_MANDATORY, 1);
    set_bytes(peer, SLK_ROUTING_ID, "peer", 4);
    bind_to(router, kind, endpoint);
    connect_to(peer, endpoint);
    until_noticed(router, 1);
    close_socket(peer);
    took = until_noticed(router, 0);
    close_socket(router);
    slk_ctx_destroy(ctx);
    return took;
}

static void check_by_each_call(double (*measure)(void), double bound)
{
    static int (*const calls[])(slk_socket_t*) = {notices_by_is_connected, notices_by_send,
                                                  notices_by_events, notices_by_poll};
    size_t index;
    for (kind = transport_tcp; kind <= transport_ipc; kind = (transport)(kind + 1)) {
        if (!has_transport(kind))
            continue;
        for (index = 0; index < sizeof calls / sizeof calls[0]; ++index) {
            noticed = calls[index];
            CHECK_BEST(measure, bound);
        }
    }
}

static const int slow_factor = SLOW_BUILD ? 4 : 1;

static void connects_within_50_ms(void)
{
    check_by_each_call(measure_connect, 50 * slow_factor);
}

static void notices_a_close_within_100_ms(void)
{
    check_by_each_call(measure_close, 100 * slow_factor);
}

/* The publisher calls nothing but slk_send(). */
static double measure_subscription(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* publisher = open_socket(ctx, SLK_PUB);
    slk_socket_t* subscriber = open_socket(ctx, SLK_SUB);
    endpoint_text endpoint;
    double began;
    double took;
    bind_to(publisher, kind, endpoint);
    connect_to(subscriber, endpoint);
    set_bytes(subscriber, SLK_SUBSCRIBE, "first", 5);
    do {
        SEND_TEXT(publisher, "first", 0);
    } while (recv_within(subscriber, NULL, 0, 1) < 0);
    /* From the call on, of a subscriber that is connected. */
    began = now_ms();
    set_bytes(subscriber, SLK_SUBSCRIBE, "now", 3);
    for (;;) {
        char text[8];
        SEND_TEXT(publisher, "now", 0);
        took = now_ms() - began;
        if (recv_within(subscriber, text, sizeof text, 1) == 3 || took > patience_ms)
            break;
    }
    close_socket(publisher);
    close_socket(subscriber);
    slk_ctx_destroy(ctx);
    return took;
}

static void subscriptions_act_within_50_ms(void)
{
    for (kind = transport_tcp; kind <= transport_ipc; kind = (transport)(kind + 1))
        if (has_transport(kind))
            CHECK_BEST(measure_subscription, 50 * slow_factor);
}

static int by_unbind;

static double measure_free_address(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* first = open_socket(ctx, SLK_PAIR);
    slk_socket_t* second = open_socket(ctx, SLK_PAIR);
    slk_socket_t* peer = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    double began;
    double took;
    bind_to(first, kind, endpoint);
    connect_to(peer, endpoint);
    SEND_TEXT(peer, "there", 0);
    CHECK_RECV(first, "there");
    began = now_ms();
    if (by_unbind)
        CHECK_INT(slk_unbind(first, endpoint), 0);
    else
        close_socket(first);
    if (kind == transport_inproc)
        CHECK_INT(slk_bind(second, endpoint), 0); /* free on return */
    else
        CHECK_UNTIL(slk_bind(second, endpoint) == 0, patience_ms);
    took = now_ms() - began;
    if (by_unbind)
        close_socket(first);
    close_socket(second);
    close_socket(peer);
    slk_ctx_destroy(ctx);
    return took;
}

static void addresses_are_free_within_100_ms(void)
{
    FOR_EACH_TRANSPORT(kind)
    {
        for (by_unbind = 0; by_unbind <= 1; ++by_unbind)
            CHECK_BEST(measure_free_address, 100 * slow_factor);
    }
}

/* A round trip takes far less than a millisecond when nothing is waited for in between. */
static double measure_round_trips(void)
{
    connected_pair pair;
    double began;
    double took;
    int round;
    open_pair(&pair, kind);
    began = now_ms();
    for (round = 0; round < 100; ++round) {
        char text[8];
        SEND_TEXT(pair.connected, "x", 0);
        CHECK_INT(slk_recv(pair.bound, text, sizeof text, 0), 1);
        SEND_TEXT(pair.bound, "y", 0);
        CHECK_INT(slk_recv(pair.connected, text, sizeof text, 0), 1);
    }
    took = now_ms() - began;
    close_pair(&pair);
    return took;
}

static void round_trips_do_not_wait_for_a_clock(void)
{
    FOR_EACH_TRANSPORT(kind)
    CHECK_BEST(measure_round_trips, 200 * slow_factor);
}

CASES(timing) = {
    {"a peer can be addressed within 50 ms of its connect", connects_within_50_ms},
    {"a peer that closes is noticed within 100 ms", notices_a_close_within_100_ms},
    {"a subscription acts within 50 ms", subscriptions_act_within_50_ms},
    {"an address is free within 100 ms", addresses_are_free_within_100_ms},
    {"100 round trips take at most 200 ms", round_trips_do_not_wait_for_a_clock},
    END_OF_CASES,
};
