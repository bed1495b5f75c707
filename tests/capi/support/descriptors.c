/* SPDX-License-Identifier: MPL-2.0 */
#ifndef _WIN32
#define _POSIX_C_SOURCE 200809L
#endif

#include "descriptors.h"

#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
typedef int address_size;
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
typedef socklen_t address_size;
#endif

/* Winsock stays started: the process ends soon. */
static slk_fd_t open_descriptor(void)
{
    slk_fd_t descriptor;
#ifdef _WIN32
    const DWORD timeout = patience_ms;
    WSADATA data;
    REQUIRE(WSAStartup(MAKEWORD(2, 2), &data) == 0);
#else
    const struct timeval timeout = {patience_ms / 1000, 0};
#endif
    descriptor = (slk_fd_t)socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(descriptor != NO_DESCRIPTOR);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, (const char*)&timeout, sizeof timeout);
    return descriptor;
}

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((unsigned short)port);
    return address;
}

slk_fd_t listen_descriptor(char* endpoint, size_t room)
{
    const slk_fd_t listener = open_descriptor();
    struct sockaddr_in address = loopback(0);
    address_size size = sizeof address;
    REQUIRE(bind(listener, (struct sockaddr*)&address, sizeof address) == 0);
    REQUIRE(listen(listener, 8) == 0);
    REQUIRE(getsockname(listener, (struct sockaddr*)&address, &size) == 0);
    snprintf(endpoint, room, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
    return listener;
}

slk_fd_t accept_descriptor(slk_fd_t listener)
{
    const slk_fd_t accepted = (slk_fd_t)accept(listener, NULL, NULL);
    REQUIRE(accepted != NO_DESCRIPTOR);
    return accepted;
}

slk_fd_t connect_descriptor(const char* endpoint)
{
    const slk_fd_t descriptor = open_descriptor();
    const char* port = strrchr(endpoint, ':');
    struct sockaddr_in address = loopback(port != NULL ? atoi(port + 1) : 0);
    REQUIRE(connect(descriptor, (struct sockaddr*)&address, sizeof address) == 0);
    return descriptor;
}

void descriptor_pair(slk_fd_t* a, slk_fd_t* b)
{
    char endpoint[64];
    const slk_fd_t listener = listen_descriptor(endpoint, sizeof endpoint);
    *a = connect_descriptor(endpoint);
    *b = accept_descriptor(listener);
    close_descriptor(listener);
}

void write_descriptor(slk_fd_t descriptor, const void* bytes, size_t size)
{
    REQUIRE(send(descriptor, bytes, (int)size, 0) == (int)size);
}

int read_descriptor(slk_fd_t descriptor, void* bytes, size_t size)
{
    char* to = bytes;
    while (size > 0) {
        const int got = (int)recv(descriptor, to, (int)size, 0);
        if (got <= 0)
            return 0;
        to += got;
        size -= (size_t)got;
    }
    return 1;
}

int until_closed(slk_fd_t descriptor)
{
    const double end = now_ms() + patience_ms;
    char bytes[256];
    while (recv(descriptor, bytes, sizeof bytes, 0) > 0)
        if (now_ms() >= end)
            return 0;
    return now_ms() < end;
}

void close_descriptor(slk_fd_t descriptor)
{
#ifdef _WIN32
    closesocket(descriptor);
#else
    close(descriptor);
#endif
}

int shake_hands(slk_fd_t descriptor, const char* type)
{
    unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1, 'N', 'U', 'L', 'L'};
    unsigned char ready[64] = {4, 0, 5, 'R', 'E', 'A', 'D', 'Y', 11};
    unsigned char head[2], body[255];
    const size_t type_size = strlen(type);
    size_t size = 9;
    write_descriptor(descriptor, greeting, sizeof greeting);
    memcpy(ready + size, "Socket-Type", 11);
    size += 11;
    ready[size + 3] = (unsigned char)type_size;
    size += 4;
    memcpy(ready + size, type, type_size);
    size += type_size;
    ready[1] = (unsigned char)(size - 2);
    write_descriptor(descriptor, ready, size);
    /* The peer's greeting, and its READY: a short command frame. */
    return read_descriptor(descriptor, greeting, sizeof greeting) &&
           read_descriptor(descriptor, head, sizeof head) && head[0] == 4 &&
           read_descriptor(descriptor, body, head[1]) && memcmp(body, "\5READY", 6) == 0;
}
