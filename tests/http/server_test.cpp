// SPDX-License-Identifier: MPL-2.0
// The life of a server: options, addresses, its end.

#include "raw_client.hpp"
#include "support/must.hpp"
#include "support/until.hpp"

#include <serverlink/http.hpp>
#include <serverlink/serverlink.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace slk;
using namespace slk::testing;

TEST_CASE("options out of their range are refused by name")
{
    const auto refused = [](const http_options& options) {
        const auto checked = options.validate();
        REQUIRE_FALSE(checked);
        CHECK(checked.error() == errc::invalid_argument);
        return std::string(checked.error().detail);
    };
    for (const char* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", ":80",
                             "::1:80", "[127.0.0.1]:80", "localhost:80", "[::1]", "]:80"}) {
        CAPTURE(text);
        CHECK(refused({.address = text}) == "address");
    }
    CHECK(refused({.hosts = {""}}) == "hosts");
    CHECK(refused({.hosts = {"a:80"}}) == "hosts");
    CHECK(refused({.max_connections = 0}) == "max_connections");
    CHECK(refused({.max_connections = 1001}) == "max_connections");
    CHECK(refused({.max_request_size = 255}) == "max_request_size");
    CHECK(refused({.max_request_size = 65'537}) == "max_request_size");
    CHECK(refused({.timeout = 9ms}) == "timeout");
    CHECK(refused({.timeout = 61min}) == "timeout");
    must(http_options{.address = "[::1]:80", .hosts = {"a"}}.validate());
    auto in = must(context::create());
    CHECK(code_of(http_server::create(in, {.max_connections = 0})) == errc::invalid_argument);
}

TEST_CASE("a server that cannot listen says why")
{
    auto in = must(context::create());
    const auto first = must(http_server::create(in));
    CHECK(code_of(http_server::create(in, {.address = to_string(first.address())})) ==
          errc::address_in_use);
    CHECK(code_of(http_server::create(in, {.address = "192.0.2.1:0"})) ==
          errc::address_not_available);
}

TEST_CASE("the address of the page is a text for a browser")
{
    auto in = must(context::create());
    const auto served = must(http_server::create(in));
    CHECK(served.address().is_loopback());
    CHECK(served.url() == "http://127.0.0.1:" + std::to_string(served.address().port) + "/");
}

TEST_CASE("the port is free again after the end, and the server may be moved")
{
    auto in = must(context::create());
    std::string address;
    {
        auto first = must(http_server::create(in));
        auto second = std::move(first);
        CHECK(status_of(get(second.address(), "/")) == "200");
        first.stop();
        CHECK(first.url().empty());
        address = to_string(second.address());
        second.stop();
        second.stop();
        auto third = must(http_server::create(in, {.address = address}));
        second = std::move(third);
        CHECK(status_of(get(second.address(), "/")) == "200");
    }
    CHECK(must(http_server::create(in, {.address = address})).address().port != 0);
}

TEST_CASE("clients that send half of a request, or never read, do not hold up the end")
{
    auto in = must(context::create());
    auto served = must(http_server::create(in, {.timeout = 1h}));
    fill_state(served);
    std::vector<std::unique_ptr<raw_client>> clients;
    const auto send = [&](const char* request) {
        clients.push_back(std::make_unique<raw_client>(served.address(), 1));
        CHECK(clients.back()->send(request));
    };
    for (const char* half : {"", "GET / HT", "GET /state HTTP/1.1\r\nHost: a\r\n"})
        for (int i = 0; i < 4; ++i)
            send(half);
    send("GET /state HTTP/1.1\r\nHost: localhost\r\n\r\n"); // and never reads
    CHECK(status_of(get(served.address(), "/")) == "200");
    const auto begun = std::chrono::steady_clock::now();
    served.stop();
    CHECK(std::chrono::steady_clock::now() - begun < test_timeout);
    CHECK_FALSE(raw_client(slk::address::loopback(address_family::ipv4, served.address().port))
                    .connected());
}

#if !defined(_WIN32) // where std::clock() is the time of day
TEST_CASE("a server that nobody reads costs no processor time")
{
    auto in = must(context::create());
    const auto served = must(http_server::create(in));
    const auto before = std::clock();
    std::this_thread::sleep_for(100ms);
    CHECK(std::clock() - before < CLOCKS_PER_SEC / 50);
}
#endif
