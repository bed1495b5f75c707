// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "terminal.hpp"

#include <cstdio>
#include <exception>
#include <string>

namespace {

using namespace slk::tool;

/// Says what is wrong with the command line, and where to read on.
int refuse(const CLI::App& app, const CLI::ParseError& failure)
{
    const CLI::App* said = &app;
    std::string name = app.get_name();
    while (!said->get_subcommands().empty()) {
        said = said->get_subcommands().front();
        name += " " + said->get_name();
    }
    std::string wrong = failure.what();
    const bool incomplete = said->get_require_subcommand_min() > 0;
    if (const auto unknown = said->remaining(); incomplete && !unknown.empty()) {
        const bool option = unknown.front().starts_with('-');
        wrong = "'" + unknown.front() + (option ? "' is no option" : "' is no command");
    } else if (incomplete) {
        std::fputs(said->help().c_str(), stderr);
        return exit_usage;
    }
    std::fprintf(stderr, "%s: %s\n`%s --help` tells more.\n", name.c_str(), wrong.c_str(),
                 name.c_str());
    return exit_usage;
}

} // namespace

int main(int argc, char** argv)
{
    prepare_standard_streams();

    CLI::App app{
        "slk keeps links up, accepts them, shows how they heal, and sends messages over them."};
    action chosen;
    try {
        app.name("slk");
        app.require_subcommand(1);
        app.set_version_flag("--version", version_text());
        add_link_command(app, chosen);
        add_listen_command(app, chosen);
        add_send_command(app, chosen);
        add_receive_command(app, chosen);
        add_demo_command(app, chosen, argv[0]);
        add_bench_command(app, chosen, argv[0]);
        add_simulate_command(app, chosen);
        add_version_command(app, chosen);
        app.footer("Examples:\n"
                   "  slk demo\n"
                   "  slk link tcp://192.0.2.1:5432\n"
                   "  slk listen --echo tcp://127.0.0.1:7000\n"
                   "  slk receive pull --bind tcp://127.0.0.1:5555\n"
                   "  slk send push --connect tcp://127.0.0.1:5555 hello\n"
                   "  slk bench\n"
                   "  slk simulate herd\n"
                   "`slk COMMAND --help` tells the options of a command.\n"
                   "Exit codes: 0 ok, 1 stopped by a policy or a failure, 2 wrong usage.");
        app.parse(argc, argv);
        return chosen();
    } catch (const CLI::ParseError& failure) {
        // Help and version come this way, too; and what a command finds wrong with its words.
        return failure.get_exit_code() == 0 ? app.exit(failure) : refuse(app, failure);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "slk: %s\n", failure.what());
        return exit_failed;
    }
}
