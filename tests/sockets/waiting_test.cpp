// SPDX-License-Identifier: MPL-2.0
#include "sockets/socket_rig.hpp"

#include <stop_token>
#include <thread>

using namespace slk;
using namespace slk::socket_tests;

TEST_CASE("a call that may not wait says so, one that may waits as long as it may")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto a = must(pair::create(in));
        must(a.bind("tcp://127.0.0.1:*"));
        message got;
        CHECK(code_of(a.receive(got, no_wait)) == errc::would_block);
        CHECK(code_of(a.send("x", no_wait)) == errc::would_block);
        const auto began = std::chrono::steady_clock::now();
        CHECK(code_of(a.receive(got, moment)) == errc::timed_out);
        CHECK(std::chrono::steady_clock::now() - began >= moment);
        CHECK(code_of(a.send("x", moment)) == errc::timed_out);
        CHECK(code_of(a.wait_ready(moment)) == errc::timed_out);
    }
}

TEST_CASE("a stop that is requested ends every wait")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto a = must(pair::create(in));
        message got;
        std::stop_source already;
        already.request_stop();
        CHECK(code_of(a.receive(got, already.get_token())) == errc::cancelled);
        wait_item items[] = {{.on = &a}};
        for (int which = 0; which < 4; ++which) {
            CAPTURE(which);
            std::stop_source source;
            std::thread stopper([&] {
                std::this_thread::sleep_for(5ms);
                source.request_stop();
            });
            const timeout test_timeout(source.get_token());
            errc answer = errc::ok;
            switch (which) {
            case 0: answer = code_of(a.receive(got, test_timeout)); break;
            case 1: answer = code_of(a.send("x", test_timeout)); break;
            case 2: answer = code_of(a.wait_ready(test_timeout)); break;
            default: answer = code_of(wait(items, test_timeout)); break;
            }
            CHECK(answer == errc::cancelled);
            stopper.join();
        }
    }
}

TEST_CASE("the end of a context ends every wait, and its sockets can be destroyed afterwards")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        std::optional<context> in = new_context(threads);
        auto a = must(pair::create(*in));
        auto unused = must(pair::create(*in));
        must(unused.bind("tcp://127.0.0.1:*"));
        std::thread ender([&] {
            std::this_thread::sleep_for(5ms);
            in->shutdown();
        });
        message got;
        CHECK(code_of(a.receive(got)) == errc::cancelled);
        ender.join();
        CHECK(code_of(a.send("x", no_wait)) == errc::cancelled);
        CHECK(code_of(a.bind("tcp://127.0.0.1:*")) == errc::cancelled);
        CHECK(code_of(pair::create(*in)) == errc::cancelled);
        in.reset();
        CHECK(code_of(a.send("x", no_wait)) == errc::cancelled);
    }
}

TEST_CASE("wait_ready waits for the handshake of all that were connected")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto to = must(pull::create(in));
        auto from = must(push::create(in, quick()));
        const auto where = must(to.bind("tcp://127.0.0.1:*"));
        must(from.connect(where));
        must(from.wait_ready(bound));
        must(to.wait_ready(bound));
        REQUIRE(from.endpoints().size() == 1);
        const auto status = from.endpoints()[0];
        CHECK(status.ready);
        CHECK(status.kind == endpoint_kind::connected);
        CHECK(status.endpoint == where);
        CHECK(status.link.state == link_state::connected);
        CHECK(to.endpoints()[0].peers == 1);
        CHECK(to.peers()[0].ready);

        must(from.connect("tcp://127.0.0.1:1"));
        CHECK(code_of(from.wait_ready(moment)) == errc::timed_out);
        CHECK(from.endpoints()[1].link.last_error == errc::connection_refused);
    }
}

TEST_CASE("wait tells which of several sockets has something")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto first = must(pull::create(in));
        auto second = must(pull::create(in));
        auto from = must(push::create(in));
        must(first.bind("tcp://127.0.0.1:*"));
        const auto where = must(second.bind("tcp://127.0.0.1:*"));
        wait_item items[] = {{.on = &first}, {.on = &second}};
        CHECK(code_of(wait(items, no_wait)) == errc::would_block);
        CHECK(code_of(wait(items, moment)) == errc::timed_out);
        must(from.connect(where));
        must(from.send("x", bound));
        CHECK(must(wait(items, bound)) == 1);
        CHECK_FALSE(items[0].readable);
        CHECK(items[1].readable);
        CHECK(must(wait(items, no_wait)) == 1);
        CHECK(next(second, no_wait) == "x");
        CHECK(code_of(wait(items, no_wait)) == errc::would_block);

        wait_item writer[] = {{.on = &from, .to_receive = false, .to_send = true}};
        CHECK(must(wait(writer, bound)) == 1);
        CHECK(writer[0].writable);
    }
}

TEST_CASE("wait refuses what makes no sense")
{
    auto in = new_context(0);
    auto other = new_context(0);
    auto a = must(pair::create(in));
    auto b = must(pair::create(other));
    CHECK(code_of(wait({}, no_wait)) == errc::invalid_argument);
    wait_item apart[] = {{.on = &a}, {.on = &b}};
    CHECK(code_of(wait(apart, no_wait)) == errc::invalid_argument);
    auto moved = std::move(a);
    wait_item empty[] = {{.on = &a}};
    CHECK(code_of(wait(empty, no_wait)) == errc::invalid_argument);
}

TEST_CASE("events tell what the next calls would find")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        pair_options options;
        options.send_high_water_mark = 1;
        auto a = must(pair::create(in, options));
        auto b = must(pair::create(in));
        CHECK_FALSE(a.events().writable);
        must(a.connect("inproc://events"));
        CHECK(a.events().writable);
        must(a.send("1", no_wait));
        CHECK_FALSE(a.events().writable);
        must(b.bind("inproc://events"));
        CHECK(b.events().readable);
        CHECK(next(b, no_wait) == "1");
        CHECK_FALSE(b.events().readable);
        CHECK(soon([&] { return a.events().writable; }));
    }
}
