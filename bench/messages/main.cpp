// SPDX-License-Identifier: MPL-2.0
//
// How fast messages are carried, and how soon they are there. All numbers of one run are
// comparable with each other, and with nothing else: the contenders take turns, and the ratios are
// those of neighbours in time.

#include "arguments.hpp"
#include "chart.hpp"
#include "json.hpp"
#include "markdown.hpp"
#include "outcome.hpp"
#include "roles.hpp"
#include "table.hpp"

#include <cstdio>
#include <memory>

namespace {

using namespace bench;

outcome run_rounds(const work& done, const arguments& wanted)
{
    outcome made{&done};
    for (const contender* const each : wanted.contenders)
        if (each->does(done))
            made.all.push_back({each});
    for (unsigned round = 0; round < wanted.rounds; ++round) {
        // Another one begins each round, so that nobody always follows the same one.
        for (std::size_t i = 0; i < made.all.size(); ++i) {
            series& next = made.all[(i + round) % made.all.size()];
            if (!next.by->absent.empty())
                continue;
            next.samples.push_back(measure(done, *next.by, wanted));
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

} // namespace

int main(int count, char** words)
{
    const auto wanted = read_arguments(count, words);
    if (!wanted) {
        std::fputs(usage().c_str(), stderr);
        return 2;
    }
    if (wanted->help) {
        std::fputs(usage().c_str(), stdout);
        return 0;
    }
    if (!wanted->role.empty())
        return play_role(*wanted);

    bool fine = true;
    std::vector<outcome> all;
    for (const work* const each : wanted->works) {
        all.push_back(run_rounds(*each, *wanted));
        fine = fine && !any_failure(all.back());
        std::fputs(to_table(all.back(), *wanted).c_str(), stdout);
        std::fflush(stdout);
    }
    if (!wanted->json.empty())
        fine = write_file(wanted->json, to_json(all, *wanted)) && fine;
    if (!wanted->svg.empty())
        fine = write_file(wanted->svg, to_svg(all)) && fine;
    if (!wanted->markdown.empty())
        fine = write_file(wanted->markdown, to_markdown(all, *wanted)) && fine;
    return fine ? 0 : 1;
}
