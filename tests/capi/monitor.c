/* SPDX-License-Identifier: MPL-2.0 */

/* slk_socket_monitor(). */

#include "descriptors.h"
#include "frames.h"

#include <stdio.h>
#include <time.h>

enum { most_events = 200 };

struct seen {
    int event;
    int err;
    int has_endpoint;
    int has_peer;
    uint64_t timestamp;
    slk_socket_t* socket;
    endpoint_text endpoint;
    char peer[16];
};

/* What a callback has got, in order. */
struct record {
    test_mutex* mutex;
    int count;
    struct seen all[most_events];
};

static struct record* new_record(void)
{
    /* All cases may share a process, and a callback may come late. */
    static struct record records[16];
    static int used = 0;
    struct record* record = &records[used];
    REQUIRE(used < 16);
    ++used;
    record->mutex = mutex_new();
    record->count = 0;
    return record;
}

static void note(slk_socket_t* socket, const slk_event_t* event, void* user_data)
{
    struct record* record = user_data;
    mutex_lock(record->mutex);
    if (record->count < most_events) {
        struct seen* seen = &record->all[record->count++];
        memset(seen, 0, sizeof *seen);
        seen->event = event->event;
        seen->err = event->err;
        seen->timestamp = event->timestamp;
        seen->socket = socket;
        seen->has_endpoint = event->endpoint != NULL;
        snprintf(seen->endpoint, sizeof seen->endpoint, "%s",
                 event->endpoint != NULL ? event->endpoint : "");
        seen->has_peer = event->peer_id != NULL;
        if (event->peer_id != NULL && event->peer_id_len < sizeof seen->peer)
            memcpy(seen->peer, event->peer_id, event->peer_id_len);
    }
    mutex_unlock(record->mutex);
}

static int count_of(struct record* record, int event)
{
    int i, count = 0;
    mutex_lock(record->mutex);
    for (i = 0; i < record->count; ++i)
        count += event == 0 || record->all[i].event == event;
    mutex_unlock(record->mutex);
    return count;
}

/* The first such event, for which it waits; its position is stored. */
static struct seen wait_for(struct record* record, int event, int* position)
{
    struct seen found;
    int i;
    memset(&found, 0, sizeof found);
    REQUIRE_UNTIL(count_of(record, event) > 0, patience_ms);
    mutex_lock(record->mutex);
    for (i = 0; i < record->count; ++i)
        if (record->all[i].event == event) {
            found = record->all[i];
            break;
        }
    mutex_unlock(record->mutex);
    if (position != NULL)
        *position = i;
    return found;
}

static void watch(slk_socket_t* socket, struct record* record, int events)
{
    REQUIRE_INT(slk_socket_monitor(socket, note, record, events), 0);
}

static void a_life(transport kind)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* router = open_socket(ctx, SLK_ROUTER);
    slk_socket_t* dealer = open_socket(ctx, SLK_DEALER);
    struct record* server = new_record();
    struct record* client = new_record();
    endpoint_text endpoint;
    struct seen seen;
    int listening, accepted, began, shaken, connected, gone, i;
    const uint64_t begin = (uint64_t)time(NULL) * 1000;
    watch(router, server, SLK_EVENT_ALL);
    watch(dealer, client, SLK_EVENT_ALL);
    bind_to(router, kind, endpoint);
    seen = wait_for(server, SLK_EVENT_LISTENING, &listening);
    CHECK_TEXT(seen.endpoint, endpoint);
    CHECK_INT(seen.err, 0);
    CHECK(seen.socket == router);
    set_bytes(dealer, SLK_ROUTING_ID, "peer", 4);
    connect_to(dealer, endpoint);
    wait_for(server, SLK_EVENT_ACCEPTED, &accepted);
    wait_for(server, SLK_EVENT_HANDSHAKE_START, &began);
    wait_for(server, SLK_EVENT_HANDSHAKE_OK, &shaken);
    seen = wait_for(server, SLK_EVENT_CONNECTED, &connected);
    CHECK(listening < accepted);
    CHECK(accepted < began);
    CHECK(began < shaken);
    CHECK(shaken != connected);
    CHECK(began < connected);
    /* The peer is usable. */
    CHECK_INT(slk_is_connected(router, "peer", 4), 1);
    CHECK_TEXT(seen.peer, "peer");
    CHECK_INT(seen.err, 0);
    wait_for(client, SLK_EVENT_HANDSHAKE_START, NULL);
    wait_for(client, SLK_EVENT_HANDSHAKE_OK, NULL);
    seen = wait_for(client, SLK_EVENT_CONNECTED, NULL);
    CHECK_TEXT(seen.endpoint, endpoint);
    CHECK(seen.socket == dealer);
    CHECK_INT(count_of(client, SLK_EVENT_ACCEPTED), 0);
    CHECK_INT(count_of(client, SLK_EVENT_LISTENING), 0);
    CHECK_INT(count_of(server, SLK_EVENT_DISCONNECTED), 0);
    close_socket(dealer);
    wait_for(server, SLK_EVENT_DISCONNECTED, &gone);
    CHECK(connected < gone);
    CHECK_INT(slk_unbind(router, endpoint), 0);
    wait_for(server, SLK_EVENT_CLOSED, NULL);
    mutex_lock(server->mutex);
    for (i = 0; i < server->count; ++i) {
        CHECK_BETWEEN(server->all[i].timestamp, begin - 2000, begin + 60000);
        CHECK(i == 0 || server->all[i - 1].timestamp <= server->all[i].timestamp);
    }
    mutex_unlock(server->mutex);
    slk_ctx_destroy(ctx);
}

static void the_life_of_a_connection(void)
{
    transport kind;
    FOR_EACH_NETWORK(kind) a_life(kind);
}

static void a_lost_connection_is_reported(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pull = open_socket(ctx, SLK_PULL);
    slk_socket_t* push = open_socket(ctx, SLK_PUSH);
    struct record* record = new_record();
    endpoint_text endpoint;
    set_int(push, SLK_RECONNECT_IVL, 10);
    watch(push, record, SLK_EVENT_ALL);
    bind_tcp(pull, endpoint);
    connect_to(push, endpoint);
    wait_for(record, SLK_EVENT_CONNECTED, NULL);
    close_socket(pull);
    wait_for(record, SLK_EVENT_DISCONNECTED, NULL);
    /* Tries that fail are closed. */
    wait_for(record, SLK_EVENT_CLOSED, NULL);
    pull = open_socket(ctx, SLK_PULL);
    REQUIRE_UNTIL(slk_bind(pull, endpoint) == 0, 1000);
    REQUIRE_UNTIL(count_of(record, SLK_EVENT_CONNECTED) == 2, patience_ms);
    slk_ctx_destroy(ctx);
}

static void a_failed_bind_is_reported(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* holder = open_socket(ctx, SLK_PULL);
    slk_socket_t* pull = open_socket(ctx, SLK_PULL);
    struct record* record = new_record();
    struct seen seen;
    endpoint_text endpoint;
    bind_tcp(holder, endpoint);
    watch(pull, record, SLK_EVENT_ALL);
    CHECK_FAILS(slk_bind(pull, endpoint), sys_eaddrinuse);
    seen = wait_for(record, SLK_EVENT_BIND_FAILED, NULL);
    CHECK_INT(seen.err, sys_eaddrinuse);
    CHECK_TEXT(seen.endpoint, endpoint);
    CHECK_INT(count_of(record, SLK_EVENT_LISTENING), 0);
    slk_ctx_destroy(ctx);
}

static void a_failed_handshake_is_reported(void)
{
    static const char garbage[] = "GET / HTTP/1.1\r\nHost: nobody\r\nAccept: everything, really\r\n"
                                  "and more of this until it is enough\r\n\r\n";
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pull = open_socket(ctx, SLK_PULL);
    struct record* record = new_record();
    endpoint_text endpoint;
    slk_fd_t stranger;
    watch(pull, record, SLK_EVENT_ALL);
    bind_tcp(pull, endpoint);
    stranger = connect_descriptor(endpoint);
    write_descriptor(stranger, garbage, sizeof garbage);
    wait_for(record, SLK_EVENT_HANDSHAKE_FAIL, NULL);
    CHECK_INT(count_of(record, SLK_EVENT_ACCEPTED), 1);
    CHECK_INT(count_of(record, SLK_EVENT_HANDSHAKE_OK), 0);
    CHECK_INT(count_of(record, SLK_EVENT_CONNECTED), 0);
    CHECK(until_closed(stranger));
    close_descriptor(stranger);
    slk_ctx_destroy(ctx);
}

static void answered_heartbeats_are_reported(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pull = open_socket(ctx, SLK_PULL);
    slk_socket_t* push = open_socket(ctx, SLK_PUSH);
    struct record* record = new_record();
    set_int(push, SLK_HEARTBEAT_IVL, 10);
    watch(push, record, SLK_EVENT_ALL);
    join(pull, push, transport_tcp);
    REQUIRE_UNTIL(count_of(record, SLK_EVENT_HEARTBEAT_OK) >= 2, patience_ms);
    CHECK_INT(count_of(record, SLK_EVENT_HEARTBEAT_FAIL), 0);
    slk_ctx_destroy(ctx);
}

static void missing_heartbeats_are_reported(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* push = open_socket(ctx, SLK_PUSH);
    struct record* record = new_record();
    endpoint_text endpoint;
    slk_fd_t silent;
    set_int(push, SLK_HEARTBEAT_IVL, 10);
    set_int(push, SLK_HEARTBEAT_TIMEOUT, 40);
    watch(push, record, SLK_EVENT_ALL);
    bind_tcp(push, endpoint);
    silent = connect_descriptor(endpoint);
    CHECK(shake_hands(silent, "PULL"));
    wait_for(record, SLK_EVENT_CONNECTED, NULL);
    wait_for(record, SLK_EVENT_HEARTBEAT_FAIL, NULL);
    wait_for(record, SLK_EVENT_DISCONNECTED, NULL);
    CHECK(until_closed(silent));
    close_descriptor(silent);
    slk_ctx_destroy(ctx);
}

static void only_asked_events_are_reported(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pull = open_socket(ctx, SLK_PULL);
    slk_socket_t* push = open_socket(ctx, SLK_PUSH);
    struct record* record = new_record();
    watch(pull, record, 1 << SLK_EVENT_CONNECTED | 1 << SLK_EVENT_DISCONNECTED);
    join(pull, push, transport_tcp);
    CHECK(sends(push, "m"));
    CHECK(receives(pull, "m"));
    close_socket(push);
    wait_for(record, SLK_EVENT_DISCONNECTED, NULL);
    CHECK_INT(count_of(record, SLK_EVENT_CONNECTED), 1);
    CHECK_INT(count_of(record, 0), 2);
    slk_ctx_destroy(ctx);
}

static void one_callback_per_socket(void)
{
    slk_ctx_t* ctx = new_context();
    slk_socket_t* pull = open_socket(ctx, SLK_PULL);
    struct record* first = new_record();
    struct record* second = new_record();
    endpoint_text endpoint;
    int before;
    watch(pull, first, SLK_EVENT_ALL);
    bind_tcp(pull, endpoint);
    wait_for(first, SLK_EVENT_LISTENING, NULL);
    watch(pull, second, SLK_EVENT_ALL);
    before = count_of(first, 0);
    bind_tcp(pull, endpoint);
    wait_for(second, SLK_EVENT_LISTENING, NULL);
    CHECK_INT(count_of(first, 0), before);
    CHECK_INT(slk_socket_monitor(pull, NULL, NULL, 0), 0);
    before = count_of(second, 0);
    CHECK_INT(slk_unbind(pull, endpoint), 0);
    bind_tcp(pull, endpoint);
    sleep_ms(10);
    CHECK_INT(count_of(second, 0), before);
    CHECK_INT(slk_socket_monitor(pull, NULL, NULL, SLK_EVENT_ALL), 0);
    CHECK_FAILS(slk_socket_monitor(NULL, note, first, SLK_EVENT_ALL), SLK_EINVAL);
    CHECK_FAILS(slk_socket_monitor(NULL, NULL, NULL, 0), SLK_EINVAL);
    slk_ctx_destroy(ctx);
}

static test_flag over;

static void note_late(slk_socket_t* socket, const slk_event_t* event, void* user_data)
{
    (void)socket;
    (void)event;
    if (flag_get(&over))
        flag_set(user_data, 1);
}

/* Connections come and go while the callback is removed, or its socket closed. */
static void none_after_the_end(int by_close)
{
    int i;
    for (i = 0; i < REPEATS(30); ++i) {
        slk_ctx_t* ctx = new_context();
        slk_socket_t* pull = open_socket(ctx, SLK_PULL);
        test_flag late = {0};
        endpoint_text endpoint;
        int j;
        flag_set(&over, 0);
        CHECK_INT(slk_socket_monitor(pull, note_late, &late, SLK_EVENT_ALL), 0);
        bind_tcp(pull, endpoint);
        for (j = 0; j < 5; ++j) {
            slk_socket_t* push = open_socket(ctx, SLK_PUSH);
            connect_to(push, endpoint);
            if (j % 2)
                close_socket(push);
        }
        if (i % 2)
            sleep_ms(1);
        if (by_close)
            close_socket(pull);
        else
            CHECK_INT(slk_socket_monitor(pull, NULL, NULL, 0), 0);
        flag_set(&over, 1);
        sleep_ms(2);
        CHECK_INT(flag_get(&late), 0);
        slk_ctx_destroy(ctx);
        CHECK_INT(flag_get(&late), 0);
    }
}

static void none_after_its_removal(void)
{
    none_after_the_end(0);
    none_after_the_end(1);
}

CASES(monitor) = {
    {"a monitor has the life of a connection", the_life_of_a_connection},
    {"a lost connection is reported, and the next one", a_lost_connection_is_reported},
    {"a failed bind is reported", a_failed_bind_is_reported},
    {"a failed handshake is reported", a_failed_handshake_is_reported},
    {"answered heartbeats are reported", answered_heartbeats_are_reported},
    {"missing heartbeats are reported", missing_heartbeats_are_reported},
    {"only events that were asked for are reported", only_asked_events_are_reported},
    {"a socket has one monitor, which NULL removes", one_callback_per_socket},
    {"no event comes after the removal, or slk_close", none_after_its_removal},
    END_OF_CASES,
};
