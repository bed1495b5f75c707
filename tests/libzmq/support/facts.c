/* SPDX-License-Identifier: MPL-2.0 */
#define _POSIX_C_SOURCE 200809L

#include "facts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

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
    item.fd = -1;
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
    if (transport == 't') {
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

int raw_connect(const char* endpoint)
{
    const struct sockaddr_in address = loopback(atoi(strrchr(endpoint, ':') + 1));
    const int raw = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(raw >= 0);
    REQUIRE_INT(connect(raw, (const struct sockaddr*)&address, sizeof address), 0);
    return raw;
}

/* Returns -1 if the port is in use. */
static int raw_listen_at(uint16_t port, endpoint_text out)
{
    struct sockaddr_in address = loopback(port);
    socklen_t size = sizeof address;
    const int raw = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(raw >= 0);
    if (bind(raw, (const struct sockaddr*)&address, sizeof address) != 0) {
        REQUIRE_INT(errno, EADDRINUSE);
        raw_close(raw);
        return -1;
    }
    REQUIRE_INT(listen(raw, 16), 0);
    REQUIRE_INT(getsockname(raw, (struct sockaddr*)&address, &size), 0);
    snprintf(out, endpoint_size, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
    return raw;
}

int raw_listen(endpoint_text out)
{
    return raw_listen_at(0, out);
}

void free_tcp(endpoint_text out)
{
    int listener = -1;
    while (listener < 0)
        listener = raw_listen_at(next_quiet_port(), out);
    raw_close(listener);
}

static int is_ready(int raw, int ms)
{
    struct pollfd one;
    one.fd = raw;
    one.events = POLLIN;
    one.revents = 0;
    return poll(&one, 1, ms) == 1;
}

int raw_accept(int listener)
{
    int raw;
    REQUIRE(is_ready(listener, patience_ms));
    raw = accept(listener, NULL, NULL);
    REQUIRE(raw >= 0);
    return raw;
}

void raw_send(int raw, const void* bytes, size_t size)
{
    REQUIRE_INT(send(raw, bytes, size, MSG_NOSIGNAL), (long long)size);
}

int raw_read(int raw, void* bytes, size_t size)
{
    char* to = bytes;
    while (size > 0) {
        ssize_t got;
        if (!is_ready(raw, patience_ms))
            return -1;
        got = recv(raw, to, size, 0);
        if (got <= 0)
            return -1;
        to += got;
        size -= (size_t)got;
    }
    return 0;
}

int raw_is_closed(int raw, int ms)
{
    const double end = now_ms() + ms;
    char bytes[512];
    while (now_ms() < end && is_ready(raw, (int)(end - now_ms()) + 1))
        if (recv(raw, bytes, sizeof bytes, 0) <= 0)
            return 1;
    return 0;
}

void raw_close(int raw)
{
    close(raw);
}
