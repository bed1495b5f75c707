// SPDX-License-Identifier: MPL-2.0
#include "io/os/local_socket.hpp"
#include "io/os/system.hpp"
#include "io/os/windows/winsock.hpp"

namespace slk::io::os {

namespace {

using windows::last_error;
using windows::number_of;
using windows::socket_address;
using windows::socket_of;

// From ws2ipdef.h, ws2def.h and mstcpip.h of newer systems; an older one does not know them.
constexpr int reuse_unicast_port = 0x3007;  // SO_REUSE_UNICASTPORT, Windows 10
constexpr int keep_idle = 3;                // TCP_KEEPIDLE, Windows 10 1709
constexpr int keep_interval = 17;           // TCP_KEEPINTVL, Windows 10 1709
constexpr int keep_count = 16;              // TCP_KEEPCNT, Windows 10 1703
constexpr int max_retransmit_seconds = 5;   // TCP_MAXRT, Windows Vista
constexpr int max_retransmit_ms = 14;       // TCP_MAXRTMS, Windows 10 1607
constexpr int ipv6_traffic_class = 39;      // IPV6_TCLASS

constexpr DWORD initial_rto = IOC_IN | IOC_VENDOR | 17; // SIO_TCP_INITIAL_RTO, Windows 8
/// TCP_INITIAL_RTO_PARAMETERS with the two special values of its documentation.
struct initial_rto_parameters {
    USHORT round_trip_ms = 0xffff;        // TCP_INITIAL_RTO_UNSPECIFIED_RTT
    UCHAR max_syn_retransmissions = 0xfe; // TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS, 10 1709
};

bool set_integer(SOCKET socket, int level, int name, int value) noexcept
{
    return setsockopt(socket, level, name, reinterpret_cast<const char*>(&value), sizeof value) ==
           0;
}

result<void> bind_to(SOCKET socket, const address& local)
{
    const socket_address where = windows::to_system(local);
    if (::bind(socket, where.data(), where.length) == 0)
        return {};
    error failure = last_error(phase::bind);
    // No port was asked for, so none is in use: all are used up.
    if (local.port == 0 && (failure == errc::address_in_use || failure == errc::out_of_memory))
        failure.code = errc::no_local_port;
    return fail(failure);
}

/// Closes a socket whose setup failed.
class guarded_socket {
public:
    explicit guarded_socket(native_handle handle) noexcept : handle_(handle) {}
    guarded_socket(const guarded_socket&) = delete;
    guarded_socket& operator=(const guarded_socket&) = delete;
    ~guarded_socket()
    {
        if (handle_ != invalid_handle)
            os::close(handle_, close_mode::graceful);
    }
    [[nodiscard]] SOCKET get() const noexcept { return socket_of(handle_); }
    native_handle release() noexcept
    {
        const native_handle kept = handle_;
        handle_ = invalid_handle;
        return kept;
    }

private:
    native_handle handle_;
};

using name_call = int(WSAAPI*)(SOCKET, sockaddr*, int*);

result<address> address_by(name_call call, native_handle handle)
{
    socket_address found;
    if (call(socket_of(handle), found.data(), &found.length) != 0)
        return fail(last_error(phase::none));
    return windows::from_system(found.data());
}

result<void> outcome_of(bool done)
{
    if (!done)
        return fail(last_error(phase::tune));
    return {};
}

/// Milliseconds where the system counts them, else full seconds, rounded up.
bool set_user_timeout(SOCKET socket, int milliseconds) noexcept
{
    return set_integer(socket, IPPROTO_TCP, max_retransmit_ms, milliseconds) ||
           set_integer(socket, IPPROTO_TCP, max_retransmit_seconds,
                       milliseconds / 1000 + (milliseconds % 1000 != 0 ? 1 : 0));
}

} // namespace

result<native_handle> open_stream(address_family family)
{
    if (family == address_family::local)
        return fail(errc::not_supported, phase::open, no_local_sockets);
    const SOCKET socket = WSASocketW(number_of(family), SOCK_STREAM, IPPROTO_TCP, nullptr, 0,
                                     WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (socket == INVALID_SOCKET)
        return fail(last_error(phase::open));
    guarded_socket opened(static_cast<native_handle>(socket));
    u_long non_blocking = 1;
    if (ioctlsocket(socket, static_cast<long>(FIONBIO), &non_blocking) != 0)
        return fail(last_error(phase::open));
    return opened.release();
}

result<void> bind_source(native_handle handle, address_family family,
                         const std::optional<address>& source, bool& bound)
{
    // ConnectEx takes only a bound socket (Microsoft, ConnectEx: WSAEINVAL), and the wildcard must
    // be of the target's family, which is the socket's.
    const address local = source.value_or(address::any(family));
    if (local.family != family)
        return fail(errc::invalid_argument, phase::bind,
                    "the source address is of another family than the target");
    // The system chooses the port at connect time, when it knows the peer: the same port can then
    // serve several peers (Microsoft, SO_REUSE_UNICASTPORT). Older systems refuse it.
    if (local.port == 0)
        (void)set_integer(socket_of(handle), SOL_SOCKET, reuse_unicast_port, 1);
    SLK_TRY(bind_to(socket_of(handle), local));
    bound = true;
    return {};
}

result<native_handle> open_listener(const address& local, const listen_settings& settings)
{
    if (settings.descriptor != invalid_handle)
        return native_handle{settings.descriptor};
    SLK_TRY(const native_handle handle, open_stream(local.family));
    guarded_socket opened(handle);
    // Without it another process may bind the same port with SO_REUSEADDR and take the connections
    // (Microsoft, "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE").
    if (!set_integer(opened.get(), SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1))
        return fail(last_error(phase::bind));
    if (local.family == address_family::ipv6 &&
        !set_integer(opened.get(), IPPROTO_IPV6, IPV6_V6ONLY, settings.dual_stack ? 0 : 1))
        return fail(last_error(phase::bind));
    SLK_TRY(bind_to(opened.get(), local));
    if (::listen(opened.get(), settings.backlog) != 0)
        return fail(last_error(phase::listen));
    return opened.release();
}

duration max_release_time() noexcept
{
    return duration::zero();
}

result<address> local_address(native_handle handle)
{
    return address_by(&getsockname, handle);
}

result<address> peer_address(native_handle handle)
{
    return address_by(&getpeername, handle);
}

result<void> set_option(native_handle handle, address_family family, socket_option option,
                        int value)
{
    const SOCKET socket = socket_of(handle);
    switch (option) {
    case socket_option::no_delay:
        return outcome_of(set_integer(socket, IPPROTO_TCP, TCP_NODELAY, value));
    case socket_option::keep_alive:
        return outcome_of(set_integer(socket, SOL_SOCKET, SO_KEEPALIVE, value));
    case socket_option::keep_alive_idle:
        return outcome_of(set_integer(socket, IPPROTO_TCP, keep_idle, value));
    case socket_option::keep_alive_interval:
        return outcome_of(set_integer(socket, IPPROTO_TCP, keep_interval, value));
    case socket_option::keep_alive_count:
        return outcome_of(set_integer(socket, IPPROTO_TCP, keep_count, value));
    case socket_option::send_buffer:
        return outcome_of(set_integer(socket, SOL_SOCKET, SO_SNDBUF, value));
    case socket_option::receive_buffer:
        return outcome_of(set_integer(socket, SOL_SOCKET, SO_RCVBUF, value));
    case socket_option::type_of_service:
        return outcome_of(family == address_family::ipv6
                              ? set_integer(socket, IPPROTO_IPV6, ipv6_traffic_class, value)
                              : set_integer(socket, IPPROTO_IP, IP_TOS, value));
    case socket_option::user_timeout: return outcome_of(set_user_timeout(socket, value));
    }
    return fail(errc::invalid_argument, phase::tune, "no such socket option");
}

result<void> bind_to_device(native_handle /*handle*/, std::string_view /*device*/)
{
    return fail(errc::not_supported, phase::bind, "Windows binds to addresses, not to devices");
}

result<void> shutdown_send(native_handle handle)
{
    if (::shutdown(socket_of(handle), SD_SEND) != 0)
        return fail(last_error(phase::close));
    return {};
}

void close(native_handle handle, close_mode mode) noexcept
{
    if (mode == close_mode::reset) {
        const linger no_wait{1, 0};
        (void)setsockopt(socket_of(handle), SOL_SOCKET, SO_LINGER,
                         reinterpret_cast<const char*>(&no_wait), sizeof no_wait);
    }
    (void)closesocket(socket_of(handle));
}

void windows::do_not_repeat_the_syn(native_handle handle) noexcept
{
    initial_rto_parameters parameters;
    DWORD ignored = 0;
    (void)WSAIoctl(socket_of(handle), initial_rto, &parameters, sizeof parameters, nullptr, 0,
                   &ignored, nullptr, nullptr);
}

} // namespace slk::io::os
