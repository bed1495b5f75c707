/* SPDX-License-Identifier: MPL-2.0 */
#ifndef SLK_TESTS_CAPI_FRAMES_H
#define SLK_TESTS_CAPI_FRAMES_H

/*
 * Whole messages as texts: "news|hello" is a message of two frames, and ~ is a byte 0. So "~news"
 * is the end of the subscription "\1news". A function that returns 0 has printed why.
 */

#include "sockets.h"

#include <errno.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sends a message without waiting. */
int sends(slk_socket_t* socket, const char* text);
/* The next message is this one, and comes within `patience_ms`. */
int receives(slk_socket_t* socket, const char* text);
/* The same, and it is there already. */
int receives_now(slk_socket_t* socket, const char* text);
/* There is no message now. */
int receives_nothing(slk_socket_t* socket);
/* Receives the next message within `ms` and stores its text. 0: there is none. */
int next_message(slk_socket_t* socket, char* text, size_t room, int ms);

/* Sets a text as the value of an option, without its NUL; the result of slk_setsockopt(). */
int set_text(slk_socket_t* socket, int option, const char* text);
/* Binds one socket to some endpoint, and connects the other one to it. */
void join(slk_socket_t* bound, slk_socket_t* connected, transport kind);
/* A context with two such sockets; returns it. */
slk_ctx_t* open_joined(transport kind, int bound_type, slk_socket_t** bound, int connected_type,
                       slk_socket_t** connected);
/* The body for tcp, and for ipc where it is available. */
#define FOR_EACH_NETWORK(kind)                                                                     \
    for ((kind) = transport_tcp; (kind) <= transport_ipc; (kind) = (transport)((kind) + 1))        \
        if (has_transport(kind))

/* Waits until the number of topics of a PUB, XPUB, SUB or XSUB is this. */
int until_topics(slk_socket_t* socket, int count);
/* Waits until slk_poll() finds these events. */
int until_ready(slk_socket_t* socket, int events);
/* What slk_poll() finds now. */
int ready_now(slk_socket_t* socket);

/* The call of a poller or of timers fails with that errno, and leaves slk_errno() alone. */
#define CHECK_FAILS_WITH_ERRNO(call, number)                                                       \
    do {                                                                                           \
        const int test_before = slk_errno();                                                       \
        errno = 0;                                                                                 \
        CHECK_INT(call, -1);                                                                       \
        CHECK_INT(errno, number);                                                                  \
        CHECK_INT(slk_errno(), test_before);                                                       \
    } while (0)

#ifdef __cplusplus
}
#endif

#endif
