// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_CONTRACT_HARNESS_HPP
#define SLK_TESTS_CONTRACT_HARNESS_HPP

/// Runs a test body on every compiled backend and on the simulated one, and checks at the end of
/// each that every submission was delivered once and that nothing is left.
///
/// Only features of every system may be used here: the peers of a test are sockets of a poller too,
/// and the time is rig::time().

#include "io/backend/sim/sim_poller.hpp"
#include "io/os/system.hpp"
#include "io/poller.hpp"
#include "support/quiet_port.h"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slk::contract {

using namespace std::chrono_literals;

using test_body = void (*)(std::string_view backend);

inline constexpr std::string_view simulated = "sim";

template <test_body Body, std::size_t Index>
void run_on_backend()
{
    Body(io::compiled_backends()[Index]);
}

template <test_body Body>
void run_simulated()
{
    Body(simulated);
}

/// One doctest case, named "... [epoll]".
inline void register_case(void (*function)(), const char* name, std::string_view backend,
                          const char* file, unsigned line)
{
    static std::deque<std::string> names; // doctest keeps the pointers
    names.push_back(std::string(name) + " [" + std::string(backend) + "]");
    static const doctest::detail::TestSuite no_suite{};
    doctest::detail::regTest(doctest::detail::TestCase(function, file, line, no_suite) *
                             names.back().c_str());
}

template <test_body Body>
int register_on_machine(const char* name, const char* file, unsigned line,
                        std::string_view except = {})
{
    static constexpr std::array functions = {&run_on_backend<Body, 0>, &run_on_backend<Body, 1>,
                                             &run_on_backend<Body, 2>, &run_on_backend<Body, 3>};
    const auto backends = io::compiled_backends();
    if (backends.size() > functions.size())
        std::abort(); // or some backends would silently not be tested
    for (std::size_t index = 0; index < backends.size(); ++index)
        if (backends[index] != except)
            register_case(functions[index], name, backends[index], file, line);
    return 0;
}

template <test_body Body>
int register_everywhere(const char* name, const char* file, unsigned line, std::string_view)
{
    register_case(&run_simulated<Body>, name, simulated, file, line);
    return register_on_machine<Body>(name, file, line);
}

/// A test of the contract, on each compiled backend and on the simulated one.
#define SLK_CONTRACT_TEST(name)                                                                    \
    SLK_CONTRACT_TEST_(DOCTEST_ANONYMOUS(slk_contract_), register_everywhere, name, "")
/// A test that needs a real system, on each compiled backend.
#define SLK_BACKEND_TEST(name)                                                                     \
    SLK_CONTRACT_TEST_(DOCTEST_ANONYMOUS(slk_backend_), register_on_machine, name, "")
/// A test that needs a real system, on each compiled backend except one.
#define SLK_BACKEND_TEST_EXCEPT(backend, name)                                                     \
    SLK_CONTRACT_TEST_(DOCTEST_ANONYMOUS(slk_backend_), register_on_machine, name, backend)
#define SLK_CONTRACT_TEST_(function, where, name, except)                                          \
    static void function(std::string_view backend);                                                \
    [[maybe_unused]] static const int DOCTEST_CAT(function, _registered) =                         \
        ::slk::contract::where<function>(name, __FILE__, __LINE__, except);                        \
    static void function(std::string_view backend)

/// The number of rounds of a race: SLK_ROUNDS replaces the test's own.
inline int rounds(int usual)
{
    const char* const wanted = std::getenv("SLK_ROUNDS");
    return wanted != nullptr ? std::atoi(wanted) : usual;
}

/// A clock that a test sets.
class manual_clock final : public clock {
public:
    time_point time{1h};
    time_point time_with_suspend{1h};
    time_point now() noexcept override { return time; }
    time_point now_with_suspend() noexcept override { return time_with_suspend; }
};

class rig;

/// An operation that counts its completions and checks that they come from inside a turn.
template <class Operation>
struct tracked : Operation {
    tracked() noexcept
    {
        this->owner = this;
        this->on_complete = [](io::operation& self) noexcept {
            static_cast<tracked*>(self.owner)->completed();
        };
    }

    /// A test whose operations are still in flight at its end calls rig::end() first (rule 4).
    ~tracked() { CHECK(!this->in_flight()); }

    int completions = 0;
    std::function<void()> then;
    const bool* inside_turn = nullptr;

    [[nodiscard]] bool done() const { return completions > 0 && !this->in_flight(); }

private:
    void completed()
    {
        ++completions;
        if (inside_turn != nullptr)
            CHECK(*inside_turn); // rule 2
        CHECK(!this->in_flight());
        if (then)
            then();
    }
};

using connect_op = tracked<io::connect_operation>;
using accept_op = tracked<io::accept_operation>;
using receive_op = tracked<io::receive_operation>;
using send_op = tracked<io::send_operation>;

struct tracked_timer : io::timer {
    tracked_timer()
    {
        owner = this;
        on_expiry = [](io::timer& self) noexcept {
            auto& mine = *static_cast<tracked_timer*>(self.owner);
            ++mine.firings;
            if (mine.then)
                mine.then();
        };
    }
    int firings = 0;
    std::function<void()> then;
};

struct socket_pair {
    io::socket_id client;
    io::socket_id server;
};

class rig {
public:
    explicit rig(std::string_view backend, clock& time = system_clock_source())
    {
        violations_ = io::ledger::process_totals().violations;
        if (backend == simulated) {
            network_ = std::make_shared<io::sim::network>(simulation_options{});
            REQUIRE(network_->add_host("here", {}).has_value());
            time_ = &network_->at_host(0).time;
            const bool usual = &time == &system_clock_source();
            poller_ = std::make_unique<io::sim::sim_poller>(network_, 0, usual ? *time_ : time);
        } else {
            auto made = io::make_poller(time, backend);
            REQUIRE(made.has_value());
            poller_ = std::move(*made);
        }
        CHECK(poller_->name() == backend);
    }

    ~rig() { end(); }

    /// Shuts the poller down and checks that every submission was delivered.
    void end()
    {
        if (poller_ == nullptr)
            return;
        inside_turn_ = true;
        poller_->shutdown();
        inside_turn_ = false;
        CHECK(poller_->outstanding() == 0);
        CHECK(poller_->open_sockets() == 0);
        CHECK(poller_->armed_timers() == 0);
        poller_.reset();
        for (const io::native_handle keeper : keepers_)
            io::os::close(keeper, io::close_mode::graceful);
        CHECK(io::ledger::process_totals().violations == violations_);
    }

    rig(const rig&) = delete;
    rig& operator=(const rig&) = delete;

    /// The time that passes while a turn waits: the machine's, or the simulated host's.
    [[nodiscard]] clock& time() const { return *time_; }
    /// The end of a wait for another thread. Simulated time does not pass with that thread, so
    /// there the wait has no end.
    [[nodiscard]] time_point test_timeout(duration bound) const
    {
        return network_ != nullptr ? never : after(time_->now(), bound);
    }

    io::poller& operator*() { return *poller_; }
    io::poller* operator->() { return poller_.get(); }

    result<void> turn(duration longest = 0ns)
    {
        inside_turn_ = true;
        auto answer = poller_->turn(after(poller_->refresh_now(), longest));
        inside_turn_ = false;
        return answer;
    }

    void turns(int count)
    {
        for (int turn_number = 0; turn_number < count; ++turn_number)
            CHECK(turn().has_value());
    }

    /// Runs turns until `reached` or the timeout, which only ends a hang.
    template <class Predicate>
    bool run_until(Predicate&& reached, duration bound = 10s)
    {
        const time_point end_of_patience = after(time_->now(), bound);
        while (!reached()) {
            const time_point now = time_->now();
            if (now >= end_of_patience)
                return false;
            if (!turn(std::min<duration>(end_of_patience - now, 50ms)))
                return false;
        }
        return true;
    }

    template <class Operation>
    bool finish(Operation& op)
    {
        return run_until([&] { return op.done(); });
    }

    void connect(connect_op& op, io::socket_id id, const address& target)
    {
        op.inside_turn = &inside_turn_;
        poller_->connect(op, id, target);
    }
    void accept(accept_op& op, io::socket_id listener)
    {
        op.inside_turn = &inside_turn_;
        poller_->accept(op, listener);
    }
    void receive(receive_op& op, io::socket_id id, std::span<std::byte> buffer)
    {
        op.inside_turn = &inside_turn_;
        poller_->receive(op, id, buffer);
    }
    void send(send_op& op, io::socket_id id, std::span<const std::byte> bytes)
    {
        op.inside_turn = &inside_turn_;
        const std::array list{bytes}; // ends with this call, as rule 4 allows
        poller_->send(op, id, list);
    }

    /// A socket that may connect: opened, and bound where the system requires it.
    io::socket_id open(address_family family = address_family::ipv4)
    {
        auto opened = poller_->open(family);
        REQUIRE(opened.has_value());
        REQUIRE(poller_->bind_source(*opened, std::nullopt).has_value());
        return *opened;
    }

    io::socket_id listen(address_family family = address_family::ipv4, int backlog = 1024)
    {
        io::listen_settings settings;
        settings.backlog = backlog;
        auto opened = poller_->open_listener(address::loopback(family, 0), settings);
        REQUIRE(opened.has_value());
        return *opened;
    }

    address address_of(io::socket_id id)
    {
        auto local = poller_->local_address(id);
        REQUIRE(local.has_value());
        return *local;
    }

    /// An unused address: a listener had it until now.
    address free_address(address_family family = address_family::ipv4)
    {
        for (int tries = 0; tries < 100; ++tries) {
            // The simulation gives out its ports in turn.
            const std::uint16_t port = network_ != nullptr ? 0 : next_quiet_port();
            const auto id = poller_->open_listener(address::loopback(family, port), {});
            if (!id)
                continue;
            const address unused = address_of(*id);
            poller_->close(*id);
            return unused;
        }
        FAIL("no port is free");
        return {};
    }

    /// An address without a listener. Its port is kept bound: otherwise the system might give it to
    /// the socket that connects to it, which would then be connected to itself.
    address dead_address(address_family family = address_family::ipv4)
    {
        if (network_ != nullptr)
            return free_address(family);
        const auto keeper = io::os::open_stream(family);
        REQUIRE(keeper.has_value());
        keepers_.push_back(*keeper);
        for (int tries = 0; tries < 100; ++tries) {
            const address target = address::loopback(family, next_quiet_port());
            bool bound = false;
            if (io::os::bind_source(*keeper, family, target, bound))
                return target;
        }
        FAIL("no port is free");
        return {};
    }

    socket_pair connect_pair(io::socket_id listener)
    {
        accept_op accepting;
        connect_op connecting;
        const io::socket_id client = open(address_of(listener).family);
        accept(accepting, listener);
        connect(connecting, client, address_of(listener));
        REQUIRE(run_until([&] { return accepting.done() && connecting.done(); }));
        REQUIRE(accepting.failure == errc::ok);
        REQUIRE(connecting.failure == errc::ok);
        return {client, accepting.accepted};
    }

    socket_pair connect_pair(address_family family = address_family::ipv4)
    {
        const io::socket_id listener = listen(family);
        const socket_pair made = connect_pair(listener);
        poller_->close(listener);
        return made;
    }

    /// Sends all of it.
    bool send_all(io::socket_id id, std::span<const std::byte> bytes)
    {
        while (!bytes.empty()) {
            send_op op;
            send(op, id, bytes);
            if (!finish(op)) {
                poller_->cancel(op);
                REQUIRE(finish(op));
                return false;
            }
            if (op.failure)
                return false;
            bytes = bytes.subspan(op.transferred);
        }
        return true;
    }

    /// Receives up to `max` bytes, fewer only at the end of the stream or a failure.
    std::vector<std::byte> receive_all(io::socket_id id, std::size_t most, error* failure = nullptr)
    {
        std::vector<std::byte> all;
        std::vector<std::byte> buffer(64 * 1024);
        while (all.size() < most) {
            receive_op op;
            receive(op, id, std::span(buffer).first(std::min(buffer.size(), most - all.size())));
            const bool finished = finish(op);
            if (!finished) {
                poller_->cancel(op);
                REQUIRE(finish(op));
            }
            if (failure != nullptr)
                *failure = op.failure;
            if (!finished || op.failure || op.transferred == 0)
                break;
            all.insert(all.end(), buffer.begin(),
                       buffer.begin() + static_cast<std::ptrdiff_t>(op.transferred));
        }
        return all;
    }

private:
    std::shared_ptr<io::sim::network> network_; ///< null on a real backend
    clock* time_ = &system_clock_source();
    std::unique_ptr<io::poller> poller_;
    std::vector<io::native_handle> keepers_;
    bool inside_turn_ = false;
    std::uint64_t violations_ = 0;
};

/// Bytes whose values show their position in the stream.
inline std::vector<std::byte> pattern(std::size_t size, std::size_t from = 0)
{
    std::vector<std::byte> bytes(size);
    for (std::size_t index = 0; index < size; ++index)
        bytes[index] = static_cast<std::byte>((from + index) * 31 + (from + index) / 256);
    return bytes;
}

} // namespace slk::contract

#endif
