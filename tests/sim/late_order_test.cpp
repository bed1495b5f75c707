// SPDX-License-Identifier: MPL-2.0

// Rules 1 and 9 of the poller with late completions. Uses the poller itself, because a stream has
// only one receive at a time.

#include "contract/harness.hpp"

#include <serverlink/simulation.hpp>

using namespace slk;
using namespace slk::contract;

namespace {

/// Two ends of a connection on one simulated host, with several receives pending on one of them.
struct two_ends {
    two_ends()
    {
        net = std::make_shared<io::sim::network>(simulation_options{});
        REQUIRE(net->add_host("here", {}).has_value());
        poller = std::make_unique<io::sim::sim_poller>(net, 0, net->at_host(0).time);
        const auto listener =
            poller->open_listener(address::loopback(address_family::ipv4, 5000), {});
        REQUIRE(listener.has_value());
        const auto opened = poller->open(address_family::ipv4);
        REQUIRE(opened.has_value());
        client = *opened;
        accept_op accepting;
        connect_op connecting;
        poller->accept(accepting, *listener);
        poller->connect(connecting, client, address::loopback(address_family::ipv4, 5000));
        REQUIRE(until([&] { return accepting.done() && connecting.done(); }));
        server = accepting.accepted;
    }
    ~two_ends() { poller->shutdown(); }

    bool until(const std::function<bool()>& reached)
    {
        for (int turns = 0; turns < 1'000 && !reached(); ++turns)
            (void)poller->turn(after(poller->refresh_now(), 1ms));
        return reached();
    }
    void receive(receive_op& op, char name)
    {
        op.then = [this, name] { order += name; };
        poller->receive(op, client, std::span(buffer).first(1));
    }
    void send(std::string_view text)
    {
        send_op op;
        const std::array list{std::as_bytes(std::span(text.data(), text.size()))};
        poller->send(op, server, list);
        REQUIRE(until([&] { return op.done(); }));
    }

    std::shared_ptr<io::sim::network> net;
    std::unique_ptr<io::sim::sim_poller> poller;
    io::socket_id client;
    io::socket_id server;
    std::array<std::byte, 8> buffer{};
    std::string order;
};

} // namespace

TEST_CASE("rule 9: operations that shutdown() ends complete in the order of their submission")
{
    two_ends ends;
    std::array<receive_op, 3> earlier;
    std::array<receive_op, 3> ops;
    ends.send("abcdef");
    ends.until([] { return false; });
    // The second time, late completions reuse their memory in another order.
    ends.net->inject(fault::late_completion, 6);
    for (receive_op& op : earlier)
        ends.receive(op, '.');
    REQUIRE(ends.until([&] { return earlier[2].done(); }));
    ends.order.clear();
    ends.receive(ops[0], 'a');
    ends.receive(ops[1], 'b');
    ends.receive(ops[2], 'c');
    ends.poller->shutdown();
    CHECK(ends.order == "abc");
    for (const receive_op& op : ops) {
        CHECK(op.completions == 1);
        CHECK(op.failure == errc::ok);
    }
}

TEST_CASE("rule 9: a completion at the same time as a late one does not overtake it")
{
    two_ends ends;
    ends.net->set_faults(fault_rates{.max_delay = 1ns});
    receive_op first;
    receive_op second;
    ends.receive(first, 'a');
    ends.receive(second, 'b');
    // Two segments, a nanosecond apart: the second arrives when the first receive's late
    // completion is due.
    ends.net->inject(fault::split, 1);
    send_op sending;
    const std::array list{std::as_bytes(std::span("xy", 2))};
    ends.poller->send(sending, ends.server, list);
    ends.net->inject(fault::late_completion, 1);
    REQUIRE(ends.until([&] { return sending.done() && first.done() && second.done(); }));
    CHECK(ends.net->times_injected(fault::late_completion) == 1);
    CHECK(ends.order == "ab");
}
