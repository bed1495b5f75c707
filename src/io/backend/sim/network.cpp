// SPDX-License-Identifier: MPL-2.0
#include "io/backend/sim/network.hpp"

#include "base/call_user.hpp"
#include "io/backend/sim/sim_poller.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace slk::io::sim {

namespace {

constexpr const char* event_names[] = {
    "turn",   "syn",        "syn again", "syn answered", "no connection", "segment",
    "window", "resend",     "give up",   "keep-alive",   "broken",        "accept",
    "gone",   "completion", "name",      "call",
};
static_assert(std::size(event_names) == static_cast<std::size_t>(event_kind::call) + 1);

/// The errors of accept on any system, and the codes that the tables make of them.
constexpr errc accept_errors[] = {
    errc::connection_aborted,
    errc::protocol_error,
    errc::permission_denied,
    errc::network_down,
    errc::host_unreachable,
    errc::network_unreachable,
    errc::timed_out,
    errc::not_supported,
    errc::too_many_descriptors,
    errc::out_of_memory,
    errc::address_family_not_supported,
    errc::invalid_argument,
    errc::unknown,
};

} // namespace

network::network(simulation_options options)
    : options_(std::move(options)), random_(options_.seed), faults_(options_.faults)
{
    names_.emplace("localhost", std::vector{address::loopback(address_family::ipv6, 0),
                                            address::loopback(address_family::ipv4, 0)});
}

network::~network() = default;

// --- what happens ---

void network::mix(std::uint64_t value) noexcept
{
    // A SplitMix64 step over the previous hash and the value: equal only for equal histories.
    hash_ = random_stream(hash_ ^ value).next();
}

void network::note(std::uint64_t value) noexcept
{
    mix(value);
}

void network::record(const event& next)
{
    ++events_;
    mix(static_cast<std::uint64_t>(next.at.time_since_epoch().count()));
    mix(std::uint64_t{next.subject} << 32 | next.detail << 8 | static_cast<unsigned>(next.kind));
    if (options_.log)
        log(next);
}

void network::log(const event& next)
{
    const auto passed = (now_ - time_point(std::chrono::hours(1))).count();
    char line[160];
    const int length = std::snprintf(
        line, sizeof line, "%lld.%09lld %s %u %u", static_cast<long long>(passed / 1'000'000'000),
        static_cast<long long>(passed % 1'000'000'000),
        event_names[static_cast<std::size_t>(next.kind)], next.subject, next.detail);
    const std::string_view text(line, static_cast<std::size_t>(length));
    call_user("simulation_options::log", [&] { options_.log(text); });
}

void network::handle(const event& next)
{
    now_ = std::max(now_, next.at);
    record(next);
    const socket_ref subject{next.subject, next.generation};
    switch (next.kind) {
    case event_kind::turn: return handle_turn(next.subject);
    case event_kind::syn: return handle_syn(subject);
    case event_kind::syn_again: return handle_syn_again(subject);
    case event_kind::syn_answer: return handle_syn_answer(subject, next.detail);
    case event_kind::no_connection:
        return handle_no_connection(subject, static_cast<errc>(next.detail));
    case event_kind::segment: return handle_segment(next.detail);
    case event_kind::window: return handle_window(subject);
    case event_kind::resend: return handle_resend(subject);
    case event_kind::give_up: return handle_give_up(subject, next.detail);
    case event_kind::keep_alive: return handle_keep_alive(subject, next.detail);
    case event_kind::broken: return handle_broken(subject);
    case event_kind::accept: return handle_accept(subject);
    case event_kind::gone: return handle_gone(subject);
    case event_kind::completion: return handle_completion(next.detail);
    case event_kind::name: return handle_name(next.detail, next.generation);
    case event_kind::call: return handle_call(next.detail);
    }
}

bool network::step(time_point limit)
{
    check_wakes();
    if (events_ahead_.next_at() > limit || events_ahead_.next_at() == never)
        return false;
    handle(events_ahead_.pop());
    return true;
}

void network::pass_time(duration time)
{
    const time_point limit = now_ + time;
    while (step(limit)) {
    }
    now_ = std::max(now_, limit);
}

void network::advance(sim_poller& waiting, time_point until)
{
    sim_poller* const outer = std::exchange(waiting_, &waiting);
    run_from_outside_ = true;
    plan_all_turns();
    // Every turn takes time, or a program that never waits would stop the simulation.
    pass_time(options_.turn_cost);
    const host& here = waiting.host_here();
    for (;;) {
        check_wakes();
        // A wake from now on must not be taken for one of these, even if step() sees it.
        const std::uint32_t seen = wakes_seen_;
        if (waiting.has_work() && !is_suspended(here)) {
            pass_time(lateness(fault::late_wake));
            break;
        }
        // Computed again each time: the host may be suspended or its clock jump, and timers may be
        // armed.
        const time_point limit =
            waiting.has_work() ? here.suspended_until : waiting.network_time_of(until);
        if (step(limit))
            continue;
        if (limit != never) {
            now_ = std::max(now_, limit);
            break;
        }
        // No event is planned; another thread may still wake a loop.
        std::unique_lock lock(wakes_guard_);
        wakes_changed_.wait(lock, [&] { return wakes_.load() != seen; });
    }
    waiting_ = outer;
}

void network::handle_completion(std::uint32_t number)
{
    const late_outcome outcome = std::exchange(late_[number], {});
    late_.give_back(number);
    if (outcome.op != nullptr)
        outcome.poller->late(*outcome.op, outcome.failure);
}

std::uint32_t network::complete_later(sim_poller& poller, operation& op, const error& failure,
                                      time_point when)
{
    const std::uint32_t number = late_.take();
    late_[number] = {&poller, &op, failure, when, next_late_++};
    events_ahead_.push(when, event_kind::completion, poller.number(), 0, number);
    return number;
}

void network::complete_all_late(sim_poller& poller)
{
    std::vector<late_outcome*> its;
    for (std::uint32_t number = 0; number < late_.size(); ++number)
        if (late_[number].poller == &poller && late_[number].op != nullptr)
            its.push_back(&late_[number]);
    std::ranges::sort(its, {},
                      [](const late_outcome* each) { return std::pair(each->when, each->order); });
    // Their events still come, and find nothing.
    for (late_outcome* const each : its)
        poller.late(*std::exchange(each->op, nullptr), each->failure);
}

void network::at(time_point when, std::function<void()> work)
{
    const std::uint32_t number = calls_.take();
    calls_[number] = std::move(work);
    events_ahead_.push(std::max(when, now_), event_kind::call, 0, 0, number);
}

void network::handle_call(std::uint32_t number)
{
    const std::function<void()> work = std::exchange(calls_[number], nullptr);
    calls_.give_back(number);
    call_user("the work of simulation::at()", work);
    plan_all_turns();
}

footprint network::measure() const noexcept
{
    return {.places = sockets_.size() + packets_.size() + questions_.size() + late_.size(),
            .in_use = sockets_.in_use() + packets_.in_use() + questions_.in_use() + late_.in_use(),
            .events = events_ahead_.size(),
            .loops = plans_.size()};
}

// --- turns ---

std::uint32_t network::add_poller(sim_poller& poller)
{
    const std::uint32_t number = plans_.take();
    plans_[number] = {&poller, time_point{}};
    return number;
}

void network::remove_poller(sim_poller& poller) noexcept
{
    events_ahead_.drop_turn(poller.number());
    plans_[poller.number()].poller = nullptr;
    plans_.give_back(poller.number());
}

void network::plan_turn(sim_poller& poller, time_point when)
{
    when = std::max(
        {when, now_, plans_[poller.number()].not_before, poller.host_here().suspended_until});
    if (when != never)
        events_ahead_.plan_turn(poller.number(), when);
}

void network::request_turn(sim_poller& poller)
{
    // Its own wait notices by itself that there is work.
    if (&poller == waiting_ || !poller.run)
        return;
    // A plan that is made meanwhile must not run it earlier.
    if (events_ahead_.turn_of(poller.number()) > now_ && should_inject(fault::late_wake))
        plans_[poller.number()].not_before = now_ + random_time(max_delay());
    plan_turn(poller, now_);
}

void network::handle_turn(std::uint32_t number)
{
    sim_poller& poller = *plans_[number].poller;
    const host& here = poller.host_here();
    if (is_suspended(here))
        return plan_turn(poller, now_); // suspended since this was planned
    if (&poller == waiting_ || !poller.run)
        return;
    poller.driven = true;
    const time_point next = poller.run();
    poller.driven = false;
    // The next turn comes later even if it is requested at once.
    plans_[number].not_before = now_ + options_.turn_cost;
    plan_turn(poller, network_time(here, next));
    if (should_inject(fault::idle_turn))
        plan_turn(poller, now_ + random_time(max_delay()));
}

void network::plan_all_turns()
{
    check_wakes(); // first: a wake may be late
    for (std::uint32_t number = 0; number < plans_.size(); ++number) {
        sim_poller* const poller = plans_[number].poller;
        if (poller == nullptr || !poller->run || poller == waiting_)
            continue;
        // A turn that was requested and is late stays late.
        const bool called = poller->has_work() && events_ahead_.turn_of(number) != never;
        if (!called)
            plan_turn(*poller, network_time(poller->host_here(), poller->next_turn()));
    }
}

void network::woken() noexcept
{
    {
        const std::lock_guard lock(wakes_guard_);
        wakes_.fetch_add(1, std::memory_order_release);
    }
    wakes_changed_.notify_all();
}

void network::check_wakes()
{
    const std::uint32_t seen = wakes_.load(std::memory_order_acquire);
    if (seen == wakes_seen_)
        return;
    wakes_seen_ = seen;
    for (std::uint32_t number = 0; number < plans_.size(); ++number)
        if (sim_poller* const poller = plans_[number].poller;
            poller != nullptr && poller->take_wake_notice())
            request_turn(*poller);
}

// --- faults ---

bool network::should_inject(fault which) noexcept
{
    const auto index = static_cast<std::size_t>(which);
    if (requested_[index] > 0)
        --requested_[index];
    else if (faults_.per_mille[index] == 0 || scale(random(), 999) >= faults_.per_mille[index])
        return false;
    ++injected_[index];
    return true;
}

void network::inject(fault which, std::uint32_t times) noexcept
{
    requested_[static_cast<std::size_t>(which)] += times;
}

std::uint64_t network::times_injected(fault which) const noexcept
{
    return injected_[static_cast<std::size_t>(which)];
}

duration network::random_time(duration max) noexcept
{
    const auto limit = static_cast<std::uint64_t>(std::max<std::int64_t>(max.count(), 1));
    return duration(static_cast<std::int64_t>(scale(random(), limit - 1) + 1));
}

duration network::lateness(fault which) noexcept
{
    return should_inject(which) ? random_time(max_delay()) : duration::zero();
}

errc network::random_accept_error() noexcept
{
    if (accept_error_ != errc::ok)
        return accept_error_;
    return accept_errors[scale(random(), std::size(accept_errors) - 1)];
}

void network::heal_all()
{
    faults_.per_mille.fill(0);
    requested_.fill(0);
    // Faults that were chosen already and have not shown yet.
    for (std::uint32_t number = 0; number < sockets_.size(); ++number) {
        sim_socket& socket = sockets_[number];
        socket.black_holed = false;
        socket.reset_behind = socket.ends_behind = UINT64_MAX;
    }
    answer_now();
    const auto closed = std::exchange(closed_paths_, {});
    for (const auto& [from, to] : closed)
        path_opened(from, to);
}

} // namespace slk::io::sim
