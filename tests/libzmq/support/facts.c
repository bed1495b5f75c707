/* SPDX-License-Identifier: MPL-2.0 */
#ifndef _WIN32
#define _POSIX_C_SOURCE 200809L
#endif

#include "facts.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef _WIN32
#include <winsock2.h>
typedef int address_size;
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>
typedef socklen_t address_size;
#endif

#include "../../support/quiet_port.h"

int test_errno(void)
{
    return zmq_errno();
}

void test_other_errno(int number)
{
    errno = number == ENOSYS ? EDOM : ENOSYS;
}

int is_theirs(void)
{
    const char* const which = getenv("SLK_LIBZMQ");
    return which != NULL && strcmp(which, "theirs") == 0;
}

void* new_context(void)
{
    void* const context = zmq_ctx_new();
    REQUIRE(context != NULL);
    REQUIRE_INT(zmq_ctx_set(context, ZMQ_BLOCKY, 0), 0);
    return context;
}

void end_context(void* context)
{
    CHECK_INT(zmq_ctx_term(context), 0);
}

void* open_socket(void* context, int type)
{
    void* const socket = zmq_socket(context, type);
    REQUIRE(socket != NULL);
    return socket;
}

void close_socket(void* socket)
{
    CHECK_INT(zmq_close(socket), 0);
}

void set_int(void* socket, int option, int value)
{
    REQUIRE_INT(zmq_setsockopt(socket, option, &value, sizeof value), 0);
}

int get_int(void* socket, int option)
{
    int value = -12345;
    size_t size = sizeof value;
    REQUIRE_INT(zmq_getsockopt(socket, option, &value, &size), 0);
    REQUIRE_INT(size, sizeof value);
    return value;
}

zmq_fd_t descriptor_of(void* socket)
{
    zmq_fd_t got = NO_SOCKET;
    size_t size = sizeof got;
    REQUIRE_INT(zmq_getsockopt(socket, ZMQ_FD, &got, &size), 0);
    REQUIRE_INT(size, sizeof got);
    return got;
}

void set_bytes(void* socket, int option, const void* value, size_t size)
{
    REQUIRE_INT(zmq_setsockopt(socket, option, value, size), 0);
}

void last_endpoint(void* socket, endpoint_text out)
{
    size_t size = endpoint_size;
    REQUIRE_INT(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, out, &size), 0);
    REQUIRE_INT(size, strlen(out) + 1);
}

int events_of(void* socket)
{
    return get_int(socket, ZMQ_EVENTS);
}

void bind_at(void* socket, const char* endpoint)
{
    REQUIRE_INT(zmq_bind(socket, endpoint), 0);
}

void connect_to(void* socket, const char* endpoint)
{
    REQUIRE_INT(zmq_connect(socket, endpoint), 0);
}

void bind_tcp(void* socket, endpoint_text out)
{
    bind_at(socket, "tcp://127.0.0.1:*");
    last_endpoint(socket, out);
}

void bind_ipc(void* socket, endpoint_text out)
{
    static int number;
    if (!zmq_has("ipc"))
        skip("no ipc");
    snprintf(out, endpoint_size, "ipc://%s/%d", scratch_folder(), ++number);
    bind_at(socket, out);
}

void inproc_name(endpoint_text out)
{
    static int number;
    snprintf(out, endpoint_size, "inproc://%d", ++number);
}

static int has_event(void* socket, short event, int ms)
{
    zmq_pollitem_t item;
    item.socket = socket;
    item.fd = NO_SOCKET;
    item.events = event;
    item.revents = 0;
    return zmq_poll(&item, 1, ms) == 1 && item.revents == event;
}

int is_readable(void* socket, int ms)
{
    return has_event(socket, ZMQ_POLLIN, ms);
}

int is_writable(void* socket, int ms)
{
    return has_event(socket, ZMQ_POLLOUT, ms);
}

void test_send_text(const char* file, int line, void* socket, const char* text, int flags)
{
    const int sent = zmq_send(socket, text, strlen(text), flags);
    if (sent != (int)strlen(text))
        test_check_int(file, line, "zmq_send()", sent, (long long)strlen(text), 1);
}

int recv_within(void* socket, void* buffer, size_t room, int ms)
{
    return is_readable(socket, ms) ? zmq_recv(socket, buffer, room, ZMQ_DONTWAIT) : -1;
}

void test_recv(const char* file, int line, void* socket, const void* bytes, size_t size, int more)
{
    char buffer[4096];
    const int got = recv_within(socket, buffer, sizeof buffer, patience_ms);
    if (got < 0) {
        test_check(file, line, "a message comes", 0, 1);
        return;
    }
    test_check_bytes(file, line, "the message", buffer, (size_t)got, bytes, size);
    if (more >= 0)
        test_check_int(file, line, "RCVMORE", get_int(socket, ZMQ_RCVMORE), more, 0);
}

int fill(void* socket, int limit)
{
    int sent = 0;
    while (sent < limit && zmq_send(socket, "x", 1, ZMQ_DONTWAIT) == 1)
        ++sent;
    return sent;
}

int drain(void* socket, int quiet_ms)
{
    char buffer[4096];
    int received = 0;
    while (recv_within(socket, buffer, sizeof buffer, quiet_ms) >= 0)
        ++received;
    return received;
}

void open_two(two_sockets* two, int bound_type, int connected_type, char transport)
{
    two->context = new_context();
    two->bound = open_socket(two->context, bound_type);
    two->connected = open_socket(two->context, connected_type);
    if (transport == 't' || (transport == 'i' && !zmq_has("ipc"))) {
        bind_tcp(two->bound, two->endpoint);
    } else if (transport == 'i') {
        bind_ipc(two->bound, two->endpoint);
    } else {
        inproc_name(two->endpoint);
        bind_at(two->bound, two->endpoint);
    }
    connect_to(two->connected, two->endpoint);
}

void close_two(two_sockets* two)
{
    close_socket(two->connected);
    close_socket(two->bound);
    end_context(two->context);
}

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static raw_socket open_raw(void)
{
    raw_socket raw;
#ifdef _WIN32
    WSADATA data;
    REQUIRE_INT(WSAStartup(MAKEWORD(2, 2), &data), 0);
#endif
    raw = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(raw != NO_SOCKET);
    return raw;
}

raw_socket raw_connect(const char* endpoint)
{
    const struct sockaddr_in address = loopback(atoi(strrchr(endpoint, ':') + 1));
    const raw_socket raw = open_raw();
    REQUIRE_INT(connect(raw, (const struct sockaddr*)&address, sizeof address), 0);
    return raw;
}

/* Returns NO_SOCKET if the port is in use. */
static raw_socket raw_listen_at(uint16_t port, endpoint_text out)
{
    struct sockaddr_in address = loopback(port);
    address_size size = sizeof address;
    const raw_socket raw = open_raw();
    if (bind(raw, (const struct sockaddr*)&address, sizeof address) != 0) {
        raw_close(raw);
        return NO_SOCKET;
    }
    REQUIRE_INT(listen(raw, 16), 0);
    REQUIRE_INT(getsockname(raw, (struct sockaddr*)&address, &size), 0);
    snprintf(out, endpoint_size, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
    return raw;
}

raw_socket raw_listen(endpoint_text out)
{
    const raw_socket listener = raw_listen_at(0, out);
    REQUIRE(listener != NO_SOCKET);
    return listener;
}

void free_tcp(endpoint_text out)
{
    raw_socket listener = NO_SOCKET;
    while (listener == NO_SOCKET)
        listener = raw_listen_at(next_quiet_port(), out);
    raw_close(listener);
}

int raw_is_readable(raw_socket raw, int ms)
{
    struct timeval limit;
    fd_set set;
    limit.tv_sec = ms / 1000;
    limit.tv_usec = ms % 1000 * 1000;
    FD_ZERO(&set);
    FD_SET(raw, &set);
    return select((int)raw + 1, &set, NULL, NULL, &limit) == 1;
}

raw_socket raw_accept(raw_socket listener)
{
    raw_socket raw;
    REQUIRE(raw_is_readable(listener, patience_ms));
    raw = accept(listener, NULL, NULL);
    REQUIRE(raw != NO_SOCKET);
    return raw;
}

void raw_send(raw_socket raw, const void* bytes, size_t size)
{
#ifdef MSG_NOSIGNAL
    const int flags = MSG_NOSIGNAL;
#else
    const int flags = 0;
#endif
    REQUIRE_INT(send(raw, bytes, size, flags), (long long)size);
}

int raw_read(raw_socket raw, void* bytes, size_t size)
{
    char* to = bytes;
    while (size > 0) {
        int got;
        if (!raw_is_readable(raw, patience_ms))
            return -1;
        got = (int)recv(raw, to, size, 0);
        if (got <= 0)
            return -1;
        to += got;
        size -= (size_t)got;
    }
    return 0;
}

int raw_is_closed(raw_socket raw, int ms)
{
    const double end = now_ms() + ms;
    char bytes[512];
    while (now_ms() < end && raw_is_readable(raw, (int)(end - now_ms()) + 1))
        if (recv(raw, bytes, sizeof bytes, 0) <= 0)
            return 1;
    return 0;
}

void raw_reset(raw_socket raw)
{
    struct linger none;
    none.l_onoff = 1;
    none.l_linger = 0;
    REQUIRE_INT(setsockopt(raw, SOL_SOCKET, SO_LINGER, (const char*)&none, sizeof none), 0);
    raw_close(raw);
}

void raw_close(raw_socket raw)
{
#ifdef _WIN32
    closesocket(raw);
#else
    close(raw);
#endif
}
