// SPDX-License-Identifier: MPL-2.0

// PUB and SUB that keep the newest message only.

#include "sockets/pub_sub/pub_sub_ways.hpp"

using namespace slk;
using namespace slk::testing;

namespace {

socket_options newest_only(bool is)
{
    socket_options options;
    options.conflate = is;
    options.send_high_water_mark = is ? 2 : 0; // which does not count if it conflates
    options.receive_high_water_mark = 2;
    return options;
}

} // namespace

TEST_CASE("a conflating PUB or SUB keeps the newest message for each subscriber, and all topics")
{
    for (const bool pub_conflates : {true, false})
        for_each_transport([&](context& in, const std::string& where) {
            CAPTURE(pub_conflates);
            auto from = new_socket<pub>(in, newest_only(pub_conflates));
            auto to = new_socket<sub>(in, newest_only(!pub_conflates));
            auto other = new_socket<sub>(in, newest_only(!pub_conflates));
            for (int number = 0; number < 20; ++number) {
                must(to.subscribe("t" + std::to_string(number)));
                must(other.subscribe("o" + std::to_string(number)));
            }
            must(from.bind(where));
            must(to.connect(from.last_endpoint()));
            must(other.connect(from.last_endpoint()));
            CHECK(until([&] { return from.topics_count() == 40; }));
            const std::string body(20'000, 'x');
            constexpr int count = 400;
            for (int number = 0; number < count; ++number) {
                must(from.send(parts_of({"t1", std::to_string(number), body})));
                if (number == 0)
                    must(from.send("o19"));
                (void)to.events();
            }
            CHECK(receive_text(other) == "o19");
            std::vector<std::string> got;
            std::uint64_t received = 0;
            int last = -1;
            while (last < count - 1) {
                got = receive_parts(to);
                REQUIRE(got.size() == 3);
                CHECK(got[2] == body);
                CHECK(std::stoi(got[1]) > last);
                last = std::stoi(got[1]);
                ++received;
            }
            CHECK(receive_text(to, no_wait) == "(would_block)");
            const std::uint64_t replaced =
                from.counters().conflated_sent + to.counters().conflated_received;
            if (pub_conflates || where.starts_with("inproc"))
                CHECK(received < count);
            CHECK(received + replaced >= count); // inproc: "o19", too
            CHECK(received + replaced <= count + 1);
            CHECK(from.counters().dropped_full == 0);
            // What is not wanted is not received, also where it has come.
            must(to.unsubscribe("t1"));
            CHECK(until([&] { return must(from.send("t1")) == send_outcome::dropped_no_route; }));
            must(from.send("t2"));
            CHECK(receive_text(to) == "t2");
        });
}

TEST_CASE("what a conflating SUB does not want does not make it readable")
{
    auto in = new_context();
    auto from = new_socket<pub>(in);
    auto to = new_socket<sub>(in, newest_only(true));
    must(to.subscribe("t"));
    bind_and_connect(from, to);
    must(from.wait_subscribers("t", 1, test_timeout));
    must(from.send("t1"));
    CHECK(until([&] { return to.events().readable; }));
    must(to.unsubscribe("t"));
    CHECK_FALSE(to.events().readable);
    CHECK(receive_text(to, short_timeout) == "(timed_out)");
    must(to.subscribe("t"));
    must(from.wait_subscribers("t", 1, test_timeout));
    must(from.send("t2"));
    CHECK(receive_text(to) == "t2");
}

TEST_CASE("conflate is not for XPUB and XSUB")
{
    auto in = new_context();
    CHECK(xpub::create(in, newest_only(true)).error() == errc::invalid_argument);
    CHECK(xsub::create(in, newest_only(true)).error() == errc::invalid_argument);
}
