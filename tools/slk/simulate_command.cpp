// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "exit_codes.hpp"

namespace slk::tool {

void add_simulate_command(command& program)
{
    command& simulate = program.add_command(
        "simulate", "Runs links on a simulated network: many links and much time, in seconds and "
                    "without a real connection.");
    add_herd_command(simulate);
    simulate.footer("`slk help simulate NAME` shows the options of a simulation.");
    simulate.example("slk simulate herd --policy all --outage 5s");
    add_exit_codes(simulate, {});
}

} // namespace slk::tool
