/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 9: high-water marks. */
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>

static void the_senders_queue_has_exactly_that_room(void)
{
    static const int marks[] = {1, 2, 5, 100, 1000};
    static const int types[] = {SLK_PAIR, SLK_DEALER, SLK_PUSH};
    transport kind;
    for (kind = transport_tcp; kind <= transport_ipc; kind = (transport)(kind + 1)) {
        size_t type;
        size_t index;
        if (!has_transport(kind))
            continue;
        for (type = 0; type < sizeof types / sizeof types[0]; ++type) {
            for (index = 0; index < sizeof marks / sizeof marks[0]; ++index) {
                slk_ctx_t* ctx = new_context();
                slk_socket_t* sender = open_socket(ctx, types[type]);
                endpoint_text endpoint;
                free_endpoint(kind, endpoint);
                set_int(sender, SLK_SNDHWM, marks[index]);
                connect_to(sender, endpoint);
                CHECK_INT(fill(sender, 2000), marks[index]);
                set_int(sender, SLK_LINGER, 0);
                close_socket(sender);
                slk_ctx_destroy(ctx);
            }
        }
    }
}

static void room_is_counted_per_connection(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sender = open_socket(ctx, SLK_PUSH);
    endpoint_text endpoint;
    int index;
    set_int(sender, SLK_SNDHWM, 10);
    set_int(sender, SLK_LINGER, 0);
    for (index = 0; index < 3; ++index) {
        free_endpoint(transport_tcp, endpoint);
        connect_to(sender, endpoint);
    }
    CHECK_INT(fill(sender, 1000), 30);
    close_socket(sender);
    slk_ctx_destroy(ctx);
}

static void messages_are_counted_and_not_frames(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sender = open_socket(ctx, SLK_PUSH);
    endpoint_text endpoint;
    int message;
    int frame;
    free_endpoint(transport_tcp, endpoint);
    set_int(sender, SLK_SNDHWM, 4);
    set_int(sender, SLK_LINGER, 0);
    connect_to(sender, endpoint);
    for (message = 0; message < 4; ++message)
        for (frame = 0; frame < 10; ++frame)
            SEND_TEXT(sender, "frame", SLK_DONTWAIT | (frame < 9 ? SLK_SNDMORE : 0));
    CHECK_FAILS(slk_send(sender, "x", 1, SLK_DONTWAIT | SLK_SNDMORE), SLK_EAGAIN);
    close_socket(sender);
    slk_ctx_destroy(ctx);
}

static void no_limit(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* sender = open_socket(ctx, SLK_PUSH);
        slk_socket_t* receiver = open_socket(ctx, SLK_PULL);
        endpoint_text endpoint;
        free_endpoint(kind, endpoint);
        set_int(sender, SLK_SNDHWM, 0);
        set_int(receiver, SLK_RCVHWM, 3);
        connect_to(sender, endpoint);
        CHECK_INT(fill(sender, 5000), 5000);
        bind_at(receiver, endpoint);
        CHECK_INT(fill(sender, 5000), 5000);
        if (kind == transport_inproc)
            CHECK_INT(drain(receiver, 0), 10000);
        set_int(sender, SLK_LINGER, 0);
        close_socket(sender);
        close_socket(receiver);
        slk_ctx_destroy(ctx);
    }
}

static int room_of_inproc(int sending, int receiving, int limit)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sender = open_socket(ctx, SLK_PUSH);
    slk_socket_t* receiver = open_socket(ctx, SLK_PULL);
    endpoint_text endpoint;
    int number;
    set_int(sender, SLK_SNDHWM, sending);
    set_int(receiver, SLK_RCVHWM, receiving);
    bind_inproc(receiver, endpoint);
    connect_to(sender, endpoint);
    number = fill(sender, limit);
    CHECK_INT(drain(receiver, 0), number);
    close_socket(sender);
    close_socket(receiver);
    slk_ctx_destroy(ctx);
    return number;
}

static void room_of_one_queue(void)
{
    CHECK_BETWEEN(room_of_inproc(10, 20, 1000), 10, 30);
    CHECK_BETWEEN(room_of_inproc(1, 1, 1000), 1, 2);
    CHECK_BETWEEN(room_of_inproc(1000, 1000, 5000), 1000, 2000);
    CHECK_INT(room_of_inproc(0, 5, 5000), 5000);
    CHECK_INT(room_of_inproc(0, 0, 5000), 5000);
    CHECK_INT(room_of_inproc(10, 0, 5000), 10);
}

/* Sends until nothing has been taken for some time, and returns the number of messages. */
static int fill_for_good(slk_socket_t* sender, int limit)
{
    char body[1000];
    int number = 0;
    int refused = 0;
    memset(body, 'b', sizeof body);
    while (refused < 20 && number < limit) {
        if (slk_send(sender, body, sizeof body, SLK_DONTWAIT) >= 0) {
            ++number;
            refused = 0;
        } else {
            ++refused;
            sleep_ms(3);
        }
    }
    return number;
}

static void a_full_receiver_stops_reading(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* sender = open_socket(ctx, SLK_PUSH);
        slk_socket_t* receiver = open_socket(ctx, SLK_PULL);
        endpoint_text endpoint;
        int number;
        set_int(sender, SLK_SNDHWM, 5);
        set_int(receiver, SLK_RCVHWM, 5);
        set_int(sender, SLK_SNDBUF, 8192);
        set_int(receiver, SLK_RCVBUF, 8192);
        bind_to(receiver, kind, endpoint);
        connect_to(sender, endpoint);
        number = fill_for_good(sender, 5000);
        /* What is more is in the system's buffers, and in what is being read or written. */
#ifdef _WIN32
        CHECK_BETWEEN(number, 5, 4000);
#else
        CHECK_BETWEEN(number, 5, 300);
#endif
        CHECK_INT(drain(receiver, 200), number);
        /* And goes on when it is read. */
        CHECK_INT(slk_send(sender, "after", 5, 0), 5);
        CHECK_RECV(receiver, "after");
        close_socket(sender);
        close_socket(receiver);
        slk_ctx_destroy(ctx);
    }
}

static void a_burst_into_an_empty_queue(void)
{
    static const int types[][2] = {
        {SLK_PAIR, SLK_PAIR}, {SLK_PUSH, SLK_PULL}, {SLK_DEALER, SLK_DEALER}};
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        size_t index;
        for (index = 0; index < sizeof types / sizeof types[0]; ++index) {
            slk_ctx_t* ctx = new_context();
            slk_socket_t* sender = open_socket(ctx, types[index][0]);
            slk_socket_t* receiver = open_socket(ctx, types[index][1]);
            endpoint_text endpoint;
            int round;
            set_int(sender, SLK_SNDHWM, 50);
            set_int(receiver, SLK_RCVHWM, 50);
            bind_to(receiver, kind, endpoint);
            connect_to(sender, endpoint);
            for (round = 0; round < 5; ++round) {
                int number;
                for (number = 0; number < 50; ++number)
                    CHECK_INT(slk_send(sender, "x", 1, SLK_DONTWAIT), 1);
                for (number = 0; number < 50; ++number)
                    CHECK_RECV(receiver, "x");
                sleep_ms(5); /* "a few ms" after the receiver has drained */
            }
            close_socket(sender);
            close_socket(receiver);
            slk_ctx_destroy(ctx);
        }
    }
}

static void a_burst_of_a_publisher(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* publisher = open_socket(ctx, SLK_XPUB);
        slk_socket_t* subscriber = open_socket(ctx, SLK_SUB);
        endpoint_text endpoint;
        int number;
        set_int(publisher, SLK_SNDHWM, 200);
        bind_to(publisher, kind, endpoint);
        set_bytes(subscriber, SLK_SUBSCRIBE, "", 0);
        connect_to(subscriber, endpoint);
        CHECK_RECV_BYTES(publisher, "\1", 1);
        for (number = 0; number < 200; ++number)
            CHECK_INT(slk_send(publisher, &number, sizeof number, SLK_DONTWAIT), sizeof number);
        for (number = 0; number < 200; ++number)
            CHECK_RECV_BYTES(subscriber, &number, sizeof number);
        close_socket(publisher);
        close_socket(subscriber);
        slk_ctx_destroy(ctx);
    }
}

/* 1 if a tight burst of sends without waiting is refused before `limit`. */
static int burst_is_refused(int type, transport kind)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sender = open_socket(ctx, type);
    slk_socket_t* receiver = open_socket(ctx, type == SLK_XPUB     ? SLK_SUB
                                              : type == SLK_ROUTER ? SLK_DEALER
                                                                   : SLK_PAIR);
    endpoint_text endpoint;
    int number = 0;
    int refused = 0;
    set_int(sender, SLK_SNDHWM, 10);
    set_int(receiver, SLK_RCVHWM, kind == transport_inproc ? 10 : 0);
    if (type == SLK_ROUTER) {
        set_int(sender, SLK_ROUTER_MANDATORY, 1);
        set_bytes(receiver, SLK_ROUTING_ID, "peer", 4);
    }
    if (type == SLK_XPUB) {
        set_int(sender, SLK_XPUB_NODROP, 1);
        set_bytes(receiver, SLK_SUBSCRIBE, "", 0);
    }
    bind_to(sender, kind, endpoint);
    connect_to(receiver, endpoint);
    if (type == SLK_XPUB)
        CHECK_RECV_BYTES(sender, "\1", 1);
    else
        CHECK_UNTIL((get_int(sender, opt_events) & SLK_POLLOUT) != 0, patience_ms);
    for (number = 0; number < 500; ++number) {
        const int result = type == SLK_ROUTER ? slk_send_to(sender, "peer", 4, "x", 1, SLK_DONTWAIT)
                                              : slk_send(sender, "x", 1, SLK_DONTWAIT);
        if (result < 0) {
            CHECK_INT(slk_errno(), SLK_EAGAIN);
            refused = 1;
            break;
        }
    }
    CHECK_BETWEEN(number, 10, 500);
    CHECK_UNTIL(drain(receiver, 1) == 0, patience_ms);
    CHECK_UNTIL((get_int(sender, opt_events) & SLK_POLLOUT) != 0, patience_ms);
    close_socket(sender);
    close_socket(receiver);
    slk_ctx_destroy(ctx);
    return refused;
}

static void a_tight_burst_is_refused(void)
{
    static const int types[] = {SLK_PAIR, SLK_ROUTER, SLK_XPUB};
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        size_t index;
        for (index = 0; index < sizeof types / sizeof types[0]; ++index) {
            char text[80];
            snprintf(text, sizeof text, "a burst of type %d over %s is refused", types[index],
                     transport_name(kind));
            test_check(__FILE__, __LINE__, text,
                       burst_is_refused(types[index], kind) ||
                           burst_is_refused(types[index], kind) ||
                           burst_is_refused(types[index], kind),
                       0);
        }
    }
}

static void freed_room_is_reported(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        static const int marks[] = {1, 2, 9, 20};
        size_t index;
        for (index = 0; index < sizeof marks / sizeof marks[0]; ++index) {
            const int mark = marks[index];
            slk_ctx_t* ctx = new_context();
            slk_socket_t* sender = open_socket(ctx, SLK_PUSH);
            slk_socket_t* receiver = open_socket(ctx, SLK_PULL);
            endpoint_text endpoint;
            int round;
            set_int(sender, SLK_SNDHWM, mark);
            set_int(receiver, SLK_RCVHWM, mark);
            bind_to(receiver, kind, endpoint);
            connect_to(sender, endpoint);
            for (round = 0; round < 5; ++round) {
                const int number = fill(sender, 10000);
                int received;
                CHECK_BETWEEN(number, mark, 10000);
                for (received = 0; received < number; ++received)
                    CHECK_RECV(receiver, "x");
                CHECK_UNTIL(slk_send(sender, "x", 1, SLK_DONTWAIT) == 1, 200);
                CHECK_RECV(receiver, "x");
                sleep_ms(5);
            }
            close_socket(sender);
            close_socket(receiver);
            slk_ctx_destroy(ctx);
        }
    }
}

static void marks_act_at_once(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sender = open_socket(ctx, SLK_PUSH);
    slk_socket_t* receiver = open_socket(ctx, SLK_PULL);
    endpoint_text endpoint;
    free_endpoint(transport_tcp, endpoint);
    set_int(sender, SLK_SNDHWM, 10);
    set_int(sender, SLK_RECONNECT_IVL, 10);
    connect_to(sender, endpoint);
    CHECK_INT(fill(sender, 1000), 10);
    set_int(sender, SLK_SNDHWM, 30);
    CHECK_INT(fill(sender, 1000), 20);
    /* Lowering drops nothing. */
    set_int(sender, SLK_SNDHWM, 5);
    CHECK_FAILS(slk_send(sender, "x", 1, SLK_DONTWAIT), SLK_EAGAIN);
    set_int(sender, SLK_SNDHWM, 0);
    CHECK_INT(fill(sender, 500), 500);
    set_int(sender, SLK_SNDHWM, 5);
    bind_at(receiver, endpoint);
    CHECK_INT(drain(receiver, 300), 530);
    CHECK_UNTIL(slk_send(sender, "x", 1, SLK_DONTWAIT) == 1, patience_ms);
    CHECK_RECV(receiver, "x");
    close_socket(sender);
    close_socket(receiver);
    slk_ctx_destroy(ctx);
}

static void marks_of_inproc_act_at_once(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sender = open_socket(ctx, SLK_PUSH);
    slk_socket_t* receiver = open_socket(ctx, SLK_PULL);
    endpoint_text endpoint;
    int number;
    set_int(sender, SLK_SNDHWM, 10);
    set_int(receiver, SLK_RCVHWM, 10);
    bind_inproc(receiver, endpoint);
    connect_to(sender, endpoint);
    number = fill(sender, 1000);
    CHECK_BETWEEN(number, 10, 20);
    set_int(sender, SLK_SNDHWM, 100);
    CHECK_UNTIL((get_int(sender, opt_events) & SLK_POLLOUT) != 0, 100);
    number += fill(sender, 1000);
    CHECK_BETWEEN(number, 100, 110);
    set_int(sender, SLK_SNDHWM, 1);
    CHECK_INT(drain(receiver, 0), number);
    CHECK_UNTIL(slk_send(sender, "x", 1, SLK_DONTWAIT) == 1, patience_ms);
    CHECK_RECV(receiver, "x");
    close_socket(sender);
    close_socket(receiver);
    slk_ctx_destroy(ctx);
}

CASES(flow_control) = {
    {"the sender's queue has room for exactly SLK_SNDHWM", the_senders_queue_has_exactly_that_room},
    {"room is counted per connection", room_is_counted_per_connection},
    {"messages are counted, and not frames", messages_are_counted_and_not_frames},
    {"SLK_SNDHWM 0 is no limit", no_limit},
    {"the one queue of inproc", room_of_one_queue},
    {"a full receiver stops reading", a_full_receiver_stops_reading},
    {"a burst into an empty queue is never refused", a_burst_into_an_empty_queue},
    {"a burst of a publisher is never dropped", a_burst_of_a_publisher},
    {"a tight burst is refused when the room is used up", a_tight_burst_is_refused},
    {"freed room is reported", freed_room_is_reported},
    {"marks act at once, and drop nothing", marks_act_at_once},
    {"marks of inproc act at once, and drop nothing", marks_of_inproc_act_at_once},
    END_OF_CASES,
};
