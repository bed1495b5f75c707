// SPDX-License-Identifier: MPL-2.0

// The option conflate: only the newest message is kept.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

template <class Options>
Options conflating(Options options = {})
{
    options.conflate = true;
    return options;
}

/// One endpoint for each transport.
std::vector<std::string> endpoints()
{
    std::vector<std::string> all{"tcp://127.0.0.1:*", "inproc://conflate"};
#ifndef _WIN32
    all.emplace_back("ipc://*");
#endif
    return all;
}

std::vector<std::string> next_parts(pull& from)
{
    multipart got;
    must(from.receive(got, test_timeout));
    return texts_of(got);
}

} // namespace

TEST_CASE("a conflating sender keeps the newest message for an absent peer, and counts the others")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        push_options options = conflating<push_options>(reconnect_at_once());
        options.send_high_water_mark = 2;
        auto from = new_socket<push>(in, options);
        auto place = new_socket<pull>(in);
        const auto where = must(place.bind(any_tcp));
        place.close(0ms);
        must(from.connect(where));
        for (int number = 0; number < 100; ++number)
            REQUIRE(must(from.send(std::to_string(number), no_wait)) == send_outcome::queued);
        CHECK(from.counters().queued_total == 100);
        CHECK(from.counters().conflated_sent == 99);
        CHECK(from.peers().at(0).conflated_sent == 99);
        CHECK(from.peers().at(0).queued == 1);
        auto to = new_socket<pull>(in);
        must(to.bind(where));
        CHECK(receive_text(to) == "99");
        must(from.send("behind", test_timeout));
        CHECK(receive_text(to) == "behind");
        CHECK(from.close(test_timeout).unsent() == 0);
    }
}

TEST_CASE("the newest message is kept with all its parts")
{
    const std::string large(100'000, 'x');
    for (const auto& where : endpoints()) {
        CAPTURE(where);
        auto in = new_context();
        auto to = new_socket<pull>(in, conflating<pull_options>());
        auto from = new_socket<push>(in, conflating<push_options>(reconnect_at_once()));
        bind_and_connect(to, from, where);
        for (int number = 0; number < 50; ++number) {
            multipart whole;
            must(whole.add(std::to_string(number)));
            must(whole.add(large + std::to_string(number)));
            must(whole.add(""));
            must(from.send(std::move(whole), no_wait));
        }
        int last = -1;
        do {
            const auto got = next_parts(to);
            REQUIRE(got.size() == 3);
            REQUIRE(std::stoi(got[0]) > last);
            last = std::stoi(got[0]);
            CHECK((got[1] == large + got[0]));
        } while (last < 49);
        message none;
        CHECK(code_of(to.receive(none, no_wait)) == errc::would_block);
        CHECK(from.counters().queued_total == from.counters().conflated_sent +
                                                  to.counters().conflated_received +
                                                  to.counters().received);
    }
}

TEST_CASE("a conflating receiver gets the newest message, and its senders do not wait")
{
    for (const auto& where : endpoints()) {
        for (const int threads : {0, 1}) {
            CAPTURE(where);
            CAPTURE(threads);
            auto in = new_context(threads);
            pull_options options = conflating<pull_options>();
            options.receive_high_water_mark = 1;
            auto to = new_socket<pull>(in, options);
            auto from = new_socket<push>(in, reconnect_at_once());
            bind_and_connect(to, from, where);
            must(from.wait_ready(test_timeout));
            // More bytes than the system buffers between the sockets.
            const std::string body(100'000, 'x');
            for (int number = 0; number < 300; ++number)
                must(from.send(std::to_string(number) + body, test_timeout));
            must(from.send("newest", test_timeout));
            const bool inproc = where.starts_with("inproc");
            CHECK(until([&] {
                (void)to.events(); // runs the loop if it has no thread
                return (inproc ? from.counters().conflated_sent
                               : to.counters().conflated_received) == 300;
            }));
            CHECK(to.peers().at(0).conflated_received == (inproc ? 0 : 300));
            CHECK(to.events().readable);
            CHECK(receive_text(to, no_wait) == "newest");
            CHECK_FALSE(to.events().readable);
            CHECK(to.counters().received == 1);
            must(from.send("again", test_timeout));
            CHECK(receive_text(to) == "again");
        }
    }
}

TEST_CASE(
    "a message that a lost connection sent in part is not sent again when there is a newer one")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        pull_options options;
        options.receive_high_water_mark = 1;
        options.tuning.receive_buffer = 65536;
        auto to = new_socket<pull>(in, options);
        const auto where = must(to.bind(any_tcp));
        push_options sending = conflating<push_options>(reconnect_at_once());
        sending.tuning.send_buffer = 65536;
        auto from = new_socket<push>(in, sending);
        must(from.connect(where));
        must(from.wait_ready(test_timeout));
        // The receiver takes one message. Of the next one the system takes only the beginning.
        must(from.send("first", test_timeout));
        CHECK(until([&] { return to.events().readable; }));
        must(from.send(std::string(3'000'000, 'x'), test_timeout));
        std::this_thread::sleep_for(50ms);
        (void)from.events(); // runs the loop if it has no thread
        for (const char* const each : {"older", "newest"})
            must(from.send(each, test_timeout));
        CHECK(from.counters().queued_total == 4);
        to.close(0ms);
        CHECK(until([&] { return !from.peers().at(0).ready; }));
        auto next_one = new_socket<pull>(in);
        must(next_one.bind(where));
        CHECK(receive_text(next_one) == "newest");
        CHECK(until([&] { return from.peers().at(0).queued == 0; }));
        CHECK(from.close(test_timeout).unsent() == 0);
    }
}

TEST_CASE("a DEALER conflates in both directions")
{
    for (const auto& where : endpoints()) {
        CAPTURE(where);
        auto in = new_context();
        auto one = new_socket<dealer>(in, conflating<dealer_options>());
        dealer_options options = reconnect_at_once<dealer_options>();
        options.receive_high_water_mark = 1;
        auto other = new_socket<dealer>(in, options);
        bind_and_connect(one, other, where);
        must(one.wait_ready(test_timeout));
        must(other.wait_ready(test_timeout));
        for (int number = 0; number < 10; ++number)
            must(other.send(std::to_string(number), test_timeout));
        CHECK(until([&] {
            (void)one.events(); // runs the loop if it has no thread
            return one.counters().conflated_received + other.counters().conflated_sent == 9;
        }));
        CHECK(receive_text(one) == "9");
        const std::string body(300'000, 'x');
        for (int number = 0; number < 200; ++number)
            must(one.send(std::to_string(number) + body, no_wait));
        std::string got;
        int count = 0;
        do {
            got = receive_text(other);
            ++count;
        } while (got != "199" + body);
        CHECK(count < 200);
        CHECK(one.counters().conflated_sent == static_cast<std::uint64_t>(200 - count));
    }
}

TEST_CASE("a sender conflates once it is connected to a conflating receiver over inproc")
{
    auto in = new_context();
    push_options options;
    options.send_high_water_mark = 2;
    auto from = new_socket<push>(in, options);
    must(from.connect("inproc://late"));
    must(from.send("0", no_wait));
    must(from.send("1", no_wait));
    CHECK(code_of(from.send("x", no_wait)) == errc::would_block);
    auto to = new_socket<pull>(in, conflating<pull_options>());
    must(to.bind("inproc://late"));
    for (int number = 2; number < 10; ++number)
        must(from.send(std::to_string(number), no_wait));
    CHECK(receive_text(to) == "0");
    CHECK(receive_text(to) == "1");
    CHECK(receive_text(to) == "9");
    CHECK(from.counters().queued_total == 10);
    CHECK(from.counters().conflated_sent == 7);
    CHECK(from.peers().at(0).queued == 0);
}

TEST_CASE("batches are conflated like single messages")
{
    auto in = new_context();
    auto from = new_socket<push>(in, conflating<push_options>(reconnect_at_once()));
    must(from.connect("tcp://127.0.0.1:1"));
    std::vector<message> batch;
    for (int number = 0; number < 20; ++number)
        batch.push_back(message_of(std::to_string(number)));
    CHECK(must(from.send_batch(batch, no_wait)) == 20);
    CHECK(batch.back().empty());
    CHECK(from.counters().conflated_sent == 19);
    // Replaced messages do not count as unsent.
    CHECK(from.close(0ms).unsent() == 1);
    CHECK(from.counters().unsent == 1);
    CHECK(from.counters().conflated_sent == 19);
}

TEST_CASE("the message of a peer that has closed is received later, or counted as discarded")
{
    for (const bool receives : {true, false}) {
        for (const auto& where : endpoints()) {
            CAPTURE(where);
            auto in = new_context();
            auto to = new_socket<pull>(in, conflating<pull_options>());
            auto from = new_socket<push>(in, conflating<push_options>(reconnect_at_once()));
            bind_and_connect(to, from, where);
            must(from.wait_ready(test_timeout));
            must(from.send("last message", test_timeout));
            CHECK(until([&] { return to.events().readable; }));
            from.close(test_timeout);
            CHECK(until([&] { return to.endpoints().at(0).peers == 0; }));
            if (receives)
                CHECK(receive_text(to) == "last message");
            to.close(0ms);
            CHECK(to.counters().discarded == (receives ? 0 : 1));
            CHECK(to.counters().received == (receives ? 1 : 0));
        }
    }
}

TEST_CASE("with a thread at each end the numbers of conflated messages only grow, up to the newest")
{
    for (const auto& where : endpoints()) {
        CAPTURE(where);
        auto in = new_context();
        auto to = new_socket<pull>(in, conflating<pull_options>());
        auto from = new_socket<push>(in, conflating<push_options>(reconnect_at_once()));
        bind_and_connect(to, from, where);
        constexpr int last = 20'000;
        std::thread sender([&] {
            for (int number = 1; number <= last; ++number)
                (void)from.send(std::to_string(number), test_timeout);
        });
        int seen = 0;
        while (seen < last) {
            const int got = std::stoi(receive_text(to));
            CHECK(got > seen);
            if (got <= seen)
                break;
            seen = got;
        }
        sender.join();
        CHECK(from.counters().queued_total == last);
        CHECK(from.counters().conflated_sent + to.counters().conflated_received +
                  to.counters().received ==
              last);
    }
}

TEST_CASE("PAIR and ROUTER refuse conflate")
{
    auto in = new_context();
    CHECK(code_of(pair::create(in, conflating<pair_options>())) == errc::invalid_argument);
    CHECK(code_of(router::create(in, conflating<router_options>())) == errc::invalid_argument);
    CHECK(dealer::create(in, conflating<dealer_options>()));
}
