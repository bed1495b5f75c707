// SPDX-License-Identifier: MPL-2.0
// The text of /state.

#include "http/json_text.hpp"
#include "http/page_state.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace slk;
using http::page_state;

namespace {

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("bytes of others are texts of JSON, whatever they are")
{
    context_metrics numbers;
    socket_metrics socket;
    socket.type = "ROUTER";
    peer_metrics peer;
    peer.endpoint = "ipc:///tmp/\xff\"</script>";
    peer.routing_id = std::string("a\0\xff<b>\"\\", 8);
    socket.peers.push_back(peer);
    numbers.sockets.push_back(socket);
    page_state state(time_point{});
    event what;
    what.kind = event_kind::disconnected;
    what.routing_id = peer.routing_id;
    what.endpoint = peer.endpoint;
    state.add(what);
    const std::string text = state.json(numbers, time_point{});
    CAPTURE(text);
    CHECK(has(text, R"("routing_id":"a\\x00\\xff<b>\"\\")"));
    CHECK(has(text, R"("endpoint":"ipc:///tmp/\\xff\"</script>")"));
}

TEST_CASE("only the newest events are kept, and their numbers go on")
{
    page_state state(time_point{});
    for (std::size_t i = 0; i < page_state::max_recent + 5; ++i)
        state.add({.kind = event_kind::accepted});
    const std::string text = state.json({}, time_point{});
    CHECK(has(text, "\"event_count\":205"));
    CHECK_FALSE(has(text, "\"number\":5,"));
    CHECK(has(text, "\"number\":6,"));
    CHECK(has(text, "\"number\":205,"));
}

TEST_CASE("a link and a listener without a socket are shown with their states")
{
    page_state state(time_point{});
    link_status status;
    status.state = link_state::backoff;
    status.attempt = 3;
    status.last_error = {errc::connection_refused, phase::connect, 111};
    link_transition move;
    move.from = link_state::connecting;
    move.to = link_state::backoff;
    move.delay = std::chrono::milliseconds(250);
    move.reason = status.last_error;
    state.show("tcp://127.0.0.1:1", move, status);
    listener_status listening;
    listening.state = listener_state::listening;
    listening.accepted = 7;
    state.show("tcp://*:7000", listening);
    const std::string text = state.json({}, time_point{});
    CAPTURE(text);
    for (const char* part : {R"("state":"backoff")", R"("attempts":3)", R"("from":"connecting")",
                             R"("to":"backoff")", R"("kind":"connect_retried")", R"("delay":0.25)",
                             "connection_refused", R"("accepted":7)", R"("state":"listening")"})
        CHECK(has(text, part));
    state.forget("tcp://127.0.0.1:1");
    state.forget("tcp://*:7000");
    state.forget("another");
    const std::string after = state.json({}, time_point{});
    CHECK(has(after, R"("links":[])"));
    CHECK(has(after, R"("listeners":[])"));
}

TEST_CASE("objects, lists and values are written as JSON has them")
{
    http::json_text to;
    to.open_object();
    to.open_list("a");
    to.number("", std::uint64_t{UINT64_MAX});
    to.open_object();
    to.close_object();
    to.text("", "\"\\\n\x7f");
    to.close_list();
    to.boolean("b", true);
    to.number("c", -0.25);
    to.open_list("d");
    to.close_list();
    to.close_object();
    CHECK(to.take() == R"({"a":[18446744073709551615,{},"\"\\\\x0a\\x7f"],"b":true,)"
                       R"("c":-0.250000000,"d":[]})");
}
