/* SPDX-License-Identifier: MPL-2.0 */
/* What each type of socket does with messages. */
#include "facts.h"

#include <stdio.h>

static void the_wrong_way_is_not_supported(void)
{
    void* const context = new_context();
    static const int receivers[] = {ZMQ_SUB, ZMQ_PULL};
    static const int senders[] = {ZMQ_PUB, ZMQ_PUSH};
    size_t i;
    char byte;
    for (i = 0; i < 2; ++i) {
        void* const receiver = open_socket(context, receivers[i]);
        void* const sender = open_socket(context, senders[i]);
        CHECK_FAILS(zmq_send(receiver, "a", 1, 0), ENOTSUP);
        CHECK_FAILS(zmq_recv(sender, &byte, 1, 0), ENOTSUP);
        close_socket(receiver);
        close_socket(sender);
    }
    end_context(context);
}

static void requests_and_replies_alternate(void)
{
    two_sockets two;
    char byte;
    open_two(&two, ZMQ_REP, ZMQ_REQ, 't');
    CHECK_FAILS(zmq_send(two.bound, "a", 1, 0), EFSM);
    CHECK_FAILS(zmq_recv(two.connected, &byte, 1, 0), EFSM);
    SEND(two.connected, "question", 0);
    CHECK_FAILS(zmq_send(two.connected, "a", 1, 0), EFSM);
    RECV(two.bound, "question");
    CHECK_FAILS(zmq_recv(two.bound, &byte, 1, 0), EFSM);
    SEND(two.bound, "answer", 0);
    RECV(two.connected, "answer");
    close_two(&two);
}

static void sending_without_peers(void)
{
    static const int silent[] = {ZMQ_PUB, ZMQ_XPUB, ZMQ_XSUB, ZMQ_ROUTER};
    static const int blocking[] = {ZMQ_PAIR, ZMQ_REQ, ZMQ_DEALER, ZMQ_PUSH};
    void* const context = new_context();
    size_t i;
    for (i = 0; i < 4; ++i) {
        void* const one = open_socket(context, silent[i]);
        void* const other = open_socket(context, blocking[i]);
        CHECK_INT(zmq_send(one, "a", 1, ZMQ_DONTWAIT), 1);
        CHECK_FAILS(zmq_send(other, "a", 1, ZMQ_DONTWAIT), EAGAIN);
        close_socket(one);
        close_socket(other);
    }
    end_context(context);
}

/* --- publishing --- */

static void an_xpub_hears_of_subscriptions_once(void)
{
    two_sockets two;
    void* other;
    open_two(&two, ZMQ_XPUB, ZMQ_SUB, 't');
    set_bytes(two.connected, ZMQ_SUBSCRIBE, "a", 1);
    RECV_BYTES(two.bound, "\1a", 2);
    set_bytes(two.connected, ZMQ_SUBSCRIBE, "a", 1);
    other = open_socket(two.context, ZMQ_SUB);
    connect_to(other, two.endpoint);
    set_bytes(other, ZMQ_SUBSCRIBE, "a", 1);
    set_bytes(other, ZMQ_SUBSCRIBE, "b", 1);
    RECV_BYTES(two.bound, "\1b", 2);
    NOTHING(two.bound, 50);
    /* Of two subscriptions one is left. */
    set_bytes(two.connected, ZMQ_UNSUBSCRIBE, "a", 1);
    NOTHING(two.bound, 50);
    close_socket(other);
    RECV_BYTES(two.bound, "\0b", 2);
    set_bytes(two.connected, ZMQ_UNSUBSCRIBE, "a", 1);
    RECV_BYTES(two.bound, "\0a", 2);
    close_two(&two);
}

static void a_verbose_xpub_hears_all(void)
{
    void* const context = new_context();
    void* const pub = open_socket(context, ZMQ_XPUB);
    void* const one = open_socket(context, ZMQ_XSUB);
    void* const two = open_socket(context, ZMQ_XSUB);
    endpoint_text endpoint;
    set_int(pub, ZMQ_XPUB_VERBOSER, 1);
    bind_tcp(pub, endpoint);
    connect_to(one, endpoint);
    connect_to(two, endpoint);
    CHECK_INT(zmq_send(one, "\1a", 2, 0), 2);
    RECV_BYTES(pub, "\1a", 2);
    CHECK_INT(zmq_send(two, "\1a", 2, 0), 2);
    RECV_BYTES(pub, "\1a", 2);
    CHECK_INT(zmq_send(one, "\0a", 2, 0), 2);
    RECV_BYTES(pub, "\0a", 2);
    close_socket(one);
    close_socket(two);
    close_socket(pub);
    end_context(context);
}

static void other_messages_pass_upstream(void)
{
    two_sockets two;
    open_two(&two, ZMQ_XPUB, ZMQ_XSUB, 't');
    CHECK(is_writable(two.connected, patience_ms));
    SEND(two.connected, "user message", 0);
    RECV(two.bound, "user message");
    close_two(&two);
}

static void a_welcome_message(void)
{
    void* const context = new_context();
    void* const pub = open_socket(context, ZMQ_XPUB);
    void* const sub = open_socket(context, ZMQ_SUB);
    endpoint_text endpoint;
    set_bytes(pub, ZMQ_XPUB_WELCOME_MSG, "welcome", 7);
    bind_tcp(pub, endpoint);
    set_bytes(sub, ZMQ_SUBSCRIBE, "w", 1);
    connect_to(sub, endpoint);
    RECV_BYTES(pub, "\1w", 2);
    RECV(sub, "welcome");
    close_socket(sub);
    close_socket(pub);
    end_context(context);
}

static void a_manual_xpub_chooses_the_topics(void)
{
    void* const context = new_context();
    void* const pub = open_socket(context, ZMQ_XPUB);
    void* const sub = open_socket(context, ZMQ_XSUB);
    endpoint_text endpoint;
    set_int(pub, ZMQ_XPUB_MANUAL, 1);
    bind_tcp(pub, endpoint);
    connect_to(sub, endpoint);
    CHECK_INT(zmq_send(sub, "\1A", 2, 0), 2);
    RECV_BYTES(pub, "\1A", 2);
    set_bytes(pub, ZMQ_SUBSCRIBE, "XA", 2);
    SEND(pub, "A", 0);
    SEND(pub, "XA", 0);
    RECV(sub, "XA");
    close_socket(sub);
    close_socket(pub);
    end_context(context);
}

static void a_last_value_of_a_peer_that_has_gone(void)
{
    void* const context = new_context();
    void* const pub = open_socket(context, ZMQ_XPUB);
    void* const first = open_socket(context, ZMQ_SUB);
    void* const last = open_socket(context, ZMQ_SUB);
    endpoint_text endpoint;
    set_int(pub, 98, 1); /* ZMQ_XPUB_MANUAL_LAST_VALUE, which is a draft */
    bind_tcp(pub, endpoint);
    connect_to(first, endpoint);
    set_bytes(first, ZMQ_SUBSCRIBE, "t", 1);
    RECV(pub, "\1t");
    set_bytes(pub, ZMQ_SUBSCRIBE, "t", 1);
    SEND(pub, "t of the first", 0);
    RECV(first, "t of the first");
    connect_to(last, endpoint);
    set_bytes(last, ZMQ_SUBSCRIBE, "t", 1);
    RECV(pub, "\1t");
    set_bytes(pub, ZMQ_SUBSCRIBE, "t", 1);
    close_socket(last);
    CHECK(is_readable(pub, patience_ms)); /* the end of the last one */
    SEND(pub, "t of the last", 0);
    SEND(pub, "t of all", 0);
    if (is_theirs())
        RECV(first, "t of the last");
    RECV(first, "t of all");
    close_socket(pub);
    close_socket(first);
    end_context(context);
}

static void the_longest_topic(void)
{
    static char topic[65527];
    void* const context = new_context();
    void* const sub = open_socket(context, ZMQ_SUB);
    set_bytes(sub, ZMQ_SUBSCRIBE, topic, sizeof topic - 1);
    if (is_theirs())
        set_bytes(sub, ZMQ_SUBSCRIBE, topic, sizeof topic);
    else
        CHECK_FAILS(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, topic, sizeof topic), EINVAL);
    close_socket(sub);
    end_context(context);
}

static void a_full_xpub_without_drops_refuses(void)
{
    void* const context = new_context();
    void* const pub = open_socket(context, ZMQ_XPUB);
    void* const sub = open_socket(context, ZMQ_SUB);
    endpoint_text endpoint;
    int sent;
    set_int(pub, ZMQ_XPUB_NODROP, 1);
    set_int(pub, ZMQ_SNDHWM, 10);
    set_int(sub, ZMQ_RCVHWM, 10);
    inproc_name(endpoint);
    bind_at(pub, endpoint);
    connect_to(sub, endpoint);
    set_bytes(sub, ZMQ_SUBSCRIBE, "", 0);
    RECV_BYTES(pub, "\1", 1);
    sent = fill(pub, 1000);
    CHECK_INT(sent, 20);
    CHECK_FAILS(zmq_send(pub, "a", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT(drain(sub, 50), 20);
    CHECK_UNTIL(zmq_send(pub, "a", 1, ZMQ_DONTWAIT) == 1, patience_ms);
    close_socket(sub);
    close_socket(pub);
    end_context(context);
}

static void a_pub_drops_at_the_mark(void)
{
    void* const context = new_context();
    void* const pub = open_socket(context, ZMQ_PUB);
    void* const sub = open_socket(context, ZMQ_SUB);
    endpoint_text endpoint;
    set_int(pub, ZMQ_SNDHWM, 10);
    set_int(sub, ZMQ_RCVHWM, 10);
    inproc_name(endpoint);
    bind_at(pub, endpoint);
    connect_to(sub, endpoint);
    set_bytes(sub, ZMQ_SUBSCRIBE, "", 0);
    CHECK_INT(fill(pub, 100), 100);
    CHECK_INT(drain(sub, 50), 20);
    close_socket(sub);
    close_socket(pub);
    end_context(context);
}

static void an_inproc_subscription_counts_at_once(void)
{
    two_sockets two;
    open_two(&two, ZMQ_PUB, ZMQ_SUB, 'p');
    set_bytes(two.connected, ZMQ_SUBSCRIBE, "a", 1);
    SEND(two.bound, "b", 0);
    SEND(two.bound, "a", 0);
    RECV(two.connected, "a");
    close_two(&two);
}

static void inverted_matching(void)
{
    void* const context = new_context();
    void* const pub = open_socket(context, ZMQ_XPUB);
    void* const sub = open_socket(context, ZMQ_SUB);
    endpoint_text endpoint;
    set_int(pub, ZMQ_INVERT_MATCHING, 1);
    set_int(sub, ZMQ_INVERT_MATCHING, 1);
    bind_tcp(pub, endpoint);
    set_bytes(sub, ZMQ_SUBSCRIBE, "a", 1);
    connect_to(sub, endpoint);
    RECV_BYTES(pub, "\1a", 2);
    SEND(pub, "a1", 0);
    SEND(pub, "b1", 0);
    RECV(sub, "b1");
    close_socket(sub);
    close_socket(pub);
    end_context(context);
}

static void conflate_keeps_the_newest(void)
{
    void* const context = new_context();
    void* const push = open_socket(context, ZMQ_PUSH);
    void* const pull = open_socket(context, ZMQ_PULL);
    endpoint_text endpoint;
    int i;
    char text[16] = "";
    set_int(pull, ZMQ_CONFLATE, 1);
    bind_tcp(pull, endpoint);
    connect_to(push, endpoint);
    for (i = 0; i < 100; ++i) {
        snprintf(text, sizeof text, "%d", i);
        SEND(push, text, 0);
    }
    CHECK_UNTIL(recv_within(pull, text, sizeof text, 500) == 2 && memcmp(text, "99", 2) == 0,
                patience_ms);
    NOTHING(pull, 50);
    close_socket(push);
    close_socket(pull);
    end_context(context);
}

/* --- ROUTER --- */

static void a_router_names_its_peers(void)
{
    two_sockets two;
    char id[64];
    int size;
    open_two(&two, ZMQ_ROUTER, ZMQ_DEALER, 't');
    SEND(two.connected, "hello", 0);
    size = recv_within(two.bound, id, sizeof id, patience_ms);
    CHECK_INT(size, 5);
    CHECK_INT(id[0], 0);
    RECV_LAST(two.bound, "hello");
    CHECK_INT(zmq_send(two.bound, id, (size_t)size, ZMQ_SNDMORE), size);
    SEND(two.bound, "back", 0);
    RECV(two.connected, "back");
    close_two(&two);
}

static void a_mandatory_router_refuses_unknown_peers(void)
{
    void* const context = new_context();
    void* const router = open_socket(context, ZMQ_ROUTER);
    CHECK_INT(zmq_send(router, "nobody", 6, ZMQ_SNDMORE), 6);
    SEND(router, "lost", 0);
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    CHECK_FAILS(zmq_send(router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    close_socket(router);
    end_context(context);
}

static void the_next_connection_gets_the_id(void)
{
    void* const context = new_context();
    void* const router = open_socket(context, ZMQ_ROUTER);
    void* const dealer = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    bind_tcp(dealer, endpoint);
    set_bytes(router, ZMQ_CONNECT_ROUTING_ID, "peer", 4);
    connect_to(router, endpoint);
    CHECK_INT(zmq_send(router, "peer", 4, ZMQ_SNDMORE), 4);
    SEND(router, "first", 0);
    RECV(dealer, "first");
    SEND(dealer, "answer", 0);
    RECV_MORE(router, "peer");
    RECV_LAST(router, "answer");
    close_socket(router);
    close_socket(dealer);
    end_context(context);
}

static void open_named_pair(void* context, void* router, void** one, void** two, const char* id,
                            endpoint_text endpoint)
{
    *one = open_socket(context, ZMQ_DEALER);
    *two = open_socket(context, ZMQ_DEALER);
    set_bytes(*one, ZMQ_ROUTING_ID, id, strlen(id));
    set_bytes(*two, ZMQ_ROUTING_ID, id, strlen(id));
    connect_to(*one, endpoint);
    SEND(*one, "one", 0);
    RECV_MORE(router, id);
    RECV_LAST(router, "one");
    connect_to(*two, endpoint);
    SEND(*two, "two", 0);
}

static void a_second_peer_of_the_same_id_is_ignored(void)
{
    void* const context = new_context();
    void* const router = open_socket(context, ZMQ_ROUTER);
    void *one, *two;
    endpoint_text endpoint;
    bind_tcp(router, endpoint);
    open_named_pair(context, router, &one, &two, "same", endpoint);
    NOTHING(router, 200);
    SEND(one, "again", 0);
    RECV_MORE(router, "same");
    RECV_LAST(router, "again");
    close_socket(one);
    close_socket(two);
    close_socket(router);
    end_context(context);
}

static void a_handover_replaces_the_peer(void)
{
    void* const context = new_context();
    void* const router = open_socket(context, ZMQ_ROUTER);
    void *one, *two;
    endpoint_text endpoint;
    set_int(router, ZMQ_ROUTER_HANDOVER, 1);
    bind_tcp(router, endpoint);
    open_named_pair(context, router, &one, &two, "same", endpoint);
    RECV_MORE(router, "same");
    RECV_LAST(router, "two");
    CHECK_INT(zmq_send(router, "same", 4, ZMQ_SNDMORE), 4);
    SEND(router, "for the second", 0);
    RECV(two, "for the second");
    close_socket(one);
    close_socket(two);
    close_socket(router);
    end_context(context);
}

static int accepted_peers(void* monitor)
{
    unsigned char event[6];
    char rest[256];
    int accepted = 0;
    while (recv_within(monitor, event, sizeof event, 0) == 6) {
        uint16_t number;
        memcpy(&number, event, 2);
        accepted += number == ZMQ_EVENT_ACCEPTED ? 1 : 0;
        recv_within(monitor, rest, sizeof rest, patience_ms);
    }
    return accepted;
}

/* The one that is not heard stays connected, for good. */
static void two_peers_of_one_id_do_not_fight(void)
{
    int handover;
    for (handover = 0; handover < 2; ++handover) {
        void* const context = new_context();
        void* const router = open_socket(context, ZMQ_ROUTER);
        void* const monitor = open_socket(context, ZMQ_PAIR);
        void *one, *two;
        endpoint_text endpoint, watched;
        inproc_name(watched);
        REQUIRE_INT(zmq_socket_monitor(router, watched, ZMQ_EVENT_ALL), 0);
        connect_to(monitor, watched);
        set_int(router, ZMQ_ROUTER_HANDOVER, handover);
        set_int(router, ZMQ_ROUTER_MANDATORY, 1);
        bind_tcp(router, endpoint);
        open_named_pair(context, router, &one, &two, "same", endpoint);
        if (handover) {
            RECV_MORE(router, "same");
            RECV_LAST(router, "two");
        }
        NOTHING(router, 500);
        CHECK_INT(accepted_peers(monitor), 2);
        SEND(handover ? one : two, "unheard", 0);
        SEND(handover ? two : one, "heard", 0);
        RECV_MORE(router, "same");
        RECV_LAST(router, "heard");
        CHECK_INT(zmq_disconnect(handover ? two : one, endpoint), 0);
        NOTHING(handover ? two : one, 200); /* libzmq works in the calls of its user alone */
        NOTHING(router, 200);
        CHECK_FAILS(zmq_send(router, "same", 4, ZMQ_SNDMORE), EHOSTUNREACH);
        CHECK_INT(accepted_peers(monitor), 0);
        connect_to(handover ? two : one, endpoint);
        SEND(handover ? two : one, "again", 0);
        RECV_MORE(router, "same");
        RECV_LAST(router, "again");
        close_socket(one);
        close_socket(two);
        close_socket(router);
        close_socket(monitor);
        end_context(context);
    }
}

static void probing_sends_an_empty_message(void)
{
    void* const context = new_context();
    void* const router = open_socket(context, ZMQ_ROUTER);
    void* const dealer = open_socket(context, ZMQ_DEALER);
    endpoint_text endpoint;
    bind_tcp(router, endpoint);
    set_int(dealer, ZMQ_PROBE_ROUTER, 1);
    set_bytes(dealer, ZMQ_ROUTING_ID, "me", 2);
    connect_to(dealer, endpoint);
    RECV_MORE(router, "me");
    RECV_LAST(router, "");
    close_socket(dealer);
    close_socket(router);
    end_context(context);
}

/* --- REQ and REP --- */

static void a_request_is_an_envelope(void)
{
    two_sockets two;
    char id[64];
    int size;
    open_two(&two, ZMQ_ROUTER, ZMQ_REQ, 't');
    SEND(two.connected, "question", 0);
    size = recv_within(two.bound, id, sizeof id, patience_ms);
    RECV_MORE(two.bound, "");
    RECV_LAST(two.bound, "question");
    CHECK_INT(zmq_send(two.bound, id, (size_t)size, ZMQ_SNDMORE), size);
    SEND(two.bound, "", ZMQ_SNDMORE);
    SEND(two.bound, "answer", 0);
    RECV(two.connected, "answer");
    close_two(&two);
}

static void a_correlated_request_has_a_number(void)
{
    void* const context = new_context();
    void* const router = open_socket(context, ZMQ_ROUTER);
    void* const req = open_socket(context, ZMQ_REQ);
    endpoint_text endpoint;
    char id[64], number[64];
    int size;
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    bind_tcp(router, endpoint);
    connect_to(req, endpoint);
    SEND(req, "question", 0);
    size = recv_within(router, id, sizeof id, patience_ms);
    CHECK_INT(recv_within(router, number, sizeof number, patience_ms), 4);
    RECV_MORE(router, "");
    RECV_LAST(router, "question");
    CHECK_INT(zmq_send(router, id, (size_t)size, ZMQ_SNDMORE), size);
    CHECK_INT(zmq_send(router, number, 4, ZMQ_SNDMORE), 4);
    SEND(router, "", ZMQ_SNDMORE);
    SEND(router, "answer", 0);
    RECV(req, "answer");
    close_socket(req);
    close_socket(router);
    end_context(context);
}

/* Of two sockets the one that can receive. */
static void* readable_one(void* one, void* two)
{
    int found = 0;
    CHECK_UNTIL((found = is_readable(one, 5) ? 1 : is_readable(two, 5) ? 2 : 0) != 0, patience_ms);
    return found == 1 ? one : two;
}

static void a_relaxed_req_may_ask_again(void)
{
    void* const context = new_context();
    void* const req = open_socket(context, ZMQ_REQ);
    void* const reps[2] = {open_socket(context, ZMQ_REP), open_socket(context, ZMQ_REP)};
    void *first, *second;
    endpoint_text endpoint;
    set_int(req, ZMQ_REQ_RELAXED, 1);
    set_int(req, ZMQ_REQ_CORRELATE, 1);
    inproc_name(endpoint);
    bind_at(req, endpoint);
    connect_to(reps[0], endpoint);
    connect_to(reps[1], endpoint);
    SEND(req, "first", 0);
    first = readable_one(reps[0], reps[1]);
    RECV(first, "first");
    SEND(req, "second", 0);
    second = first == reps[0] ? reps[1] : reps[0];
    RECV(second, "second");
    SEND(first, "late", 0);
    SEND(second, "right", 0);
    RECV(req, "right");
    close_socket(req);
    close_socket(reps[0]);
    close_socket(reps[1]);
    end_context(context);
}

static void a_reply_to_a_peer_that_left_is_dropped(void)
{
    void* const context = new_context();
    void* const rep = open_socket(context, ZMQ_REP);
    void* req = open_socket(context, ZMQ_REQ);
    endpoint_text endpoint;
    bind_tcp(rep, endpoint);
    connect_to(req, endpoint);
    SEND(req, "question", 0);
    RECV(rep, "question");
    close_socket(req);
    sleep_ms(50);
    SEND(rep, "answer", 0);
    req = open_socket(context, ZMQ_REQ);
    connect_to(req, endpoint);
    SEND(req, "again", 0);
    RECV(rep, "again");
    close_socket(req);
    close_socket(rep);
    end_context(context);
}

/* --- distribution --- */

static void a_push_takes_turns(void)
{
    void* const context = new_context();
    void* const push = open_socket(context, ZMQ_PUSH);
    void* pulls[3];
    int i, round;
    for (i = 0; i < 3; ++i) {
        endpoint_text endpoint;
        pulls[i] = open_socket(context, ZMQ_PULL);
        inproc_name(endpoint);
        bind_at(pulls[i], endpoint);
        connect_to(push, endpoint);
    }
    for (round = 0; round < 6; ++round) {
        char text[8];
        snprintf(text, sizeof text, "%d", round);
        SEND(push, text, 0);
    }
    for (round = 0; round < 6; ++round) {
        char text[8];
        snprintf(text, sizeof text, "%d", round);
        RECV(pulls[round % 3], text);
    }
    for (i = 0; i < 3; ++i)
        close_socket(pulls[i]);
    close_socket(push);
    end_context(context);
}

static void a_pull_is_fair(void)
{
    void* const context = new_context();
    void* const pull = open_socket(context, ZMQ_PULL);
    void* pushes[3];
    endpoint_text endpoint;
    int i, counts[3] = {0, 0, 0};
    inproc_name(endpoint);
    bind_at(pull, endpoint);
    for (i = 0; i < 3; ++i) {
        char text[2] = {(char)('0' + i), '\0'};
        int number;
        pushes[i] = open_socket(context, ZMQ_PUSH);
        connect_to(pushes[i], endpoint);
        for (number = 0; number < 10; ++number)
            SEND(pushes[i], text, 0);
    }
    for (i = 0; i < 9; ++i) {
        char text[8];
        REQUIRE_INT(recv_within(pull, text, sizeof text, patience_ms), 1);
        ++counts[text[0] - '0'];
    }
    CHECK_INT(counts[0], 3);
    CHECK_INT(counts[1], 3);
    CHECK_INT(counts[2], 3);
    for (i = 0; i < 3; ++i)
        close_socket(pushes[i]);
    close_socket(pull);
    end_context(context);
}

static void immediate_waits_for_a_connection(void)
{
    void* const context = new_context();
    void* const push = open_socket(context, ZMQ_PUSH);
    void* const pull = open_socket(context, ZMQ_PULL);
    endpoint_text endpoint;
    free_tcp(endpoint);
    set_int(push, ZMQ_IMMEDIATE, 1);
    set_int(push, ZMQ_RECONNECT_IVL, 20);
    connect_to(push, endpoint);
    CHECK_FAILS(zmq_send(push, "a", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_UNTIL(zmq_bind(pull, endpoint) == 0, patience_ms);
    CHECK_UNTIL(zmq_send(push, "b", 1, ZMQ_DONTWAIT) == 1, patience_ms);
    RECV(pull, "b");
    close_socket(push);
    close_socket(pull);
    end_context(context);
}

static void multipart_messages_are_whole(void)
{
    two_sockets two;
    open_two(&two, ZMQ_PULL, ZMQ_PUSH, 't');
    SEND(two.connected, "a", ZMQ_SNDMORE);
    NOTHING(two.bound, 50);
    SEND(two.connected, "b", 0);
    RECV_MORE(two.bound, "a");
    RECV_LAST(two.bound, "b");
    close_two(&two);
}

/* --- STREAM --- */

static void a_stream_speaks_raw_tcp(void)
{
    void* const context = new_context();
    void* const stream = open_socket(context, ZMQ_STREAM);
    endpoint_text endpoint;
    char id[64], got[4];
    raw_socket raw;
    bind_tcp(stream, endpoint);
    raw = raw_connect(endpoint);
    CHECK_INT(recv_within(stream, id, sizeof id, patience_ms), 5);
    RECV_LAST(stream, "");
    raw_send(raw, "hello", 5);
    RECV_BYTES(stream, id, 5);
    RECV_LAST(stream, "hello");
    CHECK_INT(zmq_send(stream, id, 5, ZMQ_SNDMORE), 5);
    SEND(stream, "back", 0);
    CHECK_INT(raw_read(raw, got, 4), 0);
    CHECK_BYTES(got, 4, "back", 4);
    /* An empty part closes the connection. */
    CHECK_INT(zmq_send(stream, id, 5, ZMQ_SNDMORE), 5);
    SEND(stream, "", 0);
    /* With the next call on the socket. */
    CHECK_UNTIL(events_of(stream) >= 0 && raw_is_closed(raw, 20), patience_ms);
    raw_close(raw);
    close_socket(stream);
    end_context(context);
}

static void a_stream_tells_of_a_peer_that_leaves(void)
{
    void* const context = new_context();
    void* const stream = open_socket(context, ZMQ_STREAM);
    endpoint_text endpoint;
    char id[64];
    raw_socket raw;
    bind_tcp(stream, endpoint);
    raw = raw_connect(endpoint);
    CHECK_INT(recv_within(stream, id, sizeof id, patience_ms), 5);
    RECV_LAST(stream, "");
    raw_close(raw);
    RECV_BYTES(stream, id, 5);
    RECV_LAST(stream, "");
    close_socket(stream);
    end_context(context);
}

static void a_stream_connects(void)
{
    void* const context = new_context();
    void* const stream = open_socket(context, ZMQ_STREAM);
    endpoint_text endpoint;
    const raw_socket listener = raw_listen(endpoint);
    char id[64], got[3];
    size_t size = sizeof id;
    raw_socket raw;
    set_bytes(stream, ZMQ_CONNECT_ROUTING_ID, "srv", 3);
    connect_to(stream, endpoint);
    raw = raw_accept(listener);
    RECV_MORE(stream, "srv");
    RECV_LAST(stream, "");
    CHECK_INT(zmq_send(stream, "srv", 3, ZMQ_SNDMORE), 3);
    SEND(stream, "raw", 0);
    CHECK_INT(raw_read(raw, got, 3), 0);
    CHECK_BYTES(got, 3, "raw", 3);
    CHECK_INT(zmq_getsockopt(stream, ZMQ_ROUTING_ID, id, &size), 0);
    CHECK_INT(size, 0); /* the program knows the name */
    raw_close(raw);
    raw_close(listener);
    close_socket(stream);
    end_context(context);
}

/* As a client of HTTP does it: connect, ask for the id, and send. */
static void a_stream_sends_before_it_is_connected(void)
{
    void* const context = new_context();
    void* const stream = open_socket(context, ZMQ_STREAM);
    endpoint_text endpoint;
    const int listener = raw_listen(endpoint);
    char id[64], notice[64], got[13];
    size_t size = sizeof id;
    int raw;
    connect_to(stream, endpoint);
    CHECK_INT(zmq_getsockopt(stream, ZMQ_ROUTING_ID, id, &size), 0);
    CHECK_INT(size, 5);
    CHECK_INT(id[0], 0);
    CHECK_INT(zmq_send(stream, id, size, ZMQ_SNDMORE), 5);
    SEND(stream, "GET / ", 0);
    CHECK_INT(zmq_send(stream, id, size, ZMQ_SNDMORE), 5);
    SEND(stream, "HTTP/1.", 0);
    raw = raw_accept(listener);
    CHECK_INT(raw_read(raw, got, 13), 0);
    CHECK_BYTES(got, 13, "GET / HTTP/1.", 13);
    CHECK_INT(zmq_recv(stream, notice, sizeof notice, 0), 5);
    CHECK_BYTES(notice, 5, id, 5);
    RECV_LAST(stream, "");
    raw_close(raw);
    raw_close(listener);
    close_socket(stream);
    end_context(context);
}

CASES(patterns) = {
    {"sending on a receiver and receiving on a sender is ENOTSUP", the_wrong_way_is_not_supported},
    {"requests and replies alternate, or EFSM", requests_and_replies_alternate},
    {"sending without peers drops, or is EAGAIN, by the type", sending_without_peers},
    {"an XPUB hears of the first and last subscription", an_xpub_hears_of_subscriptions_once},
    {"XPUB_VERBOSER tells of all subscriptions", a_verbose_xpub_hears_all},
    {"a message that is no subscription passes upstream", other_messages_pass_upstream},
    {"XPUB_WELCOME_MSG greets a subscriber", a_welcome_message},
    {"XPUB_MANUAL chooses the topics", a_manual_xpub_chooses_the_topics},
    {"XPUB_MANUAL_LAST_VALUE of a peer that has gone is for nobody",
     a_last_value_of_a_peer_that_has_gone},
    {"a topic has at most 65,526 bytes", the_longest_topic},
    {"XPUB_NODROP refuses at the high-water mark", a_full_xpub_without_drops_refuses},
    {"a PUB drops at the high-water mark", a_pub_drops_at_the_mark},
    {"a subscription by inproc counts at once", an_inproc_subscription_counts_at_once},
    {"INVERT_MATCHING sends what was not subscribed to", inverted_matching},
    {"CONFLATE keeps the newest message", conflate_keeps_the_newest},
    {"a ROUTER names its peers by 5 bytes, the first of them 0", a_router_names_its_peers},
    {"ROUTER_MANDATORY refuses unknown peers", a_mandatory_router_refuses_unknown_peers},
    {"CONNECT_ROUTING_ID names the next connection", the_next_connection_gets_the_id},
    {"a second peer of the same routing id is ignored", a_second_peer_of_the_same_id_is_ignored},
    {"ROUTER_HANDOVER replaces the peer", a_handover_replaces_the_peer},
    {"two peers with one id do not fight for it", two_peers_of_one_id_do_not_fight},
    {"PROBE_ROUTER sends an empty message", probing_sends_an_empty_message},
    {"a request has an envelope, and so has its reply", a_request_is_an_envelope},
    {"REQ_CORRELATE numbers requests", a_correlated_request_has_a_number},
    {"a REQ_RELAXED may ask again", a_relaxed_req_may_ask_again},
    {"a reply to a peer that left is dropped", a_reply_to_a_peer_that_left_is_dropped},
    {"a PUSH takes turns in the order of connections", a_push_takes_turns},
    {"a PULL is fair", a_pull_is_fair},
    {"IMMEDIATE waits for a connection", immediate_waits_for_a_connection},
    {"the parts of a message come together", multipart_messages_are_whole},
    {"a STREAM speaks raw TCP", a_stream_speaks_raw_tcp},
    {"a STREAM tells of a peer that leaves", a_stream_tells_of_a_peer_that_leaves},
    {"a STREAM connects, with a name for the peer", a_stream_connects},
    {"a STREAM sends before it is connected", a_stream_sends_before_it_is_connected},
    END_OF_CASES,
};
