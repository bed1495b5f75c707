// SPDX-License-Identifier: MPL-2.0

// A ROUTER and its peers: names, generations, notices.

#include "sim/messages_rig.hpp"

using namespace slk;
using namespace slk::sim_tests;

namespace {

dealer_options called(const char* name)
{
    dealer_options options;
    options.routing_id = name;
    return options;
}

struct heard {
    route from;
    route_event what = route_event::message;
    std::string text;
};

/// Nothing: "nothing".
heard listen(router& at, const limit& patience = 1s)
{
    heard told;
    message into;
    const auto what = at.receive(told.from, into, patience);
    if (what)
        told.what = *what;
    told.text = what ? std::string(into.text()) : "nothing";
    return told;
}

} // namespace

TEST_CASE("a notice does not come between the parts of a message")
{
    messages_world in;
    router_options options;
    options.notify_connect = true;
    router server = make<router>(in.server_side, options);
    bind(server);
    dealer client = make<dealer>(in.client_side, called("a"));
    connect(client);
    multipart letter;
    REQUIRE(letter.add("one").has_value());
    REQUIRE(letter.add("two").has_value());
    REQUIRE(client.send(std::move(letter)).has_value());
    CHECK(listen(server).what == route_event::connected);
    const heard first = listen(server);
    CHECK(first.text == "one");
    dealer other = make<dealer>(in.client_side, called("b"));
    connect(other);
    in.net.run_for(1s);
    const heard second = listen(server);
    CHECK(second.what == route_event::message);
    CHECK(second.text == "two");
    CHECK(second.from == first.from);
    CHECK(listen(server).what == route_event::connected);
}
