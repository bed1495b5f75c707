// SPDX-License-Identifier: MPL-2.0
#include "bench/measure.hpp"
#include "bench/report.hpp"
#include "bench/serve.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "interruption.hpp"
#include "options.hpp"
#include "output.hpp"
#include "terminal.hpp"
#include "tools/support/child_process.hpp"
#include "tools/support/json.hpp"
#include "tools/support/output_lines.hpp"

#include <serverlink/loop.hpp>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;
using namespace bench;

struct bench_settings {
    std::string program; ///< argv[0]
    std::string at;      ///< both sides, on this machine
    std::string bind;
    std::string connect;
    bool inproc = false;
    std::vector<work> streams;
    std::vector<work> round_trips;
    double seconds = 1;
    std::size_t batch = 1;
    bool no_thread = false;
    std::optional<duration> timeout;
    loop_options loop;
    bool json = false;
};

constexpr duration connect_default_timeout = 10s;
constexpr duration bind_default_timeout = 10min;
/// How long the other process may take to end.
constexpr duration exit_timeout = 1s;

[[nodiscard]] std::vector<work> works_of(const bench_settings& settings)
{
    std::vector<work> all = settings.streams;
    all.insert(all.end(), settings.round_trips.begin(), settings.round_trips.end());
    if (all.empty())
        all = {{work_kind::stream, 64},
               {work_kind::stream, 1024},
               {work_kind::stream, 65536},
               {work_kind::round_trip, 64}};
    for (work& each : all) {
        each.batch = each.kind == work_kind::stream ? settings.batch : 1;
        each.warm_up = warm_up_of(settings.seconds);
    }
    return all;
}

/// The context of one side. An interruption shuts it down.
class side {
public:
    [[nodiscard]] static result<std::unique_ptr<side>> create(const bench_settings& settings,
                                                              interruption& ctrl_c)
    {
        // Only a loop knows its backend.
        SLK_TRY(const auto probe, loop::create(settings.loop));
        context_options options;
        options.threads = settings.no_thread ? 0 : 1;
        options.loop = settings.loop;
        SLK_TRY(auto in, context::create(options));
        const side_facts facts{version_text().substr(version_text().find(' ') + 1),
                               std::string(probe.backend()), options.threads};
        return std::unique_ptr<side>(new side(std::move(in), facts, ctrl_c));
    }
    side(const side&) = delete;
    side& operator=(const side&) = delete;
    ~side() = default;

    [[nodiscard]] context& in() noexcept { return in_; }
    [[nodiscard]] const side_facts& facts() const noexcept { return facts_; }

private:
    struct shut_down {
        context* which;
        void operator()() const { which->shutdown(); }
    };

    side(context&& in, side_facts facts, interruption& ctrl_c)
        : in_(std::move(in)), facts_(std::move(facts)), on_ctrl_c_(ctrl_c.token(), shut_down{&in_})
    {
    }

    context in_;
    side_facts facts_;
    std::stop_callback<shut_down> on_ctrl_c_;
};

[[nodiscard]] std::string text_of(const error& why)
{
    return why.detail != nullptr && why.phase == phase::transfer ? why.detail : to_string(why);
}

/// Returns the exit code.
int bench_failed(const std::string& why, int code = exit_failed)
{
    report(why);
    return code;
}

/// Returns the exit code. An interrupted measurement has no results.
int bench_failed(const error& why)
{
    if (why == errc::cancelled)
        return bench_failed("interrupted", exit_code_of_interruption());
    return bench_failed(text_of(why), exit_code_of(why));
}

/// Returns the exit code. Endpoints that no socket can open are wrong usage.
int open_failed(const std::string& text, const error& why)
{
    if (why.code == errc::invalid_argument || why.code == errc::not_supported)
        throw usage_error("ENDPOINT",
                          text + ": " + (why.detail != nullptr ? why.detail : to_string(why)));
    return bench_failed(text + ": " + to_string(why));
}

// --- the side that measures ---

int measure_all(conversation& with, const bench_settings& settings, setting& between)
{
    printer out(stdout);
    progress_line line;
    const auto other = greet(with, between.here);
    if (!other)
        return bench_failed(other.error());
    between.there = *other;
    if (!settings.json)
        for (const std::string& each : headline(between))
            out.line(each);

    std::vector<measured> all;
    std::optional<work_kind> last_kind;
    for (const work& next : works_of(settings)) {
        measure_options how{.measured = measured_time_of(settings.seconds),
                            .one_process = between.one_process,
                            .progress = {}};
        how.progress = [&](std::size_t finished) {
            line.show((next.kind == work_kind::stream ? "stream of " : "round trips of ") +
                      size_text(next.size) + ": " + std::to_string(finished * 100 / slice_count) +
                      "%");
        };
        auto seen = measure_work(with, next, how);
        line.show("");
        if (!seen)
            return bench_failed(seen.error());
        if (!settings.json) {
            if (last_kind != next.kind)
                for (const std::string& each : heading(next))
                    out.line(each);
            last_kind = next.kind;
            out.line(row(*seen));
        }
        all.push_back(*std::move(seen));
    }
    if (const auto ended = say_bye(with); !ended)
        return bench_failed(ended.error());
    with.close();
    if (settings.json)
        out.line(to_json(between, all));
    return out.exit_code(exit_ok);
}

int run_measuring_side(side& self, const bench_settings& settings, const setting& places)
{
    const duration limit = settings.timeout.value_or(connect_default_timeout);
    auto with = conversation::create(self.in(), limit);
    if (!with)
        return bench_failed(with.error());
    if (const auto begun = with->connect(places.endpoint); !begun)
        return open_failed(places.endpoint, begun.error());
    if (const auto ready = with->wait_ready(limit); !ready) {
        if (ready.error() != errc::timed_out && ready.error() != errc::would_block)
            return bench_failed(ready.error());
        const error why = with->why_no_peer();
        return bench_failed("no peer at " + places.endpoint + " within " +
                                short_seconds_text(limit) + (why ? ": " + to_string(why) : "") +
                                "\nStart `slk bench --bind ENDPOINT` there.",
                            exit_code_of(why) == exit_refused ? exit_refused : exit_timed_out);
    }
    setting between = places;
    between.here = self.facts();
    between.seconds = settings.seconds;
    return measure_all(*with, settings, between);
}

// --- the side that serves ---

int run_serving_side(const bench_settings& settings)
{
    interruption ctrl_c;
    printer out(stdout);
    const duration limit = settings.timeout.value_or(bind_default_timeout);
    auto self = side::create(settings, ctrl_c);
    if (!self)
        return bench_failed(self.error());
    auto with = conversation::create((*self)->in(), limit);
    if (!with)
        return bench_failed(with.error());
    const auto where = with->bind(settings.bind);
    if (!where)
        return open_failed(settings.bind, where.error());
    out.line(settings.json ? json_object().text("event", "listening").text("endpoint", *where).str()
                           : "listening on " + *where);

    bool connected = false;
    const auto served = serve(*with, (*self)->facts(), [&](const side_facts& other) {
        connected = true;
        out.line(settings.json
                     ? json_object().text("event", "serving").text("version", other.version).str()
                     : "serving slk " + other.version);
    });
    if (!served && !connected && served.error() == errc::cancelled)
        return out.exit_code(exit_code_of_interruption());
    if (!served && !connected && served.error() == errc::timed_out)
        return bench_failed("no peer connected to " + *where + " within " +
                                short_seconds_text(limit) +
                                "\nStart `slk bench --connect ENDPOINT` on the other machine.",
                            exit_timed_out);
    if (!served)
        return bench_failed(served.error());
    out.line(settings.json ? json_object().text("event", "ended").number("works", *served).str()
                           : "served " + std::to_string(*served) +
                                 (*served == 1 ? " measurement" : " measurements"));
    return out.exit_code(exit_ok);
}

// --- both sides here ---

int run_two_processes(const bench_settings& settings, const std::string& where)
{
    interruption ctrl_c;
    const duration limit = settings.timeout.value_or(connect_default_timeout);
    std::vector<std::string> words{
        path_of_this_program(settings.program),
        "bench",
        "--bind",
        where,
        "--timeout",
        std::to_string(std::chrono::ceil<std::chrono::milliseconds>(limit).count()) + "ms"};
    if (settings.no_thread)
        words.emplace_back("--no-thread");
    if (!settings.loop.backend.empty()) {
        words.emplace_back("--backend");
        words.push_back(settings.loop.backend);
    }
    output_lines output; // outlives the process, whose reader adds to it
    child_process other(words, error_output::discarded,
                        [&output](std::string_view bytes) { output.add(bytes); });
    const std::string intro = "listening on ";
    const std::string line = output.next(limit).value_or("");
    if (!line.starts_with(intro))
        return bench_failed("the other process cannot listen on " + where + "\n`slk bench --bind " +
                            where + "` shows why.");
    auto self = side::create(settings, ctrl_c);
    if (!self)
        return bench_failed(self.error());
    const int code = run_measuring_side(
        **self, settings,
        {.endpoint = line.substr(intro.size()), .here = {}, .there = {}, .one_machine = true});
    // The other process removes the file of an ipc endpoint at its end.
    const time_point until = after(system_clock_source().now(), exit_timeout);
    while (!other.ended() && system_clock_source().now() < until)
        std::this_thread::sleep_for(1ms);
    return code;
}

int run_one_process(const bench_settings& settings, const std::string& where)
{
    interruption ctrl_c;
    auto self = side::create(settings, ctrl_c);
    if (!self)
        return bench_failed(self.error());
    const duration limit = settings.timeout.value_or(connect_default_timeout);
    auto with = conversation::create((*self)->in(), limit);
    if (!with)
        return bench_failed(with.error());
    if (const auto bound = with->bind(where); !bound)
        return open_failed(where, bound.error());
    std::thread other([&] { (void)serve(*with, (*self)->facts(), [](const side_facts&) {}); });
    const int code = run_measuring_side(
        **self, settings,
        {.endpoint = where, .here = {}, .there = {}, .one_machine = true, .one_process = true});
    // Ends the calls of the other thread, also after a failure.
    (*self)->in().shutdown();
    other.join();
    return code;
}

int run_bench(const bench_settings& settings)
{
    if (!settings.bind.empty() && !settings.connect.empty())
        throw usage_error("--bind and --connect exclude each other: one of them is for the "
                          "other machine");
    for (const work& each : works_of(settings))
        if (!is_sensible(each))
            throw usage_error("--batch",
                              "of messages of " + size_text(each.size) + " is more than 64 MiB");
    const std::string& given = !settings.bind.empty()      ? settings.bind
                               : !settings.connect.empty() ? settings.connect
                                                           : settings.at;
    const std::string where = !given.empty()    ? given
                              : settings.inproc ? "inproc://bench"
                                                : "tcp://127.0.0.1:0";
    if (parse_endpoint(where).transport == transport::inproc) {
        if (settings.no_thread)
            throw usage_error("--no-thread", "is not for two sides in one process");
        return run_one_process(settings, where);
    }
    if (settings.inproc)
        throw usage_error("--inproc", "is not for " + where);
    if (!settings.bind.empty())
        return run_serving_side(settings);
    if (settings.connect.empty())
        return run_two_processes(settings, where);
    interruption ctrl_c;
    auto self = side::create(settings, ctrl_c);
    if (!self)
        return bench_failed(self.error());
    return run_measuring_side(**self, settings,
                              {.endpoint = settings.connect, .here = {}, .there = {}});
}

// --- the command line ---

[[nodiscard]] std::size_t parse_size(const std::string& option, const std::string& text)
{
    std::size_t unit = 1;
    std::string digits = text;
    if (text.ends_with('K') || text.ends_with('M')) {
        unit = std::size_t{1} << (text.ends_with('K') ? 10U : 20U);
        digits.pop_back();
    }
    const bool is_number = !digits.empty() && digits.size() <= 8 &&
                           digits.find_first_not_of("0123456789") == std::string::npos;
    const std::size_t size = is_number ? std::stoul(digits) * unit : 0;
    if (size < 1 || size > max_size)
        throw usage_error(option, "'" + text + "' is not a size from 1 to 64M, such as 64 or 1K");
    return size;
}

void add_works(command& to, const std::string& name, std::vector<work>& into, work_kind kind,
               const std::string& help)
{
    to.texts({.name = name, .help = help, .type = "SIZE"},
             [name, &into, kind](const std::vector<std::string>& texts) {
                 for (const std::string& text : texts)
                     into.push_back({kind, parse_size(name, text)});
             });
}

void add_bench_options(command& to, bench_settings& into)
{
    to.text({.name = "ENDPOINT",
             .help = "Both sides on this machine, at this endpoint: tcp, ipc, or inproc for one "
                     "process [tcp://127.0.0.1:0]"},
            into.at);
    to.text({.name = "--bind",
             .help = "Wait there for the other side, and serve it, once",
             .type = "ENDPOINT",
             .excludes = {"ENDPOINT"}},
            into.bind);
    to.text({.name = "--connect",
             .help = "Measure with the side that waits there",
             .type = "ENDPOINT",
             .excludes = {"ENDPOINT"}},
            into.connect);
    to.flag({.name = "--inproc", .help = "Both sides in one process: inproc://bench"}, into.inproc);
    add_works(to, "--stream", into.streams, work_kind::stream,
              "Messages of SIZE bytes (64, 1K, 1M), one way; may be repeated");
    add_works(to, "--round-trip", into.round_trips, work_kind::round_trip,
              "There and back, one at a time; may be repeated");
    to.number({.name = "--seconds",
               .help = "Measured for each of them, after a warm-up of a quarter of that",
               .type = "S",
               .fallback = "1"},
              into.seconds, 0.01, 600.0);
    to.number({.name = "--batch",
               .help = "Send and receive streams by N messages with one call",
               .type = "N",
               .fallback = "1"},
              into.batch, 1, max_batch);
    to.flag({.name = "--no-thread",
             .help = "No loop thread: the thread that calls the socket does all the work; each "
                     "side has its own choice"},
            into.no_thread);
    add_duration(to,
                 {.name = "--timeout",
                  .help = "Give up when the other side has not come, or is silent, for this time",
                  .fallback = "10s; with --bind 10m"},
                 into.timeout);
    add_backend_option(to, into.loop.backend);
    to.flag({.name = "--json", .help = "One JSON object, at the end; with --bind one per line"},
            into.json);
}

} // namespace

void add_bench_command(command& program, const std::string& path)
{
    command& bench = program.add_command(
        "bench", "Measures the throughput and the latency of messages between two processes of "
                 "this machine, or between two machines. Without --stream and --round-trip: "
                 "streams of 64, 1K and 64K, and round trips of 64.");
    auto settings = std::make_shared<bench_settings>();
    settings->program = path;
    add_bench_options(bench, *settings);
    bench.footer(
        "A stream goes from the side that binds to the one that connects, which measures. Each "
        "measurement is ten slices of time, whose median is shown; percentiles are of all round "
        "trips. Only numbers of the same machines, taken at the same time, can be compared.");
    bench.example("slk bench");
    bench.example("slk bench --stream 64 --batch 64 --no-thread");
    bench.example("slk bench 'ipc://*' --round-trip 64 --round-trip 1K --seconds 5");
    bench.example("slk bench --inproc --json");
    bench.example(
        "slk bench --bind 'tcp://*:5555'               on one machine, and on the other:");
    bench.example("slk bench --connect tcp://192.0.2.1:5555");
    add_exit_codes(bench, {{exit_timed_out, "the other side has not come, or was silent"},
                           {exit_interrupted, ""},
                           {exit_terminated, ""}});
    bench.action([settings] { return run_bench(*settings); });
}

} // namespace slk::tool
