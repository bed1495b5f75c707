// SPDX-License-Identifier: MPL-2.0

// Contexts: their life, and their options.

#include "libzmq/context.hpp"

#include <libzmq/zmq.h>

#include "base/try_allocate.hpp"
#include "libzmq/errors.hpp"
#include "libzmq/registry.hpp"

#include <algorithm>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace slk::libzmq {

namespace {

constexpr int socket_limit = 65535;

constinit registry<context, 16384> contexts;

/// Errors: out_of_memory.
result<context_options> to_options(const context_values& from)
{
    context_options made;
    // Without threads of its own each thread would have to run the loop; inproc needs none.
    made.threads = std::clamp(from.io_threads, 1, max_threads);
    made.max_sockets = static_cast<std::size_t>(from.max_sockets);
    made.max_memory = 0;
    made.thread.policy = from.sched_policy;
    made.thread.priority = from.priority;
    if (!try_assign(made.thread.name_prefix, from.name_prefix_text) ||
        !try_assign(made.thread.cpus, from.processors))
        return slk::fail(errc::out_of_memory, phase::setup);
    if (const char* const backend = std::getenv("SERVERLINK_BACKEND");
        backend != nullptr && !try_assign(made.loop.backend, backend))
        return slk::fail(errc::out_of_memory, phase::setup);
    return made;
}

} // namespace

// --- life ---

context* context::find(const void* handle) noexcept
{
    return contexts.find(handle);
}

void* context::create() noexcept
{
    auto* const made = new (std::nothrow) context;
    if (made == nullptr) {
        errno = ENOMEM;
        return nullptr;
    }
    void* const handle = contexts.add(*made);
    if (handle == nullptr) {
        delete made;
        errno = EMFILE;
    }
    return handle;
}

int context::terminate(void* handle) noexcept
{
    context* const found = find(handle);
    if (found == nullptr)
        return EFAULT;
    found->shut_down();
    if (!found->wait_for_sockets() || !found->wait_for_background())
        return EINTR;
    delete contexts.remove(handle);
    return 0;
}

void context::shut_down() noexcept
{
    const std::lock_guard lock(guard_);
    ending_ = true;
    if (made_)
        made_->shutdown();
}

/// False: a handler of a signal has run.
bool context::wait_for_sockets() noexcept
{
    // Another thread that terminates it too may have had the wake.
    constexpr std::chrono::milliseconds max_nap(100);
    for (;;) {
        {
            std::unique_lock lock(guard_);
            if (open_ == 0)
                return true;
            if (!nap_.prepare()) {
                change_.wait(lock);
                continue;
            }
        }
        if (nap_.sleep(max_nap))
            return false;
    }
}

bool context::wait_for_background() noexcept
{
    if (!made_)
        return true;
    const auto waited = made_->wait_closed({}, true);
    return waited || waited.error() != errc::interrupted;
}

result<slk::context*> context::made()
{
    const std::lock_guard lock(guard_);
    if (ending_)
        return slk::fail(errc::cancelled, phase::setup);
    if (!made_) {
        SLK_TRY(context_options wanted, to_options(values_));
        SLK_TRY(made_, slk::context::create(std::move(wanted)));
    }
    return &*made_;
}

result<void> context::socket_opened() noexcept
{
    const std::lock_guard lock(guard_);
    if (ending_)
        return slk::fail(errc::cancelled, phase::setup);
    ++open_;
    return {};
}

void context::socket_closed() noexcept
{
    const std::lock_guard lock(guard_);
    --open_;
    // Under the lock: the thread that it wakes may destroy the context as soon as it has it.
    nap_.wake();
    change_.notify_all();
}

// --- options ---

int context::set(int option, int value) noexcept
{
    const std::lock_guard lock(guard_);
    const auto store = [&](int& into, int min, int max = INT_MAX) {
        if (value < min || value > max)
            return fail(EINVAL);
        into = value;
        return 0;
    };
    switch (option) {
    case ZMQ_IO_THREADS: return store(values_.io_threads, 0);
    case ZMQ_MAX_SOCKETS: return store(values_.max_sockets, 1, socket_limit);
    case ZMQ_THREAD_PRIORITY: return store(values_.priority, 0);
    case ZMQ_THREAD_SCHED_POLICY: return store(values_.sched_policy, 0);
    case ZMQ_MAX_MSGSZ: return store(values_.max_message_size, 0);
    case ZMQ_THREAD_NAME_PREFIX:
        if (!try_assign(values_.name_prefix_text, number_text(value)))
            return fail(ENOMEM);
        values_.name_prefix = value;
        return 0;
    case ZMQ_THREAD_AFFINITY_CPU_ADD:
        if (value < 0)
            return fail(EINVAL);
        if (std::ranges::find(values_.processors, value) != values_.processors.end())
            return 0;
        return try_push_back(values_.processors, value) ? 0 : fail(ENOMEM);
    case ZMQ_THREAD_AFFINITY_CPU_REMOVE:
        return std::erase(values_.processors, value) > 0 ? 0 : fail(EINVAL);
    case ZMQ_IPV6:
        if (value < 0)
            return fail(EINVAL);
        values_.ipv6 = value != 0 ? 1 : 0;
        return 0;
    case ZMQ_BLOCKY:
        if (value < 0)
            return fail(EINVAL);
        values_.blocky = value != 0 ? 1 : 0;
        return 0;
    case zero_copy_receive_option:
        if (value < 0)
            return fail(EINVAL);
        values_.zero_copy_receive = value != 0 ? 1 : 0;
        return 0;
    default: return fail(EINVAL);
    }
}

int context::get(int option) noexcept
{
    const std::lock_guard lock(guard_);
    switch (option) {
    case ZMQ_IO_THREADS: return values_.io_threads;
    case ZMQ_MAX_SOCKETS: return values_.max_sockets;
    case ZMQ_SOCKET_LIMIT: return socket_limit;
    case ZMQ_THREAD_SCHED_POLICY: return values_.sched_policy;
    case ZMQ_MAX_MSGSZ: return values_.max_message_size;
    case ZMQ_MSG_T_SIZE: return static_cast<int>(sizeof(zmq_msg_t));
    case ZMQ_THREAD_NAME_PREFIX: return values_.name_prefix;
    case ZMQ_IPV6: return values_.ipv6;
    case ZMQ_BLOCKY: return values_.blocky;
    case zero_copy_receive_option: return values_.zero_copy_receive;
    default: return fail(EINVAL);
    }
}

} // namespace slk::libzmq

using slk::libzmq::context;
using slk::libzmq::fail;

void* zmq_ctx_new(void)
{
    return context::create();
}

int zmq_ctx_term(void* handle)
{
    const int wrong = context::terminate(handle);
    return wrong == 0 ? 0 : fail(wrong);
}

int zmq_ctx_shutdown(void* handle)
{
    context* const found = context::find(handle);
    if (found == nullptr)
        return fail(EFAULT);
    found->shut_down();
    return 0;
}

int zmq_ctx_set(void* handle, int option, int value)
{
    context* const found = context::find(handle);
    return found != nullptr ? found->set(option, value) : fail(EFAULT);
}

int zmq_ctx_get(void* handle, int option)
{
    context* const found = context::find(handle);
    return found != nullptr ? found->get(option) : fail(EFAULT);
}

// --- older names ---

void* zmq_init(int io_threads)
{
    if (io_threads < 0) {
        errno = EINVAL;
        return nullptr;
    }
    void* const made = context::create();
    if (made != nullptr)
        (void)zmq_ctx_set(made, ZMQ_IO_THREADS, io_threads);
    return made;
}

int zmq_term(void* handle)
{
    return zmq_ctx_term(handle);
}

int zmq_ctx_destroy(void* handle)
{
    return zmq_ctx_term(handle);
}
