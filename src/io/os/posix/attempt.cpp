// SPDX-License-Identifier: MPL-2.0
#include "io/os/attempt.hpp"

#include "io/os/local_socket.hpp"
#include "io/os/posix/sockaddr.hpp"
#include "io/os/system.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace slk::io::os {

namespace {

#if defined(MSG_NOSIGNAL)
constexpr int no_signal = MSG_NOSIGNAL;
#else
constexpr int no_signal = 0; // SO_NOSIGPIPE was set when the socket was opened
#endif

/// The number of tries of a call that fails for a temporary reason, so that a storm of them cannot
/// hold the loop.
constexpr int max_retries = 16;

constexpr error not_yet{errc::would_block, phase::none, EAGAIN, nullptr};

bool would_block(int native) noexcept
{
    return native == EAGAIN || native == EWOULDBLOCK;
}

#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
int accept_one(int listener) noexcept
{
    return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
}
#else
int accept_one(int listener) noexcept
{
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd < 0)
        return fd;
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || ::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        const int native = errno;
        ::close(fd);
        errno = native;
        return -1;
    }
    return fd;
}
#endif

} // namespace

error try_connect(native_handle handle, const address& target, std::string_view path) noexcept
{
    const bool local = target.family == address_family::local;
    const native_address native = local ? to_native(path) : to_native(target);
    if (::connect(static_cast<int>(handle), native.get(), native.length) == 0)
        return {};
    // After EINTR the connection is established in the background (connect(2), POSIX): another call
    // would only return EALREADY.
    if (errno == EINPROGRESS || errno == EINTR)
        return not_yet;
    return local ? translate_local(errno, phase::connect) : translate(errno, phase::connect);
}

error confirm_connect(native_handle handle) noexcept
{
    const int fd = static_cast<int>(handle);
    int pending = 0;
    socklen_t length = sizeof pending;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &length) != 0)
        return translate(errno, phase::connect);
    if (pending != 0)
        return translate(pending, phase::connect);
    native_address peer;
    peer.length = sizeof peer.storage;
    if (::getpeername(fd, peer.get(), &peer.length) == 0)
        return {};
    if (errno == ENOTCONN)
        return not_yet;
    return translate(errno, phase::connect);
}

/// accept(2) reports the errors of the waiting connection: they do not concern the listener, and
/// the next connection may be good.
bool lost_before_accept(int native) noexcept
{
    switch (native) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM: // a firewall rule
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
#if defined(ENONET)
    case ENONET:
#endif
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
    case ETIMEDOUT:
#if defined(ENOSR)
    case ENOSR:
#endif
    case ESOCKTNOSUPPORT:
    case EPROTONOSUPPORT: return true;
    default: return false;
    }
}

error try_accept(native_handle listener, native_handle& accepted) noexcept
{
    for (int tries = 0;; ++tries) {
        const int fd = accept_one(static_cast<int>(listener));
        if (fd >= 0) {
            accepted = fd;
            return {};
        }
        if (would_block(errno))
            return not_yet;
        if (tries == max_retries || !lost_before_accept(errno))
            return translate(errno, phase::accept);
    }
}

error try_receive(native_handle handle, std::span<std::byte> buffer, std::size_t& received) noexcept
{
    std::byte unused;
    const bool look = buffer.empty();
    void* const into = look ? &unused : buffer.data();
    for (int tries = 0;; ++tries) {
        const ssize_t count =
            ::recv(static_cast<int>(handle), into, look ? 1 : buffer.size(), look ? MSG_PEEK : 0);
        if (count >= 0) {
            received = look ? 0 : static_cast<std::size_t>(count);
            return {};
        }
        if (would_block(errno))
            return not_yet;
        if (errno != EINTR || tries == max_retries)
            return translate(errno, phase::transfer);
    }
}

error try_send(native_handle handle, std::span<const std::span<const std::byte>> buffers,
               std::size_t& sent, bool& all) noexcept
{
    iovec parts[gather_limit];
    std::size_t count = 0;
    std::size_t offered = 0;
    for (const std::span<const std::byte> buffer : buffers) {
        if (buffer.empty())
            continue;
        parts[count++] = {const_cast<std::byte*>(buffer.data()), buffer.size()};
        offered += buffer.size();
        if (count == gather_limit)
            break;
    }
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
    for (int tries = 0;; ++tries) {
        const ssize_t taken =
            count == 1 ? ::send(static_cast<int>(handle), parts[0].iov_base, offered, no_signal)
                       : ::sendmsg(static_cast<int>(handle), &message, no_signal);
        if (taken >= 0) {
            sent = static_cast<std::size_t>(taken);
            all = sent == offered;
            return {};
        }
        if (would_block(errno))
            return not_yet;
        if (errno != EINTR || tries == max_retries)
            return translate(errno, phase::transfer);
    }
}

} // namespace slk::io::os
