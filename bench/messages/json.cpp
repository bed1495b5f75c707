// SPDX-License-Identifier: MPL-2.0
#include "json.hpp"

#include "format.hpp"
#include "host.hpp"

#include <thread>

namespace bench {

namespace {

std::string quoted(std::string_view text)
{
    std::string made = "\"";
    for (const char letter : text) {
        if (letter == '"' || letter == '\\')
            made += '\\';
        made += static_cast<unsigned char>(letter) < ' ' ? ' ' : letter;
    }
    return made + '"';
}

void append_sample(std::string& json, pattern kind, const sample& of)
{
    if (!of.failure.empty()) {
        json += "{\"failure\":" + quoted(of.failure) + "}";
        return;
    }
    append(json, "{\"messages\":%llu,\"seconds\":%.9f,\"cpu_seconds\":%.6f",
           static_cast<unsigned long long>(of.messages), of.seconds, of.cpu_seconds);
    if (kind == pattern::round_trip)
        append(json, ",\"p50_s\":%.10f,\"p99_s\":%.10f,\"p999_s\":%.10f", of.p50, of.p99, of.p999);
    json += "}";
}

void append_ratio(std::string& json, const char* name, const std::optional<spread>& of)
{
    if (of)
        append(json, ",\"%s\":{\"median\":%.5f,\"lowest\":%.5f,\"highest\":%.5f}", name, of->median,
               of->lowest, of->highest);
}

void append_series(std::string& json, const outcome& in, const series& of)
{
    json += "{\"contender\":" + quoted(of.by->name) + ",\"title\":" + quoted(of.by->title);
    if (!of.by->absent.empty())
        json += ",\"skipped\":" + quoted(of.by->absent);
    append_ratio(json, "ratio_to_libzmq", ratios(*in.done, of, in.find(libzmq_name)));
    append_ratio(json, "ratio_to_bare", ratios(*in.done, of, in.find(bare_name)));
    json += ",\"samples\":[";
    for (std::size_t i = 0; i < of.samples.size(); ++i) {
        json += i == 0 ? "" : ",";
        append_sample(json, in.done->kind, of.samples[i]);
    }
    json += "]}";
}

void append_outcome(std::string& json, const outcome& of)
{
    json += "{\"work\":" + quoted(of.done->name);
    append(json, ",\"kind\":\"%s\",\"size\":%zu,\"contenders\":[\n",
           of.done->kind == pattern::stream ? "stream" : "round_trip", of.done->size);
    for (std::size_t i = 0; i < of.all.size(); ++i) {
        json += i == 0 ? "  " : ",\n  ";
        append_series(json, of, of.all[i]);
    }
    json += "]}";
}

} // namespace

std::string to_json(const std::vector<outcome>& all, const arguments& wanted)
{
    std::string json = "{\"system\":" + quoted(system_name());
    append(json, ",\"processors\":%u,\"rounds\":%u,\"seconds\":%g",
           std::thread::hardware_concurrency(), wanted.rounds, wanted.seconds);
    if (wanted.high_water_mark)
        append(json, ",\"high_water_mark\":%d", *wanted.high_water_mark);
    json += ",\"works\":[\n";
    for (std::size_t i = 0; i < all.size(); ++i) {
        json += i == 0 ? "" : ",\n";
        append_outcome(json, all[i]);
    }
    return json + "\n]}\n";
}

} // namespace bench
