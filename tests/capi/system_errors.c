/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 2: reasons that are the platform's numbers. */
#ifndef _WIN32
#define _POSIX_C_SOURCE 200809L
#endif

#include "sockets.h"

#include <stdio.h>

#ifndef _WIN32
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#endif

static const int every_type[] = {SLK_PAIR,   SLK_PUB,  SLK_SUB,  SLK_REQ,  SLK_REP, SLK_DEALER,
                                 SLK_ROUTER, SLK_PULL, SLK_PUSH, SLK_XPUB, SLK_XSUB};
enum { types = sizeof every_type / sizeof every_type[0] };

static void address_in_use(void)
{
    slk_ctx_t* ctx = new_context();
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t* first = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* second = open_socket(ctx, SLK_PAIR);
        endpoint_text endpoint;
        bind_to(first, kind, endpoint);
        CHECK_FAILS(slk_bind(second, endpoint), sys_eaddrinuse);
        /* Also of the same socket. */
        CHECK_FAILS(slk_bind(first, endpoint), sys_eaddrinuse);
        close_socket(first);
        close_socket(second);
    }
    slk_ctx_destroy(ctx);
}

static void address_in_use_of_another_context(void)
{
    slk_ctx_t* ctx = new_context();
    slk_ctx_t* other = new_context();
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        slk_socket_t* first = open_socket(ctx, SLK_ROUTER);
        slk_socket_t* second = open_socket(other, SLK_ROUTER);
        endpoint_text endpoint;
        bind_to(first, kind, endpoint);
        if (kind == transport_inproc)
            CHECK_INT(slk_bind(second, endpoint), 0); /* names are each context's own */
        else
            CHECK_FAILS(slk_bind(second, endpoint), sys_eaddrinuse);
        close_socket(first);
        close_socket(second);
    }
    slk_ctx_destroy(other);
    slk_ctx_destroy(ctx);
}

static void wildcard_against_one_address(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* first = open_socket(ctx, SLK_PAIR);
    slk_socket_t* second = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    endpoint_text narrow;
    bind_at(first, "tcp://*:*");
    last_endpoint(first, endpoint);
    snprintf(narrow, sizeof narrow, "tcp://127.0.0.1%s", strrchr(endpoint, ':'));
    CHECK_INT(slk_bind(second, narrow), -1);
#ifdef _WIN32
    /* Exclusive use of a part of what is bound is not permitted there. */
    CHECK(slk_errno() == sys_eaddrinuse || slk_errno() == sys_eacces);
#else
    CHECK_INT(slk_errno(), sys_eaddrinuse);
#endif
    close_socket(first);
    close_socket(second);
    slk_ctx_destroy(ctx);
}

static void address_not_available(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    /* Reserved for documents: no machine has it. */
    CHECK_FAILS(slk_bind(socket, "tcp://192.0.2.1:*"), sys_eaddrnotavail);
    CHECK_FAILS(slk_bind(socket, "tcp://nosuchinterface:*"), sys_enodev);
    CHECK_FAILS(slk_bind(socket, "tcp://localhost:*"), sys_enodev);
    bind_at(socket, "tcp://127.0.0.1:*");
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static void permission_denied(void)
{
#ifdef _WIN32
    skip("has no ports or folders that are refused");
#else
    slk_ctx_t* ctx;
    slk_socket_t* socket;
    endpoint_text endpoint;
    free_endpoint(transport_ipc, endpoint);
    if (getuid() == 0 && setuid(65534) != 0)
        skip("cannot become another user");
    if (access(scratch_folder(), W_OK) == 0)
        skip("may write everywhere");
    ctx = new_context();
    socket = open_socket(ctx, SLK_PAIR);
    CHECK_FAILS(slk_bind(socket, endpoint), sys_eacces);
    if (slk_bind(socket, "tcp://127.0.0.1:1") != 0)
        CHECK_INT(slk_errno(), sys_eacces);
    bind_at(socket, "tcp://127.0.0.1:*");
    close_socket(socket);
    slk_ctx_destroy(ctx);
#endif
}

static void transport_unknown(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    static const char* const endpoints[] = {"nope://x", "http://127.0.0.1:80", "TCP://127.0.0.1:1",
                                            "tcpx://127.0.0.1:1", "tc://127.0.0.1:1"};
    size_t index;
    for (index = 0; index < sizeof endpoints / sizeof endpoints[0]; ++index) {
        CHECK_FAILS(slk_bind(socket, endpoints[index]), sys_eprotonosupport);
        CHECK_FAILS(slk_connect(socket, endpoints[index]), sys_eprotonosupport);
        CHECK_FAILS(slk_unbind(socket, endpoints[index]), sys_eprotonosupport);
        CHECK_FAILS(slk_disconnect(socket, endpoints[index]), sys_eprotonosupport);
    }
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static void no_such_endpoint(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        endpoint_text endpoint;
        free_endpoint(kind, endpoint);
        CHECK_FAILS(slk_disconnect(socket, endpoint), sys_enoent);
        CHECK_FAILS(slk_unbind(socket, endpoint), sys_enoent);
        /* And not twice. */
        bind_at(socket, endpoint);
        CHECK_INT(slk_unbind(socket, endpoint), 0);
        CHECK_FAILS(slk_unbind(socket, endpoint), sys_enoent);
        connect_to(socket, endpoint);
        CHECK_INT(slk_disconnect(socket, endpoint), 0);
        CHECK_FAILS(slk_disconnect(socket, endpoint), sys_enoent);
    }
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static void ipc_paths(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    size_t length;
    if (!has_transport(transport_ipc))
        skip("needs ipc");
    CHECK_FAILS(slk_bind(socket, "ipc:///no/such/folder/for/slk/name"), sys_enoent);
    /* Up to 107 bytes fit into the system's address. */
    length = (size_t)snprintf(endpoint, sizeof endpoint, "ipc://%s/", scratch_folder());
    memset(endpoint + length, 'x', sizeof endpoint - length);
    endpoint[6 + 107] = '\0';
    CHECK_INT(slk_bind(socket, endpoint), 0);
    endpoint[6 + 107] = 'x';
    endpoint[6 + 108] = '\0';
    CHECK_FAILS(slk_bind(socket, endpoint), sys_enametoolong);
    endpoint[6 + 108] = 'x';
    endpoint[6 + 200] = '\0';
    CHECK_FAILS(slk_bind(socket, endpoint), sys_enametoolong);
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

/* What a process that was killed has left behind. */
static void ipc_files_that_are_left(void)
{
#ifdef _WIN32
    skip("is for POSIX systems");
#else
    slk_ctx_t* ctx = new_context();
    const int left = socket(AF_UNIX, SOCK_STREAM, 0);
    slk_socket_t* bound = open_socket(ctx, SLK_PAIR);
    slk_socket_t* peer = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    struct sockaddr_un address;
    free_endpoint(transport_ipc, endpoint);
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof address.sun_path, "%.100s", endpoint + strlen("ipc://"));
    CHECK_INT(bind(left, (struct sockaddr*)&address, sizeof address), 0);
    close(left);
    CHECK_INT(access(address.sun_path, F_OK), 0);
    bind_at(bound, endpoint);
    connect_to(peer, endpoint);
    SEND_TEXT(peer, "there", 0);
    CHECK_RECV(bound, "there");
    close_socket(bound);
    close_socket(peer);
    slk_ctx_destroy(ctx);
#endif
}

static int sends(int type)
{
    return type != SLK_SUB && type != SLK_PULL;
}

static int receives(int type)
{
    return type != SLK_PUB && type != SLK_PUSH;
}

static void not_supported(void)
{
    slk_ctx_t* ctx = new_context();
    int index;
    for (index = 0; index < types; ++index) {
        const int type = every_type[index];
        slk_socket_t* socket = open_socket(ctx, type);
        slk_msg_t* message = slk_msg_new_data("x", 1);
        char byte;
        if (!sends(type)) {
            CHECK_FAILS(slk_send(socket, "x", 1, SLK_DONTWAIT), sys_enotsup);
            CHECK_FAILS(slk_send(socket, "x", 1, 0), sys_enotsup);
            CHECK_FAILS(slk_send(socket, "x", 1, SLK_SNDMORE), sys_enotsup);
            CHECK_FAILS(slk_msg_send(message, socket, 0), sys_enotsup);
            CHECK_INT(slk_msg_size(message), 1);
        }
        if (!receives(type)) {
            CHECK_FAILS(slk_recv(socket, &byte, 1, SLK_DONTWAIT), sys_enotsup);
            CHECK_FAILS(slk_recv(socket, &byte, 1, 0), sys_enotsup);
            CHECK_FAILS(slk_msg_recv(message, socket, 0), sys_enotsup);
        }
        slk_msg_destroy(message);
        close_socket(socket);
    }
    slk_ctx_destroy(ctx);
}

static void too_many_sockets(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* sockets[3];
    slk_socket_t* again = NULL;
    int limit = 3;
    int index;
    REQUIRE_INT(slk_ctx_set(ctx, SLK_MAX_SOCKETS, &limit, sizeof limit), 0);
    for (index = 0; index < 3; ++index)
        sockets[index] = open_socket(ctx, SLK_PAIR);
    CHECK_NULL(slk_socket(ctx, SLK_PAIR), sys_emfile);
    CHECK_NULL(slk_socket(ctx, SLK_ROUTER), sys_emfile);
    close_socket(sockets[1]);
    CHECK_UNTIL((again = slk_socket(ctx, SLK_SUB)) != NULL, patience_ms);
    close_socket(again);
    close_socket(sockets[0]);
    close_socket(sockets[2]);
    slk_ctx_destroy(ctx);
}

#ifndef _WIN32
static void handle_signal(int number)
{
    (void)number;
}

typedef struct blocked_call {
    slk_socket_t* socket;
    int sends;
    int result;
    int reason;
    test_flag started;
    test_flag done;
} blocked_call;

static pthread_t blocked_thread;

static void block(void* argument)
{
    blocked_call* call = argument;
    blocked_thread = pthread_self();
    flag_set(&call->started, 1);
    call->result =
        call->sends ? slk_send(call->socket, "x", 1, 0) : slk_recv(call->socket, NULL, 0, 0);
    call->reason = slk_errno();
    flag_set(&call->done, 1);
}

static void interrupt(slk_socket_t* socket, int sends)
{
    blocked_call call = {NULL, 0, 0, 0, {0}, {0}};
    test_thread* thread;
    double end = now_ms() + patience_ms;
    call.socket = socket;
    call.sends = sends;
    thread = thread_start(block, &call);
    REQUIRE_UNTIL(flag_get(&call.started), patience_ms);
    /* The first signal may come before the call waits. */
    while (!flag_get(&call.done) && now_ms() < end) {
        sleep_ms(5);
        if (!flag_get(&call.done))
            pthread_kill(blocked_thread, SIGUSR1);
    }
    REQUIRE(flag_get(&call.done));
    thread_join(thread);
    CHECK_INT(call.result, -1);
    CHECK_INT(call.reason, sys_eintr);
}
#endif

static void interrupted(void)
{
#ifdef _WIN32
    skip("has no signals");
#else
    struct sigaction action;
    transport kind;
    memset(&action, 0, sizeof action);
    action.sa_handler = handle_signal;
    sigaction(SIGUSR1, &action, NULL);
    FOR_EACH_TRANSPORT(kind)
    {
        connected_pair pair;
        slk_socket_t* full;
        endpoint_text nobody;
        open_pair(&pair, kind);
        interrupt(pair.bound, 0);
        full = open_socket(pair.ctx, SLK_PAIR);
        free_endpoint(kind, nobody);
        set_int(full, SLK_SNDHWM, 1);
        set_int(full, SLK_LINGER, 0);
        connect_to(full, nobody);
        CHECK_INT(fill(full, 100), 1);
        interrupt(full, 1);
        /* And go on as before. */
        SEND_TEXT(pair.connected, "after", 0);
        CHECK_RECV(pair.bound, "after");
        close_socket(full);
        close_pair(&pair);
    }
#endif
}

CASES(system_errors) = {
    {"an address that is in use", address_in_use},
    {"an address that is in use by another context", address_in_use_of_another_context},
    {"one address while the wildcard is bound", wildcard_against_one_address},
    {"an address that is not available", address_not_available},
    {"an address that is not permitted", permission_denied},
    {"a transport that is unknown", transport_unknown},
    {"an endpoint that is not bound or connected", no_such_endpoint},
    {"paths of ipc that are too long or lead nowhere", ipc_paths},
    {"a file of ipc that is left behind", ipc_files_that_are_left},
    {"types that do not send or receive", not_supported},
    {"more sockets than the context may have", too_many_sockets},
    {"a call that waits is interrupted by a signal", interrupted},
    END_OF_CASES,
};
