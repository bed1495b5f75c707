// SPDX-License-Identifier: MPL-2.0

// Where sockets are bound and connected.

#include <serverlink/endpoint.hpp>

#include "base/try_allocate.hpp"
#include "io/os/local_socket.hpp"
#include "libzmq/errors.hpp"
#include "libzmq/socket.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace slk::libzmq {

namespace {

constexpr std::size_t max_ipc_path = 107; // unix(7)

/// What the C++ API would refuse about it, with the reasons of libzmq: 0 or an errno.
int check_endpoint(const socket_object& of, std::string_view text, endpoint_kind kind) noexcept
{
    // A STREAM is what speaks raw TCP.
    if (of.values.get<ZMQ_ROUTER_RAW>() != 0)
        return ENOTSUP;
    constexpr std::string_view ipc = "ipc://";
    if (text.starts_with(ipc) && text.size() - ipc.size() > max_ipc_path)
        return ENAMETOOLONG;
    // For the drafts RADIO and DISH only.
    if (text.starts_with("udp://"))
        return ENOCOMPATPROTO;
    const auto parsed = endpoint::parse(text);
    if (!parsed)
        return parsed.error() == errc::not_supported ? EPROTONOSUPPORT : errno_of(parsed.error());
    if (parsed->transport == transport::inproc)
        return 0;
    if (parsed->transport == transport::ipc && !io::os::check_local_name("any"))
        return EPROTONOSUPPORT;
    // Nothing goes out unencrypted because a key is missing.
    if (of.values.lacks_keys())
        return EINVAL;
    const auto numeric = parsed->numeric();
    if (kind == endpoint_kind::bound && numeric && numeric->family == address_family::ipv6 &&
        of.values.get<ZMQ_IPV6>() == 0)
        return ENODEV;
    return of.within.with_values([&](const context_values& common) {
        const int threads = common.io_threads;
        const std::uint64_t affinity = of.values.affinity;
        const bool no_thread = threads == 0 || (affinity != 0 && threads < 64 &&
                                                (affinity & ((1ULL << threads) - 1)) == 0);
        return no_thread ? EMTHREAD : 0;
    });
}

/// A second connection to the same place would get, or send, everything twice: for these types it
/// is the first one.
bool is_connected_already(socket_object& of, std::string_view text)
{
    const socket_type type = of.socket.type();
    const bool once = type == socket_type::dealer || type == socket_type::req ||
                      type == socket_type::sub || type == socket_type::pub;
    if (!once || text.starts_with("inproc://"))
        return false;
    return of.socket.has_endpoint(endpoint_kind::connected, text).value_or(false);
}

/// What the socket binds to: with the option IPV6 every address is one of IPv6, and the wildcard is
/// for both families. Empty: memory is exhausted.
std::string with_family(const socket_object& of, std::string_view text) noexcept
{
    constexpr std::string_view wildcard = "tcp://*:";
    if (of.values.get<ZMQ_IPV6>() != 0 && text.starts_with(wildcard))
        return joined({"tcp://[::]:", text.substr(wildcard.size())});
    const auto parsed = endpoint::parse(text);
    const auto numeric = parsed ? parsed->numeric() : std::nullopt;
    if (of.values.get<ZMQ_IPV6>() == 0 || !numeric || numeric->family != address_family::ipv4)
        return joined({text});
    return joined({"tcp://[::ffff:", parsed->host, "]", text.substr(text.rfind(':'))});
}

int bind(socket_object& which, std::string_view text)
{
    if (const int wrong = check_endpoint(which, text, endpoint_kind::bound); wrong != 0)
        return fail(wrong);
    const std::string at = with_family(which, text);
    if (at.empty())
        return fail(ENOMEM);
    const auto bound = which.socket.bind(at);
    if (bound)
        return 0;
    // The system was not asked: there is no network interface of that name.
    if (bound.error() == errc::address_not_available && bound.error().native == 0)
        return fail(ENODEV);
    return answer(bound);
}

int connect(socket_object& which, std::string_view text)
{
    if (const int wrong = check_endpoint(which, text, endpoint_kind::connected); wrong != 0)
        return fail(wrong);
    // A program that wants a proxy does not want to be seen without it.
    if (!which.values.socks_proxy.empty() && text.starts_with("tcp://"))
        return fail(ENOTSUP);
    if (is_connected_already(which, text))
        return 0;
    const bool is_named = !which.next_peer.empty();
    const auto connected =
        which.socket.connect(text, {.routing_id = std::exchange(which.next_peer, std::string())});
    // The program asks for this id, and sends to the peer by it, also before it is connected.
    if (connected && !is_named && which.socket.type() == socket_type::stream)
        if (auto peer = which.socket.peer_at(text))
            which.connected_peer = std::move(peer->routing_id);
    return answer(connected);
}

/// Either call takes back the endpoints of both.
int withdraw(socket_object& which, std::string_view text)
{
    if (const auto parsed = endpoint::parse(text); !parsed)
        return fail(parsed.error() == errc::not_supported ? EPROTONOSUPPORT
                                                          : errno_of(parsed.error()));
    auto done = which.socket.unbind_in_background(text, which.linger());
    if (!done && done.error() == errc::invalid_argument)
        done = which.socket.disconnect_in_background(text, which.linger());
    // There is no such endpoint.
    return !done && done.error() == errc::invalid_argument ? fail(ENOENT) : answer(done);
}

/// Makes the call for a socket and an endpoint that are there.
template <class Call>
int with(void* handle, const char* endpoint, Call call)
{
    socket_object* const which = socket_object::find(handle);
    if (which == nullptr)
        return fail(ENOTSOCK);
    if (const auto usable = which->socket.usable(); !usable)
        return answer(usable);
    return endpoint != nullptr ? call(*which, endpoint) : fail(EINVAL);
}

} // namespace

} // namespace slk::libzmq

using namespace slk::libzmq;

int zmq_bind(void* socket, const char* endpoint)
{
    return with(socket, endpoint, slk::libzmq::bind);
}

int zmq_connect(void* socket, const char* endpoint)
{
    return with(socket, endpoint, slk::libzmq::connect);
}

int zmq_unbind(void* socket, const char* endpoint)
{
    return with(socket, endpoint, withdraw);
}

int zmq_disconnect(void* socket, const char* endpoint)
{
    return with(socket, endpoint, withdraw);
}
