// SPDX-License-Identifier: MPL-2.0
// The help of slk, and what is made from the same table: manual pages and the completion of shells.

#include "receiving_slk.hpp"
#include "run_slk.hpp"
#include "support/skip.hpp"

#include <serverlink/config.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace slk::testing;

namespace {

/// The names below "Commands:" in a help text, and those of their commands.
std::vector<std::string> commands_of(const std::string& help, const std::string& parent = "")
{
    std::vector<std::string> found;
    bool in_list = false;
    for (const std::string& line : lines_of(help)) {
        if (line == "Commands:") {
            in_list = true;
        } else if (in_list && line.starts_with("   ")) {
            continue; // the rest of a description
        } else if (in_list && line.starts_with("  ")) {
            const std::string name = parent + line.substr(2, line.find(' ', 2) - 2);
            found.push_back(name);
            for (const std::string& each : commands_of(run_slk(name + " --help").out, name + " "))
                found.push_back(each);
        } else {
            in_list = false;
        }
    }
    return found;
}

std::vector<std::string> all_commands()
{
    std::vector<std::string> all = commands_of(run_slk("--help").out);
    REQUIRE(all.size() > 10);
    return all;
}

#if !defined(_WIN32)

/// Where a program is looked for.
bool has_program(const char* name)
{
    return run_program("command", std::string("-v ") + name).code == 0;
}

/// What bash completes the last of `words` to.
std::vector<std::string> completed(const std::string& words)
{
    const std::string script = "source <(\"$SLK_COMMAND\" completion bash); COMP_WORDS=(" + words +
                               "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _slk || exit; "
                               "((${#COMPREPLY[@]} == 0)) || printf \"%s\\n\" \"${COMPREPLY[@]}\"";
    const run_result result = run_program("bash", "-c '" + script + "'");
    CAPTURE(result.out);
    CHECK(result.code == 0);
    return lines_of(result.out);
}

using words = std::vector<std::string>;

#endif

} // namespace

TEST_CASE("every command of slk has a help text within 100 columns, with examples and exit codes")
{
    SLK_NEEDS_COMMAND();
    std::vector<std::string> all = all_commands();
    all.emplace_back();
    for (const std::string& command : all) {
        CAPTURE(command);
        const run_result result = run_slk(command + " --help");
        CHECK(result.code == 0);
        CHECK(result.out.starts_with("Usage: slk "));
        CHECK(has(result, "\nExamples:\n  "));
        CHECK(has(result, "\nExit codes:\n    0  "));
        CHECK(has(result, "\n    2  wrong usage\n"));
        for (const std::string& line : lines_of(result.out)) {
            CAPTURE(line);
            CHECK(line.size() <= 100);
        }
        CHECK(run_slk("help " + command).out == result.out);
    }
}

TEST_CASE("slk --version prints one line")
{
    SLK_NEEDS_COMMAND();
    const run_result result = run_slk("--version");
    CHECK(result.code == 0);
    CHECK(result.out == "slk " + std::to_string(SLK_VERSION_MAJOR) + "." +
                            std::to_string(SLK_VERSION_MINOR) + "." +
                            std::to_string(SLK_VERSION_PATCH) + "\n");
}

#if !defined(_WIN32)

TEST_CASE("the manual pages of slk are clean for man")
{
    SLK_NEEDS_COMMAND();
    if (!has_program("man"))
        SLK_SKIP("needs man");
    for (const std::string& command : all_commands()) {
        CAPTURE(command);
        const std::string shown = "-c '\"$SLK_COMMAND\" help --man " + command +
                                  " | LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -";
        const run_result warnings = run_program("sh", shown + " > /dev/null'");
        CHECK(warnings.code == 0);
        CHECK(warnings.out.empty());
        const run_result page = run_program("sh", shown + "'");
        CHECK(has(page, "EXIT STATUS"));
        CHECK(has(page, "slk(1)"));
    }
}

TEST_CASE("the manual pages of slk are clean for mandoc")
{
    SLK_NEEDS_COMMAND();
    if (!has_program("mandoc"))
        SLK_SKIP("needs mandoc");
    std::vector<std::string> all = all_commands();
    all.emplace_back();
    for (const std::string& command : all) {
        CAPTURE(command);
        const run_result page = run_program("sh", "-c '\"$SLK_COMMAND\" help --man " + command +
                                                      " | mandoc -T lint -W warning'");
        CAPTURE(page.out);
        CHECK(page.code == 0);
        CHECK(page.out.empty());
    }
}

TEST_CASE("every command of slk has a manual page that is installed")
{
    SLK_NEEDS_COMMAND();
    const char* const root = std::getenv("SLK_SOURCE_ROOT");
    if (root == nullptr)
        SLK_SKIP("needs the sources");
    std::ifstream file(std::string(root) + "/tools/slk/pages/meson.build");
    const std::string list{std::istreambuf_iterator<char>(file), {}};
    const std::size_t begin = list.find("slk_pages = [");
    REQUIRE(begin != std::string::npos);
    const std::string pages = list.substr(begin, list.find(']', begin) - begin);
    for (const std::string& command : all_commands()) {
        CAPTURE(command);
        CHECK(pages.find("'" + command + "'") != std::string::npos);
    }
}

TEST_CASE("bash completes commands, options, their values and arguments of slk")
{
    SLK_NEEDS_COMMAND();
    if (!has_program("bash"))
        SLK_SKIP("needs bash");
    CHECK(completed("slk li") == words{"link", "listen"});
    CHECK(completed("slk simulate h") == words{"herd"});
    CHECK(completed("slk help lis") == words{"listen"});
    CHECK(completed("slk link --useful-when \"\"") == words{"first-receive", "connected"});
    CHECK(completed("slk link --useful-when = c") == words{"connected"});
    CHECK(completed("slk simulate herd --sce") == words{"--scenario"});
    CHECK(completed("slk --ver") == words{"--version"});
    CHECK(completed("slk send pu") == words{"push", "pub"});
    CHECK(completed("slk send --bind tcp://127.0.0.1:5555 pu") == words{"push", "pub"});
    CHECK(completed("slk send push pu").empty()); // a message
    CHECK(completed("slk send --wait \"\"").empty());
    CHECK(completed("slk send push --file x").empty()); // files are completed by bash
    CHECK(completed("slk link send --pip") == words{"--pipe"}); // not the command's options
    CHECK(completed("slk completion z") == words{"zsh"});
}

TEST_CASE("zsh and fish can read their completion of slk")
{
    SLK_NEEDS_COMMAND();
    const bool zsh = has_program("zsh");
    const bool fish = has_program("fish");
    if (!zsh && !fish)
        SLK_SKIP("needs zsh or fish");
    if (zsh) {
        const run_result read =
            run_program("zsh", "-c 'source <(\"$SLK_COMMAND\" completion zsh | sed \\$d)'");
        CAPTURE(read.out);
        CHECK(read.code == 0);
        CHECK(read.out.empty());
    }
    if (fish) {
        const run_result read = run_program(
            "fish", "-c '\"$SLK_COMMAND\" completion fish | source; complete -C \"slk lin\"'");
        CAPTURE(read.out);
        CHECK(read.code == 0);
        CHECK(read.out.starts_with("link\t"));
    }
}

#endif
