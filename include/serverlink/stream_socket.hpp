// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_STREAM_SOCKET_HPP
#define SERVERLINK_STREAM_SOCKET_HPP

/// slk::stream_socket: exchanges bytes with programs that do not speak ZMTP, over tcp and ipc. It
/// is ZeroMQ's STREAM: an HTTP or a line-based server, or a client of one, beside the other sockets
/// of a program.
///
/// Each connection is a peer with a routing id, which the socket makes (five bytes, the first of
/// them zero), or which connect_options gives. Nothing but the caller's bytes goes over the
/// connection: no greeting, no handshake, no heartbeats. What arrives comes in messages of up to
/// max_chunk_size bytes, as the system has it: their limits mean nothing, and are not those of the
/// peer's writes.
///
/// An empty message reports that a peer has connected, before its bytes, and another one that it
/// has gone, behind them; without the option stream_notices there are none. A peer that has
/// finished its side of the connection is gone, and gets nothing more.
///
/// High-water marks, max_peers and the other limits of a bound endpoint hold as with every socket:
/// a peer whose messages are not received is not read any further. A peer that is silent is not
/// looked for; tuning_options has the system's keep-alive.
///
/// A peer of connect() is known at once, by peer_at(), and messages are queued for its first
/// connection (not with the option immediate). It connects again by reconnect_options when its
/// connection was lost, or when it has ended it. It keeps its routing id, and has another
/// generation. Between two connections nothing is queued for it: what a connection has not taken is
/// lost with it, and counts as unsent. What it has taken counts as unconfirmed when the connection
/// ends, because no peer tells what it has read. A deadline of a message (message::expire_after())
/// does not count: nothing is left out of a stream.

#include <serverlink/router.hpp>

namespace slk {

class SLK_API stream_socket : public socket {
public:
    /// Errors: invalid_argument (an option; also one that is about ZMTP),
    /// too_many_descriptors (context_options::max_sockets), cancelled (the context was shut down),
    /// out_of_memory.
    [[nodiscard]] static result<stream_socket> create(context& in, stream_options options = {});

    /// Queues bytes for the peer, and waits for room if `limit` allows it, as socket::send(). An
    /// empty message closes the peer, as close_peer(). Further errors: no_route (there is no such
    /// peer, or it is not connected), peer_replaced (the generation is not that of the peer that
    /// has the routing id now).
    [[nodiscard]] result<send_outcome> send(const peer_id& to, message&& bytes,
                                            const timeout& limit = {});
    [[nodiscard]] result<send_outcome> send(const peer_id& to, std::span<const std::byte> bytes,
                                            const timeout& limit = {});
    [[nodiscard]] result<send_outcome> send(const peer_id& to, std::string_view bytes,
                                            const timeout& limit = {})
    {
        return send(to, std::as_bytes(std::span(bytes.data(), bytes.size())), limit);
    }

    /// Receives as socket::receive(), and sets `from` to the peer. Bytes are router_event::message;
    /// `connected` and `disconnected` have an empty message.
    [[nodiscard]] result<router_event> receive(peer_id& from, message& into,
                                               const timeout& limit = {});

    /// The peer of the latest connect() to this endpoint, connected or not. Errors:
    /// invalid_argument (there is no such endpoint), no_route (the peer has no routing id before
    /// it is connected, because of the option immediate), out_of_memory.
    [[nodiscard]] result<peer_id> peer_at(std::string_view endpoint);

    /// Closes the peer: it is unknown at once, and what has arrived from it, or still arrives, is
    /// thrown away. What is queued for it is still sent, as long as its system takes some of it
    /// within peer_timeout (if that is 0, however long that takes: unbind() and close() end it);
    /// then the connection is finished in order, and the peer may take up to `linger` to finish,
    /// too. There is no notice. For a peer of connect() that is the end of the endpoint, as by
    /// disconnect(). Errors: no_route, peer_replaced.
    [[nodiscard]] result<void> close_peer(const peer_id& id);
    /// Returns true if a message for the peer would be queued at once. Errors: no_route,
    /// peer_replaced.
    [[nodiscard]] result<bool> has_room(const peer_id& id);

private:
    using socket::socket;
};

} // namespace slk

#endif
