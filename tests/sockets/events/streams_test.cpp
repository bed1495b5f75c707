// SPDX-License-Identifier: MPL-2.0

// How events are read: next(), a handler, wait(), a descriptor; and what does not fit.

#include <serverlink/serverlink.hpp>

#include "support/events.hpp"
#include "support/sockets.hpp"

#include <atomic>
#include <optional>
#include <stop_token>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

/// Makes events: each endpoint is one when it is bound, and one when it is taken back.
void make_events(socket& of, int pairs)
{
    for (int number = 0; number < pairs; ++number)
        must(of.unbind(must(of.bind("inproc://" + std::to_string(number)))));
}

} // namespace

TEST_CASE("what does not fit is counted where it is missing, and the numbers show the gap")
{
    auto in = new_context();
    auto of = new_socket<pull>(in);
    event_options options;
    options.capacity = 3;
    watched_events seen(of, options);
    make_events(of, 4);
    CHECK(seen.stream.lost() == 5);
    for (std::uint64_t number = 1; number <= 3; ++number)
        CHECK(must(seen.stream.next(no_wait)).number == number);
    SUBCASE("nothing follows")
    {
        const event lost = must(seen.stream.next(no_wait));
        CHECK(lost.kind == event_kind::events_lost);
        CHECK(lost.count == 5);
        CHECK(lost.number == 8);
        CHECK(code_of(seen.stream.next(no_wait)) == errc::would_block);
    }
    SUBCASE("other events follow")
    {
        make_events(of, 1);
        const event lost = must(seen.stream.next(no_wait));
        CHECK(lost.kind == event_kind::events_lost);
        CHECK(lost.count == 5);
        CHECK(lost.number == 8);
        CHECK(must(seen.stream.next(no_wait)).number == 9);
    }
    SUBCASE("the last event of the socket has a place")
    {
        make_events(of, 4);
        of.close(0s);
        seen.wait_for(event_kind::stopped);
        CHECK(seen.count(event_kind::events_lost) == 2);
        CHECK(code_of(seen.stream.next(no_wait)) == errc::end_of_stream);
    }
}

TEST_CASE("a stream has the kinds that were asked for")
{
    auto in = new_context();
    auto of = new_socket<pull>(in);
    event_options options;
    options.kinds = {event_kind::closed};
    watched_events seen(of, options);
    make_events(of, 2);
    of.close(0s);
    seen.wait_for(event_kind::stopped);
    CHECK(seen.kinds() == "closed closed stopped");
}

TEST_CASE("a stream that was ended has the events until then, and stopped behind them")
{
    auto in = new_context();
    auto of = new_socket<pull>(in);
    event_options options;
    options.kinds = {event_kind::closed};
    watched_events seen(of, options);
    make_events(of, 1);
    must(seen.stream.end());
    must(seen.stream.end());
    make_events(of, 1);
    seen.wait_for(event_kind::stopped);
    CHECK(seen.kinds() == "closed stopped");
    CHECK(code_of(seen.stream.next(no_wait)) == errc::end_of_stream);
}

TEST_CASE("a stream of a context has the events of all its sockets, and a stream of one only its")
{
    auto in = new_context();
    auto before = new_socket<pull>(in);
    watched_events of_all(in), of_one(before);
    auto after = new_socket<pull>(in);
    make_events(before, 1);
    make_events(after, 1);
    CHECK(before.number() != after.number());
    after.close(0s);
    of_all.read();
    of_one.read();
    REQUIRE(of_all.all.size() == 5);
    CHECK(of_all.all[0].socket == before.number());
    CHECK(of_all.all[2].socket == after.number());
    CHECK(of_all.all[4].kind == event_kind::stopped);
    CHECK(of_one.all.size() == 2);
    CHECK(code_of(of_all.stream.next(no_wait)) == errc::would_block);
    before.close(0s);
    in = new_context();
    CHECK(of_all.wait_for(event_kind::stopped).socket == before.number());
    CHECK(code_of(of_all.stream.next(test_timeout)) == errc::end_of_stream);
}

TEST_CASE("next() waits, until an event, the timeout, a stop or the end of the context")
{
    auto in = new_context();
    auto of = new_socket<pull>(in);
    watched_events seen(of);
    CHECK(code_of(seen.stream.next(no_wait)) == errc::would_block);
    CHECK(code_of(seen.stream.next(1ms)) == errc::timed_out);
    std::stop_source stop;
    std::jthread elsewhere;
    SUBCASE("an event")
    {
        elsewhere = std::jthread([&] {
            std::this_thread::sleep_for(5ms);
            (void)of.bind("inproc://later");
        });
        CHECK(must(seen.stream.next(test_timeout)).kind == event_kind::listening);
    }
    SUBCASE("a stop")
    {
        elsewhere = std::jthread([&] {
            std::this_thread::sleep_for(5ms);
            stop.request_stop();
        });
        CHECK(code_of(seen.stream.next({test_timeout, stop.get_token()})) == errc::cancelled);
    }
    SUBCASE("the end of the context")
    {
        elsewhere = std::jthread([&] {
            std::this_thread::sleep_for(5ms);
            in.shutdown();
        });
        CHECK(code_of(seen.stream.next(test_timeout)) == errc::cancelled);
    }
}

TEST_CASE("in a context without threads next() runs the loop")
{
    auto in = new_context(0);
    auto to = new_socket<pull>(in);
    auto from = new_socket<push>(in);
    watched_events seen(in);
    bind_and_connect(to, from);
    seen.wait_for(event_kind::handshake_succeeded);
    seen.wait_for(event_kind::handshake_succeeded);
    CHECK(seen.count(event_kind::accepted) == 1);
    CHECK(seen.count(event_kind::connected) == 1);
    CHECK(code_of(seen.stream.next(1ms)) == errc::timed_out);
}

TEST_CASE("wait() waits for a stream together with sockets")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto to = new_socket<pull>(in);
        auto from = new_socket<push>(in);
        watched_events seen(to);
        wait_item items[] = {{.on = &to}, {.events = &seen.stream}};
        CHECK(code_of(wait(items, no_wait)) == errc::would_block);
        CHECK(code_of(wait(items, 1ms)) == errc::timed_out);
        const std::string where = must(to.bind(any_tcp));
        CHECK(must(wait(items, test_timeout)) == 1);
        CHECK_FALSE(items[0].readable);
        CHECK(items[1].readable);
        seen.read();
        must(from.connect(where));
        must(from.send("message", test_timeout));
        do
            seen.read();
        while (must(wait(items, test_timeout)) > 0 && !items[0].readable);
        CHECK(receive_text(to) == "message");
        to.close(0s);
        wait_item last[] = {{.events = &seen.stream}};
        CHECK(must(wait(last, test_timeout)) == 1);
        seen.wait_for(event_kind::stopped);
        CHECK(must(wait(last, test_timeout)) == 1);
        CHECK(code_of(seen.stream.next()) == errc::end_of_stream);
    }
}

TEST_CASE("wait() does not take a stream that has a handler, or that was moved from")
{
    auto in = new_context();
    auto of = new_socket<pull>(in);
    event_options options;
    options.handler = [](const event&) {};
    auto handled = must(event_stream::of(of, options));
    wait_item items[] = {{.events = &handled}};
    CHECK(code_of(wait(items, no_wait)) == errc::invalid_argument);
    CHECK(code_of(handled.next(no_wait)) == errc::invalid_state);
    const event_stream moved(std::move(handled));
    CHECK(code_of(wait(items, no_wait)) == errc::invalid_argument);
    CHECK(code_of(handled.next(no_wait)) == errc::invalid_state);
}

TEST_CASE("a handler is called for each event in order, on one thread that is not the socket's")
{
    auto in = new_context(2);
    auto of = new_socket<pull>(in);
    std::atomic<std::uint64_t> last{0};
    std::atomic<bool> in_order{true}, elsewhere{true}, stopped{false};
    event_options options;
    options.handler = [&, here = std::this_thread::get_id()](const event& each) {
        in_order = in_order && each.number == last + 1;
        elsewhere = elsewhere && std::this_thread::get_id() != here;
        last = each.number;
        stopped = stopped || each.kind == event_kind::stopped;
    };
    const auto handled = must(event_stream::of(of, options));
    make_events(of, 100);
    of.close(0s);
    CHECK(until([&] { return stopped.load(); }));
    CHECK(in_order);
    CHECK(elsewhere);
    CHECK(last == 201);
}

TEST_CASE("after the end of a stream its handler is not called, and it may end it itself")
{
    auto in = new_context();
    auto of = new_socket<pull>(in);
    std::optional<event_stream> handled;
    std::atomic<int> calls{0};
    event_options options;
    SUBCASE("by the handler")
    {
        options.handler = [&](const event&) {
            std::atomic<int>& count = calls;
            handled.reset();
            ++count; // the stream is over, as the other thread sees it
        };
        handled.emplace(must(event_stream::of(of, options)));
        make_events(of, 3);
        CHECK(until([&] { return calls > 0; }));
        std::this_thread::sleep_for(1ms);
        CHECK(calls == 1);
    }
    SUBCASE("by another thread, which waits")
    {
        std::atomic<bool> inside{false};
        options.handler = [&](const event&) {
            inside = true;
            std::this_thread::sleep_for(5ms);
            ++calls;
            inside = false;
        };
        handled.emplace(must(event_stream::of(of, options)));
        make_events(of, 3);
        CHECK(until([&] { return inside.load(); }));
        handled.reset();
        CHECK_FALSE(inside);
        const int before = calls;
        make_events(of, 3);
        CHECK(calls == before);
    }
}

TEST_CASE("event_options are checked, and a closed socket has no stream")
{
    auto in = new_context();
    auto of = new_socket<pull>(in);
    event_options options;
    for (const std::size_t wrong : {std::size_t{0}, std::size_t{1'000'001}}) {
        options.capacity = wrong;
        CHECK(code_of(event_stream::of(of, options)) == errc::invalid_argument);
        CHECK(code_of(event_stream::of(in, options)) == errc::invalid_argument);
    }
    of.close(0s);
    CHECK(code_of(event_stream::of(of)) == errc::invalid_state);
    const pull moved(std::move(of));
    CHECK(code_of(event_stream::of(of)) == errc::invalid_state);
    CHECK(of.number() == 0);
    in.shutdown();
    CHECK(code_of(event_stream::of(in)) == errc::cancelled);
}
