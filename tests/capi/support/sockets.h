/* SPDX-License-Identifier: MPL-2.0 */
#ifndef SLK_TESTS_CAPI_SOCKETS_H
#define SLK_TESTS_CAPI_SOCKETS_H

/* Sockets, endpoints and messages in a line each. What must not fail ends the case if it does. */

#include "harness.h"

#include <serverlink/serverlink.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers without a macro in serverlink.h. */
enum {
    opt_affinity = 4,
    opt_rcvmore = 13,
    opt_fd = 14,
    opt_events = 15,
    opt_type = 16,
    opt_maxmsgsize = 22,
    opt_immediate = 39,
    opt_ipv6 = 42,
    opt_probe_router = 51,
    opt_tos = 57,
    opt_handshake_ivl = 66,
    ctx_opt_ipv6 = 42,
    ctx_opt_blocky = 70,
    property_more = 0
};

/* The platform's numbers of chapter 2. */
#ifdef _WIN32
enum {
    sys_eaddrinuse = 10048,
    sys_eacces = 10013,
    sys_eaddrnotavail = 10049,
    sys_enodev = 19,
    sys_eprotonosupport = 10043,
    sys_enoent = 2,
    sys_enametoolong = 38,
    sys_enotsup = 129,
    sys_emfile = 24
};
#else
enum {
    sys_eaddrinuse = 98,
    sys_eacces = 13,
    sys_eaddrnotavail = 99,
    sys_enodev = 19,
    sys_eprotonosupport = 93,
    sys_enoent = 2,
    sys_enametoolong = 36,
    sys_enotsup = 95,
    sys_emfile = 24,
    sys_eintr = 4
};
#endif

/* A step that takes longer than this has failed. */
enum { patience_ms = SLOW_BUILD ? 30000 : 10000 };

enum { endpoint_size = 256 };
typedef char endpoint_text[endpoint_size];

typedef enum transport { transport_tcp, transport_ipc, transport_inproc } transport;

slk_ctx_t* new_context(void);
slk_socket_t* open_socket(slk_ctx_t* ctx, int type);
/* With the routing id. */
slk_socket_t* open_named(slk_ctx_t* ctx, int type, const char* name);
/* Whether a ROUTER has a peer of that routing id. */
int knows(slk_socket_t* router, const char* name);
/* slk_close(), which must succeed. */
void close_socket(slk_socket_t* socket);

void set_int(slk_socket_t* socket, int option, int value);
int get_int(slk_socket_t* socket, int option);
void set_bytes(slk_socket_t* socket, int option, const void* value, size_t size);
/* The value without the NUL, of SLK_LAST_ENDPOINT. */
void last_endpoint(slk_socket_t* socket, endpoint_text out);

/* 0 where ipc is not available. */
int has_transport(transport kind);
const char* transport_name(transport kind);
/* An endpoint that nothing is bound to; the port of tcp was free a moment ago. */
void free_endpoint(transport kind, endpoint_text out);
/* Binds to an address of that kind, and stores what to connect to. */
void bind_to(slk_socket_t* socket, transport kind, endpoint_text out);
void bind_tcp(slk_socket_t* socket, endpoint_text out);
void bind_ipc(slk_socket_t* socket, endpoint_text out);
void bind_inproc(slk_socket_t* socket, endpoint_text out);
void bind_at(slk_socket_t* socket, const char* endpoint);
void connect_to(slk_socket_t* socket, const char* endpoint);

/* The body once for each transport that there is. */
#define FOR_EACH_TRANSPORT(kind)                                                                   \
    for ((kind) = transport_tcp; (kind) <= transport_inproc; (kind) = (transport)((kind) + 1))     \
        if (has_transport(kind))

/* Sends a frame of text, which must succeed. */
#define SEND_TEXT(socket, text, flags) test_send_text(__FILE__, __LINE__, socket, text, flags)
/* The next frame comes within `patience_ms` and has this text. */
#define CHECK_RECV(socket, text) test_recv(__FILE__, __LINE__, socket, text, strlen(text), -1)
#define CHECK_RECV_BYTES(socket, bytes, size) test_recv(__FILE__, __LINE__, socket, bytes, size, -1)
/* And it is followed by other frames of the same message, or is not. */
#define CHECK_RECV_MORE(socket, text) test_recv(__FILE__, __LINE__, socket, text, strlen(text), 1)
#define CHECK_RECV_LAST(socket, text) test_recv(__FILE__, __LINE__, socket, text, strlen(text), 0)
/* Nothing can be received now, nor during the next `ms`. */
#define CHECK_NOTHING(socket, ms) test_nothing(__FILE__, __LINE__, socket, ms)

void test_send_text(const char* file, int line, slk_socket_t* socket, const char* text, int flags);
void test_recv(const char* file, int line, slk_socket_t* socket, const void* bytes, size_t size,
               int more);
void test_nothing(const char* file, int line, slk_socket_t* socket, int ms);

/*
 * Receives a frame into `buffer` and returns its size; -1 if none has come within `ms`. Does not
 * touch the options.
 */
int recv_within(slk_socket_t* socket, void* buffer, size_t room, int ms);
/* Receives frames until none has come for `quiet_ms`, and returns their number. */
int drain(slk_socket_t* socket, int quiet_ms);
/* Sends 1-byte messages without waiting until one is refused, at most `limit`; returns the number.
 */
int fill(slk_socket_t* socket, int limit);

/* Two PAIRs that are connected through `kind`, both ways tried out. */
typedef struct connected_pair {
    slk_ctx_t* ctx;
    slk_socket_t* bound;
    slk_socket_t* connected;
    endpoint_text endpoint;
} connected_pair;

void open_pair(connected_pair* pair, transport kind);
void close_pair(connected_pair* pair);

#ifdef __cplusplus
}
#endif

#endif
