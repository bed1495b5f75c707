// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "exit_codes.hpp"
#include "output.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace slk::tool {

namespace {

/// The page of the command that `words` name. Reports a word that is none, and returns null.
const command_page* find_page(const command_page& program, const std::vector<std::string>& words)
{
    const command_page* found = &program;
    for (const std::string& word : words) {
        const auto next = std::ranges::find(found->commands, word, &command_page::name);
        if (next == found->commands.end()) {
            std::vector<std::string> known;
            for (const command_page& each : found->commands)
                known.push_back(each.name);
            const std::string meant = closest(word, known);
            report("unknown command '" + word + '\'' +
                   (meant.empty() ? "" : "\nDid you mean '" + meant + "'?") + "\nSee '" +
                   found->path + " --help'.");
            return nullptr;
        }
        found = &*next;
    }
    return found;
}

/// Prints a text that ends with a line end. Returns the exit code.
int print(const std::string& text)
{
    printer out(stdout);
    out.bytes(text.data(), text.size());
    return out.exit_code(exit_ok);
}

} // namespace

void add_help_command(command& program)
{
    struct settings {
        std::vector<std::string> words;
        bool man = false;
    };
    const auto asked = std::make_shared<settings>();
    command& help = program.add_command("help", "Shows the help of a command, or this overview.");
    std::vector<std::string> names;
    for (const command_page& each : program.page().commands)
        names.push_back(each.name);
    help.words({.name = "COMMAND", .help = "Its name", .values = names}, asked->words);
    help.flag({.name = "--man", .help = "As the source of a manual page, for man(1)"}, asked->man);
    help.example("slk help send");
    help.example("slk help simulate herd");
    help.example("slk help --man send | man -l -");
    add_exit_codes(help, {});
    help.action([asked, &program] {
        const command_page all = program.page();
        const command_page* const page = find_page(all, asked->words);
        if (page == nullptr)
            return exit_usage;
        if (!asked->man)
            return print(help_text(*page));
        const std::string version = "serverlink " + version_text().substr(4);
        return print(man_page(*page, all, {version, release_date}));
    });
}

void add_completion_command(command& program)
{
    const auto shell = std::make_shared<std::string>();
    command& completion = program.add_command(
        "completion", "Prints a script by which a shell completes the words of slk. An installed "
                      "slk has these scripts in the folders where the shells look for them.");
    completion.text({.name = "SHELL",
                     .help = "bash, zsh or fish",
                     .required = true,
                     .values = {"bash", "zsh", "fish"}},
                    *shell);
    completion.example("source <(slk completion bash)");
    completion.example("slk completion zsh > ~/.zfunc/_slk");
    completion.example("slk completion fish > ~/.config/fish/completions/slk.fish");
    add_exit_codes(completion, {});
    completion.action([shell, &program] {
        const std::string script = completion_script(program.page(), *shell);
        if (script.empty())
            throw usage_error("SHELL", "'" + *shell + "' is not bash, zsh or fish");
        return print(script);
    });
}

} // namespace slk::tool
