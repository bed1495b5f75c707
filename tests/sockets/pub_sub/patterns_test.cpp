// SPDX-License-Identifier: MPL-2.0

// Patterns: publishers are told what they begin with, and a SUB receives what matches.

#include "sockets/pub_sub/pub_sub_ways.hpp"

#include <algorithm>

using namespace slk;
using namespace slk::testing;

namespace {

/// What arrives of these messages, which come in this order, up to the last one.
std::vector<std::string> arriving(pub& from, sub& to, const std::vector<std::string>& all)
{
    for (const std::string& each : all)
        must(from.send(each));
    std::vector<std::string> got;
    while (got.empty() || got.back() != all.back()) {
        got.push_back(receive_text(to));
        REQUIRE(got.back() != "(timed_out)");
    }
    return got;
}

} // namespace

TEST_CASE("a SUB receives what matches a pattern, and no more")
{
    for_each_transport([](context& in, const std::string& endpoint) {
        pub from = new_socket<pub>(in);
        sub to = new_socket<sub>(in);
        must(to.psubscribe("weather.*.rain"));
        must(to.psubscribe("log.[0-9]?"));
        bind_and_connect(from, to, endpoint);
        must(from.wait_subscribers("weather.", 1, test_timeout));
        must(from.wait_subscribers("log.", 1, test_timeout));
        CHECK(from.wait_subscribers("weather", 1, no_wait).error() == errc::would_block);
        CHECK(arriving(from, to,
                       {"weather.berlin.rain", "weather.berlin.sun", "log.1x", "log.x1", "log.12 ",
                        "weather..rain", "log.99"}) ==
              std::vector<std::string>{"weather.berlin.rain", "log.1x", "weather..rain", "log.99"});
        CHECK(to.counters().discarded == 3);
        CHECK(to.topics_count() == 2);
    });
}

TEST_CASE("topics and patterns add up, and a message that matches several is received once")
{
    for_each_transport([](context& in, const std::string& endpoint) {
        pub from = new_socket<pub>(in);
        sub to = new_socket<sub>(in);
        bind_and_connect(from, to, endpoint);
        must(to.subscribe("a"));
        must(to.psubscribe("a*z"));
        must(to.psubscribe("b*"));
        must(to.psubscribe("*z"));
        must(to.subscribe("end"));
        must(from.wait_subscribers("end", 1, test_timeout));
        CHECK(to.topics_count() == 4);
        CHECK(arriving(from, to, {"az", "ab", "b1", "cz", "c", "end"}) ==
              std::vector<std::string>{"az", "ab", "b1", "cz", "end"});
        // The topic of a pattern stays when the same one is taken back, and the other way round.
        must(to.unsubscribe("a"));
        must(to.punsubscribe("*z"));
        must(to.psubscribe("end2"));
        must(from.wait_subscribers("end2", 1, test_timeout));
        CHECK(arriving(from, to, {"az", "ab", "b1", "cz", "end"}) ==
              std::vector<std::string>{"az", "b1", "end"});
        must(to.subscribe("b"));
        must(to.punsubscribe("b*"));
        must(to.punsubscribe("a*z"));
        must(to.subscribe("last"));
        must(from.wait_subscribers("last", 1, test_timeout));
        CHECK(arriving(from, to, {"az", "b1", "end"}) == std::vector<std::string>{"b1", "end"});
        CHECK(to.topics_count() == 4);
    });
}

TEST_CASE("equal patterns are counted, and one that was not added changes nothing")
{
    auto in = new_context();
    pub from = new_socket<pub>(in);
    sub to = new_socket<sub>(in);
    bind_and_connect(from, to);
    must(to.psubscribe("x*1"));
    must(to.psubscribe("x*1"));
    must(to.psubscribe("x*2"));
    must(to.subscribe("end"));
    must(to.punsubscribe("x*3"));
    must(to.punsubscribe("["));
    must(to.punsubscribe("x*1"));
    must(from.wait_subscribers("end", 1, test_timeout));
    CHECK(arriving(from, to, {"x1", "x2", "x3", "end"}) ==
          std::vector<std::string>{"x1", "x2", "end"});
    must(to.punsubscribe("x*1"));
    CHECK(to.topics_count() == 2);
    CHECK(arriving(from, to, {"x1", "x2", "end"}) == std::vector<std::string>{"x2", "end"});
    must(to.punsubscribe("x*2"));
    CHECK(to.topics_count() == 1);
    CHECK(until([&] { return from.topics_count() == 1; }));
}

TEST_CASE("an XPUB is told the topic of each pattern, and that it is over with the last one")
{
    auto in = new_context();
    xpub_options options;
    options.verboser = true;
    xpub from = new_socket<xpub>(in, options);
    sub to = new_socket<sub>(in);
    bind_and_connect(from, to);
    must(to.wait_ready(test_timeout));
    must(to.psubscribe("a\\*b?c"));
    must(to.psubscribe("a\\*b[1]"));
    must(to.psubscribe("*"));
    must(to.punsubscribe("a\\*b[1]"));
    must(to.punsubscribe("a\\*b?c"));
    must(to.punsubscribe("*"));
    for (const std::string& expected : {subscription("a*b"), subscription("a*b"), subscription(""),
                                        cancellation("a*b"), cancellation("")})
        CHECK(receive_text(from) == expected);
}

TEST_CASE("a publisher that comes later is told the topics of patterns")
{
    auto in = new_context();
    sub to = new_socket<sub>(in, reconnect_at_once());
    must(to.psubscribe("a?"));
    must(to.psubscribe("a*"));
    must(to.subscribe("a"));
    must(to.psubscribe("b?"));
    const std::string bound = must(to.bind(any_tcp));
    for (int round = 0; round < 2; ++round) {
        pub from = new_socket<pub>(in);
        must(from.connect(bound));
        must(from.wait_subscribers("b", 1, test_timeout));
        CHECK(from.topics_count() == 2);
        must(from.send("b1"));
        CHECK(receive_text(to) == "b1");
    }
}

TEST_CASE("a malformed pattern is refused, and one that is too long")
{
    auto in = new_context();
    sub to = new_socket<sub>(in);
    CHECK(code_of(to.psubscribe("a[b")) == errc::invalid_argument);
    CHECK(code_of(to.psubscribe("[b-a]")) == errc::invalid_argument);
    CHECK(code_of(to.psubscribe("a\\")) == errc::invalid_argument);
    CHECK(code_of(to.psubscribe(std::string(sub::max_pattern_size + 1, 'a'))) ==
          errc::invalid_argument);
    must(to.psubscribe(std::string(sub::max_pattern_size, 'a')));
    CHECK(to.topics_count() == 1);
    must(to.punsubscribe(std::string(sub::max_pattern_size + 1, 'a')));
    CHECK(to.topics_count() == 1);
}

TEST_CASE("a batch has what matches a pattern")
{
    auto in = new_context();
    pub from = new_socket<pub>(in);
    sub to = new_socket<sub>(in);
    must(to.psubscribe("*[02468]"));
    bind_and_connect(from, to);
    must(from.wait_subscribers("", 1, test_timeout));
    for (int number = 0; number < 100; ++number)
        must(from.send(std::to_string(number)));
    int next = 0;
    for (received_batch batch; next < 100;) {
        must(to.receive_batch(batch, 100, test_timeout));
        for (std::size_t index = 0; index < batch.size(); ++index, next += 2)
            CHECK(batch.text(index) == std::to_string(next));
    }
    CHECK(to.counters().discarded >= 49);
}
