// SPDX-License-Identifier: MPL-2.0

// Hostile subscribers: what a peer may subscribe to, and what it sends besides.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"
#include "support/stream_peer.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

std::string command(std::string_view name, std::string_view data)
{
    const std::string body = static_cast<char>(name.size()) + std::string(name) + std::string(data);
    std::string frame =
        body.size() < 256 ? short_frame(body, false) : long_frame_header(body.size(), false) + body;
    frame[0] = static_cast<char>(frame[0] | 4);
    return frame;
}

std::string subscribe(std::string_view topic)
{
    return command("SUBSCRIBE", topic);
}

struct attacked {
    explicit attacked(const pub_options& options) : from(new_socket<pub>(in, options))
    {
        where = must(from.bind(any_tcp));
        peer.emplace(on, where);
        REQUIRE(peer->shake_hands("SUB"));
    }
    /// The peer is disconnected when it sends this, and no other one is. It must not have
    /// subscribed to a prefix of "other".
    void check_refused(const std::string& bytes)
    {
        auto other = new_socket<sub>(in);
        must(other.connect(where));
        must(other.subscribe("other"));
        must(from.wait_subscribers("other", 1, test_timeout));
        (void)peer->send(bytes); // it may be refused before all is there
        CHECK(until([&] {
            (void)from.events();
            return peer->is_closed(1ms);
        }));
        CHECK(from.wait_subscribers("other", 1, no_wait).has_value());
        CHECK(until([&] { return from.peers().size() == 1; }));
    }
    /// It is not.
    void check_taken(const std::string& bytes, std::uint32_t topics)
    {
        REQUIRE(peer->send(bytes));
        CHECK(until([&] {
            const auto all = from.peers();
            return all.size() == 1 && all.front().subscriptions == topics;
        }));
    }

    context in = new_context();
    pub from;
    std::string where;
    loop on = new_peer_loop();
    std::optional<stream_peer> peer;
};

} // namespace

TEST_CASE("a peer with a topic that is too long is disconnected")
{
    pub_options options;
    options.max_topic_size = 10;
    for (const bool as_command : {true, false}) {
        attacked with(options);
        with.check_taken(subscribe("ten bytes!"), 1);
        with.check_refused(as_command ? subscribe("eleven byte")
                                      : short_frame("\1eleven byte", false));
    }
}

TEST_CASE("a peer with too many topics is disconnected")
{
    pub_options options;
    options.max_subscriptions = 3;
    attacked with(options);
    with.check_taken(subscribe("1") + subscribe("2") + subscribe("3") + subscribe("3"), 3);
    with.check_taken(command("CANCEL", "1") + subscribe("4"), 3);
    with.check_refused(subscribe("5"));
}

TEST_CASE("a peer with too many bytes of topics is disconnected")
{
    pub_options options;
    options.max_subscription_bytes = 20;
    attacked with(options);
    with.check_taken(subscribe("0123456789") + subscribe("9876543210"), 2);
    with.check_refused(subscribe("x"));
}

TEST_CASE("the limits are live, and none is there if it is 0")
{
    pub_options options;
    options.max_subscriptions = 0;
    options.max_subscription_bytes = 0;
    options.max_topic_size = 1;
    attacked with(options);
    with.check_taken(subscribe("a"), 1);
    options.max_topic_size = 0;
    must(with.from.set_options(options));
    with.check_taken(subscribe(std::string(65526, 'b')), 2);
    options.max_subscriptions = 2;
    must(with.from.set_options(options));
    with.check_refused(subscribe("c"));
}

TEST_CASE("a subscription that is larger than a command may be ends the connection")
{
    attacked with({});
    with.check_refused(subscribe(std::string(65527, 'x')));
}

TEST_CASE("what a subscriber sends besides is thrown away")
{
    attacked with({});
    std::string junk;
    for (int count = 0; count < 3000; ++count)
        junk += short_frame("junk", true) + short_frame("more", false) +
                command("WHATEVER", "\1x") + command("CANCEL", "none");
    junk += long_frame_header(100'000, false) + std::string(100'000, 'j');
    with.check_taken(junk + subscribe("x") + short_frame("\1y", false) + short_frame("", false), 2);
    CHECK(must(with.from.send("x")) == send_outcome::queued);
    CHECK(must(with.from.send("more")) == send_outcome::dropped_no_route);
    CHECK(with.from.counters().received == 0);
    CHECK(with.from.peers().front().received == 0);
}

TEST_CASE("a peer that subscribes to topics of too many lengths is disconnected")
{
    const auto topics_from = [](std::size_t size, std::size_t end) {
        std::string all;
        for (; size < end; ++size)
            all += subscribe(std::string(size, 'x'));
        return all;
    };
    {
        attacked with({});
        // Those of short ones, and those that have been cancelled, do not count.
        with.check_taken(topics_from(1, 65 + 256), 64 + 256);
        with.check_taken(subscribe(std::string(100, 'y')) +
                             command("CANCEL", std::string(65, 'x')) +
                             subscribe(std::string(400, 'x')),
                         64 + 256 + 1);
        CHECK(must(with.from.send(std::string(1000, 'x'))) == send_outcome::queued);
        with.check_refused(subscribe(std::string(401, 'x')));
    }
    pub_options few;
    few.max_topic_lengths = 2;
    attacked with(few);
    with.check_taken(topics_from(64, 67), 3);
    few.max_topic_lengths = 0;
    must(with.from.set_options(few));
    with.check_taken(topics_from(67, 500), 436);
    few.max_topic_lengths = 500;
    must(with.from.set_options(few));
    with.check_taken(topics_from(500, 565), 501);
    with.check_refused(topics_from(565, 566));
}

TEST_CASE("topics count in the memory of the context, and a peer that has too many is disconnected")
{
    context_options limited;
    limited.max_memory = 1'000'000;
    auto in = new_context(1, std::move(limited));
    const auto empty = in.memory().bytes;
    auto from = new_socket<xpub>(in);
    loop on = new_peer_loop();
    stream_peer peer(on, must(from.bind(any_tcp)));
    REQUIRE(peer.shake_hands("SUB"));
    const auto requests = [](int first, int end, const auto& request) {
        std::string all;
        for (int number = first; number < end; ++number)
            all += request(std::string(1000, 'x') + std::to_string(1000 + number));
        return all;
    };
    const auto cancel = [](const std::string& topic) { return command("CANCEL", topic); };
    const auto take = [&](int count) {
        for (int number = 0; number < count; ++number)
            CHECK(receive_text(from).size() == 1005);
    };
    REQUIRE(peer.send(requests(0, 500, subscribe)));
    take(500);
    CHECK(in.memory().bytes > empty + 500 * 1004);
    CHECK(in.memory().bytes < empty + 500 * 1200);
    REQUIRE(peer.send(requests(0, 500, cancel)));
    take(500);
    CHECK(in.memory().bytes < empty + 10'000);
    // Reports that nobody receives count, too.
    REQUIRE(peer.send(requests(0, 300, subscribe)));
    CHECK(until([&] { return from.peers().front().subscriptions == 300; }));
    CHECK(in.memory().bytes > empty + 600 * 1004);
    take(300);
    (void)peer.send(requests(300, 1500, subscribe));
    std::size_t reports = 0;
    const auto take_all = [&] {
        while (receive_text(from, no_wait).size() == 1005)
            ++reports;
    };
    CHECK(until([&] {
        take_all();
        return peer.is_closed(1ms);
    }));
    CHECK(until([&] {
        take_all();
        return from.peers().empty();
    }));
    take_all();
    CHECK(reports < 2000); // not as many as it has asked for, and their ends
    CHECK(in.memory().bytes < empty + 100'000);
}

TEST_CASE("a publisher that is not used lets its subscribers wait, and not fill the memory")
{
    context_options limited;
    limited.max_memory = 10'000'000;
    auto in = new_context(1, std::move(limited));
    auto from = new_socket<pub>(in);
    loop on = new_peer_loop();
    stream_peer peer(on, must(from.bind(any_tcp)));
    REQUIRE(peer.shake_hands("SUB"));
    std::string flood;
    for (int number = 0; number < 100; ++number)
        flood += subscribe(std::string(60'000, 'x') + std::to_string(number));
    const auto sending = peer.begin_send(std::string(flood));
    (void)peer.run_until([&] { return sending->done; }, 300ms);
    CHECK(in.memory().bytes < 1'300'000);
    CHECK(from.counters().received == 0);
    CHECK(until([&] {
        (void)peer.run_until([&] { return sending->done; }, 1ms);
        const auto all = from.peers();
        return all.size() == 1 && all.front().subscriptions == 100;
    }));
}

TEST_CASE("a peer by inproc is no stranger, and has no limits")
{
    auto in = new_context();
    pub_options options;
    options.max_subscriptions = 1;
    options.max_topic_size = 1;
    auto from = new_socket<pub>(in, options);
    must(from.bind("inproc://friends"));
    {
        auto to = new_socket<sub>(in);
        for (int number = 0; number < 2500; ++number)
            must(to.subscribe("topic " + std::to_string(number)));
        must(to.connect("inproc://friends"));
        CHECK(until([&] {
            const auto all = from.peers();
            return all.size() == 1 && all.front().subscriptions == 2500;
        }));
        CHECK(from.peers().front().received == 0);
        CHECK(from.peers().front().connections == 1);
        for (int number = 0; number < 2500; ++number)
            must(to.unsubscribe("topic " + std::to_string(number)));
    } // some of these are not taken in any more
    CHECK(until([&] { return from.peers().empty(); }));
    CHECK(from.counters().received == 0);
    CHECK(from.counters().discarded == 0);
}

TEST_CASE("the limits of subscriptions are for a PUB")
{
    auto in = new_context();
    sub_options options;
    options.max_topic_size = 5;
    CHECK(sub::create(in, options).error().detail ==
          std::string("max_topic_size is for a PUB or XPUB"));
    options = {};
    options.max_subscriptions = 5;
    CHECK(sub::create(in, options).error().detail ==
          std::string("max_subscriptions is for a PUB or XPUB"));
    options = {};
    options.max_subscription_bytes = 5;
    CHECK(push::create(in, options).error().detail ==
          std::string("max_subscription_bytes is for a PUB or XPUB"));
}

TEST_CASE("changes of subscriptions that wait for a publisher that does not read have a limit")
{
    auto in = new_context();
    auto to = new_socket<sub>(in);
    loop on = new_peer_loop();
    stream_peer peer(on, must(to.bind(any_tcp)));
    must(to.subscribe("stays"));
    REQUIRE(peer.shake_hands("PUB"));
    must(to.wait_ready(test_timeout));
    const std::string topic(10'000, 't');
    int changes = 0;
    for (; changes < 5000 && to.counters().disconnected == 0; ++changes) {
        must(to.subscribe(topic));
        must(to.unsubscribe(topic));
    }
    CHECK(until([&] { return to.counters().disconnected == 1; }));
    CHECK(changes > 50);
    // The next connection begins with what there is.
    stream_peer next(on, to.last_endpoint());
    REQUIRE(next.shake_hands("PUB"));
    CHECK(next.run_until([&] { return next.received().ends_with("\4\17\11SUBSCRIBEstays"); }));
}
