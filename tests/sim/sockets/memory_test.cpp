// SPDX-License-Identifier: MPL-2.0

// Messages that wait for max_memory of the context, in simulated time.

#include "sim/sockets/simulated_sockets.hpp"
#include "support/stream_peer.hpp"

#include <memory>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

constexpr std::uint64_t limit = 1'000'000;
constexpr const char* at = "tcp://10.0.0.1:5000";

/// A PULL at the server whose context has a limit, and peers at the client that send any bytes.
struct limited_world : socket_world {
    explicit limited_world(duration peer_timeout = 0s)
    {
        pull_options options;
        options.peer_timeout = peer_timeout;
        to.emplace(new_socket<pull>(limited, options));
        bind(*to, at);
    }
    ~limited_world()
    {
        sends.clear();
        peers.clear();
        to.reset();
    }

    stream_peer& add_peer(std::string_view bytes)
    {
        peers.push_back(std::make_unique<stream_peer>(*client_loop, at));
        REQUIRE(peers.back()->shake_hands("PUSH"));
        sends.push_back(peers.back()->begin_send(std::string(bytes)));
        net.run_for(10ms);
        return *peers.back();
    }
    bool receives(std::size_t size, duration within)
    {
        message got;
        return to->receive(got, timeout(within)).has_value() && got.size() == size;
    }

    context limited = must(context::on(*server_loop, limit));
    std::optional<pull> to;
    std::vector<std::unique_ptr<stream_peer>> peers;
    std::vector<std::unique_ptr<testing::stream_sender>> sends; ///< they go on while time passes
};

std::string half_of(std::size_t size)
{
    return long_frame_header(size, false) + std::string(size / 2, 'h');
}

std::string whole_of(std::size_t size)
{
    return long_frame_header(size, false) + std::string(size, 'w');
}

} // namespace

TEST_CASE("messages that stop arriving and hold all memory are ended one by "
          "one while others wait")
{
    limited_world in;
    std::vector<stream_peer*> stopped;
    for (int number = 0; number < 4; ++number)
        stopped.push_back(&in.add_peer(half_of(800'000)));
    REQUIRE(in.until([&] { return in.limited.memory().bytes >= limit / 2; }));
    in.net.run_for(1min);
    const std::uint64_t before = in.limited.memory().ended_connections;
    stream_peer& good = in.add_peer(whole_of(500'000));
    CHECK(in.receives(500'000, 2min));
    CHECK(in.limited.memory().ended_connections >= before);
    CHECK(in.limited.memory().ended_connections >= 1);
    CHECK(in.limited.memory().ended_connections <= 4);
    CHECK_FALSE(good.is_closed(1s));
    CHECK(stopped.front()->is_closed(1s));
    CHECK(in.limited.memory().bytes < 2 * limit);
}

TEST_CASE("a large message does not wait long behind many that have stopped arriving")
{
    limited_world in;
    for (int number = 0; number < 60; ++number)
        (void)in.add_peer(half_of(400'000));
    REQUIRE(in.limited.memory().bytes >= limit);
    stream_peer& good = in.add_peer(whole_of(500'000));
    const time_point start = in.net.now();
    CHECK(in.receives(500'000, 5min));
    CHECK(in.net.now() - start < 40s);
    CHECK_FALSE(good.is_closed(1s));
    CHECK(in.limited.memory().bytes < 2 * limit);
}

TEST_CASE("a message that stops arriving is not ended while no other one waits "
          "for its memory")
{
    limited_world in;
    stream_peer& stopped = in.add_peer(half_of(1'900'000));
    in.net.run_for(10min);
    CHECK(in.limited.memory().ended_connections == 0);
    CHECK_FALSE(stopped.is_closed(1s));
    // Small messages do not wait for it.
    (void)in.add_peer(whole_of(60'000));
    CHECK(in.receives(60'000, 1s));
    REQUIRE(stopped.send(std::string(950'000, 'h')));
    CHECK(in.receives(1'900'000, 1s));
}

TEST_CASE("messages that are not received do not keep a large one away, and it "
          "waits for a larger one")
{
    limited_world in;
    for (int number = 0; number < 14; ++number)
        (void)in.add_peer(whole_of(100'000));
    REQUIRE(in.until([&] { return in.limited.memory().bytes >= 14 * 100'000; }));
    stream_peer& first = in.add_peer(half_of(1'000'000));
    stream_peer& second = in.add_peer(whole_of(900'000));
    in.net.run_for(5s);
    CHECK(in.limited.memory().bytes < 14 * 100'000 + 1'000'000 + 300'000);
    REQUIRE(first.send(std::string(500'000, 'h')));
    // Each connection has its message, and no connection was ended.
    for (int number = 0; number < 14; ++number)
        REQUIRE(in.receives(100'000, 1s));
    CHECK(in.receives(1'000'000, 1s));
    CHECK(in.receives(900'000, 1s));
    CHECK(in.limited.memory().ended_connections == 0);
    CHECK_FALSE(first.is_closed(1s));
    CHECK_FALSE(second.is_closed(1s));
}

TEST_CASE("a message gets memory that was given back although an older one makes no use of it")
{
    limited_world in;
    (void)in.add_peer(whole_of(950'000));
    // The senior. Both have stopped, the second one before the little that it was given was filled.
    stream_peer& senior = in.add_peer(half_of(300'000));
    stream_peer& stopped = in.add_peer(long_frame_header(300'000, false) + "h");
    stream_peer& waiting = in.add_peer(whole_of(300'000));
    in.net.run_for(1s);
    CHECK(in.receives(950'000, 1s));
    CHECK(in.receives(300'000, 1s));
    in.net.run_for(1min);
    CHECK(in.limited.memory().ended_connections == 0);
    for (stream_peer* each : {&senior, &stopped, &waiting})
        CHECK_FALSE(each->is_closed(10ms));
}

TEST_CASE("a peer whose message waits for memory is not taken for dead")
{
    limited_world in(1s);
    // A peer that holds the memory and does not answer a PING in the middle of a body would be
    // ended for that; bytes are signs of life.
    stream_peer& slow = in.add_peer(half_of(1'900'000));
    push from = new_socket<push>(in.client_context, reconnect_at_once());
    connect(from, at);
    must(from.send(std::string(500'000, 'w'), 1s));
    for (int second = 0; second < 8; ++second) {
        REQUIRE(slow.send("s"));
        in.net.run_for(600ms);
    }
    CHECK(status_of(from).link.generation == 1);
    REQUIRE(slow.send(std::string(950'000 - 8, 'h')));
    CHECK(in.receives(1'900'000, 1s));
    CHECK(in.receives(500'000, 1s));
    CHECK(status_of(from).link.generation == 1);
    CHECK(in.limited.memory().ended_connections == 0);
    from.close(0ms);
}

namespace {

/// A DEALER whose context has a limit, which the half of a message has used up.
struct used_up_world : socket_world {
    used_up_world()
    {
        dealer_options options;
        // What a peer has sent is here with its end before it is received.
        options.tuning.receive_buffer = 1'000'000;
        to.emplace(new_socket<dealer>(limited, options));
        bind(*to, at);
        holder.emplace(*client_loop, at);
        REQUIRE(holder->shake_hands("DEALER"));
        REQUIRE(holder->send(half_of(1'900'000)));
        REQUIRE(until([&] { return limited.memory().bytes >= limit; }));
    }
    ~used_up_world()
    {
        holder.reset();
        to.reset();
    }

    context limited = must(context::on(*server_loop, limit));
    std::optional<dealer> to;
    std::optional<stream_peer> holder;
};

} // namespace

TEST_CASE("what waits for memory is received before what the peer sends when it comes again")
{
    used_up_world in;
    for (const bool first : {true, false}) {
        dealer from = new_socket<dealer>(in.client_context, dealer_called("a"));
        connect(from, at);
        REQUIRE(from.send(first ? "1" : "3", 1s));
        if (first)
            REQUIRE(from.send(std::string(500'000, '2'), 1s));
        in.net.run_for(1s);
        from.close(10ms);
        in.run_with_calls(*in.to, 1s);
    }
    CHECK(receive_text(*in.to, 1s) == "1");
    CHECK(receive_text(*in.to, 1s) == "(timed_out)");
    REQUIRE(in.holder->send(std::string(950'000, 'h')));
    std::string order;
    while (order.size() < 3)
        order += receive_text(*in.to, 1s).front();
    CHECK(order.find('2') < order.find('3'));
}

TEST_CASE("a message that waits for memory arrives although its peer has finished, and is sent to")
{
    used_up_world in;
    stream_peer peer(*in.client_loop, at);
    REQUIRE(peer.shake_hands("DEALER"));
    REQUIRE(peer.send(whole_of(200'000)));
    peer.finish_sending();
    in.net.run_for(1s);
    // One for each peer.
    REQUIRE(in.to->send("reply", no_wait));
    REQUIRE(in.to->send("reply", no_wait));
    in.run_with_calls(*in.to, 1s);
    CHECK_FALSE(in.to->events().readable);
    CHECK(ready_peers(*in.to) == 2);
    REQUIRE(in.holder->send(std::string(950'000, 'h')));
    CHECK(receive_text(*in.to, 1s).size() == 1'900'000);
    CHECK(receive_text(*in.to, 1s).size() == 200'000);
    CHECK(in.limited.memory().ended_connections == 0);
}

TEST_CASE("messages that wait for the next peer count in max_memory")
{
    socket_world in;
    context limited = must(context::on(*in.server_loop, 2 * limit));
    {
        push from = new_socket<push>(limited);
        bind(from, at);
        {
            pull_options options;
            options.receive_high_water_mark = 1;
            options.tuning.receive_buffer = 4096;
            options.reconnect.base = reconnect_never;
            pull to = new_socket<pull>(in.client_context, options);
            connect(to, at);
            REQUIRE(in.until([&] { return ready_peers(from) == 1; }));
            while (from.send(std::string(20'000, 'x'), no_wait))
                in.net.run_for(1ms);
            CHECK(limited.memory().bytes >= 2 * limit);
        }
        REQUIRE(in.until([&] { return ready_peers(from) == 0; }));
        const std::uint64_t waiting = from.counters().requeued;
        CHECK(waiting > 50);
        CHECK(limited.memory().bytes >= waiting * 20'000);
        CHECK(limited.memory().bytes < 3 * limit);
        pull to = new_socket<pull>(in.client_context);
        connect(to, at);
        REQUIRE(in.until([&] { return ready_peers(from) == 1; }));
        for (std::uint64_t number = 0; number < waiting; ++number) {
            (void)from.events();
            REQUIRE(receive_text(to, 1s).size() == 20'000);
        }
        CHECK(limited.memory().bytes < 300'000);
    }
    CHECK(limited.memory().bytes == 0);
}

TEST_CASE("a connection that is closed with half of a message does not hold up other messages")
{
    used_up_world in;
    pull other = new_socket<pull>(in.limited);
    bind(other, "tcp://10.0.0.1:5001");
    push from = new_socket<push>(in.client_context);
    connect(from, "tcp://10.0.0.1:5001");
    must(from.send(std::string(500'000, 'w'), 1s));
    // The holder does not read it, so that the connection is drained.
    REQUIRE(in.to->send("reply", 1s));
    in.net.run_for(1s);
    bool arrived = false;
    in.net.at(in.net.now() + 5s, [&] {
        message got;
        arrived = other.receive(got, no_wait).has_value() && got.size() == 500'000;
    });
    (void)in.to->close(60s);
    in.net.run_for(6s);
    CHECK(arrived);
    from.close(0ms);
}

TEST_CASE("queues that are empty do not use max_memory up")
{
    limited_world in;
    std::vector<push> peers;
    for (int number = 0; number < 30; ++number) {
        peers.push_back(new_socket<push>(in.client_context));
        connect(peers.back(), at);
        // Enough for the queue to go on with a large chunk.
        for (int round = 0; round < 20; ++round)
            REQUIRE(peers.back().send(std::string(1000, 'x'), 1s));
    }
    for (int number = 0; number < 30 * 20; ++number)
        REQUIRE(in.receives(1000, 1s));
    CHECK(in.limited.memory().bytes == 0);
    for (push& each : peers)
        each.close(0ms);
}
