// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_MESSAGES_WORLD_HPP
#define SLK_TESTS_SWARM_MESSAGES_WORLD_HPP

/// A world of sockets: hosts with a loop and a context each, groups of sockets that connect to each
/// other, and a record of every message that they send. actions.cpp has the script, transfer.cpp
/// the sends and receives, checks.cpp the checks.

#include <serverlink/context.hpp>

#include "swarm/messages/any_socket.hpp"
#include "swarm/messages/messages.hpp"
#include "swarm/messages/numbered_message.hpp"
#include "swarm/world_base.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slk::swarm::messages {

class world final : public world_base {
public:
    world(std::uint64_t seed, const run_options& options);
    ~world() override;

private:
    struct socket_host : host {
        std::optional<slk::context> context;
    };

    /// Sockets that connect to each other, and the options that all of them have.
    struct group {
        kind binder = kind::pull;
        kind connecter = kind::push;
        socket_options common;
        bool sends_probes = false; ///< some of its sockets send empty messages by themselves
        bool losses_unknown = false; ///< a socket was destroyed without a report of its messages
    };

    /// A socket that is closed and created again.
    struct socket_slot {
        std::size_t of = 0; ///< the index of its group
        std::size_t at = 0; ///< the index of its host
        kind type = kind::pull;
        bool binds = false;
        std::uint16_t port = 0;
        router_options options;
        std::optional<any_socket> handle;
        std::string bound; ///< the endpoint that bind() returned; empty: not bound now
        std::uint32_t sender = 0; ///< the index of its send_record
        bool receiving_stopped = false;
        std::uint32_t max_mark = 0; ///< the highest send mark that it has had; 0: no limit
        std::uint64_t received = 0;
        std::uint64_t router_events = 0; ///< received, except messages
        multipart partial; ///< the first parts of a message
        /// The numbers of the last messages by sender and, at a ROUTER, by the peer's generation:
        /// one number for each connection that may have carried them.
        std::map<std::pair<std::uint32_t, std::uint64_t>, std::vector<std::uint32_t>> last;
    };

    /// One call of connect(), which is undone and made again.
    struct link_slot {
        std::size_t from = 0; ///< the index of the connecting socket
        std::size_t to = 0; ///< the index of the bound socket
        std::string endpoint;
        connect_options options;
        bool connected = false; ///< connect() was called, disconnect() was not
        std::uint64_t connections_before = 0; ///< of the links that ended
        std::uint64_t attempts_before = 0;
    };

    /// What one socket sent between its creation and its end.
    struct send_record {
        std::size_t of = 0; ///< the index of the group
        std::size_t by = 0; ///< the index of the socket
        std::vector<bool> arrived; ///< for each message that was queued
        std::optional<socket_counters> final; ///< after close()

        [[nodiscard]] std::uint32_t sent() const
        {
            return static_cast<std::uint32_t>(arrived.size());
        }
    };

    /// An authenticator answers this request later.
    struct kept_request {
        pending_authentication asked;
        time_point at;
    };

    // world.cpp
    void choose_hosts();
    void choose_group();
    [[nodiscard]] socket_options choose_common_options();
    void choose_own_options(socket_slot& which);
    void add_link(std::size_t from, std::size_t to);
    [[nodiscard]] std::string choose_target(const socket_slot& from, const socket_slot& to);
    void start_host(socket_host& which);
    void stop_host(std::size_t which);
    void create_socket(std::size_t which);
    void bind(socket_slot& which);
    void connect(link_slot& which);
    /// Called before the link ends, with its socket or by disconnect().
    void count_disconnect(link_slot& which, duration timeout);
    void close_socket(std::size_t which, duration timeout);
    void destroy_socket(std::size_t which);
    [[nodiscard]] bool awake(const socket_slot& which) const;
    [[nodiscard]] link_status link_of(const link_slot& which) const;
    [[nodiscard]] std::uint64_t connections_of(const link_slot& which) const;
    void send_and_receive(unsigned send_percent);
    std::optional<authentication_answer> keep_request(const authentication_request& who);
    void answer_kept();
    [[nodiscard]] duration choose_pause() override;
    [[nodiscard]] duration stride_of(duration time) const override;
    void run_until(time_point end) override;
    void after_stride() override;
    void count_links() override;

    // transfer.cpp
    [[nodiscard]] peer_id choose_peer(socket_slot& which);
    [[nodiscard]] bool may_fail(const socket_slot& which, const error& why, const timeout& limit,
                                std::uint64_t wait_errors) const;
    void count_queued(socket_slot& which);
    /// Returns false if the message was not queued.
    bool send_next(socket_slot& which, const timeout& limit);
    /// Sends the next messages that have one part, at most `max`.
    void send_batch(socket_slot& which, std::size_t max);
    /// Receives until there is nothing more, at most `max` messages. Returns their number.
    std::size_t receive_some(socket_slot& which, std::size_t max, const timeout& limit = no_wait);
    void receive_batch(socket_slot& which);
    void check_received(socket_slot& which, const multipart& whole, const peer_id& from);
    void check_order(socket_slot& which, message_id id, const peer_id& from);

    // actions.cpp
    void act() override;
    void act_on_messages(socket_slot& which);
    void act_on_router(socket_slot& which);
    void change_marks(socket_slot& which);
    void act_on_socket(std::size_t which);
    void act_on_endpoints(std::size_t which);
    void act_on_paths();
    void act_on_machine();
    void restart_host(std::size_t index);
    void undo_later(std::function<void()> undo);
    void undo_due();

    // checks.cpp
    void check_sockets();
    void check_socket(socket_slot& which);
    void heal() override;
    void restore_endpoints();
    void wait_until_ready(const char* complaint);
    [[nodiscard]] bool all_ready();
    [[nodiscard]] bool is_ready(const link_slot& which);
    [[nodiscard]] std::size_t ready_peers(std::size_t which);
    [[nodiscard]] std::size_t links_to(std::size_t which) const;
    [[nodiscard]] duration recovery_time() const;
    [[nodiscard]] duration max_peer_timeout() const;
    bool is_quiet();
    void send_to_all_peers(std::size_t index);
    void send_to_ready_peers(socket_slot& router);
    void send_to_ready_peer(socket_slot& router, const peer_id& to);
    void check_delivery();
    void check_losses();
    void check_losses_of(std::size_t index);
    void check_idle();
    void check_silent_peer();
    void check_close();
    void check_nothing_left();
    void check_end() override;
    [[nodiscard]] std::string describe() override;

    std::deque<socket_host> hosts_;
    std::deque<group> groups_;
    std::deque<socket_slot> sockets_;
    std::deque<link_slot> links_;
    std::deque<send_record> records_;
    std::deque<kept_request> kept_;
    std::vector<std::function<void()>> due_; ///< undone between two calls, never inside one
};

} // namespace slk::swarm::messages

#endif
