// SPDX-License-Identifier: MPL-2.0

// PUB and SUB whose connections are lost, and subscribers that are slow.

#include "sim/sockets/simulated_sockets.hpp"

#include <random>
#include <set>

using namespace slk;
using namespace slk::testing;

namespace {

socket_options at_once(socket_options options = {})
{
    options.reconnect = short_delays();
    return options;
}

/// The publisher knows this number of peers and of topics.
bool knows(pub& which, std::size_t peers, std::uint32_t topics)
{
    std::size_t count = 0;
    for (const peer_status& each : which.peers())
        count += each.ready && each.subscriptions == topics ? 1 : 0;
    return count == peers;
}

} // namespace

TEST_CASE("a SUB that nobody uses subscribes anew on every connection")
{
    socket_world in;
    auto to = new_socket<sub>(in.client_context, at_once());
    for (const char* const topic : {"a", "b", "c"})
        must(to.subscribe(topic));
    must(to.unsubscribe("b"));
    connect(to);
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round);
        auto from = new_socket<pub>(in.server_context);
        bind(from);
        REQUIRE(in.until([&] { return knows(from, 1, 2); }));
        CHECK(must(from.send("b")) == send_outcome::dropped_no_route);
        CHECK(must(from.send("a" + std::to_string(round))) == send_outcome::queued);
        (void)from.close(5s);
    }
    for (const char* const each : {"a0", "a1", "a2"})
        CHECK(receive_text(to) == each);
}

TEST_CASE("changes while there is no connection are known after it")
{
    socket_world in;
    auto from = new_socket<pub>(in.server_context);
    auto to = new_socket<sub>(in.client_context, at_once());
    bind(from);
    connect(to);
    must(to.subscribe("a"));
    REQUIRE(in.until([&] { return knows(from, 1, 1); }));
    in.net.partition(in.client, in.server);
    // Neither the end of the connection nor the changes can be known yet.
    must(to.unsubscribe("a"));
    must(to.subscribe("b"));
    must(to.subscribe("c"));
    must(from.unbind(from.last_endpoint()));
    bind(from);
    in.net.run_for(1s);
    in.net.heal();
    REQUIRE(in.until([&] { return knows(from, 1, 2); }));
    CHECK(must(from.send("a")) == send_outcome::dropped_no_route);
    CHECK(must(from.send("b")) == send_outcome::queued);
    CHECK(receive_text(to) == "b");
}

TEST_CASE("a SUB that does not read costs neither the publisher nor the others anything")
{
    socket_world in;
    pub_options few;
    few.send_high_water_mark = 10;
    auto from = new_socket<pub>(in.server_context, few);
    bind(from);
    sub_options small = at_once();
    small.receive_high_water_mark = 5;
    small.tuning.receive_buffer = 3000;
    auto slow = new_socket<sub>(in.client_context, small);
    auto quick = new_socket<sub>(in.client_context, at_once());
    for (sub* const each : {&slow, &quick}) {
        must(each->subscribe(""));
        connect(*each);
    }
    REQUIRE(in.until([&] { return knows(from, 2, 1); }));
    constexpr int count = 500;
    for (int number = 0; number < count; ++number) {
        const time_point before = in.net.now();
        CHECK(must(from.send(patterned_text(5000))) == send_outcome::queued);
        CHECK(in.net.now() - before < 1ms); // a call has a turn of the loop
        CHECK(receive_text(quick) == patterned_text(5000));
    }
    const std::uint64_t missed = from.counters().dropped_full;
    CHECK(missed > 100);
    std::uint64_t received = 0;
    while (receive_text(slow, 1s) == patterned_text(5000))
        ++received;
    CHECK(received + missed == count);
    CHECK(from.counters().queued_total == count + received);
    // It reads again, and misses nothing.
    for (int number = 0; number < 50; ++number) {
        CHECK(must(from.send("more")) == send_outcome::queued);
        CHECK(receive_text(slow) == "more");
        CHECK(receive_text(quick) == "more");
    }
    CHECK(from.counters().dropped_full == missed);
}

TEST_CASE("what a PUB has queued for a peer of connect() is sent when it is back, also before it "
          "subscribes again")
{
    socket_world in;
    pub_options few = at_once();
    few.send_high_water_mark = 3;
    auto from = new_socket<pub>(in.client_context, few);
    connect(from);
    auto to = new_socket<sub>(in.server_context);
    must(to.subscribe("a"));
    bind(to);
    REQUIRE(in.until([&] { return knows(from, 1, 1); }));
    must(to.unbind(to.last_endpoint()));
    in.net.run_for(1s);
    (void)from.events();
    for (const char* const text : {"a1", "b", "a2", "a3", "a4"})
        must(from.send(text));
    CHECK(from.counters().dropped_no_route == 1);
    CHECK(from.counters().dropped_full == 1);
    bind(to);
    for (const char* const text : {"a1", "a2", "a3"})
        CHECK(receive_text(to) == text);
    CHECK(receive_text(to, 1s) == "(timed_out)");
}

TEST_CASE("messages arrive at most once, and all subscriptions in the end, whatever happens to the "
          "connections")
{
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        simulation_options bad{.seed = seed};
        bad.faults.set(fault::late_completion, 100).max_delay = 20ms;
        socket_world in(bad);
        std::mt19937 random(static_cast<unsigned>(seed));
        socket_options options = at_once();
        options.tuning.send_buffer = options.tuning.receive_buffer = 3000;
        options.peer_timeout = 2s;
        options.send_high_water_mark = 20;
        const bool pub_binds = seed % 2 == 0;
        auto from = new_socket<pub>(pub_binds ? in.server_context : in.client_context, options);
        auto to = new_socket<sub>(pub_binds ? in.client_context : in.server_context, options);
        socket& bound = pub_binds ? static_cast<socket&>(from) : to;
        bind(bound);
        connect(pub_binds ? static_cast<socket&>(to) : from);
        must(to.subscribe("m"));
        int last = -1, published = 0;
        std::set<int> arrived;
        const auto receive_all = [&] {
            message got;
            while (to.receive(got, no_wait)) {
                const int number = std::stoi(std::string(got.text().substr(1)));
                REQUIRE(arrived.insert(number).second);
                // Where the SUB is bound, each connection is a peer of its own.
                REQUIRE((number > last || !pub_binds));
                last = number;
            }
        };
        for (int step = 0; step < 200; ++step) {
            switch (random() % 12) {
            case 0: in.net.partition(in.client, in.server); break;
            case 1:
            case 2: in.net.heal(); break;
            case 3:
                if (bound.unbind(bound.last_endpoint()))
                    (void)bound.bind("tcp://10.0.0.1:5000");
                break;
            case 4: must(to.subscribe("t" + std::to_string(random() % 5))); break;
            case 5: must(to.unsubscribe("t" + std::to_string(random() % 5))); break;
            default:
                must(from.send("m" + std::to_string(published++) +
                               std::string(random() % 3000, '.')));
                break;
            }
            if (random() % 3 == 0)
                receive_all();
            in.net.run_for(std::chrono::milliseconds(random() % 50));
        }
        in.net.heal();
        std::uint32_t topics = 1;
        for (const char* const each : {"t0", "t1", "t2", "t3", "t4"}) {
            must(to.unsubscribe(each));
            must(to.subscribe(each));
            ++topics;
        }
        const auto in_the_end = [&](const auto& holds) {
            for (int tries = 0; tries < 3000 && !holds(); ++tries)
                in.net.run_for(20ms);
            return holds();
        };
        REQUIRE(in_the_end([&] {
            receive_all();
            return knows(from, 1, topics);
        }));
        const int first_of_last = published;
        REQUIRE(in_the_end([&] {
            receive_all();
            must(from.send("m" + std::to_string(published++)));
            return arrived.lower_bound(first_of_last) != arrived.end();
        }));
    }
}

TEST_CASE("a PUB with `immediate` forgets the topics of a peer of connect() with its connection")
{
    for (const bool immediate : {true, false}) {
        CAPTURE(immediate);
        socket_world in;
        socket_options options = at_once();
        options.immediate = immediate;
        auto from = new_socket<pub>(in.client_context, options);
        connect(from);
        {
            auto to = new_socket<sub>(in.server_context);
            must(to.subscribe("t"));
            bind(to);
            must(from.wait_subscribers("t", 1, test_timeout));
            (void)to.close(0s);
        }
        in.run_with_calls(from, 1s);
        CHECK(must(from.send("t")) ==
              (immediate ? send_outcome::dropped_no_route : send_outcome::queued));
        auto to = new_socket<sub>(in.server_context);
        must(to.subscribe("t"));
        bind(to);
        in.run_with_calls(from, 1s);
        CHECK(must(from.send("t2")) == send_outcome::queued);
        if (!immediate)
            CHECK(receive_text(to) == "t");
        CHECK(receive_text(to) == "t2");
    }
}
