// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_SOCKETS_HPP
#define SLK_TESTS_SUPPORT_SOCKETS_HPP

/// Contexts and sockets that exist or end the test case, their messages as text, and their state.

#include <serverlink/context.hpp>
#include <serverlink/message.hpp>
#include <serverlink/socket.hpp>

#include "support/must.hpp"
#include "support/until.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slk::testing {

/// A context on the backend that SLK_TEST_BACKEND names, or else on the best one.
[[nodiscard]] inline context new_context(int threads = 1, context_options options = {})
{
    const char* const backend = std::getenv("SLK_TEST_BACKEND");
    options.threads = threads;
    options.loop.backend = backend != nullptr ? backend : "";
    return must(context::create(std::move(options)));
}

/// A context on a loop of the test's own.
[[nodiscard]] inline context new_context(loop& on)
{
    return must(context::on(on));
}

template <class Socket, class Options>
Options options_argument(result<Socket> (*create)(context&, Options));
/// The options that Socket::create() takes.
template <class Socket>
using options_of = decltype(options_argument<Socket>(&Socket::create));

template <class Socket>
[[nodiscard]] Socket new_socket(context& in, options_of<Socket> options = {})
{
    return must(Socket::create(in, std::move(options)));
}

/// The given options, with next to no delay however often a connection is lost.
template <class Options = socket_options>
[[nodiscard]] Options reconnect_at_once(Options options = {})
{
    options.reconnect.base = 1ms;
    options.reconnect.floor = 0ms;
    options.reconnect.cap = 2ms;
    return options;
}

inline constexpr const char* any_tcp = "tcp://127.0.0.1:*";

/// Binds one socket and connects the other one to it. Returns the endpoint.
inline std::string bind_and_connect(socket& binder, socket& connecter,
                                    const std::string& endpoint = any_tcp)
{
    const std::string bound = must(binder.bind(endpoint));
    must(connecter.connect(bound));
    return bound;
}

[[nodiscard]] inline message message_of(std::string_view text)
{
    return must(message::copy_of(text));
}

/// The texts of all parts of a message.
[[nodiscard]] inline std::vector<std::string> texts_of(const multipart& whole)
{
    std::vector<std::string> texts;
    for (const message& part : whole)
        texts.emplace_back(part.text());
    return texts;
}

/// The text of the next message or part, or the name of the error in parentheses.
template <class Socket>
[[nodiscard]] std::string receive_text(Socket& from, const timeout& limit = test_timeout)
{
    message part;
    const auto received = from.receive(part, limit);
    return received ? std::string(part.text())
                    : "(" + std::string(name_of(received.error().code)) + ")";
}

/// The socket's first endpoint, or another one.
[[nodiscard]] inline endpoint_status status_of(socket& which, std::size_t index = 0)
{
    const auto all = which.endpoints();
    REQUIRE(all.size() > index);
    return all[index];
}

/// The messages of all peers that the system has taken.
[[nodiscard]] inline std::uint64_t flushed(const close_report& report)
{
    std::uint64_t sum = 0;
    for (const close_report::peer& each : report.peers)
        sum += each.flushed;
    return sum;
}

/// The number of peers whose handshake is over.
[[nodiscard]] inline std::size_t ready_peers(socket& which)
{
    const auto all = which.peers();
    return static_cast<std::size_t>(std::ranges::count_if(all, &peer_status::ready));
}

} // namespace slk::testing

#endif
