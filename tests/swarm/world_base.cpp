// SPDX-License-Identifier: MPL-2.0
#include "swarm/world_base.hpp"

#include "swarm/faults.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

namespace slk::swarm {

using namespace std::chrono_literals;

world_base::world_base(std::uint64_t seed, const run_options& options,
                       const std::vector<std::string_view>& action_names)
    : random_(seed), options_(options), action_names_(action_names)
{
    result_.seed = seed;
    result_.actions.resize(action_names_.size());
    simulation_options network;
    network.seed = random_.number(0, UINT64_MAX);
    network.faults = choose_faults(random_);
    network.latency = random_.one_of<duration>({20us, 200us, 2ms, 40ms});
    if (options_.log)
        network.log = [](std::string_view text) {
            std::printf("  %.*s\n", static_cast<int>(text.size()), text.data());
        };
    network_.emplace(*simulation::create(network));
    began_ = network_->now();
}

outcome world_base::run()
{
    while (network_->events() < options_.events && ok()) {
        act();
        pass(choose_pause());
    }
    if (ok())
        heal();
    count_links();
    if (ok())
        check_end();
    result_.events = network_->events();
    result_.hash = network_->hash();
    result_.simulated = network_->now() - began_;
    for (std::size_t index = 0; index < fault_count; ++index)
        result_.injected[index] = network_->injected(static_cast<fault>(index));
    return result_;
}

void world_base::add_host(host& added)
{
    added.id = *network_->add_host(added.name, added.addresses);
    all_hosts_.push_back(&added);
}

void world_base::pass(duration time)
{
    const time_point end = after(network_->now(), time);
    const duration stride = stride_of(time);
    while (network_->now() < end && ok()) {
        run_until(std::min(after(network_->now(), stride), end));
        after_stride();
    }
}

void world_base::count_action(std::size_t action)
{
    ++result_.actions[action];
    if (options_.log)
        std::printf("  script: %s\n", action_names_[action].data());
}

void world_base::undo_later(std::function<void()> undo, duration max)
{
    if (random_.chance(80))
        network_->at(after(network_->now(), random_.one_of<duration>({50ms, 1s, max})),
                     std::move(undo));
}

void world_base::suspend(host& which, duration time)
{
    network_->suspend(which.id, time);
    which.asleep_until = after(std::max(which.asleep_until, network_->now()), time);
}

void world_base::inject_any_fault()
{
    const auto times = static_cast<std::uint32_t>(random_.number(1, 5));
    network_->inject(static_cast<fault>(random_.index(fault_count)), times);
}

void world_base::reset_network()
{
    network_->heal();
    for (const host* each : all_hosts_) {
        (void)network_->set_limits(each->id, {});
        for (const host* other : all_hosts_)
            network_->set_latency(each->id, other->id, 200us);
    }
}

void world_base::report_failure(const std::string& what)
{
    if (!ok())
        return;
    const auto time =
        std::chrono::duration_cast<std::chrono::microseconds>(network_->now() - began_);
    result_.failure = "after " + std::to_string(network_->events()) + " events, at " +
                      std::to_string(time.count()) + " us: " + what + "\n" + describe();
}

} // namespace slk::swarm
