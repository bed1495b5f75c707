/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 5.1: each option on each type: its default, and what it takes and refuses. */
#include "sockets.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>

enum {
    pub = 1 << SLK_PUB,
    sub = 1 << SLK_SUB,
    router = 1 << SLK_ROUTER,
    xpub = 1 << SLK_XPUB,
    xsub = 1 << SLK_XSUB,
    all = (1 << (SLK_XSUB + 1)) - 1
};

/* With an open end it is left to the library what it does with greater values. */
enum { can_get = 1, can_set = 2, is_flag = 4, open_end = 8 };

/* Of an int: those from `low` to `high` are taken; a flag is 1 then if it is not 0. */
typedef struct int_option {
    int number;
    int types;
    int access;
    int initial;
    int low;
    int high;
} int_option;

static const int_option int_options[] = {
    {SLK_ROUTER_MANDATORY, router, can_get | can_set | is_flag, 0, 0, INT_MAX},
    {SLK_ROUTER_HANDOVER, router, can_get | can_set | is_flag, 0, 0, INT_MAX},
    {SLK_ROUTER_NOTIFY, router, can_get | can_set, 0, 0, 3},
    {SLK_RECONNECT_IVL, all, can_get | can_set, 100, -1, INT_MAX},
    {SLK_RECONNECT_IVL_MAX, all, can_get | can_set, 0, 0, INT_MAX},
    {SLK_BACKLOG, all, can_get | can_set, 100, 0, INT_MAX},
    {SLK_SNDBUF, all, can_get | can_set, -1, -1, INT_MAX},
    {SLK_RCVBUF, all, can_get | can_set, -1, -1, INT_MAX},
    {SLK_SNDHWM, all, can_get | can_set, 1000, 0, INT_MAX},
    {SLK_RCVHWM, all, can_get | can_set, 1000, 0, INT_MAX},
    {SLK_RCVTIMEO, all, can_get | can_set, -1, -1, INT_MAX},
    {SLK_SNDTIMEO, all, can_get | can_set, -1, -1, INT_MAX},
    {SLK_TCP_KEEPALIVE, all, can_get | can_set, -1, -1, 1},
    {SLK_TCP_KEEPALIVE_CNT, all, can_get | can_set, -1, -1, INT_MAX},
    {SLK_TCP_KEEPALIVE_IDLE, all, can_get | can_set, -1, -1, INT_MAX},
    {SLK_TCP_KEEPALIVE_INTVL, all, can_get | can_set, -1, -1, INT_MAX},
    {SLK_HEARTBEAT_IVL, all, can_get | can_set, 0, 0, INT_MAX},
    {SLK_HEARTBEAT_TIMEOUT, all, can_get | can_set, -1, 0, INT_MAX},
    {SLK_TOPICS_COUNT, pub | sub | xpub | xsub, can_get, 0, 0, 0},
    {SLK_XPUB_VERBOSE, pub | xpub, can_set, 0, 0, INT_MAX},
    {SLK_XPUB_VERBOSER, pub | xpub, can_set, 0, 0, INT_MAX},
    {SLK_XPUB_NODROP, pub | xpub, can_get | can_set | is_flag, 0, 0, INT_MAX},
    {SLK_XPUB_MANUAL, xpub, can_set | open_end, 0, 0, 1},
    {SLK_XPUB_MANUAL_LAST_VALUE, xpub, can_set | open_end, 0, 0, 1},
    {SLK_ONLY_FIRST_SUBSCRIBE, xpub | xsub, can_set | open_end, 0, 0, 1},
    {SLK_XSUB_VERBOSE_UNSUBSCRIBE, xsub, can_set | open_end, 0, 0, 1},
    {SLK_INVERT_MATCHING, pub | sub | xpub | xsub, can_get | can_set, 0, 0, 1},
    {opt_rcvmore, all, can_get, 0, 0, 0},
    {opt_immediate, all, can_get | can_set, 0, 0, 1},
    {opt_ipv6, all, can_get | can_set, 0, 0, 1},
    {opt_tos, all, can_get | can_set | open_end, 0, 0, 255},
    {opt_handshake_ivl, all, can_get | can_set, 30000, 0, INT_MAX},
};

enum { int_option_count = sizeof int_options / sizeof int_options[0] };

/* Names what the checks that follow are about, when one of them fails. */
static void check(int passed, const int_option* option, int type, const char* what, int value)
{
    char text[160];
    snprintf(text, sizeof text, "option %d on type %d: %s %d (slk_errno() %d)", option->number,
             type, what, value, slk_errno());
    test_check(__FILE__, __LINE__, text, passed, 0);
}

static int read_int(slk_socket_t* socket, int number, int* value)
{
    size_t size = sizeof *value;
    *value = -12345;
    return slk_getsockopt(socket, number, value, &size);
}

static void check_initial(slk_socket_t* socket, int type, const int_option* option)
{
    int value;
    if (read_int(socket, option->number, &value) == 0)
        check((option->access & can_get) && value == option->initial, option, type, "is", value);
    else
        check(!(option->access & can_get) && slk_errno() == SLK_EINVAL, option, type,
              "cannot be read", 0);
}

static void check_taken(slk_socket_t* socket, int type, const int_option* option, int value)
{
    const int expected = option->access & is_flag ? value != 0 : value;
    int read = 0;
    check(slk_setsockopt(socket, option->number, &value, sizeof value) == 0, option, type,
          "refuses", value);
    if (!(option->access & can_get))
        return;
    check(read_int(socket, option->number, &read) == 0 && read == expected, option, type,
          "reads back as", read);
}

static void check_refused(slk_socket_t* socket, int type, const int_option* option, int value)
{
    int before = 0;
    int after = 0;
    const int had = read_int(socket, option->number, &before);
    test_other_errno(SLK_EINVAL);
    check(slk_setsockopt(socket, option->number, &value, sizeof value) == -1, option, type, "takes",
          value);
    check(slk_errno() == SLK_EINVAL, option, type, "refuses with another number", value);
    check(read_int(socket, option->number, &after) == had && before == after, option, type,
          "is changed by a call that fails, to", after);
}

static void check_sizes(slk_socket_t* socket, int type, const int_option* option)
{
    static const size_t wrong[] = {0, 1, 2, 3, 5, 8, 16};
    char room[16];
    size_t index;
    memset(room, 0, sizeof room);
    for (index = 0; index < sizeof wrong / sizeof wrong[0]; ++index) {
        size_t size = wrong[index];
        if (option->access & can_set)
            check(slk_setsockopt(socket, option->number, room, size) == -1 &&
                      slk_errno() == SLK_EINVAL,
                  option, type, "is set with a size of", (int)size);
        check(slk_getsockopt(socket, option->number, room, &size) == -1 &&
                  slk_errno() == SLK_EINVAL,
              option, type, "is read with a size of", (int)wrong[index]);
    }
}

static void for_each_type(void (*body)(slk_socket_t*, int, const int_option*))
{
    slk_ctx_t* ctx = new_context();
    int type;
    int index;
    for (type = SLK_PAIR; type <= SLK_XSUB; ++type) {
        slk_socket_t* socket = open_socket(ctx, type);
        for (index = 0; index < int_option_count; ++index)
            body(socket, type, &int_options[index]);
        close_socket(socket);
    }
    slk_ctx_destroy(ctx);
}

static int has_option(int type, const int_option* option)
{
    return (option->types >> type) & 1;
}

static void body_of_defaults(slk_socket_t* socket, int type, const int_option* option)
{
    if (has_option(type, option))
        check_initial(socket, type, option);
}

static void defaults(void)
{
    for_each_type(body_of_defaults);
}

static void body_of_ranges(slk_socket_t* socket, int type, const int_option* option)
{
    if (!has_option(type, option) || !(option->access & can_set))
        return;
    check_taken(socket, type, option, option->low);
    check_taken(socket, type, option, option->low + 1);
    check_taken(socket, type, option, option->high);
    check_refused(socket, type, option, option->low - 1);
    check_refused(socket, type, option, INT_MIN);
    if (option->high < INT_MAX && !(option->access & open_end)) {
        check_refused(socket, type, option, option->high + 1);
        check_refused(socket, type, option, INT_MAX);
    }
    check_taken(socket, type, option, option->low);
}

static void ranges(void)
{
    for_each_type(body_of_ranges);
}

static void body_of_sizes(slk_socket_t* socket, int type, const int_option* option)
{
    if (has_option(type, option))
        check_sizes(socket, type, option);
}

static void sizes(void)
{
    for_each_type(body_of_sizes);
}

static void body_of_access(slk_socket_t* socket, int type, const int_option* option)
{
    int value = option->initial < 0 ? 1 : option->initial;
    if (has_option(type, option) && (option->access & can_set))
        return;
    test_other_errno(SLK_EINVAL);
    check(slk_setsockopt(socket, option->number, &value, sizeof value) == -1, option, type, "takes",
          value);
    check(slk_errno() == SLK_EINVAL, option, type, "is refused with another number", 0);
    if (has_option(type, option))
        return;
    test_other_errno(SLK_EINVAL);
    check(read_int(socket, option->number, &value) == -1, option, type, "is read as", value);
    check(slk_errno() == SLK_EINVAL, option, type, "is refused with another number", 0);
}

static void other_types(void)
{
    for_each_type(body_of_access);
}

static void linger(void)
{
    slk_ctx_t* ctx = new_context();
    int type;
    for (type = SLK_PAIR; type <= SLK_XSUB; ++type) {
        const int is_subscriber = type == SLK_SUB || type == SLK_XSUB;
        const int_option option = {SLK_LINGER, all,    can_get | can_set, is_subscriber ? 0 : -1,
                                   -1,         INT_MAX};
        slk_socket_t* socket = open_socket(ctx, type);
        body_of_defaults(socket, type, &option);
        body_of_sizes(socket, type, &option);
        body_of_ranges(socket, type, &option);
        close_socket(socket);
    }
    slk_ctx_destroy(ctx);
}

static void heartbeat_ttl(void)
{
    static const int_option option = {SLK_HEARTBEAT_TTL, all, can_get | can_set, 0, 0, 6553500};
    static const int rounded[][2] = {{0, 0},       {99, 0},      {100, 100},        {150, 100},
                                     {1999, 1900}, {5000, 5000}, {6553500, 6553500}};
    slk_ctx_t* ctx = new_context();
    int type;
    size_t index;
    for (type = SLK_PAIR; type <= SLK_XSUB; ++type) {
        slk_socket_t* socket = open_socket(ctx, type);
        body_of_defaults(socket, type, &option);
        body_of_sizes(socket, type, &option);
        for (index = 0; index < sizeof rounded / sizeof rounded[0]; ++index) {
            set_int(socket, SLK_HEARTBEAT_TTL, rounded[index][0]);
            CHECK_INT(get_int(socket, SLK_HEARTBEAT_TTL), rounded[index][1]);
        }
        check_refused(socket, type, &option, -1);
        check_refused(socket, type, &option, 6553600);
        check_refused(socket, type, &option, INT_MAX);
        close_socket(socket);
    }
    slk_ctx_destroy(ctx);
}

static void options_of_8_bytes(void)
{
    slk_ctx_t* ctx = new_context();
    int type;
    for (type = SLK_PAIR; type <= SLK_XSUB; ++type) {
        slk_socket_t* socket = open_socket(ctx, type);
        int64_t most = 0;
        uint64_t threads = 1;
        size_t size = sizeof most;
        int as_int = 1;
        CHECK_INT(slk_getsockopt(socket, opt_maxmsgsize, &most, &size), 0);
        CHECK_INT(size, 8);
        CHECK_INT(most, -1);
        most = 1000;
        CHECK_INT(slk_setsockopt(socket, opt_maxmsgsize, &most, sizeof most), 0);
        most = 0;
        CHECK_INT(slk_getsockopt(socket, opt_maxmsgsize, &most, &size), 0);
        CHECK_INT(most, 1000);
        CHECK_FAILS(slk_setsockopt(socket, opt_maxmsgsize, &as_int, sizeof as_int), SLK_EINVAL);
        size = sizeof as_int;
        CHECK_FAILS(slk_getsockopt(socket, opt_maxmsgsize, &as_int, &size), SLK_EINVAL);
        size = sizeof threads;
        CHECK_INT(slk_getsockopt(socket, opt_affinity, &threads, &size), 0);
        CHECK_INT(size, 8);
        CHECK_INT(threads, 0);
        threads = 1;
        CHECK_INT(slk_setsockopt(socket, opt_affinity, &threads, sizeof threads), 0);
        threads = 0;
        CHECK_INT(slk_getsockopt(socket, opt_affinity, &threads, &size), 0);
        CHECK_INT(threads, 1);
        CHECK_FAILS(slk_setsockopt(socket, opt_affinity, &as_int, sizeof as_int), SLK_EINVAL);
        close_socket(socket);
    }
    slk_ctx_destroy(ctx);
}

static void read_only(void)
{
    static const int numbers[] = {SLK_LAST_ENDPOINT, SLK_TOPICS_COUNT, opt_rcvmore, opt_fd,
                                  opt_events,        opt_type};
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_XPUB);
    size_t index;
    for (index = 0; index < sizeof numbers / sizeof numbers[0]; ++index) {
        int value = 0;
        CHECK_FAILS(slk_setsockopt(socket, numbers[index], &value, sizeof value), SLK_EINVAL);
    }
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static void unknown_and_reserved(void)
{
    static const int numbers[] = {-1,
                                  0,
                                  1,
                                  59,
                                  999,
                                  100000,
                                  INT_MAX,
                                  INT_MIN,
                                  SLK_AUTH_ENABLED,
                                  SLK_AUTH_TIMEOUT,
                                  SLK_MONITOR_EVENTS};
    slk_ctx_t* ctx = new_context();
    int type;
    size_t index;
    for (type = SLK_PAIR; type <= SLK_XSUB; ++type) {
        slk_socket_t* socket = open_socket(ctx, type);
        for (index = 0; index < sizeof numbers / sizeof numbers[0]; ++index) {
            int value = 1;
            size_t size = sizeof value;
            CHECK_FAILS(slk_setsockopt(socket, numbers[index], &value, sizeof value), SLK_EINVAL);
            CHECK_FAILS(slk_getsockopt(socket, numbers[index], &value, &size), SLK_EINVAL);
        }
        close_socket(socket);
    }
    slk_ctx_destroy(ctx);
}

CASES(option_values) = {
    {"options have their defaults", defaults},
    {"options refuse what is out of range", ranges},
    {"an int has sizeof(int) bytes", sizes},
    {"options of other types, and those that cannot be set", other_types},
    {"SLK_LINGER is 0 for subscribers and -1 for others", linger},
    {"SLK_HEARTBEAT_TTL is rounded down", heartbeat_ttl},
    {"options of 8 bytes", options_of_8_bytes},
    {"options that cannot be set", read_only},
    {"options that are unknown or reserved", unknown_and_reserved},
    END_OF_CASES,
};
