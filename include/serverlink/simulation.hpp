// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_SIMULATION_HPP
#define SERVERLINK_SIMULATION_HPP

/// slk::simulation: a network in memory, for testing programs that use links and listeners.
///
/// It has hosts with addresses and ports, TCP connections, listeners, a name service, and a time of
/// its own that passes as fast as the machine computes. A loop on a simulated host is like any
/// other loop: links, listeners and streams run the same code as on real sockets. All randomness
/// comes from one seed: the same program with the same seed does the same things in the same order,
/// on every system, and `hash()` proves it.
///
///     SLK_TRY(auto net, slk::simulation::create({.seed = 7}));
///     SLK_TRY(const auto server, net.add_host("server", {*slk::address::parse("10.0.0.1", 0)}));
///     SLK_TRY(const auto client, net.add_host("client", {*slk::address::parse("10.0.0.2", 0)}));
///     SLK_TRY(auto server_loop, net.create_loop(server));
///     SLK_TRY(auto client_loop, net.create_loop(client));
///     ... a listener on server_loop, a link to tcp://server:5000 on client_loop ...
///     net.partition(client, server);                  // what the client sends is lost
///     net.run_for(std::chrono::seconds(30));          // takes milliseconds
///
/// Modelled: the handshake with repeated SYNs, the accept queue, a FIFO of bytes with a limited
/// buffer for each direction, half-close, resets, ephemeral ports, descriptors, keep-alive and user
/// timeout. Not modelled: congestion, TIME_WAIT, IP options, the time of an acknowledgement. A lost
/// segment of an established connection arrives later, as it would by retransmission.
///
/// A simulation that runs out of memory ends the process.
///
/// A simulation and all its loops belong to one thread; loop::start_thread() is refused. Only
/// loop::post() may be called from other threads, which ends determinism.

#include <serverlink/address.hpp>
#include <serverlink/clock.hpp>
#include <serverlink/error.hpp>
#include <serverlink/export.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slk {

namespace io::sim {
class network;
}

/// Faults. A fault_rates sets how often each one is injected at its opportunities.
enum class fault : std::uint8_t {
    // Connecting.
    refuse, ///< a SYN to a listener is answered with a reset
    unreachable, ///< a SYN is answered with "host unreachable"
    syn_loss, ///< a SYN is lost, and repeated after 1, 2, 4, ... seconds
    syn_answer_loss, ///< the answer to a SYN is lost
    black_hole, ///< no packet of this attempt is ever answered
    connect_error, ///< connect fails at once: prohibited, no route, no memory
    no_port, ///< connect finds no local port
    // Established connections.
    reset, ///< the connection is reset behind a random byte, see fault_rates::max_offset
    half_close, ///< one direction ends behind a random byte, the other one lives on
    delay, ///< a packet takes longer, by up to fault_rates::max_delay
    loss, ///< a segment is lost and arrives with a retransmission, after 0.2 s or more
    split, ///< a segment arrives in two pieces
    short_send, ///< a send takes one byte
    short_receive, ///< a receive gives one byte
    transfer_error, ///< a send or receive fails without a cause: no memory, aborted, timed out
    // Completions.
    late_completion, ///< an outcome is fixed now and reported later; others overtake it
    late_cancel, ///< a cancel takes effect later; the operation may succeed before
    // Accepting.
    accept_error, ///< an accept fails with one of accept's errors
    accept_gone, ///< the client resets a connection that waits to be accepted
    // This machine.
    no_descriptor, ///< a socket cannot be opened
    bind_error, ///< a source address cannot be bound
    listen_error, ///< a listener cannot be opened
    option_error, ///< a socket option is refused
    late_wake, ///< a loop with work is run later
    idle_turn, ///< a loop is run without work
    wait_error, ///< the loop's wait fails
    // Names.
    name_slow, ///< an answer takes up to 100 times fault_rates::max_delay
    name_failure, ///< the name service fails
    name_missing, ///< the name service reports that a name does not exist
};
/// The number of faults.
inline constexpr std::size_t fault_count = 29;

[[nodiscard]] SLK_API std::string_view name_of(fault value) noexcept;

/// How often each fault is injected, per thousand opportunities. All are 0 by default.
struct fault_rates {
    std::array<std::uint16_t, fault_count> per_mille{}; ///< by the number of the fault
    /// The maximum of every delay; 1 ns to 1 h.
    duration max_delay = std::chrono::milliseconds(20);
    /// Bytes: reset and half_close come after 0 to `max_offset` bytes of one direction, when the
    /// byte before has arrived (after 0 bytes: instead of the first).
    std::uint32_t max_offset = 4096;

    /// Sets the rate of a fault.
    fault_rates& set(fault which, std::uint16_t in_a_thousand) noexcept
    {
        per_mille[static_cast<std::size_t>(which)] = in_a_thousand;
        return *this;
    }
    [[nodiscard]] std::uint16_t operator[](fault which) const noexcept
    {
        return per_mille[static_cast<std::size_t>(which)];
    }
};

/// The options of a simulation.
struct simulation_options {
    /// Decides everything random.
    std::uint64_t seed = 1;
    /// The faults from the beginning on.
    fault_rates faults{};
    /// One way, between two hosts, 1 ns to 1 h; set_latency() changes it for a pair. Inside a host
    /// it is 1 us.
    duration latency = std::chrono::microseconds(200);
    /// The time that a loop's turn takes, so that time passes even for a program that never waits;
    /// 1 ns to 1 s.
    duration turn_cost = std::chrono::microseconds(1);
    /// Called with one line per event, for reading. It must not throw (serverlink/loop.hpp).
    std::function<void(std::string_view line)> log{};

    /// errc::invalid_argument, with the option's name as detail.
    [[nodiscard]] SLK_API result<void> validate() const;
};

/// Resources of a host. 0 means no limit.
struct host_limits {
    std::uint32_t descriptors = 0; ///< that may be open
    /// The range of ephemeral ports, both ends included.
    std::uint16_t first_port = 32768;
    std::uint16_t last_port = 60999; ///< of the range
    /// The rate at which the host takes connections from its accept queues; the others wait there.
    std::uint32_t accepts_per_second = 0;

    [[nodiscard]] SLK_API result<void> validate() const;
};

/// Identifies one host of one simulation. Hosts are counted from 0; an id of another simulation is
/// not recognised. Functions without a result ignore a host that does not exist.
struct host_id {
    std::uint32_t index = UINT32_MAX; ///< the number of the host
    friend bool operator==(host_id, host_id) = default;
};

class SLK_API simulation {
public:
    /// Errors: invalid_argument (an option).
    [[nodiscard]] static result<simulation> create(simulation_options options = {});

    simulation(simulation&& other) noexcept;
    simulation& operator=(simulation&& other) noexcept;
    /// Loops may outlive it: the network exists until the last of them is destroyed.
    ~simulation();

    // Hosts.

    /// Adds a host, with a loopback of its own, and its name to the name service. Errors:
    /// invalid_argument (no name, or a name or an address of another host).
    [[nodiscard]] result<host_id> add_host(std::string name, std::vector<address> addresses);
    /// Creates a loop on the host. Only the option `seed` counts; by default it is derived from the
    /// simulation's. Errors: invalid_argument (no such host).
    [[nodiscard]] result<loop> create_loop(host_id on, loop_options options = {});
    /// Applies to later opens and connects. Errors: invalid_argument (an empty range of ports; no
    /// such host).
    [[nodiscard]] result<void> set_limits(host_id host, const host_limits& limits);
    /// Suspends the host, longer if it is suspended already. None of its loops runs; its clock
    /// stops, and shows the gap in now_with_suspend() afterwards. Its network card works: packets
    /// arrive, handshakes and posted operations go on, and are reported when it resumes.
    void suspend(host_id host, duration time);
    /// Moves the host's clock, forwards or backwards, as some virtual machines do.
    void jump_clock(host_id host, duration by);

    // The network.

    /// Both ways; clamped to 1 ns to 1 h. Packets under way keep their time.
    void set_latency(host_id a, host_id b, duration one_way);
    /// No packet from `from` reaches `to` until heal(). The other direction still works, but its
    /// packets are not acknowledged. Packets under way arrive. After heal() the packets that were
    /// held back take up to 1 s, as a retransmission would.
    void partition(host_id from, host_id to);
    /// Ends partition() of this direction.
    void heal(host_id from, host_id to);
    /// Ends all partitions and sets all fault rates to 0, drops the faults of inject(), and the
    /// faults that were chosen for a connection and have not shown yet.
    void heal();

    // Names. Every host has its name; "localhost" is ::1 and 127.0.0.1. All of them may be replaced
    // and removed; a name without addresses does not exist.

    /// Gives a name these addresses.
    void set_name(const std::string& name, std::vector<address> addresses);
    /// The name does not exist from now on.
    void remove_name(const std::string& name);

    // Faults.

    /// Clamps values that simulation_options would refuse.
    void set_faults(const fault_rates& faults);
    /// Injects the fault at its next `times` opportunities, whatever the rates are.
    void inject(fault which, std::uint32_t times = 1);
    /// For fault::accept_error: the code to use; errc::ok means any of them.
    void set_accept_error(errc code);
    /// Returns how often the fault was injected.
    [[nodiscard]] std::uint64_t injected(fault which) const noexcept;

    // Time.

    /// Returns the time of the simulation.
    [[nodiscard]] time_point now() const noexcept;
    /// Calls `work` at that time of the simulation, outside of every loop. A time that has passed
    /// means now, slk::never means not at all. It must not throw; the simulation's end drops it.
    void at(time_point when, std::function<void()> work);
    /// Runs every loop of the simulation for `time`. A loop's own run() and run_for() run all the
    /// others while they wait.
    void run_for(duration time);
    /// Runs until `done` returns true, for at most `timeout`. It is called at first and after every
    /// event. Returns whether it returned true. `done` may run loops itself; it must not throw.
    bool run_until(const std::function<bool()>& done, duration timeout);
    /// Handles the next event if it comes before `limit`. Returns whether there was one.
    bool step(time_point limit = never);

    // Evidence.

    /// Returns the number of events so far: packets, turns of loops, completions, answers.
    [[nodiscard]] std::uint64_t events() const noexcept;
    /// Returns a hash over all events, in order, with their times.
    [[nodiscard]] std::uint64_t hash() const noexcept;
    /// Adds a value to the hash.
    void note(std::uint64_t value) noexcept;
    /// Returns the number of sockets that programs have open, on all hosts.
    [[nodiscard]] std::size_t open_sockets() const noexcept;
    /// Returns the number of SYNs that a full accept queue left unanswered.
    [[nodiscard]] std::uint64_t queue_overflows() const noexcept;

    /// For the library itself.
    [[nodiscard]] const std::shared_ptr<io::sim::network>& core() const noexcept { return core_; }

private:
    explicit simulation(std::shared_ptr<io::sim::network> core) noexcept;

    std::shared_ptr<io::sim::network> core_;
};

} // namespace slk

#endif
