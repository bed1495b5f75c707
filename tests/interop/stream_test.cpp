// SPDX-License-Identifier: MPL-2.0

// A STREAM of ours and one of libzmq, with the same plain peers and with each other.

#include <serverlink/stream_socket.hpp>

#include "interop_rig.hpp"
#include "raw_peer.hpp"

#include <utility>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

struct our_stream {
    context mine = new_context();
    stream_socket socket = new_socket<stream_socket>(mine, reconnect_at_once());

    std::string bind() { return must(socket.bind(any_tcp)); }
    void connect(const std::string& to) { must(socket.connect(to)); }
    void send(const std::string& id, const std::string& bytes)
    {
        must(socket.send({id}, bytes, test_timeout));
    }
    /// The routing id and the bytes; nothing if no message comes.
    parts receive(std::chrono::milliseconds limit = test_timeout)
    {
        peer_id from;
        message bytes;
        return socket.receive(from, bytes, limit)
                   ? parts{from.routing_id, std::string(bytes.text())}
                   : parts{};
    }
};

struct their_stream {
    libzmq_context theirs;
    libzmq_socket socket{theirs, ZMQ_STREAM};

    std::string bind() { return socket.bind(any_tcp); }
    void connect(const std::string& to) { CHECK(socket.connect(to)); }
    void send(const std::string& id, const std::string& bytes) { CHECK(socket.send({id, bytes})); }
    parts receive(std::chrono::milliseconds limit = test_timeout)
    {
        return socket.receive(limit).value_or(parts{});
    }
};

/// The bytes of each message that a server receives from a client that it answers, and that
/// finishes; the notices are empty ones.
template <class Stream>
std::vector<std::string> messages_of_a_visit()
{
    Stream server;
    std::vector<std::string> all;
    const auto receive = [&] {
        const parts got = server.receive();
        REQUIRE(got.size() == 2);
        CHECK(got[0].size() == 5);
        CHECK(got[0][0] == '\0');
        all.push_back(got[1]);
        return got[0];
    };
    const std::string where = server.bind();
    {
        raw_peer client(where);
        const std::string id = receive();
        for (const char* const request : {"GET /", "POST /x"}) {
            REQUIRE(client.send(request));
            CHECK(receive() == id);
            server.send(id, std::string("200 ") + request);
            CHECK(client.receive(4 + std::string(request).size()) == std::string("200 ") + request);
        }
    }
    (void)receive();
    // This one is closed by the server, behind the answer.
    raw_peer client(where);
    const std::string id = receive();
    REQUIRE(client.send("GET /"));
    CHECK(receive() == id);
    server.send(id, "404");
    server.send(id, "");
    CHECK(client.receive(3) == "404");
    CHECK(server.receive(std::chrono::milliseconds(20)).empty());
    CHECK(client.is_closed());
    CHECK(server.receive(std::chrono::milliseconds(0)).empty());
    return all;
}

/// The two exchange bytes until the server closes; then the client comes again.
template <class Server, class Client>
void exchange_bytes()
{
    Server server;
    Client client;
    client.connect(server.bind());
    const parts at_client = client.receive(), at_server = server.receive();
    REQUIRE(at_client.size() == 2);
    REQUIRE(at_server.size() == 2);
    CHECK(at_client[1].empty());
    CHECK(at_server[1].empty());
    const std::string much = random_bytes(3, 300'000);
    std::string got;
    client.send(at_client[0], much);
    while (got.size() < much.size()) {
        const parts next = server.receive();
        REQUIRE(next.size() == 2);
        CHECK(next[0] == at_server[0]);
        got += next[1];
    }
    CHECK(got == much);
    server.send(at_server[0], "enough");
    server.send(at_server[0], "");
    // libzmq closes in a later call.
    std::vector<parts> client_got, server_got;
    CHECK(until([&] {
        if (parts next = client.receive(std::chrono::milliseconds(0)); !next.empty())
            client_got.push_back(std::move(next));
        if (parts next = server.receive(std::chrono::milliseconds(0)); !next.empty())
            server_got.push_back(std::move(next));
        return client_got.size() >= 3 && !server_got.empty();
    }));
    const parts notice{at_client[0], ""};
    CHECK(client_got == std::vector<parts>{{at_client[0], "enough"}, notice, notice});
    REQUIRE(server_got.size() == 1);
    CHECK(server_got[0][0] != at_server[0]);
}

} // namespace

TEST_CASE("our STREAM and one of libzmq receive the same messages of the same plain peers")
{
    const auto ours = messages_of_a_visit<our_stream>();
    CHECK(ours == messages_of_a_visit<their_stream>());
    CHECK(ours == std::vector<std::string>{"", "GET /", "POST /x", "", "", "GET /"});
}

TEST_CASE("our STREAM and one of libzmq exchange bytes, whichever connects")
{
    exchange_bytes<our_stream, their_stream>();
    exchange_bytes<their_stream, our_stream>();
}
