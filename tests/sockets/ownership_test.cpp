// SPDX-License-Identifier: MPL-2.0

// Who owns a message and its memory.

#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <atomic>
#include <cstddef>
#include <vector>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a message that was not queued stays with the caller")
{
    auto in = new_context();
    auto from = new_socket<push>(in);
    auto whole = message_of("still here");
    CHECK(code_of(from.send(std::move(whole), no_wait)) == errc::would_block);
    CHECK(whole.text() == "still here");
    multipart parts;
    must(parts.add("a"));
    must(parts.add("b"));
    CHECK(code_of(from.send(std::move(parts), short_timeout)) == errc::timed_out);
    CHECK(parts.size() == 2);
    CHECK(code_of(from.send(multipart(), no_wait)) == errc::invalid_argument);
}

TEST_CASE("the memory of an adopted message is released after the message was sent")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    auto from = new_socket<push>(in);
    bind_and_connect(to, from);
    static std::atomic<int> released;
    released = 0;
    const std::vector<std::byte> memory(100'000, std::byte{7});
    auto whole =
        must(message::adopt(memory, [](std::span<const std::byte>, void*) { ++released; }));
    must(from.send(std::move(whole), test_timeout));
    CHECK(receive_text(to).size() == memory.size());
    CHECK(until([] { return released == 1; }));
}
