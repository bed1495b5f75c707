// SPDX-License-Identifier: MPL-2.0
#include "link/listener_machine.hpp"

#include "link_rig.hpp"

#include "support/wine.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <tuple>

#if defined(__linux__)
#include <sys/resource.h>
#endif

namespace slk::link_tests {

using namespace link_detail;

TEST_CASE("the listener's machine makes the moves of its table, all of them, and no others")
{
    constexpr error gone{errc::connection_reset, phase::accept};
    constexpr error exhausted{errc::too_many_descriptors, phase::accept};
    constexpr error broken{errc::invalid_argument, phase::accept};
    std::set<std::tuple<listener_state, listener_event, listener_state>> seen;
    const time_point now{1h};
    const auto prepared = [&](listener_state wanted) {
        listener_machine machine;
        if (wanted != listener_state::idle)
            machine.step(50ms, now, listener_event::opened);
        if (wanted == listener_state::pausing)
            machine.step(50ms, now, listener_event::accept_failed, exhausted);
        if (wanted == listener_state::opening)
            machine.step(50ms, now, listener_event::accept_failed, broken);
        REQUIRE(machine.state() == wanted);
        return machine;
    };
    const auto table = listener_transitions();
    for (const listener_state from : {listener_state::idle, listener_state::opening,
                                      listener_state::listening, listener_state::pausing}) {
        for (std::size_t number = 0; number < listener_event_count; ++number) {
            const auto event = static_cast<listener_event>(number);
            const bool legal = std::ranges::any_of(table, [&](const listener_transition& row) {
                return row.from == from && row.event == event;
            });
            for (const error& failure : {gone, exhausted, broken}) {
                INFO(name_of(from), " ", name_of(event));
                listener_machine machine = prepared(from);
                const listener_actions todo = machine.step(50ms, now, event, failure);
                const bool nothing = !todo.post && !todo.shed && !todo.close_socket && !todo.open &&
                                     !todo.disarm && todo.arm == never;
                if (legal) {
                    seen.insert({from, event, machine.state()});
                } else {
                    CHECK(nothing);
                    CHECK(machine.state() == from);
                }
                if (machine.state() == listener_state::pausing && from != machine.state())
                    CHECK(todo.arm == now + 50ms);
                if (todo.post)
                    CHECK(machine.state() == listener_state::listening);
                if (event == listener_event::stop && from != listener_state::idle)
                    CHECK((todo.disarm && todo.close_socket));
            }
        }
    }
    std::set<std::tuple<listener_state, listener_event, listener_state>> rows;
    for (const listener_transition& row : table)
        rows.insert({row.from, row.event, row.to});
    CHECK(rows == seen);
}

TEST_CASE("a listener reports where it listens and counts what it accepts")
{
    rig on;
    server peer(*on);
    const address where = peer.where();
    CHECK(where.port != 0);
    CHECK(where.is_loopback());
    CHECK(peer.listening->status().state == listener_state::listening);
    std::vector<link> links;
    for (int number = 0; number < 50; ++number) {
        links.push_back(make_link(*on, at(where), quick()));
        links.back().start();
    }
    CHECK(on.until([&] { return peer.streams.size() == 50; }));
    const listener_status status = peer.listening->status();
    CHECK(status.accepted == 50);
    CHECK(status.failed == 0);
    CHECK(status.shed == 0);
    CHECK(status.pauses == 0);
    CHECK(peer.streams[0].local_address() == where);
}

TEST_CASE("a listener asks about each connection, and resets those that are not admitted")
{
    rig on;
    std::vector<stream> streams;
    std::vector<address> asked;
    listener_options options;
    options.at = at(address::loopback(address_family::ipv4, 0));
    auto made =
        listener::create(*on, options,
                         {.accepted = [&](stream made) { streams.push_back(std::move(made)); },
                          .failed = {},
                          .admits =
                              [&](const address& peer) {
                                  asked.push_back(peer);
                                  return asked.size() == 3;
                              }});
    REQUIRE(made.has_value());
    link dialling = make_link(*on, at(made->local_address()), quick());
    dialling.start();
    REQUIRE(on.until([&] { return !streams.empty(); }));
    CHECK(asked.size() == 3);
    CHECK(asked[2] == streams[0].peer_address());
    CHECK(made->status().refused == 2);
    CHECK(made->status().accepted == 1);
    CHECK(made->status().failed == 0);
    CHECK_FALSE(made->status().last_error);
    CHECK(on.until([&] { return connected(dialling); }));
}

TEST_CASE("a listener may be destroyed while it asks about a connection")
{
    for (const bool answer : {true, false}) {
        rig on;
        std::optional<listener> made;
        bool asked = false;
        listener_options options;
        options.at = at(address::loopback(address_family::ipv4, 0));
        auto created = listener::create(*on, options,
                                        {.accepted = [](stream) { FAIL("was accepted"); },
                                         .failed = {},
                                         .admits =
                                             [&](const address&) {
                                                 asked = true;
                                                 made.reset();
                                                 return answer;
                                             }});
        REQUIRE(created.has_value());
        made.emplace(std::move(*created));
        link dialling = make_link(*on, at(made->local_address()), quick());
        dialling.start();
        CHECK(on.until([&] { return asked; }));
        on.pass(10ms);
    }
}

TEST_CASE("a closed listener frees its port at once and leaves its streams alone")
{
    rig on;
    server peer(*on);
    const address where = peer.where();
    const link dialling = [&] {
        link made = make_link(*on, at(where), quick());
        made.start();
        return made;
    }();
    REQUIRE(on.until([&] { return connected(dialling) && !peer.streams.empty(); }));
    peer.listening->close();
    CHECK(peer.listening->status().state == listener_state::idle);
    const server next(*on, where.port);
    CHECK(next.listening.has_value());
    on.pass(10ms);
    CHECK(connected(dialling));
    CHECK(dialling.status().generation == 1);
}

TEST_CASE("a port that is taken is address_in_use")
{
    rig on;
    const server first(*on);
    const server second(*on, first.where().port);
    CHECK_FALSE(second.listening.has_value());
    CHECK(second.failure == errc::address_in_use);
}

TEST_CASE("bad listener options are refused by name, and names are not looked up")
{
    rig on;
    const auto refusal = [&](auto change) {
        listener_options options;
        options.at = *endpoint::parse("tcp://127.0.0.1:*");
        change(options);
        const auto made = listener::create(*on, options, {});
        REQUIRE_FALSE(made.has_value());
        CHECK(made.error().detail != nullptr);
        return made.error().code;
    };
    CHECK(refusal([](auto& o) { o.backlog = 0; }) == errc::invalid_argument);
    CHECK(refusal([](auto& o) { o.accepts = 0; }) == errc::invalid_argument);
    CHECK(refusal([](auto& o) { o.accepts = 65; }) == errc::invalid_argument);
    CHECK(refusal([](auto& o) { o.pause = 0ms; }) == errc::invalid_argument);
    CHECK(refusal([](auto& o) { o.pause = 61s; }) == errc::invalid_argument);
    CHECK(refusal([](auto& o) { o.at = {}; }) == errc::invalid_argument);
    CHECK(refusal([](auto& o) { o.at.source = "127.0.0.1"; }) == errc::invalid_argument);
    CHECK(refusal([](auto& o) { o.tuning.device = "lo"; }) == errc::invalid_argument);
    CHECK(refusal([](auto& o) { o.tuning.type_of_service = -1; }) == errc::invalid_argument);
    CHECK(refusal([](auto& o) { o.at.host = "localhost"; }) == errc::address_not_available);
}

/// A link that sends one byte as soon as it is connected, and receives. When a listener's queue
/// overflows, Linux answers with SYN cookies, and a connection whose last segment finds the queue
/// full again exists only at the client: it notices that only by sending.
class talking_link {
public:
    talking_link(slk::loop& on, const address& where)
        : link_(make_link(on, at(where), {},
                          {.connected = [this](stream s) { greet(std::move(s)); }}))
    {
        link_.start();
    }
    talking_link(const talking_link&) = delete;
    talking_link& operator=(const talking_link&) = delete;

    [[nodiscard]] bool is_connected() const { return connected(link_); }

private:
    void greet(stream handed_over)
    {
        stream_ = std::move(handed_over);
        CHECK(stream_.send(word_, {}).has_value());
        CHECK(stream_.receive(heard_, {}).has_value());
    }

    std::array<std::byte, 1> word_{};
    std::array<std::byte, 1> heard_{};
    stream stream_;
    link link_;
};

TEST_CASE("thousands of links of one process connect to one listener at the same time")
{
    std::size_t count = testing::running_under_wine() ? 1000 : 5000;
#if defined(__linux__)
    rlimit limit{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const rlimit before = limit;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    count = std::min<std::size_t>(count, (limit.rlim_cur - 100) / 2);
#endif
    {
        rig on;
        server peer(*on);
        std::deque<talking_link> links;
        for (std::size_t number = 0; number < count; ++number)
            links.emplace_back(*on, peer.where());
        const auto all_connected = [&] {
            return peer.streams.size() >= count &&
                   std::ranges::all_of(links,
                                       [](const talking_link& l) { return l.is_connected(); });
        };
        CHECK(on.until(all_connected, 60s));
    }
#if defined(__linux__)
    setrlimit(RLIMIT_NOFILE, &before);
#endif
    MESSAGE(count << " links");
}

} // namespace slk::link_tests
