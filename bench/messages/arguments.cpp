// SPDX-License-Identifier: MPL-2.0
#include "arguments.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>

namespace bench {

namespace {

template <class Number>
bool read_whole(const std::string& text, Number least, Number most, Number& value)
{
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc{} && end == text.data() + text.size() && value >= least &&
           value <= most;
}

bool read_seconds(const std::string& text, double& value)
{
    char* end = nullptr;
    value = std::strtod(text.c_str(), &end);
    return end == text.c_str() + text.size() && value >= 0.01 && value <= 600;
}

template <class Named>
bool add_named(const Named* found, std::vector<const Named*>& to)
{
    if (found != nullptr)
        to.push_back(found);
    return found != nullptr;
}

/// False: there is no such option, or this is not a value of it.
bool take(const std::string& option, const std::string& value, arguments& into)
{
    if (option == "--rounds")
        return read_whole(value, 1U, 10'000U, into.rounds);
    if (option == "--seconds")
        return read_seconds(value, into.seconds);
    if (option == "--hwm")
        return read_whole(value, 1, 100'000'000, into.high_water_mark.emplace());
    if (option == "--only")
        return add_named(find_work(value), into.works);
    if (option == "--contender")
        return add_named(find_contender(value), into.contenders);
    if (option == "--parent")
        return read_whole(value, pid_t{1}, pid_t{INT32_MAX}, into.parent);
    for (const auto& [name, text] : {std::pair{"--json", &into.json},
                                     {"--svg", &into.svg},
                                     {"--markdown", &into.markdown},
                                     {"--role", &into.role},
                                     {"--endpoint", &into.endpoint}}) {
        if (option != name)
            continue;
        *text = value;
        return !value.empty();
    }
    return false;
}

} // namespace

std::optional<arguments> read_arguments(int count, char** words)
{
    arguments read;
    for (int i = 1; i < count; ++i) {
        const std::string option = words[i];
        if (option == "--help") {
            read.help = true;
            return read;
        }
        if (i + 1 == count || !take(option, words[i + 1], read)) {
            std::fprintf(stderr, "this is not understood: %s %s\n", words[i],
                         i + 1 == count ? "" : words[i + 1]);
            return std::nullopt;
        }
        ++i;
    }
    if (read.works.empty())
        for (const work& each : all_works())
            read.works.push_back(&each);
    if (read.contenders.empty())
        for (const contender& each : all_contenders())
            if (!each.only_by_name)
                read.contenders.push_back(&each);
    return read;
}

std::string usage()
{
    std::string text =
        "usage: messages [options]\n"
        "Streams and round trips of messages. The contenders take turns; each side is a process\n"
        "of its own, but for inproc. The ratios are medians of the rounds' ratios.\n"
        "  --rounds N        rounds of each work (5)\n"
        "  --seconds S       measured in each round, after a warm-up of a quarter of that (1)\n"
        "  --only WORK       this one; may be repeated\n"
        "  --contender NAME  this one; may be repeated\n"
        "  --hwm N           high-water marks of both sides (each library's own default)\n"
        "  --json FILE       writes all samples\n"
        "  --svg FILE        draws the ratios\n"
        "  --markdown FILE   writes the ratios as tables of a document\n"
        "works:\n";
    for (const work& each : all_works()) {
        text += "  " + std::string(each.name);
        text.append(28 - each.name.size(), ' ');
        text += each.kind == pattern::stream ? "one way, " : "round trips, ";
        text += std::string(each.title) + "\n";
    }
    text += "contenders:\n";
    for (const contender& each : all_contenders()) {
        text += "  " + std::string(each.name);
        text.append(28 - each.name.size(), ' ');
        text += each.title;
        if (each.only_by_name)
            text += ", only if it is named";
        if (!each.absent.empty())
            text += ", absent: " + std::string(each.absent);
        text += "\n";
    }
    return text;
}

} // namespace bench
