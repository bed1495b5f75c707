// SPDX-License-Identifier: MPL-2.0

// Sockets in tasks, on the system's sockets.

#include "coroutine_rig.hpp"

#include <array>
#include <cstring>
#include <stop_token>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

/// Receives a message and sends it back, so many times.
task<std::size_t> reply_to(dealer& peer, std::size_t count)
{
    message next;
    for (std::size_t done = 0; done < count; ++done) {
        SLK_CO_TRY(co_await async_receive(peer, next));
        SLK_CO_TRY(co_await async_send(peer, std::move(next)));
    }
    co_return count;
}

task<std::size_t> ask(dealer& peer, std::size_t count)
{
    std::size_t right = 0;
    message next;
    for (std::size_t done = 0; done < count; ++done) {
        const std::string text = "message " + std::to_string(done);
        SLK_CO_TRY(co_await async_send(peer, text));
        SLK_CO_TRY(co_await async_receive(peer, next));
        right += next.text() == text ? 1 : 0;
    }
    co_return right;
}

} // namespace

TEST_CASE("two tasks exchange messages by DEALER")
{
    SLK_FOR_BOTH_PLACES(where);
    loop on = new_test_loop();
    context in = new_context(on, where);
    auto one = new_socket<dealer>(in);
    auto other = new_socket<dealer>(in);
    bind_and_connect(one, other);
    auto both = [](dealer& a, dealer& b) -> task<std::size_t> {
        auto [replied, asked] = co_await when_all(reply_to(a, 100), ask(b, 100));
        SLK_CO_TRY(replied);
        co_return asked;
    };
    CHECK(must(run(on, both(one, other))) == 100);
}

TEST_CASE("a task waits until a message comes that another thread sends")
{
    SLK_FOR_BOTH_PLACES(where);
    loop on = new_test_loop();
    context in = new_context(on, where);
    context elsewhere = new_context();
    auto pulls = new_socket<pull>(in);
    const std::string at = must(pulls.bind(any_tcp));
    auto pushes = new_socket<push>(elsewhere);
    must(pushes.connect(at));
    result<send_outcome> sent = send_outcome::dropped_full;
    std::thread other([&] { sent = pushes.send("from another thread", test_timeout); });
    message next;
    auto receive = [](pull& from, message& into) -> task<> {
        co_return co_await async_receive(from, into);
    };
    const auto got = run(on, receive(pulls, next));
    other.join();
    must(got);
    must(sent);
    CHECK(next.text() == "from another thread");
    pushes.close(0ms);
}

TEST_CASE("a send waits for room, and goes on when there is some")
{
    SLK_FOR_BOTH_PLACES(where);
    loop on = new_test_loop();
    context in = new_context(on, where);
    auto pulls = new_socket<pull>(in, {.receive_high_water_mark = 2});
    auto pushes = new_socket<push>(in, {.send_high_water_mark = 2});
    bind_and_connect(pulls, pushes);
    constexpr std::size_t count = 300;
    std::size_t most_ahead = 0;
    std::size_t sent = 0;
    std::size_t received = 0;
    auto send_all = [&](push& to) -> task<> {
        const std::string large(100'000, 'x');
        for (; sent < count; ++sent)
            SLK_CO_TRY(co_await async_send(to, large));
        co_return {};
    };
    auto receive_all = [&](pull& from) -> task<> {
        message next;
        for (; received < count; ++received) {
            most_ahead = std::max(most_ahead, sent - received);
            SLK_CO_TRY(co_await async_receive(from, next));
            if (received % 50 == 0)
                SLK_CO_TRY(co_await async_sleep(10ms)); // the sender runs into its mark
        }
        co_return {};
    };
    auto both = [&](task<> a, task<> b) -> task<> {
        auto [one, other] = co_await when_all(std::move(a), std::move(b));
        SLK_CO_TRY(one);
        co_return other;
    };
    must(run(on, both(send_all(pushes), receive_all(pulls))));
    CHECK(received == count);
    CHECK(most_ahead < count / 2);
}

TEST_CASE("a task asks a server with several requests at a time")
{
    SLK_FOR_BOTH_PLACES(where);
    loop on = new_test_loop();
    context in = new_context(on, where);
    auto serves = must(server::create(in));
    auto asks = must(client::create(in));
    must(asks.connect(must(serves.bind(any_tcp))));
    auto serve = [](server& by) -> task<> {
        for (;;) {
            SLK_CO_TRY(auto request, co_await async_receive(by));
            const std::string text = "reply to " + std::string(request.parts()[0].text());
            SLK_CO_TRY(co_await async_reply(request, text));
        }
    };
    auto ask_thrice = [](client& by) -> task<std::string> {
        SLK_CO_TRY(co_await async_wait_ready(by));
        auto [a, b, c] = co_await when_all(async_request(by, "a"), async_request(by, "b"),
                                           async_request(by, "c"));
        SLK_CO_TRY(multipart first, std::move(a));
        SLK_CO_TRY(multipart second, std::move(b));
        SLK_CO_TRY(multipart third, std::move(c));
        co_return std::string(first[0].text()) + ", " + std::string(second[0].text()) + ", " +
            std::string(third[0].text());
    };
    auto scope = must(task_scope::create(on));
    must(scope.spawn(serve(serves)));
    CHECK(must(run(on, ask_thrice(asks))) == "reply to a, reply to b, reply to c");
    CHECK(scope.size() == 1);
}

TEST_CASE("a publisher's task waits for subscribers")
{
    SLK_FOR_BOTH_PLACES(where);
    loop on = new_test_loop();
    context in = new_context(on, where);
    auto publishes = new_socket<pub>(in);
    auto listens = new_socket<sub>(in);
    bind_and_connect(publishes, listens);
    auto publish = [](pub& by) -> task<> {
        SLK_CO_TRY(co_await async_wait_subscribers(by, "news"));
        SLK_CO_TRY(co_await async_send(by, "news of the day"));
        co_return {};
    };
    auto listen = [](sub& by, message& into) -> task<> {
        SLK_CO_TRY(co_await async_sleep(5ms));
        SLK_CO_TRY(by.subscribe("news"));
        co_return co_await async_receive(by, into);
    };
    message got;
    auto both = [](task<> a, task<> b) -> task<> {
        auto [one, other] = co_await when_all(std::move(a), std::move(b));
        SLK_CO_TRY(one);
        co_return other;
    };
    must(run(on, both(publish(publishes), listen(listens, got))));
    CHECK(got.text() == "news of the day");
}

namespace {

enum class ending { cancelled, destroyed };

void check_that_the_message_stays(place where, ending how)
{
    CAPTURE(static_cast<int>(where));
    CAPTURE(static_cast<int>(how));
    loop on = new_test_loop();
    context in = new_context(on, where);
    auto pulls = new_socket<pull>(in);
    auto pushes = new_socket<push>(in);
    bind_and_connect(pulls, pushes, "inproc://here");
    message next;
    errc ended = errc::ok;
    auto receive = [](pull& from, message& into, errc& end) -> task<> {
        const auto got = co_await async_receive(from, into);
        end = code_of(got);
        co_return got;
    };
    auto scope = must(task_scope::create(on));
    must(scope.spawn(receive(pulls, next, ended)));
    must(on.run_for(0ms));
    CHECK(scope.size() == 1);
    must(pushes.send("stays"));
    if (how == ending::cancelled) {
        scope.cancel();
        CHECK(must(on.run_until([&] { return scope.empty(); }, test_timeout)));
    } else {
        scope = must(task_scope::create(on));
    }
#if defined(_WIN32)
    // There a send may run the loop of its socket, and with it the task.
    if (next.size() > 0) {
        CHECK(ended == errc::ok);
        CHECK(next.text() == "stays");
        return;
    }
#endif
    CHECK(ended == (how == ending::cancelled ? errc::cancelled : errc::ok));
    CHECK(receive_text(pulls) == "stays");
}

} // namespace

TEST_CASE("a message that has arrived stays in the socket when its task is cancelled or destroyed")
{
    for (const place where : {place::on_the_loop, place::on_threads})
        for (const ending how : {ending::cancelled, ending::destroyed})
            check_that_the_message_stays(where, how);
}

namespace {

void check_the_end_with_the_socket(place where, bool destroyed)
{
    CAPTURE(static_cast<int>(where));
    CAPTURE(destroyed);
    loop on = new_test_loop();
    context in = new_context(on, where);
    std::optional<pull> pulls = new_socket<pull>(in);
    must(pulls->bind(any_tcp));
    auto receive = [](pull& from) -> task<> {
        message next;
        co_return co_await async_receive(from, next);
    };
    auto scope = must(task_scope::create(on));
    must(scope.spawn(receive(*pulls)));
    must(on.run_for(0ms));
    CHECK(scope.size() == 1);
    if (destroyed)
        pulls.reset();
    else
        pulls->close(0ms);
    CHECK(must(on.run_until([&] { return scope.empty(); }, test_timeout)));
    CHECK(scope.first_error() == errc::invalid_state);
}

} // namespace

TEST_CASE("a task that waits for a socket ends when the socket is closed or destroyed")
{
    for (const place where : {place::on_the_loop, place::on_threads})
        for (const bool destroyed : {false, true})
            check_the_end_with_the_socket(where, destroyed);
}

TEST_CASE("a stop that another thread requests ends a receive")
{
    SLK_FOR_BOTH_PLACES(where);
    loop on = new_test_loop();
    context in = new_context(on, where);
    auto pulls = new_socket<pull>(in);
    must(pulls.bind(any_tcp));
    std::stop_source stop;
    auto receive = [](pull& from, std::stop_token token) -> task<> {
        message next;
        co_return co_await with_stop(std::move(token), async_receive(from, next));
    };
    errc ended = errc::ok;
    must(spawn(on, receive(pulls, stop.get_token()),
               [&](const result<void>& outcome) { ended = code_of(outcome); }));
    must(on.run_for(0ms));
    CHECK(ended == errc::ok);
    std::thread other([&] { stop.request_stop(); });
    CHECK(must(on.run_until([&] { return ended != errc::ok; }, test_timeout)));
    other.join();
    CHECK(ended == errc::cancelled);
}

TEST_CASE("a request in a task ends with its time, and when it is cancelled elsewhere")
{
    SLK_FOR_BOTH_PLACES(where);
    loop on = new_test_loop();
    context in = new_context(on, where);
    auto asks = must(client::create(in));
    must(asks.bind(any_tcp)); // nobody comes
    auto ask = [](client& by) -> task<> {
        SLK_CO_TRY(co_await async_request(by, "question", {.timeout = 5ms}));
        co_return {};
    };
    CHECK(code_of(run(on, ask(asks))) == errc::timed_out);
    auto wait = [](pending_reply& of) -> task<> {
        SLK_CO_TRY(co_await async_wait(of));
        co_return {};
    };
    auto cancel = [](pending_reply& of) -> task<> {
        SLK_CO_TRY(co_await async_sleep(1ms));
        of.cancel();
        co_return {};
    };
    auto both = [](task<> a, task<> b) -> task<> {
        auto [one, other] = co_await when_all(std::move(a), std::move(b));
        SLK_CO_TRY(other);
        co_return one;
    };
    auto started = must(asks.start("question"));
    CHECK(code_of(run(on, both(wait(started), cancel(started)))) == errc::cancelled);
    CHECK(asks.outstanding() == 0);
}

TEST_CASE("a request that is repeatable is sent again while its task waits")
{
    SLK_FOR_BOTH_PLACES(where);
    loop on = new_test_loop();
    context in = new_context(on, where);
    auto asks = must(client::create(in));
    auto replies = new_socket<router>(in);
    must(asks.connect(must(replies.bind(any_tcp))));
    auto ask = [](client& by) -> task<std::string> {
        request_options options;
        options.repeatable = true;
        options.attempt_timeout = 10ms;
        SLK_CO_TRY(const auto reply, co_await async_request(by, "question", options));
        co_return std::string(reply[0].text());
    };
    // The first one is left without a reply.
    auto reply_to_second = [](router& by) -> task<> {
        peer_id from;
        multipart request;
        SLK_CO_TRY(co_await async_receive(by, from, request));
        SLK_CO_TRY(co_await async_receive(by, from, request));
        CHECK(request.size() == 3);
        SLK_CO_TRY(co_await async_send(by, from, std::move(request)));
        co_return {};
    };
    auto both = [](task<std::string> a, task<> b) -> task<std::string> {
        auto [one, other] = co_await when_all(std::move(a), std::move(b));
        SLK_CO_TRY(other);
        co_return one;
    };
    CHECK(must(run(on, both(ask(asks), reply_to_second(replies)))) == "question");
}

TEST_CASE("a task ends its socket in the background, and what it has sent arrives")
{
    SLK_FOR_BOTH_PLACES(where);
    loop on = new_test_loop();
    context in = new_context(on, where);
    auto pulls = new_socket<pull>(in);
    const std::string at = must(pulls.bind(any_tcp));
    auto send = [](context& by, std::string to) -> task<> {
        SLK_CO_TRY(auto pushes, push::create(by));
        SLK_CO_TRY(pushes.connect(to));
        SLK_CO_TRY(co_await async_send(pushes, "last words"));
        pushes.close_in_background(test_timeout);
        co_return {};
    };
    must(run(on, send(in, at)));
    CHECK(receive_text(pulls) == "last words");
}
