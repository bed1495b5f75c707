// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_SIMULATION_HPP
#define SERVERLINK_SIMULATION_HPP

/// slk::simulation: a network in memory, for testing programs that are made of links and listeners.
///
/// Hosts, their addresses and ports, TCP connections, listeners and a name service, with a time of
/// their own that passes as fast as the machine computes. A loop that was made on a simulated host
/// is like any other loop; links, listeners and streams on it run the code that they run on real
/// sockets. Everything random comes from one seed: the same program with the same seed does
/// the same things in the same order, on every system, and `hash()` proves it.
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
/// What is modelled: the handshake with its repeated SYNs, the accept queue, one FIFO of bytes for
/// each direction with a limited buffer, half-close, resets, ephemeral ports, descriptors,
/// keep-alive and user timeout. What is not: congestion, TIME_WAIT, the options of IP, the time
/// that an acknowledgement takes. A lost segment of an established connection arrives later, as it
/// would by retransmission.
///
/// Everything here, and every loop of a simulation, belongs to one thread; loop::start_thread is
/// refused there. Only loop::post may be called from other threads, which of course gives
/// determinism away.

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

/// What can go wrong. Each has its opportunities; how often it strikes is said by a fault_rates.
enum class fault : std::uint8_t {
    // Connecting.
    refuse, ///< a SYN that a listener would take is answered with a reset
    unreachable, ///< a SYN is answered with "host unreachable"
    syn_loss, ///< a SYN is lost, and repeated after 1, 2, 4, ... seconds
    syn_answer_loss, ///< the answer to a SYN is lost
    black_hole, ///< nothing that this attempt sends is ever answered
    connect_error, ///< connect fails at once: prohibited, no route, no memory
    no_port, ///< connect finds no local port
    // Established connections.
    reset, ///< the connection is reset behind a random byte, see fault_rates::max_offset
    half_close, ///< one direction ends behind a random byte, the other one lives on
    delay, ///< a packet takes longer, by up to fault_rates::max_delay
    loss, ///< a segment is lost and arrives with a later attempt, after 0.2 s and more
    split, ///< a segment arrives in two pieces
    short_send, ///< a send takes one byte
    short_receive, ///< a receive gives one byte
    transfer_error, ///< a send or receive fails out of nothing: no memory, aborted, timed out
    // Completions.
    late_completion, ///< what has been decided is told later, and others overtake it
    late_cancel, ///< a cancel takes effect later, and what it cancels may succeed before
    // Accepting.
    accept_error, ///< an accept fails, with any of the errors that accept has
    accept_gone, ///< a connection is reset by its client while it waits to be accepted
    // This machine.
    no_descriptor, ///< a socket cannot be opened
    bind_error, ///< a source address cannot be bound
    listen_error, ///< a listener cannot be opened
    option_error, ///< a socket option is refused
    late_wake, ///< a loop that has something to do is run later
    idle_turn, ///< a loop is run although there is nothing for it
    wait_error, ///< the loop's wait fails
    // Names.
    name_slow, ///< an answer takes up to 100 times fault_rates::max_delay
    name_failure, ///< the name service fails
    name_missing, ///< the name service says that a name does not exist
};
inline constexpr std::size_t fault_count = 29;

[[nodiscard]] SLK_API std::string_view name_of(fault value) noexcept;

/// How often each fault strikes, in a thousand opportunities; nothing strikes by default.
struct fault_rates {
    std::array<std::uint16_t, fault_count> per_mille{};
    /// The longest of what is late or delayed; 1 ns to 1 h.
    duration max_delay = std::chrono::milliseconds(20);
    /// Bytes: reset and half_close come behind 0 to this many bytes of one direction, when the byte
    /// before has arrived (behind 0: instead of the first).
    std::uint32_t max_offset = 4096;

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

struct simulation_options {
    std::uint64_t seed = 1;
    fault_rates faults{};
    /// One way, between two hosts, 1 ns to 1 h; set_latency() changes it for a pair. Inside a host
    /// it is 1 us.
    duration latency = std::chrono::microseconds(200);
    /// What a loop's turn costs, so that a program that never waits still sees time pass; 1 ns to
    /// 1 s.
    duration turn_cost = std::chrono::microseconds(1);
    /// Is given one line per event, for reading.
    std::function<void(std::string_view line)> log{};

    /// errc::invalid_argument, with the option's name as detail.
    [[nodiscard]] SLK_API result<void> validate() const;
};

/// What a host has. 0 means no limit.
struct host_limits {
    std::uint32_t descriptors = 0;
    /// The range of ephemeral ports, both ends included.
    std::uint16_t first_port = 32768;
    std::uint16_t last_port = 60999;
    /// Connections that the host takes from its accept queues; the others wait there.
    std::uint32_t accepts_per_second = 0;

    [[nodiscard]] SLK_API result<void> validate() const;
};

/// Names one host of one simulation. Hosts are counted from 0, and another simulation's has no mark
/// of its own. Calls without a result ignore a host that does not exist.
struct host_id {
    std::uint32_t index = UINT32_MAX;
    friend bool operator==(host_id, host_id) = default;
};

class SLK_API simulation {
public:
    /// Errors: invalid_argument (an option).
    [[nodiscard]] static result<simulation> create(simulation_options options = {});

    simulation(simulation&& other) noexcept;
    simulation& operator=(simulation&& other) noexcept;
    /// Loops may outlive it: the network exists until the last of them is gone.
    ~simulation();

    // Hosts.

    /// The name is known to the name service from now on. Every host has a loopback of its own.
    /// Errors: invalid_argument (no name, a name or an address that another host has).
    [[nodiscard]] result<host_id> add_host(std::string name, std::vector<address> addresses);
    /// A loop on that host. Of the options only `seed` counts; by default it follows from the
    /// simulation's. Errors: invalid_argument (there is no such host).
    [[nodiscard]] result<loop> create_loop(host_id on, loop_options options = {});
    /// Holds for what is opened and connected from now on. Errors: invalid_argument (a range of
    /// ports without a port; there is no such host).
    result<void> set_limits(host_id host, const host_limits& limits);
    /// The host sleeps, longer if it sleeps already. None of its loops runs; its clock stands, and
    /// afterwards shows the gap in now_with_suspend(). Its network card is awake: packets arrive,
    /// handshakes and posted operations go on, and are told about when it wakes.
    void suspend(host_id host, duration time);
    /// Moves the host's clock, forwards or backwards, as bad virtual machines do.
    void jump_clock(host_id host, duration by);

    // The network.

    /// Both ways; clamped to 1 ns to 1 h. What is under way is not touched.
    void set_latency(host_id a, host_id b, duration one_way);
    /// Nothing that `from` sends reaches `to`, until heal(). The other direction is not touched,
    /// but what it carries is not acknowledged. What is under way arrives. After heal() what was
    /// held back takes up to 1 s, as a retransmission would.
    void partition(host_id from, host_id to);
    void heal(host_id from, host_id to);
    /// Ends all partitions and all faults of the mix, those that have struck a connection and not
    /// shown yet too, and forgets what inject() ordered.
    void heal();

    // Names. Every host is asked for by its name; "localhost" is ::1 and 127.0.0.1. All of them may
    // be set anew and removed; no addresses are as good as no name.

    void set_name(const std::string& name, std::vector<address> addresses);
    void remove_name(const std::string& name);

    // Faults.

    /// Clamps what simulation_options would refuse.
    void set_faults(const fault_rates& faults);
    /// The next `times` opportunities of this fault are taken, whatever the mix says.
    void inject(fault which, std::uint32_t times = 1);
    /// For fault::accept_error: the code that strikes; errc::ok means any of them.
    void set_accept_error(errc code);
    /// How often a fault has struck.
    [[nodiscard]] std::uint64_t injected(fault which) const noexcept;

    // Time.

    [[nodiscard]] time_point now() const noexcept;
    /// Calls `work` at that time of the simulation, outside of every loop; a time that has passed
    /// means now, slk::never means not at all.
    void at(time_point when, std::function<void()> work);
    /// Runs every loop of the simulation for that long. A loop's own run() and run_for() do the
    /// same for all the others while they wait.
    void run_for(duration time);
    /// Runs until `done` answers true (asked at first and after every event), for at most that
    /// long. True if it did. `done` may run loops itself.
    bool run_until(const std::function<bool()>& done, duration timeout);
    /// Lets the next thing happen, if there is one before `limit`.
    bool step(time_point limit = never);

    // Evidence.

    /// Packets, turns of loops, completions, answers: everything that has happened so far.
    [[nodiscard]] std::uint64_t events() const noexcept;
    /// A hash over all of them, in order, with their times.
    [[nodiscard]] std::uint64_t hash() const noexcept;
    /// Adds a value of the caller's to the hash.
    void note(std::uint64_t value) noexcept;
    /// Sockets that programs have open, on all hosts.
    [[nodiscard]] std::size_t open_sockets() const noexcept;
    /// SYNs that were answered by a full accept queue's silence.
    [[nodiscard]] std::uint64_t queue_overflows() const noexcept;

    /// The library's own.
    [[nodiscard]] const std::shared_ptr<io::sim::network>& core() const noexcept { return core_; }

private:
    explicit simulation(std::shared_ptr<io::sim::network> core) noexcept;

    std::shared_ptr<io::sim::network> core_;
};

} // namespace slk

#endif
