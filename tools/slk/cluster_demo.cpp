// SPDX-License-Identifier: MPL-2.0
#include "demo.hpp"
#include "flow_ledger.hpp"
#include "http_page.hpp"
#include "interruption.hpp"
#include "output.hpp"
#include "tools/support/child_process.hpp"
#include "tools/support/command_line.hpp"

#include <serverlink/client.hpp>
#include <serverlink/context.hpp>
#include <serverlink/events.hpp>
#include <serverlink/pub.hpp>
#include <serverlink/sub.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

/// Each publisher sends a message, and each client a request, this often.
constexpr duration publish_interval = 5ms;
constexpr duration request_interval = 25ms;
/// How long a process is away, and how long it is there before it is killed.
constexpr duration cluster_absence = 1500ms;
constexpr duration cluster_presence = 1500ms;
/// How long everything may take to heal, and the last message to arrive.
constexpr duration cluster_timeout = 10s;
/// Longer than a server is away: a request waits for it.
constexpr duration cluster_request_timeout = 15s;
/// A publisher keeps no more messages than these for a proxy that is away.
constexpr std::uint32_t kept_messages = 100;

template <class Value>
Value made_or_throw(result<Value> made)
{
    if (!made)
        throw std::runtime_error(to_string(made.error()));
    return *std::move(made);
}

reconnect_options fast_delays()
{
    reconnect_options made;
    made.base = 100ms;
    made.floor = 50ms;
    made.cap = 800ms;
    return made;
}

struct publisher {
    std::string topic;
    pub socket;
    std::uint64_t published = 0;
};

struct subscriber {
    std::string name;
    std::string topic; ///< empty: everything
    sub socket;
    /// One for each publisher. The others' have no messages.
    std::vector<flow_ledger> flows;
};

struct requester {
    std::string name;
    client asks;
    std::vector<pending_reply> open;
    std::uint64_t requests = 0;
    std::uint64_t replies = 0;
    std::uint64_t timed_out = 0;
    std::uint64_t failed = 0;
};

/// A process of its own.
struct service {
    std::string name;
    std::vector<std::string> words;
    std::unique_ptr<child_process> process;
};

class cluster {
public:
    explicit cluster(const demo_settings& settings);

    int run();

private:
    void print(std::string_view name, colour in, const std::string& text);
    void show_moves();
    void publish(publisher& by);
    void receive(subscriber& by);
    void ask(requester& by);
    void take_replies(requester& by);
    void start(service& which, bool again);
    void kill(service& which);
    /// False: interrupted, or the output cannot be written.
    bool wait(duration timeout, const std::function<bool()>& done, bool sending = true);
    [[nodiscard]] bool is_ready();
    /// Kills the service, waits, starts it again. Returns whether everything has healed.
    bool kill_and_heal(service& which);
    bool finish();
    bool print_messages();
    bool print_requests();

    const demo_settings& settings_;
    interruption ctrl_c_; // before any thread
    printer out_{stdout};
    time_point origin_ = system_clock_source().now();
    service proxy_{"proxy", {}, {}};
    service server_{"server", {}, {}};
    std::string front_;
    std::string back_;
    std::string requests_;
    context in_;
    std::optional<event_stream> moves_;
    std::vector<publisher> publishers_;
    std::vector<subscriber> subscribers_;
    std::vector<requester> requesters_;
    time_point next_request_{};
    std::optional<http_page> page_;
};

cluster::cluster(const demo_settings& settings)
    : settings_(settings), in_(made_or_throw(context::create({.loop = settings.loop})))
{
    loop ports = made_or_throw(loop::create(settings.loop));
    const std::vector<address> found = free_addresses(ports, 3);
    front_ = "tcp://" + to_string(found[0]);
    back_ = "tcp://" + to_string(found[1]);
    requests_ = "tcp://" + to_string(found[2]);
    // With --for, because this process may be killed before it can end them.
    const std::string slk = path_of_this_program(settings.program);
    const std::string longest = std::to_string((settings.time + 60s) / 1s) + "s";
    proxy_.words = {slk, "proxy", "--kind", "forwarder", front_, back_, "--for", longest};
    server_.words = {slk, "reply", "--bind", requests_, "--for", longest};

    event_options watched;
    watched.kinds = {event_kind::connect_delayed, event_kind::connect_retried,
                     event_kind::link_state};
    moves_.emplace(made_or_throw(event_stream::of(in_, watched)));
    if (settings.http || http_page::is_available())
        page_.emplace(in_, settings.http.value_or("127.0.0.1:0"));

    pub_options publishing;
    publishing.reconnect = fast_delays();
    publishing.send_high_water_mark = kept_messages;
    for (const char* topic : {"east", "west"})
        publishers_.push_back({topic, made_or_throw(pub::create(in_, publishing))});
    sub_options subscribing;
    subscribing.reconnect = fast_delays();
    for (const char* topic : {"", "east", "west"}) {
        const std::string name = *topic == '\0' ? "all" : topic;
        subscribers_.push_back({name, topic, made_or_throw(sub::create(in_, subscribing)),
                                std::vector<flow_ledger>(publishers_.size())});
    }
    client_options asking;
    asking.socket.reconnect = fast_delays();
    for (const char* name : {"client 1", "client 2"})
        requesters_.push_back({name, made_or_throw(client::create(in_, asking)), {}});
}

void cluster::print(std::string_view name, colour in, const std::string& text)
{
    out_.line(seconds_text(system_clock_source().now() - origin_) + "  " + padded(name, 10) + " " +
              out_.paint(in, text));
}

/// Prints each move of the link of the first subscriber.
void cluster::show_moves()
{
    const std::uint64_t shown = subscribers_.front().socket.number();
    while (const auto move = moves_->next(no_wait)) {
        if (move->socket != shown || move->from == move->to)
            continue;
        std::string line = seconds_text(move->at - origin_) + "  " + padded("link", 10) + " " +
                           padded(name_of(move->from), 10) + " -> " +
                           out_.paint(colour_of(move->to), padded(name_of(move->to), 10)) +
                           "  attempt " + std::to_string(move->attempt);
        if (move->reason)
            line += "  " + std::string(name_of(move->reason.code));
        if (move->to == link_state::backoff)
            line += ", next in " + std::to_string(move->delay / 1ms) + " ms";
        out_.line(line);
    }
}

void cluster::publish(publisher& by)
{
    const std::string text = by.topic + " " + std::to_string(by.published + 1);
    const auto outcome = by.socket.send(text, no_wait);
    if (!outcome)
        throw std::runtime_error(to_string(outcome.error()));
    ++by.published;
    const auto index = static_cast<std::size_t>(&by - publishers_.data());
    for (subscriber& each : subscribers_)
        if (each.topic.empty() || each.topic == by.topic)
            each.flows[index].publish(*outcome);
}

void cluster::receive(subscriber& by)
{
    message next;
    while (by.socket.receive(next, no_wait)) {
        const std::string_view text = next.text();
        const std::size_t blank = text.find(' ');
        std::uint64_t number = 0;
        if (blank != text.npos)
            (void)std::from_chars(text.data() + blank + 1, text.data() + text.size(), number);
        for (std::size_t i = 0; i < publishers_.size(); ++i)
            if (text.substr(0, blank) == publishers_[i].topic)
                by.flows[i].arrive(number);
    }
}

void cluster::ask(requester& by)
{
    request_options options;
    options.timeout = cluster_request_timeout;
    options.repeatable = true;
    options.max_attempts = 10;
    auto started = by.asks.start("request " + std::to_string(by.requests + 1), options);
    if (!started)
        throw std::runtime_error(to_string(started.error()));
    ++by.requests;
    by.open.push_back(*std::move(started));
}

void cluster::take_replies(requester& by)
{
    (void)by.asks.wait_any(no_wait);
    std::erase_if(by.open, [&](pending_reply& each) {
        if (!each.done())
            return false;
        const auto reply = each.wait(no_wait);
        if (reply)
            ++by.replies;
        else
            ++(reply.error() == errc::timed_out ? by.timed_out : by.failed);
        return true;
    });
}

void cluster::start(service& which, bool again)
{
    which.process = std::make_unique<child_process>(which.words, error_output::discarded,
                                                    [](std::string_view) {});
    print(which.name, colour::bold,
          (again ? "is back (process " : "starts (process ") + std::to_string(which.process->id()) +
              ")");
}

void cluster::kill(service& which)
{
    const std::string id = std::to_string(which.process->id());
    if (&which == &proxy_)
        for (subscriber& each : subscribers_)
            for (flow_ledger& flow : each.flows)
                flow.kill();
    which.process->kill();
    print(which.name, colour::bold, "is killed (process " + id + ")");
}

bool cluster::wait(duration timeout, const std::function<bool()>& done, bool sending)
{
    const auto now = [] { return system_clock_source().now(); };
    const time_point until = after(now(), timeout);
    const auto over = [&] { return ctrl_c_.requested() || out_.failed() || (done && done()); };
    while (!over() && now() < until) {
        if (sending) {
            for (publisher& each : publishers_)
                publish(each);
            if (now() >= next_request_) {
                next_request_ = after(now(), request_interval);
                for (requester& each : requesters_)
                    ask(each);
            }
        }
        for (subscriber& each : subscribers_)
            receive(each);
        for (requester& each : requesters_)
            take_replies(each);
        show_moves();
        (void)ctrl_c_.sleep(publish_interval);
    }
    return !ctrl_c_.requested() && !out_.failed();
}

bool cluster::is_ready()
{
    const auto ready = [](auto& of) { return of.endpoints().front().ready; };
    return std::ranges::all_of(publishers_, [&](publisher& each) { return ready(each.socket); }) &&
           std::ranges::all_of(subscribers_,
                               [&](subscriber& each) { return ready(each.socket); }) &&
           std::ranges::all_of(requesters_, [&](requester& each) { return ready(each.asks); });
}

bool cluster::kill_and_heal(service& which)
{
    // What a publisher still had would come later than what is lost with the proxy.
    const auto all_sent = [&] {
        return std::ranges::all_of(
            publishers_, [](publisher& each) { return each.socket.peers().front().queued == 0; });
    };
    if (!wait(cluster_timeout, all_sent, false))
        return false;
    kill(which);
    if (!wait(cluster_absence, {}))
        return false;
    start(which, true);
    const time_point since = system_clock_source().now();
    if (!wait(cluster_timeout, [&] { return is_ready(); }))
        return false;
    const bool healed = is_ready();
    print("cluster", healed ? colour::green : colour::red,
          healed ? "has healed " + std::to_string((system_clock_source().now() - since) / 1ms) +
                       " ms after the " + which.name + " was started again"
                 : "has not healed");
    return healed && wait(cluster_presence, {});
}

/// Waits for the last messages and replies.
bool cluster::finish()
{
    const auto all_here = [&] {
        return std::ranges::all_of(requesters_, [](const auto& by) { return by.open.empty(); }) &&
               std::ranges::all_of(subscribers_, [](const subscriber& by) {
                   return std::ranges::all_of(
                       by.flows, [](const flow_ledger& flow) { return flow.has_last(); });
               });
    };
    return wait(cluster_timeout, all_here, false);
}

bool cluster::print_messages()
{
    const std::array columns{"subscriber", "published",  "arrived", "no subscriber", "queue full",
                             "lost",       "before sub", "twice",   "unexplained"};
    out_.line("");
    std::string head;
    for (const char* each : columns)
        head += padded(each, 14);
    while (head.ends_with(' '))
        head.pop_back();
    out_.line(out_.paint(colour::bold, head));
    flow_verdict all;
    const auto row = [&](const std::string& name, const flow_verdict& of) {
        std::string line = padded(name, 14);
        for (const std::uint64_t each :
             {of.published, of.arrived, of.no_subscriber, of.queue_full, of.lost_with_proxy,
              of.before_subscription, of.duplicated + of.out_of_order})
            line += padded(std::to_string(each), 14);
        out_.line(line + out_.paint(of.unexplained == 0 ? colour::green : colour::red,
                                    std::to_string(of.unexplained)));
    };
    for (const subscriber& each : subscribers_) {
        flow_verdict sum;
        for (const flow_ledger& flow : each.flows)
            sum += flow.judge();
        row(each.name, sum);
        all += sum;
    }
    row("sum", all);
    out_.line("no subscriber: the publisher knew none\nqueue full: it kept " +
              std::to_string(kept_messages) +
              " messages for the proxy that was away\nlost: the proxy had them when it was "
              "killed\nbefore sub: the proxy was there, and did not know the subscriber yet");
    const bool good = all.adds_up();
    out_.line(good ? out_.paint(colour::green, "Of " + std::to_string(all.published) +
                                                   " messages " + std::to_string(all.arrived) +
                                                   " arrived, in order and once; " +
                                                   std::to_string(all.published - all.arrived) +
                                                   " were dropped, each for one of these reasons.")
                   : out_.paint(colour::red, "The messages do not add up."));
    return good;
}

bool cluster::print_requests()
{
    out_.line("");
    out_.line(out_.paint(colour::bold, padded("client", 14) + padded("requests", 14) +
                                           padded("replies", 14) + padded("timed out", 14) +
                                           padded("failed", 14) + "sent again"));
    bool good = true;
    std::uint64_t requests = 0;
    for (const requester& each : requesters_) {
        out_.line(padded(each.name, 14) + padded(std::to_string(each.requests), 14) +
                  padded(std::to_string(each.replies), 14) +
                  padded(std::to_string(each.timed_out), 14) +
                  padded(std::to_string(each.failed), 14) +
                  std::to_string(each.asks.counters().repeated));
        good = good && each.replies == each.requests;
        requests += each.requests;
    }
    out_.line(good ? out_.paint(colour::green,
                                "Each of " + std::to_string(requests) + " requests has its reply.")
                   : out_.paint(colour::red, "Not every request has a reply."));
    return good;
}

int cluster::run()
{
    out_.line("Two publishers, a proxy and three subscribers; two clients and a server. The proxy "
              "and the server\nare processes of their own, and are not there yet. Below: each move "
              "of the link of subscriber \"all\".");
    if (page_)
        page_->announce(out_);
    for (publisher& each : publishers_)
        if (const auto begun = each.socket.connect(front_); !begun)
            throw std::runtime_error(to_string(begun.error()));
    for (subscriber& each : subscribers_) {
        if (const auto done = each.socket.subscribe(each.topic); !done)
            throw std::runtime_error(to_string(done.error()));
        if (const auto begun = each.socket.connect(back_); !begun)
            throw std::runtime_error(to_string(begun.error()));
    }
    for (requester& each : requesters_)
        if (const auto begun = each.asks.connect(requests_); !begun)
            throw std::runtime_error(to_string(begun.error()));

    bool going = wait(500ms, {});
    if (going) {
        start(proxy_, false);
        start(server_, false);
        going = wait(cluster_timeout, [&] { return is_ready(); }) && wait(cluster_presence, {});
    }
    bool healed = going && is_ready();
    for (service* each : {&proxy_, &server_}) {
        healed = healed && kill_and_heal(*each);
        going = !ctrl_c_.requested() && !out_.failed();
    }
    if (going)
        going = wait(settings_.time, {}) && finish();
    if (out_.failed())
        return out_.exit_code(exit_ok);
    if (!going && ctrl_c_.requested()) {
        out_.line("\nInterrupted.");
        return out_.exit_code(exit_ok);
    }
    const bool messages = print_messages();
    const bool requests = print_requests();
    out_.line(healed ? out_.paint(colour::green, "Everything healed.")
                     : out_.paint(colour::red, "Not everything healed."));
    return out_.exit_code((healed && messages && requests) || out_.failed() ? exit_ok
                                                                            : exit_failed);
}

} // namespace

int run_cluster_demo(const demo_settings& settings)
{
    return cluster(settings).run();
}

} // namespace slk::tool
