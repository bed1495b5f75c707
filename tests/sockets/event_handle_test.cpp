// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"
#include "support/texts.hpp"

#include <poll.h>
#include <unistd.h>

using namespace slk;
using namespace slk::testing;

namespace {

bool readable(std::intptr_t descriptor, duration timeout)
{
    pollfd asked{static_cast<int>(descriptor), POLLIN, 0};
    const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    return ::poll(&asked, 1, static_cast<int>(whole)) == 1;
}

} // namespace

TEST_CASE("the event handle is readable while there is a message to receive")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    auto from = new_socket<push>(in);
    const auto handle = must(to.event_handle());
    CHECK(must(to.event_handle()) == handle);
    bind_and_connect(to, from);
    must(from.wait_ready(test_timeout));
    must(to.wait_ready(test_timeout));
    message got;
    CHECK(code_of(to.receive(got, no_wait)) == errc::would_block);
    CHECK_FALSE(readable(handle, 0s));
    must(from.send("1", test_timeout));
    must(from.send("2", test_timeout));
    REQUIRE(readable(handle, test_timeout));
    CHECK(receive_text(to) == "1");
    CHECK(readable(handle, 0s));
    CHECK(receive_text(to) == "2");
    CHECK(code_of(to.receive(got, no_wait)) == errc::would_block);
    CHECK_FALSE(readable(handle, 0s));
}

TEST_CASE("the event handle becomes readable when a full socket can send again")
{
    auto in = new_context();
    push_options options;
    options.send_high_water_mark = 1;
    auto from = new_socket<push>(in, options);
    const auto handle = must(from.event_handle());
    must(from.connect("inproc://room"));
    must(from.send("1", no_wait));
    CHECK(code_of(from.send("2", no_wait)) == errc::would_block);
    CHECK_FALSE(from.events().writable);
    CHECK_FALSE(readable(handle, 0s));
    pull_options of_pull;
    of_pull.receive_high_water_mark = 1;
    auto to = new_socket<pull>(in, of_pull);
    must(to.bind("inproc://room"));
    REQUIRE(readable(handle, test_timeout));
    CHECK(from.events().writable);
}

TEST_CASE("the event handle of a REP is readable only while it may receive")
{
    auto in = new_context();
    auto to = new_socket<rep>(in);
    const auto handle = must(to.event_handle());
    auto first = new_socket<req>(in), second = new_socket<req>(in);
    const std::string where = must(to.bind("inproc://asked"));
    must(first.connect(where));
    must(second.connect(where));
    must(first.send("1", test_timeout));
    must(second.send("2", test_timeout));
    REQUIRE(readable(handle, test_timeout));
    CHECK(to.events().readable);
    CHECK(receive_text(to) == "1");
    // The second request waits, but the reply to the first is due.
    CHECK_FALSE(to.events().readable);
    CHECK_FALSE(readable(handle, 0s));
    must(to.send("one", no_wait));
    REQUIRE(readable(handle, 0s));
    CHECK(receive_text(to) == "2");
    CHECK_FALSE(to.events().readable);
    CHECK(receive_text(first) == "one");
    second.close(0s);
    REQUIRE(until([&] { return to.peers().size() == 1; }));
    CHECK_FALSE(readable(handle, 0s));
    must(first.send("3", test_timeout));
    CHECK(must(to.send("two", no_wait)) == send_outcome::dropped_no_route);
    REQUIRE(readable(handle, test_timeout));
    CHECK(receive_text(to) == "3");
}

TEST_CASE("the event handle of a REQ is not set by what it has not asked for")
{
    auto in = new_context();
    auto to = new_socket<req>(in);
    const auto handle = must(to.event_handle());
    auto from = new_socket<router>(in);
    bind_and_connect(to, from, "inproc://unasked");
    REQUIRE(until([&] { return from.peers().size() == 1 && to.peers().size() == 1; }));
    must(from.send({from.peers()[0].routing_id}, multipart_of({"", "not asked for"})));
    REQUIRE(readable(handle, test_timeout));
    CHECK_FALSE(to.events().readable);
    CHECK_FALSE(readable(handle, 0s));
}

TEST_CASE("without a loop thread the event handle is readable when the loop has work")
{
    auto in = new_context(0);
    auto to = new_socket<pull>(in);
    const auto handle = to.event_handle();
    if (!handle) {
        CHECK(handle.error() == errc::not_supported);
        return;
    }
    auto other = new_context(1);
    auto from = new_socket<push>(other);
    bind_and_connect(to, from);
    must(from.send("hello", test_timeout));
    message got;
    const auto end = std::chrono::steady_clock::now() + test_timeout;
    while (!to.events().readable && std::chrono::steady_clock::now() < end)
        (void)readable(*handle, std::min<duration>(to.poll_timeout(), 1s));
    CHECK(receive_text(to, no_wait) == "hello");
}

TEST_CASE("wait takes sockets and descriptors")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto to = new_socket<pull>(in);
        if (!to.event_handle())
            continue; // the backend has no event handle
        auto from = new_socket<push>(in);
        bind_and_connect(to, from);
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        wait_item items[] = {{.on = &to}, {.descriptor = ends[0]}};
        CHECK(code_of(wait(items, no_wait)) == errc::would_block);
        CHECK(code_of(wait(items, short_timeout)) == errc::timed_out);
        REQUIRE(::write(ends[1], "x", 1) == 1);
        CHECK(must(wait(items, test_timeout)) == 1);
        CHECK(items[1].readable);
        char one = 0;
        REQUIRE(::read(ends[0], &one, 1) == 1);
        must(from.send("y", test_timeout));
        CHECK(must(wait(items, test_timeout)) == 1);
        CHECK(items[0].readable);
        CHECK(receive_text(to) == "y");
        ::close(ends[1]);
        ::close(ends[0]);
        wait_item wrong[] = {{.descriptor = ends[0]}};
        CHECK(code_of(wait(wrong, no_wait)) == errc::invalid_argument);
    }
}

TEST_CASE("with event_handle_shows_news the handle is quiet once a call has seen the news")
{
    auto in = new_context();
    pull_options options;
    options.event_handle_shows_news = true;
    auto to = new_socket<pull>(in, options);
    auto from = new_socket<push>(in);
    const auto handle = must(to.event_handle());
    bind_and_connect(to, from);
    must(from.wait_ready(test_timeout));
    must(to.wait_ready(test_timeout));
    CHECK_FALSE(to.events().readable);
    CHECK_FALSE(readable(handle, 0s));
    must(from.send("1", test_timeout));
    must(from.send("2", test_timeout));
    REQUIRE(readable(handle, test_timeout));
    // It may tell twice of messages that come one after the other.
    CHECK(until([&] {
        CHECK(to.events().readable);
        return !readable(handle, 5ms);
    }));
    CHECK(receive_text(to) == "1");
    CHECK_FALSE(readable(handle, 0s));
    CHECK(to.events().readable);
    CHECK(receive_text(to) == "2");
    CHECK_FALSE(to.events().readable);
    must(from.send("3", test_timeout));
    CHECK(readable(handle, test_timeout));
    CHECK(receive_text(to) == "3");
}
