// SPDX-License-Identifier: MPL-2.0

// Names of peers: ours at libzmq's ROUTER, theirs at ours.

#include "interop_rig.hpp"

#include <algorithm>
#include <cerrno>
#include <set>

using namespace slk;
using namespace slk::testing;

namespace {

dealer_options named(const std::string& name)
{
    dealer_options options;
    options.routing_id = name;
    return reconnect_at_once(options);
}

/// A ROUTER of ours that listens.
struct routing {
    explicit routing(router_options options = {}) : ours(new_socket<router>(mine, options)) {}

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

/// A ROUTER of theirs that listens.
struct routed {
    context mine = new_context();
    libzmq_context libzmq;
    libzmq_socket theirs{libzmq, ZMQ_ROUTER};
    std::string where = theirs.bind(any_tcp);
};

const std::string max_name = random_bytes(7, 255);

} // namespace

TEST_CASE("libzmq's ROUTER knows our DEALER by its routing id")
{
    for (const std::string& name : {std::string("ours"), "x" + max_name.substr(1)}) {
        routed rig;
        auto ours = new_socket<dealer>(rig.mine, named(name));
        must(ours.connect(rig.where));
        REQUIRE(send_to(ours, {"hello"}));
        CHECK(rig.theirs.receive() == parts{name, "hello"});
        REQUIRE(rig.theirs.send({name, "back", ""}));
        CHECK(receive_from(ours) == parts{"back", ""});
    }
}

TEST_CASE("libzmq's ROUTER makes up a name for our DEALER that has none")
{
    routed rig;
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

TEST_CASE("our ROUTER knows libzmq's DEALER by its routing id, and can speak first")
{
    routing rig;
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

TEST_CASE("our ROUTER makes up five bytes for each of libzmq's sockets that has no name")
{
    routing rig;
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

TEST_CASE("requests of several REQ get each its own reply through our ROUTER")
{
    routing rig;
    std::vector<libzmq_socket> clients;
    for (int number = 0; number < 5; ++number) {
        clients.emplace_back(rig.libzmq, ZMQ_REQ);
        REQUIRE(clients.back().connect(rig.where));
        REQUIRE(clients.back().send({std::to_string(number)}));
    }
    std::vector<routed_parts> requests;
    for (std::size_t count = 0; count < clients.size(); ++count)
        requests.push_back(receive_routed(rig.ours));
    // The last to ask is the first to be answered.
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

TEST_CASE("a mandatory ROUTER refuses to send to a peer of libzmq's that has gone")
{
    routing rig;
    libzmq_socket theirs = rig.dealer_called("theirs");
    REQUIRE(theirs.connect(rig.where));
    REQUIRE(theirs.send({"hello"}));
    const peer_id whom = receive_routed(rig.ours).from;
    CHECK(rig.ours.send({"somebody"}, "x", test_timeout).error() == errc::no_route);
    theirs.close();
    CHECK(until([&] {
        const auto answer = rig.ours.send(whom, "x", test_timeout);
        return !answer && answer.error() == errc::no_route;
    }));
    rig.ours.set_mandatory(false);
    CHECK(rig.ours.send(whom, "x", test_timeout) == send_outcome::dropped_no_route);
    CHECK(rig.ours.counters().dropped_no_route == 1);
}

TEST_CASE("libzmq's mandatory ROUTER is told when our DEALER has gone")
{
    routed rig;
    rig.theirs.set(ZMQ_ROUTER_MANDATORY, 1);
    auto ours = new_socket<dealer>(rig.mine, named("ours"));
    must(ours.connect(rig.where));
    REQUIRE(send_to(ours, {"hello"}));
    REQUIRE(rig.theirs.receive() == parts{"ours", "hello"});
    CHECK(rig.theirs.try_send({"ours", "x"}) == 0);
    ours.close(0ms);
    CHECK(until([&] { return rig.theirs.try_send({"ours", "x"}) == EHOSTUNREACH; }));
}

TEST_CASE("a second peer with the same name waits until the first has gone")
{
    routing rig;
    libzmq_socket first = rig.dealer_called("same");
    REQUIRE(first.connect(rig.where));
    REQUIRE(first.send({"first"}));
    CHECK(receive_routed(rig.ours).whole == parts{"first"});
    libzmq_socket second = rig.dealer_called("same");
    REQUIRE(second.connect(rig.where));
    CHECK(until([&] { return rig.ours.counters().rejected > 0; }));
    REQUIRE(first.send({"still first"}));
    CHECK(receive_routed(rig.ours).whole == parts{"still first"});
    first.close();
    CHECK(until([&] {
        if (second.try_send({"second"}) != 0)
            return false;
        return receive_routed(rig.ours, 20ms).whole == parts{"second"};
    }));
}

TEST_CASE("with handover a second peer with the same name takes it, and the first is disconnected")
{
    router_options options;
    options.handover = true;
    routing rig(options);
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
    CHECK(rig.ours.send(earlier.from, "x", test_timeout).error() == errc::no_route);
    REQUIRE(rig.ours.send(later.from, "to the second", test_timeout).has_value());
    CHECK(second.receive() == parts{"to the second"});
    CHECK(events.sees(ZMQ_EVENT_DISCONNECTED).has_value());
}

TEST_CASE("our DEALER takes over its own name at libzmq's ROUTER")
{
    routed rig;
    rig.theirs.set(ZMQ_ROUTER_HANDOVER, 1);
    auto first = new_socket<dealer>(rig.mine, named("same"));
    must(first.connect(rig.where));
    REQUIRE(send_to(first, {"first"}));
    REQUIRE(rig.theirs.receive() == parts{"same", "first"});
    auto second = new_socket<dealer>(rig.mine, named("same"));
    must(second.connect(rig.where));
    REQUIRE(send_to(second, {"second"}));
    REQUIRE(rig.theirs.receive() == parts{"same", "second"});
    REQUIRE(rig.theirs.send({"same", "back"}));
    CHECK(receive_from(second) == parts{"back"});
}

TEST_CASE("our ROUTER calls libzmq's peer as connect() says")
{
    context mine = new_context();
    auto ours = new_socket<router>(mine);
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_DEALER);
    theirs.set(ZMQ_ROUTING_ID, "own name");
    const std::string where = theirs.bind(any_tcp);
    REQUIRE(ours.connect(where, {.routing_id = "given name"}).has_value());
    // He can be sent to before he is there.
    REQUIRE(ours.send({"given name"}, "hello", test_timeout).has_value());
    CHECK(theirs.receive() == parts{"hello"});
    REQUIRE(theirs.send({"back"}));
    CHECK(receive_routed(ours).from.routing_id == "given name");
}

TEST_CASE("libzmq's ROUTER calls our DEALER as ZMQ_CONNECT_ROUTING_ID says")
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

TEST_CASE("a probe is an empty message to a ROUTER, on either side")
{
    routing ours_listens;
    libzmq_socket theirs = ours_listens.dealer_called("theirs");
    theirs.set(ZMQ_PROBE_ROUTER, 1);
    REQUIRE(theirs.connect(ours_listens.where));
    const auto got = receive_routed(ours_listens.ours);
    CHECK(got.from.routing_id == "theirs");
    CHECK(got.whole == parts{""});

    routed they_listen;
    auto options = named("ours");
    options.probe_router = true;
    auto ours = new_socket<dealer>(they_listen.mine, options);
    must(ours.connect(they_listen.where));
    CHECK(they_listen.theirs.receive() == parts{"ours", ""});
}

TEST_CASE("a ROUTER tells of libzmq's peers that come and go")
{
    router_options options;
    options.notify_connect = true;
    options.notify_disconnect = true;
    routing rig(options);
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

TEST_CASE("what a ROUTER tells of its peers does not come between the parts of a message")
{
    router_options options;
    options.notify_connect = true;
    routing rig(options);
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

TEST_CASE("properties of our socket reach libzmq, and its own reach us")
{
    context mine = new_context();
    dealer_options options;
    options.properties = {{"X-place", "here"}};
    auto ours = new_socket<dealer>(mine, options);
    libzmq_context libzmq;
    libzmq_socket theirs(libzmq, ZMQ_DEALER);
    constexpr int zmq_metadata = 95; // of the draft interface, but always there
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
