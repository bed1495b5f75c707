// SPDX-License-Identifier: MPL-2.0
// What a server has at its paths.

#include "raw_client.hpp"
#include "support/must.hpp"
#include "support/until.hpp"

#include <serverlink/http.hpp>
#include <serverlink/serverlink.hpp>

#include <doctest/doctest.h>

using namespace slk;
using namespace slk::testing;

TEST_CASE("the metrics of a context are there as OpenMetrics")
{
    auto in = must(context::create());
    auto receiver = must(pull::create(in));
    (void)must(receiver.bind("tcp://127.0.0.1:0"));
    const auto served = must(http_server::create(in));
    const std::string got = get(served.address(), "/metrics");
    CHECK(
        got.find("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n") !=
        std::string::npos);
    CHECK(body_of(got).starts_with("# "));
    CHECK(body_of(got).ends_with("# EOF\n"));
    CHECK(body_of(got).find("PULL") != std::string::npos);
}

TEST_CASE("the page and its parts are there, and nothing else")
{
    auto in = must(context::create());
    const auto served = must(http_server::create(in));
    const auto type_of = [&](const std::string& path) {
        const std::string got = get(served.address(), path);
        CAPTURE(path);
        CHECK(status_of(got) == "200");
        CHECK_FALSE(body_of(got).empty());
        const std::size_t at = got.find("Content-Type: ") + 14;
        return got.substr(at, got.find("\r\n", at) - at);
    };
    CHECK(type_of("/") == "text/html; charset=utf-8");
    CHECK(type_of("/page.css") == "text/css; charset=utf-8");
    CHECK(type_of("/page.js") == "text/javascript; charset=utf-8");
    CHECK(type_of("/icon.svg") == "image/svg+xml");
    CHECK(type_of("/state") == "application/json");
    CHECK(type_of("/?query") == "text/html; charset=utf-8");
    for (const char* path : {"/index.html", "//", "/../page.css", "/state/", "/etc/passwd", "/%00"})
        CHECK(status_of(get(served.address(), path)) == "404");
}

TEST_CASE("after the shutdown of its context a server answers as before")
{
    auto in = must(context::create());
    const auto served = must(http_server::create(in));
    in.shutdown();
    CHECK(status_of(get(served.address(), "/metrics")) == "200");
    CHECK(status_of(get(served.address(), "/")) == "200");
}

TEST_CASE("a context without threads is served, too")
{
    auto in = must(context::create({.threads = 0}));
    auto receiver = must(pull::create(in));
    const auto where = must(receiver.bind("tcp://127.0.0.1:0"));
    auto sender = must(push::create(in));
    must(sender.connect(where));
    const auto served = must(http_server::create(in));
    must(sender.wait_ready(test_timeout));
    const std::string got = get(served.address(), "/state");
    CHECK(got.find("\"state\":\"connected\"") != std::string::npos);
    CHECK(got.find("\"to\":\"connected\"") != std::string::npos);
}
