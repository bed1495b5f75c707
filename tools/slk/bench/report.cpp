// SPDX-License-Identifier: MPL-2.0
#include "bench/report.hpp"

#include "tools/support/json.hpp"
#include "tools/support/text.hpp"

#include <chrono>
#include <thread>

namespace slk::tool::bench {

namespace {

/// Nanoseconds in a microsecond.
constexpr double micro = 1000;

/// 12,345, or 12.3 for a small number.
[[nodiscard]] std::string short_number(double value)
{
    return value < 100 ? format("%.1f", value) : grouped(value);
}

[[nodiscard]] std::string threads_text(int threads)
{
    return threads == 0   ? "no loop thread"
           : threads == 1 ? "1 loop thread"
                          : std::to_string(threads) + " loop threads";
}

[[nodiscard]] std::string side_text(const side_facts& side)
{
    return "slk " + side.version + " (" + side.backend + ", " + threads_text(side.threads) + ")";
}

[[nodiscard]] bool same(const side_facts& left, const side_facts& right)
{
    return left.version == right.version && left.backend == right.backend &&
           left.threads == right.threads;
}

[[nodiscard]] double megabytes_per_second(const measured& of)
{
    return of.per_second.median * static_cast<double>(of.done.size) / 1e6;
}

[[nodiscard]] std::string processor_text(const measured& of)
{
    return of.processor ? grouped(*of.processor) : "-";
}

[[nodiscard]] json_object side_json(const side_facts& side)
{
    return json_object()
        .text("version", side.version)
        .text("backend", side.backend)
        .number("threads", static_cast<std::uint64_t>(side.threads));
}

void add_processor(json_object& to, std::string_view key, const measured& of)
{
    if (of.processor)
        to.number(key, *of.processor);
    else
        to.null(key);
}

[[nodiscard]] json_object work_json(const measured& of)
{
    const bool stream = of.done.kind == work_kind::stream;
    json_object line;
    line.text("kind", stream ? "stream" : "round_trip")
        .number("size", static_cast<std::uint64_t>(of.done.size));
    if (stream)
        line.number("batch", static_cast<std::uint64_t>(of.done.batch));
    line.number(stream ? "messages" : "round_trips", of.messages)
        .number("per_second", of.per_second.median)
        .number("lowest_per_second", of.per_second.lowest)
        .number("highest_per_second", of.per_second.highest);
    if (stream) {
        line.number("megabytes_per_second", megabytes_per_second(of));
    } else {
        line.number("p50_us", of.round_trips.quantile(0.5) / micro)
            .number("p99_us", of.round_trips.quantile(0.99) / micro)
            .number("p999_us", of.round_trips.quantile(0.999) / micro)
            .number("max_us", of.round_trips.max() / micro);
    }
    add_processor(line, stream ? "cpu_ns_per_message" : "cpu_ns_per_round_trip", of);
    return line;
}

} // namespace

duration measured_time_of(double seconds)
{
    return std::chrono::ceil<duration>(std::chrono::duration<double>(seconds));
}

duration warm_up_of(double seconds)
{
    return measured_time_of(seconds / 4);
}

std::vector<std::string> headline(const setting& between)
{
    std::string sides = side_text(between.here);
    if (!same(between.here, between.there))
        sides += " with " + side_text(between.there);
    sides += " at " + between.endpoint;
    if (between.one_process)
        sides += ", both sides in one process";
    else if (between.one_machine)
        sides += ", two processes on this machine";
    return {sides, "Rates: the median of " + std::to_string(slice_count) +
                       format(" slices of %g s after a warm-up of %g s. CPU: of both sides.",
                              between.seconds / slice_count, between.seconds / 4)};
}

std::vector<std::string> heading(const work& of)
{
    if (of.kind == work_kind::stream)
        return {"",
                "Streams to this side" +
                    (of.batch > 1 ? ", in batches of " + std::to_string(of.batch) : ""),
                format("  %-10s %12s %25s %10s %14s", "size", "messages/s", "lowest .. highest",
                       "MB/s", "CPU ns/message")};
    return {"", "Round trips from this side, one at a time; the times are those of all round trips",
            format("  %-10s %12s %9s %9s %9s %10s %14s", "size", "trips/s", "p50 us", "p99 us",
                   "p99.9 us", "max us", "CPU ns/trip")};
}

std::string row(const measured& of)
{
    const std::string size = size_text(of.done.size);
    const std::string rate = grouped(of.per_second.median);
    const std::string processor = processor_text(of);
    if (of.done.kind == work_kind::stream) {
        const std::string range =
            grouped(of.per_second.lowest) + " .. " + grouped(of.per_second.highest);
        return format("  %-10s %12s %25s %10s %14s", size.c_str(), rate.c_str(), range.c_str(),
                      short_number(megabytes_per_second(of)).c_str(), processor.c_str());
    }
    const histogram& times = of.round_trips;
    return format("  %-10s %12s %9.1f %9.1f %9.1f %10.1f %14s", size.c_str(), rate.c_str(),
                  times.quantile(0.5) / micro, times.quantile(0.99) / micro,
                  times.quantile(0.999) / micro, times.max() / micro, processor.c_str());
}

std::string to_json(const setting& between, const std::vector<measured>& all)
{
    std::vector<json_object> works;
    for (const measured& each : all)
        works.push_back(work_json(each));
    return json_object()
        .text("endpoint", between.endpoint)
        .number("processes", std::uint64_t{between.one_process ? 1U : 2U})
        .number("processors", std::uint64_t{std::thread::hardware_concurrency()})
        .object("here", side_json(between.here))
        .object("there", side_json(between.there))
        .number("seconds", between.seconds)
        .number("warm_up_seconds", between.seconds / 4)
        .number("slices", std::uint64_t{slice_count})
        .array("works", works)
        .str();
}

} // namespace slk::tool::bench
