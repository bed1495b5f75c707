/* SPDX-License-Identifier: MPL-2.0 */
/* zmq_socket_monitor(), and what is on the wire. */

#include "facts.h"

#include <stdio.h>

typedef struct event {
    int number;
    uint32_t value;
    char endpoint[128];
} event;

/* The next event; its number is -1 if none comes. */
static event next_event(void* monitor)
{
    unsigned char bytes[64];
    event got = {-1, 0, ""};
    uint16_t number;
    int size = recv_within(monitor, bytes, sizeof bytes, patience_ms);
    if (size < 0)
        return got;
    CHECK_INT(size, 6);
    CHECK_INT(get_int(monitor, ZMQ_RCVMORE), 1);
    memcpy(&number, bytes, 2);
    memcpy(&got.value, bytes + 2, 4);
    got.number = number;
    size = zmq_recv(monitor, got.endpoint, sizeof got.endpoint - 1, 0);
    CHECK_INT(get_int(monitor, ZMQ_RCVMORE), 0);
    got.endpoint[size < 0 ? 0 : size] = '\0';
    return got;
}

static void* watch(void* context, void* socket, const char* endpoint)
{
    void* const monitor = open_socket(context, ZMQ_PAIR);
    REQUIRE_INT(zmq_socket_monitor(socket, endpoint, ZMQ_EVENT_ALL), 0);
    connect_to(monitor, endpoint);
    return monitor;
}

static void a_server_reports_in_this_order(void)
{
    void* const context = new_context();
    void* const server = open_socket(context, ZMQ_PULL);
    void* const client = open_socket(context, ZMQ_PUSH);
    void* const monitor = watch(context, server, "inproc://monitor");
    endpoint_text endpoint;
    event got;
    bind_tcp(server, endpoint);
    got = next_event(monitor);
    CHECK_INT(got.number, ZMQ_EVENT_LISTENING);
    CHECK(got.value > 0);
    CHECK_TEXT(got.endpoint, endpoint);
    connect_to(client, endpoint);
    got = next_event(monitor);
    CHECK_INT(got.number, ZMQ_EVENT_ACCEPTED);
    CHECK(got.value > 0);
    CHECK_TEXT(got.endpoint, endpoint);
    got = next_event(monitor);
    CHECK_INT(got.number, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    CHECK_INT(got.value, 0);
    close_socket(client);
    CHECK_INT(next_event(monitor).number, ZMQ_EVENT_DISCONNECTED);
    close_socket(server);
    CHECK_INT(next_event(monitor).number, ZMQ_EVENT_CLOSED);
    got = next_event(monitor);
    CHECK_INT(got.number, ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_TEXT(got.endpoint, "");
    close_socket(monitor);
    end_context(context);
}

static void a_client_reports_in_this_order(void)
{
    void* const context = new_context();
    void* const server = open_socket(context, ZMQ_PULL);
    void* const client = open_socket(context, ZMQ_PUSH);
    void* const monitor = watch(context, client, "inproc://monitor");
    endpoint_text endpoint;
    event got;
    bind_tcp(server, endpoint);
    connect_to(client, endpoint);
    got = next_event(monitor);
    CHECK_INT(got.number, ZMQ_EVENT_CONNECT_DELAYED);
    CHECK_INT(got.value, EINPROGRESS);
    CHECK_TEXT(got.endpoint, endpoint);
    got = next_event(monitor);
    CHECK_INT(got.number, ZMQ_EVENT_CONNECTED);
    CHECK(got.value > 0);
    CHECK_INT(next_event(monitor).number, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    close_socket(client);
    CHECK_INT(next_event(monitor).number, ZMQ_EVENT_MONITOR_STOPPED);
    close_socket(server);
    close_socket(monitor);
    end_context(context);
}

static void a_client_by_ipc_is_not_delayed(void)
{
    void* const context = new_context();
    void* const server = open_socket(context, ZMQ_PULL);
    void* const client = open_socket(context, ZMQ_PUSH);
    void* const monitor = watch(context, client, "inproc://monitor");
    endpoint_text endpoint;
    bind_ipc(server, endpoint);
    connect_to(client, endpoint);
    CHECK_INT(next_event(monitor).number, ZMQ_EVENT_CONNECTED);
    CHECK_INT(next_event(monitor).number, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    close_socket(client);
    close_socket(server);
    close_socket(monitor);
    end_context(context);
}

static void a_refused_client_retries(void)
{
    void* const context = new_context();
    void* const client = open_socket(context, ZMQ_PUSH);
    void* const monitor = watch(context, client, "inproc://monitor");
    endpoint_text endpoint;
    event got;
    free_tcp(endpoint);
    set_int(client, ZMQ_RECONNECT_IVL, 20);
    connect_to(client, endpoint);
    CHECK_INT(next_event(monitor).number, ZMQ_EVENT_CONNECT_DELAYED);
    CHECK_INT(next_event(monitor).number, ZMQ_EVENT_CLOSED);
    got = next_event(monitor);
    CHECK_INT(got.number, ZMQ_EVENT_CONNECT_RETRIED);
    CHECK_BETWEEN(got.value, 20, 45);
    CHECK_INT(next_event(monitor).number, ZMQ_EVENT_CONNECT_DELAYED);
    close_socket(client);
    close_socket(monitor);
    end_context(context);
}

static void a_mask_chooses_events(void)
{
    void* const context = new_context();
    void* const server = open_socket(context, ZMQ_PULL);
    void* const monitor = open_socket(context, ZMQ_PAIR);
    endpoint_text endpoint;
    event got;
    CHECK_INT(zmq_socket_monitor(server, "inproc://monitor", ZMQ_EVENT_MONITOR_STOPPED), 0);
    connect_to(monitor, "inproc://monitor");
    bind_tcp(server, endpoint);
    CHECK_INT(zmq_socket_monitor(server, NULL, 0), 0);
    got = next_event(monitor);
    CHECK_INT(got.number, ZMQ_EVENT_MONITOR_STOPPED);
    close_socket(server);
    close_socket(monitor);
    end_context(context);
}

static void a_monitor_refuses_what_is_wrong(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_PULL);
    void* const other = open_socket(context, ZMQ_PAIR);
    CHECK_FAILS(zmq_socket_monitor(socket, "tcp://127.0.0.1:*", ZMQ_EVENT_ALL), EPROTONOSUPPORT);
    CHECK_FAILS(zmq_socket_monitor(socket, "nonsense", ZMQ_EVENT_ALL), EINVAL);
    CHECK_FAILS(zmq_socket_monitor(socket, "inproc://a", 0x10000), EINVAL);
    bind_at(other, "inproc://used");
    CHECK_FAILS(zmq_socket_monitor(socket, "inproc://used", ZMQ_EVENT_ALL), EADDRINUSE);
    CHECK_INT(zmq_socket_monitor(socket, NULL, 0), 0);
    close_socket(socket);
    close_socket(other);
    end_context(context);
}

static void a_peer_of_another_type_is_dropped(void)
{
    void* const context = new_context();
    void* const server = open_socket(context, ZMQ_PULL);
    void* const client = open_socket(context, ZMQ_SUB);
    void* const monitor = watch(context, server, "inproc://monitor");
    endpoint_text endpoint;
    bind_tcp(server, endpoint);
    connect_to(client, endpoint);
    CHECK_INT(next_event(monitor).number, ZMQ_EVENT_LISTENING);
    CHECK_INT(next_event(monitor).number, ZMQ_EVENT_ACCEPTED);
    CHECK_INT(next_event(monitor).number, ZMQ_EVENT_DISCONNECTED);
    close_socket(client);
    close_socket(server);
    close_socket(monitor);
    end_context(context);
}

static void a_monitor_without_a_reader_holds_nobody_up(void)
{
    void* const context = new_context();
    void* const server = open_socket(context, ZMQ_PULL);
    endpoint_text endpoint;
    /* libzmq waits for the reader without end. */
    if (!is_theirs()) {
        CHECK_INT(zmq_socket_monitor(server, "inproc://monitor", ZMQ_EVENT_ALL), 0);
        bind_tcp(server, endpoint);
    }
    close_socket(server);
    end_context(context);
}

/* --- the wire --- */

static void the_greeting_comes_in_two_pieces(void)
{
    static const unsigned char signature[10] = {0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F};
    static const unsigned char rest[54] = {3, 0, 'N', 'U', 'L', 'L'};
    void* const context = new_context();
    void* const push = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    unsigned char got[64];
    const raw_socket listener = raw_listen(endpoint);
    raw_socket raw;
    connect_to(push, endpoint);
    raw = raw_accept(listener);
    CHECK_INT(raw_read(raw, got, 10), 0);
    CHECK_BYTES(got, 10, signature, 10);
    raw_send(raw, signature, sizeof signature);
    CHECK_INT(raw_read(raw, got, 1), 0);
    CHECK_INT(got[0], 3);
    raw_send(raw, rest, sizeof rest);
    CHECK_INT(raw_read(raw, got, 53), 0);
    CHECK_BYTES(got + 1, 20, rest + 2, 20);
    /* READY with Socket-Type and an empty Identity: 43 bytes. */
    CHECK_INT(raw_read(raw, got, 43), 0);
    CHECK_INT(got[0], 4);
    CHECK_INT(got[1], 41);
    CHECK_BYTES(got + 2, 6, "\5READY", 6);
    CHECK_BYTES(got + 8, 22, "\13Socket-Type\0\0\0\6DEALER", 22);
    CHECK_BYTES(got + 30, 13, "\10Identity\0\0\0\0", 13);
    raw_close(raw);
    raw_close(listener);
    close_socket(push);
    end_context(context);
}

static void a_silent_peer_is_dropped(void)
{
    void* const context = new_context();
    void* const pull = open_socket(context, ZMQ_PULL);
    endpoint_text endpoint;
    raw_socket raw;
    set_int(pull, ZMQ_HANDSHAKE_IVL, 100);
    bind_tcp(pull, endpoint);
    raw = raw_connect(endpoint);
    CHECK(raw_is_closed(raw, patience_ms));
    raw_close(raw);
    close_socket(pull);
    end_context(context);
}

/* --- proxies --- */

typedef struct running_proxy {
    void* front;
    void* back;
    void* capture;
    void* control;
    test_flag result;
    test_flag reason;
} running_proxy;

static void run_proxy(void* argument)
{
    running_proxy* const self = argument;
    const int result = self->control != NULL ? zmq_proxy_steerable(self->front, self->back,
                                                                   self->capture, self->control)
                                             : zmq_proxy(self->front, self->back, self->capture);
    flag_set(&self->reason, zmq_errno());
    flag_set(&self->result, result == -1 ? -1 : result + 1);
    zmq_close(self->front);
    if (self->back != self->front)
        zmq_close(self->back);
    if (self->capture != NULL)
        zmq_close(self->capture);
    if (self->control != NULL)
        zmq_close(self->control);
}

static void a_proxy_carries_requests_until_the_context_ends(void)
{
    void* const context = new_context();
    void* const own = new_context();
    void* const req = open_socket(own, ZMQ_REQ);
    void* const rep = open_socket(own, ZMQ_REP);
    running_proxy proxy = {NULL, NULL, NULL, NULL, {0}, {0}};
    endpoint_text front, back;
    test_thread* thread;
    proxy.front = open_socket(context, ZMQ_ROUTER);
    proxy.back = open_socket(context, ZMQ_DEALER);
    bind_tcp(proxy.front, front);
    bind_tcp(proxy.back, back);
    thread = thread_start(run_proxy, &proxy);
    connect_to(req, front);
    connect_to(rep, back);
    SEND(req, "question", 0);
    RECV(rep, "question");
    SEND(rep, "answer", 0);
    RECV(req, "answer");
    CHECK_INT(zmq_ctx_term(context), 0);
    thread_join(thread);
    CHECK_INT(flag_get(&proxy.result), -1);
    CHECK_INT(flag_get(&proxy.reason), ETERM);
    close_socket(req);
    close_socket(rep);
    end_context(own);
}

static void a_proxy_carries_subscriptions(void)
{
    void* const context = new_context();
    void* const own = new_context();
    void* const pub = open_socket(own, ZMQ_XPUB);
    void* const sub = open_socket(own, ZMQ_SUB);
    running_proxy proxy = {NULL, NULL, NULL, NULL, {0}, {0}};
    endpoint_text front, back;
    test_thread* thread;
    proxy.front = open_socket(context, ZMQ_XSUB);
    proxy.back = open_socket(context, ZMQ_XPUB);
    bind_tcp(proxy.front, front);
    bind_tcp(proxy.back, back);
    thread = thread_start(run_proxy, &proxy);
    connect_to(pub, front);
    connect_to(sub, back);
    set_bytes(sub, ZMQ_SUBSCRIBE, "a", 1);
    RECV_BYTES(pub, "\1a", 2);
    SEND(pub, "b", 0);
    SEND(pub, "a1", 0);
    RECV(sub, "a1");
    CHECK_INT(zmq_ctx_term(context), 0);
    thread_join(thread);
    close_socket(pub);
    close_socket(sub);
    end_context(own);
}

static void a_proxy_is_steered(void)
{
    void* const context = new_context();
    void* const push = open_socket(context, ZMQ_PUSH);
    void* const pull = open_socket(context, ZMQ_PULL);
    void* const control = open_socket(context, ZMQ_PAIR);
    void* const captured = open_socket(context, ZMQ_PULL);
    running_proxy proxy = {NULL, NULL, NULL, NULL, {0}, {0}};
    test_thread* thread;
    uint64_t numbers[8];
    int i;
    proxy.front = open_socket(context, ZMQ_PULL);
    proxy.back = open_socket(context, ZMQ_PUSH);
    proxy.capture = open_socket(context, ZMQ_PUSH);
    proxy.control = open_socket(context, ZMQ_PAIR);
    bind_at(proxy.front, "inproc://front");
    bind_at(proxy.back, "inproc://back");
    bind_at(proxy.control, "inproc://control");
    bind_at(captured, "inproc://capture");
    connect_to(proxy.capture, "inproc://capture");
    connect_to(push, "inproc://front");
    connect_to(pull, "inproc://back");
    connect_to(control, "inproc://control");
    thread = thread_start(run_proxy, &proxy);
    SEND(push, "one", ZMQ_SNDMORE);
    SEND(push, "two", 0);
    RECV_MORE(pull, "one");
    RECV_LAST(pull, "two");
    RECV_MORE(captured, "one");
    RECV_LAST(captured, "two");
    SEND(control, "STATISTICS", 0);
    for (i = 0; i < 8; ++i) {
        CHECK_INT(recv_within(control, &numbers[i], 8, patience_ms), 8);
        CHECK_INT(get_int(control, ZMQ_RCVMORE), i < 7);
    }
    CHECK_INT(numbers[0], 1);
    CHECK_INT(numbers[1], 6);
    CHECK_INT(numbers[6], 1);
    CHECK_INT(numbers[7], 6);
    RECV(captured, "STATISTICS");
    SEND(control, "PAUSE", 0);
    RECV(captured, "PAUSE");
    SEND(push, "held", 0);
    NOTHING(pull, 100);
    SEND(control, "RESUME", 0);
    RECV(pull, "held");
    SEND(control, "TERMINATE", 0);
    thread_join(thread);
    CHECK_INT(flag_get(&proxy.result), 1);
    NOTHING(control, 0);
    close_socket(push);
    close_socket(pull);
    close_socket(control);
    close_socket(captured);
    end_context(context);
}

static void a_proxy_of_one_socket_sends_back(void)
{
    void* const context = new_context();
    void* const own = new_context();
    void* const req = open_socket(own, ZMQ_REQ);
    running_proxy proxy = {NULL, NULL, NULL, NULL, {0}, {0}};
    endpoint_text endpoint;
    test_thread* thread;
    proxy.front = proxy.back = open_socket(context, ZMQ_REP);
    bind_tcp(proxy.front, endpoint);
    connect_to(req, endpoint);
    thread = thread_start(run_proxy, &proxy);
    SEND(req, "echo", 0);
    RECV(req, "echo");
    CHECK_INT(zmq_ctx_term(context), 0);
    thread_join(thread);
    close_socket(req);
    end_context(own);
}

static void proxies_refuse_what_is_wrong(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_PULL);
    CHECK_FAILS(zmq_proxy(NULL, socket, NULL), EFAULT);
    CHECK_FAILS(zmq_proxy(socket, NULL, NULL), EFAULT);
    if (!is_theirs()) {
        CHECK_FAILS(zmq_proxy_steerable(NULL, NULL, NULL, NULL), EFAULT);
        CHECK_FAILS(zmq_device(ZMQ_QUEUE, NULL, socket), EFAULT);
    }
    close_socket(socket);
    if (!is_theirs())
        CHECK_FAILS(zmq_proxy(socket, socket, NULL), ENOTSOCK);
    end_context(context);
}

static void an_unknown_command_changes_nothing(void)
{
    void* const context = new_context();
    void* const control = open_socket(context, ZMQ_PAIR);
    running_proxy proxy = {NULL, NULL, NULL, NULL, {0}, {0}};
    test_thread* thread;
    /* libzmq aborts. */
    if (is_theirs()) {
        close_socket(control);
        end_context(context);
        return;
    }
    proxy.front = open_socket(context, ZMQ_PULL);
    proxy.back = open_socket(context, ZMQ_PUSH);
    proxy.control = open_socket(context, ZMQ_PAIR);
    bind_at(proxy.control, "inproc://control");
    connect_to(control, "inproc://control");
    thread = thread_start(run_proxy, &proxy);
    SEND(control, "NONSENSE", 0);
    SEND(control, "TERMINATE", ZMQ_SNDMORE);
    SEND(control, "", 0);
    SEND(control, "TERMINATE", 0);
    thread_join(thread);
    CHECK_INT(flag_get(&proxy.result), 1);
    close_socket(control);
    end_context(context);
}

CASES(monitor) = {
    {"a server reports in this order", a_server_reports_in_this_order},
    {"a client reports in this order", a_client_reports_in_this_order},
    {"a client by ipc is not delayed", a_client_by_ipc_is_not_delayed},
    {"a client that is refused retries", a_refused_client_retries},
    {"a mask chooses events", a_mask_chooses_events},
    {"a monitor refuses what is wrong", a_monitor_refuses_what_is_wrong},
    {"a peer of another type is accepted and dropped", a_peer_of_another_type_is_dropped},
    {"a monitor without a reader holds nobody up", a_monitor_without_a_reader_holds_nobody_up},
    {"the greeting comes in two pieces, and READY has these properties",
     the_greeting_comes_in_two_pieces},
    {"HANDSHAKE_IVL drops a silent peer", a_silent_peer_is_dropped},
    {"a proxy carries requests until its context ends",
     a_proxy_carries_requests_until_the_context_ends},
    {"a proxy carries subscriptions", a_proxy_carries_subscriptions},
    {"a proxy is steered, and captures", a_proxy_is_steered},
    {"a proxy of one socket sends back", a_proxy_of_one_socket_sends_back},
    {"proxies refuse what is wrong", proxies_refuse_what_is_wrong},
    {"an unknown command changes nothing", an_unknown_command_changes_nothing},
    END_OF_CASES,
};
