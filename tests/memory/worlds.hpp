// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_MEMORY_WORLDS_HPP
#define SLK_TESTS_MEMORY_WORLDS_HPP

/// What the scenarios of the matrix share: contexts and sockets that are made although an
/// allocation fails, and messages that get through although one was lost with its connection.

#include "matrix.hpp"

#include <serverlink/serverlink.hpp>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Ends a scenario that goes wrong.
#define EXPECT(...)                                                                                \
    do {                                                                                           \
        if (!(__VA_ARGS__))                                                                        \
            return #__VA_ARGS__;                                                                   \
    } while (false)

namespace slk::testing {

using namespace std::chrono_literals;

/// Makes the call with a copy of the argument that is made outside of it.
template <class Argument, class Call>
auto insist_with(const Argument& argument, Call&& call)
{
    for (int tries = 0;; ++tries) {
        Argument copy = argument;
        auto outcome = in_library([&] { return call(std::move(copy)); });
        if (outcome || outcome.error() != errc::out_of_memory || tries == 100)
            return outcome;
    }
}

inline loop_options loop_on_backend()
{
    const char* const backend = std::getenv("SLK_TEST_BACKEND");
    loop_options options;
    options.backend = backend != nullptr ? backend : "";
    options.seed = 1;
    return options;
}

inline result<context> new_context(int threads)
{
    context_options options;
    options.threads = threads;
    options.loop = loop_on_backend();
    return insist_with(options,
                       [](context_options given) { return context::create(std::move(given)); });
}

template <class Options = socket_options>
Options quick(Options options = {})
{
    options.reconnect.base = 1ms;
    options.reconnect.floor = 0ms;
    options.reconnect.cap = 2ms;
    options.linger = 0ms;
    return options;
}

template <class Socket, class Options>
result<Socket> new_socket(context& in, const Options& options)
{
    // A move of the options copies the credentials of a client, in the program's own code.
    Options bare = options;
    const bool has_credentials = !options.security.own.user.empty();
    if (has_credentials)
        bare.security = {};
    auto made =
        insist_with(bare, [&](Options given) { return Socket::create(in, std::move(given)); });
    if (made && has_credentials)
        if (const auto set = insist([&] { return made->set_options(options); }); !set)
            return fail(set.error());
    return made;
}

/// Ends the socket; counts.
template <class Socket>
void end(result<Socket>& of)
{
    in_library([&] { of->close(20ms); });
    in_library([&] { of = fail(errc::cancelled, phase::none); });
}

inline void end(result<context>& of)
{
    in_library([&] { of = fail(errc::cancelled, phase::none); });
}

/// An error that a lack of memory may bring about, here or at the peer: then a connection was lost,
/// and a message with it.
inline bool is_expected(const error& failure)
{
    return failure == errc::out_of_memory || failure == errc::timed_out ||
           failure == errc::would_block;
}

/// Sends and receives until one message has come; the first one, if no allocation fails. Returns
/// null, or what went wrong.
template <class Send, class Receive>
const char* gets_through(Send&& send, Receive&& receive)
{
    for (int tries = 0; tries < 300; ++tries) {
        if (const auto sent = in_library(send); !sent && !is_expected(sent.error()))
            return "a send failed for another reason than memory";
        const auto received = in_library(receive);
        if (received)
            return nullptr;
        if (!is_expected(received.error()))
            return "a receive failed for another reason than memory";
        // Without a failure nothing is lost; several in a row may take several connections.
        if (!failing_memory::has_failed() && tries > 50)
            return "a message did not come, although no allocation had failed";
        if (tries == 100)
            failing_memory::recover();
    }
    return "no message came, although memory had come back";
}

inline constexpr duration moment = std::chrono::milliseconds(30);

/// Small, middle and large messages, alone, in parts and in batches.
template <class Sender, class Receiver>
const char* all_kinds_of_messages(Sender& from, Receiver& to)
{
    static const std::string bytes(200'000, 'x');
    static const std::string_view text(bytes);
    message one;
    for (const std::size_t size : {std::size_t{5}, std::size_t{200}, std::size_t{40'000}})
        if (const char* const wrong =
                gets_through([&] { return from.send(text.substr(0, size), moment); },
                             [&] { return to.receive(one, moment); }))
            return wrong;
    // Memory of the caller's is referred to.
    if (const char* const wrong = gets_through(
            [&]() -> result<void> {
                for (int number = 0; number < 40; ++number) {
                    SLK_TRY(
                        auto whole,
                        message::adopt(std::as_bytes(std::span(text.substr(0, 10'000))), nullptr));
                    SLK_TRY(from.send(std::move(whole), moment));
                }
                return {};
            },
            [&] { return to.receive(one, moment); }))
        return wrong;
    multipart parts;
    if (const char* const wrong = gets_through(
            [&]() -> result<void> {
                multipart whole;
                for (const std::size_t size : {1U, 0U, 100U, 20'000U, 33'000U, 3U})
                    SLK_TRY(whole.add(text.substr(0, size)));
                SLK_TRY(from.send(std::move(whole), moment));
                return {};
            },
            [&] { return to.receive(parts, moment); }))
        return wrong;
    static std::span<const std::byte> many[300];
    for (auto& each : many)
        each = std::as_bytes(std::span(text.substr(0, 100)));
    received_batch batch;
    if (const char* const wrong =
            gets_through([&] { return from.send_batch(std::span(many), moment); },
                         [&] { return to.receive_batch(batch, 500, moment); }))
        return wrong;
    message several[20];
    if (const char* const wrong = gets_through(
            [&]() -> result<void> {
                message out[20];
                for (message& each : out) {
                    SLK_TRY(each, message::copy_of(text.substr(0, 300)));
                }
                SLK_TRY(from.send_batch(std::span(out), moment));
                return {};
            },
            [&] { return to.receive_batch(std::span(several), moment); }))
        return wrong;
    in_library([&] { batch.clear(); });
    return nullptr;
}

/// What a socket tells about itself. Lists are empty when there is no memory for them.
template <class Socket>
void ask_everything(Socket& of)
{
    in_library([&] { (void)of.endpoints(); });
    in_library([&] { (void)of.peers(); });
    in_library([&] { (void)of.counters(); });
    in_library([&] {
        if (const auto now = metrics_of(of))
            (void)open_metrics(*now);
    });
    in_library([&] { (void)of.last_endpoint(); });
    in_library([&] { (void)of.events(); });
    in_library([&] { (void)of.options(); });
}

} // namespace slk::testing

#endif
