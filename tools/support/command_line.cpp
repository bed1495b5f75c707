// SPDX-License-Identifier: MPL-2.0
#include "tools/support/command_line.hpp"

#include <CLI/CLI.hpp>

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

    int refuse(const std::string& why) const;
};

command::command(std::unique_ptr<state> made) : state_(std::move(made)) {}

command::command(const std::string& name, const std::string& about)
    : state_(std::make_unique<state>())
{
    state_->program = std::make_unique<CLI::App>(about, name);
    state_->app = state_->program.get();
}

command::~command() = default;

command& command::add_command(const std::string& name, const std::string& about)
{
    auto made = std::make_unique<state>();
    made->app = state_->app->add_subcommand(name, about);
    state_->app->require_subcommand(1);
    state_->commands.push_back(std::unique_ptr<command>(new command(std::move(made))));
    return *state_->commands.back();
}

void command::footer(const std::string& text)
{
    state_->app->footer(text);
}

void command::version(const std::string& text)
{
    state_->app->set_version_flag("--version", text);
}

void command::action(std::function<int()> run)
{
    state_->action = std::move(run);
}

void command::flag(const option& about, bool& into)
{
    state_->describe(state_->app->add_flag(about.name, into, about.help), about);
}

void command::flag(const option& about, std::function<void()> given)
{
    state_->describe(state_->app->add_flag_callback(about.name, std::move(given), about.help),
                     about);
}

void command::text(const option& about, std::string& into)
{
    state_->describe(state_->app->add_option(about.name, into, about.help)->type_name(about.type),
                     about);
}

void command::text(const option& about, std::function<void(const std::string&)> given)
{
    state_->describe(
        state_->app->add_option_function<std::string>(about.name, std::move(given), about.help)
            ->type_name(about.type),
        about);
}

void command::optional_text(const option& about, const std::string& without,
                            std::function<void(const std::string&)> given)
{
    // A flag of CLI11 may have a value behind "=", and one of its own in braces.
    CLI::Option* const added = state_->app->add_flag(
        about.name + "{" + without + "}", state_->optional_texts.emplace_back(), about.help);
    added->type_name(about.type)->each(std::move(given));
    state_->describe(added, about);
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
                     about);
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
    state_->describe(added, about);
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
    state_->describe(added, about);
}

template void command::add_number(const option&, std::function<void(int)>, int, int);
template void command::add_number(const option&, std::function<void(unsigned)>, unsigned, unsigned);
template void command::add_number(const option&, std::function<void(unsigned long)>, unsigned long,
                                  unsigned long);
template void command::add_number(const option&, std::function<void(unsigned long long)>,
                                  unsigned long long, unsigned long long);
template void command::add_number(const option&, std::function<void(double)>, double, double);

/// Prints what is wrong with the command line, and where to read more.
int command::state::refuse(const std::string& why) const
{
    const state& last = named();
    std::string name;
    for (const CLI::App* each = last.app; each != nullptr; each = each->get_parent())
        name = each->get_name() + (name.empty() ? "" : " ") + name;
    std::string wrong = why;
    const bool incomplete = last.app->get_require_subcommand_min() > 0;
    if (const auto unknown = last.app->remaining(); incomplete && !unknown.empty()) {
        const bool is_option = unknown.front().starts_with('-');
        wrong = "'" + unknown.front() + (is_option ? "' is no option" : "' is no command");
    } else if (incomplete) {
        std::fputs(last.app->help().c_str(), stderr);
        return exit_usage;
    }
    std::fprintf(stderr, "%s: %s\n`%s --help` tells more.\n", name.c_str(), wrong.c_str(),
                 name.c_str());
    return exit_usage;
}

int command::run(int count, char** arguments)
{
    try {
        state_->app->parse(count, arguments);
        return state_->named().action();
    } catch (const CLI::ParseError& failure) {
        // --help and --version arrive here, too.
        return failure.get_exit_code() == 0 ? state_->app->exit(failure)
                                            : state_->refuse(failure.what());
    } catch (const usage_error& failure) {
        return state_->refuse(failure.what());
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "%s: %s\n", state_->app->get_name().c_str(), failure.what());
        return exit_failed;
    }
}

} // namespace slk::tool
