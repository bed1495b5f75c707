// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_OBSERVE_EVENT_WATCH_HPP
#define SLK_MESSAGING_OBSERVE_EVENT_WATCH_HPP

/// What slk::event_stream is made of: a queue, and the socket or context that it is about.

#include <serverlink/events.hpp>

#include "base/reference.hpp"
#include "messaging/context/context_core.hpp"
#include "messaging/observe/event_queue.hpp"
#include "messaging/observe/inbox.hpp"

#include <memory>
#include <stop_token>

namespace slk::messaging {

class event_watch {
public:
    /// `of`: null for all sockets of the context. Errors: those of event_stream::of().
    [[nodiscard]] static result<event_watch*> create(std::shared_ptr<context_core> in,
                                                     reference<inbox> of, event_options&& options);
    event_watch(std::shared_ptr<context_core> in, reference<inbox> of,
                reference<event_queue> events) noexcept
        : in_(std::move(in)), of_(std::move(of)), events_(std::move(events))
    {
    }
    event_watch(const event_watch&) = delete;
    event_watch& operator=(const event_watch&) = delete;
    ~event_watch() = default;
    /// Its end.
    void close() noexcept;

    /// As event_stream::end(). Any thread.
    result<void> end();
    [[nodiscard]] result<slk::event> next(const timeout& limit);
    [[nodiscard]] event_queue& events() noexcept { return *events_; }
    [[nodiscard]] const std::shared_ptr<context_core>& context() const noexcept { return in_; }
    result<std::intptr_t> event_handle();

private:
    const std::shared_ptr<context_core> in_;
    const reference<inbox> of_;
    const reference<event_queue> events_;
};

} // namespace slk::messaging

#endif
