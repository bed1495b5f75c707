// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "exit_codes.hpp"
#include "http_page.hpp"
#include "interruption.hpp"
#include "message_text.hpp"
#include "options.hpp"
#include "output.hpp"

#include <serverlink/context.hpp>
#include <serverlink/dealer.hpp>
#include <serverlink/pair.hpp>
#include <serverlink/proxy.hpp>
#include <serverlink/pub.hpp>
#include <serverlink/pull.hpp>
#include <serverlink/push.hpp>
#include <serverlink/router.hpp>
#include <serverlink/xpub.hpp>
#include <serverlink/xsub.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

/// How often the progress is shown.
constexpr duration progress_interval = 500ms;
/// How long what was moved may take to leave at the end.
constexpr duration linger_at_end = 1s;

enum class proxy_kind : std::uint8_t { queue, forwarder, streamer };

struct proxy_settings {
    std::string front;
    std::string back;
    proxy_kind kind = proxy_kind::queue;
    bool connects_front = false;
    bool connects_back = false;
    std::string capture;
    std::string control;
    std::uint32_t high_water_mark = socket_options{}.send_high_water_mark;
    std::optional<duration> timeout;
    loop_options loop;
    std::optional<std::string> http;
};

template <class Value>
Value require_made(result<Value> made)
{
    if (!made)
        throw std::runtime_error(to_string(made.error()));
    return *std::move(made);
}

template <class Socket, class Options>
std::unique_ptr<slk::socket> make_socket(context& in, const proxy_settings& settings)
{
    Options options;
    options.send_high_water_mark = options.receive_high_water_mark = settings.high_water_mark;
    return std::make_unique<Socket>(require_made(Socket::create(in, options)));
}

std::unique_ptr<slk::socket> make_front(context& in, const proxy_settings& settings)
{
    switch (settings.kind) {
    case proxy_kind::queue: break;
    case proxy_kind::forwarder: return make_socket<xsub, xsub_options>(in, settings);
    case proxy_kind::streamer: return make_socket<pull, pull_options>(in, settings);
    }
    return make_socket<router, router_options>(in, settings);
}

std::unique_ptr<slk::socket> make_back(context& in, const proxy_settings& settings)
{
    switch (settings.kind) {
    case proxy_kind::queue: break;
    case proxy_kind::forwarder: return make_socket<xpub, xpub_options>(in, settings);
    case proxy_kind::streamer: return make_socket<push, push_options>(in, settings);
    }
    return make_socket<dealer, dealer_options>(in, settings);
}

void open(slk::socket& which, const char* name, const std::string& at, bool connects,
          printer& notes)
{
    const auto refuse = [&](const error& why) {
        const bool explained = why.code == errc::invalid_argument && why.detail != nullptr;
        const std::string text = at + ": " + (explained ? why.detail : to_string(why));
        if (why.code == errc::invalid_argument || why.code == errc::not_supported)
            throw usage_error(name, text);
        throw std::runtime_error(text);
    };
    if (connects) {
        if (const auto begun = which.connect(at); !begun)
            refuse(begun.error());
        notes.line(std::string(name) + ": connecting to " + at);
        return;
    }
    const auto bound = which.bind(at);
    if (!bound)
        refuse(bound.error());
    notes.line(std::string(name) + ": listening on " + *bound);
}

std::string side_text(const proxy_counters::side& of)
{
    std::string text = "received " + amount_text(of.received, of.received_bytes) + ", sent " +
                       amount_text(of.sent, of.sent_bytes);
    if (of.dropped > 0)
        text += ", dropped " + std::to_string(of.dropped) + " without a peer";
    return text;
}

/// Runs until an interruption, TERMINATE, or the end of the time.
result<void> run_until_end(proxy& which, const proxy_settings& settings, interruption& ctrl_c)
{
    const auto now = [] { return system_clock_source().now(); };
    const time_point until = after(now(), settings.timeout.value_or(duration::max()));
    progress_line progress;
    for (;;) {
        const duration left = until == never ? duration::max() : until - now();
        if (left <= duration::zero())
            return {};
        auto ended = which.run({std::min(left, progress_interval), ctrl_c.token()});
        if (ended || ended.error() == errc::cancelled)
            return {};
        if (ended.error() != errc::timed_out)
            return ended;
        const proxy_counters numbers = which.counters();
        progress.show("front to back " + std::to_string(numbers.back.sent) + ", back to front " +
                      std::to_string(numbers.front.sent) +
                      (numbers.paused ? " messages, paused" : " messages"));
    }
}

int run_proxy(const proxy_settings& settings)
{
    interruption ctrl_c;
    printer notes(stderr);
    context in = require_made(context::create({.loop = settings.loop}));
    const auto front = make_front(in, settings);
    const auto back = make_back(in, settings);
    std::unique_ptr<slk::socket> capture;
    std::unique_ptr<slk::socket> control;
    if (!settings.capture.empty())
        capture = make_socket<pub, pub_options>(in, settings);
    if (!settings.control.empty())
        control = make_socket<pair, pair_options>(in, settings);
    auto between = require_made(
        proxy::create(*front, *back, {.capture = capture.get(), .control = control.get()}));
    open(*front, "FRONT", settings.front, settings.connects_front, notes);
    open(*back, "BACK", settings.back, settings.connects_back, notes);
    if (capture)
        open(*capture, "--capture", settings.capture, false, notes);
    if (control)
        open(*control, "--control", settings.control, false, notes);

    const http_page page(in, settings.http);
    page.announce(notes);

    const auto ended = run_until_end(between, settings, ctrl_c);
    std::uint64_t unsent = 0;
    for (slk::socket* const each : {front.get(), back.get(), capture.get()})
        unsent += each != nullptr ? each->close(linger_at_end).unsent() : 0;
    if (control)
        (void)control->close(linger_at_end);
    const proxy_counters numbers = between.counters();
    notes.line("front: " + side_text(numbers.front));
    notes.line("back: " + side_text(numbers.back));
    if (capture)
        notes.line("capture: " + std::to_string(numbers.captured) + ", left out " +
                   std::to_string(numbers.not_captured));
    if (numbers.held > 0)
        notes.line("received and not sent: " + std::to_string(numbers.held));
    if (unsent > 0)
        notes.line("unsent at the end: " + std::to_string(unsent));
    if (ended)
        return exit_ok;
    return report_failure(ended.error());
}

} // namespace

void add_proxy_command(command& program)
{
    command& proxy = program.add_command(
        "proxy", "Moves messages between two endpoints, where many others connect: a queue brings "
                 "requests to workers and replies back, a forwarder brings what publishers send to "
                 "subscribers, and a streamer spreads tasks.");
    auto settings = std::make_shared<proxy_settings>();
    proxy.text({.name = "FRONT",
                .help = "For clients, publishers or sources: tcp://HOST:PORT (port 0: any free "
                        "one), ipc://PATH",
                .required = true},
               settings->front);
    proxy.text({.name = "BACK", .help = "For workers, subscribers or sinks", .required = true},
               settings->back);
    proxy.text({.name = "--kind",
                .help = "queue (router and dealer), forwarder (xsub and xpub) or streamer (pull "
                        "and push)",
                .type = "KIND",
                .fallback = "queue",
                .values = {"queue", "forwarder", "streamer"}},
               [settings](const std::string& text) {
                   if (text == "queue")
                       settings->kind = proxy_kind::queue;
                   else if (text == "forwarder")
                       settings->kind = proxy_kind::forwarder;
                   else if (text == "streamer")
                       settings->kind = proxy_kind::streamer;
                   else
                       throw usage_error("--kind",
                                         "'" + text + "' is not queue, forwarder or streamer");
               });
    proxy.flag({.name = "--connect-front", .help = "Connect to FRONT instead of listening there"},
               settings->connects_front);
    proxy.flag({.name = "--connect-back", .help = "Connect to BACK instead of listening there"},
               settings->connects_back);
    proxy.text({.name = "--capture",
                .help = "Publish a copy of each message there (pub)",
                .type = "ENDPOINT"},
               settings->capture);
    proxy.text({.name = "--control",
                .help = "Take commands there (pair): PAUSE, RESUME, TERMINATE, STATISTICS",
                .type = "ENDPOINT"},
               settings->control);
    proxy.number<std::uint32_t>(
        {.name = "--high-water-mark",
         .help = "Messages that may wait for each peer; 0: any number",
         .type = "N",
         .fallback = "1000"},
        [settings](std::uint32_t messages) { settings->high_water_mark = messages; });
    add_duration(proxy, {.name = "--for", .help = "End after this time [never]"},
                 settings->timeout);
    add_http_option(proxy, settings->http);
    add_backend_option(proxy, settings->loop.backend);
    proxy.footer("All lines go to stderr. At the end it tells what was moved.");
    proxy.example("slk proxy 'tcp://*:5555' 'tcp://*:5556'");
    proxy.example("slk proxy --kind forwarder 'tcp://*:5555' 'tcp://*:5556'");
    proxy.example(
        "slk proxy --kind streamer 'tcp://*:5555' 'tcp://*:5556' --control ipc:///tmp/control");
    proxy.example("slk send pair --connect ipc:///tmp/control TERMINATE");
    add_exit_codes(proxy, {{exit_ok, "ended as asked, or interrupted"}});
    proxy.action([settings] {
        for (const std::string* each :
             {&settings->front, &settings->back, &settings->capture, &settings->control})
            if (!each->empty() && parse_endpoint(*each).transport == transport::inproc)
                throw usage_error("ENDPOINT",
                                  "'" + *each + "' is inside one process: use tcp or ipc");
        return run_proxy(*settings);
    });
}

} // namespace slk::tool
