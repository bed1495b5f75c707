/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 3: threads, the ownership of bytes, and progress without receiving. */
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct handed_over {
    slk_socket_t* socket;
    test_mutex* mutex;
    int turn;
    int received;
} handed_over;

static void use_in_a_thread(void* argument)
{
    handed_over* shared = argument;
    char text[8];
    CHECK_INT(slk_recv(shared->socket, text, sizeof text, 0), 1);
    CHECK_INT(slk_send(shared->socket, "back", 4, 0), 4);
}

static void handed_over_by_start_and_join(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        connected_pair pair;
        handed_over shared;
        int round;
        open_pair(&pair, kind);
        shared.socket = pair.bound;
        for (round = 0; round < 20; ++round) {
            SEND_TEXT(pair.connected, "x", 0);
            thread_join(thread_start(use_in_a_thread, &shared));
            CHECK_RECV(pair.connected, "back");
            SEND_TEXT(pair.bound, "from here", 0);
            CHECK_RECV(pair.connected, "from here");
        }
        close_pair(&pair);
    }
}

static void use_in_turn(void* argument)
{
    handed_over* shared = argument;
    int round = 0;
    while (round < 100) {
        char text[8];
        mutex_lock(shared->mutex);
        if (shared->turn == 1) {
            shared->received += recv_within(shared->socket, text, sizeof text, patience_ms);
            shared->turn = 0;
            ++round;
        }
        mutex_unlock(shared->mutex);
    }
}

static void handed_over_through_a_mutex(void)
{
    connected_pair pair;
    handed_over shared;
    test_thread* thread;
    int round = 0;
    open_pair(&pair, transport_tcp);
    shared.socket = pair.bound;
    shared.mutex = mutex_new();
    shared.turn = 0;
    shared.received = 0;
    thread = thread_start(use_in_turn, &shared);
    while (round < 100) {
        mutex_lock(shared.mutex);
        if (shared.turn == 0) {
            SEND_TEXT(pair.connected, "x", 0);
            SEND_TEXT(pair.bound, "y", 0);
            shared.turn = 1;
            ++round;
        }
        mutex_unlock(shared.mutex);
    }
    thread_join(thread);
    CHECK_INT(shared.received, 100);
    for (round = 0; round < 100; ++round)
        CHECK_RECV(pair.connected, "y");
    mutex_free(shared.mutex);
    close_pair(&pair);
}

static void created_and_closed_by_different_threads(void* socket)
{
    CHECK_INT(slk_close(socket), 0);
}

static void closed_by_another_thread(void)
{
    slk_ctx_t* ctx = new_context();
    int round;
    for (round = 0; round < 20; ++round) {
        slk_socket_t* socket = open_socket(ctx, SLK_DEALER);
        endpoint_text endpoint;
        bind_inproc(socket, endpoint);
        thread_join(thread_start(created_and_closed_by_different_threads, socket));
    }
    slk_ctx_destroy(ctx);
}

static void bytes_are_copied(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        /* Small ones and large ones may go different ways. */
        static const size_t sizes[] = {1, 30, 100, 1000, 10000, 300000};
        slk_ctx_t* ctx = new_context();
        slk_socket_t* bound = open_socket(ctx, SLK_PAIR);
        slk_socket_t* connected = open_socket(ctx, SLK_PAIR);
        endpoint_text endpoint;
        endpoint_text changed;
        unsigned char* bytes = malloc(300000);
        unsigned char* received = malloc(300000);
        size_t index;
        size_t byte;
        free_endpoint(kind, endpoint);
        memcpy(changed, endpoint, sizeof changed);
        connect_to(connected, changed);
        memset(changed, 'x', sizeof changed);
        for (index = 0; index < sizeof sizes / sizeof sizes[0]; ++index) {
            memset(bytes, (int)index + 1, sizes[index]);
            CHECK_INT(slk_send(connected, bytes, sizes[index], 0), sizes[index]);
            memset(bytes, 0xee, sizes[index]);
        }
        memcpy(changed, endpoint, sizeof changed);
        bind_at(bound, changed);
        memset(changed, 'x', sizeof changed);
        for (index = 0; index < sizeof sizes / sizeof sizes[0]; ++index) {
            int wrong = 0;
            REQUIRE_INT(recv_within(bound, received, 300000, patience_ms), sizes[index]);
            for (byte = 0; byte < sizes[index]; ++byte)
                wrong += received[byte] != index + 1;
            CHECK_INT(wrong, 0);
        }
        CHECK_INT(slk_unbind(bound, endpoint), 0);
        free(bytes);
        free(received);
        close_socket(bound);
        close_socket(connected);
        slk_ctx_destroy(ctx);
    }
}

static void many_threads_use_sockets_of_their_own(void* argument)
{
    connected_pair* shared = argument;
    slk_socket_t* socket = slk_socket(shared->ctx, SLK_REQ);
    int round;
    CHECK_INT(slk_connect(socket, shared->endpoint), 0);
    for (round = 0; round < REPEATS(100); ++round) {
        char text[16];
        CHECK_INT(slk_send(socket, "question", 8, 0), 8);
        CHECK_INT(slk_recv(socket, text, sizeof text, 0), 6);
    }
    CHECK_INT(slk_close(socket), 0);
}

static void each_thread_has_its_socket(void)
{
    enum { number = 8 };
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        test_thread* threads[number];
        connected_pair shared;
        int index;
        shared.ctx = new_context();
        shared.bound = open_socket(shared.ctx, SLK_REP);
        set_int(shared.bound, SLK_RCVTIMEO, patience_ms);
        bind_to(shared.bound, kind, shared.endpoint);
        for (index = 0; index < number; ++index)
            threads[index] = thread_start(many_threads_use_sockets_of_their_own, &shared);
        for (index = 0; index < number * REPEATS(100); ++index) {
            char text[16];
            REQUIRE_INT(slk_recv(shared.bound, text, sizeof text, 0), 8);
            CHECK_INT(slk_send(shared.bound, "answer", 6, 0), 6);
        }
        for (index = 0; index < number; ++index)
            thread_join(threads[index]);
        close_socket(shared.bound);
        slk_ctx_destroy(shared.ctx);
    }
}

static void inproc_has_no_delay(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* publisher = open_socket(ctx, SLK_XPUB);
    slk_socket_t* subscriber = open_socket(ctx, SLK_SUB);
    slk_socket_t* other = open_socket(ctx, SLK_XSUB);
    endpoint_text endpoint;
    char text[16];
    int round;
    bind_inproc(publisher, endpoint);
    connect_to(subscriber, endpoint);
    connect_to(other, endpoint);
    for (round = 0; round < 100; ++round) {
        set_bytes(subscriber, SLK_SUBSCRIBE, "a", 1);
        CHECK_INT(slk_recv(publisher, text, sizeof text, SLK_DONTWAIT), 2);
        SEND_TEXT(publisher, "abc", 0);
        CHECK_INT(slk_recv(subscriber, text, sizeof text, SLK_DONTWAIT), 3);
        set_bytes(subscriber, SLK_UNSUBSCRIBE, "a", 1);
        CHECK_INT(slk_recv(publisher, text, sizeof text, SLK_DONTWAIT), 2);
        SEND_TEXT(publisher, "abc", 0);
        CHECK_FAILS(slk_recv(subscriber, text, sizeof text, SLK_DONTWAIT), SLK_EAGAIN);
        CHECK_INT(slk_send(other, "\1b", 2, SLK_DONTWAIT), 2);
        CHECK_INT(slk_recv(publisher, text, sizeof text, SLK_DONTWAIT), 2);
        CHECK_INT(slk_send(other, "\0b", 2, SLK_DONTWAIT), 2);
        CHECK_INT(slk_recv(publisher, text, sizeof text, SLK_DONTWAIT), 2);
    }
    close_socket(publisher);
    close_socket(subscriber);
    close_socket(other);
    slk_ctx_destroy(ctx);
}

static void inproc_pairs_have_no_delay(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* bound = open_socket(ctx, SLK_PAIR);
    slk_socket_t* connected = open_socket(ctx, SLK_PAIR);
    char text[16];
    int round;
    CHECK_INT(slk_bind(bound, "inproc://now"), 0);
    CHECK_INT(slk_connect(connected, "inproc://now"), 0);
    CHECK_INT(slk_send(bound, "first", 5, SLK_DONTWAIT), 5);
    CHECK_INT(slk_recv(connected, text, sizeof text, SLK_DONTWAIT), 5);
    for (round = 0; round < 1000; ++round) {
        CHECK_INT(slk_send(connected, "x", 1, SLK_DONTWAIT), 1);
        CHECK_INT(slk_recv(bound, text, sizeof text, SLK_DONTWAIT), 1);
        CHECK_INT(slk_send(bound, "yz", 2, SLK_DONTWAIT), 2);
        CHECK_INT(slk_recv(connected, text, sizeof text, SLK_DONTWAIT), 2);
    }
    close_socket(bound);
    close_socket(connected);
    slk_ctx_destroy(ctx);
}

CASES(threads) = {
    {"a socket is handed over by start and join", handed_over_by_start_and_join},
    {"a socket is handed over through a mutex", handed_over_through_a_mutex},
    {"a socket is closed by another thread", closed_by_another_thread},
    {"bytes that are given to a call are copied", bytes_are_copied},
    {"each thread has a socket of its own", each_thread_has_its_socket},
    {"subscriptions and messages pass inproc at once", inproc_has_no_delay},
    {"messages pass inproc at once", inproc_pairs_have_no_delay},
    END_OF_CASES,
};
