// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_INTEROP_INTEROP_RIG_HPP
#define SLK_TESTS_INTEROP_INTEROP_RIG_HPP

/// What the tests against libzmq share: endpoints of every transport, messages of parts, and the
/// programs of pyzmq.

#include <serverlink/serverlink.hpp>

#include "libzmq_socket.hpp"
#include "parts.hpp"
#include "raw_peer.hpp"
#include "support/sockets.hpp"
#include "support/zmtp_handshake.hpp"

#include <doctest/doctest.h>

#include <zmq.h>

#include <string>
#include <utility>

namespace slk::testing {

/// An endpoint to bind. Its file, if it has one, is removed by the destructor.
class test_endpoint {
public:
    enum class transport { tcp, ipc_file, ipc_abstract };

    explicit test_endpoint(transport of);
    test_endpoint(const test_endpoint&) = delete;
    test_endpoint& operator=(const test_endpoint&) = delete;
    ~test_endpoint();

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
    std::string file_;
};

inline constexpr test_endpoint::transport all_transports[] = {
    test_endpoint::transport::tcp, test_endpoint::transport::ipc_file,
    test_endpoint::transport::ipc_abstract};

bool send_to(auto& ours, const parts& whole, const timeout& limit = test_timeout)
{
    return ours.send(to_multipart(whole), limit).has_value();
}

/// The parts of the next message; no parts if none came.
parts receive_from(auto& ours, const timeout& limit = test_timeout)
{
    multipart got;
    return ours.receive(got, limit) ? texts_of(got) : parts{};
}

/// A message that a ROUTER received.
struct routed_parts {
    peer_id from;
    parts whole;
};
routed_parts receive_routed(router& ours, const timeout& limit = test_timeout);

/// The command line of a program in tests/interop/peers, for a child_process; empty if there is no
/// pyzmq to run it.
[[nodiscard]] std::vector<std::string> peer_program(const std::string& name,
                                                    std::vector<std::string> arguments);
[[nodiscard]] bool have_pyzmq();

} // namespace slk::testing

#endif
