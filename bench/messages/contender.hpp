// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_CONTENDER_HPP
#define BENCH_MESSAGES_CONTENDER_HPP

/// A contender: a messaging library, used as its documentation shows, with its default options.
///
/// Each contender has its own loops that send and receive, so that no code of the benchmark runs
/// between the library and the measurement.

#include "meters.hpp"
#include "work.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct traffic {
    pattern kind = pattern::stream;
    std::size_t size = 64;
    /// Messages that each side queues; nothing: the library's default.
    std::optional<int> high_water_mark{};
    std::size_t subscribers = 0; ///< of a fan_out
};

/// What a socket does. A sender connects to a receiver, a client to a server, and subscribers, who
/// are several sockets, to a publisher. A publisher sends whether its messages are taken or not.
enum class role { receiver, sender, server, client, publisher, subscribers };

/// One socket. Every failure ends the process, by give_up().
class side {
public:
    virtual ~side() = default;
    /// `endpoint` is `tcp://127.0.0.1:*`, `ipc://path` or `inproc://name`. Returns the endpoint to
    /// connect to.
    virtual std::string bind(const std::string& endpoint) = 0;
    virtual void connect(const std::string& endpoint) = 0;

    // One of these, by the role. A sender and a server run until they are killed.

    virtual void send() = 0;
    virtual void receive(stream_meter& meter) = 0;
    virtual void reply() = 0;
    virtual void request(round_trip_meter& meter) = 0;
};

/// What the sockets of a library share in this process.
class library {
public:
    virtual ~library() = default;
    virtual std::unique_ptr<side> open(role as, const traffic& what) = 0;
};

struct contender {
    std::string_view name; ///< in arguments and for machines
    std::string title;
    std::string_view missing{}; ///< why it is skipped; empty: it is not
    std::unique_ptr<library> (*start)() = nullptr;
    bool inproc = true;
    bool round_trips = true;
    bool fan_outs = false;
    bool only_by_name = false; ///< skipped unless the command line names it

    [[nodiscard]] bool does(const work& asked) const
    {
        return (inproc || asked.over != transport::inproc) &&
               (round_trips || asked.kind != pattern::round_trip) &&
               (fan_outs || asked.kind != pattern::fan_out);
    }
};

const std::vector<contender>& all_contenders();
const contender* find_contender(std::string_view name);

// The contenders that others are compared with.
inline constexpr std::string_view libzmq_name = "libzmq";
inline constexpr std::string_view bare_name = "bare";

contender bare_contender();
contender libzmq_contender();
contender nng_contender();
void add_serverlink_contenders(std::vector<contender>& to);

[[noreturn]] void give_up(std::string_view what, std::string_view why);

} // namespace bench

#endif
