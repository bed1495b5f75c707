// SPDX-License-Identifier: MPL-2.0
#include "arguments.hpp"

#include <cstdint>

namespace bench {

namespace {

/// The option may be repeated, and each value is the name of one of the things that `find` knows.
template <class Named>
void add_names(slk::tool::command& to, const slk::tool::option& about,
               const Named* (*find)(std::string_view name), std::vector<const Named*>& into)
{
    to.texts(about, [name = about.name, find, &into](const std::vector<std::string>& texts) {
        for (const std::string& text : texts) {
            const Named* const found = find(text);
            if (found == nullptr)
                throw slk::tool::usage_error(name, "'" + text + "' is none of those below");
            into.push_back(found);
        }
    });
}

[[nodiscard]] std::string row(std::string_view name, const std::string& description)
{
    std::string text = "  " + std::string(name);
    text.resize(30, ' ');
    return text + description + "\n";
}

/// The names of works and contenders.
[[nodiscard]] std::string all_names()
{
    std::string text = "Works:\n";
    for (const work& each : all_works())
        text += row(each.name, std::string(name_of(each.kind)) + ", " + std::string(each.title));
    text += "Contenders:\n";
    for (const contender& each : all_contenders()) {
        std::string description = each.title;
        if (each.only_by_name)
            description += ", only if it is named";
        if (!each.missing.empty())
            description += ", skipped: " + std::string(each.missing);
        text += row(each.name, description);
    }
    return text;
}

} // namespace

void add_options(slk::tool::command& to, arguments& into)
{
    to.number({.name = "--rounds", .help = "Rounds of each work", .type = "N", .fallback = "5"},
              into.rounds, 1, 10'000);
    to.number({.name = "--seconds",
               .help = "Measured in each round, after a warm-up of a quarter of that",
               .type = "S",
               .fallback = "1"},
              into.seconds, 0.01, 600);
    add_names(to, {.name = "--only", .help = "Only this one; may be repeated", .type = "WORK"},
              find_work, into.works);
    add_names(to, {.name = "--contender", .help = "Only this one; may be repeated", .type = "NAME"},
              find_contender, into.contenders);
    to.number({.name = "--hwm",
               .help = "High-water marks of both sides [each library's own default]",
               .type = "N"},
              into.high_water_mark, 1, 100'000'000);
    to.text({.name = "--json",
             .help = "Write all samples and ratios; tools/performance_chart.py draws them",
             .type = "FILE"},
            into.json);
    to.text({.name = "--markdown",
             .help = "Write the ratios as the tables of a document",
             .type = "FILE"},
            into.markdown);
    static constexpr auto* one_side = "One side of a measurement alone, for example in a profiler";
    to.text({.name = "--role",
             .help = "receiver, sender, server, client, publisher, subscribers, proxy, or both "
                     "(receiver and sender)",
             .type = "ROLE",
             .group = one_side},
            into.role);
    to.text({.name = "--endpoint",
             .help = "Where to bind or connect",
             .type = "ENDPOINT",
             .group = one_side},
            into.endpoint);
    to.number({.name = "--parent",
               .help = "End together with this process",
               .type = "ID",
               .group = one_side},
              into.parent, 1, INT32_MAX);
    to.footer(all_names());
}

void add_defaults(arguments& to)
{
    if (to.works.empty())
        for (const work& each : all_works())
            to.works.push_back(&each);
    if (to.contenders.empty())
        for (const contender& each : all_contenders())
            if (!each.only_by_name)
                to.contenders.push_back(&each);
}

} // namespace bench
