// SPDX-License-Identifier: MPL-2.0
// A server in coroutines of Asio, which replies to requests. Two clients in the same program make
// ten requests each.
#include <serverlink/asio.hpp>
#include <serverlink/rep.hpp>
#include <serverlink/req.hpp>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>

#include <cstdio>
#include <exception>
#include <string>

namespace {

constexpr int requests_of_each = 10;

struct program {
    slk::asio_socket<slk::rep> server;
    slk::asio_socket<slk::req> first;
    slk::asio_socket<slk::req> second;
    int served = 0;
    int replies = 0;
};

asio::awaitable<void> serve(program& in)
{
    for (;;) {
        slk::message request = co_await in.server.async_receive(asio::use_awaitable);
        co_await in.server.async_send(std::move(request), asio::use_awaitable);
        ++in.served;
    }
}

asio::awaitable<void> ask(program& in, slk::asio_socket<slk::req>& by)
{
    for (int number = 0; number < requests_of_each; ++number) {
        co_await by.async_send(*slk::message::copy_of(std::to_string(number)), asio::use_awaitable);
        (void)co_await by.async_receive(asio::use_awaitable);
        ++in.replies;
    }
    if (in.replies == 2 * requests_of_each)
        in.server.cancel(); // which ends the server's coroutine
}

template <class Socket>
slk::result<slk::asio_socket<Socket>> make(asio::io_context& io, slk::context& in)
{
    SLK_TRY(auto made, Socket::create(in));
    return slk::asio_socket<Socket>::create(io.get_executor(), std::move(made));
}

slk::result<void> run()
{
    asio::io_context io;
    SLK_TRY(auto context, slk::context::create());
    SLK_TRY(auto server, make<slk::rep>(io, context));
    SLK_TRY(auto first, make<slk::req>(io, context));
    SLK_TRY(auto second, make<slk::req>(io, context));
    program all{std::move(server), std::move(first), std::move(second)};
    SLK_TRY(const auto where, all.server.get().bind("tcp://127.0.0.1:*"));
    SLK_TRY(all.first.get().connect(where));
    SLK_TRY(all.second.get().connect(where));
    // An operation that fails throws std::system_error in its coroutine.
    const auto report = [](const std::exception_ptr& thrown) {
        try {
            if (thrown)
                std::rethrow_exception(thrown);
        } catch (const std::system_error& ended) {
            if (ended.code() != asio::error::operation_aborted)
                std::fprintf(stderr, "%s\n", ended.what());
        }
    };
    asio::co_spawn(io, serve(all), report);
    asio::co_spawn(io, ask(all, all.first), report);
    asio::co_spawn(io, ask(all, all.second), report);
    io.run();
    std::printf("served %d requests of 2 clients\n", all.served);
    return {};
}

} // namespace

int main()
{
    if (const auto done = run(); !done) {
        std::fprintf(stderr, "%s\n", slk::to_string(done.error()).c_str());
        return 1;
    }
}
