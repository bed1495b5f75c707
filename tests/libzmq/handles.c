/* SPDX-License-Identifier: MPL-2.0 */
/* Sockets and contexts that are none, contexts and what ends them. */

#include "facts.h"

#include <stdio.h>

static void null_is_no_socket(void)
{
    int value = 0;
    size_t size = sizeof value;
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    CHECK_FAILS(zmq_close(NULL), ENOTSOCK);
    CHECK_FAILS(zmq_bind(NULL, "inproc://a"), ENOTSOCK);
    CHECK_FAILS(zmq_connect(NULL, "inproc://a"), ENOTSOCK);
    CHECK_FAILS(zmq_unbind(NULL, "inproc://a"), ENOTSOCK);
    CHECK_FAILS(zmq_disconnect(NULL, "inproc://a"), ENOTSOCK);
    CHECK_FAILS(zmq_setsockopt(NULL, ZMQ_LINGER, &value, sizeof value), ENOTSOCK);
    CHECK_FAILS(zmq_getsockopt(NULL, ZMQ_LINGER, &value, &size), ENOTSOCK);
    CHECK_FAILS(zmq_send(NULL, "a", 1, 0), ENOTSOCK);
    CHECK_FAILS(zmq_send_const(NULL, "a", 1, 0), ENOTSOCK);
    CHECK_FAILS(zmq_recv(NULL, &value, 1, 0), ENOTSOCK);
    CHECK_FAILS(zmq_msg_send(&msg, NULL, 0), ENOTSOCK);
    CHECK_FAILS(zmq_msg_recv(&msg, NULL, 0), ENOTSOCK);
    CHECK_FAILS(zmq_sendmsg(NULL, &msg, 0), ENOTSOCK);
    CHECK_FAILS(zmq_recvmsg(NULL, &msg, 0), ENOTSOCK);
    CHECK_FAILS(zmq_socket_monitor(NULL, "inproc://a", ZMQ_EVENT_ALL), ENOTSOCK);
    zmq_msg_close(&msg);
}

static void null_is_no_context(void)
{
    CHECK_FAILS(zmq_ctx_term(NULL), EFAULT);
    CHECK_FAILS(zmq_term(NULL), EFAULT);
    CHECK_FAILS(zmq_ctx_destroy(NULL), EFAULT);
    CHECK_FAILS(zmq_ctx_shutdown(NULL), EFAULT);
    CHECK_FAILS(zmq_ctx_set(NULL, ZMQ_IO_THREADS, 1), EFAULT);
    CHECK_FAILS(zmq_ctx_get(NULL, ZMQ_IO_THREADS), EFAULT);
    CHECK_NULL(zmq_socket(NULL, ZMQ_PAIR), EFAULT);
}

static void a_terminated_context_is_a_fault(void)
{
    void* const context = zmq_ctx_new();
    CHECK_INT(zmq_ctx_term(context), 0);
    CHECK_FAILS(zmq_ctx_term(context), EFAULT);
    CHECK_FAILS(zmq_ctx_get(context, ZMQ_IO_THREADS), EFAULT);
    CHECK_NULL(zmq_socket(context, ZMQ_PAIR), EFAULT);
}

static void a_closed_socket_is_none(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    int value = 0;
    size_t size = sizeof value;
    close_socket(socket);
    /* libzmq reads freed memory here. */
    if (!is_theirs()) {
        CHECK_FAILS(zmq_send(socket, "a", 1, ZMQ_DONTWAIT), ENOTSOCK);
        CHECK_FAILS(zmq_getsockopt(socket, ZMQ_TYPE, &value, &size), ENOTSOCK);
        CHECK_FAILS(zmq_close(socket), ENOTSOCK);
    }
    end_context(context);
}

static void an_arbitrary_pointer_is_no_socket(void)
{
    long long memory[128] = {0};
    int value = 0;
    size_t size = sizeof value;
    CHECK_FAILS(zmq_getsockopt(memory, ZMQ_TYPE, &value, &size), ENOTSOCK);
    CHECK_FAILS(zmq_close(memory), ENOTSOCK);
    if (!is_theirs()) {
        CHECK_FAILS(zmq_getsockopt(&memory[1], ZMQ_TYPE, &value, &size), ENOTSOCK);
        CHECK_FAILS(zmq_getsockopt((char*)memory + 1, ZMQ_TYPE, &value, &size), ENOTSOCK);
        CHECK_FAILS(zmq_getsockopt((void*)16, ZMQ_TYPE, &value, &size), ENOTSOCK);
        CHECK_FAILS(zmq_ctx_term((void*)16), EFAULT);
    }
}

static void types_that_there_are_not(void)
{
    void* const context = new_context();
    CHECK_NULL(zmq_socket(context, -1), EINVAL);
    CHECK_NULL(zmq_socket(context, 21), EINVAL);
    CHECK_NULL(zmq_socket(context, 1000), EINVAL);
    if (!is_theirs())
        CHECK_NULL(zmq_socket(context, 12), EINVAL);
    end_context(context);
}

static void every_type_opens(void)
{
    void* const context = new_context();
    int type;
    for (type = ZMQ_PAIR; type <= ZMQ_STREAM; ++type) {
        void* const socket = open_socket(context, type);
        CHECK_INT(get_int(socket, ZMQ_TYPE), type);
        close_socket(socket);
    }
    end_context(context);
}

static void the_number_of_sockets_is_limited(void)
{
    void* const context = new_context();
    void *first, *second;
    CHECK_INT(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 2), 0);
    first = open_socket(context, ZMQ_PAIR);
    second = open_socket(context, ZMQ_PAIR);
    CHECK_NULL(zmq_socket(context, ZMQ_PAIR), EMFILE);
    close_socket(second);
    CHECK_UNTIL((second = zmq_socket(context, ZMQ_PAIR)) != NULL, patience_ms);
    close_socket(first);
    close_socket(second);
    end_context(context);
}

/* --- The end of a context --- */

static void a_context_without_sockets_ends_at_once(void)
{
    void* context = zmq_ctx_new();
    CHECK_INT(zmq_ctx_term(context), 0);
    context = zmq_ctx_new();
    CHECK_INT(zmq_ctx_shutdown(context), 0);
    CHECK_INT(zmq_ctx_term(context), 0);
    context = zmq_ctx_new();
    CHECK_INT(zmq_ctx_shutdown(context), 0);
    CHECK_INT(zmq_ctx_shutdown(context), 0);
    CHECK_INT(zmq_ctx_term(context), 0);
}

static void a_shut_down_context_ends_its_calls(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_PAIR);
    char byte;
    int value = 0;
    size_t size = sizeof value;
    zmq_pollitem_t item;
    CHECK_INT(zmq_ctx_shutdown(context), 0);
    CHECK_FAILS(zmq_recv(socket, &byte, 1, 0), ETERM);
    CHECK_FAILS(zmq_send(socket, "a", 1, 0), ETERM);
    CHECK_FAILS(zmq_bind(socket, "inproc://a"), ETERM);
    CHECK_FAILS(zmq_connect(socket, "inproc://a"), ETERM);
    CHECK_FAILS(zmq_getsockopt(socket, ZMQ_LINGER, &value, &size), ETERM);
    CHECK_FAILS(zmq_setsockopt(socket, ZMQ_LINGER, &value, sizeof value), ETERM);
    CHECK_NULL(zmq_socket(context, ZMQ_PAIR), ETERM);
    item.socket = socket;
    item.fd = 0;
    item.events = ZMQ_POLLIN;
    item.revents = 0;
    CHECK_FAILS(zmq_poll(&item, 1, -1), ETERM);
    CHECK_INT(zmq_close(socket), 0);
    CHECK_INT(zmq_ctx_term(context), 0);
}

typedef struct waiting {
    void* socket;
    test_flag result;
} waiting;

static void receive_without_end(void* argument)
{
    waiting* const self = argument;
    char byte;
    const int got = zmq_recv(self->socket, &byte, 1, 0);
    flag_set(&self->result, got == -1 ? zmq_errno() : got);
    CHECK_INT(zmq_close(self->socket), 0);
}

static void termination_wakes_a_call_and_waits_for_the_socket(void)
{
    void* const context = zmq_ctx_new();
    waiting one = {NULL, {0}};
    test_thread* thread;
    one.socket = open_socket(context, ZMQ_PULL);
    thread = thread_start(receive_without_end, &one);
    sleep_ms(20);
    CHECK_INT(zmq_ctx_term(context), 0);
    CHECK_INT(flag_get(&one.result), ETERM);
    thread_join(thread);
}

static void term_and_close(void* argument)
{
    sleep_ms(50);
    CHECK_INT(zmq_close(argument), 0);
}

static void termination_waits_until_all_are_closed(void)
{
    void* const context = zmq_ctx_new();
    void* const socket = open_socket(context, ZMQ_PULL);
    test_thread* const thread = thread_start(term_and_close, socket);
    const double began = now_ms();
    CHECK_INT(zmq_ctx_term(context), 0);
    CHECK(now_ms() - began >= 40);
    thread_join(thread);
}

static void linger_sends_what_is_left(void)
{
    void* const context = zmq_ctx_new();
    void* const other = zmq_ctx_new();
    void* const pull = open_socket(context, ZMQ_PULL);
    void* const push = open_socket(other, ZMQ_PUSH);
    endpoint_text endpoint;
    bind_tcp(pull, endpoint);
    connect_to(push, endpoint);
    SEND(push, "last", 0);
    close_socket(push);
    CHECK_INT(zmq_ctx_term(other), 0);
    RECV(pull, "last");
    close_socket(pull);
    CHECK_INT(zmq_ctx_term(context), 0);
}

static void linger_is_limited(void)
{
    void* const context = zmq_ctx_new();
    void* const push = open_socket(context, ZMQ_PUSH);
    endpoint_text endpoint;
    double began;
    free_tcp(endpoint);
    set_int(push, ZMQ_LINGER, 50);
    connect_to(push, endpoint);
    SEND(push, "nobody comes", 0);
    began = now_ms();
    close_socket(push);
    CHECK_INT(zmq_ctx_term(context), 0);
    CHECK_BETWEEN(now_ms() - began, 30, patience_ms);
}

static void a_pending_inproc_connection_does_not_hold_termination(void)
{
    void* const context = zmq_ctx_new();
    void* const push = open_socket(context, ZMQ_REQ);
    connect_to(push, "inproc://nobody");
    close_socket(push);
    CHECK_INT(zmq_ctx_term(context), 0);
}

static void connect_and_close(void* argument)
{
    void* const socket = argument;
    zmq_connect(socket, "tcp://127.0.0.1:1");
    CHECK_INT(zmq_close(socket), 0);
}

static void many_threads_close_under_termination(void)
{
    enum { count = 40 };
    test_thread* threads[count];
    void* const context = zmq_ctx_new();
    int i;
    CHECK_INT(zmq_ctx_set(context, ZMQ_IO_THREADS, 7), 0);
    for (i = 0; i < count; ++i)
        threads[i] = thread_start(connect_and_close, open_socket(context, ZMQ_SUB));
    CHECK_INT(zmq_ctx_term(context), 0);
    for (i = 0; i < count; ++i)
        thread_join(threads[i]);
}

/* --- Options of a context --- */

static void context_options_have_their_defaults(void)
{
    void* const context = zmq_ctx_new();
    CHECK_INT(zmq_ctx_get(context, ZMQ_IO_THREADS), 1);
    CHECK_INT(zmq_ctx_get(context, ZMQ_MAX_SOCKETS), 1023);
    CHECK_INT(zmq_ctx_get(context, ZMQ_SOCKET_LIMIT), 65535);
    CHECK_INT(zmq_ctx_get(context, ZMQ_THREAD_SCHED_POLICY), -1);
    CHECK_INT(zmq_ctx_get(context, ZMQ_MAX_MSGSZ), 2147483647);
    CHECK_INT(zmq_ctx_get(context, ZMQ_MSG_T_SIZE), 64);
    CHECK_INT(zmq_ctx_get(context, ZMQ_THREAD_NAME_PREFIX), 0);
    CHECK_INT(zmq_ctx_get(context, 10), 1);
    CHECK_INT(zmq_ctx_get(context, ZMQ_IPV6), 0);
    CHECK_INT(zmq_ctx_get(context, ZMQ_BLOCKY), 1);
    CHECK_FAILS(zmq_ctx_get(context, ZMQ_THREAD_AFFINITY_CPU_ADD), EINVAL);
    CHECK_FAILS(zmq_ctx_get(context, 0), EINVAL);
    CHECK_FAILS(zmq_ctx_get(context, 1000), EINVAL);
    CHECK_INT(zmq_ctx_term(context), 0);
}

static void set_and_get(void* context, int option, int value)
{
    CHECK_INT(zmq_ctx_set(context, option, value), 0);
    CHECK_INT(zmq_ctx_get(context, option), value);
}

static void context_options_are_kept(void)
{
    void* const context = zmq_ctx_new();
    set_and_get(context, ZMQ_IO_THREADS, 0);
    set_and_get(context, ZMQ_IO_THREADS, 3);
    set_and_get(context, ZMQ_MAX_SOCKETS, 1);
    set_and_get(context, ZMQ_MAX_MSGSZ, 0);
    set_and_get(context, ZMQ_MAX_MSGSZ, 100);
    set_and_get(context, ZMQ_THREAD_NAME_PREFIX, 5);
    set_and_get(context, ZMQ_IPV6, 1);
    set_and_get(context, ZMQ_BLOCKY, 0);
    CHECK_INT(zmq_ctx_set(context, ZMQ_THREAD_PRIORITY, 0), 0);
    CHECK_INT(zmq_ctx_set(context, ZMQ_THREAD_SCHED_POLICY, 0), 0);
    CHECK_INT(zmq_ctx_set(context, ZMQ_THREAD_AFFINITY_CPU_ADD, 0), 0);
    CHECK_INT(zmq_ctx_set(context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0), 0);
    CHECK_INT(zmq_ctx_term(context), 0);
}

static void context_options_refuse_what_is_out_of_range(void)
{
    void* const context = zmq_ctx_new();
    CHECK_FAILS(zmq_ctx_set(context, ZMQ_IO_THREADS, -1), EINVAL);
    CHECK_FAILS(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 0), EINVAL);
    CHECK_FAILS(zmq_ctx_set(context, ZMQ_MAX_SOCKETS, -1), EINVAL);
    CHECK_FAILS(zmq_ctx_set(context, ZMQ_MAX_MSGSZ, -1), EINVAL);
    CHECK_FAILS(zmq_ctx_set(context, ZMQ_IPV6, -1), EINVAL);
    CHECK_FAILS(zmq_ctx_set(context, ZMQ_BLOCKY, -1), EINVAL);
    CHECK_FAILS(zmq_ctx_set(context, ZMQ_MSG_T_SIZE, 64), EINVAL);
    CHECK_FAILS(zmq_ctx_set(context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 5), EINVAL);
    CHECK_FAILS(zmq_ctx_set(context, 0, 1), EINVAL);
    CHECK_FAILS(zmq_ctx_set(context, 1000, 1), EINVAL);
    CHECK_INT(zmq_ctx_term(context), 0);
}

static void zmq_init_sets_the_io_threads(void)
{
    void* const context = zmq_init(3);
    REQUIRE(context != NULL);
    CHECK_INT(zmq_ctx_get(context, ZMQ_IO_THREADS), 3);
    CHECK_INT(zmq_term(context), 0);
    CHECK_NULL(zmq_init(-1), EINVAL);
}

static void sockets_inherit_ipv6_and_blocky(void)
{
    void* const context = zmq_ctx_new();
    void* socket;
    CHECK_INT(zmq_ctx_set(context, ZMQ_IPV6, 1), 0);
    socket = open_socket(context, ZMQ_REP);
    CHECK_INT(get_int(socket, ZMQ_IPV6), 1);
    CHECK_INT(get_int(socket, ZMQ_IPV4ONLY), 0);
    CHECK_INT(get_int(socket, ZMQ_LINGER), -1);
    close_socket(socket);
    CHECK_INT(zmq_ctx_set(context, ZMQ_BLOCKY, 0), 0);
    socket = open_socket(context, ZMQ_REP);
    CHECK_INT(get_int(socket, ZMQ_LINGER), 0);
    close_socket(socket);
    CHECK_INT(zmq_ctx_term(context), 0);
}

CASES(handles) = {
    {"NULL is no socket", null_is_no_socket},
    {"NULL is no context", null_is_no_context},
    {"a context that was terminated is EFAULT", a_terminated_context_is_a_fault},
    {"a socket that was closed is ENOTSOCK", a_closed_socket_is_none},
    {"an arbitrary pointer is no socket", an_arbitrary_pointer_is_no_socket},
    {"an unknown type is EINVAL", types_that_there_are_not},
    {"every type opens and knows its number", every_type_opens},
    {"more sockets than MAX_SOCKETS are EMFILE", the_number_of_sockets_is_limited},
    {"a context without sockets ends at once", a_context_without_sockets_ends_at_once},
    {"a context that is shut down ends its calls with ETERM", a_shut_down_context_ends_its_calls},
    {"termination wakes a call, and waits for its socket",
     termination_wakes_a_call_and_waits_for_the_socket},
    {"termination waits until all sockets are closed", termination_waits_until_all_are_closed},
    {"without a linger all that was sent arrives", linger_sends_what_is_left},
    {"a linger limits how long termination takes", linger_is_limited},
    {"a pending inproc connection does not hold termination",
     a_pending_inproc_connection_does_not_hold_termination},
    {"threads that connect and close under termination end", many_threads_close_under_termination},
    {"options of a context have their defaults", context_options_have_their_defaults},
    {"options of a context are kept", context_options_are_kept},
    {"options of a context refuse what is out of range",
     context_options_refuse_what_is_out_of_range},
    {"zmq_init() sets the number of I/O threads", zmq_init_sets_the_io_threads},
    {"sockets inherit IPV6 and BLOCKY", sockets_inherit_ipv6_and_blocky},
    END_OF_CASES,
};
