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
    std::size_t count = 0; ///< as in work
    bool nested = false; ///< as in work
    bool curve = false; ///< as in work
};

/// Throw-away keys of CURVE, which both sides know.
struct curve_text {
    static constexpr const char* server_public = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    static constexpr const char* server_secret = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
    static constexpr const char* client_public = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
    static constexpr const char* client_secret = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
};

/// What a socket does. A sender connects to a receiver, a client to a server, and subscribers, who
/// may be several sockets, to a publisher. A publisher sends whether its messages are taken or not.
/// Clients may be several sockets, too. A proxy is bound at both sides.
enum class role { receiver, sender, server, client, publisher, subscribers, proxy };

/// One socket. Every failure ends the process, by give_up().
class side {
public:
    virtual ~side() = default;
    /// `endpoint` is `tcp://127.0.0.1:*`, `ipc://path` or `inproc://name`. Returns the endpoint to
    /// connect to; a proxy returns that for the sender, a blank, and that for the receiver.
    virtual std::string bind(const std::string& endpoint) = 0;
    virtual void connect(const std::string& endpoint) = 0;

    // One of these, by the role. A sender and a server run until they are killed.

    virtual void send() {}
    virtual void receive(stream_meter&) {}
    virtual void reply() {}
    virtual void request(round_trip_meter&) {}
    /// Several sockets: each sends its next request when it has the reply.
    virtual void request_all(stream_meter&) {}
    virtual void forward() {}
};

/// The messages of a publisher whose subscriber has many topics. Each of them begins with one of
/// the topics; and some with `begin_topic`, the last one that is subscribed to, which shows that
/// all have arrived.
class topic_text {
public:
    static constexpr std::string_view begin_topic = "~";
    static constexpr std::size_t digits = 7;

    explicit topic_text(const traffic& of) : count_(of.count), text_(of.size, 'm') {}
    /// The topic of that number.
    static std::string topic(std::size_t number, bool nested)
    {
        std::string made(digits, '0');
        write(number, made.data());
        return made.append(nested ? number % 56 : 4, 'm');
    }
    [[nodiscard]] std::string_view next()
    {
        number_ = (number_ + 7919) % count_;
        write(number_, text_.data());
        if (++sent_ % 1024 == 0)
            text_[0] = begin_topic[0];
        return text_;
    }

private:
    static void write(std::size_t number, char* at)
    {
        for (std::size_t digit = digits; digit-- > 0; number /= 10)
            at[digit] = static_cast<char>('0' + number % 10);
    }

    std::size_t count_;
    std::string text_;
    std::size_t number_ = 0;
    std::size_t sent_ = 0;
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
    bool proxies = false;
    bool curve = false;
    std::size_t askers = 0; ///< at most
    bool only_by_name = false; ///< skipped unless the command line names it
    /// Where its processes find their libraries first; empty: nowhere else than this one.
    std::string_view libraries{};

    [[nodiscard]] bool does(const work& asked) const
    {
        return (inproc || asked.over != transport::inproc) &&
               (round_trips || asked.kind != pattern::round_trip) &&
               (fan_outs || (asked.kind != pattern::fan_out && asked.kind != pattern::topics)) &&
               (!has_askers(asked.kind) || asked.count <= askers) && (curve || !asked.curve) &&
               (proxies || !has_proxy(asked.kind));
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
contender serverlink_c_contender();
void add_serverlink_contenders(std::vector<contender>& to);

[[noreturn]] void give_up(std::string_view what, std::string_view why);

} // namespace bench

#endif
