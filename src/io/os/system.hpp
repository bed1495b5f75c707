// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OS_SYSTEM_HPP
#define SLK_IO_OS_SYSTEM_HPP

/// The system calls of sockets, by meaning. Implemented twice, file for file, in os/posix and
/// os/windows; the layers above the backends see no errno, WSA code or system header.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/result.hpp>

#include "io/socket_option.hpp"
#include "io/socket_table.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slk::io::os {

/// Makes the network usable: WSAStartup, once per process; nothing on POSIX. Any thread.
[[nodiscard]] result<void> start_network();

// socket.cpp

/// A non-blocking TCP socket that children do not inherit (SOCK_CLOEXEC; WSA_FLAG_OVERLAPPED and
/// WSA_FLAG_NO_HANDLE_INHERIT).
[[nodiscard]] result<native_handle> open_stream(address_family family);
/// See poller::bind_source. A source port of 0 must not reserve a port for every peer
/// (IP_BIND_ADDRESS_NO_PORT); SO_REUSEADDR only for an explicit source port, on POSIX;
/// SO_REUSE_UNICASTPORT on Windows. `bound` is set to whether the socket is bound now.
[[nodiscard]] result<void> bind_source(native_handle handle, address_family family,
                                       const std::optional<address>& source, bool& bound);
/// SO_REUSEADDR on POSIX (a restart must not wait for TIME_WAIT), SO_EXCLUSIVEADDRUSE on Windows
/// (where SO_REUSEADDR would let others steal the port).
[[nodiscard]] result<native_handle> open_listener(const address& local,
                                                  const listen_settings& settings);
/// The maximum of the time for which an address stays in use when the process that listened there
/// has ended without closing it: see link/open_when_free.hpp.
[[nodiscard]] duration max_release_time() noexcept;
[[nodiscard]] result<address> local_address(native_handle handle);
[[nodiscard]] result<address> peer_address(native_handle handle);
[[nodiscard]] result<void> set_option(native_handle handle, address_family family,
                                      socket_option option, int value);
[[nodiscard]] result<void> bind_to_device(native_handle handle, std::string_view device);
[[nodiscard]] result<void> shutdown_send(native_handle handle);
/// Never retried, whatever it returns: the descriptor is gone after EINTR too.
void close(native_handle handle, close_mode mode) noexcept;

// peer.cpp

/// See poller::peer_has_finished().
[[nodiscard]] bool peer_has_finished(native_handle handle) noexcept;
/// See poller::peer_may_have_finished().
[[nodiscard]] bool peer_may_have_finished(native_handle handle) noexcept;
/// See poller::peer_acknowledges().
[[nodiscard]] bool peer_acknowledges(native_handle handle, duration within) noexcept;

// error.cpp

/// The one table from this system's numbers to slk::errc: errno, or WSA and Win32 codes.
[[nodiscard]] error translate(int native, phase in) noexcept;
/// Translates the results of getaddrinfo (EAI_*), which have numbers of their own.
[[nodiscard]] error translate_name_error(int native) noexcept;

// resolve.cpp

/// getaddrinfo for TCP: blocks for as long as the name service takes. Never on a loop's thread.
[[nodiscard]] result<std::vector<address>> resolve(const std::string& host, std::uint16_t port);
/// Returns the index of a network interface (if_nametoindex), 0 if there is no such one.
[[nodiscard]] std::uint32_t interface_index(std::string_view name) noexcept;

// interfaces.cpp

/// Returns the IP addresses of a network interface, in the system's order, with scopes and without
/// ports (getifaddrs, GetAdaptersAddresses). Asks the kernel only, so it may be called on a loop's
/// thread. address_not_available if there is no such interface, or it has no address.
[[nodiscard]] result<std::vector<address>> interface_addresses(const std::string& name);

// watch.cpp

/// Checks that a descriptor of the program is open and can be waited for: invalid_argument for a
/// regular file or a directory, which is always ready, and for what is no open descriptor; on
/// Windows for what is no socket.
[[nodiscard]] result<void> check_watchable(native_handle handle) noexcept;
/// POLLERR or POLLHUP of poll(2), beside the readiness that select() reports; false on Windows.
[[nodiscard]] bool has_failed(native_handle handle) noexcept;
/// The third set of select() has failed connects, and not urgent data alone.
extern const bool exceptional_means_failed;

/// A descriptor kept in reserve, so that a listener without descriptors can still accept a
/// connection and close it (does nothing where descriptors do not run out this way).
class reserve_descriptor {
public:
    reserve_descriptor() noexcept;
    ~reserve_descriptor();
    reserve_descriptor(const reserve_descriptor&) = delete;
    reserve_descriptor& operator=(const reserve_descriptor&) = delete;

    /// Closes the reserve, accepts and resets at max `max` waiting connections, and opens the
    /// reserve again. Returns the number of connections.
    std::size_t shed(native_handle listener, std::size_t max) noexcept;

private:
    native_handle reserve_ = invalid_handle;
};

} // namespace slk::io::os

#endif
