// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace slk;
using namespace slk::testing;

TEST_CASE("a socket takes over a descriptor that listens already")
{
    const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(listening >= 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listening, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(listening, 8) == 0);
    socklen_t size = sizeof at;
    REQUIRE(::getsockname(listening, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    const std::string where = "tcp://127.0.0.1:" + std::to_string(ntohs(at.sin_port));

    auto in = new_context();
    socket_options options;
    options.listening_descriptor = listening;
    auto to = new_socket<pull>(in, options);
    CHECK(must(to.bind(where)) == where);
    auto from = new_socket<push>(in);
    must(from.connect(where));
    must(from.send("hello", test_timeout));
    CHECK(receive_text(to) == "hello");
    (void)to.close(0s);
    CHECK(::fcntl(listening, F_GETFD) == -1); // it was the socket's
}
