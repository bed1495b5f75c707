/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 7: how a ROUTER receives and sends. */
#include "sockets.h"

#include <stdio.h>

static void wait_for(slk_socket_t* router, const char* name)
{
    REQUIRE_UNTIL(knows(router, name), patience_ms);
}

static void identities_come_first(void)
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
        SEND_TEXT(peer, "one", 0);
        SEND_TEXT(peer, "first", SLK_SNDMORE);
        SEND_TEXT(peer, "", SLK_SNDMORE);
        SEND_TEXT(peer, "third", 0);
        CHECK_RECV_MORE(router, "peer");
        CHECK_RECV_LAST(router, "one");
        CHECK_RECV_MORE(router, "peer");
        CHECK_RECV_MORE(router, "first");
        CHECK_RECV_MORE(router, "");
        CHECK_RECV_LAST(router, "third");
        SEND_TEXT(router, "peer", SLK_SNDMORE);
        SEND_TEXT(router, "back", SLK_SNDMORE);
        SEND_TEXT(router, "", 0);
        CHECK_RECV_MORE(peer, "back");
        CHECK_RECV_LAST(peer, "");
        close_socket(router);
        close_socket(peer);
        slk_ctx_destroy(ctx);
    }
}

static void identities_may_be_any_bytes(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* short_one = open_socket(ctx, SLK_DEALER);
        slk_socket_t* long_one = open_socket(ctx, SLK_DEALER);
        endpoint_text endpoint;
        char name[255];
        memset(name, 0xff, sizeof name);
        name[100] = '\0';
        set_bytes(short_one, SLK_ROUTING_ID, "\1", 1);
        set_bytes(long_one, SLK_ROUTING_ID, name, sizeof name);
        bind_to(router, kind, endpoint);
        connect_to(short_one, endpoint);
        SEND_TEXT(short_one, "s", 0);
        CHECK_RECV_BYTES(router, "\1", 1);
        CHECK_RECV_LAST(router, "s");
        connect_to(long_one, endpoint);
        SEND_TEXT(long_one, "l", 0);
        CHECK_RECV_BYTES(router, name, sizeof name);
        CHECK_RECV_LAST(router, "l");
        CHECK_INT(slk_send_to(router, name, sizeof name, "to l", 4, 0), 4);
        CHECK_RECV(long_one, "to l");
        CHECK_INT(slk_send_to(router, "\1", 1, "to s", 4, 0), 4);
        CHECK_RECV(short_one, "to s");
        close_socket(router);
        close_socket(short_one);
        close_socket(long_one);
        slk_ctx_destroy(ctx);
    }
}

static void identities_that_are_made(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        enum { peers = 5 };
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* sockets[peers];
        unsigned char identities[peers][8];
        endpoint_text endpoint;
        int index;
        int other;
        bind_to(router, kind, endpoint);
        for (index = 0; index < peers; ++index) {
            sockets[index] = open_socket(ctx, SLK_DEALER);
            connect_to(sockets[index], endpoint);
            SEND_TEXT(sockets[index], "hello", 0);
            CHECK_INT(recv_within(router, identities[index], 8, patience_ms), 5);
            CHECK_INT(identities[index][0], 0);
            CHECK_RECV_LAST(router, "hello");
            for (other = 0; other < index; ++other)
                CHECK(memcmp(identities[index], identities[other], 5) != 0);
        }
        for (index = 0; index < peers; ++index) {
            char text[8];
            snprintf(text, sizeof text, "to %d", index);
            CHECK_INT(slk_send_to(router, identities[index], 5, text, 4, 0), 4);
            CHECK_RECV(sockets[index], text);
            close_socket(sockets[index]);
        }
        close_socket(router);
        slk_ctx_destroy(ctx);
    }
}

static void peers_are_served_in_turn(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        enum { peers = 3, rounds = 20 };
        static const char* const names[peers] = {"a", "b", "c"};
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* sockets[peers];
        endpoint_text endpoint;
        int counts[peers] = {0, 0, 0};
        int index;
        bind_to(router, kind, endpoint);
        for (index = 0; index < peers; ++index) {
            int round;
            sockets[index] = open_named(ctx, SLK_DEALER, names[index]);
            connect_to(sockets[index], endpoint);
            for (round = 0; round < rounds; ++round) {
                SEND_TEXT(sockets[index], "1", SLK_SNDMORE);
                SEND_TEXT(sockets[index], "2", 0);
            }
        }
        for (index = 0; index < peers; ++index)
            wait_for(router, names[index]);
        sleep_ms(50); /* so that all of it has most likely come */
        for (index = 0; index < peers * rounds; ++index) {
            char name = 0;
            int least;
            int most;
            REQUIRE_INT(recv_within(router, &name, 1, patience_ms), 1);
            REQUIRE(name >= 'a' && name <= 'c');
            ++counts[name - 'a'];
            CHECK_RECV_MORE(router, "1");
            CHECK_RECV_LAST(router, "2");
            least = counts[0] < counts[1] ? counts[0] : counts[1];
            least = counts[2] < least ? counts[2] : least;
            most = counts[0] > counts[1] ? counts[0] : counts[1];
            most = counts[2] > most ? counts[2] : most;
            CHECK_BETWEEN(most - least, 0, 1);
        }
        for (index = 0; index < peers; ++index)
            close_socket(sockets[index]);
        close_socket(router);
        slk_ctx_destroy(ctx);
    }
}

static void unknown_peers_are_dropped(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* peer = open_named(ctx, SLK_DEALER, "peer");
        endpoint_text endpoint;
        /* Nobody is there at all. */
        SEND_TEXT(router, "peer", SLK_SNDMORE);
        SEND_TEXT(router, "lost", 0);
        bind_to(router, kind, endpoint);
        connect_to(peer, endpoint);
        wait_for(router, "peer");
        SEND_TEXT(router, "nobody", SLK_SNDMORE);
        SEND_TEXT(router, "first", SLK_SNDMORE);
        SEND_TEXT(router, "second", 0);
        CHECK_INT(slk_send_to(router, "nobody", 6, "lost", 4, SLK_DONTWAIT), 4);
        SEND_TEXT(router, "peer", SLK_SNDMORE);
        SEND_TEXT(router, "seen", 0);
        CHECK_RECV_LAST(peer, "seen");
        CHECK_NOTHING(peer, 5);
        close_socket(router);
        close_socket(peer);
        slk_ctx_destroy(ctx);
    }
}

static void a_lone_identity_is_swallowed(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        int mandatory;
        for (mandatory = 0; mandatory <= 1; ++mandatory) {
            slk_ctx_t* ctx = new_context();
            slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
            slk_socket_t* peer = open_named(ctx, SLK_DEALER, "peer");
            endpoint_text endpoint;
            set_int(router, SLK_ROUTER_MANDATORY, mandatory);
            bind_to(router, kind, endpoint);
            connect_to(peer, endpoint);
            wait_for(router, "peer");
            SEND_TEXT(router, "peer", 0);
            SEND_TEXT(router, "nobody", 0);
            SEND_TEXT(router, "", 0);
            CHECK_INT(slk_send_to(router, "peer", 4, "seen", 4, 0), 4);
            CHECK_RECV_LAST(peer, "seen");
            CHECK_NOTHING(peer, 5);
            close_socket(router);
            close_socket(peer);
            slk_ctx_destroy(ctx);
        }
    }
}

static void mandatory_names_a_known_peer(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* peer = open_named(ctx, SLK_DEALER, "peer");
        endpoint_text endpoint;
        slk_msg_t* identity = slk_msg_new_data("nobody", 6);
        bind_to(router, kind, endpoint);
        connect_to(peer, endpoint);
        wait_for(router, "peer");
        /* At once, without a new connection. */
        set_int(router, SLK_ROUTER_MANDATORY, 1);
        CHECK_FAILS(slk_send(router, "nobody", 6, SLK_SNDMORE), SLK_EHOSTUNREACH);
        CHECK_FAILS(slk_send(router, "nobody", 6, SLK_SNDMORE | SLK_DONTWAIT), SLK_EHOSTUNREACH);
        CHECK_FAILS(slk_send(router, "pee", 3, SLK_SNDMORE), SLK_EHOSTUNREACH);
        CHECK_FAILS(slk_send(router, "peerless", 8, SLK_SNDMORE), SLK_EHOSTUNREACH);
        CHECK_FAILS(slk_msg_send(identity, router, SLK_SNDMORE), SLK_EHOSTUNREACH);
        CHECK_INT(slk_msg_size(identity), 6);
        /* Nothing was consumed: the next frame is an identity. */
        SEND_TEXT(router, "peer", SLK_SNDMORE);
        SEND_TEXT(router, "seen", 0);
        CHECK_RECV_LAST(peer, "seen");
        close_socket(peer);
        CHECK_UNTIL(slk_is_connected(router, "peer", 4) == 0, patience_ms);
        CHECK_FAILS(slk_send(router, "peer", 4, SLK_SNDMORE), SLK_EHOSTUNREACH);
        set_int(router, SLK_ROUTER_MANDATORY, 0);
        CHECK_INT(slk_send_to(router, "peer", 4, "lost", 4, 0), 4);
        slk_msg_destroy(identity);
        close_socket(router);
        slk_ctx_destroy(ctx);
    }
}

static void a_peer_that_goes_in_the_middle(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* peer = open_named(ctx, SLK_DEALER, "peer");
        slk_socket_t* other = open_named(ctx, SLK_DEALER, "other");
        endpoint_text endpoint;
        set_int(router, SLK_ROUTER_MANDATORY, 1);
        bind_to(router, kind, endpoint);
        connect_to(peer, endpoint);
        connect_to(other, endpoint);
        wait_for(router, "peer");
        wait_for(router, "other");
        SEND_TEXT(router, "peer", SLK_SNDMORE);
        SEND_TEXT(router, "first", SLK_SNDMORE);
        close_socket(peer);
        CHECK_UNTIL(slk_is_connected(router, "peer", 4) == 0, patience_ms);
        /* The rest of the message goes nowhere, and is not taken for an identity. */
        SEND_TEXT(router, "second", SLK_SNDMORE);
        SEND_TEXT(router, "third", 0);
        CHECK_INT(slk_send_to(router, "other", 5, "seen", 4, 0), 4);
        CHECK_RECV_LAST(other, "seen");
        CHECK_NOTHING(other, 5);
        close_socket(router);
        close_socket(other);
        slk_ctx_destroy(ctx);
    }
}

CASES(router) = {
    {"a ROUTER's messages begin with an identity", identities_come_first},
    {"identities may be any bytes", identities_may_be_any_bytes},
    {"peers without an identity get one", identities_that_are_made},
    {"a ROUTER serves its peers in turn", peers_are_served_in_turn},
    {"messages for unknown peers are dropped", unknown_peers_are_dropped},
    {"an identity without a message is swallowed", a_lone_identity_is_swallowed},
    {"with SLK_ROUTER_MANDATORY a peer must be known", mandatory_names_a_known_peer},
    {"a peer that goes in the middle of a message", a_peer_that_goes_in_the_middle},
    END_OF_CASES,
};
