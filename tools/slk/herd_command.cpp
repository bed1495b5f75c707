// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "exit_codes.hpp"
#include "herd/chart.hpp"
#include "herd/measure.hpp"
#include "herd/policy.hpp"
#include "herd/run.hpp"
#include "options.hpp"
#include "output.hpp"
#include "tools/support/json.hpp"

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

struct policy_outcome {
    const policy* which;
    measures seen;
    std::vector<double> rates;
};

result<policy_outcome> run_policy(const herd_settings& options, const policy& which,
                                  progress_line& line)
{
    policy_outcome made{.which = &which, .seen = {}, .rates = {}};
    std::vector<measures> each;
    const duration shown = options.run.outage + shown_after_return;
    made.rates.resize(static_cast<std::size_t>(shown / bin_width));
    for (std::uint32_t i = 0; i < options.seeds; ++i) {
        settings run = options.run;
        run.seed += i;
        const std::string head = std::string(which.name) + ": seed " + std::to_string(i + 1) +
                                 " of " + std::to_string(options.seeds);
        SLK_TRY(const record seen, herd::run(run, which, [&](duration simulated) {
                    if (simulated % 1s == 0s)
                        line.show(head + ", " + std::to_string(simulated / 1s) + " s simulated");
                }));
        each.push_back(measure(run, which, seen));
        const double weight = 1s / bin_width / static_cast<double>(options.seeds);
        for (const auto* attempts : {&seen.attempts_down, &seen.attempts_up}) {
            const auto bins = counts_per_bin(*attempts, bin_width, shown);
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
[[nodiscard]] std::string headline(const herd_settings& options)
{
    const settings& run = options.run;
    std::string text = std::to_string(run.clients) + " clients, " + std::string(name_of(run.kind));
    if (!has_return(run.kind))
        text += " for " + in_seconds(length_of(run));
    else if (run.kind != scenario::cold_start)
        text += " of " + in_seconds(run.outage);
    return text + ", " + std::to_string(run.accepts_per_second) + " accepts/s, backlog " +
           std::to_string(run.backlog);
}

void print_json(printer& out, const herd_settings& options, const policy_outcome& each)
{
    const settings& run = options.run;
    json_object line;
    line.text("policy", each.which->name)
        .text("title", each.which->title)
        .text("scenario", name_of(run.kind))
        .number("clients", std::uint64_t{run.clients})
        .number("outage_s", std::chrono::duration<double>(run.outage).count())
        .number("accepts_per_second", std::uint64_t{run.accepts_per_second})
        .number("cap_s", std::chrono::duration<double>(run.reconnect.cap).count())
        .number("seeds", std::uint64_t{options.seeds});
    for (const measure_entry& entry : all_measures()) {
        if (const auto value = each.seen.*entry.value)
            line.number(entry.key, *value);
        else
            line.null(entry.key);
    }
    out.line(line.str());
}

/// Columns without a value for any of the policies are left out.
void print_table(printer& out, const herd_settings& options, const std::vector<policy_outcome>& all)
{
    std::vector<const measure_entry*> columns;
    for (const measure_entry& entry : all_measures())
        if (std::ranges::any_of(all, [&](const policy_outcome& each) {
                return (each.seen.*entry.value).has_value();
            }))
            columns.push_back(&entry);

    const auto right_aligned = [](const std::string& text, std::size_t width) {
        return std::string(width - std::min(width, text.size()), ' ') + text;
    };
    const auto width_of = [](const measure_entry& entry) {
        return std::max<std::size_t>(std::string_view(entry.title).size(), 6) + 2;
    };
    out.line(headline(options) + "; mean of " + std::to_string(options.seeds) +
             (options.seeds == 1 ? " seed" : " seeds"));
    out.line("");
    std::string head = padded("policy", 17);
    for (const measure_entry* entry : columns)
        head += right_aligned(entry->title, width_of(*entry));
    out.line(out.paint(colour::bold, head));
    for (const policy_outcome& each : all) {
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

[[nodiscard]] bool write_chart(const herd_settings& options, const std::vector<policy_outcome>& all)
{
    chart drawn{.title = headline(options),
                .returned =
                    options.run.kind == scenario::cold_start ? duration{} : options.run.outage,
                .capacity = static_cast<double>(options.run.accepts_per_second),
                .panels = {}};
    for (const policy_outcome& each : all)
        drawn.panels.push_back({std::string(each.which->title), each.rates, each.seen.back_p100});
    std::ofstream file(options.svg, std::ios::binary);
    file << to_svg(drawn);
    file.close();
    if (file)
        return true;
    report("cannot write " + options.svg);
    return false;
}

int run_herd(herd_settings& options)
{
    require_valid(options.run.reconnect.validate());
    if (!options.svg.empty() && !has_return(options.run.kind))
        throw usage_error("--svg", "there is no chart of --scenario " +
                                       std::string(name_of(options.run.kind)));
    if (options.policies.empty())
        options.policies = {find_policy("serverlink")};

    printer out(stdout);
    std::vector<policy_outcome> all;
    {
        progress_line line;
        for (const policy* which : options.policies) {
            auto made = run_policy(options, *which, line);
            if (!made) {
                line.show("");
                return report_failure(made.error());
            }
            all.push_back(*std::move(made));
            if (options.json) {
                line.show("");
                print_json(out, options, all.back());
            }
        }
    }
    if (!options.json)
        print_table(out, options, all);
    if (!options.svg.empty() && !write_chart(options, all))
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
            throw usage_error("--policy",
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
    throw usage_error("--scenario", "'" + name + "' is no scenario: " + known);
}

/// A time that is not 0, and has a maximum, so that every run ends.
void add_time(command& to, option about, std::function<void(duration)> given)
{
    about.type = "DURATION";
    to.text(about, [name = about.name, given = std::move(given)](const std::string& text) {
        const duration value = parse_duration(name, text);
        if (value < 1ms || value > 24h)
            throw usage_error(name, "'" + text + "' is not 1ms to 24h");
        given(value);
    });
}

void add_herd_options(command& to, herd_settings& into)
{
    to.text({.name = "--scenario",
             .help = "What happens to the server; the list is below",
             .type = "NAME",
             .fallback = "outage"},
            [&into](const std::string& name) { set_scenario(into.run.kind, name); });
    to.number({.name = "--clients",
               .help = "How many links (1 to 1000000)",
               .type = "N",
               .fallback = "10000"},
              into.run.clients, 1, 1'000'000);
    add_time(to, {.name = "--outage", .help = "How long the server is gone", .fallback = "60s"},
             [&into](duration value) { into.run.outage = value; });
    add_time(to,
             {.name = "--for", .help = "How long flapping (1m) and accept-then-close (10m) go on"},
             [&into](duration value) { into.run.length = value; });
    add_time(to,
             {.name = "--limit", .help = "How long to wait for the last client", .fallback = "10m"},
             [&into](duration value) { into.run.limit = value; });
    to.number({.name = "--accepts-per-second",
               .help = "Capacity of the server (1 to 1000000)",
               .type = "N",
               .fallback = "5000"},
              into.run.accepts_per_second, 1, 1'000'000);
    to.number({.name = "--backlog",
               .help = "Connections that wait for it; SYNs beyond are dropped (1 to 1000000)",
               .type = "N",
               .fallback = "128"},
              into.run.backlog, 1, 1'000'000);
    to.texts(
        {.name = "--policy",
         .help = "The delays between attempts: " + policy_names() + ", or all; may be repeated",
         .type = "NAME",
         .fallback = "serverlink"},
        [&into](const std::vector<std::string>& names) { add_policies(into.policies, names); });
    to.number({.name = "--seeds",
               .help = "Runs, whose mean is shown (1 to 1000)",
               .type = "N",
               .fallback = "3"},
              into.seeds, 1, 1000);
    to.number({.name = "--seed",
               .help = "Of the first run; the others follow",
               .type = "N",
               .fallback = "1"},
              into.run.seed);
    to.text({.name = "--svg",
             .help = "Draw the attempts per second over time into this file",
             .type = "FILE"},
            into.svg);
    to.flag({.name = "--json", .help = "One JSON object per policy"}, into.json);
    add_delay_options(to, into.run.reconnect);
}

} // namespace

void add_herd_command(command& simulate)
{
    command& herd = simulate.add_command(
        "herd", "Many clients lose one server, and all want it back: how hard they hit it, and how "
                "soon they are connected. The clients are links and the server is a listener, on a "
                "simulated network; the options about reconnecting are serverlink's. The other "
                "policies wait as other libraries do, on the same links.");
    auto settings = std::make_shared<herd_settings>();
    add_herd_options(herd, *settings);
    std::string footer = "Scenarios:\n";
    for (const scenario_entry& each : scenarios())
        footer += "  " + padded(each.name, 19) + std::string(each.about) + "\n";
    herd.footer(footer);
    herd.example("slk simulate herd --policy all --outage 5s");
    herd.example("slk simulate herd --clients 100000 --cap 40s --outage 2m --seeds 1");
    herd.example("slk simulate herd --policy serverlink --policy grpc --svg herd.svg");
    herd.example("slk simulate herd --scenario accept-then-close --clients 100");
    add_exit_codes(herd, {});
    herd.action([settings] { return run_herd(*settings); });
}

} // namespace slk::tool
