// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_POSIX_SOCKADDR_HPP
#define SLK_IO_OS_POSIX_SOCKADDR_HPP

/// slk::address to and from the system's sockaddr.

#include <serverlink/address.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace slk::io::os {

struct native_address {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] const sockaddr* get() const noexcept
    {
        return reinterpret_cast<const sockaddr*>(&storage);
    }
    [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

[[nodiscard]] inline int native_family(address_family family) noexcept
{
    if (family == address_family::local)
        return AF_UNIX;
    return family == address_family::ipv6 ? AF_INET6 : AF_INET;
}

/// "@name" is Linux's abstract name: a NUL and exactly these bytes (unix(7)). A path ends with a
/// NUL, and the systems have room for 104 to 108 bytes with it. Longer names are cut off:
/// check_local_name() comes first.
[[nodiscard]] inline native_address to_native(std::string_view path) noexcept
{
    native_address native;
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    const bool abstract = path.starts_with('@');
    const std::size_t size = std::min(path.size(), sizeof local.sun_path - 1);
    std::memcpy(local.sun_path, path.data(), size);
    if (abstract)
        local.sun_path[0] = '\0';
    std::memcpy(&native.storage, &local, sizeof local);
    native.length =
        static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size + (abstract ? 0 : 1));
    return native;
}

[[nodiscard]] inline native_address to_native(const address& value) noexcept
{
    native_address native;
    if (value.family == address_family::ipv6) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(value.port);
        v6.sin6_scope_id = value.scope;
        std::memcpy(&v6.sin6_addr, value.bytes.data(), sizeof v6.sin6_addr);
        std::memcpy(&native.storage, &v6, sizeof v6);
        native.length = sizeof v6;
    } else {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = htons(value.port);
        std::memcpy(&v4.sin_addr, value.bytes.data(), sizeof v4.sin_addr);
        std::memcpy(&native.storage, &v4, sizeof v4);
        native.length = sizeof v4;
    }
    return native;
}

/// An address of an unknown family becomes one without a family.
[[nodiscard]] inline address from_native(const sockaddr* native) noexcept
{
    address value;
    if (native->sa_family == AF_INET) {
        sockaddr_in v4;
        std::memcpy(&v4, native, sizeof v4);
        value.family = address_family::ipv4;
        value.port = ntohs(v4.sin_port);
        std::memcpy(value.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
    } else if (native->sa_family == AF_INET6) {
        sockaddr_in6 v6;
        std::memcpy(&v6, native, sizeof v6);
        value.family = address_family::ipv6;
        value.port = ntohs(v6.sin6_port);
        value.scope = v6.sin6_scope_id;
        std::memcpy(value.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    } else if (native->sa_family == AF_UNIX) {
        value.family = address_family::local;
    }
    return value;
}

} // namespace slk::io::os

#endif
