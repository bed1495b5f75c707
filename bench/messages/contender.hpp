// SPDX-License-Identifier: MPL-2.0
#ifndef BENCH_MESSAGES_CONTENDER_HPP
#define BENCH_MESSAGES_CONTENDER_HPP

/// A contender: a library that carries messages, used as its users do, with its default options.
///
/// The loops that send and receive are the contender's own, so that nothing stands between the
/// library and the measurement.

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
    /// Messages that may wait, at each side; the library's default if there is none.
    std::optional<int> high_water_mark{};
};

/// What a socket is for. Of each pair the second one connects to the first one.
enum class part { receiver, sender, server, client };

/// One socket. Whatever fails ends the process, by give_up().
class side {
public:
    virtual ~side() = default;
    /// At an endpoint as `tcp://127.0.0.1:*`, `ipc://path` or `inproc://name`; answers where to
    /// connect to.
    virtual std::string bind(const std::string& endpoint) = 0;
    virtual void connect(const std::string& endpoint) = 0;

    // One of these, by the part it plays. A sender and a server go on until they are killed.

    virtual void send() = 0;
    virtual void receive(stream_meter& meter) = 0;
    virtual void answer() = 0;
    virtual void ask(round_trip_meter& meter) = 0;
};

/// The library at work in this process: what its sockets share.
class library {
public:
    virtual ~library() = default;
    virtual std::unique_ptr<side> open(part plays, const traffic& what) = 0;
};

struct contender {
    std::string_view name; ///< in arguments and for machines
    std::string title;
    std::string_view absent{}; ///< why it does not take part
    std::unique_ptr<library> (*start)() = nullptr;
    bool inproc = true;
    bool round_trips = true;
    bool only_by_name = false; ///< it takes part when it is asked for

    [[nodiscard]] bool does(const work& wanted) const
    {
        return (inproc || wanted.over != transport::inproc) &&
               (round_trips || wanted.kind != pattern::round_trip);
    }
};

const std::vector<contender>& all_contenders();
const contender* find_contender(std::string_view name);

// Those that others are compared with.
inline constexpr std::string_view libzmq_name = "libzmq";
inline constexpr std::string_view bare_name = "bare";

contender bare_contender();
contender libzmq_contender();
contender nng_contender();
void add_serverlink_contenders(std::vector<contender>& to);

[[noreturn]] void give_up(std::string_view what, std::string_view why);

} // namespace bench

#endif
