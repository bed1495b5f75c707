// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_COMMANDS_HPP
#define SLK_TOOL_COMMANDS_HPP

/// The subcommands of slk. Each adds itself, its options and its action to the command line.

#include "tools/support/command_line.hpp"

#include <string>

namespace slk::tool {

void add_link_command(command& program);
void add_listen_command(command& program);
void add_send_command(command& program);
void add_receive_command(command& program);
void add_proxy_command(command& program);
void add_request_command(command& program);
void add_reply_command(command& program);
void add_top_command(command& program);
/// `path` is argv[0]: the command starts further processes of this program.
void add_demo_command(command& program, const std::string& path);
void add_bench_command(command& program, const std::string& path);
/// Each simulation is a subcommand of it.
void add_simulate_command(command& program);
void add_herd_command(command& simulate);
void add_keygen_command(command& program);
void add_version_command(command& program);
/// These two show what was added to the program before them, and outlive it no longer than a run.
void add_completion_command(command& program);
void add_help_command(command& program);

/// "slk 0.2.0"
[[nodiscard]] std::string version_text();
/// When this version was released; CHANGELOG.md has it, too.
inline constexpr const char* release_date = "2026-11-30";

} // namespace slk::tool

#endif
