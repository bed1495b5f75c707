// SPDX-License-Identifier: MPL-2.0
// Names with several addresses (RFC 8305).

#include "link/address_order.hpp"
#include "link_rig.hpp"

#include "io/loop_core.hpp"
#include "support/skip.hpp"
#include "support/wine.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace slk::link_tests {

namespace {

/// The name service's result: set by the test, read by the lookup's thread.
struct name_service {
    std::mutex guard;
    result<std::vector<address>> answer = fail(errc::name_not_found, phase::resolve);
    int asked = 0;

    void set(std::vector<address> found)
    {
        const std::lock_guard lock(guard);
        answer = result<std::vector<address>>(std::move(found));
    }
    void break_with(errc why)
    {
        const std::lock_guard lock(guard);
        answer = result<std::vector<address>>(fail(why, phase::resolve));
    }
    int times_asked()
    {
        const std::lock_guard lock(guard);
        return asked;
    }
};

loop_options asking(const std::shared_ptr<name_service>& names)
{
    loop_options options;
    options.lookup = [names](const std::string&, std::uint16_t) {
        const std::lock_guard lock(names->guard);
        ++names->asked;
        return names->answer;
    };
    return options;
}

reconnect_options racing()
{
    reconnect_options options = quick();
    options.address_stagger = 100ms;
    return options;
}

const endpoint by_name = *endpoint::parse("tcp://several.example:7");

/// The number of open sockets on the loop.
std::uint32_t open_sockets(slk::loop& of)
{
    return of.core()->io().open_sockets();
}

} // namespace

TEST_CASE("the families of a name's addresses alternate, and each keeps its order")
{
    const auto four = [](std::uint16_t port) {
        return address::loopback(address_family::ipv4, port);
    };
    const auto six = [](std::uint16_t port) {
        return address::loopback(address_family::ipv6, port);
    };
    std::vector<address> list{six(1), six(2), six(3), four(1), four(2)};
    link_detail::interleave_families(list);
    CHECK(list == std::vector<address>{six(1), four(1), six(2), four(2), six(3)});
    list = {four(1), four(2), six(1)};
    link_detail::interleave_families(list);
    CHECK(list == std::vector<address>{four(1), six(1), four(2)});
    list = {};
    link_detail::interleave_families(list);
    CHECK(list.empty());
}

TEST_CASE("an address that does not answer is overtaken after the stagger, and closed")
{
#if defined(_WIN32)
    if (!testing::running_under_wine())
        SLK_SKIP("Windows refuses when the queue of a listener is full");
#endif
    const auto names = std::make_shared<name_service>();
    rig on(asking(names));
    black_hole hole;
    hole.fill(on);
    server peer(*on);
    names->set({hole.where(), peer.where()});
    const std::uint32_t before = open_sockets(*on);
    link dialling = make_link(*on, by_name, racing());
    const time_point begin = on->now();
    dialling.start();
    REQUIRE(on.until([&] { return connected(dialling) && !peer.streams.empty(); }));
    CHECK(on->now() - begin >= 100ms);
    CHECK(dialling.status().attempt == 1);
    CHECK(dialling.status().peer == peer.where());
    CHECK(dialling.address_failures().empty());
    // The two ends of the connection, and no loser.
    CHECK(open_sockets(*on) == before + 2);
}

TEST_CASE("an address that refuses is followed by the next one at once")
{
    const auto names = std::make_shared<name_service>();
    rig on(asking(names));
    const dead_end nobody;
    server peer(*on);
    names->set({nobody.where(), nobody.where(), peer.where()});
    reconnect_options options = quick();
    options.address_stagger = 2s;
    options.connect_timeout = 60s;
    link dialling = make_link(*on, by_name, options);
    dialling.start();
    REQUIRE(on.until([&] { return connected(dialling); }, 60s));
    CHECK(dialling.status().attempt == 1);
    const auto failures = dialling.address_failures();
    REQUIRE(failures.size() == 2);
    for (const address_failure& each : failures) {
        CHECK(each.address == nobody.where());
        CHECK(each.reason == errc::connection_refused);
    }
    const auto moves = dialling.recent_transitions();
    if (!testing::running_under_wine()) // where a refusal takes its time
        CHECK(moves.back().at - moves.front().at < 2s);
}

TEST_CASE("a link that has connected still names the address that failed before")
{
    const auto names = std::make_shared<name_service>();
    rig on(asking(names));
    const dead_end nobody;
    server peer(*on);
    names->set({nobody.where(), peer.where()});
    link dialling = make_link(*on, by_name, quick());
    dialling.start();
    REQUIRE(on.until([&] { return connected(dialling); }, 60s));
    CHECK(dialling.status().peer == peer.where());
    CHECK(dialling.status().last_error == errc::connection_refused);
    CHECK(dialling.status().last_error_address == nobody.where());
}

TEST_CASE("the addresses of a name fail as one cycle, with one backoff and every reason kept")
{
    const auto names = std::make_shared<name_service>();
    rig on(asking(names));
    const dead_end one;
    const dead_end two;
    names->set({one.where(), two.where()});
    reconnect_options options;
    options.base = options.floor = options.cap = 1h;
    link dialling = make_link(*on, by_name, options);
    dialling.start();
    REQUIRE(on.until([&] { return dialling.status().state == link_state::backoff; }, 60s));
    CHECK(dialling.status().attempt == 1);
    CHECK(dialling.status().retries == 1);
    CHECK(dialling.status().last_error == errc::connection_refused);
    const auto failures = dialling.address_failures();
    REQUIRE(failures.size() == 2);
    CHECK(failures[0].address == one.where());
    CHECK(failures[1].address == two.where());
    CHECK(dialling.report().find(to_string(one.where())) != std::string::npos);
    dialling.retry_now();
    dialling.stop();
    CHECK(on.until([&] { return dialling.status().state == link_state::idle; }));
}

TEST_CASE("a fifth address waits until one of the four in the race has failed")
{
#if defined(_WIN32)
    if (!testing::running_under_wine())
        SLK_SKIP("Windows refuses when the queue of a listener is full");
#endif
    const auto names = std::make_shared<name_service>();
    rig on(asking(names));
    black_hole hole;
    hole.fill(on);
    server peer(*on);
    names->set({hole.where(), hole.where(), hole.where(), hole.where(), peer.where()});
    reconnect_options options = racing();
    options.base = options.floor = options.cap = 1h;
    options.connect_timeout = 800ms;
    const std::uint32_t before = open_sockets(*on);
    link dialling = make_link(*on, by_name, options);
    dialling.start();
    std::uint32_t most = 0;
    REQUIRE(on.until([&] {
        most = std::max(most, open_sockets(*on) - before);
        return dialling.status().state == link_state::backoff;
    }));
    CHECK(most == 4);
    CHECK(peer.streams.empty());
    CHECK(dialling.status().last_error == errc::timed_out);
    CHECK(open_sockets(*on) == before);
}

TEST_CASE("a stop in the middle of a race leaves nothing open")
{
#if defined(_WIN32)
    if (!testing::running_under_wine())
        SLK_SKIP("Windows refuses when the queue of a listener is full");
#endif
    const auto names = std::make_shared<name_service>();
    rig on(asking(names));
    black_hole hole;
    hole.fill(on);
    names->set({hole.where(), hole.where(), hole.where()});
    const std::uint32_t before = open_sockets(*on);
    link dialling = make_link(*on, by_name, racing());
    dialling.start();
    REQUIRE(on.until([&] { return open_sockets(*on) == before + 2; }));
    dialling.stop();
    REQUIRE(on.until([&] { return dialling.status().state == link_state::idle; }));
    CHECK(open_sockets(*on) == before);
    CHECK(dialling.address_failures().empty());
}

TEST_CASE("a name is looked up again at each cycle, and its new address is found")
{
    const auto names = std::make_shared<name_service>();
    rig on(asking(names));
    const dead_end nobody;
    server peer(*on);
    names->set({nobody.where()});
    link dialling = make_link(*on, by_name, quick());
    dialling.start();
    REQUIRE(on.until([&] { return dialling.status().attempt == 3; }));
    CHECK(names->times_asked() >= 2);
    names->set({peer.where()});
    CHECK(on.until([&] { return connected(dialling); }));
    CHECK(dialling.address_failures().empty());
}

TEST_CASE("while the name service fails, its last answer is used; a name that is gone is gone")
{
    const auto names = std::make_shared<name_service>();
    rig on(asking(names));
    server peer(*on);
    names->break_with(errc::name_lookup_failed);
    link dialling = make_link(*on, by_name, quick());
    dialling.start();
    REQUIRE(on.until([&] { return dialling.status().attempt == 3; }));
    CHECK(dialling.status().last_error == errc::name_lookup_failed);
    names->set({peer.where()});
    REQUIRE(on.until([&] { return connected(dialling) && peer.streams.size() == 1; }));

    names->break_with(errc::name_lookup_failed);
    peer.streams.clear();
    CHECK(on.until([&] { return connected(dialling) && dialling.status().generation == 2; }));

    REQUIRE(on.until([&] { return peer.streams.size() == 1; }));
    names->break_with(errc::name_not_found);
    peer.streams.clear();
    REQUIRE(on.until([&] { return dialling.status().last_error == errc::name_not_found; }));
    CHECK(dialling.status().generation == 2);
}

} // namespace slk::link_tests
