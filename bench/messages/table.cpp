// SPDX-License-Identifier: MPL-2.0
#include "table.hpp"

#include "tools/support/text.hpp"

namespace bench {

namespace {

using slk::tool::format;
using slk::tool::grouped;

std::string ratio_text(const std::optional<spread>& of)
{
    return of ? format("%.3f", of->median) : "-";
}

void append_heading(std::string& text, const outcome& of, const arguments& options)
{
    text +=
        format("%.*s: %s over %.*s; %u rounds of %g s\n", static_cast<int>(of.done->name.size()),
               of.done->name.data(), std::string(name_of(of.done->kind)).c_str(),
               static_cast<int>(of.done->title.size()), of.done->title.data(), options.rounds,
               options.seconds);
    if (!is_timed(of.done->kind))
        text += format("  %-28s %12s %25s %9s %10s %9s %9s\n", "", "messages/s",
                       "lowest .. highest", "MB/s", "CPU ns/msg", "/ libzmq", "/ bare");
    else
        text += format("  %-28s %12s %25s %9s %10s %9s %9s\n", "", "p50 us", "lowest .. highest",
                       "p99 us", "p99.9 us", "/ libzmq", "/ bare");
}

void append_stream(std::string& text, const work& done, const series& of)
{
    const spread rate = *spread_of(done, of, score);
    const spread cpu = *spread_of(done, of, cpu_seconds_per_message);
    const std::string range = grouped(rate.lowest) + " .. " + grouped(rate.highest);
    text += format(" %12s %25s %9.0f %10.0f", grouped(rate.median).c_str(), range.c_str(),
                   rate.median * static_cast<double>(done.size) / 1e6, cpu.median * 1e9);
}

void append_round_trip(std::string& text, const work& done, const series& of)
{
    const spread p50 = *spread_of(done, of, score);
    const spread p99 =
        *spread_of(done, of, [](const work&, const sample& each) { return each.p99; });
    const spread p999 =
        *spread_of(done, of, [](const work&, const sample& each) { return each.p999; });
    std::string range;
    range += format("%.1f .. %.1f", p50.lowest * 1e6, p50.highest * 1e6);
    text += format(" %12.1f %25s %9.1f %10.1f", p50.median * 1e6, range.c_str(), p99.median * 1e6,
                   p999.median * 1e6);
}

void append_row(std::string& text, const outcome& of, const series& row)
{
    text += format("  %-28s", row.by->title.c_str());
    if (!row.by->missing.empty()) {
        text += format(" skipped: %s\n", std::string(row.by->missing).c_str());
        return;
    }
    if (!spread_of(*of.done, row, score)) {
        text += format(" failed: %s\n", row.samples.empty() ? "" : row.samples[0].failure.c_str());
        return;
    }
    if (!is_timed(of.done->kind))
        append_stream(text, *of.done, row);
    else
        append_round_trip(text, *of.done, row);
    text += format(" %9s %9s\n", ratio_text(ratios(*of.done, row, of.find(libzmq_name))).c_str(),
                   ratio_text(ratios(*of.done, row, of.find(bare_name))).c_str());
}

} // namespace

std::string to_table(const outcome& of, const arguments& options)
{
    std::string text;
    append_heading(text, of, options);
    for (const series& row : of.all)
        append_row(text, of, row);
    if (!of.done->target.empty())
        text += "  target: " + std::string(of.done->target) + "\n";
    return text + "\n";
}

} // namespace bench
