// SPDX-License-Identifier: MPL-2.0
#include "markdown.hpp"

#include "host.hpp"

#include "tools/support/text.hpp"

#include <algorithm>
#include <thread>

namespace bench {

namespace {

using slk::tool::format;

/// The works of one kind, and the contenders that have a ratio to the reference.
struct ratio_table {
    std::vector<const outcome*> rows{};
    std::vector<const contender*> columns{};
};

ratio_table ratio_table_of(const std::vector<outcome>& all, pattern kind,
                           std::string_view compared_with)
{
    ratio_table made;
    for (const outcome& each : all) {
        if (each.done->kind != kind)
            continue;
        const series* const reference = each.find(compared_with);
        bool any = false;
        for (const series& one : each.all) {
            if (&one == reference || !ratios(*each.done, one, reference))
                continue;
            any = true;
            if (std::ranges::find(made.columns, one.by) == made.columns.end())
                made.columns.push_back(one.by);
        }
        if (any)
            made.rows.push_back(&each);
    }
    return made;
}

/// "5.12 (4.98 to 5.30)"
std::string cell(const outcome& in, const contender& of, std::string_view compared_with)
{
    const series* const found = in.find(of.name);
    if (found == nullptr)
        return "–";
    const auto ratio = ratios(*in.done, *found, in.find(compared_with));
    if (!ratio)
        return "–";
    const int decimals = ratio->median < 0.1 ? 3 : 2;
    return format("%.*f (%.*f to %.*f)", decimals, ratio->median, decimals, ratio->lowest, decimals,
                  ratio->highest);
}

void append_table(std::string& text, const std::vector<outcome>& all, pattern kind,
                  std::string_view compared_with)
{
    const contender* const reference = find_contender(compared_with);
    const ratio_table made = ratio_table_of(all, kind, compared_with);
    if (reference == nullptr || made.rows.empty())
        return;
    text += format("\n%s, compared with %s:\n\n|  |", std::string(score_of(kind)).c_str(),
                   reference->title.c_str());
    for (const contender* const each : made.columns)
        text += format(" %s |", each->title.c_str());
    text += "\n|---|";
    for (std::size_t i = 0; i < made.columns.size(); ++i)
        text += "---:|";
    text += "\n";
    for (const outcome* const row : made.rows) {
        text += "| " + std::string(row->done->title) + " |";
        for (const contender* const each : made.columns)
            text += format(" %s |", cell(*row, *each, compared_with).c_str());
        text += "\n";
    }
}

} // namespace

std::string to_markdown(const std::vector<outcome>& all, const arguments& options)
{
    std::string text =
        format("%u rounds of %g s; %s, %u processors. In brackets the lowest and the highest of "
               "the rounds' ratios.\n",
               options.rounds, options.seconds, system_name().c_str(),
               std::thread::hardware_concurrency());
    for (const pattern kind : {pattern::stream, pattern::round_trip, pattern::fan_out,
                               pattern::topics, pattern::requests, pattern::routed,
                               pattern::forwarded, pattern::queued, pattern::published})
        for (const std::string_view reference : {libzmq_name, bare_name})
            append_table(text, all, kind, reference);
    return text;
}

} // namespace bench
