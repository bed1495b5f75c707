/* SPDX-License-Identifier: MPL-2.0 */
/* Chapters 4 and 5.1: options that the system is given. Linux lets a process look at them. */
#ifdef __linux__
#define _GNU_SOURCE
#endif

#include "sockets.h"

#ifdef __linux__
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Calls `look` with each TCP socket of this process in that state, and returns their number. */
static int for_each_tcp_socket(int state, void (*look)(int))
{
    int number = 0;
    int descriptor;
    for (descriptor = 0; descriptor < 256; ++descriptor) {
        struct tcp_info info;
        socklen_t size = sizeof info;
        if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
            info.tcpi_state != state)
            continue;
        ++number;
        look(descriptor);
    }
    return number;
}

static int kernel_option(int descriptor, int level, int option)
{
    int value = -12345;
    socklen_t size = sizeof value;
    CHECK_INT(getsockopt(descriptor, level, option, &value, &size), 0);
    return value;
}

typedef struct option_value {
    int option;
    int value;
} option_value;

static void with_options(const option_value* options, void (*look)(int))
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* bound = open_socket(ctx, SLK_PAIR);
    slk_socket_t* connected = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    for (; options->option != 0; ++options) {
        set_int(bound, options->option, options->value);
        set_int(connected, options->option, options->value);
    }
    bind_tcp(bound, endpoint);
    connect_to(connected, endpoint);
    SEND_TEXT(connected, "there", 0);
    CHECK_RECV(bound, "there");
    CHECK_INT(for_each_tcp_socket(TCP_ESTABLISHED, look), 2);
    close_socket(bound);
    close_socket(connected);
    slk_ctx_destroy(ctx);
}

static void look_at_buffers(int descriptor)
{
    /* The kernel doubles what it is told. */
    CHECK_INT(kernel_option(descriptor, SOL_SOCKET, SO_SNDBUF), 2 * 50000);
    CHECK_INT(kernel_option(descriptor, SOL_SOCKET, SO_RCVBUF), 2 * 60000);
}

static void buffers(void)
{
    static const option_value options[] = {{SLK_SNDBUF, 50000}, {SLK_RCVBUF, 60000}, {0, 0}};
    with_options(options, look_at_buffers);
}

static void look_at_keepalive(int descriptor)
{
    CHECK_INT(kernel_option(descriptor, SOL_SOCKET, SO_KEEPALIVE), 1);
    CHECK_INT(kernel_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT), 3);
    CHECK_INT(kernel_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE), 40);
    CHECK_INT(kernel_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL), 5);
}

static void keepalive(void)
{
    static const option_value options[] = {{SLK_TCP_KEEPALIVE, 1},
                                           {SLK_TCP_KEEPALIVE_CNT, 3},
                                           {SLK_TCP_KEEPALIVE_IDLE, 40},
                                           {SLK_TCP_KEEPALIVE_INTVL, 5},
                                           {0, 0}};
    with_options(options, look_at_keepalive);
}

static int default_keepalive;
static int default_idle;

static void look_at_defaults(int descriptor)
{
    CHECK_INT(kernel_option(descriptor, SOL_SOCKET, SO_KEEPALIVE), default_keepalive);
    CHECK_INT(kernel_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE), default_idle);
    CHECK_INT(kernel_option(descriptor, IPPROTO_TCP, TCP_NODELAY), 1);
    CHECK_INT(kernel_option(descriptor, IPPROTO_IP, IP_TOS), 0);
}

static void system_defaults(void)
{
    static const option_value options[] = {{0, 0}};
    FILE* file = fopen("/proc/sys/net/ipv4/tcp_keepalive_time", "r");
    if (file == NULL)
        skip("looks into /proc/sys");
    CHECK_INT(fscanf(file, "%d", &default_idle), 1);
    fclose(file);
    default_keepalive = 0;
    with_options(options, look_at_defaults);
}

static void keepalive_off(void)
{
    static const option_value options[] = {{SLK_TCP_KEEPALIVE, 0}, {0, 0}};
    system_defaults();
    with_options(options, look_at_defaults);
}

static void look_at_tos(int descriptor)
{
    CHECK_INT(kernel_option(descriptor, IPPROTO_IP, IP_TOS), 0x28);
}

static void type_of_service(void)
{
    static const option_value options[] = {{opt_tos, 0x28}, {0, 0}};
    with_options(options, look_at_tos);
}

static void look_at_backlog(int descriptor)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    CHECK_INT(getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    CHECK_INT(info.tcpi_sacked, 7); /* the backlog, for one that listens */
}

static void backlog(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PULL);
    endpoint_text endpoint;
    set_int(socket, SLK_BACKLOG, 7);
    bind_tcp(socket, endpoint);
    CHECK_INT(for_each_tcp_socket(TCP_LISTEN, look_at_backlog), 1);
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

/* --- Threads --- */

/* Calls `look` with each other thread of this process, and returns how often that was not 0. */
static int count_threads(int (*look)(int))
{
    DIR* tasks = opendir("/proc/self/task");
    const struct dirent* entry;
    int number = 0;
    if (tasks == NULL)
        skip("looks into /proc");
    while ((entry = readdir(tasks)) != NULL) {
        const int thread = atoi(entry->d_name);
        if (thread != 0 && thread != process_number())
            number += look(thread);
    }
    closedir(tasks);
    return number;
}

static int is_named(int thread)
{
    char path[64];
    char name[32] = "";
    FILE* file;
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", thread);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fgets(name, sizeof name, file) == NULL)
        name[0] = '\0';
    fclose(file);
    return strncmp(name, "capi", 4) == 0;
}

static int is_on_processor_0(int thread)
{
    cpu_set_t set;
    return sched_getaffinity(thread, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1 &&
           CPU_ISSET(0, &set);
}

static int is_batch(int thread)
{
    return sched_getscheduler(thread) == SCHED_BATCH;
}

static void names_of_threads(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket;
    const int threads = 2;
    CHECK_INT(slk_ctx_set(ctx, SLK_IO_THREADS, &threads, sizeof threads), 0);
    CHECK_INT(slk_ctx_set(ctx, SLK_THREAD_NAME_PREFIX, "capi", 4), 0);
    socket = open_socket(ctx, SLK_PAIR);
    CHECK_UNTIL(count_threads(is_named) >= threads, patience_ms);
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static void processors_of_threads(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket;
    int processor = 0;
    cpu_set_t own;
    CHECK_INT(sched_getaffinity(0, sizeof own, &own), 0);
    if (CPU_COUNT(&own) < 2 || !CPU_ISSET(0, &own))
        skip("needs two processors");
    CHECK_INT(slk_ctx_set(ctx, SLK_THREAD_AFFINITY_CPU_ADD, &processor, sizeof processor), 0);
    processor = 1;
    CHECK_INT(slk_ctx_set(ctx, SLK_THREAD_AFFINITY_CPU_ADD, &processor, sizeof processor), 0);
    CHECK_INT(slk_ctx_set(ctx, SLK_THREAD_AFFINITY_CPU_REMOVE, &processor, sizeof processor), 0);
    socket = open_socket(ctx, SLK_PAIR);
    CHECK_UNTIL(count_threads(is_on_processor_0) >= 1, patience_ms);
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static void policy_of_threads(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket;
    const int policy = SCHED_BATCH;
    CHECK_INT(slk_ctx_set(ctx, SLK_THREAD_SCHED_POLICY, &policy, sizeof policy), 0);
    socket = open_socket(ctx, SLK_PAIR);
    CHECK_UNTIL(count_threads(is_batch) >= 1, patience_ms);
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

/* The number of this process' descriptors that lead to such a thing. */
static int descriptors_of(const char* target)
{
    int number = 0;
    int descriptor;
    for (descriptor = 0; descriptor < 256; ++descriptor) {
        char path[64];
        char found[64] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
        if (readlink(path, found, sizeof found - 1) > 0)
            number += strcmp(found, target) == 0;
    }
    return number;
}

static void backend_is_chosen(void)
{
    const char* const wanted = getenv("SERVERLINK_BACKEND");
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    bind_tcp(socket, endpoint);
    if (wanted != NULL && strcmp(wanted, "io_uring") == 0)
        CHECK(descriptors_of("anon_inode:[io_uring]") > 0);
    else if (wanted != NULL)
        CHECK_INT(descriptors_of("anon_inode:[io_uring]"), 0);
    if (wanted != NULL && strcmp(wanted, "epoll") == 0)
        CHECK(descriptors_of("anon_inode:[eventpoll]") > 0);
    else if (wanted != NULL)
        CHECK_INT(descriptors_of("anon_inode:[eventpoll]"), 0);
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

#else

static void elsewhere(void)
{
    skip("looks at what Linux tells");
}

#define buffers elsewhere
#define keepalive elsewhere
#define system_defaults elsewhere
#define keepalive_off elsewhere
#define type_of_service elsewhere
#define backlog elsewhere
#define names_of_threads elsewhere
#define processors_of_threads elsewhere
#define policy_of_threads elsewhere
#define backend_is_chosen elsewhere

#endif

/* What the system refuses is left out. */
static void refusals_are_harmless(void)
{
    static const int options[][2] = {
        {SLK_THREAD_AFFINITY_CPU_ADD, 5000}, {SLK_THREAD_PRIORITY, 99},
        {SLK_THREAD_PRIORITY, 2000000000},   {SLK_THREAD_SCHED_POLICY, 2},
        {SLK_THREAD_SCHED_POLICY, 12345},    {SLK_THREAD_AFFINITY_CPU_ADD, 2000000000}};
    size_t index;
    for (index = 0; index < sizeof options / sizeof options[0]; ++index) {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* bound;
        slk_socket_t* connected;
        endpoint_text endpoint;
        const int other = 1;
        CHECK_INT(slk_ctx_set(ctx, options[index][0], &options[index][1], sizeof(int)), 0);
        if (options[index][0] != SLK_THREAD_PRIORITY)
            CHECK_INT(slk_ctx_set(ctx, SLK_THREAD_PRIORITY, &other, sizeof other), 0);
        bound = open_socket(ctx, SLK_PAIR);
        connected = open_socket(ctx, SLK_PAIR);
        bind_tcp(bound, endpoint);
        connect_to(connected, endpoint);
        SEND_TEXT(connected, "there", 0);
        CHECK_RECV(bound, "there");
        close_socket(bound);
        close_socket(connected);
        slk_ctx_destroy(ctx);
    }
}

CASES(kernel_options) = {
    {"SLK_SNDBUF and SLK_RCVBUF set the system's buffers", buffers},
    {"SLK_TCP_KEEPALIVE and its times are the system's", keepalive},
    {"what is not set is as the system has it", system_defaults},
    {"SLK_TCP_KEEPALIVE 0 is off", keepalive_off},
    {"TOS is the system's", type_of_service},
    {"SLK_BACKLOG is the system's", backlog},
    {"SLK_THREAD_NAME_PREFIX names the threads", names_of_threads},
    {"SLK_THREAD_AFFINITY_CPU_ADD binds the threads", processors_of_threads},
    {"SLK_THREAD_SCHED_POLICY is the threads'", policy_of_threads},
    {"SERVERLINK_BACKEND chooses the backend", backend_is_chosen},
    {"options of threads that are refused do no harm", refusals_are_harmless},
    END_OF_CASES,
};
