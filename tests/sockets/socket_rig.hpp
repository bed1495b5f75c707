// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SOCKETS_SOCKET_RIG_HPP
#define SLK_TESTS_SOCKETS_SOCKET_RIG_HPP

/// What the tests of sockets share: contexts, with threads and without, on the backend that is to
/// be tested; and sockets that are there or end the test.

#include <serverlink/serverlink.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace slk::socket_tests {

using namespace std::chrono_literals;

/// Ends a hang; nothing takes that long.
inline constexpr auto bound = 20s;
/// Long enough to see that something does not happen.
inline constexpr auto moment = 30ms;

/// The value, or the end of the test with the error in words. On the test's own thread, as all that
/// doctest does: at the end of another one MinGW frees doctest's streams before it destroys them.
template <class T>
T must(result<T> answer)
{
    INFO((answer ? std::string() : to_string(answer.error())));
    REQUIRE(answer.has_value());
    return std::move(*answer);
}

inline void must(const result<void>& answer)
{
    INFO((answer ? std::string() : to_string(answer.error())));
    REQUIRE(answer.has_value());
}

template <class T>
errc code_of(const result<T>& answer)
{
    return answer ? errc::ok : answer.error().code;
}

inline context new_context(int threads = 1, context_options options = {})
{
    const char* const backend = std::getenv("SLK_TEST_BACKEND");
    options.threads = threads;
    options.loop.backend = backend != nullptr ? backend : "";
    return must(context::create(std::move(options)));
}

/// Quick to retry, and quick to find out that a peer is gone.
template <class Options = socket_options>
Options quick(Options options = {})
{
    options.reconnect.base = 2ms;
    options.reconnect.floor = 1ms;
    options.reconnect.cap = 20ms;
    return options;
}

inline message text(std::string_view bytes)
{
    return must(message::copy_of(bytes));
}

template <class Socket>
std::string next(Socket& from, const timeout& test_timeout = bound)
{
    message got;
    const auto answer = from.receive(got, test_timeout);
    if (!answer)
        return "(" + to_string(answer.error()) + ")";
    return std::string(got.text());
}

inline std::vector<std::string> parts_of(const multipart& whole)
{
    std::vector<std::string> all;
    for (const message& part : whole)
        all.emplace_back(part.text());
    return all;
}

/// Until it holds; true if it did.
template <class Condition>
bool soon(Condition holds)
{
    const auto end = std::chrono::steady_clock::now() + bound;
    while (!holds())
        if (std::chrono::steady_clock::now() > end)
            return false;
    return true;
}

} // namespace slk::socket_tests

#endif
