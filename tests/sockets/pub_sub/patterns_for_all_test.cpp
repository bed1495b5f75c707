// SPDX-License-Identifier: MPL-2.0

// socket_options::patterns_subscribe_all: what publishers are told of patterns.

#include "sockets/pub_sub/pub_sub_ways.hpp"

#include <string>

using namespace slk;
using namespace slk::testing;

namespace {

/// The peers of an XPUB report each subscription and each end of one.
xpub new_witness(context& in)
{
    return new_socket<xpub>(in, {.verbose = true, .verboser = true});
}

} // namespace

TEST_CASE("with patterns for all, peers are told the empty topic once, and its end once")
{
    for_each_transport([](context& in, const std::string& endpoint) {
        xpub from = new_witness(in);
        sub to = new_socket<sub>(in, {.patterns_subscribe_all = true});
        bind_and_connect(from, to, endpoint);
        must(to.psubscribe("a*z"));
        must(to.psubscribe("b?"));
        must(to.psubscribe("b?"));
        CHECK(to.topics_count() == 1);
        CHECK(receive_text(from) == subscription(""));
        must(to.subscribe("mark"));
        CHECK(receive_text(from) == subscription("mark"));
        CHECK(to.topics_count() == 2);

        // It sends everything, and what does not match is discarded here.
        for (const char* const each : {"a..z", "a..y", "b", "b1", "c", "mark"})
            must(from.send(each));
        CHECK(receive_text(to) == "a..z");
        CHECK(receive_text(to) == "b1");
        CHECK(receive_text(to) == "mark");

        must(to.punsubscribe("b?"));
        must(to.punsubscribe("a*z"));
        must(to.punsubscribe("none"));
        must(to.unsubscribe("mark"));
        CHECK(receive_text(from) == cancellation("mark"));
        must(to.punsubscribe("b?"));
        CHECK(receive_text(from) == cancellation(""));
        CHECK(to.topics_count() == 0);
    });
}

TEST_CASE("the end of the last pattern for all leaves a subscription to the empty topic")
{
    for_each_transport([](context& in, const std::string& endpoint) {
        xpub from = new_witness(in);
        sub to = new_socket<sub>(in, {.patterns_subscribe_all = true});
        bind_and_connect(from, to, endpoint);
        must(to.subscribe(""));
        must(to.psubscribe("a*"));
        CHECK(to.topics_count() == 1);
        must(to.punsubscribe("a*"));
        must(to.subscribe("mark"));
        // How often it is told of the same topic is not looked at.
        std::string report = receive_text(from);
        while (report == subscription(""))
            report = receive_text(from);
        CHECK(report == subscription("mark"));
        must(from.send("anything"));
        CHECK(receive_text(to) == "anything");
    });
}

TEST_CASE("an XSUB has patterns, and receives all that its peers send")
{
    for_each_transport([](context& in, const std::string& endpoint) {
        xpub from = new_witness(in);
        xsub to = new_socket<xsub>(in, {.patterns_subscribe_all = true});
        bind_and_connect(from, to, endpoint);
        must(to.psubscribe("a*"));
        must(to.psubscribe("b*"));
        CHECK(to.topics_count() == 1);
        CHECK(receive_text(from) == subscription(""));
        must(from.send("c"));
        CHECK(receive_text(to) == "c");
        must(to.punsubscribe("a*"));
        must(to.punsubscribe("b*"));
        CHECK(receive_text(from) == cancellation(""));
        CHECK(to.topics_count() == 0);

        CHECK(code_of(to.psubscribe("[")) == errc::invalid_argument);
        CHECK(code_of(to.psubscribe(std::string(256, 'a'))) == errc::invalid_argument);
        // The option is live.
        socket_options changed = to.options();
        changed.patterns_subscribe_all = false;
        must(to.set_options(changed));
        must(to.psubscribe("topic*"));
        CHECK(receive_text(from) == subscription("topic"));
    });
}

TEST_CASE("a peer that comes later is told of patterns for all")
{
    for_each_transport([](context& in, const std::string& endpoint) {
        xpub from = new_witness(in);
        sub to = new_socket<sub>(in, {.patterns_subscribe_all = true});
        must(to.psubscribe("a*"));
        must(to.psubscribe("b*"));
        bind_and_connect(from, to, endpoint);
        CHECK(receive_text(from) == subscription(""));
        must(to.subscribe("mark"));
        CHECK(receive_text(from) == subscription("mark"));
    });
}

TEST_CASE("patterns for all are an option of SUB and XSUB")
{
    auto in = new_context();
    CHECK(code_of(pub::create(in, {.patterns_subscribe_all = true})) == errc::invalid_argument);
    CHECK(code_of(xpub::create(in, {.patterns_subscribe_all = true})) == errc::invalid_argument);
}
