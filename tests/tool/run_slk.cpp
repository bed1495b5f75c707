// SPDX-License-Identifier: MPL-2.0
#include "run_slk.hpp"

#include <cstdlib>
#include <sstream>
#include <utility>

#if !defined(_WIN32)
#include <sys/wait.h>
#endif

namespace slk::testing {

namespace {

#if defined(_WIN32)
[[nodiscard]] std::FILE* open_command(const std::string& text)
{
    // cmd takes off the outer quotes; the file may stand in a path of the system that runs Wine.
    return _popen(("\"" + text + "\"").c_str(), "rb");
}

[[nodiscard]] int close_command(std::FILE* command)
{
    return _pclose(command);
}

[[nodiscard]] std::string as_seen_by_the_system(std::string path)
{
    if (path.starts_with('/'))
        path = "Z:" + path;
    for (char& letter : path)
        letter = letter == '/' ? '\\' : letter;
    return path;
}
#else
[[nodiscard]] std::FILE* open_command(const std::string& text)
{
    return ::popen(text.c_str(), "r");
}

[[nodiscard]] int close_command(std::FILE* command)
{
    const int status = ::pclose(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

[[nodiscard]] std::string as_seen_by_the_system(std::string path)
{
    return path;
}
#endif

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
    running_slk command(input.empty() ? arguments : arguments + " < \"" + input + "\"");
    return command.finish();
}

run_result run_program(const std::string& path, const std::string& arguments)
{
    running_slk program(path, arguments);
    return program.finish();
}

running_slk::running_slk(const std::string& arguments) : running_slk(path_of_slk(), arguments) {}

running_slk::running_slk(const std::string& path, const std::string& arguments)
    : output_(open_command("\"" + as_seen_by_the_system(path) + "\" " + arguments + " 2>&1"))
{
}

running_slk::~running_slk()
{
    if (output_ != nullptr)
        (void)close_command(output_);
}

std::string running_slk::line()
{
    std::string text;
    for (int letter = 0; output_ != nullptr && (letter = std::fgetc(output_)) != EOF;) {
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
    if (output_ == nullptr)
        return result;
    char buffer[4096];
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, output_))
        result.out.append(buffer, count);
#if defined(_WIN32)
    // Lines end there with two characters.
    for (std::size_t at = 0; (at = result.out.find("\r\n", at)) != std::string::npos; ++at)
        result.out.erase(at, 1);
#endif
    result.code = close_command(std::exchange(output_, nullptr));
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
