// SPDX-License-Identifier: MPL-2.0
#include "swarm/world.hpp"

#include "swarm/faults.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace slk::swarm {

using namespace std::chrono_literals;

world::world(std::uint64_t seed, const run_options& options) : dice_(seed), options_(options)
{
    result_.seed = seed;
    result_.actions.resize(action_names().size());
    simulation_options network;
    network.seed = dice_.number(0, UINT64_MAX);
    network.faults = choose_faults(dice_);
    network.latency = dice_.one_of<duration>({20us, 200us, 2ms, 40ms});
    if (options_.log)
        network.log = [](std::string_view text) {
            std::printf("  %.*s\n", static_cast<int>(text.size()), text.data());
        };
    network_.emplace(*simulation::create(network));
    began_ = network_->now();
    settle_places();
    settle_posts();
    settle_lines();
}

world::~world()
{
    for (std::size_t index = 0; index < places_.size(); ++index)
        close_loop(index);
}

// --- what a seed chooses ---

void world::settle_places()
{
    const std::size_t count = dice_.number(2, 5);
    for (std::size_t index = 0; index < count; ++index) {
        place& added = places_.emplace_back();
        added.name = "host" + std::to_string(index);
        // Of both families, so that every host can reach every other one.
        const std::uint64_t addresses = dice_.number(2, 4);
        for (std::uint64_t number = 0; number < addresses; ++number) {
            const bool ipv6 = number == 0 || (number > 1 && dice_.chance(40));
            const std::string text = (ipv6 ? "2001:db8::" : "10.0.") + std::to_string(index + 1) +
                                     (ipv6 ? ":" : ".") + std::to_string(number + 1);
            added.addresses.push_back(*address::parse(text, 0));
        }
        added.id = *network_->add_host(added.name, added.addresses);
        open_loop(index);
    }
}

void world::settle_posts()
{
    const std::size_t count = dice_.number(1, 4);
    for (std::size_t index = 0; index < count; ++index) {
        post& added = posts_.emplace_back();
        added.at = dice_.index(places_.size());
        added.where = address::any(address_family::ipv6, static_cast<std::uint16_t>(5000 + index));
        added.how = dice_.one_of({manner::echo, manner::echo, manner::echo, manner::mute,
                                  manner::deaf, manner::leave, manner::slam, manner::reset});
        open_post(added);
    }
}

void world::settle_lines()
{
    const std::size_t count = dice_.number(1, 8);
    for (std::size_t index = 0; index < count; ++index) {
        line& added = lines_.emplace_back();
        added.from = dice_.index(places_.size());
        added.to = dice_.index(posts_.size());
        added.how = dice_.one_of({manner::speak, manner::speak, manner::speak, manner::mute,
                                  manner::deaf, manner::leave, manner::reset});
        added.stops_itself = dice_.chance(10);
        added.options = choose_options(added.from, added.to);
        make_line(added);
    }
}

/// As a numeric address, as a name, or, on the same host, as the loopback.
std::string world::choose_target(std::size_t from, std::size_t to)
{
    const place& target = places_[posts_[to].at];
    if (posts_[to].at == from && dice_.chance(40))
        return dice_.one_of<const char*>({"localhost", "127.0.0.1", "[::1]"});
    if (dice_.chance(60))
        return target.name;
    address chosen = target.addresses[dice_.index(target.addresses.size())];
    const std::string text = to_string(chosen);
    return text.substr(0, text.rfind(':'));
}

link_options world::choose_options(std::size_t from, std::size_t to)
{
    link_options options;
    const std::string text =
        "tcp://" + choose_target(from, to) + ":" + std::to_string(posts_[to].where.port);
    options.to = *endpoint::parse(text);
    reconnect_options& again = options.reconnect;
    again.base = dice_.one_of<duration>({0ms, 1ms, 100ms, 500ms, reconnect_never});
    again.floor = dice_.one_of<duration>({0ms, 10ms, 100ms, 900ms});
    again.cap = std::max<duration>(dice_.one_of<duration>({500ms, 2s, 5s}), again.base);
    again.connect_timeout = dice_.one_of<duration>({2s, 5s, 8s});
    again.address_stagger = dice_.one_of<duration>({100ms, 250ms, 500ms});
    again.stable_after = dice_.one_of<duration>({0ms, 100ms, 1s});
    again.useful_when =
        dice_.one_of({usefulness::first_receive, usefulness::connected, usefulness::confirmed});
    again.spread_first_attempt = again.base > duration::zero() && dice_.chance(30);
    if (dice_.chance(20))
        again.policy = retry_policy::stop_on_refused();
    for (std::size_t which = 0; which < failure_class_count; ++which)
        if (dice_.chance(5))
            again.policy.set(
                static_cast<failure_class>(which),
                dice_.one_of({retry_rule::retry, retry_rule::retry_slowly, retry_rule::stop}));
    if (dice_.chance(50))
        options.tuning.keep_alive = keep_alive_options{true, 2s, 1s, 3};
    if (dice_.chance(50))
        options.tuning.user_timeout = 4s;
    if (dice_.chance(20))
        options.tuning.send_buffer = static_cast<int>(dice_.number(1, 4096));
    if (dice_.chance(20))
        options.tuning.receive_buffer = static_cast<int>(dice_.number(1, 4096));
    return options;
}

// --- what it is made of ---

void world::open_loop(std::size_t which)
{
    places_[which].runs.emplace(*network_->create_loop(places_[which].id));
}

/// Ends what is on the host: the loop first, or the handles first.
void world::close_loop(std::size_t which)
{
    place& closing = places_[which];
    if (!closing.runs)
        return;
    const std::weak_ptr<io::loop_core> core = closing.runs->core();
    const bool loop_first = dice_.chance(50);
    if (loop_first)
        closing.runs.reset();
    for (line& each : lines_)
        if (each.from == which)
            drop_line(each);
    for (post& each : posts_)
        if (each.at == which)
            each.open.reset();
    for (held_conversation& each : talks_)
        if (each.at == which && !each.talk->over())
            each.talk->close();
    closing.runs.reset();
    sweep();
    for (const held_conversation& each : talks_)
        if (each.at == which)
            broken("a stream's handler was not called although its loop has ended");
    if (!core.expired())
        broken("something outlives its handle, and its loop with it");
}

void world::open_post(post& which)
{
    if (which.open || !places_[which.at].runs)
        return;
    listener_options options;
    options.at.host = "::";
    options.at.port = which.where.port;
    options.dual_stack = true;
    options.accepts = static_cast<int>(dice_.number(1, 16));
    // Handshakes that were begun under faults may fill a small one for a minute.
    options.backlog = static_cast<int>(dice_.one_of<std::uint64_t>({128, 1024}));
    auto made = listener::create(
        *places_[which.at].runs, options,
        {.accepted = [this,
                      &which](stream connection) { take_accepted(which, std::move(connection)); },
         .failed = {}});
    if (made)
        which.open.emplace(std::move(*made));
}

void world::make_line(line& which)
{
    if (which.keeps || !places_[which.from].runs)
        return;
    link_handlers on;
    on.connected = [this, &which](stream connection) { take_stream(which, std::move(connection)); };
    on.state_changed = [this, &which](const link_transition& move, const link_status& status) {
        moved(which, move, status);
    };
    auto made = link::create(*places_[which.from].runs, which.options, on);
    if (!made)
        return broken("a link could not be made", &which);
    which.keeps.emplace(std::move(*made));
    which.seen = link_state::idle;
    which.seen_number = which.seen_attempt = which.seen_generation = which.timed_attempt = 0;
    which.created = network_->now();
    which.kicks = 1;
    which.keeps->start();
}

void world::drop_line(line& which)
{
    if (!which.keeps)
        return;
    check_attempts(which);
    which.attempts_before += which.keeps->status().attempt;
    which.connections_before += which.keeps->status().generation;
    which.keeps.reset();
    which.talk = nullptr;
    // What it had in flight is waited for, and its sockets stay open meanwhile.
    unsettle(places_[which.from], 2s);
}

void world::unsettle(place& which, duration time)
{
    const time_point awake = std::max(which.asleep_until, network_->now());
    which.unsettled_until = std::max(which.unsettled_until, after(awake, time));
}

void world::take_stream(line& which, stream connection)
{
    const bool must_speak = healing_ || which.how == manner::speak;
    hold(which.from, &which, std::move(connection), must_speak ? manner::speak : which.how);
}

void world::take_accepted(post& which, stream connection)
{
    hold(which.at, nullptr, std::move(connection), healing_ ? manner::echo : which.how);
}

void world::hold(std::size_t at, line* of, stream connection, manner how)
{
    held_conversation& added = talks_.emplace_back();
    added.at = at;
    added.of = of;
    const auto heard = [this, of, &added] {
        if (!healing_ || of == nullptr || of->talk != added.talk.get() || of->up)
            return;
        of->up = true;
        of->up_at = network_->now();
    };
    added.talk = std::make_unique<conversation>(
        std::move(connection), how,
        conversation::events{[this, of](const char* what) { broken(what, of); }, heard});
    if (of != nullptr)
        of->talk = added.talk.get();
    added.talk->begin();
}

void world::sweep()
{
    for (auto each = talks_.begin(); each != talks_.end();) {
        if (!each->talk->at_rest()) {
            ++each;
            continue;
        }
        result_.bytes += each->talk->bytes();
        if (each->of != nullptr && each->of->talk == each->talk.get())
            each->of->talk = nullptr;
        each = talks_.erase(each);
    }
}

// --- time ---

/// What the programs say by themselves.
void world::speak_up()
{
    for (held_conversation& each : talks_)
        if (each.talk->how() == manner::speak && !each.talk->over() &&
            (healing_ || dice_.chance(60)))
            each.talk->say(healing_ ? 8 : dice_.one_of<std::size_t>({1, 16, 16, 300, 3000}));
}

/// Lets time pass, in steps after each of which everything is checked.
void world::pass(duration time)
{
    const time_point until = after(network_->now(), time);
    const duration stride = time <= 1s ? 100ms : 500ms;
    while (network_->now() < until && result_.failure.empty()) {
        const time_point next = std::min(after(network_->now(), stride), until);
        while (network_->step(next) && result_.failure.empty())
            check_everything();
        network_->run_for(next - network_->now());
        sweep();
        speak_up();
    }
}

outcome world::run()
{
    const std::uint64_t enough = options_.events;
    while (network_->events() < enough && result_.failure.empty()) {
        act();
        pass(dice_.one_of<duration>({1ms, 20ms, 300ms, 1s, 5s}));
    }
    if (result_.failure.empty())
        heal();
    result_.attempts = result_.connections = 0;
    for (line& each : lines_) {
        if (each.keeps) {
            each.attempts_before += each.keeps->status().attempt;
            each.connections_before += each.keeps->status().generation;
        }
        result_.attempts += each.attempts_before;
        result_.connections += each.connections_before;
    }
    if (result_.failure.empty())
        check_nothing_left();
    result_.events = network_->events();
    result_.hash = network_->hash();
    result_.simulated = network_->now() - began_;
    for (std::size_t index = 0; index < fault_count; ++index)
        result_.strikes[index] = network_->injected(static_cast<fault>(index));
    return result_;
}

outcome run(std::uint64_t seed, const run_options& options)
{
    return world(seed, options).run();
}

} // namespace slk::swarm
