// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_MESSAGES_WORLD_HPP
#define SLK_TESTS_SWARM_MESSAGES_WORLD_HPP

/// A world of sockets: hosts with a loop and a context each, groups of sockets on them that know
/// each other, and the letters that they write. It can do anything to itself (actions.cpp), and
/// knows what must hold (checks.cpp).

#include <serverlink/context.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/simulation.hpp>

#include "swarm/dice.hpp"
#include "swarm/messages/any_socket.hpp"
#include "swarm/messages/letter.hpp"
#include "swarm/messages/messages.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slk::swarm::messages {

class world {
public:
    world(std::uint64_t seed, const run_options& options);
    ~world();
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    [[nodiscard]] outcome run();

private:
    struct place {
        host_id id;
        std::string name;
        address where;
        std::optional<loop> runs;
        std::optional<context> sockets;
        time_point asleep_until;
    };

    /// Sockets that know each other, and what they have in common.
    struct group {
        kind binder = kind::pull;
        kind connecter = kind::push;
        socket_options common;
        bool probes = false; ///< some of them send empty messages by themselves
        bool unclear = false; ///< somebody ended without telling what became of his letters
    };

    struct member {
        std::size_t of = 0; ///< which group
        std::size_t at = 0; ///< which place
        kind type = kind::pull;
        bool binds = false;
        std::uint16_t port = 0;
        router_options options;
        std::optional<any_socket> open;
        std::string bound; ///< what bind() has answered; empty: not bound now
        std::uint32_t writer = 0; ///< the number of its book
        bool stalled = false; ///< receives nothing
        std::uint32_t max_mark = 0; ///< that its sending has had; 0: none
        std::uint64_t received = 0;
        std::uint64_t notices = 0;
        multipart partial; ///< the first parts of a message
        /// The numbers of the last letters by writer and, at a ROUTER, by the generation of its
        /// peer: one for each connection that may have brought them.
        std::map<std::pair<std::uint32_t, std::uint64_t>, std::vector<std::uint32_t>> last;
    };

    /// Who connects to whom.
    struct tie {
        std::size_t from = 0;
        std::size_t to = 0;
        std::string text;
        connect_options how;
        bool made = false;
        std::uint64_t connections_before = 0; ///< by links that are gone
        std::uint64_t attempts_before = 0;
    };

    /// What one socket has written, from its beginning to its end.
    struct book {
        std::size_t of = 0; ///< which group
        std::size_t by = 0; ///< which member
        std::vector<bool> arrived; ///< for each letter that was queued
        std::optional<socket_counters> final; ///< of a socket that is closed

        [[nodiscard]] std::uint32_t sent() const
        {
            return static_cast<std::uint32_t>(arrived.size());
        }
    };

    // world.cpp
    void settle_places();
    void settle_group();
    [[nodiscard]] socket_options choose_common();
    void choose_own(member& which);
    void tie_up(std::size_t from, std::size_t to);
    [[nodiscard]] std::string choose_target(const member& from, const member& to);
    void open_place(place& which);
    void close_place(std::size_t which);
    void open_member(std::size_t which);
    void bind(member& which);
    void connect(tie& which);
    /// Its socket is about to end, or one of its endpoints.
    void untie(tie& which, duration timeout);
    void close_member(std::size_t which, duration timeout);
    void drop_member(std::size_t which);
    void end_book(std::size_t which);
    [[nodiscard]] bool awake(const member& which) const;
    [[nodiscard]] link_status link_of(const tie& which) const;
    [[nodiscard]] std::uint64_t connections_of(const tie& which) const;
    void pass(duration time);
    void live(unsigned eagerness);

    // letters.cpp
    bool write(member& which, const timeout& limit);
    void write_batch(member& which, std::size_t most);
    [[nodiscard]] peer_id choose_route(member& which);
    void queued(member& which);
    [[nodiscard]] bool may_fail(const member& which, const error& why, const timeout& limit,
                                std::uint64_t waits_failed) const;
    /// Until there is nothing more, or so many.
    std::size_t read(member& which, std::size_t most, const timeout& limit = no_wait);
    void read_batch(member& which);
    void take(member& which, multipart&& letter, const peer_id& from);
    void check_order(member& which, letter_name name, const peer_id& from);

    // actions.cpp
    void act();
    void act_on_letters(member& which);
    void act_on_member(std::size_t which);
    void act_on_endpoints(std::size_t which);
    void act_on_paths();
    void act_on_machine();
    void later(std::function<void()> undo);
    void undo_due();
    void did(std::size_t action);
    friend const std::vector<std::string_view>& action_names();

    // checks.cpp
    void check_members();
    void check_member(member& which);
    void heal();
    void become_ready(const char* complaint);
    [[nodiscard]] bool all_ready();
    [[nodiscard]] bool is_ready(const tie& which);
    [[nodiscard]] std::size_t ready_peers(std::size_t which);
    [[nodiscard]] std::size_t ties_to(std::size_t which) const;
    [[nodiscard]] duration limit() const;
    [[nodiscard]] duration max_liveness() const;
    void check_flow();
    void check_account();
    void check_idle();
    void check_silence();
    void check_farewell();
    void check_nothing_left();
    bool settled();
    void say_something(std::size_t index);
    void broken(const std::string& what);
    [[nodiscard]] std::string describe();

    dice dice_;
    run_options options_;
    outcome result_;
    std::optional<simulation> network_;
    std::deque<place> places_;
    std::deque<group> groups_;
    std::deque<member> members_;
    std::deque<tie> ties_;
    std::deque<book> books_;
    std::vector<std::function<void()>> due_;
    time_point began_;
    time_point healed_at_;
    bool healing_ = false;
};

} // namespace slk::swarm::messages

#endif
