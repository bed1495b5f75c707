// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_LISTENER_HPP
#define SERVERLINK_LISTENER_HPP

/// slk::listener: accepts connections, over TCP or ipc, and goes on after every error of accepting.
///
/// Several accepts are posted at a time. Each delivers at most one connection per turn of the loop,
/// and no error of an accept ends the listener. When the process or the system runs out of
/// descriptors, the listener resets waiting connections, counts them, and pauses.

#include <serverlink/endpoint.hpp>
#include <serverlink/export.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/result.hpp>
#include <serverlink/stream.hpp>
#include <serverlink/tuning.hpp>

#include <cstdint>
#include <functional>
#include <string_view>
#include <type_traits>

namespace slk {

namespace link_detail {
class listener_core;
}

/// Where a listener listens, and how it accepts.
struct listener_options {
    /// The address to listen at: tcp or ipc.
    endpoint at{};
    /// The number of connections that the system keeps until they are accepted; the system clamps
    /// it. When they overflow, Linux may answer with SYN cookies: a client may then seem connected
    /// until it sends something (tcp_syncookies in the kernel's ip-sysctl.rst).
    int backlog = 1024;
    /// The number of accepts posted at a time, and so the maximum of connections per turn; 1 to 64.
    int accepts = 16;
    /// On an IPv6 wildcard: accept IPv4 connections as well.
    bool dual_stack = false;
    /// A descriptor that listens already, at whatever address; the listener owns it from then on.
    /// -1: a new one. For ipc the path is removed with the listener as if it had made it.
    std::intptr_t descriptor = -1;
    /// The pause after running out of descriptors or memory, or when every accept fails; 1 ms to 1
    /// min.
    duration pause = std::chrono::milliseconds(50);
    /// Applied to the accepted connections; `device` does not apply.
    tuning_options tuning{};

    [[nodiscard]] SLK_API result<void> validate() const;
};

/// What a listener does.
enum class listener_state : std::uint8_t {
    idle, ///< not listening: stopped
    opening, ///< the listening socket broke and is about to be opened again
    listening, ///< accepts are posted
    pausing, ///< no descriptors or memory, or only failures; connections wait in the backlog
};

[[nodiscard]] SLK_API std::string_view name_of(listener_state state) noexcept;

/// What a listener does, and what it has accepted, at one moment.
struct listener_status {
    /// What it does.
    listener_state state = listener_state::idle;
    /// The address, with the real port; for ipc the family only.
    address local{};
    /// Connections that were accepted.
    std::uint64_t accepted = 0;
    /// Accepted and lost again before the handler was called: reset by the peer, or a setting of
    /// `tuning` was refused.
    std::uint64_t failed = 0;
    /// Reset because listener_handlers::admits returned false.
    std::uint64_t refused = 0;
    /// Reset because there was no descriptor for them.
    std::uint64_t shed = 0;
    /// Times that it has paused.
    std::uint64_t pauses = 0;
    /// Why the last accept failed; errc::ok if none has.
    error last_error{};
};

static_assert(std::is_trivially_copyable_v<listener_status>);

/// Called on the loop's thread; not after close(), and not by the loop's destructor. A handler may
/// call any function of the listener, and destroy it. It must not throw (serverlink/loop.hpp).
struct listener_handlers {
    /// A connection has come: its stream is the user's.
    std::function<void(stream)> accepted{};
    /// An accept failed, or the listener pauses. It goes on by itself; this is for the log.
    std::function<void(const error&)> failed{};
    /// Asked about each connection before anything is made for it. False: it is reset. Empty: all
    /// are accepted. `peer`: for ipc the family only.
    std::function<bool(const address& peer)> admits{};
};

/// A handle, moved but not copied. status() may be called from any thread, the rest on the loop's
/// thread (or on any thread while none runs the loop). Once the loop is gone it does nothing.
class SLK_API listener {
public:
    /// Binds and listens before it returns. Errors: invalid_argument; address_in_use,
    /// address_not_available, permission_denied, ...; not_supported (ipc on Windows or in a
    /// simulation); invalid_state on another thread than the loop's; loop_closed; forked.
    ///
    /// On Linux an address that is in use is tried again for about 100 ms, except in a handler: the
    /// system may give the address of a process that has ended back a little later (io_uring,
    /// measured up to 16 ms), and a program that is started again at once must get it.
    ///
    /// A host that is neither numeric nor the wildcard is the name of a network interface. Its
    /// first IPv4 address is used, else an IPv6 address; address_not_available if there is no such
    /// interface. No name service is asked.
    ///
    /// ipc: the file of a socket without a listener is replaced. A socket with a listener, and a
    /// file that is no socket, is address_in_use, and the file stays. To find out, create()
    /// connects to the socket, so a living listener sees a connection that ends at once.
    [[nodiscard]] static result<listener> create(loop& on, listener_options options,
                                                 listener_handlers handlers);
    /// The same, at an endpoint as text; `options.at` is not used. Errors: also those of
    /// endpoint::parse().
    [[nodiscard]] static result<listener>
    create(loop& on, std::string_view at, listener_options options, listener_handlers handlers);

    listener(listener&& other) noexcept;
    listener& operator=(listener&& other) noexcept;
    /// As close().
    ~listener();

    /// Stops listening: the port is free on return; ipc's file is removed, unless another one has
    /// taken its place. Accepted connections stay.
    void close();

    /// Never waits for the loop. All fields are of the same moment.
    [[nodiscard]] listener_status status() const noexcept;
    /// Returns the address with the real port.
    [[nodiscard]] address local_address() const noexcept { return status().local; }
    /// Returns the address as an endpoint for links: "tcp://127.0.0.1:44399", "tcp://[::]:46865",
    /// "ipc:///tmp/tmpab12cd/socket". Without a host when memory is exhausted. Any thread.
    [[nodiscard]] endpoint local_endpoint() const;
    /// The listening socket's descriptor, which stays the listener's; -1 if there is none. On the
    /// loop's thread.
    [[nodiscard]] std::intptr_t native_handle() const noexcept;

private:
    explicit listener(link_detail::listener_core* core) noexcept : core_(core) {}

    link_detail::listener_core* core_ = nullptr;
};

} // namespace slk

#endif
