// SPDX-License-Identifier: MPL-2.0

// A client in coroutines: it asks questions over a link that connects again when it is lost, gives
// up a server that is silent, and ends when a stop is requested. The server, for want of another
// one in the same program, falls silent after two answers.

#include <serverlink/coroutine.hpp>
#include <serverlink/serverlink.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <stop_token>
#include <string>

using namespace std::chrono_literals;

/// Receives up to the end of a line.
static slk::task<std::string> read_line(slk::async_stream& from)
{
    std::string line;
    std::array<std::byte, 100> buffer;
    while (line.empty() || line.back() != '\n') {
        SLK_CO_TRY(const std::size_t count, co_await from.read(buffer));
        if (count == 0)
            co_return slk::fail(slk::errc::end_of_stream, slk::phase::transfer);
        line.append(reinterpret_cast<const char*>(buffer.data()), count);
    }
    line.pop_back();
    co_return line;
}

static slk::task<std::string> ask(slk::async_stream& server, std::string question)
{
    SLK_CO_TRY(co_await server.write(question));
    co_return co_await read_line(server);
}

/// Returns when a stop is requested, or the link does not try any more.
static slk::task<> ask_for_ever(slk::async_link& link, std::stop_source& stop)
{
    for (int number = 1;;) {
        SLK_CO_TRY(auto server, co_await link.connected()); // the first time, and after each loss
        std::puts("connected");
        for (;;) {
            const std::string question = "question " + std::to_string(number) + "\n";
            const auto answer = co_await slk::with_timeout(200ms, ask(server, question));
            if (!answer) {
                std::printf("%s\n", slk::to_string(answer.error()).c_str());
                break; // the end of `server` makes the link connect again
            }
            std::printf("%s\n", answer->c_str());
            if (++number > 5)
                stop.request_stop(); // as another thread, or a handler of a signal, might do
        }
    }
}

static slk::task<> answer_two(slk::async_stream client)
{
    for (int count = 0; count < 2; ++count) {
        SLK_CO_TRY(const std::string line, co_await read_line(client));
        SLK_CO_TRY(co_await client.write("answer to " + line + "\n"));
    }
    co_return co_await slk::async_sleep(1h);
}

static slk::task<> serve(slk::async_listener& at, slk::task_scope& clients)
{
    for (;;) {
        SLK_CO_TRY(auto client, co_await at.accept());
        SLK_CO_TRY(clients.spawn(answer_two(std::move(client))));
    }
}

static slk::result<void> run()
{
    SLK_TRY(auto loop, slk::loop::create());
    SLK_TRY(auto listener, slk::async_listener::create(loop, "tcp://127.0.0.1:0"));
    SLK_TRY(auto clients, slk::task_scope::create(loop));
    SLK_TRY(clients.spawn(serve(listener, clients)));

    slk::link_options options;
    options.reconnect.base = options.reconnect.floor = 10ms;
    SLK_TRY(auto link,
            slk::async_link::create(loop, slk::to_string(listener.local_endpoint()), options));
    std::stop_source stop;
    return slk::run_task(loop, ask_for_ever(link, stop), {10s, stop.get_token()});
    // The end of `clients` destroys the server's tasks, wherever they wait.
}

int main()
{
    const auto ended = run();
    std::printf("the end: %s\n", slk::to_string(ended.error()).c_str());
    return ended.error() == slk::errc::cancelled ? 0 : 1;
}
