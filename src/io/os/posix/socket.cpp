// SPDX-License-Identifier: MPL-2.0
#include "io/os/local_socket.hpp"
#include "io/os/posix/sockaddr.hpp"
#include "io/os/system.hpp"

#include <cerrno>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

namespace slk::io::os {

namespace {

int descriptor(native_handle handle) noexcept
{
    return static_cast<int>(handle);
}

unexpected last_error(phase in)
{
    return fail(translate(errno, in));
}

bool set_integer(int fd, int level, int name, int value) noexcept
{
    return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/// Binding to port 0 asks for any port: the failure means that all are used up, not that the
/// address is in use.
error bind_error(const address& local, phase in) noexcept
{
    error failure = translate(errno, in);
    if (failure == errc::address_in_use && local.port == 0)
        failure.code = errc::no_local_port;
    return failure;
}

/// The level and name of a stream socket's option; level < 0: this system does not have it.
struct option_place {
    int level = -1;
    int name = 0;
};

option_place place_of(socket_option option, address_family family) noexcept
{
    // Linux takes SO_KEEPALIVE for a local socket as well, where it does nothing.
    const bool buffer =
        option == socket_option::send_buffer || option == socket_option::receive_buffer;
    if (family == address_family::local && !buffer)
        return {};
    switch (option) {
    case socket_option::no_delay: return {IPPROTO_TCP, TCP_NODELAY};
    case socket_option::keep_alive: return {SOL_SOCKET, SO_KEEPALIVE};
#if defined(TCP_KEEPIDLE)
    case socket_option::keep_alive_idle: return {IPPROTO_TCP, TCP_KEEPIDLE};
#elif defined(TCP_KEEPALIVE)
    case socket_option::keep_alive_idle: return {IPPROTO_TCP, TCP_KEEPALIVE};
#else
    case socket_option::keep_alive_idle: return {};
#endif
#if defined(TCP_KEEPINTVL)
    case socket_option::keep_alive_interval: return {IPPROTO_TCP, TCP_KEEPINTVL};
    case socket_option::keep_alive_count: return {IPPROTO_TCP, TCP_KEEPCNT};
#else
    case socket_option::keep_alive_interval: return {};
    case socket_option::keep_alive_count: return {};
#endif
    case socket_option::send_buffer: return {SOL_SOCKET, SO_SNDBUF};
    case socket_option::receive_buffer: return {SOL_SOCKET, SO_RCVBUF};
    case socket_option::type_of_service:
        return family == address_family::ipv6 ? option_place{IPPROTO_IPV6, IPV6_TCLASS}
                                              : option_place{IPPROTO_IP, IP_TOS};
#if defined(TCP_USER_TIMEOUT)
    case socket_option::user_timeout: return {IPPROTO_TCP, TCP_USER_TIMEOUT};
#else
    case socket_option::user_timeout: return {};
#endif
    }
    return {};
}

/// An IPv6 socket with an IPv4 peer, as a dual-stack listener accepts them, sends IPv4 packets:
/// options that are set for IPv6 do not reach them (RFC 3493 section 3.7).
bool carries_ipv4(int fd, address_family family) noexcept
{
    if (family != address_family::ipv6)
        return false;
    sockaddr_in6 local{};
    socklen_t length = sizeof local;
    return ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length) == 0 &&
           IN6_IS_ADDR_V4MAPPED(&local.sin6_addr);
}

} // namespace

result<void> start_network()
{
    return {};
}

result<native_handle> open_stream(address_family family)
{
    if (family == address_family::none)
        return fail(errc::address_family_not_supported, phase::open);
    const int protocol = family == address_family::local ? 0 : IPPROTO_TCP;
#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
    const int fd =
        ::socket(native_family(family), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    if (fd < 0)
        return last_error(phase::open);
#else
    const int fd = ::socket(native_family(family), SOCK_STREAM, protocol);
    if (fd < 0)
        return last_error(phase::open);
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || ::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        const error failure = translate(errno, phase::open);
        ::close(fd);
        return fail(failure);
    }
#endif
#if defined(SO_NOSIGPIPE)
    (void)set_integer(fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
    return native_handle{fd};
}

result<void> bind_source(native_handle handle, address_family family,
                         const std::optional<address>& source, bool& bound)
{
    if (!source)
        return {}; // connect(2) chooses; binding to the wildcard would reserve a port early
    if (source->family != family)
        return fail(errc::invalid_argument, phase::bind, "the source is of another family");
    const int fd = descriptor(handle);
    if (source->port != 0) {
        // The port may still be in TIME_WAIT from this link's last connection.
        if (!set_integer(fd, SOL_SOCKET, SO_REUSEADDR, 1))
            return last_error(phase::bind);
    } else {
#if defined(IP_BIND_ADDRESS_NO_PORT)
        // Best effort: without it the port is unique among all peers instead of per peer.
        (void)set_integer(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
#endif
    }
    const native_address native = to_native(*source);
    if (::bind(fd, native.get(), native.length) != 0)
        return fail(bind_error(*source, phase::bind));
    bound = true;
    return {};
}

namespace {

/// A descriptor that listens already.
result<native_handle> take_over(int fd)
{
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return fail(translate(errno, phase::listen));
    return native_handle{fd};
}

} // namespace

result<native_handle> open_listener(const address& local, const listen_settings& settings)
{
    if (settings.descriptor != invalid_handle)
        return take_over(static_cast<int>(settings.descriptor));
    if (local.family == address_family::local)
        return open_local_listener(settings);
    SLK_TRY(const native_handle handle, open_stream(local.family));
    const int fd = descriptor(handle);
    const native_address native = to_native(local);
    error failure;
    if (!set_integer(fd, SOL_SOCKET, SO_REUSEADDR, 1))
        failure = translate(errno, phase::listen);
    else if (local.family == address_family::ipv6 &&
             !set_integer(fd, IPPROTO_IPV6, IPV6_V6ONLY, settings.dual_stack ? 0 : 1))
        failure = translate(errno, phase::listen);
    else if (::bind(fd, native.get(), native.length) != 0)
        failure = bind_error(local, phase::listen);
    else if (::listen(fd, settings.backlog) != 0)
        failure = bind_error(local, phase::listen);
    if (failure) {
        close(handle, close_mode::graceful);
        return fail(failure);
    }
    return handle;
}

duration max_release_time() noexcept
{
#if defined(__linux__)
    return std::chrono::milliseconds(100);
#else
    return duration::zero();
#endif
}

result<address> local_address(native_handle handle)
{
    native_address native;
    native.length = sizeof native.storage;
    if (::getsockname(descriptor(handle), native.get(), &native.length) != 0)
        return last_error(phase::none);
    return from_native(native.get());
}

result<address> peer_address(native_handle handle)
{
    native_address native;
    native.length = sizeof native.storage;
    if (::getpeername(descriptor(handle), native.get(), &native.length) != 0)
        return last_error(phase::none);
    return from_native(native.get());
}

result<void> set_option(native_handle handle, address_family family, socket_option option,
                        int value)
{
    if (option == socket_option::type_of_service && carries_ipv4(descriptor(handle), family))
        family = address_family::ipv4;
    const option_place place = place_of(option, family);
    if (place.level < 0)
        return fail(errc::not_supported, phase::tune);
    if (!set_integer(descriptor(handle), place.level, place.name, value))
        return last_error(phase::tune);
    return {};
}

result<void> bind_to_device(native_handle handle, std::string_view device)
{
#if defined(SO_BINDTODEVICE)
    if (::setsockopt(descriptor(handle), SOL_SOCKET, SO_BINDTODEVICE, device.data(),
                     static_cast<socklen_t>(device.size())) != 0) {
        error failure = translate(errno, phase::bind);
        if (failure.native == ENODEV) // the interface that we were to use is not this machine's
            failure.code = errc::address_not_available;
        return fail(failure);
    }
    return {};
#else
    (void)handle;
    (void)device;
    return fail(errc::not_supported, phase::bind);
#endif
}

result<void> shutdown_send(native_handle handle)
{
    if (::shutdown(descriptor(handle), SHUT_WR) != 0)
        return last_error(phase::close);
    return {};
}

void close(native_handle handle, close_mode mode) noexcept
{
    const int fd = descriptor(handle);
    if (mode == close_mode::reset) {
        const linger no_wait{1, 0};
        (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &no_wait, sizeof no_wait);
    }
    (void)::close(fd);
}

} // namespace slk::io::os
