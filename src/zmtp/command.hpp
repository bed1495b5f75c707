// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_ZMTP_COMMAND_HPP
#define SLK_ZMTP_COMMAND_HPP

/// Commands: frames whose body is name-length (1), name, data. RFC 23 (ZMTP 3.1), "commands".
///
/// Parsing returns views into the body. Writing goes into a buffer of the caller's, whose size
/// another function returns.

#include "zmtp/frame.hpp"
#include "zmtp/greeting.hpp"
#include "zmtp/metadata.hpp"

#include <serverlink/clock.hpp>
#include <serverlink/result.hpp>

namespace slk::zmtp {

enum class command_name : std::uint8_t {
    unknown,
    ready,
    error,
    hello,
    welcome,
    initiate,
    subscribe,
    cancel,
    ping,
    pong,
};

[[nodiscard]] std::string_view name_of(command_name which) noexcept;

struct command_view {
    command_name name = command_name::unknown;
    byte_view data{}; ///< what follows the name
};

/// An error if the body is shorter than its name. Accepts both spellings of ERROR: libzmq's PLAIN
/// server sends "^RROR" without a length, in every version so far.
[[nodiscard]] result<command_view> parse_command(byte_view body) noexcept;

// --- the data of each command ---

struct credentials {
    std::string_view user{}; ///< PLAIN
    std::string_view password{}; ///< PLAIN
    byte_view public_key{}; ///< CURVE: of the client
};

/// HELLO of PLAIN (RFC 24): user-length (1), user, password-length (1), password, nothing more.
[[nodiscard]] result<credentials> parse_hello(byte_view data) noexcept;

/// Why a socket does not take a peer. The reasons of ERROR are for people (RFC 23); these are what
/// serverlink writes, and recognises.
enum class rejection : std::uint8_t {
    id_taken, ///< a ROUTER has another peer with this routing id
    has_peer, ///< a PAIR has a peer
    too_many_peers, ///< max_peers
    too_many_peers_of_address, ///< max_peers_per_address
};

/// The reason of the ERROR: short, and ASCII.
[[nodiscard]] std::string_view reason_of(rejection why) noexcept;

/// ERROR: reason-length (1), reason.
[[nodiscard]] result<std::string_view> parse_error(byte_view data) noexcept;

inline constexpr std::size_t max_ping_context = 16;

struct ping_view {
    duration ttl{};   ///< how long the peer may hear nothing from us; 0: for ever
    byte_view context{}; ///< to be sent back; longer ones are cut to 16 bytes, as libzmq does
};

/// PING: ttl (2, tenths of a second), context (0 to 16). A PING without a ttl is an error.
[[nodiscard]] result<ping_view> parse_ping(byte_view data) noexcept;

// --- whole frames to send ---
//
// Each pair of functions returns the length of a frame, its header included, and writes the frame
// into a buffer of that length.

enum class error_spelling : std::uint8_t { proper, plain_of_libzmq };

[[nodiscard]] std::size_t error_frame_size(std::string_view reason, error_spelling how) noexcept;
void write_error_frame(writer& out, std::string_view reason, error_spelling how) noexcept;

[[nodiscard]] std::size_t hello_frame_size(const credentials& client) noexcept;
void write_hello_frame(writer& out, const credentials& client) noexcept;

[[nodiscard]] std::size_t welcome_frame_size() noexcept;
void write_welcome_frame(writer& out) noexcept;

/// READY and INITIATE.
[[nodiscard]] std::size_t metadata_frame_size(command_name which, const own_metadata& own) noexcept;
void write_metadata_frame(writer& out, command_name which, const own_metadata& own) noexcept;

/// libzmq keeps the time in 16 bits of milliseconds: a larger value would wrap around there.
inline constexpr duration max_ttl = std::chrono::milliseconds(65500);

[[nodiscard]] std::size_t ping_frame_size(byte_view context) noexcept;
/// The ttl is cut to max_ttl, and down to whole tenths of a second.
void write_ping_frame(writer& out, duration ttl, byte_view context) noexcept;

[[nodiscard]] std::size_t pong_frame_size(byte_view context) noexcept;
void write_pong_frame(writer& out, byte_view context) noexcept;

/// A subscription in the form of the peer's version: SUBSCRIBE and CANCEL from 3.1 on, before that
/// a message of one byte, 1 or 0, and the topic (RFC 23, RFC 29).
[[nodiscard]] std::size_t subscription_frame_size(version peer, bool subscribe,
                                                  byte_view topic) noexcept;
void write_subscription_frame(writer& out, version peer, bool subscribe, byte_view topic) noexcept;

} // namespace slk::zmtp

#endif
