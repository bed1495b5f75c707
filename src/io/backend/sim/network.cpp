// SPDX-License-Identifier: MPL-2.0
#include "io/backend/sim/network.hpp"

#include "io/backend/sim/sim_poller.hpp"

#include <cstdio>
#include <utility>

namespace slk::io::sim {

namespace {

constexpr const char* event_names[] = {
    "turn",        "syn",     "syn again", "syn answered", "no connection",
    "segment",     "window",  "resend",    "give up",      "keep-alive",
    "accept",      "gone",    "completion", "name",        "call",
};
static_assert(std::size(event_names) == static_cast<std::size_t>(event_kind::call) + 1);

/// What accept may answer on one system or another, and what the tables make of it.
constexpr errc accept_errors[] = {
    errc::connection_aborted, errc::protocol_error,       errc::permission_denied,
    errc::network_down,       errc::host_unreachable,     errc::network_unreachable,
    errc::timed_out,          errc::not_supported,        errc::too_many_descriptors,
    errc::out_of_memory,      errc::address_family_not_supported,
    errc::invalid_argument,   errc::unknown,
};

} // namespace

network::network(simulation_options options)
    : options_(std::move(options)), random_(options_.seed), faults_(options_.faults)
{
}

network::~network() = default;

// --- what happens ---

void network::mix(std::uint64_t value) noexcept
{
    // A SplitMix64 step over what came before and the value: equal only for equal histories.
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
        log_line(event_names[static_cast<std::size_t>(next.kind)], next.subject, next.detail);
}

void network::log_line(std::string_view what, std::uint32_t subject, std::uint64_t value)
{
    if (!options_.log)
        return;
    char line[160];
    const auto passed = (now_ - time_point(std::chrono::hours(1))).count();
    const int length = std::snprintf(line, sizeof line, "%lld.%09lld %.*s %ld %llu",
                                     static_cast<long long>(passed / 1'000'000'000),
                                     static_cast<long long>(passed % 1'000'000'000),
                                     static_cast<int>(what.size()), what.data(),
                                     subject == UINT32_MAX ? -1L : static_cast<long>(subject),
                                     static_cast<unsigned long long>(value));
    options_.log(std::string_view(line, static_cast<std::size_t>(length)));
}

void network::happen(const event& next)
{
    now_ = std::max(now_, next.at);
    // A plan that was changed since: nothing happens, and nothing is counted.
    if (next.kind == event_kind::turn && plans_[next.subject].number != next.detail)
        return;
    record(next);
    const socket_ref subject{next.subject, next.generation};
    switch (next.kind) {
    case event_kind::turn: return happen_turn(next);
    case event_kind::syn: return happen_syn(subject);
    case event_kind::syn_again: return happen_syn_again(subject);
    case event_kind::syn_answer: return happen_syn_answer(subject, next.detail);
    case event_kind::no_connection:
        return happen_no_connection(subject, static_cast<errc>(next.detail));
    case event_kind::segment: return happen_segment(next.detail);
    case event_kind::window: return happen_window(subject);
    case event_kind::resend: return happen_resend(subject);
    case event_kind::give_up: return happen_give_up(subject, next.detail);
    case event_kind::keep_alive: return happen_keep_alive(subject, next.detail);
    case event_kind::accept: return happen_accept(subject);
    case event_kind::gone: return happen_gone(subject);
    case event_kind::completion: return happen_completion(next.detail);
    case event_kind::name: return happen_name(next.detail);
    case event_kind::call: return happen_call(next.detail);
    }
}

bool network::step(time_point limit)
{
    look_for_wakes();
    if (events_ahead_.empty() || events_ahead_.next_at() > limit)
        return false;
    happen(events_ahead_.pop());
    return true;
}

void network::advance(time_point limit, sim_poller& waiting)
{
    sim_poller* const outer = std::exchange(waiting_, &waiting);
    look_at_everybody();
    // Every turn costs time, or a program that never waits would stop the world.
    const time_point least = now_ + options_.turn_cost;
    while (step(least)) {
    }
    now_ = std::max(now_, least);
    for (;;) {
        look_for_wakes();
        const host& here = waiting.host_here();
        if (waiting.has_work() && !is_asleep(here))
            break;
        if (step(limit))
            continue;
        if (limit != never) {
            now_ = std::max(now_, limit);
            break;
        }
        // Nothing will happen by itself any more; another thread may still wake a loop.
        wakes_.wait(wakes_seen_, std::memory_order_acquire);
    }
    waiting_ = outer;
}

void network::happen_completion(std::uint32_t number)
{
    const late_outcome outcome = std::exchange(late_[number], {});
    late_.give_back(number);
    if (outcome.op != nullptr)
        outcome.poller->late(*outcome.op, outcome.failure);
}

std::uint32_t network::tell_later(sim_poller& poller, operation& op, const error& failure,
                                  time_point when)
{
    const std::uint32_t number = late_.take();
    late_[number] = {&poller, &op, failure};
    events_ahead_.push(when, event_kind::completion, poller.number(), 0, number);
    return number;
}

void network::tell_all(sim_poller& poller)
{
    for (std::uint32_t number = 0; number < late_.size(); ++number) {
        late_outcome& outcome = late_[number];
        // Its event still comes, and finds nothing.
        if (outcome.poller == &poller && outcome.op != nullptr)
            poller.late(*std::exchange(outcome.op, nullptr), outcome.failure);
    }
}

void network::at(time_point when, std::function<void()> work)
{
    const std::uint32_t number = calls_.take();
    calls_[number] = std::move(work);
    events_ahead_.push(std::max(when, now_), event_kind::call, 0, 0, number);
}

void network::happen_call(std::uint32_t number)
{
    const std::function<void()> work = std::exchange(calls_[number], nullptr);
    calls_.give_back(number);
    work();
    look_at_everybody();
}

// --- turns ---

std::uint32_t network::add_poller(sim_poller& poller)
{
    plans_.push_back({&poller, never, 0});
    return static_cast<std::uint32_t>(plans_.size() - 1);
}

void network::remove_poller(sim_poller& poller) noexcept
{
    plan& entry = plans_[poller.number()];
    entry.poller = nullptr;
    ++entry.number;
}

void network::plan_turn(sim_poller& poller, time_point when)
{
    plan& entry = plans_[poller.number()];
    if (entry.at <= when)
        return;
    entry.at = when;
    events_ahead_.push(std::max(when, now_), event_kind::turn, poller.number(), 0, ++entry.number);
}

void network::call_for_turn(sim_poller& poller)
{
    // Its own wait sees by itself that there is something.
    if (&poller == waiting_ || !poller.run)
        return;
    time_point when = now_;
    if (plans_[poller.number()].at > when && strikes(fault::late_wake))
        when += random_time(longest());
    plan_turn(poller, when);
}

void network::happen_turn(const event& next)
{
    plan& entry = plans_[next.subject];
    entry.at = never;
    ++entry.number;
    const host& here = entry.poller->host_here();
    if (is_asleep(here))
        return plan_turn(*entry.poller, here.asleep_until);
    run_turn(entry);
}

void network::run_turn(plan& entry)
{
    sim_poller* const poller = entry.poller;
    if (poller == waiting_ || !poller->run)
        return;
    const time_point wanted = poller->run();
    if (wanted == never)
        return; // or the loop has ended in its turn
    plan_turn(*poller, std::max(network_time(poller->host_here(), wanted),
                                now_ + options_.turn_cost));
}

void network::look_at_everybody()
{
    for (const plan& entry : plans_)
        if (entry.poller != nullptr && entry.poller->run && entry.poller != waiting_)
            plan_turn(*entry.poller,
                      network_time(entry.poller->host_here(), entry.poller->wants_turn_at()));
}

void network::woken() noexcept
{
    wakes_.fetch_add(1, std::memory_order_release);
    wakes_.notify_all();
}

void network::look_for_wakes()
{
    const std::uint32_t seen = wakes_.load(std::memory_order_acquire);
    if (seen == wakes_seen_)
        return;
    wakes_seen_ = seen;
    for (const plan& entry : plans_)
        if (entry.poller != nullptr && entry.poller->take_wake_notice())
            call_for_turn(*entry.poller);
}

// --- faults ---

bool network::strikes(fault which) noexcept
{
    const auto index = static_cast<std::size_t>(which);
    if (ordered_[index] > 0)
        --ordered_[index];
    else if (faults_.per_mille[index] == 0 || scale(random(), 999) >= faults_.per_mille[index])
        return false;
    ++struck_[index];
    return true;
}

void network::strike_next(fault which, std::uint32_t times) noexcept
{
    ordered_[static_cast<std::size_t>(which)] += times;
}

std::uint64_t network::struck(fault which) const noexcept
{
    return struck_[static_cast<std::size_t>(which)];
}

duration network::random_time(duration longest) noexcept
{
    const auto most = static_cast<std::uint64_t>(std::max<std::int64_t>(longest.count(), 1));
    return duration(static_cast<std::int64_t>(scale(random(), most - 1) + 1));
}

errc network::random_accept_error() noexcept
{
    if (accept_error_ != errc::ok)
        return accept_error_;
    return accept_errors[scale(random(), std::size(accept_errors) - 1)];
}

void network::heal_everything()
{
    faults_.per_mille.fill(0);
    ordered_.fill(0);
    const auto closed = std::exchange(closed_paths_, {});
    for (const auto& [from, to] : closed)
        path_opened(from, to);
}

} // namespace slk::io::sim
