// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_PUB_HPP
#define SERVERLINK_PUB_HPP

/// slk::pub: sends each message to all of its peers that have subscribed to it. RFC 29, PUB.
///
/// A peer subscribes to a topic, which is any bytes: it gets the messages whose first part begins
/// with them, and each of these once. send() does not wait. A peer whose queue is full misses the
/// message, with all its parts, which is counted (peer_status::dropped); a message that nobody has
/// subscribed to is dropped. Each call on the socket, which may be any one, takes in up to 1,000
/// subscriptions of each peer; then they are in effect.
///
/// By tcp and ipc a message is in memory once, however many peers it is sent to. A peer that is
/// slow keeps up to send_high_water_mark messages there, and with a few of them memory of up to 72
/// KiB for each; send_high_water_bytes and context_options::max_memory limit it further.
///
/// Without the option `immediate` a peer of connect() keeps its subscriptions while its connection
/// is lost, also those that it takes back meanwhile: what it has subscribed to is queued, up to the
/// mark, and sent when it is back.
///
/// What a peer by tcp or ipc may subscribe to is limited by max_topic_size, max_subscriptions and
/// max_subscription_bytes.

#include <serverlink/socket.hpp>

namespace slk {

class SLK_API pub : public socket {
public:
    /// Errors: invalid_argument (an option), too_many_descriptors (context_options::max_sockets),
    /// cancelled (the context was shut down), out_of_memory.
    [[nodiscard]] static result<pub> create(context& in, pub_options options = {});

    /// Without the option no_drop they never wait, and the limit is not used.
    using socket::send;
    using socket::send_batch;

    /// Waits until a message of this topic would go to at least `count` peers: each of them has
    /// subscribed to the topic or to a beginning of it. Errors: timed_out, would_block, cancelled,
    /// invalid_state (closed).
    [[nodiscard]] result<void> wait_subscribers(std::span<const std::byte> topic,
                                                std::size_t count = 1, const timeout& limit = {});
    [[nodiscard]] result<void> wait_subscribers(std::string_view topic, std::size_t count = 1,
                                                const timeout& limit = {})
    {
        return wait_subscribers(std::as_bytes(std::span(topic.data(), topic.size())), count, limit);
    }

    /// Different topics of all peers.
    [[nodiscard]] std::size_t topics_count();

private:
    using socket::socket;
};

} // namespace slk

#endif
