// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "options.hpp"
#include "output.hpp"
#include "process.hpp"
#include "terminal.hpp"

#include <serverlink/link.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/loop.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;

struct demo_settings {
    int links = 4;
    int returns = 2;
    loop_options loop;
};

/// Links greet their listener this often while they are connected.
constexpr duration greeting_interval = 200ms;
/// The listener is away, and is there, for this long.
constexpr duration absence = 1500ms;
constexpr duration presence = 1500ms;
/// A link that has not healed after this time has failed.
constexpr duration heal_limit = 4s;

constexpr std::array names{"alpha", "bravo", "charlie", "delta",  "echo", "foxtrot",
                           "golf",  "hotel", "india",   "juliet", "kilo", "lima",
                           "mike",  "oscar", "papa",    "quebec"};

/// A connection that sends one small message at a time and reads it back.
class greeter : public std::enable_shared_from_this<greeter> {
public:
    greeter(stream established, std::uint64_t& answered)
        : stream_(std::move(established)), answered_(answered)
    {
    }

    void greet()
    {
        if (std::exchange(waiting_, true))
            return;
        const auto begun = stream_.send(std::as_bytes(std::span(message_)),
                                        [self = shared_from_this()](const auto& sent) {
                                            if (!sent)
                                                self->stream_.close();
                                        });
        if (!begun)
            stream_.close();
    }

    void receive()
    {
        const auto begun = stream_.receive(
            received_, [self = shared_from_this()](const result<std::size_t>& count) {
                if (!count || *count == 0) {
                    self->stream_.close();
                    return;
                }
                self->come_back(*count);
                self->receive();
            });
        if (!begun)
            stream_.close();
    }

private:
    void come_back(std::size_t count)
    {
        returned_ += count;
        if (returned_ < message_.size())
            return;
        returned_ = 0;
        waiting_ = false;
        ++answered_;
    }

    static constexpr std::array<char, 6> message_{'h', 'e', 'l', 'l', 'o', '\n'};
    stream stream_;
    std::uint64_t& answered_;
    std::array<std::byte, 64> received_{};
    std::size_t returned_ = 0;
    bool waiting_ = false;
};

/// One link of the demonstration, and what is told about it at the end.
struct demo_link {
    std::string name;
    std::optional<link> kept;
    std::shared_ptr<greeter> greeting;
    bool connected = false;
    std::uint64_t answered = 0;
    std::vector<std::optional<duration>> healed; ///< one for each return of the listener
    std::map<std::string, int> reasons;
};

class demonstration {
public:
    /// `interrupted` outlives the loop, which may yet run the function that sets it.
    demonstration(loop& on, const demo_settings& settings, std::string program, bool& interrupted)
        : on_(on), settings_(settings), program_(std::move(program)), interrupted_(interrupted),
          origin_(on.now()),
          watch_([&on, &interrupted] { on.post([&interrupted] { interrupted = true; }); })
    {
    }

    int run();

private:
    [[nodiscard]] address free_address();
    void say(std::string_view who, colour in, const std::string& text);
    void make_links();
    void on_state(demo_link& which, const link_transition& move, const link_status& status);
    void start_listener();
    void kill_listener();
    /// False: interrupted, or nobody reads.
    bool wait(duration at_most, const std::function<bool()>& done);
    [[nodiscard]] bool all_connected() const;
    [[nodiscard]] bool all_healed() const;
    void print_table();

    loop& on_;
    const demo_settings& settings_;
    std::string program_;
    bool& interrupted_;
    printer out_{stdout};
    time_point origin_;
    time_point returned_at_{};
    int returns_ = 0;
    address at_{};
    std::vector<std::unique_ptr<demo_link>> links_;
    std::unique_ptr<child_process> listener_;
    interrupt_watch watch_;
};

/// A port that nobody uses, outside the range from which systems take the ports of outgoing
/// connections: while nobody listens, an attempt might otherwise be given that very port.
address demonstration::free_address()
{
    for (int i = 0; i < 100; ++i) {
        const auto mixed =
            static_cast<std::uint64_t>(on_.now().time_since_epoch().count()) / 1000U +
            static_cast<std::uint64_t>(i) * 7919U;
        const auto port = static_cast<std::uint16_t>(20'000U + mixed % 10'000U);
        listener_options options;
        options.at.host = "127.0.0.1";
        options.at.port = port;
        const auto probe = listener::create(on_, options, {});
        if (probe)
            return probe->local_address();
    }
    throw std::runtime_error("no free port between 20000 and 29999");
}

void demonstration::say(std::string_view who, colour in, const std::string& text)
{
    out_.line(seconds_text(on_.now() - origin_) + "  " + padded(who, 9) + " " +
              out_.paint(in, text));
}

void demonstration::make_links()
{
    link_options options;
    options.to = parse_endpoint("tcp://" + to_string(at_));
    options.reconnect.base = 100ms;
    options.reconnect.floor = 50ms;
    options.reconnect.cap = 800ms;
    for (int i = 0; i < settings_.links; ++i) {
        links_.push_back(std::make_unique<demo_link>());
        demo_link& made = *links_.back();
        made.name = names[static_cast<std::size_t>(i)];

        link_handlers handlers;
        handlers.state_changed = [this, &made](const link_transition& move,
                                               const link_status& status) {
            on_state(made, move, status);
        };
        handlers.connected = [&made](stream established) {
            made.greeting = std::make_shared<greeter>(std::move(established), made.answered);
            made.greeting->receive();
        };
        auto created = link::create(on_, options, std::move(handlers));
        if (!created)
            throw std::runtime_error(to_string(created.error()));
        made.kept.emplace(*std::move(created));
    }
    for (const auto& each : links_)
        each->kept->start();
}

void demonstration::on_state(demo_link& which, const link_transition& move,
                             const link_status& status)
{
    const std::string line = state_line(out_, move, status, origin_);
    const std::size_t time_width = seconds_text({}).size();
    out_.line(line.substr(0, time_width) + "  " + padded(which.name, 9) +
              line.substr(time_width + 1));

    which.connected = move.to == link_state::connected;
    if (!which.connected)
        which.greeting.reset();
    if (move.reason)
        ++which.reasons[std::string(name_of(move.reason.code))];
    if (which.connected && returns_ > 0 && !which.healed.back())
        which.healed.back() = move.at - returned_at_;
}

void demonstration::start_listener()
{
    returned_at_ = on_.now();
    ++returns_;
    for (const auto& each : links_)
        each->healed.emplace_back();
    // It ends by itself if this process is killed and cannot end it.
    listener_ = std::make_unique<child_process>(
        program_,
        std::vector<std::string>{"listen", "--echo", "--for", "30s", "tcp://" + to_string(at_)});
    say("listener", colour::bold,
        (returns_ == 1 ? "comes up (process " : "is back (process ") +
            std::to_string(listener_->id()) + ")");
}

void demonstration::kill_listener()
{
    const std::string id = std::to_string(listener_->id());
    listener_->kill();
    say("listener", colour::bold, "is killed (process " + id + ")");
}

bool demonstration::wait(duration at_most, const std::function<bool()>& done)
{
    const auto over = [&] { return interrupted_ || out_.failed() || (done && done()); };
    const time_point until = after(on_.now(), at_most);
    while (!over() && on_.now() < until) {
        if (const auto ran = on_.run_until(over, std::min(greeting_interval, until - on_.now()));
            !ran)
            throw std::runtime_error(to_string(ran.error()));
        for (const auto& each : links_) {
            if (each->greeting)
                each->greeting->greet();
        }
    }
    return !interrupted_ && !out_.failed();
}

bool demonstration::all_connected() const
{
    return std::ranges::all_of(links_, [](const auto& each) { return each->connected; });
}

bool demonstration::all_healed() const
{
    return std::ranges::all_of(links_, [&](const auto& each) {
        return static_cast<int>(each->healed.size()) == settings_.returns + 1 &&
               each->answered > 0 &&
               std::ranges::all_of(each->healed, [](const auto& time) { return time.has_value(); });
    });
}

void demonstration::print_table()
{
    out_.line("");
    std::string head = padded("link", 10) + padded("attempts", 10) + padded("connections", 13) +
                       padded("answers", 9) + padded("first up", 11);
    for (int i = 1; i < returns_; ++i)
        head += padded("healed " + std::to_string(i), 11);
    out_.line(out_.paint(colour::bold, head + "reasons seen"));
    for (const auto& each : links_) {
        const link_status status = each->kept->status();
        std::string row = padded(each->name, 10) + padded(std::to_string(status.attempt), 10) +
                          padded(std::to_string(status.generation), 13) +
                          padded(std::to_string(each->answered), 9);
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
    out_.line("\nTimes count from the start of the listener's process to the connection.");
}

int demonstration::run()
{
    at_ = free_address();
    out_.line(std::to_string(settings_.links) + " links to " + to_string(at_) +
              ", where nobody listens yet; backend " + std::string(on_.backend()));
    make_links();
    bool going = wait(absence, {});
    for (int i = 0; going && i <= settings_.returns; ++i) {
        start_listener();
        going = wait(heal_limit, [&] { return all_connected(); }) && wait(presence, {});
        if (going && i < settings_.returns) {
            kill_listener();
            going = wait(absence, {});
        }
    }

    // What the end itself does to the links is not part of what is shown.
    const bool healed = going && all_healed() && all_connected();
    if (!out_.failed())
        print_table();
    out_.line(healed         ? out_.paint(colour::green, "Every link healed each time.")
              : interrupted_ ? "Interrupted."
                             : out_.paint(colour::red, "Not every link healed."));
    for (const auto& each : links_)
        each->kept.reset();
    return out_.exit_code(healed || interrupted_ || out_.failed() ? exit_ok : exit_failed);
}

int run_demo(const demo_settings& settings, const std::string& program)
{
    bool interrupted = false;
    auto on = loop::create(settings.loop);
    if (!on) {
        std::fprintf(stderr, "slk demo: %s\n", to_string(on.error()).c_str());
        return exit_failed;
    }
    demonstration shown(*on, settings, program, interrupted);
    const int code = shown.run();
    // Gives the handlers of what was under way their last call while their owners are alive.
    (void)on->run_for(duration::zero());
    return code;
}

} // namespace

void add_demo_command(CLI::App& app, action& chosen, const std::string& program)
{
    CLI::App* command = app.add_subcommand(
        "demo", "Shows links that heal: their listener comes late, is killed and comes back. "
                "Takes about ten seconds, on this machine only.");
    auto settings = std::make_shared<demo_settings>();
    command->add_option("--links", settings->links, "How many links (1 to 16)")
        ->type_name("N")
        ->default_str("4")
        ->check(CLI::Range(1, static_cast<int>(names.size())));
    command->add_option("--kills", settings->returns, "How often the listener is killed (1 to 5)")
        ->type_name("N")
        ->default_str("2")
        ->check(CLI::Range(1, 5));
    add_backend_option(*command, settings->loop.backend);
    command->footer("Example:\n"
                    "  slk demo --links 8\n"
                    "Exit codes: 0 every link healed each time, 1 not so, 2 wrong usage.");
    command->callback([&chosen, settings, program] {
        chosen = [settings, program] { return run_demo(*settings, program); };
    });
}

} // namespace slk::tool
