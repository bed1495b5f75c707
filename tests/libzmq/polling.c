/* SPDX-License-Identifier: MPL-2.0 */
/* zmq_poll(), ZMQ_FD and ZMQ_EVENTS, timeouts. */

#include "facts.h"

static zmq_pollitem_t item_of(void* socket, zmq_fd_t fd, short events)
{
    zmq_pollitem_t item;
    item.socket = socket;
    item.fd = fd;
    item.events = events;
    item.revents = 0x55;
    return item;
}

static void poll_refuses_what_is_wrong(void)
{
    zmq_pollitem_t item = item_of(NULL, NO_SOCKET, ZMQ_POLLIN);
    CHECK_FAILS(zmq_poll(&item, -1, 0), EINVAL);
    CHECK_FAILS(zmq_poll(NULL, 1, 0), EFAULT);
    CHECK_INT(zmq_poll(NULL, 0, 0), 0);
    CHECK_INT(zmq_poll(&item, 0, 0), 0);
}

static void poll_of_nothing_sleeps(void)
{
    const double began = now_ms();
    CHECK_INT(zmq_poll(NULL, 0, 50), 0);
    CHECK(now_ms() - began >= 49);
}

static void poll_is_level_triggered(void)
{
    two_sockets two;
    zmq_pollitem_t items[2];
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 't');
    items[0] = item_of(two.bound, 0, ZMQ_POLLIN);
    items[1] = item_of(two.connected, 0, ZMQ_POLLOUT);
    CHECK_INT(zmq_poll(items, 2, patience_ms), 1);
    CHECK_INT(items[0].revents, 0);
    CHECK_INT(items[1].revents, ZMQ_POLLOUT);
    SEND(two.connected, "a", 0);
    CHECK(is_readable(two.bound, patience_ms));
    CHECK_INT(zmq_poll(items, 2, 0), 2);
    CHECK_INT(zmq_poll(items, 2, 0), 2);
    CHECK_INT(items[0].revents, ZMQ_POLLIN);
    RECV(two.bound, "a");
    CHECK_INT(zmq_poll(items, 1, 0), 0);
    close_two(&two);
}

static void poll_takes_descriptors(void)
{
    endpoint_text endpoint;
    two_sockets two;
    zmq_pollitem_t items[3];
    const raw_socket listener = raw_listen(endpoint);
    const raw_socket reads = raw_connect(endpoint);
    const raw_socket writes = raw_accept(listener);
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 't');
    items[0] = item_of(NULL, reads, ZMQ_POLLIN);
    items[1] = item_of(NULL, writes, ZMQ_POLLOUT);
    items[2] = item_of(two.bound, 0, ZMQ_POLLIN);
    CHECK_INT(zmq_poll(items, 3, patience_ms), 1);
    CHECK_INT(items[0].revents, 0);
    CHECK_INT(items[1].revents, ZMQ_POLLOUT);
    raw_send(writes, "x", 1);
    CHECK_UNTIL(zmq_poll(items, 3, 10) == 2, patience_ms);
    CHECK_INT(items[0].revents, ZMQ_POLLIN);
    SEND(two.connected, "a", 0);
    CHECK_UNTIL(zmq_poll(items, 3, 10) == 3, patience_ms);
    raw_close(reads);
    raw_close(writes);
    raw_close(listener);
    close_two(&two);
}

static void poll_waits_for_what_comes(void)
{
    two_sockets two;
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 'i');
    NOTHING(two.bound, 20);
    SEND(two.connected, "a", 0);
    CHECK(is_readable(two.bound, patience_ms));
    RECV(two.bound, "a");
    close_two(&two);
}

static void poll_of_a_closed_socket(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_PULL);
    zmq_pollitem_t item = item_of(socket, 0, ZMQ_POLLIN);
    close_socket(socket);
    if (!is_theirs())
        CHECK_FAILS(zmq_poll(&item, 1, 0), ENOTSOCK);
    end_context(context);
}

/* --- ZMQ_FD --- */

static void the_descriptor_signals_and_goes_quiet(void)
{
    two_sockets two;
    raw_socket fd;
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 't');
    SEND(two.connected, "a", 0);
    RECV(two.bound, "a");
    fd = descriptor_of(two.bound);
    CHECK_UNTIL(events_of(two.bound) == 0 && !raw_is_readable(fd, 20), patience_ms);
    SEND(two.connected, "b", 0);
    CHECK(raw_is_readable(fd, patience_ms));
    CHECK_UNTIL(events_of(two.bound) == ZMQ_POLLIN, patience_ms);
    /* The message is still there, and nothing new has happened. */
    CHECK_UNTIL(!raw_is_readable(fd, 10) || events_of(two.bound) == 0, patience_ms);
    CHECK_INT(events_of(two.bound), ZMQ_POLLIN);
    RECV(two.bound, "b");
    CHECK_INT(events_of(two.bound), 0);
    SEND(two.connected, "c", 0);
    CHECK(raw_is_readable(fd, patience_ms));
    RECV(two.bound, "c");
    close_two(&two);
}

/* A loop that waits for the descriptor and reads EVENTS must miss nothing. */
static void a_loop_over_the_descriptor_misses_nothing(char transport)
{
    enum { count = 2000 };
    two_sockets two;
    raw_socket fd;
    int sent = 0, received = 0, wakes = 0;
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, transport);
    fd = descriptor_of(two.bound);
    while (received < count) {
        while (sent < count && sent - received < 100 &&
               zmq_send(two.connected, "x", 1, ZMQ_DONTWAIT) == 1)
            ++sent;
        while (events_of(two.bound) & ZMQ_POLLIN) {
            char byte;
            REQUIRE_INT(zmq_recv(two.bound, &byte, 1, ZMQ_DONTWAIT), 1);
            ++received;
        }
        if (received < sent) {
            REQUIRE(raw_is_readable(fd, patience_ms));
            ++wakes;
        }
    }
    CHECK_INT(received, count);
    CHECK(wakes <= 10 * count);
    close_two(&two);
}

static void loops_over_descriptors_miss_nothing(void)
{
    a_loop_over_the_descriptor_misses_nothing('t');
    a_loop_over_the_descriptor_misses_nothing('i');
    a_loop_over_the_descriptor_misses_nothing('p');
}

static void the_descriptor_tells_of_room_too(void)
{
    two_sockets two;
    raw_socket fd;
    open_two(&two, ZMQ_PAIR, ZMQ_PAIR, 'p');
    fd = descriptor_of(two.connected);
    CHECK_INT(fill(two.connected, 10000), 2000);
    CHECK_INT(events_of(two.connected), 0);
    CHECK_INT(drain(two.bound, 20), 2000);
    CHECK(raw_is_readable(fd, patience_ms));
    CHECK_INT(events_of(two.connected), ZMQ_POLLOUT);
    close_two(&two);
}

static void events_follow_a_request(void)
{
    two_sockets two;
    open_two(&two, ZMQ_REP, ZMQ_REQ, 't');
    CHECK_INT(events_of(two.bound), 0);
    CHECK_UNTIL(events_of(two.connected) == ZMQ_POLLOUT, patience_ms);
    SEND(two.connected, "question", 0);
    CHECK_INT(events_of(two.connected), 0);
    CHECK_UNTIL(events_of(two.bound) == ZMQ_POLLIN, patience_ms);
    RECV(two.bound, "question");
    CHECK_INT(events_of(two.bound), ZMQ_POLLOUT);
    SEND(two.bound, "answer", 0);
    CHECK_INT(events_of(two.bound), 0);
    CHECK_UNTIL(events_of(two.connected) == ZMQ_POLLIN, patience_ms);
    RECV(two.connected, "answer");
    CHECK_INT(events_of(two.connected), ZMQ_POLLOUT);
    close_two(&two);
}

static void events_follow_the_high_water_mark(void)
{
    two_sockets two;
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 'p');
    CHECK_INT(events_of(two.connected), ZMQ_POLLOUT);
    CHECK_INT(fill(two.connected, 10000), 2000);
    CHECK_INT(events_of(two.connected), 0);
    CHECK_INT(events_of(two.bound), ZMQ_POLLIN);
    CHECK_INT(drain(two.bound, 20), 2000);
    CHECK_UNTIL(events_of(two.connected) == ZMQ_POLLOUT, patience_ms);
    CHECK_INT(events_of(two.bound), 0);
    close_two(&two);
}

/* --- Timeouts --- */

static void timeouts_end_a_call(void)
{
    void* const context = new_context();
    void* const pair = open_socket(context, ZMQ_PAIR);
    char byte;
    double began;
    set_int(pair, ZMQ_RCVTIMEO, 60);
    set_int(pair, ZMQ_SNDTIMEO, 60);
    began = now_ms();
    CHECK_FAILS(zmq_recv(pair, &byte, 1, 0), EAGAIN);
    CHECK(now_ms() - began >= 59);
    began = now_ms();
    CHECK_FAILS(zmq_send(pair, "a", 1, 0), EAGAIN);
    CHECK(now_ms() - began >= 59);
    set_int(pair, ZMQ_RCVTIMEO, 0);
    CHECK_FAILS(zmq_recv(pair, &byte, 1, 0), EAGAIN);
    set_int(pair, ZMQ_RCVTIMEO, -1);
    CHECK_FAILS(zmq_recv(pair, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
    close_socket(pair);
    end_context(context);
}

CASES(polling) = {
    {"zmq_poll() refuses what is wrong", poll_refuses_what_is_wrong},
    {"zmq_poll() of nothing sleeps", poll_of_nothing_sleeps},
    {"zmq_poll() is level-triggered", poll_is_level_triggered},
    {"zmq_poll() takes descriptors beside sockets", poll_takes_descriptors},
    {"zmq_poll() waits for what comes", poll_waits_for_what_comes},
    {"zmq_poll() of a closed socket is ENOTSOCK", poll_of_a_closed_socket},
    {"ZMQ_FD signals what is new, and goes quiet", the_descriptor_signals_and_goes_quiet},
    {"a loop over ZMQ_FD and EVENTS misses nothing", loops_over_descriptors_miss_nothing},
    {"ZMQ_FD tells of room too", the_descriptor_tells_of_room_too},
    {"EVENTS follow a request and its reply", events_follow_a_request},
    {"EVENTS follow the high-water mark", events_follow_the_high_water_mark},
    {"RCVTIMEO and SNDTIMEO end a call with EAGAIN", timeouts_end_a_call},
    END_OF_CASES,
};
