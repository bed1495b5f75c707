// SPDX-License-Identifier: MPL-2.0
#include "io/backend/sim/network.hpp"

#include "io/backend/sim/sim_poller.hpp"

#include <algorithm>
#include <utility>

namespace slk::io::sim {

namespace {

constexpr duration loopback_latency = std::chrono::microseconds(1);
constexpr duration name_service_latency = std::chrono::milliseconds(1);

[[nodiscard]] std::array<std::uint8_t, 17> without_port(const address& value) noexcept
{
    std::array<std::uint8_t, 17> key{};
    key[0] = static_cast<std::uint8_t>(value.family);
    std::copy(value.bytes.begin(), value.bytes.end(), key.begin() + 1);
    return key;
}

} // namespace

// --- clocks ---

time_point network::host_time(const host& on) const noexcept
{
    return std::max(now_, on.suspended_until) - on.slept + on.clock_ahead;
}

time_point network::network_time(const host& on, time_point there) const noexcept
{
    if (there == never)
        return never;
    const duration behind = on.slept - on.clock_ahead;
    return behind > duration::zero() ? after(there, behind)
                                     : std::max(there, time_point{} - behind) + behind;
}

time_point host_clock::now() noexcept
{
    return network_.host_time(network_.at_host(host_));
}

time_point host_clock::now_with_suspend() noexcept
{
    const host& here = network_.at_host(host_);
    return network_.host_time(here) + here.slept;
}

void network::suspend(std::uint32_t number, duration time)
{
    host& on = hosts_[number];
    if (time <= duration::zero())
        return;
    if (is_suspended(on)) {
        // The suspension is extended.
        on.slept += time;
        on.suspended_until = after(on.suspended_until, time);
        return;
    }
    // During a suspension the clock stands, at the end of the suspension less all suspended time.
    on.suspended_until = after(now_, time);
    on.slept += time;
    mix(static_cast<std::uint64_t>(time.count()));
}

void network::jump_clock(std::uint32_t number, duration by)
{
    hosts_[number].clock_ahead += by;
    mix(static_cast<std::uint64_t>(by.count()));
    plan_all_turns();
}

// --- hosts and paths ---

result<std::uint32_t> network::add_host(std::string name, std::vector<address> addresses)
{
    const auto bad = [](const char* what) {
        return fail(errc::invalid_argument, phase::setup, what);
    };
    if (name.empty())
        return bad("a host needs a name");
    if (names_.contains(name))
        return bad("another host, or a name, is called that");
    for (const address& each : addresses) {
        if (each.family == address_family::none || each.is_any() || each.is_loopback())
            return bad("a host's address is neither a wildcard nor a loopback");
        if (addresses_.contains(without_port(each)))
            return bad("another host has this address");
        if (std::ranges::count(addresses, without_port(each), without_port) > 1)
            return bad("an address is given twice");
    }
    const std::uint32_t number = host_count();
    host& added = hosts_.emplace_back(*this, number);
    added.name = name;
    for (address& each : addresses) {
        each.port = 0;
        addresses_.emplace(without_port(each), number);
    }
    added.addresses = addresses;
    names_.emplace(std::move(name), std::move(addresses));
    return number;
}

std::optional<std::uint32_t> network::host_of(std::uint32_t from,
                                              const address& target) const noexcept
{
    if (target.is_loopback())
        return from;
    const auto found = addresses_.find(without_port(target));
    return found != addresses_.end() ? std::optional(found->second) : std::nullopt;
}

duration network::latency(std::uint32_t from, std::uint32_t to) const noexcept
{
    if (from == to)
        return loopback_latency;
    if (!latencies_.empty())
        if (const auto found = latencies_.find(std::minmax(from, to)); found != latencies_.end())
            return found->second;
    return options_.latency;
}

duration network::travel_time(std::uint32_t from, std::uint32_t to) noexcept
{
    const duration usual = latency(from, to);
    return should_inject(fault::delay) ? usual + random_time(max_delay()) : usual;
}

void network::set_latency(std::uint32_t a, std::uint32_t b, duration one_way)
{
    latencies_[std::minmax(a, b)] = one_way;
}

bool network::is_open(std::uint32_t from, std::uint32_t to) const noexcept
{
    return closed_paths_.empty() || !closed_paths_.contains({from, to});
}

void network::partition(std::uint32_t from, std::uint32_t to)
{
    if (closed_paths_.emplace(from, to).second)
        path_closed(from, to);
}

void network::heal(std::uint32_t from, std::uint32_t to)
{
    if (closed_paths_.erase({from, to}) > 0)
        path_opened(from, to);
}

// --- names ---

void network::set_name(const std::string& name, std::vector<address> addresses)
{
    names_[name] = std::move(addresses);
}

void host_names::look_up(const std::string& name, std::uint16_t port, handler done)
{
    network_.look_up(host_, name, port, std::move(done));
}

void network::look_up(std::uint32_t from, const std::string& name, std::uint16_t port,
                      name_service::handler done)
{
    duration time = name_service_latency;
    if (should_inject(fault::name_slow))
        time += random_time(100 * max_delay());
    std::optional<error> failure;
    if (should_inject(fault::name_failure))
        failure = system_failure(errc::name_lookup_failed, phase::resolve);
    else if (should_inject(fault::name_missing))
        failure = system_failure(errc::name_not_found, phase::resolve);
    const std::uint32_t number = questions_.take();
    question& asked = questions_[number];
    asked = {from, name, port, failure, std::move(done), asked.generation + 1};
    events_ahead_.push(now_ + time, event_kind::name, from, asked.generation, number);
}

/// The name service works again: slow answers come now, and failed ones are correct.
void network::answer_now()
{
    for (std::uint32_t number = 0; number < questions_.size(); ++number) {
        question& asked = questions_[number];
        if (asked.done == nullptr)
            continue;
        asked.failure.reset();
        events_ahead_.push(now_ + name_service_latency, event_kind::name, asked.host,
                           asked.generation, number);
    }
}

void network::handle_name(std::uint32_t number, std::uint32_t generation)
{
    if (questions_[number].generation != generation || questions_[number].done == nullptr)
        return;
    question asked = std::move(questions_[number]);
    questions_[number].done = nullptr;
    questions_.give_back(number);
    if (asked.failure)
        return asked.done(fail(*asked.failure));
    std::vector<address> found;
    if (const auto known = names_.find(asked.name); known != names_.end())
        found = known->second;
    if (found.empty())
        return asked.done(fail(system_failure(errc::name_not_found, phase::resolve)));
    for (address& each : found)
        each.port = asked.port;
    asked.done(std::move(found));
}

} // namespace slk::io::sim
