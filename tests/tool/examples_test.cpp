// SPDX-License-Identifier: MPL-2.0

// The examples that end by themselves, run as a user would.

#include "run_slk.hpp"
#include "support/skip.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

using namespace slk::testing;

namespace {

[[nodiscard]] std::string variable(const char* name)
{
    const char* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

[[nodiscard]] std::string path_of(const std::string& example)
{
#if defined(_WIN32)
    return variable("SLK_EXAMPLES") + "/" + example + ".exe";
#else
    return variable("SLK_EXAMPLES") + "/" + example;
#endif
}

} // namespace

#define SLK_NEEDS_EXAMPLE(name)                                                                    \
    do {                                                                                           \
        if (variable("SLK_EXAMPLES").empty() || !std::filesystem::exists(path_of(name)))           \
            SLK_SKIP("the example was not built");                                                 \
    } while (false)

TEST_CASE("the example send_a_message receives what it sends")
{
    SLK_NEEDS_EXAMPLE("send_a_message");
    const run_result ended = run_program(path_of("send_a_message"));
    CHECK(ended.code == 0);
    CHECK(ended.out == "hello\n");
}

TEST_CASE("the example timeouts gives up after a silence")
{
    SLK_NEEDS_EXAMPLE("timeouts");
    const run_result ended = run_program(path_of("timeouts"));
    CHECK(ended.code == 0);
    CHECK(ended.out == "asked 5 times, and gave up\n");
}

TEST_CASE("the example reconnecting_client_coroutine has answers over three connections")
{
    SLK_NEEDS_EXAMPLE("reconnecting_client_coroutine");
    const run_result ended = run_program(path_of("reconnecting_client_coroutine"));
    CHECK(ended.code == 0);
    std::size_t at = 0;
    for (const char* const line :
         {"connected\n", "answer to question 1\n", "answer to question 2\n", "timed_out\n",
          "connected\n", "answer to question 3\n", "answer to question 4\n", "timed_out\n",
          "connected\n", "answer to question 5\n", "the end: cancelled"}) {
        CAPTURE(line);
        CAPTURE(ended.out);
        at = ended.out.find(line, at);
        REQUIRE(at != std::string::npos);
    }
}

TEST_CASE("the example signals counts some and ends by another")
{
    SLK_NEEDS_EXAMPLE("signals");
    const run_result ended = run_program(path_of("signals"));
    CHECK(ended.code == 0);
    CHECK(ended.out == "reloaded, and ended by a signal\n");
}

TEST_CASE("the examples of foreign loops receive what they send")
{
    bool any = false;
    for (const char* const name : {"epoll", "libuv", "glib"}) {
        const std::string path = path_of(std::string("on_") + name);
        if (variable("SLK_EXAMPLES").empty() || !std::filesystem::exists(path))
            continue;
        CAPTURE(name);
        any = true;
        const run_result ended = run_program(path);
        CHECK(ended.code == 0);
        CHECK(ended.out.ends_with(": done\n"));
    }
    if (!any)
        SLK_SKIP("the examples were not built");
}

TEST_CASE("the example asio_server answers its clients")
{
    SLK_NEEDS_EXAMPLE("asio_server");
    const run_result ended = run_program(path_of("asio_server"));
    CHECK(ended.code == 0);
    CHECK(ended.out == "served 20 requests of 2 clients\n");
}

TEST_CASE("the example router_dealer receives the request and the reply")
{
    SLK_NEEDS_EXAMPLE("router_dealer");
    const run_result ended = run_program(path_of("router_dealer"));
    CHECK(ended.code == 0);
    CHECK(ended.out == "ROUTER received a request\nDEALER received a reply\n");
}

TEST_CASE("the example publish_subscribe receives what it subscribes to")
{
    SLK_NEEDS_EXAMPLE("publish_subscribe");
    const run_result ended = run_program(path_of("publish_subscribe"));
    CHECK(ended.code == 0);
    CHECK(ended.out == "weather.tomorrow: rain\nsports.today: 1:0\n");
}

TEST_CASE("the example monitor prints how a peer comes and goes")
{
    SLK_NEEDS_EXAMPLE("monitor");
    const run_result ended = run_program(path_of("monitor"));
    CHECK(ended.code == 0);
    std::size_t at = 0;
    for (const char* const event : {" listening ", " accepted ", " connected ", " disconnected "}) {
        CAPTURE(event);
        CAPTURE(ended.out);
        at = ended.out.find(event, at);
        REQUIRE(at != std::string::npos);
    }
}

TEST_CASE("the example poller serves two sockets in turn")
{
    SLK_NEEDS_EXAMPLE("poller");
    const run_result ended = run_program(path_of("poller"));
    CHECK(ended.code == 0);
    CHECK(ended.out == "first: message 0\nsecond: message 1\nfirst: message 2\n"
                       "second: message 3\nfirst: message 4\nsecond: message 5\n");
}

TEST_CASE("a program in Python makes a request through the C API")
{
    const std::string library = variable("SLK_SHARED_LIBRARY");
    const std::string root = variable("SLK_SOURCE_ROOT");
    if (library.empty() || root.empty())
        SLK_SKIP("needs a shared library without sanitizers");
    const run_result ended =
        run_program("python3", "\"" + root + "/examples/python/request.py\" \"" + library + "\"");
    CHECK(ended.code == 0);
    CHECK(ended.out == "a reply to a request\nsending to nobody: Host unreachable\n"
                       "receiving nothing: Resource temporarily unavailable\n");
}
