// SPDX-License-Identifier: MPL-2.0

// Contexts, and the handles of their sockets.

#include "base/try_allocate.hpp"
#include "capi/handles.hpp"

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstring>
#include <new>
#include <thread>

namespace slk::capi {

namespace {

constexpr int socket_limit = 65535;
constexpr std::size_t max_prefix = 16;

constinit handle_pool<slk_socket_t> free_handles;
constinit handle_pool<slk_ctx_t> free_contexts;

constexpr std::chrono::microseconds time_to_look(100);

/// Waits until `is_over` returns true.
template <class Condition>
void wait_until(Condition is_over)
{
    while (!is_over())
        std::this_thread::sleep_for(time_to_look);
}

/// The caller has taken it out of its context, and no thread is in a call on it.
void release(slk_socket_t& which, duration linger)
{
    which.monitor.reset();
    which.socket->close_in_background(linger);
    which.socket.reset();
    which.values = {};
    which.next_peer = {};
    which.context = nullptr;
    which.busy.store(false, std::memory_order_relaxed);
    which.tag.store(handle_tag::none, std::memory_order_release);
    free_handles.give_back(which);
}

void take_out(slk_socket_t& which) noexcept
{
    slk_ctx_t& from = *which.context;
    (which.before != nullptr ? which.before->next : from.first) = which.next;
    if (which.next != nullptr)
        which.next->before = which.before;
    which.next = which.before = nullptr;
}

void end_context(slk_ctx_t& which)
{
    slk_socket_t* sockets = nullptr;
    {
        const std::lock_guard lock(which.guard);
        which.ending = true;
        which.gate.shut();
        if (which.made)
            which.made->shutdown();
        for (slk_socket_t* each = which.first; each != nullptr; each = each->next)
            each->tag.store(handle_tag::ending, std::memory_order_release);
        sockets = std::exchange(which.first, nullptr);
    }
    io::os::heavy_barrier();
    // The end of one socket must not let a call on another one succeed.
    for (const slk_socket_t* each = sockets; each != nullptr; each = each->next)
        wait_until([&] { return !each->busy.load(std::memory_order_acquire); });
    for (slk_socket_t* each = sockets; each != nullptr;) {
        slk_socket_t* const next = each->next;
        release(*each, duration::zero());
        each = next;
    }
    wait_until([&] { return which.gate.is_empty(); });
    if (which.made)
        (void)which.made->wait_closed();
}

} // namespace

result<context*> context_of(slk_ctx_t& of)
{
    const std::lock_guard lock(of.guard);
    if (of.ending)
        return fail(errc::cancelled, phase::setup);
    if (!of.made) {
        io::os::prepare_barriers();
        SLK_TRY(context_options wanted, to_context_options(of.values));
        SLK_TRY(of.made, context::create(std::move(wanted)));
    }
    return &*of.made;
}

slk_socket_t* open_socket(slk_ctx_t& in, int type)
{
    if (type < SLK_PAIR || type > SLK_XSUB) {
        fail_with(SLK_EINVAL);
        return nullptr;
    }
    const auto refuse = [](const error& why) {
        fail_with(code_of(why));
        return nullptr;
    };
    const auto within = context_of(in);
    if (!within)
        return refuse(within.error());
    slk_socket_t* const made = free_handles.take();
    if (made == nullptr)
        return refuse({errc::out_of_memory});
    const auto which = static_cast<socket_type>(type);
    const auto open = [&]() -> result<void> {
        const std::lock_guard lock(in.guard);
        if (in.ending)
            return fail(errc::cancelled, phase::setup);
        set_defaults(made->values, which, in.values);
        SLK_TRY(const socket_options options, to_socket_options(made->values, which, in.values));
        SLK_TRY(made->socket, frame_socket::create(**within, which, options));
        made->context = &in;
        made->before = nullptr;
        made->next = in.first;
        if (in.first != nullptr)
            in.first->before = made;
        in.first = made;
        made->tag.store(handle_tag::socket, std::memory_order_release);
        return {};
    };
    if (const auto opened = open(); !opened) {
        free_handles.give_back(*made);
        return refuse(opened.error());
    }
    return made;
}

int close_socket(slk_socket_t* which)
{
    std::optional<socket_call> call(which);
    if (call->code() != 0)
        return call->code();
    slk_ctx_t& in = *which->context;
    const int linger = which->values[int_option::linger];
    {
        const std::lock_guard lock(in.guard);
        // Its context ends at this moment, and closes it.
        if (which->tag.load(std::memory_order_relaxed) != handle_tag::socket)
            return SLK_ETERM;
        which->tag.store(handle_tag::none, std::memory_order_release);
        take_out(*which);
        (void)in.gate.enter(); // it is not shut yet: the end of the context waits
    }
    call.reset();
    release(*which, linger < 0 ? duration::max() : std::chrono::milliseconds(linger));
    in.gate.leave();
    return 0;
}

namespace {

/// The caller holds the guard.
int set_context_option(context_values& to, int option, int value)
{
    const auto store = [&](int& into, int min, int max) {
        if (value < min || value > max)
            return fail_with(SLK_EINVAL);
        into = value;
        return 0;
    };
    switch (option) {
    case SLK_IO_THREADS: return store(to.io_threads, 0, INT_MAX);
    case SLK_MAX_SOCKETS: return store(to.max_sockets, 1, socket_limit);
    case SLK_THREAD_SCHED_POLICY: return store(to.sched_policy, 0, INT_MAX);
    case SLK_THREAD_PRIORITY: return store(to.priority, 0, INT_MAX);
    case SLK_MAX_MSGSZ: return store(to.max_message_size, 0, INT_MAX);
    case unnamed::ipv6: return store(to.ipv6, 0, 1);
    case unnamed::blocky: return store(to.blocky, 0, 1);
    case SLK_THREAD_AFFINITY_CPU_ADD:
        if (value < 0)
            return fail_with(SLK_EINVAL);
        if (std::ranges::find(to.processors, value) == to.processors.end() &&
            !try_push_back(to.processors, value))
            return fail_with(SLK_ENOMEM);
        return 0;
    case SLK_THREAD_AFFINITY_CPU_REMOVE:
        return std::erase(to.processors, value) > 0 ? 0 : fail_with(SLK_EINVAL);
    default: return fail_with(SLK_EINVAL);
    }
}

std::optional<int> get_context_option(const context_values& from, int option) noexcept
{
    switch (option) {
    case SLK_IO_THREADS: return from.io_threads;
    case SLK_MAX_SOCKETS: return from.max_sockets;
    case SLK_SOCKET_LIMIT: return socket_limit;
    case SLK_THREAD_SCHED_POLICY: return from.sched_policy;
    case SLK_THREAD_PRIORITY: return from.priority;
    case SLK_MAX_MSGSZ: return from.max_message_size;
    case SLK_MSG_T_SIZE: return static_cast<int>(sizeof(slk_msg_t));
    case unnamed::ipv6: return from.ipv6;
    case unnamed::blocky: return from.blocky;
    default: return std::nullopt;
    }
}

} // namespace

} // namespace slk::capi

using namespace slk::capi;

slk_ctx_t* slk_ctx_new(void)
{
    slk_ctx_t* const made = free_contexts.take();
    if (made == nullptr) {
        fail_with(SLK_ENOMEM);
        return nullptr;
    }
    made->values = {};
    made->ending = false;
    made->gate.open();
    made->tag.store(handle_tag::context, std::memory_order_release);
    return made;
}

void slk_ctx_destroy(slk_ctx_t* ctx)
{
    if (!is_context(ctx))
        return;
    end_context(*ctx);
    ctx->tag.store(handle_tag::none, std::memory_order_release);
    ctx->made.reset();
    free_contexts.give_back(*ctx);
}

int slk_ctx_set(slk_ctx_t* ctx, int option, const void* value, size_t len)
{
    const context_call call(ctx);
    if (call.code() != 0 || value == nullptr)
        return fail_with(call.code() != 0 ? call.code() : SLK_EINVAL);
    const std::lock_guard lock(ctx->guard);
    if (option == SLK_THREAD_NAME_PREFIX) {
        std::string_view text(static_cast<const char*>(value), len);
        if (text.empty() || text.size() > max_prefix)
            return fail_with(SLK_EINVAL);
        if (text.back() == '\0')
            text.remove_suffix(1);
        return slk::try_assign(ctx->values.name_prefix, text) ? 0 : fail_with(SLK_ENOMEM);
    }
    if (len != sizeof(int))
        return fail_with(SLK_EINVAL);
    int number = 0;
    std::memcpy(&number, value, sizeof number);
    return set_context_option(ctx->values, option, number);
}

int slk_ctx_get(slk_ctx_t* ctx, int option, void* value, size_t* len)
{
    const context_call call(ctx);
    if (call.code() != 0 || value == nullptr || len == nullptr)
        return fail_with(call.code() != 0 ? call.code() : SLK_EINVAL);
    const std::lock_guard lock(ctx->guard);
    if (option == SLK_THREAD_NAME_PREFIX) {
        const std::string& text = ctx->values.name_prefix;
        if (*len < text.size() + 1)
            return fail_with(SLK_EINVAL);
        std::memcpy(value, text.c_str(), text.size() + 1);
        *len = text.size() + 1;
        return 0;
    }
    const auto found = get_context_option(ctx->values, option);
    if (!found || *len != sizeof(int))
        return fail_with(SLK_EINVAL);
    std::memcpy(value, &*found, sizeof(int));
    return 0;
}
