/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 5: REQ, REP, DEALER, PUSH and PULL, which are beyond the original interface. */
#include "sockets.h"

#include <stdio.h>

static void requests_and_replies(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* server = open_socket(ctx, SLK_REP);
        slk_socket_t* client = open_socket(ctx, SLK_REQ);
        endpoint_text endpoint;
        int round;
        bind_to(server, kind, endpoint);
        connect_to(client, endpoint);
        for (round = 0; round < 50; ++round) {
            SEND_TEXT(client, "question", SLK_SNDMORE);
            SEND_TEXT(client, "of two frames", 0);
            CHECK_RECV_MORE(server, "question");
            CHECK_RECV_LAST(server, "of two frames");
            SEND_TEXT(server, "answer", SLK_SNDMORE);
            SEND_TEXT(server, "", 0);
            CHECK_RECV_MORE(client, "answer");
            CHECK_RECV_LAST(client, "");
        }
        close_socket(server);
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
}

static void they_alternate(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* server = open_socket(ctx, SLK_REP);
    slk_socket_t* client = open_socket(ctx, SLK_REQ);
    endpoint_text endpoint;
    char text[8];
    bind_inproc(server, endpoint);
    connect_to(client, endpoint);
    CHECK_INT(slk_recv(client, text, sizeof text, SLK_DONTWAIT), -1);
    CHECK(slk_errno() != SLK_EAGAIN);
    CHECK_INT(slk_send(server, "x", 1, SLK_DONTWAIT), -1);
    CHECK(slk_errno() != SLK_EAGAIN);
    SEND_TEXT(client, "question", 0);
    CHECK_INT(slk_send(client, "another", 7, SLK_DONTWAIT), -1);
    CHECK(slk_errno() != SLK_EAGAIN);
    CHECK_RECV_LAST(server, "question");
    CHECK_INT(slk_recv(server, text, sizeof text, SLK_DONTWAIT), -1);
    CHECK(slk_errno() != SLK_EAGAIN);
    SEND_TEXT(server, "answer", 0);
    CHECK_RECV_LAST(client, "answer");
    close_socket(server);
    close_socket(client);
    slk_ctx_destroy(ctx);
}

static void envelopes(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* server = open_socket(ctx, SLK_REP);
        slk_socket_t* client = open_socket(ctx, SLK_DEALER);
        endpoint_text endpoint;
        bind_to(server, kind, endpoint);
        connect_to(client, endpoint);
        SEND_TEXT(client, "no envelope", 0); /* is skipped */
        SEND_TEXT(client, "envelope", SLK_SNDMORE);
        SEND_TEXT(client, "", SLK_SNDMORE);
        SEND_TEXT(client, "question", 0);
        CHECK_RECV_LAST(server, "question");
        SEND_TEXT(server, "answer", 0);
        CHECK_RECV_MORE(client, "envelope");
        CHECK_RECV_MORE(client, "");
        CHECK_RECV_LAST(client, "answer");
        close_socket(server);
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
}

static void round_robin(void)
{
    static const int types[][2] = {{SLK_PUSH, SLK_PULL}, {SLK_DEALER, SLK_DEALER}};
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        size_t type;
        for (type = 0; type < 2; ++type) {
            slk_ctx_t* ctx = new_context();
            slk_socket_t* sender = open_socket(ctx, types[type][0]);
            slk_socket_t* receivers[3];
            int index;
            for (index = 0; index < 3; ++index) {
                endpoint_text endpoint;
                receivers[index] = open_socket(ctx, types[type][1]);
                bind_to(receivers[index], kind, endpoint);
                connect_to(sender, endpoint);
            }
            for (index = 0; index < 30; ++index) {
                SEND_TEXT(sender, "a", SLK_SNDMORE);
                SEND_TEXT(sender, "b", 0);
            }
            for (index = 0; index < 3; ++index) {
                int number;
                for (number = 0; number < 10; ++number) {
                    CHECK_RECV_MORE(receivers[index], "a");
                    CHECK_RECV_LAST(receivers[index], "b");
                }
                CHECK_NOTHING(receivers[index], 0);
                close_socket(receivers[index]);
            }
            close_socket(sender);
            slk_ctx_destroy(ctx);
        }
    }
}

static void fair_queueing(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* receiver = open_socket(ctx, SLK_PULL);
    slk_socket_t* senders[3];
    endpoint_text endpoint;
    int counts[3] = {0, 0, 0};
    int index;
    int number;
    bind_inproc(receiver, endpoint);
    for (index = 0; index < 3; ++index) {
        senders[index] = open_socket(ctx, SLK_PUSH);
        connect_to(senders[index], endpoint);
        for (number = 0; number < 20; ++number)
            CHECK_INT(slk_send(senders[index], &index, sizeof index, 0), sizeof index);
    }
    for (number = 0; number < 60; ++number) {
        REQUIRE_INT(slk_recv(receiver, &index, sizeof index, SLK_DONTWAIT), sizeof index);
        ++counts[index];
        for (index = 0; index < 3; ++index)
            CHECK_BETWEEN(counts[index] - number / 3, 0, 1);
    }
    for (index = 0; index < 3; ++index)
        close_socket(senders[index]);
    close_socket(receiver);
    slk_ctx_destroy(ctx);
}

static void a_full_peer_is_passed_over(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sender = open_socket(ctx, SLK_PUSH);
    slk_socket_t* reader = open_socket(ctx, SLK_PULL);
    slk_socket_t* idle = open_socket(ctx, SLK_PULL);
    endpoint_text endpoint;
    int index;
    set_int(sender, SLK_SNDHWM, 5);
    set_int(reader, SLK_RCVHWM, 5);
    set_int(idle, SLK_RCVHWM, 5);
    bind_inproc(idle, endpoint);
    connect_to(sender, endpoint);
    bind_inproc(reader, endpoint);
    connect_to(sender, endpoint);
    CHECK_BETWEEN(fill(sender, 1000), 10, 20);
    for (index = 0; index < 100; ++index) {
        drain(reader, 0);
        CHECK_UNTIL(slk_send(sender, "x", 1, SLK_DONTWAIT) == 1, patience_ms);
    }
    close_socket(sender);
    close_socket(reader);
    close_socket(idle);
    slk_ctx_destroy(ctx);
}

static void dealers_through_a_router(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* client = open_socket(ctx, SLK_REQ);
        char identity[255];
        endpoint_text endpoint;
        int size;
        bind_to(router, kind, endpoint);
        connect_to(client, endpoint);
        SEND_TEXT(client, "question", 0);
        size = recv_within(router, identity, sizeof identity, patience_ms);
        CHECK_INT(size, 5);
        CHECK_RECV_MORE(router, "");
        CHECK_RECV_LAST(router, "question");
        CHECK_INT(slk_send(router, identity, (size_t)size, SLK_SNDMORE), size);
        SEND_TEXT(router, "", SLK_SNDMORE);
        SEND_TEXT(router, "answer", 0);
        CHECK_RECV_LAST(client, "answer");
        close_socket(router);
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
}

CASES(other_types) = {
    {"REQ and REP", requests_and_replies},
    {"REQ and REP alternate", they_alternate},
    {"REP keeps the envelope", envelopes},
    {"PUSH and DEALER send to each peer in turn", round_robin},
    {"PULL receives from each peer in turn", fair_queueing},
    {"PUSH passes over a peer that is full", a_full_peer_is_passed_over},
    {"a ROUTER answers a REQ", dealers_through_a_router},
    END_OF_CASES,
};
