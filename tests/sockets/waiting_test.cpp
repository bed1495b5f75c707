// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <limits>
#include <span>
#include <stop_token>
#include <thread>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a call with no_wait returns would_block, and one with a timeout waits for that time")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto a = new_socket<pair>(in);
        must(a.bind(any_tcp));
        message got;
        CHECK(code_of(a.receive(got, no_wait)) == errc::would_block);
        CHECK(code_of(a.send("x", no_wait)) == errc::would_block);
        const auto began = std::chrono::steady_clock::now();
        CHECK(code_of(a.receive(got, short_timeout)) == errc::timed_out);
        CHECK(std::chrono::steady_clock::now() - began >= short_timeout);
        CHECK(code_of(a.send("x", short_timeout)) == errc::timed_out);
        CHECK(code_of(a.wait_ready(short_timeout)) == errc::timed_out);
    }
}

TEST_CASE("a stop request ends every wait")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto a = new_socket<pair>(in);
        message got;
        std::stop_source stopped;
        stopped.request_stop();
        CHECK(code_of(a.receive(got, stopped.get_token())) == errc::cancelled);
        auto b = new_socket<pair>(in);
        wait_item items[] = {{.on = &a}, {.on = &b}};
        for (int which = 0; which < 5; ++which) {
            CAPTURE(which);
            std::stop_source source;
            std::thread stopper([&] {
                std::this_thread::sleep_for(5ms);
                source.request_stop();
            });
            const timeout cancellable(source.get_token());
            errc code = errc::ok;
            switch (which) {
            case 0: code = code_of(a.receive(got, cancellable)); break;
            case 1: code = code_of(a.send("x", cancellable)); break;
            case 2: code = code_of(a.wait_ready(cancellable)); break;
            case 3: code = code_of(wait(std::span(items).first(1), cancellable)); break;
            default: code = code_of(wait(items, cancellable)); break;
            }
            CHECK(code == errc::cancelled);
            stopper.join();
        }
    }
}

TEST_CASE("shutdown of a context ends a wait for one socket, and for several")
{
    for (const int threads : {0, 1}) {
        for (const std::size_t count : {1U, 2U}) {
            CAPTURE(threads);
            CAPTURE(count);
            auto in = new_context(threads);
            auto a = new_socket<pair>(in);
            auto b = new_socket<pair>(in);
            wait_item items[] = {{.on = &a}, {.on = &b}};
            std::thread ender([&] {
                std::this_thread::sleep_for(5ms);
                in.shutdown();
            });
            CHECK(code_of(wait(std::span(items).first(count))) == errc::cancelled);
            ender.join();
        }
    }
}

TEST_CASE("a wait for one socket, and for several, ends with a message that comes late")
{
    for (const char* const endpoint : {any_tcp, "inproc://late"}) {
        CAPTURE(endpoint);
        auto in = new_context();
        auto to = new_socket<pull>(in);
        auto other = new_socket<pull>(in);
        auto from = new_socket<push>(in);
        must(from.connect(must(to.bind(endpoint))));
        must(from.wait_ready(test_timeout));
        wait_item items[] = {{.on = &other}, {.on = &to}};
        for (const std::size_t count : {1U, 2U, 1U, 2U}) {
            CAPTURE(count);
            bool sent = false;
            std::thread sender([&] {
                std::this_thread::sleep_for(5ms);
                sent = from.send("late", test_timeout).has_value();
            });
            CHECK(must(wait(std::span(items).last(count), test_timeout)) == 1);
            sender.join();
            CHECK(sent);
            CHECK(items[1].readable);
            CHECK(receive_text(to, no_wait) == "late");
        }
    }
}

TEST_CASE("shutdown of a context ends every wait, and its sockets can be destroyed afterwards")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        std::optional<context> in = new_context(threads);
        auto a = new_socket<pair>(*in);
        auto unused = new_socket<pair>(*in);
        must(unused.bind(any_tcp));
        std::thread ender([&] {
            std::this_thread::sleep_for(5ms);
            in->shutdown();
        });
        message got;
        CHECK(code_of(a.receive(got)) == errc::cancelled);
        ender.join();
        CHECK(code_of(a.send("x", no_wait)) == errc::cancelled);
        CHECK(code_of(a.bind(any_tcp)) == errc::cancelled);
        CHECK(code_of(pair::create(*in)) == errc::cancelled);
        in.reset();
        CHECK(code_of(a.send("x", no_wait)) == errc::cancelled);
    }
}

TEST_CASE("wait_ready waits for the handshakes of all connected endpoints")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto to = new_socket<pull>(in);
        auto from = new_socket<push>(in, reconnect_at_once());
        const auto where = must(to.bind(any_tcp));
        must(from.connect(where));
        must(from.wait_ready(test_timeout));
        must(to.wait_ready(test_timeout));
        REQUIRE(from.endpoints().size() == 1);
        const auto status = from.endpoints()[0];
        CHECK(status.ready);
        CHECK(status.kind == endpoint_kind::connected);
        CHECK(status.endpoint == where);
        CHECK(status.link.state == link_state::connected);
        CHECK(to.endpoints()[0].peers == 1);
        CHECK(to.peers()[0].ready);

        must(from.connect("tcp://127.0.0.1:1"));
        CHECK(code_of(from.wait_ready(short_timeout)) == errc::timed_out);
        // Windows tries again for two seconds before it says so.
        CHECK(
            until([&] { return from.endpoints()[1].link.last_error == errc::connection_refused; }));
    }
}

TEST_CASE("wait reports which of several sockets is readable or writable")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto first = new_socket<pull>(in);
        auto second = new_socket<pull>(in);
        auto from = new_socket<push>(in);
        must(first.bind(any_tcp));
        const auto where = must(second.bind(any_tcp));
        wait_item items[] = {{.on = &first}, {.on = &second}};
        CHECK(code_of(wait(items, no_wait)) == errc::would_block);
        CHECK(code_of(wait(items, short_timeout)) == errc::timed_out);
        must(from.connect(where));
        must(from.send("x", test_timeout));
        CHECK(must(wait(items, test_timeout)) == 1);
        CHECK_FALSE(items[0].readable);
        CHECK(items[1].readable);
        CHECK(must(wait(items, no_wait)) == 1);
        CHECK(receive_text(second, no_wait) == "x");
        CHECK(code_of(wait(items, no_wait)) == errc::would_block);

        wait_item writer[] = {{.on = &from, .to_receive = false, .to_send = true}};
        CHECK(must(wait(writer, test_timeout)) == 1);
        CHECK(writer[0].writable);
    }
}

TEST_CASE("a timeout of any type that is too long to count is no limit")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    auto from = new_socket<push>(in, reconnect_at_once());
    bind_and_connect(to, from);
    const timeout limits[] = {
        std::chrono::seconds::max(),
        std::chrono::hours::max(),
        std::chrono::duration<double>(1e300),
        std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN()),
        {std::chrono::minutes::max(), std::stop_token()}};
    for (const timeout& limit : limits) {
        CHECK(limit.max_wait == duration::max());
        bool sent = false;
        std::thread sender([&] {
            std::this_thread::sleep_for(5ms);
            sent = from.send("late", test_timeout).has_value();
        });
        CHECK(receive_text(to, limit) == "late");
        sender.join();
        CHECK(sent);
    }
    const timeout over{std::chrono::hours::min()};
    CHECK(over.max_wait == duration::min());
    message got;
    CHECK(code_of(to.receive(got, over)) == errc::timed_out);
}

TEST_CASE("wait refuses invalid items")
{
    auto in = new_context(0);
    auto other = new_context(0);
    auto a = new_socket<pair>(in);
    auto b = new_socket<pair>(other);
    CHECK(code_of(wait({}, no_wait)) == errc::invalid_argument);
    wait_item apart[] = {{.on = &a}, {.on = &b}};
    CHECK(code_of(wait(apart, no_wait)) == errc::invalid_argument);
    auto moved = std::move(a);
    wait_item empty[] = {{.on = &a}};
    CHECK(code_of(wait(empty, no_wait)) == errc::invalid_argument);
    wait_item nothing[] = {{.on = &moved}, {}};
    CHECK(code_of(wait(nothing, no_wait)) == errc::invalid_argument);
}

TEST_CASE("events() reports whether a send and a receive would succeed")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        pair_options options;
        options.send_high_water_mark = 1;
        auto a = new_socket<pair>(in, options);
        auto b = new_socket<pair>(in);
        CHECK_FALSE(a.events().writable);
        must(a.connect("inproc://events"));
        CHECK(a.events().writable);
        must(a.send("1", no_wait));
        CHECK_FALSE(a.events().writable);
        must(b.bind("inproc://events"));
        CHECK(b.events().readable);
        CHECK(receive_text(b, no_wait) == "1");
        CHECK_FALSE(b.events().readable);
        CHECK(until([&] { return a.events().writable; }));
    }
}

TEST_CASE("close() does not wait when the context, and all its loops with it, is gone")
{
    std::optional<context> in = new_context(2);
    auto a = new_socket<push>(*in);
    must(a.connect("tcp://127.0.0.1:9"));
    must(a.send("x", no_wait));
    const auto began = std::chrono::steady_clock::now();
    SUBCASE("before the call")
    {
        in.reset();
        CHECK(a.close(60s).unsent() == 1);
    }
    SUBCASE("during the call")
    {
        std::thread closer([&] { CHECK(a.close(60s).unsent() == 1); });
        std::this_thread::sleep_for(20ms);
        in.reset();
        closer.join();
    }
    CHECK(std::chrono::steady_clock::now() - began < 30s);
}
