// SPDX-License-Identifier: MPL-2.0
#include "tools/support/command_page.hpp"

#include <algorithm>
#include <functional>

namespace slk::tool {

namespace {

/// Calls `use` for the page and all commands below it.
void for_each_page(const command_page& page, const std::function<void(const command_page&)>& use)
{
    use(page);
    for (const command_page& each : page.commands)
        for_each_page(each, use);
}

/// In single quotes, as all three shells read them. `quote` is how a quote is written inside.
[[nodiscard]] std::string quoted(std::string_view text, std::string_view quote)
{
    std::string shown = "'";
    for (const char each : text)
        shown += each == '\'' ? std::string(quote) : std::string(1, each);
    return shown + '\'';
}

[[nodiscard]] std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& each : words)
        text += (text.empty() ? "" : " ") + each;
    return text;
}

[[nodiscard]] bool is_file(const option& about)
{
    return about.type == "FILE" || about.name == "FILE";
}

[[nodiscard]] std::vector<std::string> words_of(const command_page& page, bool options)
{
    std::vector<std::string> words;
    if (options) {
        for (const page_option& each : page.options)
            if (!is_positional(each.about))
                for (const std::string& name : names_of(each.about))
                    words.push_back(name);
    } else {
        for (const command_page& each : page.commands)
            words.push_back(each.name);
    }
    return words;
}

/// "_slk_simulate_herd"
[[nodiscard]] std::string function_of(const command_page& page)
{
    std::string name = '_' + page.path;
    std::ranges::replace(name, ' ', '_');
    return name;
}

// --- bash ---

/// The cases of the words that follow a command, for the options that have a value.
void add_bash_values(std::string& script, const command_page& page)
{
    std::string others;
    for (const page_option& each : page.options) {
        if (is_positional(each.about) || each.value != option_value::one)
            continue;
        std::string names;
        for (const std::string& name : names_of(each.about))
            names += (names.empty() ? "'" : " | '") + page.path + ' ' + name + '\'';
        if (is_file(each.about))
            script += "        " + names + ") files=1 ;;\n";
        else if (!each.about.values.empty())
            script += "        " + names + ") words='" + joined(each.about.values) + "' ;;\n";
        else
            others += (others.empty() ? "" : " | ") + names;
    }
    if (!others.empty())
        script += "        " + others + ") words='' ;;\n";
}

/// The cases of the positional arguments, by their number.
void add_bash_arguments(std::string& script, const command_page& page)
{
    std::size_t number = 0;
    for (const page_option& each : page.options) {
        if (!is_positional(each.about))
            continue;
        const std::string at = each.value == option_value::any ? "*" : std::to_string(number++);
        if (is_file(each.about))
            script += "        '" + page.path + "/'" + at + ") files=1 ;;\n";
        else if (!each.about.values.empty())
            script += "        '" + page.path + "/'" + at + ") words='" +
                      joined(each.about.values) + "' ;;\n";
    }
}

[[nodiscard]] std::string bash_script(const command_page& program)
{
    std::string paths;
    std::string options;
    std::string commands;
    std::string values;
    std::string arguments;
    for_each_page(program, [&](const command_page& page) {
        if (page.path != program.path)
            paths += (paths.empty() ? "'" : " | '") + page.path + '\'';
        options +=
            "        '" + page.path + "') options='" + joined(words_of(page, true)) + "' ;;\n";
        if (!page.commands.empty())
            commands +=
                "        '" + page.path + "/0') words='" + joined(words_of(page, false)) + "' ;;\n";
        add_bash_values(values, page);
        add_bash_arguments(arguments, page);
    });
    const std::string name = function_of(program);
    return "# bash completion for " + program.name + "\n" + name + R"(()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local path=)" +
           program.name + R"( count=0 valued=0 files=0 options='' words='' i word
    # `--name=value` arrives as three words.
    if [[ $cur == '=' ]]; then
        cur=''
    elif [[ $prev == '=' && COMP_CWORD -gt 1 ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case "$path $word" in
)" + "        " +
           paths + R"()
                if ((count == 0)); then
                    path="$path $word"
                    continue
                fi
                ;;
        esac
        case $word in
            -* | =) ;;
            *) [[ ${COMP_WORDS[i - 1]} == -* && ${COMP_WORDS[i - 1]} != -- ]] || count=$((count + 1)) ;;
        esac
    done
    case "$path $prev" in
)" + values +
           R"(        *) valued=1 ;;
    esac
    if ((valued)); then
        case $path in
)" + options +
           R"(        esac
        case "$path/$count" in
)" + commands +
           arguments + R"(        esac
        if [[ $cur == -* ]]; then
            words=$options
            files=0
        fi
    fi
    COMPREPLY=()
    if ((files)); then
        compopt -o default 2>/dev/null
        return 0
    fi
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen -W "$words" -- "$cur")
}
complete -F )" +
           name + ' ' + program.name + '\n';
}

// --- zsh ---

/// Inside the brackets and colons of _arguments.
[[nodiscard]] std::string zsh_text(std::string_view text)
{
    std::string shown;
    for (const char each : text) {
        if (each == '[' || each == ']' || each == ':' || each == '\\')
            shown += '\\';
        shown += each;
    }
    return shown;
}

[[nodiscard]] std::string zsh_action(const option& about)
{
    if (is_file(about))
        return "_files";
    return about.values.empty() ? " " : '(' + joined(about.values) + ')';
}

void add_zsh_function(std::string& script, const command_page& page)
{
    script += function_of(page) + "()\n{\n    local context state state_descr line\n"
                                  "    typeset -A opt_args\n    _arguments -C";
    for (const page_option& each : page.options) {
        if (is_positional(each.about)) {
            const std::string place = each.value == option_value::any ? "*" : "";
            script += " \\\n        " +
                      quoted(place + ':' + zsh_text(each.about.name) + ':' + zsh_action(each.about),
                             "'\\''");
            continue;
        }
        for (const std::string& name : names_of(each.about)) {
            std::string text = "*" + name;
            if (each.value == option_value::optional)
                text += "=-";
            text += '[' + zsh_text(each.about.help) + ']';
            if (each.value != option_value::none)
                text += (each.value == option_value::optional ? "::" : ":") +
                        zsh_text(each.about.type) + ':' + zsh_action(each.about);
            script += " \\\n        " + quoted(text, "'\\''");
        }
    }
    if (page.commands.empty()) {
        script += "\n}\n\n";
        return;
    }
    script += " \\\n        '1: :->command' \\\n        '*:: :->arguments'\n    case $state in\n"
              "        command)\n            local -a commands\n            commands=(\n";
    for (const command_page& each : page.commands)
        script += "                " + quoted(each.name + ':' + summary_of(each), "'\\''") + '\n';
    script += "            )\n            _describe 'command' commands\n            ;;\n"
              "        arguments)\n            case $words[1] in\n";
    for (const command_page& each : page.commands)
        script += "                " + each.name + ") " + function_of(each) + " ;;\n";
    script += "            esac\n            ;;\n    esac\n}\n\n";
}

[[nodiscard]] std::string zsh_script(const command_page& program)
{
    std::string script = "#compdef " + program.name + "\n\n";
    for_each_page(program, [&](const command_page& page) { add_zsh_function(script, page); });
    return script + function_of(program) + " \"$@\"\n";
}

// --- fish ---

void add_fish_lines(std::string& script, const command_page& page, const command_page& program)
{
    // The names of commands are different on each level.
    const std::string begin = "complete -c " + program.name;
    const std::string when = page.path == program.path
                                 ? " -n '__fish_use_subcommand'"
                                 : " -n '__fish_seen_subcommand_from " + page.name + '\'';
    for (const command_page& each : page.commands)
        script +=
            begin + when + " -f -a " + each.name + " -d " + quoted(summary_of(each), "\\'") + '\n';
    for (const page_option& each : page.options) {
        const option& about = each.about;
        if (is_positional(about)) {
            if (!about.values.empty())
                script += begin + when + " -f -a " + quoted(joined(about.values), "\\'") + '\n';
            else if (is_file(about))
                script += begin + when + " -F\n";
            continue;
        }
        script += begin + when;
        for (const std::string& name : names_of(about))
            script += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
        if (each.value == option_value::one)
            script += is_file(about) ? " -r -F"
                                     : " -x" + (about.values.empty()
                                                    ? ""
                                                    : " -a " + quoted(joined(about.values), "\\'"));
        script += " -d " + quoted(about.help, "\\'") + '\n';
    }
}

[[nodiscard]] std::string fish_script(const command_page& program)
{
    std::string script =
        "# fish completion for " + program.name + "\ncomplete -c " + program.name + " -f\n";
    for_each_page(program,
                  [&](const command_page& page) { add_fish_lines(script, page, program); });
    return script;
}

} // namespace

std::string completion_script(const command_page& program, std::string_view shell)
{
    if (shell == "bash")
        return bash_script(program);
    if (shell == "zsh")
        return zsh_script(program);
    return shell == "fish" ? fish_script(program) : std::string();
}

} // namespace slk::tool
