// SPDX-License-Identifier: MPL-2.0
#include "demo.hpp"
#include "demo_ledger.hpp"
#include "exit_codes.hpp"
#include "output.hpp"
#include "terminal.hpp"
#include "tools/support/child_process.hpp"
#include "tools/support/command_line.hpp"
#include "tools/support/output_lines.hpp"

#include <serverlink/context.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/push.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

/// Each link sends a message this often, whether it is connected or not.
constexpr duration send_interval = 5ms;
/// How long the listener is away, and how long it is there.
constexpr duration absence = 1500ms;
constexpr duration presence = 1500ms;
/// How long a link may take to heal, and a message to arrive.
constexpr duration healing_timeout = 4s;

constexpr std::array names{"alpha", "bravo", "charlie", "delta",  "echo", "foxtrot",
                           "golf",  "hotel", "india",   "juliet", "kilo", "lima",
                           "mike",  "oscar", "papa",    "quebec"};
static_assert(names.size() == max_demo_links);

/// One link of the demonstration, with its results.
struct demo_link {
    std::string name;
    std::optional<push> sender;
    link_status seen;
    bool ready = false;
    std::uint64_t queued = 0; ///< messages, while there was no connection
    demo_ledger ledger;
    std::vector<std::optional<duration>> healed; ///< one for each return of the listener
    std::map<std::string, int> reasons;
};

class demonstration {
public:
    /// `interrupted` outlives the loop, which may still run the function that sets it.
    demonstration(loop& on, context in, const demo_settings& settings, bool& interrupted)
        : on_(on), settings_(settings), interrupted_(interrupted), origin_(on.now()),
          in_(std::move(in)),
          watch_([&on, &interrupted] { on.post([&interrupted] { interrupted = true; }); })
    {
    }

    int run();

private:
    void print(std::string_view name, colour in, const std::string& text);
    void make_links();
    void check(demo_link& at);
    void send(demo_link& by);
    void read_arrivals();
    void start_listener();
    void kill_listener();
    /// False: interrupted, or the output cannot be written.
    bool wait(duration timeout, const std::function<bool()>& done, bool sending = true);
    [[nodiscard]] bool all_ready() const;
    [[nodiscard]] bool all_healed() const;
    void finish();
    void print_links();
    /// Returns whether every queued message is accounted for.
    bool print_messages();

    loop& on_;
    const demo_settings& settings_;
    bool& interrupted_;
    printer out_{stdout};
    time_point origin_;
    time_point returned_at_{};
    int returns_ = 0;
    address at_{};
    context in_;
    std::vector<std::unique_ptr<demo_link>> links_;
    std::uint64_t arrived_ = 0;
    output_lines received_; // lines "NAME NUMBER"; outlives the listener, whose reader adds to it
    std::unique_ptr<child_process> listener_;
    interrupt_watch watch_;
};

void demonstration::print(std::string_view name, colour in, const std::string& text)
{
    out_.line(seconds_text(on_.now() - origin_) + "  " + padded(name, 9) + " " +
              out_.paint(in, text));
}

void demonstration::make_links()
{
    push_options options;
    options.reconnect.base = 100ms;
    options.reconnect.floor = 50ms;
    options.reconnect.cap = 800ms;
    for (int i = 0; i < settings_.links; ++i) {
        links_.push_back(std::make_unique<demo_link>());
        demo_link& made = *links_.back();
        made.name = names[static_cast<std::size_t>(i)];
        auto sender = push::create(in_, options);
        if (!sender)
            throw std::runtime_error(to_string(sender.error()));
        made.sender.emplace(*std::move(sender));
        if (const auto begun = made.sender->connect("tcp://" + to_string(at_)); !begun)
            throw std::runtime_error(to_string(begun.error()));
    }
}

/// Prints the changes of a link since the last check.
void demonstration::check(demo_link& at)
{
    const endpoint_status now = at.sender->endpoints().front();
    const std::uint64_t queued = at.sender->peers().front().queued;
    // The other states are so short that a check would see them only by chance.
    const bool is_lasting = now.link.state == link_state::connected ||
                            now.link.state == link_state::backoff ||
                            now.link.state == link_state::idle;
    if (is_lasting && (now.link.state != at.seen.state || now.link.attempt != at.seen.attempt)) {
        const link_transition move = last_transition(now.link);
        std::string line = named_state_line(out_, at.name, move, now.link, origin_);
        if (move.to == link_state::connected)
            line += "  " + std::to_string(at.queued) + " messages were queued";
        out_.line(line);
        if (move.reason)
            ++at.reasons[std::string(name_of(move.reason.code))];
        at.seen = now.link;
    }
    at.ready = now.ready;
    if (!at.ready)
        at.queued = queued;
    else if (returns_ > 0 && !at.healed.back())
        at.healed.back() = now.link.since - returned_at_;
}

void demonstration::send(demo_link& by)
{
    // A message for which the queue has no room gets no number.
    const std::string text = by.name + " " + std::to_string(by.ledger.next());
    if (by.sender->send(text, no_wait))
        by.ledger.queue();
}

void demonstration::read_arrivals()
{
    while (const auto line = received_.next(duration::zero())) {
        const std::size_t middle = line->find(' ');
        for (const auto& each : links_) {
            if (middle == std::string::npos || line->substr(0, middle) != each->name)
                continue;
            each->ledger.arrive(std::strtoull(line->c_str() + middle, nullptr, 10));
            ++arrived_;
        }
    }
}

void demonstration::start_listener()
{
    for (const auto& each : links_) {
        each->healed.emplace_back();
        // There has been no connection for a while, so the counters stand still.
        const peer_status peer = each->sender->peers().front();
        if (returns_ > 0)
            each->ledger.connection_lost(peer.queued_total - peer.queued);
    }
    returned_at_ = on_.now();
    ++returns_;
    // With --for, because this process may be killed before it can end the listener.
    listener_ = std::make_unique<child_process>(
        std::vector<std::string>{path_of_this_program(settings_.program), "receive", "pull",
                                 "--for", "40s", "--bind", "tcp://" + to_string(at_)},
        error_output::discarded, [this](std::string_view bytes) { received_.add(bytes); });
    print("listener", colour::bold,
          (returns_ == 1 ? "starts (process " : "is back (process ") +
              std::to_string(listener_->id()) + ")");
}

void demonstration::kill_listener()
{
    const std::string id = std::to_string(listener_->id());
    listener_->kill();
    read_arrivals();
    received_.discard_rest(); // a listener that was killed has not finished its last line
    print("listener", colour::bold,
          "is killed (process " + id + "); " + std::to_string(arrived_) +
              " messages have arrived so far");
}

bool demonstration::wait(duration timeout, const std::function<bool()>& done, bool sending)
{
    const auto over = [&] { return interrupted_ || out_.failed() || (done && done()); };
    const time_point until = after(on_.now(), timeout);
    while (!over() && on_.now() < until) {
        if (const auto ran = on_.run_until(over, std::min(send_interval, until - on_.now())); !ran)
            throw std::runtime_error(to_string(ran.error()));
        if (sending)
            for (const auto& each : links_) {
                send(*each);
                check(*each);
            }
        read_arrivals();
    }
    return !interrupted_ && !out_.failed();
}

bool demonstration::all_ready() const
{
    return std::ranges::all_of(links_, [](const auto& each) { return each->ready; });
}

bool demonstration::all_healed() const
{
    return std::ranges::all_of(links_, [&](const auto& each) {
        return static_cast<int>(each->healed.size()) == settings_.returns + 1 &&
               std::ranges::all_of(each->healed, [](const auto& time) { return time.has_value(); });
    });
}

/// Closes the links, and waits for the last messages.
void demonstration::finish()
{
    for (const auto& each : links_)
        (void)each->sender->close(healing_timeout);
    const auto all_arrived = [&] {
        read_arrivals();
        return std::ranges::all_of(links_,
                                   [](const auto& each) { return each->ledger.all_arrived(); });
    };
    (void)wait(healing_timeout, all_arrived, false);
    listener_->kill();
    read_arrivals();
}

void demonstration::print_links()
{
    out_.line("");
    std::string head = padded("link", 10) + padded("attempts", 10) + padded("connections", 13) +
                       padded("first up", 11);
    for (int i = 1; i < returns_; ++i)
        head += padded("healed " + std::to_string(i), 11);
    out_.line(out_.paint(colour::bold, head + "reasons seen"));
    for (const auto& each : links_) {
        std::string row = padded(each->name, 10) + padded(std::to_string(each->seen.attempt), 10) +
                          padded(std::to_string(each->seen.generation), 13);
        for (const auto& time : each->healed) {
            char text[32] = "never";
            if (time)
                std::snprintf(text, sizeof text, "%.0f ms", milliseconds(*time));
            row += out_.paint(time ? colour::green : colour::red, padded(text, 11));
        }
        std::string reasons;
        for (const auto& [reason, count] : each->reasons)
            reasons += (reasons.empty() ? "" : ", ") + reason + " x" + std::to_string(count);
        out_.line(row + reasons);
    }
    out_.line("Times count from the start of the listener's process to the connection.");
}

bool demonstration::print_messages()
{
    out_.line("");
    out_.line(out_.paint(colour::bold, padded("messages", 10) + padded("queued", 10) +
                                           padded("arrived", 9) + padded("lost", 6) +
                                           padded("duplicated", 12) + padded("out of order", 14) +
                                           "missing"));
    demo_verdict all;
    for (const auto& each : links_) {
        const demo_verdict found = each->ledger.judge();
        const auto bad = [&](std::uint64_t count, std::size_t width) {
            return out_.paint(count == 0 ? colour::green : colour::red,
                              padded(std::to_string(count), width));
        };
        out_.line(padded(each->name, 10) + padded(std::to_string(found.queued), 10) +
                  padded(std::to_string(found.arrived), 9) + padded(std::to_string(found.lost), 6) +
                  bad(found.duplicated, 12) + bad(found.out_of_order, 14) + bad(found.missing, 1));
        all.queued += found.queued;
        all.arrived += found.arrived;
        all.lost += found.lost;
        all.duplicated += found.duplicated;
        all.out_of_order += found.out_of_order;
        all.missing += found.missing;
    }
    out_.line("Lost: with a connection that broke before the listener had received them.\n");
    out_.line(
        all.complete()
            ? out_.paint(colour::green, "Of " + std::to_string(all.queued) + " messages " +
                                            std::to_string(all.arrived) +
                                            " arrived, in order and none duplicated; " +
                                            std::to_string(all.lost) +
                                            " were lost with a connection. No other is missing.")
            : out_.paint(colour::red, "Messages are missing, out of order, or duplicated."));
    return all.complete();
}

int demonstration::run()
{
    at_ = free_addresses(on_, 1).front();
    out_.line(std::to_string(settings_.links) + " links to " + to_string(at_) +
              ", which has no listener yet, each with a message every " +
              std::to_string(send_interval / 1ms) + " ms; backend " + std::string(on_.backend()));
    make_links();
    bool going = wait(absence, {});
    for (int i = 0; going && i <= settings_.returns; ++i) {
        start_listener();
        going = wait(healing_timeout, [&] { return all_ready(); }) && wait(presence, {});
        if (going && i < settings_.returns) {
            kill_listener();
            going = wait(absence, {});
        }
    }

    // Before the end, which closes the links.
    const bool healed = going && all_healed() && all_ready();
    if (out_.failed())
        return out_.exit_code(exit_ok);
    if (!interrupted_)
        finish();
    print_links();
    if (interrupted_) {
        out_.line("\nInterrupted.");
        return out_.exit_code(exit_ok);
    }
    const bool complete = print_messages();
    out_.line(healed ? out_.paint(colour::green, "Every link healed each time.")
                     : out_.paint(colour::red, "Not every link healed."));
    return out_.exit_code((healed && complete) || out_.failed() ? exit_ok : exit_failed);
}

} // namespace

int run_links_demo(const demo_settings& settings)
{
    bool interrupted = false;
    auto on = loop::create(settings.loop);
    auto in = on ? context::on(*on) : result<context>(unexpected(on.error()));
    if (!in) {
        return report_failure(in.error());
    }
    demonstration shown(*on, *std::move(in), settings, interrupted);
    const int code = shown.run();
    // Runs the last handlers while the objects that they use exist.
    (void)on->run_for(duration::zero());
    return code;
}

} // namespace slk::tool
