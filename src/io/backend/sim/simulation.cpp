// SPDX-License-Identifier: MPL-2.0
#include <serverlink/simulation.hpp>

#include "base/call_user.hpp"
#include "io/backend/sim/network.hpp"
#include "io/backend/sim/sim_poller.hpp"
#include "io/loop_core.hpp"

#include <algorithm>
#include <utility>

namespace slk {

namespace {

constexpr std::string_view fault_names[] = {
    "refuse",       "unreachable",   "syn_loss",       "syn_answer_loss",
    "black_hole",   "connect_error", "no_port",        "reset",
    "half_close",   "delay",         "loss",           "split",
    "short_send",   "short_receive", "transfer_error", "late_completion",
    "late_cancel",  "accept_error",  "accept_gone",    "no_descriptor",
    "bind_error",   "listen_error",  "option_error",   "late_wake",
    "idle_turn",    "wait_error",    "name_slow",      "name_failure",
    "name_missing",
};
static_assert(std::size(fault_names) == fault_count);
static_assert(static_cast<std::size_t>(fault::name_missing) + 1 == fault_count);

/// The limit of clock jumps and suspensions, so that times stay far from overflowing.
constexpr duration max_jump = std::chrono::hours(24 * 365);
constexpr duration max_delay = std::chrono::hours(1);

} // namespace

std::string_view name_of(fault value) noexcept
{
    const auto index = static_cast<std::size_t>(value);
    return index < fault_count ? fault_names[index] : std::string_view("unknown");
}

result<void> simulation_options::validate() const
{
    const auto bad = [](const char* what) {
        return fail(errc::invalid_argument, phase::setup, what);
    };
    if (latency < duration(1) || latency > max_delay)
        return bad("latency is not 1 ns to 1 h");
    if (turn_cost < duration(1) || turn_cost > std::chrono::seconds(1))
        return bad("turn_cost is not 1 ns to 1 s");
    if (faults.max_delay < duration(1) || faults.max_delay > max_delay)
        return bad("faults.max_delay is not 1 ns to 1 h");
    if (std::ranges::any_of(faults.per_mille, [](std::uint16_t each) { return each > 1000; }))
        return bad("faults.per_mille is above 1000");
    return {};
}

result<void> host_limits::validate() const
{
    if (first_port == 0 || first_port > last_port)
        return fail(errc::invalid_argument, phase::setup, "first_port is 0 or above last_port");
    return {};
}

simulation::simulation(std::shared_ptr<io::sim::network> core) noexcept : core_(std::move(core)) {}
simulation::simulation(simulation&& other) noexcept = default;
simulation& simulation::operator=(simulation&& other) noexcept = default;
simulation::~simulation() = default;

result<simulation> simulation::create(simulation_options options)
{
    SLK_TRY(options.validate());
    return simulation(std::make_shared<io::sim::network>(std::move(options)));
}

// --- hosts ---

result<host_id> simulation::add_host(std::string name, std::vector<address> addresses)
{
    SLK_TRY(const std::uint32_t number, core_->add_host(std::move(name), std::move(addresses)));
    return host_id{number};
}

result<loop> simulation::create_loop(host_id on, loop_options options)
{
    if (on.index >= core_->host_count())
        return fail(errc::invalid_argument, phase::setup, "the host is not of this simulation");
    clock& time = core_->at_host(on.index).time;
    auto made = std::make_unique<io::sim::sim_poller>(core_, on.index, time);
    io::sim::sim_poller& poller = *made;
    loop_options used;
    used.time = &time;
    used.seed = options.seed ? *options.seed : core_->random();
    auto loop_made = std::make_shared<io::loop_core>(
        std::move(made), std::vector<refused_backend>{}, std::move(used));
    poller.run = [core = loop_made.get()] { return core->turn_now(); };
    poller.next_turn = [core = loop_made.get()] { return core->wants_turn_at(); };
    return loop(std::move(loop_made));
}

result<void> simulation::set_limits(host_id host, const host_limits& limits)
{
    SLK_TRY(limits.validate());
    if (host.index >= core_->host_count())
        return fail(errc::invalid_argument, phase::setup, "the host is not of this simulation");
    core_->at_host(host.index).limits = limits;
    return {};
}

void simulation::suspend(host_id host, duration time)
{
    if (host.index < core_->host_count())
        core_->suspend(host.index, std::min(time, max_jump));
}

void simulation::jump_clock(host_id host, duration by)
{
    if (host.index < core_->host_count())
        core_->jump_clock(host.index, std::clamp(by, -max_jump, max_jump));
}

// --- the network ---

void simulation::set_latency(host_id a, host_id b, duration one_way)
{
    if (std::max(a.index, b.index) < core_->host_count())
        core_->set_latency(a.index, b.index, std::clamp(one_way, duration(1), max_delay));
}

void simulation::partition(host_id from, host_id to)
{
    if (std::max(from.index, to.index) < core_->host_count())
        core_->partition(from.index, to.index);
}

void simulation::heal(host_id from, host_id to)
{
    if (std::max(from.index, to.index) < core_->host_count())
        core_->heal(from.index, to.index);
}

void simulation::heal()
{
    core_->heal_all();
}

void simulation::set_name(const std::string& name, std::vector<address> addresses)
{
    core_->set_name(name, std::move(addresses));
}

void simulation::remove_name(const std::string& name)
{
    core_->remove_name(name);
}

// --- faults ---

void simulation::set_faults(const fault_rates& faults)
{
    fault_rates used = faults;
    used.max_delay = std::clamp(used.max_delay, duration(1), max_delay);
    core_->set_faults(used);
}

void simulation::inject(fault which, std::uint32_t times)
{
    core_->inject(which, times);
}

void simulation::set_accept_error(errc code)
{
    core_->set_accept_error(code);
}

std::uint64_t simulation::injected(fault which) const noexcept
{
    return core_->times_injected(which);
}

// --- time ---

time_point simulation::now() const noexcept
{
    return core_->now();
}

void simulation::at(time_point when, std::function<void()> work)
{
    if (when != never)
        core_->at(when, std::move(work));
}

void simulation::run_for(duration time)
{
    (void)run_until([] { return false; }, time);
}

bool simulation::run_until(const std::function<bool()>& done, duration timeout)
{
    const auto is_done = [&done] {
        return call_user("the condition of simulation::run_until()", done);
    };
    const time_point limit = after(core_->now(), timeout);
    core_->plan_all_turns();
    for (;;) {
        if (is_done())
            return true;
        core_->plan_turns_after_outside_run();
        if (!core_->step(limit))
            break;
    }
    if (limit != never)
        core_->idle_until(limit);
    return is_done();
}

bool simulation::step(time_point limit)
{
    core_->plan_all_turns();
    return core_->step(limit);
}

// --- evidence ---

std::uint64_t simulation::events() const noexcept
{
    return core_->events();
}

std::uint64_t simulation::hash() const noexcept
{
    return core_->hash();
}

void simulation::note(std::uint64_t value) noexcept
{
    core_->note(value);
}

std::size_t simulation::open_sockets() const noexcept
{
    return core_->open_sockets();
}

std::uint64_t simulation::queue_overflows() const noexcept
{
    return core_->queue_overflows();
}

} // namespace slk
