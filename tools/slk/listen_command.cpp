// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "connection_programs.hpp"
#include "exit_codes.hpp"
#include "http_page.hpp"
#include "interruption.hpp"
#include "options.hpp"
#include "output.hpp"
#include "pipe.hpp"
#include "terminal.hpp"
#include "tools/support/json.hpp"

#include <serverlink/context.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/loop.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

namespace slk::tool {

namespace {

struct listen_settings {
    std::string endpoint;
    listener_options options;
    loop_options loop;
    std::optional<duration> timeout;
    std::optional<std::uint64_t> once;
    std::optional<std::string> http;
    bool echo = false;
    bool discard = false;
    bool pipe = false;
    std::string exec;
    std::size_t max_processes = 100;
    bool json = false;
};

struct connection_totals {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::uint64_t ended = 0;
};

/// One accepted connection; its running operations keep it alive.
class accepted_connection : public std::enable_shared_from_this<accepted_connection> {
public:
    accepted_connection(stream accepted, bool echo, connection_totals& counted)
        : stream_(std::move(accepted)), echo_(echo), totals_(counted)
    {
    }

    void receive()
    {
        const auto begun =
            stream_.receive(buffer_, [self = shared_from_this()](const result<std::size_t>& count) {
                if (!count)
                    self->end();
                else if (*count == 0)
                    self->finish();
                else
                    self->take(*count);
            });
        if (!begun)
            end();
    }

private:
    void take(std::size_t count)
    {
        totals_.received += count;
        if (!echo_) {
            receive();
            return;
        }
        const auto begun =
            stream_.send(std::span<const std::byte>(buffer_).first(count),
                         [self = shared_from_this()](const result<std::size_t>& sent) {
                             if (!sent) {
                                 self->end();
                                 return;
                             }
                             self->totals_.sent += *sent;
                             self->receive();
                         });
        if (!begun)
            end();
    }

    void finish()
    {
        (void)stream_.shutdown_send();
        end();
    }

    void end()
    {
        if (std::exchange(ended_, true))
            return;
        stream_.close();
        ++totals_.ended;
    }

    stream stream_;
    bool echo_;
    bool ended_ = false;
    connection_totals& totals_;
    std::array<std::byte, std::size_t{64} * 1024> buffer_{};
};

void print_start(printer& out, const listen_settings& settings, const listener& at)
{
    const endpoint local = at.local_endpoint();
    const std::string text =
        local.transport == transport::tcp ? to_string(at.local_address()) : to_string(local);
    if (settings.json)
        out.line(json_object().text("event", "listening").text("address", text).str());
    else
        out.line("listening on " + text);
}

void print_totals(printer& out, const listen_settings& settings, const listener_status& status,
                  const connection_totals& counted)
{
    const bool counts_bytes = settings.exec.empty();
    if (settings.json) {
        json_object object;
        object.text("event", "ended")
            .number("accepted", status.accepted)
            .number("failed", status.failed)
            .number("shed", status.shed);
        if (counts_bytes)
            object.number("bytes_received", counted.received).number("bytes_sent", counted.sent);
        else
            object.number("refused", status.refused);
        out.line(object.str());
        return;
    }
    std::string text = "accepted " + std::to_string(status.accepted) + ", failed " +
                       std::to_string(status.failed) + ", shed " + std::to_string(status.shed);
    if (counts_bytes)
        text += ", bytes received " + std::to_string(counted.received) + ", bytes sent " +
                std::to_string(counted.sent);
    else
        text += ", refused " + std::to_string(status.refused);
    out.line(text);
}

int run_listen(listen_settings& settings)
{
    settings.options.at = parse_endpoint(settings.endpoint);
    require_valid(settings.options.validate());

    // The variables of handlers and posted functions outlive the loop, whose end calls the last
    // ones.
    connection_totals counted;
    bool done = false;
    auto on = loop::create(settings.loop);
    if (!on) {
        return report_failure(on.error());
    }

    printer out(stdout);
    // All lines, unless stdout has the bytes of a connection.
    printer lines(settings.pipe ? stderr : stdout);
    if (settings.pipe)
        make_streams_binary();
    const interrupt_watch watch([&] { on->post([&done] { done = true; }); });

    bool accepted_one = false;
    std::optional<error> pipe_end; // outlives the pipe, whose end sets it
    std::optional<pipe> through;
    if (settings.pipe)
        through.emplace(*on, out, pipe_life::one_connection,
                        [&pipe_end](const error& why) { pipe_end = why; });
    std::optional<connection_programs> programs;
    if (!settings.exec.empty())
        programs.emplace(settings.exec, [&] { on->post([&counted] { ++counted.ended; }); });

    listener_handlers handlers;
    handlers.admits = [&](const address&) {
        return !programs || programs->running() < settings.max_processes;
    };
    handlers.accepted = [&](stream accepted) {
        if (through) {
            // Others are accepted until the listener has been closed.
            if (!std::exchange(accepted_one, true)) {
                through->connected(std::move(accepted));
                through->start();
            }
            return;
        }
        if (programs) {
            if (const auto started = programs->start(std::move(accepted)); !started) {
                report("--exec: " + to_string(started.error()));
                ++counted.ended;
            }
            return;
        }
        std::make_shared<accepted_connection>(std::move(accepted), !settings.discard, counted)
            ->receive();
    };
    handlers.failed = [](const error& why) { report(to_string(why)); };
    auto listening = listener::create(*on, settings.options, std::move(handlers));
    if (!listening) {
        return report_failure(settings.endpoint, listening.error());
    }
    print_start(lines, settings, *listening);
    // Without sockets: the page shows the listener alone.
    auto in = context::on(*on);
    if (!in) {
        return report_failure(in.error());
    }
    http_page page(*in, settings.http);
    printer notes(stderr);
    page.announce(notes);

    const auto over = [&] {
        page.show_listener(settings.endpoint, listening->status());
        if (accepted_one && listening->status().state != listener_state::idle)
            listening->close();
        return done || out.failed() || lines.failed() || pipe_end ||
               (settings.once && counted.ended >= *settings.once);
    };
    const auto ran = on->run_until(over, settings.timeout.value_or(duration::max()));
    if (!ran) {
        return report_failure(ran.error());
    }
    int code = exit_ok;
    if (pipe_end && *pipe_end)
        code = report_failure(*pipe_end);
    else if (done && (settings.pipe || (settings.once && counted.ended < *settings.once)))
        code = exit_code_of_interruption();
    if (!settings.pipe)
        print_totals(lines, settings, listening->status(), counted);
    return lines.exit_code(out.exit_code(code));
}

} // namespace

void add_listen_command(command& program)
{
    command& listen = program.add_command(
        "listen", "Accepts connections, and echoes what arrives, discards it, joins one "
                  "of them with stdin and stdout, or runs a program for each.");
    auto settings = std::make_shared<listen_settings>();
    listen.text({.name = "ENDPOINT",
                 .help = "tcp://HOST:PORT (a numeric address, a network interface, or *; port 0: "
                         "any free one), ipc://PATH, or ipc://* for a new file",
                 .required = true},
                settings->endpoint);
    listen.flag({.name = "--echo", .help = "Send back what arrives; this is the default"},
                settings->echo);
    listen.flag({.name = "--discard", .help = "Drop what arrives", .excludes = {"--echo"}},
                settings->discard);
    listen.flag({.name = "--pipe",
                 .help =
                     "Accept one connection, send stdin to it and write what arrives to stdout; "
                     "all other lines go to stderr. Ends when both have finished; when the "
                     "peer has, stdin may pause for half a second",
                 .excludes = {"--echo", "--discard"}},
                settings->pipe);
    listen.text({.name = "--exec",
                 .help = "Run CMD in a shell for each connection, which is its stdin and stdout; "
                         "SLK_PEER is the peer's address (POSIX)",
                 .type = "CMD",
                 .excludes = {"--echo", "--discard", "--pipe"}},
                [into = settings.get()](const std::string& text) {
                    if (text.empty())
                        throw usage_error("--exec", "is empty");
                    if (!connection_programs::are_supported())
                        throw usage_error("--exec", "is not for this system, whose programs "
                                                    "cannot read a socket as their stdin");
                    into->exec = text;
                });
    listen.number({.name = "--max-processes",
                   .help = "Reset connections while N processes run",
                   .type = "N",
                   .fallback = "100",
                   .needs = "--exec"},
                  settings->max_processes, 1, 100'000);
    listen.flag({.name = "--json", .help = "One JSON object per line"}, settings->json);
    listen.number({.name = "--once", .help = "End after N connections have ended", .type = "N"},
                  settings->once, 1, 1'000'000'000);
    add_duration(listen, {.name = "--for", .help = "End after this time [never]"},
                 settings->timeout);
    add_http_option(listen, settings->http);
    add_backend_option(listen, settings->loop.backend);
    add_tuning_options(listen, settings->options.tuning, false);
    listen.footer("Durations are numbers with a unit: 100ms, 5s, 1m.\nThe first line is the "
                  "address, with its real port; the last one the totals.");
    listen.example("slk listen tcp://127.0.0.1:7000");
    listen.example("slk listen --pipe tcp://127.0.0.1:7000 > received");
    listen.example("slk listen --exec 'tr a-z A-Z' 'tcp://*:7000'");
    listen.example("slk listen --discard --for 1m 'tcp://*:0'");
    add_exit_codes(listen,
                   {{exit_ok, "ended as asked; also when interrupted, but for --once and --pipe"},
                    {exit_interrupted, "interrupted before the end of --once or --pipe"},
                    {exit_terminated, "terminated before the end of --once or --pipe"}});
    listen.action([settings] { return run_listen(*settings); });
}

} // namespace slk::tool
