// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "exit_codes.hpp"
#include "output.hpp"

#include <serverlink/config.hpp>
#include <serverlink/loop.hpp>

#include <cstdio>

namespace slk::tool {

namespace {

int show_version()
{
    printer out(stdout);
    out.line(version_text());

    std::string compiled;
    for (const std::string_view name : loop::compiled_backends()) {
        compiled += compiled.empty() ? "" : ", ";
        compiled += name;
    }
    out.line("backends compiled: " + compiled);

    const auto running = loop::create();
    if (!running) {
        return report_failure("no backend runs here", running.error());
    }
    out.line("backend running:   " + std::string(running->backend()));
    for (const refused_backend& better : running->refused_backends())
        out.line("backend refused:   " + std::string(better.name) + ": " +
                 to_string(better.reason));
    return out.exit_code(exit_ok);
}

} // namespace

std::string version_text()
{
    return "slk " + std::to_string(SLK_VERSION_MAJOR) + "." + std::to_string(SLK_VERSION_MINOR) +
           "." + std::to_string(SLK_VERSION_PATCH);
}

void add_version_command(command& program)
{
    command& version = program.add_command(
        "version", "Shows the version, the backends of this build and the one that runs here.");
    version.example("slk version");
    add_exit_codes(version, {});
    version.action(show_version);
}

} // namespace slk::tool
