// SPDX-License-Identifier: MPL-2.0

// Links, listeners, streams and names in tasks, on the system's sockets.

#include "coroutine_rig.hpp"

#include <array>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

/// Sends back what arrives, until the peer has finished.
task<> echo(async_stream peer)
{
    std::array<std::byte, 1000> buffer{};
    for (;;) {
        SLK_CO_TRY(const std::size_t count, co_await peer.read(buffer));
        if (count == 0)
            break;
        SLK_CO_TRY(co_await peer.write(std::span(buffer).first(count)));
    }
    SLK_CO_TRY(peer.shutdown_send());
    co_return {};
}

task<> serve(async_listener& at)
{
    for (;;) {
        SLK_CO_TRY(auto peer, co_await at.accept());
        (void)co_await echo(std::move(peer)); // its end is no error
    }
}

task<std::size_t> exchange(async_link& over, std::size_t size)
{
    SLK_CO_TRY(auto peer, co_await over.connected());
    const std::string sent(size, 'x');
    std::size_t back = 0;
    auto write_all = [](async_stream& to, std::string_view text) -> task<> {
        SLK_CO_TRY(co_await to.write(text));
        co_return to.shutdown_send();
    };
    auto read_all = [](async_stream& from, std::size_t& count) -> task<> {
        std::array<std::byte, 3000> buffer{};
        for (;;) {
            SLK_CO_TRY(const std::size_t got, co_await from.read(buffer));
            if (got == 0)
                co_return {};
            count += got;
        }
    };
    auto [written, read] = co_await when_all(write_all(peer, sent), read_all(peer, back));
    SLK_CO_TRY(written);
    SLK_CO_TRY(read);
    co_return back;
}

async_listener listen_on(loop& on)
{
    return must(async_listener::create(on, "tcp://127.0.0.1:0"));
}

link_options at_once()
{
    link_options options;
    options.reconnect.base = 1ms;
    options.reconnect.floor = 0ms;
    options.reconnect.cap = 2ms;
    return options;
}

} // namespace

TEST_CASE("tasks connect, accept, read and write")
{
    loop on = new_test_loop();
    auto listens = listen_on(on);
    auto link = must(async_link::create(on, to_string(listens.local_endpoint()), at_once()));
    auto scope = must(task_scope::create(on));
    must(scope.spawn(serve(listens)));
    CHECK(must(run(on, exchange(link, 1))) == 1);
    CHECK(must(run(on, exchange(link, 300'000))) == 300'000);
    CHECK(listens.status().accepted == 2);
    CHECK(scope.size() == 1);
}

TEST_CASE("bytes stay in the stream when a read is cancelled")
{
    loop on = new_test_loop();
    auto listens = listen_on(on);
    auto link = must(async_link::create(on, to_string(listens.local_endpoint()), at_once()));
    auto talk = [](async_listener& at, async_link& by) -> task<std::string> {
        SLK_CO_TRY(auto one, co_await at.accept());
        SLK_CO_TRY(auto other, co_await by.connected());
        std::array<std::byte, 100> buffer{};
        const auto nothing = co_await with_timeout(1ms, one.read(buffer));
        if (code_of(nothing) != errc::timed_out)
            co_return std::string("not cancelled");
        SLK_CO_TRY(co_await other.write("late"));
        // Time for them to arrive while nobody reads.
        SLK_CO_TRY(co_await async_sleep(5ms));
        SLK_CO_TRY(const std::size_t count, co_await one.read(buffer));
        co_return std::string(reinterpret_cast<const char*>(buffer.data()), count);
    };
    CHECK(must(run(on, talk(listens, link))) == "late");
}

TEST_CASE("a write that is cancelled in part breaks the stream for later ones")
{
    loop on = new_test_loop();
    auto listens = listen_on(on);
    auto link = must(async_link::create(on, to_string(listens.local_endpoint()), at_once()));
    auto talk = [](async_listener& at, async_link& by) -> task<errc> {
        SLK_CO_TRY(auto one, co_await at.accept());
        SLK_CO_TRY(auto other, co_await by.connected());
        const std::string large(50'000'000, 'x'); // more than the system takes
        const auto sent = co_await with_timeout(5ms, other.write(large));
        if (code_of(sent) != errc::timed_out)
            co_return errc::unknown;
        co_return code_of(co_await other.write("more"));
    };
    CHECK(must(run(on, talk(listens, link))) == errc::broken_pipe);
}

TEST_CASE("the end of a listener, a link and a stream ends what waits for them")
{
    loop on = new_test_loop();
    std::optional<async_listener> listens = listen_on(on);
    std::optional<async_link> link =
        must(async_link::create(on, to_string(listens->local_endpoint()), at_once()));
    std::optional<async_stream> one;
    std::optional<async_stream> other;
    auto connect = [&]() -> task<> {
        SLK_CO_TRY(auto accepted, co_await listens->accept());
        SLK_CO_TRY(auto connected, co_await link->connected());
        one.emplace(std::move(accepted));
        other.emplace(std::move(connected));
        co_return {};
    };
    must(run(on, connect()));
    std::vector<errc> ends;
    auto accept = [&]() -> task<> {
        ends.push_back(code_of(co_await listens->accept()));
        co_return {};
    };
    auto reconnect = [&]() -> task<> {
        ends.push_back(code_of(co_await link->connected()));
        co_return {};
    };
    auto read = [&]() -> task<> {
        std::array<std::byte, 10> buffer{};
        ends.push_back(code_of(co_await one->read(buffer)));
        co_return {};
    };
    auto scope = must(task_scope::create(on));
    must(scope.spawn(accept()));
    must(scope.spawn(reconnect()));
    must(scope.spawn(read()));
    must(on.run_for(0ms));
    must(on.run_for(0ms));
    CHECK(scope.size() == 3);
    one.reset();
    CHECK(must(on.run_until([&] { return scope.size() == 2; }, test_timeout)));
    link.reset();
    listens.reset();
    CHECK(must(on.run_until([&] { return scope.empty(); }, test_timeout)));
    CHECK(ends == std::vector<errc>(3, errc::cancelled));
}

TEST_CASE("a link that gives up ends connected() with its error")
{
    loop on = new_test_loop();
    std::string nobody;
    {
        auto listens = listen_on(on);
        nobody = to_string(listens.local_endpoint());
    }
    link_options options = at_once();
    options.reconnect.policy = retry_policy::stop_on_refused();
    auto link = must(async_link::create(on, nobody, options));
    auto connect = [](async_link& by) -> task<> {
        SLK_CO_TRY(co_await by.connected());
        co_return {};
    };
    CHECK(code_of(run(on, connect(link))) == errc::connection_refused);
}

TEST_CASE("a task looks names up")
{
    loop on = new_test_loop();
    auto look_up = [](std::string_view name) -> task<std::size_t> {
        SLK_CO_TRY(const auto found, co_await async_lookup(name, 80));
        co_return found.size();
    };
    CHECK(must(run(on, look_up("127.0.0.1"))) == 1);
    CHECK(must(run(on, look_up("localhost"))) >= 1);
}

TEST_CASE("a stream is for the tasks of its own loop")
{
    loop on = new_test_loop();
    loop another = new_test_loop();
    auto listens = listen_on(on);
    auto accept = [](async_listener& at) -> task<> {
        SLK_CO_TRY(co_await at.accept());
        co_return {};
    };
    CHECK(code_of(run(another, accept(listens))) == errc::invalid_state);
}
