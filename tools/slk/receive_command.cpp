// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "exit_codes.hpp"
#include "interruption.hpp"
#include "message_format.hpp"
#include "message_socket.hpp"
#include "message_text.hpp"
#include "options.hpp"
#include "output.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

namespace slk::tool {

namespace {

struct receive_settings {
    socket_settings socket;
    std::optional<std::uint64_t> count;
    std::optional<duration> timeout;
    std::optional<duration> wait;
    message_format format;
};

/// Receives until --count or --for ends it. Returns the exit code.
int receive_all(message_socket& from, const receive_settings& settings, printer& out,
                message_totals& counted)
{
    const auto now = [] { return system_clock_source().now(); };
    const time_point until = after(now(), settings.timeout.value_or(duration::max()));
    std::string sender;
    multipart whole;
    while (!out.failed() && counted.messages < settings.count.value_or(UINT64_MAX)) {
        const duration left = std::max(until - now(), duration::zero());
        const duration limit = settings.wait.value_or(duration::max());
        const auto received = from.receive(sender, whole, std::min(left, limit));
        if (!received && received.error() == errc::cancelled)
            return settings.count ? exit_code_of_interruption() : exit_ok;
        if (!received &&
            (received.error() == errc::timed_out || received.error() == errc::would_block)) {
            if (left <= limit)
                return exit_ok;
            report("no message arrived for " + short_seconds_text(limit) + from.missing_peers());
            return from.missing_code();
        }
        if (!received) {
            return report_failure(received.error());
        }
        ++counted.messages;
        counted.bytes += bytes_of(whole);
        print_message(out, settings.format,
                      {whole, sender, counted.messages - 1, now() - from.origin()});
    }
    return exit_ok;
}

int run_receive(receive_settings& settings)
{
    require_valid(settings.socket);
    settings.socket.json = settings.format.json;
    // Only bytes are printed.
    settings.socket.options.stream_notices = settings.socket.type != "stream";
    make_streams_binary();
    interruption ctrl_c;
    printer out(stdout);
    printer notes(stderr);
    message_socket from(settings.socket, ctrl_c, notes);
    from.open([&](const std::string& endpoint) { notes.line("listening on " + endpoint); });

    message_totals counted;
    const int code = receive_all(from, settings, out, counted);
    const socket_outcome outcome = from.close(duration::zero());
    std::string summary = "received " + amount_text(counted.messages, counted.bytes);
    if (outcome.discarded > 0)
        summary += ", discarded " + std::to_string(outcome.discarded);
    notes.line(summary);
    return out.exit_code(code);
}

} // namespace

void add_receive_command(command& program)
{
    command& receive = program.add_command(
        "receive", "Receives messages, and prints them: text as it is, other bytes in "
                   "hexadecimal, each of several parts on a line of its own with its size, and the "
                   "sender if the socket is a router or a stream: that receives the bytes of any "
                   "programs, as they come.");
    auto settings = std::make_shared<receive_settings>();
    add_socket_options(receive, settings->socket, "receive",
                       {"pair", "dealer", "router", "pull", "sub", "xsub", "stream"});
    receive.texts(
        {.name = "--subscribe",
         .help = "Receive what begins with PREFIX (sub, xsub) [everything]; may be repeated",
         .type = "PREFIX"},
        [into = settings.get()](const std::vector<std::string>& prefixes) {
            into->socket.subscribe = prefixes;
        });
    receive.texts({.name = "--pattern",
                   .help = "Receive what matches GLOB with its whole first part (sub): * is any "
                           "bytes, ? any one, [a-z] one of a set; may be repeated",
                   .type = "GLOB"},
                  [into = settings.get()](const std::vector<std::string>& patterns) {
                      into->socket.patterns = patterns;
                  });
    receive.number({.name = "--count", .help = "End after N messages [never]", .type = "N"},
                   settings->count, 1, 1'000'000'000'000);
    add_duration(receive, {.name = "--for", .help = "End after this time [never]"},
                 settings->timeout);
    add_duration(
        receive,
        {.name = "--wait", .help = "Fail when no message arrives within this time [never]"},
        settings->wait);
    add_format_options(receive, settings->format);
    receive.footer("Durations are numbers with a unit: 100ms, 5s, 1m. Only messages go to stdout, "
                   "all other lines to stderr.");
    receive.example("slk receive pull --bind 'tcp://*:5555'");
    receive.example("slk receive router --bind ipc:///tmp/jobs --count 10 --json");
    receive.example("slk receive dealer --id alice --connect tcp://127.0.0.1:5555 --wait 5s");
    receive.example("slk receive pull --bind tcp://127.0.0.1:5555 --count 1 --raw > file");
    receive.example("slk receive sub --connect tcp://127.0.0.1:5556 --subscribe weather");
    receive.example("slk receive sub --connect tcp://127.0.0.1:5556 --pattern 'weather.*.rain'");
    receive.example("slk receive sub --connect tcp://127.0.0.1:5556 --format '%D %t: %S bytes\\n'");
    receive.example("slk receive pull --bind 'tcp://*:5555' --quoted --time");
    receive.example(
        "slk receive pull --bind 'tcp://*:5555' --delimiter '\\0' | xargs -0 -n 1 echo");
    receive.example("slk receive stream --bind 'tcp://*:8080' --raw");
    add_exit_codes(
        receive,
        {{exit_ok, "ended as asked; also when interrupted without --count"},
         {exit_timed_out, "no message arrived within --wait"},
         {exit_refused,
          "no message arrived within --wait, because a peer does not listen or does not let us in"},
         {exit_interrupted, "interrupted before --count was reached"},
         {exit_terminated, "terminated before --count was reached"}});
    receive.action([settings] { return run_receive(*settings); });
}

} // namespace slk::tool
