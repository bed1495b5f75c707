// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_FRAME_SOCKET_HPP
#define SERVERLINK_FRAME_SOCKET_HPP

/// slk::frame_socket: a socket whose type is chosen at run time, and which sends and receives part
/// by part (frame by frame), as programs for libzmq do. Bindings and bridges need it; where the
/// type is known, its own class has the clearer calls.
///
/// A message still goes out and arrives as a whole. To a ROUTER the first part names the peer, and
/// is not sent; from a ROUTER the first part is the peer's routing id. A STREAM's messages have two
/// parts, the peer's routing id and its bytes; an empty second part closes the peer. Everything
/// else is as the class of that type has it (serverlink/router.hpp, ...).

#include <serverlink/router.hpp>
#include <serverlink/socket.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace slk {

namespace message_detail {
class part_sink;
}

/// With libzmq's numbers.
enum class socket_type : std::uint8_t {
    pair = 0,
    pub = 1,
    sub = 2,
    req = 3,
    rep = 4,
    dealer = 5,
    router = 6,
    pull = 7,
    push = 8,
    xpub = 9,
    xsub = 10,
    stream = 11,
};
/// The number of types.
inline constexpr std::size_t socket_type_count = 12;

/// Of a part that was received into the caller's memory.
struct received_part {
    std::size_t size = 0; ///< in bytes, whole; larger than the memory if that was too small
    bool more = false; ///< other parts of the same message follow
};

class SLK_API frame_socket : public socket {
public:
    /// Errors: invalid_argument (an option, or the type), too_many_descriptors
    /// (context_options::max_sockets), cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<frame_socket> create(context& in, socket_type type,
                                                     const socket_options& options = {});

    /// Errors: invalid_state (closed), cancelled (the context was shut down), forked.
    [[nodiscard]] result<void> usable() const noexcept;
    /// Returns the type that it was created with.
    [[nodiscard]] socket_type type() const noexcept { return type_; }
    /// PULL and SUB cannot send; PUSH and PUB cannot receive.
    [[nodiscard]] bool sends() const noexcept
    {
        return type_ != socket_type::pull && type_ != socket_type::sub;
    }
    /// As above.
    [[nodiscard]] bool receives() const noexcept
    {
        return type_ != socket_type::push && type_ != socket_type::pub;
    }

    /// Sends a part; `more`: others of the same message follow. The first one waits until there is
    /// a peer with room for the message, and the last one queues it. On an error the part was not
    /// taken, and may be sent again; the parts before it stay. A ROUTER's first part without `more`
    /// is thrown away. When the last peer goes between the first part and the last one, the message
    /// is thrown away, and sending its other parts succeeds. Errors: those of send() of the type's
    /// class, the first three with the first part; not_supported (the type does not send);
    /// out_of_memory.
    ///
    /// A ROUTER's peer that goes between the first part and the last one does not get the message:
    /// that is no error, and counted as dropped.
    [[nodiscard]] result<void> send(message&& part, bool more, const timeout& limit = {});
    [[nodiscard]] result<void> send(std::span<const std::byte> part, bool more,
                                    const timeout& limit = {})
    {
        if (!sends_at_once(more)) [[unlikely]]
            return send_in_turn(part, more, limit);
        if (const auto sent = socket::send(part, limit); !sent) [[unlikely]]
            return error_of(sent);
        return {};
    }
    /// The next part that is sent is not the first one of its message.
    [[nodiscard]] bool is_sending() const noexcept { return sending_; }
    /// Used by the library only: a part that is sent now is a whole message, and goes to whatever
    /// peer the type chooses.
    [[nodiscard]] bool sends_at_once(bool more) const noexcept
    {
        return sends_at_once_ && !more && !sending_;
    }
    /// Forgets the parts of a message whose last part was not sent yet.
    void give_message_up() noexcept;

    /// Receives the next part, and replaces the content of `into`; into.more() tells whether others
    /// of the same message follow. They have arrived too, and are lost only with their peer, by
    /// disconnect() or a handover. Errors: those of socket::receive(); not_supported (the type does
    /// not receive).
    [[nodiscard]] result<void> receive(message& into, const timeout& limit = {});
    /// The same without a message between: copies as much of the part as fits to `into`, and drops
    /// the rest of it. Errors: those of receive().
    [[nodiscard]] result<received_part> receive_into(std::span<std::byte> into,
                                                     const timeout& limit = {});
    /// Used by the library only: as receive(), into a sink.
    [[nodiscard]] result<void> receive_into(message_detail::part_sink& into,
                                            const timeout& limit = {});
    /// Used by the library only, with the option tells_origin: where the part came from that
    /// receive() has received last, or receive_into() a sink, a message_origin, one reference of
    /// which is the caller's. Null: it is not known, as with inproc. `before`: an origin, or null,
    /// of which the caller gives one reference back.
    [[nodiscard]] message_detail::shared_memory*
    origin(message_detail::shared_memory* before = nullptr) noexcept;
    /// The next part that is received is not the first one of its message.
    [[nodiscard]] bool is_receiving() const noexcept { return receiving_; }

    /// Whether the endpoint, or the same place in another spelling, was bound or connected and not
    /// taken back; not if its link does not try any more. Errors: invalid_argument (the endpoint),
    /// out_of_memory.
    [[nodiscard]] result<bool> has_endpoint(endpoint_kind kind, std::string_view endpoint);
    /// As socket::events(), for parts.
    [[nodiscard]] socket_events events();

    // SUB, XSUB; and XPUB with the option manual: as the calls of their classes. Errors: also
    // not_supported (another type).
    [[nodiscard]] result<void> subscribe(std::span<const std::byte> topic);
    [[nodiscard]] result<void> unsubscribe(std::span<const std::byte> topic);
    /// SUB and XSUB only.
    [[nodiscard]] result<void> psubscribe(std::span<const std::byte> pattern);
    /// Takes one back, as unsubscribe().
    [[nodiscard]] result<void> punsubscribe(std::span<const std::byte> pattern);
    // ROUTER only: as the calls of its class. Errors: also not_supported.
    [[nodiscard]] result<bool> is_known(const peer_id& id);
    [[nodiscard]] result<peer_stats> stats(const peer_id& id);
    [[nodiscard]] result<std::vector<peer_id>> known_peers();
    /// STREAM only: as stream_socket::peer_at(). Errors: also not_supported.
    [[nodiscard]] result<peer_id> peer_at(std::string_view endpoint);

    /// PUB, XPUB, SUB and XSUB; others: 0.
    [[nodiscard]] std::size_t topics_count();

private:
    frame_socket(messaging::socket_core* core, socket_type type) noexcept
        : socket(core), type_(type),
          names_peers_(type == socket_type::router || type == socket_type::stream),
          sends_at_once_(sends() && !names_peers_ && type != socket_type::xsub)
    {
    }

    template <class Keep>
    result<void> send_part(std::span<const std::byte> bytes, message_detail::shared_memory* owner,
                           bool more, const timeout& limit, Keep keep);
    result<void> send_in_turn(std::span<const std::byte> part, bool more, const timeout& limit);
    /// Out of line: the fields of an error are read only where there is one.
    static result<void> error_of(const result<send_outcome>& failed);
    result<void> begin_message(std::span<const std::byte> first, const timeout& limit);
    result<void> end_message(std::span<const std::byte> last, message_detail::shared_memory* owner,
                             const timeout& limit);
    result<void> send_to_stream(std::span<const std::byte> bytes,
                                message_detail::shared_memory* owner, const timeout& limit);
    template <class Part>
    result<void> receive_part(Part& into, const timeout& limit);
    result<void> receive_first(const timeout& limit);
    result<void> deliver_routing_id(message& into);
    void look_for_lost_rest() noexcept;
    [[nodiscard]] result<void> check_router() const;
    [[nodiscard]] bool has_lost_receivers();
    void end_parts(bool more) noexcept;

    socket_type type_;
    bool names_peers_; ///< the first part of a message is a routing id
    bool sends_at_once_; ///< a message of one part needs nothing else
    bool sending_ = false;
    bool receiving_ = false;
    // ROUTER and STREAM, but for `parts_`.
    bool has_routing_id_ = false; ///< `from_` and `body_` are to be received
    bool has_body_ = false; ///< `body_` is to be received
    peer_id to_{}; ///< of the message that is being sent
    std::vector<message> parts_{}; ///< of that message, those that were sent
    peer_id from_{}; ///< of the message that is being received
    message body_{}; ///< its first part behind the routing id
};

} // namespace slk

#endif
