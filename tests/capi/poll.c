/* SPDX-License-Identifier: MPL-2.0 */

/* slk_poll(). */
#ifndef _WIN32
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE 700
#endif

#include "descriptors.h"
#include "frames.h"

#ifndef _WIN32
#include <pthread.h>
#include <signal.h>
#endif

static slk_pollitem_t item_of(slk_socket_t* socket, int events)
{
    slk_pollitem_t item;
    item.socket = socket;
    item.fd = 0;
    item.events = (short)events;
    item.revents = -1;
    return item;
}

static slk_pollitem_t item_of_fd(slk_fd_t fd, int events)
{
    slk_pollitem_t item = item_of(NULL, events);
    item.fd = (int)fd;
    return item;
}

static void arguments_are_checked(void)
{
    slk_ctx_t* ctx = new_context();
    slk_pollitem_t item = item_of(open_socket(ctx, SLK_PUB), SLK_POLLIN);
    CHECK_FAILS(slk_poll(NULL, 1, 0), SLK_EINVAL);
    CHECK_FAILS(slk_poll(NULL, 0, 0), SLK_EINVAL);
    CHECK_FAILS(slk_poll(NULL, 0, -1), SLK_EINVAL);
    CHECK_FAILS(slk_poll(&item, 0, 0), SLK_EINVAL);
    CHECK_FAILS(slk_poll(&item, 0, -1), SLK_EINVAL);
    CHECK_FAILS(slk_poll(&item, -1, 0), SLK_EINVAL);
    slk_ctx_destroy(ctx);
}

static void timeouts_pass(void)
{
    slk_ctx_t* ctx = new_context();
    slk_pollitem_t item = item_of(open_socket(ctx, SLK_PULL), SLK_POLLIN);
    double begin = now_ms();
    CHECK_INT(slk_poll(&item, 1, 0), 0);
    CHECK_INT(item.revents, 0);
    CHECK_BETWEEN(now_ms() - begin, 0, 1000);
    item.revents = -1;
    begin = now_ms();
    CHECK_INT(slk_poll(&item, 1, 40), 0);
    CHECK_BETWEEN(now_ms() - begin, 39, patience_ms);
    CHECK_INT(item.revents, 0);
    slk_ctx_destroy(ctx);
}

static double late_by(void)
{
    slk_ctx_t* ctx = new_context();
    slk_pollitem_t item = item_of(open_socket(ctx, SLK_PULL), SLK_POLLIN);
    const double begin = now_ms();
    double took;
    slk_poll(&item, 1, 20);
    took = now_ms() - begin - 20;
    slk_ctx_destroy(ctx);
    return took;
}

static void timeouts_are_kept(void)
{
    CHECK_BEST(late_by, 20);
}

static void readiness_is_a_level(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *pull, *push;
        slk_ctx_t* ctx = open_joined(kind, SLK_PULL, &pull, SLK_PUSH, &push);
        slk_pollitem_t item = item_of(pull, SLK_POLLIN | SLK_POLLOUT);
        CHECK(sends(push, "one|two"));
        CHECK(sends(push, "three"));
        CHECK_INT(slk_poll(&item, 1, patience_ms), 1);
        CHECK_INT(item.revents, SLK_POLLIN);
        CHECK_INT(slk_poll(&item, 1, -1), 1);
        CHECK_INT(item.revents, SLK_POLLIN);
        CHECK_RECV_MORE(pull, "one");
        /* In the middle of a message: always. */
        CHECK_INT(slk_poll(&item, 1, 0), 1);
        CHECK_INT(item.revents, SLK_POLLIN);
        CHECK_RECV_LAST(pull, "two");
        CHECK(until_ready(pull, SLK_POLLIN));
        CHECK_RECV_LAST(pull, "three");
        CHECK_INT(slk_poll(&item, 1, 0), 0);
        CHECK_INT(item.revents, 0);
        slk_ctx_destroy(ctx);
    }
}

static void half_a_message_is_none(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *pull, *push;
        slk_ctx_t* ctx = open_joined(kind, SLK_PULL, &pull, SLK_PUSH, &push);
        CHECK(sends(push, "whole"));
        CHECK(receives(pull, "whole"));
        CHECK_INT(slk_send(push, "half", 4, SLK_SNDMORE), 4);
        CHECK_INT(ready_now(pull), 0);
        sleep_ms(5);
        CHECK_INT(ready_now(pull), 0);
        CHECK_INT(slk_send(push, "half", 4, 0), 4);
        CHECK(until_ready(pull, SLK_POLLIN));
        slk_ctx_destroy(ctx);
    }
}

static void several_items_are_counted(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pulls[3];
    slk_socket_t* push = open_socket(ctx, SLK_PUSH);
    slk_pollitem_t items[5];
    int i;
    for (i = 0; i < 3; ++i) {
        pulls[i] = open_socket(ctx, SLK_PULL);
        join(pulls[i], push, transport_inproc);
        items[i] = item_of(pulls[i], SLK_POLLIN);
    }
    items[3] = item_of(push, SLK_POLLIN | SLK_POLLOUT);
    items[4] = item_of(push, 0);
    CHECK_INT(slk_poll(items, 3, 0), 0);
    CHECK(sends(push, "a"));
    CHECK(sends(push, "b"));
    CHECK_INT(slk_poll(items, 3, patience_ms), 2);
    CHECK_INT(items[0].revents, SLK_POLLIN);
    CHECK_INT(items[1].revents, SLK_POLLIN);
    CHECK_INT(items[2].revents, 0);
    CHECK_INT(slk_poll(items, 5, patience_ms), 3);
    CHECK_INT(items[3].revents, SLK_POLLOUT);
    CHECK_INT(items[4].revents, 0);
    /* The same socket may be there twice. */
    items[1] = items[0];
    CHECK_INT(slk_poll(items, 2, 0), 2);
    CHECK_INT(items[1].revents, SLK_POLLIN);
    slk_ctx_destroy(ctx);
}

static void descriptors_are_polled(void)
{
    slk_fd_t a, b;
    slk_pollitem_t item;
    descriptor_pair(&a, &b);
    item = item_of_fd(a, SLK_POLLIN);
    CHECK_INT(slk_poll(&item, 1, 0), 0);
    CHECK_INT(item.revents, 0);
    item.events = SLK_POLLIN | SLK_POLLOUT;
    CHECK_INT(slk_poll(&item, 1, patience_ms), 1);
    CHECK_INT(item.revents, SLK_POLLOUT);
    write_descriptor(b, "x", 1);
    item.events = SLK_POLLIN;
    CHECK_INT(slk_poll(&item, 1, patience_ms), 1);
    CHECK_INT(item.revents, SLK_POLLIN);
    CHECK_INT(slk_poll(&item, 1, -1), 1);
    close_descriptor(a);
    close_descriptor(b);
}

static void descriptors_and_sockets_go_together(void)
{
    slk_socket_t *pull, *push;
    slk_ctx_t* ctx = open_joined(transport_tcp, SLK_PULL, &pull, SLK_PUSH, &push);
    slk_fd_t a, b;
    slk_pollitem_t items[2];
    char byte;
    descriptor_pair(&a, &b);
    items[0] = item_of(pull, SLK_POLLIN);
    items[1] = item_of_fd(a, SLK_POLLIN);
    CHECK_INT(slk_poll(items, 2, 10), 0);
    write_descriptor(b, "x", 1);
    CHECK_INT(slk_poll(items, 2, patience_ms), 1);
    CHECK_INT(items[0].revents, 0);
    CHECK_INT(items[1].revents, SLK_POLLIN);
    CHECK(read_descriptor(a, &byte, 1));
    CHECK(sends(push, "m"));
    CHECK_INT(slk_poll(items, 2, -1), 1);
    CHECK_INT(items[0].revents, SLK_POLLIN);
    CHECK_INT(items[1].revents, 0);
    close_descriptor(a);
    close_descriptor(b);
    slk_ctx_destroy(ctx);
}

static void send_later(void* push)
{
    sleep_ms(20);
    CHECK(sends(push, "late"));
}

static void a_poll_is_woken_by_a_message(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *pull, *push;
        slk_ctx_t* ctx = open_joined(kind, SLK_PULL, &pull, SLK_PUSH, &push);
        slk_pollitem_t item = item_of(pull, SLK_POLLIN);
        test_thread* thread = thread_start(send_later, push);
        CHECK_INT(slk_poll(&item, 1, -1), 1);
        CHECK_INT(item.revents, SLK_POLLIN);
        thread_join(thread);
        CHECK(receives(pull, "late"));
        slk_ctx_destroy(ctx);
    }
}

static void a_poll_is_woken_by_room(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* push = open_socket(ctx, SLK_PUSH);
    slk_socket_t* pull = open_socket(ctx, SLK_PULL);
    slk_pollitem_t item = item_of(push, SLK_POLLOUT);
    endpoint_text endpoint;
    /* Nobody is there. */
    bind_tcp(push, endpoint);
    CHECK_INT(slk_poll(&item, 1, 5), 0);
    connect_to(pull, endpoint);
    CHECK_INT(slk_poll(&item, 1, -1), 1);
    CHECK_INT(item.revents, SLK_POLLOUT);
    slk_ctx_destroy(ctx);
}

static void destroy_later(void* ctx)
{
    sleep_ms(20);
    slk_ctx_destroy(ctx);
}

static void a_poll_ends_with_the_context(void)
{
    slk_ctx_t* ctx = new_context();
    slk_pollitem_t items[2];
    test_thread* thread;
    items[0] = item_of(open_socket(ctx, SLK_PULL), SLK_POLLIN);
    items[1] = item_of(open_socket(ctx, SLK_ROUTER), SLK_POLLIN);
    thread = thread_start(destroy_later, ctx);
    CHECK_FAILS(slk_poll(items, 2, -1), SLK_ETERM);
    thread_join(thread);
}

static void only_what_a_type_can_do_is_ready(void)
{
    static const struct {
        int type;
        int events;
    } alone[] = {
        {SLK_PAIR, 0},
        {SLK_PUB, SLK_POLLOUT},
        {SLK_SUB, 0},
        {SLK_REQ, 0},
        {SLK_REP, 0},
        {SLK_DEALER, 0},
        {SLK_PULL, 0},
        {SLK_ROUTER, SLK_POLLOUT},
        {SLK_PUSH, 0},
        {SLK_XPUB, SLK_POLLOUT},
        {SLK_XSUB, SLK_POLLOUT},
    };
    slk_ctx_t* ctx = new_context();
    size_t i;
    for (i = 0; i < sizeof alone / sizeof *alone; ++i) {
        slk_socket_t* socket = open_socket(ctx, alone[i].type);
        CHECK_INT(ready_now(socket), alone[i].events);
        CHECK_INT(get_int(socket, opt_events), alone[i].events);
    }
    slk_ctx_destroy(ctx);
}

static void a_mandatory_router_needs_a_peer_with_room(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    slk_socket_t* dealer = open_socket(ctx, SLK_DEALER);
    int count = 0;
    set_int(router, SLK_SNDHWM, 2);
    set_int(dealer, SLK_RCVHWM, 2);
    set_bytes(dealer, SLK_ROUTING_ID, "d", 1);
    set_int(router, SLK_ROUTER_MANDATORY, 1);
    CHECK_INT(ready_now(router), 0);
    join(router, dealer, transport_inproc);
    CHECK(until_ready(router, SLK_POLLOUT));
    while (count < 1000 && slk_send(router, "d", 1, SLK_SNDMORE | SLK_DONTWAIT) == 1) {
        CHECK_INT(slk_send(router, "x", 1, SLK_DONTWAIT), 1);
        ++count;
    }
    CHECK_BETWEEN(count, 2, 4);
    CHECK_INT(ready_now(router), 0);
    while (count-- > 0)
        CHECK(receives(dealer, "x"));
    CHECK(until_ready(router, SLK_POLLOUT));
    slk_ctx_destroy(ctx);
}

static void what_a_sub_filters_does_not_make_it_readable(void)
{
    slk_socket_t *xpub, *sub;
    slk_ctx_t* ctx = open_joined(transport_inproc, SLK_XPUB, &xpub, SLK_SUB, &sub);
    set_int(xpub, SLK_XPUB_MANUAL, 1);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "asked"), 0);
    CHECK(receives(xpub, "\1asked"));
    CHECK_INT(set_text(xpub, SLK_SUBSCRIBE, ""), 0);
    CHECK(sends(xpub, "other"));
    CHECK_INT(ready_now(sub), 0);
    CHECK(sends(xpub, "asked"));
    CHECK_INT(ready_now(sub), SLK_POLLIN);
    slk_ctx_destroy(ctx);
}

#ifndef _WIN32
static void ignore_signal(int number)
{
    (void)number;
}

static void signal_later(void* thread)
{
    int i;
    for (i = 0; i < 3; ++i) {
        sleep_ms(10);
        pthread_kill(*(pthread_t*)thread, SIGUSR1);
    }
}
#endif

static void signals_do_not_end_it(void)
{
#ifndef _WIN32
    slk_ctx_t* ctx = new_context();
    slk_pollitem_t item = item_of(open_socket(ctx, SLK_PULL), SLK_POLLIN);
    pthread_t self = pthread_self();
    struct sigaction action;
    test_thread* thread;
    double begin;
    memset(&action, 0, sizeof action);
    action.sa_handler = ignore_signal;
    REQUIRE(sigaction(SIGUSR1, &action, NULL) == 0);
    thread = thread_start(signal_later, &self);
    begin = now_ms();
    CHECK_INT(slk_poll(&item, 1, 60), 0);
    CHECK_BETWEEN(now_ms() - begin, 59, patience_ms);
    thread_join(thread);
    slk_ctx_destroy(ctx);
#else
    skip("there are no signals");
#endif
}

CASES(poll) = {
    {"slk_poll checks its arguments", arguments_are_checked},
    {"a timeout passes, and 0 returns at once", timeouts_pass},
    {"a timeout is kept", timeouts_are_kept},
    {"readiness is a level, also in the middle of a message", readiness_is_a_level},
    {"half a message does not make a socket readable", half_a_message_is_none},
    {"items that are ready are counted", several_items_are_counted},
    {"descriptors are polled", descriptors_are_polled},
    {"descriptors and sockets are polled together", descriptors_and_sockets_go_together},
    {"a poll is woken by a message", a_poll_is_woken_by_a_message},
    {"a poll is woken by a peer that has room", a_poll_is_woken_by_room},
    {"a poll ends with the context", a_poll_ends_with_the_context},
    {"a socket alone is ready for what its type can do", only_what_a_type_can_do_is_ready},
    {"a mandatory ROUTER is writable if a peer has room",
     a_mandatory_router_needs_a_peer_with_room},
    {"what a SUB filters does not make it readable", what_a_sub_filters_does_not_make_it_readable},
    {"signals do not end a poll", signals_do_not_end_it},
    END_OF_CASES,
};
