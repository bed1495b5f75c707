/* SPDX-License-Identifier: MPL-2.0 */
/* Chapters 1 and 4: any number of contexts, at once, one after another, and from many threads. */
#include "sockets.h"

#include <stdlib.h>

#ifdef __linux__
#include <stdio.h>
#endif

static void one_after_another(void)
{
    int index;
    for (index = 0; index < REPEATS(10000); ++index) {
        slk_ctx_t* ctx = new_context();
        /* Most have no socket, and so no thread. */
        if (index % 16 == 0) {
            slk_socket_t* socket = open_socket(ctx, index % 32 == 0 ? SLK_PAIR : SLK_ROUTER);
            if (index % 64 != 0)
                close_socket(socket);
        }
        slk_ctx_destroy(ctx);
    }
}

static void at_once(void)
{
    enum { number = 10000, with_sockets = 50 };
    slk_ctx_t** contexts = calloc(number, sizeof *contexts);
    slk_socket_t* sockets[with_sockets];
    endpoint_text endpoint;
    const int contexts_used = REPEATS(number);
    int index;
    for (index = 0; index < contexts_used; ++index)
        contexts[index] = new_context();
    for (index = 0; index < with_sockets; ++index)
        sockets[index] = open_socket(contexts[index * (contexts_used / with_sockets)], SLK_PAIR);
    bind_tcp(sockets[0], endpoint);
    connect_to(sockets[with_sockets - 1], endpoint);
    SEND_TEXT(sockets[with_sockets - 1], "across", 0);
    CHECK_RECV(sockets[0], "across");
    for (index = 0; index < contexts_used; ++index)
        slk_ctx_destroy(contexts[index]);
    free(contexts);
}

static void open_and_destroy(void* unused)
{
    int round;
    (void)unused;
    for (round = 0; round < REPEATS(30); ++round) {
        slk_ctx_t* ctx = slk_ctx_new();
        slk_socket_t* bound = slk_socket(ctx, SLK_PAIR);
        slk_socket_t* connected = slk_socket(ctx, SLK_PAIR);
        char text[8];
        CHECK_INT(slk_bind(bound, "inproc://same name"), 0);
        CHECK_INT(slk_connect(connected, "inproc://same name"), 0);
        CHECK_INT(slk_send(connected, "x", 1, 0), 1);
        CHECK_INT(slk_recv(bound, text, sizeof text, 0), 1);
        if (round % 2 == 0) {
            CHECK_INT(slk_close(bound), 0);
            CHECK_INT(slk_close(connected), 0);
        }
        slk_ctx_destroy(ctx);
    }
}

static void from_many_threads(void)
{
    enum { number = 16 };
    test_thread* threads[number];
    int index;
    for (index = 0; index < number; ++index)
        threads[index] = thread_start(open_and_destroy, NULL);
    for (index = 0; index < number; ++index)
        thread_join(threads[index]);
}

typedef struct shared_context {
    slk_ctx_t* ctx;
    const char* endpoint;
} shared_context;

static void connect_and_close(void* argument)
{
    shared_context* shared = argument;
    static const int kinds[] = {SLK_DEALER, SLK_REQ, SLK_ROUTER, SLK_DEALER};
    int round;
    for (round = 0; round < REPEATS(40); ++round) {
        slk_socket_t* socket = slk_socket(shared->ctx, kinds[round % 4]);
        CHECK(socket != NULL);
        CHECK_INT(slk_connect(socket, shared->endpoint), 0);
        if (round % 3 == 0)
            slk_send(socket, "x", 1, SLK_DONTWAIT);
        /* Not for ever: the peer will have gone. */
        set_int(socket, SLK_LINGER, round % 2 == 0 ? 0 : 100);
        CHECK_INT(slk_close(socket), 0);
    }
}

static void create_connect_close_from_30_threads(void)
{
    enum { number = 30 };
    test_thread* threads[number];
    slk_ctx_t* ctx = new_context();
    slk_socket_t* bound = open_socket(ctx, SLK_ROUTER);
    shared_context shared;
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        endpoint_text endpoint;
        int index;
        bind_to(bound, kind, endpoint);
        shared.ctx = ctx;
        shared.endpoint = endpoint;
        for (index = 0; index < number; ++index)
            threads[index] = thread_start(connect_and_close, &shared);
        for (index = 0; index < number; ++index)
            thread_join(threads[index]);
    }
    close_socket(bound);
    slk_ctx_destroy(ctx);
}

static void destroyed_by_another_thread(void* ctx)
{
    slk_ctx_destroy(ctx);
}

static void ended_by_another_thread(void)
{
    int round;
    for (round = 0; round < 20; ++round) {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* socket = open_socket(ctx, SLK_DEALER);
        if (round % 2 == 0)
            close_socket(socket);
        thread_join(thread_start(destroyed_by_another_thread, ctx));
    }
}

#ifdef __linux__
static int open_descriptors(void)
{
    int number = 0;
    int descriptor;
    char path[64];
    FILE* file;
    for (descriptor = 0; descriptor < 1024; ++descriptor) {
        snprintf(path, sizeof path, "/proc/self/fdinfo/%d", descriptor);
        file = fopen(path, "r");
        if (file != NULL) {
            ++number;
            fclose(file);
        }
    }
    return number;
}

static int threads_of_process(void)
{
    char line[128];
    int number = -1;
    FILE* file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Threads: %d", &number) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return number;
}
#endif

static void nothing_is_left(void)
{
#ifdef __linux__
    int descriptors = -1;
    int threads = -1;
    int round;
    for (round = 0; round < 6; ++round) {
        connected_pair pair;
        transport kind;
        FOR_EACH_TRANSPORT(kind)
        {
            open_pair(&pair, kind);
            if (round % 2 == 0)
                close_pair(&pair);
            else
                slk_ctx_destroy(pair.ctx);
        }
        /* What a first use keeps for the next is no leak. */
        if (round == 1) {
            descriptors = open_descriptors();
            threads = threads_of_process();
        }
    }
    CHECK_INT(open_descriptors(), descriptors);
    /* A thread that was joined may be seen for a moment. */
    CHECK_UNTIL(threads_of_process() <= threads, patience_ms);
#else
    skip("looks into /proc");
#endif
}

static void threads_start_with_the_first_socket(void)
{
#ifdef __linux__
    const int before = threads_of_process();
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket;
    const int wanted = 3;
    int value = 0;
    size_t size = sizeof value;
    CHECK_INT(slk_ctx_set(ctx, SLK_IO_THREADS, &wanted, sizeof wanted), 0);
    CHECK_INT(slk_ctx_get(ctx, SLK_SOCKET_LIMIT, &value, &size), 0);
    CHECK_INT(threads_of_process(), before);
    socket = open_socket(ctx, SLK_PAIR);
    CHECK_BETWEEN(threads_of_process(), before + wanted, before + wanted + 2);
    close_socket(socket);
    slk_ctx_destroy(ctx);
#else
    skip("looks into /proc");
#endif
}

CASES(contexts_many) = {
    {"10,000 contexts one after another", one_after_another},
    {"10,000 contexts at once", at_once},
    {"contexts of many threads", from_many_threads},
    {"30 threads create, connect and close sockets", create_connect_close_from_30_threads},
    {"a context is ended by another thread", ended_by_another_thread},
    {"a context leaves no descriptor and no thread", nothing_is_left},
    {"a context has no thread before its first socket", threads_start_with_the_first_socket},
    END_OF_CASES,
};
