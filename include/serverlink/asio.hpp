// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_ASIO_HPP
#define SERVERLINK_ASIO_HPP

/// Sockets and links on an asio::io_context, with completion tokens. This header is not a part of
/// serverlink.hpp, and needs the stand-alone Asio, 1.22 or later (Debian's libasio-dev).
///
///     asio::io_context io;
///     SLK_TRY(auto jobs, slk::asio_socket<slk::pull>::create(io.get_executor(), std::move(pull)));
///     asio::co_spawn(io, [&]() -> asio::awaitable<void> {
///         for (;;)
///             handle(co_await jobs.async_receive(asio::use_awaitable));
///     }, asio::detached);
///
/// Tokens are any of Asio's: a callback, use_awaitable, use_future, deferred, with a cancellation
/// slot (asio::bind_cancellation_slot), or in parallel groups with a timer. A completion handler
/// gets std::error_code first: of slk::error_category(), or asio::error::operation_aborted. Every
/// handler is called on its executor, and never from inside the function that begins the operation.
///
/// Threads: an asio_socket is for one thread at a time, as its socket is. So its executor is a
/// strand, or that of an io_context that one thread runs, and operations are begun there. The
/// io_context must outlive what is on it.
///
/// Errors: Asio may throw where memory is exhausted, as std::bad_alloc from the function that
/// begins an operation. Inside of the library's threads that ends the process.

#include <serverlink/error.hpp>
#include <serverlink/link.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/message.hpp>
#include <serverlink/result.hpp>
#include <serverlink/socket.hpp>
#include <serverlink/stream.hpp>
#include <serverlink/timeout.hpp>

// Asio 1.22 uses it without including it, which shows with libc++.
#include <exception>

#include <asio/any_io_executor.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/compose.hpp>
#include <asio/error.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <tuple>
#include <utility>

namespace slk {

namespace asio_detail {

/// What operations sleep on. It never expires: a cancel wakes all of them.
class news {
public:
    explicit news(const ::asio::any_io_executor& on) : timer_(on)
    {
        timer_.expires_at(::asio::steady_timer::time_point::max());
    }

    [[nodiscard]] ::asio::any_io_executor executor() { return timer_.get_executor(); }
    /// On the executor.
    void wake() { timer_.cancel(); }
    /// Ends the operations that have begun.
    void end_operations()
    {
        ++generation_;
        wake();
    }
    [[nodiscard]] unsigned generation() const noexcept { return generation_; }

    template <class Operation>
    void wait(Operation&& operation)
    {
        timer_.async_wait(std::forward<Operation>(operation));
    }

private:
    ::asio::steady_timer timer_;
    unsigned generation_ = 0;
};

[[nodiscard]] inline std::error_code aborted() noexcept
{
    return ::asio::error::operation_aborted;
}

/// An operation: `attempt(value)` returns an error code when it has ended, and nothing while it has
/// to wait for news.
template <class State, class Attempt, class... Value>
class operation {
public:
    operation(std::shared_ptr<State> of, Attempt attempt, Value... value)
        : of_(std::move(of)), generation_(of_->wakes->generation()), attempt_(std::move(attempt)),
          value_(std::move(value)...)
    {
    }

    template <class Self>
    void operator()(Self& self, std::error_code = {})
    {
        if (outcome_)
            return complete(self);
        const bool first = !std::exchange(begun_, true);
        if (first)
            self.reset_cancellation_state(::asio::enable_total_cancellation());
        else if (self.get_cancellation_state().cancelled() != ::asio::cancellation_type::none ||
                 generation_ != of_->wakes->generation())
            outcome_ = aborted();
        if (!outcome_)
            outcome_ =
                std::apply([this](Value&... value) { return attempt_(*of_, value...); }, value_);
        if (!outcome_)
            return of_->wakes->wait(std::move(self));
        if (!first)
            return complete(self);
        const auto executor = of_->wakes->executor();
        ::asio::post(executor, std::move(self));
    }

private:
    template <class Self>
    void complete(Self& self)
    {
        std::apply([&](Value&... value) { self.complete(*outcome_, std::move(value)...); }, value_);
    }

    std::shared_ptr<State> of_;
    unsigned generation_;
    Attempt attempt_;
    std::tuple<Value...> value_;
    std::optional<std::error_code> outcome_;
    bool begun_ = false;
};

/// Begins an operation whose handler gets the error code and the values.
template <class State, class Token, class Attempt, class... Value>
auto begin(const std::shared_ptr<State>& of, Token&& token, Attempt attempt, Value... value)
{
    return ::asio::async_compose<Token, void(std::error_code, Value...)>(
        operation<State, Attempt, Value...>(of, std::move(attempt), std::move(value)...), token,
        of->wakes->executor());
}

template <class T>
[[nodiscard]] std::optional<std::error_code> outcome_of(const result<T>& done) noexcept
{
    if (done)
        return std::error_code();
    if (done.error() == errc::would_block)
        return std::nullopt;
    return make_error_code(done.error());
}

} // namespace asio_detail

/// A socket of a context with threads. Moved, not copied. Its end ends the operations with
/// operation_aborted, and closes the socket when the last of them has been completed.
template <class Socket>
class asio_socket {
public:
    /// As the types of Asio have it.
    using executor_type = ::asio::any_io_executor;

    /// Takes the socket over. Errors: those of socket::on_news(); the socket is lost then.
    [[nodiscard]] static result<asio_socket> create(const executor_type& on, Socket&& from)
    {
        auto wakes = std::make_shared<asio_detail::news>(on);
        auto made = std::make_shared<state>(std::move(from), wakes);
        SLK_TRY(made->of.on_news(
            [wakes] { ::asio::post(wakes->executor(), [wakes] { wakes->wake(); }); }));
        return asio_socket(std::move(made));
    }

    asio_socket(asio_socket&&) noexcept = default;
    asio_socket& operator=(asio_socket&& other) noexcept
    {
        asio_socket old(std::move(*this));
        state_ = std::move(other.state_);
        return *this;
    }
    ~asio_socket()
    {
        if (state_ == nullptr)
            return;
        (void)state_->of.on_news({});
        cancel();
    }

    /// The socket, for calls that do not wait: bind(), connect(), set_options(), counters(), ...
    [[nodiscard]] Socket& get() noexcept { return state_->of; }
    /// Returns the executor that create() was given.
    [[nodiscard]] executor_type get_executor() const { return state_->wakes->executor(); }

    /// Receives a part, as receive(message&): void(std::error_code, slk::message).
    template <class Token>
    auto async_receive(Token&& token)
    {
        return asio_detail::begin(state_, std::forward<Token>(token), receive_into{}, message());
    }
    /// Receives a message with all its parts: void(std::error_code, slk::multipart).
    template <class Token>
    auto async_receive_multipart(Token&& token)
    {
        return asio_detail::begin(state_, std::forward<Token>(token), receive_into{}, multipart());
    }
    /// Queues a message as soon as there is room: void(std::error_code). After an error the message
    /// is lost.
    template <class Token>
    auto async_send(message whole, Token&& token)
    {
        return begin_send(std::move(whole), std::forward<Token>(token));
    }
    template <class Token>
    auto async_send(multipart whole, Token&& token)
    {
        return begin_send(std::move(whole), std::forward<Token>(token));
    }
    /// Waits until the peers are there, as socket::wait_ready(): void(std::error_code).
    template <class Token>
    auto async_wait_ready(Token&& token)
    {
        return asio_detail::begin(state_, std::forward<Token>(token), [](state& in) {
            (void)in.of.events();
            return asio_detail::outcome_of(in.of.wait_ready(no_wait));
        });
    }

    /// Ends the operations that have begun with operation_aborted.
    void cancel() { state_->wakes->end_operations(); }
    /// Closes the socket, as socket::close(), which may wait. Operations end with invalid_state.
    close_report close(duration timeout)
    {
        auto report = state_->of.close(timeout);
        state_->wakes->wake();
        return report;
    }

private:
    struct state {
        state(Socket&& from, std::shared_ptr<asio_detail::news> by)
            : of(std::move(from)), wakes(std::move(by))
        {
        }
        Socket of;
        const std::shared_ptr<asio_detail::news> wakes;
    };
    // events() comes first: there is news again of what happens from then on.
    struct receive_into {
        template <class Message>
        std::optional<std::error_code> operator()(state& in, Message& into) const
        {
            (void)in.of.events();
            return asio_detail::outcome_of(in.of.receive(into, no_wait));
        }
    };

    explicit asio_socket(std::shared_ptr<state> made) noexcept : state_(std::move(made)) {}

    template <class Message, class Token>
    auto begin_send(Message whole, Token&& token)
    {
        // The operation may be moved, and std::function is not in its way: no copy is made.
        return asio_detail::begin(
            state_, std::forward<Token>(token), [whole = std::move(whole)](state& in) mutable {
                (void)in.of.events();
                return asio_detail::outcome_of(in.of.send(std::move(whole), no_wait));
            });
    }

    std::shared_ptr<state> state_;
};

/// A slk::loop that an io_context runs, for links, listeners and streams. POSIX, on a backend with
/// loop::event_handle(). The loop belongs to the thread of the executor.
class asio_loop {
public:
    /// Errors: those of loop::create(), and not_supported (the backend has no handle). A backend
    /// that is not named is one that has a handle.
    [[nodiscard]] static result<asio_loop> create(const ::asio::any_io_executor& on,
                                                  loop_options options = {})
    {
        SLK_TRY(auto made, loop::create(std::move(options)));
        SLK_TRY(const auto handle, made.event_handle());
        auto core = std::make_shared<state>(on, std::move(made));
        std::error_code failure;
        core->shown.assign(static_cast<int>(handle), failure);
        if (failure)
            return fail(errc::not_supported, phase::setup, "the io_context refuses the handle");
        state::arm(core);
        return asio_loop(std::move(core));
    }

    asio_loop(asio_loop&&) noexcept = default;
    asio_loop& operator=(asio_loop&& other) noexcept
    {
        asio_loop old(std::move(*this));
        state_ = std::move(other.state_);
        return *this;
    }
    /// Ends the loop, as slk::loop's destructor, so not from inside of one of its handlers.
    ~asio_loop()
    {
        if (state_ != nullptr)
            state_->end();
    }

    /// The loop, which the io_context runs soon after.
    [[nodiscard]] loop& get()
    {
        state::run_soon(state_);
        return *state_->on;
    }
    /// As get().
    loop& operator*() { return get(); }
    /// As get().
    loop* operator->() { return &get(); }
    /// To be called after calls of objects on the loop, outside of its handlers, that begin
    /// something: the io_context runs the loop soon after.
    void run_soon() { state::run_soon(state_); }
    /// Returns the executor that create() was given.
    [[nodiscard]] ::asio::any_io_executor get_executor() const { return state_->executor; }

private:
    struct state {
        state(const ::asio::any_io_executor& by, loop&& made)
            : executor(by), on(std::move(made)), shown(by), due(by)
        {
        }

        /// The handle is the loop's.
        void end()
        {
            due.cancel();
            shown.cancel();
            (void)shown.release();
            on.reset();
        }

        static void run_soon(const std::shared_ptr<state>& of)
        {
            if (std::exchange(of->soon, true))
                return;
            ::asio::post(of->executor, [of] {
                of->soon = false;
                run(of);
            });
        }

        static void run(const std::shared_ptr<state>& of)
        {
            if (!of->on)
                return;
            (void)of->on->run_for(duration::zero());
            arm(of);
        }

        static void arm(const std::shared_ptr<state>& of)
        {
            if (!of->on)
                return;
            const duration limit = of->on->poll_timeout();
            if (limit == duration::zero())
                return run_soon(of);
            if (!std::exchange(of->waits, true))
                of->shown.async_wait(::asio::posix::stream_descriptor::wait_read,
                                     [of](std::error_code failure) {
                                         of->waits = false;
                                         if (!failure)
                                             run(of);
                                     });
            of->due.expires_after(std::min<duration>(limit, std::chrono::hours(24)));
            of->due.async_wait([of](std::error_code failure) {
                if (!failure)
                    run(of);
            });
        }

        ::asio::any_io_executor executor;
        std::optional<loop> on;
        ::asio::posix::stream_descriptor shown;
        ::asio::steady_timer due;
        bool waits = false;
        bool soon = false;
    };

    explicit asio_loop(std::shared_ptr<state> made) noexcept : state_(std::move(made)) {}

    std::shared_ptr<state> state_;
};

/// A link on an asio_loop, which must outlive it.
class asio_link {
public:
    /// Errors: those of link::create(). It is started.
    [[nodiscard]] static result<asio_link> create(asio_loop& on, link_options options)
    {
        auto made = std::make_shared<state>(on);
        link_handlers handlers;
        handlers.connected = [weak = std::weak_ptr(made)](stream next) {
            const auto to = weak.lock();
            if (to == nullptr)
                return;
            to->arrived.emplace(std::move(next));
            to->wakes->wake();
        };
        SLK_TRY(made->of, link::create(on.get(), std::move(options), std::move(handlers)));
        made->of->start();
        return asio_link(std::move(made));
    }

    asio_link(asio_link&&) noexcept = default;
    asio_link& operator=(asio_link&& other) noexcept
    {
        asio_link old(std::move(*this));
        state_ = std::move(other.state_);
        return *this;
    }
    ~asio_link()
    {
        if (state_ != nullptr)
            state_->end();
    }

    /// The link, for its status, retry_now() and its like.
    [[nodiscard]] link& get() noexcept { return *state_->of; }

    /// Waits for the link's next connection: void(std::error_code, slk::stream). A connection that
    /// was made meanwhile and is not taken yet is the next one.
    template <class Token>
    auto async_wait_connected(Token&& token)
    {
        return asio_detail::begin(
            state_, std::forward<Token>(token),
            [](state& in, stream& into) -> std::optional<std::error_code> {
                if (!in.arrived)
                    return std::nullopt;
                into = std::move(*in.arrived);
                in.arrived.reset();
                return std::error_code();
            },
            stream());
    }

private:
    struct state {
        explicit state(asio_loop& on)
            : wakes(std::make_shared<asio_detail::news>(on.get_executor()))
        {
        }
        void end()
        {
            of.reset();
            arrived.reset();
            wakes->end_operations();
        }
        std::optional<link> of;
        std::optional<stream> arrived;
        std::shared_ptr<asio_detail::news> wakes;
    };

    explicit asio_link(std::shared_ptr<state> made) noexcept : state_(std::move(made)) {}

    std::shared_ptr<state> state_;
};

namespace asio_detail {

/// A transfer of a stream: stream::handler is copied, and a handler of Asio is not.
template <class Begin, class Token>
auto transfer(asio_loop& on, Begin begin, Token&& token)
{
    return ::asio::async_initiate<Token, void(std::error_code, std::size_t)>(
        [begin = std::move(begin), &on](auto handler) mutable {
            const auto by = ::asio::get_associated_executor(handler, on.get_executor());
            auto kept = std::make_shared<decltype(handler)>(std::move(handler));
            const auto complete = [by, kept](result<std::size_t> done) {
                const std::error_code failure =
                    done ? std::error_code() : make_error_code(done.error());
                ::asio::post(by, [kept, failure, count = done.value_or(0)] {
                    std::move (*kept)(failure, count);
                });
            };
            if (const result<void> begun = begin(complete); !begun)
                complete(fail(begun.error()));
            on.run_soon();
        },
        token);
}

} // namespace asio_detail

/// As stream::receive(): void(std::error_code, std::size_t). The buffer must live until then. 0
/// bytes without an error: the peer has finished sending. To end it, close the stream.
template <class Token>
auto async_receive(asio_loop& on, stream& from, std::span<std::byte> buffer, Token&& token)
{
    return asio_detail::transfer(
        on, [&from, buffer](auto done) { return from.receive(buffer, std::move(done)); },
        std::forward<Token>(token));
}

/// As stream::send(): void(std::error_code, std::size_t). The bytes must live until then.
template <class Token>
auto async_send(asio_loop& on, stream& to, std::span<const std::byte> bytes, Token&& token)
{
    return asio_detail::transfer(
        on, [&to, bytes](auto done) { return to.send(bytes, std::move(done)); },
        std::forward<Token>(token));
}

} // namespace slk

#endif
