/* SPDX-License-Identifier: MPL-2.0 */
/* Chapter 5: the endpoints of bind and connect, and SLK_LAST_ENDPOINT. */
#include "sockets.h"

#include <stdio.h>
#include <stdlib.h>

static void malformed(void)
{
    static const char* const never[] = {
        "",
        "tcp",
        "tcp:",
        "tcp:/",
        "://127.0.0.1:1",
        "tcp//127.0.0.1:1",
        "127.0.0.1:5555",
        "tcp://",
        "inproc://",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:port",
        "tcp://127.0.0.1:80x",
        "tcp://127.0.0.1:-1",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:99999999999",
        "tcp://127.0.0.1: 80",
        "tcp://:5555",
    };
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    endpoint_text before;
    size_t index;
    for (index = 0; index < sizeof never / sizeof never[0]; ++index) {
        char text[100];
        snprintf(text, sizeof text, "slk_bind() to \"%s\" is refused", never[index]);
        test_check(__FILE__, __LINE__, text, slk_bind(socket, never[index]) == -1, 0);
        CHECK_INT(slk_errno(), SLK_EINVAL);
        snprintf(text, sizeof text, "slk_connect() to \"%s\" is refused", never[index]);
        test_check(__FILE__, __LINE__, text, slk_connect(socket, never[index]) == -1, 0);
        CHECK_INT(slk_errno(), SLK_EINVAL);
        CHECK_FAILS(slk_bind(socket, never[index]), SLK_EINVAL);
        CHECK_FAILS(slk_connect(socket, never[index]), SLK_EINVAL);
    }
    if (has_transport(transport_ipc)) {
        CHECK_FAILS(slk_bind(socket, "ipc://"), SLK_EINVAL);
        CHECK_FAILS(slk_connect(socket, "ipc://"), SLK_EINVAL);
    }
    /* The peer's address has to be known. */
    CHECK_FAILS(slk_connect(socket, "tcp://127.0.0.1:*"), SLK_EINVAL);
    CHECK_FAILS(slk_connect(socket, "tcp://*:5555"), SLK_EINVAL);
    last_endpoint(socket, before);
    CHECK_TEXT(before, "");
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static void malformed_for_unbind_and_disconnect(void)
{
    static const char* const malformed_ones[] = {"", "tcp", "://x", "tcp://", "inproc://"};
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    size_t index;
    for (index = 0; index < sizeof malformed_ones / sizeof malformed_ones[0]; ++index) {
        CHECK_FAILS(slk_unbind(socket, malformed_ones[index]), SLK_EINVAL);
        CHECK_FAILS(slk_disconnect(socket, malformed_ones[index]), SLK_EINVAL);
    }
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static int port_of(const char* endpoint)
{
    const char* colon = strrchr(endpoint, ':');
    return colon == NULL ? -1 : atoi(colon + 1);
}

static void check_wildcard(const char* endpoint, const char* host)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    slk_socket_t* peer = open_socket(ctx, SLK_PAIR);
    endpoint_text bound;
    endpoint_text wanted;
    bind_at(socket, endpoint);
    last_endpoint(socket, bound);
    CHECK_BETWEEN(port_of(bound), 1, 65535);
    snprintf(wanted, sizeof wanted, "tcp://%s:%d", host, port_of(bound));
    CHECK_TEXT(bound, wanted);
    snprintf(wanted, sizeof wanted, "tcp://127.0.0.1:%d", port_of(bound));
    connect_to(peer, wanted);
    SEND_TEXT(peer, "there", 0);
    CHECK_RECV(socket, "there");
    CHECK_INT(slk_unbind(socket, bound), 0);
    close_socket(socket);
    close_socket(peer);
    slk_ctx_destroy(ctx);
}

static void wildcards(void)
{
    check_wildcard("tcp://127.0.0.1:*", "127.0.0.1");
    check_wildcard("tcp://127.0.0.1:0", "127.0.0.1");
    check_wildcard("tcp://*:*", "0.0.0.0");
    check_wildcard("tcp://*:0", "0.0.0.0");
    check_wildcard("tcp://0.0.0.0:*", "0.0.0.0");
#ifdef __linux__
    check_wildcard("tcp://lo:*", "127.0.0.1");
#endif
}

static void last_endpoints(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_DEALER);
    endpoint_text endpoint;
    endpoint_text used;
    char small[8];
    size_t size;
    last_endpoint(socket, endpoint);
    CHECK_TEXT(endpoint, "");
    connect_to(socket, "tcp://127.0.0.1:5999");
    last_endpoint(socket, endpoint);
    CHECK_TEXT(endpoint, "tcp://127.0.0.1:5999");
    connect_to(socket, "tcp://localhost:5998");
    last_endpoint(socket, endpoint);
    CHECK_TEXT(endpoint, "tcp://localhost:5998");
    connect_to(socket, "inproc://Some Name/with:all");
    last_endpoint(socket, endpoint);
    CHECK_TEXT(endpoint, "inproc://Some Name/with:all");
    bind_at(socket, "inproc://another name");
    last_endpoint(socket, endpoint);
    CHECK_TEXT(endpoint, "inproc://another name");
    if (has_transport(transport_ipc)) {
        bind_ipc(socket, used);
        last_endpoint(socket, endpoint);
        CHECK_TEXT(endpoint, used);
    }
    bind_tcp(socket, used);
    /* What fails does not change it. */
    CHECK_INT(slk_bind(socket, "tcp://192.0.2.1:*"), -1);
    CHECK_INT(slk_connect(socket, "nope"), -1);
    last_endpoint(socket, endpoint);
    CHECK_TEXT(endpoint, used);
    size = sizeof small;
    CHECK_FAILS(slk_getsockopt(socket, SLK_LAST_ENDPOINT, small, &size), SLK_EINVAL);
    size = strlen(used);
    CHECK_FAILS(slk_getsockopt(socket, SLK_LAST_ENDPOINT, endpoint, &size), SLK_EINVAL);
    size = strlen(used) + 1;
    CHECK_INT(slk_getsockopt(socket, SLK_LAST_ENDPOINT, endpoint, &size), 0);
    CHECK_INT(size, strlen(used) + 1);
    close_socket(socket);
    slk_ctx_destroy(ctx);
}

static void long_names_of_inproc(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    slk_socket_t* peer = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    endpoint_text bound;
    memset(endpoint, 'n', sizeof endpoint);
    memcpy(endpoint, "inproc://", 9);
    endpoint[200] = '\0';
    bind_at(socket, endpoint);
    last_endpoint(socket, bound);
    CHECK_TEXT(bound, endpoint);
    connect_to(peer, endpoint);
    SEND_TEXT(peer, "there", 0);
    CHECK_RECV(socket, "there");
    /* Another name with the same beginning. */
    endpoint[199] = '\0';
    CHECK_INT(slk_bind(peer, endpoint), 0);
    close_socket(socket);
    close_socket(peer);
    slk_ctx_destroy(ctx);
}

static void names_of_hosts(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PULL);
    slk_socket_t* peer = open_socket(ctx, SLK_PUSH);
    slk_socket_t* lost = open_socket(ctx, SLK_PUSH);
    endpoint_text endpoint;
    endpoint_text named;
    bind_tcp(socket, endpoint);
    snprintf(named, sizeof named, "tcp://localhost:%d", port_of(endpoint));
    connect_to(peer, named);
    SEND_TEXT(peer, "there", 0);
    CHECK_RECV(socket, "there");
    CHECK_INT(slk_disconnect(peer, named), 0);
    /* Resolved later: no error here. */
    set_int(lost, SLK_LINGER, 0);
    connect_to(lost, "tcp://no-such-host.invalid:5555");
    CHECK_INT(slk_disconnect(lost, "tcp://no-such-host.invalid:5555"), 0);
    close_socket(socket);
    close_socket(peer);
    close_socket(lost);
    slk_ctx_destroy(ctx);
}

static void many_endpoints_of_a_socket(void)
{
    enum { number = 5 };
    slk_ctx_t* ctx = new_context();
    slk_socket_t* server = open_socket(ctx, SLK_PULL);
    slk_socket_t* client = open_socket(ctx, SLK_PUSH);
    slk_socket_t* others[number];
    endpoint_text endpoint;
    transport kind;
    int index;
    FOR_EACH_TRANSPORT(kind)
    {
        for (index = 0; index < number; ++index) {
            bind_to(server, kind, endpoint);
            connect_to(client, endpoint);
        }
    }
    /* Over its many connections in turn; those that are not up yet queue. */
    for (index = 0; index < 30; ++index)
        SEND_TEXT(client, "x", 0);
    for (index = 0; index < 30; ++index)
        CHECK_RECV(server, "x");
    /* Binding and connecting, mixed. */
    for (index = 0; index < number; ++index) {
        others[index] = open_socket(ctx, SLK_PULL);
        bind_tcp(others[index], endpoint);
        connect_to(client, endpoint);
    }
    for (index = 0; index < 40; ++index)
        SEND_TEXT(client, "y", 0);
    for (index = 0; index < number; ++index) {
        CHECK_RECV(others[index], "y");
        close_socket(others[index]);
    }
    close_socket(server);
    close_socket(client);
    slk_ctx_destroy(ctx);
}

static void ipv6(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    slk_socket_t* peer = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    CHECK_FAILS(slk_bind(socket, "tcp://[::1]:*"), sys_enodev);
    set_int(socket, opt_ipv6, 1);
    set_int(peer, opt_ipv6, 1);
    if (slk_bind(socket, "tcp://[::1]:*") != 0) {
        close_socket(socket);
        close_socket(peer);
        slk_ctx_destroy(ctx);
        skip("needs IPv6");
    }
    last_endpoint(socket, endpoint);
    CHECK_INT(strncmp(endpoint, "tcp://[::1]:", 12), 0);
    connect_to(peer, endpoint);
    SEND_TEXT(peer, "there", 0);
    CHECK_RECV(socket, "there");
    close_socket(socket);
    close_socket(peer);
    slk_ctx_destroy(ctx);
}

static void ipc_takes_a_free_path(void)
{
#ifdef _WIN32
    skip("is for POSIX systems");
#endif
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    slk_socket_t* peer = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    bind_at(socket, "ipc://*");
    last_endpoint(socket, endpoint);
    CHECK_INT(strncmp(endpoint, "ipc://", 6), 0);
    CHECK(strcmp(endpoint, "ipc://*") != 0);
    connect_to(peer, endpoint);
    SEND_TEXT(peer, "there", 0);
    CHECK_RECV(socket, "there");
    close_socket(socket);
    close_socket(peer);
    slk_ctx_destroy(ctx);
}

static void has_tells_the_truth(void)
{
    CHECK_INT(slk_has("ipc"), has_transport(transport_ipc));
}

static void ipc_has_abstract_names(void)
{
#ifndef __linux__
    skip("is for Linux");
#endif
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    slk_socket_t* other = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    endpoint_text bound;
    snprintf(endpoint, sizeof endpoint, "ipc://@slk-capi-%d", process_number());
    bind_at(socket, endpoint);
    last_endpoint(socket, bound);
    CHECK_TEXT(bound, endpoint);
    CHECK_FAILS(slk_bind(other, endpoint), sys_eaddrinuse);
    connect_to(other, endpoint);
    SEND_TEXT(other, "there", 0);
    CHECK_RECV(socket, "there");
    CHECK_FAILS(slk_bind(other, "ipc://@"), SLK_EINVAL);
    close_socket(socket);
    close_socket(other);
    slk_ctx_destroy(ctx);
}

static void source_addresses(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* socket = open_socket(ctx, SLK_PAIR);
    slk_socket_t* peer = open_socket(ctx, SLK_PAIR);
    endpoint_text endpoint;
    endpoint_text sourced;
    endpoint_text last;
    bind_tcp(socket, endpoint);
    snprintf(sourced, sizeof sourced, "tcp://127.0.0.1:0;%.60s", endpoint + strlen("tcp://"));
    connect_to(peer, sourced);
    last_endpoint(peer, last);
    CHECK_TEXT(last, sourced);
    SEND_TEXT(peer, "there", 0);
    CHECK_RECV(socket, "there");
    CHECK_INT(slk_disconnect(peer, sourced), 0);
    close_socket(socket);
    close_socket(peer);
    slk_ctx_destroy(ctx);
}

CASES(endpoints) = {
    {"endpoints that are malformed", malformed},
    {"malformed endpoints of unbind and disconnect", malformed_for_unbind_and_disconnect},
    {"wildcards take a free port", wildcards},
    {"SLK_LAST_ENDPOINT is the last address", last_endpoints},
    {"long names of inproc", long_names_of_inproc},
    {"names of hosts are resolved later", names_of_hosts},
    {"a socket binds and connects many endpoints", many_endpoints_of_a_socket},
    {"ipc takes a free path", ipc_takes_a_free_path},
    {"slk_has() tells whether ipc can be bound", has_tells_the_truth},
    {"ipc has abstract names", ipc_has_abstract_names},
    {"a source address stands before the peer's", source_addresses},
    {"IPv6 is used where it is switched on", ipv6},
    END_OF_CASES,
};
