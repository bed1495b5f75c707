// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_BASE_ZMTP_FAULT_HPP
#define SLK_BASE_ZMTP_FAULT_HPP

/// What a peer does wrong in a handshake, by libzmq's numbers (ZMQ_PROTOCOL_ERROR_ZMTP_*), which
/// monitors of libzmq's sockets report.

#include <serverlink/error.hpp>
#include <serverlink/result.hpp>

#include <cstdint>

namespace slk::zmtp {

enum class fault : std::int32_t {
    unexpected_command = 0x10000001,
    malformed_hello = 0x10000013,
    malformed_initiate = 0x10000014,
    malformed_error = 0x10000015,
    malformed_ready = 0x10000016,
    malformed_welcome = 0x10000017,
    invalid_metadata = 0x10000018,
    cryptographic = 0x11000001,
    mechanism_mismatch = 0x11000002,
    // No numbers of libzmq:
    unreported = 0x1f000001, ///< libzmq's monitors report the end of the connection alone
    not_spoken = 0x1f000002, ///< libzmq takes it for an older peer, and waits for it in vain
};

/// The error of a fault, whose number is error::native. `detail`: a text in static storage.
[[nodiscard]] constexpr error fault_error(fault which, const char* detail,
                                          errc code = errc::protocol_error) noexcept
{
    return {code, phase::handshake, static_cast<std::int32_t>(which), detail};
}

} // namespace slk::zmtp

#endif
