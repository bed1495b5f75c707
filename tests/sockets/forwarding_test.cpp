// SPDX-License-Identifier: MPL-2.0

// A proxy moves many messages at once, and what its sockets promise holds for each of them.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <array>
#include <random>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

/// A few parts of sizes that are copied, that are shared, and that have memory of their own.
multipart random_message(std::mt19937& random)
{
    constexpr std::array<std::size_t, 8> sizes{0, 1, 60, 255, 256, 3000, 9000, 40'000};
    multipart made;
    for (std::size_t left = 1 + random() % 4; left > 0; --left) {
        const std::size_t size = sizes[random() % (random() % 8 == 0 ? sizes.size() : 4)];
        std::string text(size, static_cast<char>('a' + random() % 26));
        must(made.add(text));
    }
    return made;
}

std::uint64_t size_of(const multipart& whole)
{
    std::uint64_t size = 0;
    for (const message& each : whole)
        size += each.size();
    return size;
}

/// Moves what there is until that is so.
template <class Done>
bool move_until(proxy& between, const Done& done)
{
    return until([&] {
        CHECK(code_of(between.run(no_wait)) == errc::would_block);
        return done();
    });
}

} // namespace

TEST_CASE("a proxy gives each worker its turn, however many messages wait")
{
    for (const char* const kind : {any_tcp, "inproc://workers"}) {
        CAPTURE(kind);
        auto in = new_context();
        auto front = new_socket<pull>(in);
        auto back = new_socket<push>(in);
        auto source = new_socket<push>(in);
        bind_and_connect(front, source);
        const std::string workers = must(back.bind(kind));
        std::array<pull, 3> all{new_socket<pull>(in), new_socket<pull>(in), new_socket<pull>(in)};
        for (pull& each : all) {
            must(each.connect(workers));
            must(each.wait_ready(test_timeout));
        }
        CHECK(until([&] { return back.peers().size() == 3; }));
        for (int number = 0; number < 900; ++number)
            must(source.send(std::to_string(number), test_timeout));
        auto between = must(proxy::create(front, back));
        CHECK(move_until(between, [&] { return between.counters().back.sent == 900; }));
        std::array<int, 3> first{};
        for (std::size_t worker = 0; worker < 3; ++worker)
            first[worker] = std::stoi(receive_text(all[worker]));
        for (int turn = 1; turn < 300; ++turn)
            for (std::size_t worker = 0; worker < 3; ++worker)
                REQUIRE(receive_text(all[worker]) == std::to_string(first[worker] + 3 * turn));
    }
}

TEST_CASE("a proxy takes the messages of each client in turn")
{
    auto in = new_context();
    auto front = new_socket<pull>(in);
    auto back = new_socket<push>(in);
    auto target = new_socket<pull>(in);
    bind_and_connect(back, target, "inproc://target");
    const std::string clients = must(front.bind("inproc://clients"));
    auto one = new_socket<push>(in), other = new_socket<push>(in);
    must(one.connect(clients));
    must(other.connect(clients));
    for (int number = 0; number < 300; ++number) {
        must(one.send("a" + std::to_string(number), test_timeout));
        must(other.send("b" + std::to_string(number), test_timeout));
    }
    auto between = must(proxy::create(front, back));
    CHECK(move_until(between, [&] { return between.counters().back.sent == 600; }));
    const std::string first = receive_text(target).substr(0, 1);
    const std::string second = first == "a" ? "b" : "a";
    for (int number = 0; number < 300; ++number) {
        if (number > 0)
            REQUIRE(receive_text(target) == first + std::to_string(number));
        REQUIRE(receive_text(target) == second + std::to_string(number));
    }
}

TEST_CASE("a proxy fills a queue up to its mark, and leaves the rest where it is")
{
    auto in = new_context();
    for (const bool by_bytes : {false, true}) {
        CAPTURE(by_bytes);
        auto front = new_socket<pull>(in);
        socket_options small{.send_high_water_mark = 10};
        if (by_bytes) {
            small.send_high_water_mark = 0;
            small.send_high_water_bytes = 100;
        }
        auto back = new_socket<push>(in, small);
        auto source = new_socket<push>(in);
        bind_and_connect(front, source);
        // Nobody listens there yet.
        auto later = new_socket<pull>(in);
        const std::string where = must(later.bind(any_tcp));
        must(later.unbind(where));
        must(back.connect(where));
        for (int number = 0; number < 500; ++number)
            must(source.send(std::to_string(1000 + number), test_timeout));
        auto between = must(proxy::create(front, back));
        // Of 4 bytes each, with headers of 2.
        const std::uint64_t expected = by_bytes ? 17 : 10;
        CHECK(move_until(between, [&] { return between.counters().back.sent >= expected; }));
        for (int number = 0; number < 3; ++number)
            CHECK(code_of(between.run(no_wait)) == errc::would_block);
        CHECK(between.counters().back.sent == expected);
        CHECK(between.counters().front.received == expected);
        CHECK(between.counters().held == 0);
        must(later.bind(where));
        int next = 0;
        message got;
        CHECK(move_until(between, [&] {
            while (later.receive(got, no_wait))
                CHECK(got.text() == std::to_string(1000 + next++));
            return next == 500;
        }));
    }
}

TEST_CASE("messages of all sizes and parts pass a streamer, with and without a copy")
{
    for (const bool copied : {false, true}) {
        CAPTURE(copied);
        auto in = new_context();
        auto front = new_socket<pull>(in);
        auto back = new_socket<push>(in);
        auto tap = new_socket<push>(in);
        auto source = new_socket<push>(in);
        auto target = new_socket<pull>(in), listener = new_socket<pull>(in);
        bind_and_connect(front, source);
        bind_and_connect(back, target);
        bind_and_connect(tap, listener);
        REQUIRE(until([&] { return ready_peers(tap) == 1; })); // without one nothing is captured
        auto between = must(proxy::create(front, back, {.capture = copied ? &tap : nullptr}));
        std::mt19937 random(7), again(7);
        std::uint64_t bytes = 0;
        for (std::uint64_t round = 1; round <= 10; ++round) {
            for (int number = 0; number < 40; ++number) {
                multipart made = random_message(random);
                bytes += size_of(made);
                must(source.send(std::move(made), test_timeout));
            }
            CHECK(move_until(between, [&] { return between.counters().back.sent == round * 40; }));
            for (int number = 0; number < 40; ++number) {
                const auto expected = texts_of(random_message(again));
                multipart got;
                must(target.receive(got, test_timeout));
                REQUIRE(texts_of(got) == expected);
                if (!copied)
                    continue;
                must(listener.receive(got, test_timeout));
                REQUIRE(texts_of(got) == expected);
            }
        }
        CHECK(between.counters().front.received == 400);
        CHECK(between.counters().front.received_bytes == bytes);
        CHECK(between.counters().back.sent_bytes == bytes);
        CHECK(between.counters().captured == (copied ? 400 : 0));
    }
}

TEST_CASE("messages of all sizes and parts pass a queue there and back")
{
    auto in = new_context();
    auto front = new_socket<router>(in);
    auto back = new_socket<dealer>(in);
    dealer_options named;
    named.routing_id = "client";
    auto client = new_socket<dealer>(in, named);
    auto worker = new_socket<dealer>(in);
    bind_and_connect(front, client);
    bind_and_connect(back, worker);
    auto between = must(proxy::create(front, back));
    std::mt19937 random(11), again(11);
    std::uint64_t bytes = 0;
    for (int round = 0; round < 10; ++round) {
        for (int number = 0; number < 40; ++number) {
            multipart made = random_message(random);
            bytes += size_of(made) + 6;
            must(client.send(std::move(made), test_timeout));
        }
        for (int number = 0; number < 40; ++number) {
            multipart got;
            CHECK(move_until(between, [&] { return worker.receive(got, no_wait).has_value(); }));
            REQUIRE(got[0].text() == "client");
            must(worker.send(std::move(got), test_timeout));
        }
        for (int number = 0; number < 40; ++number) {
            multipart got;
            CHECK(move_until(between, [&] { return client.receive(got, no_wait).has_value(); }));
            REQUIRE(texts_of(got) == texts_of(random_message(again)));
        }
    }
    for (const proxy_counters::side& each : {between.counters().front, between.counters().back}) {
        CHECK(each.received == 400);
        CHECK(each.sent == 400);
        CHECK(each.received_bytes == bytes);
        CHECK(each.sent_bytes == bytes);
        CHECK(each.dropped == 0);
    }
    const peer_stats numbers = must(front.stats({"client"}));
    CHECK(numbers.bytes_received == bytes - 400 * 6);
    CHECK(numbers.bytes_sent == bytes - 400 * 6);
}

TEST_CASE("messages of all sizes and parts pass a forwarder to those that subscribed to them")
{
    auto in = new_context();
    auto front = new_socket<xsub>(in, {.receive_high_water_mark = 0});
    auto back = new_socket<xpub>(in);
    auto from = new_socket<pub>(in);
    auto to = new_socket<sub>(in);
    must(to.subscribe("a"));
    bind_and_connect(front, from);
    bind_and_connect(back, to);
    auto between = must(proxy::create(front, back));
    CHECK(move_until(between, [&] { return from.topics_count() == 1; }));
    std::mt19937 random(13), again(13);
    for (int number = 0; number < 400; ++number) {
        multipart made;
        must(made.add(number % 2 == 0 ? "a" : "b"));
        for (message& each : random_message(random))
            must(made.add(each.text()));
        must(from.send(std::move(made)));
    }
    must(from.send("a"));
    CHECK(move_until(between, [&] {
        return between.counters().back.sent + between.counters().back.dropped ==
               between.counters().front.received;
    }));
    for (int number = 0; number < 400; ++number) {
        const auto expected = texts_of(random_message(again));
        if (number % 2 != 0)
            continue;
        multipart got;
        CHECK(move_until(between, [&] { return to.receive(got, no_wait).has_value(); }));
        auto texts = texts_of(got);
        REQUIRE(texts.front() == "a");
        texts.erase(texts.begin());
        REQUIRE(texts == expected);
    }
}

TEST_CASE("a target that keeps the newest message only gets that one")
{
    auto in = new_context();
    auto front = new_socket<pull>(in);
    auto back = new_socket<push>(in, {.conflate = true});
    auto source = new_socket<push>(in);
    auto target = new_socket<pull>(in);
    bind_and_connect(front, source);
    const std::string where = must(target.bind(any_tcp));
    must(target.unbind(where));
    must(back.connect(where));
    for (int number = 0; number < 100; ++number)
        must(source.send(std::to_string(number), test_timeout));
    auto between = must(proxy::create(front, back));
    CHECK(move_until(between, [&] { return between.counters().back.sent == 100; }));
    must(target.bind(where));
    CHECK(receive_text(target) == "99");
}

TEST_CASE("messages that a proxy has moved have the lifetime of the socket that sends them")
{
    auto in = new_context();
    auto front = new_socket<pull>(in);
    auto back = new_socket<push>(in, {.expires_after = 20ms});
    auto source = new_socket<push>(in);
    auto target = new_socket<pull>(in);
    bind_and_connect(front, source);
    const std::string where = must(target.bind(any_tcp));
    must(target.unbind(where));
    must(back.connect(where));
    for (int number = 0; number < 10; ++number)
        must(source.send("old", test_timeout));
    auto between = must(proxy::create(front, back));
    CHECK(move_until(between, [&] { return between.counters().back.sent == 10; }));
    CHECK(until([&] { return back.counters().expired == 10; }));
}
