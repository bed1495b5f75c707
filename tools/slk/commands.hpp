// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_COMMANDS_HPP
#define SLK_TOOL_COMMANDS_HPP

/// The subcommands of slk. Each adds itself to the command line; what it shall do is put into
/// `action`, which main calls once the whole command line has been read, and whose answer is the
/// exit code.

#include <CLI/CLI.hpp>

#include <functional>
#include <string>

namespace slk::tool {

using action = std::function<int()>;

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1; ///< stopped by a policy, or a failure
inline constexpr int exit_usage = 2;

void add_link_command(CLI::App& app, action& chosen);
void add_listen_command(CLI::App& app, action& chosen);
void add_send_command(CLI::App& app, action& chosen);
void add_receive_command(CLI::App& app, action& chosen);
void add_demo_command(CLI::App& app, action& chosen, const std::string& program);
void add_bench_command(CLI::App& app, action& chosen, const std::string& program);
/// Each simulation is a subcommand of it.
void add_simulate_command(CLI::App& app, action& chosen);
void add_herd_command(CLI::App& simulate, action& chosen);
void add_version_command(CLI::App& app, action& chosen);

/// "slk 0.1.0"
[[nodiscard]] std::string version_text();

} // namespace slk::tool

#endif
