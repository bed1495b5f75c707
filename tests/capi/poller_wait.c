/* SPDX-License-Identifier: MPL-2.0 */

/* Poller objects: waiting. */

#include "descriptors.h"
#include "frames.h"

static int mine, yours;

static void set_all(slk_poller_event_t* events, int count)
{
    memset(events, 0x55, (size_t)count * sizeof *events);
}

#define CHECK_EVENT(event, at_socket, at_fd, data, bits)                                           \
    do {                                                                                           \
        CHECK((event).socket == (void*)(at_socket));                                               \
        CHECK((event).fd == (at_fd));                                                              \
        CHECK((event).user_data == (void*)(data));                                                 \
        CHECK_INT((event).events, bits);                                                           \
    } while (0)
#define CHECK_CLEARED(event) CHECK_EVENT(event, NULL, NO_DESCRIPTOR, NULL, 0)

static void an_event_tells_all(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *a, *b;
        slk_ctx_t* ctx = open_joined(kind, SLK_PAIR, &a, SLK_PAIR, &b);
        void* poller = slk_poller_new();
        slk_poller_event_t event;
        CHECK_INT(slk_poller_add(poller, a, &mine, SLK_POLLIN), 0);
        set_all(&event, 1);
        CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, &event, 0), EAGAIN);
        CHECK_CLEARED(event);
        CHECK(until_ready(b, SLK_POLLOUT));
        CHECK(sends(b, "m"));
        set_all(&event, 1);
        CHECK_INT(slk_poller_wait(poller, &event, -1), 0);
        CHECK_EVENT(event, a, NO_DESCRIPTOR, &mine, SLK_POLLIN);
        /* A level: until it is received. */
        set_all(&event, 1);
        CHECK_INT(slk_poller_wait(poller, &event, 0), 0);
        CHECK_EVENT(event, a, NO_DESCRIPTOR, &mine, SLK_POLLIN);
        CHECK_INT(slk_poller_modify(poller, a, SLK_POLLIN | SLK_POLLOUT), 0);
        CHECK(until_ready(a, SLK_POLLIN | SLK_POLLOUT));
        CHECK_INT(slk_poller_wait(poller, &event, patience_ms), 0);
        CHECK_EVENT(event, a, NO_DESCRIPTOR, &mine, SLK_POLLIN | SLK_POLLOUT);
        CHECK(receives(a, "m"));
        CHECK_INT(slk_poller_modify(poller, a, SLK_POLLIN), 0);
        CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, &event, 0), EAGAIN);
        slk_poller_destroy(&poller);
        slk_ctx_destroy(ctx);
    }
}

static void timeouts_pass(void)
{
    slk_ctx_t* ctx = new_context();
    void* poller = slk_poller_new();
    slk_poller_event_t events[2];
    double begin;
    CHECK_INT(slk_poller_add(poller, open_socket(ctx, SLK_PULL), &mine, SLK_POLLIN), 0);
    set_all(events, 2);
    begin = now_ms();
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, events, 40), EAGAIN);
    CHECK_BETWEEN(now_ms() - begin, 39, patience_ms);
    CHECK_CLEARED(events[0]);
    set_all(events, 2);
    begin = now_ms();
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait_all(poller, events, 2, 40), EAGAIN);
    CHECK_BETWEEN(now_ms() - begin, 39, patience_ms);
    set_all(events, 2);
    begin = now_ms();
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait_all(poller, events, 2, 0), EAGAIN);
    CHECK_BETWEEN(now_ms() - begin, 0, 1000);
    slk_poller_destroy(&poller);
    slk_ctx_destroy(ctx);
}

static void all_that_are_ready(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* push = open_socket(ctx, SLK_PUSH);
    slk_socket_t* pulls[3];
    void* poller = slk_poller_new();
    slk_poller_event_t events[6];
    slk_fd_t a, b;
    int i;
    descriptor_pair(&a, &b);
    for (i = 0; i < 3; ++i) {
        pulls[i] = open_socket(ctx, SLK_PULL);
        join(pulls[i], push, transport_inproc);
        CHECK_INT(slk_poller_add(poller, pulls[i], &pulls[i], SLK_POLLIN), 0);
    }
    CHECK_INT(slk_poller_add_fd(poller, a, &yours, SLK_POLLIN), 0);
    CHECK(sends(push, "0"));
    CHECK(sends(push, "1"));
    set_all(events, 6);
    CHECK_INT(slk_poller_wait_all(poller, events, 5, -1), 2);
    CHECK_EVENT(events[0], pulls[0], NO_DESCRIPTOR, &pulls[0], SLK_POLLIN);
    CHECK_EVENT(events[1], pulls[1], NO_DESCRIPTOR, &pulls[1], SLK_POLLIN);
    for (i = 2; i < 5; ++i)
        CHECK_CLEARED(events[i]);
    CHECK_INT(events[5].events, 0x5555);
    /* With less room, some of them. */
    CHECK_INT(slk_poller_wait_all(poller, events, 1, -1), 1);
    CHECK(events[0].socket == pulls[0] || events[0].socket == pulls[1]);
    write_descriptor(b, "x", 1);
    CHECK(until_ready(pulls[0], SLK_POLLIN));
    REQUIRE_UNTIL(slk_poller_wait_all(poller, events, 5, -1) == 3, patience_ms);
    CHECK_EVENT(events[2], NULL, a, &yours, SLK_POLLIN);
    CHECK_CLEARED(events[3]);
    slk_poller_destroy(&poller);
    close_descriptor(a);
    close_descriptor(b);
    slk_ctx_destroy(ctx);
}

static void descriptors_are_waited_for(void)
{
    void* poller = slk_poller_new();
    slk_poller_event_t event;
    slk_fd_t a, b;
    char byte;
    descriptor_pair(&a, &b);
    CHECK_INT(slk_poller_add_fd(poller, a, &mine, SLK_POLLIN), 0);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, &event, 5), EAGAIN);
    CHECK_CLEARED(event);
    CHECK_INT(slk_poller_modify_fd(poller, a, SLK_POLLIN | SLK_POLLOUT), 0);
    CHECK_INT(slk_poller_wait(poller, &event, patience_ms), 0);
    CHECK_EVENT(event, NULL, a, &mine, SLK_POLLOUT);
    CHECK_INT(slk_poller_modify_fd(poller, a, SLK_POLLIN), 0);
    write_descriptor(b, "x", 1);
    CHECK_INT(slk_poller_wait(poller, &event, -1), 0);
    CHECK_EVENT(event, NULL, a, &mine, SLK_POLLIN);
    CHECK(read_descriptor(a, &byte, 1));
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, &event, 0), EAGAIN);
    /* The end of the other side can be read. */
    close_descriptor(b);
    CHECK_INT(slk_poller_wait(poller, &event, patience_ms), 0);
    CHECK(event.events & SLK_POLLIN);
    CHECK_INT(slk_poller_remove_fd(poller, a), 0);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, &event, 0), EAGAIN);
    slk_poller_destroy(&poller);
    close_descriptor(a);
}

static void no_events_is_silent(void)
{
    slk_socket_t *a, *b;
    slk_ctx_t* ctx = open_joined(transport_inproc, SLK_PAIR, &a, SLK_PAIR, &b);
    void* poller = slk_poller_new();
    slk_poller_event_t event;
    double begin = now_ms();
    CHECK(sends(b, "m"));
    CHECK_INT(slk_poller_add(poller, a, &mine, 0), 0);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, &event, 20), EAGAIN);
    CHECK_BETWEEN(now_ms() - begin, 19, patience_ms);
    CHECK_INT(slk_poller_modify(poller, a, SLK_POLLIN), 0);
    CHECK_INT(slk_poller_wait(poller, &event, 0), 0);
    CHECK_INT(slk_poller_modify(poller, a, 0), 0);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, &event, 0), EAGAIN);
    CHECK_INT(slk_poller_size(poller), 1);
    slk_poller_destroy(&poller);
    slk_ctx_destroy(ctx);
}

static void send_later(void* socket)
{
    sleep_ms(20);
    CHECK(sends(socket, "late"));
}

static void a_wait_is_woken(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t *pull, *push;
        slk_ctx_t* ctx = open_joined(kind, SLK_PULL, &pull, SLK_PUSH, &push);
        void* poller = slk_poller_new();
        slk_poller_event_t event;
        test_thread* thread;
        CHECK_INT(slk_poller_add(poller, pull, NULL, SLK_POLLIN), 0);
        thread = thread_start(send_later, push);
        CHECK_INT(slk_poller_wait(poller, &event, -1), 0);
        CHECK_EVENT(event, pull, NO_DESCRIPTOR, NULL, SLK_POLLIN);
        thread_join(thread);
        slk_poller_destroy(&poller);
        slk_ctx_destroy(ctx);
    }
}

static void destroy_later(void* ctx)
{
    sleep_ms(20);
    slk_ctx_destroy(ctx);
}

static void a_wait_ends_with_the_context(void)
{
    slk_ctx_t* ctx = new_context();
    void* poller = slk_poller_new();
    slk_poller_event_t event;
    test_thread* thread;
    CHECK_INT(slk_poller_add(poller, open_socket(ctx, SLK_PULL), NULL, SLK_POLLIN), 0);
    thread = thread_start(destroy_later, ctx);
    set_all(&event, 1);
    CHECK_INT(slk_poller_wait(poller, &event, -1), -1);
    CHECK_CLEARED(event);
    thread_join(thread);
    slk_poller_destroy(&poller);
}

static void pollers_are_independent(void)
{
    slk_socket_t *a, *b;
    slk_ctx_t* ctx = open_joined(transport_inproc, SLK_PAIR, &a, SLK_PAIR, &b);
    void* one = slk_poller_new();
    void* two = slk_poller_new();
    slk_poller_event_t event;
    CHECK_INT(slk_poller_add(one, a, &mine, SLK_POLLIN), 0);
    CHECK_INT(slk_poller_add(two, a, &yours, SLK_POLLIN), 0);
    CHECK(sends(b, "1"));
    CHECK_INT(slk_poller_wait(one, &event, 0), 0);
    CHECK(event.user_data == &mine);
    CHECK_INT(slk_poller_wait(two, &event, 0), 0);
    CHECK(event.user_data == &yours);
    CHECK_INT(slk_poller_destroy(&one), 0);
    CHECK_INT(slk_poller_wait(two, &event, 0), 0);
    CHECK(receives_now(a, "1"));
    CHECK(sends(b, "2"));
    CHECK_INT(slk_poller_wait(two, &event, 0), 0);
    /* The socket is closed when it is in no poller. */
    CHECK_INT(slk_poller_remove(two, a), 0);
    close_socket(a);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(two, &event, 0), EAGAIN);
    CHECK_INT(slk_poller_destroy(&two), 0);
    slk_ctx_destroy(ctx);
}

static void sockets_of_several_contexts(void)
{
    slk_socket_t *a[2], *b[2];
    slk_ctx_t* ctxs[2];
    void* poller = slk_poller_new();
    slk_poller_event_t events[2];
    int i;
    for (i = 0; i < 2; ++i) {
        ctxs[i] =
            open_joined(i ? transport_tcp : transport_inproc, SLK_PULL, &a[i], SLK_PUSH, &b[i]);
        CHECK_INT(slk_poller_add(poller, a[i], NULL, SLK_POLLIN), 0);
    }
    for (i = 0; i < 2; ++i) {
        CHECK(sends(b[i], "m"));
        CHECK_INT(slk_poller_wait_all(poller, events, 2, -1), 1);
        CHECK(events[0].socket == a[i]);
        CHECK(receives(a[i], "m"));
    }
    slk_poller_destroy(&poller);
    slk_ctx_destroy(ctxs[0]);
    slk_ctx_destroy(ctxs[1]);
}

static void nobody_starves(void)
{
    enum { count = 4 };
    slk_ctx_t* ctx = new_context();
    slk_socket_t *pulls[count], *pushes[count];
    void* poller = slk_poller_new();
    slk_poller_event_t events[count];
    int got[count] = {0};
    int i, rounds;
    for (i = 0; i < count; ++i) {
        pulls[i] = open_socket(ctx, SLK_PULL);
        pushes[i] = open_socket(ctx, SLK_PUSH);
        join(pulls[i], pushes[i], transport_inproc);
        CHECK_INT(slk_poller_add(poller, pulls[i], &got[i], SLK_POLLIN), 0);
        CHECK(sends(pushes[i], "m"));
    }
    for (rounds = 0; rounds < 50; ++rounds) {
        const int ready = slk_poller_wait_all(poller, events, count, -1);
        CHECK_INT(ready, count);
        for (i = 0; i < ready; ++i)
            ++*(int*)events[i].user_data;
    }
    for (i = 0; i < count; ++i)
        CHECK_INT(got[i], 50);
    slk_poller_destroy(&poller);
    slk_ctx_destroy(ctx);
}

CASES(poller_wait) = {
    {"an event has its socket, its data and what is ready", an_event_tells_all},
    {"a timeout passes and clears the events", timeouts_pass},
    {"wait_all has all that are ready, and clears the rest", all_that_are_ready},
    {"descriptors are waited for", descriptors_are_waited_for},
    {"an item without events is silent", no_events_is_silent},
    {"a wait is woken by a message", a_wait_is_woken},
    {"a wait ends with the context", a_wait_ends_with_the_context},
    {"pollers of one socket are independent", pollers_are_independent},
    {"a poller has sockets of several contexts", sockets_of_several_contexts},
    {"all ready sockets are reported each time", nobody_starves},
    END_OF_CASES,
};
