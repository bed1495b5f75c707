// SPDX-License-Identifier: MPL-2.0
// From the bytes of a request to the bytes of its response.

#include "http/responder.hpp"
#include "raw_client.hpp"

#include <doctest/doctest.h>

#include <pthread.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>

using namespace slk::http;
using namespace slk::testing;

namespace {

content hello(const std::string& path)
{
    if (path == "/throw")
        throw std::runtime_error("a secret");
    return path == "/hello" ? content{200, "text/plain", "hello"} : content{};
}

std::string respond(const std::string& lines, bool any_host = true)
{
    responder made({"metrics.example"}, any_host, hello);
    return made.respond(lines + "\r\n");
}

} // namespace

TEST_CASE("a GET gets the content, and a HEAD the same headers without it")
{
    const std::string got = respond("GET /hello HTTP/1.1\r\nHost: a\r\n");
    CHECK(status_of(got) == "200");
    CHECK(got.find("Content-Type: text/plain\r\n") != std::string::npos);
    CHECK(got.find("Content-Length: 5\r\n") != std::string::npos);
    CHECK(body_of(got) == "hello");
    const std::string head = respond("HEAD /hello HTTP/1.1\r\nHost: a\r\n");
    CHECK(head == got.substr(0, got.size() - 5));
    CHECK(status_of(respond("GET /hello HTTP/1.0\r\n")) == "200");
}

TEST_CASE("every response closes the connection and forbids what a page could be misused for")
{
    for (const char* request :
         {"GET /hello HTTP/1.1\r\nHost: a\r\n", "GET /nothing HTTP/1.1\r\nHost: a\r\n",
          "POST /hello HTTP/1.1\r\nHost: a\r\n", "nonsense\r\n"}) {
        const std::string got = respond(request);
        CAPTURE(got);
        for (const char* header :
             {"Connection: close\r\n", "Content-Security-Policy: default-src 'none'; ",
              "frame-ancestors 'none'", "X-Content-Type-Options: nosniff\r\n",
              "Cross-Origin-Resource-Policy: same-origin\r\n"})
            CHECK(got.find(header) != std::string::npos);
        CHECK(got.find("Access-Control") == std::string::npos);
    }
}

TEST_CASE("no other method than GET and HEAD is allowed")
{
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"}) {
        CAPTURE(method);
        const std::string got = respond(
            std::string(method) + " /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n");
        CHECK(status_of(got) == "405");
        CHECK(got.find("Allow: GET, HEAD\r\n") != std::string::npos);
        CHECK(body_of(got).empty());
    }
}

TEST_CASE("what is no request is a bad request")
{
    for (const char* request :
         {"", "GET\r\n", "GET /hello\r\n", "GET /hello HTTP/3\r\nHost: a\r\n",
          "FETCH /hello HTTP/1.1\r\nHost: a\r\n", "GET /hello HTTP/1.1\r\n",
          "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n", "\x16\x03\x01\r\n"}) {
        CAPTURE(request);
        CHECK(status_of(respond(request)) == "400");
    }
}

TEST_CASE("only an address, localhost, or a name that was allowed may be the host")
{
    const auto with_host = [](const std::string& host) {
        return status_of(respond("GET /hello HTTP/1.1\r\nHost: " + host + "\r\n", false));
    };
    for (const char* host :
         {"localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:9464", "127.1.2.3", "[::1]",
          "[::1]:80", "Metrics.Example:443", "[2001:db8::1]:80", "192.0.2.1"})
        CHECK(with_host(host) == "200");
    for (const char* host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
                             "[evil.example]", "[::1", "127.1", "2130706433", ":80"})
        CHECK(with_host(host) == "421");
    CHECK(status_of(respond("GET /hello HTTP/1.0\r\n", false)) == "421");
}

TEST_CASE("a request for parts or for compression gets the plain whole")
{
    std::string parts = "Range: bytes=0-";
    while (parts.size() < 7900)
        parts += ",0-";
    for (const std::string& header :
         {std::string("Range: bytes=1-2"), parts, std::string("Range: items=0-1"),
          std::string("Accept-Encoding: gzip, deflate, br")}) {
        const std::string got = respond("GET /hello HTTP/1.1\r\nHost: a\r\n" + header + "\r\n");
        CHECK(status_of(got) == "200");
        CHECK(body_of(got) == "hello");
        CHECK(got.find("Content-Encoding") == std::string::npos);
    }
}

TEST_CASE("a header of a stranger takes no more stack than a thread has")
{
    const std::string request =
        "GET /hello HTTP/1.1\r\nHost: a\r\nrange: bytes=" + std::string(8000, '0') + "-\r\n";
    std::pair<const std::string&, std::string> asked{request, {}};
    pthread_attr_t small;
    REQUIRE(pthread_attr_init(&small) == 0);
    REQUIRE(pthread_attr_setstacksize(&small, std::size_t{256} * 1024) == 0);
    pthread_t thread{};
    const auto ask = [](void* at) -> void* {
        auto& both = *static_cast<std::pair<const std::string&, std::string>*>(at);
        both.second = respond(both.first);
        return nullptr;
    };
    REQUIRE(pthread_create(&thread, &small, ask, &asked) == 0);
    REQUIRE(pthread_join(thread, nullptr) == 0);
    pthread_attr_destroy(&small);
    CHECK(status_of(asked.second) == "200");
    CHECK(body_of(asked.second) == "hello");
}

TEST_CASE("a source that throws is an error of the server that tells nothing")
{
    const std::string got = respond("GET /throw HTTP/1.1\r\nHost: a\r\n");
    CHECK(status_of(got) == "500");
    CHECK(got.find("secret") == std::string::npos);
}

TEST_CASE("a request of many odd bytes has a response")
{
    for (int byte = 0; byte < 256; ++byte)
        for (const std::string& before :
             {std::string(), std::string("GET /hel%"), std::string("GET /hello?a=%"),
              std::string("GET /hello HTTP/1.1\r\nHost: a\r\nRange: bytes=")})
            CHECK_FALSE(
                respond(before + std::string(40, static_cast<char>(byte)) + "\r\n").empty());
}

TEST_CASE("the end of the headers is found wherever the bytes were cut")
{
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (std::size_t cut = 0; cut < head.size(); ++cut) {
        CHECK(head_size(head.substr(0, cut), 0) == std::string::npos);
        CHECK(head_size(head + "more", cut) == head.size());
    }
}

#if defined(SIGPIPE)
TEST_CASE("what SIGPIPE does in the program stays as it was")
{
    const auto before = std::signal(SIGPIPE, SIG_DFL);
    (void)respond("GET /hello HTTP/1.1\r\nHost: a\r\n");
    CHECK((std::signal(SIGPIPE, before) == SIG_DFL));
}
#endif
