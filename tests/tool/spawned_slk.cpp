// SPDX-License-Identifier: MPL-2.0
#include "spawned_slk.hpp"

#include <cstdlib>
#include <utility>

namespace slk::testing {

namespace {

std::vector<std::string> command(std::vector<std::string> arguments, std::vector<std::string> under)
{
    const char* const path = std::getenv("SLK_COMMAND");
    if (path == nullptr)
        return {};
    std::vector<std::string> words = std::move(under);
    words.emplace_back(path);
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
}

} // namespace

spawned_slk::spawned_slk(std::vector<std::string> arguments, std::vector<std::string> under)
    : child_process(command(std::move(arguments), std::move(under)))
{
}

} // namespace slk::testing
