// SPDX-License-Identifier: MPL-2.0

// slk::asio_loop: links, listeners and streams on an io_context.

#include <serverlink/asio.hpp>
#include <serverlink/listener.hpp>

#include "support/must.hpp"

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

using namespace slk;
using namespace slk::testing;
using namespace std::chrono_literals;

namespace {

bool until(::asio::io_context& io, const std::function<bool()>& reached)
{
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!reached() && std::chrono::steady_clock::now() < end) {
        io.restart();
        io.run_one_for(50ms);
    }
    return reached();
}

struct echo_server {
    explicit echo_server(asio_loop& on) : on_(on)
    {
        listener_options options;
        options.at = must(endpoint::parse("tcp://127.0.0.1:*"));
        listening_.emplace(must(listener::create(
            on.get(), options,
            {.accepted =
                 [this](stream next) {
                     streams_.push_back(std::make_unique<stream>(std::move(next)));
                     ::asio::co_spawn(on_.get_executor(), echo(*streams_.back()), ::asio::detached);
                 },
             .failed = {}})));
    }
    [[nodiscard]] endpoint where() const { return listening_->local_endpoint(); }
    void drop() { streams_.back()->reset(); }
    [[nodiscard]] std::size_t accepted() const { return streams_.size(); }

private:
    ::asio::awaitable<void> echo(stream& with)
    {
        std::array<std::byte, 64> buffer{};
        for (;;) {
            const auto [failure, count] = co_await async_receive(
                on_, with, buffer, ::asio::experimental::as_tuple(::asio::use_awaitable));
            if (failure || count == 0)
                co_return;
            (void)co_await async_send(on_, with, std::span(buffer).first(count),
                                      ::asio::experimental::as_tuple(::asio::use_awaitable));
        }
    }

    asio_loop& on_;
    std::vector<std::unique_ptr<stream>> streams_;
    std::optional<listener> listening_;
};

link_options to(const endpoint& where)
{
    link_options options;
    options.to = where;
    options.reconnect.base = 1ms;
    options.reconnect.floor = 0ms;
    options.reconnect.cap = 2ms;
    return options;
}

} // namespace

TEST_CASE("an io_context runs a loop with a link, a listener and their streams")
{
    ::asio::io_context io;
    auto on = must(asio_loop::create(io.get_executor()));
    echo_server server(on);
    auto client = must(asio_link::create(on, to(server.where())));
    int echoed = 0;
    int connections = 0;
    ::asio::co_spawn(
        io,
        [&]() -> ::asio::awaitable<void> {
            for (connections = 1; connections <= 3; ++connections) {
                stream bytes = co_await client.async_wait_connected(::asio::use_awaitable);
                for (int round = 0; round < 100; ++round) {
                    const std::array<std::byte, 5> text{std::byte(round)};
                    std::array<std::byte, 5> back{};
                    co_await async_send(on, bytes, text, ::asio::use_awaitable);
                    std::size_t count = 0;
                    while (count < back.size())
                        count += co_await async_receive(on, bytes, std::span(back).subspan(count),
                                                        ::asio::use_awaitable);
                    CHECK(back == text);
                    ++echoed;
                }
                bytes.reset(); // the link connects again
                on.run_soon();
            }
        },
        ::asio::detached);
    CHECK(until(io, [&] { return echoed == 300; }));
    CHECK(server.accepted() == 3);
}

TEST_CASE("timed calls of the loop are made while the io_context runs")
{
    ::asio::io_context io;
    auto on = must(asio_loop::create(io.get_executor()));
    int ticks = 0;
    const auto ticking = must(on->call_every(1ms, [&] { ++ticks; }));
    CHECK(until(io, [&] { return ticks >= 10; }));
    bool posted = false;
    CHECK(on->post([&] { posted = true; }));
    CHECK(until(io, [&] { return posted; }));
}

TEST_CASE("the end of a link aborts what waits for it; a loop without a handle is an error")
{
    ::asio::io_context io;
    std::error_code ended;
    int count = 0;
    {
        auto on = must(asio_loop::create(io.get_executor()));
        auto nobody = must(asio_link::create(on, to(must(endpoint::parse("tcp://127.0.0.1:1")))));
        nobody.async_wait_connected([&](std::error_code failure, const stream&) {
            ended = failure;
            ++count;
        });
        io.run_for(5ms);
        CHECK(count == 0);
    }
    CHECK(until(io, [&] { return count == 1; }));
    CHECK(ended == ::asio::error::operation_aborted);
    loop_options by_select;
    by_select.backend = "select";
    CHECK(code_of(asio_loop::create(io.get_executor(), by_select)) == errc::not_supported);
}
