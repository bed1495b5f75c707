// SPDX-License-Identifier: MPL-2.0
#include "bench/measure.hpp"

#include <span>
#include <string>
#include <utility>

namespace slk::tool::bench {

namespace {

/// A measured message has one part, of the requested size.
result<void> check_message(std::size_t size, bool more, const work& asked)
{
    if (more || size != asked.size)
        return fail(errc::protocol_error, phase::transfer,
                    "the other side sends other messages than requested");
    return {};
}

/// Receives a stream, one message or one batch per call.
class stream_receiver {
public:
    stream_receiver(conversation& with, const work& asked) : with_(with), asked_(asked) {}

    /// Returns the number of messages.
    result<std::size_t> receive()
    {
        slk::pair& by = with_.socket();
        if (asked_.batch > 1) {
            SLK_TRY(with_.repeat([&](const timeout& limit) {
                return by.receive_batch(many_, asked_.batch, limit);
            }));
            for (std::size_t index = 0; index < many_.size(); ++index)
                SLK_TRY(check_message(many_[index].size(), many_.more(index), asked_));
            return many_.size();
        }
        SLK_TRY(with_.repeat([&](const timeout& limit) { return by.receive(one_, limit); }));
        SLK_TRY(check_message(one_.size(), one_.more(), asked_));
        return std::size_t{1};
    }

private:
    conversation& with_;
    const work& asked_;
    message one_;
    received_batch many_;
};

/// The meters of one work.
class meters {
public:
    meters(const work& asked, const measure_options& how, processor_meter& used)
        : slices_(asked.warm_up, how.measured, how.progress), used_(used)
    {
    }

    bool look(time_point at, std::uint64_t arrived)
    {
        const bool goes_on = slices_.look(at, arrived);
        if (slices_.warm() && !used_.begun())
            used_.begin(arrived);
        return goes_on;
    }
    [[nodiscard]] bool warm() const noexcept { return slices_.warm(); }
    void store(measured& into) const
    {
        into.messages = slices_.messages();
        into.per_second = slices_.per_second();
    }

private:
    slicer slices_;
    processor_meter& used_;
};

/// Returns the number of messages that have arrived.
result<std::uint64_t> receive_stream(conversation& with, const measure_options& how,
                                     processor_meter& used, measured& into)
{
    stream_receiver from_other(with, into.done);
    SLK_TRY(std::uint64_t arrived, from_other.receive());
    const std::uint64_t stride = stride_of(into.done);
    std::uint64_t next_look = arrived;
    // The warm-up begins with the first message.
    meters counted(into.done, how, used);
    do {
        next_look += stride;
        while (arrived < next_look) {
            SLK_TRY(const std::size_t count, from_other.receive());
            arrived += count;
        }
        next_look = arrived;
    } while (counted.look(now(), arrived));
    counted.store(into);
    return arrived;
}

result<std::uint64_t> make_round_trips(conversation& with, const measure_options& how,
                                       processor_meter& used, measured& into)
{
    slk::pair& by = with.socket();
    const std::string text(into.done.size, 'm');
    message reply;
    std::uint64_t made = 0;
    meters counted(into.done, how, used);
    for (bool goes_on = true; goes_on;) {
        const time_point sent_at = now();
        SLK_TRY(with.repeat(
            [&](const timeout& limit) { return by.send(std::string_view(text), limit); }));
        SLK_TRY(with.repeat([&](const timeout& limit) { return by.receive(reply, limit); }));
        const time_point replied_at = now();
        SLK_TRY(check_message(reply.size(), reply.more(), into.done));
        ++made;
        if (counted.warm())
            into.round_trips.add(replied_at - sent_at);
        goes_on = counted.look(replied_at, made);
    }
    counted.store(into);
    return made;
}

} // namespace

result<side_facts> greet(conversation& with, const side_facts& self)
{
    SLK_TRY(with.send_command(hello_of(self)));
    SLK_TRY(const std::string words, with.receive_command());
    const auto other = read_hello(words);
    if (!other)
        return fail(errc::protocol_error, phase::transfer,
                    "the other side does not reply to hello");
    with.begin();
    return *other;
}

result<measured> measure_work(conversation& with, const work& asked, const measure_options& how)
{
    measured made;
    made.done = asked;
    processor_meter used;
    SLK_TRY(with.prepare(asked));
    SLK_TRY(with.send_command(request_of(asked)));
    SLK_TRY(const std::uint64_t count, asked.kind == work_kind::stream
                                           ? receive_stream(with, how, used, made)
                                           : make_round_trips(with, how, used, made));
    made.processor = used.per_message(count);
    SLK_TRY(with.send_command(end_word));
    SLK_TRY(const std::string words, with.receive_command_after_stream());
    std::optional<double> used_there;
    if (!read_done(words, used_there))
        return fail(errc::protocol_error, phase::transfer, "the other side did not reply to end");
    if (!how.one_process)
        made.processor = made.processor && used_there ? std::optional(*made.processor + *used_there)
                                                      : std::nullopt;
    return made;
}

result<void> say_bye(conversation& with)
{
    return with.send_command(bye_word);
}

} // namespace slk::tool::bench
