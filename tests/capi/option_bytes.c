/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 5.1: options whose values are bytes, and those that tell about the socket. */
#include "sockets.h"

#include <stdio.h>

static void routing_ids(void)
{
    slk_ctx_t* ctx = new_context();
    char value[256];
    char room[300];
    size_t size;
    int type;
    memset(value, 'v', sizeof value);
    for (type = SLK_PAIR; type <= SLK_XSUB; ++type) {
        slk_socket_t* socket = open_socket(ctx, type);
        size = sizeof room;
        CHECK_INT(slk_getsockopt(socket, SLK_ROUTING_ID, room, &size), 0);
        CHECK_INT(size, 0);
        CHECK_INT(slk_setsockopt(socket, SLK_ROUTING_ID, "a", 1), 0);
        size = sizeof room;
        CHECK_INT(slk_getsockopt(socket, SLK_ROUTING_ID, room, &size), 0);
        CHECK_BYTES(room, size, "a", 1);
        CHECK_INT(slk_setsockopt(socket, SLK_ROUTING_ID, "with\0nul", 8), 0);
        memset(room, 'r', sizeof room);
        size = sizeof room;
        CHECK_INT(slk_getsockopt(socket, SLK_ROUTING_ID, room, &size), 0);
        CHECK_BYTES(room, size, "with\0nul", 8);
        CHECK_INT(room[8], 'r'); /* no NUL is added */
        size = 7;
        CHECK_FAILS(slk_getsockopt(socket, SLK_ROUTING_ID, room, &size), SLK_EINVAL);
        size = 8;
        CHECK_INT(slk_getsockopt(socket, SLK_ROUTING_ID, room, &size), 0);
        CHECK_FAILS(slk_setsockopt(socket, SLK_ROUTING_ID, "", 0), SLK_EINVAL);
        CHECK_FAILS(slk_setsockopt(socket, SLK_ROUTING_ID, value, 256), SLK_EINVAL);
        CHECK_INT(slk_setsockopt(socket, SLK_ROUTING_ID, value, 255), 0);
        size = sizeof room;
        CHECK_INT(slk_getsockopt(socket, SLK_ROUTING_ID, room, &size), 0);
        CHECK_BYTES(room, size, value, 255);
        close_socket(socket);
    }
    slk_ctx_destroy(ctx);
}

static void connect_routing_ids(void)
{
    slk_ctx_t* ctx = new_context();
    char value[256];
    char room[300];
    size_t size = sizeof room;
    int type;
    memset(value, 'v', sizeof value);
    for (type = SLK_PAIR; type <= SLK_XSUB; ++type) {
        slk_socket_t* socket = open_socket(ctx, type);
        if (type == SLK_ROUTER) {
            CHECK_INT(slk_setsockopt(socket, SLK_CONNECT_ROUTING_ID, "alias", 5), 0);
            CHECK_INT(slk_setsockopt(socket, SLK_CONNECT_ROUTING_ID, value, 255), 0);
            CHECK_FAILS(slk_setsockopt(socket, SLK_CONNECT_ROUTING_ID, value, 256), SLK_EINVAL);
            CHECK_FAILS(slk_setsockopt(socket, SLK_CONNECT_ROUTING_ID, "", 0), SLK_EINVAL);
            CHECK_FAILS(slk_setsockopt(socket, SLK_CONNECT_ROUTING_ID, NULL, 5), SLK_EINVAL);
        } else {
            CHECK_FAILS(slk_setsockopt(socket, SLK_CONNECT_ROUTING_ID, "alias", 5), SLK_EINVAL);
        }
        CHECK_FAILS(slk_getsockopt(socket, SLK_CONNECT_ROUTING_ID, room, &size), SLK_EINVAL);
        close_socket(socket);
    }
    slk_ctx_destroy(ctx);
}

static void subscriptions(void)
{
    static const int all[] = {SLK_SUBSCRIBE, SLK_UNSUBSCRIBE, SLK_PSUBSCRIBE, SLK_PUNSUBSCRIBE};
    slk_ctx_t* ctx = new_context();
    char room[16];
    size_t size = sizeof room;
    int type;
    size_t index;
    for (type = SLK_PAIR; type <= SLK_XSUB; ++type) {
        slk_socket_t* socket = open_socket(ctx, type);
        for (index = 0; index < 4; ++index) {
            const int takes = type == SLK_SUB || (type == SLK_XSUB && index >= 2);
            if (takes) {
                CHECK_INT(slk_setsockopt(socket, all[index], "topic", 5), 0);
                CHECK_INT(slk_setsockopt(socket, all[index], "", 0), 0);
                CHECK_INT(slk_setsockopt(socket, all[index], "a\0b", 3), 0);
                CHECK_FAILS(slk_setsockopt(socket, all[index], NULL, 1), SLK_EINVAL);
            } else {
                CHECK_FAILS(slk_setsockopt(socket, all[index], "topic", 5), SLK_EINVAL);
            }
            CHECK_FAILS(slk_getsockopt(socket, all[index], room, &size), SLK_EINVAL);
        }
        if (type == SLK_SUB) {
            CHECK_INT(slk_setsockopt(socket, SLK_SUBSCRIBE, NULL, 0), 0);
            CHECK_INT(slk_setsockopt(socket, SLK_UNSUBSCRIBE, NULL, 0), 0);
        }
        close_socket(socket);
    }
    slk_ctx_destroy(ctx);
}

static void welcome_messages(void)
{
    slk_ctx_t* ctx = new_context();
    char room[16];
    size_t size = sizeof room;
    int type;
    for (type = SLK_PAIR; type <= SLK_XSUB; ++type) {
        slk_socket_t* socket = open_socket(ctx, type);
        if (type == SLK_XPUB) {
            CHECK_INT(slk_setsockopt(socket, SLK_XPUB_WELCOME_MSG, "hello", 5), 0);
            CHECK_INT(slk_setsockopt(socket, SLK_XPUB_WELCOME_MSG, "", 0), 0);
            CHECK_FAILS(slk_setsockopt(socket, SLK_XPUB_WELCOME_MSG, NULL, 5), SLK_EINVAL);
        } else {
            CHECK_FAILS(slk_setsockopt(socket, SLK_XPUB_WELCOME_MSG, "hello", 5), SLK_EINVAL);
        }
        CHECK_FAILS(slk_getsockopt(socket, SLK_XPUB_WELCOME_MSG, room, &size), SLK_EINVAL);
        close_socket(socket);
    }
    slk_ctx_destroy(ctx);
}

static void rcvmore(void)
{
    connected_pair pair;
    open_pair(&pair, transport_tcp);
    CHECK_INT(get_int(pair.bound, opt_rcvmore), 0);
    SEND_TEXT(pair.connected, "a", SLK_SNDMORE);
    SEND_TEXT(pair.connected, "b", SLK_SNDMORE);
    SEND_TEXT(pair.connected, "c", 0);
    CHECK_RECV_MORE(pair.bound, "a");
    CHECK_RECV_MORE(pair.bound, "b");
    CHECK_RECV_LAST(pair.bound, "c");
    CHECK_NOTHING(pair.bound, 0);
    CHECK_INT(get_int(pair.bound, opt_rcvmore), 0);
    close_pair(&pair);
}

static void events(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* bound = open_socket(ctx, SLK_DEALER);
        slk_socket_t* connected = open_socket(ctx, SLK_DEALER);
        endpoint_text endpoint;
        bind_to(bound, kind, endpoint);
        CHECK_INT(get_int(bound, opt_events), 0);
        connect_to(connected, endpoint);
        CHECK_INT(get_int(connected, opt_events), SLK_POLLOUT);
        CHECK_UNTIL(get_int(bound, opt_events) == SLK_POLLOUT, patience_ms);
        SEND_TEXT(connected, "a", SLK_SNDMORE);
        SEND_TEXT(connected, "b", 0);
        CHECK_UNTIL(get_int(bound, opt_events) == (SLK_POLLIN | SLK_POLLOUT), patience_ms);
        CHECK_RECV_MORE(bound, "a");
        CHECK_INT(get_int(bound, opt_events), SLK_POLLIN | SLK_POLLOUT);
        CHECK_RECV_LAST(bound, "b");
        CHECK_INT(get_int(bound, opt_events), SLK_POLLOUT);
        close_socket(bound);
        close_socket(connected);
        slk_ctx_destroy(ctx);
    }
}

static void descriptors(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PULL);
    slk_fd_t descriptor = (slk_fd_t)-1;
    char small = 0;
    size_t size = sizeof descriptor;
    CHECK_INT(slk_getsockopt(socket, opt_fd, &descriptor, &size), 0);
    CHECK_INT(size, sizeof descriptor);
    CHECK(descriptor != (slk_fd_t)-1);
    size = sizeof small;
    CHECK_FAILS(slk_getsockopt(socket, opt_fd, &small, &size), SLK_EINVAL);
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

/* The descriptor becomes readable when there is something to look at with EVENTS. */
static void a_descriptor_wakes(void)
{
#ifdef _WIN32
    skip("there it is an event object, which slk_poll() does not take");
#else
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* server = open_socket(ctx, SLK_PULL);
        slk_socket_t* client = open_socket(ctx, SLK_PUSH);
        endpoint_text endpoint;
        slk_fd_t descriptor = 0;
        size_t size = sizeof descriptor;
        int round;
        bind_to(server, kind, endpoint);
        connect_to(client, endpoint);
        REQUIRE_INT(slk_getsockopt(server, opt_fd, &descriptor, &size), 0);
        for (round = 0; round < 20; ++round) {
            slk_pollitem_t item = {NULL, 0, SLK_POLLIN, 0};
            char text[8];
            int received = -1;
            const double end = now_ms() + patience_ms;
            item.fd = (int)descriptor;
            SEND_TEXT(client, "x", 0);
            while (received < 0 && now_ms() < end) {
                if ((get_int(server, opt_events) & SLK_POLLIN) == 0)
                    CHECK_INT(slk_poll(&item, 1, patience_ms), 1);
                else
                    received = slk_recv(server, text, sizeof text, SLK_DONTWAIT);
            }
            CHECK_INT(received, 1);
        }
        close_socket(server);
        close_socket(client);
        slk_ctx_destroy(ctx);
    }
#endif
}

CASES(option_bytes) = {
    {"SLK_ROUTING_ID has 1 to 255 bytes", routing_ids},
    {"SLK_CONNECT_ROUTING_ID is for ROUTER alone", connect_routing_ids},
    {"subscriptions are for subscribers alone", subscriptions},
    {"SLK_XPUB_WELCOME_MSG is for XPUB alone", welcome_messages},
    {"RCVMORE tells whether frames follow", rcvmore},
    {"EVENTS are those of slk_poll()", events},
    {"FD has the size of slk_fd_t", descriptors},
    {"FD wakes a loop of other descriptors", a_descriptor_wakes},
    END_OF_CASES,
};
