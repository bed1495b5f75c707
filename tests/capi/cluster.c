/* SPDX-License-Identifier: MPL-2.0 */

/* Channels that are spread over several nodes. */

#include "frames.h"

#include <stdio.h>

enum { sys_eexist = 17 };

enum { most_nodes = 3 };

/* A cluster of another context than its nodes, which are XPUBs. */
struct rig {
    slk_ctx_t* ctx;
    slk_ctx_t* nodes_ctx;
    slk_pubsub_cluster_t* cluster;
    slk_socket_t* nodes[most_nodes];
    endpoint_text endpoints[most_nodes];
};

static struct rig make(int count)
{
    struct rig of;
    int i;
    of.ctx = new_context();
    of.nodes_ctx = new_context();
    of.cluster = slk_pubsub_cluster_new(of.ctx);
    REQUIRE(of.cluster != NULL);
    for (i = 0; i < count; ++i) {
        of.nodes[i] = open_socket(of.nodes_ctx, SLK_XPUB);
        bind_tcp(of.nodes[i], of.endpoints[i]);
        CHECK_INT(slk_pubsub_cluster_add_node(of.cluster, of.endpoints[i]), 0);
    }
    return of;
}

static void end(struct rig* of)
{
    slk_pubsub_cluster_destroy(&of->cluster);
    CHECK(of->cluster == NULL);
    slk_ctx_destroy(of->ctx);
    slk_ctx_destroy(of->nodes_ctx);
}

static int node_of(const char* channel, int nodes)
{
    unsigned crc = 0;
    int bit;
    const char* c;
    for (c = channel; *c != '\0'; ++c) {
        crc ^= (unsigned)(unsigned char)*c << 8;
        for (bit = 0; bit < 8; ++bit)
            crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1 & 0xffff;
    }
    return (int)(crc % 16384) * nodes / 16384;
}

/* Receives from the cluster within `patience_ms`, and compares. */
static int cluster_receives(slk_pubsub_cluster_t* cluster, const char* channel, const char* data)
{
    char got_channel[64] = "", got_data[64] = "";
    size_t channel_size, data_size;
    int result = -1;
    const double begin = now_ms();
    do {
        channel_size = sizeof got_channel;
        data_size = sizeof got_data;
        result = slk_pubsub_cluster_recv(cluster, got_channel, &channel_size, got_data, &data_size,
                                         SLK_DONTWAIT);
        if (result >= 0)
            break;
        CHECK_INT(slk_errno(), SLK_EAGAIN);
        sleep_ms(1);
    } while (now_ms() - begin < patience_ms);
    CHECK_INT(result, strlen(data));
    CHECK_INT(data_size, strlen(data));
    CHECK_BYTES(got_channel, channel_size, channel, strlen(channel));
    CHECK_BYTES(got_data, data_size, data, strlen(data));
    return result == (int)strlen(data);
}

static void cluster_receives_nothing(slk_pubsub_cluster_t* cluster)
{
    char channel[8], data[8];
    size_t channel_size = sizeof channel, data_size = sizeof data;
    CHECK_FAILS(
        slk_pubsub_cluster_recv(cluster, channel, &channel_size, data, &data_size, SLK_DONTWAIT),
        SLK_EAGAIN);
}

static size_t nodes_of(slk_pubsub_cluster_t* cluster, const char* first)
{
    char** nodes = NULL;
    size_t count = 99;
    CHECK_INT(slk_pubsub_cluster_nodes(cluster, &nodes, &count), 0);
    if (first != NULL) {
        REQUIRE(count > 0 && nodes != NULL);
        CHECK_TEXT(nodes[0], first);
    }
    slk_pubsub_cluster_nodes_free(nodes, count);
    return count;
}

static void nodes_are_added_and_removed(void)
{
    slk_ctx_t* ctx = new_context();
    slk_pubsub_cluster_t* cluster = slk_pubsub_cluster_new(ctx);
    endpoint_text one, two;
    REQUIRE(cluster != NULL);
    free_endpoint(transport_tcp, one);
    free_endpoint(transport_tcp, two);
    CHECK_INT(nodes_of(cluster, NULL), 0);
    slk_pubsub_cluster_nodes_free(NULL, 0);
    /* Nobody is there, and need not be. */
    CHECK_INT(slk_pubsub_cluster_add_node(cluster, one), 0);
    CHECK_FAILS(slk_pubsub_cluster_add_node(cluster, one), sys_eexist);
    CHECK_INT(slk_pubsub_cluster_add_node(cluster, two), 0);
    CHECK_INT(nodes_of(cluster, one), 2);
    CHECK_INT(slk_pubsub_cluster_remove_node(cluster, one), 0);
    CHECK_FAILS(slk_pubsub_cluster_remove_node(cluster, one), sys_enoent);
    CHECK_INT(nodes_of(cluster, two), 1);
    CHECK_INT(slk_pubsub_cluster_add_node(cluster, one), 0);
    CHECK_INT(nodes_of(cluster, two), 2);
    CHECK_FAILS(slk_pubsub_cluster_add_node(cluster, "nonsense"), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_add_node(cluster, ""), SLK_EINVAL);
    CHECK_INT(nodes_of(cluster, two), 2);
    slk_pubsub_cluster_destroy(&cluster);
    CHECK(cluster == NULL);
    slk_pubsub_cluster_destroy(&cluster);
    slk_pubsub_cluster_destroy(NULL);
    slk_ctx_destroy(ctx);
}

static void channels_go_to_their_nodes(void)
{
    struct rig of = make(3);
    char channel[16], text[32];
    int i;
    for (i = 0; i < 24; ++i) {
        int node;
        snprintf(channel, sizeof channel, "channel%d", i);
        node = node_of(channel, 3);
        CHECK_INT(slk_pubsub_cluster_subscribe(of.cluster, channel), 0);
        snprintf(text, sizeof text, "\1channel%d", i);
        CHECK(receives(of.nodes[node], text));
        snprintf(text, sizeof text, "channel%d|data", i);
        CHECK(sends(of.nodes[node], text));
        CHECK(cluster_receives(of.cluster, channel, "data"));
    }
    for (i = 0; i < 3; ++i)
        CHECK(receives_nothing(of.nodes[i]));
    CHECK_INT(slk_pubsub_cluster_unsubscribe(of.cluster, "channel5"), 0);
    CHECK(receives(of.nodes[node_of("channel5", 3)], "~channel5"));
    cluster_receives_nothing(of.cluster);
    end(&of);
}

static void patterns_go_to_all_nodes(void)
{
    struct rig of = make(3);
    int i;
    CHECK_INT(slk_pubsub_cluster_psubscribe(of.cluster, "a?"), 0);
    for (i = 0; i < 3; ++i)
        CHECK(receives(of.nodes[i], "\1"));
    for (i = 0; i < 3; ++i) {
        CHECK(sends(of.nodes[i], "abc|no"));
        CHECK(sends(of.nodes[i], "ab|yes"));
        CHECK(cluster_receives(of.cluster, "ab", "yes"));
    }
    CHECK_INT(slk_pubsub_cluster_punsubscribe(of.cluster, "a?"), 0);
    for (i = 0; i < 3; ++i)
        CHECK(receives(of.nodes[i], "~"));
    CHECK_INT(slk_pubsub_cluster_psubscribe(of.cluster, "[a"), -1);
    end(&of);
}

static void subscriptions_wait_for_nodes(void)
{
    struct rig of = make(0);
    CHECK_INT(slk_pubsub_cluster_subscribe(of.cluster, "early"), 0);
    CHECK_INT(slk_pubsub_cluster_subscribe(of.cluster, "gone"), 0);
    CHECK_INT(slk_pubsub_cluster_unsubscribe(of.cluster, "gone"), 0);
    CHECK_INT(slk_pubsub_cluster_psubscribe(of.cluster, "p*"), 0);
    CHECK_INT(slk_pubsub_cluster_punsubscribe(of.cluster, "p*"), 0);
    cluster_receives_nothing(of.cluster);
    of.nodes[0] = open_socket(of.nodes_ctx, SLK_XPUB);
    bind_tcp(of.nodes[0], of.endpoints[0]);
    CHECK_INT(slk_pubsub_cluster_add_node(of.cluster, of.endpoints[0]), 0);
    CHECK(receives(of.nodes[0], "\1early"));
    CHECK(sends(of.nodes[0], "early|1"));
    CHECK(cluster_receives(of.cluster, "early", "1"));
    CHECK(receives_nothing(of.nodes[0]));
    end(&of);
}

static void channels_move_with_the_nodes(void)
{
    struct rig of = make(2);
    char channel[32];
    int i = 0;
    /* A channel of the second node, which the first one takes over when that goes. */
    do
        snprintf(channel, sizeof channel, "moving%d", i++);
    while (node_of(channel, 2) != 1);
    CHECK_INT(slk_pubsub_cluster_subscribe(of.cluster, channel), 0);
    CHECK(until_topics(of.nodes[1], 1));
    CHECK_INT(slk_pubsub_cluster_remove_node(of.cluster, of.endpoints[1]), 0);
    CHECK(until_topics(of.nodes[0], 1));
    CHECK(until_topics(of.nodes[1], 0));
    CHECK_INT(slk_pubsub_cluster_add_node(of.cluster, of.endpoints[1]), 0);
    CHECK(until_topics(of.nodes[1], 1));
    CHECK(until_topics(of.nodes[0], 0));
    end(&of);
}

static void messages_are_published_upstream(void)
{
    struct rig of = make(3);
    char channel[16], text[32];
    int i;
    /* All nodes are there. */
    CHECK_INT(slk_pubsub_cluster_psubscribe(of.cluster, "all*"), 0);
    for (i = 0; i < 3; ++i)
        CHECK(receives(of.nodes[i], "\1"));
    for (i = 0; i < 12; ++i) {
        snprintf(channel, sizeof channel, "channel%d", i);
        snprintf(text, sizeof text, "channel%d|da~ta", i);
        REQUIRE_INT(slk_pubsub_cluster_publish(of.cluster, channel, "da\0ta", 5), 0);
        CHECK(receives(of.nodes[node_of(channel, 3)], text));
    }
    CHECK_INT(slk_pubsub_cluster_publish(of.cluster, "channel0", NULL, 0), 0);
    CHECK(receives(of.nodes[node_of("channel0", 3)], "channel0|"));
    for (i = 0; i < 3; ++i)
        CHECK(receives_nothing(of.nodes[i]));
    end(&of);
    of = make(0);
    CHECK_FAILS(slk_pubsub_cluster_publish(of.cluster, "a", "1", 1), SLK_EHOSTUNREACH);
    end(&of);
}

static void receiving_has_its_room(void)
{
    struct rig of = make(1);
    char channel[64] = "", data[64] = "";
    size_t channel_size = 4, data_size = 2;
    CHECK_INT(slk_pubsub_cluster_subscribe(of.cluster, "channel"), 0);
    CHECK(receives(of.nodes[0], "\1channel"));
    CHECK(sends(of.nodes[0], "channel|12345"));
    /* Blocking. The sizes are the full ones, as slk_recv() returns them; no more is stored. */
    CHECK_INT(slk_pubsub_cluster_recv(of.cluster, channel, &channel_size, data, &data_size, 0), 5);
    CHECK_BYTES(channel, 5, "chan", 5);
    CHECK_BYTES(data, 3, "12", 3);
    end(&of);
}

static void destroy_later(void* ctx)
{
    sleep_ms(20);
    slk_ctx_destroy(ctx);
}

static void receiving_ends_with_the_context(void)
{
    struct rig of = make(1);
    char channel[8], data[8];
    size_t channel_size = sizeof channel, data_size = sizeof data;
    test_thread* thread;
    CHECK_INT(slk_pubsub_cluster_subscribe(of.cluster, "channel"), 0);
    thread = thread_start(destroy_later, of.ctx);
    CHECK_FAILS(slk_pubsub_cluster_recv(of.cluster, channel, &channel_size, data, &data_size, 0),
                SLK_ETERM);
    thread_join(thread);
    slk_pubsub_cluster_destroy(&of.cluster);
    slk_ctx_destroy(of.nodes_ctx);
}

static void arguments_are_needed(void)
{
    struct rig of = make(0);
    char text[8];
    char** nodes = NULL;
    size_t size = sizeof text, count = 0;
    slk_pubsub_cluster_t* none = NULL;
    CHECK_NULL(slk_pubsub_cluster_new(NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_add_node(none, "tcp://127.0.0.1:1"), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_add_node(of.cluster, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_remove_node(none, "tcp://127.0.0.1:1"), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_remove_node(of.cluster, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_nodes(none, &nodes, &count), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_nodes(of.cluster, NULL, &count), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_nodes(of.cluster, &nodes, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_subscribe(none, "a"), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_subscribe(of.cluster, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_unsubscribe(none, "a"), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_unsubscribe(of.cluster, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_psubscribe(none, "a"), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_psubscribe(of.cluster, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_punsubscribe(none, "a"), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_punsubscribe(of.cluster, NULL), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_publish(none, "a", "1", 1), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_publish(of.cluster, NULL, "1", 1), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_publish(of.cluster, "a", NULL, 1), SLK_EINVAL);
    CHECK_FAILS(slk_pubsub_cluster_recv(none, text, &size, text, &size, SLK_DONTWAIT), SLK_EINVAL);
    end(&of);
}

CASES(cluster) = {
    {"a cluster's nodes are added and removed", nodes_are_added_and_removed},
    {"channels go to the nodes that own their slots", channels_go_to_their_nodes},
    {"patterns go to all nodes", patterns_go_to_all_nodes},
    {"subscriptions wait for nodes", subscriptions_wait_for_nodes},
    {"channels move when nodes come and go", channels_move_with_the_nodes},
    {"messages are published upstream, to their node", messages_are_published_upstream},
    {"a cluster stores no more than there is room for", receiving_has_its_room},
    {"receiving from a cluster ends with the context", receiving_ends_with_the_context},
    {"a cluster checks its arguments", arguments_are_needed},
    END_OF_CASES,
};
