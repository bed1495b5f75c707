// SPDX-License-Identifier: MPL-2.0

// Tasks: what they allocate while they wait, and lives of them in which allocations fail.

#include "worlds.hpp"

#include <serverlink/coroutine.hpp>

#include "io/ledger.hpp"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>

namespace slk::testing {

namespace {

constexpr int warm_up = 300;
constexpr int rounds = 1000;

/// Counts what is allocated after the first rounds.
class counted_rounds {
public:
    /// Returns whether there is one more.
    bool next()
    {
        if (++round_ == warm_up) {
            submitted_ = io::ledger::process_totals().submitted;
            failing_memory::start(0, 0);
            in_library_.emplace();
        }
        if (round_ < warm_up + rounds)
            return true;
        in_library_.reset();
        allocations_ = failing_memory::stop();
        // Debug builds only, as they allocate one for each operation.
        submitted_ = io::ledger::process_totals().submitted - submitted_;
        return false;
    }
    /// Those of other threads may not be of the same moment.
    [[nodiscard]] std::uint64_t allocations() const noexcept
    {
        return allocations_ > submitted_ ? allocations_ - submitted_ : 0;
    }

private:
    int round_ = 0;
    std::uint64_t submitted_ = 0;
    std::uint64_t allocations_ = UINT64_MAX;
    std::optional<library_call> in_library_{};
};

task<> ask_by_sockets(dealer& by, counted_rounds& count)
{
    message next;
    while (count.next()) {
        SLK_CO_TRY(co_await async_send(by, "question"));
        SLK_CO_TRY(co_await with_timeout(1min, async_receive(by, next)));
    }
    co_return {};
}

task<> reply_by_sockets(dealer& by)
{
    message next;
    message other;
    for (;;) {
        auto [index, results] = co_await when_any(async_receive(by, next), async_sleep(1min));
        SLK_CO_TRY(std::get<0>(results));
        SLK_CO_TRY(co_await async_send(by, std::move(next)));
        SLK_CO_TRY(co_await async_sleep(0ms));
    }
}

task<> ask_by_streams(async_stream& by, counted_rounds& count)
{
    std::array<std::byte, 100> buffer{};
    while (count.next()) {
        SLK_CO_TRY(co_await by.write("question"));
        SLK_CO_TRY(co_await with_timeout(1min, by.read(buffer)));
    }
    co_return {};
}

task<> reply_by_streams(async_stream& by)
{
    std::array<std::byte, 100> buffer{};
    for (;;) {
        SLK_CO_TRY(const std::size_t count, co_await by.read(buffer));
        SLK_CO_TRY(co_await by.write(std::span(buffer).first(count)));
    }
}

task<> connect_streams(async_listener& at, async_link& by, std::optional<async_stream>& one,
                       std::optional<async_stream>& other)
{
    SLK_CO_TRY(auto accepted, co_await at.accept());
    SLK_CO_TRY(auto connected, co_await by.connected());
    one.emplace(std::move(accepted));
    other.emplace(std::move(connected));
    co_return {};
}

result<std::uint64_t> allocations_of_sockets(int threads)
{
    SLK_TRY(auto on, loop::create(loop_on_backend()));
    context_options options;
    options.loop = loop_on_backend();
    options.threads = 1;
    SLK_TRY(auto in, threads > 0 ? context::create(std::move(options)) : context::on(on));
    SLK_TRY(auto one, dealer::create(in));
    SLK_TRY(auto other, dealer::create(in));
    SLK_TRY(const auto at, one.bind("tcp://127.0.0.1:*"));
    SLK_TRY(other.connect(at));
    SLK_TRY(auto scope, task_scope::create(on));
    SLK_TRY(scope.spawn(reply_by_sockets(one)));
    counted_rounds count;
    SLK_TRY(run_task(on, ask_by_sockets(other, count), 1min));
    return count.allocations();
}

result<std::uint64_t> allocations_of_streams()
{
    SLK_TRY(auto on, loop::create(loop_on_backend()));
    SLK_TRY(auto listens, async_listener::create(on, "tcp://127.0.0.1:0"));
    SLK_TRY(auto link, async_link::create(on, to_string(listens.local_endpoint())));
    std::optional<async_stream> one;
    std::optional<async_stream> other;
    SLK_TRY(run_task(on, connect_streams(listens, link, one, other), 1min));
    SLK_TRY(auto scope, task_scope::create(on));
    SLK_TRY(scope.spawn(reply_by_streams(*one)));
    counted_rounds count;
    SLK_TRY(run_task(on, ask_by_streams(*other, count), 1min));
    return count.allocations();
}

std::uint64_t must_count(const result<std::uint64_t>& counted)
{
    INFO((counted ? std::string() : to_string(counted.error())));
    REQUIRE(counted.has_value());
    return *counted;
}

} // namespace

TEST_CASE("tasks allocate nothing for what they wait for")
{
    CHECK(must_count(allocations_of_sockets(0)) < rounds / 100);
    CHECK(must_count(allocations_of_sockets(1)) < rounds / 100);
    CHECK(must_count(allocations_of_streams()) < rounds / 100);
}

namespace {

task<> echo_one(dealer& by)
{
    for (message next;;) {
        SLK_CO_TRY(co_await async_receive(by, next));
        SLK_CO_TRY(co_await async_send(by, std::move(next)));
    }
}

task<> exchange(dealer& asks, dealer& replies)
{
    auto ask = [](dealer& by) -> task<> {
        message next;
        SLK_CO_TRY(co_await async_send(by, "question"));
        co_return co_await with_timeout(50ms, async_receive(by, next));
    };
    auto [index, results] = co_await when_any(ask(asks), echo_one(replies));
    if (index == 1)
        co_return std::get<1>(results);
    co_return std::get<0>(results);
}

/// Tasks over two sockets, each with the memory that is there.
const char* tasks_and_sockets(const char* where)
{
    auto on = insist_with(loop_on_backend(),
                          [](loop_options given) { return loop::create(std::move(given)); });
    EXPECT(on);
    {
        auto in = insist([&] { return context::on(*on); });
        EXPECT(in);
        auto one = insist_with(
            quick(), [&](dealer_options given) { return dealer::create(*in, std::move(given)); });
        auto other = insist_with(
            quick(), [&](dealer_options given) { return dealer::create(*in, std::move(given)); });
        EXPECT(one);
        EXPECT(other);
        const auto at = insist([&] { return one->bind(where); });
        EXPECT(at);
        EXPECT(insist([&] { return other->connect(*at); }));
        bool done = false;
        for (int tries = 0; tries < 200 && !done; ++tries) {
            if (tries == 100)
                failing_memory::recover();
            const auto exchanged =
                in_library([&] { return run_task(*on, exchange(*other, *one), 1s); });
            EXPECT(exchanged || is_expected(exchanged.error()) ||
                   exchanged.error() == errc::timed_out);
            done = exchanged.has_value();
        }
        EXPECT(done);
        in_library([&] { one->close(0ms); });
        in_library([&] { other->close(0ms); });
        in_library([&] { one = fail(errc::cancelled, phase::none); });
        in_library([&] { other = fail(errc::cancelled, phase::none); });
        in_library([&] { in = fail(errc::cancelled, phase::none); });
    }
    in_library([&] { on = fail(errc::cancelled, phase::none); });
    return nullptr;
}

task<> look_up_and_connect(loop& on)
{
    SLK_CO_TRY(co_await async_lookup("127.0.0.1", 1));
    SLK_CO_TRY(co_await async_lookup("localhost", 1));
    SLK_CO_TRY(auto listens, async_listener::create(on, "tcp://127.0.0.1:0"));
    SLK_CO_TRY(auto link, async_link::create(on, to_string(listens.local_endpoint())));
    SLK_CO_TRY(auto one, co_await with_timeout(1s, listens.accept()));
    SLK_CO_TRY(auto other, co_await with_timeout(1s, link.connected()));
    std::array<std::byte, 10> buffer{};
    SLK_CO_TRY(co_await one.write("question"));
    SLK_CO_TRY(const std::size_t count, co_await with_timeout(1s, other.read(buffer)));
    co_return count == 8 ? result<void>{} : fail(errc::unknown, phase::none);
}

const char* tasks_and_streams()
{
    auto on = insist_with(loop_on_backend(),
                          [](loop_options given) { return loop::create(std::move(given)); });
    EXPECT(on);
    bool done = false;
    for (int tries = 0; tries < 20 && !done; ++tries) {
        if (tries == 10)
            failing_memory::recover();
        const auto ended = in_library([&] { return run_task(*on, look_up_and_connect(*on), 5s); });
        done = ended.has_value();
    }
    EXPECT(done);
    in_library([&] { on = fail(errc::cancelled, phase::none); });
    return nullptr;
}

} // namespace

TEST_CASE("tasks live with a failing allocation")
{
    run_matrix("tasks_and_sockets", [] { return tasks_and_sockets("tcp://127.0.0.1:*"); });
    run_matrix("tasks_and_sockets_inproc", [] { return tasks_and_sockets("inproc://tasks"); });
    run_matrix("tasks_and_streams", [] { return tasks_and_streams(); });
}

} // namespace slk::testing
