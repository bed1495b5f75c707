// SPDX-License-Identifier: MPL-2.0

// Messages with a deadline, which are dropped when it passes before they are sent.

#include "sim/sockets/simulated_sockets.hpp"

#include "support/events.hpp"
#include "support/texts.hpp"

#include <optional>

using namespace slk;
using namespace slk::testing;

namespace {

using received_list = std::vector<std::string>;

message expiring(std::string_view text, duration after)
{
    message made = message_of(text);
    made.expire_after(after);
    return made;
}

socket_options quick_links()
{
    socket_options options;
    options.reconnect.base = 10ms;
    options.reconnect.floor = 10ms;
    options.reconnect.cap = 20ms;
    return options;
}

/// A receiver that takes little, so that what is sent to it stays in the sender's queue.
socket_options takes_little()
{
    socket_options options;
    options.receive_high_water_mark = 1;
    options.tuning.receive_buffer = 4096;
    return options;
}

template <class Socket>
result<send_outcome> send_to(Socket& from, message&& whole)
{
    if constexpr (std::is_same_v<Socket, router>)
        return from.send({"d"}, std::move(whole), no_wait);
    else if constexpr (std::is_same_v<Socket, pub> || std::is_same_v<Socket, xpub>)
        return from.send(std::move(whole));
    else
        return from.send(std::move(whole), no_wait);
}

/// The first parts of all messages that arrive.
template <class Socket>
received_list drain(Socket& from, duration time = 500ms)
{
    received_list all;
    for (multipart whole; from.receive(whole, time); whole.clear())
        all.emplace_back(whole[0].text());
    return all;
}

std::uint64_t lapsed(socket& of)
{
    std::uint64_t sum = 0;
    for (const peer_status& each : of.peers())
        sum += each.lapsed;
    return sum;
}

/// A socket that connects, and one that binds, which closes and comes again.
template <class Sender, class Receiver>
struct sender_alone {
    explicit sender_alone(socket_options options = quick_links())
        : sender(new_socket<Sender>(in.client_context, std::move(options))), events(sender)
    {
        connect(sender);
        open_receiver();
        close_receiver();
    }
    void open_receiver(socket_options options = {})
    {
        if (std::is_same_v<Sender, router>)
            options.routing_id = "d";
        receiver.emplace(new_socket<Receiver>(in.server_context, options));
        if constexpr (std::is_same_v<Receiver, sub>)
            must(receiver->subscribe(""));
        bind(*receiver);
        REQUIRE(in.until([&] {
            const auto peers = sender.peers();
            return status_of(sender).ready && ready_peers(*receiver) == 1 &&
                   ready_peers(sender) == 1 &&
                   (!std::is_same_v<Receiver, sub> || peers.at(0).subscriptions == 1);
        }));
    }
    void close_receiver()
    {
        receiver.reset();
        REQUIRE(in.until([&] { return ready_peers(sender) == 0; }));
    }

    socket_world in;
    Sender sender;
    watched_events events;
    std::optional<Receiver> receiver;
};

/// `by_timer`: the first ones are dropped although the peer stays away.
template <class Sender, class Receiver>
void check_expiry(bool by_timer = true)
{
    sender_alone<Sender, Receiver> rig;
    REQUIRE(send_to(rig.sender, expiring("1", 1s)));
    REQUIRE(send_to(rig.sender, expiring("2", 2s)));
    REQUIRE(send_to(rig.sender, message_of("3")));
    REQUIRE(send_to(rig.sender, expiring("4", 1s)));
    REQUIRE(send_to(rig.sender, expiring("5", 1h)));
    REQUIRE(send_to(rig.sender, expiring("6", 1s)));
    if (by_timer) {
        rig.in.net.run_for(1500ms);
        CHECK(rig.sender.counters().expired == 1);
        rig.in.net.run_for(1s);
        CHECK(rig.sender.counters().expired == 2);
        CHECK(lapsed(rig.sender) == 2);
    } else {
        rig.in.net.run_for(2500ms);
    }
    rig.open_receiver();
    REQUIRE(send_to(rig.sender, expiring("7", 1h)));
    CHECK(drain(*rig.receiver) == received_list{"3", "5", "7"});
    CHECK(rig.sender.counters().expired == 4);
    CHECK(rig.sender.counters().unsent == 0);
    rig.events.read();
    std::uint64_t reported = 0;
    for (const event& each : rig.events.all)
        if (each.kind == event_kind::dropped && each.drop == drop_reason::expired)
            reported += each.count;
    CHECK(reported == 4);
    CHECK(rig.sender.peers().at(0).queued == 0);
    CHECK(rig.sender.close(1s).unsent() == 0);
}

} // namespace

TEST_CASE("messages that expire while a link is lost are not sent, and the others keep their order")
{
    SUBCASE("PUSH")
    {
        check_expiry<push, pull>();
    }
    SUBCASE("DEALER")
    {
        check_expiry<dealer, dealer>();
    }
    SUBCASE("PAIR")
    {
        check_expiry<pair, pair>();
    }
    SUBCASE("PUB")
    {
        check_expiry<pub, sub>();
    }
    SUBCASE("XPUB")
    {
        check_expiry<xpub, sub>();
    }
    SUBCASE("ROUTER")
    {
        check_expiry<router, dealer>(false);
    }
}

TEST_CASE("a message is sent whose deadline has not passed")
{
    sender_alone<push, pull> rig;
    REQUIRE(rig.sender.send(expiring("1", 10s)));
    rig.in.net.run_for(5s);
    rig.open_receiver();
    CHECK(drain(*rig.receiver) == received_list{"1"});
    rig.in.net.run_for(10s);
    CHECK(rig.sender.counters().expired == 0);
}

TEST_CASE("the socket's option is for messages without a time of their own")
{
    socket_options options = quick_links();
    options.expires_after = 1s;
    sender_alone<push, pull> rig(options);
    REQUIRE(rig.sender.send("1"));
    REQUIRE(rig.sender.send(expiring("2", 10s)));
    REQUIRE(rig.sender.send(expiring("3", duration::max())));
    const std::vector<std::span<const std::byte>> batch(2, std::as_bytes(std::span("4", 1)));
    REQUIRE(rig.sender.send_batch(batch) == 2);
    multipart whole;
    must(whole.add("5"));
    must(whole.add("end"));
    REQUIRE(rig.sender.send(std::move(whole)));
    rig.in.net.run_for(2s);
    options.expires_after = 0s;
    must(rig.sender.set_options(options));
    REQUIRE(rig.sender.send("6"));
    rig.in.net.run_for(2s);
    rig.open_receiver();
    CHECK(drain(*rig.receiver) == received_list{"2", "3", "6"});
    CHECK(rig.sender.counters().expired == 4);
}

TEST_CASE("a send that waits for room goes on when a message expires")
{
    socket_options options = quick_links();
    options.send_high_water_mark = 2;
    sender_alone<push, pull> rig(options);
    REQUIRE(rig.sender.send(expiring("1", 1s)));
    REQUIRE(rig.sender.send(expiring("2", 3s)));
    CHECK(rig.sender.send("3", no_wait).error() == errc::would_block);
    const time_point began = rig.in.net.now();
    REQUIRE(rig.sender.send("3", 10s));
    CHECK(rig.in.net.now() - began >= 900ms);
    CHECK(rig.in.net.now() - began <= 1200ms);
    rig.open_receiver();
    CHECK(drain(*rig.receiver) == received_list{"2", "3"});
}

TEST_CASE("of a message that the system has taken a part of the rest is sent, and what has expired "
          "behind it is not")
{
    socket_world in;
    push sender = new_socket<push>(in.client_context);
    connect(sender);
    pull receiver = new_socket<pull>(in.server_context, takes_little());
    bind(receiver);
    REQUIRE(in.until([&] { return status_of(sender).ready; }));
    const std::string large = patterned_text(3'000'000);
    multipart whole;
    whole.add(expiring("large", 1s));
    must(whole.add(large));
    REQUIRE(sender.send(std::move(whole)));
    in.net.run_for(100ms);
    // Behind what is being sent.
    for (int number = 0; number < 200; ++number) {
        multipart next;
        const bool expires = number % 3 != 0;
        next.add(expiring(std::to_string(number), expires ? 1s : 1h));
        if (number % 5 == 0)
            must(next.add(patterned_text(40'000)));
        if (number % 7 == 0)
            must(next.add(""));
        REQUIRE(sender.send(std::move(next)));
    }
    in.net.run_for(2s);
    received_list expected{"large"};
    for (int number = 0; number < 200; number += 3)
        expected.push_back(std::to_string(number));
    const received_list got = drain(receiver);
    CHECK(got.size() >= expected.size());
    // What was given to the system with the large message may be there.
    received_list left;
    for (const std::string& each : got)
        if (each == "large" || std::stoi(each) % 3 == 0)
            left.push_back(each);
    CHECK(left == expected);
    CHECK(sender.counters().expired > 50);
    CHECK(got.size() + sender.counters().expired == 201);
    const peer_status peer = sender.peers().at(0);
    CHECK(peer.sent + peer.lapsed == 201);
}

TEST_CASE("each subscriber has its own queue of messages that expire")
{
    socket_world in;
    pub sender = new_socket<pub>(in.client_context);
    bind(sender, "tcp://10.0.0.2:5000");
    sub fast = new_socket<sub>(in.server_context);
    sub slow = new_socket<sub>(in.server_context, takes_little());
    for (sub* const each : {&fast, &slow}) {
        must(each->subscribe(""));
        connect(*each, "tcp://10.0.0.2:5000");
    }
    REQUIRE(in.until([&] { return ready_peers(sender) == 2 && sender.topics_count() == 1; }));
    in.net.run_for(100ms);
    received_list all;
    received_list stay;
    for (int number = 0; number < 300; ++number) {
        multipart next;
        const bool expires = number % 3 != 0;
        const std::string text = std::to_string(number);
        next.add(expiring(text, expires ? 1s : 1h));
        must(next.add(patterned_text(number % 4 == 0 ? 60'000 : 3'000)));
        REQUIRE(sender.send(std::move(next)));
        all.push_back(text);
        if (!expires)
            stay.push_back(text);
    }
    in.net.run_for(3s);
    CHECK(drain(fast) == all);
    const received_list got = drain(slow);
    received_list left;
    for (const std::string& each : got)
        if (std::stoi(each) % 3 == 0)
            left.push_back(each);
    CHECK(left == stay);
    CHECK(sender.counters().expired > 100);
    CHECK(got.size() + sender.counters().expired == 300);
}

TEST_CASE("with inproc a message that has expired is dropped when it would be received")
{
    socket_world in;
    const auto check = [&](auto& sender, auto& receiver, const auto& receive) {
        REQUIRE(send_to(sender, message_of("0")));
        REQUIRE(send_to(sender, expiring("1", 1s)));
        REQUIRE(send_to(sender, expiring("2", 1h)));
        REQUIRE(send_to(sender, expiring("3", 1s)));
        in.net.run_for(2s);
        CHECK(receive(receiver) == received_list{"0", "2"});
        CHECK_FALSE(receiver.events().readable);
        CHECK(sender.counters().expired == 2);
        CHECK(sender.peers().at(0).lapsed == 2);
        CHECK(receiver.counters().received == 2);
        CHECK(receiver.peers().at(0).received == 2);
        CHECK(receiver.counters().discarded == 0);
        REQUIRE(send_to(sender, expiring("4", 1s)));
        CHECK(receiver.events().readable);
        in.net.run_for(2s);
        CHECK_FALSE(receiver.events().readable);
        CHECK(sender.counters().expired == 3);
    };
    SUBCASE("part by part")
    {
        push sender = new_socket<push>(in.client_context);
        pull receiver = new_socket<pull>(in.client_context);
        bind_and_connect(receiver, sender, "inproc://name");
        check(sender, receiver, [](pull& at) { return drain(at); });
    }
    SUBCASE("by batches")
    {
        dealer sender = new_socket<dealer>(in.client_context);
        dealer receiver = new_socket<dealer>(in.client_context);
        bind_and_connect(sender, receiver, "inproc://name");
        check(sender, receiver, [](dealer& at) {
            received_list all;
            for (received_batch batch; at.receive_batch(batch, 100, no_wait);)
                for (std::size_t index = 0; index < batch.size(); ++index)
                    all.emplace_back(batch.text(index));
            return all;
        });
    }
    SUBCASE("where topics are looked at")
    {
        pub sender = new_socket<pub>(in.client_context);
        sub receiver = new_socket<sub>(in.client_context);
        for (const char* const topic : {"0", "1", "2", "3", "4"})
            must(receiver.subscribe(topic));
        bind_and_connect(sender, receiver, "inproc://name");
        REQUIRE(in.until([&] { return sender.topics_count() == 5; }));
        check(sender, receiver, [](sub& at) { return drain(at); });
    }
}

TEST_CASE("with inproc a sender has room when an expired message is dropped")
{
    socket_world in;
    push_options options;
    options.send_high_water_mark = 1;
    push sender = new_socket<push>(in.client_context, options);
    pull receiver = new_socket<pull>(in.client_context, {.receive_high_water_mark = 1});
    bind_and_connect(receiver, sender, "inproc://name");
    REQUIRE(sender.send(expiring("1", 1s)));
    REQUIRE(sender.send(expiring("2", 1s)));
    CHECK_FALSE(sender.events().writable);
    in.net.run_for(2s);
    CHECK_FALSE(receiver.events().readable);
    CHECK(sender.events().writable);
}

TEST_CASE("the newest message of a conflating socket expires")
{
    const char* endpoint = "tcp://10.0.0.1:5000";
    bool inside = false;
    SUBCASE("tcp") {}
    SUBCASE("inproc")
    {
        endpoint = "inproc://name";
        inside = true;
    }
    socket_world in;
    socket_options options = quick_links();
    options.conflate = true;
    push sender = new_socket<push>(in.client_context, options);
    connect(sender, endpoint);
    for (const char* const text : {"1", "2"})
        REQUIRE(sender.send(expiring(text, 1s)));
    in.net.run_for(2s);
    pull receiver = new_socket<pull>(inside ? in.client_context : in.server_context);
    bind(receiver, endpoint);
    REQUIRE(in.until([&] { return status_of(sender).ready; }));
    CHECK(drain(receiver).empty());
    CHECK(sender.counters().expired == 1);
    CHECK(sender.counters().conflated_sent == 1);
    REQUIRE(sender.send(expiring("3", 1s)));
    CHECK(drain(receiver) == received_list{"3"});
    CHECK(sender.peers().at(0).queued == 0);
}

TEST_CASE("messages that wait for the next peer expire")
{
    socket_world in;
    push sender = new_socket<push>(in.server_context);
    bind(sender);
    std::optional<pull> one(new_socket<pull>(in.client_context, takes_little()));
    connect(*one);
    REQUIRE(in.until([&] { return ready_peers(sender) == 1; }));
    for (int number = 0; number < 100; ++number) {
        multipart next;
        next.add(expiring(std::to_string(number), number % 2 == 0 ? 20s : 1h));
        must(next.add(patterned_text(20'000)));
        REQUIRE(sender.send(std::move(next), no_wait));
    }
    in.net.run_for(1s);
    one.reset();
    REQUIRE(in.until([&] { return ready_peers(sender) == 0; }));
    const std::uint64_t waited = sender.counters().requeued;
    REQUIRE(waited > 10);
    in.net.run_for(30s);
    pull two = new_socket<pull>(in.client_context);
    connect(two);
    REQUIRE(in.until([&] { return ready_peers(sender) == 1; }));
    const received_list got = drain(two);
    for (const std::string& each : got)
        CHECK(std::stoi(each) % 2 == 1);
    CHECK(sender.counters().expired + got.size() == waited);
    CHECK(sender.counters().unsent == 0);
}

TEST_CASE("at the end a message that has expired is not an unsent one")
{
    SUBCASE("of a link that is lost")
    {
        sender_alone<push, pull> rig;
        for (const char* const text : {"1", "2", "3"})
            REQUIRE(rig.sender.send(expiring(text, 1s)));
        const time_point began = rig.in.net.now();
        const close_report report = rig.sender.close(10s);
        CHECK(rig.in.net.now() - began < 3s);
        CHECK(report.unsent() == 0);
        CHECK(report.peers.at(0).lapsed == 3);
        CHECK(rig.sender.counters().expired == 3);
        CHECK(rig.sender.counters().unsent == 0);
    }
    SUBCASE("behind one that is not sent")
    {
        sender_alone<push, pull> rig;
        REQUIRE(rig.sender.send("0"));
        REQUIRE(rig.sender.send(expiring("1", 1s)));
        rig.in.net.run_for(2s);
        const close_report report = rig.sender.close(0s);
        CHECK(report.unsent() == 1);
        CHECK(report.peers.at(0).lapsed == 1);
        CHECK(rig.sender.counters().expired == 1);
        CHECK(rig.sender.counters().unsent == 1);
    }
    SUBCASE("of a peer that has gone")
    {
        socket_world in;
        router sender = new_socket<router>(in.server_context);
        bind(sender);
        dealer_options options{takes_little()};
        options.routing_id = "d";
        std::optional<dealer> one(new_socket<dealer>(in.client_context, options));
        connect(*one);
        REQUIRE(in.until([&] { return ready_peers(sender) == 1; }));
        for (int number = 0; number < 60; ++number) {
            message next = message_of(patterned_text(20'000));
            next.expire_after(number < 50 ? duration(1s) : duration(1h));
            REQUIRE(sender.send({"d"}, std::move(next), no_wait));
        }
        in.net.run_for(2s);
        one.reset();
        REQUIRE(in.until([&] { return ready_peers(sender) == 0; }));
        CHECK(sender.counters().expired > 10);
        CHECK(sender.counters().unsent == 10);
    }
}

TEST_CASE("a request that has expired is not sent, and a relaxed REQ may send another one")
{
    socket_world in;
    req_options options{quick_links()};
    options.relaxed = options.correlate = true;
    req client = new_socket<req>(in.client_context, options);
    connect(client);
    REQUIRE(client.send(expiring("old", 1s)));
    in.net.run_for(2s);
    CHECK(client.counters().expired == 1);
    rep server = new_socket<rep>(in.server_context);
    bind(server);
    REQUIRE(in.until([&] { return status_of(client).ready; }));
    REQUIRE(client.send("new"));
    CHECK(receive_text(server, 1s) == "new");
}

TEST_CASE("expires_after is refused where no message waits to be sent, and where bytes are sent")
{
    socket_world in;
    socket_options options;
    options.expires_after = 1s;
    CHECK(code_of(pull::create(in.client_context, options)) == errc::invalid_argument);
    CHECK(code_of(sub::create(in.client_context, options)) == errc::invalid_argument);
    CHECK(code_of(xsub::create(in.client_context, options)) == errc::invalid_argument);
    CHECK(code_of(stream_socket::create(in.client_context, options)) == errc::invalid_argument);
    CHECK(push::create(in.client_context, options).has_value());
}

TEST_CASE(
    "a message that was half sent on a lost connection expires, and so does what is behind it")
{
    socket_world in;
    push sender = new_socket<push>(in.client_context, quick_links());
    connect(sender);
    pull receiver = new_socket<pull>(in.server_context, takes_little());
    bind(receiver);
    REQUIRE(in.until([&] { return status_of(sender).ready; }));
    // The first one fills the receiver, so that the second one cannot arrive.
    REQUIRE(sender.send(message_of("first"), no_wait));
    REQUIRE(sender.send(expiring(patterned_text(30'000'000), 1s), no_wait));
    in.net.run_for(100ms);
    REQUIRE(sender.send(expiring("behind", 1s), no_wait));
    CHECK(sender.counters().expired == 0);
    receiver.close(0s);
    in.net.run_for(3s);
    (void)sender.events();
    CHECK(sender.counters().expired == 2);
    CHECK(sender.peers().at(0).queued == 0);
}

TEST_CASE("the newest message of a conflating socket expires while it waits for another peer")
{
    socket_world in;
    socket_options options;
    options.conflate = true;
    options.expires_after = 100ms;
    push sender = new_socket<push>(in.server_context, options);
    bind(sender);
    pull first = new_socket<pull>(in.client_context, takes_little());
    connect(first);
    REQUIRE(in.until([&] { return !sender.peers().empty() && sender.peers()[0].ready; }));
    for (int number = 0; number < 50; ++number) {
        REQUIRE(sender.send(patterned_text(50'000), no_wait));
        in.net.run_for(1ms);
    }
    first.close(0s);
    REQUIRE(in.until([&] { return sender.peers().empty(); }));
    in.net.run_for(1s);
    pull second = new_socket<pull>(in.client_context);
    connect(second);
    CHECK(drain(second).empty());
}

TEST_CASE("what an earlier socket's messages of inproc came to is not counted for the next one")
{
    socket_world in;
    dealer caller = new_socket<dealer>(in.client_context);
    must(caller.connect("inproc://owned"));
    {
        dealer owner = new_socket<dealer>(in.client_context);
        must(owner.bind("inproc://owned"));
        REQUIRE(in.until([&] { return !owner.peers().empty(); }));
        REQUIRE(owner.send(expiring("late", 1ms), no_wait));
        in.net.run_for(10ms);
        message got;
        CHECK_FALSE(caller.receive(got, no_wait));
        owner.close(0s);
    }
    dealer owner = new_socket<dealer>(in.client_context);
    must(owner.bind("inproc://owned"));
    REQUIRE(in.until([&] {
        (void)caller.events();
        return !owner.peers().empty();
    }));
    CHECK(owner.peers()[0].sent == 0);
    CHECK(owner.peers()[0].lapsed == 0);
    CHECK(owner.counters().expired == 0);
}
