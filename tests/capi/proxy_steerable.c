/* SPDX-License-Identifier: MPL-2.0 */

/* slk_proxy_steerable(): the commands of its control socket. */

#include "frames.h"

/* Two DEALERs, each with a peer, and a proxy with a control that is a PAIR. */
struct proxy {
    slk_ctx_t* ctx;
    slk_socket_t *front, *back, *control, *capture;
    slk_socket_t *a, *b, *steer;
    int result;
    int error;
    test_thread* thread;
};

static void run(void* argument)
{
    struct proxy* of = argument;
    of->result = slk_proxy_steerable(of->front, of->back, of->capture, of->control);
    of->error = slk_errno();
}

static void start_as(struct proxy* of, int front_type, int a_type, int control_type, int steer_type)
{
    of->ctx = new_context();
    of->front = open_socket(of->ctx, front_type);
    of->back = open_socket(of->ctx, SLK_DEALER);
    of->control = open_socket(of->ctx, control_type);
    of->capture = NULL;
    of->a = open_socket(of->ctx, a_type);
    of->b = open_socket(of->ctx, a_type == SLK_REQ ? SLK_REP : SLK_DEALER);
    of->steer = open_socket(of->ctx, steer_type);
    of->result = 7;
    of->error = 0;
    join(of->front, of->a, transport_inproc);
    join(of->back, of->b, transport_inproc);
    join(of->control, of->steer, transport_inproc);
    of->thread = thread_start(run, of);
}

static void start(struct proxy* of)
{
    start_as(of, SLK_DEALER, SLK_DEALER, SLK_PAIR, SLK_PAIR);
}

/* Sends a command, which is answered with one empty message. */
static void command(struct proxy* of, const char* text)
{
    CHECK(sends(of->steer, text));
    CHECK(receives(of->steer, ""));
}

static void end(struct proxy* of)
{
    command(of, "TERMINATE");
    thread_join(of->thread);
    CHECK_INT(of->result, 0);
    slk_ctx_destroy(of->ctx);
}

static void it_ends_by_command(void)
{
    struct proxy of;
    start(&of);
    CHECK(sends(of.a, "before|1"));
    CHECK(receives(of.b, "before|1"));
    command(&of, "TERMINATE");
    thread_join(of.thread);
    CHECK_INT(of.result, 0);
    CHECK(receives_nothing(of.steer));
    /* Its sockets are still good. */
    CHECK(sends(of.a, "after"));
    CHECK(receives(of.front, "after"));
    CHECK(sends(of.back, "after"));
    CHECK(receives(of.b, "after"));
    slk_ctx_destroy(of.ctx);
}

static void it_ends_with_the_context(void)
{
    struct proxy of;
    start(&of);
    command(&of, "RESUME");
    slk_ctx_destroy(of.ctx);
    thread_join(of.thread);
    CHECK_INT(of.result, -1);
    CHECK_INT(of.error, SLK_ETERM);
}

static void a_paused_proxy_ends_with_the_context(void)
{
    struct proxy of;
    start(&of);
    command(&of, "PAUSE");
    slk_ctx_destroy(of.ctx);
    thread_join(of.thread);
    CHECK_INT(of.result, -1);
    CHECK_INT(of.error, SLK_ETERM);
}

static void messages_wait_while_it_is_paused(void)
{
    struct proxy of;
    start(&of);
    command(&of, "PAUSE");
    CHECK(sends(of.a, "1"));
    CHECK(sends(of.b, "2"));
    /* Commands are served meanwhile. */
    command(&of, "PAUSE");
    sleep_ms(20);
    CHECK(receives_nothing(of.a));
    CHECK(receives_nothing(of.b));
    command(&of, "RESUME");
    CHECK(receives(of.b, "1"));
    CHECK(receives(of.a, "2"));
    command(&of, "RESUME");
    CHECK(sends(of.a, "3"));
    CHECK(receives(of.b, "3"));
    end(&of);
}

static void it_ends_while_it_is_paused(void)
{
    struct proxy of;
    start(&of);
    command(&of, "PAUSE");
    end(&of);
}

static void unknown_commands_are_answered(void)
{
    static const char* const unknown[] = {
        "", "pause", "PAUSE ", "TERMINATED", "?", "a very long text that is no command at all"};
    struct proxy of;
    size_t i;
    start(&of);
    for (i = 0; i < sizeof unknown / sizeof *unknown; ++i)
        command(&of, unknown[i]);
    CHECK(sends(of.a, "still"));
    CHECK(receives(of.b, "still"));
    end(&of);
}

static void check_statistics(struct proxy* of, const uint64_t* expected)
{
    uint64_t value;
    int i;
    CHECK(sends(of->steer, "STATISTICS"));
    for (i = 0; i < 8; ++i) {
        REQUIRE_INT(recv_within(of->steer, &value, sizeof value, patience_ms), sizeof value);
        CHECK_INT(value, expected[i]);
        CHECK_INT(get_int(of->steer, opt_rcvmore), i < 7);
    }
}

static void statistics_count_both_sides(void)
{
    static const uint64_t zero[8] = {0};
    /* Messages and bytes received, messages and bytes sent; frontend, then backend. */
    static const uint64_t first[8] = {2, 9, 0, 0, 0, 0, 2, 9};
    static const uint64_t second[8] = {2, 9, 1, 4, 1, 4, 2, 9};
    struct proxy of;
    start(&of);
    check_statistics(&of, zero);
    CHECK(sends(of.a, "hello"));
    CHECK(sends(of.a, "12|34|"));
    CHECK(receives(of.b, "hello"));
    CHECK(receives(of.b, "12|34|"));
    command(&of, "PAUSE");
    check_statistics(&of, first);
    command(&of, "RESUME");
    CHECK(sends(of.b, "back"));
    CHECK(receives(of.a, "back"));
    check_statistics(&of, second);
    end(&of);
}

static void statistics_of_requests_have_their_envelope(void)
{
    /* As libzmq's: the routing id of 5 bytes is a frame of the ROUTER's messages. */
    static const uint64_t expected[8] = {1, 10, 1, 6 + 5, 1, 6 + 5, 1, 10};
    struct proxy of;
    start_as(&of, SLK_ROUTER, SLK_REQ, SLK_PAIR, SLK_PAIR);
    CHECK_INT(slk_send(of.a, "12", 2, SLK_SNDMORE), 2);
    CHECK_INT(slk_send(of.a, "345", 3, 0), 3);
    CHECK(receives(of.b, "12|345"));
    CHECK(sends(of.b, "answer"));
    CHECK(receives(of.a, "answer"));
    check_statistics(&of, expected);
    end(&of);
}

static void control_may_be_a_rep(void)
{
    struct proxy of;
    start_as(&of, SLK_DEALER, SLK_DEALER, SLK_REP, SLK_REQ);
    command(&of, "PAUSE");
    CHECK(sends(of.a, "1"));
    command(&of, "RESUME");
    CHECK(receives(of.b, "1"));
    end(&of);
}

static void without_control_it_is_a_proxy(void)
{
    struct proxy of;
    slk_ctx_t* ctx = new_context();
    memset(&of, 0, sizeof of);
    of.ctx = ctx;
    of.front = open_socket(ctx, SLK_DEALER);
    of.back = open_socket(ctx, SLK_DEALER);
    of.capture = open_socket(ctx, SLK_PUB);
    of.a = open_socket(ctx, SLK_DEALER);
    of.b = open_socket(ctx, SLK_DEALER);
    of.steer = open_socket(ctx, SLK_SUB);
    CHECK_INT(set_text(of.steer, SLK_SUBSCRIBE, ""), 0);
    join(of.front, of.a, transport_tcp);
    join(of.back, of.b, transport_tcp);
    join(of.capture, of.steer, transport_inproc);
    of.thread = thread_start(run, &of);
    CHECK(sends(of.a, "1|2"));
    CHECK(receives(of.b, "1|2"));
    CHECK(receives(of.steer, "1|2"));
    slk_ctx_destroy(ctx);
    thread_join(of.thread);
    CHECK_INT(of.result, -1);
    CHECK_INT(of.error, SLK_ETERM);
}

CASES(proxy_steerable) = {
    {"TERMINATE ends a proxy with 0", it_ends_by_command},
    {"a steerable proxy ends with the context", it_ends_with_the_context},
    {"a paused proxy ends with the context", a_paused_proxy_ends_with_the_context},
    {"messages wait while a proxy is paused", messages_wait_while_it_is_paused},
    {"a paused proxy can be terminated", it_ends_while_it_is_paused},
    {"unknown commands are answered, and do nothing", unknown_commands_are_answered},
    {"STATISTICS counts messages and bytes of both sides", statistics_count_both_sides},
    {"STATISTICS counts envelopes", statistics_of_requests_have_their_envelope},
    {"a control may be a REP", control_may_be_a_rep},
    {"without a control it is a proxy", without_control_it_is_a_proxy},
    END_OF_CASES,
};
