// SPDX-License-Identifier: MPL-2.0

// A proxy moves whole messages between two sockets, with commands, copies and numbers.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <cstring>
#include <optional>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

/// Runs a proxy on a thread of its own until the end of the scope.
class running {
public:
    explicit running(proxy& which) : which_(which), thread_([this] { ended_ = which_.run(); }) {}
    ~running()
    {
        if (thread_.joinable())
            CHECK(stop());
    }
    result<void> stop()
    {
        which_.stop();
        return wait();
    }
    result<void> wait()
    {
        thread_.join();
        return ended_;
    }

private:
    proxy& which_;
    result<void> ended_{};
    std::thread thread_;
};

/// A PUSH, a PULL and a PUSH as the proxy's sockets, and a PULL.
struct streamer {
    explicit streamer(socket_options options = {}, const proxy_options& how = {}, int threads = 1)
        : in(new_context(threads)), source(new_socket<push>(in, options)),
          front(new_socket<pull>(in, options)), back(new_socket<push>(in, options)),
          target(new_socket<pull>(in, options))
    {
        bind_and_connect(front, source);
        bind_and_connect(target, back);
        between.emplace(must(proxy::create(front, back, how)));
    }

    context in;
    push source;
    pull front;
    push back;
    pull target;
    std::optional<proxy> between;
};

struct server_side {
    explicit server_side(context& in)
        : front(new_socket<router>(in)), back(new_socket<dealer>(in)),
          clients(must(front.bind(any_tcp))), workers(must(back.bind(any_tcp))),
          between(must(proxy::create(front, back)))
    {
    }

    router front;
    dealer back;
    std::string clients;
    std::string workers;
    proxy between;
};

multipart parts_of(std::initializer_list<std::string_view> texts)
{
    multipart whole;
    for (const std::string_view each : texts)
        must(whole.add(each));
    return whole;
}

std::uint64_t number_in(const message& part)
{
    std::uint64_t number = 0;
    REQUIRE(part.size() == sizeof number);
    std::memcpy(&number, part.data(), sizeof number);
    return number;
}

} // namespace

TEST_CASE("a proxy of a ROUTER and a DEALER brings requests to workers and replies to clients")
{
    auto in = new_context();
    server_side middle(in);
    const running runs(middle.between);
    auto worker = new_socket<dealer>(in);
    must(worker.connect(middle.workers));
    dealer_options named;
    named.routing_id = std::string(200, 'n');
    auto first = new_socket<dealer>(in);
    auto second = new_socket<dealer>(in, named);
    must(first.connect(middle.clients));
    must(second.connect(middle.clients));
    const std::string large(300'000, 'l');
    for (dealer* each : {&first, &second}) {
        must(each->send(parts_of({"question", "", large}), test_timeout));
        multipart asked;
        must(worker.receive(asked, test_timeout));
        REQUIRE(asked.size() == 4);
        CHECK(asked[0].text() == (each == &second ? named.routing_id : asked[0].text()));
        CHECK(asked[1].text() == "question");
        CHECK(asked[2].empty());
        CHECK(asked[3].text() == large);
        asked[1] = message_of("answer");
        must(worker.send(std::move(asked), test_timeout));
        multipart answered;
        must(each->receive(answered, test_timeout));
        CHECK(texts_of(answered) == std::vector<std::string>{"answer", "", large});
    }
    CHECK(until([&] { return middle.between.counters().front.sent == 2; }));
    const proxy_counters numbers = middle.between.counters();
    CHECK(numbers.front.received == 2);
    CHECK(numbers.front.sent == 2);
    CHECK(numbers.back.received == 2);
    CHECK(numbers.back.sent == 2);
    CHECK(numbers.front.received_bytes == 5 + 200 + 2 * (8 + large.size()));
}

TEST_CASE("a proxy drops and counts what no client is there for, and goes on")
{
    for (const bool mandatory : {false, true}) {
        CAPTURE(mandatory);
        auto in = new_context();
        server_side middle(in);
        must(middle.front.set_mandatory(mandatory));
        dealer_options named;
        named.routing_id = "client";
        auto client = new_socket<dealer>(in, named);
        must(client.connect(middle.clients));
        must(client.wait_ready(test_timeout));
        const running runs(middle.between);
        auto worker = new_socket<dealer>(in);
        must(worker.connect(middle.workers));
        must(worker.send(parts_of({"nobody", "text"}), test_timeout));
        must(worker.send("client", test_timeout));
        must(worker.send(parts_of({"client", "text"}), test_timeout));
        CHECK(receive_text(client) == "text");
        CHECK(until([&] { return middle.between.counters().front.sent == 1; }));
        CHECK(middle.between.counters().front.dropped == 2);
    }
}

TEST_CASE("a message for a client that is full waits in a proxy until there is room")
{
    auto in = new_context();
    auto front = new_socket<router>(in, {.send_high_water_mark = 1});
    auto back = new_socket<dealer>(in);
    const std::string clients = must(front.bind("inproc://clients"));
    const std::string workers = must(back.bind(any_tcp));
    dealer_options small;
    small.receive_high_water_mark = 1;
    small.routing_id = "full";
    auto full = new_socket<dealer>(in, small);
    small.routing_id = "free";
    auto free = new_socket<dealer>(in, small);
    must(full.connect(clients));
    must(free.connect(clients));
    auto worker = new_socket<dealer>(in);
    must(worker.connect(workers));
    proxy between = must(proxy::create(front, back));
    const running runs(between);
    for (int number = 0; number < 20; ++number)
        must(worker.send(parts_of({"full", std::to_string(number)}), test_timeout));
    must(worker.send(parts_of({"free", "text"}), test_timeout));
    CHECK(receive_text(free, short_timeout) == "(timed_out)");
    for (int number = 0; number < 20; ++number)
        CHECK(receive_text(full) == std::to_string(number));
    CHECK(receive_text(free) == "text");
    CHECK(between.counters().front.dropped == 0);
}

TEST_CASE("a proxy tells what it holds, and sends it when it goes on")
{
    auto in = new_context();
    auto front = new_socket<router>(in, {.send_high_water_mark = 1});
    auto back = new_socket<dealer>(in);
    dealer_options small;
    small.receive_high_water_mark = 1;
    small.routing_id = "full";
    auto full = new_socket<dealer>(in, small);
    small.routing_id = "free";
    auto free = new_socket<dealer>(in, small);
    const std::string clients = must(front.bind("inproc://clients"));
    must(full.connect(clients));
    must(free.connect(clients));
    auto worker = new_socket<dealer>(in);
    bind_and_connect(back, worker, "inproc://workers");
    proxy between = must(proxy::create(front, back));
    for (int number = 0; number < 10; ++number)
        must(worker.send(parts_of({"full", std::to_string(number)}), test_timeout));
    CHECK(until([&] {
        (void)between.run(no_wait);
        return between.counters().held == 1;
    }));
    const std::uint64_t received = between.counters().back.received;
    CHECK(between.counters().front.sent == received - 1);
    const running runs(between);
    for (int number = 0; number < 10; ++number)
        CHECK(receive_text(full) == std::to_string(number));
}

TEST_CASE("an XPUB whose reports go nowhere listens to its peers all the same")
{
    auto in = new_context();
    auto front = new_socket<pull>(in);
    auto back = new_socket<xpub>(in, {.receive_high_water_mark = 3});
    auto from = new_socket<push>(in);
    auto to = new_socket<sub>(in);
    bind_and_connect(front, from);
    bind_and_connect(back, to);
    proxy between = must(proxy::create(front, back));
    const running runs(between);
    for (int number = 0; number < 50; ++number)
        must(to.subscribe("topic " + std::to_string(number)));
    CHECK(until([&] {
        must(from.send("topic 49", test_timeout));
        return receive_text(to, short_timeout) == "topic 49";
    }));
}

TEST_CASE("a proxy of an XSUB and an XPUB passes subscriptions up and messages down")
{
    auto in = new_context();
    auto front = new_socket<xsub>(in);
    auto back = new_socket<xpub>(in);
    const std::string publishers = must(front.bind(any_tcp));
    const std::string subscribers = must(back.bind(any_tcp));
    proxy between = must(proxy::create(front, back));
    const running runs(between);
    auto from = new_socket<pub>(in);
    must(from.connect(publishers));
    auto to = new_socket<sub>(in);
    must(to.subscribe("a"));
    must(to.connect(subscribers));
    must(from.wait_subscribers("a", 1, test_timeout));
    must(from.send("b1"));
    must(from.send(parts_of({"a1", "b"})));
    multipart got;
    must(to.receive(got, test_timeout));
    CHECK(texts_of(got) == std::vector<std::string>{"a1", "b"});
    must(to.unsubscribe("a"));
    CHECK(until([&] { return from.peers()[0].subscriptions == 0; }));
    CHECK(between.counters().back.received == 2);
    CHECK(between.counters().front.received == 1);
}

TEST_CASE("messages pass a proxy in order, and all of them")
{
    for (const std::size_t size : {std::size_t{5}, std::size_t{5000}}) {
        CAPTURE(size);
        streamer with;
        const running runs(*with.between);
        const int count = size < 100 ? 20'000 : 1000;
        bool all_sent = true;
        std::thread sender([&] {
            std::string text(size, 'x');
            for (int number = 0; number < count; ++number) {
                std::memcpy(text.data(), &number, sizeof number);
                all_sent = all_sent && with.source.send(text, test_timeout).has_value();
            }
        });
        bool in_order = true;
        for (int number = 0; number < count; ++number) {
            message got;
            must(with.target.receive(got, test_timeout));
            in_order = in_order && got.size() == size &&
                       std::memcmp(got.data(), &number, sizeof number) == 0;
        }
        sender.join();
        CHECK(all_sent);
        CHECK(in_order);
        const auto expected = static_cast<std::uint64_t>(count);
        CHECK(until([&] { return with.between->counters().back.sent == expected; }));
    }
}

TEST_CASE("a proxy whose target is full holds up the sender, and loses nothing")
{
    socket_options small;
    small.send_high_water_mark = small.receive_high_water_mark = 10;
    streamer with(small);
    const running runs(*with.between);
    must(with.source.wait_ready(test_timeout));
    must(with.target.wait_ready(test_timeout));
    const std::string text(50'000, 't');
    int sent = 0;
    while (sent < 1000 && with.source.send(text, 100ms))
        ++sent;
    CHECK(sent >= 20);
    CHECK(sent < 1000);
    for (int number = 0; number < sent; ++number)
        CHECK(receive_text(with.target).size() == text.size());
    const auto expected = static_cast<std::uint64_t>(sent);
    CHECK(until([&] { return with.between->counters().back.sent == expected; }));
}

TEST_CASE("a paused proxy leaves messages where they are, and goes on")
{
    streamer with;
    const running runs(*with.between);
    must(with.source.send("first", test_timeout));
    CHECK(receive_text(with.target) == "first");
    with.between->pause();
    CHECK(with.between->counters().paused);
    must(with.source.send("second", test_timeout));
    CHECK(receive_text(with.target, short_timeout) == "(timed_out)");
    with.between->resume();
    CHECK(receive_text(with.target) == "second");
    CHECK_FALSE(with.between->counters().paused);
}

TEST_CASE("a proxy gives copies of what it moves to a capture socket")
{
    auto in = new_context();
    server_side middle(in);
    auto tap = new_socket<pair>(in);
    auto listener = new_socket<pair>(in);
    bind_and_connect(tap, listener, "inproc://tap");
    middle.between = must(proxy::create(middle.front, middle.back, {.capture = &tap}));
    const running runs(middle.between);
    auto worker = new_socket<dealer>(in);
    must(worker.connect(middle.workers));
    dealer_options named;
    named.routing_id = "client";
    auto client = new_socket<dealer>(in, named);
    must(client.connect(middle.clients));
    must(client.send(parts_of({"a", "b"}), test_timeout));
    multipart got;
    must(worker.receive(got, test_timeout));
    must(listener.receive(got, test_timeout));
    CHECK(texts_of(got) == std::vector<std::string>{"client", "a", "b"});
    must(worker.send(parts_of({"client", "c"}), test_timeout));
    CHECK(receive_text(client) == "c");
    must(listener.receive(got, test_timeout));
    CHECK(texts_of(got) == std::vector<std::string>{"client", "c"});
    CHECK(until([&] { return middle.between.counters().captured == 2; }));
}

TEST_CASE("a capture socket without room misses copies, or holds up the messages if that is asked")
{
    for (const bool waits : {false, true}) {
        CAPTURE(waits);
        auto in = new_context();
        auto tap = new_socket<push>(in, {.send_high_water_mark = 3});
        auto listener = new_socket<pull>(in, {.receive_high_water_mark = 1});
        bind_and_connect(tap, listener, "inproc://tap");
        streamer with;
        with.between.emplace(must(
            proxy::create(with.front, with.back, {.capture = &tap, .wait_for_capture = waits})));
        const running runs(*with.between);
        for (int number = 0; number < 50; ++number)
            must(with.source.send(std::to_string(number), test_timeout));
        if (!waits) {
            for (int number = 0; number < 50; ++number)
                CHECK(receive_text(with.target) == std::to_string(number));
            CHECK(until([&] {
                const proxy_counters now = with.between->counters();
                return now.captured + now.not_captured == 50 && now.not_captured >= 40;
            }));
            continue;
        }
        for (int number = 0; number < 50; ++number) {
            CHECK(receive_text(listener) == std::to_string(number));
            CHECK(receive_text(with.target) == std::to_string(number));
        }
        CHECK(with.between->counters().not_captured == 0);
    }
}

TEST_CASE("a proxy obeys the commands of its control socket, and answers them")
{
    auto in = new_context();
    server_side middle(in);
    auto ear = new_socket<pair>(in);
    auto control = new_socket<pair>(in);
    bind_and_connect(ear, control, "inproc://control");
    middle.between = must(proxy::create(middle.front, middle.back, {.control = &ear}));
    running runs(middle.between);
    auto worker = new_socket<dealer>(in);
    must(worker.connect(middle.workers));
    auto client = new_socket<dealer>(in);
    must(client.connect(middle.clients));
    must(client.send(parts_of({"12345", "", "123", "12"}), test_timeout));
    multipart got;
    must(worker.receive(got, test_timeout));
    must(worker.send(parts_of({got[0].text(), "123456"}), test_timeout));
    CHECK(receive_text(client) == "123456");

    must(control.send("STATISTICS", test_timeout));
    must(control.receive(got, test_timeout));
    REQUIRE(got.size() == 8);
    const std::vector<std::uint64_t> expected{1, 15, 1, 11, 1, 11, 1, 15};
    for (std::size_t index = 0; index < 8; ++index)
        CHECK(number_in(got[index]) == expected[index]);

    must(control.send("PAUSE", test_timeout));
    CHECK(receive_text(control).empty());
    CHECK(middle.between.counters().paused);
    must(client.send("later", test_timeout));
    CHECK(code_of(worker.receive(got, short_timeout)) == errc::timed_out);
    must(control.send("DANCE", test_timeout));
    CHECK(receive_text(control).empty());
    must(control.send(parts_of({"RESUME", "TERMINATE"}), test_timeout));
    CHECK(receive_text(control).empty());
    CHECK(middle.between.counters().paused);
    must(control.send("RESUME", test_timeout));
    CHECK(receive_text(control).empty());
    must(worker.receive(got, test_timeout));
    CHECK(got[1].text() == "later");
    must(control.send("TERMINATE", test_timeout));
    CHECK(runs.wait());
    CHECK(receive_text(control).empty());
}

TEST_CASE("a proxy with one socket on both sides sends back what comes")
{
    auto in = new_context();
    auto echo = new_socket<router>(in);
    auto client = new_socket<dealer>(in);
    bind_and_connect(echo, client);
    proxy between = must(proxy::create(echo, echo));
    const running runs(between);
    must(client.send(parts_of({"a", "b"}), test_timeout));
    multipart got;
    must(client.receive(got, test_timeout));
    CHECK(texts_of(got) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a proxy moves what there is without waiting, also where the caller runs the loop")
{
    for (const int threads : {1, 0}) {
        CAPTURE(threads);
        streamer with({}, {}, threads);
        must(with.source.send("text", test_timeout));
        CHECK(until([&] {
            CHECK(code_of(with.between->run(no_wait)) == errc::would_block);
            return with.between->counters().back.sent == 1;
        }));
        CHECK(receive_text(with.target) == "text");
        CHECK(code_of(with.between->run(short_timeout)) == errc::timed_out);
        // It ends although there is more than it moves at once.
        for (int number = 0; threads == 1 && number < 1000; ++number)
            must(with.source.send("text", test_timeout));
        CHECK(code_of(with.between->run(no_wait)) == errc::would_block);
    }
}

TEST_CASE("a proxy ends when a stop is requested, or with its context, or when a socket is closed")
{
    {
        streamer with;
        std::stop_source stop;
        stop.request_stop();
        CHECK(code_of(with.between->run(stop.get_token())) == errc::cancelled);
    }
    {
        streamer with;
        std::stop_source stop;
        std::thread ender([&] {
            std::this_thread::sleep_for(5ms);
            stop.request_stop();
        });
        CHECK(code_of(with.between->run(stop.get_token())) == errc::cancelled);
        ender.join();
    }
    {
        streamer with;
        running runs(*with.between);
        with.in.shutdown();
        CHECK(code_of(runs.wait()) == errc::cancelled);
    }
    {
        streamer with;
        (void)with.front.close(0s);
        CHECK(code_of(with.between->run()) == errc::invalid_state);
    }
}

TEST_CASE("a proxy that is stopped ends its next run, and can go on after it")
{
    streamer with;
    with.between->stop();
    CHECK(with.between->run());
    const running runs(*with.between);
    must(with.source.send("text", test_timeout));
    CHECK(receive_text(with.target) == "text");
    CHECK(until([&] { return code_of(with.between->run(no_wait)) == errc::invalid_state; }));
}

TEST_CASE("a REP that is both sides answers with the request")
{
    auto in = new_context();
    auto asks = new_socket<req>(in);
    auto answers = new_socket<rep>(in);
    bind_and_connect(answers, asks, "inproc://both");
    proxy echo = must(proxy::create(answers, answers));
    for (const char* const text : {"one", "two"}) {
        must(asks.send(text));
        CHECK(code_of(echo.run(no_wait)) == errc::would_block);
        CHECK(receive_text(asks) == text);
    }
}

TEST_CASE("an XPUB captures, and what its peers ask for does not pile up")
{
    auto in = new_context();
    auto from = new_socket<push>(in), back = new_socket<push>(in);
    auto front = new_socket<pull>(in), to = new_socket<pull>(in);
    auto copies = new_socket<xpub>(in, {.receive_high_water_mark = 2});
    auto reader = new_socket<sub>(in);
    bind_and_connect(front, from, "inproc://front");
    bind_and_connect(to, back, "inproc://back");
    bind_and_connect(copies, reader, "inproc://copies");
    for (int count = 0; count < 10; ++count)
        must(reader.subscribe("topic " + std::to_string(count)));
    proxy moves = must(proxy::create(front, back, {.capture = &copies}));
    for (int count = 0; count < 10; ++count) {
        must(from.send("topic " + std::to_string(count)));
        CHECK(code_of(moves.run(no_wait)) == errc::would_block);
        CHECK(receive_text(to) == "topic " + std::to_string(count));
    }
    // By then it knows all of them.
    must(from.send("topic 9"));
    (void)moves.run(no_wait);
    std::string last;
    while ((last = receive_text(reader)) != "topic 9")
        CHECK(last.starts_with("topic "));
}

TEST_CASE("a proxy of sockets that cannot work together is an error")
{
    auto in = new_context();
    auto from = new_socket<pull>(in);
    auto to = new_socket<push>(in);
    auto named = new_socket<router>(in);
    auto subscriber = new_socket<sub>(in);
    CHECK(proxy::create(from, to));
    CHECK(proxy::create(to, from));
    CHECK(code_of(proxy::create(from, from)) == errc::invalid_argument);
    CHECK(code_of(proxy::create(from, subscriber)) == errc::invalid_argument);
    CHECK(code_of(proxy::create(to, to)) == errc::invalid_argument);
    CHECK(code_of(proxy::create(from, to, {.capture = &subscriber})) == errc::invalid_argument);
    CHECK(code_of(proxy::create(from, to, {.capture = &named})) == errc::invalid_argument);
    CHECK(code_of(proxy::create(from, to, {.control = &to})) == errc::invalid_argument);
    auto both = new_socket<pair>(in);
    auto reporting = new_socket<xpub>(in);
    CHECK(proxy::create(from, to, {.capture = &both}));
    CHECK(code_of(proxy::create(from, both, {.control = &both})) == errc::invalid_argument);
    CHECK(code_of(proxy::create(from, to, {.capture = &both, .control = &both})) ==
          errc::invalid_argument);
    CHECK(proxy::create(from, to, {.capture = &reporting}));
    CHECK(code_of(proxy::create(from, to, {.control = &named})) == errc::invalid_argument);
    push gone = std::move(to);
    CHECK(code_of(proxy::create(from, to)) == errc::invalid_argument);
    proxy made = must(proxy::create(from, gone));
    const proxy taken = std::move(made);
    CHECK(code_of(made.run()) == errc::invalid_state);
    made.stop();
    made.pause();
    made.resume();
    CHECK(made.counters().front.received == 0);
}
