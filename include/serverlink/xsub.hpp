// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_XSUB_HPP
#define SERVERLINK_XSUB_HPP

/// slk::xsub: a SUB that subscribes by sending messages. RFC 29, XSUB.
///
/// A message that begins with a byte 1 subscribes to what follows, and one that begins with a byte
/// 0 takes such a subscription back; they are counted, kept and told to all peers as those of a SUB
/// (serverlink/sub.hpp). Any other message goes to all peers, which receive it if they are XPUBs.
/// In a message of several parts each part that begins so is a subscription, as with libzmq; the
/// other parts are sent as a message.
///
/// It receives everything that its peers send: it does not filter.
///
/// send() never waits. A peer whose queue is full misses the message (peer_status::dropped). What
/// is queued for a peer when its connection is lost is dropped, and counted as unconfirmed. What
/// was queued before there was a connection comes before the subscriptions; after that all is in
/// order.

#include <serverlink/socket.hpp>

namespace slk {

class SLK_API xsub : public socket {
public:
    /// Errors: invalid_argument (an option), too_many_descriptors (context_options::max_sockets),
    /// cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<xsub> create(context& in, xsub_options options = {});

    /// Bytes of a topic.
    static constexpr std::size_t max_topic_size = 65526;

    /// Sends a message, or subscribes. A message for which there is no peer is dropped. On success
    /// `whole` is empty. Errors: invalid_argument (a topic of more than max_topic_size bytes:
    /// nothing was done; no part), out_of_memory (subscriptions of earlier parts were made),
    /// cancelled, invalid_state (closed).
    [[nodiscard]] result<send_outcome> send(message&& whole);
    [[nodiscard]] result<send_outcome> send(multipart&& whole);
    [[nodiscard]] result<send_outcome> send(std::span<const std::byte> whole);
    [[nodiscard]] result<send_outcome> send(std::string_view whole)
    {
        return send(std::as_bytes(std::span(whole.data(), whole.size())));
    }

    /// Subscribes to what a pattern matches, as sub::psubscribe(). Peers are told as those of a SUB
    /// (option patterns_subscribe_all); what they send is received, whether it matches or not.
    [[nodiscard]] result<void> psubscribe(std::span<const std::byte> pattern);
    [[nodiscard]] result<void> psubscribe(std::string_view pattern)
    {
        return psubscribe(std::as_bytes(std::span(pattern.data(), pattern.size())));
    }
    /// Takes a pattern back, as sub::punsubscribe().
    [[nodiscard]] result<void> punsubscribe(std::span<const std::byte> pattern);
    [[nodiscard]] result<void> punsubscribe(std::string_view pattern)
    {
        return punsubscribe(std::as_bytes(std::span(pattern.data(), pattern.size())));
    }

    using socket::receive;
    using socket::receive_batch;

    /// Different topics that peers are told.
    [[nodiscard]] std::size_t topics_count() const;

private:
    using socket::socket;
};

} // namespace slk

#endif
