// SPDX-License-Identifier: MPL-2.0

// Routing ids: of our sockets at a libzmq ROUTER, and of libzmq sockets at our ROUTER.

#include "interop_rig.hpp"

#include <algorithm>
#include <cerrno>
#include <set>

using namespace slk;
using namespace slk::testing;

namespace {

dealer_options with_routing_id(const std::string& name)
{
    dealer_options options;
    options.routing_id = name;
    return reconnect_at_once(options);
}

/// Our ROUTER, bound.
struct bound_router {
    explicit bound_router(router_options options = {}) : ours(new_socket<router>(mine, options)) {}

    libzmq_socket dealer_called(const std::string& name)
    {
        libzmq_socket made(libzmq, ZMQ_DEALER);
        made.set(ZMQ_ROUTING_ID, name);
        made.set(ZMQ_RECONNECT_IVL, 1);
        return made;
    }

    context mine = new_context();
    router ours;
    std::string where = must(ours.bind(any_tcp));
    libzmq_context libzmq;
};

/// A libzmq ROUTER, bound.
struct bound_libzmq_router {
    context mine = new_context();
    libzmq_context libzmq;
    libzmq_socket theirs{libzmq, ZMQ_ROUTER};
    std::string where = theirs.bind(any_tcp);
};

const std::string max_name = random_bytes(7, 255);

} // namespace

TEST_CASE("a libzmq ROUTER sees the routing id of our DEALER")
{
    for (const std::string& name : {std::string("ours"), "x" + max_name.substr(1)}) {
        bound_libzmq_router rig;
        auto ours = new_socket<dealer>(rig.mine, with_routing_id(name));
        must(ours.connect(rig.where));
        REQUIRE(send_to(ours, {"hello"}));
        CHECK(rig.theirs.receive() == parts{name, "hello"});
        REQUIRE(rig.theirs.send({name, "back", ""}));
        CHECK(receive_from(ours) == parts{"back", ""});
    }
}

TEST_CASE("a libzmq ROUTER gives our DEALER without a routing id one of its own")
{
    bound_libzmq_router rig;
    auto first = new_socket<dealer>(rig.mine);
    auto second = new_socket<dealer>(rig.mine);
    std::set<std::string> names;
    for (dealer* const each : {&first, &second}) {
        must(each->connect(rig.where));
        REQUIRE(send_to(*each, {"hello"}));
        const auto got = rig.theirs.receive();
        REQUIRE((got && got->size() == 2));
        names.insert(got->front());
        REQUIRE(rig.theirs.send({got->front(), "back"}));
        CHECK(receive_from(*each) == parts{"back"});
    }
    CHECK(names.size() == 2);
}

TEST_CASE("our ROUTER sees the routing id of a libzmq DEALER, and can send first")
{
    bound_router rig;
    libzmq_socket theirs = rig.dealer_called("theirs");
    REQUIRE(theirs.connect(rig.where));
    REQUIRE(rig.ours.wait_ready(test_timeout).has_value());
    REQUIRE(rig.ours.peers().size() == 1);
    CHECK(rig.ours.peers().front().routing_id == "theirs");
    REQUIRE(rig.ours.send({"theirs"}, "hello", test_timeout).has_value());
    CHECK(theirs.receive() == parts{"hello"});
    REQUIRE(theirs.send({"back"}));
    const auto got = receive_routed(rig.ours);
    CHECK(got.from.routing_id == "theirs");
    CHECK(got.whole == parts{"back"});
}

TEST_CASE("our ROUTER gives each libzmq socket without a routing id one of five bytes")
{
    bound_router rig;
    std::set<std::string> names;
    for (const int type : {ZMQ_DEALER, ZMQ_REQ, ZMQ_DEALER}) {
        libzmq_socket theirs(rig.libzmq, type);
        REQUIRE(theirs.connect(rig.where));
        REQUIRE(theirs.send({"question"}));
        auto got = receive_routed(rig.ours);
        const std::string& name = got.from.routing_id;
        CHECK(name.size() == 5);
        CHECK(name.front() == '\0');
        names.insert(name);
        REQUIRE(rig.ours.send(got.from, to_multipart(got.whole), test_timeout).has_value());
        CHECK(theirs.receive() == parts{"question"});
    }
    CHECK(names.size() == 3);
}

TEST_CASE("our ROUTER replies to the right one of several libzmq REQ sockets")
{
    bound_router rig;
    std::vector<libzmq_socket> clients;
    for (int number = 0; number < 5; ++number) {
        clients.emplace_back(rig.libzmq, ZMQ_REQ);
        REQUIRE(clients.back().connect(rig.where));
        REQUIRE(clients.back().send({std::to_string(number)}));
    }
    std::vector<routed_parts> requests;
    for (std::size_t count = 0; count < clients.size(); ++count)
        requests.push_back(receive_routed(rig.ours));
    // The replies are sent in the opposite order of the requests.
    for (auto request = requests.rbegin(); request != requests.rend(); ++request) {
        REQUIRE(request->whole.size() == 2);
        CHECK(request->whole.front() == "");
        request->whole.back() += "!";
        REQUIRE(
            rig.ours.send(request->from, to_multipart(request->whole), test_timeout).has_value());
    }
    for (int number = 0; number < 5; ++number)
        CHECK(clients[static_cast<std::size_t>(number)].receive() ==
              parts{std::to_string(number) + "!"});
}

TEST_CASE("our mandatory ROUTER refuses to send to a libzmq peer that has closed")
{
    bound_router rig;
    libzmq_socket theirs = rig.dealer_called("theirs");
    REQUIRE(theirs.connect(rig.where));
    REQUIRE(theirs.send({"hello"}));
    const peer_id closed_peer = receive_routed(rig.ours).from;
    CHECK(rig.ours.send({"unknown"}, "x", test_timeout).error() == errc::no_route);
    theirs.close();
    CHECK(until([&] {
        const auto sent = rig.ours.send(closed_peer, "x", test_timeout);
        return !sent && sent.error() == errc::no_route;
    }));
    must(rig.ours.set_mandatory(false));
    CHECK(rig.ours.send(closed_peer, "x", test_timeout) == send_outcome::dropped_no_route);
    CHECK(rig.ours.counters().dropped_no_route == 1);
}

TEST_CASE("a libzmq mandatory ROUTER refuses to send to our DEALER after it has closed")
{
    bound_libzmq_router rig;
    rig.theirs.set(ZMQ_ROUTER_MANDATORY, 1);
    auto ours = new_socket<dealer>(rig.mine, with_routing_id("ours"));
    must(ours.connect(rig.where));
    REQUIRE(send_to(ours, {"hello"}));
    REQUIRE(rig.theirs.receive() == parts{"ours", "hello"});
    CHECK(rig.theirs.try_send({"ours", "x"}) == 0);
    ours.close(0ms);
    CHECK(until([&] { return rig.theirs.try_send({"ours", "x"}) == EHOSTUNREACH; }));
}

TEST_CASE("a second peer with the same routing id is admitted when the first has closed")
{
    bound_router rig;
    libzmq_socket first = rig.dealer_called("same");
    REQUIRE(first.connect(rig.where));
    REQUIRE(first.send({"first"}));
    CHECK(receive_routed(rig.ours).whole == parts{"first"});
    libzmq_socket second = rig.dealer_called("same");
    REQUIRE(second.connect(rig.where));
    CHECK(until([&] {
        (void)rig.ours.events(); // admits and rejects peers
        return rig.ours.counters().rejected > 0;
    }));
    REQUIRE(first.send({"still first"}));
    CHECK(receive_routed(rig.ours).whole == parts{"still first"});
    first.close();
    CHECK(until([&] {
        if (second.try_send({"second"}) != 0)
            return false;
        return receive_routed(rig.ours, 20ms).whole == parts{"second"};
    }));
}

TEST_CASE("with handover a second peer takes over the routing id, and the first is disconnected")
{
    router_options options;
    options.handover = true;
    bound_router rig(options);
    libzmq_socket first = rig.dealer_called("same");
    first.set(ZMQ_RECONNECT_IVL, -1);
    libzmq_monitor events(rig.libzmq, first);
    REQUIRE(first.connect(rig.where));
    REQUIRE(first.send({"first"}));
    const auto earlier = receive_routed(rig.ours);
    CHECK(earlier.whole == parts{"first"});
    libzmq_socket second = rig.dealer_called("same");
    REQUIRE(second.connect(rig.where));
    REQUIRE(second.send({"second"}));
    const auto later = receive_routed(rig.ours);
    CHECK(later.whole == parts{"second"});
    CHECK(later.from.routing_id == earlier.from.routing_id);
    CHECK(later.from.generation > earlier.from.generation);
    CHECK(rig.ours.send(earlier.from, "x", test_timeout).error() == errc::peer_replaced);
    REQUIRE(rig.ours.send(later.from, "to the second", test_timeout).has_value());
    CHECK(second.receive() == parts{"to the second"});
    CHECK(events.wait_for(ZMQ_EVENT_DISCONNECTED).has_value());
}

TEST_CASE("our second DEALER takes over a routing id at a libzmq ROUTER")
{
    bound_libzmq_router rig;
    rig.theirs.set(ZMQ_ROUTER_HANDOVER, 1);
    auto first = new_socket<dealer>(rig.mine, with_routing_id("same"));
    must(first.connect(rig.where));
    REQUIRE(send_to(first, {"first"}));
    REQUIRE(rig.theirs.receive() == parts{"same", "first"});
    auto second = new_socket<dealer>(rig.mine, with_routing_id("same"));
    must(second.connect(rig.where));
    REQUIRE(send_to(second, {"second"}));
    REQUIRE(rig.theirs.receive() == parts{"same", "second"});
    REQUIRE(rig.theirs.send({"same", "back"}));
    CHECK(receive_from(second) == parts{"back"});
}

TEST_CASE("our ROUTER uses the routing id that connect() gave a libzmq peer")
{
    context mine = new_context();
    auto ours = new_socket<router>(mine);
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_DEALER);
    theirs.set(ZMQ_ROUTING_ID, "own name");
    const std::string where = theirs.bind(any_tcp);
    REQUIRE(ours.connect(where, {.routing_id = "given name"}).has_value());
    // The peer can be sent to before it is ready.
    REQUIRE(ours.send({"given name"}, "hello", test_timeout).has_value());
    CHECK(theirs.receive() == parts{"hello"});
    REQUIRE(theirs.send({"back"}));
    CHECK(receive_routed(ours).from.routing_id == "given name");
}

TEST_CASE("a libzmq ROUTER uses ZMQ_CONNECT_ROUTING_ID for our DEALER")
{
    context mine = new_context();
    auto ours = new_socket<dealer>(mine);
    const std::string where = must(ours.bind(any_tcp));
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_ROUTER);
    theirs.set(ZMQ_CONNECT_ROUTING_ID, "given name");
    REQUIRE(theirs.connect(where));
    REQUIRE(theirs.send({"given name", "hello"}));
    CHECK(receive_from(ours) == parts{"hello"});
    REQUIRE(send_to(ours, {"back"}));
    CHECK(theirs.receive() == parts{"given name", "back"});
}

TEST_CASE("a probe is an empty message at our ROUTER and at that of libzmq")
{
    bound_router our_router;
    libzmq_socket theirs = our_router.dealer_called("theirs");
    theirs.set(ZMQ_PROBE_ROUTER, 1);
    REQUIRE(theirs.connect(our_router.where));
    const auto got = receive_routed(our_router.ours);
    CHECK(got.from.routing_id == "theirs");
    CHECK(got.whole == parts{""});

    bound_libzmq_router their_router;
    auto options = with_routing_id("ours");
    options.probe_router = true;
    auto ours = new_socket<dealer>(their_router.mine, options);
    must(ours.connect(their_router.where));
    CHECK(their_router.theirs.receive() == parts{"ours", ""});
}

TEST_CASE("our ROUTER reports libzmq peers that connect and disconnect")
{
    router_options options;
    options.notify_connect = true;
    options.notify_disconnect = true;
    bound_router rig(options);
    const auto next = [&](const std::string& name) {
        peer_id from;
        message part;
        const auto what = rig.ours.receive(from, part, test_timeout);
        CHECK(from.routing_id == name);
        return what;
    };
    libzmq_socket theirs = rig.dealer_called("theirs");
    REQUIRE(theirs.connect(rig.where));
    CHECK(next("theirs") == router_event::connected);
    REQUIRE(theirs.send({"hello"}));
    CHECK(next("theirs") == router_event::message);
    theirs.close();
    CHECK(next("theirs") == router_event::disconnected);
}

TEST_CASE("a router event does not come between the parts of a message")
{
    router_options options;
    options.notify_connect = true;
    bound_router rig(options);
    libzmq_socket first = rig.dealer_called("first");
    REQUIRE(first.connect(rig.where));
    REQUIRE(first.send({"one", "two"}));
    peer_id from;
    message part;
    REQUIRE(rig.ours.receive(from, part, test_timeout) == router_event::connected);
    REQUIRE(rig.ours.receive(from, part, test_timeout) == router_event::message);
    REQUIRE(part.more());
    libzmq_socket second = rig.dealer_called("second");
    REQUIRE(second.connect(rig.where));
    REQUIRE(until([&] { return rig.ours.peers().size() == 2; }));
    CHECK(rig.ours.receive(from, part, test_timeout) == router_event::message);
    CHECK(from.routing_id == "first");
    CHECK(part.text() == "two");
    CHECK(rig.ours.receive(from, part, test_timeout) == router_event::connected);
    CHECK(from.routing_id == "second");
}

TEST_CASE("each side sees the properties of the other")
{
    context mine = new_context();
    dealer_options options;
    options.properties = {{"X-place", "here"}};
    auto ours = new_socket<dealer>(mine, options);
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_DEALER);
    constexpr int zmq_metadata = 95; // ZMQ_METADATA of the draft API, which is always implemented
    REQUIRE(theirs.set(zmq_metadata, "X-origin:there"));
    REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
    REQUIRE(ours.wait_ready(test_timeout).has_value());
    REQUIRE(ours.peers().size() == 1);
    const auto has_origin = [](const socket_property& each) {
        return each.name == "X-origin" && each.value == "there";
    };
    CHECK(std::ranges::any_of(ours.peers().front().properties, has_origin));

    REQUIRE(send_to(ours, {"hello"}));
    zmq_pollitem_t item{theirs.get(), 0, ZMQ_POLLIN, 0};
    REQUIRE(zmq_poll(&item, 1, test_timeout.count()) == 1);
    zmq_msg_t got;
    zmq_msg_init(&got);
    CHECK(zmq_msg_recv(&got, theirs.get(), 0) == 5);
    const char* const place = zmq_msg_gets(&got, "X-place");
    CHECK(std::string(place != nullptr ? place : "") == "here");
    zmq_msg_close(&got);
}
