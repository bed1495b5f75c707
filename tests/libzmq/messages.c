/* SPDX-License-Identifier: MPL-2.0 */
/* zmq_msg_t, and the ways of sending and receiving. */

#include "facts.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef _WIN32
struct iovec {
    void* iov_base;
    size_t iov_len;
};
#else
#include <sys/uio.h>
#endif

static void a_message_has_its_size(void)
{
    static const size_t sizes[] = {0, 1, 29, 32, 33, 34, 64, 1000, 100000};
    size_t i;
    CHECK_INT(sizeof(zmq_msg_t), 64);
    for (i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
        zmq_msg_t msg;
        CHECK_INT(zmq_msg_init_size(&msg, sizes[i]), 0);
        CHECK_INT(zmq_msg_size(&msg), sizes[i]);
        CHECK(zmq_msg_data(&msg) != NULL);
        memset(zmq_msg_data(&msg), 'x', sizes[i]);
        CHECK_INT(zmq_msg_more(&msg), 0);
        CHECK_INT(zmq_msg_close(&msg), 0);
    }
}

static void an_empty_message(void)
{
    zmq_msg_t msg;
    CHECK_INT(zmq_msg_init(&msg), 0);
    CHECK_INT(zmq_msg_size(&msg), 0);
    CHECK_INT(zmq_msg_get(&msg, ZMQ_MORE), 0);
    CHECK_INT(zmq_msg_get(&msg, ZMQ_SHARED), 0);
    CHECK_INT(zmq_msg_close(&msg), 0);
    CHECK_FAILS(zmq_msg_close(&msg), EFAULT);
}

static void what_is_no_message_is_a_fault(void)
{
    zmq_msg_t msg, good;
    memset(&msg, 0, sizeof msg);
    zmq_msg_init(&good);
    CHECK_FAILS(zmq_msg_close(&msg), EFAULT);
    CHECK_FAILS(zmq_msg_copy(&good, &msg), EFAULT);
    CHECK_FAILS(zmq_msg_move(&good, &msg), EFAULT);
    zmq_msg_close(&good);
}

static void a_small_body_lies_in_the_struct(void)
{
    zmq_msg_t msg, moved;
    zmq_msg_init_size(&msg, 33);
    memset(zmq_msg_data(&msg), 'y', 33);
    CHECK((char*)zmq_msg_data(&msg) >= (char*)&msg &&
          (char*)zmq_msg_data(&msg) < (char*)(&msg + 1));
    /* A move of the bits. */
    memcpy(&moved, &msg, sizeof msg);
    memset(&msg, 0xEE, sizeof msg);
    CHECK((char*)zmq_msg_data(&moved) >= (char*)&moved &&
          (char*)zmq_msg_data(&moved) < (char*)(&moved + 1));
    CHECK_INT(zmq_msg_size(&moved), 33);
    CHECK_INT(((char*)zmq_msg_data(&moved))[32], 'y');
    CHECK_INT(zmq_msg_close(&moved), 0);
}

static void a_large_message_may_be_moved_by_bits(void)
{
    zmq_msg_t msg, moved;
    zmq_msg_init_size(&msg, 1000);
    memset(zmq_msg_data(&msg), 'y', 1000);
    memcpy(&moved, &msg, sizeof msg);
    memset(&msg, 0xEE, sizeof msg);
    CHECK_INT(zmq_msg_size(&moved), 1000);
    CHECK_INT(((char*)zmq_msg_data(&moved))[999], 'y');
    CHECK_INT(zmq_msg_close(&moved), 0);
}

static void properties_that_there_are_not(void)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    CHECK_FAILS(zmq_msg_get(&msg, 0), EINVAL);
    CHECK_FAILS(zmq_msg_get(&msg, 99), EINVAL);
    CHECK_FAILS(zmq_msg_get(&msg, ZMQ_SRCFD), EINVAL); /* it came from nowhere */
    CHECK_FAILS(zmq_msg_set(&msg, ZMQ_MORE, 1), EINVAL);
    CHECK_FAILS(zmq_msg_set(&msg, 99, 1), EINVAL);
    CHECK_NULL(zmq_msg_gets(&msg, "Socket-Type"), EINVAL);
    zmq_msg_close(&msg);
}

/* --- Bytes of the caller --- */

static test_flag released;
static void release_it(void* data, void* hint)
{
    (void)data;
    flag_add(&released, hint == NULL ? 1000 : *(int*)hint);
}

static void bytes_of_the_caller_are_released_once(void)
{
    static char bytes[100];
    int one = 1;
    zmq_msg_t msg, copy;
    flag_set(&released, 0);
    CHECK_INT(zmq_msg_init_data(&msg, bytes, sizeof bytes, release_it, &one), 0);
    CHECK(zmq_msg_data(&msg) == bytes);
    zmq_msg_init(&copy);
    CHECK_INT(zmq_msg_copy(&copy, &msg), 0);
    CHECK(zmq_msg_data(&copy) == bytes);
    CHECK_INT(zmq_msg_close(&msg), 0);
    CHECK_INT(flag_get(&released), 0);
    CHECK_INT(zmq_msg_close(&copy), 0);
    CHECK_INT(flag_get(&released), 1);
}

static void bytes_that_are_sent_are_released(char transport)
{
    static char bytes[50000];
    int one = 1;
    zmq_msg_t msg;
    two_sockets two;
    char* received = malloc(sizeof bytes);
    memset(bytes, 'q', sizeof bytes);
    flag_set(&released, 0);
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, transport);
    zmq_msg_init_data(&msg, bytes, sizeof bytes, release_it, &one);
    CHECK_INT(zmq_msg_send(&msg, two.connected, 0), sizeof bytes);
    CHECK_INT(zmq_msg_size(&msg), 0);
    CHECK_INT(zmq_msg_close(&msg), 0);
    CHECK_INT(zmq_recv(two.bound, received, sizeof bytes, 0), sizeof bytes);
    CHECK(memcmp(received, bytes, sizeof bytes) == 0);
    CHECK_UNTIL(flag_get(&released) == 1, patience_ms);
    free(received);
    close_two(&two);
    CHECK_INT(flag_get(&released), 1);
}

static void sent_bytes_are_released_on_every_transport(void)
{
    bytes_that_are_sent_are_released('t');
    bytes_that_are_sent_are_released('i');
    bytes_that_are_sent_are_released('p');
}

static void unsent_bytes_are_released_too(void)
{
    static char bytes[1000];
    int one = 1;
    zmq_msg_t msg;
    void* const context = new_context();
    void* const push = open_socket(context, ZMQ_PUSH);
    flag_set(&released, 0);
    connect_to(push, "tcp://127.0.0.1:9");
    zmq_msg_init_data(&msg, bytes, sizeof bytes, release_it, &one);
    CHECK_INT(zmq_msg_send(&msg, push, 0), sizeof bytes);
    close_socket(push);
    end_context(context);
    CHECK_INT(flag_get(&released), 1);
}

static void* releasing_context;
static void* releasing_socket;
static void send_on_release(void* data, void* hint)
{
    zmq_msg_t msg;
    (void)data;
    (void)hint;
    zmq_msg_init_size(&msg, 4);
    memcpy(zmq_msg_data(&msg), "free", 4);
    if (zmq_msg_send(&msg, releasing_socket, 0) < 0)
        zmq_msg_close(&msg);
}

/* pyzmq does this. */
static void the_release_may_send(void)
{
    static char bytes[70000];
    zmq_msg_t msg;
    two_sockets two, notes;
    char* const received = malloc(sizeof bytes);
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 't');
    open_two(&notes, ZMQ_PULL, ZMQ_PUSH, 'p');
    releasing_context = notes.context;
    releasing_socket = notes.connected;
    zmq_msg_init_data(&msg, bytes, sizeof bytes, send_on_release, NULL);
    CHECK_INT(zmq_msg_send(&msg, two.connected, 0), sizeof bytes);
    CHECK_INT(zmq_recv(two.bound, received, sizeof bytes, 0), sizeof bytes);
    RECV(notes.bound, "free");
    free(received);
    close_two(&two);
    close_two(&notes);
}

static void constant_bytes_are_shared(void)
{
    static const char bytes[] = "constant bytes, of more than thirty-three of them";
    zmq_msg_t msg, copy;
    CHECK_INT(zmq_msg_init_data(&msg, (void*)(size_t)bytes, sizeof bytes, NULL, NULL), 0);
    zmq_msg_init(&copy);
    CHECK_INT(zmq_msg_copy(&copy, &msg), 0);
    CHECK_INT(zmq_msg_get(&copy, ZMQ_SHARED), 1);
    CHECK_INT(zmq_msg_get(&msg, ZMQ_SHARED), 1);
    CHECK(zmq_msg_data(&copy) == (const void*)bytes);
    zmq_msg_close(&msg);
    zmq_msg_close(&copy);
}

/* --- copy and move --- */

static void a_copy_shares_the_bytes(void)
{
    zmq_msg_t msg, copy;
    zmq_msg_init_size(&msg, 1000);
    memset(zmq_msg_data(&msg), 'z', 1000);
    zmq_msg_init_size(&copy, 500);
    CHECK_INT(zmq_msg_copy(&copy, &msg), 0);
    CHECK(zmq_msg_data(&copy) == zmq_msg_data(&msg));
    CHECK_INT(zmq_msg_get(&copy, ZMQ_SHARED), 1);
    CHECK_INT(zmq_msg_close(&msg), 0);
    CHECK_INT(zmq_msg_size(&copy), 1000);
    CHECK_INT(((char*)zmq_msg_data(&copy))[999], 'z');
    CHECK_INT(zmq_msg_close(&copy), 0);
}

static void a_copy_of_a_small_message(void)
{
    zmq_msg_t msg, copy;
    zmq_msg_init_size(&msg, 5);
    memcpy(zmq_msg_data(&msg), "small", 5);
    zmq_msg_init(&copy);
    CHECK_INT(zmq_msg_copy(&copy, &msg), 0);
    CHECK(zmq_msg_data(&copy) != zmq_msg_data(&msg));
    CHECK_BYTES(zmq_msg_data(&copy), zmq_msg_size(&copy), "small", 5);
    zmq_msg_close(&msg);
    zmq_msg_close(&copy);
}

static void a_move_leaves_an_empty_message(void)
{
    zmq_msg_t msg, to;
    zmq_msg_init_size(&msg, 1000);
    zmq_msg_init_size(&to, 7);
    CHECK_INT(zmq_msg_move(&to, &msg), 0);
    CHECK_INT(zmq_msg_size(&to), 1000);
    CHECK_INT(zmq_msg_size(&msg), 0);
    CHECK_INT(zmq_msg_close(&to), 0);
    CHECK_INT(zmq_msg_close(&msg), 0);
}

/* --- sending and receiving --- */

static void a_sent_message_is_empty_and_a_failed_one_is_not(void)
{
    two_sockets two;
    zmq_msg_t msg;
    void* lonely;
    open_two(&two, ZMQ_PAIR, ZMQ_PAIR, 't');
    zmq_msg_init_size(&msg, 3);
    memcpy(zmq_msg_data(&msg), "abc", 3);
    CHECK_INT(zmq_msg_send(&msg, two.connected, 0), 3);
    CHECK_INT(zmq_msg_size(&msg), 0);
    CHECK_INT(zmq_msg_close(&msg), 0);
    RECV(two.bound, "abc");
    lonely = open_socket(two.context, ZMQ_PUSH);
    zmq_msg_init_size(&msg, 3);
    memcpy(zmq_msg_data(&msg), "abc", 3);
    CHECK_FAILS(zmq_msg_send(&msg, lonely, ZMQ_DONTWAIT), EAGAIN);
    CHECK_BYTES(zmq_msg_data(&msg), zmq_msg_size(&msg), "abc", 3);
    zmq_msg_close(&msg);
    close_socket(lonely);
    close_two(&two);
}

static void receiving_releases_what_was_there(void)
{
    two_sockets two;
    zmq_msg_t msg;
    int one = 1;
    static char bytes[200];
    open_two(&two, ZMQ_PAIR, ZMQ_PAIR, 't');
    flag_set(&released, 0);
    zmq_msg_init_data(&msg, bytes, sizeof bytes, release_it, &one);
    SEND(two.connected, "new", 0);
    CHECK_INT(zmq_msg_recv(&msg, two.bound, 0), 3);
    CHECK_INT(flag_get(&released), 1);
    CHECK_BYTES(zmq_msg_data(&msg), zmq_msg_size(&msg), "new", 3);
    zmq_msg_close(&msg);
    close_two(&two);
}

static void a_message_is_filled_again(char transport, int bound_type, int connected_type)
{
    /* In the struct, by value, in the buffer it arrived in, and in memory of its own. */
    static const size_t sizes[] = {64, 33, 34, 64, 0, 65, 64, 2000, 50000, 10, 50000, 64};
    static char bytes[50000], other[50000];
    two_sockets two;
    zmq_msg_t msg, kept;
    size_t at;
    open_two(&two, bound_type, connected_type, transport);
    zmq_msg_init(&msg);
    zmq_msg_init(&kept);
    for (at = 0; at < sizeof sizes / sizeof *sizes; at++) {
        memset(bytes, 'a' + (int)at, sizes[at]);
        memset(other, 'A' + (int)at, sizes[at]);
        CHECK_INT(zmq_send(two.connected, bytes, sizes[at], ZMQ_SNDMORE), sizes[at]);
        CHECK_INT(zmq_send(two.connected, other, sizes[at], 0), sizes[at]);
        CHECK_INT(zmq_msg_recv(&msg, two.bound, 0), sizes[at]);
        CHECK_INT(zmq_msg_more(&msg), 1);
        CHECK_BYTES(zmq_msg_data(&msg), zmq_msg_size(&msg), bytes, sizes[at]);
        /* What was received before is another message's now. */
        CHECK_INT(zmq_msg_copy(&kept, &msg), 0);
        CHECK_INT(zmq_msg_recv(&msg, two.bound, 0), sizes[at]);
        CHECK_INT(zmq_msg_more(&msg), 0);
        CHECK_BYTES(zmq_msg_data(&msg), zmq_msg_size(&msg), other, sizes[at]);
        CHECK_BYTES(zmq_msg_data(&kept), zmq_msg_size(&kept), bytes, sizes[at]);
    }
    zmq_msg_close(&kept);
    zmq_msg_close(&msg);
    close_two(&two);
}

static void a_message_is_filled_with_any_size(void)
{
    a_message_is_filled_again('t', ZMQ_PULL, ZMQ_PUSH);
    a_message_is_filled_again('p', ZMQ_PULL, ZMQ_PUSH);
    a_message_is_filled_again('t', ZMQ_PAIR, ZMQ_PAIR);
}

static void a_short_buffer_cuts_the_message(void)
{
    two_sockets two;
    char buffer[8] = "-------";
    open_two(&two, ZMQ_PAIR, ZMQ_PAIR, 't');
    SEND(two.connected, "0123456789", 0);
    SEND(two.connected, "next", 0);
    CHECK_INT(zmq_recv(two.bound, buffer, 4, 0), 10);
    CHECK_TEXT(buffer, "0123---");
    CHECK_INT(zmq_recv(two.bound, NULL, 0, 0), 4);
    close_two(&two);
}

static void parts_tell_that_more_follow(void)
{
    two_sockets two;
    zmq_msg_t msg;
    open_two(&two, ZMQ_PAIR, ZMQ_PAIR, 't');
    SEND(two.connected, "a", ZMQ_SNDMORE);
    SEND(two.connected, "", ZMQ_SNDMORE);
    SEND(two.connected, "c", 0);
    zmq_msg_init(&msg);
    CHECK_INT(zmq_msg_recv(&msg, two.bound, 0), 1);
    CHECK_INT(zmq_msg_more(&msg), 1);
    CHECK_INT(zmq_msg_get(&msg, ZMQ_MORE), 1);
    CHECK_INT(get_int(two.bound, ZMQ_RCVMORE), 1);
    zmq_msg_close(&msg);
    RECV_MORE(two.bound, "");
    RECV_LAST(two.bound, "c");
    close_two(&two);
}

static void older_names_have_another_order(void)
{
    two_sockets two;
    zmq_msg_t msg;
    open_two(&two, ZMQ_PAIR, ZMQ_PAIR, 't');
    zmq_msg_init_size(&msg, 2);
    memcpy(zmq_msg_data(&msg), "ab", 2);
    CHECK_INT(zmq_sendmsg(two.connected, &msg, 0), 2);
    CHECK_INT(zmq_recvmsg(two.bound, &msg, 0), 2);
    zmq_msg_close(&msg);
    CHECK_INT(zmq_send_const(two.connected, "constant", 8, 0), 8);
    RECV(two.bound, "constant");
    close_two(&two);
}

static void a_received_message_knows_its_peer(void)
{
    two_sockets two;
    zmq_msg_t msg;
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 't');
    SEND(two.connected, "a", 0);
    zmq_msg_init(&msg);
    CHECK_INT(zmq_msg_recv(&msg, two.bound, 0), 1);
    CHECK_TEXT(zmq_msg_gets(&msg, "Socket-Type"), "PUSH");
    CHECK_TEXT(zmq_msg_gets(&msg, "Peer-Address"), "127.0.0.1");
    CHECK_NULL(zmq_msg_gets(&msg, "Nonsense"), EINVAL);
    CHECK_NULL(zmq_msg_gets(&msg, "User-Id"), EINVAL);
    CHECK(zmq_msg_get(&msg, ZMQ_SRCFD) > 0);
    zmq_msg_close(&msg);
    close_two(&two);
}

static void a_received_message_knows_the_identity(void)
{
    void* const context = new_context();
    void* const router = open_socket(context, ZMQ_DEALER);
    void* const dealer = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    zmq_msg_t msg;
    set_bytes(dealer, ZMQ_ROUTING_ID, "me", 2);
    bind_tcp(router, endpoint);
    connect_to(dealer, endpoint);
    SEND(dealer, "a", 0);
    zmq_msg_init(&msg);
    CHECK_INT(zmq_msg_recv(&msg, router, 0), 1);
    CHECK_TEXT(zmq_msg_gets(&msg, "Identity"), "me");
    CHECK_TEXT(zmq_msg_gets(&msg, "Socket-Type"), "DEALER");
    zmq_msg_close(&msg);
    close_socket(dealer);
    close_socket(router);
    end_context(context);
}

static void a_received_message_knows_the_application_s_properties(void)
{
    enum { metadata_option = 95 }; /* a draft, which both libraries have */
    void* const context = new_context();
    void* const pull = open_socket(context, ZMQ_PULL);
    void* const push = open_socket(context, ZMQ_PUSH);
    endpoint_text endpoint;
    zmq_msg_t msg, copy;
    set_bytes(push, metadata_option, "X-place:cellar", 14);
    CHECK_FAILS(zmq_setsockopt(push, metadata_option, "place:cellar", 12), EINVAL);
    CHECK_FAILS(zmq_setsockopt(push, metadata_option, "X-place", 7), EINVAL);
    bind_tcp(pull, endpoint);
    connect_to(push, endpoint);
    SEND(push, "a", 0);
    zmq_msg_init(&msg);
    zmq_msg_init(&copy);
    CHECK_INT(zmq_msg_recv(&msg, pull, 0), 1);
    CHECK_INT(zmq_msg_copy(&copy, &msg), 0);
    zmq_msg_close(&msg);
    close_socket(push);
    close_socket(pull);
    end_context(context);
    /* The text lives as long as the message. */
    CHECK_TEXT(zmq_msg_gets(&copy, "X-place"), "cellar");
    CHECK(zmq_msg_gets(&copy, "X-other") == NULL && errno == EINVAL);
    zmq_msg_close(&copy);
}

static void inproc_messages_know_no_peer(void)
{
    two_sockets two;
    zmq_msg_t msg;
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 'p');
    SEND(two.connected, "a", 0);
    zmq_msg_init(&msg);
    CHECK_INT(zmq_msg_recv(&msg, two.bound, 0), 1);
    CHECK_NULL(zmq_msg_gets(&msg, "Peer-Address"), EINVAL);
    CHECK_NULL(zmq_msg_gets(&msg, "Socket-Type"), EINVAL);
    CHECK_INT(zmq_msg_get(&msg, ZMQ_SRCFD), -1);
    zmq_msg_close(&msg);
    close_two(&two);
}

/* --- several parts in a call --- */

static void vectors_send_and_receive_parts(void)
{
    two_sockets two;
    struct iovec parts[3], got[5];
    size_t count = 5;
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 't');
    parts[0].iov_base = (void*)(size_t)"one";
    parts[0].iov_len = 3;
    parts[1].iov_base = (void*)(size_t)"";
    parts[1].iov_len = 0;
    parts[2].iov_base = (void*)(size_t)"three";
    parts[2].iov_len = 5;
    CHECK_INT(zmq_sendiov(two.connected, parts, 3, ZMQ_SNDMORE), 5);
    CHECK(is_readable(two.bound, patience_ms));
    CHECK_INT(zmq_recviov(two.bound, got, &count, 0), 3);
    REQUIRE_INT(count, 3);
    CHECK_BYTES(got[0].iov_base, got[0].iov_len, "one", 3);
    CHECK_INT(got[1].iov_len, 0);
    CHECK_BYTES(got[2].iov_base, got[2].iov_len, "three", 5);
    free(got[0].iov_base);
    free(got[1].iov_base);
    free(got[2].iov_base);
    CHECK_INT(get_int(two.bound, ZMQ_RCVMORE), 0);
    close_two(&two);
}

static void a_vector_without_room_leaves_the_rest(void)
{
    two_sockets two;
    struct iovec got[1];
    size_t count = 1;
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 't');
    SEND(two.connected, "one", ZMQ_SNDMORE);
    SEND(two.connected, "two", 0);
    CHECK_INT(zmq_recviov(two.bound, got, &count, 0), 1);
    REQUIRE_INT(count, 1);
    CHECK_BYTES(got[0].iov_base, got[0].iov_len, "one", 3);
    free(got[0].iov_base);
    RECV_LAST(two.bound, "two");
    close_two(&two);
}

static void vectors_refuse_what_is_wrong(void)
{
    void* const context = new_context();
    void* const pull = open_socket(context, ZMQ_PULL);
    void* const push = open_socket(context, ZMQ_PUSH);
    struct iovec part;
    size_t count = 0;
    part.iov_base = (void*)(size_t)"a";
    part.iov_len = 1;
    CHECK_FAILS(zmq_sendiov(NULL, &part, 1, 0), ENOTSOCK);
    CHECK_FAILS(zmq_recviov(NULL, &part, &count, 0), ENOTSOCK);
    CHECK_FAILS(zmq_sendiov(push, NULL, 1, 0), EINVAL);
    CHECK_FAILS(zmq_sendiov(push, &part, 0, 0), EINVAL);
    CHECK_FAILS(zmq_recviov(pull, &part, NULL, 0), EINVAL);
    CHECK_FAILS(zmq_recviov(pull, &part, &count, 0), EINVAL);
    count = 1;
    CHECK_FAILS(zmq_recviov(pull, NULL, &count, 0), EINVAL);
    CHECK_FAILS(zmq_recviov(pull, &part, &count, ZMQ_DONTWAIT), EAGAIN);
    CHECK_FAILS(zmq_sendiov(push, &part, 1, ZMQ_DONTWAIT), EAGAIN);
    close_socket(pull);
    close_socket(push);
    end_context(context);
}

static void the_size_of_messages_is_limited(void)
{
    void* const context = new_context();
    void* const pull = open_socket(context, ZMQ_PULL);
    void* const push = open_socket(context, ZMQ_PUSH);
    const int64_t limit = 100; /* it counts for the handshake too */
    char bytes[101];
    endpoint_text endpoint;
    set_bytes(pull, ZMQ_MAXMSGSIZE, &limit, sizeof limit);
    bind_tcp(pull, endpoint);
    connect_to(push, endpoint);
    memset(bytes, 'a', sizeof bytes);
    CHECK_INT(zmq_send(push, bytes, 100, 0), 100);
    RECV_BYTES(pull, bytes, 100);
    CHECK_INT(zmq_send(push, bytes, 101, 0), 101);
    NOTHING(pull, 200);
    close_socket(pull);
    close_socket(push);
    end_context(context);
}

static void a_message_that_is_null(void)
{
    zmq_msg_t msg;
    if (is_theirs())
        skip("libzmq ends the process");
    CHECK_FAILS(zmq_msg_init(NULL), EFAULT);
    CHECK_FAILS(zmq_msg_init_size(NULL, 8), EFAULT);
    CHECK_FAILS(zmq_msg_init_data(NULL, NULL, 0, NULL, NULL), EFAULT);
    CHECK_FAILS(zmq_msg_close(NULL), EFAULT);
    CHECK_INT(zmq_msg_init(&msg), 0);
    CHECK_FAILS(zmq_msg_copy(&msg, NULL), EFAULT);
    CHECK_FAILS(zmq_msg_move(NULL, &msg), EFAULT);
    CHECK_FAILS(zmq_msg_get(NULL, ZMQ_MORE), EFAULT);
    CHECK(zmq_msg_gets(NULL, "Identity") == NULL);
    CHECK(zmq_msg_data(NULL) == NULL);
    CHECK_INT(zmq_msg_size(NULL), 0);
    CHECK_INT(zmq_msg_close(&msg), 0);
}

CASES(messages) = {
    {"a message has its size", a_message_has_its_size},
    {"an empty message is closed once", an_empty_message},
    {"what is no message is EFAULT", what_is_no_message_is_a_fault},
    {"a body of 33 bytes lies in the struct, wherever that is moved",
     a_small_body_lies_in_the_struct},
    {"a large message may be moved bit by bit", a_large_message_may_be_moved_by_bits},
    {"a property that there is not is EINVAL", properties_that_there_are_not},
    {"bytes of the caller are released once, after the last copy",
     bytes_of_the_caller_are_released_once},
    {"bytes that were sent are released on every transport",
     sent_bytes_are_released_on_every_transport},
    {"bytes that were never sent are released too", unsent_bytes_are_released_too},
    {"the function that releases may send", the_release_may_send},
    {"constant bytes are shared by copies", constant_bytes_are_shared},
    {"a copy shares the bytes", a_copy_shares_the_bytes},
    {"a copy of a small message has its own bytes", a_copy_of_a_small_message},
    {"a move leaves an empty message", a_move_leaves_an_empty_message},
    {"a sent message is empty, and one that failed is not",
     a_sent_message_is_empty_and_a_failed_one_is_not},
    {"receiving releases what the message had", receiving_releases_what_was_there},
    {"a message is filled again with any size", a_message_is_filled_with_any_size},
    {"a short buffer cuts the message, and the whole size is returned",
     a_short_buffer_cuts_the_message},
    {"a part tells that more follow", parts_tell_that_more_follow},
    {"zmq_sendmsg() and zmq_recvmsg() have another order", older_names_have_another_order},
    {"a received message knows its peer", a_received_message_knows_its_peer},
    {"a received message knows its peer's routing id", a_received_message_knows_the_identity},
    {"a received message knows the application's properties",
     a_received_message_knows_the_application_s_properties},
    {"a message through inproc knows no peer", inproc_messages_know_no_peer},
    {"zmq_sendiov() and zmq_recviov() carry parts", vectors_send_and_receive_parts},
    {"zmq_recviov() without room leaves the rest", a_vector_without_room_leaves_the_rest},
    {"zmq_sendiov() and zmq_recviov() refuse what is wrong", vectors_refuse_what_is_wrong},
    {"MAXMSGSIZE ends the connection of a larger message", the_size_of_messages_is_limited},
    {"a message that is NULL is an error", a_message_that_is_null},
    END_OF_CASES,
};
