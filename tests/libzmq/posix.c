/* SPDX-License-Identifier: MPL-2.0 */
/* What Windows has not: signals, fork(), ipc, and some options of the kernel. */
#define _POSIX_C_SOURCE 200809L

#include "facts.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void ignore_it(int number)
{
    (void)number;
}

static void interrupt_soon(void* argument)
{
    sleep_ms(50);
    pthread_kill(*(pthread_t*)argument, SIGUSR1);
}

static void a_signal_interrupts_termination(void)
{
    void* const context = zmq_ctx_new();
    void* const socket = open_socket(context, ZMQ_PULL);
    pthread_t self = pthread_self();
    struct sigaction action;
    test_thread* thread;
    memset(&action, 0, sizeof action);
    action.sa_handler = ignore_it;
    sigaction(SIGUSR1, &action, NULL);
    thread = thread_start(interrupt_soon, &self);
    CHECK_FAILS(zmq_ctx_term(context), EINTR);
    thread_join(thread);
    CHECK_INT(zmq_close(socket), 0);
    CHECK_INT(zmq_ctx_term(context), 0);
}

static void a_signal_interrupts_recv(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_PULL);
    pthread_t self = pthread_self();
    struct sigaction action;
    test_thread* thread;
    char byte;
    memset(&action, 0, sizeof action);
    action.sa_handler = ignore_it;
    sigaction(SIGUSR1, &action, NULL);
    thread = thread_start(interrupt_soon, &self);
    CHECK_FAILS(zmq_recv(socket, &byte, 1, 0), EINTR);
    thread_join(thread);
    close_socket(socket);
    end_context(context);
}

static void a_child_ends_what_it_inherited(void)
{
    two_sockets two;
    int status = -1;
    pid_t child;
#if defined(__SANITIZE_THREAD__)
    skip("the thread sanitizer has no threads in a child process");
#endif
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 't');
    SEND(two.connected, "a", 0);
    RECV(two.bound, "a");
    child = fork();
    if (child == 0) {
        void* context;
        void* socket;
        zmq_close(two.connected);
        zmq_close(two.bound);
        zmq_ctx_term(two.context);
        context = zmq_ctx_new();
        socket = zmq_socket(context, ZMQ_PUSH);
        if (zmq_connect(socket, two.endpoint) != 0 || zmq_send(socket, "child", 5, 0) != 5)
            _exit(3);
        zmq_close(socket);
        zmq_ctx_term(context);
        _exit(0);
    }
    RECV(two.bound, "child");
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    SEND(two.connected, "b", 0);
    RECV(two.bound, "b");
    close_two(&two);
}

static void a_signal_interrupts_poll(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_PULL);
    pthread_t self = pthread_self();
    struct sigaction action;
    test_thread* thread;
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    memset(&action, 0, sizeof action);
    action.sa_handler = ignore_it;
    sigaction(SIGUSR1, &action, NULL);
    thread = thread_start(interrupt_soon, &self);
    CHECK_FAILS(zmq_poll(&item, 1, -1), EINTR);
    thread_join(thread);
    close_socket(socket);
    end_context(context);
}

static void ipc_names(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint, expected;
    char longer[endpoint_size];
    setenv("TMPDIR", scratch_folder(), 1);
    bind_at(socket, "ipc://*");
    last_endpoint(socket, endpoint);
    snprintf(expected, sizeof expected, "ipc://%s/tmp", scratch_folder());
    CHECK(strncmp(endpoint, expected, strlen(expected)) == 0);
    CHECK_INT(strlen(endpoint), strlen(expected) + strlen("XXXXXX/socket"));
    CHECK_TEXT(strrchr(endpoint, '/'), "/socket");
    CHECK_INT(access(endpoint + 6, F_OK), 0);
    CHECK_INT(zmq_unbind(socket, endpoint), 0);
    CHECK_UNTIL(access(endpoint + 6, F_OK) != 0, patience_ms);
    snprintf(endpoint, sizeof endpoint, "ipc://@slk-facts-%d", process_number());
    bind_at(socket, endpoint);
    last_endpoint(socket, expected);
    CHECK_TEXT(expected, endpoint);
    memset(longer, 'a', sizeof longer);
    memcpy(longer, "ipc:///", 7);
    longer[150] = '\0';
    CHECK_FAILS(zmq_bind(socket, longer), ENAMETOOLONG);
    close_socket(socket);
    end_context(context);
}

/* The descriptor by which the next message comes. */
static int descriptor_of_next(void* socket)
{
    zmq_msg_t msg;
    int fd;
    CHECK(is_readable(socket, patience_ms));
    zmq_msg_init(&msg);
    CHECK_INT(zmq_msg_recv(&msg, socket, 0), 1);
    fd = zmq_msg_get(&msg, ZMQ_SRCFD);
    zmq_msg_close(&msg);
    return fd;
}

static void options_reach_the_kernel(void)
{
    void* const context = new_context();
    void* const pull = open_socket(context, ZMQ_PULL);
    void* const push = open_socket(context, ZMQ_PUSH);
    endpoint_text endpoint;
    int value = 0;
    socklen_t size = sizeof value;
    int fd;
    set_int(pull, ZMQ_TOS, 0x28);
    set_int(pull, ZMQ_TCP_KEEPALIVE, 1);
    set_int(pull, ZMQ_TCP_KEEPALIVE_IDLE, 77);
    bind_tcp(pull, endpoint);
    connect_to(push, endpoint);
    SEND(push, "a", 0);
    fd = descriptor_of_next(pull);
    CHECK_INT(getsockopt(fd, IPPROTO_IP, IP_TOS, &value, &size), 0);
    CHECK_INT(value, 0x28);
    size = sizeof value;
    CHECK_INT(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &size), 0);
    CHECK_INT(value, 1);
    size = sizeof value;
    CHECK_INT(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, &size), 0);
    CHECK_INT(value, 77);
    close_socket(push);
    close_socket(pull);
    end_context(context);
}

static void check_filter(int option, int value, int allowed)
{
    void* const context = new_context();
    void* const pull = open_socket(context, ZMQ_PULL);
    void* const push = open_socket(context, ZMQ_PUSH);
    endpoint_text endpoint;
    set_bytes(pull, option, &value, sizeof value);
    bind_ipc(pull, endpoint);
    connect_to(push, endpoint);
    SEND(push, "a", 0);
    if (allowed)
        RECV(pull, "a");
    else
        NOTHING(pull, 300);
    close_socket(push);
    close_socket(pull);
    end_context(context);
}

static void ipc_filters_refuse_processes_and_users(void)
{
    const int me = (int)getpid(), other = me + 1;
    const int user = (int)getuid(), other_user = user + 1;
    const int group = (int)getgid(), other_group = 54321;
    check_filter(ZMQ_IPC_FILTER_PID, me, 1);
    check_filter(ZMQ_IPC_FILTER_PID, other, 0);
    check_filter(ZMQ_IPC_FILTER_UID, user, 1);
    check_filter(ZMQ_IPC_FILTER_UID, other_user, 0);
    check_filter(ZMQ_IPC_FILTER_GID, group, 1);
    check_filter(ZMQ_IPC_FILTER_GID, other_group, 0);
}

static void binding_takes_interface_names(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    bind_at(socket, "tcp://lo:*");
    last_endpoint(socket, endpoint);
    CHECK(strncmp(endpoint, "tcp://127.0.0.1:", 16) == 0);
    bind_at(socket, "tcp://*:*");
    last_endpoint(socket, endpoint);
    CHECK(strncmp(endpoint, "tcp://0.0.0.0:", 14) == 0);
    CHECK(strcmp(endpoint, "tcp://0.0.0.0:0") != 0);
    close_socket(socket);
    end_context(context);
}

static zmq_pollitem_t item_of_descriptor(int fd, short events)
{
    zmq_pollitem_t item;
    item.socket = NULL;
    item.fd = fd;
    item.events = events;
    item.revents = 0x55;
    return item;
}

static short item_events(int fd, short events)
{
    zmq_pollitem_t item = item_of_descriptor(fd, events);
    return zmq_poll(&item, 1, 0) == 1 ? item.revents : 0;
}

/* What zmq_poll() reports about it, for all combinations of events. */
static void check_events_of(int fd, short ready)
{
    short events;
    for (events = 0; events < 16; ++events) {
        const short reported = (short)(ready & (events | ZMQ_POLLERR));
        zmq_pollitem_t item = item_of_descriptor(fd, events);
        CHECK_INT(zmq_poll(&item, 1, 0), reported != 0);
        CHECK_INT(item.revents, reported);
    }
}

static void poll_reports_what_poll_does(void)
{
    int ends[2], raw, other, listener;
    endpoint_text endpoint;
    REQUIRE_INT(pipe(ends), 0);
    check_events_of(ends[0], 0);
    check_events_of(ends[1], ZMQ_POLLOUT);
    close(ends[1]);
    check_events_of(ends[0], ZMQ_POLLERR); /* there is nothing to read */
    close(ends[0]);
    check_events_of(ends[0], ZMQ_POLLERR); /* closed */
    check_events_of(-1, 0);
    check_events_of(-7, 0);
    REQUIRE_INT(pipe(ends), 0);
    close(ends[0]);
    check_events_of(ends[1], ZMQ_POLLERR | ZMQ_POLLOUT);
    close(ends[1]);

    listener = raw_listen(endpoint);
    raw = raw_connect(endpoint);
    other = raw_accept(listener);
    check_events_of(raw, ZMQ_POLLOUT);
    REQUIRE_INT(send(other, "x", 1, MSG_OOB), 1);
    CHECK_UNTIL(item_events(raw, ZMQ_POLLPRI) == ZMQ_POLLPRI, patience_ms);
    check_events_of(raw, ZMQ_POLLOUT | ZMQ_POLLPRI);
    raw_close(other);
    raw_close(raw);
    raw = raw_connect(endpoint);
    other = raw_accept(listener);
    shutdown(other, SHUT_WR);
    CHECK_UNTIL(item_events(raw, ZMQ_POLLIN) == ZMQ_POLLIN, patience_ms);
    check_events_of(raw, ZMQ_POLLIN | ZMQ_POLLOUT); /* its end */
    raw_reset(other);
    CHECK_UNTIL(item_events(raw, 0) == ZMQ_POLLERR, patience_ms);
    check_events_of(raw, ZMQ_POLLIN | ZMQ_POLLOUT | ZMQ_POLLERR);
    raw_close(raw);
    raw_close(listener);
}

CASES(posix) = {
    {"a signal interrupts termination, which may be called again", a_signal_interrupts_termination},
    {"a signal interrupts a receive", a_signal_interrupts_recv},
    {"a child process ends what it inherited, and builds its own", a_child_ends_what_it_inherited},
    {"a signal interrupts zmq_poll()", a_signal_interrupts_poll},
    {"ipc takes wildcards, abstract names and no long ones", ipc_names},
    {"TOS and keep-alive reach the kernel", options_reach_the_kernel},
    {"IPC_FILTER_* refuse processes, users and groups", ipc_filters_refuse_processes_and_users},
    {"binding takes names of interfaces and wildcards", binding_takes_interface_names},
    {"zmq_poll() reports of descriptors what poll() does", poll_reports_what_poll_does},
    END_OF_CASES,
};
