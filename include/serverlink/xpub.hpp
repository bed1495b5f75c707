// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_XPUB_HPP
#define SERVERLINK_XPUB_HPP

/// slk::xpub: a PUB that receives what its peers subscribe to. RFC 29, XPUB.
///
/// It sends as a PUB does (serverlink/pub.hpp). It receives each subscription as a message of one
/// part: a byte 1 and the topic, or a byte 0 and the topic when a subscription has ended, also
/// because the peer has gone. Without the options verbose and verboser that is told only of the
/// first subscription to a topic, and of the last one. So what it receives can be sent by an xsub,
/// which makes a proxy for publishers and subscribers.
///
/// It also receives the messages that XSUBs send, which do not begin with a byte 1 or 0. In a
/// message of several parts each part that begins so is a subscription, as with libzmq, and is
/// reported before the other parts.
///
/// Subscriptions are in effect without receive(), during any call. But what was not received waits,
/// so an XPUB has to receive: a peer that has as many parts waiting as receive_high_water_mark
/// says, or 1 MiB, is not listened to any further, and nobody is while more than as many topics and
/// parts, or 1 MiB, wait of peers that have gone. Reports about peers that are connected come in
/// the order in which they have arrived.

#include <serverlink/socket.hpp>

namespace slk {

class SLK_API xpub : public socket {
public:
    /// Errors: invalid_argument (an option), too_many_descriptors (context_options::max_sockets),
    /// cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<xpub> create(context& in, xpub_options options = {});

    /// Without the option no_drop they never wait, and the limit is not used.
    using socket::send;
    using socket::send_batch;

    using socket::receive;
    /// A received_batch is errc::not_supported.
    using socket::receive_batch;

    /// As pub::wait_subscribers().
    [[nodiscard]] result<void> wait_subscribers(std::span<const std::byte> topic,
                                                std::size_t count = 1, const timeout& limit = {});
    [[nodiscard]] result<void> wait_subscribers(std::string_view topic, std::size_t count = 1,
                                                const timeout& limit = {})
    {
        return wait_subscribers(std::as_bytes(std::span(topic.data(), topic.size())), count, limit);
    }

    /// With the option manual or manual_last_value: subscribes for the peer whose report was
    /// received last, or takes such a subscription back, which need not have been one. Errors:
    /// invalid_state (the option is not set, or closed), no_route (no report was received, or the
    /// peer has gone), out_of_memory.
    [[nodiscard]] result<void> subscribe(std::span<const std::byte> topic);
    [[nodiscard]] result<void> subscribe(std::string_view topic)
    {
        return subscribe(std::as_bytes(std::span(topic.data(), topic.size())));
    }
    /// Takes such a subscription back; otherwise as above.
    [[nodiscard]] result<void> unsubscribe(std::span<const std::byte> topic);
    [[nodiscard]] result<void> unsubscribe(std::string_view topic)
    {
        return unsubscribe(std::as_bytes(std::span(topic.data(), topic.size())));
    }

    /// Different topics of all peers; those of peers that have gone do not count, although their
    /// end was not received yet.
    [[nodiscard]] std::size_t topics_count();

private:
    using socket::socket;
};

} // namespace slk

#endif
