// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_RECEIVER_HPP
#define SLK_MESSAGING_SOCKET_RECEIVER_HPP

/// Receives messages: reads them from the pipe of the peer whose turn it is, and gives the room
/// back. For the socket's thread.

#include <serverlink/frame_socket.hpp>
#include <serverlink/received_batch.hpp>

#include "messaging/socket/origin_stock.hpp"
#include "messaging/socket/sender.hpp"
#include "messaging/socket/socket_state.hpp"

#include <span>

namespace slk::messaging {

class receiver {
public:
    receiver(socket_state& of, sender& beside) noexcept : state_(of), sender_(beside) {}

    /// Receives the next part, or a message of the pattern's own. `from`: the peer, or null.
    result<router_event> receive(message& into, const timeout& limit, peer_id* from = nullptr);
    /// As receive(), into the caller's memory. Returns the part without its content.
    result<received_part> receive_into(std::span<std::byte> into, const timeout& limit);
    /// Waits for one part, and receives what else is there; returns the number of parts.
    result<std::size_t> receive_batch(std::span<message> into, const timeout& limit);
    /// The same without copying; at most `max` parts.
    result<std::size_t> receive_batch(received_batch& into, std::size_t max, const timeout& limit);

    /// As frame_socket::origin().
    [[nodiscard]] message_origin* origin(message_detail::shared_memory* before) noexcept
    {
        return origins_.take(before);
    }
    void set_tells_origin(bool on) noexcept
    {
        tells_origin_ = on;
        origins_.set(nullptr);
    }

    /// Whether a receive would not wait.
    [[nodiscard]] bool can_receive();

private:
    /// Waits, if need be, until `take` returns true.
    template <class Take>
    result<void> take_or_wait(Take take, const timeout& limit);
    [[nodiscard]] result<router_event> receive_own(message& into, peer_id* from = nullptr);
    template <class Part>
    [[nodiscard]] pipe* read_part(Part& into, peer_id* name = nullptr);
    [[nodiscard]] std::size_t read_batch(received_batch& into, std::size_t max);
    [[nodiscard]] pipe* next_source() noexcept;
    [[nodiscard]] bool skip_to_wanted(pipe& from, std::size_t& left);
    [[nodiscard]] bool strip_to_body();
    template <class Part>
    [[nodiscard]] pattern::part_fate take_in(pipe& from, Part& part);
    [[nodiscard]] pattern::part_fate inspect(pipe& from, message& part, bool first);
    void consumed(pipe& from, std::uint32_t messages) noexcept;
    [[nodiscard]] bool is_half_free(pipe& from, std::uint32_t messages) noexcept;
    void report_room(pipe& from) noexcept;
    void drop_expired(pipe& from) noexcept;
    [[nodiscard]] bool is_readable(pipe& from) noexcept;
    void lane_emptied(pipe& from);

    socket_state& state_;
    sender& sender_;
    bool discarding_ = false; ///< the rest of the present message
    /// For the name of the peer whose part would be next, or for a message that is lost.
    bool no_memory_ = false;
    bool tells_origin_ = false; ///< the option
    origin_stock origins_;
};

} // namespace slk::messaging

#endif
