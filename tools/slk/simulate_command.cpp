// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"

namespace slk::tool {

void add_simulate_command(CLI::App& app, action& chosen)
{
    CLI::App* command = app.add_subcommand(
        "simulate", "Runs links on a simulated network: much time and many of them, in seconds and "
                    "without a real connection.");
    command->require_subcommand(1);
    add_herd_command(*command, chosen);
    command->footer("`slk simulate NAME --help` tells the options of a simulation.");
}

} // namespace slk::tool
