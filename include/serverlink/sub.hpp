// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_SUB_HPP
#define SERVERLINK_SUB_HPP

/// slk::sub: receives the messages of all its peers that begin with one of its topics. RFC 29, SUB.
///
/// A topic is any bytes, and matches a message whose first part begins with them; the empty topic
/// matches every message. Without a subscription nothing is received. Topics are the socket's: all
/// peers are told of them, those of every bind() and connect(), at once and whenever they connect
/// again. A peer is ready (wait_ready(), peer_status::ready) when its connection has got all of
/// them; the publisher knows them a little later (pub::wait_subscribers()).
///
/// By tcp and ipc that needs no call on this socket. By inproc a peer that comes to a bound SUB, or
/// comes again, is told during the next call, which may be any one, also one that waits.

#include <serverlink/socket.hpp>

namespace slk {

class SLK_API sub : public socket {
public:
    /// Errors: invalid_argument (an option), too_many_descriptors (context_options::max_sockets),
    /// cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<sub> create(context& in, sub_options options = {});

    /// Bytes of a topic.
    static constexpr std::size_t max_topic_size = 65526;

    /// Adds a subscription, before or after bind() and connect(). Subscriptions are counted: two to
    /// the same topic are taken back by two unsubscribe(). Errors: invalid_argument (more than
    /// max_topic_size bytes), out_of_memory (there is no subscription then), invalid_state
    /// (closed).
    [[nodiscard]] result<void> subscribe(std::span<const std::byte> topic);
    [[nodiscard]] result<void> subscribe(std::string_view topic)
    {
        return subscribe(std::as_bytes(std::span(topic.data(), topic.size())));
    }
    /// Takes one subscription back. Messages that match no other one, and are not received yet, are
    /// discarded. To take back what was not subscribed to is no error, and changes nothing. Errors:
    /// invalid_state (closed).
    [[nodiscard]] result<void> unsubscribe(std::span<const std::byte> topic);
    [[nodiscard]] result<void> unsubscribe(std::string_view topic)
    {
        return unsubscribe(std::as_bytes(std::span(topic.data(), topic.size())));
    }

    // Patterns. A message matches a pattern with its whole first part, byte by byte: `*` stands for
    // any bytes, also none, and `?` for any one; `[abc]`, `[a-z]` and `[a-zA-Z]` for one byte of a
    // set, `[^...]` or `[!...]` for one that is not in it; a backslash takes the next byte as it
    // is. What matches a topic or a pattern is received, once. Publishers know topics only: each is
    // told the bytes that the pattern begins with, up to the first special one, and sends all that
    // begins with them; what does not match is discarded here, and counted. With the option
    // invert_matching they send nothing that begins so. (Option patterns_subscribe_all: they are
    // told the empty topic instead, and send everything.)

    /// Bytes of a pattern.
    static constexpr std::size_t max_pattern_size = 255;

    /// Adds a pattern; equal ones are counted as subscriptions are. Each costs each message that
    /// matches no topic a look, whose time grows with the size of the first part alone. Errors: as
    /// subscribe(); invalid_argument also for a set that is not closed, a range that is reversed,
    /// and a backslash at the end.
    [[nodiscard]] result<void> psubscribe(std::span<const std::byte> pattern);
    [[nodiscard]] result<void> psubscribe(std::string_view pattern)
    {
        return psubscribe(std::as_bytes(std::span(pattern.data(), pattern.size())));
    }
    /// Takes one back, as unsubscribe().
    [[nodiscard]] result<void> punsubscribe(std::span<const std::byte> pattern);
    [[nodiscard]] result<void> punsubscribe(std::string_view pattern)
    {
        return punsubscribe(std::as_bytes(std::span(pattern.data(), pattern.size())));
    }

    using socket::receive;
    using socket::receive_batch;

    /// Different topics that peers are told: those that it has subscribed to, and those that its
    /// patterns begin with.
    [[nodiscard]] std::size_t topics_count() const;

private:
    using socket::socket;
};

} // namespace slk

#endif
