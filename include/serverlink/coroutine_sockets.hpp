// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_COROUTINE_SOCKETS_HPP
#define SERVERLINK_COROUTINE_SOCKETS_HPP

/// Sockets, clients and servers in tasks. Included by serverlink/coroutine.hpp.
///
/// The calls are those of the classes, with co_await in the place of a timeout; their results and
/// errors are the same, but for would_block and timed_out. `cancelled`: the task was cancelled, or
/// the context was shut down. invalid_state also if a task of another loop waits for the socket.
///
/// Sockets, and what else is given by reference, must stay where they are until the operation has
/// ended. A socket may be closed or destroyed meanwhile: the operation ends with invalid_state.
/// Several tasks of one loop may wait for one socket; they have their turns in order.

#include <serverlink/client.hpp>
#include <serverlink/coroutine_task.hpp>
#include <serverlink/pub.hpp>
#include <serverlink/server.hpp>
#include <serverlink/socket.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace slk {

namespace coroutine_detail {

/// The socket that an operation waits for.
class SLK_API socket_place {
public:
    explicit socket_place(messaging::socket_core* at) noexcept;
    socket_place(socket_place&& other) noexcept;
    socket_place& operator=(socket_place&&) = delete;
    ~socket_place();

    /// Errors: those of a call of the socket. Its handle may be gone then.
    [[nodiscard]] result<void> usable() const noexcept;
    /// The operation is woken when something has happened in the socket.
    [[nodiscard]] result<void> park(operation& which, bool receives) const noexcept;

private:
    messaging::socket_core* at_;
};

/// Calls `Try` until its result is not would_block.
template <class Result, class Try>
class socket_operation final : public operation_of<Result> {
    using base = operation_of<Result>;

public:
    socket_operation(messaging::socket_core* at, bool receives, Try what) noexcept
        : base(how), at_(at), receives_(receives), try_(std::move(what))
    {
    }
    socket_operation(socket_operation&& other) noexcept
        : base(std::move(other)), at_(std::move(other.at_)), receives_(other.receives_),
          try_(std::move(other.try_))
    {
    }
    socket_operation& operator=(socket_operation&&) = delete;
    ~socket_operation() { this->leave_strand(); }

private:
    static bool attempt(operation& self) noexcept
    {
        auto& one = static_cast<socket_operation&>(self);
        if (const auto usable = one.at_.usable(); !usable) {
            base::fail_with(self, usable.error());
            return true;
        }
        Result got = one.try_();
        if (!got && got.error() == errc::would_block)
            return false;
        one.outcome_.emplace(std::move(got));
        return true;
    }
    static result<void> park(operation& self) noexcept
    {
        auto& one = static_cast<socket_operation&>(self);
        return one.at_.park(self, one.receives_);
    }
    static constexpr typename operation::behaviour how{
        .attempt = &attempt, .park = &park, .unpark = nullptr, .end = &base::fail_with};

    socket_place at_;
    bool receives_;
    Try try_;
};

template <class Try>
[[nodiscard]] auto socket_call(messaging::socket_core* at, bool receives, Try what) noexcept
{
    return socket_operation<decltype(what()), Try>(at, receives, std::move(what));
}

template <class T>
concept any_socket = std::derived_from<T, slk::socket>;

/// Waits for the end of a request.
class SLK_API reply_operation : public operation_of<result<multipart>> {
public:
    explicit reply_operation(pending_reply& of) noexcept;
    reply_operation(reply_operation&& other) noexcept;
    reply_operation& operator=(reply_operation&&) = delete;
    ~reply_operation();

protected:
    /// `of` is set before the first attempt.
    reply_operation(const behaviour& other, messaging::socket_core* at) noexcept;
    static bool attempt(operation& self) noexcept;
    static result<void> park(operation& self) noexcept;
    static void unpark(operation& self) noexcept;

    pending_reply* of_ = nullptr;

private:
    static const behaviour how;

    socket_place at_;
    alarm due_;
};

/// Starts a request, and waits for its end. `Parts`: multipart&&, or std::string_view.
template <class Parts>
class request_operation final : public reply_operation {
public:
    request_operation(client& to, Parts parts, const request_options& options) noexcept
        : reply_operation(how, to.core()), to_(to), parts_(static_cast<Parts>(parts)),
          options_(options)
    {
    }
    request_operation(request_operation&& other) noexcept
        : reply_operation(std::move(other)), to_(other.to_),
          parts_(static_cast<Parts>(other.parts_)), options_(other.options_)
    {
    }
    request_operation& operator=(request_operation&&) = delete;
    ~request_operation() { leave_strand(); }

private:
    static bool attempt_to_ask(operation& self) noexcept
    {
        auto& one = static_cast<request_operation&>(self);
        if (one.of_ == nullptr) {
            auto started = one.to_.start(static_cast<Parts>(one.parts_), one.options_);
            if (!started) {
                fail_with(self, started.error());
                return true;
            }
            one.of_ = &one.started_.emplace(*std::move(started));
        }
        return attempt(self);
    }
    static void end(operation& self, const error& why) noexcept
    {
        fail_with(self, why);
        static_cast<request_operation&>(self).started_.reset();
    }
    static constexpr behaviour how{
        .attempt = &attempt_to_ask, .park = &park, .unpark = &unpark, .end = &end};

    client& to_;
    Parts parts_;
    request_options options_;
    std::optional<pending_reply> started_{};
};

} // namespace coroutine_detail

// co_await

/// Receives as from.receive(into..., timeout). A message that has arrived, and was not received
/// when the operation is cancelled or destroyed, stays in the socket.
template <coroutine_detail::any_socket Socket, class... Into>
[[nodiscard]] auto async_receive(Socket& from, Into&... into) noexcept
{
    return coroutine_detail::socket_call(
        from.core(), true, [&from, all = std::tuple<Into&...>(into...)] {
            return std::apply([&from](auto&... each) { return from.receive(each..., no_wait); },
                              all);
        });
}

/// Waits for one part, and receives what else has arrived, as from.receive_batch().
template <coroutine_detail::any_socket Socket>
[[nodiscard]] auto async_receive_batch(Socket& from, received_batch& into, std::size_t max) noexcept
{
    return coroutine_detail::socket_call(
        from.core(), true, [&from, &into, max] { return from.receive_batch(into, max, no_wait); });
}

/// Sends as to.send(what..., timeout): waits until there is room. On an error a message is still
/// the caller's.
template <coroutine_detail::any_socket Socket, class... What>
[[nodiscard]] auto async_send(Socket& to, What&&... what) noexcept
{
    return coroutine_detail::socket_call(
        to.core(), false,
        [&to, all = std::tuple<What&&...>(std::forward<What>(what)...)]() mutable {
            return std::apply(
                [&to](auto&... each) { return to.send(static_cast<What&&>(each)..., no_wait); },
                all);
        });
}

/// Waits as socket::wait_ready(), client::wait_ready() or server::wait_ready().
template <class Socket>
    requires requires(Socket& which) { which.wait_ready(no_wait); }
[[nodiscard]] auto async_wait_ready(Socket& which) noexcept
{
    return coroutine_detail::socket_call(which.core(), false,
                                         [&which] { return which.wait_ready(no_wait); });
}

/// Waits as pub::wait_subscribers(). The topic must live until then.
template <coroutine_detail::any_socket Publisher>
[[nodiscard]] auto async_wait_subscribers(Publisher& of, std::string_view topic,
                                          std::size_t count = 1) noexcept
{
    return coroutine_detail::socket_call(of.core(), false, [&of, topic, count] {
        return of.wait_subscribers(topic, count, no_wait);
    });
}

/// Sends a request and waits for the reply, as client::request(). Cancelled or destroyed, the
/// request ends. `parts`: a multipart&&, or a text.
[[nodiscard]] inline auto async_request(client& to, multipart&& parts,
                                        const request_options& options = {}) noexcept
{
    return coroutine_detail::request_operation<multipart&&>(to, std::move(parts), options);
}
[[nodiscard]] inline auto async_request(client& to, std::string_view part,
                                        const request_options& options = {}) noexcept
{
    return coroutine_detail::request_operation<std::string_view>(to, part, options);
}

/// Waits for the end of a request that was started, as pending_reply::wait(). Cancelled or
/// destroyed, only the wait ends.
[[nodiscard]] inline auto async_wait(pending_reply& of) noexcept
{
    return coroutine_detail::reply_operation(of);
}

/// Receives the next request, as server::receive().
[[nodiscard]] inline auto async_receive(server& from) noexcept
{
    return coroutine_detail::socket_call(from.core(), true,
                                         [&from] { return from.receive(no_wait); });
}

/// Replies as to.reply(what...); unlike there, a reply for a peer that is connected, and whose
/// queue is full, waits until there is room.
template <class What>
[[nodiscard]] auto async_reply(received_request& to, What&& what) noexcept
{
    return coroutine_detail::socket_call(
        to.core(), false, [&to, all = std::tuple<What&&>(std::forward<What>(what))]() mutable {
            result<send_outcome> replied = fail(errc::would_block, phase::transfer);
            if (const auto room = to.has_room(); !room || *room)
                replied = to.reply(static_cast<What&&>(std::get<0>(all)), no_wait);
            return replied;
        });
}

} // namespace slk

#endif
