/* SPDX-License-Identifier: MPL-2.0 */
/* Binding, connecting, and taking that back; inproc. */

#include "facts.h"

#include <stdio.h>
#include <stdlib.h>

static void endpoints_that_are_none(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    /* libzmq aborts. */
    if (!is_theirs()) {
        CHECK_FAILS(zmq_bind(socket, NULL), EINVAL);
        CHECK_FAILS(zmq_connect(socket, NULL), EINVAL);
    }
    CHECK_FAILS(zmq_bind(socket, ""), EINVAL);
    CHECK_FAILS(zmq_bind(socket, "127.0.0.1:5"), EINVAL);
    CHECK_FAILS(zmq_bind(socket, "tcp://"), EINVAL);
    CHECK_FAILS(zmq_bind(socket, "://a"), EINVAL);
    CHECK_FAILS(zmq_connect(socket, "://a"), EINVAL);
    CHECK_FAILS(zmq_connect(socket, "tcp:127.0.0.1:5"), EINVAL);
    CHECK_FAILS(zmq_bind(socket, "nonsense://127.0.0.1:5"), EPROTONOSUPPORT);
    CHECK_FAILS(zmq_connect(socket, "nonsense://127.0.0.1:5"), EPROTONOSUPPORT);
    CHECK_FAILS(zmq_bind(socket, "TCP://127.0.0.1:5"), EPROTONOSUPPORT);
    CHECK_FAILS(zmq_bind(socket, "udp://127.0.0.1:5"), ENOCOMPATPROTO);
    CHECK_FAILS(zmq_connect(socket, "udp://127.0.0.1:5"), ENOCOMPATPROTO);
    if (!is_theirs())
        CHECK_FAILS(zmq_connect(socket, "ws://127.0.0.1:5"), EPROTONOSUPPORT);
    CHECK_FAILS(zmq_connect(socket, "vmci://1:5"), EPROTONOSUPPORT);
    close_socket(socket);
    end_context(context);
}

static void connecting_wants_a_port(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    CHECK_FAILS(zmq_connect(socket, "tcp://localhost"), EINVAL);
    CHECK_FAILS(zmq_connect(socket, "tcp://localhost:"), EINVAL);
    CHECK_FAILS(zmq_connect(socket, "tcp://localhost:lol"), EINVAL);
    CHECK_FAILS(zmq_connect(socket, "tcp://localhost:*"), EINVAL);
    CHECK_FAILS(zmq_connect(socket, "tcp:// :5555"), EINVAL);
    close_socket(socket);
    end_context(context);
}

static void connecting_resolves_later(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    CHECK_INT(zmq_connect(socket, "tcp://no-such-host.invalid:5555"), 0);
    last_endpoint(socket, endpoint);
    CHECK_TEXT(endpoint, "tcp://no-such-host.invalid:5555");
    CHECK_INT(zmq_disconnect(socket, "tcp://no-such-host.invalid:5555"), 0);
    close_socket(socket);
    end_context(context);
}

static void binding_to_what_is_not_here(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint, unchanged;
    bind_tcp(socket, endpoint);
    CHECK_FAILS(zmq_bind(socket, "tcp://localhost:*"), ENODEV);
    CHECK_FAILS(zmq_bind(socket, "tcp://8.8.8.8:*"), EADDRNOTAVAIL);
    CHECK_FAILS(zmq_bind(socket, endpoint), EADDRINUSE);
    if (zmq_has("ipc"))
        CHECK_FAILS(zmq_bind(socket, "ipc:///no/such/folder/s"), ENOENT);
    else
        CHECK_FAILS(zmq_bind(socket, "ipc://name"), EPROTONOSUPPORT);
    last_endpoint(socket, unchanged);
    CHECK_TEXT(unchanged, endpoint);
    close_socket(socket);
    end_context(context);
}

static void last_endpoint_with_ipv6(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    set_int(socket, ZMQ_IPV6, 1);
    if (zmq_bind(socket, "tcp://[::1]:*") != 0)
        skip("this machine has no IPv6");
    last_endpoint(socket, endpoint);
    CHECK(strncmp(endpoint, "tcp://[::1]:", 12) == 0);
    bind_at(socket, "tcp://*:*");
    last_endpoint(socket, endpoint);
    CHECK(strncmp(endpoint, "tcp://[::]:", 11) == 0);
    bind_at(socket, "tcp://127.0.0.1:*");
    last_endpoint(socket, endpoint);
    CHECK(strncmp(endpoint, "tcp://[::ffff:127.0.0.1]:", 25) == 0);
    close_socket(socket);
    end_context(context);
}

static void last_endpoint_begins_empty(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    char small[4];
    size_t size = sizeof small;
    last_endpoint(socket, endpoint);
    CHECK_TEXT(endpoint, "");
    connect_to(socket, "tcp://127.0.0.1:9");
    last_endpoint(socket, endpoint);
    CHECK_TEXT(endpoint, "tcp://127.0.0.1:9");
    CHECK_FAILS(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, small, &size), EINVAL);
    close_socket(socket);
    end_context(context);
}

static void an_ipc_path_can_be_bound_again(void)
{
    void* const context = new_context();
    void* socket = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    bind_ipc(socket, endpoint);
    close_socket(socket);
    socket = open_socket(context, ZMQ_DEALER);
    CHECK_UNTIL(zmq_bind(socket, endpoint) == 0, patience_ms);
    close_socket(socket);
    end_context(context);
}

static void unbind_wants_the_resolved_endpoint(void)
{
    void* const context = new_context();
    void* const socket = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    bind_at(socket, "tcp://127.0.0.1:*");
    last_endpoint(socket, endpoint);
    CHECK_FAILS(zmq_unbind(socket, "tcp://127.0.0.1:*"), ENOENT);
    CHECK_INT(zmq_unbind(socket, endpoint), 0);
    CHECK_FAILS(zmq_unbind(socket, endpoint), ENOENT);
    bind_tcp(socket, endpoint);
    CHECK_INT(zmq_disconnect(socket, endpoint), 0);
    connect_to(socket, "tcp://127.0.0.1:9");
    CHECK_INT(zmq_unbind(socket, "tcp://127.0.0.1:9"), 0);
    CHECK_FAILS(zmq_disconnect(socket, "tcp://127.0.0.1:9"), ENOENT);
    close_socket(socket);
    end_context(context);
}

static void unbinding_ends_the_accepted_connections(void)
{
    two_sockets two;
    open_two(&two, ZMQ_PUSH, ZMQ_PULL, 't');
    SEND(two.bound, "a", 0);
    RECV(two.connected, "a");
    CHECK_INT(zmq_unbind(two.bound, two.endpoint), 0);
    CHECK_UNTIL(zmq_send(two.bound, "b", 1, ZMQ_DONTWAIT) == -1 && errno == EAGAIN, patience_ms);
    close_two(&two);
}

/* Sends "a", "b" and "c" from a socket of the other type, and waits until they are there. */
static void send_three(void* from, void* to)
{
    static const char* const texts[] = {"a", "b", "c"};
    const int type = get_int(to, ZMQ_TYPE);
    int number;
    for (number = 0; number < 3; ++number) {
        if (type == ZMQ_REP)
            SEND(from, "", ZMQ_SNDMORE);
        SEND(from, texts[number], 0);
    }
    REQUIRE(is_readable(to, patience_ms));
    NOTHING(from, 200); /* time for the others */
}

static void recv_three(void* socket)
{
    const int type = get_int(socket, ZMQ_TYPE);
    int number;
    for (number = 0; number < (type == ZMQ_REP ? 1 : 3); ++number) {
        const char text[] = {(char)('a' + number), '\0'};
        char peer[16];
        if (type == ZMQ_ROUTER)
            CHECK_INT(recv_within(socket, peer, sizeof peer, patience_ms), 5);
        RECV_LAST(socket, text);
    }
}

static const int types_that_keep[][2] = {
    {ZMQ_PULL, ZMQ_PUSH},     {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_PAIR, ZMQ_PAIR},
    {ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_REP, ZMQ_DEALER},    {ZMQ_XSUB, ZMQ_XPUB},
};

static void what_has_arrived_outlives_the_endpoint(void)
{
    static const char transports[] = {'t', 'i'};
    int number;
    for (number = 0; number < 12; ++number) {
        const int* const types = types_that_keep[number % 6];
        two_sockets two;
        open_two(&two, types[0], types[1], transports[number / 6]);
        if (types[0] == ZMQ_XSUB) {
            SEND(two.bound, "\1", 0);
            NOTHING(two.bound, 100); /* libzmq works in the calls of its user alone */
            RECV(two.connected, "\1");
        }
        send_three(two.connected, two.bound);
        CHECK_INT(zmq_unbind(two.bound, two.endpoint), 0);
        recv_three(two.bound);
        NOTHING(two.bound, 10);
        close_two(&two);
    }
}

/* In the middle of a message, too. */
static void parts_outlive_the_endpoint(void)
{
    two_sockets two;
    char large[40000], got[sizeof large];
    open_two(&two, ZMQ_DEALER, ZMQ_DEALER, 't');
    memset(large, 'x', sizeof large);
    SEND(two.connected, "a", ZMQ_SNDMORE);
    CHECK_INT(zmq_send(two.connected, large, sizeof large, ZMQ_SNDMORE), (int)sizeof large);
    SEND(two.connected, "c", 0);
    SEND(two.connected, "d", 0);
    RECV_MORE(two.bound, "a");
    NOTHING(two.connected, 200);
    CHECK_INT(zmq_unbind(two.bound, two.endpoint), 0);
    CHECK_INT(recv_within(two.bound, got, sizeof got, patience_ms), (int)sizeof large);
    CHECK(memcmp(got, large, sizeof large) == 0);
    RECV_LAST(two.bound, "c");
    RECV_LAST(two.bound, "d");
    close_two(&two);
}

static void a_reply_outlives_the_endpoint(void)
{
    two_sockets two;
    char peer[16];
    int size;
    open_two(&two, ZMQ_REQ, ZMQ_ROUTER, 't');
    CHECK(is_writable(two.bound, patience_ms));
    SEND(two.bound, "q", 0);
    size = recv_within(two.connected, peer, sizeof peer, patience_ms);
    RECV_MORE(two.connected, "");
    RECV_LAST(two.connected, "q");
    CHECK_INT(zmq_send(two.connected, peer, (size_t)size, ZMQ_SNDMORE), size);
    SEND(two.connected, "", ZMQ_SNDMORE);
    SEND(two.connected, "a", 0);
    REQUIRE(is_readable(two.bound, patience_ms));
    CHECK_INT(zmq_unbind(two.bound, two.endpoint), 0);
    RECV_LAST(two.bound, "a");
    close_two(&two);
}

static void subscriptions_outlive_the_endpoint(void)
{
    two_sockets two;
    open_two(&two, ZMQ_XPUB, ZMQ_XSUB, 't');
    SEND(two.connected, "\1a", 0);
    SEND(two.connected, "\1b", 0);
    RECV(two.bound, "\1a");
    REQUIRE(is_readable(two.bound, patience_ms));
    CHECK_INT(zmq_unbind(two.bound, two.endpoint), 0);
    RECV(two.bound, "\1b");
    RECV_BYTES(two.bound, "\0a", 2);
    RECV_BYTES(two.bound, "\0b", 2);
    close_two(&two);
}

static void bytes_outlive_the_endpoint(void)
{
    two_sockets two;
    raw_socket raw;
    char peer[16];
    two.context = new_context();
    two.bound = open_socket(two.context, ZMQ_STREAM);
    bind_tcp(two.bound, two.endpoint);
    raw = raw_connect(two.endpoint);
    CHECK_INT(recv_within(two.bound, peer, sizeof peer, patience_ms), 5);
    RECV_LAST(two.bound, "");
    raw_send(raw, "abc", 3);
    REQUIRE(is_readable(two.bound, patience_ms));
    CHECK_INT(zmq_unbind(two.bound, two.endpoint), 0);
    CHECK_INT(recv_within(two.bound, peer, sizeof peer, patience_ms), 5);
    RECV_LAST(two.bound, "abc");
    NOTHING(two.bound, 50); /* not that it has ended */
    CHECK(raw_is_closed(raw, patience_ms));
    raw_close(raw);
    close_socket(two.bound);
    end_context(two.context);
}

/* A ROUTER or REP of libzmq that was polled has read one, and keeps it. */
static void disconnecting_discards_what_has_arrived(void)
{
    static const char transports[] = {'t', 'i', 'p'};
    int number;
    for (number = 0; number < 9; ++number) {
        const int* const types = types_that_keep[number % 3];
        two_sockets two;
        open_two(&two, types[1], types[0], transports[number / 3]);
        send_three(two.bound, two.connected);
        CHECK_INT(zmq_disconnect(two.connected, two.endpoint), 0);
        NOTHING(two.connected, 10);
        close_two(&two);
    }
}

/* The peer goes inside a message: its other parts are taken, and lead nowhere. */
static void the_rest_of_a_message_goes_with_the_peer(void)
{
    static const int types[][2] = {{ZMQ_PUSH, ZMQ_PULL}, {ZMQ_DEALER, ZMQ_DEALER}};
    static const char transports[] = {'t', 'i', 'p'};
    int number, turn;
    for (number = 0; number < 6; ++number) {
        two_sockets two;
        open_two(&two, types[number % 2][1], types[number % 2][0], transports[number / 2]);
        SEND(two.connected, "1a", ZMQ_SNDMORE);
        CHECK_INT(zmq_disconnect(two.connected, two.endpoint), 0);
        for (turn = 0; turn < 20; ++turn) { /* libzmq works in the calls of its user alone */
            CHECK_INT(events_of(two.connected) & ZMQ_POLLOUT, ZMQ_POLLOUT);
            events_of(two.bound);
            sleep_ms(5);
        }
        SEND(two.connected, "1b", ZMQ_SNDMORE | ZMQ_DONTWAIT);
        connect_to(two.connected, two.endpoint);
        SEND(two.connected, "1c", ZMQ_DONTWAIT);
        SEND(two.connected, "2a", ZMQ_SNDMORE);
        SEND(two.connected, "2b", 0);
        RECV_MORE(two.bound, "2a");
        RECV_LAST(two.bound, "2b");
        close_two(&two);
    }
}

/* inproc: a connect ends with the socket that it has met. */
static void an_inproc_connect_ends_with_its_peer(void)
{
    void* const context = new_context();
    void* const from = open_socket(context, ZMQ_PUSH);
    void* one = open_socket(context, ZMQ_PULL);
    void* const two = open_socket(context, ZMQ_PULL);
    endpoint_text first, second;
    inproc_name(first);
    inproc_name(second);
    bind_at(one, first);
    bind_at(two, second);
    connect_to(from, first);
    connect_to(from, second);
    close_socket(one);
    NOTHING(from, 100); /* libzmq works in the calls of its user alone */
    CHECK_INT(fill(from, 10), 10);
    CHECK_INT(drain(two, 50), 10);
    CHECK_INT(zmq_disconnect(from, second), 0);
    CHECK_INT(events_of(from) & ZMQ_POLLOUT, 0);
    one = open_socket(context, ZMQ_PULL);
    bind_at(one, first);
    CHECK(!is_writable(from, 50));
    CHECK_FAILS(zmq_disconnect(from, first), ENOENT);
    connect_to(from, first);
    SEND(from, "again", 0);
    RECV(one, "again");
    close_socket(one);
    close_socket(two);
    close_socket(from);
    end_context(context);
}

static void disconnecting_ends_the_pipe(void)
{
    two_sockets two;
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 't');
    SEND(two.connected, "a", 0);
    RECV(two.bound, "a");
    CHECK_INT(zmq_disconnect(two.connected, two.endpoint), 0);
    CHECK_FAILS(zmq_send(two.connected, "b", 1, ZMQ_DONTWAIT), EAGAIN);
    close_two(&two);
}

static void a_freed_port_can_be_bound_again(void)
{
    void* const context = new_context();
    void* const first = open_socket(context, ZMQ_DEALER);
    void* const second = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    bind_tcp(first, endpoint);
    CHECK_FAILS(zmq_bind(second, endpoint), EADDRINUSE);
    CHECK_INT(zmq_unbind(first, endpoint), 0);
    CHECK_UNTIL(zmq_bind(second, endpoint) == 0, patience_ms);
    close_socket(first);
    close_socket(second);
    end_context(context);
}

static int pipes_of_two_connects(int bound_type, int connected_type)
{
    two_sockets two;
    int received;
    open_two(&two, bound_type, connected_type, 't');
    connect_to(two.connected, two.endpoint);
    CHECK(is_writable(two.bound, patience_ms));
    sleep_ms(100); /* a second connection, if there is one */
    received = 0;
    if (connected_type == ZMQ_SUB) {
        set_bytes(two.connected, ZMQ_SUBSCRIBE, "", 0);
        sleep_ms(100);
        SEND(two.bound, "a", 0);
        received = drain(two.connected, 200);
    }
    close_two(&two);
    return received;
}

static void a_sub_connects_to_a_place_once(void)
{
    CHECK_INT(pipes_of_two_connects(ZMQ_PUB, ZMQ_SUB), 1);
}

static void connecting_to_the_wildcard_address_works(void)
{
    void* const context = new_context();
    void* const pull = open_socket(context, ZMQ_PULL);
    void* const push = open_socket(context, ZMQ_PUSH);
    endpoint_text endpoint;
    bind_at(pull, "tcp://0.0.0.0:*");
    last_endpoint(pull, endpoint);
    connect_to(push, endpoint);
    SEND(push, "a", 0);
    RECV(pull, "a");
    close_socket(push);
    close_socket(pull);
    end_context(context);
}

static void a_source_address_is_part_of_the_endpoint(void)
{
    void* const context = new_context();
    void* const pull = open_socket(context, ZMQ_PULL);
    void* const push = open_socket(context, ZMQ_PUSH);
    endpoint_text endpoint, with_source;
    bind_tcp(pull, endpoint);
    snprintf(with_source, sizeof with_source, "tcp://127.0.0.1:0;%s", endpoint + 6);
    connect_to(push, with_source);
    SEND(push, "a", 0);
    RECV(pull, "a");
    CHECK_INT(zmq_disconnect(push, with_source), 0);
    close_socket(push);
    close_socket(pull);
    end_context(context);
}

static void a_connection_goes_through_the_proxy_or_not_at_all(void)
{
    void* const context = new_context();
    void* const push = open_socket(context, ZMQ_PUSH);
    endpoint_text proxy;
    unsigned char greeting[3];
    raw_socket raw = NO_SOCKET;
    const raw_socket listener = raw_listen(proxy);
    set_bytes(push, ZMQ_SOCKS_PROXY, proxy + 6, strlen(proxy + 6));
    if (is_theirs()) {
        connect_to(push, "tcp://127.0.0.1:9");
        raw = raw_accept(listener);
        CHECK_INT(raw_read(raw, greeting, sizeof greeting), 0);
        CHECK_INT(greeting[0], 5);
    } else {
        CHECK_FAILS(zmq_connect(push, "tcp://127.0.0.1:9"), ENOTSUP);
        CHECK_INT(zmq_setsockopt(push, ZMQ_SOCKS_PROXY, NULL, 0), 0);
        connect_to(push, "tcp://127.0.0.1:9");
    }
    raw_close(listener);
    close_socket(push);
    end_context(context);
    /* libzmq aborts when the proxy goes first. */
    if (raw != NO_SOCKET)
        raw_close(raw);
}

static void a_raw_router_is_refused(void)
{
    void* const context = new_context();
    void* const router = open_socket(context, ZMQ_ROUTER);
    set_int(router, ZMQ_ROUTER_RAW, 1);
    if (is_theirs()) {
        bind_at(router, "tcp://127.0.0.1:*");
    } else {
        CHECK_FAILS(zmq_bind(router, "tcp://127.0.0.1:*"), ENOTSUP);
        CHECK_FAILS(zmq_connect(router, "tcp://127.0.0.1:9"), ENOTSUP);
        set_int(router, ZMQ_ROUTER_RAW, 0);
        bind_at(router, "tcp://127.0.0.1:*");
    }
    close_socket(router);
    end_context(context);
}

static void a_descriptor_can_be_adopted(void)
{
    void* const context = new_context();
    void* const pull = open_socket(context, ZMQ_PULL);
    void* const push = open_socket(context, ZMQ_PUSH);
    endpoint_text endpoint;
    const raw_socket listener = raw_listen(endpoint);
    set_int(pull, ZMQ_USE_FD, (int)listener);
    bind_at(pull, endpoint);
    connect_to(push, endpoint);
    SEND(push, "a", 0);
    RECV(pull, "a");
    close_socket(push);
    close_socket(pull);
    end_context(context);
}

static void check_filter(const char* addresses, int allowed)
{
    void* const context = new_context();
    void* const pull = open_socket(context, ZMQ_PULL);
    void* const push = open_socket(context, ZMQ_PUSH);
    endpoint_text endpoint;
    set_bytes(pull, ZMQ_TCP_ACCEPT_FILTER, addresses, strlen(addresses));
    bind_tcp(pull, endpoint);
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

static void an_accept_filter_refuses_addresses(void)
{
    check_filter("127.0.0.0/8", 1);
    check_filter("10.0.0.0/8", 0);
}

/* --- inproc --- */

static void inproc_may_connect_before_it_is_bound(void)
{
    void* const context = new_context();
    void* const push = open_socket(context, ZMQ_PUSH);
    void* const pull = open_socket(context, ZMQ_PULL);
    connect_to(push, "inproc://later");
    SEND(push, "a", 0);
    SEND(push, "b", 0);
    bind_at(pull, "inproc://later");
    RECV(pull, "a");
    RECV(pull, "b");
    close_socket(push);
    close_socket(pull);
    end_context(context);
}

static void inproc_checks_no_types(void)
{
    two_sockets two;
    open_two(&two, ZMQ_PULL, ZMQ_PAIR, 'p');
    SEND(two.connected, "a", 0);
    RECV(two.bound, "a");
    close_two(&two);
}

static int room_of_inproc(int sender, int receiver, int bind_first)
{
    void* const context = new_context();
    void* const push = open_socket(context, ZMQ_PUSH);
    void* const pull = open_socket(context, ZMQ_PULL);
    int sent;
    if (sender >= 0)
        set_int(push, ZMQ_SNDHWM, sender);
    if (receiver >= 0)
        set_int(pull, ZMQ_RCVHWM, receiver);
    if (bind_first) {
        bind_at(pull, "inproc://room");
        connect_to(push, "inproc://room");
    } else {
        connect_to(push, "inproc://room");
        bind_at(pull, "inproc://room");
    }
    sent = fill(push, 10000);
    CHECK_INT(drain(pull, 100), sent);
    CHECK_INT(fill(push, 1), 1);
    close_socket(push);
    close_socket(pull);
    end_context(context);
    return sent;
}

static void inproc_has_room_for_both_marks(void)
{
    CHECK_INT(room_of_inproc(-1, -1, 1), 2000);
    CHECK_INT(room_of_inproc(1, 1, 1), 2);
    CHECK_INT(room_of_inproc(1, 1, 0), 2);
    CHECK_INT(room_of_inproc(5, 7, 1), 12);
    CHECK_INT(room_of_inproc(5, 7, 0), 12);
    CHECK_INT(room_of_inproc(0, 1, 1), 10000);
    CHECK_INT(room_of_inproc(1, 0, 1), 10000);
    CHECK_INT(room_of_inproc(1, 0, 0), 10000);
}

static void an_inproc_name_has_one_owner(void)
{
    two_sockets two;
    void* other;
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 'p');
    other = open_socket(two.context, ZMQ_PULL);
    CHECK_FAILS(zmq_bind(other, two.endpoint), EADDRINUSE);
    CHECK_INT(zmq_unbind(two.bound, two.endpoint), 0);
    bind_at(other, two.endpoint);
    close_socket(other);
    close_two(&two);
}

static void inproc_names_belong_to_a_context(void)
{
    void* const context = new_context();
    void* const other = new_context();
    void* const first = open_socket(context, ZMQ_PULL);
    void* const second = open_socket(other, ZMQ_PULL);
    bind_at(first, "inproc://same");
    bind_at(second, "inproc://same");
    close_socket(first);
    close_socket(second);
    end_context(context);
    end_context(other);
}

static void disconnecting_inproc_unsubscribes(void)
{
    two_sockets two;
    open_two(&two, ZMQ_XPUB, ZMQ_SUB, 'p');
    set_bytes(two.connected, ZMQ_SUBSCRIBE, "a", 1);
    RECV_BYTES(two.bound, "\1a", 2);
    CHECK_INT(zmq_disconnect(two.connected, two.endpoint), 0);
    /* The pipe ends with a call on the socket that left. */
    CHECK_UNTIL(events_of(two.connected) == 0 && is_readable(two.bound, 10), patience_ms);
    RECV_BYTES(two.bound, "\0a", 2);
    close_two(&two);
}

typedef struct inproc_peer {
    void* context;
    test_flag failed;
} inproc_peer;

static void bind_and_receive(void* argument)
{
    inproc_peer* const self = argument;
    void* const socket = zmq_socket(self->context, ZMQ_PULL);
    char byte;
    if (zmq_bind(socket, "inproc://race") != 0 || zmq_recv(socket, &byte, 1, 0) != 1)
        flag_add(&self->failed, 1);
    zmq_close(socket);
}

static void binding_and_connecting_at_the_same_time(void)
{
    int round;
    for (round = 0; round < REPEATS(100); ++round) {
        inproc_peer peer = {NULL, {0}};
        test_thread* thread;
        void* push;
        peer.context = new_context();
        push = open_socket(peer.context, ZMQ_PUSH);
        thread = thread_start(bind_and_receive, &peer);
        connect_to(push, "inproc://race");
        SEND(push, "x", 0);
        thread_join(thread);
        CHECK_INT(flag_get(&peer.failed), 0);
        close_socket(push);
        end_context(peer.context);
    }
}

CASES(endpoints) = {
    {"an endpoint that is none fails as in libzmq", endpoints_that_are_none},
    {"connecting wants a host and a port", connecting_wants_a_port},
    {"a host is resolved after connect", connecting_resolves_later},
    {"binding to what is not of this machine fails", binding_to_what_is_not_here},
    {"LAST_ENDPOINT with IPV6 is an IPv6 address", last_endpoint_with_ipv6},
    {"LAST_ENDPOINT begins empty, and connect sets it", last_endpoint_begins_empty},
    {"an ipc path can be bound again after close", an_ipc_path_can_be_bound_again},
    {"unbind and disconnect want what LAST_ENDPOINT says", unbind_wants_the_resolved_endpoint},
    {"unbind ends the accepted connections", unbinding_ends_the_accepted_connections},
    {"what has arrived outlives its endpoint", what_has_arrived_outlives_the_endpoint},
    {"the rest of a message outlives its endpoint", parts_outlive_the_endpoint},
    {"a reply outlives its endpoint", a_reply_outlives_the_endpoint},
    {"subscriptions outlive their endpoint, and end", subscriptions_outlive_the_endpoint},
    {"what a STREAM has got outlives its endpoint", bytes_outlive_the_endpoint},
    {"the rest of a message goes with the only peer", the_rest_of_a_message_goes_with_the_peer},
    {"a connect by inproc ends with its peer", an_inproc_connect_ends_with_its_peer},
    {"disconnect discards what has arrived", disconnecting_discards_what_has_arrived},
    {"disconnect ends the pipe", disconnecting_ends_the_pipe},
    {"a port that was unbound can be bound again", a_freed_port_can_be_bound_again},
    {"a SUB connects to a place once", a_sub_connects_to_a_place_once},
    {"connecting to 0.0.0.0 works", connecting_to_the_wildcard_address_works},
    {"an endpoint may have a source address", a_source_address_is_part_of_the_endpoint},
    {"SOCKS_PROXY: a connection goes through the proxy, or not at all",
     a_connection_goes_through_the_proxy_or_not_at_all},
    {"ROUTER_RAW is kept, and refused where it would count", a_raw_router_is_refused},
    {"USE_FD adopts a listening descriptor", a_descriptor_can_be_adopted},
    {"TCP_ACCEPT_FILTER refuses addresses", an_accept_filter_refuses_addresses},
    {"inproc may connect before the name is bound", inproc_may_connect_before_it_is_bound},
    {"inproc checks no types", inproc_checks_no_types},
    {"an inproc pipe has room for both high-water marks", inproc_has_room_for_both_marks},
    {"an inproc name has one owner, until it is unbound", an_inproc_name_has_one_owner},
    {"inproc names belong to a context", inproc_names_belong_to_a_context},
    {"disconnecting inproc unsubscribes", disconnecting_inproc_unsubscribes},
    {"inproc is bound and connected at the same time", binding_and_connecting_at_the_same_time},
    END_OF_CASES,
};
