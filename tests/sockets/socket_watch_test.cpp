// SPDX-License-Identifier: MPL-2.0

// socket::watch(): a loop of the program's calls a function while a socket is ready.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

loop own_loop()
{
    const char* const backend = std::getenv("SLK_TEST_BACKEND");
    return must(loop::create({.backend = backend != nullptr ? backend : ""}));
}

bool until(loop& on, const std::function<bool()>& reached)
{
    return on.run_until(reached, test_timeout).value_or(false);
}

/// Gives the loop time to do what it should not do.
void give_turns(loop& on)
{
    for (int turn = 0; turn < 5; ++turn)
        must(on.run_for(2ms));
}

/// A PULL, and a PUSH that is connected to it.
struct two_sockets {
    explicit two_sockets(context& in, const std::string& by = any_tcp)
        : to(new_socket<pull>(in)), from(new_socket<push>(in))
    {
        bind_and_connect(to, from, by);
    }

    pull to;
    push from;
};

} // namespace

TEST_CASE("a watch of a socket reports each message, and nothing while there is none")
{
    for (const char* const by : {any_tcp, "inproc://watched"}) {
        auto in = new_context();
        loop on = own_loop();
        two_sockets ends(in, by);
        std::string received;
        int calls = 0;
        const auto watch = must(ends.to.watch(on, watch_for::readable, [&](socket_events now) {
            ++calls;
            CHECK(now.readable);
            CHECK_FALSE(now.writable);
            received += receive_text(ends.to, no_wait);
        }));
        CHECK(calls == 0);
        give_turns(on);
        CHECK(calls == 0);
        for (const char* const text : {"a", "b", "c"})
            must(ends.from.send(text, test_timeout));
        REQUIRE(until(on, [&] { return received == "abc"; }));
        give_turns(on);
        CHECK(calls == 3);
        must(ends.from.send("d", test_timeout));
        REQUIRE(until(on, [&] { return received == "abcd"; }));
        CHECK(watch.active());
    }
}

TEST_CASE("a watch of a socket misses no message of another thread")
{
    auto in = new_context();
    loop on = own_loop();
    two_sockets ends(in);
    constexpr int count = 5000;
    int received = 0;
    const auto watch = must(ends.to.watch(on, watch_for::readable, [&](socket_events) {
        message got;
        for (int most = 0; most < 3 && ends.to.receive(got, no_wait); ++most)
            ++received;
    }));
    std::thread other([&] {
        for (int number = 0; number < count; ++number) {
            if (!ends.from.send("x", test_timeout))
                return;
            if (number % 100 == 0)
                std::this_thread::yield();
        }
    });
    CHECK(until(on, [&] { return received == count; }));
    other.join();
}

TEST_CASE("a watch of a socket that waits for room is called when there is some")
{
    auto in = new_context();
    loop on = own_loop();
    push_options options;
    options.send_high_water_mark = 1;
    auto from = new_socket<push>(in, options);
    must(from.connect("inproc://room"));
    int calls = 0;
    auto watch = must(from.watch(on, watch_for::writable, [&](socket_events now) {
        ++calls;
        CHECK(now.writable);
        (void)from.send("x", no_wait);
    }));
    REQUIRE(until(on, [&] { return calls == 1; }));
    give_turns(on);
    CHECK(calls == 1);
    pull_options of_pull;
    of_pull.receive_high_water_mark = 1;
    auto to = new_socket<pull>(in, of_pull);
    must(to.bind("inproc://room"));
    std::string received;
    const auto other = must(to.watch(
        on, watch_for::readable, [&](socket_events) { received += receive_text(to, no_wait); }));
    REQUIRE(until(on, [&] { return received.size() > 10; }));
    CHECK(calls > 10);
    must(watch.set(watch_for::nothing));
    give_turns(on);
    calls = 0;
    give_turns(on);
    CHECK(calls == 0);
    must(watch.set(watch_for::both));
    REQUIRE(until(on, [&] { return calls > 0; }));
}

TEST_CASE("a watch ends with its handle, with its socket and with its loop")
{
    auto in = new_context();
    std::optional<loop> on = own_loop();
    std::optional<two_sockets> ends;
    ends.emplace(in);
    const auto alive = std::make_shared<int>(0);
    int calls = 0;
    auto watch =
        must(ends->to.watch(*on, watch_for::readable, [&calls, alive](socket_events) { ++calls; }));
    CHECK(code_of(ends->to.watch(*on, watch_for::readable, [](socket_events) {})) ==
          errc::already_exists);
    must(ends->from.send("x", test_timeout));
    REQUIRE(until(*on, [&] { return calls > 3; })); // by level: nobody receives it
    SUBCASE("the handle")
    {
        watch = socket_watch();
        CHECK(alive.use_count() == 1);
        calls = 0;
        give_turns(*on);
        CHECK(calls == 0);
        auto next = must(ends->to.watch(*on, watch_for::readable, [&](socket_events) { ++calls; }));
        REQUIRE(until(*on, [&] { return calls > 0; }));
    }
    SUBCASE("the socket")
    {
        ends.reset();
        calls = 0;
        REQUIRE(until(*on, [&] { return !watch.active(); }));
        CHECK(alive.use_count() == 1);
        CHECK(calls == 0);
        CHECK(code_of(watch.set(watch_for::both)) == errc::invalid_state);
    }
    SUBCASE("the loop")
    {
        on.reset();
        CHECK_FALSE(watch.active());
        CHECK(alive.use_count() == 1);
        CHECK(receive_text(ends->to) == "x");
        on = own_loop();
        calls = 0;
        watch = must(ends->to.watch(*on, watch_for::readable, [&](socket_events) {
            CHECK(receive_text(ends->to, no_wait) == "y");
            ++calls;
        }));
        must(ends->from.send("y", test_timeout));
        REQUIRE(until(*on, [&] { return calls == 1; }));
    }
}

TEST_CASE("the function of a watch may close the socket, and cancel the watch")
{
    auto in = new_context();
    loop on = own_loop();
    two_sockets ends(in);
    int calls = 0;
    socket_watch watch;
    bool closes = false;
    SUBCASE("close")
    {
        closes = true;
    }
    SUBCASE("cancel") {}
    watch = must(ends.to.watch(on, watch_for::readable, [&](socket_events) {
        ++calls;
        if (closes)
            ends.to.close(0s);
        else
            watch.cancel();
    }));
    must(ends.from.send("1", test_timeout));
    must(ends.from.send("2", test_timeout));
    REQUIRE(until(on, [&] { return calls > 0; }));
    give_turns(on);
    CHECK(calls == 1);
    CHECK_FALSE(watch.active());
}

TEST_CASE("watches on the loop of the context itself")
{
    loop on = own_loop();
    context in = new_context(on);
    two_sockets ends(in);
    std::string received;
    std::string outcome;
    const auto watch = must(ends.to.watch(on, watch_for::readable, [&](socket_events) {
        received += receive_text(ends.to, no_wait);
        outcome = receive_text(ends.to, no_wait); // from inside of the loop
    }));
    const auto ticking = must(on.call_every(1ms, [&] { (void)ends.from.send("x", no_wait); }));
    REQUIRE(until(on, [&] { return received.size() == 5; }));
    CHECK(outcome == "(would_block)");
}

TEST_CASE("a REQ is watched for its reply, and then for the next request")
{
    auto in = new_context();
    loop on = own_loop();
    auto client = new_socket<req>(in);
    auto server = new_socket<rep>(in);
    bind_and_connect(server, client);
    int replies = 0;
    const auto served = must(server.watch(on, watch_for::readable, [&](socket_events) {
        CHECK(receive_text(server, no_wait) == "request");
        must(server.send("reply", no_wait));
    }));
    const auto asking = must(client.watch(on, watch_for::both, [&](socket_events now) {
        if (now.readable) {
            CHECK(receive_text(client, no_wait) == "reply");
            ++replies;
        } else {
            must(client.send("request", no_wait));
        }
    }));
    REQUIRE(until(on, [&] { return replies == 20; }));
}

TEST_CASE("watches that cannot be are errors")
{
    auto in = new_context();
    loop on = own_loop();
    two_sockets ends(in);
    const auto nothing = [](socket_events) {};
    CHECK(code_of(ends.to.watch(on, watch_for::readable, {})) == errc::invalid_argument);
    loop threaded = own_loop();
    must(threaded.start_thread());
    CHECK(code_of(ends.to.watch(threaded, watch_for::readable, nothing)) == errc::invalid_state);
    auto without = new_context(0);
    auto lonely = new_socket<pull>(without);
    CHECK(code_of(lonely.watch(on, watch_for::readable, nothing)) == errc::invalid_argument);
    loop moved = std::move(on);
    CHECK(code_of(ends.to.watch(on, watch_for::readable, nothing)) == errc::loop_closed);
    ends.to.close(0s);
    CHECK(code_of(ends.to.watch(moved, watch_for::readable, nothing)) == errc::invalid_state);
}

TEST_CASE("a loop on a thread of its own serves a socket")
{
    auto in = new_context();
    loop on = own_loop();
    two_sockets ends(in);
    std::atomic<int> received{0};
    socket_watch watch;
    must(on.start_thread());
    REQUIRE(on.post([&] {
        watch = *ends.to.watch(on, watch_for::readable, [&](socket_events) {
            message got;
            while (ends.to.receive(got, no_wait))
                ++received;
        });
    }));
    for (int number = 1; number <= 500; ++number)
        must(ends.from.send("x", test_timeout));
    REQUIRE(until([&] { return received == 500; }));
    on.stop();
}

TEST_CASE("the function of on_news that uses its socket all the same does not hang")
{
    auto in = new_context();
    auto alone = new_socket<pull>(in);
    errc ended = errc::ok, again = errc::ok;
    int calls = 0;
    must(alone.on_news([&] {
        ++calls;
        (void)alone.events();
        again = code_of(alone.on_news([] {}));
        ended = code_of(alone.on_news({}));
    }));
    CHECK(calls == 1);
    CHECK(again == errc::already_exists);
    CHECK(ended == errc::already_exists);
    must(alone.on_news({}));
}

TEST_CASE("on_news tells once, and again after the next look")
{
    auto in = new_context();
    two_sockets ends(in);
    must(ends.from.wait_ready(test_timeout));
    std::atomic<int> news{0};
    must(ends.to.on_news([&] { ++news; }));
    CHECK(news == 1); // there may be something already
    loop on = own_loop();
    CHECK(code_of(ends.to.watch(on, watch_for::readable, [](socket_events) {})) ==
          errc::already_exists);
    CHECK(code_of(ends.to.on_news([] {})) == errc::already_exists);
    while (ends.to.events().readable)
        CHECK(receive_text(ends.to) == "");
    for (int round = 0; round < 200; ++round) {
        CHECK_FALSE(ends.to.events().readable);
        const int before = news;
        must(ends.from.send("x", test_timeout));
        REQUIRE(until([&] { return news > before; }));
        CHECK(receive_text(ends.to) == "x");
    }
    must(ends.to.on_news({}));
    const int so_far = news;
    CHECK_FALSE(ends.to.events().readable);
    must(ends.from.send("x", test_timeout));
    CHECK(receive_text(ends.to) == "x");
    CHECK(news == so_far);
    const auto watch = must(ends.to.watch(on, watch_for::readable, [](socket_events) {}));
    CHECK(watch.active());

    auto without = new_context(0);
    auto lonely = new_socket<pull>(without);
    CHECK(code_of(lonely.on_news([] {})) == errc::not_supported);
}
