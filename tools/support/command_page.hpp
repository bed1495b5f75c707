// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOLS_SUPPORT_COMMAND_PAGE_HPP
#define SLK_TOOLS_SUPPORT_COMMAND_PAGE_HPP

/// What a command line has told about itself: the table from which its help, its manual pages and
/// the completion of shells are made.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slk::tool {

/// What the help says about an option, and which other options it goes with. `name` begins with
/// "-" ("--json", "-v,--verbose"); a name without it is a positional argument ("ENDPOINT").
struct option {
    std::string name;
    std::string help;
    std::string type{};     ///< how the help names the value: "DURATION"
    std::string fallback{}; ///< how the help names the default value: "5s"
    std::string group{};    ///< the help's heading above it
    std::vector<std::string> excludes{};
    std::string needs{};
    bool required = false;
    std::vector<std::string> values{}; ///< all that it can be, for the completion; empty: others
};

enum class option_value : std::uint8_t {
    none, ///< a flag
    one,
    optional, ///< --name or --name=VALUE
    any, ///< positional: all words that are left
};

struct page_option {
    option about;
    option_value value = option_value::none;
};

struct page_exit_code {
    int code;
    std::string meaning;
};

/// A command, and the commands of it.
struct command_page {
    std::string name;  ///< "link"
    std::string path;  ///< "slk link"
    std::string about; ///< the first sentence is a summary
    std::vector<page_option> options{}; ///< and positional arguments, which are not in `groups`
    std::vector<std::string> notes{};   ///< paragraphs; a line that begins with blanks is kept
    std::vector<std::string> examples{};
    std::vector<page_exit_code> exit_codes{};
    std::vector<command_page> commands{};
};

struct page_version {
    std::string text; ///< "serverlink 0.2.0"
    std::string date; ///< "2026-11-30"
};

/// No line is longer.
inline constexpr std::size_t help_width = 100;

[[nodiscard]] inline bool is_positional(const option& about)
{
    return !about.name.starts_with('-');
}
/// The names of an option: "-v" and "--verbose".
[[nodiscard]] std::vector<std::string> names_of(const option& about);
/// The first sentence, without its full stop.
[[nodiscard]] std::string summary_of(const command_page& page);
/// How an option is written: "--base DURATION".
[[nodiscard]] std::string usage_of(const page_option& which);
/// What its help says, with its default and the options that it excludes or needs.
[[nodiscard]] std::string description_of(const page_option& which);
/// The names of groups, in order; the first is empty, for options without one.
[[nodiscard]] std::vector<std::string> groups_of(const command_page& page);

/// The page as text, for --help.
[[nodiscard]] std::string help_text(const command_page& page);
/// The page as roff (man(7)). `program`: the page of the whole program.
[[nodiscard]] std::string man_page(const command_page& page, const command_page& program,
                                   const page_version& version);
/// A script for "bash", "zsh" or "fish" that completes the program's words; empty for others.
[[nodiscard]] std::string completion_script(const command_page& program, std::string_view shell);

/// The one of `known` that was probably meant; empty if none is close.
[[nodiscard]] std::string closest(std::string_view word, const std::vector<std::string>& known);

} // namespace slk::tool

#endif
