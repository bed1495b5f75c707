/* SPDX-License-Identifier: MPL-2.0 */

/* The broker between publishers and subscribers. */

#include "frames.h"

/* A broker at two free endpoints. */
struct rig {
    slk_ctx_t* ctx;
    slk_pubsub_broker_t* broker;
    endpoint_text frontend;
    endpoint_text backend;
    int result;
};

static struct rig make(transport kind)
{
    struct rig of;
    of.ctx = new_context();
    free_endpoint(kind, of.frontend);
    free_endpoint(kind, of.backend);
    of.broker = slk_pubsub_broker_new(of.ctx, of.frontend, of.backend);
    of.result = 7;
    REQUIRE(of.broker != NULL);
    return of;
}

static size_t forwarded(struct rig* of)
{
    size_t count = 99;
    CHECK_INT(slk_pubsub_broker_stats(of->broker, &count), 0);
    return count;
}

/* A message of a new publisher reaches a new subscriber. */
static void use(struct rig* of)
{
    slk_socket_t* pub = open_socket(of->ctx, SLK_PUB);
    slk_socket_t* sub = open_socket(of->ctx, SLK_SUB);
    const size_t before = forwarded(of);
    CHECK_INT(set_text(sub, SLK_SUBSCRIBE, "a"), 0);
    connect_to(pub, of->frontend);
    connect_to(sub, of->backend);
    CHECK(until_topics(pub, 1));
    CHECK(sends(pub, "b|unwanted"));
    CHECK(sends(pub, "a|1"));
    CHECK(sends(pub, "a|2"));
    CHECK(receives(sub, "a|1"));
    CHECK(receives(sub, "a|2"));
    REQUIRE_UNTIL(forwarded(of) >= before + 2, patience_ms);
    /* It may count subscriptions, too. */
    CHECK_BETWEEN(forwarded(of), before + 2, before + 4);
    close_socket(pub);
    close_socket(sub);
}

static void it_starts_and_stops(void)
{
    transport kind;
    FOR_EACH_TRANSPORT(kind)
    {
        struct rig of = make(kind);
        CHECK_INT(forwarded(&of), 0);
        CHECK_INT(slk_pubsub_broker_start(of.broker), 0);
        use(&of);
        CHECK_INT(slk_pubsub_broker_stop(of.broker), 0);
        CHECK_INT(slk_pubsub_broker_stop(of.broker), 0);
        CHECK_INT(slk_pubsub_broker_destroy(&of.broker), 0);
        CHECK(of.broker == NULL);
        slk_ctx_destroy(of.ctx);
    }
}

static void run(void* argument)
{
    struct rig* of = argument;
    of->result = slk_pubsub_broker_run(of->broker);
}

static void it_runs_in_the_caller(void)
{
    struct rig of = make(transport_tcp);
    test_thread* thread = thread_start(run, &of);
    use(&of);
    /* From any thread. */
    CHECK_INT(slk_pubsub_broker_stop(of.broker), 0);
    thread_join(thread);
    CHECK_INT(of.result, 0);
    CHECK_INT(slk_pubsub_broker_destroy(&of.broker), 0);
    slk_ctx_destroy(of.ctx);
}

static void destroying_stops_it(void)
{
    struct rig of = make(transport_tcp);
    slk_socket_t* socket;
    CHECK_INT(slk_pubsub_broker_start(of.broker), 0);
    use(&of);
    CHECK_INT(slk_pubsub_broker_destroy(&of.broker), 0);
    CHECK(of.broker == NULL);
    /* Its ports are free. */
    socket = open_socket(of.ctx, SLK_PULL);
    REQUIRE_UNTIL(slk_bind(socket, of.frontend) == 0, 1000);
    REQUIRE_UNTIL(slk_bind(socket, of.backend) == 0, 1000);
    slk_ctx_destroy(of.ctx);
}

static void a_broker_that_was_not_started(void)
{
    struct rig of = make(transport_tcp);
    CHECK_INT(slk_pubsub_broker_stop(of.broker), 0);
    CHECK_INT(forwarded(&of), 0);
    CHECK_INT(slk_pubsub_broker_destroy(&of.broker), 0);
    slk_ctx_destroy(of.ctx);
}

static void a_taken_endpoint_fails(int second)
{
    struct rig of = make(transport_tcp);
    slk_socket_t* holder = open_socket(of.ctx, SLK_PULL);
    bind_at(holder, second ? of.backend : of.frontend);
    CHECK_FAILS(slk_pubsub_broker_start(of.broker), sys_eaddrinuse);
    CHECK_FAILS(slk_pubsub_broker_run(of.broker), sys_eaddrinuse);
    CHECK_INT(slk_pubsub_broker_destroy(&of.broker), 0);
    slk_ctx_destroy(of.ctx);
}

static void taken_endpoints_fail(void)
{
    a_taken_endpoint_fails(0);
    a_taken_endpoint_fails(1);
}

static void arguments_are_needed(void)
{
    slk_ctx_t* ctx = new_context();
    slk_pubsub_broker_t* broker = NULL;
    size_t count;
    CHECK_NULL(slk_pubsub_broker_new(NULL, "inproc://a", "inproc://b"), SLK_EINVAL);
    CHECK_NULL(slk_pubsub_broker_new(ctx, NULL, "inproc://b"), SLK_EINVAL);
    CHECK_NULL(slk_pubsub_broker_new(ctx, "inproc://a", NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_broker_run(NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_broker_start(NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_broker_stop(NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_broker_stats(NULL, &count), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_broker_destroy(NULL), SLK_EINVAL);
    slk_pubsub_broker_destroy(&broker);
    broker = slk_pubsub_broker_new(ctx, "inproc://a", "inproc://b");
    REQUIRE(broker != NULL);
    CHECK_FAILS(slk_pubsub_broker_stats(broker, NULL), SLK_EINVAL);
    CHECK_INT(slk_pubsub_broker_destroy(&broker), 0);
    slk_ctx_destroy(ctx);
}

static void malformed_endpoints_fail(void)
{
    slk_ctx_t* ctx = new_context();
    slk_pubsub_broker_t* broker = slk_pubsub_broker_new(ctx, "nonsense", "inproc://b");
    /* At once, or when it binds. */
    if (broker != NULL) {
        CHECK_FAILS(slk_pubsub_broker_start(broker), SLK_EINVAL);
        CHECK_INT(slk_pubsub_broker_destroy(&broker), 0);
    }
    slk_ctx_destroy(ctx);
}

static void stop_at_once(void* argument)
{
    struct rig* of = argument;
    CHECK_INT(slk_pubsub_broker_stop(of->broker), 0);
}

static void threads_stop_it_together(void)
{
    int i, j;
    for (i = 0; i < REPEATS(30); ++i) {
        struct rig of = make(transport_inproc);
        test_thread* threads[4];
        CHECK_INT(slk_pubsub_broker_start(of.broker), 0);
        for (j = 0; j < 4; ++j)
            threads[j] = thread_start(stop_at_once, &of);
        for (j = 0; j < 4; ++j)
            thread_join(threads[j]);
        CHECK_INT(slk_pubsub_broker_destroy(&of.broker), 0);
        slk_ctx_destroy(of.ctx);
    }
}

CASES(broker) = {
    {"a broker starts, forwards and stops", it_starts_and_stops},
    {"a broker runs in the calling thread until it is stopped", it_runs_in_the_caller},
    {"destroying a broker stops it", destroying_stops_it},
    {"a broker that was not started is stopped and destroyed", a_broker_that_was_not_started},
    {"a broker fails where an endpoint is taken", taken_endpoints_fail},
    {"a broker checks its arguments", arguments_are_needed},
    {"a broker refuses malformed endpoints", malformed_endpoints_fail},
    {"threads stop a broker together", threads_stop_it_together},
    END_OF_CASES,
};
