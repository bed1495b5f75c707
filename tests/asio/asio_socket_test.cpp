// SPDX-License-Identifier: MPL-2.0

// slk::asio_socket: sockets on an io_context, with every kind of token.

#include <serverlink/asio.hpp>
#include <serverlink/dealer.hpp>
#include <serverlink/pull.hpp>
#include <serverlink/push.hpp>
#include <serverlink/rep.hpp>
#include <serverlink/req.hpp>

#include "support/sockets.hpp"

#include <asio.hpp>
#include <asio/experimental/awaitable_operators.hpp>

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

template <class Socket>
asio_socket<Socket> on_io(::asio::io_context& io, Socket&& from)
{
    return must(asio_socket<Socket>::create(io.get_executor(), std::move(from)));
}

/// Runs what is ready and what comes, until the condition holds.
bool until(::asio::io_context& io, const std::function<bool()>& reached)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!reached() && std::chrono::steady_clock::now() < end) {
        io.restart();
        io.run_one_for(std::chrono::milliseconds(50));
    }
    return reached();
}

void give_turns(::asio::io_context& io)
{
    io.restart();
    io.run_for(std::chrono::milliseconds(5));
}

struct two_sockets {
    explicit two_sockets(::asio::io_context& io, push_options options = {})
        : to(on_io(io, new_socket<pull>(in))), from(on_io(io, new_socket<push>(in, options)))
    {
        bind_and_connect(to.get(), from.get());
    }

    context in = new_context();
    asio_socket<pull> to;
    asio_socket<push> from;
};

} // namespace

TEST_CASE("callbacks: what is sent arrives, in order, and no handler is called inside of the call")
{
    ::asio::io_context io;
    two_sockets ends(io);
    std::string received;
    int sent = 0;
    bool inside = true;
    std::function<void()> receive = [&] {
        ends.to.async_receive([&](std::error_code failure, message got) {
            CHECK_FALSE(inside);
            CHECK_FALSE(failure);
            received += got.text();
            if (received.size() < 26)
                receive();
        });
    };
    receive();
    for (char letter = 'a'; letter <= 'z'; ++letter)
        ends.from.async_send(message_of(std::string(1, letter)), [&](std::error_code failure) {
            CHECK_FALSE(inside);
            CHECK_FALSE(failure);
            ++sent;
        });
    inside = false;
    REQUIRE(until(io, [&] { return received.size() == 26 && sent == 26; }));
    CHECK(received == "abcdefghijklmnopqrstuvwxyz");
}

TEST_CASE("use_awaitable: a server and a client in coroutines")
{
    ::asio::io_context io;
    auto in = new_context();
    auto server = on_io(io, new_socket<rep>(in));
    auto client = on_io(io, new_socket<req>(in));
    bind_and_connect(server.get(), client.get());
    constexpr int count = 200;
    int served = 0;
    int replies = 0;
    ::asio::co_spawn(
        io,
        [&]() -> ::asio::awaitable<void> {
            for (; served < count; ++served) {
                multipart request = co_await server.async_receive_multipart(::asio::use_awaitable);
                co_await server.async_send(std::move(request), ::asio::use_awaitable);
            }
        },
        ::asio::detached);
    ::asio::co_spawn(
        io,
        [&]() -> ::asio::awaitable<void> {
            co_await client.async_wait_ready(::asio::use_awaitable);
            for (; replies < count; ++replies) {
                multipart request;
                must(request.add("request"));
                must(request.add(std::to_string(replies)));
                co_await client.async_send(std::move(request), ::asio::use_awaitable);
                const multipart reply =
                    co_await client.async_receive_multipart(::asio::use_awaitable);
                CHECK(texts_of(reply) ==
                      std::vector<std::string>{"request", std::to_string(replies)});
            }
        },
        ::asio::detached);
    CHECK(until(io, [&] { return replies == count; }));
    CHECK(until(io, [&] { return served == count; }));
}

TEST_CASE("use_future: another thread runs the io_context")
{
    ::asio::io_context io;
    two_sockets ends(io);
    auto guard = ::asio::make_work_guard(io);
    std::future<message> got = ends.to.async_receive(::asio::use_future);
    std::future<void> sent = ends.from.async_send(message_of("hello"), ::asio::use_future);
    std::thread runner([&] { io.run(); });
    sent.get();
    CHECK(got.get().text() == "hello");
    guard.reset();
    runner.join();
}

TEST_CASE("a send waits for room, and several operations wait at a time")
{
    ::asio::io_context io;
    push_options options;
    options.send_high_water_mark = 2;
    auto in = new_context();
    auto from = on_io(io, new_socket<push>(in, options));
    must(from.get().connect("inproc://room"));
    int sent = 0;
    for (int number = 0; number < 10; ++number)
        from.async_send(message_of(std::to_string(number)), [&](std::error_code failure) {
            CHECK_FALSE(failure);
            ++sent;
        });
    give_turns(io);
    CHECK(sent < 10);
    const int before = sent;
    pull_options receiving;
    receiving.receive_high_water_mark = 1;
    auto to = on_io(io, new_socket<pull>(in, receiving));
    must(to.get().bind("inproc://room"));
    give_turns(io);
    std::vector<std::string> received;
    for (int number = 0; number < 10; ++number)
        to.async_receive([&](std::error_code failure, const message& got) {
            CHECK_FALSE(failure);
            received.emplace_back(got.text());
        });
    REQUIRE(until(io, [&] { return sent == 10 && received.size() == 10; }));
    CHECK(before < 10);
    for (int number = 0; number < 10; ++number)
        CHECK(received[static_cast<std::size_t>(number)] == std::to_string(number));
}

TEST_CASE("a cancellation slot ends one operation, cancel() all of them")
{
    ::asio::io_context io;
    two_sockets ends(io);
    std::vector<std::error_code> ended(3);
    int count = 0;
    ::asio::cancellation_signal stop;
    ends.to.async_receive(
        ::asio::bind_cancellation_slot(stop.slot(), [&](std::error_code failure, const message&) {
            ended[0] = failure;
            ++count;
        }));
    for (const std::size_t index : {1u, 2u})
        ends.to.async_receive([&, index](std::error_code failure, const message&) {
            ended[index] = failure;
            ++count;
        });
    give_turns(io);
    CHECK(count == 0);
    stop.emit(::asio::cancellation_type::total);
    REQUIRE(until(io, [&] { return count == 1; }));
    CHECK(ended[0] == ::asio::error::operation_aborted);
    give_turns(io);
    CHECK(count == 1);
    ends.to.cancel();
    REQUIRE(until(io, [&] { return count == 3; }));
    CHECK(ended[2] == ::asio::error::operation_aborted);
    // Nothing was lost.
    std::string received;
    ends.to.async_receive([&](std::error_code, const message& got) { received = got.text(); });
    ends.from.async_send(message_of("after"), [](std::error_code) {});
    CHECK(until(io, [&] { return received == "after"; }));
}

TEST_CASE("a receive with a time-out, by an awaitable operator")
{
    using namespace ::asio::experimental::awaitable_operators;
    ::asio::io_context io;
    two_sockets ends(io);
    int outcome = -1;
    ::asio::co_spawn(
        io,
        [&]() -> ::asio::awaitable<void> {
            ::asio::steady_timer limit(io, std::chrono::milliseconds(5));
            const auto first = co_await (ends.to.async_receive(::asio::use_awaitable) ||
                                         limit.async_wait(::asio::use_awaitable));
            outcome = static_cast<int>(first.index());
        },
        ::asio::detached);
    REQUIRE(until(io, [&] { return outcome >= 0; }));
    CHECK(outcome == 1);
}

TEST_CASE("errors of the socket are error codes of serverlink")
{
    ::asio::io_context io;
    two_sockets ends(io);
    std::error_code of_receive;
    std::error_code of_send;
    int count = 0;
    ends.to.async_receive([&](std::error_code failure, const message&) {
        of_receive = failure;
        ++count;
    });
    give_turns(io);
    (void)ends.to.close(0s);
    ends.in.shutdown();
    ends.from.async_send(message_of("x"), [&](std::error_code failure) {
        of_send = failure;
        ++count;
    });
    REQUIRE(until(io, [&] { return count == 2; }));
    CHECK(of_receive.category() == error_category());
    CHECK(of_receive == make_error_code(errc::invalid_state));
    CHECK(of_send == make_error_code(errc::cancelled));

    auto without = new_context(0);
    auto lonely = new_socket<pull>(without);
    CHECK(code_of(asio_socket<pull>::create(io.get_executor(), std::move(lonely))) ==
          errc::not_supported);
}

TEST_CASE("the end of the socket aborts its operations, and the end of the io_context is safe")
{
    auto in = new_context();
    bool aborted = false;
    {
        ::asio::io_context io;
        {
            auto to = on_io(io, new_socket<pull>(in));
            must(to.get().bind(any_tcp));
            to.async_receive([&](std::error_code failure, const message&) {
                aborted = failure == ::asio::error::operation_aborted;
            });
            give_turns(io);
        }
        CHECK(until(io, [&] { return aborted; }));
        auto to = std::make_unique<asio_socket<pull>>(on_io(io, new_socket<pull>(in)));
        to->async_receive([](std::error_code, const message&) {});
        give_turns(io);
        to.reset();
    }
}
