// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_LISTENER_HPP
#define SERVERLINK_LISTENER_HPP

/// slk::listener: accepts connections, over TCP or ipc, and survives whatever accepting them
/// brings.
///
/// Several accepts are posted at a time, each delivers at most one connection per turn of the
/// loop, and no error of an accept ends the listener. When the process or the system runs out of
/// descriptors it sheds waiting connections (they are reset, and counted) and pauses.

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

struct listener_options {
    endpoint at{};
    /// Connections that the system keeps until they are accepted; it clamps the number. When
    /// they overflow, Linux may answer with SYN cookies, and a client may take itself for
    /// connected until it sends something (tcp_syncookies in the kernel's ip-sysctl.rst).
    int backlog = 1024;
    /// Accepts posted at a time, and so the most connections taken per turn; 1 to 64.
    int accepts = 16;
    /// For an IPv6 wildcard: take IPv4 connections as well.
    bool dual_stack = false;
    /// How long to pause after running out of descriptors or memory, or when every accept fails;
    /// 1 ms to 1 min.
    duration pause = std::chrono::milliseconds(50);
    /// For the accepted connections; `device` does not apply.
    tuning_options tuning{};

    [[nodiscard]] SLK_API result<void> validate() const;
};

enum class listener_state : std::uint8_t {
    idle, ///< not listening: stopped
    opening, ///< the listening socket broke and is about to be opened again
    listening, ///< accepts are posted
    pausing, ///< no descriptors or memory, or only failures; connections wait in the backlog
};

[[nodiscard]] SLK_API std::string_view name_of(listener_state state) noexcept;

struct listener_status {
    listener_state state = listener_state::idle;
    /// Where it listens, with the real port; for ipc the family only.
    address local{};
    std::uint64_t accepted = 0;
    /// Accepted and lost again before they could be handed over: reset by the peer, or a setting
    /// of `tuning` was refused.
    std::uint64_t failed = 0;
    /// Reset because there was no descriptor for them.
    std::uint64_t shed = 0;
    std::uint64_t pauses = 0;
    error last_error{};
};

static_assert(std::is_trivially_copyable_v<listener_status>);

/// Called on the loop's thread. A handler may call anything of the listener, and destroy it.
struct listener_handlers {
    std::function<void(stream)> accepted{};
    /// An accept failed, or the listener pauses; it goes on by itself. For the log.
    std::function<void(const error&)> failed{};
};

/// A handle, moved but not copied. status() may be called from any thread, the rest on the loop's
/// thread (or any, while no thread runs the loop). Once the loop is gone it does nothing.
class SLK_API listener {
public:
    /// Binds and listens at once. Errors: invalid_argument; address_in_use,
    /// address_not_available, permission_denied, ...; not_supported (ipc on Windows or in a
    /// simulation); invalid_state on another thread than the loop's.
    ///
    /// A host that is neither numeric nor the wildcard is the name of a network interface, whose
    /// first IPv4 address is taken, else an IPv6 address; no name service is asked:
    /// address_not_available if there is no such interface.
    ///
    /// ipc: the file of a socket where nobody listens any more is replaced. Where somebody listens,
    /// and where the file is no socket, it is address_in_use, and the file stays. To find out, the
    /// socket is connected to, so a living listener sees a connection that ends at once.
    [[nodiscard]] static result<listener> create(loop& on, listener_options options,
                                                 listener_handlers handlers);

    listener(listener&& other) noexcept;
    listener& operator=(listener&& other) noexcept;
    /// As close().
    ~listener();

    /// Stops listening: the port is free on return; ipc's file is removed, unless another one has
    /// taken its place. Connections that were handed over stay.
    void close();

    [[nodiscard]] listener_status status() const noexcept;
    /// Where it listens: the wildcard port of the options has become a real one.
    [[nodiscard]] address local_address() const noexcept { return status().local; }
    /// The same as an endpoint, for others to connect to: "tcp://127.0.0.1:44399",
    /// "tcp://[::]:46865", "ipc:///tmp/tmpab12cd/socket". Any thread.
    [[nodiscard]] endpoint local_endpoint() const;

private:
    explicit listener(link_detail::listener_core* core) noexcept : core_(core) {}

    link_detail::listener_core* core_ = nullptr;
};

} // namespace slk

#endif
