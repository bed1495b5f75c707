// SPDX-License-Identifier: MPL-2.0
#include "contenders.hpp"
#include "stopwatch.hpp"

#include <serverlink/serverlink.hpp>

#include "io/poller.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

namespace bench {

namespace {

using namespace std::chrono_literals;

slk::link_options options_of(const connect_work& work)
{
    slk::link_options options;
    options.to = {.host = "127.0.0.1", .port = work.port};
    return options;
}

/// `restart`: a closed link becomes idle and is started again; otherwise its policy retries.
connect_outcome connect_by(const connect_work& work, const slk::link_options& options,
                           std::size_t count, bool restart)
{
    auto loop = slk::loop::create({.backend = std::string(work.backend)});
    if (!loop) {
        std::fprintf(stderr, "no loop: %s\n", slk::to_string(loop.error()).c_str());
        std::exit(1);
    }
    std::uint64_t begun = 0;
    std::uint64_t done = 0;
    std::uint64_t failures = 0;
    std::vector<slk::link> links;
    links.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        slk::link_handlers handlers;
        handlers.connected = [&](slk::stream connection) {
            ++done;
            connection.reset();
        };
        handlers.state_changed = [&, i](const slk::link_transition& move, const slk::link_status&) {
            if (move.to == slk::link_state::idle && begun < work.connects) {
                ++begun;
                links[i].start();
            } else if (move.to == slk::link_state::backoff &&
                       move.from != slk::link_state::connected) {
                ++failures;
            }
        };
        links.push_back(*slk::link::create(*loop, options, std::move(handlers)));
    }

    const stopwatch watch;
    for (slk::link& each : links) {
        if (restart && begun == work.connects)
            break;
        ++begun;
        each.start();
    }
    (void)loop->run_until([&] { return done >= work.connects; }, 10min);
    return watch.stop(failures);
}

/// Connects one socket after another, with the operations that a link uses.
struct poller_connecter {
    slk::io::poller& io;
    const slk::address target;
    const connect_work& work;
    std::uint64_t& begun;
    std::uint64_t& done;
    std::uint64_t& failures;
    slk::io::connect_operation operation{};
    slk::io::socket_id socket{};

    void begin() noexcept
    {
        if (begun == work.connects)
            return;
        ++begun;
        auto opened = io.open(slk::address_family::ipv4);
        if (!opened) {
            ++failures;
            ++done;
            return;
        }
        socket = *opened;
        (void)io.bind_source(socket, std::nullopt);
        operation.owner = this;
        operation.on_complete = [](slk::io::operation& self) noexcept {
            static_cast<poller_connecter*>(self.owner)->finish();
        };
        io.connect(operation, socket, target);
    }

    void finish() noexcept
    {
        failures += operation.failure ? 1 : 0;
        (void)io.set_option(socket, slk::io::socket_option::no_delay, 1);
        io.close(socket, slk::io::close_mode::reset);
        ++done;
        begin();
    }
};

} // namespace

connect_outcome connect_with_links(const connect_work& work)
{
    slk::link_options options = options_of(work);
    options.reconnect.policy.set(slk::failure_class::closed_locally, slk::retry_rule::stop);
    return connect_by(work, options, work.in_flight, true);
}

connect_outcome connect_with_retries(const connect_work& work)
{
    slk::link_options options = options_of(work);
    options.reconnect.base = 0ms;
    return connect_by(work, options, 1000, false);
}

connect_outcome connect_with_poller(const connect_work& work)
{
    slk::clock& time = slk::system_clock_source();
    auto io = work.backend.empty() ? slk::io::make_poller(time)
                                   : slk::io::make_poller(time, work.backend);
    if (!io)
        std::exit(1);
    std::uint64_t begun = 0;
    std::uint64_t done = 0;
    std::uint64_t failures = 0;
    const slk::address target = slk::address::loopback(slk::address_family::ipv4, work.port);
    std::deque<poller_connecter> connecters;
    for (unsigned i = 0; i < work.in_flight; ++i)
        connecters.emplace_back(**io, target, work, begun, done, failures);

    const stopwatch watch;
    for (poller_connecter& each : connecters)
        each.begin();
    while (done < work.connects)
        (void)(*io)->turn(slk::never);
    const connect_outcome outcome = watch.stop(failures);
    (*io)->shutdown();
    return outcome;
}

} // namespace bench
