// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_BENCH_CONVERSATION_HPP
#define SLK_TOOL_BENCH_CONVERSATION_HPP

/// The two sides of a measurement, each with a PAIR: all goes through one endpoint.
///
/// What is measured are messages of one part. What the sides say to each other has two, of which
/// the first one is always the same. The side that measures connects, and says:
///
///     hello VERSION                        answered by: hello VERSION BACKEND THREADS
///     stream SIZE BATCH NANOSECONDS        answered by messages, until:
///     end                                  answered by: done NANOSECONDS-OR-MINUS
///     round-trip SIZE BATCH NANOSECONDS    each message is answered by itself, until: end
///     bye
///
/// The time of a request is its warm-up, that of `done` is the other side's processor time for each
/// message after it.

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

[[nodiscard]] std::string hello_of(const side_facts& who);
[[nodiscard]] std::optional<side_facts> read_hello(const std::string& words);
[[nodiscard]] std::string request_of(const work& wanted);
/// Nothing if it is none, or asks for too much.
[[nodiscard]] std::optional<work> read_request(const std::string& words);
[[nodiscard]] std::string done_of(std::optional<double> nanoseconds);
/// False: it is no such answer.
[[nodiscard]] bool read_done(const std::string& words, std::optional<double>& nanoseconds);

inline constexpr std::string_view hello_word = "hello";
inline constexpr std::string_view end_word = "end";
inline constexpr std::string_view bye_word = "bye";

/// Errors of its own: connection_reset, the other side has gone; timed_out, it is silent;
/// protocol_error, it is no slk bench, or another one.
class conversation {
public:
    /// `silence`: how long the other side may say nothing.
    [[nodiscard]] static result<conversation> create(context& in, duration silence);

    result<std::string> bind(std::string_view endpoint) { return socket_.bind(endpoint); }
    result<void> connect(std::string_view endpoint) { return socket_.connect(endpoint); }
    /// Until the other side is there.
    result<void> wait_ready(duration timeout) { return socket_.wait_ready(timeout); }
    /// From now on it is an error that it goes.
    void begin() noexcept { begun_ = true; }
    /// Why there is nobody; nothing if that is not known.
    [[nodiscard]] error why_nobody() const;

    [[nodiscard]] slk::pair& socket() noexcept { return socket_; }
    /// Calls the socket again and again, for as long as it may take: `call` is given the limit.
    template <class Call>
    auto insist(Call call) -> decltype(call(timeout{}))
    {
        auto answer = call(step_);
        for (duration silent = step; is_timeout(answer); silent += step) {
            if (const error why = trouble(silent))
                return fail(why);
            answer = call(step_);
        }
        return answer;
    }

    result<void> tell(std::string_view words);
    /// The next words. Messages are errors here.
    result<std::string> hear();
    /// The same at the end of a stream: what is left of it is dropped.
    result<std::string> hear_after_stream();
    /// Words whose first part is this one.
    result<std::string> hear_rest(const message& first);
    /// Words, if there are any by now. Messages are errors here.
    result<std::optional<std::string>> heard();
    /// Adapts the queues.
    result<void> prepare(const work& next);
    /// Queues what is to be sent, and ends.
    void close();

private:
    explicit conversation(slk::pair&& over, duration silence) noexcept;

    template <class Answer>
    [[nodiscard]] static bool is_timeout(const Answer& answer)
    {
        return !answer &&
               (answer.error() == errc::timed_out || answer.error() == errc::would_block);
    }
    /// Why it is of no use to wait any longer.
    [[nodiscard]] error trouble(duration silent) const;

    /// After so long without anything it is looked whether the other side is still there.
    static constexpr duration step = std::chrono::milliseconds(100);

    slk::pair socket_;
    duration silence_;
    timeout step_{step};
    bool begun_ = false;
};

} // namespace slk::tool::bench

#endif
