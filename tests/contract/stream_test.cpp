// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"

using namespace slk;
using namespace slk::contract;

SLK_CONTRACT_TEST("E1: a burst of 1 MiB arrives whole, with no further event")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    const auto block = pattern(1 << 20);
    std::size_t sent = 0;
    std::vector<std::byte> got;
    std::vector<std::byte> buffer(1000); // does not divide it
    send_op sending;
    receive_op receiving;
    REQUIRE(loop.run_until([&] {
        if (!sending.in_flight() && sent < block.size()) {
            CHECK(!sending.failure);
            sent += sending.transferred;
            if (sent < block.size())
                loop.send(sending, link.client, std::span(block).subspan(sent));
        }
        if (!receiving.in_flight()) {
            CHECK(!receiving.failure);
            got.insert(got.end(), buffer.begin(),
                       buffer.begin() + static_cast<std::ptrdiff_t>(receiving.transferred));
            if (got.size() < block.size())
                loop.receive(receiving, link.server, buffer);
        }
        return got.size() == block.size() && !sending.in_flight();
    }));
    CHECK(got == block);
}

SLK_CONTRACT_TEST("E1: data and the end of the stream that come together are both received")
{
    rig loop(backend);
    const io::socket_id listener = loop.listen();
    for (int round = 0; round < 200; ++round) {
        const socket_pair link = loop.connect_pair(listener);
        receive_op receiving;
        std::array<std::byte, 64> buffer;
        loop.receive(receiving, link.server, buffer); // so that the socket is being watched
        loop.turns(1);
        send_op sending;
        const auto bytes = pattern(10);
        loop.send(sending, link.client, bytes);
        REQUIRE(loop->shutdown_send(link.client).has_value()); // no turn between
        REQUIRE(loop.run_until([&] { return sending.done() && receiving.done(); }));
        REQUIRE(receiving.transferred == 10);
        if (round % 2 == 0)
            loop->close(link.client);
        loop.receive(receiving, link.server, buffer); // the end of the stream
        REQUIRE(loop.finish(receiving));
        CHECK(receiving.failure == errc::ok);
        CHECK(receiving.transferred == 0);
        loop->close(link.client);
        loop->close(link.server);
    }
}

SLK_CONTRACT_TEST("E17: after the peer's half-close the other direction still works")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    REQUIRE(loop.send_all(link.client, pattern(100)));
    REQUIRE(loop->shutdown_send(link.client).has_value());
    CHECK(loop.receive_all(link.server, 1000) == pattern(100));
    const auto reply = pattern(300000, 7);
    std::size_t sent = 0;
    std::vector<std::byte> got;
    std::vector<std::byte> buffer(1 << 16);
    send_op sending;
    receive_op receiving;
    REQUIRE(loop.run_until([&] {
        if (!sending.in_flight() && sent < reply.size()) {
            sent += sending.transferred;
            REQUIRE(!sending.failure);
            if (sent < reply.size())
                loop.send(sending, link.server, std::span(reply).subspan(sent));
        }
        if (!receiving.in_flight()) {
            got.insert(got.end(), buffer.begin(),
                       buffer.begin() + static_cast<std::ptrdiff_t>(receiving.transferred));
            if (got.size() < reply.size())
                loop.receive(receiving, link.client, buffer);
        }
        return got.size() == reply.size() && !sending.in_flight();
    }));
    CHECK(got == reply);
}

SLK_CONTRACT_TEST("Rule 9: receives, and sends, of one socket complete in their order")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    constexpr std::size_t count = 16;
    std::array<receive_op, count> receiving;
    std::array<send_op, count> sending;
    std::array<std::array<std::byte, 100>, count> buffers;
    std::vector<std::size_t> received;
    std::vector<std::size_t> sent;
    const auto bytes = pattern(100 * count);
    for (std::size_t index = 0; index < count; ++index) {
        receiving[index].then = [&, index] { received.push_back(index); };
        sending[index].then = [&, index] { sent.push_back(index); };
        loop.receive(receiving[index], link.server, buffers[index]);
    }
    for (std::size_t index = 0; index < count; ++index)
        loop.send(sending[index], link.client, std::span(bytes).subspan(100 * index, 100));
    const bool all = loop.run_until([&] { return sent.size() == count && receiving[0].done(); });
    REQUIRE(all);
    loop.run_until([&] { return received.size() == count; }, 200ms);
    // A stream has no boundaries: a receive may have taken a part of the next one's bytes.
    std::vector<std::byte> got;
    for (std::size_t index = 0; index < received.size(); ++index) {
        CHECK(received[index] == index);
        got.insert(got.end(), buffers[index].begin(),
                   buffers[index].begin() +
                       static_cast<std::ptrdiff_t>(receiving[index].transferred));
    }
    CHECK(got == pattern(got.size()));
    for (std::size_t index = 0; index < count; ++index)
        CHECK(sent[index] == index);
    loop.end();
}

SLK_CONTRACT_TEST(
    "Rule 4: a gather of many buffers is taken in order, and its list may end at once")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    const auto bytes = pattern(200 * 7);
    std::vector<std::byte> got;
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        send_op op;
        {
            // With empty ones in between, and more than any system takes at once.
            std::vector<std::span<const std::byte>> parts;
            for (std::size_t from = sent; from < bytes.size(); from += 7) {
                parts.emplace_back();
                parts.push_back(
                    std::span(bytes).subspan(from, std::min<std::size_t>(7, bytes.size() - from)));
            }
            loop->send(op, link.client, parts);
            std::fill(parts.begin(), parts.end(), std::span<const std::byte>());
        }
        REQUIRE(loop.finish(op));
        REQUIRE(op.failure == errc::ok);
        REQUIRE(op.transferred > 0);
        sent += op.transferred;
    }
    CHECK(loop.receive_all(link.server, bytes.size()) == bytes);

    send_op nothing;
    loop->send(nothing, link.client, {});
    REQUIRE(loop.finish(nothing));
    CHECK(nothing.failure == errc::invalid_argument);
}

SLK_CONTRACT_TEST("Rule 4: the list of a send that has to wait may end at once too")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    const auto block = pattern(1 << 20);
    std::size_t sent = 0;
    send_op sending;
    bool waits = false;
    while (!waits) {
        std::vector<std::span<const std::byte>> parts;
        const std::size_t from = sent % block.size();
        const std::size_t half = (block.size() - from) / 2;
        parts.push_back(std::span(block).subspan(from, half));
        parts.push_back(std::span(block).subspan(from + half));
        loop->send(sending, link.client, parts);
        std::fill(parts.begin(), parts.end(), std::span<const std::byte>());
        waits = !loop.run_until([&] { return sending.done(); }, 50ms);
        if (!waits)
            sent += sending.transferred;
        REQUIRE(sent < std::size_t{1} << 30);
    }
    // Now the peer reads, and the waiting send goes on.
    std::vector<std::byte> buffer(1 << 16);
    receive_op receiving;
    std::size_t received = 0;
    bool right = true;
    REQUIRE(loop.run_until([&] {
        if (!receiving.in_flight()) {
            for (std::size_t index = 0; index < receiving.transferred; ++index)
                right = right && buffer[index] == block[(received + index) % block.size()];
            received += receiving.transferred;
            receiving.transferred = 0;
            if (sending.done() && received >= sent + sending.transferred)
                return true;
            loop.receive(receiving, link.server, buffer);
        }
        return false;
    }));
    CHECK(right);
    CHECK(sending.failure == errc::ok);
    CHECK(received == sent + sending.transferred);
}

SLK_CONTRACT_TEST("Rule 15: an empty receive waits for data, takes nothing, and holds no buffer")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    receive_op waiting;
    for (int round = 0; round < 20; ++round) {
        loop.receive(waiting, link.server, {});
        loop.turns(3);
        CHECK(waiting.in_flight());
        REQUIRE(loop.send_all(link.client, pattern(20)));
        REQUIRE(loop.finish(waiting));
        CHECK(waiting.failure == errc::ok);
        CHECK(waiting.transferred == 0);
        CHECK(loop.receive_all(link.server, 20) == pattern(20));
    }
    // Data that is there already.
    REQUIRE(loop.send_all(link.client, pattern(20)));
    loop.receive(waiting, link.server, {});
    REQUIRE(loop.finish(waiting));
    CHECK(loop.receive_all(link.server, 20) == pattern(20));
}

SLK_CONTRACT_TEST("Rule 15: an empty receive ends for the end of the stream and for a reset")
{
    rig loop(backend);
    for (const io::close_mode mode : {io::close_mode::graceful, io::close_mode::reset}) {
        const socket_pair link = loop.connect_pair();
        receive_op waiting;
        loop.receive(waiting, link.server, {});
        loop.turns(2);
        loop->close(link.client, mode);
        REQUIRE(loop.finish(waiting));
        std::array<std::byte, 4> buffer;
        receive_op receiving;
        loop.receive(receiving, link.server, buffer);
        REQUIRE(loop.finish(receiving));
        if (mode == io::close_mode::graceful) {
            CHECK(waiting.failure == errc::ok);
            CHECK(receiving.failure == errc::ok);
        } else {
            // The first operation that met the failure has reported it.
            const bool reported = waiting.failure == errc::connection_reset ||
                                  receiving.failure == errc::connection_reset;
            CHECK(reported);
        }
        CHECK(receiving.transferred == 0);
    }
}

SLK_CONTRACT_TEST("C11: sending to a peer that has reset is an error value, three times")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    loop->close(link.server, io::close_mode::reset);
    const auto bytes = pattern(1000);
    int failures = 0;
    for (int attempt = 0; attempt < 100 && failures < 3; ++attempt) {
        send_op sending;
        loop.send(sending, link.client, bytes);
        REQUIRE(loop.finish(sending));
        if (!sending.failure)
            continue;
        ++failures;
        const bool defined = sending.failure == errc::connection_reset ||
                             sending.failure == errc::broken_pipe ||
                             sending.failure == errc::connection_aborted;
        CHECK(defined);
    }
    CHECK(failures == 3);
}

SLK_CONTRACT_TEST("C11: sending after a half-close is an error value")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    REQUIRE(loop->shutdown_send(link.client).has_value());
    send_op sending;
    const auto bytes = pattern(10);
    loop.send(sending, link.client, bytes);
    REQUIRE(loop.finish(sending));
    CHECK(sending.failure == errc::broken_pipe);
}
