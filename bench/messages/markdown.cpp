// SPDX-License-Identifier: MPL-2.0
#include "markdown.hpp"

#include "format.hpp"
#include "host.hpp"

#include <algorithm>
#include <thread>

namespace bench {

namespace {

/// Those of that kind, with the contenders of whom there is a ratio to that one.
struct table {
    std::vector<const outcome*> rows{};
    std::vector<const contender*> columns{};
};

table table_of(const std::vector<outcome>& all, pattern kind, std::string_view compared_with)
{
    table made;
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
    std::string text;
    append(text, "%.*f (%.*f to %.*f)", decimals, ratio->median, decimals, ratio->lowest, decimals,
           ratio->highest);
    return text;
}

void append_table(std::string& text, const std::vector<outcome>& all, pattern kind,
                  std::string_view compared_with)
{
    const contender* const reference = find_contender(compared_with);
    const table made = table_of(all, kind, compared_with);
    if (reference == nullptr || made.rows.empty())
        return;
    append(text, "\n%s, compared with %s:\n\n|  |",
           kind == pattern::stream ? "Messages per second of a stream (more is better)"
                                   : "Time of one way of a round trip (p50; less is better)",
           reference->title.c_str());
    for (const contender* const each : made.columns)
        append(text, " %s |", each->title.c_str());
    text += "\n|---|";
    for (std::size_t i = 0; i < made.columns.size(); ++i)
        text += "---:|";
    text += "\n";
    for (const outcome* const row : made.rows) {
        text += "| " + std::string(row->done->title) + " |";
        for (const contender* const each : made.columns)
            append(text, " %s |", cell(*row, *each, compared_with).c_str());
        text += "\n";
    }
}

} // namespace

std::string to_markdown(const std::vector<outcome>& all, const arguments& wanted)
{
    std::string text;
    append(text,
           "%u rounds of %g s; %s, %u processors. In brackets the lowest and the highest of "
           "the rounds' ratios.\n",
           wanted.rounds, wanted.seconds, system_name().c_str(),
           std::thread::hardware_concurrency());
    for (const pattern kind : {pattern::stream, pattern::round_trip})
        for (const std::string_view reference : {libzmq_name, bare_name})
            append_table(text, all, kind, reference);
    return text;
}

} // namespace bench
