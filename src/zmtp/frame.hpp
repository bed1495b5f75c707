// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_FRAME_HPP
#define SLK_ZMTP_FRAME_HPP

/// Frames: flags, size, body. RFC 23 (ZMTP 3.1), "framing".
///
/// Nothing here copies or keeps a body. Small message frames are scanned in place, many at once;
/// for a large frame the header is enough to receive its body elsewhere.

#include "zmtp/bytes.hpp"

#include <serverlink/error.hpp>

#include <limits>

namespace slk::zmtp {

inline constexpr std::uint8_t flag_more = 0x01;
inline constexpr std::uint8_t flag_long = 0x02;
inline constexpr std::uint8_t flag_command = 0x04;

inline constexpr std::size_t short_header = 2;
inline constexpr std::size_t long_header = 9;
/// The longest body whose size fits into the short header.
inline constexpr std::uint64_t short_size = 255;
/// The highest bit of a size is clear (RFC 23: 0 to 2^63-1 bytes).
inline constexpr std::uint64_t max_size = std::numeric_limits<std::int64_t>::max();

struct frame_header {
    std::uint64_t size = 0; ///< of the body alone
    std::uint8_t header = 0; ///< bytes of flags and size
    bool more = false; ///< of a message; never of a command
    bool command = false;
};

struct frame_limits {
    std::uint64_t part = max_size; ///< body of one message frame
    std::uint64_t command = 65536; ///< body of a command
    std::uint64_t message = max_size; ///< bodies of all frames of a message
    std::uint64_t parts = UINT64_MAX; ///< frames of a message; at least 1
};

/// The frames that have come of a message whose last one has not. All zero between messages.
struct message_progress {
    std::uint64_t bytes = 0; ///< of their bodies
    std::uint64_t parts = 0;

    /// One more message frame, within the limits.
    constexpr void add(std::uint64_t size, bool more) noexcept
    {
        bytes = more ? bytes + size : 0;
        parts = more ? parts + 1 : 0;
    }
};

[[nodiscard]] constexpr std::size_t header_size(std::uint64_t body) noexcept
{
    return body <= short_size ? short_header : long_header;
}

/// Writes header_size(body) bytes. `flags`: flag_more or flag_command; LONG follows from the size.
constexpr std::size_t write_header(std::byte* to, std::uint8_t flags, std::uint64_t body) noexcept
{
    writer out(to);
    if (body <= short_size) {
        out.byte(flags);
        out.byte(static_cast<std::size_t>(body));
        return short_header;
    }
    out.byte(flags | flag_long);
    out.number(body);
    return long_header;
}

/// The header at the beginning of some bytes.
struct header_view {
    frame_header frame{};
    /// The minimum of further bytes until the header is known; 0 if it is.
    std::size_t need = 0;
    /// protocol_error or message_too_large: found before anything is allocated for the body.
    error failure{};
};

/// `begun`: the frames before it of the same message, which count in its limits.
[[nodiscard]] header_view read_header(byte_view stream, const frame_limits& limits,
                                      const message_progress& begun = {}) noexcept;

/// Complete message frames at the beginning of some bytes.
struct scanned {
    std::size_t size = 0; ///< bytes of all of them
    std::size_t frames = 0;
    std::size_t messages = 0; ///< frames without MORE
    /// Bytes up to the end of the last frame without MORE.
    std::size_t whole_messages = 0;
};

/// Stops before a frame that is incomplete, is a command, or exceeds a limit (read_header()
/// distinguishes them), and after `max_messages` messages. Reads headers only. `begun`: the message
/// that the run goes on with; on return, the one that it ends in.
[[nodiscard]] scanned scan_messages(byte_view run, const frame_limits& limits,
                                    message_progress& begun,
                                    std::uint64_t max_messages = UINT64_MAX) noexcept;

} // namespace slk::zmtp

#endif
