// SPDX-License-Identifier: MPL-2.0
#include "bench/measure.hpp"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace slk::tool::bench {

namespace {

[[nodiscard]] time_point now()
{
    return system_clock_source().now();
}

/// Words do not come before they are asked for, and messages have the size that was asked for.
result<void> check(const message& received, const work& wanted)
{
    if (received.more() || received.size() != wanted.size)
        return fail(errc::protocol_error, phase::transfer,
                    "the other side sends something else than it was asked for");
    return {};
}

/// What is received of a stream with one call.
class receiver {
public:
    receiver(conversation& with, const work& wanted)
        : with_(with), wanted_(wanted), many_(wanted.batch)
    {
    }

    /// How many messages.
    result<std::size_t> receive()
    {
        slk::pair& by = with_.socket();
        std::size_t count = 1;
        if (many_.size() > 1) {
            SLK_TRY(count, with_.insist([&](const timeout& limit) {
                return by.receive_batch(many_, limit);
            }));
        } else {
            SLK_TRY(with_.insist(
                [&](const timeout& limit) { return by.receive(many_.front(), limit); }));
        }
        for (const message& each : std::span(many_).first(count))
            SLK_TRY(check(each, wanted_));
        return count;
    }

private:
    conversation& with_;
    const work& wanted_;
    std::vector<message> many_;
};

/// Both meters of one work.
class meters {
public:
    meters(const work& wanted, const measure_options& how, processor_meter& used)
        : slices_(wanted.warm_up, how.measured, how.progress), used_(used)
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
    void tell(measured& into) const
    {
        into.messages = slices_.messages();
        into.per_second = slices_.per_second();
    }

private:
    slicer slices_;
    processor_meter& used_;
};

/// How many messages have arrived.
result<std::uint64_t> receive_stream(conversation& with, const measure_options& how,
                                     processor_meter& used, measured& into)
{
    receiver from_other(with, into.done);
    SLK_TRY(std::uint64_t arrived, from_other.receive());
    const std::uint64_t stride = stride_of(into.done);
    std::uint64_t next_look = arrived;
    // Time counts from the first message on.
    meters counted(into.done, how, used);
    do {
        next_look += stride;
        while (arrived < next_look) {
            SLK_TRY(const std::size_t count, from_other.receive());
            arrived += count;
        }
        next_look = arrived;
    } while (counted.look(now(), arrived));
    counted.tell(into);
    return arrived;
}

result<std::uint64_t> make_round_trips(conversation& with, const measure_options& how,
                                       processor_meter& used, measured& into)
{
    slk::pair& by = with.socket();
    const std::string text(into.done.size, 'm');
    message answer;
    std::uint64_t made = 0;
    meters counted(into.done, how, used);
    for (bool goes_on = true; goes_on;) {
        const time_point asked = now();
        SLK_TRY(with.insist(
            [&](const timeout& limit) { return by.send(std::string_view(text), limit); }));
        SLK_TRY(with.insist([&](const timeout& limit) { return by.receive(answer, limit); }));
        const time_point answered = now();
        SLK_TRY(check(answer, into.done));
        ++made;
        if (counted.warm())
            into.round_trips.add(answered - asked);
        goes_on = counted.look(answered, made);
    }
    counted.tell(into);
    return made;
}

} // namespace

result<side_facts> greet(conversation& with, const side_facts& self)
{
    SLK_TRY(with.tell(hello_of(self)));
    SLK_TRY(const std::string words, with.hear());
    const auto other = read_hello(words);
    if (!other)
        return fail(errc::protocol_error, phase::transfer, "the other side does not greet");
    with.begin();
    return *other;
}

result<measured> measure(conversation& with, const work& wanted, const measure_options& how)
{
    measured made;
    made.done = wanted;
    processor_meter used;
    SLK_TRY(with.prepare(wanted));
    SLK_TRY(with.tell(request_of(wanted)));
    SLK_TRY(const std::uint64_t count, wanted.kind == work_kind::stream
                                           ? receive_stream(with, how, used, made)
                                           : make_round_trips(with, how, used, made));
    made.processor = used.per_message(count);
    SLK_TRY(with.tell(end_word));
    SLK_TRY(const std::string words, with.hear_after_stream());
    std::optional<double> used_there;
    if (!read_done(words, used_there))
        return fail(errc::protocol_error, phase::transfer, "the other side did not end as asked");
    if (!how.one_process)
        made.processor = made.processor && used_there ? std::optional(*made.processor + *used_there)
                                                      : std::nullopt;
    return made;
}

result<void> part(conversation& with)
{
    return with.tell(bye_word);
}

} // namespace slk::tool::bench
