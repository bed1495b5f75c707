// SPDX-License-Identifier: MPL-2.0

// The option on_reconnect: what has waited for a peer is kept or dropped when the peer is back.

#include "sim/sockets/simulated_sockets.hpp"

#include "support/events.hpp"
#include "support/texts.hpp"

#include <optional>

using namespace slk;
using namespace slk::testing;

namespace {

using text_list = std::vector<std::string>;

constexpr queue_policy all_policies[] = {queue_policy::keep, queue_policy::drop_all,
                                         queue_policy::keep_newest};

socket_options options_with(queue_policy policy)
{
    socket_options options;
    options.on_reconnect = policy;
    options.reconnect.base = 10ms;
    options.reconnect.floor = 10ms;
    options.reconnect.cap = 20ms;
    return options;
}

/// What is left of three messages, and one that was sent later.
text_list left_by(queue_policy policy)
{
    switch (policy) {
    case queue_policy::keep: return {"1", "2", "3", "4"};
    case queue_policy::drop_all: return {"4"};
    case queue_policy::keep_newest: return {"3", "4"};
    }
    return {};
}

std::uint64_t dropped_by(queue_policy policy)
{
    return 4 - left_by(policy).size();
}

/// The text_list of all messages that are there, without subscriptions.
template <class Socket>
text_list texts_received(Socket& from)
{
    text_list all;
    for (multipart whole; from.receive(whole, 500ms); whole.clear())
        if (const auto parts = texts_of(whole); parts.front() > "\1")
            all.insert(all.end(), parts.begin(), parts.end());
    return all;
}

constexpr const char* usual_endpoint = "tcp://10.0.0.1:5000";

/// A socket that connects, and one that binds, which closes and comes again.
template <class Sender, class Receiver>
struct lost_and_found {
    explicit lost_and_found(queue_policy policy, const char* at = usual_endpoint)
        : endpoint(at), sender(new_socket<Sender>(in.client_context, options_with(policy))),
          events(sender)
    {
        connect(sender, endpoint);
        open_receiver();
    }

    void open_receiver()
    {
        const bool inside = std::string_view(endpoint).starts_with("inproc");
        receiver.emplace(
            new_socket<Receiver>(inside ? in.client_context : in.server_context, receiver_options));
        if constexpr (std::is_same_v<Receiver, sub>)
            must(receiver->subscribe(""));
        bind(*receiver, endpoint);
        REQUIRE(in.until([&] {
            return status_of(sender).ready && ready_peers(*receiver) == 1 &&
                   (!std::is_same_v<Sender, pub> || sender.peers().at(0).subscriptions == 1);
        }));
    }
    void close_receiver()
    {
        receiver.reset();
        REQUIRE(in.until([&] { return !status_of(sender).ready; }));
    }
    void check_counters(queue_policy policy)
    {
        CHECK(sender.counters().dropped_stale == dropped_by(policy));
        CHECK(sender.counters().unsent == 0);
        CHECK(sender.counters().unconfirmed <= 1); // the first message
        std::uint64_t lapsed = 0;
        for (const peer_status& each : sender.peers())
            lapsed += each.lapsed;
        CHECK(lapsed == dropped_by(policy));
        events.read();
        CHECK(events.count(event_kind::dropped) == (dropped_by(policy) > 0 ? 1 : 0));
        if (dropped_by(policy) == 0)
            return;
        const event& last = events.last(event_kind::dropped);
        CHECK(last.drop == drop_reason::stale);
        CHECK(last.count == dropped_by(policy));
        CHECK(last.endpoint == endpoint);
    }

    socket_options receiver_options;
    socket_world in;
    const char* endpoint;
    Sender sender;
    watched_events events;
    std::optional<Receiver> receiver;
};

template <class Sender, class Receiver>
void check_policies(const char* endpoint = usual_endpoint)
{
    for (const queue_policy policy : all_policies) {
        CAPTURE(static_cast<int>(policy));
        lost_and_found<Sender, Receiver> rig(policy, endpoint);
        REQUIRE(rig.sender.send("0"));
        CHECK(texts_received(*rig.receiver) == text_list{"0"});
        rig.close_receiver();
        for (const char* const text : {"1", "2", "3"})
            REQUIRE(rig.sender.send(text));
        rig.open_receiver();
        REQUIRE(rig.sender.send("4"));
        CHECK(texts_received(*rig.receiver) == left_by(policy));
        rig.check_counters(policy);
        CHECK(rig.sender.peers().at(0).sent == 5 - dropped_by(policy));
        CHECK(rig.sender.peers().at(0).queued == 0);
    }
}

} // namespace

TEST_CASE("what was queued while a link was lost is sent, dropped, or the newest is sent")
{
    SUBCASE("PUSH")
    {
        check_policies<push, pull>();
    }
    SUBCASE("DEALER")
    {
        check_policies<dealer, dealer>();
    }
    SUBCASE("PAIR")
    {
        check_policies<pair, pair>();
    }
    SUBCASE("PUB")
    {
        check_policies<pub, sub>();
    }
    SUBCASE("XSUB")
    {
        check_policies<xsub, xpub>();
    }
}

TEST_CASE("what was queued while an inproc name was not bound is received, dropped, or the newest "
          "is received")
{
    SUBCASE("PUSH")
    {
        check_policies<push, pull>("inproc://name");
    }
    SUBCASE("DEALER")
    {
        check_policies<dealer, dealer>("inproc://name");
    }
    SUBCASE("PAIR")
    {
        check_policies<pair, pair>("inproc://name");
    }
    SUBCASE("XSUB")
    {
        check_policies<xsub, xpub>("inproc://name");
    }
}

TEST_CASE("what a ROUTER has queued for a peer that is back is sent, dropped, or the newest is "
          "sent")
{
    const char* endpoint = usual_endpoint;
    bool inside = false;
    SUBCASE("tcp") {}
    SUBCASE("inproc")
    {
        endpoint = "inproc://name";
        inside = true;
    }
    for (const queue_policy policy : all_policies) {
        CAPTURE(static_cast<int>(policy));
        socket_world in;
        router sender = new_socket<router>(in.client_context, options_with(policy));
        connect(sender, endpoint);
        std::optional<dealer> receiver;
        const auto open = [&] {
            receiver.emplace(new_socket<dealer>(inside ? in.client_context : in.server_context,
                                                dealer_called("d")));
            bind(*receiver, endpoint);
            REQUIRE(
                in.until([&] { return ready_peers(*receiver) == 1 && ready_peers(sender) == 1; }));
        };
        open();
        receiver.reset();
        REQUIRE(in.until([&] { return ready_peers(sender) == 0; }));
        for (const char* const text : {"1", "2", "3"})
            REQUIRE(sender.send({"d"}, text));
        open();
        REQUIRE(sender.send({"d"}, "4"));
        CHECK(texts_received(*receiver) == left_by(policy));
        CHECK(sender.counters().dropped_stale == dropped_by(policy));
        CHECK(sender.counters().unsent == 0);
    }
}

TEST_CASE("what was queued before the first connection is sent")
{
    socket_world in;
    push client = new_socket<push>(in.client_context, options_with(queue_policy::drop_all));
    connect(client);
    for (const char* const text : {"1", "2", "3"})
        REQUIRE(client.send(text));
    pull server = new_socket<pull>(in.server_context);
    bind(server);
    CHECK(texts_received(server) == text_list{"1", "2", "3"});
    CHECK(client.counters().dropped_stale == 0);
}

TEST_CASE("what has waited for the next peer of a bound socket is kept or dropped when it comes")
{
    for (const queue_policy policy : all_policies) {
        CAPTURE(static_cast<int>(policy));
        socket_world in;
        pair server = new_socket<pair>(in.server_context, options_with(policy));
        watched_events events(server);
        bind(server);
        socket_options reluctant;
        reluctant.receive_high_water_mark = 1;
        reluctant.tuning.receive_buffer = 4096;
        pair one = new_socket<pair>(in.client_context, reluctant);
        connect(one);
        REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
        for (int number = 0; number < 50; ++number)
            REQUIRE(server.send(std::to_string(number) + patterned_text(20'000), no_wait));
        in.net.run_for(1s);
        one.close(0ms);
        REQUIRE(in.until([&] { return ready_peers(server) == 0; }));
        const std::uint64_t waited = server.counters().requeued;
        REQUIRE(waited > 10);
        pair two = new_socket<pair>(in.client_context);
        connect(two);
        REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
        const text_list got = texts_received(two);
        const std::uint64_t kept = policy == queue_policy::keep       ? waited
                                   : policy == queue_policy::drop_all ? 0
                                                                      : 1;
        CHECK(got.size() == kept);
        if (!got.empty())
            CHECK(got.back() == "49" + patterned_text(20'000));
        CHECK(server.counters().dropped_stale == waited - kept);
        events.read();
        CHECK(events.count(event_kind::dropped) == (kept < waited ? 1 : 0));
        CHECK(server.close(1s).unsent() == 0);
    }
}

TEST_CASE("what waits for any peer is kept when another one is there")
{
    socket_world in;
    socket_options options = options_with(queue_policy::drop_all);
    options.send_high_water_mark = 30;
    push server = new_socket<push>(in.server_context, options);
    bind(server);
    socket_options reluctant;
    reluctant.receive_high_water_mark = 1;
    reluctant.tuning.receive_buffer = 4096;
    std::optional<pull> one(new_socket<pull>(in.client_context, reluctant));
    pull two = new_socket<pull>(in.client_context, reluctant);
    connect(*one);
    connect(two);
    REQUIRE(in.until([&] { return ready_peers(server) == 2; }));
    while (server.send("x" + patterned_text(20'000), no_wait))
        in.net.run_for(10ms);
    one.reset();
    REQUIRE(in.until([&] { return ready_peers(server) == 1; }));
    CHECK(server.counters().requeued > 0);
    pull three = new_socket<pull>(in.client_context);
    connect(three);
    REQUIRE(in.until([&] { return ready_peers(server) == 2; }));
    in.run_with_calls(server, 1s);
    CHECK(server.counters().dropped_stale == 0);
    CHECK(texts_received(three).size() >= server.counters().requeued);
}

TEST_CASE("a message that was sent in part is dropped with the others")
{
    socket_world in;
    dealer client = new_socket<dealer>(in.client_context, options_with(queue_policy::keep_newest));
    connect(client);
    socket_options reluctant;
    reluctant.receive_high_water_mark = 1;
    reluctant.tuning.receive_buffer = 4096;
    std::optional<dealer> server(new_socket<dealer>(in.server_context, reluctant));
    bind(*server);
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    for (int number = 0; number < 50; ++number) {
        multipart whole;
        must(whole.add(std::to_string(number)));
        must(whole.add(patterned_text(50'000)));
        REQUIRE(client.send(std::move(whole), no_wait));
    }
    in.net.run_for(1s);
    const std::uint64_t sent = client.peers().at(0).sent;
    server.reset();
    REQUIRE(in.until([&] { return !status_of(client).ready; }));
    server.emplace(new_socket<dealer>(in.server_context));
    bind(*server);
    CHECK(texts_received(*server) == text_list{"49", patterned_text(50'000)});
    CHECK(client.counters().dropped_stale == 49 - sent);
    CHECK(client.counters().unconfirmed == sent);
    const close_report report = client.close(1s);
    CHECK(report.unsent() == 0);
    CHECK(report.peers.at(0).flushed == sent + 1);
    CHECK(report.peers.at(0).lapsed == 49 - sent);
}

TEST_CASE("a full queue has room again when what has waited is dropped")
{
    const char* endpoint = usual_endpoint;
    SUBCASE("tcp") {}
    SUBCASE("inproc")
    {
        endpoint = "inproc://name";
    }
    lost_and_found<push, pull> rig(queue_policy::drop_all, endpoint);
    rig.receiver_options.receive_high_water_mark = 1;
    must(rig.sender.set_send_high_water_mark(2));
    rig.close_receiver();
    while (rig.sender.send("stale", no_wait)) {
    }
    CHECK_FALSE(rig.sender.events().writable);
    rig.open_receiver();
    REQUIRE(rig.sender.send("new", 1s));
    CHECK(texts_received(*rig.receiver) == text_list{"new"});
}

TEST_CASE("a conflating queue is empty, or has its newest message, when the peer is back")
{
    const char* endpoint = usual_endpoint;
    SUBCASE("tcp") {}
    SUBCASE("inproc")
    {
        endpoint = "inproc://name";
    }
    for (const queue_policy policy : all_policies) {
        CAPTURE(static_cast<int>(policy));
        socket_world in;
        socket_options options = options_with(policy);
        options.conflate = true;
        push sender = new_socket<push>(in.client_context, options);
        connect(sender, endpoint);
        const bool inside = std::string_view(endpoint) != usual_endpoint;
        context& there = inside ? in.client_context : in.server_context;
        std::optional<pull> receiver(new_socket<pull>(there));
        bind(*receiver, endpoint);
        REQUIRE(in.until([&] { return status_of(sender).ready; }));
        receiver.reset();
        REQUIRE(in.until([&] { return !status_of(sender).ready; }));
        for (const char* const text : {"1", "2", "3"})
            REQUIRE(sender.send(text));
        receiver.emplace(new_socket<pull>(there));
        bind(*receiver, endpoint);
        REQUIRE(in.until([&] { return status_of(sender).ready; }));
        CHECK(texts_received(*receiver) ==
              (policy == queue_policy::drop_all ? text_list{} : text_list{"3"}));
        CHECK(sender.counters().dropped_stale == (policy == queue_policy::drop_all ? 1 : 0));
        CHECK(sender.counters().conflated_sent == 2);
        CHECK(sender.peers().at(0).queued == 0);
    }
}
