// SPDX-License-Identifier: MPL-2.0
//
// bench-messages: throughput and latency of messages, compared between libraries. The numbers of
// one run can be compared with each other only: the contenders take turns, and a ratio is that of
// two samples of the same round.

#include "arguments.hpp"
#include "json.hpp"
#include "markdown.hpp"
#include "outcome.hpp"
#include "roles.hpp"
#include "table.hpp"

#include <cstdio>
#include <memory>

namespace {

using namespace bench;

outcome run_rounds(const work& done, const arguments& options)
{
    outcome made{&done};
    for (const contender* const each : options.contenders)
        if (each->does(done))
            made.all.push_back({each});
    for (unsigned round = 0; round < options.rounds; ++round) {
        // Each round begins with another contender, so that none always follows the same one.
        for (std::size_t i = 0; i < made.all.size(); ++i) {
            series& next = made.all[(i + round) % made.all.size()];
            if (!next.by->missing.empty())
                continue;
            next.samples.push_back(measure(done, *next.by, options));
            if (const std::string& failure = next.samples.back().failure; !failure.empty())
                std::fprintf(stderr, "%s, round %u, %s: %s\n", std::string(done.name).c_str(),
                             round + 1, next.by->title.c_str(), failure.c_str());
        }
    }
    return made;
}

bool any_failure(const outcome& of)
{
    for (const series& each : of.all)
        for (const sample& one : each.samples)
            if (!one.failure.empty())
                return true;
    return false;
}

bool write_file(const std::string& path, const std::string& text)
{
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"),
                                                               &std::fclose);
    const bool written =
        file && std::fputs(text.c_str(), file.get()) >= 0 && std::fflush(file.get()) == 0;
    if (!written)
        std::perror(path.c_str());
    return written;
}

int run(arguments& options)
{
    add_defaults(options);
    if (!options.role.empty())
        return play_role(options);

    bool succeeded = true;
    std::vector<outcome> all;
    for (const work* const each : options.works) {
        all.push_back(run_rounds(*each, options));
        succeeded = succeeded && !any_failure(all.back());
        std::fputs(to_table(all.back(), options).c_str(), stdout);
        std::fflush(stdout);
    }
    if (!options.json.empty())
        succeeded = write_file(options.json, to_json(all, options)) && succeeded;
    if (!options.markdown.empty())
        succeeded = write_file(options.markdown, to_markdown(all, options)) && succeeded;
    return succeeded ? 0 : 1;
}

} // namespace

int main(int count, char** words)
{
    slk::tool::command program(
        "bench-messages",
        "Streams and round trips of messages. The contenders take turns; each side is a process of "
        "its own, except for inproc. The ratios are medians of the rounds' ratios.");
    arguments options;
    add_options(program, options);
    program.action([&options] { return run(options); });
    return program.run(count, words);
}
