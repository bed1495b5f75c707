// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_CAPI_HANDLES_HPP
#define SLK_CAPI_HANDLES_HPP

/// What the opaque types of the C API are, and how a call makes sure that its socket is one.

#include <serverlink/context.hpp>
#include <serverlink/events.hpp>
#include <serverlink/frame_socket.hpp>
#include <serverlink/message.hpp>
#include <serverlink/serverlink.h>

#include "capi/errors.hpp"
#include "capi/handle_pool.hpp"
#include "capi/options.hpp"
#include "io/os/process_barrier.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace slk::capi {

/// The calls that are inside of the library, but for those on sockets.
class call_gate {
public:
    /// Returns false once it is shut.
    [[nodiscard]] bool enter() noexcept
    {
        calls_.fetch_add(1);
        if (!shut_.load())
            return true;
        leave();
        return false;
    }
    void leave() noexcept { calls_.fetch_sub(1); }
    void shut() noexcept { shut_.store(true); }
    void open() noexcept { shut_.store(false); }
    [[nodiscard]] bool is_empty() const noexcept { return calls_.load() == 0; }

private:
    std::atomic<std::int64_t> calls_{0};
    std::atomic<bool> shut_{false};
};

} // namespace slk::capi

/// Of a handle_pool.
struct slk_ctx_t {
    std::atomic<slk::capi::handle_tag> tag{slk::capi::handle_tag::none};
    slk::capi::call_gate gate;
    std::mutex guard;
    slk::capi::context_values values; ///< guarded
    std::optional<slk::context> made; ///< guarded; with the first socket
    slk_socket_t* first = nullptr; ///< guarded: the open sockets
    bool ending = false; ///< guarded
    slk_ctx_t* next = nullptr;
};

/// Of a handle_pool. Each call writes to it: two sockets share no cache line, nor the pair of lines
/// that processors load together.
struct alignas(128) slk_socket_t {
    std::atomic<slk::capi::handle_tag> tag{slk::capi::handle_tag::none};
    std::atomic<bool> busy{false}; ///< a thread is in a call
    slk_ctx_t* context = nullptr;
    std::optional<slk::frame_socket> socket;
    slk::capi::socket_values values;
    std::string next_peer; ///< SLK_CONNECT_ROUTING_ID
    std::optional<slk::event_stream> monitor;
    slk_socket_t* next = nullptr; ///< of the context, or of those that are free
    slk_socket_t* before = nullptr;
};

struct slk_msg_t {
    slk::message body;
    std::uint32_t routing_id = 0;
    bool more = false;
};

namespace slk::capi {

/// A call on a socket: as long as it lives, slk_ctx_destroy() waits.
class socket_call {
public:
    explicit socket_call(slk_socket_t* of) noexcept : of_(of)
    {
        if (of == nullptr) {
            code_ = SLK_EINVAL;
            return;
        }
        // The handle may be another socket's soon: it is left alone.
        if (of->tag.load(std::memory_order_acquire) == handle_tag::none) [[unlikely]] {
            of_ = nullptr;
            code_ = SLK_ENOTSOCK;
            return;
        }
        nested_ = of->busy.load(std::memory_order_relaxed);
        of->busy.store(true, std::memory_order_relaxed);
        io::os::light_barrier();
        const handle_tag tag = of->tag.load(std::memory_order_acquire);
        if (tag != handle_tag::socket) [[unlikely]]
            code_ = tag == handle_tag::ending ? SLK_ETERM : SLK_ENOTSOCK;
    }
    socket_call(socket_call&& other) noexcept
        : of_(std::exchange(other.of_, nullptr)), nested_(other.nested_), code_(other.code_)
    {
    }
    socket_call& operator=(socket_call&&) = delete;
    ~socket_call()
    {
        if (of_ != nullptr && !nested_)
            of_->busy.store(false, std::memory_order_release);
    }

    /// 0: the socket may be used; else why not.
    [[nodiscard]] int code() const noexcept { return code_; }
    [[nodiscard]] frame_socket& socket() const noexcept { return *of_->socket; }

private:
    slk_socket_t* of_;
    bool nested_ = false;
    int code_ = 0;
};

[[nodiscard]] inline std::span<const std::byte> bytes_of(const void* data,
                                                         std::size_t size) noexcept
{
    return {static_cast<const std::byte*>(data), size};
}

/// How long a call may wait. `milliseconds`: as in SLK_RCVTIMEO.
[[nodiscard]] inline timeout limit_of(int milliseconds, int flags) noexcept
{
    if ((flags & SLK_DONTWAIT) != 0)
        return no_wait;
    if (milliseconds < 0)
        return {};
    return duration(std::chrono::milliseconds(milliseconds)); // which holds it
}

[[nodiscard]] inline bool is_context(const slk_ctx_t* ctx) noexcept
{
    return ctx != nullptr && ctx->tag.load(std::memory_order_acquire) == handle_tag::context;
}

/// A call on a context: as long as it lives, slk_ctx_destroy() waits.
class context_call {
public:
    explicit context_call(slk_ctx_t* of) noexcept : of_(is_context(of) ? of : nullptr)
    {
        if (of_ == nullptr) {
            code_ = SLK_EINVAL;
        } else if (!of_->gate.enter()) {
            of_ = nullptr;
            code_ = SLK_ETERM;
        }
    }
    context_call(const context_call&) = delete;
    context_call& operator=(const context_call&) = delete;
    ~context_call()
    {
        if (of_ != nullptr)
            of_->gate.leave();
    }
    /// 0: the context may be used; else why not.
    [[nodiscard]] int code() const noexcept { return code_; }

private:
    slk_ctx_t* of_;
    int code_ = 0;
};

/// Closes it, and takes it from its context. Returns 0, or the code of the error: it is not a
/// socket, or its context is being destroyed.
[[nodiscard]] int close_socket(slk_socket_t* which);
/// Another socket of the context; null, and slk_errno() is set.
[[nodiscard]] slk_socket_t* open_socket(slk_ctx_t& in, int type);

/// The C++ context of a context, which is made if it is not there yet. Errors: those of
/// context::create(); cancelled.
[[nodiscard]] result<context*> context_of(slk_ctx_t& of);

} // namespace slk::capi

#endif
