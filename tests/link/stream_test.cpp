// SPDX-License-Identifier: MPL-2.0
#include "link_rig.hpp"

#include <array>
#include <thread>

namespace slk::link_tests {

namespace {

/// Two ends of one connection, which the link and the listener have passed on.
struct tcp_connection {
    tcp_connection()
    {
        dialling.emplace(make_link(
            *on, at(peer.where()), quick(),
            {.state_changed = {}, .connected = [this](stream s) { near = std::move(s); }}));
        dialling->start();
        REQUIRE(on.until([&] { return near && !peer.streams.empty(); }));
        far = std::move(peer.streams[0]);
        peer.streams.clear();
    }

    /// Receives from `from` until the end of the stream.
    std::vector<std::byte> receive_all(stream& from, std::size_t most)
    {
        std::vector<std::byte> all;
        std::vector<std::byte> buffer(64 * 1024);
        while (all.size() < most) {
            transfer_outcome got;
            REQUIRE(from.receive(buffer, store_in(got)).has_value());
            REQUIRE(on.until([&] { return got.has_value(); }));
            if (!*got || **got == 0)
                break;
            all.insert(all.end(), buffer.begin(),
                       buffer.begin() + static_cast<std::ptrdiff_t>(**got));
        }
        return all;
    }

    rig on;
    server peer{*on};
    stream near;
    stream far;
    std::optional<link> dialling;
};

} // namespace

TEST_CASE("a stream carries eight megabytes correctly")
{
    tcp_connection both;
    const auto bytes = pattern(8u << 20);
    transfer_outcome sent;
    REQUIRE(both.near.send(bytes, store_in(sent)).has_value());
    CHECK(both.receive_all(both.far, bytes.size()) == bytes);
    REQUIRE(both.on.until([&] { return sent.has_value(); }));
    REQUIRE(sent->has_value());
    CHECK(**sent == bytes.size());
    CHECK(both.near.bytes_sent() == bytes.size());
    CHECK(both.far.bytes_received() == bytes.size());
    CHECK(both.near.local_address() == both.far.peer_address());
    CHECK(both.near.peer_address() == both.far.local_address());
}

TEST_CASE("pieces are sent in order, even empty ones and more than one call takes")
{
    tcp_connection both;
    const auto bytes = pattern(300 * 1000);
    std::vector<std::span<const std::byte>> pieces;
    for (std::size_t from = 0; from < bytes.size(); from += 1000) {
        pieces.push_back(std::span(bytes).subspan(from, 1000));
        pieces.push_back({});
    }
    transfer_outcome sent;
    REQUIRE(both.far.send(pieces, store_in(sent)).has_value());
    CHECK(both.receive_all(both.near, bytes.size()) == bytes);
    REQUIRE(both.on.until([&] { return sent.has_value(); }));
    CHECK(**sent == bytes.size());
}

TEST_CASE("a stream that finished sending goes on receiving")
{
    tcp_connection both;
    REQUIRE(both.near.shutdown_send().has_value());
    CHECK(both.receive_all(both.far, 1).empty());
    const auto bytes = pattern(1000);
    transfer_outcome sent;
    REQUIRE(both.far.send(bytes, store_in(sent)).has_value());
    CHECK(both.receive_all(both.near, bytes.size()) == bytes);
    transfer_outcome refused;
    const auto again = both.near.send(bytes, store_in(refused));
    REQUIRE_FALSE(again.has_value());
    CHECK(again.error() == errc::broken_pipe);
    CHECK(connected(*both.dialling));
}

TEST_CASE("close_after_drain delivers everything although there are unread bytes")
{
    tcp_connection both;
    const auto bytes = pattern(1u << 20);
    transfer_outcome unread;
    transfer_outcome sent;
    REQUIRE(both.far.send(std::span(bytes).first(5000), store_in(unread)).has_value());
    REQUIRE(both.near.send(bytes, store_in(sent)).has_value());
    const auto first = both.receive_all(both.far, bytes.size());
    REQUIRE(both.on.until([&] { return sent.has_value(); }));
    std::optional<error> drained;
    REQUIRE(both.near.close_after_drain(5s, [&](error e) { drained = e; }).has_value());
    CHECK(both.receive_all(both.far, 1).empty());
    both.far.close();
    REQUIRE(both.on.until([&] { return drained.has_value(); }));
    CHECK_FALSE(*drained);
    CHECK(first == bytes);
    CHECK(both.near.native_handle() == -1);
}

TEST_CASE("close_after_drain ends at its timeout when the peer never finishes")
{
    tcp_connection both;
    std::optional<error> drained;
    REQUIRE(both.near.close_after_drain(20ms, [&](error e) { drained = e; }).has_value());
    REQUIRE(both.on.until([&] { return drained.has_value(); }));
    CHECK(*drained == errc::timed_out);
}

TEST_CASE("a reset is read by the peer as connection_reset")
{
    tcp_connection both;
    std::array<std::byte, 8> buffer{};
    transfer_outcome got;
    REQUIRE(both.far.receive(buffer, store_in(got)).has_value());
    both.near.reset();
    REQUIRE(both.on.until([&] { return got.has_value(); }));
    REQUIRE_FALSE(got->has_value());
    CHECK(got->error() == errc::connection_reset);
}

TEST_CASE("closing a stream cancels its receive, and the link reconnects")
{
    tcp_connection both;
    std::array<std::byte, 8> buffer{};
    transfer_outcome got;
    REQUIRE(both.near.receive(buffer, store_in(got)).has_value());
    both.near.close();
    CHECK_FALSE(got.has_value());
    REQUIRE(both.on.until([&] { return got.has_value(); }));
    CHECK(got->error() == errc::cancelled);
    CHECK(both.on.until([&] { return both.dialling->status().generation == 2; }));
}

TEST_CASE("one receive and one send at a time")
{
    tcp_connection both;
    std::array<std::byte, 8> buffer{};
    transfer_outcome got;
    transfer_outcome none;
    REQUIRE(both.near.receive(buffer, store_in(got)).has_value());
    CHECK(both.near.receive(buffer, store_in(none)).error() == errc::in_progress);
    const auto bytes = pattern(16u << 20);
    transfer_outcome sent;
    REQUIRE(both.near.send(bytes, store_in(sent)).has_value());
    CHECK(both.near.send(bytes, store_in(none)).error() == errc::in_progress);
    CHECK(both.near.shutdown_send().error() == errc::in_progress);
    both.near.close();
    REQUIRE(both.on.until([&] { return got.has_value() && sent.has_value(); }));
    CHECK_FALSE(none.has_value());
}

TEST_CASE("an empty or closed stream returns invalid_state")
{
    stream empty;
    CHECK_FALSE(static_cast<bool>(empty));
    std::array<std::byte, 8> buffer{};
    CHECK(empty.receive(buffer, {}).error() == errc::invalid_state);
    CHECK(empty.send(buffer, {}).error() == errc::invalid_state);
    CHECK(empty.shutdown_send().error() == errc::invalid_state);
    CHECK(empty.close_after_drain(1s).error() == errc::invalid_state);
    CHECK(empty.native_handle() == -1);
    CHECK(empty.peer_address() == address{});
    empty.close();
    empty.reset();
    tcp_connection both;
    both.dialling->stop();
    REQUIRE(both.on.until([&] { return both.near.native_handle() == -1; }));
    CHECK(both.near.send(buffer, {}).error() == errc::invalid_state);
    CHECK(both.near.receive(buffer, {}).error() == errc::invalid_state);
}

TEST_CASE("a stream refuses calls from another thread than its loop's, but may be closed there")
{
    tcp_connection both;
    REQUIRE((*both.on).start_thread().has_value());
    std::array<std::byte, 8> buffer{};
    CHECK(both.near.receive(buffer, {}).error() == errc::invalid_state);
    CHECK(both.near.send(buffer, {}).error() == errc::invalid_state);
    both.near.close();
    both.on->stop();
    CHECK(both.on.until([&] { return both.dialling->status().generation == 2; }));
}

} // namespace slk::link_tests
