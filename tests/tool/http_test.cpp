// SPDX-License-Identifier: MPL-2.0
// The page of commands that run for long.

#include "http/raw_client.hpp"
#include "receiving_slk.hpp"
#include "spawned_slk.hpp"
#include "support/skip.hpp"
#include "support/until.hpp"

#include <csignal>
#include <string>
#include <utility>
#include <vector>

using namespace slk::testing;

namespace {

/// slk with a page, on any free port.
class served_slk {
public:
    explicit served_slk(std::vector<std::string> arguments) : tool_(with_page(std::move(arguments)))
    {
        const std::string intro = "page: http://127.0.0.1:";
        while (const auto line = tool_.line()) {
            if (const auto found = line->find("listening on "); found != std::string::npos)
                endpoint = line->substr(found + 13);
            if (!line->starts_with(intro))
                continue;
            const int port = std::stoi(line->substr(intro.size()));
            at =
                slk::address::loopback(slk::address_family::ipv4, static_cast<std::uint16_t>(port));
            return;
        }
        FAIL("there is no line with the address of the page");
    }
    /// Whether the state of the page contains it, now or a little later.
    [[nodiscard]] bool shows(const std::string& text) const
    {
        return until([&] { return get(at, "/state").find(text) != std::string::npos; });
    }

    /// As Ctrl-C does. Returns the exit code.
    int stop()
    {
        tool_.interrupt(SIGINT);
        return tool_.end();
    }

    std::string endpoint; ///< the last one that was named before the page
    slk::address at;

private:
    static std::vector<std::string> with_page(std::vector<std::string> arguments)
    {
        arguments.emplace_back("--http");
        return arguments;
    }

    spawned_slk tool_;
};

const std::string any_port = "tcp://127.0.0.1:0";

} // namespace

TEST_CASE("slk receive --http serves the page and the metrics of its socket")
{
    SLK_NEEDS_COMMAND();
    const served_slk served({"receive", "pull", "--bind", any_port});
    CHECK(served.shows("\"type\":\"PULL\""));
    CHECK(body_of(get(served.at, "/")).starts_with("<!doctype html>"));
    CHECK(body_of(get(served.at, "/metrics")).find("PULL") != std::string::npos);
}

TEST_CASE("slk link --http shows the link, and each of its moves")
{
    SLK_NEEDS_COMMAND();
    const served_slk served({"link", dead_endpoint, "--floor", "1h"});
    CHECK(served.shows(R"("state":"backoff")"));
    CHECK(served.shows(R"("from":"binding","to":"connecting")"));
    CHECK(served.shows("connection_refused"));
}

TEST_CASE("slk listen --http shows how many were accepted")
{
    SLK_NEEDS_COMMAND();
    const served_slk served({"listen", any_port});
    CHECK(served.shows(R"("accepted":0)"));
    CHECK(run_slk("link tcp://" + served.endpoint + " --for 200ms").code == 0);
    CHECK(served.shows(R"("accepted":1)"));
}

TEST_CASE("slk reply and slk proxy have a page, too")
{
    SLK_NEEDS_COMMAND();
    CHECK(served_slk({"reply", "--bind", any_port}).shows("\"type\":\"REP\""));
    CHECK(served_slk({"proxy", any_port, any_port}).shows("\"type\":\"ROUTER\""));
}

TEST_CASE("slk demo has a page about its cluster")
{
    SLK_NEEDS_COMMAND();
    served_slk served({"demo"});
    for (const char* type : {"PUB", "SUB", "DEALER"})
        CHECK(served.shows("\"type\":\"" + std::string(type) + '"'));
    CHECK(served.shows(R"("to":"connected")"));
    CHECK(served.stop() == 0); // and ends its processes
}

TEST_CASE("slk explains an address at which there can be no page")
{
    SLK_NEEDS_COMMAND();
    const served_slk served({"receive", "pull", "--bind", any_port});
    for (const char* command :
         {"receive pull --bind tcp://127.0.0.1:0", "link tcp://127.0.0.1:1",
          "listen tcp://127.0.0.1:0", "proxy tcp://127.0.0.1:0 tcp://127.0.0.1:0"}) {
        CAPTURE(command);
        const run_result wrong = run_slk(std::string(command) + " --for 1s --http=localhost");
        CHECK(wrong.code == 2);
        CHECK(has(wrong, "--http: 'localhost' is no ADDRESS:PORT"));
        const run_result taken =
            run_slk(std::string(command) + " --for 1s --http=" + to_string(served.at));
        CHECK(taken.code == 1);
        CHECK(has(taken, "address_in_use"));
    }
}
