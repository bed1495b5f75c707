// SPDX-License-Identifier: MPL-2.0
#include "outcome.hpp"

#include <algorithm>
#include <utility>

namespace bench {

namespace {

std::optional<spread> spread_among(std::vector<double> values)
{
    if (values.empty())
        return std::nullopt;
    return slk::tool::spread_of(std::move(values));
}

} // namespace

const series* outcome::find(std::string_view name) const
{
    const auto found =
        std::ranges::find_if(all, [&](const series& each) { return each.by->name == name; });
    return found == all.end() ? nullptr : &*found;
}

std::optional<spread> spread_of(const work& done, const series& of,
                                double (*measure)(const work&, const sample&))
{
    std::vector<double> values;
    for (const sample& each : of.samples)
        if (each.failure.empty())
            values.push_back(measure(done, each));
    return spread_among(std::move(values));
}

double score(const work& done, const sample& of)
{
    return !is_timed(done.kind) ? static_cast<double>(of.messages) / of.seconds : of.p50;
}

double cpu_seconds_per_message(const work&, const sample& of)
{
    return of.cpu_seconds / static_cast<double>(of.messages);
}

std::optional<spread> ratios(const work& done, const series& of, const series* to)
{
    if (to == nullptr)
        return std::nullopt;
    std::vector<double> values;
    for (std::size_t i = 0; i < of.samples.size() && i < to->samples.size(); ++i)
        if (of.samples[i].failure.empty() && to->samples[i].failure.empty())
            values.push_back(score(done, of.samples[i]) / score(done, to->samples[i]));
    return spread_among(std::move(values));
}

} // namespace bench
