// SPDX-License-Identifier: MPL-2.0
#include "message_socket.hpp"

#include "event_output.hpp"
#include "exit_codes.hpp"
#include "key_file.hpp"
#include "message_text.hpp"
#include "options.hpp"
#include "tools/support/json.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

/// How often the endpoints and the queues are checked.
constexpr duration endpoint_check_interval = 10ms;
/// How long queued messages may take after an interruption.
constexpr duration linger_after_interruption = 1s;

[[nodiscard]] time_point current_time()
{
    return system_clock_source().now();
}

[[nodiscard]] bool has_routing_id(std::string_view type)
{
    return type == "dealer" || type == "router" || type == "req";
}

/// What a STREAM calls its only peer of connect().
constexpr const char* stream_peer = "peer";

[[nodiscard]] bool has_topics(std::string_view type)
{
    return type == "sub" || type == "xsub";
}

[[nodiscard]] std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") + words[i];
    return text;
}

void add_endpoints(command& to, const std::string& name, std::vector<std::string>& into,
                   const std::string& help)
{
    to.texts({.name = name, .help = help, .type = "ENDPOINT"},
             [&into](const std::vector<std::string>& texts) { into = texts; });
}

void add_plain_options(command& to, security_options& into)
{
    static constexpr auto* group = "Security: PLAIN, which sends passwords in clear text";
    to.text({.name = "--plain-user", .help = "Our user name", .type = "NAME", .group = group},
            [&into](const std::string& name) {
                into.mechanism = security_mechanism::plain_client;
                into.own.user = name;
            });
    to.text({.name = "--plain-password",
             .help = "Our password",
             .type = "PASSWORD",
             .group = group,
             .needs = "--plain-user"},
            into.own.password);
    to.texts({.name = "--plain-server",
              .help = "Accept only peers with this user name and password; may be repeated",
              .type = "USER:PASSWORD",
              .group = group,
              .excludes = {"--plain-user"}},
             [&into](const std::vector<std::string>& texts) {
                 into.mechanism = security_mechanism::plain_server;
                 for (const std::string& text : texts) {
                     const std::size_t middle = text.find(':');
                     if (middle == std::string::npos)
                         throw usage_error("--plain-server", "'" + text + "' is not USER:PASSWORD");
                     into.accepted.push_back({text.substr(0, middle), text.substr(middle + 1)});
                 }
             });
}

void add_curve_options(command& to, security_options& into)
{
    static constexpr auto* group = "Security: CURVE, which encrypts";
    to.text(
        {.name = "--curve-key",
         .help = "Our keys, a file of slk keygen; a client without it makes new ones",
         .type = "FILE",
         .group = group},
        [&into](const std::string& path) { into.curve.own = read_key_file("--curve-key", path); });
    to.text({.name = "--curve-server-key",
             .help = "The public key of the server, or a file with it",
             .type = "KEY",
             .group = group,
             .excludes = {"--plain-user", "--plain-server"}},
            [&into](const std::string& key) {
                into.mechanism = security_mechanism::curve_client;
                into.curve.server = read_public_key("--curve-server-key", key);
            });
    to.flag({.name = "--curve-server",
             .help = "Be the server, to which our public key is known",
             .group = group,
             .excludes = {"--curve-server-key", "--plain-user", "--plain-server"},
             .needs = "--curve-key"},
            [&into] { into.mechanism = security_mechanism::curve_server; });
    to.texts({.name = "--curve-client",
              .help = "Accept only clients with this public key; may be repeated",
              .type = "KEY",
              .group = group,
              .needs = "--curve-server"},
             [&into](const std::vector<std::string>& keys) {
                 for (const std::string& key : keys)
                     into.curve.accepted.push_back(read_public_key("--curve-client", key));
             });
}

/// A client that nobody needs to know makes keys for itself.
void complete(socket_options& options)
{
    security_options& security = options.security;
    if (security.mechanism != security_mechanism::curve_client || security.curve.own.is_set())
        return;
    auto made = curve_secret_key::make();
    if (!made)
        throw std::runtime_error(to_string(made.error()));
    security.curve.own = *std::move(made);
}

template <class Socket, class Any>
void create(context& in, const socket_settings& settings, Any& into)
{
    auto made = Socket::create(in, settings.options);
    if (!made)
        throw std::runtime_error(to_string(made.error()));
    into.template emplace<Socket>(*std::move(made));
}

[[nodiscard]] std::string endpoint_failure(const std::string& text, const error& why)
{
    const bool explained = why.code == errc::invalid_argument && why.detail != nullptr;
    return text + ": " + (explained ? why.detail : to_string(why));
}

/// Endpoints that cannot be opened by any socket are wrong usage.
[[noreturn]] void cannot_open(const std::string& text, const error& why)
{
    if (why.code == errc::invalid_argument || why.code == errc::not_supported)
        throw usage_error("ENDPOINT", endpoint_failure(text, why));
    throw std::runtime_error(endpoint_failure(text, why));
}

} // namespace

void add_socket_options(command& to, socket_settings& into, const std::string& what,
                        std::initializer_list<std::string_view> types)
{
    const std::vector<std::string> known(types.begin(), types.end());
    into.type = known.front();
    if (known.size() > 1)
        to.text({.name = "TYPE",
                 .help = "Of the socket: " + joined(known),
                 .required = true,
                 .values = known},
                [&into, what, known](const std::string& text) {
                    if (std::ranges::find(known, text) == known.end())
                        throw usage_error("TYPE", "'" + text + "' is no type of socket that can " +
                                                      what + ": " + joined(known));
                    into.type = text;
                });
    add_endpoints(to, "--bind", into.bind,
                  "Listen there: tcp://HOST:PORT (port 0: any free one), ipc://PATH; may be "
                  "repeated and mixed with --connect");
    add_endpoints(to, "--connect", into.connect,
                  "Connect there, and again whenever the connection is lost; may be repeated");
    if (known.size() > 1 || has_routing_id(known.front()))
        to.text(
            {.name = "--id",
             .help = "The routing id by which a ROUTER knows this socket: text, or 0x and "
                     "hexadecimal digits" +
                     std::string(known.size() > 1 ? " (dealer, router)" : ""),
             .type = "ID"},
            [&into](const std::string& text) { into.options.routing_id = parse_id("--id", text); });
    to.number<std::uint32_t>({.name = "--high-water-mark",
                              .help = "Messages that may wait for each peer; 0: any number",
                              .type = "N",
                              .fallback = "1000"},
                             [&into](std::uint32_t messages) {
                                 into.options.send_high_water_mark = messages;
                                 into.options.receive_high_water_mark = messages;
                             });
    add_duration(to,
                 {.name = "--peer-timeout",
                  .help = "Close a connection whose peer is silent for this time, also when asked "
                          "for a sign of life; 0: never (3ms to 720h)",
                  .fallback = "30s"},
                 into.options.peer_timeout);
    to.flag({.name = "-v,--verbose", .help = "Show changes of the endpoints"}, into.verbose);
    to.flag({.name = "--events",
             .help = "Show what happens, each event on a line: connections, handshakes, tries to "
                     "connect, peers, subscriptions, dropped messages"},
            into.events);
    to.flag(
        {.name = "--peers", .help = "Show the peers whenever one comes or goes, and at the end"},
        into.peers);
    add_http_option(to, into.http);
    to.text({.name = "--log",
             .help = "Show the log: lines of at least this level, debug, info, warning or error",
             .type = "LEVEL",
             .values = {"debug", "info", "warning", "error"}},
            [&into](const std::string& text) {
                for (std::size_t number = 0; number < log_level_count; ++number)
                    if (name_of(static_cast<log_level>(number)) == text)
                        into.log = static_cast<log_level>(number);
                if (!into.log)
                    throw usage_error("--log",
                                      "'" + text + "' is not debug, info, warning or error");
            });
    add_backend_option(to, into.loop.backend);
    add_plain_options(to, into.options.security);
    add_curve_options(to, into.options.security);
}

void require_valid(socket_settings& settings)
{
    complete(settings.options);
    if (settings.bind.empty() && settings.connect.empty())
        throw usage_error("--bind or --connect is required");
    for (const auto* texts : {&settings.bind, &settings.connect})
        for (const std::string& text : *texts)
            if (parse_endpoint(text).transport == transport::inproc)
                throw usage_error("ENDPOINT",
                                  "'" + text + "' is inside one process: use tcp or ipc");
    if (!settings.options.routing_id.empty() && !has_routing_id(settings.type))
        throw usage_error("--id", "is for dealer and router, not for " + settings.type);
    if (settings.type == "stream" &&
        settings.options.security.mechanism != security_mechanism::null)
        throw usage_error("a stream has no passwords and no keys");
    if (!settings.subscribe.empty() && !has_topics(settings.type))
        throw usage_error("--subscribe", "is for sub and xsub, not for " + settings.type);
    if (!settings.patterns.empty() && settings.type != "sub")
        throw usage_error("--pattern", "is for sub, not for " + settings.type);
    require_valid(settings.options.validate());
}

message_socket::message_socket(const socket_settings& settings, interruption& ctrl_c,
                               printer& notes)
    : settings_(settings), ctrl_c_(ctrl_c), notes_(notes), origin_(current_time())
{
    auto made = context::create({.loop = settings.loop});
    if (!made)
        throw std::runtime_error(to_string(made.error()));
    context_.emplace(*std::move(made));
    if (settings.log) {
        log_options options;
        options.level = *settings.log;
        auto log = log_stream::of(*context_, std::move(options));
        if (!log)
            throw std::runtime_error(to_string(log.error()));
        log_.emplace(*std::move(log));
    }
    if (settings.type == "pair")
        create<pair>(*context_, settings, socket_);
    else if (settings.type == "dealer")
        create<dealer>(*context_, settings, socket_);
    else if (settings.type == "router")
        create<router>(*context_, settings, socket_);
    else if (settings.type == "push")
        create<push>(*context_, settings, socket_);
    else if (settings.type == "pub")
        create<pub>(*context_, settings, socket_);
    else if (settings.type == "xpub")
        create<xpub>(*context_, settings, socket_);
    else if (settings.type == "sub")
        create<sub>(*context_, settings, socket_);
    else if (settings.type == "xsub")
        create<xsub>(*context_, settings, socket_);
    else if (settings.type == "req")
        create<req>(*context_, settings, socket_);
    else if (settings.type == "rep")
        create<rep>(*context_, settings, socket_);
    else if (settings.type == "stream")
        create<stream_socket>(*context_, settings, socket_);
    else
        create<pull>(*context_, settings, socket_);
    if (settings.events || settings.peers) {
        event_options options;
        if (!settings.events)
            options.kinds = {event_kind::peer_added, event_kind::peer_removed};
        auto events = event_stream::of(base(), std::move(options));
        if (!events)
            throw std::runtime_error(to_string(events.error()));
        events_.emplace(*std::move(events));
    }
    if (has_topics(settings.type))
        subscribe();
}

void message_socket::subscribe()
{
    const auto add = [this](const std::string& topic) {
        const result<void> added = std::visit(
            [&](auto& held) -> result<void> {
                if constexpr (requires { held.subscribe(topic); }) {
                    return held.subscribe(topic);
                } else if constexpr (std::is_same_v<std::remove_reference_t<decltype(held)>,
                                                    xsub>) {
                    SLK_TRY(held.send("\1" + topic));
                    return {};
                } else {
                    throw std::logic_error("this socket cannot subscribe");
                }
            },
            socket_);
        if (!added)
            throw usage_error("--subscribe", to_string(added.error()));
    };
    if (settings_.subscribe.empty() && settings_.patterns.empty())
        add("");
    for (const std::string& each : settings_.patterns)
        if (const auto added = std::get<sub>(socket_).psubscribe(each); !added)
            throw usage_error("--pattern", added.error().detail != nullptr
                                               ? added.error().detail
                                               : to_string(added.error()));
    for (const std::string& each : settings_.subscribe)
        add(each);
}

slk::socket& message_socket::base()
{
    return std::visit(
        [](auto& held) -> slk::socket& {
            if constexpr (std::is_base_of_v<slk::socket, std::remove_reference_t<decltype(held)>>)
                return held;
            else
                throw std::logic_error("there is no socket");
        },
        socket_);
}

void message_socket::open(const std::function<void(const std::string& endpoint)>& listening)
{
    page_.emplace(*context_, settings_.http);
    page_->announce(notes_);
    for (const std::string& text : settings_.bind) {
        const auto bound = base().bind(text);
        if (!bound)
            cannot_open(text, bound.error());
        listening(*bound);
    }
    connect_options how;
    if (settings_.type == "stream" && settings_.connect.size() == 1)
        how.routing_id = stream_peer;
    for (const std::string& text : settings_.connect)
        if (const auto begun = base().connect(text, how); !begun)
            cannot_open(text, begun.error());
    show_changes();
}

/// A waiting socket reports nothing. So it waits in steps, with a check of the endpoints after
/// each.
template <class Step>
auto message_socket::wait_in_steps(duration timeout, Step step) -> decltype(step(slk::timeout{}))
{
    const time_point until = after(current_time(), timeout);
    for (;;) {
        const duration left = std::max(until - current_time(), duration::zero());
        auto outcome = step(
            slk::timeout{settings_.shows_changes() ? std::min(left, endpoint_check_interval) : left,
                         ctrl_c_.token()});
        show_changes();
        const bool waited = !outcome && (outcome.error() == errc::timed_out ||
                                         outcome.error() == errc::would_block);
        if (!waited || current_time() >= until)
            return outcome;
    }
}

result<void> message_socket::wait_ready(duration timeout)
{
    return wait_in_steps(timeout,
                         [&](const slk::timeout& limit) { return base().wait_ready(limit); });
}

result<void> message_socket::wait_subscribed(duration timeout)
{
    const time_point until = after(current_time(), timeout);
    for (;;) {
        const auto peers = base().peers();
        discard_reports();
        const bool all = std::ranges::all_of(
            peers, [](const peer_status& each) { return !each.ready || each.subscriptions > 0; });
        if (all && std::ranges::any_of(peers, &peer_status::ready))
            return {};
        if (current_time() >= until)
            return fail(errc::timed_out, phase::transfer);
        if (!pause(endpoint_check_interval))
            return fail(errc::cancelled, phase::transfer);
    }
}

/// What peers subscribe to is not asked for.
void message_socket::discard_reports()
{
    if (auto* const held = std::get_if<xpub>(&socket_))
        for (message report; held->receive(report, no_wait);) {
        }
}

result<void> message_socket::wait_for_peer(const std::string& id, duration timeout)
{
    auto& held = std::get<router>(socket_);
    SLK_TRY(held.set_notify(true, false));
    return wait_in_steps(timeout, [&](const slk::timeout& limit) -> result<void> {
        // The received messages are discarded; the notification of a new peer ends the wait.
        for (;;) {
            const auto known = held.has_room({id});
            if (known)
                return {};
            if (known.error() != errc::no_route)
                return fail(known.error());
            peer_id from;
            multipart discarded;
            SLK_TRY(held.receive(from, discarded, limit));
        }
    });
}

result<send_outcome> message_socket::send(const std::string& to, multipart&& whole,
                                          duration timeout)
{
    if (auto* const held = std::get_if<router>(&socket_)) {
        const time_point until = after(current_time(), timeout);
        for (;;) {
            SLK_TRY(wait_for_peer(to, std::max(until - current_time(), duration::zero())));
            auto outcome = wait_in_steps(until - current_time(), [&](const slk::timeout& limit) {
                return held->send({to}, std::move(whole), limit);
            });
            // The peer may have disconnected in between.
            if (outcome || outcome.error() != errc::no_route)
                return outcome;
        }
    }
    if (auto* const held = std::get_if<stream_socket>(&socket_)) {
        for (message& part : whole) {
            if (part.size() == 0)
                continue; // it would close the peer
            auto sent = wait_in_steps(timeout, [&](const slk::timeout& limit) {
                return held->send({stream_peer}, std::move(part), limit);
            });
            if (!sent)
                return sent;
        }
        return send_outcome::queued;
    }
    discard_reports();
    return wait_in_steps(timeout, [&](const slk::timeout& limit) {
        return std::visit(
            [&](auto& held) -> result<send_outcome> {
                if constexpr (requires { held.send(std::move(whole), limit); })
                    return held.send(std::move(whole), limit);
                else
                    throw std::logic_error("this socket cannot send");
            },
            socket_);
    });
}

result<void> message_socket::receive(std::string& from, multipart& whole, duration timeout)
{
    from.clear();
    return wait_in_steps(timeout, [&](const slk::timeout& limit) {
        return std::visit(
            [&](auto& held) -> result<void> {
                if constexpr (std::is_same_v<std::remove_reference_t<decltype(held)>, router>) {
                    peer_id sender;
                    SLK_TRY(held.receive(sender, whole, limit));
                    from = sender.routing_id;
                    return {};
                } else if constexpr (std::is_same_v<std::remove_reference_t<decltype(held)>,
                                                    stream_socket>) {
                    peer_id sender;
                    message bytes;
                    whole.clear();
                    SLK_TRY(held.receive(sender, bytes, limit));
                    from = sender.routing_id;
                    whole.add(std::move(bytes));
                    return {};
                } else if constexpr (requires { held.receive(whole, limit); }) {
                    return held.receive(whole, limit);
                } else {
                    throw std::logic_error("this socket cannot receive");
                }
            },
            socket_);
    });
}

bool message_socket::pause(duration timeout)
{
    const time_point until = after(current_time(), timeout);
    for (;;) {
        const duration left = std::max(until - current_time(), duration::zero());
        if (!ctrl_c_.sleep(settings_.shows_changes() ? std::min(left, endpoint_check_interval)
                                                     : left))
            return false;
        show_changes();
        if (current_time() >= until)
            return true;
    }
}

/// Queued messages may still be sent. A peer that has left a bound endpoint does not return under
/// the same entry.
bool message_socket::is_waiting()
{
    const auto endpoints = base().endpoints();
    return std::ranges::any_of(base().peers(), [&](const peer_status& peer) {
        const bool reconnects = std::ranges::any_of(endpoints, [&](const endpoint_status& at) {
            return at.kind == endpoint_kind::connected && at.endpoint == peer.endpoint;
        });
        return peer.queued > 0 && (peer.ready || reconnects);
    });
}

socket_outcome message_socket::close(duration timeout)
{
    time_point until = after(current_time(), timeout);
    while (is_waiting() && current_time() < until &&
           ctrl_c_.sleep(std::min(endpoint_check_interval, until - current_time())))
        show_changes();
    if (ctrl_c_.requested())
        until = std::min(until, after(current_time(), linger_after_interruption));
    socket_outcome outcome;
    outcome.unsent = base().counters().unsent;
    if (outcome.unsent > 0)
        outcome.unsent_by_peer.push_back("peers that have gone: " + std::to_string(outcome.unsent));
    show_changes();
    show_peers();
    const close_report report = base().close(std::max(until - current_time(), duration::zero()));
    (void)show_events();
    show_log();
    outcome.unsent += report.unsent();
    for (const close_report::peer& each : report.peers)
        if (each.unsent > 0)
            outcome.unsent_by_peer.push_back(
                each.endpoint + (each.routing_id.empty() ? "" : ", " + id_text(each.routing_id)) +
                ": " + std::to_string(each.unsent));
    outcome.discarded = base().counters().discarded;
    outcome.lapsed = base().counters().dropped_stale + base().counters().expired;
    return outcome;
}

std::string message_socket::missing_peers()
{
    std::string text;
    for (const endpoint_status& each : base().endpoints()) {
        if (each.ready || each.peers > 0)
            continue;
        // After a failed handshake the connection itself has no error.
        const error& why =
            each.last_handshake_failure ? each.last_handshake_failure : each.link.last_error;
        text += "\n  " + each.endpoint + ": " +
                (why                                     ? to_string(why)
                 : each.kind == endpoint_kind::connected ? std::string(name_of(each.link.state))
                                                         : "no peer");
    }
    return text;
}

int message_socket::missing_code()
{
    for (const endpoint_status& each : base().endpoints())
        if (!each.ready && each.peers == 0 &&
            (exit_code_of(each.last_handshake_failure) == exit_refused ||
             exit_code_of(each.link.last_error) == exit_refused))
            return exit_refused;
    return exit_timed_out;
}

/// Returns whether a peer has come or gone.
bool message_socket::show_events()
{
    bool changed = false;
    if (!events_)
        return changed;
    for (auto next = events_->next(no_wait); next; next = events_->next(no_wait)) {
        changed = changed || next->kind == event_kind::peer_added ||
                  next->kind == event_kind::peer_removed;
        if (settings_.events)
            notes_.line(settings_.json ? event_json(*next, origin_) : event_line(*next, origin_));
    }
    return changed;
}

void message_socket::show_log()
{
    if (!log_)
        return;
    for (auto next = log_->next(no_wait); next; next = log_->next(no_wait))
        notes_.line(settings_.json ? json_object()
                                         .text("event", "log")
                                         .text("level", name_of(next->level))
                                         .text("component", next->component)
                                         .text("text", next->text)
                                         .str()
                                   : seconds_text(next->at - origin_) + "  " + to_string(*next));
}

void message_socket::show_peers()
{
    if (!settings_.peers)
        return;
    const auto all = base().peers();
    for (const peer_status& each : all)
        notes_.line(settings_.json ? peer_json(each) : peer_line(each));
    if (all.empty() && !settings_.json)
        notes_.line("no peer");
}

void message_socket::show_changes()
{
    if (show_events())
        show_peers();
    show_log();
    if (!settings_.verbose)
        return;
    const auto all = base().endpoints();
    shown_.resize(all.size());
    for (std::size_t i = 0; i < all.size(); ++i)
        show_changes(all[i], shown_[i]);
}

void message_socket::show_changes(const endpoint_status& now_there, endpoint_view& before)
{
    const auto show = [&](colour in, const std::string& text) {
        notes_.line(seconds_text(current_time() - origin_) + "  " + padded(now_there.endpoint, 9) +
                    " " + notes_.paint(in, text));
    };
    const endpoint_view after{now_there.link.state, now_there.link.attempt, now_there.ready,
                              now_there.peers, now_there.handshake_failures};
    if (now_there.kind == endpoint_kind::connected &&
        (after.state != before.state || after.attempt != before.attempt))
        notes_.line(named_state_line(notes_, now_there.endpoint, last_transition(now_there.link),
                                     now_there.link, origin_));
    if (after.ready && !before.ready)
        show(colour::green, "ready");
    if (after.handshake_failures != before.handshake_failures)
        show(colour::red, "handshake failed: " + to_string(now_there.last_handshake_failure));
    if (now_there.kind == endpoint_kind::bound && after.peers != before.peers)
        show(after.peers > before.peers ? colour::green : colour::yellow,
             std::to_string(after.peers) + (after.peers == 1 ? " peer" : " peers"));
    before = after;
}

} // namespace slk::tool
