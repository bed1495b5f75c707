// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "exit_codes.hpp"
#include "interruption.hpp"
#include "message_socket.hpp"
#include "message_text.hpp"
#include "options.hpp"
#include "outbox.hpp"
#include "output.hpp"
#include "terminal.hpp"
#include "tools/support/json.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

struct send_settings {
    socket_settings socket;
    outbox_settings out;
    std::string to;
    duration every{};
    duration wait = 10s;
    duration linger = 10s;
    bool json = false;
};

/// Shows on a terminal how much a long send has queued so far.
class send_progress {
public:
    explicit send_progress(bool enabled) : shown_(enabled && is_terminal(stderr)), begun_(now()) {}
    send_progress(const send_progress&) = delete;
    send_progress& operator=(const send_progress&) = delete;
    ~send_progress() { clear(); }

    void show(const message_totals& counted)
    {
        if (!shown_ || now() - shown_at_ < interval || now() - begun_ < interval)
            return;
        shown_at_ = now();
        const double passed = std::chrono::duration<double>(shown_at_ - begun_).count();
        std::fprintf(stderr, "\r\x1b[K%llu messages, %.0f/s",
                     static_cast<unsigned long long>(counted.messages),
                     static_cast<double>(counted.messages) / passed);
        visible_ = true;
    }

    void clear()
    {
        if (std::exchange(visible_, false))
            std::fputs("\r\x1b[K", stderr);
    }

private:
    static constexpr duration interval = 200ms;
    [[nodiscard]] static time_point now() { return system_clock_source().now(); }

    bool shown_;
    bool visible_ = false;
    time_point begun_;
    time_point shown_at_{};
};

/// Returns the exit code.
int give_up(message_socket& by, const std::string& why, duration waited)
{
    report(why + " within " + short_seconds_text(waited) + by.missing_peers());
    return by.missing_code();
}

[[nodiscard]] bool is_timeout(const error& why)
{
    return why == errc::timed_out || why == errc::would_block;
}

int send_failed(const error& why)
{
    if (why == errc::cancelled)
        return exit_code_of_interruption();
    return report_failure(why);
}

[[nodiscard]] queue_policy parse_queue_policy(const std::string& text)
{
    if (text == "keep")
        return queue_policy::keep;
    if (text == "drop-all")
        return queue_policy::drop_all;
    if (text == "keep-newest")
        return queue_policy::keep_newest;
    throw usage_error("--on-reconnect", "'" + text + "' is not keep, drop-all or keep-newest");
}

[[nodiscard]] bool publishes(const send_settings& settings)
{
    return settings.socket.type == "pub" || settings.socket.type == "xpub";
}

/// `dropped`: messages that went to no peer.
int send_all(message_socket& by, const send_settings& settings, outbox& from,
             message_totals& counted, std::uint64_t& dropped)
{
    // A ROUTER waits for the peer of --to instead.
    if (settings.to.empty()) {
        if (const auto ready = by.wait_ready(settings.wait); !ready)
            return is_timeout(ready.error())
                       ? give_up(by, "not every peer was connected", settings.wait)
                       : send_failed(ready.error());
    }
    // A message that nobody has subscribed to is lost.
    if (publishes(settings)) {
        if (const auto subscribed = by.wait_subscribed(settings.wait); !subscribed)
            return is_timeout(subscribed.error())
                       ? give_up(by, "not every peer had subscribed", settings.wait)
                       : send_failed(subscribed.error());
    }
    send_progress shown(!settings.socket.verbose);
    multipart next;
    while (from.next(next)) {
        if (counted.messages > 0 && settings.every > duration::zero() && !by.pause(settings.every))
            return exit_code_of_interruption();
        const std::uint64_t bytes = bytes_of(next);
        const auto sent = by.send(settings.to, std::move(next), settings.wait);
        if (!sent) {
            shown.clear();
            if (!is_timeout(sent.error()))
                return send_failed(sent.error());
            return give_up(by,
                           settings.to.empty() || counted.messages > 0
                               ? "there was no room for another message"
                               : "'" + id_text(settings.to) + "' has not connected",
                           settings.wait);
        }
        ++counted.messages;
        counted.bytes += bytes;
        dropped += *sent == send_outcome::queued ? 0 : 1;
        shown.show(counted);
    }
    return interrupted() ? exit_code_of_interruption() : exit_ok;
}

void print_totals(printer& out, const send_settings& settings, const message_totals& counted,
                  std::uint64_t dropped, const socket_outcome& outcome, duration took)
{
    // Of a publisher's, those for each peer count.
    const std::uint64_t flushed =
        counted.messages - std::min(counted.messages, outcome.unsent + outcome.lapsed + dropped);
    const double seconds = std::chrono::duration<double>(took).count();
    if (settings.json) {
        out.line(json_object()
                     .text("event", "ended")
                     .number("queued", counted.messages)
                     .number("bytes", counted.bytes)
                     .number("flushed", flushed)
                     .number("unsent", outcome.unsent)
                     .number("dropped", dropped)
                     .number("lapsed", outcome.lapsed)
                     .number("seconds", seconds)
                     .str());
        return;
    }
    char passed[64];
    std::snprintf(passed, sizeof passed, "%.3f s", seconds);
    out.line("queued " + amount_text(counted.messages, counted.bytes) + ": flushed " +
             std::to_string(flushed) + ", unsent " + std::to_string(outcome.unsent) +
             (dropped > 0 ? ", for nobody " + std::to_string(dropped) : "") +
             (outcome.lapsed > 0 ? ", lapsed " + std::to_string(outcome.lapsed) : "") + ", in " +
             passed);
    for (const std::string& each : outcome.unsent_by_peer)
        out.line("  unsent at " + each);
}

int run_send(send_settings& settings)
{
    require_valid(settings.socket);
    settings.socket.json = settings.json;
    const bool names_peer = settings.socket.type == "router";
    if (names_peer && settings.to.empty())
        throw usage_error("--to is required: the peer that a router sends to");
    if (!names_peer && !settings.to.empty())
        throw usage_error("--to", "is for a router, not for " + settings.socket.type);
    if (settings.socket.type == "stream" &&
        (settings.socket.connect.size() != 1 || !settings.socket.bind.empty()))
        throw usage_error("a stream sends to the peer of one --connect");
    require_valid(settings.out);

    make_streams_binary();
    interruption ctrl_c;
    printer out(stdout);
    // Messages are queued only for peers that are connected.
    settings.socket.options.immediate = true;
    message_socket by(settings.socket, ctrl_c, out);
    by.open([&](const std::string& endpoint) {
        out.line(settings.json
                     ? json_object().text("event", "listening").text("endpoint", endpoint).str()
                     : "listening on " + endpoint);
    });

    outbox from(settings.out, ctrl_c);
    message_totals counted;
    std::uint64_t dropped = 0;
    const int code = send_all(by, settings, from, counted, dropped);
    const socket_outcome outcome = by.close(settings.linger);
    print_totals(out, settings, counted, dropped, outcome,
                 system_clock_source().now() - by.origin());
    // Why some are unsent is worth more than that.
    return out.exit_code(code == exit_ok && outcome.unsent > 0
                             ? (interrupted() ? exit_code_of_interruption() : exit_unsent)
                             : code);
}

} // namespace

void add_send_command(command& program)
{
    command& send = program.add_command(
        "send", "Sends messages, waits until they have been passed to the network, and reports "
                "which were not.");
    auto settings = std::make_shared<send_settings>();
    add_socket_options(send, settings->socket, "send",
                       {"pair", "dealer", "router", "push", "pub", "xpub", "stream"});
    send.text(
        {.name = "--to",
         .help = "The routing id of the peer: text, or 0x and hexadecimal digits (router)",
         .type = "ID"},
        [into = settings.get()](const std::string& text) { into->to = parse_id("--to", text); });
    add_outbox_options(send, settings->out, "--");
    add_duration(send, {.name = "--every", .help = "Time between two messages", .fallback = "0"},
                 settings->every);
    add_duration(send,
                 {.name = "--wait",
                  .help = "Fail when a peer is missing, has no room, or has not subscribed (pub, "
                          "xpub), for this time",
                  .fallback = "10s"},
                 settings->wait);
    add_duration(send,
                 {.name = "--linger",
                  .help = "How long queued messages may take at the end; then they are unsent",
                  .fallback = "10s"},
                 settings->linger);
    send.text({.name = "--on-reconnect",
               .help = "What becomes of messages that a lost connection has left unsent, when the "
                       "peer is back: keep, drop-all or keep-newest",
               .type = "POLICY",
               .fallback = "keep",
               .values = {"keep", "drop-all", "keep-newest"}},
              [into = settings.get()](const std::string& text) {
                  into->socket.options.on_reconnect = parse_queue_policy(text);
              });
    add_duration(send,
                 {.name = "--expires-after",
                  .help = "Drop a message that has waited for this time, in whole milliseconds; 0: "
                          "never",
                  .fallback = "0"},
                 settings->socket.options.expires_after);
    send.flag({.name = "--json", .help = "One JSON object per line"}, settings->json);
    send.footer("Durations are numbers with a unit: 100ms, 5s, 1m. After -- words that begin with "
                "- are messages, too.");
    send.example("slk send push --connect tcp://127.0.0.1:5555 hello world");
    send.example("slk send push --bind 'tcp://*:5555' --count 1000 --every 10ms tick");
    send.example("slk send dealer --connect ipc:///tmp/jobs --parts header body");
    send.example("slk send router --bind tcp://127.0.0.1:5555 --to alice 'hello, alice'");
    send.example("slk send push --connect tcp://127.0.0.1:5555 --file picture.png");
    send.example("find . -print0 | slk send push --connect tcp://127.0.0.1:5555 --delimiter '\\0'");
    send.example("slk send pub --bind 'tcp://*:5556' 'weather sunny'");
    send.example("slk send stream --connect tcp://127.0.0.1:8080 'to any program'");
    send.example("tail -f log | slk send push --connect tcp://127.0.0.1:5555");
    add_exit_codes(
        send,
        {{exit_ok, "all messages were passed to the network"},
         {exit_timed_out, "no peer, no subscription or no room within --wait"},
         {exit_refused, "no peer within --wait, because it does not listen or does not let us in"},
         {exit_unsent, ""},
         {exit_interrupted, "interrupted before all messages were sent"},
         {exit_terminated, "terminated before all messages were sent"}});
    send.action([settings] { return run_send(*settings); });
}

} // namespace slk::tool
