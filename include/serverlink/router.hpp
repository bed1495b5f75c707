// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_ROUTER_HPP
#define SERVERLINK_ROUTER_HPP

/// slk::router: knows its peers by name, and sends each message to the peer that the caller names.
/// RFC 28, ROUTER.
///
/// The name of a peer is the routing id that it has sent, or one that the ROUTER makes: five bytes,
/// the first of them zero. A peer that comes back with the same name has another generation.
///
/// With connect() the name is the one that connect_options gives, whichever peer answers there; or
/// else that of the peer, which is known from the first handshake on. As long as it is not
/// connected, messages for it are queued. If another peer answers at the address, that one gets
/// none of them: they count as unsent, and the earlier peer is unknown.

#include <serverlink/socket.hpp>

#include <chrono>
#include <vector>

namespace slk {

/// Names a peer of a ROUTER.
struct peer_id {
    std::string routing_id{}; ///< at most 255 bytes
    /// Counts the peers that have come, from 1 on; 0: the peer that has the name now.
    std::uint64_t generation = 0;

    friend bool operator==(const peer_id&, const peer_id&) = default;
};

/// What a ROUTER receives: messages, and notices of its peers if they are asked for
/// (router_options).
enum class router_event : std::uint8_t { message, connected, disconnected };

/// What has gone between a ROUTER and one of its peers.
struct peer_stats {
    // Since the peer came; those of a peer of connect() that has a name, over all connections. A
    // message of a connection that was lost before it was received is not counted.
    std::uint64_t messages_sent = 0; ///< that send() has queued for the peer
    std::uint64_t messages_received = 0; ///< that receive() has returned
    std::uint64_t bytes_sent = 0; ///< of those messages, all their parts
    std::uint64_t bytes_received = 0; ///< with the parts of a message that is being received
    bool connected = false;
    duration connected_for{}; ///< since the present connection's handshake; zero if there is none
    /// When the last PING or PONG of the peer arrived, since the Unix epoch; 0 if none has. Not
    /// with inproc.
    std::chrono::milliseconds last_heartbeat{};
};

class SLK_API router : public socket {
public:
    /// Errors: invalid_argument (an option), too_many_descriptors (context_options::max_sockets),
    /// cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<router> create(context& in, router_options options = {});

    /// Sends to the named peer, as socket::send(). Further errors, with `mandatory`: no_route;
    /// peer_replaced (the generation is not that of the peer that has the name now).
    /// Without it, a message that cannot be queued at once is dropped, and the outcome says why.
    [[nodiscard]] result<send_outcome> send(const peer_id& to, message&& whole,
                                            const timeout& limit = {});
    [[nodiscard]] result<send_outcome> send(const peer_id& to, std::span<const std::byte> whole,
                                            const timeout& limit = {});
    [[nodiscard]] result<send_outcome> send(const peer_id& to, std::string_view whole,
                                            const timeout& limit = {})
    {
        return send(to, std::as_bytes(std::span(whole.data(), whole.size())), limit);
    }
    [[nodiscard]] result<send_outcome> send(const peer_id& to, multipart&& whole,
                                            const timeout& limit = {});

    /// Receives as socket::receive(), and sets `from` to the peer. A notice has an empty part.
    [[nodiscard]] result<router_event> receive(peer_id& from, message& into,
                                               const timeout& limit = {});
    [[nodiscard]] result<router_event> receive(peer_id& from, multipart& into,
                                               const timeout& limit = {});

    /// Ends the connection of a peer. A peer of connect() connects again. `reason`: a literal, or
    /// another text that lives as long as the process; it becomes the detail of
    /// peer_status::last_reason. Errors: no_route, peer_replaced.
    [[nodiscard]] result<void> disconnect_peer(const peer_id& id,
                                               const char* reason = "disconnected by its owner");
    /// Returns true if a message for the peer would be queued at once. Errors: no_route,
    /// peer_replaced.
    [[nodiscard]] result<bool> has_room(const peer_id& id);

    // Each of these takes notice of what has happened first, so that no receive() is needed.

    /// Returns true if a peer has that id now. One of connect() that has a name is there before it
    /// is connected.
    [[nodiscard]] result<bool> is_known(const peer_id& id);
    /// Takes a look-up only, whatever the number of peers is. Errors: no_route, peer_replaced.
    [[nodiscard]] result<peer_stats> stats(const peer_id& id);
    /// Returns the ids of all peers that are known, in the order of their bytes. Errors:
    /// out_of_memory.
    [[nodiscard]] result<std::vector<peer_id>> known_peers();

    // Each changes a live option.
    [[nodiscard]] result<void> set_mandatory(bool on);
    [[nodiscard]] result<void> set_handover(bool on);
    [[nodiscard]] result<void> set_notify(bool connect, bool disconnect);

private:
    using socket::socket;
};

} // namespace slk

#endif
