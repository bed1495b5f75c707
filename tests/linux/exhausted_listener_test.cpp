// SPDX-License-Identifier: MPL-2.0
// A listener without descriptors: the length of its pause, and its few calls meanwhile.

#include "contract/harness.hpp"
#include "link/link_rig.hpp"
#include "linux/interpose.hpp"

#include <cerrno>
#include <climits>
#include <string>

namespace slk::link_tests {

namespace {

using linux_tests::call;
using linux_tests::count_of;
using linux_tests::injection;
using linux_tests::reset_counts;

/// A listener with its options, and its streams.
struct counted_listener {
    counted_listener(slk::loop& on, listener_options options)
    {
        options.at = at(address::loopback(address_family::ipv4, 0));
        auto made = listener::create(
            on, options, {.accepted = [this](stream s) { streams.push_back(std::move(s)); }});
        REQUIRE(made.has_value());
        listening.emplace(std::move(*made));
    }
    counted_listener(const counted_listener&) = delete;
    counted_listener& operator=(const counted_listener&) = delete;

    [[nodiscard]] listener_status status() const { return listening->status(); }

    std::vector<stream> streams;
    std::optional<listener> listening;
};

/// Connections from a loop of their own, waiting in the backlog.
class waiting_clients {
public:
    waiting_clients(std::string_view backend, const address& where, std::size_t count)
        : on_({.backend = std::string(backend)})
    {
        for (std::size_t number = 0; number < count; ++number) {
            links_.push_back(make_link(*on_, at(where), quick()));
            links_.back().start();
        }
        REQUIRE(on_.until([&] {
            for (const link& each : links_)
                if (!connected(each))
                    return false;
            return true;
        }));
    }

private:
    rig on_;
    std::vector<link> links_;
};

} // namespace

SLK_BACKEND_TEST("a listener without descriptors pauses for as long as its option says")
{
    contract::manual_clock clock;
    rig on({.backend = std::string(backend), .time = &clock});
    listener_options options;
    options.pause = 7s;
    const counted_listener peer(*on, options);
    const waiting_clients clients(backend, peer.listening->local_address(), 1);
    // The clock stands still: turns are bounded by their number.
    const auto turn_until = [&](auto reached) {
        for (int turn = 0; turn < 10'000 && !reached(); ++turn)
            REQUIRE(on->run_for(0ns).has_value());
        return reached();
    };
    {
        const injection fault(call::accept4, EMFILE, 1, INT_MAX);
        REQUIRE(turn_until([&] { return peer.status().state == listener_state::pausing; }));
    }
    CHECK(peer.status().last_error == errc::too_many_descriptors);
    clock.time += 7s - 1ms;
    for (int turn = 0; turn < 20; ++turn)
        REQUIRE(on->run_for(0ns).has_value());
    CHECK(peer.status().state == listener_state::pausing);
    clock.time += 1ms;
    CHECK(turn_until([&] { return peer.streams.size() == 1; }));
    CHECK(peer.status().state == listener_state::listening);
    CHECK(peer.status().pauses == 1);
}

SLK_BACKEND_TEST("E6: an exhausted listener makes few calls, and accepts all clients afterwards")
{
    constexpr std::size_t count = 10;
    rig on({.backend = std::string(backend)});
    listener_options options;
    options.pause = 5ms;
    options.accepts = 4;
    const counted_listener peer(*on, options);
    const waiting_clients clients(backend, peer.listening->local_address(), count);
    {
        // No descriptor at all, not even the one in reserve: nothing can be shed.
        const injection fault(call::accept4, EMFILE, 1, INT_MAX);
        reset_counts();
        REQUIRE(on.until([&] { return peer.status().pauses >= 10; }));
        const auto pauses = static_cast<int>(peer.status().pauses);
        // A few waits and tries for each pause, on any machine. Spinning makes thousands.
        CHECK(count_of(call::wait) <= 10 * (pauses + 1));
        CHECK(fault.hits() <= (options.accepts + 2) * (pauses + 1));
        CHECK(peer.status().shed == 0);
    }
    CHECK(peer.streams.empty());
    CHECK(on.until([&] { return peer.streams.size() == count; }));
    CHECK(peer.status().state == listener_state::listening);
    CHECK(peer.status().accepted == count);
}

SLK_BACKEND_TEST("E7: a listener whose accepts all fail pauses instead of spinning")
{
    for (const int native : {EPERM, EACCES, ENETDOWN}) {
        CAPTURE(native);
        rig on({.backend = std::string(backend)});
        listener_options options;
        options.pause = 5ms;
        const counted_listener peer(*on, options);
        const waiting_clients clients(backend, peer.listening->local_address(), 1);
        {
            const injection fault(call::accept4, native, 1, INT_MAX);
            reset_counts();
            REQUIRE(on.until([&] { return peer.status().pauses >= 5; }));
            const auto pauses = static_cast<int>(peer.status().pauses);
            CHECK(count_of(call::wait) <= 100 * (pauses + 1));
            CHECK(fault.hits() <= 2000 * (pauses + 1));
            CHECK(peer.status().shed == 0);
            CHECK(peer.status().last_error.native == native);
        }
        CHECK(on.until([&] { return peer.streams.size() == 1; }));
        // An accept that was under way already may have accepted it before the pause is over.
        CHECK(on.until([&] { return peer.status().state == listener_state::listening; }));
    }
}

} // namespace slk::link_tests
