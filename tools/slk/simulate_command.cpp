// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"

namespace slk::tool {

void add_simulate_command(command& program)
{
    command& simulate = program.add_command(
        "simulate", "Runs links on a simulated network: many links and much time, in seconds and "
                    "without a real connection.");
    add_herd_command(simulate);
    simulate.footer("`slk simulate NAME --help` shows the options of a simulation.");
}

} // namespace slk::tool
