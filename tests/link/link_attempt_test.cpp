// SPDX-License-Identifier: MPL-2.0
// One attempt: name lookup, the addresses in their order, and the deadline over all of it.

#include "link_rig.hpp"

#include "support/skip.hpp"
#include "support/wine.hpp"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>

namespace slk::link_tests {

namespace {

/// Holds lookups back until it is opened; outlives the loop, as a blocked resolver might.
class gate {
public:
    void open()
    {
        const std::lock_guard guard(mutex_);
        is_open_ = true;
        changed_.notify_all();
    }
    void pass()
    {
        std::unique_lock guard(mutex_);
        changed_.wait_for(guard, 20s, [this] { return is_open_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_open_ = false;
};

endpoint named(const char* host)
{
    return *endpoint::parse("tcp://" + std::string(host) + ":1");
}

const link_transition* move_to(const std::vector<link_transition>& moves, link_state state)
{
    for (const link_transition& move : moves)
        if (move.to == state)
            return &move;
    return nullptr;
}

} // namespace

TEST_CASE("a link into a black hole times out at its deadline")
{
#if defined(_WIN32)
    if (!testing::running_under_wine())
        SLK_SKIP("Windows refuses when the queue of a listener is full");
#endif
    rig on;
    black_hole hole;
    hole.fill(on);
    reconnect_options options = quick();
    options.connect_timeout = 150ms;
    link dialling = make_link(*on, at(hole.where()), options);
    dialling.start();
    REQUIRE(on.until(
        [&] { return move_to(dialling.recent_transitions(), link_state::backoff) != nullptr; }));
    const auto moves = dialling.recent_transitions();
    const link_transition* const began = move_to(moves, link_state::binding);
    const link_transition* const ended = move_to(moves, link_state::backoff);
    REQUIRE(began != nullptr);
    CHECK(ended->reason == errc::timed_out);
    CHECK(ended->at - began->at >= 150ms);
    CHECK(ended->at - began->at < 1500ms);
    CHECK(dialling.status().last_error_address == hole.where());
}

TEST_CASE("a lookup that blocks ends at the deadline and delays no other link")
{
    const auto blocked = std::make_shared<gate>();
    loop_options with;
    address live;
    with.lookup = [blocked, &live](const std::string& host,
                                   std::uint16_t) -> result<std::vector<address>> {
        if (host != "slow")
            return std::vector{live};
        blocked->pass(); // the end of the test
        return std::vector<address>{};
    };
    rig on(with);
    server peer(*on);
    live = peer.where();
    reconnect_options options = quick();
    options.connect_timeout = 100ms;
    options.base = reconnect_never;
    link slow = make_link(*on, named("slow"), options);
    link fast = make_link(*on, named("fast"), options);
    slow.start();
    fast.start();
    REQUIRE(on.until([&] { return connected(fast); }));
    CHECK(slow.status().state == link_state::binding);
    REQUIRE(on.until([&] { return slow.status().state == link_state::idle; }));
    CHECK(slow.status().last_error == errc::timed_out);
    CHECK(connected(fast));
    blocked->open();
}

TEST_CASE("stop ends a blocked lookup at once")
{
    const auto blocked = std::make_shared<gate>();
    loop_options with;
    with.lookup = [blocked](const std::string&, std::uint16_t) -> result<std::vector<address>> {
        blocked->pass();
        return std::vector<address>{};
    };
    rig on(with);
    link slow = make_link(*on, named("slow"), quick());
    slow.start();
    REQUIRE(on.until([&] { return slow.status().state == link_state::binding; }));
    slow.stop();
    CHECK(on.until([&] { return slow.status().state == link_state::idle; }));
    blocked->open();
}

TEST_CASE("a link follows a lookup that fails, finds nothing, and then returns another address")
{
    loop_options with;
    address dead;
    address live;
    std::atomic<int> asked = 0;
    with.lookup = [&](const std::string& host, std::uint16_t port) -> result<std::vector<address>> {
        CHECK(host == "moving");
        CHECK(port == 1);
        switch (++asked) {
        case 1: return fail(errc::name_lookup_failed, phase::resolve);
        case 2: return std::vector<address>{};
        case 3: return std::vector{dead};
        default: return std::vector{live};
        }
    };
    rig on(with);
    const dead_end nobody;
    server peer(*on);
    dead = nobody.where();
    live = peer.where();
    std::vector<errc> reasons;
    link dialling = make_link(*on, named("moving"), quick(),
                              {.state_changed =
                                   [&](const link_transition& move, const link_status&) {
                                       if (move.to == link_state::backoff)
                                           reasons.push_back(move.reason.code);
                                   },
                               .connected = {}});
    dialling.start();
    REQUIRE(on.until([&] { return connected(dialling); }));
    CHECK(reasons ==
          std::vector{errc::name_lookup_failed, errc::name_not_found, errc::connection_refused});
    CHECK(dialling.status().attempt == 4);
    CHECK(dialling.status().peer == live);
}

TEST_CASE("one attempt tries every address of the name, in the order of the answer")
{
    loop_options with;
    std::vector<address> answer;
    with.lookup = [&](const std::string&, std::uint16_t) -> result<std::vector<address>> {
        return answer;
    };
    rig on(with);
    const dead_end first;
    const dead_end second;
    server peer(*on);
    server never_reached(*on);
    answer = {first.where(), second.where(), peer.where(), never_reached.where()};
    std::vector<address> tried;
    link dialling = make_link(*on, named("many"), quick(),
                              {.state_changed =
                                   [&](const link_transition& move, const link_status& status) {
                                       if (move.to == link_state::connecting)
                                           tried.push_back(status.peer);
                                   },
                               .connected = {}});
    dialling.start();
    REQUIRE(on.until([&] { return connected(dialling); }));
    CHECK(dialling.status().attempt == 1);
    CHECK(tried == std::vector{first.where(), second.where(), peer.where()});
    CHECK(never_reached.streams.empty());
}

TEST_CASE("stop on refused stops only when every address refused")
{
    loop_options with;
    std::vector<address> answer;
    with.lookup = [&](const std::string&, std::uint16_t) -> result<std::vector<address>> {
        return answer;
    };
    rig on(with);
    const dead_end first;
    const dead_end second;
    answer = {first.where(), second.where()};
    reconnect_options options = quick();
    options.policy = retry_policy::stop_on_refused();
    link dialling = make_link(*on, named("many"), options);
    dialling.start();
    REQUIRE(on.until([&] {
        return dialling.status().state == link_state::idle && dialling.status().attempt == 1;
    }));
    CHECK(dialling.status().last_error == errc::connection_refused);
}

TEST_CASE("an address of another family than the source's is not tried")
{
    loop_options with;
    with.lookup = [](const std::string&, std::uint16_t) -> result<std::vector<address>> {
        return std::vector{address::loopback(address_family::ipv6, 1)};
    };
    rig on(with);
    reconnect_options options;
    options.base = reconnect_never;
    link dialling = make_link(*on, *endpoint::parse("tcp://127.0.0.1;six:1"), options);
    dialling.start();
    REQUIRE(on.until([&] {
        return dialling.status().state == link_state::idle && dialling.status().attempt == 1;
    }));
    CHECK(dialling.status().last_error == errc::address_family_not_supported);
}

} // namespace slk::link_tests
