// SPDX-License-Identifier: MPL-2.0
#include "bench/serve.hpp"

#include "bench/meters.hpp"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace slk::tool::bench {

namespace {

using namespace std::chrono_literals;

/// How often a side that streams looks for a command.
constexpr duration command_poll_interval = 1ms;

[[nodiscard]] unexpected unknown_command()
{
    return fail(errc::protocol_error, phase::transfer, "the other side sends an unknown command");
}

/// Counts the processor time from the end of the warm-up on.
class warm_processor_meter {
public:
    explicit warm_processor_meter(const work& done) : warm_at_(after(now(), done.warm_up)) {}

    void look(time_point at, std::uint64_t messages)
    {
        if (!meter_.begun() && at >= warm_at_)
            meter_.begin(messages);
    }
    [[nodiscard]] std::optional<double> per_message(std::uint64_t messages) const
    {
        return meter_.per_message(messages);
    }

private:
    time_point warm_at_;
    processor_meter meter_;
};

/// Sends a stream, one message or one batch per call.
class stream_sender {
public:
    stream_sender(slk::pair& by, const work& done)
        : by_(by), text_(done.size, 'm'), many_(done.batch, std::as_bytes(std::span(text_)))
    {
    }
    stream_sender(const stream_sender&) = delete;
    stream_sender& operator=(const stream_sender&) = delete;

    /// Returns the number of messages that were queued.
    result<std::size_t> send(const timeout& limit)
    {
        if (many_.size() > 1)
            return by_.send_batch(many_, limit);
        SLK_TRY(by_.send(std::string_view(text_), limit));
        return std::size_t{1};
    }

private:
    slk::pair& by_;
    std::string text_;
    std::vector<std::span<const std::byte>> many_; ///< all of them are text_
};

result<void> send_stream(conversation& with, const work& done)
{
    stream_sender to_other(with.socket(), done);
    warm_processor_meter used(done);
    const std::uint64_t stride = stride_of(done);
    std::uint64_t sent = 0;
    std::uint64_t next_look = stride;
    time_point next_poll = now();
    for (;;) {
        SLK_TRY(const std::size_t count,
                with.repeat([&](const timeout& limit) { return to_other.send(limit); }));
        sent += count;
        if (sent < next_look)
            continue;
        next_look = sent + stride;
        const time_point at = now();
        used.look(at, sent);
        if (at < next_poll)
            continue;
        next_poll = at + command_poll_interval;
        SLK_TRY(const auto words, with.poll_command());
        if (!words)
            continue;
        return *words == end_word ? with.send_command(done_of(used.per_message(sent)))
                                  : unknown_command();
    }
}

result<void> serve_round_trips(conversation& with, const work& done)
{
    warm_processor_meter used(done);
    message next;
    for (std::uint64_t replied = 0;; ++replied) {
        SLK_TRY(
            with.repeat([&](const timeout& limit) { return with.socket().receive(next, limit); }));
        if (next.more()) {
            SLK_TRY(const std::string words, with.receive_command_after(next));
            return words == end_word ? with.send_command(done_of(used.per_message(replied)))
                                     : unknown_command();
        }
        SLK_TRY(with.repeat(
            [&](const timeout& limit) { return with.socket().send(std::move(next), limit); }));
        if (replied % 16 == 0)
            used.look(now(), replied + 1);
    }
}

} // namespace

result<std::uint64_t> serve(conversation& with, const side_facts& self,
                            const std::function<void(const side_facts&)>& met)
{
    SLK_TRY(std::string words, with.receive_command());
    const auto other = read_hello(words);
    if (!other)
        return unknown_command();
    with.begin();
    met(*other);
    SLK_TRY(with.send_command(hello_of(self)));
    for (std::uint64_t works = 0;; ++works) {
        SLK_TRY(words, with.receive_command());
        if (words == bye_word)
            return works;
        const auto asked = read_request(words);
        if (!asked)
            return unknown_command();
        SLK_TRY(with.prepare(*asked));
        SLK_TRY(asked->kind == work_kind::stream ? send_stream(with, *asked)
                                                 : serve_round_trips(with, *asked));
    }
}

} // namespace slk::tool::bench
