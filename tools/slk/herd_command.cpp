// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "herd/chart.hpp"
#include "herd/measure.hpp"
#include "herd/policy.hpp"
#include "herd/run.hpp"
#include "options.hpp"
#include "output.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace slk::tool {

namespace {

using namespace std::chrono_literals;
using namespace herd;

struct herd_settings {
    settings run;
    std::vector<const policy*> policies;
    std::uint32_t seeds = 3;
    std::string svg;
    bool json = false;
};

struct outcome {
    const policy* which;
    measures seen;
    std::vector<double> rates;
};

result<outcome> run_policy(const herd_settings& wanted, const policy& which, progress_line& line)
{
    outcome made{.which = &which, .seen = {}, .rates = {}};
    std::vector<measures> each;
    const duration shown = wanted.run.outage + shown_after_return;
    made.rates.resize(static_cast<std::size_t>(shown / bin_width));
    for (std::uint32_t i = 0; i < wanted.seeds; ++i) {
        settings run = wanted.run;
        run.seed += i;
        const std::string head = std::string(which.name) + ": seed " + std::to_string(i + 1) +
                                 " of " + std::to_string(wanted.seeds);
        SLK_TRY(const record seen, herd::run(run, which, [&](duration simulated) {
                    if (simulated % 1s == 0s)
                        line.show(head + ", " + std::to_string(simulated / 1s) + " s simulated");
                }));
        each.push_back(measure(run, which, seen));
        const double weight = 1s / bin_width / static_cast<double>(wanted.seeds);
        for (const auto* attempts : {&seen.attempts_down, &seen.attempts_up}) {
            const auto bins = histogram(*attempts, bin_width, shown);
            for (std::size_t bin = 0; bin < bins.size(); ++bin)
                made.rates[bin] += bins[bin] * weight;
        }
    }
    made.seen = mean(each);
    return made;
}

[[nodiscard]] std::string in_seconds(duration value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%g s", std::chrono::duration<double>(value).count());
    return text;
}

/// "10000 clients, outage of 60 s, ..."
[[nodiscard]] std::string headline(const herd_settings& wanted)
{
    const settings& run = wanted.run;
    std::string text = std::to_string(run.clients) + " clients, " + std::string(name_of(run.kind));
    if (!has_return(run.kind))
        text += " for " + in_seconds(length_of(run));
    else if (run.kind != scenario::cold_start)
        text += " of " + in_seconds(run.outage);
    return text + ", " + std::to_string(run.accepts_per_second) + " accepts/s, backlog " +
           std::to_string(run.backlog);
}

void print_json(printer& out, const herd_settings& wanted, const outcome& each)
{
    const settings& run = wanted.run;
    json_object line;
    line.text("policy", each.which->name)
        .text("title", each.which->title)
        .text("scenario", name_of(run.kind))
        .number("clients", std::uint64_t{run.clients})
        .number("outage_s", std::chrono::duration<double>(run.outage).count())
        .number("accepts_per_second", std::uint64_t{run.accepts_per_second})
        .number("cap_s", std::chrono::duration<double>(run.reconnect.cap).count())
        .number("seeds", std::uint64_t{wanted.seeds});
    for (const measure_entry& entry : all_measures()) {
        if (const auto value = each.seen.*entry.value)
            line.number(entry.key, *value);
        else
            line.null(entry.key);
    }
    out.line(line.str());
}

/// Columns that say nothing about any of the policies are left out.
void print_table(printer& out, const herd_settings& wanted, const std::vector<outcome>& all)
{
    std::vector<const measure_entry*> columns;
    for (const measure_entry& entry : all_measures())
        if (std::ranges::any_of(
                all, [&](const outcome& each) { return (each.seen.*entry.value).has_value(); }))
            columns.push_back(&entry);

    const auto right_aligned = [](const std::string& text, std::size_t width) {
        return std::string(width - std::min(width, text.size()), ' ') + text;
    };
    const auto width_of = [](const measure_entry& entry) {
        return std::max<std::size_t>(std::string_view(entry.title).size(), 6) + 2;
    };
    out.line(headline(wanted) + "; mean of " + std::to_string(wanted.seeds) +
             (wanted.seeds == 1 ? " seed" : " seeds"));
    out.line("");
    std::string head = padded("policy", 17);
    for (const measure_entry* entry : columns)
        head += right_aligned(entry->title, width_of(*entry));
    out.line(out.paint(colour::bold, head));
    for (const outcome& each : all) {
        std::string row = padded(each.which->title, 17);
        for (const measure_entry* entry : columns) {
            char text[32] = "-";
            if (const auto value = each.seen.*entry->value)
                std::snprintf(text, sizeof text, "%.*f", entry->decimals, *value);
            row += right_aligned(text, width_of(*entry));
        }
        out.line(row);
    }
    out.line("");
    for (const measure_entry* entry : columns)
        out.line(padded(entry->title, 11) + entry->meaning);
}

[[nodiscard]] bool write_chart(const herd_settings& wanted, const std::vector<outcome>& all)
{
    chart drawn{.title = headline(wanted),
                .returned =
                    wanted.run.kind == scenario::cold_start ? duration{} : wanted.run.outage,
                .capacity = static_cast<double>(wanted.run.accepts_per_second),
                .panels = {}};
    for (const outcome& each : all)
        drawn.panels.push_back({std::string(each.which->title), each.rates, each.seen.back_p100});
    std::ofstream file(wanted.svg, std::ios::binary);
    file << to_svg(drawn);
    file.close();
    if (file)
        return true;
    std::fprintf(stderr, "slk simulate herd: cannot write %s\n", wanted.svg.c_str());
    return false;
}

int run_herd(herd_settings& wanted)
{
    require_valid(wanted.run.reconnect.validate());
    if (!wanted.svg.empty() && !has_return(wanted.run.kind))
        throw CLI::ValidationError("--svg", "there is no picture of --scenario " +
                                                std::string(name_of(wanted.run.kind)));
    if (wanted.policies.empty())
        wanted.policies = {find_policy("serverlink")};

    printer out(stdout);
    std::vector<outcome> all;
    {
        progress_line line;
        for (const policy* which : wanted.policies) {
            auto made = run_policy(wanted, *which, line);
            if (!made) {
                line.show("");
                std::fprintf(stderr, "slk simulate herd: %s\n", to_string(made.error()).c_str());
                return exit_failed;
            }
            all.push_back(*std::move(made));
            if (wanted.json) {
                line.show("");
                print_json(out, wanted, all.back());
            }
        }
    }
    if (!wanted.json)
        print_table(out, wanted, all);
    if (!wanted.svg.empty() && !write_chart(wanted, all))
        return exit_failed;
    return out.exit_code(exit_ok);
}

// --- the command line ---

void add_policies(std::vector<const policy*>& into, const std::vector<std::string>& names)
{
    for (const std::string& name : names) {
        if (name == "all") {
            for (const policy& each : policies())
                into.push_back(&each);
            continue;
        }
        const policy* const found = find_policy(name);
        if (found == nullptr)
            throw CLI::ValidationError("--policy",
                                       "'" + name + "' is no policy: " + policy_names() + ", all");
        into.push_back(found);
    }
}

void set_scenario(scenario& into, const std::string& name)
{
    std::string known;
    for (const scenario_entry& each : scenarios()) {
        if (each.name == name) {
            into = each.kind;
            return;
        }
        known += (known.empty() ? "" : ", ") + std::string(each.name);
    }
    throw CLI::ValidationError("--scenario", "'" + name + "' is no scenario: " + known);
}

/// A time that must not be 0 and has a largest value, by which no run lasts for ever.
void add_time(CLI::App& command, const std::string& name, const std::string& help,
              const std::string& shown, duration most, std::function<void(duration)> into)
{
    command
        .add_option_function<std::string>(
            name,
            [name, most, into = std::move(into)](const std::string& text) {
                const duration value = parse_duration(name, text);
                if (value < 1ms || value > most)
                    throw CLI::ValidationError(name, "'" + text + "' is not 1ms to " +
                                                         std::to_string(most / 1h) + "h");
                into(value);
            },
            help)
        ->type_name("DURATION")
        ->default_str(shown);
}

void add_herd_options(CLI::App& command, herd_settings& into)
{
    command
        .add_option_function<std::string>(
            "--scenario", [&into](const std::string& name) { set_scenario(into.run.kind, name); },
            "What happens to the server; the list is below")
        ->type_name("NAME")
        ->default_str("outage");
    command.add_option("--clients", into.run.clients, "How many links (1 to 1000000)")
        ->type_name("N")
        ->default_str("10000")
        ->check(CLI::Range(1, 1'000'000));
    add_time(command, "--outage", "How long the server is gone", "60s", 24h,
             [&into](duration value) { into.run.outage = value; });
    add_time(command, "--for", "How long flapping (1m) and accept-then-close (10m) go on", "", 24h,
             [&into](duration value) { into.run.length = value; });
    add_time(command, "--limit", "How long to wait for the last client", "10m", 24h,
             [&into](duration value) { into.run.limit = value; });
    command
        .add_option("--accepts-per-second", into.run.accepts_per_second,
                    "What the server can take (1 to 1000000)")
        ->type_name("N")
        ->default_str("5000")
        ->check(CLI::Range(1, 1'000'000));
    command
        .add_option("--backlog", into.run.backlog,
                    "Connections that wait for it; SYNs beyond are dropped (1 to 1000000)")
        ->type_name("N")
        ->default_str("128")
        ->check(CLI::Range(1, 1'000'000));
    command
        .add_option_function<std::vector<std::string>>(
            "--policy",
            [&into](const std::vector<std::string>& names) { add_policies(into.policies, names); },
            "Who waits how long: " + policy_names() + ", or all; may be repeated")
        ->type_name("NAME")
        ->default_str("serverlink")
        ->expected(1)
        ->take_all();
    command.add_option("--seeds", into.seeds, "Runs whose mean is told (1 to 1000)")
        ->type_name("N")
        ->default_str("3")
        ->check(CLI::Range(1, 1000));
    command.add_option("--seed", into.run.seed, "Of the first run; the others follow")
        ->type_name("N")
        ->default_str("1");
    command.add_option("--svg", into.svg, "Draw the attempts per second over time into this file")
        ->type_name("FILE");
    command.add_flag("--json", into.json, "One JSON object per policy");
    add_delay_options(command, into.run.reconnect);
}

} // namespace

void add_herd_command(CLI::App& simulate, action& chosen)
{
    CLI::App* command = simulate.add_subcommand(
        "herd", "Many clients lose one server, and all want it back: how hard they hit it, and how "
                "soon they are connected. The clients are links and the server is a listener, on a "
                "simulated network; the options about reconnecting are serverlink's. The other "
                "policies wait as other libraries do, on the same links.");
    auto settings = std::make_shared<herd_settings>();
    add_herd_options(*command, *settings);
    std::string footer = "Scenarios:\n";
    for (const scenario_entry& each : scenarios())
        footer += "  " + padded(each.name, 19) + std::string(each.about) + "\n";
    command->footer(footer +
                    "Examples:\n"
                    "  slk simulate herd --policy all --outage 5s\n"
                    "  slk simulate herd --clients 100000 --cap 40s --outage 2m --seeds 1\n"
                    "  slk simulate herd --policy serverlink --policy grpc --svg herd.svg\n"
                    "  slk simulate herd --scenario accept-then-close --clients 100\n"
                    "Exit codes: 0 ok, 1 a failure, 2 wrong usage.");
    command->callback([&chosen, settings] { chosen = [settings] { return run_herd(*settings); }; });
}

} // namespace slk::tool
