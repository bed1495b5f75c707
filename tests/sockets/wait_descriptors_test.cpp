// SPDX-License-Identifier: MPL-2.0

// slk::wait with descriptors of the system beside sockets.

#include <serverlink/serverlink.hpp>

#include "support/network_socket.hpp"
#include "support/sockets.hpp"

#include <stop_token>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

TEST_CASE("wait wakes for a descriptor and for a socket, and takes both at once")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    auto from = new_socket<push>(in);
    bind_and_connect(to, from);
    const connected_pair ends;
    wait_item items[] = {{.on = &to}, {.descriptor = ends.first.handle()}};
    CHECK(code_of(wait(items, no_wait)) == errc::would_block);
    CHECK(code_of(wait(items, short_timeout)) == errc::timed_out);
    for (int round = 0; round < 20; ++round) {
        std::thread sender([&] { ends.second.send("x"); });
        CHECK(must(wait(items, test_timeout)) == 1);
        CHECK(items[1].readable);
        CHECK_FALSE(items[1].failed);
        CHECK_FALSE(items[0].readable);
        sender.join();
        CHECK(ends.first.receive() == "x");
        std::thread other([&] { (void)from.send("y", test_timeout); });
        CHECK(must(wait(items, test_timeout)) == 1);
        CHECK(items[0].readable);
        CHECK_FALSE(items[1].readable);
        other.join();
        CHECK(receive_text(to) == "y");
    }
    ends.second.send("x");
    must(from.send("y", test_timeout));
    CHECK(until([&] { return must(wait(items, test_timeout)) == 2; }));
}

TEST_CASE("wait leaves the blocking mode of a descriptor as it is")
{
    auto in = new_context();
    auto to = new_socket<pull>(in);
    const connected_pair ends;
    wait_item items[] = {{.on = &to}, {.descriptor = ends.first.handle()}};
    CHECK(code_of(wait(items, short_timeout)) == errc::timed_out);
    // A receive waits until the other thread has sent.
    std::thread sender([&] {
        std::this_thread::sleep_for(5ms);
        ends.second.send("x");
    });
    CHECK(ends.first.receive() == "x");
    sender.join();
}

TEST_CASE("wait reports that a descriptor is writable, and that there is room again")
{
    const connected_pair ends;
    wait_item items[] = {{.descriptor = ends.first.handle(), .to_receive = false, .to_send = true}};
    CHECK(must(wait(items, no_wait)) == 1);
    CHECK(items[0].writable);
    CHECK_FALSE(items[0].readable);
    CHECK_FALSE(items[0].failed);
    ends.first.fill();
    CHECK(code_of(wait(items, short_timeout)) == errc::timed_out);
    std::thread reader([&] { ends.second.drain(); });
    CHECK(must(wait(items, test_timeout)) == 1);
    CHECK(items[0].writable);
    ends.first.shut();
    reader.join();
}

TEST_CASE("wait takes hundreds of descriptors")
{
    std::vector<connected_pair> pairs(150);
    std::vector<wait_item> items;
    for (const connected_pair& each : pairs)
        items.push_back({.descriptor = each.first.handle()});
    CHECK(code_of(wait(items, short_timeout)) == errc::timed_out);
    pairs.back().second.send("x");
    CHECK(must(wait(items, test_timeout)) == 1);
    CHECK(items.back().readable);
    pairs[70].second.send("x");
    CHECK(until([&] { return must(wait(items, test_timeout)) == 2; }));
    CHECK(items[70].readable);
    CHECK_FALSE(items[71].readable);
}

TEST_CASE("a descriptor whose peer has reset the connection is reported as failed")
{
    connected_pair ends;
    wait_item items[] = {{.descriptor = ends.first.handle(), .to_fail = true}};
    CHECK(code_of(wait(items, no_wait)) == errc::would_block);
    ends.second.reset();
    CHECK(must(wait(items, test_timeout)) == 1);
    CHECK(items[0].readable);
#if !defined(_WIN32) // select() reports no exception for it
    CHECK(items[0].failed);
    // Alone, without anything to receive or to send.
    items[0].to_receive = false;
    CHECK(must(wait(items, test_timeout)) == 1);
    CHECK(items[0].failed);
    CHECK_FALSE(items[0].readable);
#endif
    // An item that waits for nothing is silent.
    wait_item silent[] = {
        {.descriptor = ends.first.handle(), .to_receive = false},
    };
    CHECK(code_of(wait(silent, short_timeout)) == errc::timed_out);
}

TEST_CASE("a failure that is kept apart makes a descriptor neither readable nor writable")
{
    // Before it is closed, because the next descriptor gets its number.
    const connected_pair ends;
    connected_pair over;
    const auto closed = over.first.handle();
    over.first.close();
    over.second.close();
    wait_item items[] = {{.descriptor = ends.first.handle(), .to_fail = true, .apart = true},
                         {.descriptor = closed, .to_send = true, .to_fail = true, .apart = true}};
#if !defined(_WIN32) // select() does not tell which one is closed
    CHECK(must(wait(items, no_wait)) == 1);
    CHECK(items[1].failed);
    CHECK_FALSE(items[1].readable);
    CHECK_FALSE(items[1].writable);
    items[1].apart = false;
#endif
    CHECK(code_of(wait(items, no_wait)) == errc::invalid_argument);
}

TEST_CASE("a connect that fails is reported as failed")
{
    const network_socket connecting = network_socket::connecting_to_nobody();
    wait_item items[] = {{.descriptor = connecting.handle(), .to_receive = false, .to_send = true}};
    CHECK(must(wait(items, test_timeout)) == 1);
    CHECK(items[0].failed);
    CHECK(items[0].writable);
}

TEST_CASE("a descriptor that is closed is an error value")
{
    // Before it is closed, because the next descriptor gets its number.
    auto in = new_context();
    auto to = new_socket<pull>(in);
    std::intptr_t closed = -1;
    {
        const connected_pair ends;
        closed = ends.first.handle();
    }
    wait_item wrong[] = {{.on = &to}, {.descriptor = closed}};
    CHECK(code_of(wait(wrong, no_wait)) == errc::invalid_argument);
    CHECK(code_of(wait(wrong, test_timeout)) == errc::invalid_argument);
    wait_item none[] = {{.descriptor = -1}};
    CHECK(code_of(wait(none, no_wait)) == errc::invalid_argument);
}

TEST_CASE("a stop request and the end of a context end a wait for descriptors")
{
    const connected_pair ends;
    wait_item items[] = {{.descriptor = ends.first.handle()}};
    std::stop_source source;
    std::thread stopper([&] {
        std::this_thread::sleep_for(5ms);
        source.request_stop();
    });
    CHECK(code_of(wait(items, source.get_token())) == errc::cancelled);
    stopper.join();

    auto in = new_context();
    auto to = new_socket<pull>(in);
    wait_item both[] = {{.on = &to}, {.descriptor = ends.first.handle()}};
    std::thread ender([&] {
        std::this_thread::sleep_for(5ms);
        in.shutdown();
    });
    CHECK(code_of(wait(both)) == errc::cancelled);
    ender.join();
}
