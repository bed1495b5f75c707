/* SPDX-License-Identifier: MPL-2.0 */
/* PLAIN, CURVE and the handlers of ZAP. */
#include "facts.h"

#include <stdio.h>

/* --- a handler of ZAP --- */

typedef struct zap_handler {
    void* context;
    const char* status; /* what it answers */
    const char* version; /* "1.0", or a fault */
    test_flag asked;
    test_flag ready;
    char domain[64];
    char address[64];
    char mechanism[64];
    char user[64];
    char password[64];
    test_thread* thread;
} zap_handler;

static void next_text(void* socket, char* into, size_t room)
{
    const int size = zmq_recv(socket, into, room - 1, 0);
    into[size < 0 ? 0 : size] = '\0';
}

static int has_more(void* socket)
{
    int more = 0;
    size_t size = sizeof more;
    return zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more;
}

static void answer(zap_handler* self, void* socket)
{
    char version[16], id[64], identity[64];
    next_text(socket, version, sizeof version);
    next_text(socket, id, sizeof id);
    next_text(socket, self->domain, sizeof self->domain);
    next_text(socket, self->address, sizeof self->address);
    next_text(socket, identity, sizeof identity);
    next_text(socket, self->mechanism, sizeof self->mechanism);
    self->user[0] = self->password[0] = '\0';
    if (has_more(socket))
        next_text(socket, self->user, sizeof self->user);
    if (has_more(socket))
        next_text(socket, self->password, sizeof self->password);
    flag_add(&self->asked, 1);
    zmq_send(socket, self->version, strlen(self->version), ZMQ_SNDMORE);
    zmq_send(socket, id, strlen(id), ZMQ_SNDMORE);
    zmq_send(socket, self->status, strlen(self->status), ZMQ_SNDMORE);
    zmq_send(socket, "text", 4, ZMQ_SNDMORE);
    zmq_send(socket, "somebody", 8, ZMQ_SNDMORE);
    zmq_send(socket, "\5Hello\0\0\0\5World", 15, 0);
}

static void handle(void* argument)
{
    zap_handler* const self = argument;
    void* const socket = zmq_socket(self->context, ZMQ_REP);
    zmq_pollitem_t item;
    zmq_bind(socket, "inproc://zeromq.zap.01");
    flag_set(&self->ready, 1);
    item.socket = socket;
    item.fd = 0;
    item.events = ZMQ_POLLIN;
    item.revents = 0;
    while (zmq_poll(&item, 1, -1) == 1)
        answer(self, socket);
    zmq_close(socket);
}

static void start_handler(zap_handler* handler, void* context, const char* status)
{
    memset(handler, 0, sizeof *handler);
    handler->context = context;
    handler->status = status;
    handler->version = "1.0";
    handler->thread = thread_start(handle, handler);
    REQUIRE_UNTIL(flag_get(&handler->ready), patience_ms);
}

/* Ends the context too. */
static void end_handler(zap_handler* handler)
{
    CHECK_INT(zmq_ctx_term(handler->context), 0);
    thread_join(handler->thread);
}

static void become_plain_client(void* socket, const char* password)
{
    set_bytes(socket, ZMQ_PLAIN_USERNAME, "admin", 5);
    set_bytes(socket, ZMQ_PLAIN_PASSWORD, password, strlen(password));
}

static void a_handler_is_asked_about_plain(void)
{
    void* const context = new_context();
    void* const server = open_socket(context, ZMQ_DEALER);
    void* const client = open_socket(context, ZMQ_DEALER);
    zap_handler handler;
    endpoint_text endpoint;
    zmq_msg_t msg;
    start_handler(&handler, context, "200");
    set_int(server, ZMQ_PLAIN_SERVER, 1);
    set_bytes(server, ZMQ_ZAP_DOMAIN, "global", 6);
    become_plain_client(client, "secret");
    bind_tcp(server, endpoint);
    connect_to(client, endpoint);
    SEND(client, "hello", 0);
    zmq_msg_init(&msg);
    CHECK(is_readable(server, patience_ms));
    CHECK_INT(zmq_msg_recv(&msg, server, 0), 5);
    CHECK_TEXT(zmq_msg_gets(&msg, "User-Id"), "somebody");
    CHECK_TEXT(zmq_msg_gets(&msg, "Hello"), "World");
    zmq_msg_close(&msg);
    CHECK_INT(flag_get(&handler.asked), 1);
    CHECK_TEXT(handler.mechanism, "PLAIN");
    CHECK_TEXT(handler.domain, "global");
    CHECK_TEXT(handler.address, "127.0.0.1");
    CHECK_TEXT(handler.user, "admin");
    CHECK_TEXT(handler.password, "secret");
    close_socket(client);
    close_socket(server);
    end_handler(&handler);
}

static void a_handler_may_refuse(void)
{
    void* const context = new_context();
    void* const server = open_socket(context, ZMQ_DEALER);
    void* const client = open_socket(context, ZMQ_DEALER);
    zap_handler handler;
    endpoint_text endpoint;
    start_handler(&handler, context, "400");
    set_int(server, ZMQ_PLAIN_SERVER, 1);
    become_plain_client(client, "wrong");
    bind_tcp(server, endpoint);
    connect_to(client, endpoint);
    SEND(client, "hello", 0);
    CHECK_UNTIL(flag_get(&handler.asked) >= 1, patience_ms);
    NOTHING(server, 100);
    CHECK(!is_writable(server, 0));
    close_socket(client);
    close_socket(server);
    end_handler(&handler);
}

static void null_asks_where_there_is_a_domain(void)
{
    int with_domain;
    for (with_domain = 0; with_domain < 2; ++with_domain) {
        void* const context = new_context();
        void* const server = open_socket(context, ZMQ_DEALER);
        void* const client = open_socket(context, ZMQ_DEALER);
        zap_handler handler;
        endpoint_text endpoint;
        start_handler(&handler, context, "200");
        if (with_domain)
            set_bytes(server, ZMQ_ZAP_DOMAIN, "global", 6);
        bind_tcp(server, endpoint);
        connect_to(client, endpoint);
        SEND(client, "hello", 0);
        RECV(server, "hello");
        CHECK_INT(flag_get(&handler.asked), with_domain);
        if (with_domain)
            CHECK_TEXT(handler.mechanism, "NULL");
        close_socket(client);
        close_socket(server);
        end_handler(&handler);
    }
}

/* ZMQ_ZAP_ENFORCE_DOMAIN: a draft of libzmq's, which knows it by its number also without drafts. */
enum { enforce_domain = 93 };

static void null_without_a_handler_is_refused_if_the_domain_is_enforced(void)
{
    int with_domain;
    for (with_domain = 0; with_domain < 2; ++with_domain) {
        void* const context = new_context();
        void* const server = open_socket(context, ZMQ_DEALER);
        void* const client = open_socket(context, ZMQ_DEALER);
        endpoint_text endpoint;
        set_int(server, enforce_domain, 1);
        if (with_domain)
            set_bytes(server, ZMQ_ZAP_DOMAIN, "global", 6);
        bind_tcp(server, endpoint);
        connect_to(client, endpoint);
        SEND(client, "hello", 0);
        if (with_domain)
            NOTHING(server, 300);
        else
            RECV(server, "hello");
        close_socket(client);
        close_socket(server);
        end_context(context);
    }
}

/* What a client sets for a handler has no effect. */
static void clients_ask_nobody(void)
{
    void* const context = new_context();
    void* const server = open_socket(context, ZMQ_DEALER);
    void* const client = open_socket(context, ZMQ_DEALER);
    zap_handler handler;
    endpoint_text endpoint;
    start_handler(&handler, context, "200");
    set_int(server, ZMQ_PLAIN_SERVER, 1);
    become_plain_client(client, "secret");
    set_int(client, enforce_domain, 1);
    set_bytes(client, ZMQ_ZAP_DOMAIN, "client", 6);
    bind_tcp(server, endpoint);
    connect_to(client, endpoint);
    SEND(client, "hello", 0);
    RECV(server, "hello");
    CHECK_INT(flag_get(&handler.asked), 1);
    CHECK_TEXT(handler.domain, "");
    close_socket(client);
    close_socket(server);
    end_handler(&handler);
}

static void plain_without_a_handler_is_refused(void)
{
    void* const context = new_context();
    void* const server = open_socket(context, ZMQ_DEALER);
    void* const client = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    set_int(server, ZMQ_PLAIN_SERVER, 1);
    become_plain_client(client, "secret");
    bind_tcp(server, endpoint);
    connect_to(client, endpoint);
    SEND(client, "hello", 0);
    NOTHING(server, 300);
    close_socket(client);
    close_socket(server);
    end_context(context);
}

static void mechanisms_must_agree(void)
{
    void* const context = new_context();
    void* const server = open_socket(context, ZMQ_DEALER);
    void* const client = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    become_plain_client(client, "secret");
    bind_tcp(server, endpoint);
    connect_to(client, endpoint);
    SEND(client, "hello", 0);
    NOTHING(server, 300);
    close_socket(client);
    close_socket(server);
    end_context(context);
}

/* The first event of a handshake that failed, and its value. */
static int failed_handshake(void* monitor, uint32_t* value)
{
    const double end = now_ms() + patience_ms;
    while (now_ms() < end) {
        unsigned char bytes[8];
        char text[256];
        uint16_t number;
        if (recv_within(monitor, bytes, sizeof bytes, patience_ms) != 6)
            return -1;
        zmq_recv(monitor, text, sizeof text, 0);
        memcpy(&number, bytes, 2);
        memcpy(value, bytes + 2, 4);
        if (number == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ||
            number == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ||
            number == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
            return number;
    }
    return -1;
}

static void check_failure(const char* status, const char* version, int event, uint32_t value)
{
    void* const context = new_context();
    void* const own = new_context();
    void* const server = open_socket(context, ZMQ_DEALER);
    void* const client = open_socket(own, ZMQ_DEALER);
    void* const monitor = open_socket(own, ZMQ_PAIR);
    void* server_monitor;
    zap_handler handler;
    endpoint_text endpoint;
    uint32_t got = 0;
    start_handler(&handler, context, status);
    handler.version = version;
    set_int(server, ZMQ_PLAIN_SERVER, 1);
    become_plain_client(client, "secret");
    server_monitor = open_socket(context, ZMQ_PAIR);
    CHECK_INT(zmq_socket_monitor(server, "inproc://server", ZMQ_EVENT_ALL), 0);
    connect_to(server_monitor, "inproc://server");
    bind_tcp(server, endpoint);
    connect_to(client, endpoint);
    CHECK_INT(failed_handshake(server_monitor, &got), event);
    CHECK_INT(got, value);
    close_socket(monitor);
    close_socket(client);
    end_context(own);
    close_socket(server_monitor);
    close_socket(server);
    end_handler(&handler);
}

static void faults_of_handlers_are_told(void)
{
    check_failure("400", "1.0", ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400);
    check_failure("500", "1.0", ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 500);
    check_failure("200", "9.9", ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                  ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION);
    check_failure("xyz", "1.0", ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                  ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE);
}

/* --- CURVE --- */

static void make_curve(void* server, void* client, int right)
{
    char server_public[41], server_secret[41], public_key[41], secret_key[41], other[41];
    REQUIRE_INT(zmq_curve_keypair(server_public, server_secret), 0);
    REQUIRE_INT(zmq_curve_keypair(public_key, secret_key), 0);
    REQUIRE_INT(zmq_curve_keypair(other, secret_key), 0);
    REQUIRE_INT(zmq_curve_public(public_key, secret_key), 0);
    set_int(server, ZMQ_CURVE_SERVER, 1);
    set_bytes(server, ZMQ_CURVE_SECRETKEY, server_secret, 41);
    set_bytes(client, ZMQ_CURVE_SERVERKEY, right ? server_public : other, 41);
    set_bytes(client, ZMQ_CURVE_PUBLICKEY, public_key, 41);
    set_bytes(client, ZMQ_CURVE_SECRETKEY, secret_key, 41);
}

static void check_curve(int right)
{
    void* const context = new_context();
    void* const server = open_socket(context, ZMQ_DEALER);
    void* const client = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    make_curve(server, client, right);
    bind_tcp(server, endpoint);
    connect_to(client, endpoint);
    SEND(client, "hello", 0);
    if (right) {
        RECV(server, "hello");
        SEND(server, "back", 0);
        RECV(client, "back");
    } else {
        NOTHING(server, 300);
    }
    close_socket(client);
    close_socket(server);
    end_context(context);
}

static void curve_carries_messages(void)
{
    if (!zmq_has("curve"))
        skip("the library has no CURVE");
    check_curve(1);
}

static void curve_refuses_a_client_of_another_server(void)
{
    if (!zmq_has("curve"))
        skip("the library has no CURVE");
    check_curve(0);
}

static void curve_refuses_a_client_without_it(void)
{
    void* context;
    void *server, *client, *monitor;
    char server_public[41], server_secret[41];
    endpoint_text endpoint;
    uint32_t value = 0;
    if (!zmq_has("curve"))
        skip("the library has no CURVE");
    context = new_context();
    server = open_socket(context, ZMQ_DEALER);
    client = open_socket(context, ZMQ_DEALER);
    monitor = open_socket(context, ZMQ_PAIR);
    REQUIRE_INT(zmq_curve_keypair(server_public, server_secret), 0);
    set_int(server, ZMQ_CURVE_SERVER, 1);
    set_bytes(server, ZMQ_CURVE_SECRETKEY, server_secret, 41);
    CHECK_INT(zmq_socket_monitor(server, "inproc://monitor", ZMQ_EVENT_ALL), 0);
    connect_to(monitor, "inproc://monitor");
    bind_tcp(server, endpoint);
    connect_to(client, endpoint);
    CHECK_INT(failed_handshake(monitor, &value), ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
    CHECK_INT(value, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
    close_socket(client);
    close_socket(server);
    close_socket(monitor);
    end_context(context);
}

CASES(security) = {
    {"a handler of ZAP is asked about PLAIN, and names the user", a_handler_is_asked_about_plain},
    {"a handler of ZAP may refuse", a_handler_may_refuse},
    {"NULL asks where there is a domain", null_asks_where_there_is_a_domain},
    {"NULL without a handler is refused if the domain is enforced",
     null_without_a_handler_is_refused_if_the_domain_is_enforced},
    {"clients ask no handler of ZAP", clients_ask_nobody},
    {"PLAIN without a handler is refused", plain_without_a_handler_is_refused},
    {"the mechanisms of both sides must agree", mechanisms_must_agree},
    {"a refusal and the faults of a handler are told by the monitor", faults_of_handlers_are_told},
    {"CURVE carries messages", curve_carries_messages},
    {"CURVE refuses a client that knows another server", curve_refuses_a_client_of_another_server},
    {"CURVE refuses a client without CURVE", curve_refuses_a_client_without_it},
    END_OF_CASES,
};
