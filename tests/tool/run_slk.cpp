// SPDX-License-Identifier: MPL-2.0
#include "run_slk.hpp"

#include <cstdlib>
#include <sstream>
#include <utility>

namespace slk::testing {

namespace {

[[nodiscard]] std::string path_of_slk()
{
    const char* path = std::getenv("SLK_COMMAND");
    return path != nullptr ? path : "";
}

} // namespace

bool slk_is_there()
{
    const char* path = std::getenv("SLK_COMMAND");
    return path != nullptr && *path != '\0';
}

run_result run_slk(const std::string& arguments, const std::string& input)
{
    running_slk command(path_of_slk(), arguments, input);
    return command.finish();
}

run_result run_program(const std::string& path, const std::string& arguments)
{
    running_slk program(path, arguments);
    return program.finish();
}

running_slk::running_slk(const std::string& arguments) : running_slk(path_of_slk(), arguments) {}

running_slk::running_slk(const std::string& path, const std::string& arguments,
                         const std::string& input)
    : program_(open_program(path, arguments, input))
{
}

running_slk::~running_slk()
{
    if (program_.output != nullptr)
        (void)close_program(program_);
}

std::string running_slk::line()
{
    std::string text;
    for (int letter = 0;
         program_.output != nullptr && (letter = std::fgetc(program_.output)) != EOF;) {
        if (letter == '\n')
            return text;
        if (letter != '\r')
            text += static_cast<char>(letter);
    }
    return text;
}

run_result running_slk::finish()
{
    run_result result;
    if (program_.output == nullptr) {
        result.out = "was not started: " + program_.reason;
        return result;
    }
    char buffer[4096];
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, program_.output))
        result.out.append(buffer, count);
#if defined(_WIN32)
    // Lines end there with two characters.
    for (std::size_t at = 0; (at = result.out.find("\r\n", at)) != std::string::npos; ++at)
        result.out.erase(at, 1);
#endif
    result.code = close_program(program_);
    return result;
}

std::vector<std::string> lines_of(const std::string& text)
{
    std::vector<std::string> lines;
    std::istringstream source(text);
    for (std::string line; std::getline(source, line);) {
        if (line.ends_with('\r'))
            line.pop_back();
        if (!line.empty())
            lines.push_back(line);
    }
    return lines;
}

std::string json_value(const std::string& line, const std::string& key)
{
    const std::string quoted = "\"" + key + "\":";
    const std::size_t begin = line.find(quoted);
    if (begin == std::string::npos)
        return "";
    const std::size_t value = begin + quoted.size();
    const std::size_t end =
        line[value] == '"' ? line.find('"', value + 1) + 1 : line.find_first_of(",}", value);
    return line.substr(value, end - value);
}

} // namespace slk::testing
