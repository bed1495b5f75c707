// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_RECEIVER_HPP
#define SLK_MESSAGING_SOCKET_RECEIVER_HPP

/// Receives messages: reads them from the pipe of the peer whose turn it is, and gives the room
/// back. For the socket's thread.

#include <serverlink/frame_socket.hpp>
#include <serverlink/received_batch.hpp>

#include "messaging/pipe/frame_reader.hpp"
#include "messaging/socket/origin_stock.hpp"
#include "messaging/socket/sender.hpp"
#include "messaging/socket/socket_state.hpp"

#include <span>
#include <vector>

namespace slk::messaging {

/// What has become of a forward().
struct forwarded {
    enum class end : std::uint8_t {
        maximum, ///< the number of messages that was asked for
        empty, ///< there are no more
        full, ///< no peer of the other socket has room
        whole, ///< the next one has to be received and sent
    };
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0; ///< of their parts, with routing ids
    end ended = end::maximum;
};

/// A message that was looked at, and not received.
struct peeked_message {
    pipe* from = nullptr; ///< null: there is none that can be looked at
    std::size_t size = 0; ///< of its frames
    std::size_t bodies = 0; ///< bytes of its parts
};

class receiver {
public:
    receiver(socket_state& of, sender& beside) noexcept : state_(of), sender_(beside) {}

    /// Receives the next part, or a message of the pattern's own. `from`: the peer, or null.
    result<router_event> receive(message& into, const timeout& limit, peer_id* from = nullptr);
    /// As receive(), into a part_copy or a part_sink.
    template <class Part>
    result<void> receive_part(Part& into, const timeout& limit);
    /// Waits for one part, and receives what else is there; returns the number of parts.
    result<std::size_t> receive_batch(std::span<message> into, const timeout& limit);
    /// The same without copying; at most `max` parts.
    result<std::size_t> receive_batch(received_batch& into, std::size_t max, const timeout& limit);

    // forwarding.cpp

    /// Moves at most `max` messages to the peers of another socket. Errors: out_of_memory, if none
    /// was moved.
    result<forwarded> forward(sender& to, std::uint64_t max);
    /// Views of the parts of the next message, as far as that can be looked at, with the routing id
    /// of a ROUTER's peer. They are valid until skip(), or the next call of the socket. Errors:
    /// out_of_memory.
    [[nodiscard]] result<peeked_message> peek(std::vector<pattern::part_view>& into);
    /// The message of the last peek() was received.
    void skip(const peeked_message& which) noexcept
    {
        took_frames(*which.from, which.size, which.bodies, 1);
    }

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
    [[gnu::noinline]] result<void> wait_for(const Take& take, const timeout& limit);
    template <class Take>
    result<void> take_or_wait(const Take& take, const timeout& limit);
    [[nodiscard]] result<router_event> receive_own(message& into, peer_id* from = nullptr);
    template <class Part>
    [[nodiscard]] pipe* read_part(Part& into, peer_id* name = nullptr);
    [[nodiscard]] std::size_t read_batch(received_batch& into, std::size_t max);
    /// The peer to read from; null if none has anything.
    [[nodiscard, gnu::always_inline]] pipe* next_source() noexcept
    {
        if (state_.peers.mid_message != nullptr)
            return state_.peers.mid_message;
        auto* const next = static_cast<pipe*>(state_.routes->receive_from());
        if (next == nullptr)
            state_.reports->clear_event_handle();
        return next;
    }
    [[nodiscard]] bool gives_frames() const noexcept;
    [[nodiscard]] std::span<const std::byte> next_frames(pipe*& from);
    void took_frames(pipe& from, std::size_t bytes, std::size_t bodies,
                     std::uint64_t messages) noexcept;
    [[nodiscard]] bool skip_to_wanted(pipe& from, std::size_t& left);
    [[nodiscard]] bool strip_to_body();
    template <class Part>
    [[nodiscard]] pattern::part_fate take_in(pipe& from, Part& part);
    [[nodiscard]] pattern::part_fate inspect(pipe& from, message& part, bool first);
    /// Whole messages of the peer were read.
    [[gnu::always_inline]] void consumed(pipe& from, std::uint32_t messages) noexcept
    {
        bool look = false;
        if (from.until_look <= messages)
            look = is_half_free(from, messages);
        else
            from.until_look -= messages;
        if (from.in.consume(messages, look))
            report_room(from);
    }
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
