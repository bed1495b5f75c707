// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_ZMTP_SESSION_RIG_HPP
#define SLK_TESTS_ZMTP_SESSION_RIG_HPP

/// Streams of a peer for the tests of sessions, made by a session of the peer's options.

#include "../../fuzz/drive.hpp"
#include "vectors.hpp"

namespace slk::testing {

/// A PING with a TTL of 0 and no context.
inline const bytes ping_frame = from_hex("04 07 04 50 49 4e 47 00 00");

inline zmtp::session_options options_of(zmtp::socket_type type, std::string_view identity = {})
{
    zmtp::session_options options;
    options.metadata.type = type;
    options.metadata.identity = identity;
    return options;
}

inline zmtp::session_options plain_options(zmtp::socket_type type, bool as_server)
{
    zmtp::session_options options = options_of(type);
    options.security = zmtp::mechanism::plain;
    options.as_server = as_server;
    options.own_credentials = {"admin", "secret"};
    return options;
}

/// The greeting of a peer of this version.
inline bytes greeting_from(zmtp::mechanism which, unsigned minor = 1)
{
    const zmtp::greeting_bytes made = zmtp::make_greeting(which, false);
    bytes stream(made.begin(), made.end());
    stream[11] = static_cast<std::byte>(minor);
    return stream;
}

/// READY, or INITIATE, as a peer with these options writes it.
inline bytes metadata_from(zmtp::socket_type type, std::string_view identity = {},
                           zmtp::command_name which = zmtp::command_name::ready)
{
    const zmtp::own_metadata own{.type = type, .identity = identity, .application = {}};
    bytes frame(zmtp::metadata_frame_size(which, own));
    zmtp::writer out(frame.data());
    zmtp::write_metadata_frame(out, which, own);
    return frame;
}

/// Greeting and READY of a NULL peer.
inline bytes null_peer(zmtp::socket_type type, unsigned minor = 1)
{
    return greeting_from(zmtp::mechanism::null, minor) + metadata_from(type);
}

inline bytes frame_from(std::uint8_t flags, std::string_view body)
{
    bytes frame(zmtp::long_header);
    frame.resize(zmtp::write_header(frame.data(), flags, body.size()));
    return frame + bytes_of(body);
}

/// Passes the stream in one piece and byte by byte, with equal results.
inline fuzz::conversation drive_both(const zmtp::session_options& options, const bytes& stream,
                                     const fuzz::owner& by = {})
{
    fuzz::conversation whole = fuzz::drive(options, stream, {}, by);
    const fuzz::conversation cut =
        fuzz::drive(options, stream, fuzz::every_byte(stream.size()), by);
    if (cut.broken != nullptr)
        whole.broken = cut.broken;
    else if (cut.events != whole.events || cut.sent != whole.sent || cut.state != whole.state)
        whole.broken = "byte by byte it went otherwise";
    return whole;
}

} // namespace slk::testing

#endif
