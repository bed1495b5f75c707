// SPDX-License-Identifier: MPL-2.0
#include "tools/support/command_page.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace slk::tool {

namespace {

/// Where what is said about an option begins.
constexpr std::size_t description_column = 30;

/// Adds words to `text`, whose last line has `column` characters; further lines begin with `indent`
/// blanks.
void add_wrapped(std::string& text, std::size_t column, std::size_t indent, std::string_view words)
{
    bool at_start = true;
    while (!words.empty()) {
        const std::size_t end = std::min(words.find(' '), words.size());
        const std::string_view word = words.substr(0, end);
        words.remove_prefix(std::min(end + 1, words.size()));
        if (!at_start && column + 1 + word.size() > help_width) {
            text += '\n';
            text.append(indent, ' ');
            column = indent;
        } else if (!at_start) {
            text += ' ';
            ++column;
        }
        text += word;
        column += word.size();
        at_start = false;
    }
}

/// A term and its description: side by side, or below each other if the term is long.
void add_entry(std::string& text, const std::string& term, std::string_view description)
{
    std::string line = "  " + term;
    if (line.size() + 2 > description_column)
        line += '\n' + std::string(description_column, ' ');
    else
        line.resize(description_column, ' ');
    text += line;
    add_wrapped(text, description_column, description_column, description);
    text += '\n';
}

void add_lines(std::string& text, std::string_view lines)
{
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(std::min(end + 1, lines.size()));
        const std::size_t blanks = std::min(line.find_first_not_of(' '), line.size());
        text.append(blanks, ' ');
        add_wrapped(text, blanks, blanks + (blanks > 0 ? 2 : 0), line.substr(blanks));
        text += '\n';
    }
}

void add_usage(std::string& text, const command_page& page)
{
    std::string usage = page.path + (page.options.empty() ? "" : " [OPTIONS]");
    for (const page_option& each : page.options)
        if (is_positional(each.about))
            usage += ' ' + (each.about.required ? each.about.name : '[' + each.about.name + ']') +
                     (each.value == option_value::any ? "..." : "");
    if (!page.commands.empty())
        usage += " COMMAND";
    text += "Usage: ";
    add_wrapped(text, 7, 7, usage);
    text += '\n';
}

} // namespace

std::vector<std::string> names_of(const option& about)
{
    std::vector<std::string> names;
    for (std::size_t at = 0; at <= about.name.size();) {
        const std::size_t end = std::min(about.name.find(',', at), about.name.size());
        names.push_back(about.name.substr(at, end - at));
        at = end + 1;
    }
    return names;
}

std::string summary_of(const command_page& page)
{
    const std::size_t stop = page.about.find_first_of(".:");
    return page.about.substr(0, stop);
}

std::string usage_of(const page_option& which)
{
    std::string text;
    for (const std::string& name : names_of(which.about))
        text += (text.empty() ? "" : ", ") + name;
    if (is_positional(which.about))
        return text + (which.value == option_value::any ? "..." : "");
    const std::string& type = which.about.type.empty() ? std::string("VALUE") : which.about.type;
    if (which.value == option_value::one)
        text += ' ' + type;
    if (which.value == option_value::optional)
        text += "[=" + type + ']';
    return text;
}

std::string description_of(const page_option& which)
{
    std::string text = which.about.help;
    if (!which.about.fallback.empty())
        text += " [" + which.about.fallback + ']';
    if (!which.about.needs.empty())
        text += " (with " + which.about.needs + ')';
    if (!which.about.excludes.empty()) {
        text += " (not with ";
        for (std::size_t i = 0; i < which.about.excludes.size(); ++i)
            text += (i == 0 ? "" : ", ") + which.about.excludes[i];
        text += ')';
    }
    return text;
}

std::vector<std::string> groups_of(const command_page& page)
{
    std::vector<std::string> groups{""};
    for (const page_option& each : page.options)
        if (std::ranges::find(groups, each.about.group) == groups.end())
            groups.push_back(each.about.group);
    return groups;
}

std::string help_text(const command_page& page)
{
    std::string text;
    add_usage(text, page);
    text += '\n';
    add_lines(text, page.about);

    if (!page.commands.empty()) {
        text += "\nCommands:\n";
        for (const command_page& each : page.commands)
            add_entry(text, each.name, summary_of(each));
    }
    const bool has_arguments = std::ranges::any_of(
        page.options, [](const page_option& each) { return is_positional(each.about); });
    if (has_arguments) {
        text += "\nArguments:\n";
        for (const page_option& each : page.options)
            if (is_positional(each.about))
                add_entry(text, usage_of(each), description_of(each));
    }
    for (const std::string& group : groups_of(page)) {
        text += '\n' + (group.empty() ? "Options" : group) + ":\n";
        for (const page_option& each : page.options)
            if (!is_positional(each.about) && each.about.group == group)
                add_entry(text, usage_of(each), description_of(each));
    }
    for (const std::string& note : page.notes) {
        text += '\n';
        add_lines(text, note);
    }
    if (!page.examples.empty()) {
        text += "\nExamples:\n";
        for (const std::string& line : page.examples)
            text += "  " + line + '\n';
    }
    if (!page.exit_codes.empty()) {
        text += "\nExit codes:\n";
        for (const page_exit_code& each : page.exit_codes) {
            const std::string number = std::to_string(each.code);
            text += std::string(5 - std::min<std::size_t>(number.size(), 5), ' ') + number + "  ";
            add_wrapped(text, 7, 7, each.meaning);
            text += '\n';
        }
    }
    return text;
}

std::string closest(std::string_view word, const std::vector<std::string>& known)
{
    std::string best;
    std::size_t best_distance = word.size() / 3 + 2; // a word of other letters is not close
    for (const std::string& each : known) {
        // Levenshtein's distance, row by row.
        std::vector<std::size_t> row(each.size() + 1);
        std::iota(row.begin(), row.end(), std::size_t{0});
        for (std::size_t i = 0; i < word.size(); ++i) {
            std::size_t diagonal = std::exchange(row[0], i + 1);
            for (std::size_t j = 0; j < each.size(); ++j) {
                const std::size_t changed = diagonal + (word[i] == each[j] ? 0 : 1);
                diagonal = row[j + 1];
                row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
            }
        }
        const bool begins = word.size() >= 2 && each.starts_with(word);
        const std::size_t distance = begins ? 1 : row.back();
        if (distance < best_distance && distance < std::max(each.size(), std::size_t{2})) {
            best_distance = distance;
            best = each;
        }
    }
    return best;
}

} // namespace slk::tool
