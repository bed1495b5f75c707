// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_PATTERN_PATTERN_HPP
#define SLK_PATTERN_PATTERN_HPP

/// A pattern: what one type of socket does with whole messages. It routes each message that is sent
/// to one peer or several, says whose message is received next, and may add, check and remove
/// parts. It has no threads, no time and no buffers; the socket asks it, and moves the messages.

#include <serverlink/message.hpp>
#include <serverlink/result.hpp>
#include <serverlink/socket.hpp>

#include "pattern/peer.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace slk::pattern {

/// A part that is to be sent: its bytes, and their owner if they may be shared.
struct part_view {
    std::span<const std::byte> bytes;
    message_detail::shared_memory* owner = nullptr;
};

/// What a pattern asks the socket while it routes.
class room_check {
public:
    /// Whether the peer's queue takes one more message. If not, the pattern hears of it by
    /// writable() when that has changed.
    [[nodiscard]] virtual bool has_room(peer& entry) noexcept = 0;
    /// The same for a message that does not wait: the pattern does not hear of room.
    [[nodiscard]] virtual bool has_room_now(peer& entry) noexcept { return has_room(entry); }
    /// Whether what is known of the peers' room (peer::known_room) holds for the next message. If
    /// not, memory is used up, and a queue has room only while it is empty.
    [[nodiscard]] virtual bool has_memory() noexcept { return true; }
    /// As has_room(), of one of several peers that all get the message or none.
    [[nodiscard]] virtual bool has_room_for_all(peer& entry) noexcept { return has_room(entry); }
    /// Throws away all messages that have arrived until now.
    virtual void discard_arrived() noexcept {}

protected:
    ~room_check() = default;
};

/// Where a message goes.
struct routing {
    enum class kind : std::uint8_t {
        one, ///< to the peer `to`
        several, ///< to all of targets()
        wait, ///< no peer takes it now: ask again when something has changed
        dropped, ///< to no peer, without an error; `outcome` is the reason
        refused, ///< the call is an error
    };
    kind what = kind::wait;
    send_outcome outcome = send_outcome::queued;
    peer* to = nullptr;
    error failure{};
    /// several: peers that do not get the message because their queue is full. They are counted.
    std::uint64_t skipped = 0;

    [[nodiscard]] static routing to_peer(peer& entry) noexcept
    {
        return {.what = kind::one, .to = &entry};
    }
    /// To all of targets(), of which there may be none; `outcome` is what send() returns.
    [[nodiscard]] static routing to_targets(std::uint64_t skipped,
                                            send_outcome outcome = send_outcome::queued) noexcept
    {
        return {.what = kind::several, .outcome = outcome, .skipped = skipped};
    }
    [[nodiscard]] static routing drop(send_outcome why) noexcept
    {
        return {.what = kind::dropped, .outcome = why};
    }
    [[nodiscard]] static routing refuse(const error& why) noexcept
    {
        return {.what = kind::refused, .failure = why};
    }
};

/// The error of attach() and its like.
inline constexpr error no_memory_for_peer{errc::out_of_memory, phase::handshake, 0,
                                          "no memory for one more peer"};

/// What becomes of a part that has arrived.
enum class part_fate : std::uint8_t {
    deliver, ///< to the caller
    strip, ///< the pattern has taken it; the other parts of the message follow
    discard, ///< with all parts of its message that follow
    lose, ///< the same, because memory is exhausted: the receive fails
};

/// Which peers a socket may have at the same time.
enum class peer_rule : std::uint8_t {
    any, ///< as many as come
    one, ///< one alone
    one_for_each_id, ///< one for each routing id; those without an id get one
    one_for_each_connection, ///< as many as come, whatever their ids; the next connection is
                             ///< another
};

/// Whether each connection of a connect() may bring another peer.
[[nodiscard]] constexpr bool changes_peers(peer_rule rule) noexcept
{
    return rule == peer_rule::one_for_each_id || rule == peer_rule::one_for_each_connection;
}

/// The messages that a pattern itself has for the caller.
class own_message_queue {
public:
    own_message_queue() = default;
    own_message_queue(const own_message_queue&) = delete;
    own_message_queue& operator=(const own_message_queue&) = delete;
    ~own_message_queue()
    {
        while (!all_.empty())
            (void)pop();
    }

    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    void push(std::unique_ptr<own_message> last) noexcept
    {
        all_.push_back(*last.release());
        ++count_;
    }
    /// The first one, of a queue that is not empty.
    [[nodiscard]] std::unique_ptr<own_message> pop() noexcept
    {
        --count_;
        return std::unique_ptr<own_message>(&all_.pop_front());
    }
    /// Whether the pattern has messages that are not in this queue: then it is not empty.
    void set_others(bool any) noexcept
    {
        count_ = count_ - (others_ ? 1 : 0) + (any ? 1 : 0);
        others_ = any;
    }

private:
    list<own_message> all_;
    std::size_t count_ = 0;
    bool others_ = false;
};

/// Whether a part asks for a subscription: 1 and a topic, or takes one back: 0 and the topic.
[[nodiscard]] inline bool is_request(std::span<const std::byte> part) noexcept
{
    return !part.empty() && std::to_integer<unsigned>(part.front()) <= 1;
}

class topic_book;
class published_topics;

class pattern {
public:
    virtual ~pattern() = default;

    // --- peers ---

    [[nodiscard]] virtual peer_rule rule() const noexcept { return peer_rule::any; }
    /// Whether messages that were queued for a peer may go to another one, or to the next.
    [[nodiscard]] virtual bool may_requeue() const noexcept { return false; }
    /// Whether a peer may be attached before its handshake is over.
    [[nodiscard]] virtual bool attaches_unconnected(const peer& entry) const noexcept
    {
        (void)entry;
        return true;
    }
    /// Whether connect() may give a peer this routing id. Errors: invalid_argument.
    [[nodiscard]] virtual result<void> check_name(std::string_view routing_id) const;
    /// The peer takes part from now on. Returns a peer that has lost its place to it and must be
    /// disconnected, or null. An error: this socket does not take the peer, or out_of_memory.
    virtual result<peer*> attach(peer& entry) = 0;
    /// After stop_sending(): the peer gets messages again. Returns as attach().
    virtual result<peer*> resume_sending(peer& entry) = 0;
    /// The peer gets no more messages. What it has sent is still received, until detach().
    virtual void stop_sending(peer& entry) noexcept = 0;
    virtual void detach(peer& entry) noexcept = 0;
    /// Before the peer is attached, and each time that its handshake is over: makes what the
    /// following two need. Returns false when memory is exhausted.
    [[nodiscard]] virtual bool prepare(peer& entry) noexcept;
    /// The handshake with an attached peer is over.
    virtual void connected(peer& entry) noexcept;
    /// The connection of an attached peer is over.
    virtual void disconnected(peer& entry) noexcept;

    /// The peer has something to be received, or no longer has.
    virtual void readable(peer& entry, bool is) noexcept = 0;
    /// The peer has room for a message, or no longer has.
    virtual void writable(peer& entry, bool is) noexcept = 0;

    // --- sending ---

    /// Routes the next message, and counts it as sent. `parts` may be changed to what is to be
    /// written; the new parts stay valid until the next call. `to`: the peer that the caller names,
    /// or null.
    [[nodiscard]] virtual routing route(std::span<const part_view>& parts, const peer_id* to,
                                        room_check& rooms) noexcept = 0;
    /// What the last route() has decided was not done: the caller may send the message again.
    virtual void route_failed() noexcept {}
    /// After routing::kind::several.
    [[nodiscard]] virtual std::span<peer* const> targets() const noexcept { return {}; }
    /// The peers that would have got that message, and had no room.
    [[nodiscard]] virtual std::span<peer* const> skipped() const noexcept { return {}; }
    /// PUB and XPUB only: the last route() has found the same topics as the one before, and asked
    /// all who have subscribed to them.
    [[nodiscard]] virtual bool repeats_route() const noexcept { return false; }
    /// After a route() for which that holds, and while no peer comes or goes or subscribes: a
    /// message that begins with this part goes to the same peers.
    [[nodiscard]] virtual bool is_routed_as_before(std::span<const std::byte> first_part) noexcept
    {
        (void)first_part;
        return false;
    }
    /// After a route() to one peer, until peers come or go or are writable again: the next messages
    /// go to that peer as well, as long as it has room.
    [[nodiscard]] virtual bool sends_to_one() const noexcept { return false; }
    /// Whether route() would not wait.
    [[nodiscard]] virtual bool can_send(room_check& rooms) noexcept = 0;
    /// Before a message whose other parts are not there yet: what route() would decide about one
    /// with this first part. Nothing is counted or changed. `wait` and `refused` mean that, all
    /// else that it can be sent.
    [[nodiscard]] virtual routing check_send(std::span<const std::byte> first_part,
                                             const peer_id* to, room_check& rooms) noexcept;

    // --- receiving ---

    /// The peer whose message is received next; null: no peer has one.
    [[nodiscard]] virtual peer* receive_from() noexcept = 0;
    /// receive_from() returns the same peer after received(), until others are readable.
    [[nodiscard]] virtual bool receives_from_one() const noexcept { return false; }
    /// One whole message of the peer was received.
    virtual void received(peer& entry) noexcept = 0;

    /// If set, check_receive() is asked before each receive, and inspect() about each part; then
    /// messages cannot be received as a received_batch, unless the pattern `filters`. May change.
    bool inspects = false;
    /// All that inspect() does is to discard messages that it does not want: a message can be
    /// looked at before it is received.
    const bool filters = false;
    [[nodiscard]] virtual bool wants(std::span<const std::byte> first_part) const noexcept;
    /// An error if the call makes no sense now, so that the caller does not wait for ever.
    [[nodiscard]] virtual result<void> check_receive() const { return {}; }
    /// `first`: the part begins a message. The part may be taken by moving it away.
    [[nodiscard]] virtual part_fate inspect(peer& from, message& part, bool first) noexcept;
    /// In the middle of a message that is not discarded: the parts that follow are delivered. The
    /// first part never is where parts are stripped.
    [[nodiscard]] virtual bool in_body() const noexcept;

    // --- subscriptions ---

    /// If set, peers send requests, and take_request() gets all that arrives.
    const bool takes_requests = false;
    /// Whether the next message of the peer is taken now. If not, next_to_resume() returns the peer
    /// when it is.
    [[nodiscard]] virtual bool takes_more(peer& from) noexcept;
    [[nodiscard]] virtual peer* next_to_resume() noexcept;
    /// A part has arrived; `first`: it begins a message. It may be moved away. `limited`: the
    /// limits of the options hold for it. Returns whether the caller of the socket will receive it.
    /// Errors: why the peer is to be disconnected.
    [[nodiscard]] virtual result<bool> take_request(peer& from, message& part, bool first,
                                                    bool limited) noexcept;
    /// Different topics that the peer has subscribed to.
    [[nodiscard]] virtual std::uint32_t topics_of(const peer& entry) const noexcept;
    /// SUB and XSUB only, else null: what its connections tell their peers.
    [[nodiscard]] virtual topic_book* topics() const noexcept;
    /// PUB and XPUB only, else null: what their peers have subscribed to.
    [[nodiscard]] virtual published_topics* published() const noexcept;

    /// What its type has of them; the caller has checked them.
    virtual void set_options(const socket_options& options) noexcept
    {
        probes = options.probe_router;
    }

    /// If set, each new peer is sent an empty message.
    bool probes = false;
    /// What was queued for a peer of connect() goes to the one that comes next at its endpoint, if
    /// it has the same routing id. False: it is given up with the connection.
    bool keeps_queues = true;
    /// Messages that the pattern has for the caller; they come before those of peers.
    own_message_queue own_messages;
    /// Where they are not empty: the first one. `about`: gets the peer's name, or null. Errors:
    /// out_of_memory (it stays).
    [[nodiscard]] virtual result<router_event> receive_own(message& into, peer_id* about) noexcept;
    /// At the end of the socket: messages of peers that nobody has received. Returns their number.
    [[nodiscard]] virtual std::uint64_t discard_own() noexcept;

protected:
    enum class kind : std::uint8_t { plain, inspecting, publishing, subscribing };
    pattern() = default;
    explicit pattern(kind which) noexcept
        : inspects(which == kind::inspecting || which == kind::subscribing),
          filters(which == kind::subscribing), takes_requests(which == kind::publishing)
    {
    }
};

/// Sending is not for this type of socket. The public classes do not offer it.
[[nodiscard]] routing refuse_to_send() noexcept;

} // namespace slk::pattern

#endif
