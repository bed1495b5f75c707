/* SPDX-License-Identifier: MPL-2.0 */

/* Poller objects: what is registered, and every wrong argument. */

#include "descriptors.h"
#include "frames.h"

static int none;

static void it_is_made_and_destroyed(void)
{
    void* poller = slk_poller_new();
    void* nothing = NULL;
    REQUIRE(poller != NULL);
    CHECK_INT(slk_poller_size(poller), 0);
    CHECK_INT(slk_poller_destroy(&poller), 0);
    CHECK(poller == NULL);
    CHECK_FAILS_WITH_ERRNO(slk_poller_destroy(&poller), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_destroy(&nothing), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_destroy(NULL), EFAULT);
}

static void every_call_of(void* poller)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    slk_poller_event_t event;
    slk_fd_t fd = 0, other;
    descriptor_pair(&fd, &other);
    CHECK_FAILS_WITH_ERRNO(slk_poller_size(poller), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_add(poller, socket, NULL, SLK_POLLIN), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_modify(poller, socket, SLK_POLLIN), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_remove(poller, socket), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_add_fd(poller, fd, NULL, SLK_POLLIN), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_modify_fd(poller, fd, SLK_POLLIN), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_remove_fd(poller, fd), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, &event, 0), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait_all(poller, &event, 1, 0), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_fd(poller, &fd), EFAULT);
    close_descriptor(fd);
    close_descriptor(other);
    slk_ctx_destroy(ctx);
}

static void no_poller(void)
{
    every_call_of(NULL);
}

static void a_destroyed_poller(void)
{
    void* poller = slk_poller_new();
    void* copy = poller;
    REQUIRE(poller != NULL);
    CHECK_INT(slk_poller_destroy(&poller), 0);
    every_call_of(copy);
    CHECK_FAILS_WITH_ERRNO(slk_poller_destroy(&copy), EFAULT);
}

static void sockets_are_registered_once(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* a = open_socket(ctx, SLK_PULL);
    slk_socket_t* b = open_socket(ctx, SLK_PUSH);
    void* poller = slk_poller_new();
    CHECK_INT(slk_poller_add(poller, a, NULL, SLK_POLLIN), 0);
    CHECK_INT(slk_poller_size(poller), 1);
    CHECK_FAILS_WITH_ERRNO(slk_poller_add(poller, a, NULL, SLK_POLLIN), EINVAL);
    CHECK_FAILS_WITH_ERRNO(slk_poller_add(poller, a, &none, 0), EINVAL);
    CHECK_INT(slk_poller_size(poller), 1);
    CHECK_FAILS_WITH_ERRNO(slk_poller_modify(poller, b, SLK_POLLIN), EINVAL);
    CHECK_FAILS_WITH_ERRNO(slk_poller_remove(poller, b), EINVAL);
    CHECK_INT(slk_poller_add(poller, b, NULL, 0), 0);
    CHECK_INT(slk_poller_size(poller), 2);
    CHECK_INT(slk_poller_modify(poller, b, SLK_POLLIN | SLK_POLLOUT | SLK_POLLERR), 0);
    CHECK_INT(slk_poller_remove(poller, a), 0);
    CHECK_INT(slk_poller_size(poller), 1);
    CHECK_FAILS_WITH_ERRNO(slk_poller_remove(poller, a), EINVAL);
    CHECK_FAILS_WITH_ERRNO(slk_poller_modify(poller, a, SLK_POLLIN), EINVAL);
    CHECK_INT(slk_poller_add(poller, a, NULL, SLK_POLLIN), 0);
    CHECK_INT(slk_poller_size(poller), 2);
    /* With items in it. */
    CHECK_INT(slk_poller_destroy(&poller), 0);
    slk_ctx_destroy(ctx);
}

static void no_socket(void)
{
    void* poller = slk_poller_new();
    CHECK_FAILS_WITH_ERRNO(slk_poller_add(poller, NULL, NULL, SLK_POLLIN), ENOTSOCK);
    CHECK_FAILS_WITH_ERRNO(slk_poller_modify(poller, NULL, SLK_POLLIN), ENOTSOCK);
    CHECK_FAILS_WITH_ERRNO(slk_poller_remove(poller, NULL), ENOTSOCK);
    CHECK_INT(slk_poller_size(poller), 0);
    slk_poller_destroy(&poller);
}

static void descriptors_are_registered_once(void)
{
    void* poller = slk_poller_new();
    slk_fd_t a, b;
    descriptor_pair(&a, &b);
    CHECK_INT(slk_poller_add_fd(poller, a, NULL, SLK_POLLIN), 0);
    CHECK_INT(slk_poller_size(poller), 1);
    CHECK_FAILS_WITH_ERRNO(slk_poller_add_fd(poller, a, NULL, SLK_POLLIN), EINVAL);
    CHECK_FAILS_WITH_ERRNO(slk_poller_modify_fd(poller, b, SLK_POLLIN), EINVAL);
    CHECK_FAILS_WITH_ERRNO(slk_poller_remove_fd(poller, b), EINVAL);
    CHECK_INT(slk_poller_add_fd(poller, b, NULL, 0), 0);
    CHECK_INT(slk_poller_modify_fd(poller, b, SLK_POLLOUT | SLK_POLLERR), 0);
    CHECK_INT(slk_poller_size(poller), 2);
    CHECK_INT(slk_poller_remove_fd(poller, a), 0);
    CHECK_FAILS_WITH_ERRNO(slk_poller_remove_fd(poller, a), EINVAL);
    CHECK_INT(slk_poller_size(poller), 1);
    slk_poller_destroy(&poller);
    close_descriptor(a);
    close_descriptor(b);
}

static void no_descriptor(void)
{
    void* poller = slk_poller_new();
    CHECK_FAILS_WITH_ERRNO(slk_poller_add_fd(poller, NO_DESCRIPTOR, NULL, SLK_POLLIN), EBADF);
    CHECK_FAILS_WITH_ERRNO(slk_poller_modify_fd(poller, NO_DESCRIPTOR, SLK_POLLIN), EBADF);
    CHECK_FAILS_WITH_ERRNO(slk_poller_remove_fd(poller, NO_DESCRIPTOR), EBADF);
    CHECK_INT(slk_poller_size(poller), 0);
    slk_poller_destroy(&poller);
}

static void other_events_are_refused(void)
{
    static const int wrong[] = {8, 16, 256, 0x4000, -1, SLK_POLLIN | 8};
    slk_ctx_t* ctx = new_context();
    slk_socket_t* a = open_socket(ctx, SLK_PULL);
    slk_socket_t* b = open_socket(ctx, SLK_PULL);
    void* poller = slk_poller_new();
    slk_fd_t c, d;
    size_t i;
    descriptor_pair(&c, &d);
    CHECK_INT(slk_poller_add(poller, b, NULL, 0), 0);
    CHECK_INT(slk_poller_add_fd(poller, d, NULL, 0), 0);
    for (i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
        const short events = (short)wrong[i];
        CHECK_FAILS_WITH_ERRNO(slk_poller_add(poller, a, NULL, events), EINVAL);
        CHECK_FAILS_WITH_ERRNO(slk_poller_modify(poller, b, events), EINVAL);
        CHECK_FAILS_WITH_ERRNO(slk_poller_add_fd(poller, c, NULL, events), EINVAL);
        CHECK_FAILS_WITH_ERRNO(slk_poller_modify_fd(poller, d, events), EINVAL);
    }
    CHECK_INT(slk_poller_size(poller), 2);
    slk_poller_destroy(&poller);
    close_descriptor(c);
    close_descriptor(d);
    slk_ctx_destroy(ctx);
}

static void there_is_no_descriptor_of_a_poller(void)
{
    static const int types[] = {SLK_PAIR, SLK_PUB,  SLK_SUB,  SLK_REQ,  SLK_REP,   SLK_DEALER,
                                SLK_PULL, SLK_PUSH, SLK_XPUB, SLK_XSUB, SLK_ROUTER};
    slk_ctx_t* ctx = new_context();
    size_t i;
    void* poller = slk_poller_new();
    slk_fd_t fd;
    CHECK_FAILS_WITH_ERRNO(slk_poller_fd(poller, &fd), EINVAL);
    for (i = 0; i < sizeof types / sizeof *types; ++i) {
        slk_socket_t* socket = open_socket(ctx, types[i]);
        CHECK_INT(slk_poller_add(poller, socket, NULL, SLK_POLLIN), 0);
        CHECK_FAILS_WITH_ERRNO(slk_poller_fd(poller, &fd), EINVAL);
        CHECK_INT(slk_poller_remove(poller, socket), 0);
    }
    slk_poller_destroy(&poller);
    slk_ctx_destroy(ctx);
}

static void many_items(void)
{
    enum { count = 300 };
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sockets[count];
    void* poller = slk_poller_new();
    int i;
    for (i = 0; i < count; ++i) {
        sockets[i] = open_socket(ctx, SLK_SUB);
        CHECK_INT(slk_poller_add(poller, sockets[i], NULL, SLK_POLLIN), 0);
        CHECK_INT(slk_poller_size(poller), i + 1);
    }
    /* From the middle, too. */
    for (i = count / 2; i < count; ++i)
        CHECK_INT(slk_poller_remove(poller, sockets[i]), 0);
    for (i = 0; i < count / 2; ++i)
        CHECK_INT(slk_poller_remove(poller, sockets[i]), 0);
    CHECK_INT(slk_poller_size(poller), 0);
    slk_poller_destroy(&poller);
    slk_ctx_destroy(ctx);
}

static void arguments_of_waiting(void)
{
    slk_ctx_t* ctx = new_context();
    void* poller = slk_poller_new();
    slk_poller_event_t event;
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, NULL, 0), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait_all(poller, NULL, 1, 0), EFAULT);
    CHECK_INT(slk_poller_add(poller, open_socket(ctx, SLK_PUB), NULL, SLK_POLLOUT), 0);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, NULL, 0), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, NULL, -1), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait_all(poller, NULL, 1, 0), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait_all(poller, &event, -1, 0), EINVAL);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait_all(poller, &event, -1, -1), EINVAL);
    slk_poller_destroy(&poller);
    slk_ctx_destroy(ctx);
}

static void nothing_to_wait_for(void)
{
    void* poller = slk_poller_new();
    slk_poller_event_t event;
    double begin = now_ms();
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, &event, -1), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait_all(poller, &event, 1, -1), EFAULT);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, &event, 0), EAGAIN);
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait_all(poller, &event, 1, 0), EAGAIN);
    CHECK_BETWEEN(now_ms() - begin, 0, 1000);
    begin = now_ms();
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait(poller, &event, 30), EAGAIN);
    CHECK_BETWEEN(now_ms() - begin, 29, patience_ms);
    begin = now_ms();
    CHECK_FAILS_WITH_ERRNO(slk_poller_wait_all(poller, &event, 1, 30), EAGAIN);
    CHECK_BETWEEN(now_ms() - begin, 29, patience_ms);
    slk_poller_destroy(&poller);
}

CASES(poller) = {
    {"a poller is made and destroyed", it_is_made_and_destroyed},
    {"every call without a poller fails with EFAULT", no_poller},
    {"every call with a destroyed poller fails with EFAULT", a_destroyed_poller},
    {"a socket is registered once", sockets_are_registered_once},
    {"no socket is ENOTSOCK", no_socket},
    {"a descriptor is registered once", descriptors_are_registered_once},
    {"no descriptor is EBADF", no_descriptor},
    {"other events are refused", other_events_are_refused},
    {"a poller has no descriptor", there_is_no_descriptor_of_a_poller},
    {"a poller has many items", many_items},
    {"waiting checks its arguments", arguments_of_waiting},
    {"a poller without items does not wait for ever", nothing_to_wait_for},
    END_OF_CASES,
};
