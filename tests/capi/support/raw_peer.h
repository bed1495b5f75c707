/* SPDX-License-Identifier: MPL-2.0 */
#ifndef SLK_TESTS_CAPI_RAW_PEER_H
#define SLK_TESTS_CAPI_RAW_PEER_H

/*
 * A peer on the bare sockets of the system, which does what no socket of the library would: it
 * stops in the middle of a message, is silent, or ends the connection.
 */

#include "sockets.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A socket of the system; on Windows too it fits. */
typedef slk_fd_t raw_socket;

/* Listens on a free port. */
raw_socket raw_listen(endpoint_text out);
/* Returns 0 if nobody comes within that time. */
int raw_accept(raw_socket listener, raw_socket* out, int ms);
/* Connects to tcp://127.0.0.1:PORT. */
raw_socket raw_connect(const char* endpoint);
void raw_close(raw_socket socket);
void raw_send(raw_socket socket, const void* bytes, size_t size);
/* Returns 0 unless exactly that many bytes come within that time. */
int raw_recv(raw_socket socket, void* bytes, size_t size, int ms);
/* Returns 1 if the other side ends the connection within that time; skips what it sends. */
int raw_is_closed(raw_socket socket, int ms);

/* Greeting and READY of such a type ("DEALER"), and reads the peer's. An identity may be NULL. */
void raw_handshake(raw_socket socket, const char* type, const char* identity);
/* The same without reading. */
void raw_introduce(raw_socket socket, const char* type, const char* identity);

enum { frame_more = 1, frame_long = 2, frame_command = 4 };
void raw_send_frame(raw_socket socket, int flags, const void* bytes, size_t size);
/* Returns the size of the body, up to `room` bytes of which are stored; -1 if none comes. */
int raw_recv_frame(raw_socket socket, int* flags, void* bytes, size_t room, int ms);

#ifdef __cplusplus
}
#endif

#endif
