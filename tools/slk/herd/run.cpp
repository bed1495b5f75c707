// SPDX-License-Identifier: MPL-2.0
#include "herd/run.hpp"

#include <serverlink/link.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/simulation.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace slk::tool::herd {

namespace {

using namespace std::chrono_literals;

constexpr std::array all_scenarios{
    scenario_entry{scenario::outage, "outage", "the server is gone, and connects are refused"},
    scenario_entry{scenario::black_hole, "black-hole",
                   "the server is gone, and its host does not reply"},
    scenario_entry{
        scenario::resume, "resume",
        "the clients sleep from 2 s after the loss on, and wake when the server returns"},
    scenario_entry{scenario::cold_start, "cold-start",
                   "all clients start within 5 ms, and the server is there"},
    scenario_entry{scenario::flapping, "flapping",
                   "the server is gone for 1 s, there for 1 s, ..."},
    scenario_entry{scenario::accept_then_close, "accept-then-close",
                   "the server closes every connection at once"},
};

/// Within this time the clients lose the server, or start.
constexpr duration onset = 5ms;
constexpr duration flap = 1s;
/// After this time every client knows that the server is gone.
constexpr duration loss_is_known = 10ms;
/// A host has 28,232 ephemeral ports.
constexpr std::uint32_t clients_per_host = 20'000;
constexpr std::uint16_t port = 5000;
/// How long the clients are connected before the loss: longer than the default of stable_after.
constexpr duration settling = 2s;
/// The simulated time between two reports of progress.
constexpr duration slice = 100ms;

constexpr std::array<std::byte, 1> greeting{std::byte{'!'}};

struct herd_client {
    std::optional<link> kept;
    stream connection;
    retry_state retries;
    random_stream random{0};
    time_point attempt_began{};
    time_point connected_at{};
    bool began_up = false;
    bool connected = false;
};

class herd_run {
public:
    herd_run(const settings& options, const policy& which, const progress& report, simulation net)
        : options_(options), policy_(which), report_(report), net_(std::move(net)),
          random_(random_stream(options.seed).next())
    {
    }
    herd_run(const herd_run&) = delete;
    herd_run& operator=(const herd_run&) = delete;

    result<record> run();

private:
    // The network and the clients.
    result<void> make_hosts();
    result<void> make_clients();
    result<void> open_server(bool limited);
    void lose_server();
    void set_partition(bool closed);

    // The course of events.
    result<void> connect_all();
    result<void> lose_and_return();
    result<void> flap_for(duration length);
    void start_all();
    void pass(duration time);

    // The events of a client.
    void state_changed(std::uint32_t number, const link_transition& move);
    void note_attempt(herd_client& which, client_record& into);
    void note_connected(herd_client& which, client_record& into);
    void wait_and_retry(std::uint32_t number, bool lost);
    void note_delay(duration delay);
    void take_connection(std::uint32_t number, stream established);
    void receive_on(std::uint32_t number);
    void serve(stream accepted);

    [[nodiscard]] duration since_origin() const { return net_.now() - origin_; }
    [[nodiscard]] bool all_connected() const { return connected_ == options_.clients; }

    const settings& options_;
    const policy& policy_;
    const progress& report_;
    simulation net_;
    random_stream random_;
    record record_;
    time_point origin_{};
    time_point asleep_from_ = never;
    duration sleep_{};
    bool recording_ = false;
    bool over_ = false;
    bool server_up_ = false;
    std::uint32_t connected_ = 0;
    std::array<std::byte, 64> sink_{};

    host_id server_{};
    std::vector<host_id> client_hosts_;
    std::vector<herd_client> clients_;
    std::vector<stream> served_;  ///< the server's ends
    std::vector<stream> leaving_; ///< the server's ends after its loss
    // Declared last: the loops must end before the objects that their last callbacks use.
    std::vector<loop> client_loops_;
    std::optional<loop> server_loop_;
    std::optional<listener> listener_;
};

// --- the network and the clients ---

result<void> herd_run::make_hosts()
{
    const auto at = [](std::uint8_t net, std::uint8_t host) {
        address made{.family = address_family::ipv4};
        made.bytes = {10, net, 0, host};
        return std::vector<address>{made};
    };
    SLK_TRY(server_, net_.add_host("server", at(0, 1)));
    SLK_TRY(auto on_server, net_.create_loop(server_));
    server_loop_.emplace(std::move(on_server));
    const std::uint32_t count = (options_.clients - 1) / clients_per_host + 1;
    for (std::uint32_t i = 0; i < count; ++i) {
        SLK_TRY(const host_id made, net_.add_host("clients-" + std::to_string(i),
                                                  at(1, static_cast<std::uint8_t>(i + 1))));
        SLK_TRY(auto on_clients, net_.create_loop(made));
        client_hosts_.push_back(made);
        client_loops_.push_back(std::move(on_clients));
    }
    return {};
}

result<void> herd_run::make_clients()
{
    link_options options;
    options.to.host = "10.0.0.1";
    options.to.port = port;
    options.reconnect = options_.reconnect;
    // This code restarts the links of other policies, after the delays of these.
    if (policy_.delay != nullptr)
        for (std::size_t i = 0; i < failure_class_count; ++i)
            options.reconnect.policy.set(static_cast<failure_class>(i), retry_rule::stop);

    clients_.resize(options_.clients);
    record_.clients.resize(options_.clients);
    for (std::uint32_t number = 0; number < options_.clients; ++number) {
        herd_client& made = clients_[number];
        made.random = random_stream(random_.next());
        link_handlers handlers;
        handlers.state_changed = [this, number](const link_transition& move, const link_status&) {
            state_changed(number, move);
        };
        handlers.connected = [this, number](stream established) {
            take_connection(number, std::move(established));
        };
        SLK_TRY(auto kept, link::create(client_loops_[number / clients_per_host], options,
                                        std::move(handlers)));
        made.kept.emplace(std::move(kept));
    }
    return {};
}

result<void> herd_run::open_server(bool limited)
{
    host_limits limits;
    limits.accepts_per_second = limited ? options_.accepts_per_second : 0;
    SLK_TRY(net_.set_limits(server_, limits));
    listener_options options;
    options.at.host = "*";
    options.at.port = port;
    options.backlog = limited ? options_.backlog : static_cast<int>(options_.clients);
    SLK_TRY(auto opened,
            listener::create(*server_loop_, options, {.accepted = [this](stream accepted) {
                serve(std::move(accepted));
            }}));
    listener_.emplace(std::move(opened));
    server_up_ = true;
    return {};
}

/// Removes the listener, and closes the connections one by one.
void herd_run::lose_server()
{
    server_up_ = false;
    listener_.reset();
    leaving_ = std::exchange(served_, {});
    for (std::size_t i = 0; i < leaving_.size(); ++i) {
        const auto max = static_cast<std::uint64_t>(onset.count());
        const auto when = duration(static_cast<duration::rep>(scale(random_.next(), max)));
        net_.at(net_.now() + when, [this, i] { leaving_[i] = stream(); });
    }
}

void herd_run::set_partition(bool closed)
{
    for (const host_id each : client_hosts_) {
        if (closed) {
            net_.partition(each, server_);
            net_.partition(server_, each);
        } else {
            net_.heal(each, server_);
            net_.heal(server_, each);
        }
    }
}

// --- the course of events ---

result<record> herd_run::run()
{
    SLK_TRY(make_hosts());
    SLK_TRY(make_clients());
    const std::uint64_t drops_before = net_.queue_overflows();
    switch (options_.kind) {
    case scenario::outage:
    case scenario::black_hole:
    case scenario::resume:
        SLK_TRY(connect_all());
        SLK_TRY(lose_and_return());
        break;
    case scenario::flapping:
        SLK_TRY(connect_all());
        SLK_TRY(flap_for(length_of(options_)));
        break;
    case scenario::cold_start:
        SLK_TRY(open_server(true));
        start_all();
        for (duration passed{}; passed < options_.limit && !all_connected(); passed += slice)
            pass(slice);
        break;
    case scenario::accept_then_close:
        SLK_TRY(open_server(true));
        start_all();
        pass(length_of(options_));
        break;
    }
    for (std::uint32_t i = 0; i < options_.clients; ++i)
        if (clients_[i].connected)
            record_.clients[i].connected +=
                net_.now() - std::max(clients_[i].connected_at, origin_);
    record_.syn_drops = net_.queue_overflows() - drops_before;
    record_.ended = since_origin();
    record_.events = net_.events();
    recording_ = false;
    over_ = true;
    return std::move(record_);
}

/// Before the measurement: connects all clients to a server without limits.
result<void> herd_run::connect_all()
{
    SLK_TRY(open_server(false));
    for (herd_client& each : clients_)
        each.kept->start();
    (void)net_.run_until([&] { return all_connected(); }, 1min);
    net_.run_for(std::max(settling, options_.reconnect.stable_after));
    if (!all_connected())
        return fail(errc::timed_out, phase::connect,
                    "not every client has connected before the outage");
    origin_ = net_.now();
    recording_ = true;
    return {};
}

void herd_run::start_all()
{
    origin_ = net_.now();
    recording_ = true;
    for (herd_client& each : clients_) {
        const auto max = static_cast<std::uint64_t>(onset.count());
        const auto when = duration(static_cast<duration::rep>(scale(random_.next(), max)));
        net_.at(origin_ + when, [&each] { each.kept->start(); });
    }
}

result<void> herd_run::lose_and_return()
{
    if (options_.kind == scenario::resume) {
        const duration awake = std::min<duration>(2s, options_.outage / 2);
        asleep_from_ = origin_ + awake;
        sleep_ = options_.outage - awake;
        net_.at(asleep_from_, [this] {
            for (const host_id each : client_hosts_)
                net_.suspend(each, sleep_);
        });
    }
    if (options_.kind == scenario::black_hole)
        net_.at(origin_ + loss_is_known, [this] { set_partition(true); });
    lose_server();
    pass(options_.outage);
    set_partition(false);
    record_.returned = since_origin();
    SLK_TRY(open_server(true));
    for (duration passed{}; passed < options_.limit && !all_connected(); passed += slice)
        pass(slice);
    return {};
}

result<void> herd_run::flap_for(duration length)
{
    for (duration passed{}; passed < length; passed += 2 * flap) {
        lose_server();
        pass(flap);
        SLK_TRY(open_server(true));
        pass(flap);
    }
    return {};
}

void herd_run::pass(duration time)
{
    while (time > duration::zero()) {
        const duration part = std::min(time, slice);
        net_.run_for(part);
        time -= part;
        if (report_)
            report_(since_origin());
    }
}

// --- the events of a client ---

void herd_run::state_changed(std::uint32_t number, const link_transition& move)
{
    if (over_)
        return;
    herd_client& which = clients_[number];
    client_record& into = record_.clients[number];
    const bool lost = move.from == link_state::connected;
    if (lost) {
        which.connected = false;
        --connected_;
        which.connection = stream();
        if (recording_)
            into.connected += net_.now() - std::max(which.connected_at, origin_);
    }
    switch (move.to) {
    case link_state::binding:
    case link_state::tuning: return;
    case link_state::connecting: return note_attempt(which, into);
    case link_state::connected: return note_connected(which, into);
    case link_state::idle:
    case link_state::backoff: break;
    }
    if (move.from == link_state::idle)
        return note_delay(move.delay); // the first attempt is spread
    if (recording_ && !lost && which.began_up)
        ++record_.wasted;
    if (move.to == link_state::backoff)
        note_delay(move.delay);
    else
        wait_and_retry(number, lost);
}

void herd_run::note_attempt(herd_client& which, client_record& into)
{
    which.attempt_began = net_.now();
    which.began_up = server_up_;
    if (!recording_)
        return;
    (server_up_ ? record_.attempts_up : record_.attempts_down).push_back(since_origin());
    ++into.attempts;
}

void herd_run::note_connected(herd_client& which, client_record& into)
{
    which.connected = true;
    which.connected_at = net_.now();
    ++connected_;
    if (!recording_)
        return;
    ++into.connections;
    if (!into.back_after)
        into.back_after = since_origin() - record_.returned;
}

void herd_run::note_delay(duration delay)
{
    if (!recording_)
        return;
    ++record_.delays;
    record_.zero_delays += delay < 1ms ? 1 : 0;
}

/// Only for other policies, whose links stop after every failure.
void herd_run::wait_and_retry(std::uint32_t number, bool lost)
{
    herd_client& which = clients_[number];
    const duration delay = policy_.delay(which.retries, which.random);
    note_delay(delay);
    which.retries.previous = delay;
    ++which.retries.retries;
    const bool from_beginning = policy_.from_beginning && !lost;
    time_point due = (from_beginning ? which.attempt_began : net_.now()) + delay;
    // A timer stands still while its client sleeps.
    if (net_.now() < asleep_from_ && due > asleep_from_)
        due += sleep_;
    net_.at(due, [&which] { which.kept->start(); });
}

void herd_run::take_connection(std::uint32_t number, stream established)
{
    clients_[number].connection = std::move(established);
    if (policy_.reset == reset_rule::at_connect)
        clients_[number].retries = {};
    receive_on(number);
}

void herd_run::receive_on(std::uint32_t number)
{
    herd_client& which = clients_[number];
    const auto received = [this, number](result<std::size_t> count) {
        herd_client& receiver = clients_[number];
        if (!count || *count == 0) {
            receiver.connection = stream();
            return;
        }
        receiver.retries = {};
        receive_on(number);
    };
    if (!which.connection.receive(sink_, received))
        which.connection = stream();
}

void herd_run::serve(stream accepted)
{
    if (options_.kind == scenario::accept_then_close)
        return;
    served_.push_back(std::move(accepted));
    (void)served_.back().send(greeting, {});
}

} // namespace

std::span<const scenario_entry> scenarios() noexcept
{
    return all_scenarios;
}

std::string_view name_of(scenario kind) noexcept
{
    return std::ranges::find(all_scenarios, kind, &scenario_entry::kind)->name;
}

bool has_return(scenario kind) noexcept
{
    return kind != scenario::flapping && kind != scenario::accept_then_close;
}

duration length_of(const settings& options) noexcept
{
    return options.length.value_or(options.kind == scenario::flapping ? duration(1min)
                                                                      : duration(10min));
}

result<record> run(const settings& options, const policy& which, const progress& report)
{
    SLK_TRY(auto net, simulation::create({.seed = options.seed}));
    herd_run simulated(options, which, report, std::move(net));
    return simulated.run();
}

} // namespace slk::tool::herd
