// SPDX-License-Identifier: MPL-2.0

// PUB and SUB over every transport, with and without a loop thread, with either side bound.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <functional>
#include <string>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

void for_each_way(const std::function<void(context&, pub&, sub&, const std::string&, bool)>& test)
{
    std::vector<std::string> endpoints{"tcp://127.0.0.1:*", "inproc://news"};
#ifndef _WIN32
    endpoints.emplace_back("ipc://*");
#endif
    for (const std::string& where : endpoints)
        for (const int threads : {1, 0, 2})
            for (const bool pub_binds : {true, false}) {
                CAPTURE(where);
                CAPTURE(threads);
                CAPTURE(pub_binds);
                auto in = new_context(threads);
                auto from = new_socket<pub>(in);
                auto to = new_socket<sub>(in);
                test(in, from, to, where, pub_binds);
            }
}

void join(pub& from, sub& to, const std::string& where, bool pub_binds)
{
    pub_binds ? bind_and_connect(from, to, where) : bind_and_connect(to, from, where);
}

} // namespace

TEST_CASE("SUB receives what it has subscribed to, over every transport, whichever side is bound")
{
    for_each_way([](context&, pub& from, sub& to, const std::string& where, bool pub_binds) {
        must(to.subscribe("a"));
        must(to.subscribe("bb"));
        join(from, to, where, pub_binds);
        // Nobody uses the SUB meanwhile; but by inproc a bound one needs a call.
        if (where.starts_with("inproc") && !pub_binds)
            (void)to.events();
        must(from.wait_subscribers("a", 1, test_timeout));
        must(from.wait_subscribers("bb", 1, test_timeout));
        CHECK(must(from.send("b1")) == send_outcome::dropped_no_route);
        CHECK(must(from.send("a1")) == send_outcome::queued);
        CHECK(must(from.send("bb")) == send_outcome::queued);
        CHECK(must(from.send("a2")) == send_outcome::queued);
        CHECK(receive_text(to) == "a1");
        CHECK(receive_text(to) == "bb");
        CHECK(receive_text(to) == "a2");
        CHECK(from.counters().queued_total == 3);
        CHECK(from.counters().dropped_no_route == 1);
        CHECK(to.counters().received == 3);
        CHECK(to.counters().discarded == 0);
    });
}

TEST_CASE("messages of all sizes and of several parts reach every subscriber")
{
    for_each_way([](context& in, pub& from, sub& to, const std::string& where, bool pub_binds) {
        std::vector<sub> others;
        join(from, to, where, pub_binds);
        must(to.subscribe(""));
        if (pub_binds)
            for (int count = 0; count < 2; ++count) {
                others.push_back(new_socket<sub>(in));
                must(others.back().connect(from.last_endpoint()));
                must(others.back().subscribe("x"));
            }
        must(from.wait_subscribers("x", 1 + others.size(), test_timeout));
        others.push_back(std::move(to));
        for (const std::size_t size :
             {std::size_t{1}, std::size_t{64}, std::size_t{65}, std::size_t{256}, std::size_t{8192},
              std::size_t{40'000}, std::size_t{75'000}, std::size_t{1'000'000}}) {
            CAPTURE(size);
            multipart whole;
            must(whole.add(std::string_view("x")));
            must(whole.add(std::string_view(std::string(size, 'b'))));
            must(whole.add(std::string_view()));
            whole.add(must(message::copy_of(std::string(size / 2, 'c'))));
            CHECK(must(from.send(std::move(whole))) == send_outcome::queued);
            CHECK(must(from.send(must(message::copy_of(std::string(size, 'x'))))) ==
                  send_outcome::queued);
            for (sub& each : others) {
                multipart got;
                must(each.receive(got, test_timeout));
                CHECK(texts_of(got) == std::vector<std::string>{"x", std::string(size, 'b'), "",
                                                                std::string(size / 2, 'c')});
                CHECK(receive_text(each) == std::string(size, 'x'));
            }
        }
    });
}

TEST_CASE("batches are published and received")
{
    for_each_way([](context&, pub& from, sub& to, const std::string& where, bool pub_binds) {
        join(from, to, where, pub_binds);
        must(to.subscribe("even"));
        must(from.wait_subscribers("even", 1, test_timeout));
        std::vector<std::string> texts;
        for (int number = 0; number < 100; ++number)
            texts.push_back((number % 2 == 0 ? "even" : "odd") + std::to_string(number));
        std::vector<std::span<const std::byte>> all;
        for (const std::string& each : texts)
            all.push_back(std::as_bytes(std::span(each)));
        CHECK(must(from.send_batch(all)) == 100);
        std::size_t received = 0;
        for (received_batch some; received < 50;) {
            must(to.receive_batch(some, 7, test_timeout));
            for (std::size_t index = 0; index < some.size(); ++index)
                CHECK(some.text(index) == texts[2 * received++]);
        }
        CHECK(from.counters().queued_total == 50);
        CHECK(from.counters().dropped_no_route == 50);
        CHECK(to.counters().received == 50);
    });
}

TEST_CASE("a SUB hears several publishers in turn")
{
    auto in = new_context();
    auto to = new_socket<sub>(in);
    must(to.subscribe(""));
    const std::string where = must(to.bind(any_tcp));
    std::vector<pub> all;
    for (int count = 0; count < 3; ++count) {
        all.push_back(new_socket<pub>(in));
        must(all.back().connect(where));
    }
    for (pub& each : all)
        must(each.wait_subscribers("", 1, test_timeout));
    for (int round = 0; round < 3; ++round)
        for (std::size_t number = 0; number < all.size(); ++number)
            must(all[number].send(std::to_string(number) + std::to_string(round)));
    std::vector<std::string> got;
    for (int count = 0; count < 9; ++count)
        got.push_back(receive_text(to));
    for (const char number : {'0', '1', '2'}) {
        std::string rounds;
        for (const std::string& each : got)
            if (each[0] == number)
                rounds += each[1];
        CHECK(rounds == "012");
    }
}

TEST_CASE(
    "a PUB without a loop thread that does nothing but send has subscribers, and goes on with "
    "one that was full")
{
    auto mine = new_context(0);
    pub_options few;
    few.send_high_water_mark = 2;
    auto from = new_socket<pub>(mine, few);
    auto far = new_context();
    sub_options small;
    small.receive_high_water_mark = 2;
    auto to = new_socket<sub>(far, small);
    must(to.subscribe(""));
    must(to.connect(must(from.bind(any_tcp))));
    const std::string large(300'000, 'x');
    CHECK(until([&] { return must(from.send("x")) == send_outcome::queued; }));
    int in_a_row = 0;
    CHECK(until([&] {
        in_a_row = must(from.send(large)) == send_outcome::dropped_full ? in_a_row + 1 : 0;
        return in_a_row > 50;
    }));
    CHECK(receive_text(to) == "x");
    // What is queued goes out while other messages are sent, and then these.
    CHECK(until([&] {
        message got;
        must(from.send("end"));
        return to.receive(got, no_wait) && got.text() == "end";
    }));
}

TEST_CASE("neither PUB receives nor SUB sends, and each has its peers only")
{
    auto in = new_context();
    auto from = new_socket<pub>(in);
    auto to = new_socket<pull>(in);
    must(from.bind("inproc://here"));
    CHECK_FALSE(to.connect("inproc://here").has_value());
    CHECK(from.events().writable);
    CHECK_FALSE(from.events().readable);
    auto other = new_socket<sub>(in);
    CHECK_FALSE(other.events().writable);
}
