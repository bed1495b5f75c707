/* SPDX-License-Identifier: MPL-2.0 */
#include "frames.h"

#include <stdio.h>

enum { frame_room = 20000 };

static size_t to_bytes(char* bytes, const char* text, size_t size)
{
    size_t i;
    for (i = 0; i < size; ++i)
        bytes[i] = (char)(text[i] == '~' ? '\0' : text[i]);
    return size;
}

int sends(slk_socket_t* socket, const char* text)
{
    char bytes[frame_room];
    for (;;) {
        const char* end = strchr(text, '|');
        const size_t size = end != NULL ? (size_t)(end - text) : strlen(text);
        const int flags = SLK_DONTWAIT | (end != NULL ? SLK_SNDMORE : 0);
        int sent;
        if (size > sizeof bytes)
            return 0;
        to_bytes(bytes, text, size);
        sent = slk_send(socket, bytes, size, flags);
        if (sent != (int)size) {
            fprintf(stderr, "slk_send of %d bytes returned %d, slk_errno() %d\n", (int)size, sent,
                    slk_errno());
            return 0;
        }
        if (end == NULL)
            return 1;
        text = end + 1;
    }
}

int next_message(slk_socket_t* socket, char* text, size_t room, int ms)
{
    static const size_t text_end = 2;
    char bytes[frame_room];
    size_t used = 0;
    int more = 1;
    text[0] = '\0';
    while (more) {
        const int size = ms == 0 ? slk_recv(socket, bytes, sizeof bytes, SLK_DONTWAIT)
                                 : recv_within(socket, bytes, sizeof bytes, ms);
        int i;
        if (size < 0 || (size_t)size > sizeof bytes || used + (size_t)size + text_end > room)
            return 0;
        for (i = 0; i < size; ++i)
            text[used++] = (char)(bytes[i] == '\0' ? '~' : bytes[i]);
        more = get_int(socket, opt_rcvmore);
        if (more)
            text[used++] = '|';
        text[used] = '\0';
    }
    return 1;
}

static int receives_within(slk_socket_t* socket, const char* text, int ms)
{
    char got[frame_room];
    if (!next_message(socket, got, sizeof got, ms)) {
        fprintf(stderr, "no message after '%.60s', slk_errno() %d; expected '%.60s'\n", got,
                slk_errno(), text);
        return 0;
    }
    if (strcmp(got, text) != 0) {
        fprintf(stderr, "message '%.60s', expected '%.60s'\n", got, text);
        return 0;
    }
    return 1;
}

int receives(slk_socket_t* socket, const char* text)
{
    return receives_within(socket, text, patience_ms);
}

int receives_now(slk_socket_t* socket, const char* text)
{
    return receives_within(socket, text, 0);
}

int receives_nothing(slk_socket_t* socket)
{
    char got[frame_room];
    if (next_message(socket, got, sizeof got, 0)) {
        fprintf(stderr, "message '%.60s', expected none\n", got);
        return 0;
    }
    if (slk_errno() != SLK_EAGAIN)
        fprintf(stderr, "slk_errno() %d, expected SLK_EAGAIN\n", slk_errno());
    return slk_errno() == SLK_EAGAIN;
}

int set_text(slk_socket_t* socket, int option, const char* text)
{
    char bytes[frame_room];
    const size_t size = strlen(text);
    REQUIRE(size <= sizeof bytes);
    return slk_setsockopt(socket, option, bytes, to_bytes(bytes, text, size));
}

void join(slk_socket_t* bound, slk_socket_t* connected, transport kind)
{
    endpoint_text endpoint;
    bind_to(bound, kind, endpoint);
    connect_to(connected, endpoint);
}

slk_ctx_t* open_joined(transport kind, int bound_type, slk_socket_t** bound, int connected_type,
                       slk_socket_t** connected)
{
    slk_ctx_t* ctx = new_context();
    *bound = open_socket(ctx, bound_type);
    *connected = open_socket(ctx, connected_type);
    join(*bound, *connected, kind);
    return ctx;
}

int until_topics(slk_socket_t* socket, int count)
{
    const double end = now_ms() + patience_ms;
    int now;
    while ((now = get_int(socket, SLK_TOPICS_COUNT)) != count) {
        if (now_ms() >= end) {
            fprintf(stderr, "SLK_TOPICS_COUNT is %d, expected %d\n", now, count);
            return 0;
        }
        sleep_ms(1);
    }
    return 1;
}

static int ready_within(slk_socket_t* socket, int events, long ms)
{
    slk_pollitem_t item;
    item.socket = socket;
    item.fd = 0;
    item.events = (short)events;
    item.revents = 0;
    if (slk_poll(&item, 1, ms) < 0)
        return -1;
    return item.revents;
}

int until_ready(slk_socket_t* socket, int events)
{
    return ready_within(socket, events, patience_ms) == events;
}

int ready_now(slk_socket_t* socket)
{
    return ready_within(socket, SLK_POLLIN | SLK_POLLOUT, 0);
}
