// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_ERROR_HPP
#define SERVERLINK_ERROR_HPP

/// slk::error: a failure, its phase, and the native code that it was made from.
///
/// A small value, copied freely, compared by its portable code. Every number that an operating
/// system reports is translated once, by one table per system, into an slk::errc; the native
/// number is kept for the log. A number that no table knows becomes errc::unknown and keeps its
/// native code, so nothing is lost.
///
/// No call of the library throws. Running out of memory is errc::out_of_memory; a call that returns
/// a text or a list instead of a result returns an empty one. What a program copies in its own code
/// may throw there: options that are passed by value, the texts in them, multipart::add(message).

#include <serverlink/export.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace slk {

/// The portable meaning of a failure. The names are the words printed in logs and JSON.
enum class errc : std::uint16_t {
    ok = 0,

    // The caller.
    invalid_argument, ///< a value outside its documented range
    invalid_state, ///< the call does not fit the object's present state
    not_supported, ///< this system, or this build, cannot do it
    in_progress, ///< the same operation is already under way
    already_exists, ///< what was to be added is there already
    not_found, ///< what was named is not there
    cancelled, ///< ended by cancel, close or stop
    loop_closed, ///< the loop that would have done it is gone
    forked, ///< the object is the parent process', and this is a child (fork(2))

    // Connecting.
    connection_refused, ///< no listener
    self_connect, ///< the kernel connected the socket to itself; treated as refused
    timed_out, ///< a deadline passed, ours or the system's
    network_unreachable,
    host_unreachable,
    network_down,
    permission_denied, ///< a firewall rule, a prohibited route or a privileged port
    address_in_use,
    address_not_available, ///< not an address of this machine
    no_local_port, ///< the range of ephemeral ports is used up
    address_family_not_supported,

    // Names.
    name_not_found, ///< the name does not exist
    name_lookup_failed, ///< the name service did not answer, or failed; may be temporary

    // Established connections.
    connection_reset,
    connection_aborted,
    not_connected,
    end_of_stream, ///< the peer finished sending
    broken_pipe, ///< sent after the connection had ended

    // Resources of this machine.
    too_many_descriptors, ///< of the process or of the system
    out_of_memory, ///< memory or kernel buffers

    // The peer.
    protocol_error,
    authentication_refused,
    rejected, ///< the peer's routing id is taken, or a PAIR has a peer already

    message_too_large,
    no_route, ///< no peer has the routing id of the message
    peer_replaced, ///< the routing id belongs to a later peer than the one that was named
    would_block,
    interrupted,
    unknown, ///< in no table; see error::native
};

/// The phase in which a failure happened.
enum class phase : std::uint8_t {
    none = 0,
    setup, ///< options, loop and backend
    resolve,
    open, ///< the socket call
    bind,
    listen,
    accept,
    connect,
    tune,
    handshake,
    transfer,
    close,
};
/// What a call that failed returns, and what a status keeps as its reason.

struct error {
    errc code = errc::ok; ///< what it means
    slk::phase phase = slk::phase::none; ///< where it happened
    /// errno, WSAGetLastError(), NTSTATUS or EAI_* as reported; 0 where there was none.
    std::int32_t native = 0;
    /// A text in static storage that names the argument or step, or null.
    const char* detail = nullptr;

    /// Whether there is a failure.
    [[nodiscard]] explicit operator bool() const noexcept { return code != errc::ok; }

    /// Two failures are equal if their codes are; the phase and the native number may differ.
    friend bool operator==(const error& a, const error& b) noexcept { return a.code == b.code; }
    friend bool operator==(const error& a, errc b) noexcept { return a.code == b; }
};

static_assert(std::is_trivially_copyable_v<error>);

/// Returns the enumerator's spelling ("connection_refused"), for logs and JSON.
[[nodiscard]] SLK_API std::string_view name_of(errc code) noexcept;
[[nodiscard]] SLK_API std::string_view name_of(phase value) noexcept;

/// Returns one line for people: "connect: connection_refused (native 111)". Empty when memory is
/// exhausted.
[[nodiscard]] SLK_API std::string to_string(const error& failure);

/// The category of std::error_code values made from slk::errc. Its name is "serverlink".
[[nodiscard]] SLK_API const std::error_category& error_category() noexcept;
/// Makes a std::error_code of this category.
[[nodiscard]] SLK_API std::error_code make_error_code(errc code) noexcept;
[[nodiscard]] inline std::error_code make_error_code(const error& failure) noexcept
{
    return make_error_code(failure.code);
}

} // namespace slk

template <>
struct std::is_error_code_enum<slk::errc> : std::true_type {};

#endif
