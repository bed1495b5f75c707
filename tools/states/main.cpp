// SPDX-License-Identifier: MPL-2.0

// Prints a document of the state machines; `./dev states` writes the files.

#include "render.hpp"

#include "tools/support/command_line.hpp"

#include <cstdio>

int main(int count, char** words)
{
    slk::tool::command program("states",
                               "Prints a document of the state machines, made from their tables.");
    bool markdown = false;
    bool svg = false;
    program.flag({.name = "--markdown", .help = "docs/states.md"}, markdown);
    program.flag({.name = "--svg", .help = "docs/states.svg", .excludes = {"--markdown"}}, svg);
    program.action([&] {
        if (!markdown && !svg)
            throw slk::tool::usage_error("--markdown or --svg is required");
        const std::string document = markdown ? slk::states::markdown() : slk::states::svg();
        return std::fwrite(document.data(), 1, document.size(), stdout) == document.size()
                   ? slk::tool::exit_ok
                   : slk::tool::exit_failed;
    });
    return program.run(count, words);
}
