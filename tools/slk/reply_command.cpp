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
#include <string>
#include <utility>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

struct reply_settings {
    socket_settings socket;
    std::optional<std::string> text;
    message_format format;
    std::optional<std::uint64_t> count;
    std::optional<duration> timeout;
};

/// How long the last reply may take at the end.
constexpr duration last_reply_time = 10s;

/// What is replied to a request: the text, or the request itself.
result<multipart> reply_to(multipart&& request, const reply_settings& settings)
{
    if (!settings.text)
        return std::move(request);
    multipart text;
    SLK_TRY(text.add(std::string_view(*settings.text)));
    return text;
}

/// Replies until --count or --for ends it. Returns the exit code.
int reply_to_all(message_socket& by, const reply_settings& settings, printer& out,
                 message_totals& requests, std::uint64_t& dropped)
{
    const auto now = [] { return system_clock_source().now(); };
    const time_point until = after(now(), settings.timeout.value_or(duration::max()));
    std::string sender;
    multipart whole;
    const auto failed = [&](const error& why) {
        if (why == errc::cancelled)
            return settings.count ? exit_code_of_interruption() : exit_ok;
        if (why == errc::timed_out || why == errc::would_block)
            return exit_ok; // --for
        return report_failure(why);
    };
    while (!out.failed() && requests.messages < settings.count.value_or(UINT64_MAX)) {
        const auto received = by.receive(sender, whole, std::max(until - now(), duration::zero()));
        if (!received)
            return failed(received.error());
        ++requests.messages;
        requests.bytes += bytes_of(whole);
        print_message(out, settings.format,
                      {whole, sender, requests.messages - 1, now() - by.origin()});
        auto reply = reply_to(std::move(whole), settings);
        if (!reply)
            return failed(reply.error());
        const auto sent = by.send("", *std::move(reply), duration::zero());
        if (!sent)
            return failed(sent.error());
        dropped += *sent == send_outcome::queued ? 0 : 1;
    }
    return exit_ok;
}

int run_reply(reply_settings& settings)
{
    require_valid(settings.socket);
    make_streams_binary();
    interruption ctrl_c;
    printer out(stdout);
    printer notes(stderr);
    settings.socket.json = settings.format.json;
    message_socket by(settings.socket, ctrl_c, notes);
    by.open([&](const std::string& endpoint) { notes.line("listening on " + endpoint); });

    message_totals requests;
    std::uint64_t dropped = 0;
    const int code = reply_to_all(by, settings, out, requests, dropped);
    dropped += by.close(last_reply_time).unsent;
    std::string summary = "replied to " + amount_text(requests.messages, requests.bytes);
    if (dropped > 0)
        summary += ", dropped " + std::to_string(dropped);
    notes.line(summary);
    return out.exit_code(code);
}

} // namespace

void add_reply_command(command& program)
{
    command& reply = program.add_command(
        "reply", "Receives requests, prints them, and replies to each of them.");
    auto settings = std::make_shared<reply_settings>();
    add_socket_options(reply, settings->socket, "reply", {"rep"});
    reply.text({.name = "TEXT", .help = "The reply to every request [the request itself]"},
               [into = settings.get()](const std::string& text) { into->text = text; });
    reply.number({.name = "--count", .help = "End after N requests [never]", .type = "N"},
                 settings->count, 1, 1'000'000'000'000);
    add_duration(reply, {.name = "--for", .help = "End after this time [never]"},
                 settings->timeout);
    add_format_options(reply, settings->format);
    reply.footer(
        "The socket is a REP. Only requests go to stdout, all other lines to stderr. A reply whose "
        "peer is gone is dropped. Durations are numbers with a unit: 100ms, 5s, 1m.");
    reply.example("slk reply --bind 'tcp://*:5556'");
    reply.example("slk reply --bind tcp://127.0.0.1:5556 --count 1 done");
    add_exit_codes(reply, {{exit_ok, "ended as asked; also when interrupted without --count"},
                           {exit_interrupted, "interrupted before --count was reached"},
                           {exit_terminated, "terminated before --count was reached"}});
    reply.action([settings] { return run_reply(*settings); });
}

} // namespace slk::tool
