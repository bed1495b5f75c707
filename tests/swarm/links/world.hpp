// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_LINKS_WORLD_HPP
#define SLK_TESTS_SWARM_LINKS_WORLD_HPP

/// A world of links: hosts with a loop each, listeners and links on them, and programs that send
/// and receive. actions.cpp has the script, invariants.cpp the checks.

#include <serverlink/link.hpp>
#include <serverlink/listener.hpp>

#include "swarm/links/connection_end.hpp"
#include "swarm/links/links.hpp"
#include "swarm/world_base.hpp"

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>

namespace slk::swarm::links {

class world final : public world_base {
public:
    world(std::uint64_t seed, const run_options& options);
    ~world() override;

private:
    struct link_host : host {
        duration jumped_back{};
        /// Until then its times are not checked: its clock was moved, it slept, or a link of it was
        /// destroyed.
        time_point unchecked_until;
    };

    /// A listener that is destroyed and created again at the same port.
    struct listener_slot {
        std::size_t at = 0; ///< the index of its host
        address where;
        end_role accepted_role = end_role::echo;
        std::optional<listener> handle;
    };

    /// A link that is destroyed and created again.
    struct link_slot {
        std::size_t from = 0; ///< the index of its host
        std::size_t to = 0; ///< the index of a listener
        link_options options;
        end_role connected_role = end_role::client;
        bool stops_itself = false; ///< its handler stops it at times
        std::optional<link> handle;
        connection_end* end = nullptr; ///< of the present connection
        // What its handlers were given last.
        link_state last_state = link_state::idle;
        std::uint64_t last_number = 0;
        std::uint64_t last_attempt = 0;
        std::uint64_t last_generation = 0;
        std::uint64_t timed_attempt = 0; ///< the attempt that began at `attempt_began`
        time_point attempt_began; ///< by its host's clock
        time_point created;
        /// start(), resume(), retry_now() and wakes: each may add one attempt.
        std::uint64_t extra_attempts = 0;
        std::uint64_t attempts_before = 0; ///< of the links that were destroyed
        std::uint64_t connections_before = 0;
        bool healed = false; ///< an echo arrived after the faults had ended
    };

    struct held_end {
        std::size_t at = 0; ///< the index of its host
        link_slot* of = nullptr; ///< null if a listener accepted it
        std::unique_ptr<connection_end> end;
    };

    // world.cpp
    void choose_hosts();
    void choose_listeners();
    void choose_links();
    [[nodiscard]] link_options choose_options(std::size_t from, std::size_t to);
    [[nodiscard]] std::string choose_target(std::size_t from, std::size_t to);
    void create_loop(std::size_t which);
    void destroy_loop(std::size_t which);
    void create_listener(listener_slot& which);
    void create_link(link_slot& which);
    void destroy_link(link_slot& which);
    void suspend_checks(link_host& which, duration time);
    void add_connected(link_slot& which, stream connection);
    void add_accepted(listener_slot& which, stream connection);
    void add_end(std::size_t at, link_slot* of, stream connection, end_role role);
    void destroy_finished_ends();
    [[nodiscard]] duration choose_pause() override;
    [[nodiscard]] duration stride_of(duration time) const override;
    void run_until(time_point end) override;
    void after_stride() override;
    void count_links() override;

    // actions.cpp
    void act() override;
    void heal() override;
    void act_on_link(link_slot& which);
    void act_on_end();
    void act_on_host(link_host& which);
    void restart_host(std::size_t index);
    void act_on_paths();
    void act_on_names();
    void act_on_machine();
    void jump_clock(link_host& which);
    void skip_delays(link_host& which);
    void undo_later(std::function<void()> undo);

    // invariants.cpp
    void check_transition(link_slot& which, const link_transition& move, const link_status& status);
    void check_now();
    void check_link(link_slot& which);
    void check_sockets(std::size_t at);
    void check_attempts(const link_slot& which);
    void check_all_healed();
    void check_end() override;
    void report_failure_at(const link_slot& which, const std::string& what);
    [[nodiscard]] std::string describe() override;

    std::deque<link_host> hosts_;
    std::deque<listener_slot> listeners_;
    std::deque<link_slot> links_;
    std::list<held_end> ends_;
};

} // namespace slk::swarm::links

#endif
