// SPDX-License-Identifier: MPL-2.0
#include "tools/support/command_page.hpp"

#include <algorithm>
#include <cctype>

namespace slk::tool {

namespace {

/// Text in which no character means something to roff.
[[nodiscard]] std::string escaped(std::string_view text)
{
    std::string shown;
    if (text.starts_with('.') || text.starts_with('\''))
        shown = "\\&";
    for (const char each : text) {
        switch (each) {
        case '\\': shown += "\\(rs"; break;
        case '-': shown += "\\-"; break;
        case '\'': shown += "\\(aq"; break;
        case '`': shown += "\\(ga"; break;
        case '^': shown += "\\(ha"; break;
        case '~': shown += "\\(ti"; break;
        case '"': shown += "\\(dq"; break;
        default: shown += each;
        }
    }
    return shown;
}

/// Words in capitals are what the user replaces.
[[nodiscard]] std::string in_bold(std::string_view text)
{
    return "\\fB" + escaped(text) + "\\fR";
}

[[nodiscard]] std::string in_italics(std::string_view text)
{
    return "\\fI" + escaped(text) + "\\fR";
}

/// "slk-simulate-herd"
[[nodiscard]] std::string title_of(const command_page& page)
{
    std::string title = page.path;
    std::ranges::replace(title, ' ', '-');
    return title;
}

[[nodiscard]] std::string term_of(const page_option& which)
{
    if (is_positional(which.about))
        return in_italics(usage_of(which));
    std::string term;
    for (const std::string& name : names_of(which.about))
        term += (term.empty() ? "" : ", ") + in_bold(name);
    const std::string type = which.about.type.empty() ? "VALUE" : which.about.type;
    if (which.value == option_value::one)
        term += ' ' + in_italics(type);
    if (which.value == option_value::optional)
        term += "[=" + in_italics(type) + ']';
    return term;
}

void add_roff_lines(std::string& page, std::string_view lines)
{
    bool kept = false;
    bool new_paragraph = false;
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(std::min(end + 1, lines.size()));
        const bool keep = line.starts_with(' ');
        if (keep != kept)
            page += keep ? ".PP\n.nf\n" : ".fi\n.PP\n";
        else if (!keep && new_paragraph)
            page += ".br\n";
        kept = keep;
        new_paragraph = true;
        page += escaped(line) + '\n';
    }
    if (kept)
        page += ".fi\n";
}

void add_options(std::string& text, const command_page& page)
{
    const bool has_arguments = std::ranges::any_of(
        page.options, [](const page_option& each) { return is_positional(each.about); });
    if (has_arguments) {
        text += ".SH ARGUMENTS\n";
        for (const page_option& each : page.options)
            if (is_positional(each.about))
                text += ".TP\n" + term_of(each) + '\n' + escaped(description_of(each)) + '\n';
    }
    text += ".SH OPTIONS\n";
    for (const std::string& group : groups_of(page)) {
        if (!group.empty())
            text += ".SS " + escaped(group) + '\n';
        for (const page_option& each : page.options)
            if (!is_positional(each.about) && each.about.group == group)
                text += ".TP\n" + term_of(each) + '\n' + escaped(description_of(each)) + '\n';
    }
}

void add_references(std::string& text, const command_page& page, const command_page& program)
{
    std::vector<std::string> titles;
    if (page.path != program.path)
        titles.push_back(title_of(program));
    const auto add = [&](const command_page& of, const auto& self) -> void {
        for (const command_page& each : of.commands) {
            if (each.path != page.path)
                titles.push_back(title_of(each));
            self(each, self);
        }
    };
    add(page.path == program.path ? program : page, add);
    if (titles.empty())
        return;
    text += ".SH SEE ALSO\n";
    for (std::size_t i = 0; i < titles.size(); ++i)
        text += ".BR " + escaped(titles[i]) + " (1)" + (i + 1 < titles.size() ? " ," : "") + '\n';
}

} // namespace

std::string man_page(const command_page& page, const command_page& program,
                     const page_version& version)
{
    std::string title = title_of(page);
    std::ranges::transform(title, title.begin(), [](unsigned char each) {
        return static_cast<char>(std::toupper(each));
    });
    std::string summary = summary_of(page);
    if (!summary.empty() && page.path != program.path)
        summary.front() =
            static_cast<char>(std::tolower(static_cast<unsigned char>(summary.front())));
    std::string text = ".TH " + escaped(title) + " 1 \"" + version.date + "\" \"" + version.text +
                       "\" \"User Commands\"\n";
    text += ".SH NAME\n" + escaped(title_of(page)) + " \\- " + escaped(summary) + '\n';
    text += ".SH SYNOPSIS\n" + in_bold(page.path) + " [" + in_italics("OPTIONS") + ']';
    for (const page_option& each : page.options)
        if (is_positional(each.about))
            text += each.about.required ? ' ' + in_italics(usage_of(each))
                                        : " [" + in_italics(usage_of(each)) + ']';
    if (!page.commands.empty())
        text += ' ' + in_italics("COMMAND");
    text += "\n.SH DESCRIPTION\n" + escaped(page.about) + '\n';
    for (const std::string& note : page.notes) {
        if (!note.starts_with(' '))
            text += ".PP\n";
        add_roff_lines(text, note);
    }
    if (!page.commands.empty()) {
        text += ".SH COMMANDS\n";
        for (const command_page& each : page.commands)
            text += ".TP\n" + in_bold(each.name) + '\n' + escaped(summary_of(each)) + ".\n";
    }
    add_options(text, page);
    if (!page.examples.empty()) {
        text += ".SH EXAMPLES\n.nf\n";
        for (const std::string& line : page.examples)
            text += escaped(line) + '\n';
        text += ".fi\n";
    }
    if (!page.exit_codes.empty()) {
        text += ".SH EXIT STATUS\n";
        for (const page_exit_code& each : page.exit_codes)
            text +=
                ".TP\n" + in_bold(std::to_string(each.code)) + '\n' + escaped(each.meaning) + '\n';
    }
    add_references(text, page, program);
    return text;
}

} // namespace slk::tool
