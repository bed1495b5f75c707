// SPDX-License-Identifier: MPL-2.0

// Many messages in a row: the threads of the program then write and read the connection themselves.

#include <serverlink/serverlink.hpp>

#include "support/sanitized.hpp"
#include "support/sockets.hpp"

#include <atomic>
#include <thread>

using namespace slk;
using namespace slk::testing;

namespace {

/// Every size that the library handles differently, mostly small ones.
std::size_t size_of(std::size_t number)
{
    if (number % 1999 == 7)
        return 40'000;
    if (number % 499 == 3)
        return 9'000;
    return number % 101;
}

std::string body_of(std::size_t number)
{
    std::string body = std::to_string(number) + ' ';
    body.resize(body.size() + size_of(number), static_cast<char>('a' + number % 26));
    return body;
}

/// Every seventh message has a second part.
bool has_two_parts(std::size_t number)
{
    return number % 7 == 5;
}

template <class Socket>
std::string send_numbered(Socket& from, std::size_t number)
{
    const std::string body = body_of(number);
    if (!has_two_parts(number)) {
        const auto sent = from.send(std::string_view(body), test_timeout);
        return sent ? std::string() : to_string(sent.error());
    }
    multipart whole;
    if (!whole.add(body) || !whole.add("second"))
        return "no memory";
    const auto sent = from.send(std::move(whole), test_timeout);
    return sent ? std::string() : to_string(sent.error());
}

/// Returns an empty text, or what is wrong.
template <class Socket>
std::string receive_numbered(Socket& to, std::size_t number)
{
    multipart got;
    if (const auto received = to.receive(got, test_timeout); !received)
        return to_string(received.error());
    if (got.size() != (has_two_parts(number) ? 2U : 1U))
        return "wrong number of parts at " + std::to_string(number);
    if (got[0].text() != body_of(number))
        return "wrong body at " + std::to_string(number);
    return {};
}

template <class Options>
Options with_mark(std::uint32_t mark)
{
    Options options;
    options.send_high_water_mark = mark;
    options.receive_high_water_mark = mark;
    options.peer_timeout = 300ms; // so that PINGs and PONGs are sent between the messages
    return options;
}

} // namespace

TEST_CASE("a stream of messages of all sizes arrives in order in both directions with any "
          "high-water mark")
{
    const auto count = static_cast<std::size_t>(repeats(20'000));
    for (const std::uint32_t mark : {1U, 16U, 1000U}) {
        CAPTURE(mark);
        auto in = new_context(2);
        auto a = new_socket<pair>(in, with_mark<pair_options>(mark));
        auto b = new_socket<pair>(in, with_mark<pair_options>(mark));
        bind_and_connect(a, b);
        const std::size_t messages = mark == 1 ? count / 10 : count;
        std::string other_failure;
        std::thread other([&] {
            for (std::size_t number = 0; number < messages && other_failure.empty(); ++number) {
                other_failure = send_numbered(b, number);
                if (number % 4 == 3 && other_failure.empty())
                    other_failure = receive_numbered(b, number / 4);
            }
        });
        std::string failure;
        for (std::size_t number = 0; number < messages && failure.empty(); ++number) {
            failure = receive_numbered(a, number);
            if (number % 4 == 3 && failure.empty())
                failure = send_numbered(a, number / 4);
            if (number % 2048 == 0) // lets the lanes fill
                std::this_thread::sleep_for(2ms);
        }
        CHECK(failure.empty());
        other.join();
        CHECK(other_failure.empty());
    }
}

TEST_CASE("the last messages of a stream are sent without another call of the sender")
{
    auto sending = new_context();
    auto receiving = new_context();
    auto to = new_socket<pull>(receiving);
    push_options options;
    options.send_high_water_mark = 32; // full before the loop runs
    auto from = new_socket<push>(sending, options);
    bind_and_connect(to, from);
    constexpr std::size_t bursts = 100;
    constexpr std::size_t burst = 301;
    std::atomic<std::size_t> received = 0;
    std::thread receiver([&] {
        message got;
        while (received < bursts * burst && to.receive(got, test_timeout))
            ++received;
    });
    const std::string body(1000, 'b');
    bool all_received = true;
    for (std::size_t number = 1; number <= bursts && all_received; ++number) {
        for (std::size_t each = 0; each < burst; ++each)
            must(from.send(std::string_view(body), test_timeout));
        all_received = until([&] { return received == number * burst; });
    }
    CHECK(all_received);
    receiver.join();
}
