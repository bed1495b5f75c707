// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "exit_codes.hpp"
#include "http_page.hpp"
#include "interruption.hpp"
#include "options.hpp"
#include "output.hpp"
#include "pipe.hpp"
#include "terminal.hpp"

#include <serverlink/context.hpp>
#include <serverlink/link.hpp>
#include <serverlink/loop.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

namespace slk::tool {

namespace {

struct link_settings {
    std::string endpoint;
    std::optional<address> source;
    link_options options;
    loop_options loop;
    std::optional<duration> timeout;
    std::optional<std::string> http;
    bool json = false;
    bool pipe = false;
};

/// How long the link may take to become idle at the end.
constexpr duration stop_timeout = std::chrono::seconds(5);

int run_link(link_settings& settings)
{
    settings.options.to = parse_endpoint(settings.endpoint);
    if (settings.source) {
        if (!settings.options.to.source.empty())
            throw usage_error("--source", "the endpoint names a source already");
        settings.options.to.source = endpoint::of(*settings.source).host;
        settings.options.to.source_port = settings.source->port;
    }
    require_valid(settings.options.validate());

    // The variables of handlers and posted functions outlive the loop, whose end calls the last
    // ones.
    printer lines(settings.pipe ? stderr : stdout);
    printer received(stdout);
    bool done = false; // interrupted, or the pipe has ended
    bool idle = true;

    auto on = loop::create(settings.loop);
    if (!on) {
        return report_failure(on.error());
    }
    if (settings.pipe)
        make_streams_binary();

    const time_point origin = on->now();
    const interrupt_watch watch([&] { on->post([&done] { done = true; }); });

    // Without sockets: the page shows the link alone.
    auto in = context::on(*on);
    if (!in) {
        return report_failure(in.error());
    }
    http_page page(*in, settings.http);
    printer notes(stderr);
    page.announce(notes);

    std::optional<pipe> through;
    link_handlers handlers;
    handlers.state_changed = [&](const link_transition& move, const link_status& status) {
        lines.line(settings.json ? state_json(move, status, origin)
                                 : state_line(lines, move, status, origin));
        page.show_link(settings.endpoint, move, status);
        idle = move.to == link_state::idle;
    };
    if (settings.pipe) {
        through.emplace(*on, received, pipe_life::reconnects,
                        [&done](const error&) { done = true; });
        handlers.connected = [&](stream established) {
            through->connected(std::move(established));
        };
    }
    auto kept = link::create(*on, settings.options, std::move(handlers));
    if (!kept) {
        return report_failure(kept.error());
    }

    idle = false;
    kept->start();
    if (through)
        through->start();
    // The state `idle` without a stop(): a rule of the policy ended the retries.
    const auto over = [&] { return done || idle || lines.failed() || received.failed(); };
    const auto ran = on->run_until(over, settings.timeout.value_or(duration::max()));
    if (!ran) {
        return report_failure(ran.error());
    }
    const bool stopped_by_policy = idle && !done;
    int code = exit_ok;
    if (stopped_by_policy)
        code = exit_code_of(kept->status().last_error);
    else if (settings.pipe && interrupted())
        code = exit_code_of_interruption();
    if (!idle) {
        kept->stop();
        (void)on->run_until([&] { return idle; }, stop_timeout);
    }
    return lines.exit_code(received.exit_code(code));
}

} // namespace

void add_link_command(command& program)
{
    command& link = program.add_command(
        "link", "Keeps a link to an endpoint, and prints one line per change of its state.");
    auto settings = std::make_shared<link_settings>();
    link.text({.name = "ENDPOINT",
               .help = "tcp://HOST:PORT, tcp://SOURCE;HOST:PORT, or ipc://PATH",
               .required = true},
              settings->endpoint);
    link.text(
        {.name = "--source", .help = "Connect from ADDRESS or ADDRESS:PORT", .type = "ADDRESS"},
        [into = settings.get()](const std::string& text) {
            into->source = parse_source("--source", text);
        });
    link.flag({.name = "--json",
               .help = "One JSON object per line: time (seconds), state, attempt, reason, next_ms, "
                       "address, event, detail"},
              settings->json);
    link.flag({.name = "--pipe",
               .help = "Send stdin to the link and write what arrives to stdout; the state lines "
                       "go to stderr. Ends when stdin and the peer have both finished. Data in "
                       "flight when a connection breaks may be lost: it is not sent again, because "
                       "the peer may have it"},
              settings->pipe);
    add_duration(link, {.name = "--for", .help = "End after this time [never]"}, settings->timeout);
    add_http_option(link, settings->http);
    add_backend_option(link, settings->loop.backend);
    add_reconnect_options(link, settings->options.reconnect);
    add_tuning_options(link, settings->options.tuning, true);
    link.footer("Durations are numbers with a unit: 100ms, 5s, 1m.");
    link.example("slk link tcp://192.0.2.1:5432 --cap 2s --keep-alive");
    link.example("slk link --json --policy refused=stop tcp://127.0.0.1:7000");
    link.example("echo hello | slk link --pipe tcp://127.0.0.1:7000");
    add_exit_codes(link, {{exit_ok, "ended as asked; also when interrupted, but for --pipe"},
                          {exit_failed, "a failure, or a policy has ended the link"},
                          {exit_timed_out, "a policy has ended the link after a time-out"},
                          {exit_refused, "a policy has ended the link, which was refused"},
                          {exit_interrupted, "with --pipe: interrupted before its end"},
                          {exit_terminated, "with --pipe: terminated before its end"}});
    link.action([settings] { return run_link(*settings); });
}

} // namespace slk::tool
