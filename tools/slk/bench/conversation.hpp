// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_BENCH_CONVERSATION_HPP
#define SLK_TOOL_BENCH_CONVERSATION_HPP

/// The two sides of a measurement, each with a PAIR, through one endpoint.
///
/// The measured messages have one part. The commands between the sides have two, of which the first
/// one is always the same. The side that measures connects, and sends:
///
///     hello VERSION                        reply: hello VERSION BACKEND THREADS
///     stream SIZE BATCH NANOSECONDS        reply: messages, until:
///     end                                  reply: done NANOSECONDS-OR-MINUS
///     round-trip SIZE BATCH NANOSECONDS    each message is sent back, until: end
///     bye
///
/// The time of a request is its warm-up; that of `done` is the processor time of the serving side,
/// per message after the warm-up.

#include "bench/work.hpp"

#include <serverlink/context.hpp>
#include <serverlink/pair.hpp>
#include <serverlink/result.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace slk::tool::bench {

/// One side.
struct side_facts {
    std::string version;
    std::string backend;
    int threads = 1;
};

[[nodiscard]] std::string hello_of(const side_facts& side);
[[nodiscard]] std::optional<side_facts> read_hello(const std::string& words);
[[nodiscard]] std::string request_of(const work& asked);
/// Nothing if the words are no request, or one for too much.
[[nodiscard]] std::optional<work> read_request(const std::string& words);
[[nodiscard]] std::string done_of(std::optional<double> nanoseconds);
/// False: the words are no such reply.
[[nodiscard]] bool read_done(const std::string& words, std::optional<double>& nanoseconds);

inline constexpr std::string_view hello_word = "hello";
inline constexpr std::string_view end_word = "end";
inline constexpr std::string_view bye_word = "bye";

/// Its own errors: connection_reset, the other side has disconnected; timed_out, it is silent;
/// protocol_error, it is no slk bench, or one of another version.
class conversation {
public:
    /// `max_silence`: how long the other side may send nothing.
    [[nodiscard]] static result<conversation> create(context& in, duration max_silence);

    result<std::string> bind(std::string_view endpoint) { return socket_.bind(endpoint); }
    result<void> connect(std::string_view endpoint) { return socket_.connect(endpoint); }
    /// Waits until the other side is connected.
    result<void> wait_ready(duration timeout) { return socket_.wait_ready(timeout); }
    /// From now on it is an error when the other side disconnects.
    void begin() noexcept { begun_ = true; }
    /// Why there is no peer; no error if that is not known.
    [[nodiscard]] error why_no_peer();

    [[nodiscard]] slk::pair& socket() noexcept { return socket_; }
    /// Repeats a call of the socket until it has no timeout, or check_peer() has an error. `call`
    /// gets the timeout of one step.
    template <class Call>
    auto repeat(Call call) -> decltype(call(timeout{}))
    {
        auto outcome = call(step_);
        for (duration silent = step; is_timeout(outcome); silent += step) {
            if (const error why = check_peer(silent))
                return fail(why);
            outcome = call(step_);
        }
        return outcome;
    }

    result<void> send_command(std::string_view words);
    /// Receives the next command. A measured message is an error.
    result<std::string> receive_command();
    /// Receives the command at the end of a stream. The rest of the stream is dropped.
    result<std::string> receive_command_after_stream();
    /// Receives the rest of the command that begins with this part.
    result<std::string> receive_command_after(const message& first);
    /// Receives a command if one has arrived. A measured message is an error.
    result<std::optional<std::string>> poll_command();
    /// Adapts the queues.
    result<void> prepare(const work& next);
    /// Sends what is queued, and closes the socket.
    void close();

private:
    explicit conversation(slk::pair&& over, duration max_silence) noexcept;

    template <class Outcome>
    [[nodiscard]] static bool is_timeout(const Outcome& outcome)
    {
        return !outcome &&
               (outcome.error() == errc::timed_out || outcome.error() == errc::would_block);
    }
    /// Returns why waiting longer is useless; no error if it is not.
    [[nodiscard]] error check_peer(duration silent);

    /// How often a waiting call checks whether the other side is still connected.
    static constexpr duration step = std::chrono::milliseconds(100);

    slk::pair socket_;
    duration max_silence_;
    timeout step_{step};
    bool begun_ = false;
};

} // namespace slk::tool::bench

#endif
