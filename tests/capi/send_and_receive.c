/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 6: slk_send(), slk_recv() and messages of several frames. */
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>

static void sizes_are_returned(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        static const size_t sizes[] = {0,    1,     2,     29,     30,      33,     63,
                                       64,   255,   256,   257,    1000,    8191,   8192,
                                       8193, 65535, 65536, 100000, 1000000, 5000000};
        connected_pair pair;
        unsigned char* bytes = malloc(5000000);
        unsigned char* received = malloc(5000000);
        size_t index;
        open_pair(&pair, kind);
        for (index = 0; index < 5000000; ++index)
            bytes[index] = (unsigned char)(index * 7 + index / 255);
        for (index = 0; index < sizeof sizes / sizeof sizes[0]; ++index) {
            const size_t size = sizes[index];
            CHECK_INT(slk_send(pair.connected, bytes, size, 0), size);
            CHECK_INT(recv_within(pair.bound, received, 5000000, patience_ms), size);
            CHECK(memcmp(received, bytes, size) == 0);
        }
        free(bytes);
        free(received);
        close_pair(&pair);
    }
}

static void long_frames_are_cut(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        connected_pair pair;
        char room[12];
        char much[5000];
        open_pair(&pair, kind);
        memset(much, 'm', sizeof much);
        memset(room, '#', sizeof room);
        SEND_TEXT(pair.connected, "0123456789", 0);
        CHECK_INT(recv_within(pair.bound, room, 4, patience_ms), 10);
        CHECK_BYTES(room, 6, "0123##", 6);
        CHECK_INT(slk_send(pair.connected, much, sizeof much, SLK_SNDMORE), 5000);
        SEND_TEXT(pair.connected, "next", 0);
        CHECK_INT(recv_within(pair.bound, room, 3, patience_ms), 5000);
        CHECK_BYTES(room, 4, "mmm3", 4);
        /* The rest is lost, and not in the next frame. */
        CHECK_RECV_LAST(pair.bound, "next");
        SEND_TEXT(pair.connected, "counted", 0);
        CHECK_INT(recv_within(pair.bound, NULL, 0, patience_ms), 7);
        CHECK_NOTHING(pair.bound, 0);
        close_pair(&pair);
    }
}

static void nothing_is_added(void)
{
    connected_pair pair;
    char room[8];
    open_pair(&pair, transport_tcp);
    memset(room, '#', sizeof room);
    SEND_TEXT(pair.connected, "abc", 0);
    CHECK_INT(recv_within(pair.bound, room, sizeof room, patience_ms), 3);
    CHECK_BYTES(room, 8, "abc#####", 8);
    CHECK_INT(slk_send(pair.connected, "\0\0", 2, 0), 2);
    CHECK_RECV_BYTES(pair.bound, "\0\0", 2);
    close_pair(&pair);
}

static void empty_frames(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        connected_pair pair;
        int index;
        open_pair(&pair, kind);
        CHECK_INT(slk_send(pair.connected, NULL, 0, 0), 0);
        CHECK_INT(slk_send(pair.connected, "ignored", 0, 0), 0);
        CHECK_RECV_LAST(pair.bound, "");
        CHECK_RECV_LAST(pair.bound, "");
        for (index = 0; index < 5; ++index)
            CHECK_INT(slk_send(pair.connected, NULL, 0, index < 4 ? SLK_SNDMORE : 0), 0);
        for (index = 0; index < 4; ++index)
            CHECK_RECV_MORE(pair.bound, "");
        CHECK_RECV_LAST(pair.bound, "");
        close_pair(&pair);
    }
}

static void many_frames(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        enum { frames = 3000 };
        connected_pair pair;
        char text[16];
        int index;
        open_pair(&pair, kind);
        /* More frames than messages have room: they count as one. */
        for (index = 0; index < frames; ++index) {
            snprintf(text, sizeof text, "frame %d", index);
            SEND_TEXT(pair.connected, text, SLK_DONTWAIT | (index < frames - 1 ? SLK_SNDMORE : 0));
        }
        for (index = 0; index < frames - 1; ++index) {
            snprintf(text, sizeof text, "frame %d", index);
            CHECK_RECV_MORE(pair.bound, text);
        }
        CHECK_RECV_LAST(pair.bound, "frame 2999");
        close_pair(&pair);
    }
}

static void whole_or_not_at_all(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        connected_pair pair;
        open_pair(&pair, kind);
        SEND_TEXT(pair.connected, "1", SLK_SNDMORE);
        SEND_TEXT(pair.connected, "2", SLK_SNDMORE);
        CHECK_NOTHING(pair.bound, 20);
        CHECK_INT(get_int(pair.bound, opt_events) & SLK_POLLIN, 0);
        SEND_TEXT(pair.connected, "3", 0);
        CHECK_RECV_MORE(pair.bound, "1");
        /* Then the others are there, too. */
        CHECK_INT(slk_recv(pair.bound, NULL, 0, SLK_DONTWAIT), 1);
        CHECK_INT(slk_recv(pair.bound, NULL, 0, SLK_DONTWAIT), 1);
        CHECK_NOTHING(pair.bound, 0);
        close_pair(&pair);
    }
}

static void order_is_kept(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        enum { messages = 10000 };
        connected_pair pair;
        const int used = REPEATS(messages);
        int sent = 0;
        int received;
        open_pair(&pair, kind);
        for (received = 0; received < used; ++received) {
            int number = -1;
            while (sent < used && sent < received + 500) {
                CHECK_INT(slk_send(pair.connected, &sent, sizeof sent, 0), sizeof sent);
                ++sent;
            }
            REQUIRE_INT(recv_within(pair.bound, &number, sizeof number, patience_ms),
                        sizeof number);
            REQUIRE_INT(number, received);
        }
        CHECK_NOTHING(pair.bound, 0);
        close_pair(&pair);
    }
}

typedef struct frames_of_a_sender {
    slk_ctx_t* ctx;
    const char* endpoint;
    int sender;
} frames_of_a_sender;

enum { senders = 4, frames_of_each = 3, plain_rounds = 500 };

typedef struct numbered_frame {
    int sender;
    int message;
    int frame;
} numbered_frame;

static void send_numbered(void* argument)
{
    const frames_of_a_sender* of = argument;
    slk_socket_t* socket = slk_socket(of->ctx, SLK_PUSH);
    numbered_frame frame;
    CHECK_INT(slk_connect(socket, of->endpoint), 0);
    frame.sender = of->sender;
    for (frame.message = 0; frame.message < REPEATS(plain_rounds); ++frame.message)
        for (frame.frame = 0; frame.frame < frames_of_each; ++frame.frame)
            CHECK_INT(slk_send(socket, &frame, sizeof frame,
                               frame.frame < frames_of_each - 1 ? SLK_SNDMORE : 0),
                      sizeof frame);
    CHECK_INT(slk_close(socket), 0);
}

static void messages_do_not_interleave(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* receiver = open_socket(ctx, SLK_PULL);
        endpoint_text endpoint;
        frames_of_a_sender of[senders];
        test_thread* threads[senders];
        int expected[senders] = {0, 0, 0, 0};
        int index;
        bind_to(receiver, kind, endpoint);
        for (index = 0; index < senders; ++index) {
            of[index].ctx = ctx;
            of[index].endpoint = endpoint;
            of[index].sender = index;
            threads[index] = thread_start(send_numbered, &of[index]);
        }
        for (index = 0; index < senders * REPEATS(plain_rounds); ++index) {
            numbered_frame frame;
            int sender = -1;
            int number;
            for (number = 0; number < frames_of_each; ++number) {
                REQUIRE_INT(recv_within(receiver, &frame, sizeof frame, patience_ms), sizeof frame);
                if (number == 0)
                    sender = frame.sender;
                REQUIRE_INT(frame.frame, number);
                REQUIRE_INT(frame.sender, sender);
                REQUIRE_INT(frame.message, expected[sender]);
                REQUIRE_INT(get_int(receiver, opt_rcvmore), number < frames_of_each - 1);
            }
            ++expected[sender];
        }
        for (index = 0; index < senders; ++index)
            thread_join(threads[index]);
        CHECK_NOTHING(receiver, 0);
        close_socket(receiver);
        slk_ctx_destroy(ctx);
    }
}

static void send_to(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* peer = open_socket(ctx, SLK_DEALER);
        endpoint_text endpoint;
        set_int(router, SLK_ROUTER_MANDATORY, 1);
        set_bytes(peer, SLK_ROUTING_ID, "peer", 4);
        bind_to(router, kind, endpoint);
        connect_to(peer, endpoint);
        CHECK_UNTIL(slk_is_connected(router, "peer", 4) == 1, patience_ms);
        CHECK_INT(slk_send_to(router, "peer", 4, "one", 3, 0), 3);
        CHECK_INT(slk_send_to(router, "peer", 4, NULL, 0, SLK_DONTWAIT), 0);
        CHECK_INT(slk_send_to(router, "peer", 4, "first", 5, SLK_SNDMORE), 5);
        CHECK_INT(slk_send(router, "second", 6, 0), 6);
        CHECK_RECV_LAST(peer, "one");
        CHECK_RECV_LAST(peer, "");
        CHECK_RECV_MORE(peer, "first");
        CHECK_RECV_LAST(peer, "second");
        CHECK_FAILS(slk_send_to(router, "nobody", 6, "x", 1, SLK_DONTWAIT), SLK_EHOSTUNREACH);
        CHECK_FAILS(slk_send_to(router, "nobody", 6, "x", 1, 0), SLK_EHOSTUNREACH);
        /* Nothing is left over from that. */
        CHECK_INT(slk_send_to(router, "peer", 4, "after", 5, 0), 5);
        CHECK_RECV_LAST(peer, "after");
        close_socket(router);
        close_socket(peer);
        slk_ctx_destroy(ctx);
    }
}

static void send_to_of_other_types(void)
{
    connected_pair pair;
    open_pair(&pair, transport_inproc);
    CHECK_INT(slk_send_to(pair.bound, "peer", 4, "x", 1, SLK_DONTWAIT), -1);
    CHECK_NOTHING(pair.connected, 0);
    SEND_TEXT(pair.bound, "whole", 0);
    CHECK_RECV_LAST(pair.connected, "whole");
    close_pair(&pair);
}

static void a_blocked_send_in_the_middle(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* sender = open_socket(ctx, SLK_PUSH);
        slk_socket_t* receiver = open_socket(ctx, SLK_PULL);
        endpoint_text endpoint;
        free_endpoint(kind, endpoint);
        set_int(sender, SLK_SNDHWM, 1);
        connect_to(sender, endpoint);
        SEND_TEXT(sender, "1", SLK_SNDMORE);
        SEND_TEXT(sender, "2", SLK_DONTWAIT);
        CHECK_FAILS(slk_send(sender, "3", 1, SLK_DONTWAIT | SLK_SNDMORE), SLK_EAGAIN);
        CHECK_FAILS(slk_send(sender, "3", 1, SLK_DONTWAIT), SLK_EAGAIN);
        bind_at(receiver, endpoint);
        CHECK_RECV_MORE(receiver, "1");
        CHECK_RECV_LAST(receiver, "2");
        CHECK_NOTHING(receiver, 10);
        SEND_TEXT(sender, "4", 0);
        CHECK_RECV_LAST(receiver, "4");
        close_socket(sender);
        close_socket(receiver);
        slk_ctx_destroy(ctx);
    }
}

CASES(send_and_receive) = {
    {"slk_send() and slk_recv() return the size", sizes_are_returned},
    {"slk_recv() stores what there is room for", long_frames_are_cut},
    {"slk_recv() adds nothing", nothing_is_added},
    {"frames may be empty", empty_frames},
    {"a message of many frames", many_frames},
    {"a message is received whole or not at all", whole_or_not_at_all},
    {"messages of a connection stay in order", order_is_kept},
    {"frames of different messages do not interleave", messages_do_not_interleave},
    {"slk_send_to() sends to one peer", send_to},
    {"slk_send_to() is for ROUTER", send_to_of_other_types},
    {"a message that is refused leaves nothing behind", a_blocked_send_in_the_middle},
    END_OF_CASES,
};
