// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_EXIT_CODES_HPP
#define SLK_TOOL_EXIT_CODES_HPP

/// How the commands end, and how they report a failure.

#include "tools/support/command_line.hpp"

#include <serverlink/result.hpp>

#include <string>
#include <vector>

namespace slk::tool {

// With those of command_line.hpp. Those of signals are 128 and the signal's number, as shells have
// it: 130 for SIGINT (Ctrl-C), 143 for SIGTERM.
inline constexpr int exit_timed_out = 3;
inline constexpr int exit_refused = 4;
inline constexpr int exit_unsent = 5;
inline constexpr int exit_interrupted = 130;
inline constexpr int exit_terminated = 143;

/// The codes that every command has: what is told about them once, for the whole program.
[[nodiscard]] const std::vector<page_exit_code>& exit_code_table();
/// Adds the table to the help of a command, with what `own` says about codes instead. Codes that
/// only some commands have are added if they are in `own`.
void add_exit_codes(command& to, const std::vector<page_exit_code>& own);

/// The code for a failure that ends a command: exit_timed_out, exit_refused or exit_failed.
[[nodiscard]] int exit_code_of(const error& why) noexcept;

/// Prints "slk: TEXT" on stderr.
void report(const std::string& text);
/// Reports a failure, and returns its exit code.
int report_failure(const error& why);
int report_failure(const std::string& what, const error& why);

} // namespace slk::tool

#endif
