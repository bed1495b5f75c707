// SPDX-License-Identifier: MPL-2.0

// The options of PUB, XPUB, SUB and XSUB.

#include "sockets/pub_sub/pub_sub_ways.hpp"

#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

/// The texts of all messages up to one that is "end".
template <class Socket>
std::vector<std::string> everything_at(Socket& which)
{
    std::vector<std::string> all;
    for (std::string next = receive_text(which); next != "end" && !next.starts_with('(');
         next = receive_text(which))
        all.push_back(next);
    return all;
}

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a welcome message comes first, to every peer that would receive it")
{
    for_each_transport([](context& in, const std::string& where) {
        pub_options options;
        options.welcome_message = "hello";
        auto from = new_socket<pub>(in, options);
        must(from.bind(where));
        auto some = new_socket<sub>(in), other = new_socket<sub>(in);
        auto any = new_socket<xsub>(in);
        must(some.subscribe("h"));
        must(other.subscribe("x"));
        for (slk::socket* const each :
             {static_cast<slk::socket*>(&some), static_cast<slk::socket*>(&other),
              static_cast<slk::socket*>(&any)})
            must(each->connect(from.last_endpoint()));
        must(from.wait_subscribers("h", 1, test_timeout));
        must(from.wait_subscribers("x", 1, test_timeout));
        // The third one subscribes to nothing.
        REQUIRE(until([&] { return ready_peers(from) == 3; }));
        must(from.send("hx"));
        must(from.send("xh"));
        CHECK(receive_text(some) == "hello");
        CHECK(receive_text(some) == "hx");
        CHECK(receive_text(other) == "xh");
        CHECK(receive_text(any) == "hello");
        // It can be changed, and taken back.
        options.welcome_message = std::string(65536, 'w');
        must(from.set_options(options));
        auto later = new_socket<xsub>(in), last = new_socket<xsub>(in);
        must(later.connect(from.last_endpoint()));
        (void)until([&] { return ready_peers(from) == 4; });
        CHECK(receive_text(later) == options.welcome_message);
        must(from.set_options({}));
        must(last.connect(from.last_endpoint()));
        must(last.send(subscription("z")));
        must(from.wait_subscribers("z", 1, test_timeout));
        must(from.send("z"));
        CHECK(receive_text(last) == "z");
        options.welcome_message += 'w';
        CHECK(from.set_options(options).error() == errc::invalid_argument);
    });
}

TEST_CASE("with no_drop a message goes to all that want it, or to nobody")
{
    for_each_transport([](context& in, const std::string& where) {
        socket_options few;
        few.no_drop = true;
        few.send_high_water_mark = 3;
        few.tuning.send_buffer = 4096;
        auto from = new_socket<pub>(in, few);
        must(from.bind(where));
        socket_options small;
        small.receive_high_water_mark = 3;
        small.tuning.receive_buffer = 4096;
        auto slow = new_socket<sub>(in, small), quick = new_socket<sub>(in, small);
        auto other = new_socket<sub>(in);
        for (sub* const each : {&slow, &quick, &other}) {
            must(each->subscribe(each == &other ? "o" : "t"));
            must(each->connect(from.last_endpoint()));
        }
        must(from.wait_subscribers("t", 2, test_timeout));
        must(from.wait_subscribers("o", 1, test_timeout));
        const std::string body(5'000, 'b');
        int sent = 0, received = 0;
        const auto send = [&](const timeout& limit) {
            return from.send("t" + std::to_string(sent) + body, limit);
        };
        // The quick one takes everything; then the slow one stops them.
        result<send_outcome> last = send_outcome::queued;
        while (sent < 1000 && (last = send(short_timeout))) {
            ++sent;
            (void)slow.events();
            while (receive_text(quick, no_wait) == "t" + std::to_string(received) + body)
                ++received;
        }
        REQUIRE(sent < 1000);
        CHECK(last.error() == errc::timed_out);
        if (const auto at_once = send(no_wait); at_once)
            ++sent; // some room has come since
        else
            CHECK(at_once.error() == errc::would_block);
        CHECK(from.events().writable);
        // Others are not held up.
        CHECK(must(from.send("other")) == send_outcome::queued);
        CHECK(receive_text(other) == "other");
        for (; received < sent; ++received)
            CHECK(receive_text(quick) == "t" + std::to_string(received) + body);
        for (int number = 0; number < sent; ++number)
            CHECK(receive_text(slow) == "t" + std::to_string(number) + body);
        CHECK(must(send(test_timeout)) == send_outcome::queued);
        CHECK(receive_text(quick) == "t" + std::to_string(sent) + body);
        CHECK(receive_text(slow) == "t" + std::to_string(sent) + body);
        CHECK(from.counters().dropped_full == 0);
        CHECK(from.peers().front().dropped == 0);
    });
}

TEST_CASE("with no_drop a sender that waits goes on as soon as all have room, also with batches")
{
    for (const char* const where : {"tcp://127.0.0.1:*", "inproc://no-drop"}) {
        CAPTURE(where);
        auto in = new_context();
        socket_options few;
        few.no_drop = true;
        few.send_high_water_mark = few.receive_high_water_mark = 3;
        auto from = new_socket<xpub>(in, few);
        few.no_drop = false;
        auto to = new_socket<sub>(in, few);
        must(to.subscribe(""));
        bind_and_connect(from, to, where);
        must(from.wait_subscribers("", 1, test_timeout));
        constexpr int count = 300;
        bool right = true;
        std::thread reader([&] {
            for (int number = 0; number < count && right; ++number)
                right = receive_text(to).starts_with(std::to_string(number) + ' ');
        });
        for (int number = 0; number < count;) {
            const std::string text = std::to_string(number) + ' ' + std::string(5000, 'x');
            const std::string next = std::to_string(number + 1) + ' ' + std::string(100, 'y');
            const std::span<const std::byte> both[] = {std::as_bytes(std::span(text)),
                                                       std::as_bytes(std::span(next))};
            CHECK(must(from.send_batch(both, test_timeout)) == 2);
            number += 2;
        }
        reader.join();
        CHECK(right);
        CHECK(from.counters().dropped_full == 0);
    }
}

TEST_CASE("invert_matching sends what a peer has not subscribed to, and a SUB receives just that")
{
    for_each_transport([](context& in, const std::string& where) {
        socket_options inverted;
        inverted.invert_matching = true;
        auto from = new_socket<xpub>(in, inverted);
        must(from.bind(where));
        auto not_a = new_socket<sub>(in, inverted), all = new_socket<sub>(in, inverted);
        auto a = new_socket<sub>(in);
        auto unfiltered = new_socket<xsub>(in);
        must(not_a.subscribe("a"));
        must(all.subscribe("x"));
        must(a.subscribe("a"));
        must(unfiltered.send(subscription("b")));
        for (slk::socket* const each :
             {static_cast<slk::socket*>(&not_a), static_cast<slk::socket*>(&all),
              static_cast<slk::socket*>(&a), static_cast<slk::socket*>(&unfiltered)})
            must(each->connect(from.last_endpoint()));
        // Each is a subscriber of what the others have asked for.
        CHECK(until(
            [&] { return from.wait_subscribers("a", 2, no_wait) && from.topics_count() == 3; }));
        CHECK(must(from.send("a1")) == send_outcome::queued);
        CHECK(must(from.send("b1")) == send_outcome::queued);
        CHECK(must(from.send("c1")) == send_outcome::queued);
        must(from.send("end"));
        CHECK(everything_at(not_a) == texts{"b1", "c1"});
        CHECK(everything_at(all) == texts{"a1", "b1", "c1"});
        CHECK(everything_at(unfiltered) == texts{"a1", "c1"});
        const auto has_discarded = [&](std::uint64_t count) {
            return until([&] { return !a.events().readable && a.counters().discarded == count; });
        };
        CHECK(has_discarded(3));
        // It acts at once.
        must(from.set_options({}));
        must(a.set_options(inverted));
        must(from.send("a2"));
        must(from.send("b2"));
        CHECK(receive_text(unfiltered) == "b2");
        CHECK(has_discarded(4));
        must(a.set_options({}));
        must(from.send("a3"));
        CHECK(receive_text(a) == "a3");
    });
}

TEST_CASE("with only_first_subscribe a message that begins otherwise is a message as a whole")
{
    for_each_transport([](context& in, const std::string& where) {
        socket_options only_first;
        only_first.only_first_subscribe = true;
        auto at = new_socket<xpub>(in, only_first);
        auto from = new_socket<xsub>(in, only_first);
        bind_and_connect(at, from, where);
        must(from.wait_ready(test_timeout));
        must(from.send(parts_of({"x", subscription("t"), "y"})));
        CHECK(receive_parts(at) == texts{"x", subscription("t"), "y"});
        must(from.send(parts_of({subscription("t"), "x", subscription("u")})));
        CHECK(receive_text(at) == subscription("t"));
        CHECK(receive_text(at) == subscription("u"));
        CHECK(receive_parts(at) == texts{"x"});
        CHECK(from.topics_count() == 2);
        CHECK(at.topics_count() == 2);
        // At the XPUB alone.
        must(at.set_options({}));
        must(from.send(parts_of({"x", subscription("v")})));
        CHECK(receive_text(at) == subscription("v"));
        CHECK(receive_parts(at) == texts{"x"});
        CHECK(from.topics_count() == 2);
    });
}

TEST_CASE("with manual the caller subscribes for the peer whose report it has received last")
{
    for_each_transport([](context& in, const std::string& where) {
        socket_options manual;
        manual.manual = true;
        auto at = new_socket<xpub>(in, manual);
        must(at.bind(where));
        auto one = new_socket<xsub>(in), other = new_socket<xsub>(in);
        for (xsub* const each : {&one, &other})
            must(each->connect(at.last_endpoint()));
        must(one.wait_ready(test_timeout));
        must(other.wait_ready(test_timeout));
        CHECK(at.subscribe("B").error() == errc::no_route);
        must(one.send(subscription("A")));
        CHECK(receive_text(at) == subscription("A"));
        must(at.subscribe("B"));
        must(other.send(subscription("A")));
        must(other.send("no report"));
        CHECK(receive_text(at) == subscription("A"));
        CHECK(must(at.send("A1")) == send_outcome::dropped_no_route);
        CHECK(must(at.send("B1")) == send_outcome::queued);
        CHECK(receive_text(one) == "B1");
        must(at.subscribe("C"));
        CHECK(receive_text(at) == "no report");
        must(at.subscribe("D"));
        must(at.send("D1"));
        must(at.send("C1"));
        CHECK(receive_text(other) == "D1");
        CHECK(receive_text(other) == "C1");
        // A cancellation has no effect either.
        must(one.send(cancellation("A")));
        CHECK(receive_text(at) == cancellation("A"));
        must(at.send("B2"));
        CHECK(receive_text(one) == "B2");
        must(at.unsubscribe("B"));
        must(at.unsubscribe("none"));
        CHECK(must(at.send("B3")) == send_outcome::dropped_no_route);
        // The end of a peer is that of what it has asked for, and of what it was given.
        must(other.send(subscription("E")));
        CHECK(receive_text(at) == subscription("E"));
        must(at.subscribe("E"));
        (void)other.close(0s);
        texts ends{receive_text(at), receive_text(at)};
        std::ranges::sort(ends);
        CHECK(ends == texts{cancellation("A"), cancellation("E")});
        CHECK(at.subscribe("Z").error() == errc::no_route);
        CHECK(must(at.send("E")) == send_outcome::dropped_no_route);
        CHECK(at.topics_count() == 0);
        auto plain = new_socket<xpub>(in);
        CHECK(plain.subscribe("B").error() == errc::invalid_state);
    });
}

TEST_CASE("without holds_back_requests an XPUB that does not receive takes all subscriptions")
{
    for (const char* const where : {any_tcp, "inproc://all"}) {
        CAPTURE(where);
        auto in = new_context();
        xpub_options options;
        options.receive_high_water_mark = 2;
        options.holds_back_requests = false;
        auto at = new_socket<xpub>(in, options);
        const auto bound = must(at.bind(where));
        for (int peer = 0; peer < 5; ++peer) {
            auto to = new_socket<sub>(in);
            must(to.connect(bound));
            for (int count = 0; count < 20; ++count)
                must(to.subscribe(std::to_string(peer) + " " + std::to_string(count)));
            must(at.wait_subscribers(std::to_string(peer) + " 19", 1, test_timeout));
        }
        auto last = new_socket<sub>(in);
        must(last.connect(bound));
        must(last.subscribe("z"));
        must(at.wait_subscribers("z", 1, test_timeout));
        must(at.send("z"));
        CHECK(receive_text(last) == "z");
        // The reports are there all the same.
        for (int count = 0; count < 100; ++count)
            CHECK(receive_text(at).size() >= 2);
    }
}

TEST_CASE("manual acts at once, also for peers that are there already")
{
    auto in = new_context();
    auto at = new_socket<xpub>(in);
    auto to = new_socket<xsub>(in);
    bind_and_connect(at, to);
    must(to.send("\1a"));
    CHECK(receive_text(at) == "\1a");
    socket_options manual = at.options();
    manual.manual = true;
    must(at.set_options(manual));
    must(to.send("\1b"));
    CHECK(receive_text(at) == "\1b");
    CHECK(must(at.send("b")) == send_outcome::dropped_no_route);
    must(at.subscribe("c"));
    CHECK(must(at.send("c")) == send_outcome::queued);
    // What was subscribed to before is still there.
    CHECK(must(at.send("a")) == send_outcome::queued);
    manual.manual = false;
    must(at.set_options(manual));
    must(to.send("\1d"));
    CHECK(receive_text(at) == "\1d");
    CHECK(must(at.send("d")) == send_outcome::queued);
}

TEST_CASE("the topics of a peer that has gone are reported in the order of their bytes")
{
    auto in = new_context();
    auto at = new_socket<xpub>(in);
    {
        auto to = new_socket<xsub>(in);
        bind_and_connect(at, to);
        for (const char* const topic : {"C", "A", "AB", "B", "AA", ""}) {
            must(to.send("\1" + std::string(topic)));
            CHECK(receive_text(at) == "\1" + std::string(topic));
        }
    }
    for (const char* const topic : {"", "A", "AA", "AB", "B", "C"})
        CHECK(receive_text(at) == std::string(1, '\0') + topic);
}

TEST_CASE("with manual_last_value the first message after a report is for that peer alone")
{
    for_each_transport([](context& in, const std::string& where) {
        socket_options last_value;
        last_value.manual_last_value = true;
        auto at = new_socket<xpub>(in, last_value);
        must(at.bind(where));
        auto one = new_socket<xsub>(in), other = new_socket<xsub>(in);
        for (xsub* const each : {&one, &other}) {
            must(each->connect(at.last_endpoint()));
            must(each->send(subscription("A")));
            CHECK(receive_text(at) == subscription("A"));
            must(at.subscribe("A"));
            must(at.send("A last"));
            must(at.subscribe("A, too"));
        }
        must(at.send("A for all"));
        CHECK(receive_text(one) == "A last");
        CHECK(receive_text(one) == "A for all");
        CHECK(receive_text(other) == "A last");
        CHECK(receive_text(other) == "A for all");
        // If it does not match, it goes to nobody.
        must(other.send(subscription("B")));
        CHECK(receive_text(at) == subscription("B"));
        CHECK(must(at.send("C")) == send_outcome::dropped_no_route);
        CHECK(must(at.send("A again")) == send_outcome::queued);
        CHECK(receive_text(one) == "A again");
        CHECK(receive_text(other) == "A again");
    });
}

TEST_CASE("topics_count is the number of different topics")
{
    for_each_transport([](context& in, const std::string& where) {
        auto from = new_socket<pub>(in);
        auto one = new_socket<sub>(in), other = new_socket<sub>(in);
        must(from.bind(where));
        CHECK(from.topics_count() == 0);
        for (sub* const each : {&one, &other}) {
            for (const char* const topic : {"a", "a", "b"})
                must(each->subscribe(topic));
            must(each->connect(from.last_endpoint()));
        }
        must(other.subscribe("c"));
        CHECK(one.topics_count() == 2);
        CHECK(other.topics_count() == 3);
        CHECK(until([&] { return from.topics_count() == 3; }));
        must(one.unsubscribe("a"));
        CHECK(one.topics_count() == 2);
        (void)other.close(0s);
        CHECK(until([&] { return from.topics_count() == 2; }));
        CHECK(other.topics_count() == 0);
    });
}

TEST_CASE("the options of publishers and subscribers are refused elsewhere")
{
    auto in = new_context();
    const auto refused = [&](auto made) {
        return made.error().detail != nullptr ? std::string(made.error().detail) : "accepted";
    };
    socket_options options;
    options.no_drop = true;
    CHECK(refused(sub::create(in, options)) == "no_drop is for a PUB or XPUB");
    options = {};
    options.welcome_message = "hello";
    CHECK(refused(xsub::create(in, options)) == "welcome_message is for a PUB or XPUB");
    options = {};
    options.invert_matching = true;
    CHECK(refused(xsub::create(in, options)) == "invert_matching is for a PUB, XPUB or SUB");
    options = {};
    options.only_first_subscribe = true;
    CHECK(refused(sub::create(in, options)) == "only_first_subscribe is for a PUB, XPUB or XSUB");
    options = {};
    options.manual = true;
    CHECK(refused(pub::create(in, options)) == "manual is for an XPUB");
    options = {};
    options.manual_last_value = true;
    CHECK(refused(xsub::create(in, options)) == "manual is for an XPUB");
}
