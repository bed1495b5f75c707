// SPDX-License-Identifier: MPL-2.0
// Links that are stopped, restarted or destroyed from inside their handlers.

#include "link_rig.hpp"

#include "support/skip.hpp"
#include "support/wine.hpp"

#include <array>

namespace slk::link_tests {

namespace {

/// A link that is lost as soon as it is connected, so that it passes through every state, and that
/// makes a request when it first enters one of them.
struct visitor {
    visitor(rig& on, link_state wanted, std::function<void(link&)> ask)
        : peer(*on, 0, [](stream s) { s.reset(); }),
          made(make_link(*on, at(peer.where()), quick(),
                         {.state_changed =
                              [this, wanted, ask](const link_transition& move, const link_status&) {
                                  moves.push_back(move);
                                  // Only a stop leads to idle.
                                  if (wanted == link_state::idle && asked == 0 &&
                                      move.to == link_state::connected)
                                      made.stop();
                                  if (move.to == wanted && asked++ == 0)
                                      ask(made);
                              },
                          .connected = {}}))
    {
        made.start();
    }
    visitor(const visitor&) = delete;
    visitor& operator=(const visitor&) = delete;

    server peer;
    std::vector<link_transition> moves;
    int asked = 0;
    link made;
};

} // namespace

TEST_CASE("a link may be stopped from inside state_changed in every state")
{
    for (const link_state wanted : every_link_state) {
        INFO(std::string(name_of(wanted)));
        rig on;
        visitor link(on, wanted, [](slk::link& self) { self.stop(); });
        REQUIRE(on.until(
            [&] { return link.asked > 0 && link.made.status().state == link_state::idle; }));
        const std::size_t moves = link.moves.size();
        CHECK(link.moves.back().to == link_state::idle);
        CHECK(link.made.status().last_error == errc::cancelled);
        CHECK(link.made.status().peer == address{});
        CHECK(link.made.status().next_attempt == never);
        on.pass(30ms); // longer than any delay of its backoff
        CHECK(link.moves.size() == moves);
        CHECK(link.asked == 1);
        for (std::size_t number = 1; number < moves; ++number)
            CHECK(link.moves[number].from == link.moves[number - 1].to);
    }
}

TEST_CASE("a link may be restarted from inside state_changed in every state")
{
    for (const link_state wanted : every_link_state) {
        INFO(std::string(name_of(wanted)));
        rig on;
        std::uint64_t before = 0;
        visitor link(on, wanted, [&](slk::link& self) {
            before = self.status().attempt;
            self.stop();
            self.start();
        });
        REQUIRE(on.until([&] { return link.asked > 0; }));
        CHECK(on.until([&] { return link.made.status().attempt > before; }));
        CHECK(on.until([&] { return connected(link.made); }));
    }
}

TEST_CASE("a link may be stopped and restarted from inside state_changed while it cannot connect")
{
#if defined(_WIN32)
    if (!testing::running_under_wine())
        SLK_SKIP("Windows refuses when the queue of a listener is full");
#endif
    rig on;
    black_hole hole;
    hole.fill(on);
    reconnect_options options = quick();
    options.connect_timeout = 0ms;
    std::optional<link> dialling;
    dialling.emplace(make_link(*on, at(hole.where()), options,
                               {.state_changed =
                                    [&](const link_transition& move, const link_status& status) {
                                        if (move.to != link_state::connecting)
                                            return;
                                        dialling->stop();
                                        if (status.attempt < 3)
                                            dialling->start();
                                    },
                                .connected = {}}));
    dialling->start();
    REQUIRE(on.until([&] {
        return dialling->status().attempt == 3 && dialling->status().state == link_state::idle;
    }));
    CHECK(dialling->status().last_error == errc::cancelled);
    CHECK(dialling->status().generation == 0);
    // A link that is cancelled and restarted is never idle in between.
    const auto moves = dialling->recent_transitions();
    REQUIRE(moves.size() == 7);
    CHECK(moves[2].from == link_state::connecting);
    CHECK(moves[2].to == link_state::binding);
}

TEST_CASE("a link that is stopped from inside its connected handler passes on no other stream")
{
    rig on;
    server peer(*on);
    int calls = 0;
    std::optional<link> dialling;
    stream kept;
    dialling.emplace(
        make_link(*on, at(peer.where()), quick(), {.state_changed = {}, .connected = [&](stream s) {
                                                       ++calls;
                                                       kept = std::move(s);
                                                       dialling->stop();
                                                   }}));
    dialling->start();
    REQUIRE(on.until([&] { return calls > 0 && dialling->status().state == link_state::idle; }));
    CHECK(kept.native_handle() == -1);
    CHECK(dialling->status().last_error == errc::cancelled);
    on.pass(30ms);
    CHECK(calls == 1);
}

TEST_CASE("a link may be destroyed from inside the handlers of its stream")
{
    enum class inside : std::uint8_t { receive, end, send, drained, cancelled };
    for (const inside where :
         {inside::receive, inside::end, inside::send, inside::drained, inside::cancelled}) {
        CAPTURE(static_cast<int>(where));
        rig on;
        server peer(*on);
        stream handed_over;
        std::optional<link> dialling;
        std::array<std::byte, 1> buffer{};
        const std::array greeting{std::byte{1}};
        int calls = 0;
        const auto destroy = [&](const auto&...) {
            ++calls;
            dialling.reset();
        };
        dialling.emplace(make_link(
            *on, at(peer.where()), quick(),
            {.state_changed = {}, .connected = [&](stream s) { handed_over = std::move(s); }}));
        dialling->start();
        REQUIRE(on.until([&] { return handed_over && !peer.streams.empty(); }));
        if (where == inside::send)
            REQUIRE(handed_over.send(greeting, destroy).has_value());
        else if (where == inside::drained)
            REQUIRE(handed_over.close_after_drain(5s, destroy).has_value());
        else
            REQUIRE(handed_over.receive(buffer, destroy).has_value());
        if (where == inside::receive)
            REQUIRE(peer.streams[0].send(greeting, {}).has_value());
        else if (where == inside::cancelled)
            dialling->stop();
        else if (where != inside::send)
            peer.streams.clear();
        REQUIRE(on.until([&] { return calls > 0; }));
        CHECK_FALSE(dialling.has_value());
        // The stream ends with its link.
        CHECK(on.until([&] { return handed_over.native_handle() == -1; }));
        on.pass(5ms);
        CHECK(calls == 1);
    }
}

TEST_CASE("a listener may be closed from inside its handler, and its streams stay")
{
    rig on;
    std::vector<stream> accepted;
    std::optional<listener> peer;
    listener_options options;
    options.at = at(address::loopback(address_family::ipv4, 0));
    auto made = listener::create(*on, options, {.accepted = [&](stream s) {
        accepted.push_back(std::move(s));
        peer.reset();
    }});
    REQUIRE(made.has_value());
    peer.emplace(std::move(*made));
    const address where = peer->local_address();
    std::vector<link> links;
    for (int number = 0; number < 5; ++number) {
        links.push_back(make_link(*on, at(where), quick()));
        links.back().start();
    }
    REQUIRE(on.until([&] { return !accepted.empty(); }));
    const server next(*on, where.port);
    CHECK(next.listening.has_value());
    CHECK(accepted.size() == 1);
    CHECK(accepted[0].native_handle() != -1);
}

} // namespace slk::link_tests
