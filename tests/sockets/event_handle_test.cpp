// SPDX-License-Identifier: MPL-2.0
#include "sockets/socket_rig.hpp"

#include <poll.h>
#include <unistd.h>

using namespace slk;
using namespace slk::socket_tests;

namespace {

bool readable(std::intptr_t descriptor, duration timeout)
{
    pollfd asked{static_cast<int>(descriptor), POLLIN, 0};
    const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    return ::poll(&asked, 1, static_cast<int>(whole)) == 1;
}

} // namespace

TEST_CASE("the native handle is readable as long as there is something to receive")
{
    auto in = new_context();
    auto to = must(pull::create(in));
    auto from = must(push::create(in));
    const auto handle = must(to.event_handle());
    CHECK(must(to.event_handle()) == handle);
    must(from.connect(must(to.bind("tcp://127.0.0.1:*"))));
    must(from.wait_ready(bound));
    must(to.wait_ready(bound));
    message got;
    CHECK(code_of(to.receive(got, no_wait)) == errc::would_block);
    CHECK_FALSE(readable(handle, 0s));
    must(from.send("1", bound));
    must(from.send("2", bound));
    REQUIRE(readable(handle, bound));
    CHECK(next(to) == "1");
    CHECK(readable(handle, 0s));
    CHECK(next(to) == "2");
    CHECK(code_of(to.receive(got, no_wait)) == errc::would_block);
    CHECK_FALSE(readable(handle, 0s));
}

TEST_CASE("the native handle of a sender tells of room")
{
    auto in = new_context();
    push_options options;
    options.send_high_water_mark = 1;
    auto from = must(push::create(in, options));
    const auto handle = must(from.event_handle());
    must(from.connect("inproc://room"));
    must(from.send("1", no_wait));
    CHECK(code_of(from.send("2", no_wait)) == errc::would_block);
    CHECK_FALSE(from.events().writable);
    CHECK_FALSE(readable(handle, 0s));
    pull_options of_pull;
    of_pull.receive_high_water_mark = 1;
    auto to = must(pull::create(in, of_pull));
    must(to.bind("inproc://room"));
    REQUIRE(readable(handle, bound));
    CHECK(from.events().writable);
}

TEST_CASE("a program that runs no thread can wait on the loop's handle")
{
    auto in = new_context(0);
    auto to = must(pull::create(in));
    const auto handle = to.event_handle();
    if (!handle) {
        CHECK(handle.error() == errc::not_supported);
        return;
    }
    auto other = new_context(1);
    auto from = must(push::create(other));
    must(from.connect(must(to.bind("tcp://127.0.0.1:*"))));
    must(from.send("hello", bound));
    message got;
    const auto end = std::chrono::steady_clock::now() + bound;
    while (!to.events().readable && std::chrono::steady_clock::now() < end)
        (void)readable(*handle, std::min<duration>(to.poll_timeout(), 1s));
    CHECK(next(to, no_wait) == "hello");
}

TEST_CASE("wait takes descriptors and sockets together")
{
    for (const int threads : {0, 1}) {
        CAPTURE(threads);
        auto in = new_context(threads);
        auto to = must(pull::create(in));
        if (!to.event_handle())
            continue; // a backend that others cannot wait for
        auto from = must(push::create(in));
        must(from.connect(must(to.bind("tcp://127.0.0.1:*"))));
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        wait_item items[] = {{.on = &to}, {.descriptor = ends[0]}};
        CHECK(code_of(wait(items, no_wait)) == errc::would_block);
        CHECK(code_of(wait(items, moment)) == errc::timed_out);
        REQUIRE(::write(ends[1], "x", 1) == 1);
        CHECK(must(wait(items, bound)) == 1);
        CHECK(items[1].readable);
        char one = 0;
        REQUIRE(::read(ends[0], &one, 1) == 1);
        must(from.send("y", bound));
        CHECK(must(wait(items, bound)) == 1);
        CHECK(items[0].readable);
        CHECK(next(to) == "y");
        ::close(ends[1]);
        ::close(ends[0]);
        wait_item wrong[] = {{.descriptor = ends[0]}};
        CHECK(code_of(wait(wrong, no_wait)) == errc::invalid_argument);
    }
}
