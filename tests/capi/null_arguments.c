/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 2: NULL where something is needed is SLK_EINVAL, in one argument at a time. */
#include "sockets.h"

#include <stdint.h>

static void null_contexts(void)
{
    int value = 1;
    size_t size = sizeof value;
    CHECK_NULL(slk_socket(NULL, SLK_PAIR), SLK_EINVAL);
    CHECK_FAILS(slk_ctx_set(NULL, SLK_IO_THREADS, &value, sizeof value), SLK_EINVAL);
    CHECK_FAILS(slk_ctx_get(NULL, SLK_IO_THREADS, &value, &size), SLK_EINVAL);
    slk_ctx_destroy(NULL);
}

static void null_values_of_contexts(void)
{
    slk_ctx_t* ctx = new_context();
    int value = 1;
    size_t size = sizeof value;
    CHECK_FAILS(slk_ctx_set(ctx, SLK_IO_THREADS, NULL, sizeof value), SLK_EINVAL);
    CHECK_FAILS(slk_ctx_set(ctx, SLK_THREAD_NAME_PREFIX, NULL, 3), SLK_EINVAL);
    CHECK_FAILS(slk_ctx_set(ctx, SLK_THREAD_NAME_PREFIX, NULL, 0), SLK_EINVAL);
    CHECK_FAILS(slk_ctx_get(ctx, SLK_IO_THREADS, NULL, &size), SLK_EINVAL);
    CHECK_FAILS(slk_ctx_get(ctx, SLK_IO_THREADS, &value, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_ctx_get(ctx, SLK_THREAD_NAME_PREFIX, NULL, &size), SLK_EINVAL);
    slk_ctx_destroy(ctx);
}

static void null_sockets(void)
{
    int value = 1;
    size_t size = sizeof value;
    char buffer[8];
    slk_msg_t* message = slk_msg_new_data("kept", 4);
    CHECK_FAILS(slk_close(NULL), SLK_EINVAL);
    CHECK_FAILS(slk_bind(NULL, "inproc://x"), SLK_EINVAL);
    CHECK_FAILS(slk_connect(NULL, "inproc://x"), SLK_EINVAL);
    CHECK_FAILS(slk_disconnect(NULL, "inproc://x"), SLK_EINVAL);
    CHECK_FAILS(slk_unbind(NULL, "inproc://x"), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(NULL, SLK_LINGER, &value, sizeof value), SLK_EINVAL);
    CHECK_FAILS(slk_getsockopt(NULL, SLK_LINGER, &value, &size), SLK_EINVAL);
    CHECK_FAILS(slk_send(NULL, "x", 1, 0), SLK_EINVAL);
    CHECK_FAILS(slk_recv(NULL, buffer, sizeof buffer, 0), SLK_EINVAL);
    CHECK_FAILS(slk_msg_send(message, NULL, 0), SLK_EINVAL);
    CHECK_INT(slk_msg_size(message), 4);
    CHECK_FAILS(slk_msg_recv(message, NULL, 0), SLK_EINVAL);
    CHECK_INT(slk_msg_size(message), 4);
    CHECK_FAILS(slk_send_to(NULL, "id", 2, "x", 1, 0), SLK_EINVAL);
    CHECK_FAILS(slk_is_connected(NULL, "id", 2), SLK_EINVAL);
    slk_msg_destroy(message);
}

static void null_arguments_of_sockets(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_ROUTER);
    int value = 1;
    size_t size = sizeof value;
    CHECK_FAILS(slk_bind(socket, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_connect(socket, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_disconnect(socket, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_unbind(socket, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(socket, SLK_LINGER, NULL, sizeof value), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(socket, SLK_LINGER, NULL, 0), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(socket, SLK_ROUTING_ID, NULL, 3), SLK_EINVAL);
    CHECK_FAILS(slk_setsockopt(socket, SLK_ROUTING_ID, NULL, 0), SLK_EINVAL);
    CHECK_FAILS(slk_getsockopt(socket, SLK_LINGER, NULL, &size), SLK_EINVAL);
    CHECK_FAILS(slk_getsockopt(socket, SLK_LINGER, &value, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_getsockopt(socket, SLK_LAST_ENDPOINT, NULL, &size), SLK_EINVAL);
    CHECK_FAILS(slk_getsockopt(socket, SLK_ROUTING_ID, &value, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_send_to(socket, NULL, 2, "x", 1, 0), SLK_EINVAL);
    CHECK_FAILS(slk_send_to(socket, "id", 2, NULL, 1, 0), SLK_EINVAL);
    CHECK_FAILS(slk_is_connected(socket, NULL, 2), SLK_EINVAL);
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static void null_buffers(void)
{
    connected_pair pair;
    open_pair(&pair, transport_inproc);
    CHECK_FAILS(slk_send(pair.bound, NULL, 1, 0), SLK_EINVAL);
    CHECK_FAILS(slk_send(pair.bound, NULL, 1, SLK_SNDMORE), SLK_EINVAL);
    CHECK_FAILS(slk_recv(pair.bound, NULL, 1, SLK_DONTWAIT), SLK_EINVAL);
    /* Nothing of that was sent. */
    CHECK_INT(slk_send(pair.bound, NULL, 0, 0), 0);
    CHECK_RECV_LAST(pair.connected, "");
    CHECK_NOTHING(pair.connected, 0);
    /* Nor is anything received by a call that is refused. */
    SEND_TEXT(pair.bound, "kept", 0);
    CHECK_FAILS(slk_recv(pair.connected, NULL, 4, SLK_DONTWAIT), SLK_EINVAL);
    CHECK_RECV(pair.connected, "kept");
    close_pair(&pair);
}

static void null_messages(void)
{
    connected_pair pair;
    slk_msg_t* message = slk_msg_new_data("kept", 4);
    int value = 0;
    size_t size = sizeof value;
    uint32_t id = 7;
    open_pair(&pair, transport_inproc);
    CHECK_NULL(slk_msg_new_data(NULL, 1), SLK_EINVAL);
    CHECK_FAILS(slk_msg_init(NULL), SLK_EINVAL);
    CHECK_FAILS(slk_msg_init_data(NULL, "x", 1), SLK_EINVAL);
    CHECK_FAILS(slk_msg_close(NULL), SLK_EINVAL);
    CHECK(slk_msg_data(NULL) == NULL);
    CHECK_INT(slk_msg_size(NULL), 0);
    CHECK_FAILS(slk_msg_copy(NULL, message), SLK_EINVAL);
    CHECK_FAILS(slk_msg_copy(message, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_msg_move(NULL, message), SLK_EINVAL);
    CHECK_FAILS(slk_msg_move(message, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_msg_get(NULL, property_more, &value, &size), SLK_EINVAL);
    CHECK_FAILS(slk_msg_get(message, property_more, NULL, &size), SLK_EINVAL);
    CHECK_FAILS(slk_msg_get(message, property_more, &value, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_msg_set(NULL, property_more, &value, sizeof value), SLK_EINVAL);
    CHECK_FAILS(slk_msg_set(message, property_more, NULL, sizeof value), SLK_EINVAL);
    CHECK_FAILS(slk_msg_set_routing_id(NULL, &id, sizeof id), SLK_EINVAL);
    CHECK_FAILS(slk_msg_set_routing_id(message, NULL, sizeof id), SLK_EINVAL);
    CHECK_FAILS(slk_msg_get_routing_id(NULL, &id, &size), SLK_EINVAL);
    CHECK_FAILS(slk_msg_get_routing_id(message, NULL, &size), SLK_EINVAL);
    CHECK_FAILS(slk_msg_get_routing_id(message, &id, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_msg_send(NULL, pair.bound, 0), SLK_EINVAL);
    CHECK_FAILS(slk_msg_recv(NULL, pair.bound, SLK_DONTWAIT), SLK_EINVAL);
    slk_msg_destroy(NULL);
    CHECK_BYTES(slk_msg_data(message), slk_msg_size(message), "kept", 4);
    slk_msg_destroy(message);
    CHECK_NOTHING(pair.connected, 0);
    close_pair(&pair);
}

CASES(null_arguments) = {
    {"NULL for a context", null_contexts},
    {"NULL for the value of a context's option", null_values_of_contexts},
    {"NULL for a socket", null_sockets},
    {"NULL for an endpoint, a value or an identity", null_arguments_of_sockets},
    {"NULL for bytes", null_buffers},
    {"NULL for a message", null_messages},
    END_OF_CASES,
};
