// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_INTEROP_RIG_HPP
#define SLK_TESTS_INTEROP_RIG_HPP

/// What the tests against libzmq share: sockets of ours, where to meet, and bounded waiting.

#include <serverlink/context.hpp>
#include <serverlink/dealer.hpp>
#include <serverlink/pair.hpp>
#include <serverlink/pull.hpp>
#include <serverlink/push.hpp>
#include <serverlink/router.hpp>

#include "foreign.hpp"
#include "parts.hpp"
#include "raw_peer.hpp"

#include <doctest/doctest.h>

#include <zmq.h>

#include <functional>
#include <string>
#include <utility>

namespace slk::testing {

/// On the backend SLK_TEST_BACKEND, or else the best.
[[nodiscard]] context make_context(int threads = 1);

template <class Socket, class Options>
Options taken_by(result<Socket> (*create)(context&, Options));
template <class Socket>
using options_of = decltype(taken_by<Socket>(&Socket::create));

template <class Socket>
[[nodiscard]] Socket make(context& in, options_of<Socket> options = {})
{
    auto made = Socket::create(in, std::move(options));
    REQUIRE_MESSAGE(made.has_value(), to_string(made.error()));
    return std::move(*made);
}

/// Options with which a link tries again at once.
template <class Options = socket_options>
[[nodiscard]] Options quick(Options options = {})
{
    options.reconnect.base = 1ms;
    options.reconnect.floor = 0ms;
    options.reconnect.cap = 2ms;
    return options;
}

std::string bind_at(socket& which, const std::string& wanted = "tcp://127.0.0.1:*");
void connect_to(socket& which, const std::string& endpoint);

/// Where to listen. A file goes with it.
class meeting_place {
public:
    enum class kind { tcp, ipc_file, ipc_abstract };

    explicit meeting_place(kind of);
    meeting_place(const meeting_place&) = delete;
    meeting_place& operator=(const meeting_place&) = delete;
    ~meeting_place();

    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::string text_;
    std::string file_;
};

inline constexpr meeting_place::kind all_kinds[] = {
    meeting_place::kind::tcp, meeting_place::kind::ipc_file, meeting_place::kind::ipc_abstract};

/// Looks again and again; for sockets whose context has a thread. The bound only ends a hang.
bool until(const std::function<bool()>& reached, std::chrono::milliseconds timeout = test_timeout);

bool send_to(auto& ours, const parts& whole, const timeout& timeout = test_timeout)
{
    return ours.send(to_multipart(whole), timeout).has_value();
}

/// Nothing came, or it is no message: no parts.
parts receive_from(auto& ours, const timeout& timeout = test_timeout)
{
    multipart got;
    return ours.receive(got, timeout) ? to_parts(got) : parts{};
}

/// A message of a peer of this ROUTER.
struct routed_parts {
    peer_id from;
    parts whole;
};
routed_parts receive_routed(router& ours, const timeout& timeout = test_timeout);

/// The only endpoint of the socket.
[[nodiscard]] endpoint_status status_of(const socket& which);

/// A program of tests/interop/peers, for a child_process; empty if there is no pyzmq to run it.
[[nodiscard]] std::vector<std::string> peer_program(const std::string& name,
                                                    std::vector<std::string> arguments);
[[nodiscard]] bool have_pyzmq();

} // namespace slk::testing

#endif
