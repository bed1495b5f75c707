// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_WORLD_HPP
#define SLK_TESTS_SWARM_WORLD_HPP

/// One world of the swarm: hosts with a loop each, listeners and links on them, and what they say.
/// It can do anything to itself (actions.cpp), and knows what must hold (invariants.cpp).

#include <serverlink/link.hpp>
#include <serverlink/listener.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/simulation.hpp>

#include "swarm/conversation.hpp"
#include "swarm/dice.hpp"
#include "swarm/swarm.hpp"

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slk::swarm {

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
        std::vector<address> addresses;
        std::optional<loop> runs;
        duration jumped_back{};
        time_point asleep_until;
        time_point unsettled_until; ///< its clock was moved, it slept, or a link was dropped
    };

    /// A listener that comes back whenever it is told to, at the same port.
    struct post {
        std::size_t at = 0;
        address where;
        manner how = manner::echo;
        std::optional<listener> open;
    };

    struct line {
        std::size_t from = 0;
        std::size_t to = 0; ///< which post
        link_options options;
        manner how = manner::speak;
        bool stops_itself = false; ///< its handler stops it now and then
        std::optional<link> keeps;
        conversation* talk = nullptr; ///< the present one
        // What the handlers saw.
        link_state seen = link_state::idle;
        std::uint64_t seen_number = 0;
        std::uint64_t seen_attempt = 0;
        std::uint64_t seen_generation = 0;
        std::uint64_t timed_attempt = 0; ///< the one that began then, by its host's clock
        time_point attempt_began;
        time_point created;
        std::uint64_t kicks =
            0; ///< start, resume, retry_now, wakes: each may bring one attempt more
        std::uint64_t attempts_before = 0; ///< of its predecessors
        std::uint64_t connections_before = 0;
        bool up = false; ///< an echo came after the faults had ended
        time_point up_at;
    };

    struct held_conversation {
        std::size_t at = 0; ///< the place
        line* of = nullptr; ///< the link's, or a listener's
        std::unique_ptr<conversation> talk;
    };

    // world.cpp
    void settle_places();
    void settle_posts();
    void settle_lines();
    [[nodiscard]] link_options choose_options(std::size_t from, std::size_t to);
    [[nodiscard]] std::string choose_target(std::size_t from, std::size_t to);
    void open_loop(std::size_t which);
    void close_loop(std::size_t which);
    void open_post(post& which);
    void make_line(line& which);
    void drop_line(line& which);
    void unsettle(place& which, duration time);
    void take_stream(line& which, stream connection);
    void take_accepted(post& which, stream connection);
    void hold(std::size_t at, line* of, stream connection, manner how);
    void moved(line& which, const link_transition& move, const link_status& status);
    void sweep();
    void speak_up();
    void pass(duration time);

    // actions.cpp
    void act();
    void heal();
    void act_on_link(line& which);
    void act_on_conversation();
    void act_on_host(place& which);
    void begin_host(std::size_t index);
    void act_on_paths();
    void act_on_names();
    void act_on_machine();
    void later(std::function<void()> undo);
    void did(std::size_t action);
    friend const std::vector<std::string_view>& action_names();

    // invariants.cpp
    void check_everything();
    void check_line(line& which);
    void check_sockets(std::size_t at);
    void check_attempts(const line& which);
    void check_all_up();
    void check_nothing_left();
    void broken(const char* what, const line* where = nullptr);
    [[nodiscard]] std::string recorders() const;

    dice dice_;
    run_options options_;
    outcome result_;
    std::optional<simulation> network_;
    std::deque<place> places_;
    std::deque<post> posts_;
    std::deque<line> lines_;
    std::list<held_conversation> talks_;
    time_point began_;
    bool healing_ = false;
    time_point healed_at_;
};

} // namespace slk::swarm

#endif
