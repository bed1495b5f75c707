// SPDX-License-Identifier: MPL-2.0

// Publish and subscribe, extended: what is subscribed to, shards, brokers and clusters.

#include <serverlink/introspection.hpp>
#include <serverlink/pubsub_broker.hpp>
#include <serverlink/pubsub_cluster.hpp>
#include <serverlink/sharded_pubsub.hpp>

#include "base/try_allocate.hpp"
#include "capi/handles.hpp"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace slk::capi {

/// A part of the C++ API, and its context, which may be destroyed before it.
template <class Part>
struct module {
    slk_ctx_t* context;
    Part part;
};

namespace {

/// Calls `what` with the part, unless the handle is null or the context is being destroyed. Returns
/// as it does: -1, and slk_errno() is set, if it could not be called.
template <class Module, class Call>
int use(Module* of, Call what)
{
    if (of == nullptr)
        return fail_with(SLK_EINVAL);
    const context_call call(of->context);
    return call.code() == 0 ? what(of->part) : fail_with(SLK_ETERM);
}

template <class Module>
int destroy(Module** of)
{
    if (of == nullptr || *of == nullptr)
        return fail_with(SLK_EINVAL);
    delete *of;
    *of = nullptr;
    return 0;
}

/// `create` makes the part in the context. Null, and slk_errno() is set.
template <class Module, class Create>
Module* make(slk_ctx_t* ctx, Create create)
{
    const auto refuse = [](int code) {
        fail_with(code);
        return nullptr;
    };
    const context_call call(ctx);
    if (call.code() != 0)
        return refuse(call.code());
    const auto within = context_of(*ctx);
    if (!within)
        return refuse(code_of(within.error()));
    auto part = create(**within);
    if (!part)
        return refuse(code_of(part.error()));
    auto* const made = new (std::nothrow) Module{{ctx, std::move(*part)}};
    return made != nullptr ? made : refuse(SLK_ENOMEM);
}

/// Calls `what` with the C++ context.
template <class Call>
int use_context(slk_ctx_t* ctx, Call what)
{
    const context_call call(ctx);
    if (call.code() != 0)
        return fail_with(call.code());
    const auto within = context_of(*ctx);
    return within ? what(**within) : fail_with(code_of(within.error()));
}

bool is_channel(const char* name) noexcept
{
    return name != nullptr && *name != 0;
}

void free_texts(char** texts, std::size_t count) noexcept
{
    if (texts == nullptr)
        return;
    for (std::size_t index = 0; index < count; ++index)
        std::free(texts[index]);
    std::free(texts);
}

/// Copies of texts, in memory of malloc(): 0, or -1 when it is exhausted.
int give_texts(const std::vector<std::string>& from, char*** texts, std::size_t* count) noexcept
{
    auto** const made =
        static_cast<char**>(std::calloc(std::max<std::size_t>(from.size(), 1), sizeof(char*)));
    if (made == nullptr)
        return fail_with(SLK_ENOMEM);
    for (std::size_t index = 0; index < from.size(); ++index) {
        const std::string& text = from[index];
        made[index] = static_cast<char*>(std::malloc(text.size() + 1));
        if (made[index] == nullptr) {
            free_texts(made, index);
            return fail_with(SLK_ENOMEM);
        }
        std::memcpy(made[index], text.c_str(), text.size() + 1);
    }
    *texts = made;
    *count = from.size();
    return 0;
}

/// The options that a new socket of that type would have.
socket_options options_of(socket_type type, slk_ctx_t& in)
{
    const std::lock_guard lock(in.guard);
    socket_values values;
    set_defaults(values, type, in.values);
    // It has no texts.
    return to_socket_options(values, type, in.values).value_or(socket_options{});
}

} // namespace

} // namespace slk::capi

struct slk_sharded_pubsub_t : slk::capi::module<slk::sharded_pubsub> {};
struct slk_pubsub_broker_t : slk::capi::module<slk::pubsub_broker> {};
struct slk_pubsub_cluster_t : slk::capi::module<slk::pubsub_cluster> {};

using namespace slk::capi;

// --- what is subscribed to ---

int slk_pubsub_channels(slk_ctx_t* ctx, const char* pattern, char*** channels, size_t* count)
{
    if (channels == nullptr || count == nullptr)
        return fail_with(SLK_EINVAL);
    return use_context(ctx, [&](slk::context& in) {
        const auto topics = slk::subscribed_topics(in, pattern != nullptr ? pattern : "");
        return topics ? give_texts(*topics, channels, count) : answer(topics);
    });
}

void slk_pubsub_channels_free(char** channels, size_t count)
{
    free_texts(channels, count);
}

int slk_pubsub_numsub(slk_ctx_t* ctx, const char** channels, size_t count, size_t* numsub)
{
    if ((channels == nullptr || numsub == nullptr) && count > 0)
        return fail_with(SLK_EINVAL);
    return use_context(ctx, [&](slk::context& in) {
        for (std::size_t index = 0; index < count; ++index) {
            if (channels[index] == nullptr)
                return fail_with(SLK_EINVAL);
            const auto found = slk::subscriber_count(in, channels[index]);
            if (!found)
                return answer(found);
            numsub[index] = *found;
        }
        return 0;
    });
}

int slk_pubsub_numpat(slk_ctx_t* ctx)
{
    return use_context(ctx, [](slk::context& in) {
        const auto found = slk::pattern_count(in);
        return found ? static_cast<int>(std::min<std::size_t>(*found, INT_MAX)) : answer(found);
    });
}

// --- shards ---

slk_sharded_pubsub_t* slk_sharded_pubsub_new(slk_ctx_t* ctx, int shard_count)
{
    if (shard_count < 1) {
        fail_with(SLK_EINVAL);
        return nullptr;
    }
    return make<slk_sharded_pubsub_t>(ctx, [&](slk::context& in) {
        return slk::sharded_pubsub::create(in, static_cast<std::size_t>(shard_count),
                                           options_of(slk::socket_type::pub, *ctx));
    });
}

int slk_sharded_pubsub_destroy(slk_sharded_pubsub_t** shards)
{
    return destroy(shards);
}

int slk_spublish(slk_sharded_pubsub_t* shards, const char* channel, const void* data, size_t len)
{
    if (!is_channel(channel) || (data == nullptr && len > 0))
        return fail_with(SLK_EINVAL);
    return use(shards, [&](slk::sharded_pubsub& at) {
        const auto sent = at.publish(channel, bytes_of(data, len));
        return sent ? static_cast<int>(std::min<std::size_t>(len, INT_MAX)) : answer(sent);
    });
}

namespace {

template <class Change>
int change_shards(slk_sharded_pubsub_t* shards, slk_socket_t* sub, const char* channel,
                  Change change)
{
    const socket_call call(sub);
    if (call.code() != 0 || !is_channel(channel))
        return fail_with(call.code() != 0 ? call.code() : SLK_EINVAL);
    return use(shards,
               [&](slk::sharded_pubsub& at) { return answer(change(at, call.socket(), channel)); });
}

} // namespace

int slk_ssubscribe(slk_sharded_pubsub_t* shards, slk_socket_t* sub, const char* channel)
{
    return change_shards(shards, sub, channel, [](auto& at, slk::frame_socket& by, auto name) {
        return at.subscribe(by, name);
    });
}

int slk_sunsubscribe(slk_sharded_pubsub_t* shards, slk_socket_t* sub, const char* channel)
{
    return change_shards(shards, sub, channel, [](auto& at, slk::frame_socket& by, auto name) {
        return at.unsubscribe(by, name);
    });
}

int slk_sharded_pubsub_set_hwm(slk_sharded_pubsub_t* shards, int hwm)
{
    if (hwm < 0)
        return fail_with(SLK_EINVAL);
    return use(shards, [&](slk::sharded_pubsub& at) {
        return answer(at.set_send_high_water_mark(static_cast<std::uint32_t>(hwm)));
    });
}

// --- brokers ---

slk_pubsub_broker_t* slk_pubsub_broker_new(slk_ctx_t* ctx, const char* frontend,
                                           const char* backend)
{
    if (frontend == nullptr || backend == nullptr) {
        fail_with(SLK_EINVAL);
        return nullptr;
    }
    return make<slk_pubsub_broker_t>(ctx, [&](slk::context& in) {
        return slk::pubsub_broker::create(in, frontend, backend,
                                          {.bind_at_start = true,
                                           .of_frontend = options_of(slk::socket_type::xsub, *ctx),
                                           .of_backend = options_of(slk::socket_type::xpub, *ctx)});
    });
}

int slk_pubsub_broker_run(slk_pubsub_broker_t* broker)
{
    return use(broker, [](slk::pubsub_broker& which) { return answer(which.run()); });
}

int slk_pubsub_broker_start(slk_pubsub_broker_t* broker)
{
    return use(broker, [](slk::pubsub_broker& which) { return answer(which.start()); });
}

int slk_pubsub_broker_stop(slk_pubsub_broker_t* broker)
{
    if (broker == nullptr)
        return fail_with(SLK_EINVAL);
    broker->part.stop();
    return 0;
}

int slk_pubsub_broker_destroy(slk_pubsub_broker_t** broker)
{
    return destroy(broker);
}

int slk_pubsub_broker_stats(slk_pubsub_broker_t* broker, size_t* messages)
{
    if (broker == nullptr || messages == nullptr)
        return fail_with(SLK_EINVAL);
    *messages = static_cast<std::size_t>(broker->part.messages());
    return 0;
}

// --- clusters ---

slk_pubsub_cluster_t* slk_pubsub_cluster_new(slk_ctx_t* ctx)
{
    return make<slk_pubsub_cluster_t>(ctx, [&](slk::context& in) {
        return slk::pubsub_cluster::create(in, options_of(slk::socket_type::xsub, *ctx));
    });
}

void slk_pubsub_cluster_destroy(slk_pubsub_cluster_t** cluster)
{
    (void)destroy(cluster);
}

namespace {

/// `call` is called with the cluster and the text.
template <class Call>
int use_cluster(slk_pubsub_cluster_t* cluster, const char* text, Call call)
{
    if (text == nullptr)
        return fail_with(SLK_EINVAL);
    return use(cluster, [&](slk::pubsub_cluster& at) { return answer(call(at, text)); });
}

} // namespace

int slk_pubsub_cluster_add_node(slk_pubsub_cluster_t* cluster, const char* endpoint)
{
    return use_cluster(cluster, endpoint,
                       [](auto& at, const char* text) { return at.add_node(text); });
}

int slk_pubsub_cluster_remove_node(slk_pubsub_cluster_t* cluster, const char* endpoint)
{
    return use_cluster(cluster, endpoint,
                       [](auto& at, const char* text) { return at.remove_node(text); });
}

int slk_pubsub_cluster_nodes(slk_pubsub_cluster_t* cluster, char*** nodes, size_t* count)
{
    if (nodes == nullptr || count == nullptr)
        return fail_with(SLK_EINVAL);
    return use(cluster, [&](slk::pubsub_cluster& at) {
        const auto found = at.nodes();
        return found ? give_texts(*found, nodes, count) : answer(found);
    });
}

void slk_pubsub_cluster_nodes_free(char** nodes, size_t count)
{
    free_texts(nodes, count);
}

int slk_pubsub_cluster_subscribe(slk_pubsub_cluster_t* cluster, const char* channel)
{
    return use_cluster(cluster, channel,
                       [](auto& at, const char* text) { return at.subscribe(text); });
}

int slk_pubsub_cluster_unsubscribe(slk_pubsub_cluster_t* cluster, const char* channel)
{
    return use_cluster(cluster, channel,
                       [](auto& at, const char* text) { return at.unsubscribe(text); });
}

int slk_pubsub_cluster_psubscribe(slk_pubsub_cluster_t* cluster, const char* pattern)
{
    return use_cluster(cluster, pattern,
                       [](auto& at, const char* text) { return at.psubscribe(text); });
}

int slk_pubsub_cluster_punsubscribe(slk_pubsub_cluster_t* cluster, const char* pattern)
{
    return use_cluster(cluster, pattern,
                       [](auto& at, const char* text) { return at.punsubscribe(text); });
}

int slk_pubsub_cluster_publish(slk_pubsub_cluster_t* cluster, const char* channel, const void* data,
                               size_t len)
{
    if (!is_channel(channel) || (data == nullptr && len > 0))
        return fail_with(SLK_EINVAL);
    return use(cluster, [&](slk::pubsub_cluster& at) {
        return answer(at.publish(channel, bytes_of(data, len)));
    });
}

int slk_pubsub_cluster_recv(slk_pubsub_cluster_t* cluster, char* channel, size_t* channel_len,
                            void* data, size_t* data_len, int flags)
{
    const auto is_room = [](const void* into, const std::size_t* size) {
        return size != nullptr && (into != nullptr || *size == 0);
    };
    if (!is_room(channel, channel_len) || !is_room(data, data_len))
        return fail_with(SLK_EINVAL);
    return use(cluster, [&](slk::pubsub_cluster& at) {
        slk::message name, body;
        const auto received = at.receive(name, body, limit_of(-1, flags));
        if (!received)
            return answer(received);
        const auto store = [](const slk::message& from, void* into, std::size_t* size) {
            if (const std::size_t stored = std::min(from.size(), *size); stored > 0)
                std::memcpy(into, from.data(), stored);
            *size = from.size();
        };
        store(name, channel, channel_len);
        store(body, data, data_len);
        return static_cast<int>(std::min<std::size_t>(body.size(), INT_MAX));
    });
}
