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

/// How often a side that streams looks whether it is enough.
constexpr duration listening_interval = 1ms;

[[nodiscard]] time_point now()
{
    return system_clock_source().now();
}

[[nodiscard]] unexpected misunderstood()
{
    return fail(errc::protocol_error, phase::transfer, "what the other side asks is not known");
}

/// Begins to count the processor time when the warm-up is over.
class warm_meter {
public:
    explicit warm_meter(const work& done) : warm_at_(after(now(), done.warm_up)) {}

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

/// What is sent of a stream with one call.
class sender {
public:
    sender(slk::pair& by, const work& done) : by_(by), text_(done.size, 'm'), many_(done.batch) {}

    /// How many messages were queued.
    result<std::size_t> send(const timeout& limit)
    {
        if (many_.size() > 1)
            return send_many(limit);
        SLK_TRY(by_.send(std::string_view(text_), limit));
        return std::size_t{1};
    }

private:
    result<std::size_t> send_many(const timeout& limit)
    {
        // Those that a call has queued are empty.
        for (message& each : many_) {
            if (!each.empty())
                break;
            SLK_TRY(each, message::copy_of(text_));
        }
        return by_.send_batch(many_, limit);
    }

    slk::pair& by_;
    std::string text_;
    std::vector<message> many_;
};

result<void> send_stream(conversation& with, const work& done)
{
    sender to_other(with.socket(), done);
    warm_meter used(done);
    const std::uint64_t stride = stride_of(done);
    std::uint64_t sent = 0;
    std::uint64_t next_look = stride;
    time_point next_listening = now();
    for (;;) {
        SLK_TRY(const std::size_t count,
                with.insist([&](const timeout& limit) { return to_other.send(limit); }));
        sent += count;
        if (sent < next_look)
            continue;
        next_look = sent + stride;
        const time_point at = now();
        used.look(at, sent);
        if (at < next_listening)
            continue;
        next_listening = at + listening_interval;
        SLK_TRY(const auto words, with.heard());
        if (!words)
            continue;
        return *words == end_word ? with.tell(done_of(used.per_message(sent))) : misunderstood();
    }
}

result<void> answer_round_trips(conversation& with, const work& done)
{
    warm_meter used(done);
    message next;
    for (std::uint64_t answered = 0;; ++answered) {
        SLK_TRY(
            with.insist([&](const timeout& limit) { return with.socket().receive(next, limit); }));
        if (next.more()) {
            SLK_TRY(const std::string words, with.hear_rest(next));
            return words == end_word ? with.tell(done_of(used.per_message(answered)))
                                     : misunderstood();
        }
        SLK_TRY(with.insist(
            [&](const timeout& limit) { return with.socket().send(std::move(next), limit); }));
        if (answered % 16 == 0)
            used.look(now(), answered + 1);
    }
}

} // namespace

result<std::uint64_t> serve(conversation& with, const side_facts& self,
                            const std::function<void(const side_facts&)>& met)
{
    SLK_TRY(std::string words, with.hear());
    const auto other = read_hello(words);
    if (!other)
        return misunderstood();
    with.begin();
    met(*other);
    SLK_TRY(with.tell(hello_of(self)));
    for (std::uint64_t works = 0;; ++works) {
        SLK_TRY(words, with.hear());
        if (words == bye_word)
            return works;
        const auto wanted = read_request(words);
        if (!wanted)
            return misunderstood();
        SLK_TRY(with.prepare(*wanted));
        SLK_TRY(wanted->kind == work_kind::stream ? send_stream(with, *wanted)
                                                  : answer_round_trips(with, *wanted));
    }
}

} // namespace slk::tool::bench
