// SPDX-License-Identifier: MPL-2.0
#include "piped_program.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/wait.h>

namespace slk::testing {

piped_program open_program(const std::string& path, const std::string& arguments,
                           const std::string& input)
{
    const std::string from = input.empty() ? "" : " < \"" + input + "\"";
    piped_program program;
    program.output = ::popen(("\"" + path + "\" " + arguments + from + " 2>&1").c_str(), "r");
    if (program.output == nullptr)
        program.reason = std::strerror(errno);
    return program;
}

int close_program(piped_program& program)
{
    const int status = ::pclose(std::exchange(program.output, nullptr));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace slk::testing
