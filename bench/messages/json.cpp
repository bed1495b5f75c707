// SPDX-License-Identifier: MPL-2.0
#include "json.hpp"

#include "host.hpp"

#include "tools/support/json.hpp"

#include <thread>

namespace bench {

namespace {

using slk::tool::json_object;

json_object sample_json(pattern kind, const sample& of)
{
    json_object made;
    if (!of.failure.empty())
        return made.text("failure", of.failure);
    made.number("messages", of.messages)
        .number("seconds", of.seconds, 9)
        .number("cpu_seconds", of.cpu_seconds, 6);
    if (is_timed(kind))
        made.number("p50_s", of.p50, 10).number("p99_s", of.p99, 10).number("p999_s", of.p999, 10);
    return made;
}

void add_ratio(json_object& to, const char* key, const std::optional<spread>& of)
{
    if (of)
        to.object(key, json_object()
                           .number("median", of->median, 5)
                           .number("lowest", of->lowest, 5)
                           .number("highest", of->highest, 5));
}

json_object series_json(const outcome& in, const series& of)
{
    json_object made;
    made.text("contender", of.by->name).text("title", of.by->title);
    if (!of.by->missing.empty())
        made.text("skipped", of.by->missing);
    add_ratio(made, "ratio_to_libzmq", ratios(*in.done, of, in.find(libzmq_name)));
    add_ratio(made, "ratio_to_bare", ratios(*in.done, of, in.find(bare_name)));
    std::vector<json_object> samples;
    for (const sample& each : of.samples)
        samples.push_back(sample_json(in.done->kind, each));
    return made.array("samples", samples);
}

json_object outcome_json(const outcome& of)
{
    json_object made;
    made.text("work", of.done->name)
        .text("title", of.done->title)
        .text("kind", key_of(of.done->kind))
        .number("size", std::uint64_t{of.done->size});
    if (of.done->target_to_libzmq > 0)
        made.number("target_to_libzmq", of.done->target_to_libzmq);
    std::vector<json_object> contenders;
    for (const series& each : of.all)
        contenders.push_back(series_json(of, each));
    return made.array("contenders", contenders);
}

} // namespace

std::string to_json(const std::vector<outcome>& all, const arguments& options)
{
    json_object made;
    made.text("system", system_name())
        .number("processors", std::uint64_t{std::thread::hardware_concurrency()})
        .number("rounds", std::uint64_t{options.rounds})
        .number("seconds", options.seconds);
    if (options.high_water_mark)
        made.number("high_water_mark", static_cast<std::uint64_t>(*options.high_water_mark));
    std::vector<json_object> works;
    for (const outcome& each : all)
        works.push_back(outcome_json(each));
    return made.array("works", works).str() + "\n";
}

} // namespace bench
