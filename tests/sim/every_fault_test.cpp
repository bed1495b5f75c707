// SPDX-License-Identifier: MPL-2.0

// What all faults have in common: they strike as often as they are told, and a link gets over it.

#include "sim/sim_rig.hpp"

#include <set>

using namespace slk;
using namespace slk::testing;

namespace {

/// A listener and a link that exchange a byte whenever they are connected, and begin anew if that
/// has not happened after a while. Every kind of opportunity comes by.
struct traffic {
    explicit traffic(world& in) : in_(in) { renew(); }

    void renew()
    {
        client_.reset();
        server_.reset();
        server_.emplace(*in_.server_loop);
        if (!server_->handle)
            return;
        server_->on_accepted = [this](stream s) {
            server_->streams.push_back(std::move(s));
            greetings_.push_back(std::make_unique<sender>(server_->streams.back(), "!!"));
        };
        link_options options;
        options.reconnect = short_delays();
        options.reconnect.connect_timeout = 100ms;
        // A source, so that binding can fail.
        client_.emplace(*in_.client_loop, "tcp://10.0.0.2;server:5000", options);
        client_->on_connected = [this] {
            heard_.push_back(std::make_unique<reader>(client_->connection));
            greetings_.push_back(std::make_unique<sender>(client_->connection, "??"));
        };
    }

    /// True once a byte has come through on a new connection.
    bool works()
    {
        const std::size_t before = heard_.size();
        for (int tries = 0; tries < 50; ++tries) {
            renew();
            const auto greeted = [&] {
                return heard_.size() > before && heard_.back()->text == "!!";
            };
            if (in_.until(greeted, 200ms))
                return true;
        }
        return false;
    }

private:
    world& in_;
    std::vector<std::unique_ptr<sender>> greetings_;
    std::vector<std::unique_ptr<reader>> heard_;
    std::optional<test_listener> server_;
    std::optional<test_link> client_;
};

} // namespace

TEST_CASE("every fault strikes as often as ordered, is counted, and links get over it")
{
    for (std::size_t index = 0; index < fault_count; ++index) {
        const auto which = static_cast<fault>(index);
        CAPTURE(name_of(which));
        for (const std::uint32_t times : {1u, 3u}) {
            world in;
            in.net.inject(which, times);
            traffic between(in);
            for (int i = 0; i < 200 && in.net.injected(which) < times; ++i) {
                between.renew();
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

TEST_CASE("every fault strikes at each opportunity by 1000 per mille, at none by 0, some by 300")
{
    for (std::size_t index = 0; index < fault_count; ++index) {
        const auto which = static_cast<fault>(index);
        CAPTURE(name_of(which));
        world in({.faults = fault_rates{.max_delay = 1ms}.set(which, 1000)});
        traffic between(in);
        for (int i = 0; i < 20; ++i) {
            between.renew();
            in.net.run_for(50ms);
        }
        const std::uint64_t always = in.net.injected(which);
        CHECK(always >= 10);
        in.net.set_faults(fault_rates{}.set(which, 0));
        CHECK(between.works());
        CHECK(in.net.injected(which) == always);
        in.net.set_faults(fault_rates{.max_delay = 1ms}.set(which, 300));
        for (int i = 0; i < 100 && in.net.injected(which) == always; ++i) {
            between.renew();
            in.net.run_for(50ms);
        }
        CHECK(in.net.injected(which) > always);
        in.net.heal();
        const std::uint64_t healed = in.net.injected(which);
        CHECK(between.works());
        CHECK(in.net.injected(which) == healed);
    }
}

TEST_CASE("heal forgets what was ordered")
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

TEST_CASE("every fault has a name of its own")
{
    std::set<std::string_view> names;
    for (std::size_t index = 0; index < fault_count; ++index)
        names.insert(name_of(static_cast<fault>(index)));
    CHECK(names.size() == fault_count);
    CHECK(name_of(static_cast<fault>(fault_count)) == "unknown");
    CHECK(name_of(fault::reset) == "reset");
}
