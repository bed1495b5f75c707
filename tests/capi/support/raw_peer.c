/* SPDX-License-Identifier: MPL-2.0 */
#ifndef _WIN32
#define _POSIX_C_SOURCE 200809L
#endif

#include "raw_peer.h"

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

static void start_sockets(void)
{
#ifdef _WIN32
    WSADATA data;
    WSAStartup(MAKEWORD(2, 2), &data);
#endif
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
    raw_socket opened;
    start_sockets();
    opened = (raw_socket)socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(opened != (raw_socket)-1);
    return opened;
}

raw_socket raw_listen(endpoint_text out)
{
    struct sockaddr_in address = loopback(0);
    address_size size = sizeof address;
    raw_socket opened = open_raw();
    REQUIRE_INT(bind(opened, (struct sockaddr*)&address, sizeof address), 0);
    REQUIRE_INT(listen(opened, 16), 0);
    REQUIRE_INT(getsockname(opened, (struct sockaddr*)&address, &size), 0);
    snprintf(out, endpoint_size, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
    return opened;
}

/* Returns 1 if something can be read within that time. */
static int is_readable(raw_socket socket, double ms)
{
    struct timeval timeout;
    fd_set set;
    if (ms < 0)
        ms = 0;
    timeout.tv_sec = (int)(ms / 1e3);
    timeout.tv_usec = (int)(ms * 1e3) % 1000000;
    FD_ZERO(&set);
    FD_SET(socket, &set);
    return select((int)socket + 1, &set, NULL, NULL, &timeout) == 1;
}

int raw_accept(raw_socket listener, raw_socket* out, int ms)
{
    if (!is_readable(listener, ms))
        return 0;
    *out = (raw_socket)accept(listener, NULL, NULL);
    return *out != (raw_socket)-1;
}

raw_socket raw_connect(const char* endpoint)
{
    struct sockaddr_in address = loopback(atoi(strrchr(endpoint, ':') + 1));
    raw_socket opened = open_raw();
    REQUIRE_INT(connect(opened, (struct sockaddr*)&address, sizeof address), 0);
    return opened;
}

void raw_close(raw_socket socket)
{
#ifdef _WIN32
    closesocket(socket);
#else
    close(socket);
#endif
}

void raw_send(raw_socket socket, const void* bytes, size_t size)
{
#ifdef MSG_NOSIGNAL
    const int flags = MSG_NOSIGNAL;
#else
    const int flags = 0;
#endif
    size_t done = 0;
    while (done < size) {
        const int sent = (int)send(socket, (const char*)bytes + done, size - done, flags);
        if (sent <= 0)
            return; /* the peer has gone, which the test will see */
        done += (size_t)sent;
    }
}

int raw_recv(raw_socket socket, void* bytes, size_t size, int ms)
{
    const double end = now_ms() + ms;
    size_t done = 0;
    while (done < size) {
        int received;
        if (!is_readable(socket, end - now_ms()))
            return 0;
        received = (int)recv(socket, (char*)bytes + done, size - done, 0);
        if (received <= 0)
            return 0;
        done += (size_t)received;
    }
    return 1;
}

int raw_is_closed(raw_socket socket, int ms)
{
    const double end = now_ms() + ms;
    while (is_readable(socket, end - now_ms())) {
        char bytes[256];
        if (recv(socket, bytes, sizeof bytes, 0) <= 0)
            return 1;
    }
    return 0;
}

void raw_send_frame(raw_socket socket, int flags, const void* bytes, size_t size)
{
    unsigned char head[9];
    int index;
    if (size <= 255) {
        head[0] = (unsigned char)flags;
        head[1] = (unsigned char)size;
        raw_send(socket, head, 2);
    } else {
        head[0] = (unsigned char)(flags | frame_long);
        for (index = 0; index < 8; ++index)
            head[1 + index] = (unsigned char)((unsigned long long)size >> (56 - 8 * index));
        raw_send(socket, head, 9);
    }
    raw_send(socket, bytes, size);
}

int raw_recv_frame(raw_socket socket, int* flags, void* bytes, size_t room, int ms)
{
    unsigned char head[9];
    size_t size;
    size_t index;
    if (!raw_recv(socket, head, 2, ms))
        return -1;
    size = head[1];
    if (head[0] & frame_long) {
        if (!raw_recv(socket, head + 2, 7, ms))
            return -1;
        size = 0;
        for (index = 1; index < 9; ++index)
            size = size << 8 | head[index];
    }
    for (index = 0; index < size; ++index) {
        unsigned char byte;
        if (!raw_recv(socket, &byte, 1, ms))
            return -1;
        if (index < room)
            ((unsigned char*)bytes)[index] = byte;
    }
    *flags = head[0] & ~frame_long;
    return (int)size;
}

static size_t add_property(unsigned char* out, const char* name, const char* value)
{
    const size_t name_size = strlen(name);
    const size_t value_size = strlen(value);
    out[0] = (unsigned char)name_size;
    memcpy(out + 1, name, name_size);
    memset(out + 1 + name_size, 0, 3);
    out[4 + name_size] = (unsigned char)value_size;
    memcpy(out + 5 + name_size, value, value_size);
    return 5 + name_size + value_size;
}

void raw_introduce(raw_socket socket, const char* type, const char* identity)
{
    unsigned char greeting[64];
    unsigned char ready[600] = "\5READY";
    size_t size = 6;
    memset(greeting, 0, sizeof greeting);
    greeting[0] = 0xff;
    greeting[8] = 1;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[11] = 1;
    memcpy(greeting + 12, "NULL", 4);
    raw_send(socket, greeting, sizeof greeting);
    size += add_property(ready + size, "Socket-Type", type);
    if (identity != NULL)
        size += add_property(ready + size, "Identity", identity);
    raw_send_frame(socket, frame_command, ready, size);
}

void raw_handshake(raw_socket socket, const char* type, const char* identity)
{
    unsigned char greeting[64];
    unsigned char ready[600];
    int flags = 0;
    raw_introduce(socket, type, identity);
    REQUIRE(raw_recv(socket, greeting, sizeof greeting, patience_ms));
    REQUIRE(raw_recv_frame(socket, &flags, ready, sizeof ready, patience_ms) > 6);
    REQUIRE_INT(flags, frame_command);
    REQUIRE_INT(memcmp(ready, "\5READY", 6), 0);
}
