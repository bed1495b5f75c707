// SPDX-License-Identifier: MPL-2.0
// The effect of a listener's options on its clients.

#include "link_rig.hpp"

#include "support/skip.hpp"

#include <algorithm>
#include <array>

namespace slk::link_tests {

namespace {

/// Connections from another loop: the listener's loop has not run since they came.
class waiting_clients {
public:
    waiting_clients(const address& where, std::size_t count)
    {
        for (std::size_t number = 0; number < count; ++number) {
            links_.push_back(make_link(*on_, at(where), quick()));
            links_.back().start();
        }
        REQUIRE(on_.until([&] { return std::ranges::all_of(links_, connected); }));
    }

private:
    rig on_;
    std::vector<link> links_;
};

listener_options on_loopback()
{
    listener_options options;
    options.at = at(address::loopback(address_family::ipv4, 0));
    return options;
}

/// The maximum of connections that one turn accepted, with `count` of them waiting.
std::size_t max_in_a_turn(int accepts, std::size_t count)
{
    rig on;
    std::vector<stream> accepted;
    listener_options options = on_loopback();
    options.accepts = accepts;
    auto peer = listener::create(*on, options,
                                 {.accepted = [&](stream s) { accepted.push_back(std::move(s)); }});
    REQUIRE(peer.has_value());
    const waiting_clients clients(peer->local_address(), count);
    std::size_t before = 0;
    std::size_t most = 0;
    CHECK(on.until([&] {
        most = std::max(most, accepted.size() - before);
        before = accepted.size();
        return before == count;
    }));
    return most;
}

} // namespace

TEST_CASE("an IPv6 wildcard accepts IPv4 connections only with dual_stack")
{
    {
        rig on;
        listener_options options;
        options.at = *endpoint::parse("tcp://[::1]:*");
        if (!listener::create(*on, options, {}))
            SLK_SKIP("needs IPv6");
    }
    for (const bool dual_stack : {true, false}) {
        CAPTURE(dual_stack);
        rig on;
        std::vector<stream> accepted;
        listener_options options;
        options.at = *endpoint::parse("tcp://[::]:*");
        options.dual_stack = dual_stack;
        auto peer = listener::create(
            *on, options, {.accepted = [&](stream s) { accepted.push_back(std::move(s)); }});
        REQUIRE(peer.has_value());
        const std::uint16_t port = peer->local_address().port;
        link six = make_link(*on, at(address::loopback(address_family::ipv6, port)), quick());
        six.start();
        REQUIRE(on.until([&] { return connected(six) && accepted.size() == 1; }));

        reconnect_options once;
        once.base = reconnect_never;
        link four = make_link(*on, at(address::loopback(address_family::ipv4, port)), once);
        four.start();
        REQUIRE(on.until([&] {
            return four.status().attempt == 1 && (four.status().state == link_state::idle ||
                                                  four.status().state == link_state::connected);
        }));
        CHECK(connected(four) == dual_stack);
        if (dual_stack) {
            REQUIRE(on.until([&] { return accepted.size() == 2; }));
            CHECK(accepted[1].peer_address().port == four.status().local.port);
        } else {
            CHECK(four.status().last_error == errc::connection_refused);
        }
    }
}

TEST_CASE("one turn accepts as many connections as there are posted accepts, and no more")
{
    CHECK(max_in_a_turn(1, 12) == 1);
    CHECK(max_in_a_turn(3, 12) <= 3);
    CHECK(max_in_a_turn(64, 12) > 1);
}

TEST_CASE("E21: an old connection is served within a few turns of a storm of new ones")
{
    constexpr std::size_t count = 120;
    rig on;
    std::vector<stream> accepted;
    listener_options options = on_loopback();
    options.accepts = 4;
    auto peer = listener::create(*on, options,
                                 {.accepted = [&](stream s) { accepted.push_back(std::move(s)); }});
    REQUIRE(peer.has_value());
    stream old;
    link dialling =
        make_link(*on, at(peer->local_address()), quick(),
                  {.state_changed = {}, .connected = [&](stream s) { old = std::move(s); }});
    dialling.start();
    REQUIRE(on.until([&] { return old && accepted.size() == 1; }));

    const waiting_clients storm(peer->local_address(), count);
    std::array<std::byte, 1> byte{};
    bool heard = false;
    std::size_t taken_before = 0;
    REQUIRE(accepted[0]
                .receive(byte,
                         [&](auto) {
                             heard = true;
                             taken_before = accepted.size();
                         })
                .has_value());
    REQUIRE(old.send(byte, {}).has_value());
    CHECK(on.until([&] { return heard; }));
    CHECK(taken_before < count / 2);
    CHECK(on.until([&] { return accepted.size() == count + 1; }));
}

} // namespace slk::link_tests
