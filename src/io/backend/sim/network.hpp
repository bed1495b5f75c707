// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_SIM_NETWORK_HPP
#define SLK_IO_BACKEND_SIM_NETWORK_HPP

/// The simulated network: hosts, sockets, packets, names, and their common time.
///
///    network.cpp      time: the next event, the next turn, the faults
///    hosts.cpp        hosts, their clocks, addresses, ports and names
///    handshake.cpp    connecting, listening and accepting
///    transfer.cpp     bytes, ends and resets, and the delays of lost ones
///
/// Sim_pollers own the sockets. The network notifies the owner of a socket by readable() and
/// writable(), and the owner finds out what that means for its operations.

#include <serverlink/random.hpp>
#include <serverlink/simulation.hpp>

#include "io/backend/sim/event_queue.hpp"
#include "io/backend/sim/slots.hpp"
#include "io/name_service.hpp"
#include "io/operation.hpp"
#include "io/socket_option.hpp"
#include "io/socket_table.hpp"

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace slk::io::sim {

class network;
class sim_poller;

/// Identifies a socket of the network. Fits a native_handle.
struct socket_ref {
    std::uint32_t number = UINT32_MAX;
    std::uint32_t generation = 0;
    friend bool operator==(socket_ref, socket_ref) = default;
};

enum class stage : std::uint8_t {
    none, ///< the place is free
    opened, ///< perhaps bound
    listening,
    connecting, ///< SYNs are sent
    half_open, ///< a listener's, until the handshake's third packet
    established, ///< until it is closed, even after the connection has ended
};

/// Bytes that have arrived and wait to be received.
class byte_queue {
public:
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - begin_; }
    void append(std::span<const std::byte> more)
    {
        bytes_.insert(bytes_.end(), more.begin(), more.end());
    }
    void take(std::span<std::byte> into) noexcept;
    void clear() noexcept
    {
        bytes_.clear();
        begin_ = 0;
    }

private:
    std::vector<std::byte> bytes_;
    std::size_t begin_ = 0;
};

struct sim_socket {
    static constexpr std::size_t default_room = 64 * 1024;

    std::uint32_t generation = 1;
    stage at = stage::none;
    std::uint32_t host = 0;
    sim_poller* owner = nullptr; ///< null while it waits to be accepted, and once it is closed
    socket_id id; ///< the owner's name for it
    address local;
    address remote;
    std::uint16_t port_held = 0; ///< counted in the host's ports
    socket_ref peer;

    // listening
    int backlog = 0;
    bool dual_stack = false;
    int half_open = 0;
    bool accept_planned = false;
    std::deque<socket_ref> waiting;

    // connecting, and of a half-open one its listener
    socket_ref listener;
    int syns = 0; ///< sent so far; a half-open one's answers
    bool black_holed = false; ///< fault::black_hole

    // receiving
    byte_queue inbox;
    bool end_received = false;
    error failure; ///< the connection's, once there is no more in the inbox
    std::uint64_t arrived = 0;
    std::uint64_t reset_behind = UINT64_MAX; ///< bytes of this direction
    std::uint64_t ends_behind = UINT64_MAX;
    std::size_t unannounced = 0; ///< read, and not yet room for the sender
    std::size_t unconfirmed = 0; ///< arrived, and the acknowledgement could not get back
    bool announcing = false;

    // sending
    std::size_t send_room = default_room;
    std::size_t receive_room = default_room;
    std::size_t outstanding = 0; ///< sent, and not known to be read
    std::size_t unacknowledged = 0; ///< sent, and not known to have arrived
    bool end_sent = false;
    bool orphan = false; ///< closed by its owner, with packets held back
    time_point last_arrival; ///< packets of one direction do not overtake each other
    std::vector<std::uint32_t> held; ///< packets that wait for the path
    std::uint32_t stall = 0; ///< counts the path's openings, so that old timers are known
    std::uint32_t probing = 0; ///< counts what keep-alive's timer was set to
    bool giving_up = false; ///< a timer of this stall runs

    // options
    duration user_timeout{};
    bool keep_alive = false;
    std::int64_t keep_alive_idle = 7200;
    std::int64_t keep_alive_interval = 75;
    std::int64_t keep_alive_count = 9;

    // when the latest of its late completions is reported
    time_point late_inbound;
    time_point late_outbound;
};

enum class packet_kind : std::uint8_t {
    data,
    end, ///< FIN
    reset, ///< RST
    confirmed, ///< the handshake's third packet
};

struct packet {
    packet_kind kind = packet_kind::data;
    socket_ref from;
    socket_ref to;
    std::uint32_t from_host = 0;
    std::uint32_t to_host = 0;
    std::vector<std::byte> bytes;
};

class host_clock final : public clock {
public:
    host_clock(network& net, std::uint32_t host) noexcept : network_(net), host_(host) {}
    [[nodiscard]] time_point now() noexcept override;
    [[nodiscard]] time_point now_with_suspend() noexcept override;

private:
    network& network_;
    std::uint32_t host_;
};

/// A host's queries for names.
class host_names final : public name_service {
public:
    host_names(network& net, std::uint32_t host) noexcept : network_(net), host_(host) {}
    void look_up(const std::string& name, std::uint16_t port, handler done) override;

private:
    network& network_;
    std::uint32_t host_;
};

struct host {
    host(network& net, std::uint32_t number) noexcept : time(net, number), names(net, number) {}

    std::string name;
    std::vector<address> addresses; ///< without ports
    host_limits limits;
    std::uint32_t descriptors = 0; ///< open now
    std::uint16_t next_port = 0;
    std::unordered_map<std::uint16_t, std::uint32_t> ports; ///< how many sockets hold each
    std::vector<socket_ref> listeners;
    time_point accepts_next; ///< by accepts_per_second
    duration clock_ahead{};
    duration slept{};
    time_point suspended_until;
    host_clock time;
    host_names names;
};

/// The sizes of the network's tables, to see that they do not grow.
struct footprint {
    std::size_t places = 0; ///< of sockets, packets, questions and late outcomes, used or free
    std::size_t in_use = 0; ///< of these
    std::size_t events = 0;
    std::size_t loops = 0;
};

class network final : public std::enable_shared_from_this<network> {
public:
    explicit network(simulation_options options);
    ~network();
    network(const network&) = delete;
    network& operator=(const network&) = delete;

    // --- time (network.cpp) ---

    [[nodiscard]] time_point now() const noexcept { return now_; }
    /// Lets time pass until `limit`, or until the waiting poller has work.
    void advance(sim_poller& waiting, time_point until);
    /// Handles the next event if it is not beyond the limit.
    bool step(time_point limit);
    /// Advances the time; no event may be planned before `when`.
    void idle_until(time_point when) noexcept { now_ = std::max(now_, when); }
    /// Plans the turns of every loop anew, after the user may have changed any of them.
    void plan_all_turns();
    /// Plans the turns anew if a loop was run from outside since the last time: the network does
    /// not know that loop's timers.
    void plan_turns_after_outside_run()
    {
        if (std::exchange(run_from_outside_, false))
            plan_all_turns();
    }

    void at(time_point when, std::function<void()> work);
    [[nodiscard]] std::uint32_t add_poller(sim_poller& poller);
    void remove_poller(sim_poller& poller) noexcept;
    /// The poller has work at that time of the network.
    void plan_turn(sim_poller& poller, time_point when);
    /// Something happened for the poller: it is run soon.
    void request_turn(sim_poller& poller);
    /// Any thread.
    void woken() noexcept;
    [[nodiscard]] duration turn_cost() const noexcept { return options_.turn_cost; }

    /// Decides whether the fault is injected here, and counts it.
    [[nodiscard]] bool should_inject(fault which) noexcept;
    [[nodiscard]] std::uint64_t random() noexcept { return random_.next(); }
    /// Returns 1 ns to `max`.
    [[nodiscard]] duration random_time(duration max) noexcept;
    /// Returns zero unless the fault is injected.
    [[nodiscard]] duration lateness(fault which) noexcept;
    [[nodiscard]] duration max_delay() const noexcept { return faults_.max_delay; }
    [[nodiscard]] errc random_accept_error() noexcept;

    void set_faults(const fault_rates& faults) noexcept { faults_ = faults; }
    void inject(fault which, std::uint32_t times) noexcept;
    void set_accept_error(errc code) noexcept { accept_error_ = code; }
    [[nodiscard]] std::uint64_t times_injected(fault which) const noexcept;
    void heal_all();

    [[nodiscard]] std::uint64_t events() const noexcept { return events_; }
    [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
    void note(std::uint64_t value) noexcept;

    [[nodiscard]] footprint measure() const noexcept;

    /// Completes an operation, or lets a cancel take effect, later. Ended early by forget().
    [[nodiscard]] std::uint32_t complete_later(sim_poller& poller, operation& op,
                                               const error& failure, time_point when);
    void forget(std::uint32_t late) noexcept { late_[late].op = nullptr; }
    [[nodiscard]] time_point time_of(std::uint32_t late) const noexcept { return late_[late].when; }
    /// Completes all late operations of the poller now.
    void complete_all_late(sim_poller& poller);

    // --- hosts (hosts.cpp) ---

    [[nodiscard]] result<std::uint32_t> add_host(std::string name, std::vector<address> addresses);
    [[nodiscard]] std::uint32_t host_count() const noexcept
    {
        return static_cast<std::uint32_t>(hosts_.size());
    }
    [[nodiscard]] host& at_host(std::uint32_t number) noexcept { return hosts_[number]; }
    [[nodiscard]] bool is_suspended(const host& on) const noexcept
    {
        return now_ < on.suspended_until;
    }
    [[nodiscard]] time_point host_time(const host& on) const noexcept;
    /// Returns the network's time at which that host's clock will show `there`.
    [[nodiscard]] time_point network_time(const host& on, time_point there) const noexcept;
    void suspend(std::uint32_t number, duration time);
    void jump_clock(std::uint32_t number, duration by);

    void set_latency(std::uint32_t a, std::uint32_t b, duration one_way);
    void partition(std::uint32_t from, std::uint32_t to);
    void heal(std::uint32_t from, std::uint32_t to);
    [[nodiscard]] bool is_open(std::uint32_t from, std::uint32_t to) const noexcept;

    void set_name(const std::string& name, std::vector<address> addresses);
    void remove_name(const std::string& name) { names_.erase(name); }
    void look_up(std::uint32_t from, const std::string& name, std::uint16_t port,
                 name_service::handler done);

    // --- sockets (handshake.cpp) ---

    [[nodiscard]] result<socket_ref> open(std::uint32_t on, sim_poller& owner);
    [[nodiscard]] result<socket_ref> open_listener(std::uint32_t on, sim_poller& owner,
                                                   const address& local,
                                                   const listen_settings& settings);
    [[nodiscard]] result<void> bind(sim_socket& socket, address_family family,
                                    const std::optional<address>& source);
    [[nodiscard]] sim_socket* find(socket_ref ref) noexcept;
    [[nodiscard]] socket_ref ref_of(const sim_socket& socket, std::uint32_t number) const noexcept
    {
        return {number, socket.generation};
    }
    /// Sends the first SYN. Returns an error that connect reports at once.
    [[nodiscard]] error connect(socket_ref ref, const address& target);
    /// Returns the next connection that may be accepted now, if any.
    [[nodiscard]] std::optional<socket_ref> next_waiting(socket_ref listener);
    /// The connection has become the poller's; counts its descriptor.
    void accepted(socket_ref taken, sim_poller& owner);
    /// Resets at most `max` waiting connections.
    std::size_t shed(socket_ref listener, std::size_t max);
    void close(socket_ref ref, close_mode mode) noexcept;
    [[nodiscard]] std::size_t open_sockets() const noexcept { return open_sockets_; }
    [[nodiscard]] std::uint64_t queue_overflows() const noexcept { return queue_overflows_; }

    // --- bytes (transfer.cpp) ---

    /// Takes the bytes that there is room for. would_block: none.
    [[nodiscard]] error send(socket_ref ref, std::span<const std::span<const std::byte>> buffers,
                             std::size_t& taken);
    [[nodiscard]] error receive(socket_ref ref, std::span<std::byte> buffer, std::size_t& received);
    [[nodiscard]] result<void> end(socket_ref ref);
    // See the functions of these names in poller.hpp.
    [[nodiscard]] bool peer_has_finished(socket_ref ref) noexcept;
    [[nodiscard]] bool peer_may_have_finished(socket_ref ref) noexcept;
    [[nodiscard]] bool peer_acknowledges(socket_ref ref) noexcept;
    /// Called when the path has closed, or a timeout was set on the socket.
    void watch_path(socket_ref ref);

private:
    struct plan {
        sim_poller* poller = nullptr; ///< null: the place is free
        time_point not_before; ///< the end of its last turn, or of a late wake
    };
    struct question {
        std::uint32_t host = 0;
        std::string name;
        std::uint16_t port = 0;
        std::optional<error> failure;
        name_service::handler done;
        std::uint32_t generation = 0; ///< an answer that was given early is not repeated
    };
    struct late_outcome {
        sim_poller* poller = nullptr;
        operation* op = nullptr; ///< null: it has ended in another way
        error failure;
        time_point when;
        std::uint64_t order = 0; ///< among those of the same time
    };

    void handle(const event& next);
    void pass_time(duration time);
    void handle_turn(std::uint32_t number);
    void handle_completion(std::uint32_t number);
    void handle_name(std::uint32_t number, std::uint32_t generation);
    void answer_now();
    void handle_call(std::uint32_t number);
    void check_wakes();
    void mix(std::uint64_t value) noexcept;
    void record(const event& next);
    void log(const event& next);

    void push(time_point at, event_kind kind, socket_ref subject, std::uint32_t detail = 0)
    {
        events_ahead_.push(at, kind, subject.number, subject.generation, detail);
    }
    [[nodiscard]] duration latency(std::uint32_t from, std::uint32_t to) const noexcept;
    [[nodiscard]] duration travel_time(std::uint32_t from, std::uint32_t to) noexcept;

    // handshake
    [[nodiscard]] std::uint32_t take_socket(std::uint32_t on);
    void release_socket(std::uint32_t number) noexcept;
    void hold_port(sim_socket& socket, std::uint16_t port);
    void drop_port(sim_socket& socket) noexcept;
    [[nodiscard]] std::uint16_t ephemeral_port(host& on);
    [[nodiscard]] std::optional<std::uint32_t> host_of(std::uint32_t from,
                                                       const address& target) const noexcept;
    [[nodiscard]] socket_ref listener_for(std::uint32_t on, const address& target) noexcept;
    void send_syn(socket_ref ref);
    void handle_syn(socket_ref ref);
    void handle_syn_again(socket_ref ref);
    void handle_syn_answer(socket_ref ref, std::uint32_t server);
    void drop_half_open(socket_ref server);
    void plan_accept(socket_ref listener);
    void handle_no_connection(socket_ref ref, errc code);
    void handle_accept(socket_ref ref);
    void handle_gone(socket_ref ref);
    void answer_syn(socket_ref server);
    void send_answer(socket_ref server);
    void refuse(socket_ref ref, std::uint32_t server, errc code);
    void become_established(socket_ref ref);
    void confirmed(socket_ref server);

    // transfer
    void transmit(socket_ref from, packet_kind kind,
                  std::span<const std::span<const std::byte>> buffers = {}, std::size_t size = 0);
    void launch(std::uint32_t number);
    void hold(sim_socket& socket, socket_ref ref, std::uint32_t number);
    void watch_stall(sim_socket& socket, socket_ref ref);
    void acknowledge(sim_socket& receiver, std::size_t size);
    [[nodiscard]] std::uint32_t other_host(const sim_socket& socket) const noexcept;
    [[nodiscard]] bool is_between(const sim_socket& socket, std::uint32_t a,
                                  std::uint32_t b) const noexcept;
    [[nodiscard]] bool path_is_whole(const sim_socket& socket) const noexcept;
    void handle_segment(std::uint32_t number);
    void arrive(const packet& what);
    void handle_window(socket_ref ref);
    void handle_resend(socket_ref ref);
    void handle_give_up(socket_ref ref, std::uint32_t stall);
    void handle_keep_alive(socket_ref ref, std::uint32_t probing);
    void announce_room(sim_socket& socket);
    void send_reset(std::uint32_t from_host, std::uint32_t to_host, socket_ref from, socket_ref to);
    [[nodiscard]] std::size_t room_for(const sim_socket& socket) noexcept;
    [[nodiscard]] error break_transfer(socket_ref ref);
    void handle_broken(socket_ref ref);
    void break_connection(socket_ref ref, errc code);
    void fail_socket(sim_socket& socket, errc code);
    void path_closed(std::uint32_t from, std::uint32_t to);
    void path_opened(std::uint32_t from, std::uint32_t to);
    void notify_owner(sim_socket& socket);

    simulation_options options_;
    time_point now_{std::chrono::hours(1)};
    event_queue events_ahead_;
    random_stream random_;
    fault_rates faults_;
    std::array<std::uint32_t, fault_count> requested_{};
    std::array<std::uint64_t, fault_count> injected_{};
    errc accept_error_ = errc::ok;
    std::uint64_t events_ = 0;
    std::uint64_t hash_ = 0;
    std::uint64_t queue_overflows_ = 0;
    std::size_t open_sockets_ = 0;
    sim_poller* waiting_ = nullptr; ///< the outermost wait's
    bool run_from_outside_ = false; ///< since the turns were planned
    // Not atomic::wait: where the system has no futex, libstdc++ 12 may miss the notification.
    std::mutex wakes_guard_;
    std::condition_variable wakes_changed_;
    std::atomic<std::uint32_t> wakes_{0}; ///< changed with the guard held
    std::uint32_t wakes_seen_ = 0;

    std::deque<host> hosts_;
    std::map<std::pair<std::uint32_t, std::uint32_t>, duration> latencies_;
    std::set<std::pair<std::uint32_t, std::uint32_t>> closed_paths_;
    std::map<std::string, std::vector<address>, std::less<>> names_;
    std::map<std::array<std::uint8_t, 17>, std::uint32_t> addresses_;
    slots<plan> plans_; ///< by the pollers' numbers
    slots<sim_socket> sockets_;
    slots<packet> packets_;
    slots<question> questions_;
    slots<late_outcome> late_;
    std::uint64_t next_late_ = 0;
    slots<std::function<void()>> calls_;
};

[[nodiscard]] constexpr native_handle to_handle(socket_ref ref) noexcept
{
    return static_cast<native_handle>((std::uint64_t{ref.generation & 0x7fffffffu} << 32) |
                                      ref.number);
}
[[nodiscard]] constexpr socket_ref to_ref(native_handle handle) noexcept
{
    const auto bits = static_cast<std::uint64_t>(handle);
    return {static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)};
}

/// A failure of the simulated system: its native number is the code's own.
[[nodiscard]] constexpr error system_failure(errc code, phase in,
                                             const char* detail = nullptr) noexcept
{
    return {code, in, static_cast<std::int32_t>(code), detail};
}

} // namespace slk::io::sim

#endif
