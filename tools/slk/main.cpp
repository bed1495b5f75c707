// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "terminal.hpp"

#include <cstdio>
#include <exception>
#include <iostream>

int main(int argc, char** argv)
{
    using namespace slk::tool;
    prepare_standard_streams();

    CLI::App app{"slk keeps TCP links up, accepts them, and shows how they heal."};
    action chosen;
    try {
        app.name("slk");
        app.require_subcommand(1);
        app.set_version_flag("--version", version_text());
        add_link_command(app, chosen);
        add_listen_command(app, chosen);
        add_demo_command(app, chosen, argv[0]);
        add_version_command(app, chosen);
        app.footer("Examples:\n"
                   "  slk demo\n"
                   "  slk link tcp://192.0.2.1:5432\n"
                   "  slk listen --echo tcp://127.0.0.1:7000\n"
                   "`slk COMMAND --help` tells the options of a command.\n"
                   "Exit codes: 0 ok, 1 stopped by a policy or a failure, 2 wrong usage.");
        app.parse(argc, argv);
    } catch (const CLI::ParseError& failure) {
        return app.exit(failure, std::cout, std::cerr) == 0 ? exit_ok : exit_usage;
    }

    try {
        return chosen ? chosen() : exit_usage;
    } catch (const CLI::Error& failure) {
        std::fprintf(stderr, "slk: %s\n", failure.what());
        return exit_usage;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "slk: %s\n", failure.what());
        return exit_failed;
    }
}
