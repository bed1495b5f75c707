// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "demo.hpp"
#include "exit_codes.hpp"
#include "options.hpp"

#include <serverlink/listener.hpp>

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace slk::tool {

std::vector<address> free_addresses(loop& on, std::size_t count)
{
    std::vector<address> found;
    std::vector<listener> probes; // each keeps its port until all are found
    for (int i = 0; i < 100 && found.size() < count; ++i) {
        const auto mixed = static_cast<std::uint64_t>(on.now().time_since_epoch().count()) / 1000U +
                           static_cast<std::uint64_t>(i) * 7919U;
        const auto port = static_cast<std::uint16_t>(20'000U + mixed % 10'000U);
        listener_options options;
        options.at.host = "127.0.0.1";
        options.at.port = port;
        auto probe = listener::create(on, options, {});
        if (!probe)
            continue;
        found.push_back(probe->local_address());
        probes.push_back(*std::move(probe));
    }
    if (found.size() < count)
        throw std::runtime_error("no free port between 20000 and 29999");
    return found;
}

void add_demo_command(command& program, const std::string& path)
{
    command& demo = program.add_command(
        "demo", "Shows a small cluster that heals: publishers and subscribers around a proxy, and "
                "clients with a server. The proxy and the server start late, are killed and "
                "return; at the end tables tell what was promised, what arrived, and what was "
                "dropped and why. Takes about 15 seconds, on this machine only.");
    auto settings = std::make_shared<demo_settings>();
    auto links = std::make_shared<std::optional<int>>();
    settings->program = path;
    add_duration(demo,
                 {.name = "--for",
                  .help = "How long the cluster runs on after it has healed",
                  .fallback = "3s"},
                 settings->time);
    add_http_option(demo, settings->http);
    demo.number({.name = "--links",
                 .help = "Show N links (1 to 16) with messages instead of the cluster, how each of "
                         "them heals, and which messages are lost",
                 .type = "N",
                 .excludes = {"--for", "--http"}},
                *links, 1, max_demo_links);
    demo.number({.name = "--kills",
                 .help = "How often the listener of the links is killed (1 to 5)",
                 .type = "N",
                 .fallback = "2",
                 .needs = "--links"},
                settings->returns, 1, 5);
    add_backend_option(demo, settings->loop.backend);
    demo.footer("The address of a page about the cluster is printed, if this slk was built with "
                "serverlink-http.");
    demo.example("slk demo");
    demo.example("slk demo --for 10m --http=127.0.0.1:9464");
    demo.example("slk demo --links 8");
    add_exit_codes(demo,
                   {{exit_ok, "everything has healed and no message is missing, or interrupted"},
                    {exit_failed, "not so"}});
    demo.action([settings, links] {
        if (!*links)
            return run_cluster_demo(*settings);
        settings->links = **links;
        return run_links_demo(*settings);
    });
}

} // namespace slk::tool
