// SPDX-License-Identifier: MPL-2.0
// The policy of links, on real sockets.

#include "link_rig.hpp"

#include "support/skip.hpp"
#include "support/wine.hpp"

#include <array>

namespace slk::link_tests {

namespace {

/// Stops on this class and on no other, and retries soon.
reconnect_options stop_on(failure_class which)
{
    reconnect_options options = quick();
    options.policy.set(which, retry_rule::stop);
    return options;
}

bool is_idle_after(const link& of, std::uint64_t attempts)
{
    return of.status().attempt == attempts && of.status().state == link_state::idle;
}

/// A link that is connected to the server, receives, and closes a stream that has ended.
struct reader {
    reader(rig& on, server& peer, const reconnect_options& options)
        : made(make_link(*on, at(peer.where()), options,
                         {.state_changed = {}, .connected = [this](stream s) {
                              handed_over = std::move(s);
                              receive();
                          }}))
    {
        made.start();
        REQUIRE(on.until([&] { return handed_over && !peer.streams.empty(); }));
    }
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

    void receive()
    {
        CHECK(handed_over
                  .receive(buffer,
                           [this](auto got) {
                               // Closed here, perhaps because the reader is no more.
                               if (!got && got.error() == errc::cancelled)
                                   return;
                               if (!got || *got == 0)
                                   handed_over.close();
                               else
                                   receive();
                           })
                  .has_value());
    }

    std::array<std::byte, 8> buffer{};
    stream handed_over;
    link made;
};

} // namespace

TEST_CASE("a link stops on connection_lost by its policy, and on no other failure")
{
#if defined(_WIN32)
    if (testing::running_under_wine())
        SLK_SKIP("Wine's recv shows some resets as the end of the stream");
#endif
    rig on;
    server peer(*on);
    reader dialling(on, peer, stop_on(failure_class::connection_lost));
    peer.streams.clear(); // in order: another class
    REQUIRE(
        on.until([&] { return dialling.made.status().generation == 2 && !peer.streams.empty(); }));
    peer.streams[0].reset();
    REQUIRE(on.until([&] { return is_idle_after(dialling.made, 2); }));
    CHECK(dialling.made.status().last_error == errc::connection_reset);
    CHECK(dialling.made.status().last_error_address == peer.where());
    peer.streams.clear();
    dialling.made.start();
    CHECK(on.until([&] { return connected(dialling.made) && !peer.streams.empty(); }));
}

TEST_CASE("a link stops on peer_closed by its policy, and on no other failure")
{
    rig on;
    server peer(*on);
    reader dialling(on, peer, stop_on(failure_class::peer_closed));
    dialling.handed_over.close(); // closed here: another class
    REQUIRE(on.until(
        [&] { return dialling.made.status().generation == 2 && peer.streams.size() == 2; }));
    peer.streams.clear();
    REQUIRE(on.until([&] { return is_idle_after(dialling.made, 2); }));
    CHECK(dialling.made.status().last_error == errc::end_of_stream);
    CHECK(dialling.made.status().last_error_address == peer.where());
    dialling.made.start();
    CHECK(on.until([&] { return connected(dialling.made) && !peer.streams.empty(); }));
}

TEST_CASE("a link without a reader stops on peer_closed by its policy")
{
    rig on;
    server peer(*on);
    link dialling = make_link(*on, at(peer.where()), stop_on(failure_class::peer_closed));
    dialling.start();
    REQUIRE(on.until([&] { return connected(dialling) && !peer.streams.empty(); }));
    peer.streams.clear();
    REQUIRE(on.until([&] { return is_idle_after(dialling, 1); }));
    CHECK(dialling.status().last_error == errc::end_of_stream);
}

TEST_CASE("a link stops on closed_locally by its policy")
{
    rig on;
    server peer(*on);
    reader dialling(on, peer, stop_on(failure_class::closed_locally));
    dialling.handed_over.close();
    REQUIRE(on.until([&] { return is_idle_after(dialling.made, 1); }));
    CHECK(dialling.made.status().last_error == errc::cancelled);
}

TEST_CASE("a link stops on a source address that is not this machine's by its policy")
{
    rig on;
    const server peer(*on);
    endpoint to = at(peer.where());
    to.source = "192.0.2.1"; // RFC 5737
    link dialling = make_link(*on, to, stop_on(failure_class::bad_local_address));
    dialling.start();
    REQUIRE(on.until([&] { return is_idle_after(dialling, 1); }));
    CHECK(dialling.status().last_error == errc::address_not_available);
}

TEST_CASE("a class that is retried slowly waits at least half the cap")
{
    rig on;
    const dead_end nobody;
    reconnect_options options = quick();
    options.cap = 40ms;
    options.policy.set(failure_class::refused, retry_rule::retry_slowly);
    link dialling = make_link(*on, at(nobody.where()), options);
    dialling.start();
    REQUIRE(on.until([&] { return dialling.status().state == link_state::backoff; }));
    const auto moves = dialling.recent_transitions();
    CHECK(moves.back().delay >= 21ms);
    CHECK(moves.back().delay <= 41ms);
}

TEST_CASE("a link that never retries stops when its connection is lost")
{
    rig on;
    server peer(*on);
    reconnect_options options;
    options.base = reconnect_never;
    reader dialling(on, peer, options);
    peer.streams.clear();
    REQUIRE(on.until([&] { return is_idle_after(dialling.made, 1); }));
    CHECK(dialling.made.status().generation == 1);
}

TEST_CASE("stable_after decides on real sockets whether a connection resets the backoff")
{
    for (const duration stable_after : {duration(0), duration(1h)}) {
        rig on;
        server peer(*on);
        reconnect_options options = quick();
        options.useful_when = usefulness::connected;
        options.stable_after = stable_after;
        link dialling = make_link(*on, at(peer.where()), options);
        dialling.start();
        for (std::uint32_t round = 1; round <= 3; ++round) {
            REQUIRE(on.until([&] { return connected(dialling) && !peer.streams.empty(); }));
            on.pass(30ms); // longer than any delay before it
            peer.streams.clear();
            REQUIRE(on.until([&] { return !connected(dialling); }));
            CHECK(dialling.status().retries == (stable_after == 0ms ? 1 : round));
        }
    }
}

} // namespace slk::link_tests
