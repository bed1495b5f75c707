// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_ENDPOINT_HPP
#define SERVERLINK_ENDPOINT_HPP

/// slk::endpoint: an address to connect to or listen on, in its text form.
///
///     tcp://HOST:PORT               HOST is a name, an IPv4 address, or an IPv6 address
///     tcp://SOURCE;HOST:PORT        connect from SOURCE, any port: a numeric address, or the name
///                                   of a network interface
///     tcp://SOURCE:PORT;HOST:PORT   connect from exactly there; PORT 0 and * mean any
///     tcp://*:PORT                  listen on every IPv4 address; tcp://[::]:PORT for IPv6
///     tcp://INTERFACE:PORT          listen on an address of a network interface: tcp://lo:5555
///     ipc://PATH                    a Unix domain socket: its file, relative or absolute, at most
///                                   107 bytes (103 on macOS and the BSDs)
///     ipc://@NAME                   one with an abstract name (Linux, unix(7)), which has no file
///     ipc://*                       listen in a new file, below the directory that TMPDIR, TEMPDIR
///                                   or TMP names, or /tmp; the listener's local_endpoint() has its
///                                   path
///     inproc://NAME                 inside one process: for message sockets, not for links and
///                                   listeners
///
/// PORT is 1 to 65535; 0 and * mean "any free port" where an endpoint is for listening. An IPv6
/// address may stand in brackets; without them the last colon separates the port, so that
/// tcp://::1:5555 is tcp://[::1]:5555. A scope is a number or the name of an interface:
/// tcp://[fe80::1%eth0]:5555.

#include <serverlink/address.hpp>
#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slk {

/// What carries the bytes: TCP, a Unix domain socket, or memory of this process.
enum class transport : std::uint8_t { tcp, ipc, inproc };

/// Returns "tcp", "ipc" or "inproc".
[[nodiscard]] SLK_API std::string_view name_of(transport value) noexcept;

struct endpoint {
    /// The first member: a text where an endpoint is expected (`.to = "tcp://..."`) does not
    /// compile instead of becoming the host.
    slk::transport transport = slk::transport::tcp;
    /// tcp: without brackets; "*" for the wildcard. ipc: the path, "@name" or "*". inproc: the
    /// name.
    std::string host;
    std::uint16_t port = 0; ///< tcp only; 0: any free port
    std::uint16_t source_port = 0; ///< with `source`; 0: any free port
    /// The address to connect from: a numeric address, or the name of a network interface, of which
    /// each attempt uses an address of the target's family. Empty: the system chooses.
    std::string source{};

    /// Errors: invalid_argument, with the fault as detail; not_supported for an unknown transport;
    /// out_of_memory.
    /// Asks no name service; only the scope of an IPv6 address is looked up, among this machine's
    /// interfaces.
    [[nodiscard]] static SLK_API result<endpoint> parse(std::string_view text);
    /// A tcp endpoint at a numeric address. Returns an endpoint without a host for any other
    /// address, and when memory is exhausted.
    [[nodiscard]] static SLK_API endpoint of(const address& at);

    /// Returns the address if the host is numeric or the wildcard, and address::local() for ipc;
    /// nothing if the host is a name.
    [[nodiscard]] SLK_API std::optional<address> numeric() const;

    friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// Returns the text that parse() reads. Empty when memory is exhausted.
[[nodiscard]] SLK_API std::string to_string(const endpoint& value);

} // namespace slk

#endif
