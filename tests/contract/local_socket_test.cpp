// SPDX-License-Identifier: MPL-2.0
// Unix domain sockets, on every backend of a POSIX system.

#include "contract/harness.hpp"
#include "support/temporary_folder.hpp"

#include <cerrno>

using namespace slk;
using namespace slk::contract;

namespace {

struct local_rig : rig {
    explicit local_rig(std::string_view backend) : rig(backend) {}

    io::socket_id listen_at(const std::string& path, int backlog = 16)
    {
        const std::string brief = path; // ends with this call
        const auto opened = (*this)->open_listener(
            address::local(), {.backlog = backlog, .dual_stack = false, .path = brief});
        REQUIRE(opened.has_value());
        return *opened;
    }

    void connect_to(connect_op& op, io::socket_id id, const std::string& path)
    {
        const std::string brief = path; // ends with this call, as rule 4 allows
        (*this)->connect(op, id, address::local(), brief);
    }

    error answer_at(const std::string& path)
    {
        connect_op connecting;
        const io::socket_id client = open(address_family::local);
        connect_to(connecting, client, path);
        CHECK_FALSE(connecting.done()); // rule 2
        REQUIRE(finish(connecting));
        (*this)->close(client);
        return connecting.failure;
    }

    socket_pair pair_at(io::socket_id listener, const std::string& path)
    {
        accept_op accepting;
        connect_op connecting;
        const io::socket_id client = open(address_family::local);
        accept(accepting, listener);
        connect_to(connecting, client, path);
        REQUIRE(run_until([&] { return accepting.done() && connecting.done(); }));
        REQUIRE(accepting.failure == errc::ok);
        REQUIRE(connecting.failure == errc::ok);
        return {client, accepting.accepted};
    }

    testing::temporary_folder folder;
    const std::string path = folder.file("socket");
};

} // namespace

SLK_BACKEND_TEST("Rule 8: a local connection has two ends, whose addresses are local ones")
{
    local_rig loop(backend);
    const io::socket_id listener = loop.listen_at(loop.path);
    CHECK(loop.address_of(listener) == address::local());
    const socket_pair ends = loop.pair_at(listener, loop.path);
    for (const io::socket_id end : {ends.client, ends.server}) {
        CHECK(loop.address_of(end) == address::local());
        CHECK(*loop->peer_address(end) == address::local());
    }
    for (const io::socket_id from : {ends.client, ends.server}) {
        const auto sent = pattern(1000);
        CHECK(loop.send_all(from, sent));
        CHECK(loop.receive_all(from == ends.client ? ends.server : ends.client, sent.size()) ==
              sent);
    }
}

SLK_BACKEND_TEST("Rule 9: more than a local socket's buffer arrives whole and in order")
{
    local_rig loop(backend);
    const socket_pair ends = loop.pair_at(loop.listen_at(loop.path), loop.path);
    const auto bytes = pattern(8u << 20);
    std::size_t sent = 0;
    send_op sending;
    const auto send_more = [&] {
        if (!sending.failure)
            sent += sending.transferred;
        if (!sending.failure && sent < bytes.size())
            loop.send(sending, ends.client, std::span(bytes).subspan(sent));
    };
    sending.then = send_more;
    loop.send(sending, ends.client, bytes);
    CHECK(loop.receive_all(ends.server, bytes.size()) == bytes);
    CHECK(loop.run_until([&] { return sent == bytes.size(); }));
}

SLK_BACKEND_TEST("a local peer that has finished sending is read to its end, and still receives")
{
    local_rig loop(backend);
    const socket_pair ends = loop.pair_at(loop.listen_at(loop.path), loop.path);
    const auto sent = pattern(100);
    CHECK(loop.send_all(ends.client, sent));
    REQUIRE(loop->shutdown_send(ends.client).has_value());
    error failure;
    CHECK(loop.receive_all(ends.server, 1000, &failure) == sent);
    CHECK(failure == errc::ok);
    CHECK(loop.send_all(ends.server, sent));
    CHECK(loop.receive_all(ends.client, sent.size()) == sent);
}

SLK_BACKEND_TEST("sending to a local peer that has gone fails, and no signal ends the process")
{
    local_rig loop(backend);
    const socket_pair ends = loop.pair_at(loop.listen_at(loop.path), loop.path);
    loop->close(ends.server);
    send_op sending;
    const auto bytes = pattern(10);
    loop.send(sending, ends.client, bytes);
    REQUIRE(loop.finish(sending));
    CHECK(sending.failure == errc::broken_pipe);
}

SLK_BACKEND_TEST("a local listener whose queue is full refuses, and takes connections again")
{
    local_rig loop(backend);
    const io::socket_id listener = loop.listen_at(loop.path, 1);
    std::vector<io::socket_id> queued;
    error full;
    while (queued.size() < 100) {
        connect_op connecting;
        const io::socket_id client = loop.open(address_family::local);
        loop.connect_to(connecting, client, loop.path);
        REQUIRE(loop.finish(connecting));
        full = connecting.failure;
        if (full)
            break;
        queued.push_back(client);
    }
    CHECK_FALSE(queued.empty());
    CHECK(full == errc::connection_refused);
    CHECK(full.phase == phase::connect);
#if defined(__linux__)
    CHECK(full.native == EAGAIN);
    CHECK(std::string_view(full.detail) == "the listener's queue is full");
#endif
    accept_op accepting;
    loop.accept(accepting, listener);
    REQUIRE(loop.finish(accepting));
    CHECK(loop.answer_at(loop.path) == errc::ok);
}

SLK_BACKEND_TEST("a local target without a listener refuses, with or without its file")
{
    local_rig loop(backend);
    const error missing = loop.answer_at(loop.path);
    CHECK(missing == errc::connection_refused);
    CHECK(missing.native == ENOENT);
    loop->close(loop.listen_at(loop.path)); // leaves its file
    const error left = loop.answer_at(loop.path);
    CHECK(left == errc::connection_refused);
    CHECK(left.native == ECONNREFUSED);
    CHECK(loop.answer_at(loop.path + "/below") == errc::connection_refused);
}

SLK_BACKEND_TEST("a local connect without a path, or on another socket, is an error value")
{
    local_rig loop(backend);
    CHECK(loop.answer_at("") == errc::invalid_argument);
    connect_op connecting;
    const io::socket_id tcp = loop.open();
    loop.connect_to(connecting, tcp, loop.path);
    REQUIRE(loop.finish(connecting));
    CHECK(connecting.failure == errc::invalid_argument);
}

SLK_BACKEND_TEST("Rule 6: accepts and receives of a local socket that is closed are cancelled")
{
    local_rig loop(backend);
    const io::socket_id listener = loop.listen_at(loop.path);
    const socket_pair ends = loop.pair_at(listener, loop.path);
    accept_op accepting;
    receive_op receiving;
    std::array<std::byte, 10> buffer{};
    loop.accept(accepting, listener);
    loop.receive(receiving, ends.client, buffer);
    loop.turns(2);
    CHECK_FALSE(accepting.done());
    CHECK_FALSE(receiving.done());
    loop->close(listener);
    loop->close(ends.client);
    REQUIRE(loop.run_until([&] { return accepting.done() && receiving.done(); }));
    CHECK(accepting.failure == errc::cancelled);
    CHECK(receiving.failure == errc::cancelled);
}

SLK_BACKEND_TEST("a local socket has buffers to set, and none of TCP's options")
{
    local_rig loop(backend);
    const io::socket_id id = loop.open(address_family::local);
    using enum io::socket_option;
    for (const io::socket_option option :
         {no_delay, keep_alive, keep_alive_idle, keep_alive_interval, keep_alive_count,
          type_of_service, user_timeout}) {
        const auto set = loop->set_option(id, option, 1);
        REQUIRE_FALSE(set.has_value());
        CHECK(set.error() == errc::not_supported);
    }
    CHECK(loop->set_option(id, send_buffer, 10'000).has_value());
    CHECK(loop->set_option(id, receive_buffer, 10'000).has_value());
    const auto bound = loop->bind_to_device(id, "lo");
    REQUIRE_FALSE(bound.has_value());
    CHECK(bound.error() == errc::not_supported);
}
