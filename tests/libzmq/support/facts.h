/* SPDX-License-Identifier: MPL-2.0 */
#ifndef SLK_TESTS_LIBZMQ_FACTS_H
#define SLK_TESTS_LIBZMQ_FACTS_H

/*
 * Sockets of zmq.h in a line each. What must not fail ends the case if it does.
 *
 * The same program runs with the system's libzmq and with ours: LD_LIBRARY_PATH says which. A case
 * holds for both; where ours differs on purpose, it asks is_theirs(), and docs/libzmq.md has a row.
 */

#include "harness.h"

#include <zmq.h>

#include <errno.h>

/* 1: the program runs with the system's libzmq. */
int is_theirs(void);

enum { patience_ms = SLOW_BUILD ? 30000 : 8000, endpoint_size = 256 };
typedef char endpoint_text[endpoint_size];

/* A context whose sockets have LINGER 0. */
void* new_context(void);
void end_context(void* context);
void* open_socket(void* context, int type);
void close_socket(void* socket);

void set_int(void* socket, int option, int value);
int get_int(void* socket, int option);
/* ZMQ_FD */
zmq_fd_t descriptor_of(void* socket);
void set_bytes(void* socket, int option, const void* value, size_t size);
void last_endpoint(void* socket, endpoint_text out);
/* Events that the socket has now, of ZMQ_EVENTS. */
int events_of(void* socket);

void bind_at(void* socket, const char* endpoint);
void connect_to(void* socket, const char* endpoint);
/* Binds to a free port of 127.0.0.1, and stores what to connect to. */
void bind_tcp(void* socket, endpoint_text out);
/* Ends the case where there is no ipc. */
void bind_ipc(void* socket, endpoint_text out);
/* A name of inproc that is new in this process. */
void inproc_name(endpoint_text out);
/* A port of 127.0.0.1 that was free a moment ago. */
void free_tcp(endpoint_text out);

/* The socket can receive, or send, within `patience_ms`. */
int is_readable(void* socket, int ms);
int is_writable(void* socket, int ms);

#define SEND(socket, text, flags) test_send_text(__FILE__, __LINE__, socket, text, flags)
#define RECV(socket, text) test_recv(__FILE__, __LINE__, socket, text, strlen(text), -1)
#define RECV_BYTES(socket, bytes, size) test_recv(__FILE__, __LINE__, socket, bytes, size, -1)
#define RECV_MORE(socket, text) test_recv(__FILE__, __LINE__, socket, text, strlen(text), 1)
#define RECV_LAST(socket, text) test_recv(__FILE__, __LINE__, socket, text, strlen(text), 0)
/* Nothing comes during `ms`. */
#define NOTHING(socket, ms) CHECK(!is_readable(socket, ms))

void test_send_text(const char* file, int line, void* socket, const char* text, int flags);
void test_recv(const char* file, int line, void* socket, const void* bytes, size_t size, int more);
/* Receives a frame within `ms` into `buffer`; returns its size, or -1. */
int recv_within(void* socket, void* buffer, size_t room, int ms);
/* Sends without waiting until that is refused, at most `limit` times; returns the number. */
int fill(void* socket, int limit);
/* Receives all that comes until nothing has come for `quiet_ms`; returns the number of frames. */
int drain(void* socket, int quiet_ms);

/* Two sockets of one context that are connected, tried out for those that can. */
typedef struct two_sockets {
    void* context;
    void* bound;
    void* connected;
    endpoint_text endpoint;
} two_sockets;
/* `transport`: 't' tcp, 'i' ipc (tcp where there is none), 'p' inproc. */
void open_two(two_sockets* two, int bound_type, int connected_type, char transport);
void close_two(two_sockets* two);

/* A socket of the system. */
typedef zmq_fd_t raw_socket;
#define NO_SOCKET ((raw_socket) - 1)

/* One that is connected to tcp://127.0.0.1:PORT. */
raw_socket raw_connect(const char* endpoint);
/* A listening one at 127.0.0.1; stores its endpoint. */
raw_socket raw_listen(endpoint_text out);
raw_socket raw_accept(raw_socket listener);
/* There is something to read or to accept within `ms`. */
int raw_is_readable(raw_socket raw, int ms);
void raw_send(raw_socket raw, const void* bytes, size_t size);
/* Reads exactly `size` bytes within `patience_ms`; returns 0, or -1: it ended before. */
int raw_read(raw_socket raw, void* bytes, size_t size);
/* The peer ends the connection within `ms`. What it sends before is lost. */
int raw_is_closed(raw_socket raw, int ms);
void raw_close(raw_socket raw);
/* The system drops the connection. */
void raw_reset(raw_socket raw);

#endif
