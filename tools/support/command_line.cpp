// SPDX-License-Identifier: MPL-2.0
#include "tools/support/command_line.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <list>
#include <optional>
#include <utility>

namespace slk::tool {

usage_error::usage_error(const std::string& message) : std::runtime_error(message) {}

usage_error::usage_error(const std::string& option, const std::string& message)
    : std::runtime_error(option + ": " + message)
{
}

struct command::state {
    std::unique_ptr<CLI::App> program; ///< of the outermost command only
    CLI::App* app = nullptr;
    std::function<int()> action;
    std::vector<std::unique_ptr<command>> commands;
    std::list<std::string> optional_texts; ///< CLI11 wants places for them
    command_page page;                     ///< without its commands

    void describe(CLI::Option* added, const option& about, option_value value)
    {
        page.options.push_back({about, value});
        describe(added, about);
    }

    void describe(CLI::Option* added, const option& about) const
    {
        if (!about.fallback.empty())
            added->default_str(about.fallback);
        if (!about.group.empty())
            added->group(about.group);
        for (const std::string& other : about.excludes)
            added->excludes(app->get_option(other));
        if (!about.needs.empty())
            added->needs(app->get_option(about.needs));
        added->required(about.required);
    }

    /// The command that the command line names.
    [[nodiscard]] const state& named() const
    {
        for (const auto& each : commands)
            if (each->state_->app->parsed())
                return each->state_->named();
        return *this;
    }

    void add_help_flag()
    {
        app->set_help_flag("-h,--help", "");
        page.options.push_back(
            {{.name = "-h,--help", .help = "Print this help, and end"}, option_value::none});
    }
    [[nodiscard]] command_page whole_page() const
    {
        command_page whole = page;
        for (const auto& each : commands)
            whole.commands.push_back(each->state_->whole_page());
        return whole;
    }
    [[nodiscard]] std::string explanation(const std::string& why) const;
    int refuse(const std::string& why) const;
};

command::command(std::unique_ptr<state> made) : state_(std::move(made)) {}

command::command(const std::string& name, const std::string& about)
    : state_(std::make_unique<state>())
{
    state_->program = std::make_unique<CLI::App>(about, name);
    state_->app = state_->program.get();
    state_->page = {.name = name, .path = name, .about = about};
    state_->add_help_flag();
}

command::~command() = default;

command& command::add_command(const std::string& name, const std::string& about)
{
    auto made = std::make_unique<state>();
    made->app = state_->app->add_subcommand(name, about);
    state_->app->require_subcommand(1);
    made->page = {.name = name, .path = state_->page.path + ' ' + name, .about = about};
    made->add_help_flag();
    state_->commands.push_back(std::unique_ptr<command>(new command(std::move(made))));
    return *state_->commands.back();
}

void command::footer(const std::string& text)
{
    state_->page.notes.push_back(text);
}

void command::example(const std::string& line)
{
    state_->page.examples.push_back(line);
}

void command::exit_code(int code, const std::string& meaning)
{
    state_->page.exit_codes.push_back({code, meaning});
}

command_page command::page() const
{
    return state_->whole_page();
}

void command::version(const std::string& text)
{
    state_->app->set_version_flag("--version", text);
    state_->page.options.push_back(
        {{.name = "--version", .help = "Print the version, and end"}, option_value::none});
}

void command::action(std::function<int()> run)
{
    state_->action = std::move(run);
}

void command::flag(const option& about, bool& into)
{
    state_->describe(state_->app->add_flag(about.name, into, about.help), about,
                     option_value::none);
}

void command::flag(const option& about, std::function<void()> given)
{
    state_->describe(state_->app->add_flag_callback(about.name, std::move(given), about.help),
                     about, option_value::none);
}

void command::text(const option& about, std::string& into)
{
    state_->describe(state_->app->add_option(about.name, into, about.help)->type_name(about.type),
                     about, option_value::one);
}

void command::text(const option& about, std::function<void(const std::string&)> given)
{
    state_->describe(
        state_->app->add_option_function<std::string>(about.name, std::move(given), about.help)
            ->type_name(about.type),
        about, option_value::one);
}

void command::optional_text(const option& about, const std::string& without,
                            std::function<void(const std::string&)> given)
{
    // A flag of CLI11 may have a value behind "=", and one of its own in braces.
    CLI::Option* const added = state_->app->add_flag(
        about.name + "{" + without + "}", state_->optional_texts.emplace_back(), about.help);
    added->type_name(about.type)->each(std::move(given));
    state_->describe(added, about, option_value::optional);
}

void command::texts(const option& about, std::function<void(const std::vector<std::string>&)> given)
{
    state_->describe(state_->app
                         ->add_option_function<std::vector<std::string>>(
                             about.name, std::move(given), about.help)
                         ->type_name(about.type)
                         ->expected(1)
                         ->take_all()
                         ->allow_extra_args(false),
                     about, option_value::one);
}

void command::words(const option& about, std::vector<std::string>& into)
{
    state_->app->allow_windows_style_options(false);
    // It never has enough words, so that it takes all there are, also those after "--". As a list
    // of any length, it would take a word such as [1,2] for two.
    constexpr int endless = CLI::detail::expected_max_vector_size;
    CLI::Option* const added = state_->app->add_option(
        about.name,
        [&into](const CLI::results_t& given) {
            into = given;
            return true;
        },
        about.help);
    added->type_name(about.type)->take_all()->expected(endless, endless)->allow_extra_args(false);
    state_->describe(added, about, option_value::any);
}

template <class Number>
void command::add_number(const option& about, std::function<void(Number)> given, Number min,
                         Number max)
{
    CLI::Option* const added =
        state_->app->add_option_function<Number>(about.name, std::move(given), about.help)
            ->type_name(about.type);
    if (max != any_max<Number>)
        added->check(CLI::Range(min, max));
    else if (min > 0)
        added->check(CLI::PositiveNumber);
    state_->describe(added, about, option_value::one);
}

template void command::add_number(const option&, std::function<void(int)>, int, int);
template void command::add_number(const option&, std::function<void(unsigned)>, unsigned, unsigned);
template void command::add_number(const option&, std::function<void(unsigned long)>, unsigned long,
                                  unsigned long);
template void command::add_number(const option&, std::function<void(unsigned long long)>,
                                  unsigned long long, unsigned long long);
template void command::add_number(const option&, std::function<void(double)>, double, double);

/// What is wrong, in words of ours where the parser's would be less plain.
std::string command::state::explanation(const std::string& why) const
{
    const std::vector<std::string> unknown = app->remaining();
    if (unknown.empty())
        return why;
    const std::string& word = unknown.front();
    const bool is_option = word.starts_with('-') && word.size() > 1;
    if (!is_option && commands.empty())
        return "unexpected argument '" + word + "'";
    std::vector<std::string> known;
    if (is_option) {
        for (const page_option& each : page.options)
            if (!is_positional(each.about))
                for (const std::string& name : names_of(each.about))
                    known.push_back(name);
    } else {
        for (const auto& each : commands)
            known.push_back(each->state_->page.name);
    }
    // The value of --name=value has nothing to do with it.
    const std::string name = is_option ? word.substr(0, word.find('=')) : word;
    const std::string meant = closest(name, known);
    return std::string(is_option ? "unknown option '" : "unknown command '") + name + '\'' +
           (meant.empty() ? "" : "\nDid you mean '" + meant + "'?");
}

/// Prints what is wrong with the command line, and where to read more.
int command::state::refuse(const std::string& why) const
{
    const state& last = named();
    const std::string wrong = last.explanation(why);
    if (!last.commands.empty() && last.app->remaining().empty()) {
        std::fputs(help_text(last.whole_page()).c_str(), stderr);
        return exit_usage;
    }
    std::fprintf(stderr, "%s: %s\nSee '%s --help'.\n", page.name.c_str(), wrong.c_str(),
                 last.page.path.c_str());
    return exit_usage;
}

int command::run(int count, char** arguments)
{
    try {
        state_->app->parse(count, arguments);
        return state_->named().action();
    } catch (const CLI::CallForHelp&) {
        std::fputs(help_text(state_->named().whole_page()).c_str(), stdout);
        return std::fflush(stdout) == 0 ? exit_ok : exit_broken_pipe;
    } catch (const CLI::ParseError& failure) {
        // --version arrives here, too.
        return failure.get_exit_code() == 0 ? state_->app->exit(failure)
                                            : state_->refuse(failure.what());
    } catch (const usage_error& failure) {
        return state_->refuse(failure.what());
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "%s: %s\n", state_->page.name.c_str(), failure.what());
        return exit_failed;
    }
}

} // namespace slk::tool
