// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_TOOL_PIPED_PROGRAM_HPP
#define SLK_TESTS_TOOL_PIPED_PROGRAM_HPP

/// A program that runs beside the test, and whose stdout and stderr can be read.

#include <cstdio>
#include <string>

namespace slk::testing {

/// Not opened: `output` is null, and `reason` tells why.
struct piped_program {
    std::FILE* output = nullptr;
    void* process = nullptr; ///< its handle, on Windows
    std::string reason{};
};

/// Starts the program at `path` with `arguments`, as the system's shell reads them. `input`: a file
/// for stdin; empty: that of the test.
[[nodiscard]] piped_program open_program(const std::string& path, const std::string& arguments,
                                         const std::string& input);
/// Waits for its end. Returns its exit code, or -1 if it was ended from outside.
[[nodiscard]] int close_program(piped_program& program);

} // namespace slk::testing

#endif
