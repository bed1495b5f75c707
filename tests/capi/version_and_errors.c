/* SPDX-License-Identifier: MPL-2.0 */
/* Chapters 1 and 2: the version, slk_errno() and slk_strerror(). */
#include "sockets.h"

#include <errno.h>
#include <stdio.h>

/* Constants can be used by the preprocessor. */
#if SLK_VERSION_MAJOR != 0 || SLK_VERSION_MINOR != 2 || SLK_VERSION_PATCH != 0
#error "another version"
#endif
#if SLK_EINVAL != 1 || SLK_ENOMEM != 2 || SLK_EAGAIN != 3 || SLK_ENOTSOCK != 4 ||                  \
    SLK_EPROTO != 5 || SLK_ETERM != 6 || SLK_EMTHREAD != 7 || SLK_EHOSTUNREACH != 10 ||            \
    SLK_ENOTREADY != 11 || SLK_EPEERUNREACH != 12 || SLK_EAUTH != 13
#error "another error number"
#endif
#if SLK_IO_THREADS != 1 || SLK_MAX_SOCKETS != 2 || SLK_SOCKET_LIMIT != 3 ||                        \
    SLK_THREAD_SCHED_POLICY != 6 || SLK_THREAD_AFFINITY_CPU_ADD != 7 ||                            \
    SLK_THREAD_AFFINITY_CPU_REMOVE != 8 || SLK_THREAD_PRIORITY != 9 ||                             \
    SLK_THREAD_NAME_PREFIX != 10 || SLK_MAX_MSGSZ != 13 || SLK_MSG_T_SIZE != 14
#error "another option of a context"
#endif
#if SLK_PAIR != 0 || SLK_PUB != 1 || SLK_SUB != 2 || SLK_REQ != 3 || SLK_REP != 4 ||               \
    SLK_DEALER != 5 || SLK_ROUTER != 6 || SLK_PULL != 7 || SLK_PUSH != 8 || SLK_XPUB != 9 ||       \
    SLK_XSUB != 10 || SLK_DONTWAIT != 1 || SLK_SNDMORE != 2
#error "another type or flag"
#endif
#if SLK_ROUTING_ID != 5 || SLK_CONNECT_ROUTING_ID != 61 || SLK_ROUTER_MANDATORY != 33 ||           \
    SLK_ROUTER_HANDOVER != 56 || SLK_ROUTER_NOTIFY != 97 || SLK_LAST_ENDPOINT != 32 ||             \
    SLK_LINGER != 17 || SLK_RECONNECT_IVL != 18 || SLK_RECONNECT_IVL_MAX != 21 ||                  \
    SLK_BACKLOG != 19 || SLK_SNDBUF != 11 || SLK_RCVBUF != 12 || SLK_SNDHWM != 23 ||               \
    SLK_RCVHWM != 24 || SLK_RCVTIMEO != 27 || SLK_SNDTIMEO != 28 || SLK_TCP_KEEPALIVE != 34 ||     \
    SLK_TCP_KEEPALIVE_CNT != 35 || SLK_TCP_KEEPALIVE_IDLE != 36 || SLK_TCP_KEEPALIVE_INTVL != 37
#error "another option"
#endif
#if SLK_HEARTBEAT_IVL != 75 || SLK_HEARTBEAT_TTL != 76 || SLK_HEARTBEAT_TIMEOUT != 77 ||           \
    SLK_SUBSCRIBE != 6 || SLK_UNSUBSCRIBE != 7 || SLK_PSUBSCRIBE != 81 ||                          \
    SLK_PUNSUBSCRIBE != 82 || SLK_TOPICS_COUNT != 80 || SLK_XPUB_VERBOSE != 40 ||                  \
    SLK_XPUB_VERBOSER != 78 || SLK_XPUB_NODROP != 69 || SLK_XPUB_MANUAL != 71 ||                   \
    SLK_XPUB_MANUAL_LAST_VALUE != 70 || SLK_XPUB_WELCOME_MSG != 72 ||                              \
    SLK_ONLY_FIRST_SUBSCRIBE != 108 || SLK_XSUB_VERBOSE_UNSUBSCRIBE != 73 ||                       \
    SLK_INVERT_MATCHING != 60 || SLK_AUTH_ENABLED != 200 || SLK_AUTH_TIMEOUT != 201 ||             \
    SLK_MONITOR_EVENTS != 202
#error "another option"
#endif
#if SLK_POLLIN != 1 || SLK_POLLOUT != 2 || SLK_POLLERR != 4
#error "another event"
#endif

static void version_is_the_headers(void)
{
    int major = -1;
    int minor = -1;
    int patch = -1;
    slk_version(&major, &minor, &patch);
    CHECK_INT(major, SLK_VERSION_MAJOR);
    CHECK_INT(minor, SLK_VERSION_MINOR);
    CHECK_INT(patch, SLK_VERSION_PATCH);
}

static void version_skips_null(void)
{
    int value = -1;
    slk_version(&value, NULL, NULL);
    CHECK_INT(value, SLK_VERSION_MAJOR);
    slk_version(NULL, &value, NULL);
    CHECK_INT(value, SLK_VERSION_MINOR);
    slk_version(NULL, NULL, &value);
    CHECK_INT(value, SLK_VERSION_PATCH);
    slk_version(NULL, NULL, NULL);
}

static void texts_of_the_codes(void)
{
    CHECK_TEXT(slk_strerror(SLK_EINVAL), "Invalid argument");
    CHECK_TEXT(slk_strerror(SLK_ENOMEM), "Out of memory");
    CHECK_TEXT(slk_strerror(SLK_EAGAIN), "Resource temporarily unavailable");
    CHECK_TEXT(slk_strerror(SLK_ENOTSOCK), "Not a socket");
    CHECK_TEXT(slk_strerror(SLK_EPROTO), "Protocol error");
    CHECK_TEXT(slk_strerror(SLK_ETERM), "Context terminated");
    CHECK_TEXT(slk_strerror(SLK_EMTHREAD), "No I/O thread available");
    CHECK_TEXT(slk_strerror(SLK_EHOSTUNREACH), "Host unreachable");
    CHECK_TEXT(slk_strerror(SLK_ENOTREADY), "Socket not ready");
    CHECK_TEXT(slk_strerror(SLK_EPEERUNREACH), "Peer unreachable");
    CHECK_TEXT(slk_strerror(SLK_EAUTH), "Authentication failed");
}

static void texts_of_all_numbers(void)
{
    int number;
    for (number = -300; number < 20000; ++number) {
        if (slk_strerror(number) == NULL || slk_strerror(number)[0] == '\0') {
            CHECK_INT(number, 0);
            break;
        }
    }
    CHECK(slk_strerror(-2147483647 - 1) != NULL);
    CHECK(slk_strerror(2147483647) != NULL);
#ifdef __linux__
    CHECK_TEXT(slk_strerror(sys_eaddrinuse), "Address already in use");
    CHECK_TEXT(slk_strerror(sys_eprotonosupport), "Protocol not supported");
#endif
}

static void errno_begins_as_0_in_a_thread(void* seen)
{
    *(int*)seen = slk_errno();
    CHECK_FAILS(slk_close(NULL), SLK_EINVAL);
}

static void errno_is_per_thread(void)
{
    int seen = -1;
    connected_pair pair;
#ifndef _WIN32
    /* The process is new. */
    CHECK_INT(slk_errno(), 0);
#endif
    open_pair(&pair, transport_inproc);
    CHECK_FAILS(slk_recv(pair.bound, NULL, 0, SLK_DONTWAIT), SLK_EAGAIN);
    thread_join(thread_start(errno_begins_as_0_in_a_thread, &seen));
    CHECK_INT(seen, 0);
    CHECK_INT(slk_errno(), SLK_EAGAIN);
    close_pair(&pair);
}

static void errno_is_kept_by_success(void)
{
    connected_pair pair;
    char byte;
    slk_msg_t* message;
    open_pair(&pair, transport_inproc);
    CHECK_FAILS(slk_recv(pair.bound, NULL, 0, SLK_DONTWAIT), SLK_EAGAIN);
    CHECK_INT(slk_send(pair.bound, "x", 1, 0), 1);
    CHECK_INT(slk_errno(), SLK_EAGAIN);
    CHECK_INT(slk_recv(pair.connected, &byte, 1, 0), 1);
    CHECK_INT(slk_errno(), SLK_EAGAIN);
    message = slk_msg_new();
    slk_msg_destroy(message);
    CHECK_INT(get_int(pair.bound, SLK_LINGER), -1);
    CHECK_INT(slk_errno(), SLK_EAGAIN);
    close_pair(&pair);
    CHECK_INT(slk_errno(), SLK_EAGAIN);
}

static void errno_is_left_alone_by_group_b(void)
{
    void* poller = NULL;
    CHECK_FAILS(slk_close(NULL), SLK_EINVAL);
    errno = 0;
    CHECK_INT(slk_poller_destroy(&poller), -1);
    CHECK_INT(errno, EFAULT);
    CHECK_INT(slk_errno(), SLK_EINVAL);
    errno = 0;
    CHECK_INT(slk_timers_destroy(&poller), -1);
    CHECK_INT(errno, EFAULT);
    CHECK_INT(slk_errno(), SLK_EINVAL);
}

CASES(version_and_errors) = {
    {"the version is that of the header", version_is_the_headers},
    {"slk_version() skips what is NULL", version_skips_null},
    {"each code has its text", texts_of_the_codes},
    {"every number has a text", texts_of_all_numbers},
    {"slk_errno() is of each thread, and 0 at first", errno_is_per_thread},
    {"slk_errno() is not changed by success", errno_is_kept_by_success},
    {"pollers and timers set errno and not slk_errno()", errno_is_left_alone_by_group_b},
    END_OF_CASES,
};
