// SPDX-License-Identifier: MPL-2.0

// Properties of every fault: it is injected as often as it was ordered, and links recover from it.

#include "sim/sim_rig.hpp"

#include <set>

using namespace slk;
using namespace slk::testing;

namespace {

/// A listener and a link that exchange bytes whenever they are connected, and are created again if
/// that does not happen in time, so that every fault has its opportunity.
struct traffic {
    explicit traffic(world& in) : in_(in) { restart(); }

    void restart()
    {
        client_.reset();
        server_.reset();
        server_.emplace(*in_.server_loop);
        if (!server_->handle)
            return;
        server_->on_accepted = [this](stream s) {
            server_->streams.push_back(std::move(s));
            senders_.push_back(std::make_unique<stream_sender>(server_->streams.back(), "!!"));
        };
        link_options options;
        options.reconnect = short_delays();
        options.reconnect.connect_timeout = 100ms;
        // A source, so that binding can fail.
        client_.emplace(*in_.client_loop, "tcp://10.0.0.2;server:5000", options);
        client_->on_connected = [this] {
            readers_.push_back(std::make_unique<reader>(client_->connection));
            senders_.push_back(std::make_unique<stream_sender>(client_->connection, "??"));
        };
    }

    /// Returns whether bytes arrive on a new connection.
    bool works()
    {
        const std::size_t before = readers_.size();
        for (int tries = 0; tries < 50; ++tries) {
            restart();
            const auto greeted = [&] {
                return readers_.size() > before && readers_.back()->text == "!!";
            };
            if (in_.until(greeted, 200ms))
                return true;
        }
        return false;
    }

private:
    world& in_;
    std::vector<std::unique_ptr<stream_sender>> senders_;
    std::vector<std::unique_ptr<reader>> readers_;
    std::optional<test_listener> server_;
    std::optional<test_link> client_;
};

} // namespace

TEST_CASE("every fault is injected as often as ordered, is counted, and links recover from it")
{
    for (std::size_t index = 0; index < fault_count; ++index) {
        const auto which = static_cast<fault>(index);
        CAPTURE(name_of(which));
        for (const std::uint32_t times : {1u, 3u}) {
            world in;
            in.net.inject(which, times);
            traffic between(in);
            for (int i = 0; i < 200 && in.net.injected(which) < times; ++i) {
                between.restart();
                in.net.run_for(50ms);
            }
            CHECK(in.net.injected(which) == times);
            CHECK(between.works());
            in.net.run_for(1s);
            CHECK(in.net.injected(which) == times);
            for (std::size_t other = 0; other < fault_count; ++other)
                CHECK((other == index || in.net.injected(static_cast<fault>(other)) == 0));
        }
    }
}

TEST_CASE(
    "every fault is injected at each opportunity at 1000 per mille, never at 0, at times at 300")
{
    for (std::size_t index = 0; index < fault_count; ++index) {
        const auto which = static_cast<fault>(index);
        CAPTURE(name_of(which));
        world in({.faults = fault_rates{.max_delay = 1ms}.set(which, 1000)});
        traffic between(in);
        for (int i = 0; i < 20; ++i) {
            between.restart();
            in.net.run_for(50ms);
        }
        const std::uint64_t always = in.net.injected(which);
        CHECK(always >= 10);
        in.net.set_faults(fault_rates{}.set(which, 0));
        CHECK(between.works());
        CHECK(in.net.injected(which) == always);
        in.net.set_faults(fault_rates{.max_delay = 1ms}.set(which, 300));
        for (int i = 0; i < 100 && in.net.injected(which) == always; ++i) {
            between.restart();
            in.net.run_for(50ms);
        }
        CHECK(in.net.injected(which) > always);
        in.net.heal();
        const std::uint64_t healed = in.net.injected(which);
        CHECK(between.works());
        CHECK(in.net.injected(which) == healed);
    }
}

TEST_CASE("heal() forgets the ordered faults")
{
    world in;
    for (std::size_t index = 0; index < fault_count; ++index)
        in.net.inject(static_cast<fault>(index), 100);
    in.net.heal();
    traffic between(in);
    CHECK(between.works());
    for (std::size_t index = 0; index < fault_count; ++index)
        CHECK(in.net.injected(static_cast<fault>(index)) == 0);
}

TEST_CASE("every fault has its own name")
{
    std::set<std::string_view> names;
    for (std::size_t index = 0; index < fault_count; ++index)
        names.insert(name_of(static_cast<fault>(index)));
    CHECK(names.size() == fault_count);
    CHECK(name_of(static_cast<fault>(fault_count)) == "unknown");
    CHECK(name_of(fault::reset) == "reset");
}
