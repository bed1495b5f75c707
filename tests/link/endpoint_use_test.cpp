// SPDX-License-Identifier: MPL-2.0
// The endpoints that links and listeners accept, on every system.

#include "link_rig.hpp"

#include <serverlink/simulation.hpp>

#include "support/skip.hpp"

namespace slk::link_tests {

namespace {

std::string detail_of(const error& why)
{
    return why.detail != nullptr ? why.detail : "";
}

error link_refusal(slk::loop& on, const endpoint& to)
{
    const auto made = link::create(on, {.to = to});
    return made ? error{} : made.error();
}

error listener_refusal(slk::loop& on, const endpoint& at)
{
    listener_options options;
    options.at = at;
    const auto made = listener::create(on, options, {});
    return made ? error{} : made.error();
}

} // namespace

template <class Options>
concept takes_text_for_an_endpoint = requires { Options{.to = "tcp://127.0.0.1:1"}; } ||
                                     requires { Options{.at = "tcp://127.0.0.1:1"}; };
static_assert(!takes_text_for_an_endpoint<link_options>);
static_assert(!takes_text_for_an_endpoint<listener_options>);

TEST_CASE("links and listeners take their endpoints as text")
{
    rig on;
    std::vector<stream> streams;
    auto served =
        listener::create(*on, "tcp://127.0.0.1:*", {},
                         {.accepted = [&](stream next) { streams.push_back(std::move(next)); }});
    REQUIRE(served);
    const std::string where = to_string(served->local_endpoint());
    auto client = link::create(*on, where);
    REQUIRE(client);
    CHECK(to_string(client->target()) == where);
    client->start();
    CHECK(on.until([&] { return connected(*client) && streams.size() == 1; }));

    const auto bad_link = link::create(*on, "tcp://127.0.0.1");
    REQUIRE_FALSE(bad_link);
    CHECK(bad_link.error() == errc::invalid_argument);
    const auto bad_listener = listener::create(*on, "udp://127.0.0.1:1", {}, {});
    REQUIRE_FALSE(bad_listener);
    CHECK(bad_listener.error() == errc::not_supported);
}

TEST_CASE("links and listeners refuse inproc")
{
    rig on;
    for (const error& why : {link_refusal(*on, to_endpoint("inproc://name")),
                             listener_refusal(*on, to_endpoint("inproc://name"))}) {
        CHECK(why == errc::invalid_argument);
        CHECK(detail_of(why) ==
              "inproc joins message sockets of one process; it has no links and listeners");
    }
}

TEST_CASE("a link refuses the wildcards of listeners")
{
    rig on;
    for (const char* const text :
         {"tcp://*:1", "tcp://127.0.0.1:0", "tcp://127.0.0.1:*", "tcp://*:*", "ipc://*"}) {
        CAPTURE(text);
        CHECK(link_refusal(*on, to_endpoint(text)) == errc::invalid_argument);
    }
}

TEST_CASE("an ipc endpoint with wrong fields is refused")
{
    rig on;
    const auto refusal = [&](auto change) {
        endpoint wrong = to_endpoint("ipc://socket");
        change(wrong);
        const error of_link = link_refusal(*on, wrong);
        CHECK(of_link == errc::invalid_argument);
        CHECK(listener_refusal(*on, wrong) == errc::invalid_argument);
        return detail_of(of_link);
    };
    CHECK(refusal([](endpoint& e) { e.host = ""; }) == "the endpoint has no host");
    CHECK(refusal([](endpoint& e) { e.host = "@"; }) == "the abstract name after '@' is missing");
    CHECK(refusal([](endpoint& e) { e.host = std::string("a\0b", 3); }) ==
          "the path has a NUL in it");
    CHECK(refusal([](endpoint& e) { e.host.assign(108, 'p'); }) ==
          "the path is longer than 107 bytes");
    CHECK(refusal([](endpoint& e) { e.port = 1; }) == "ipc has neither a port nor a source");
    CHECK(refusal([](endpoint& e) { e.source = "lo"; }) == "ipc has neither a port nor a source");
}

#if defined(_WIN32)
TEST_CASE("ipc is not supported on Windows: it is parsed, and refused when it is used")
{
    rig on;
    for (const char* const text : {"ipc://socket", "ipc://@name"}) {
        CHECK(link_refusal(*on, to_endpoint(text)) == errc::not_supported);
        CHECK(listener_refusal(*on, to_endpoint(text)) == errc::not_supported);
    }
    CHECK(listener_refusal(*on, to_endpoint("ipc://*")) == errc::not_supported);
    CHECK(detail_of(listener_refusal(*on, to_endpoint("ipc://*"))) == "ipc needs a POSIX system");
}
#endif

TEST_CASE("a simulated network has neither ipc nor network interfaces")
{
    auto net = simulation::create({});
    REQUIRE(net.has_value());
    const auto host = net->add_host("host", {*address::parse("10.0.0.1", 0)});
    REQUIRE(host.has_value());
    auto on = net->create_loop(*host);
    REQUIRE(on.has_value());
    for (const error& why : {link_refusal(*on, to_endpoint("ipc://socket")),
                             listener_refusal(*on, to_endpoint("ipc://socket")),
                             listener_refusal(*on, to_endpoint("ipc://*"))}) {
        CHECK(why == errc::not_supported);
        CHECK(detail_of(why) == "the simulated network has no ipc");
    }
    CHECK(listener_refusal(*on, to_endpoint("tcp://lo:1")) == errc::address_not_available);
}

TEST_CASE("a listener's endpoint is numeric, and parses to its address")
{
    rig on;
    for (const auto& [text, begin] : {std::pair{"tcp://127.0.0.1:*", "tcp://127.0.0.1:"},
                                      {"tcp://127.0.0.1:0", "tcp://127.0.0.1:"},
                                      {"tcp://*:*", "tcp://0.0.0.0:"},
                                      {"tcp://[::]:*", "tcp://[::]:"},
                                      {"tcp://::1:*", "tcp://[::1]:"}}) {
        CAPTURE(text);
        listener_options options;
        options.at = to_endpoint(text);
        const auto made = listener::create(*on, options, {});
        if (!made && options.at.host.find(':') != std::string::npos)
            SLK_SKIP("needs IPv6");
        REQUIRE(made.has_value());
        const endpoint local = made->local_endpoint();
        CHECK(to_string(local).starts_with(begin));
        CHECK(local.port != 0);
        CHECK(local.numeric() == made->local_address());
        CHECK(to_endpoint(to_string(local)) == local);
    }
}

TEST_CASE("a listener on a missing network interface is an error, and asks no name service")
{
    loop_options with;
    bool asked = false;
    with.lookup = [&](const std::string&, std::uint16_t) -> result<std::vector<address>> {
        asked = true;
        return std::vector{address::loopback(address_family::ipv4, 0)};
    };
    rig on(with);
    for (const char* const text : {"tcp://nosuchif:5555", "tcp://localhost:*"}) {
        const error why = listener_refusal(*on, to_endpoint(text));
        CHECK(why == errc::address_not_available);
        CHECK(detail_of(why) == "no network interface of that name");
    }
    CHECK_FALSE(asked);
}

TEST_CASE("a link from a missing network interface fails, and tries again")
{
    rig on;
    const server peer(*on);
    endpoint to = at(peer.where());
    to.source = "nosuchif";
    reconnect_options options = quick();
    options.policy.set(failure_class::bad_local_address, retry_rule::retry);
    link dialling = make_link(*on, to, options);
    dialling.start();
    REQUIRE(on.until([&] { return dialling.status().attempt >= 3; }));
    CHECK(dialling.status().last_error == errc::address_not_available);
    CHECK(detail_of(dialling.status().last_error) == "no network interface of that name");
}

} // namespace slk::link_tests
