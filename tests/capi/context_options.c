/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 4: the options of contexts, and what they do. */
#include "sockets.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static int ctx_set(slk_ctx_t* ctx, int option, int value)
{
    return slk_ctx_set(ctx, option, &value, sizeof value);
}

static int ctx_get(slk_ctx_t* ctx, int option)
{
    int value = -12345;
    size_t size = sizeof value;
    REQUIRE_INT(slk_ctx_get(ctx, option, &value, &size), 0);
    CHECK_INT(size, sizeof value);
    return value;
}

static void check_refused(slk_ctx_t* ctx, int option, int value)
{
    CHECK_FAILS(ctx_set(ctx, option, value), SLK_EINVAL);
}

static void check_kept(slk_ctx_t* ctx, int option, int value)
{
    CHECK_INT(ctx_set(ctx, option, value), 0);
    CHECK_INT(ctx_get(ctx, option), value);
}

static void defaults(void)
{
    slk_ctx_t* ctx = new_context();
    CHECK_INT(ctx_get(ctx, SLK_IO_THREADS), 1);
    CHECK_INT(ctx_get(ctx, SLK_MAX_SOCKETS), 1023);
    CHECK_INT(ctx_get(ctx, SLK_THREAD_SCHED_POLICY), -1);
    CHECK_INT(ctx_get(ctx, SLK_THREAD_PRIORITY), -1);
    CHECK_INT(ctx_get(ctx, SLK_MAX_MSGSZ), INT_MAX);
    CHECK_INT(ctx_get(ctx, ctx_opt_ipv6), 0);
    CHECK_INT(ctx_get(ctx, ctx_opt_blocky), 1);
    CHECK_BETWEEN(ctx_get(ctx, SLK_SOCKET_LIMIT), 1023, INT_MAX);
    CHECK_BETWEEN(ctx_get(ctx, SLK_MSG_T_SIZE), 1, 1023);
    slk_ctx_destroy(ctx);
}

static void ranges(void)
{
    slk_ctx_t* ctx = new_context();
    const int limit = ctx_get(ctx, SLK_SOCKET_LIMIT);
    const int size = ctx_get(ctx, SLK_MSG_T_SIZE);
    check_kept(ctx, SLK_IO_THREADS, 0);
    check_kept(ctx, SLK_IO_THREADS, 4);
    check_refused(ctx, SLK_IO_THREADS, -1);
    CHECK_INT(ctx_get(ctx, SLK_IO_THREADS), 4);
    check_kept(ctx, SLK_MAX_SOCKETS, 1);
    check_kept(ctx, SLK_MAX_SOCKETS, limit);
    check_refused(ctx, SLK_MAX_SOCKETS, 0);
    check_refused(ctx, SLK_MAX_SOCKETS, -1);
    if (limit < INT_MAX)
        check_refused(ctx, SLK_MAX_SOCKETS, limit + 1);
    CHECK_INT(ctx_get(ctx, SLK_MAX_SOCKETS), limit);
    check_kept(ctx, SLK_THREAD_SCHED_POLICY, 0);
    check_kept(ctx, SLK_THREAD_SCHED_POLICY, 1);
    check_refused(ctx, SLK_THREAD_SCHED_POLICY, -1);
    check_kept(ctx, SLK_THREAD_PRIORITY, 0);
    check_kept(ctx, SLK_THREAD_PRIORITY, 1);
    check_refused(ctx, SLK_THREAD_PRIORITY, -1);
    check_kept(ctx, SLK_MAX_MSGSZ, 0);
    check_kept(ctx, SLK_MAX_MSGSZ, 1000);
    check_kept(ctx, SLK_MAX_MSGSZ, INT_MAX);
    check_refused(ctx, SLK_MAX_MSGSZ, -1);
    check_kept(ctx, ctx_opt_ipv6, 1);
    check_kept(ctx, ctx_opt_ipv6, 0);
    check_refused(ctx, ctx_opt_ipv6, -1);
    check_refused(ctx, ctx_opt_ipv6, 2);
    check_kept(ctx, ctx_opt_blocky, 0);
    check_kept(ctx, ctx_opt_blocky, 1);
    check_refused(ctx, ctx_opt_blocky, -1);
    check_refused(ctx, ctx_opt_blocky, 2);
    /* Those that can be read alone. */
    check_refused(ctx, SLK_SOCKET_LIMIT, limit);
    check_refused(ctx, SLK_MSG_T_SIZE, size);
    slk_ctx_destroy(ctx);
}

static void set_only(void)
{
    slk_ctx_t* ctx = new_context();
    int value = 0;
    size_t size = sizeof value;
    CHECK_FAILS(slk_ctx_get(ctx, SLK_THREAD_AFFINITY_CPU_ADD, &value, &size), SLK_EINVAL);
    CHECK_FAILS(slk_ctx_get(ctx, SLK_THREAD_AFFINITY_CPU_REMOVE, &value, &size), SLK_EINVAL);
    check_refused(ctx, SLK_THREAD_AFFINITY_CPU_ADD, -1);
    check_refused(ctx, SLK_THREAD_AFFINITY_CPU_REMOVE, -1);
    check_refused(ctx, SLK_THREAD_AFFINITY_CPU_REMOVE, 0);
    CHECK_INT(ctx_set(ctx, SLK_THREAD_AFFINITY_CPU_ADD, 0), 0);
    CHECK_INT(ctx_set(ctx, SLK_THREAD_AFFINITY_CPU_ADD, 3), 0);
    CHECK_INT(ctx_set(ctx, SLK_THREAD_AFFINITY_CPU_ADD, 500), 0);
    CHECK_INT(ctx_set(ctx, SLK_THREAD_AFFINITY_CPU_REMOVE, 3), 0);
    check_refused(ctx, SLK_THREAD_AFFINITY_CPU_REMOVE, 3);
    check_refused(ctx, SLK_THREAD_AFFINITY_CPU_REMOVE, 4);
    CHECK_INT(ctx_set(ctx, SLK_THREAD_AFFINITY_CPU_REMOVE, 500), 0);
    slk_ctx_destroy(ctx);
}

static void sizes_of_ints(void)
{
    static const int options[] = {SLK_IO_THREADS,
                                  SLK_MAX_SOCKETS,
                                  SLK_THREAD_SCHED_POLICY,
                                  SLK_THREAD_AFFINITY_CPU_ADD,
                                  SLK_THREAD_PRIORITY,
                                  SLK_MAX_MSGSZ,
                                  ctx_opt_ipv6,
                                  ctx_opt_blocky};
    slk_ctx_t* ctx = new_context();
    static const size_t wrong[] = {0, 1, sizeof(int) - 1, sizeof(int) + 1, sizeof(long long)};
    long long values[2] = {0, 0};
    size_t option;
    size_t index;
    values[0] = 0x0000000100000001LL; /* 1 as an int */
    for (option = 0; option < sizeof options / sizeof options[0]; ++option) {
        CHECK_INT(slk_ctx_set(ctx, options[option], values, sizeof(int)), 0);
        for (index = 0; index < sizeof wrong / sizeof wrong[0]; ++index) {
            size_t size = wrong[index];
            long long room[2] = {0, 0};
            CHECK_FAILS(slk_ctx_set(ctx, options[option], values, size), SLK_EINVAL);
            CHECK_FAILS(slk_ctx_get(ctx, options[option], room, &size), SLK_EINVAL);
            CHECK_INT(room[0], 0);
        }
    }
    slk_ctx_destroy(ctx);
}

static void unknown_options(void)
{
    slk_ctx_t* ctx = new_context();
    static const int unknown[] = {-1, 0, 4, 11, 41, 43, 69, 71, 1000, INT_MAX, INT_MIN};
    size_t index;
    for (index = 0; index < sizeof unknown / sizeof unknown[0]; ++index) {
        int value = 1;
        size_t size = sizeof value;
        check_refused(ctx, unknown[index], 1);
        CHECK_FAILS(slk_ctx_get(ctx, unknown[index], &value, &size), SLK_EINVAL);
    }
    slk_ctx_destroy(ctx);
}

static void check_prefix(slk_ctx_t* ctx, const char* expected)
{
    char text[64];
    size_t size = sizeof text;
    memset(text, 'x', sizeof text);
    REQUIRE_INT(slk_ctx_get(ctx, SLK_THREAD_NAME_PREFIX, text, &size), 0);
    CHECK(memchr(text, '\0', sizeof text) != NULL);
    text[sizeof text - 1] = '\0';
    CHECK_TEXT(text, expected);
    CHECK_INT(size, strlen(expected) + 1);
    size = strlen(expected);
    CHECK_FAILS(slk_ctx_get(ctx, SLK_THREAD_NAME_PREFIX, text, &size), SLK_EINVAL);
    size = strlen(expected) + 1;
    CHECK_INT(slk_ctx_get(ctx, SLK_THREAD_NAME_PREFIX, text, &size), 0);
}

static void name_prefix(void)
{
    slk_ctx_t* ctx = new_context();
    check_prefix(ctx, "");
    CHECK_INT(slk_ctx_set(ctx, SLK_THREAD_NAME_PREFIX, "a", 1), 0);
    check_prefix(ctx, "a");
    CHECK_INT(slk_ctx_set(ctx, SLK_THREAD_NAME_PREFIX, "with a nul", 11), 0);
    check_prefix(ctx, "with a nul");
    CHECK_INT(slk_ctx_set(ctx, SLK_THREAD_NAME_PREFIX, "0123456789abcdef", 16), 0);
    check_prefix(ctx, "0123456789abcdef");
    CHECK_INT(slk_ctx_set(ctx, SLK_THREAD_NAME_PREFIX, "0123456789abcde", 16), 0);
    check_prefix(ctx, "0123456789abcde");
    CHECK_FAILS(slk_ctx_set(ctx, SLK_THREAD_NAME_PREFIX, "0123456789abcdef", 17), SLK_EINVAL);
    CHECK_FAILS(slk_ctx_set(ctx, SLK_THREAD_NAME_PREFIX, "0123456789abcdefg", 17), SLK_EINVAL);
    CHECK_FAILS(slk_ctx_set(ctx, SLK_THREAD_NAME_PREFIX, "x", 0), SLK_EINVAL);
    check_prefix(ctx, "0123456789abcde");
    slk_ctx_destroy(ctx);
}

static void no_io_threads(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* first;
    slk_socket_t* second;
    endpoint_text endpoint;
    CHECK_INT(ctx_set(ctx, SLK_IO_THREADS, 0), 0);
    first = open_socket(ctx, SLK_PAIR);
    second = open_socket(ctx, SLK_PAIR);
    CHECK_FAILS(slk_bind(first, "tcp://127.0.0.1:*"), SLK_EMTHREAD);
    CHECK_FAILS(slk_connect(first, "tcp://127.0.0.1:5555"), SLK_EMTHREAD);
    if (has_transport(transport_ipc)) {
        free_endpoint(transport_ipc, endpoint);
        CHECK_FAILS(slk_bind(first, endpoint), SLK_EMTHREAD);
        CHECK_FAILS(slk_connect(first, endpoint), SLK_EMTHREAD);
    }
    bind_inproc(first, endpoint);
    connect_to(second, endpoint);
    SEND_TEXT(first, "there", 0);
    CHECK_RECV(second, "there");
    SEND_TEXT(second, "back", 0);
    CHECK_RECV(first, "back");
    close_socket(first);
    close_socket(second);
    slk_ctx_destroy(ctx);
}

static void several_io_threads(void)
{
    enum { pairs = 6 };
    slk_ctx_t* ctx = new_context();
    slk_socket_t* bound[pairs];
    slk_socket_t* connected[pairs];
    endpoint_text endpoint;
    int index;
    CHECK_INT(ctx_set(ctx, SLK_IO_THREADS, 3), 0);
    for (index = 0; index < pairs; ++index) {
        bound[index] = open_socket(ctx, SLK_PAIR);
        connected[index] = open_socket(ctx, SLK_PAIR);
        bind_tcp(bound[index], endpoint);
        connect_to(connected[index], endpoint);
    }
    for (index = 0; index < pairs; ++index)
        SEND_TEXT(connected[index], "there", 0);
    for (index = 0; index < pairs; ++index)
        CHECK_RECV(bound[index], "there");
    for (index = 0; index < pairs; ++index) {
        close_socket(bound[index]);
        close_socket(connected[index]);
    }
    slk_ctx_destroy(ctx);
}

static void blocky(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* before = open_socket(ctx, SLK_PAIR);
    slk_socket_t* after;
    CHECK_INT(ctx_set(ctx, ctx_opt_blocky, 0), 0);
    after = open_socket(ctx, SLK_PAIR);
    CHECK_INT(get_int(before, SLK_LINGER), -1);
    CHECK_INT(get_int(after, SLK_LINGER), 0);
    close_socket(before);
    close_socket(after);
    slk_ctx_destroy(ctx);
}

static void ipv6_by_default(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* before = open_socket(ctx, SLK_PAIR);
    slk_socket_t* after;
    CHECK_INT(ctx_set(ctx, ctx_opt_ipv6, 1), 0);
    after = open_socket(ctx, SLK_PAIR);
    CHECK_INT(get_int(before, opt_ipv6), 0);
    CHECK_INT(get_int(after, opt_ipv6), 1);
    close_socket(before);
    close_socket(after);
    slk_ctx_destroy(ctx);
}

static void later_values(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    check_kept(ctx, SLK_IO_THREADS, 5);
    check_kept(ctx, SLK_MAX_SOCKETS, 10);
    check_kept(ctx, SLK_THREAD_PRIORITY, 3);
    check_kept(ctx, SLK_THREAD_SCHED_POLICY, 0);
    CHECK_INT(ctx_set(ctx, SLK_THREAD_AFFINITY_CPU_ADD, 0), 0);
    CHECK_INT(slk_ctx_set(ctx, SLK_THREAD_NAME_PREFIX, "later", 5), 0);
    check_prefix(ctx, "later");
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static void options_are_each_contexts_own(void)
{
    slk_ctx_t* first = new_context();
    slk_ctx_t* second = new_context();
    check_kept(first, SLK_IO_THREADS, 3);
    check_kept(first, SLK_MAX_SOCKETS, 7);
    CHECK_INT(ctx_get(second, SLK_IO_THREADS), 1);
    CHECK_INT(ctx_get(second, SLK_MAX_SOCKETS), 1023);
    slk_ctx_destroy(first);
    CHECK_INT(ctx_get(second, SLK_IO_THREADS), 1);
    slk_ctx_destroy(second);
}

CASES(context_options) = {
    {"options of a context have their defaults", defaults},
    {"options of a context refuse what is out of range", ranges},
    {"processors for the threads are added and removed", set_only},
    {"an int of a context has sizeof(int) bytes", sizes_of_ints},
    {"options that no context has", unknown_options},
    {"the prefix of the threads' names has up to 16 bytes", name_prefix},
    {"a context without I/O threads has inproc alone", no_io_threads},
    {"a context with several I/O threads", several_io_threads},
    {"sockets of a context that is not blocky do not linger", blocky},
    {"sockets take IPv6 from their context", ipv6_by_default},
    {"options that are set after the first socket are kept", later_values},
    {"contexts do not share options", options_are_each_contexts_own},
    END_OF_CASES,
};
