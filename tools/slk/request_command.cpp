// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "exit_codes.hpp"
#include "interruption.hpp"
#include "message_format.hpp"
#include "message_socket.hpp"
#include "message_text.hpp"
#include "options.hpp"
#include "outbox.hpp"
#include "output.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

struct request_settings {
    socket_settings socket;
    outbox_settings out;
    message_format format;
    duration every{};
    duration wait = 10s;
};

/// Returns the exit code.
int request_failed(message_socket& by, const error& why, const std::string& what, duration waited)
{
    if (why == errc::cancelled)
        return exit_code_of_interruption();
    if (why != errc::timed_out && why != errc::would_block) {
        return report_failure(why);
    }
    report(what + " within " + short_seconds_text(waited) + by.missing_peers());
    return by.missing_code();
}

/// Sends each message, and prints its reply. Returns the exit code.
int request_all(message_socket& by, const request_settings& settings, outbox& from, printer& out,
                message_totals& replies)
{
    const auto now = [] { return system_clock_source().now(); };
    multipart whole;
    std::string sender;
    while (!out.failed() && from.next(whole)) {
        if (replies.messages > 0 && settings.every > duration::zero() && !by.pause(settings.every))
            return exit_code_of_interruption();
        const time_point until = after(now(), settings.wait);
        if (const auto sent = by.send("", std::move(whole), settings.wait); !sent)
            return request_failed(by, sent.error(), "no peer took the request", settings.wait);
        const duration left = std::max(until - now(), duration::zero());
        if (const auto received = by.receive(sender, whole, left); !received)
            return request_failed(by, received.error(), "no reply came", settings.wait);
        ++replies.messages;
        replies.bytes += bytes_of(whole);
        print_message(out, settings.format,
                      {whole, sender, replies.messages - 1, now() - by.origin()});
    }
    return interrupted() ? exit_code_of_interruption() : exit_ok;
}

int run_request(request_settings& settings)
{
    require_valid(settings.socket);
    require_valid(settings.out);
    make_streams_binary();
    interruption ctrl_c;
    printer out(stdout);
    printer notes(stderr);
    // A request is for a peer that is connected.
    settings.socket.options.immediate = true;
    settings.socket.json = settings.format.json;
    message_socket by(settings.socket, ctrl_c, notes);
    by.open([&](const std::string& endpoint) { notes.line("listening on " + endpoint); });

    outbox from(settings.out, ctrl_c);
    message_totals replies;
    const int code = request_all(by, settings, from, out, replies);
    (void)by.close(duration::zero());
    notes.line("received " + amount_text(replies.messages, replies.bytes));
    return out.exit_code(code);
}

} // namespace

void add_request_command(command& program)
{
    command& request = program.add_command(
        "request", "Sends requests, one after the other, and prints the reply to each of them.");
    auto settings = std::make_shared<request_settings>();
    add_socket_options(request, settings->socket, "request", {"req"});
    add_outbox_options(request, settings->out, "--input-");
    add_duration(
        request,
        {.name = "--every", .help = "Time between a reply and the next request", .fallback = "0"},
        settings->every);
    add_duration(request,
                 {.name = "--wait",
                  .help = "Fail when there is no reply to a request within this time",
                  .fallback = "10s"},
                 settings->wait);
    add_format_options(request, settings->format);
    request.footer("The socket is a REQ. Only replies go to stdout, all other lines to stderr. "
                   "Durations are numbers with a unit: 100ms, 5s, 1m.");
    request.example("slk request --connect tcp://127.0.0.1:5556 hello");
    request.example("slk request --connect tcp://127.0.0.1:5556 --count 10 --every 1s ping");
    request.example("slk request --connect ipc:///tmp/service --parts get key");
    add_exit_codes(
        request,
        {{exit_ok, "every request has its reply"},
         {exit_timed_out, "a reply is missing after --wait"},
         {exit_refused, "no peer within --wait, because it does not listen or does not let us in"},
         {exit_interrupted, ""},
         {exit_terminated, ""}});
    request.action([settings] { return run_request(*settings); });
}

} // namespace slk::tool
