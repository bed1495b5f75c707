/* SPDX-License-Identifier: MPL-2.0 */
#include "sockets.h"

#include "../../support/quiet_port.h"

#include <errno.h>
#include <stdio.h>

slk_ctx_t* new_context(void)
{
    slk_ctx_t* ctx = slk_ctx_new();
    REQUIRE(ctx != NULL);
    return ctx;
}

slk_socket_t* open_socket(slk_ctx_t* ctx, int type)
{
    slk_socket_t* socket = slk_socket(ctx, type);
    if (socket == NULL)
        REQUIRE_INT(slk_errno(), 0);
    REQUIRE(socket != NULL);
    return socket;
}

slk_socket_t* open_named(slk_ctx_t* ctx, int type, const char* name)
{
    slk_socket_t* socket = open_socket(ctx, type);
    set_bytes(socket, SLK_ROUTING_ID, name, strlen(name));
    return socket;
}

int knows(slk_socket_t* router, const char* name)
{
    return slk_is_connected(router, name, strlen(name)) == 1;
}

void close_socket(slk_socket_t* socket)
{
    CHECK_INT(slk_close(socket), 0);
}

void set_int(slk_socket_t* socket, int option, int value)
{
    if (slk_setsockopt(socket, option, &value, sizeof value) != 0) {
        char text[80];
        snprintf(text, sizeof text, "option %d is set to %d", option, value);
        test_check(__FILE__, __LINE__, text, 0, 1);
    }
}

int get_int(slk_socket_t* socket, int option)
{
    int value = -12345;
    size_t size = sizeof value;
    if (slk_getsockopt(socket, option, &value, &size) != 0 || size != sizeof value) {
        char text[80];
        snprintf(text, sizeof text, "option %d can be read", option);
        test_check(__FILE__, __LINE__, text, 0, 1);
    }
    return value;
}

void set_bytes(slk_socket_t* socket, int option, const void* value, size_t size)
{
    REQUIRE_INT(slk_setsockopt(socket, option, value, size), 0);
}

void last_endpoint(slk_socket_t* socket, endpoint_text out)
{
    size_t size = endpoint_size;
    REQUIRE_INT(slk_getsockopt(socket, SLK_LAST_ENDPOINT, out, &size), 0);
    REQUIRE(size > 0 && size <= endpoint_size);
    REQUIRE_INT(out[size - 1], 0);
    REQUIRE_INT(strlen(out), size - 1);
}

/* --- Endpoints --- */

/* Tried out, and not asked for: Windows may lack it. */
static int has_ipc(void)
{
    static int known = -1;
    if (known < 0) {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
        endpoint_text endpoint;
        free_endpoint(transport_ipc, endpoint);
        known = slk_bind(socket, endpoint) == 0;
        close_socket(socket);
        slk_ctx_destroy(ctx);
    }
    return known;
}

int has_transport(transport kind)
{
    return kind != transport_ipc || has_ipc();
}

const char* transport_name(transport kind)
{
    static const char* const names[] = {"tcp", "ipc", "inproc"};
    return names[kind];
}

void free_endpoint(transport kind, endpoint_text out)
{
    static int last_number;
    const int number = ++last_number;
    if (kind == transport_tcp) {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
        do
            snprintf(out, endpoint_size, "tcp://127.0.0.1:%u", (unsigned)next_quiet_port());
        while (slk_bind(socket, out) != 0 && slk_errno() == EADDRINUSE);
        close_socket(socket);
        slk_ctx_destroy(ctx);
    } else if (kind == transport_ipc) {
        snprintf(out, endpoint_size, "ipc://%s/%d", scratch_folder(), number);
    } else {
        snprintf(out, endpoint_size, "inproc://name-%d", number);
    }
}

void bind_at(slk_socket_t* socket, const char* endpoint)
{
    const int result = slk_bind(socket, endpoint);
    if (result != 0) {
        char text[endpoint_size + 80];
        snprintf(text, sizeof text, "slk_bind() to %s (slk_errno() %d)", endpoint, slk_errno());
        test_check(__FILE__, __LINE__, text, 0, 1);
    }
}

void connect_to(slk_socket_t* socket, const char* endpoint)
{
    const int result = slk_connect(socket, endpoint);
    if (result != 0) {
        char text[endpoint_size + 80];
        snprintf(text, sizeof text, "slk_connect() to %s (slk_errno() %d)", endpoint, slk_errno());
        test_check(__FILE__, __LINE__, text, 0, 1);
    }
}

void bind_tcp(slk_socket_t* socket, endpoint_text out)
{
    bind_at(socket, "tcp://127.0.0.1:*");
    last_endpoint(socket, out);
}

void bind_ipc(slk_socket_t* socket, endpoint_text out)
{
    free_endpoint(transport_ipc, out);
    bind_at(socket, out);
}

void bind_inproc(slk_socket_t* socket, endpoint_text out)
{
    free_endpoint(transport_inproc, out);
    bind_at(socket, out);
}

void bind_to(slk_socket_t* socket, transport kind, endpoint_text out)
{
    if (kind == transport_tcp)
        bind_tcp(socket, out);
    else if (kind == transport_ipc)
        bind_ipc(socket, out);
    else
        bind_inproc(socket, out);
}

/* --- Messages --- */

void test_send_text(const char* file, int line, slk_socket_t* socket, const char* text, int flags)
{
    const int size = (int)strlen(text);
    const int result = slk_send(socket, text, (size_t)size, flags);
    if (result != size) {
        char message[256];
        snprintf(message, sizeof message, "slk_send() of \"%.40s\" returns %d (slk_errno() %d)",
                 text, result, slk_errno());
        test_check(file, line, message, 0, 1);
    }
}

int recv_within(slk_socket_t* socket, void* buffer, size_t room, int ms)
{
    const double end = now_ms() + ms;
    for (;;) {
        const int size = slk_recv(socket, buffer, room, SLK_DONTWAIT);
        if (size >= 0 || slk_errno() != SLK_EAGAIN || now_ms() >= end)
            return size;
        sleep_ms(1);
    }
}

void test_recv(const char* file, int line, slk_socket_t* socket, const void* bytes, size_t size,
               int more)
{
    unsigned char buffer[1024];
    const int received = recv_within(socket, buffer, sizeof buffer, patience_ms);
    if (received < 0) {
        char message[256];
        snprintf(message, sizeof message, "\"%.*s\" is received (slk_errno() %d)",
                 (int)(size > 100 ? 100 : size), (const char*)bytes, slk_errno());
        test_check(file, line, message, 0, 1);
        return;
    }
    test_check_bytes(file, line, "the received frame", buffer, (size_t)received, bytes, size);
    if (more >= 0)
        test_check_int(file, line, "MORE", get_int(socket, opt_rcvmore), more, 0);
}

void test_nothing(const char* file, int line, slk_socket_t* socket, int ms)
{
    char buffer[64] = "";
    const int received = recv_within(socket, buffer, sizeof buffer - 1, ms);
    char message[160];
    if (received < 0 && slk_errno() == SLK_EAGAIN)
        return;
    snprintf(message, sizeof message, "nothing is received, but %d bytes \"%s\" (slk_errno() %d)",
             received, buffer, slk_errno());
    test_check(file, line, message, 0, 0);
}

int drain(slk_socket_t* socket, int quiet_ms)
{
    int number = 0;
    while (recv_within(socket, NULL, 0, quiet_ms) >= 0)
        ++number;
    return number;
}

int fill(slk_socket_t* socket, int limit)
{
    int number = 0;
    while (number < limit && slk_send(socket, "x", 1, SLK_DONTWAIT) == 1)
        ++number;
    if (number < limit)
        CHECK_INT(slk_errno(), SLK_EAGAIN);
    return number;
}

/* --- Pairs --- */

void open_pair(connected_pair* pair, transport kind)
{
    pair->ctx = new_context();
    pair->bound = open_socket(pair->ctx, SLK_PAIR);
    pair->connected = open_socket(pair->ctx, SLK_PAIR);
    bind_to(pair->bound, kind, pair->endpoint);
    connect_to(pair->connected, pair->endpoint);
    SEND_TEXT(pair->connected, "there", 0);
    CHECK_RECV(pair->bound, "there");
    SEND_TEXT(pair->bound, "and back", 0);
    CHECK_RECV(pair->connected, "and back");
}

void close_pair(connected_pair* pair)
{
    close_socket(pair->bound);
    close_socket(pair->connected);
    slk_ctx_destroy(pair->ctx);
}
