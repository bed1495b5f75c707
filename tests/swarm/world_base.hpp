// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SWARM_WORLD_BASE_HPP
#define SLK_TESTS_SWARM_WORLD_BASE_HPP

/// What both kinds of worlds share: the simulated network that a seed sets up, the loop that runs
/// the script, the actions on the network, and the report of the first failure.
///
/// A script acts at random while faults are injected. Then the faults end, everything that the
/// script has taken away is made again, and the world checks that it recovers.

#include <serverlink/loop.hpp>
#include <serverlink/simulation.hpp>

#include "swarm/outcome.hpp"
#include "swarm/seeded_random.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slk::swarm {

/// A computer of the simulated network. Its loop is destroyed and created by the script.
struct host {
    host_id id;
    std::string name;
    std::vector<address> addresses;
    std::optional<slk::loop> loop;
    time_point asleep_until;
};

class world_base {
public:
    world_base(const world_base&) = delete;
    world_base& operator=(const world_base&) = delete;

    [[nodiscard]] outcome run();

protected:
    world_base(std::uint64_t seed, const run_options& options,
               const std::vector<std::string_view>& action_names);
    virtual ~world_base() = default;

    /// Does one action of the script.
    virtual void act() = 0;
    /// Chooses the time until the next action.
    [[nodiscard]] virtual duration choose_pause() = 0;
    /// The time between two calls of after_stride(), while `time` passes.
    [[nodiscard]] virtual duration stride_of(duration time) const = 0;
    /// Runs the network until then.
    virtual void run_until(time_point end) = 0;
    /// Called after each stride: runs the programs of the world, and the checks that hold at any
    /// time.
    virtual void after_stride() = 0;
    /// Ends the faults, makes everything again, and checks that the world recovers.
    virtual void heal() = 0;
    /// Adds the attempts and connections of all links to the outcome.
    virtual void count_links() = 0;
    /// Destroys everything, and checks that nothing is left.
    virtual void check_end() = 0;
    /// The state of the world, for the report of a failure.
    [[nodiscard]] virtual std::string describe() = 0;

    /// Adds the host to the network.
    void add_host(host& added);
    /// Lets time pass. Ends early when a check fails.
    void pass(duration time);
    /// Counts an action of the script, and logs its name.
    void count_action(std::size_t action);
    /// Undoes an action after some time, up to `max`; sometimes never.
    void undo_later(std::function<void()> undo, duration max);
    void suspend(host& which, duration time);
    void inject_any_fault();
    /// Ends the faults, and restores the limits and latencies of all hosts.
    void reset_network();

    [[nodiscard]] bool ok() const noexcept { return result_.failure.empty(); }
    /// Records the first failure.
    void report_failure(const std::string& what);

    seeded_random random_;
    run_options options_;
    outcome result_;
    std::optional<simulation> network_;
    time_point began_;
    time_point healed_at_;
    bool healing_ = false; ///< the faults have ended

private:
    const std::vector<std::string_view>& action_names_;
    std::vector<host*> all_hosts_;
};

} // namespace slk::swarm

#endif
