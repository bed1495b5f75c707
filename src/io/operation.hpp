// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_OPERATION_HPP
#define SLK_IO_OPERATION_HPP

/// Operations: the data of one connect, accept, receive or send, owned by its submitter.
///
/// An operation is embedded in its owner (a connecter, a stream, a listener), so submitting
/// allocates nothing. From submit until its completion is delivered, the operation and its buffers
/// belong to the poller and must neither move nor end. The state of the backend (an OVERLAPPED, a
/// kernel's user data) is in its scratch space.

#include <serverlink/address.hpp>
#include <serverlink/error.hpp>
#include <serverlink/result.hpp>

#include "base/list.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace slk::io {

/// Identifies one open socket of one poller. The generation makes it unique for the poller's life:
/// the id of a closed socket never means a later one, even when the system reuses its number.
struct socket_id {
    std::uint32_t index = UINT32_MAX;
    std::uint32_t generation = 0;

    [[nodiscard]] explicit operator bool() const noexcept { return index != UINT32_MAX; }
    friend bool operator==(socket_id, socket_id) = default;
};

enum class operation_kind : std::uint8_t { connect, accept, receive, send };

enum class operation_state : std::uint8_t {
    idle,      ///< the owner's: may be submitted or destroyed, but not moved
    submitted, ///< the poller's: the backend works on it
    completed, ///< the poller's: its outcome is fixed and not delivered yet
};

class operation : public list_node {
public:
    /// Called by the poller, from inside poller::turn and never from inside a submit. The operation
    /// is idle again by then: it may be submitted again or destroyed.
    using completion = void (*)(operation& self) noexcept;

    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;

    [[nodiscard]] operation_kind kind() const noexcept { return kind_; }
    [[nodiscard]] operation_state state() const noexcept { return state_; }
    [[nodiscard]] bool in_flight() const noexcept { return state_ != operation_state::idle; }

    /// The owner's callback and its argument.
    completion on_complete = nullptr;
    void* owner = nullptr;

    /// errc::ok, or the failure. Valid from completion until the next submit.
    error failure{};

protected:
    explicit operation(operation_kind kind) noexcept : kind_(kind) {}
    ~operation() = default;

private:
    friend class poller;
    friend class ledger;

    operation_kind kind_;
    operation_state state_ = operation_state::idle;

public:
    // The poller's and its backend's state.

    /// Set by cancel and by close. A failure that arrives afterwards is reported as `cancelled`,
    /// whatever the system's code; a success stays a success.
    bool cancel_requested = false;
    socket_id socket{};
    std::uint64_t serial = 0; ///< the ledger's number of this submission

    /// The backend's scratch space: an OVERLAPPED, or the data that a kernel refers to.
    static constexpr std::size_t scratch_size = 64;
    alignas(std::max_align_t) std::byte scratch[scratch_size];
};

struct connect_operation : operation {
    connect_operation() noexcept : operation(operation_kind::connect) {}
    address target{};
    std::string_view path{}; ///< of a local target, while it is being submitted
};

struct accept_operation : operation {
    accept_operation() noexcept : operation(operation_kind::accept) {}
    /// The new connection, already registered with the same poller, when failure is ok. The owner
    /// closes it.
    socket_id accepted{};

    /// AcceptEx writes both addresses here: each needs 16 bytes more than the largest sockaddr
    /// (Microsoft, AcceptEx).
    static constexpr std::size_t address_space = 128 + 16;
    alignas(16) std::byte addresses[2 * address_space];
};

struct receive_operation : operation {
    receive_operation() noexcept : operation(operation_kind::receive) {}
    /// Bytes written to the buffer. 0 with failure ok: the peer finished sending, or, for an empty
    /// buffer, there is something to receive.
    std::size_t transferred = 0;
    std::span<std::byte> buffer{};
};

struct send_operation : operation {
    send_operation() noexcept : operation(operation_kind::send) {}
    /// Bytes taken by the system: at least 1 when failure is ok, perhaps fewer than offered.
    std::size_t transferred = 0;
    /// After a failure: bytes that the system may have taken all the same. IOCP only.
    std::size_t perhaps_transferred = 0;
    std::span<const std::span<const std::byte>> buffers{};
};

} // namespace slk::io

#endif
