// SPDX-License-Identifier: MPL-2.0

// Sockets that are closed, and endpoints that are taken back, without waiting.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"
#ifndef _WIN32
#include "support/temporary_folder.hpp"
#endif

#include <chrono>
#include <optional>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

constexpr duration forever = duration::max();
constexpr const char* nobody = "tcp://127.0.0.1:1";

template <class Options = socket_options>
Options unlimited(Options options = {})
{
    options = reconnect_at_once(std::move(options));
    options.send_high_water_mark = 0;
    return options;
}

/// All peers may come at once.
pull_options for_many()
{
    pull_options options;
    options.max_pending_handshakes = options.max_pending_handshakes_per_address = 1000;
    return options;
}

void send_numbers(push& from, int count)
{
    for (int number = 0; number < count; ++number)
        must(from.send(std::to_string(number), test_timeout));
}

/// Receives what send_numbers() has sent.
void check_numbers(pull& to, int count)
{
    for (int number = 0; number < count; ++number)
        REQUIRE(receive_text(to) == std::to_string(number));
}

duration time_of(auto&& work)
{
    const auto began = std::chrono::steady_clock::now();
    work();
    return std::chrono::steady_clock::now() - began;
}

} // namespace

TEST_CASE("a socket that is closed in the background sends all messages to a slow reader")
{
    std::vector<const char*> places{any_tcp};
#ifndef _WIN32
    places.push_back("ipc://*");
#endif
    for (const char* const at : places) {
        for (const bool binds : {false, true}) {
            CAPTURE(at);
            CAPTURE(binds);
            auto in = new_context();
            auto elsewhere = new_context();
            pull_options small = reconnect_at_once(pull_options{});
            small.receive_high_water_mark = 10;
            auto to = new_socket<pull>(elsewhere, small);
            auto from = new_socket<push>(in, unlimited());
            (void)(binds ? bind_and_connect(from, to, at) : bind_and_connect(to, from, at));
            must(from.wait_ready(test_timeout));
            send_numbers(from, 10000);
            from.close_in_background(forever);
            CHECK(code_of(from.send("late", no_wait)) == errc::invalid_state);
            CHECK(from.close(forever).peers.empty());
            check_numbers(to, 10000);
            must(in.wait_closed(test_timeout));
            CHECK(receive_text(to, short_timeout) == "(timed_out)");
        }
    }
}

TEST_CASE("a socket that is closed in the background waits for a listener that comes later")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto elsewhere = new_context();
        auto to = new_socket<pull>(elsewhere);
        const auto where = must(to.bind(any_tcp));
        (void)to.close(0ms);
        auto from = new_socket<push>(in, reconnect_at_once());
        must(from.connect(where));
        send_numbers(from, 100);
        from.close_in_background(forever);
        CHECK(code_of(in.wait_closed(short_timeout)) == errc::timed_out);
        CHECK(code_of(in.wait_closed(no_wait)) == errc::would_block);
        auto late = new_socket<pull>(elsewhere);
        must(late.bind(where));
        must(in.wait_closed(test_timeout));
        check_numbers(late, 100);
    }
}

TEST_CASE("a socket that is closed in the background ends when its time is over")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        const auto close_with_message = [&](duration linger) {
            auto from = new_socket<push>(in, reconnect_at_once());
            must(from.connect(nobody));
            must(from.send("x", no_wait));
            from.close_in_background(linger);
        };
        CHECK(time_of([&] {
                  close_with_message(50ms);
                  must(in.wait_closed(test_timeout));
              }) >= 50ms);
        close_with_message(0ms);
        must(in.wait_closed(no_wait));
    }
}

TEST_CASE("a socket without messages is gone when it was closed in the background")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    auto from = new_socket<push>(in, reconnect_at_once());
    (void)bind_and_connect(to, from);
    must(from.connect(nobody));
    REQUIRE(until([&] { return ready_peers(to) == 1; }));
    from.close_in_background(forever);
    must(in.wait_closed(test_timeout));
    REQUIRE(until([&] { return ready_peers(to) == 0; }));
}

TEST_CASE("the port and the name are free when a socket was closed in the background")
{
    auto in = new_context();
    auto elsewhere = new_context();
    auto peer = new_socket<pull>(elsewhere, reconnect_at_once(pull_options{}));
    auto from = new_socket<push>(in, unlimited());
    const auto where = bind_and_connect(from, peer);
    must(from.bind("inproc://name"));
    send_numbers(from, 10);
    for (int round = 0; round < 20; ++round) {
        from.close_in_background(forever);
        from = new_socket<push>(in, unlimited());
        must(from.bind(where));
        must(from.bind("inproc://name"));
    }
    check_numbers(peer, 10);
}

TEST_CASE("peers of inproc see the end of a socket that is closed in the background")
{
    auto in = new_context();
    auto to = new_socket<pair>(in);
    auto from = new_socket<pair>(in);
    (void)bind_and_connect(to, from, "inproc://name");
    must(from.send("last", no_wait));
    from.close_in_background(forever);
    must(in.wait_closed(no_wait));
    CHECK(receive_text(to) == "last");
    CHECK(code_of(to.send("x", no_wait)) == errc::would_block);
    // What nobody has bound has nobody to wait for.
    auto alone = new_socket<push>(in);
    must(alone.connect("inproc://nobody"));
    must(alone.send("x", no_wait));
    alone.close_in_background(forever);
    must(in.wait_closed(no_wait));
}

TEST_CASE("a slow socket does not hold up hundreds of others that are closed in the background")
{
    auto in = new_context(2);
    auto elsewhere = new_context();
    auto to = new_socket<pull>(elsewhere, for_many());
    const auto where = must(to.bind(any_tcp));
    std::vector<push> all;
    for (int number = 0; number < 300; ++number) {
        all.push_back(new_socket<push>(in, reconnect_at_once()));
        must(all.back().connect(number == 0 ? nobody : where));
        must(all.back().send("x", no_wait));
    }
    for (push& each : all)
        each.close_in_background(forever);
    for (int number = 1; number < 300; ++number)
        REQUIRE(receive_text(to) == "x");
    CHECK(code_of(in.wait_closed(short_timeout)) == errc::timed_out);
    // They do not count any more.
    for (int number = 0; number < 1023; ++number)
        all.push_back(new_socket<push>(in));
}

TEST_CASE("a context ends at once while sockets are closed in the background")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        std::optional<context> in = new_context(threads);
        auto elsewhere = new_context();
        pull_options small = reconnect_at_once(pull_options{});
        small.receive_high_water_mark = 1;
        auto to = new_socket<pull>(elsewhere, small);
        const auto where = must(to.bind(any_tcp));
        for (const std::string& each : {std::string(nobody), where}) {
            auto from = new_socket<push>(*in, unlimited());
            must(from.connect(each));
            for (int number = 0; number < 100; ++number)
                must(from.send(std::string(100000, 'x'), no_wait));
            from.close_in_background(forever);
        }
        auto binds = new_socket<push>(*in, unlimited());
        auto other = new_socket<pull>(elsewhere, small);
        (void)bind_and_connect(binds, other);
        for (int number = 0; number < 100; ++number)
            must(binds.send(std::string(100000, 'x'), test_timeout));
        binds.close_in_background(forever);
        in.reset();
    }
}

TEST_CASE("shutdown does not stop what is sent in the background")
{
    auto in = new_context();
    auto elsewhere = new_context();
    auto to = new_socket<pull>(elsewhere);
    auto from = new_socket<push>(in, unlimited());
    (void)bind_and_connect(to, from);
    send_numbers(from, 1000);
    auto late = new_socket<push>(in, unlimited());
    must(late.connect(nobody));
    in.shutdown();
    from.close_in_background(forever);
    must(in.wait_closed(test_timeout));
    check_numbers(to, 1000);
}

TEST_CASE("a stop request ends the wait for sockets that are closed in the background")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto from = new_socket<push>(in);
        must(from.connect(nobody));
        must(from.send("x", no_wait));
        from.close_in_background(forever);
        std::stop_source stop;
        std::thread other([&] { stop.request_stop(); });
        CHECK(code_of(in.wait_closed(stop.get_token())) == errc::cancelled);
        other.join();
    }
}

TEST_CASE("messages that wait for a peer go with a socket that is closed in the background")
{
    auto in = new_context();
    auto elsewhere = new_context();
    auto to = new_socket<pull>(elsewhere);
    const auto where = must(to.bind(any_tcp));
    push_options few = reconnect_at_once(push_options{});
    few.send_high_water_mark = 5;
    auto from = new_socket<push>(in, few);
    // With two peers that are not there, and then with one.
    must(from.connect(nobody));
    for (int number = 0; number < 5; ++number)
        must(from.send(std::to_string(number), no_wait));
    must(from.connect("tcp://127.0.0.1:2"));
    for (int number = 5; number < 10; ++number)
        must(from.send(std::to_string(number), no_wait));
    must(from.disconnect(nobody));
    must(from.connect(where));
    must(from.disconnect("tcp://127.0.0.1:2"));
    from.close_in_background(forever);
    must(in.wait_closed(test_timeout));
    std::vector<std::string> got;
    for (int number = 0; number < 10; ++number)
        got.push_back(receive_text(to));
    std::ranges::sort(got);
    for (int number = 0; number < 10; ++number)
        CHECK(got[static_cast<std::size_t>(number)] == std::to_string(number));
}

TEST_CASE("sockets of eight threads come and go in the background")
{
    auto in = new_context(2);
    auto to = new_socket<pull>(in, for_many());
    const auto where = must(to.bind(any_tcp));
    must(to.bind("inproc://name"));
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int thread = 0; thread < 8; ++thread)
        threads.emplace_back([&, thread] {
            for (int round = 0; round < 250; ++round) {
                auto from = push::create(in, reconnect_at_once(push_options{}));
                const std::string& at = round % 3 == 0 ? "inproc://name" : where;
                if (!from || !from->connect(at) || !from->send("x", no_wait))
                    ++failures;
                else if (thread % 4 == 3 && !from->disconnect_in_background(at, 10s))
                    ++failures;
                if (from)
                    from->close_in_background(round % 5 == 0 ? 0ms : 10s);
            }
        });
    std::size_t got = 0;
    std::stop_source stop;
    std::thread ends([&] {
        for (std::thread& each : threads)
            each.join();
        (void)in.wait_closed(test_timeout);
        stop.request_stop();
    });
    while (receive_text(to, stop.get_token()) == "x")
        ++got;
    ends.join();
    while (receive_text(to, no_wait) == "x")
        ++got;
    CHECK(failures == 0);
    CHECK(got >= 8 * 250 * 4 / 5);
}

TEST_CASE("disconnect in the background sends what is queued, and the endpoint is a new peer")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto elsewhere = new_context();
        auto old = new_socket<pull>(elsewhere);
        const auto where = must(old.bind(any_tcp));
        (void)old.close(0ms);
        auto from = new_socket<push>(in, reconnect_at_once());
        must(from.connect(where));
        must(from.send("old", no_wait));
        must(from.disconnect_in_background(where, 0ms));
        CHECK(code_of(from.disconnect_in_background(where, 0ms)) == errc::invalid_argument);
        CHECK(from.endpoints().empty());
        CHECK(from.peers().empty());
        CHECK(code_of(from.send("nobody", no_wait)) == errc::would_block);
        must(in.wait_closed(test_timeout));
        CHECK(from.counters().unsent == 1);
        must(from.connect(where));
        must(from.send("sent", no_wait));
        must(from.disconnect_in_background(where, forever));
        must(from.connect(where));
        must(from.send("new", no_wait));
        auto to = new_socket<pull>(elsewhere);
        must(to.bind(where));
        std::vector<std::string> got;
        REQUIRE(until([&] {
            (void)from.events(); // runs the loop
            if (auto text = receive_text(to, no_wait); text != "(would_block)")
                got.push_back(std::move(text));
            return got.size() == 2;
        }));
        must(in.wait_closed(test_timeout));
        std::ranges::sort(got);
        CHECK(got == std::vector<std::string>{"new", "sent"});
        CHECK(receive_text(to, short_timeout) == "(timed_out)");
        CHECK(from.counters().unsent == 1);
    }
}

TEST_CASE("disconnect in the background discards what was not received")
{
    for (const char* const at : {any_tcp, "inproc://name"}) {
        CAPTURE(at);
        auto in = new_context();
        auto far = new_socket<dealer>(in);
        auto near = new_socket<dealer>(in, reconnect_at_once(dealer_options{}));
        const auto where = bind_and_connect(far, near, at);
        must(far.wait_ready(test_timeout));
        must(far.send("before", test_timeout));
        REQUIRE(until([&] { return near.events().readable; }));
        must(near.send("rest", no_wait));
        must(near.disconnect_in_background(where, forever));
        CHECK(!near.events().readable);
        CHECK(receive_text(far) == "rest");
        must(near.connect(where));
        must(near.wait_ready(test_timeout));
        CHECK(receive_text(near, short_timeout) == "(timed_out)");
        must(near.send("again", test_timeout));
        CHECK(receive_text(far) == "again");
    }
}

TEST_CASE("a peer that goes on sending does not keep a socket that is closed in the background")
{
    auto in = new_context();
    auto elsewhere = new_context();
    dealer_options small = reconnect_at_once(dealer_options{});
    small.receive_high_water_mark = 5;
    small.send_high_water_mark = 0;
    auto far = new_socket<dealer>(elsewhere, small);
    auto near = new_socket<dealer>(in, small);
    (void)bind_and_connect(far, near);
    must(far.wait_ready(test_timeout));
    must(near.wait_ready(test_timeout));
    for (int number = 0; number < 1000; ++number)
        must(near.send(std::to_string(number), no_wait));
    for (int number = 0; number < 1000; ++number)
        must(far.send(std::string(10000, 'x'), test_timeout));
    near.close_in_background(forever);
    for (int number = 0; number < 1000; ++number) {
        REQUIRE(receive_text(far) == std::to_string(number));
        (void)far.send(std::string(10000, 'x'), no_wait);
    }
    must(in.wait_closed(test_timeout));
}

TEST_CASE("the name of a peer is free when it was disconnected in the background")
{
    auto in = new_context();
    auto elsewhere = new_context();
    auto from = new_socket<router>(in, reconnect_at_once(router_options{}));
    auto to = new_socket<dealer>(elsewhere);
    const auto where = must(to.bind(any_tcp));
    must(from.connect(nobody, {.routing_id = "name"}));
    const auto send_to = [&](const char* text) {
        return from.send(peer_id{"name"}, std::string_view(text), no_wait);
    };
    must(send_to("lost"));
    must(from.disconnect_in_background(nobody, forever));
    must(from.connect(where, {.routing_id = "name"}));
    must(send_to("one"));
    must(from.disconnect_in_background(where, forever));
    must(from.connect(where, {.routing_id = "name"}));
    must(send_to("two"));
    std::vector<std::string> got{receive_text(to), receive_text(to)};
    std::ranges::sort(got);
    CHECK(got == std::vector<std::string>{"one", "two"});
    CHECK(receive_text(to, short_timeout) == "(timed_out)");
    // A PAIR has one place.
    auto pair_from = new_socket<pair>(in, reconnect_at_once());
    must(pair_from.connect(nobody));
    must(pair_from.send("lost", no_wait));
    must(pair_from.disconnect_in_background(nobody, forever));
    must(pair_from.connect(where));
    CHECK(from.counters().rejected == 0);
}

TEST_CASE("what is queued for a link that does not try any more ends with it")
{
    auto in = new_context();
    socket_options options;
    options.reconnect.base = reconnect_never;
    const auto is_idle = [](push& from) { return status_of(from).link.state == link_state::idle; };
    {
        auto from = new_socket<push>(in, options);
        must(from.connect(nobody));
        must(from.send("lost", no_wait));
        REQUIRE(until([&] { return is_idle(from); }));
        from.close_in_background(forever);
        must(in.wait_closed(test_timeout));
    }
    // The link stops only then.
    auto from = new_socket<push>(in, options);
    auto to = new_socket<pull>(in);
    const auto where = bind_and_connect(to, from);
    must(from.wait_ready(test_timeout));
    const std::string large(1'000'000, 'x');
    for (int count = 0; count < 100; ++count)
        must(from.send(large, no_wait));
    from.close_in_background(forever);
    to.close(0ms);
    must(in.wait_closed(test_timeout));
}

TEST_CASE("an endpoint that does not listen any more keeps its peers")
{
    std::vector<std::string> places{any_tcp, "inproc://name"};
#ifndef _WIN32
    const temporary_folder folder;
    places.push_back("ipc://" + folder.file("at"));
#endif
    for (const std::string& at : places) {
        CAPTURE(at);
        auto in = new_context();
        auto binds = new_socket<dealer>(in);
        auto peer = new_socket<dealer>(in, reconnect_at_once(dealer_options{}));
        const auto where = bind_and_connect(binds, peer, at);
        must(binds.wait_ready(test_timeout));
        must(binds.stop_listening(where));
        CHECK(code_of(binds.stop_listening(where)) == errc::invalid_argument);
        CHECK(code_of(binds.unbind(where)) == errc::invalid_argument);
        CHECK(binds.endpoints().empty());
        CHECK(ready_peers(binds) == 1);
        auto other = new_socket<dealer>(in);
        must(other.bind(where));
        must(peer.send("there", no_wait));
        CHECK(receive_text(binds) == "there");
        must(binds.send("back", no_wait));
        CHECK(receive_text(peer) == "back");
        must(binds.send("last", no_wait));
        binds.close_in_background(forever);
        CHECK(receive_text(peer) == "last");
        must(in.wait_closed(test_timeout));
        must(other.wait_ready(test_timeout)); // the peer comes again
    }
}

TEST_CASE("unbind in the background sends what is queued to the peers of the endpoint")
{
    auto in = new_context();
    auto binds = new_socket<push>(in, unlimited());
    auto elsewhere = new_context();
    pull_options small;
    small.receive_high_water_mark = 3;
    auto peer = new_socket<pull>(elsewhere, small);
    const auto where = bind_and_connect(binds, peer);
    must(binds.wait_ready(test_timeout));
    send_numbers(binds, 1000);
    must(binds.unbind_in_background(where, forever));
    CHECK(binds.peers().empty());
    auto other = new_socket<push>(in);
    must(other.bind(where));
    check_numbers(peer, 1000);
    must(in.wait_closed(test_timeout));
    must(other.wait_ready(test_timeout));
}

TEST_CASE("unbind in the background keeps what has arrived, and sends what is queued")
{
    auto in = new_context();
    auto binds = new_socket<dealer>(in);
    auto peer = new_socket<dealer>(in);
    const auto where = bind_and_connect(binds, peer);
    must(peer.wait_ready(test_timeout));
    must(binds.wait_ready(test_timeout));
    const std::string large(100'000, 'x');
    multipart whole;
    for (const std::string_view part :
         {std::string_view("first"), std::string_view(large), std::string_view("last")})
        whole.add(message_of(part));
    must(peer.send(std::move(whole), no_wait));
    message first;
    must(binds.receive(first, test_timeout));
    CHECK(first.more()); // the others have arrived with it
    must(binds.send("answer", no_wait));
    must(binds.unbind_in_background(where, forever));
    must(peer.send("late", no_wait));
    CHECK(receive_text(binds) == large);
    CHECK(receive_text(binds) == "last");
    CHECK(code_of(binds.receive(first, short_timeout)) == errc::timed_out);
    CHECK(receive_text(peer) == "answer");
    CHECK(binds.peers().empty());
    must(in.wait_closed(test_timeout));
}

TEST_CASE("an endpoint that was connected and does not try any more takes no messages")
{
    auto in = new_context();
    socket_options options;
    options.reconnect.base = reconnect_never;
    auto from = new_socket<push>(in, options);
    auto to = new_socket<pull>(in), other = new_socket<pull>(in);
    bind_and_connect(to, from);
    bind_and_connect(other, from);
    must(from.wait_ready(test_timeout));
    to.close(0ms);
    REQUIRE(until([&] { return from.peers().size() == 1; }));
    for (int count = 0; count < 4; ++count) {
        must(from.send("x", no_wait));
        CHECK(receive_text(other) == "x");
    }
    other.close(0ms);
    REQUIRE(until([&] { return from.peers().empty(); }));
    CHECK(code_of(from.send("x", no_wait)) == errc::would_block);
}
