/* SPDX-License-Identifier: MPL-2.0 */
#ifndef SERVERLINK_SERVERLINK_H
#define SERVERLINK_SERVERLINK_H

/*
 * The C interface of serverlink: message sockets that speak ZMTP, and what goes with them. C99 and
 * C++. It may be used from the constructor of the first static object on, and until the process
 * ends.
 *
 *     slk_ctx_t *ctx = slk_ctx_new();
 *     slk_socket_t *peer = slk_socket(ctx, SLK_DEALER);
 *     if (slk_connect(peer, "tcp://127.0.0.1:5555") != 0)
 *         fprintf(stderr, "%s\n", slk_strerror(slk_errno()));
 *     slk_send(peer, "hello", 5, 0);
 *     slk_close(peer);
 *     slk_ctx_destroy(ctx);
 *
 * Errors. A function fails with -1 or NULL. Then slk_errno() has the reason, but for pollers and
 * timers (slk_poller_*, slk_timers_*), which set errno. A NULL where something is needed is
 * SLK_EINVAL.
 *
 * Threads. A context may be used by all threads. A socket is for one thread at a time, and may be
 * handed to another one through a mutex, or at its start or end. So are messages, pollers and
 * timers. Bytes that are given to a call are copied.
 *
 * Waiting. A call that waits ends when it is done; when the socket's SLK_RCVTIMEO or SLK_SNDTIMEO
 * has passed (SLK_EAGAIN); when another thread destroys the context (SLK_ETERM); and, on POSIX
 * systems, when a signal handler has run (EINTR).
 */

#include <stddef.h>
#include <stdint.h>

#include "serverlink_export.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header. */
#define SLK_VERSION_MAJOR 0
#define SLK_VERSION_MINOR 2
#define SLK_VERSION_PATCH 0

/* Stores the version of the library. Each may be NULL. */
SL_EXPORT void SL_CALL slk_version(int* major, int* minor, int* patch);

/* --- Errors --- */

#define SLK_EINVAL 1 /* an argument, an option or an endpoint is not valid */
#define SLK_ENOMEM 2 /* memory is exhausted */
#define SLK_EAGAIN 3 /* the call would have to wait, or its time is over */
#define SLK_ENOTSOCK 4 /* not a socket */
#define SLK_EPROTO 5 /* the call does not fit the type or the state; an internal error */
#define SLK_ETERM 6 /* the context was destroyed */
#define SLK_EMTHREAD 7 /* the context has no I/O thread */
#define SLK_EHOSTUNREACH 10 /* there is no such peer */
#define SLK_ENOTREADY 11 /* reserved */
#define SLK_EPEERUNREACH 12 /* reserved */
#define SLK_EAUTH 13 /* reserved */

/*
 * The reason why a call of this thread has failed last; 0 if none has. Success does not change it.
 * A reason that has no code above is the system's number: of errno, and on Windows that of Winsock
 * for failures of the network and that of the C runtime's errno for others.
 */
SL_EXPORT int SL_CALL slk_errno(void);
/* An English text for a code of slk_errno(), or the system's own. Never NULL. */
SL_EXPORT const char* SL_CALL slk_strerror(int errnum);

/* --- Contexts --- */

/* A context: its sockets, and the threads that carry their bytes. */
typedef struct slk_ctx_t slk_ctx_t;

#define SLK_IO_THREADS 1 /* int, 1: threads for tcp and ipc; with 0 there is inproc alone */
#define SLK_MAX_SOCKETS 2 /* int, 1023: sockets that may be open at a time */
#define SLK_SOCKET_LIMIT 3 /* int, get only: the most that SLK_MAX_SOCKETS may be */
#define SLK_THREAD_SCHED_POLICY 6 /* int, -1: the system's number; -1 cannot be set */
#define SLK_THREAD_AFFINITY_CPU_ADD 7 /* int, set only: a processor for the threads */
#define SLK_THREAD_AFFINITY_CPU_REMOVE 8 /* int, set only: one that was added */
#define SLK_THREAD_PRIORITY 9 /* int, -1; -1 cannot be set */
#define SLK_THREAD_NAME_PREFIX 10 /* text of 1 to 16 bytes, with a NUL at the end if it has one */
#define SLK_MAX_MSGSZ 13 /* int, INT_MAX: bytes of a message; 0: no limit */
#define SLK_MSG_T_SIZE 14 /* int, get only: bytes of a slk_msg_t */

/*
 * NULL when memory is exhausted. The threads start with the first socket. They use the best way of
 * the system to wait, or the one that the environment variable SERVERLINK_BACKEND names (README
 * lists them); slk_socket() fails where the system does not have it.
 */
SL_EXPORT slk_ctx_t* SL_CALL slk_ctx_new(void);
/*
 * Ends a context. Calls that wait on its sockets return SLK_ETERM, and this waits until they have.
 * Sockets that are open are closed as with SLK_LINGER 0, and must not be used any more. For sockets
 * that were closed before, it waits until they have sent what they have to, or their SLK_LINGER has
 * passed. NULL: does nothing.
 */
SL_EXPORT void SL_CALL slk_ctx_destroy(slk_ctx_t* ctx);
/*
 * Options of a context are for the sockets that are created later; those of the threads have to be
 * set before the first one. Best effort: what the system refuses is left out. SLK_EINVAL.
 */
SL_EXPORT int SL_CALL slk_ctx_set(slk_ctx_t* ctx, int option, const void* value, size_t len);
/* `*len`: the room for the value, which becomes its size. SLK_EINVAL. */
SL_EXPORT int SL_CALL slk_ctx_get(slk_ctx_t* ctx, int option, void* value, size_t* len);

/* --- Sockets --- */

/* A socket of any type. */
typedef struct slk_socket_t slk_socket_t;

/* A descriptor of the system: on Windows a SOCKET. */
#ifdef _WIN32
typedef uintptr_t slk_fd_t;
#else
typedef int slk_fd_t;
#endif

/* The types of sockets. */
#define SLK_PAIR 0
#define SLK_PUB 1
#define SLK_SUB 2
#define SLK_REQ 3
#define SLK_REP 4
#define SLK_DEALER 5
#define SLK_ROUTER 6
#define SLK_PULL 7
#define SLK_PUSH 8
#define SLK_XPUB 9
#define SLK_XSUB 10

/*
 * Creates a socket. SLK_EINVAL (the type), SLK_ETERM, SLK_ENOMEM, EMFILE (SLK_MAX_SOCKETS, or the
 * system has no descriptors left).
 */
SL_EXPORT slk_socket_t* SL_CALL slk_socket(slk_ctx_t* ctx, int type);
/*
 * Returns at once. What is queued is sent in the background, for as long as SLK_LINGER says. Ports
 * and names are free on return; messages that were not sent or received whole are lost.
 */
SL_EXPORT int SL_CALL slk_close(slk_socket_t* socket);

/*
 * Endpoints: tcp://HOST:PORT, ipc://PATH, inproc://NAME.
 *
 * slk_bind: HOST is an address, a network interface or *; PORT 0 or * takes a free one, which
 * SLK_LAST_ENDPOINT tells. SLK_EINVAL; the system's EADDRINUSE, EADDRNOTAVAIL, ENODEV, EACCES,
 * ENAMETOOLONG, ENOENT; EPROTONOSUPPORT for another transport; SLK_EMTHREAD.
 */
SL_EXPORT int SL_CALL slk_bind(slk_socket_t* socket, const char* endpoint);
/*
 * Connects in the background, and again whenever the connection is lost: nobody need be there yet.
 * A HOST may be a name. DEALER, REQ, PUB and SUB connect to one place once, however often they are
 * told to. SLK_EINVAL, EPROTONOSUPPORT, SLK_EMTHREAD.
 */
SL_EXPORT int SL_CALL slk_connect(slk_socket_t* socket, const char* endpoint);
/*
 * Takes a slk_connect() back. Messages of that peer that were not received are lost; those for it
 * are sent in the background, for as long as SLK_LINGER says. ENOENT if there is no such endpoint.
 */
SL_EXPORT int SL_CALL slk_disconnect(slk_socket_t* socket, const char* endpoint);
/* Does not listen there any more; its connections stay. ENOENT if there is no such endpoint. */
SL_EXPORT int SL_CALL slk_unbind(slk_socket_t* socket, const char* endpoint);

/*
 * Options of sockets: type, default; sockets, if not all have it. "Live": acts at once, others on
 * later slk_bind() and slk_connect(). "Flag": an int, 0 or 1.
 */
#define SLK_ROUTING_ID 5 /* 1 to 255 bytes, none: who this socket is for a ROUTER */
#define SLK_CONNECT_ROUTING_ID 61 /* bytes, set only; ROUTER: names the next peer */
#define SLK_ROUTER_MANDATORY 33 /* flag, 0; ROUTER. Live: no such peer is SLK_EHOSTUNREACH */
#define SLK_ROUTER_HANDOVER 56 /* flag, 0; ROUTER. Live: a new peer takes a routing id over */
#define SLK_ROUTER_NOTIFY 97 /* int, 0; ROUTER: 1 reports who comes, 2 who goes, 3 both */
#define SLK_LAST_ENDPOINT 32 /* text with its NUL, get only */
#define SLK_LINGER 17 /* int, -1 (SUB and XSUB 0): ms for what is unsent; -1: for ever. Live */
#define SLK_RECONNECT_IVL 18 /* int, 100: ms before the next try; 0: at once, -1: never */
#define SLK_RECONNECT_IVL_MAX 21 /* int, 0: ms up to which it doubles; 0: it does not */
#define SLK_BACKLOG 19 /* int, 100: connections that the system keeps until they are accepted */
#define SLK_SNDBUF 11 /* int, -1: bytes of the system's buffer; -1: as the system has it */
#define SLK_RCVBUF 12 /* int, -1: as above */
#define SLK_SNDHWM 23 /* int, 1000: messages that may wait for each peer; 0: no limit. Live */
#define SLK_RCVHWM 24 /* int, 1000: messages of each peer that may wait; 0: no limit. Live */
#define SLK_RCVTIMEO 27 /* int, -1: ms that a receive may wait; -1: for ever. Live */
#define SLK_SNDTIMEO 28 /* int, -1: ms that a send may wait; -1: for ever. Live */
#define SLK_TCP_KEEPALIVE 34 /* int, -1: 1 on, 0 off, -1 as the system has it */
#define SLK_TCP_KEEPALIVE_CNT 35 /* int, -1: probes */
#define SLK_TCP_KEEPALIVE_IDLE 36 /* int, -1: seconds before the first probe */
#define SLK_TCP_KEEPALIVE_INTVL 37 /* int, -1: seconds between probes */
#define SLK_HEARTBEAT_IVL 75 /* int, 0: ms between two PINGs; 0: none */
#define SLK_HEARTBEAT_TTL                                                                          \
    76 /* int, 0: ms, in steps of 100: told to the peer, which gives up then */
#define SLK_HEARTBEAT_TIMEOUT 77 /* int, -1: ms without an answer; -1: SLK_HEARTBEAT_IVL */
#define SLK_SUBSCRIBE 6 /* bytes, set only; SUB, and XPUB with SLK_XPUB_MANUAL. Live */
#define SLK_UNSUBSCRIBE 7 /* as above */
#define SLK_PSUBSCRIBE 81 /* bytes, set only; SUB, XSUB: * ? [a-z] [^a] \x. Live */
#define SLK_PUNSUBSCRIBE 82 /* as above */
#define SLK_TOPICS_COUNT 80 /* int, get only; PUB, XPUB, SUB, XSUB: different topics */
#define SLK_XPUB_VERBOSE 40 /* flag, set only, 0; PUB, XPUB. Live: reports each subscription */
#define SLK_XPUB_VERBOSER 78 /* flag, set only, 0; PUB, XPUB. Live: and each end of one */
#define SLK_XPUB_NODROP 69 /* flag, 0; PUB, XPUB. Live: waits for peers that are full */
#define SLK_XPUB_MANUAL 71 /* flag, set only, 0; XPUB. Live: subscribe for the peers by hand */
#define SLK_XPUB_MANUAL_LAST_VALUE 70 /* flag, set only, 0; XPUB. Live: and send to one next */
#define SLK_XPUB_WELCOME_MSG 72 /* bytes, set only, none; XPUB. Live: for each new peer */
#define SLK_ONLY_FIRST_SUBSCRIBE 108 /* flag, set only, 0; XPUB, XSUB. Live: of several frames */
#define SLK_XSUB_VERBOSE_UNSUBSCRIBE 73 /* flag, set only, 0; XSUB. Live: passes on each one */
#define SLK_INVERT_MATCHING 60 /* flag, 0; PUB, XPUB, SUB, XSUB. Live: what does not match */
/*
 * Numbers of libzmq are taken as well, among them 14, FD: a descriptor that can be read while there
 * may be something to do for the socket; on Windows it is an event object.
 */
#define SLK_AUTH_ENABLED 200 /* reserved */
#define SLK_AUTH_TIMEOUT 201 /* reserved */
#define SLK_MONITOR_EVENTS 202 /* reserved */

/*
 * Sets an option. The value of an int has sizeof(int) bytes. SLK_EINVAL: the socket has no such
 * option, or it does not have such a value.
 */
SL_EXPORT int SL_CALL slk_setsockopt(slk_socket_t* socket, int option, const void* value,
                                     size_t len);
/* `*len`: the room for the value, which becomes its size. SLK_EINVAL. */
SL_EXPORT int SL_CALL slk_getsockopt(slk_socket_t* socket, int option, void* value, size_t* len);

/* --- Messages --- */

/* One frame. The MORE property tells whether others of the same message follow. */
typedef struct slk_msg_t slk_msg_t;

/* The flags of sending and receiving. */
#define SLK_DONTWAIT 1 /* SLK_EAGAIN instead of waiting */
#define SLK_SNDMORE 2 /* another frame of the same message follows */

/* A message of the library's, to be destroyed once. NULL: SLK_ENOMEM, SLK_EINVAL. */
SL_EXPORT slk_msg_t* SL_CALL slk_msg_new(void);
SL_EXPORT slk_msg_t* SL_CALL slk_msg_new_data(const void* data, size_t size);
SL_EXPORT void SL_CALL slk_msg_destroy(slk_msg_t* msg);
/*
 * The same in the caller's memory, of SLK_MSG_T_SIZE bytes (slk_ctx_get()) and aligned as a
 * pointer, and to be closed once.
 */
SL_EXPORT int SL_CALL slk_msg_init(slk_msg_t* msg);
SL_EXPORT int SL_CALL slk_msg_init_data(slk_msg_t* msg, const void* data, size_t size);
SL_EXPORT int SL_CALL slk_msg_close(slk_msg_t* msg);
/* The bytes may be written to, and stay where they are until the message changes. */
SL_EXPORT void* SL_CALL slk_msg_data(slk_msg_t* msg);
SL_EXPORT size_t SL_CALL slk_msg_size(slk_msg_t* msg);
/* Both replace what `dest` has. After a move `src` is empty. */
SL_EXPORT int SL_CALL slk_msg_copy(slk_msg_t* dest, slk_msg_t* src);
SL_EXPORT int SL_CALL slk_msg_move(slk_msg_t* dest, slk_msg_t* src);
/* The only property is 0, MORE: an int. */
SL_EXPORT int SL_CALL slk_msg_get(slk_msg_t* msg, int property, void* value, size_t* len);
SL_EXPORT int SL_CALL slk_msg_set(slk_msg_t* msg, int property, const void* value, size_t len);
/* A number of 4 bytes that the message carries, and that is not 0; it is nothing of a ROUTER's. */
SL_EXPORT int SL_CALL slk_msg_set_routing_id(slk_msg_t* msg, const void* id, size_t size);
SL_EXPORT int SL_CALL slk_msg_get_routing_id(slk_msg_t* msg, void* id, size_t* size);

/*
 * Sends one frame, and returns `len`. A message goes out with its last frame, whole or not at all.
 * To a ROUTER the first frame names the peer. SLK_EAGAIN, SLK_ETERM, SLK_EHOSTUNREACH, SLK_ENOMEM,
 * ENOTSUP (the type does not send).
 */
SL_EXPORT int SL_CALL slk_send(slk_socket_t* socket, const void* data, size_t len, int flags);
/*
 * Receives one frame, and returns its size, which may be more than the `len` bytes that are stored
 * at most. SLK_EAGAIN, SLK_ETERM, ENOTSUP (the type does not receive).
 */
SL_EXPORT int SL_CALL slk_recv(slk_socket_t* socket, void* buf, size_t len, int flags);
/* As slk_send(); on success the message is empty, else it is as before. Returns 0. */
SL_EXPORT int SL_CALL slk_msg_send(slk_msg_t* msg, slk_socket_t* socket, int flags);
/* As slk_recv(), and replaces what the message has. Returns 0. */
SL_EXPORT int SL_CALL slk_msg_recv(slk_msg_t* msg, slk_socket_t* socket, int flags);
/* ROUTER: sends `data` to one peer, and returns `data_len`. */
SL_EXPORT int SL_CALL slk_send_to(slk_socket_t* socket, const void* routing_id, size_t id_len,
                                  const void* data, size_t data_len, int flags);

/* --- Polling --- */

#define SLK_POLLIN 1 /* a frame can be received; a descriptor can be read */
#define SLK_POLLOUT 2 /* a message can be sent; a descriptor can be written */
#define SLK_POLLERR 4 /* descriptors only: an error */

/* A socket; or, where that is NULL, a descriptor. */
typedef struct slk_pollitem_t {
    slk_socket_t* socket; /* or NULL */
    int fd; /* a descriptor, if there is no socket */
    short events; /* SLK_POLLIN and others: to wait for */
    short revents; /* those that have come, set by slk_poll() */
} slk_pollitem_t;

/*
 * Waits up to `timeout` ms (-1: for ever) until at least one item is ready, and returns how many
 * are; 0 when the time is over. Signals do not end it. SLK_EINVAL, SLK_ETERM.
 */
SL_EXPORT int SL_CALL slk_poll(slk_pollitem_t* items, int nitems, long timeout);

/* Of a socket `fd` is -1, of a descriptor `socket` is NULL. */
typedef struct slk_poller_event_t {
    void* socket; /* of the item */
    slk_fd_t fd; /* of the item */
    void* user_data; /* as it was added */
    short events; /* those that have come */
} slk_poller_event_t;

/*
 * A poller keeps its items. Its functions set errno: EFAULT (no poller, no events), EINVAL (an item
 * is there already, or is not there; events), ENOTSOCK (a socket that is NULL or none), EBADF (no
 * descriptor), ENOMEM. Remove a socket before it is closed.
 */
SL_EXPORT void* SL_CALL slk_poller_new(void);
SL_EXPORT int SL_CALL slk_poller_destroy(void** poller);
SL_EXPORT int SL_CALL slk_poller_size(void* poller);
SL_EXPORT int SL_CALL slk_poller_add(void* poller, void* socket, void* user_data, short events);
SL_EXPORT int SL_CALL slk_poller_modify(void* poller, void* socket, short events);
SL_EXPORT int SL_CALL slk_poller_remove(void* poller, void* socket);
SL_EXPORT int SL_CALL slk_poller_add_fd(void* poller, slk_fd_t fd, void* user_data, short events);
SL_EXPORT int SL_CALL slk_poller_modify_fd(void* poller, slk_fd_t fd, short events);
SL_EXPORT int SL_CALL slk_poller_remove_fd(void* poller, slk_fd_t fd);
/* Waits for one event: returns 0, or -1 and clears it. When the time is over: EAGAIN. */
SL_EXPORT int SL_CALL slk_poller_wait(void* poller, slk_poller_event_t* event, long timeout);
/* Waits for events, and returns how many there are; the others are cleared. As above. */
SL_EXPORT int SL_CALL slk_poller_wait_all(void* poller, slk_poller_event_t* events, int n_events,
                                          long timeout);
/* There is no such descriptor: -1 with EINVAL. */
SL_EXPORT int SL_CALL slk_poller_fd(void* poller, slk_fd_t* fd);

/* --- Proxies --- */

/*
 * Moves messages between two sockets, both ways, and returns only with an error: SLK_ETERM. Each
 * frame is copied to `capture`, unless it is NULL.
 */
SL_EXPORT int SL_CALL slk_proxy(void* frontend, void* backend, void* capture);
/*
 * The same until `control` receives TERMINATE; then it returns 0. PAUSE and RESUME are answered
 * with an empty message, and STATISTICS with 8 frames of an uint64_t each: messages and bytes
 * received and messages and bytes sent by `frontend`, and the same for `backend`.
 */
SL_EXPORT int SL_CALL slk_proxy_steerable(void* frontend, void* backend, void* capture,
                                          void* control);

/* --- Peers and events --- */

/* ROUTER: 1 if there is a peer with that routing id, 0 if not. Others: ENOTSUP. */
SL_EXPORT int SL_CALL slk_is_connected(slk_socket_t* socket, const void* routing_id, size_t id_len);

/* What has gone between a ROUTER and one of its peers. */
typedef struct slk_peer_stats_t {
    uint64_t bytes_sent; /* of the messages */
    uint64_t bytes_received; /* of the messages */
    uint64_t msgs_sent; /* as the program has sent them */
    uint64_t msgs_received; /* as the program has received them */
    uint64_t connected_time; /* ms since the connection came up */
    uint64_t last_heartbeat; /* ms since 1970 of the last PING or PONG; 0: none */
    int is_alive; /* 1: connected */
} slk_peer_stats_t;

/* ROUTER: SLK_EHOSTUNREACH if there is no such peer. Others: SLK_EPROTO. */
SL_EXPORT int SL_CALL slk_get_peer_stats(slk_socket_t* socket, const void* routing_id,
                                         size_t id_len, slk_peer_stats_t* stats);
/*
 * ROUTER: stores routing ids, each in memory of its own, and their sizes (unless `id_lens` is
 * NULL); at most `*num_peers`, which becomes their number. Others: SLK_EPROTO.
 */
SL_EXPORT int SL_CALL slk_get_peers(slk_socket_t* socket, void** peer_ids, size_t* id_lens,
                                    size_t* num_peers);
/* Frees the routing ids, and clears the entries. The arrays are the caller's. */
SL_EXPORT void SL_CALL slk_free_peers(void** peer_ids, size_t* id_lens, size_t num_peers);

/* The events of a socket. */
#define SLK_EVENT_CONNECTED 1 /* the handshake is over */
#define SLK_EVENT_DISCONNECTED 2 /* the connection has ended */
#define SLK_EVENT_ACCEPTED 3 /* a connection has come */
#define SLK_EVENT_BIND_FAILED 4 /* slk_bind() has failed */
#define SLK_EVENT_LISTENING 5 /* slk_bind() has succeeded */
#define SLK_EVENT_CLOSED 6 /* a listener has ended, or a try to connect has */
#define SLK_EVENT_HANDSHAKE_START 7 /* a handshake begins */
#define SLK_EVENT_HANDSHAKE_OK 8 /* it is over */
#define SLK_EVENT_HANDSHAKE_FAIL 9 /* it has failed */
#define SLK_EVENT_HEARTBEAT_OK 10 /* a PING was answered */
#define SLK_EVENT_HEARTBEAT_FAIL 11 /* a PING was not answered in time */
#define SLK_EVENT_ALL 0xFFFF /* all of them, as a mask */

/* What it refers to lives as long as the callback. */
typedef struct slk_event_t {
    int event; /* SLK_EVENT_... */
    const void* peer_id; /* NULL: not known */
    size_t peer_id_len; /* bytes of peer_id */
    const char* endpoint; /* of this socket; NULL: not known */
    int err; /* 0, or as slk_errno() has it */
    uint64_t timestamp; /* ms since 1970 */
} slk_event_t;

/* Is called with each event. */
typedef void(SL_CALL* slk_monitor_fn)(slk_socket_t* socket, const slk_event_t* event,
                                      void* user_data);

/*
 * Calls `callback` for each event e with the bit 1 << e in `events`; on a thread of the library, or
 * in a call on the socket. It must not wait, and must not use that socket. A socket has one, which
 * another one replaces. After this call with NULL, or slk_close(), it is not called any more.
 */
SL_EXPORT int SL_CALL slk_socket_monitor(slk_socket_t* socket, slk_monitor_fn callback,
                                         void* user_data, int events);

/* --- Utilities --- */

/* Microseconds, of a clock that never goes back. */
SL_EXPORT uint64_t SL_CALL slk_clock(void);
/* Sleeps for at least that time. */
SL_EXPORT void SL_CALL slk_sleep(int ms);
/* 1 for "ipc" where there is ipc; 0 for everything else. */
SL_EXPORT int SL_CALL slk_has(const char* capability);

/* A number that several threads may count; only `set` is not for several at a time. */
SL_EXPORT void* SL_CALL slk_atomic_counter_new(void);
SL_EXPORT void SL_CALL slk_atomic_counter_set(void* counter, int value);
/* Returns the number before. */
SL_EXPORT int SL_CALL slk_atomic_counter_inc(void* counter);
/* Returns the number after. */
SL_EXPORT int SL_CALL slk_atomic_counter_dec(void* counter);
SL_EXPORT int SL_CALL slk_atomic_counter_value(void* counter);
SL_EXPORT void SL_CALL slk_atomic_counter_destroy(void** counter);

/* Microseconds since the start. `stop` frees the stopwatch. */
SL_EXPORT void* SL_CALL slk_stopwatch_start(void);
SL_EXPORT unsigned long SL_CALL slk_stopwatch_intermediate(void* watch);
SL_EXPORT unsigned long SL_CALL slk_stopwatch_stop(void* watch);

/* Is called when a timer is due. */
typedef void(SL_CALL* slk_timer_fn)(int timer_id, void* arg);

/* Their functions set errno: EFAULT (no timers, no handler), EINVAL (no such id), ENOMEM. */
SL_EXPORT void* SL_CALL slk_timers_new(void);
SL_EXPORT int SL_CALL slk_timers_destroy(void** timers);
/* Returns the id of a timer that is due again and again until it is cancelled. */
SL_EXPORT int SL_CALL slk_timers_add(void* timers, size_t interval_ms, slk_timer_fn handler,
                                     void* arg);
SL_EXPORT int SL_CALL slk_timers_cancel(void* timers, int timer_id);
/* Both begin the interval anew. */
SL_EXPORT int SL_CALL slk_timers_set_interval(void* timers, int timer_id, size_t interval_ms);
SL_EXPORT int SL_CALL slk_timers_reset(void* timers, int timer_id);
/* Returns the ms until the next one is due; -1: there is none. */
SL_EXPORT long SL_CALL slk_timers_timeout(void* timers);
/* Calls the handlers that are due, once each. A handler may add, change and cancel timers. */
SL_EXPORT int SL_CALL slk_timers_execute(void* timers);

/* --- Publish and subscribe, extended --- */

/*
 * The topics of the context's PUB and XPUB sockets that have a subscriber and match the pattern
 * (NULL, "", "*": all), in memory to be freed by slk_pubsub_channels_free().
 */
SL_EXPORT int SL_CALL slk_pubsub_channels(slk_ctx_t* ctx, const char* pattern, char*** channels,
                                          size_t* count);
SL_EXPORT void SL_CALL slk_pubsub_channels_free(char** channels, size_t count);
/* Stores the number of subscribed connections of each channel. */
SL_EXPORT int SL_CALL slk_pubsub_numsub(slk_ctx_t* ctx, const char** channels, size_t count,
                                        size_t* numsub);
/* Returns the number of patterns that the context's sockets have subscribed to. */
SL_EXPORT int SL_CALL slk_pubsub_numpat(slk_ctx_t* ctx);

/*
 * Channels of one process, spread over several publishers. Any thread may call it; the SUB is used
 * by the calling thread.
 */
typedef struct slk_sharded_pubsub_t slk_sharded_pubsub_t;

/* 1 to 1024 shards. */
SL_EXPORT slk_sharded_pubsub_t* SL_CALL slk_sharded_pubsub_new(slk_ctx_t* ctx, int shard_count);
SL_EXPORT int SL_CALL slk_sharded_pubsub_destroy(slk_sharded_pubsub_t** shards);
/* Sends two frames, the channel and the data, and returns `len`. */
SL_EXPORT int SL_CALL slk_spublish(slk_sharded_pubsub_t* shards, const char* channel,
                                   const void* data, size_t len);
SL_EXPORT int SL_CALL slk_ssubscribe(slk_sharded_pubsub_t* shards, slk_socket_t* sub,
                                     const char* channel);
SL_EXPORT int SL_CALL slk_sunsubscribe(slk_sharded_pubsub_t* shards, slk_socket_t* sub,
                                       const char* channel);
SL_EXPORT int SL_CALL slk_sharded_pubsub_set_hwm(slk_sharded_pubsub_t* shards, int hwm);

/* An XSUB at `frontend` for publishers, an XPUB at `backend` for subscribers, and a proxy. */
typedef struct slk_pubsub_broker_t slk_pubsub_broker_t;

/* Binds nothing yet. NULL: SLK_EINVAL, SLK_ENOMEM. */
SL_EXPORT slk_pubsub_broker_t* SL_CALL slk_pubsub_broker_new(slk_ctx_t* ctx, const char* frontend,
                                                             const char* backend);
/* Runs in this thread until the broker is stopped. */
SL_EXPORT int SL_CALL slk_pubsub_broker_run(slk_pubsub_broker_t* broker);
/* Runs in a thread of its own, and returns when both endpoints are bound. */
SL_EXPORT int SL_CALL slk_pubsub_broker_start(slk_pubsub_broker_t* broker);
/* Any thread, any number of times. */
SL_EXPORT int SL_CALL slk_pubsub_broker_stop(slk_pubsub_broker_t* broker);
SL_EXPORT int SL_CALL slk_pubsub_broker_destroy(slk_pubsub_broker_t** broker);
/* Stores the number of messages that were passed on. */
SL_EXPORT int SL_CALL slk_pubsub_broker_stats(slk_pubsub_broker_t* broker, size_t* messages);

/* Channels that are spread over several XPUBs, the nodes, which need not be up yet. */
typedef struct slk_pubsub_cluster_t slk_pubsub_cluster_t;

/* Without nodes. NULL: SLK_EINVAL, SLK_ENOMEM. */
SL_EXPORT slk_pubsub_cluster_t* SL_CALL slk_pubsub_cluster_new(slk_ctx_t* ctx);
/* Ends its connections. NULL, or a cluster that is NULL: does nothing. */
SL_EXPORT void SL_CALL slk_pubsub_cluster_destroy(slk_pubsub_cluster_t** cluster);
/* EEXIST: it is there already. */
SL_EXPORT int SL_CALL slk_pubsub_cluster_add_node(slk_pubsub_cluster_t* cluster,
                                                  const char* endpoint);
/* ENOENT: there is none. */
SL_EXPORT int SL_CALL slk_pubsub_cluster_remove_node(slk_pubsub_cluster_t* cluster,
                                                     const char* endpoint);
/* Stores the endpoints, in memory to be freed by slk_pubsub_cluster_nodes_free(). */
SL_EXPORT int SL_CALL slk_pubsub_cluster_nodes(slk_pubsub_cluster_t* cluster, char*** nodes,
                                               size_t* count);
SL_EXPORT void SL_CALL slk_pubsub_cluster_nodes_free(char** nodes, size_t count);
SL_EXPORT int SL_CALL slk_pubsub_cluster_subscribe(slk_pubsub_cluster_t* cluster,
                                                   const char* channel);
SL_EXPORT int SL_CALL slk_pubsub_cluster_unsubscribe(slk_pubsub_cluster_t* cluster,
                                                     const char* channel);
SL_EXPORT int SL_CALL slk_pubsub_cluster_psubscribe(slk_pubsub_cluster_t* cluster,
                                                    const char* pattern);
SL_EXPORT int SL_CALL slk_pubsub_cluster_punsubscribe(slk_pubsub_cluster_t* cluster,
                                                      const char* pattern);
/* Sends the channel and the data to the channel's node. SLK_EHOSTUNREACH: there are no nodes. */
SL_EXPORT int SL_CALL slk_pubsub_cluster_publish(slk_pubsub_cluster_t* cluster, const char* channel,
                                                 const void* data, size_t len);
/*
 * Receives a message, and returns the size of its data. The lengths are the room, and become the
 * sizes. SLK_EAGAIN.
 */
SL_EXPORT int SL_CALL slk_pubsub_cluster_recv(slk_pubsub_cluster_t* cluster, char* channel,
                                              size_t* channel_len, void* data, size_t* data_len,
                                              int flags);

#ifdef __cplusplus
}
#endif

#endif
