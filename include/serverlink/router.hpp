// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_ROUTER_HPP
#define SERVERLINK_ROUTER_HPP

/// slk::router: knows its peers by name, and sends to whom it is told. RFC 28, ROUTER.
///
/// A peer's name is the routing id that he says he has, or one that the ROUTER makes up: five
/// bytes, the first of them zero. He who comes back with the same name is another generation.

#include <serverlink/socket.hpp>

namespace slk {

/// A peer of a ROUTER.
struct peer_id {
    std::string routing_id{};
    /// Counts those who came, from 1 on; 0: whoever has the name now.
    std::uint64_t generation = 0;

    friend bool operator==(const peer_id&, const peer_id&) = default;
};

/// What a ROUTER receives besides messages, if it is asked for (router_options).
enum class router_event : std::uint8_t { message, connected, disconnected };

class SLK_API router : public socket {
public:
    /// Errors: invalid_argument (an option), too_many_descriptors (context_options::max_sockets),
    /// cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<router> create(context& in, router_options options = {});

    /// As socket::send(), to that peer. Further errors of a mandatory ROUTER: no_route. Of one that
    /// is not, a message that cannot be queued at once is dropped, and the answer says why.
    result<send_outcome> send(const peer_id& to, message&& whole, const timeout& limit = {});
    result<send_outcome> send(const peer_id& to, std::span<const std::byte> whole,
                              const timeout& limit = {});
    result<send_outcome> send(const peer_id& to, std::string_view whole, const timeout& limit = {})
    {
        return send(to, std::as_bytes(std::span(whole.data(), whole.size())), limit);
    }
    result<send_outcome> send(const peer_id& to, multipart&& whole, const timeout& limit = {});

    /// As socket::receive(), and says from whom. What is not a message comes with an empty part.
    result<router_event> receive(peer_id& from, message& into, const timeout& limit = {});
    result<router_event> receive(peer_id& from, multipart& into, const timeout& limit = {});

    /// Ends that peer's connection. One that came by connect() comes again. `reason`: a literal, or
    /// another text that stays; it is the detail of peer_status::last_reason. Errors: no_route.
    result<void> disconnect_peer(const peer_id& whom,
                                 const char* reason = "disconnected by its owner");
    /// True if a message for him would be queued at once. Errors: no_route.
    [[nodiscard]] result<bool> has_room(const peer_id& to);

    /// Changes a live option.
    void set_mandatory(bool on);
    void set_handover(bool on);
    void set_notify(bool connect, bool disconnect);

private:
    using socket::socket;
};

} // namespace slk

#endif
