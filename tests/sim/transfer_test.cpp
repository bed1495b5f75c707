// SPDX-License-Identifier: MPL-2.0

// Bytes arrive in order and without loss, whatever the network does to the packets.

#include "sim/sim_rig.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

/// Sends in both directions at once. Returns how long it takes until each end has everything.
duration exchange(world& in, connected_pair& ends, std::size_t size, std::size_t piece = 4096)
{
    const std::string text = patterned_text(size);
    const reader at_client(ends.at_client(), piece);
    const reader at_server(ends.at_server(), piece);
    const stream_sender there(ends.at_client(), text);
    const stream_sender back(ends.at_server(), text);
    const duration took = in.time_until([&] {
        return at_server.text.size() >= size && at_client.text.size() >= size && there.done &&
               back.done;
    });
    CHECK((at_client.text == text));
    CHECK((at_server.text == text));
    CHECK(!there.failure);
    in.net.run_for(1min);
    CHECK(at_client.text.size() == size);
    CHECK(at_server.text.size() == size);
    ends.client.handle->stop();
    ends.server.streams.clear();
    in.net.run_for(1s);
    CHECK(at_client.finished());
    CHECK(at_server.finished());
    return took;
}

} // namespace

TEST_CASE("one-byte sends and receives lose no byte")
{
    for (const fault which : {fault::short_send, fault::short_receive, fault::split}) {
        world in;
        connected_pair ends(in);
        in.net.set_faults(fault_rates{.max_delay = 10us}.set(which, 1000));
        exchange(in, ends, 1'000);
        CHECK(in.net.injected(which) >= (which == fault::split ? 2 : 500));
    }
    world in;
    connected_pair ends(in);
    exchange(in, ends, 1'000, 1);
}

TEST_CASE("1 MiB in each direction arrives intact with delay, loss, splits and short transfers")
{
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        world in({.seed = seed,
                  .faults = fault_rates{.max_delay = 5ms}
                                .set(fault::delay, 300)
                                .set(fault::loss, 50)
                                .set(fault::split, 200)
                                .set(fault::short_send, 100)
                                .set(fault::short_receive, 20)
                                .set(fault::late_completion, 100)
                                .set(fault::late_wake, 100)
                                .set(fault::idle_turn, 20)});
        connected_pair ends(in);
        exchange(in, ends, 1024 * 1024);
    }
}

TEST_CASE("delay adds up to max_delay, loss 0.2 s and more, and neither changes the order")
{
    world in;
    connected_pair ends(in);
    const reader at_server(ends.at_server());
    const auto time_of = [&](fault which) {
        in.net.inject(which);
        const std::size_t before = at_server.text.size();
        const stream_sender first(ends.at_client(), "1");
        const stream_sender second(ends.at_client(), ""); // refused: one is under way
        const duration took = in.time_until([&] { return at_server.text.size() > before; });
        CHECK(in.net.injected(which) == 1);
        return took;
    };
    in.net.set_faults(fault_rates{.max_delay = 50ms});
    const duration delayed = time_of(fault::delay);
    CHECK(delayed > 200us);
    CHECK(delayed <= 50ms + 200us);
    const duration lost = time_of(fault::loss);
    CHECK(lost > 200ms);
    CHECK(lost <= 250ms + 200us);

    in.net.inject(fault::loss);
    const stream_sender slow(ends.at_client(), "2");
    REQUIRE(in.until([&] { return slow.done; }, 1ms));
    const stream_sender fast(ends.at_client(), "3");
    CHECK(in.time_until([&] { return at_server.text.size() == 4; }) > 200ms);
    CHECK(at_server.text == "1123");
}

TEST_CASE("split: a segment arrives in two parts")
{
    world in;
    connected_pair ends(in);
    const reader at_server(ends.at_server());
    in.net.inject(fault::split);
    const stream_sender sent(ends.at_client(), "12345678");
    CHECK(in.until([&] { return at_server.text == "12345678"; }, 1s));
    CHECK(at_server.completions == 2);
    CHECK(in.net.injected(fault::split) == 1);
}

TEST_CASE("short_receive and short_send transfer one byte first")
{
    world in;
    connected_pair ends(in);
    const reader at_server(ends.at_server());
    in.net.inject(fault::short_receive);
    const stream_sender sent(ends.at_client(), "1234");
    CHECK(in.until([&] { return at_server.text == "1234"; }, 1s));
    CHECK(at_server.completions == 2);
    in.net.inject(fault::short_send);
    const stream_sender more(ends.at_client(), "5678");
    in.net.run_for(1s);
    CHECK(at_server.text == "12345678");
    CHECK(more.done);
    CHECK(at_server.completions == 4);
}

TEST_CASE("half-close: after shutdown_send() a stream still receives, and its peer reads the end")
{
    world in;
    connected_pair ends(in);
    const reader at_server(ends.at_server());
    const reader at_client(ends.at_client());
    const stream_sender last(ends.at_client(), "last");
    REQUIRE(in.until([&] { return last.done; }, 1s));
    REQUIRE(ends.at_client().shutdown_send());
    REQUIRE(in.until([&] { return at_server.reached_end; }, 1s));
    CHECK(at_server.text == "last");
    const stream_sender reply(ends.at_server(), "reply");
    CHECK(in.until([&] { return at_client.text == "reply"; }, 1s));
    CHECK(!at_client.finished());
    const stream_sender refused(ends.at_client(), "more");
    in.net.run_for(1s);
    CHECK(refused.failure == errc::broken_pipe);
}

TEST_CASE("a close with unread bytes resets, and data before a reset is still read")
{
    world in;
    connected_pair ends(in);
    SUBCASE("close with unread data")
    {
        const reader at_client(ends.at_client());
        const stream_sender unread(ends.at_client(), "unread");
        in.net.run_for(1ms);
        ends.at_server().close();
        CHECK(in.until([&] { return at_client.failure == errc::connection_reset; }, 1s));
    }
    SUBCASE("close without unread data")
    {
        const reader at_client(ends.at_client());
        ends.at_server().close();
        CHECK(in.until([&] { return at_client.reached_end; }, 1s));
        const stream_sender late(ends.at_client(), "late");
        in.net.run_for(1ms);
        CHECK(late.done);
        const stream_sender later(ends.at_client(), "later");
        in.net.run_for(1s);
        CHECK(later.failure == errc::connection_reset);
    }
    SUBCASE("reset after data")
    {
        const stream_sender sent(ends.at_server(), "before");
        REQUIRE(in.until([&] { return sent.done; }, 1s));
        ends.at_server().reset();
        in.net.run_for(1s);
        const reader at_client(ends.at_client());
        in.net.run_for(1s);
        CHECK(at_client.text == "before");
        CHECK(at_client.failure == errc::connection_reset);
    }
}

TEST_CASE("a send waits for a reader that does not read once the buffers are full")
{
    world in;
    link_options small;
    small.tuning.send_buffer = 1'000;
    connected_pair ends(in, small);
    const stream_sender much(ends.at_client(), patterned_text(200'000));
    in.net.run_for(10s);
    CHECK(!much.done);
    const std::uint64_t taken = ends.at_client().bytes_sent();
    CHECK(taken == 1'000 + 64 * 1024);
    const reader at_server(ends.at_server());
    CHECK(in.until([&] { return at_server.text.size() == 200'000; }, 1s));
    CHECK(much.done);
}

TEST_CASE("latency applies one way between two hosts, by default or for that pair")
{
    world in({.latency = 7ms});
    connected_pair ends(in);
    const reader at_server(ends.at_server());
    const reader at_client(ends.at_client());
    const auto one_way = [&](stream& from, const reader& to) {
        const std::size_t before = to.text.size();
        const stream_sender sent(from, "x");
        return in.time_until([&] { return to.text.size() > before; });
    };
    const auto is_about = [](duration measured, duration expected) {
        return measured >= expected && measured <= expected + 10us;
    };
    CHECK(is_about(one_way(ends.at_client(), at_server), 7ms));
    in.net.set_latency(in.server, in.client, 30ms);
    CHECK(is_about(one_way(ends.at_client(), at_server), 30ms));
    CHECK(is_about(one_way(ends.at_server(), at_client), 30ms));
    test_listener local_server(*in.client_loop, "tcp://127.0.0.1:6000");
    test_link local(*in.client_loop, "tcp://127.0.0.1:6000");
    CHECK(in.time_until([&] { return local.connected(); }) < 20us);
}
