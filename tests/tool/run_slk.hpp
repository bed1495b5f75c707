// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_TOOL_RUN_SLK_HPP
#define SLK_TESTS_TOOL_RUN_SLK_HPP

/// Runs the slk command, which the environment variable SLK_COMMAND names.

#include "piped_program.hpp"

#include <string>
#include <vector>

namespace slk::testing {

struct run_result {
    int code = -1;
    std::string out; ///< stdout and stderr; or why it was not started
};

/// Whether the command was built.
[[nodiscard]] bool slk_is_there();
/// Runs it with `arguments`, as the shell reads them, and waits for its end. `input` is a file
/// for stdin. Every call ends by itself (--for, --once, a wrong option), so it cannot hang.
[[nodiscard]] run_result run_slk(const std::string& arguments, const std::string& input = "");

/// Runs another program, and waits for its end. It ends by itself.
[[nodiscard]] run_result run_program(const std::string& path, const std::string& arguments = "");

/// A command that runs beside the test.
class running_slk {
public:
    explicit running_slk(const std::string& arguments);
    running_slk(const std::string& path, const std::string& arguments,
                const std::string& input = "");
    running_slk(const running_slk&) = delete;
    running_slk& operator=(const running_slk&) = delete;
    ~running_slk();

    /// The next line of its output; waits for it. Empty at the end.
    [[nodiscard]] std::string line();
    /// Waits for its end. Returns the rest of its output, and its exit code.
    [[nodiscard]] run_result finish();

private:
    piped_program program_;
};

/// Nothing listens on this port of the system's own.
inline constexpr const char* dead_endpoint = "tcp://127.0.0.1:1";

[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);
/// The value of `key` in a line of JSON, quotes and all; empty if it has no such key.
[[nodiscard]] std::string json_value(const std::string& line, const std::string& key);

} // namespace slk::testing

// Leaves the test case unless the command was built.
#define SLK_NEEDS_COMMAND()                                                                        \
    do {                                                                                           \
        if (!::slk::testing::slk_is_there())                                                       \
            SLK_SKIP("the slk command was not built");                                             \
    } while (false)

#endif
