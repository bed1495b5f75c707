// SPDX-License-Identifier: MPL-2.0
// Clients that others have written: curl, and promtool for the metrics.

#include "support/must.hpp"
#include "support/promtool.hpp"
#include "support/skip.hpp"

#include <serverlink/http.hpp>
#include <serverlink/serverlink.hpp>

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

using namespace slk;
using namespace slk::testing;

namespace {

bool has_command(const char* name)
{
    return std::system(("command -v " + std::string(name) + " >/dev/null 2>&1").c_str()) == 0;
}

std::string output_of(const std::string& command)
{
    std::string all;
    std::FILE* const from = ::popen(("{ " + command + "; } 2>&1").c_str(), "r");
    REQUIRE(from != nullptr);
    char some[4096];
    for (std::size_t count = 0; (count = std::fread(some, 1, sizeof some, from)) > 0;)
        all.append(some, count);
    ::pclose(from);
    return all;
}

std::string curl(const std::string& arguments)
{
    return output_of("curl --silent --max-time 20 " + arguments);
}

} // namespace

TEST_CASE("curl gets each method's answer")
{
    if (!has_command("curl"))
        SLK_SKIP("curl is not installed");
    auto in = must(context::create());
    const auto served = must(http_server::create(in));
    const std::string status = "--output /dev/null --write-out '%{http_code} ' ";
    CHECK(curl(status + served.url()) == "200 ");
    CHECK(curl(status + "--head " + served.url()) == "200 ");
    CHECK(curl(status + "--request DELETE " + served.url()) == "405 ");
    CHECK(curl(status + "--data-binary a=b " + served.url()) == "405 ");
    CHECK(curl(status + "--header 'Host: evil.example' " + served.url()) == "421 ");
    CHECK(curl(status + "--header 'Expect: 100-continue' " + served.url()) == "200 ");
    // A connection for each.
    CHECK(curl(status + served.url() + " " + status + served.url() + "metrics") == "200 200 ");
    CHECK(curl("--compressed " + served.url() + "metrics").ends_with("# EOF\n"));
}

TEST_CASE("promtool finds no fault in what it is served")
{
    if (!has_command("curl") || !has_promtool())
        SLK_SKIP("curl or promtool is not installed (on Debian: curl, prometheus)");
    auto in = must(context::create());
    auto receiver = must(pull::create(in));
    const auto where = must(receiver.bind("tcp://127.0.0.1:0"));
    auto sender = must(push::create(in));
    must(sender.connect(where));
    must(sender.wait_ready(std::chrono::seconds(20)));
    const auto served = must(http_server::create(in));
    CHECK(faults_of_metrics(curl(served.url() + "metrics")).empty());
}
