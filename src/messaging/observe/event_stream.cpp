// SPDX-License-Identifier: MPL-2.0

// The public class, and how its thread waits.

#include "base/try_allocate.hpp"
#include "messaging/observe/event_watch.hpp"
#include "messaging/socket/socket_core.hpp"

#include <functional>
#include <new>
#include <optional>
#include <utility>

namespace slk::messaging {

result<event_watch*> event_watch::create(std::shared_ptr<context_core> in, reference<inbox> of,
                                         event_options&& options)
{
    SLK_TRY(options.validate());
    for (const event_kind each : {event_kind::events_lost, event_kind::stopped})
        options.kinds = options.kinds.with(each);
    auto events = reference<event_queue>::adopt(
        new (std::nothrow) event_queue(std::move(options), !of, in->first_loop()));
    if (!events)
        return fail(errc::out_of_memory, phase::setup);
    std::unique_ptr<event_watch> made(new (std::nothrow) event_watch(in, of, events));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(in->add(events));
    if (of) {
        if (const auto added = of->events().add(events); !added) {
            in->remove(*events);
            return fail(added.error());
        }
    }
    return made.release();
}

void event_watch::close() noexcept
{
    // In a child process what it refers to may be in the middle of any change: it stays for ever.
    if (in_->forked()) {
        events_->leave_to_parent();
        return in_->leave_to_parent();
    }
    if (of_)
        of_->events().remove(*events_);
    in_->remove(*events_);
    events_->stop();
    delete this;
}

result<void> event_watch::end()
{
    if (in_->forked())
        return fail(in_->why_stopped());
    event last;
    last.kind = event_kind::stopped;
    last.at = in_->now();
    events_->add(last, true);
    events_->end();
    return {};
}

result<slk::event> event_watch::next(const timeout& limit)
{
    if (in_->forked())
        return fail(in_->why_stopped());
    if (events_->has_handler())
        return fail(errc::invalid_state, phase::none, "the stream has a handler");
    in_->deliver_completed();
    struct wake_on_stop {
        event_watch* by;
        void operator()() const noexcept
        {
            by->events_->wake();
            by->in_->wake();
        }
    };
    std::optional<std::stop_callback<wake_on_stop>> on_stop;
    time_point deadline = never;
    for (bool first = true;; first = false) {
        if (auto read = events_->take())
            return std::move(*read);
        if (events_->has_ended())
            return fail(errc::end_of_stream, phase::none, "the socket is closed");
        if (in_->stopped())
            return fail(in_->why_stopped());
        if (limit.stop.stop_requested())
            return fail(errc::cancelled, phase::none, "a stop was requested");
        io::loop_core* const loop = in_->to_run();
        const bool waits = limit.max_wait > duration::zero();
        if (!waits && (loop == nullptr || !first))
            return fail(errc::would_block, phase::none);
        if (first && waits) {
            deadline = after(in_->now(), limit.max_wait);
            if (limit.stop.stop_possible())
                on_stop.emplace(limit.stop, wake_on_stop{this});
        }
        const duration left = !waits              ? duration::zero()
                              : deadline == never ? duration::max()
                                                  : deadline - in_->now();
        if (waits && left <= duration::zero())
            return fail(errc::timed_out, phase::none);
        if (loop == nullptr) {
            events_->sleep(left);
            continue;
        }
        const std::function<bool()> done = [&] {
            return events_->readable() || in_->stopped() || limit.stop.stop_requested();
        };
        SLK_TRY(loop->run(&done, left));
    }
}

result<std::intptr_t> event_watch::event_handle()
{
    if (in_->forked())
        return fail(in_->why_stopped());
    if (!in_->run_by_caller())
        return events_->event_handle();
    io::loop_core* const loop = in_->to_run();
    const auto handle = loop != nullptr ? loop->io().wait_handle() : io::invalid_handle;
    if (handle == io::invalid_handle)
        return fail(errc::not_supported, phase::none, "this loop's backend has no handle");
    return handle;
}

} // namespace slk::messaging

namespace slk {

namespace {

constexpr error empty_stream{errc::invalid_state, phase::none, 0, "the stream was moved from"};

} // namespace

result<void> event_options::validate() const
{
    if (capacity < 1 || capacity > 1'000'000)
        return fail(errc::invalid_argument, phase::setup, "capacity is not 1 to 1000000");
    return {};
}

result<event_stream> event_stream::of(const socket& which, event_options options)
{
    messaging::socket_core* const core = which.core();
    if (core == nullptr)
        return fail(errc::invalid_state, phase::setup, "the socket is empty");
    SLK_TRY(messaging::event_watch* const made,
            messaging::event_watch::create(core->context(),
                                           reference<messaging::inbox>::to(core->reports()),
                                           std::move(options)));
    return event_stream(made);
}

result<event_stream> event_stream::of(const context& which, event_options options)
{
    if (which.core() == nullptr)
        return fail(errc::invalid_state, phase::setup, "the context is empty");
    SLK_TRY(messaging::event_watch* const made,
            messaging::event_watch::create(which.core(), {}, std::move(options)));
    return event_stream(made);
}

event_stream& event_stream::operator=(event_stream&& other) noexcept
{
    if (this != &other)
        event_stream(std::exchange(core_, std::exchange(other.core_, nullptr)));
    return *this;
}

event_stream::~event_stream()
{
    if (core_ != nullptr)
        core_->close();
}

result<event> event_stream::next(const timeout& limit)
{
    return core_ != nullptr ? core_->next(limit) : fail(empty_stream);
}

bool event_stream::readable() const noexcept
{
    return core_ != nullptr && !core_->context()->forked() && core_->events().readable();
}

result<void> event_stream::end()
{
    return core_ != nullptr ? core_->end() : fail(empty_stream);
}

std::uint64_t event_stream::lost() const noexcept
{
    return core_ != nullptr ? core_->events().lost() : 0;
}

result<std::intptr_t> event_stream::event_handle()
{
    return core_ != nullptr ? core_->event_handle() : fail(empty_stream);
}

} // namespace slk
