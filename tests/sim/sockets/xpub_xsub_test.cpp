// SPDX-License-Identifier: MPL-2.0

// XPUB and XSUB whose connections are lost.

#include "sim/sockets/simulated_sockets.hpp"

#include <algorithm>

using namespace slk;
using namespace slk::testing;

namespace {

socket_options quickly_again()
{
    socket_options options;
    options.reconnect = short_delays();
    return options;
}

bool has_subscriptions(xpub& which, std::uint32_t count)
{
    std::uint32_t sum = 0;
    for (const peer_status& each : which.peers())
        sum += each.subscriptions;
    return sum == count;
}

} // namespace

TEST_CASE("an XSUB subscribes anew on every connection, and its messages of the lost one are gone")
{
    socket_world in;
    auto at = new_socket<xpub>(in.server_context);
    auto from = new_socket<xsub>(in.client_context, quickly_again());
    must(from.send("before"));
    bind(at);
    connect(from);
    must(from.send("early"));
    must(from.send("\1t"));
    CHECK(receive_text(at) == "early");
    CHECK(receive_text(at) == "\1t");
    must(from.send("\1u"));
    CHECK(receive_text(at) == "\1u");
    in.net.partition(in.client, in.server);
    must(from.send("lost"));
    must(from.send("\1v"));
    in.net.run_for(1s);
    // Its end is the end of its topics, which come again, in the order of their bytes.
    must(at.unbind(at.last_endpoint()));
    bind(at);
    in.net.run_for(1min);
    in.net.heal();
    std::vector<std::string> got;
    while (got.size() < 5)
        got.push_back(receive_text(at));
    CHECK(std::ranges::count(got, std::string("\0t", 2)) == 1);
    CHECK(std::ranges::count(got, std::string("\0u", 2)) == 1);
    std::erase_if(got, [](const std::string& text) { return text.starts_with('\0'); });
    CHECK(got == std::vector<std::string>{"\1t", "\1u", "\1v"});
    CHECK(from.counters().unconfirmed + from.counters().unsent >= 1);
    CHECK(must(from.send("again")) == send_outcome::queued);
    CHECK(receive_text(at) == "again");
}

TEST_CASE("what an XSUB queues while nobody listens is sent to the first one that does")
{
    socket_world in;
    auto from = new_socket<xsub>(in.client_context, quickly_again());
    connect(from);
    must(from.send("\1t"));
    for (int number = 0; number < 3; ++number)
        must(from.send(std::to_string(number)));
    in.net.run_for(1min);
    auto at = new_socket<xpub>(in.server_context);
    bind(at);
    for (const char* const text : {"0", "1", "2", "\1t"})
        CHECK(receive_text(at) == text);
}

TEST_CASE("an XPUB that does not receive lets its peers wait, and takes everything when it does")
{
    socket_world in;
    socket_options few;
    few.receive_high_water_mark = 10;
    auto at = new_socket<xpub>(in.server_context, few);
    bind(at);
    auto from = new_socket<xsub>(in.client_context, quickly_again());
    connect(from);
    constexpr std::uint32_t count = 5000;
    for (std::uint32_t number = 0; number < count; ++number)
        must(from.send("\1" + std::to_string(number)));
    in.run_with_calls(at, 1min);
    CHECK(has_subscriptions(at, 10));
    for (std::uint32_t number = 0; number < count; ++number)
        CHECK(receive_text(at).starts_with('\1'));
    CHECK(has_subscriptions(at, count));
    (void)from.close(0s);
    for (std::uint32_t number = 0; number < count; ++number)
        CHECK(receive_text(at).starts_with('\0'));
    CHECK(receive_text(at, 1s) == "(timed_out)");
    CHECK(has_subscriptions(at, 0));
}

TEST_CASE("an XSUB with `immediate` sends its messages only to peers that are connected")
{
    for (const bool immediate : {true, false}) {
        CAPTURE(immediate);
        socket_world in;
        socket_options options = quickly_again();
        options.immediate = immediate;
        auto from = new_socket<xsub>(in.client_context, options);
        connect(from);
        CHECK(must(from.send("early")) ==
              (immediate ? send_outcome::dropped_no_route : send_outcome::queued));
        CHECK(must(from.send("\1t")) == send_outcome::queued);
        auto at = new_socket<xpub>(in.server_context);
        bind(at);
        if (!immediate)
            CHECK(receive_text(at) == "early");
        CHECK(receive_text(at) == "\1t");
        CHECK(must(from.send("late")) == send_outcome::queued);
        CHECK(receive_text(at) == "late");
    }
}
