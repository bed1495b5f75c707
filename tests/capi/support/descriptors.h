/* SPDX-License-Identifier: MPL-2.0 */
#ifndef SLK_TESTS_CAPI_DESCRIPTORS_H
#define SLK_TESTS_CAPI_DESCRIPTORS_H

/* Sockets of the system, without serverlink. What must not fail ends the case if it does. */

#include "harness.h"

#include <serverlink/serverlink.h>

#ifdef __cplusplus
extern "C" {
#endif

/* No descriptor. */
#define NO_DESCRIPTOR ((slk_fd_t) - 1)

/* Two that are connected with each other, over tcp. */
void descriptor_pair(slk_fd_t* a, slk_fd_t* b);
/* Connects to the port of a tcp endpoint of 127.0.0.1. */
slk_fd_t connect_descriptor(const char* endpoint);
/* Listens on 127.0.0.1, and stores the endpoint. */
slk_fd_t listen_descriptor(char* endpoint, size_t room);
slk_fd_t accept_descriptor(slk_fd_t listener);
void write_descriptor(slk_fd_t descriptor, const void* bytes, size_t size);
/* Reads that many bytes, or returns 0 if the other side ends before or is silent for long. */
int read_descriptor(slk_fd_t descriptor, void* bytes, size_t size);
/* Waits until the other side has closed, and reads what it sends until then. */
int until_closed(slk_fd_t descriptor);
void close_descriptor(slk_fd_t descriptor);

/* The handshake of ZMTP 3.1 without security, as a socket of `type` ("DEALER"); returns 1. */
int shake_hands(slk_fd_t descriptor, const char* type);

#ifdef __cplusplus
}
#endif

#endif
