// SPDX-License-Identifier: MPL-2.0
// The limits of size, time and connections.

#include "raw_client.hpp"
#include "support/must.hpp"
#include "support/sanitized.hpp"
#include "support/until.hpp"

#include <serverlink/http.hpp>
#include <serverlink/serverlink.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a request that is too large gets 431, also one without an end")
{
    auto in = must(context::create());
    const auto served = must(http_server::create(in, {.max_request_size = 300}));
    const std::string start = "GET / HTTP/1.1\r\nHost: localhost\r\nX: ";
    const auto of_size = [&](std::size_t size) {
        return start + std::string(size - start.size() - 4, 'x') + "\r\n\r\n";
    };
    CHECK(status_of(answer_to(served.address(), of_size(300))) == "200");
    CHECK(status_of(answer_to(served.address(), of_size(301))) == "431");
    CHECK(status_of(answer_to(served.address(), start + std::string(100'000, 'x'))) == "431");
    CHECK(status_of(answer_to(served.address(), "GET /" + std::string(500, 'x'))) == "431");
}

TEST_CASE("the body of a request is not read, and does not cost the client its answer")
{
    auto in = must(context::create());
    const auto served = must(http_server::create(in));
    const std::string got =
        answer_to(served.address(), "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                                    "200000\r\n\r\n" +
                                        std::string(200'000, 'x'));
    CHECK(status_of(got) == "405");
}

TEST_CASE("a request that does not arrive in time gets 408")
{
    auto in = must(context::create());
    const auto served = must(http_server::create(in, {.timeout = 50ms}));
    CHECK(status_of(answer_to(served.address(), "GET / HTTP/1.1\r\nHost:")) == "408");
    CHECK(status_of(answer_to(served.address(), "GET / HTTP/1.1\n\n")) == "408");
    // What has sent nothing gets nothing: its request may cross it.
    CHECK(answer_to(served.address(), "").empty());
    CHECK(until([&] { return status_of(get(served.address(), "/")) == "200"; }));
}

TEST_CASE("a client that does not read its answer is cut off, and makes room for others")
{
    auto in = must(context::create());
    // Time enough to make the answer.
    const duration limit = slow_build ? 2s : 100ms;
    auto served = must(http_server::create(in, {.max_connections = 1, .timeout = limit}));
    fill_state(served);
    const raw_client idle(served.address(), 1);
    CHECK(idle.send("GET /state HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    CHECK(idle.has_answer());
    CHECK(until([&] { return status_of(get(served.address(), "/")) == "200"; }));
    const std::string rest = idle.read_all();
    CHECK(rest.starts_with("HTTP/1.1 200 OK"));
    CHECK_FALSE(rest.ends_with("}"));
}

TEST_CASE("clients that do not finish their request keep nobody out")
{
    auto in = must(context::create());
    const auto served = must(http_server::create(in, {.max_connections = 2, .timeout = 1h}));
    std::vector<std::unique_ptr<raw_client>> mute;
    for (int i = 0; i < 5; ++i) {
        mute.push_back(std::make_unique<raw_client>(served.address()));
        (void)mute.back()->send("GET");
    }
    CHECK(status_of(get(served.address(), "/")) == "200");
    CHECK(mute.front()->read_all().empty());
}

TEST_CASE("connections beyond the limit are reset while all others have their requests answered")
{
    auto in = must(context::create());
    auto served = must(http_server::create(in, {.max_connections = 1, .timeout = 1h}));
    fill_state(served);
    {
        const raw_client idle(served.address(), 1);
        CHECK(idle.send("GET /state HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        CHECK(idle.has_answer());
        CHECK(get(served.address(), "/").empty());
    }
    CHECK(until([&] { return status_of(get(served.address(), "/")) == "200"; }));
}

TEST_CASE("a client that leaves in the middle makes room at once")
{
    auto in = must(context::create());
    const auto served = must(http_server::create(in, {.max_connections = 1, .timeout = 1h}));
    for (int i = 0; i < 20; ++i) {
        const raw_client client(served.address());
        (void)client.send(i % 2 == 0 ? "GET /" : "GET /state HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    CHECK(until([&] { return status_of(get(served.address(), "/")) == "200"; }));
}
