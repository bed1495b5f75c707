/* SPDX-License-Identifier: MPL-2.0 */
#ifndef SERVERLINK_LIBZMQ_ZMQ_H
#define SERVERLINK_LIBZMQ_ZMQ_H

/*
 * The interface of serverlink's libzmq.so.5, for programs that are written for ZeroMQ: the names,
 * numbers, structures and functions of libzmq 4.3.4, without its drafts. C99, C++98 and newer.
 *
 * A program that was compiled with another zmq.h of version 4 runs with this library too, and one
 * that was compiled with this file runs with libzmq.
 *
 * Errors. A function fails with -1 or NULL, and sets errno. NULL in place of a socket is ENOTSOCK,
 * and so is a socket that was closed; in place of a context or of a set of timers it is EFAULT.
 *
 * Threads. A context may be used by all threads; a socket, a message and a set of timers by one
 * thread at a time.
 */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Other zmq.h define it as well: two of them shall not be mixed. */
#define __ZMQ_H_INCLUDED__
#define ZMQ_DEFINED_STDINT 1

#if defined(ZMQ_STATIC)
#define ZMQ_EXPORT
#elif defined(_WIN32) && defined(SLK_BUILDING_LIBZMQ)
#define ZMQ_EXPORT __declspec(dllexport)
#elif defined(_WIN32)
#define ZMQ_EXPORT __declspec(dllimport)
#elif defined(__GNUC__)
#define ZMQ_EXPORT __attribute__((visibility("default")))
#else
#define ZMQ_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- Version --- */

#define ZMQ_VERSION_MAJOR 4
#define ZMQ_VERSION_MINOR 3
#define ZMQ_VERSION_PATCH 4
#define ZMQ_MAKE_VERSION(major, minor, patch) ((major) * 10000 + (minor) * 100 + (patch))
#define ZMQ_VERSION ZMQ_MAKE_VERSION(ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH)

/* The version of libzmq that the library stands for. */
ZMQ_EXPORT void zmq_version(int* major, int* minor, int* patch);

/* --- Errors --- */

/* Numbers of the interface's own begin here; they differ from all those of a system. */
#define ZMQ_HAUSNUMERO 156384712

/* For systems that lack a name. */
#ifndef ENOTSUP
#define ENOTSUP (ZMQ_HAUSNUMERO + 1)
#endif
#ifndef EPROTONOSUPPORT
#define EPROTONOSUPPORT (ZMQ_HAUSNUMERO + 2)
#endif
#ifndef ENOBUFS
#define ENOBUFS (ZMQ_HAUSNUMERO + 3)
#endif
#ifndef ENETDOWN
#define ENETDOWN (ZMQ_HAUSNUMERO + 4)
#endif
#ifndef EADDRINUSE
#define EADDRINUSE (ZMQ_HAUSNUMERO + 5)
#endif
#ifndef EADDRNOTAVAIL
#define EADDRNOTAVAIL (ZMQ_HAUSNUMERO + 6)
#endif
#ifndef ECONNREFUSED
#define ECONNREFUSED (ZMQ_HAUSNUMERO + 7)
#endif
#ifndef EINPROGRESS
#define EINPROGRESS (ZMQ_HAUSNUMERO + 8)
#endif
#ifndef ENOTSOCK
#define ENOTSOCK (ZMQ_HAUSNUMERO + 9)
#endif
#ifndef EMSGSIZE
#define EMSGSIZE (ZMQ_HAUSNUMERO + 10)
#endif
#ifndef EAFNOSUPPORT
#define EAFNOSUPPORT (ZMQ_HAUSNUMERO + 11)
#endif
#ifndef ENETUNREACH
#define ENETUNREACH (ZMQ_HAUSNUMERO + 12)
#endif
#ifndef ECONNABORTED
#define ECONNABORTED (ZMQ_HAUSNUMERO + 13)
#endif
#ifndef ECONNRESET
#define ECONNRESET (ZMQ_HAUSNUMERO + 14)
#endif
#ifndef ENOTCONN
#define ENOTCONN (ZMQ_HAUSNUMERO + 15)
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT (ZMQ_HAUSNUMERO + 16)
#endif
#ifndef EHOSTUNREACH
#define EHOSTUNREACH (ZMQ_HAUSNUMERO + 17)
#endif
#ifndef ENETRESET
#define ENETRESET (ZMQ_HAUSNUMERO + 18)
#endif

#define EFSM (ZMQ_HAUSNUMERO + 51) /* the socket's pattern wants another call first */
#define ENOCOMPATPROTO (ZMQ_HAUSNUMERO + 52) /* the transport does not fit the type */
#define ETERM (ZMQ_HAUSNUMERO + 53) /* the context was terminated or shut down */
#define EMTHREAD (ZMQ_HAUSNUMERO + 54) /* the context has no I/O thread */

/* errno, of the library's own C runtime. */
ZMQ_EXPORT int zmq_errno(void);
/* Never NULL. */
ZMQ_EXPORT const char* zmq_strerror(int errnum);

/* --- Contexts --- */

#define ZMQ_IO_THREADS 1
#define ZMQ_MAX_SOCKETS 2
#define ZMQ_SOCKET_LIMIT 3 /* read only: what ZMQ_MAX_SOCKETS may be */
#define ZMQ_THREAD_PRIORITY 3 /* write only, the same number */
#define ZMQ_THREAD_SCHED_POLICY 4
#define ZMQ_MAX_MSGSZ 5
#define ZMQ_MSG_T_SIZE 6 /* read only */
#define ZMQ_THREAD_AFFINITY_CPU_ADD 7
#define ZMQ_THREAD_AFFINITY_CPU_REMOVE 8
#define ZMQ_THREAD_NAME_PREFIX 9
/* Socket options too: ZMQ_IPV6, ZMQ_BLOCKY. */

#define ZMQ_IO_THREADS_DFLT 1
#define ZMQ_MAX_SOCKETS_DFLT 1023
#define ZMQ_THREAD_PRIORITY_DFLT -1
#define ZMQ_THREAD_SCHED_POLICY_DFLT -1

ZMQ_EXPORT void* zmq_ctx_new(void);
/* Ends the calls on its sockets with ETERM and waits until all are closed and their messages sent,
 * as far as ZMQ_LINGER wants it. EINTR: call it again. */
ZMQ_EXPORT int zmq_ctx_term(void* context);
/* Ends the calls on its sockets with ETERM, and does not wait. */
ZMQ_EXPORT int zmq_ctx_shutdown(void* context);
ZMQ_EXPORT int zmq_ctx_set(void* context, int option, int value);
ZMQ_EXPORT int zmq_ctx_get(void* context, int option);

/* Older names. */
ZMQ_EXPORT void* zmq_init(int io_threads);
ZMQ_EXPORT int zmq_term(void* context);
ZMQ_EXPORT int zmq_ctx_destroy(void* context);

/* --- Messages --- */

/* May be moved in memory bit by bit. Its content belongs to the library. */
typedef struct zmq_msg_t {
#if defined(__GNUC__)
    unsigned char _[64] __attribute__((aligned(sizeof(void*))));
#elif defined(_MSC_VER)
    __declspec(align(8)) unsigned char _[64];
#else
    unsigned char _[64];
#endif
} zmq_msg_t;

/* Called once, by any thread, when the last reference to the bytes is gone. */
typedef void(zmq_free_fn)(void* data, void* hint);

#define ZMQ_MORE 1 /* properties of a message */
#define ZMQ_SRCFD 2 /* deprecated */
#define ZMQ_SHARED 3

ZMQ_EXPORT int zmq_msg_init(zmq_msg_t* msg);
ZMQ_EXPORT int zmq_msg_init_size(zmq_msg_t* msg, size_t size);
ZMQ_EXPORT int zmq_msg_init_data(zmq_msg_t* msg, void* data, size_t size, zmq_free_fn* release,
                                 void* hint);
ZMQ_EXPORT int zmq_msg_send(zmq_msg_t* msg, void* socket, int flags);
ZMQ_EXPORT int zmq_msg_recv(zmq_msg_t* msg, void* socket, int flags);
ZMQ_EXPORT int zmq_msg_close(zmq_msg_t* msg);
ZMQ_EXPORT int zmq_msg_move(zmq_msg_t* to, zmq_msg_t* from);
ZMQ_EXPORT int zmq_msg_copy(zmq_msg_t* to, zmq_msg_t* from);
ZMQ_EXPORT void* zmq_msg_data(zmq_msg_t* msg);
ZMQ_EXPORT size_t zmq_msg_size(const zmq_msg_t* msg);
ZMQ_EXPORT int zmq_msg_more(const zmq_msg_t* msg);
ZMQ_EXPORT int zmq_msg_get(const zmq_msg_t* msg, int property);
ZMQ_EXPORT int zmq_msg_set(zmq_msg_t* msg, int property, int value);
/* The text is the message's. */
ZMQ_EXPORT const char* zmq_msg_gets(const zmq_msg_t* msg, const char* property);

/* --- Sockets --- */

#define ZMQ_PAIR 0
#define ZMQ_PUB 1
#define ZMQ_SUB 2
#define ZMQ_REQ 3
#define ZMQ_REP 4
#define ZMQ_DEALER 5
#define ZMQ_ROUTER 6
#define ZMQ_PULL 7
#define ZMQ_PUSH 8
#define ZMQ_XPUB 9
#define ZMQ_XSUB 10
#define ZMQ_STREAM 11

#define ZMQ_XREQ ZMQ_DEALER
#define ZMQ_XREP ZMQ_ROUTER

#define ZMQ_AFFINITY 4
#define ZMQ_ROUTING_ID 5
#define ZMQ_SUBSCRIBE 6
#define ZMQ_UNSUBSCRIBE 7
#define ZMQ_RATE 8
#define ZMQ_RECOVERY_IVL 9
#define ZMQ_SNDBUF 11
#define ZMQ_RCVBUF 12
#define ZMQ_RCVMORE 13
#define ZMQ_FD 14
#define ZMQ_EVENTS 15
#define ZMQ_TYPE 16
#define ZMQ_LINGER 17
#define ZMQ_RECONNECT_IVL 18
#define ZMQ_BACKLOG 19
#define ZMQ_RECONNECT_IVL_MAX 21
#define ZMQ_MAXMSGSIZE 22
#define ZMQ_SNDHWM 23
#define ZMQ_RCVHWM 24
#define ZMQ_MULTICAST_HOPS 25
#define ZMQ_RCVTIMEO 27
#define ZMQ_SNDTIMEO 28
#define ZMQ_LAST_ENDPOINT 32
#define ZMQ_ROUTER_MANDATORY 33
#define ZMQ_TCP_KEEPALIVE 34
#define ZMQ_TCP_KEEPALIVE_CNT 35
#define ZMQ_TCP_KEEPALIVE_IDLE 36
#define ZMQ_TCP_KEEPALIVE_INTVL 37
#define ZMQ_IMMEDIATE 39
#define ZMQ_XPUB_VERBOSE 40
#define ZMQ_ROUTER_RAW 41
#define ZMQ_IPV6 42
#define ZMQ_MECHANISM 43
#define ZMQ_PLAIN_SERVER 44
#define ZMQ_PLAIN_USERNAME 45
#define ZMQ_PLAIN_PASSWORD 46
#define ZMQ_CURVE_SERVER 47
#define ZMQ_CURVE_PUBLICKEY 48
#define ZMQ_CURVE_SECRETKEY 49
#define ZMQ_CURVE_SERVERKEY 50
#define ZMQ_PROBE_ROUTER 51
#define ZMQ_REQ_CORRELATE 52
#define ZMQ_REQ_RELAXED 53
#define ZMQ_CONFLATE 54
#define ZMQ_ZAP_DOMAIN 55
#define ZMQ_ROUTER_HANDOVER 56
#define ZMQ_TOS 57
#define ZMQ_CONNECT_ROUTING_ID 61
#define ZMQ_GSSAPI_SERVER 62
#define ZMQ_GSSAPI_PRINCIPAL 63
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL 64
#define ZMQ_GSSAPI_PLAINTEXT 65
#define ZMQ_HANDSHAKE_IVL 66
#define ZMQ_SOCKS_PROXY 68
#define ZMQ_XPUB_NODROP 69
#define ZMQ_BLOCKY 70
#define ZMQ_XPUB_MANUAL 71
#define ZMQ_XPUB_WELCOME_MSG 72
#define ZMQ_STREAM_NOTIFY 73
#define ZMQ_INVERT_MATCHING 74
#define ZMQ_HEARTBEAT_IVL 75
#define ZMQ_HEARTBEAT_TTL 76
#define ZMQ_HEARTBEAT_TIMEOUT 77
#define ZMQ_XPUB_VERBOSER 78
#define ZMQ_CONNECT_TIMEOUT 79
#define ZMQ_TCP_MAXRT 80
#define ZMQ_THREAD_SAFE 81
#define ZMQ_MULTICAST_MAXTPDU 84
#define ZMQ_VMCI_BUFFER_SIZE 85
#define ZMQ_VMCI_BUFFER_MIN_SIZE 86
#define ZMQ_VMCI_BUFFER_MAX_SIZE 87
#define ZMQ_VMCI_CONNECT_TIMEOUT 88
#define ZMQ_USE_FD 89
#define ZMQ_GSSAPI_PRINCIPAL_NAMETYPE 90
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE 91
#define ZMQ_BINDTODEVICE 92

/* Deprecated. */
#define ZMQ_IPV4ONLY 31
#define ZMQ_TCP_ACCEPT_FILTER 38
#define ZMQ_IPC_FILTER_PID 58
#define ZMQ_IPC_FILTER_UID 59
#define ZMQ_IPC_FILTER_GID 60

/* Older names. */
#define ZMQ_IDENTITY ZMQ_ROUTING_ID
#define ZMQ_CONNECT_RID ZMQ_CONNECT_ROUTING_ID
#define ZMQ_DELAY_ATTACH_ON_CONNECT ZMQ_IMMEDIATE
#define ZMQ_FAIL_UNROUTABLE ZMQ_ROUTER_MANDATORY
#define ZMQ_ROUTER_BEHAVIOR ZMQ_ROUTER_MANDATORY

/* Flags of sending and receiving. */
#define ZMQ_DONTWAIT 1
#define ZMQ_SNDMORE 2
#define ZMQ_NOBLOCK ZMQ_DONTWAIT

/* Values of ZMQ_MECHANISM. */
#define ZMQ_NULL 0
#define ZMQ_PLAIN 1
#define ZMQ_CURVE 2
#define ZMQ_GSSAPI 3

/* Values of ZMQ_GSSAPI_PRINCIPAL_NAMETYPE. */
#define ZMQ_GSSAPI_NT_HOSTBASED 0
#define ZMQ_GSSAPI_NT_USER_NAME 1
#define ZMQ_GSSAPI_NT_KRB5_PRINCIPAL 2

#define ZMQ_GROUP_MAX_LENGTH 255

ZMQ_EXPORT void* zmq_socket(void* context, int type);
ZMQ_EXPORT int zmq_close(void* socket);
ZMQ_EXPORT int zmq_setsockopt(void* socket, int option, const void* value, size_t size);
ZMQ_EXPORT int zmq_getsockopt(void* socket, int option, void* value, size_t* size);
ZMQ_EXPORT int zmq_bind(void* socket, const char* endpoint);
ZMQ_EXPORT int zmq_connect(void* socket, const char* endpoint);
ZMQ_EXPORT int zmq_unbind(void* socket, const char* endpoint);
ZMQ_EXPORT int zmq_disconnect(void* socket, const char* endpoint);
ZMQ_EXPORT int zmq_send(void* socket, const void* data, size_t size, int flags);
/* The bytes are not copied: they stay as they are as long as the library is used. */
ZMQ_EXPORT int zmq_send_const(void* socket, const void* data, size_t size, int flags);
/* Returns the size of the whole message, of which at most `size` bytes are stored. */
ZMQ_EXPORT int zmq_recv(void* socket, void* data, size_t size, int flags);

/* Older names of zmq_msg_send() and zmq_msg_recv(). */
ZMQ_EXPORT int zmq_sendmsg(void* socket, zmq_msg_t* msg, int flags);
ZMQ_EXPORT int zmq_recvmsg(void* socket, zmq_msg_t* msg, int flags);

struct iovec;
/* One part of a message for each element. */
ZMQ_EXPORT int zmq_sendiov(void* socket, struct iovec* parts, size_t count, int flags);
/* Each part is the caller's, by free(). `count`: of the elements, then of the parts. */
ZMQ_EXPORT int zmq_recviov(void* socket, struct iovec* parts, size_t* count, int flags);

/* --- Monitoring --- */

#define ZMQ_EVENT_CONNECTED 0x0001
#define ZMQ_EVENT_CONNECT_DELAYED 0x0002
#define ZMQ_EVENT_CONNECT_RETRIED 0x0004
#define ZMQ_EVENT_LISTENING 0x0008
#define ZMQ_EVENT_BIND_FAILED 0x0010
#define ZMQ_EVENT_ACCEPTED 0x0020
#define ZMQ_EVENT_ACCEPT_FAILED 0x0040
#define ZMQ_EVENT_CLOSED 0x0080
#define ZMQ_EVENT_CLOSE_FAILED 0x0100
#define ZMQ_EVENT_DISCONNECTED 0x0200
#define ZMQ_EVENT_MONITOR_STOPPED 0x0400
#define ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL 0x0800 /* value: an errno */
#define ZMQ_EVENT_HANDSHAKE_SUCCEEDED 0x1000
#define ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL 0x2000 /* value: ZMQ_PROTOCOL_ERROR_* */
#define ZMQ_EVENT_HANDSHAKE_FAILED_AUTH 0x4000 /* value: a status code of ZAP */
#define ZMQ_EVENT_ALL 0xFFFF

#define ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED 0x10000000
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND 0x10000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE 0x10000002
#define ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE 0x10000003
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED 0x10000011
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE 0x10000012
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO 0x10000013
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE 0x10000014
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR 0x10000015
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY 0x10000016
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME 0x10000017
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA 0x10000018
#define ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC 0x11000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH 0x11000002
#define ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED 0x20000000
#define ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY 0x20000001
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID 0x20000002
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION 0x20000003
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE 0x20000004
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA 0x20000005
#define ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED 0x30000000

/* The events of a socket are sent by a PAIR that is bound to `endpoint`, of the transport inproc:
 * one frame with the event, 16 bits, and its value, 32 bits; one frame with the endpoint that it
 * is about. NULL ends it. */
ZMQ_EXPORT int zmq_socket_monitor(void* socket, const char* endpoint, int events);

/* --- Polling --- */

#if defined(_WIN64)
typedef unsigned __int64 zmq_fd_t;
#elif defined(_WIN32)
typedef unsigned int zmq_fd_t;
#else
typedef int zmq_fd_t;
#endif

#define ZMQ_POLLIN 1
#define ZMQ_POLLOUT 2
#define ZMQ_POLLERR 4
#define ZMQ_POLLPRI 8
#define ZMQ_POLLITEMS_DFLT 16

/* `fd` counts where `socket` is NULL. */
typedef struct zmq_pollitem_t {
    void* socket;
    zmq_fd_t fd;
    short events;
    short revents;
} zmq_pollitem_t;

/* Returns the number of items that have events, 0 when `timeout_ms` has passed; -1: no limit. */
ZMQ_EXPORT int zmq_poll(zmq_pollitem_t* items, int count, long timeout_ms);

/* --- Proxies --- */

/* Carries messages between two sockets until their context ends: -1, ETERM. */
ZMQ_EXPORT int zmq_proxy(void* frontend, void* backend, void* capture);
/* `control` receives PAUSE, RESUME, STATISTICS and TERMINATE. Returns 0 after TERMINATE. */
ZMQ_EXPORT int zmq_proxy_steerable(void* frontend, void* backend, void* capture, void* control);

#define ZMQ_STREAMER 1
#define ZMQ_FORWARDER 2
#define ZMQ_QUEUE 3
/* The older name of zmq_proxy(), for each `type`. */
ZMQ_EXPORT int zmq_device(int type, void* frontend, void* backend);

/* --- Capabilities --- */

#define ZMQ_HAS_CAPABILITIES 1
/* 1: the library has it; for instance "ipc", "curve". Else 0. */
ZMQ_EXPORT int zmq_has(const char* capability);

/* --- Keys --- */

/* Five characters for four bytes, and a NUL. NULL, EINVAL: the size does not divide by four, or
 * by five. */
ZMQ_EXPORT char* zmq_z85_encode(char* to, const uint8_t* data, size_t size);
ZMQ_EXPORT uint8_t* zmq_z85_decode(uint8_t* to, const char* text);
/* Each key has 40 characters and a NUL. ENOTSUP: the library was built without CURVE. */
ZMQ_EXPORT int zmq_curve_keypair(char* public_key, char* secret_key);
ZMQ_EXPORT int zmq_curve_public(char* public_key, const char* secret_key);

/* --- Timers --- */

#define ZMQ_HAVE_TIMERS

typedef void(zmq_timer_fn)(int timer_id, void* argument);

ZMQ_EXPORT void* zmq_timers_new(void);
ZMQ_EXPORT int zmq_timers_destroy(void** timers);
/* Returns the timer's id. It calls `handler` each `interval_ms`, from zmq_timers_execute(). */
ZMQ_EXPORT int zmq_timers_add(void* timers, size_t interval_ms, zmq_timer_fn handler,
                              void* argument);
ZMQ_EXPORT int zmq_timers_cancel(void* timers, int timer_id);
ZMQ_EXPORT int zmq_timers_set_interval(void* timers, int timer_id, size_t interval_ms);
ZMQ_EXPORT int zmq_timers_reset(void* timers, int timer_id);
/* Milliseconds until the next one is due. -1, EINVAL: there is none. */
ZMQ_EXPORT long zmq_timers_timeout(void* timers);
ZMQ_EXPORT int zmq_timers_execute(void* timers);

/* --- Counters, stopwatches, threads --- */

ZMQ_EXPORT void* zmq_atomic_counter_new(void);
ZMQ_EXPORT void zmq_atomic_counter_set(void* counter, int value);
/* Returns the value before. */
ZMQ_EXPORT int zmq_atomic_counter_inc(void* counter);
/* Returns 1, or 0 when the counter has reached 0. */
ZMQ_EXPORT int zmq_atomic_counter_dec(void* counter);
ZMQ_EXPORT int zmq_atomic_counter_value(void* counter);
ZMQ_EXPORT void zmq_atomic_counter_destroy(void** counter);

/* In microseconds. Stopping it frees it. */
ZMQ_EXPORT void* zmq_stopwatch_start(void);
ZMQ_EXPORT unsigned long zmq_stopwatch_intermediate(void* watch);
ZMQ_EXPORT unsigned long zmq_stopwatch_stop(void* watch);

ZMQ_EXPORT void zmq_sleep(int seconds);

typedef void(zmq_thread_fn)(void*);

ZMQ_EXPORT void* zmq_threadstart(zmq_thread_fn* function, void* argument);
/* Waits for its end. */
ZMQ_EXPORT void zmq_threadclose(void* thread);

#undef ZMQ_EXPORT

#ifdef __cplusplus
}
#endif

#endif
