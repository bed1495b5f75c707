// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_PUBSUB_CLUSTER_HPP
#define SERVERLINK_PUBSUB_CLUSTER_HPP

/// slk::pubsub_cluster: publishes to, and subscribes at, several nodes that share the channels.
///
///     SLK_TRY(auto cluster, slk::pubsub_cluster::create(context));
///     SLK_TRY(cluster.add_node("tcp://192.0.2.1:5556"));
///     SLK_TRY(cluster.add_node("tcp://192.0.2.2:5556"));
///     SLK_TRY(cluster.subscribe("weather"));
///     SLK_TRY(cluster.publish("weather", "sunny"));
///     slk::message channel, data;
///     SLK_TRY(cluster.receive(channel, data));
///
/// A node is an XPUB. It publishes messages of two parts, the channel and the data, and it receives
/// what is published by the cluster as such messages, which its program may publish again. The
/// slots of channels (slk::slot_of) are split evenly between the nodes, in the order in which they
/// were added: of `n` nodes, the one with the index slot * n / slot_count owns a slot. Programs
/// with the same list of nodes agree about the owner of each channel.
///
/// A channel is subscribed to at the node that owns it, and a pattern at all nodes. Subscriptions
/// are kept here: a node that is added, or that comes back after a lost connection, is told all of
/// its own. When the list of nodes changes, a channel whose owner is another one now is subscribed
/// to there first, and then taken back at the earlier owner; what has arrived from that one by then
/// is still received.
///
/// Nodes need not be there when they are added, nor stay: their connections are tried again as
/// those of every socket. What is published before the first connection to a node waits for it;
/// what is published while a connection is lost is dropped.
///
/// For one thread at a time, as a socket. It has no thread of its own, but by tcp and ipc the loops
/// of the context connect, receive and send without calls.

#include <serverlink/channel_slot.hpp>
#include <serverlink/context.hpp>
#include <serverlink/message.hpp>
#include <serverlink/result.hpp>
#include <serverlink/socket.hpp>
#include <serverlink/socket_options.hpp>
#include <serverlink/timeout.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slk {

class SLK_API pubsub_cluster {
public:
    /// `options`: of the XSUB of each node. only_first_subscribe is set in any case, so that data
    /// may begin with any byte; where it may begin with 0 or 1, the nodes have to set it too.
    /// Errors: those of xsub::create().
    [[nodiscard]] static result<pubsub_cluster> create(context& in, xsub_options options = {});

    pubsub_cluster(pubsub_cluster&& other) noexcept;
    pubsub_cluster& operator=(pubsub_cluster&& other) noexcept;
    /// Ends the connections one after the other, as sockets do (option `linger`).
    ~pubsub_cluster();

    // --- nodes ---

    /// Errors: already_exists (there is a node with this text), those of xsub::create() and
    /// socket::connect(), out_of_memory. On an error nothing has changed.
    [[nodiscard]] result<void> add_node(std::string_view endpoint);
    /// The node has up to `timeout` to read what was published; what was received from it, and not
    /// by receive(), is discarded. Errors: not_found (there is no node with this text),
    /// out_of_memory. On an error nothing has changed.
    [[nodiscard]] result<close_report> remove_node(std::string_view endpoint,
                                                   duration timeout = duration::zero());
    /// The endpoints of all nodes, in their order. Errors: out_of_memory.
    [[nodiscard]] result<std::vector<std::string>> nodes() const;
    /// The endpoint of the node that owns the channel. Errors: no_route (there are no nodes),
    /// out_of_memory.
    [[nodiscard]] result<std::string> node_of(std::string_view channel) const;
    /// Waits until all nodes are connected, and told their subscriptions. Errors: those of
    /// socket::wait_ready().
    [[nodiscard]] result<void> wait_ready(const timeout& limit = {});

    // --- subscriptions, also without nodes ---

    /// Adds a subscription. They are counted: two are taken back by two unsubscribe(). As with
    /// every SUB a channel is a prefix: channels of the same node that begin with it are received,
    /// too. Errors: invalid_argument (an empty channel, or more than xsub::max_topic_size bytes),
    /// out_of_memory (there is no subscription then), cancelled (the context was shut down).
    [[nodiscard]] result<void> subscribe(std::string_view channel);
    /// Takes one subscription back; one that does not exist is no error, and changes nothing.
    /// Messages that match no other one, and were not received yet, are discarded. Errors:
    /// invalid_argument (an empty channel), cancelled.
    [[nodiscard]] result<void> unsubscribe(std::string_view channel);
    /// The same for a pattern, as in sub::psubscribe(), which is for the channels of all nodes
    /// (option patterns_subscribe_all: they send everything). Further errors: invalid_argument (an
    /// empty pattern, and those of sub::psubscribe()).
    [[nodiscard]] result<void> psubscribe(std::string_view pattern);
    /// Takes a pattern back, as unsubscribe().
    [[nodiscard]] result<void> punsubscribe(std::string_view pattern);

    // --- messages ---

    /// Sends the channel and the data to the node that owns the channel. Never waits; the outcome
    /// tells what has become of the message. Errors: invalid_argument (a channel that is empty, or
    /// begins with a byte 0 or 1, as subscriptions do), no_route (there are no nodes),
    /// out_of_memory, cancelled.
    [[nodiscard]] result<send_outcome> publish(std::string_view channel,
                                               std::span<const std::byte> data);
    [[nodiscard]] result<send_outcome> publish(std::string_view channel, std::string_view data)
    {
        return publish(channel, std::as_bytes(std::span(data.data(), data.size())));
    }
    /// Receives the next message of any node, once, however many channels and patterns match it.
    /// Nodes have their turns. A message of one part has empty data, and parts behind the data are
    /// left out. Without nodes it waits all the same. With `no_wait` it looks at some thousand
    /// messages that match nothing at most. Errors: would_block, timed_out, cancelled (also: the
    /// context was shut down), out_of_memory.
    [[nodiscard]] result<void> receive(message& channel, message& data, const timeout& limit = {});

private:
    struct core;
    explicit pubsub_cluster(std::unique_ptr<core> made) noexcept;

    std::unique_ptr<core> core_;
};

} // namespace slk

#endif
