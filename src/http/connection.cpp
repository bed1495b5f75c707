// SPDX-License-Identifier: MPL-2.0
#include "http/connection.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <span>
#include <utility>

namespace slk::http {

namespace {

/// How long a client that has its response may take to close.
constexpr duration max_drain_time = std::chrono::seconds(1);

} // namespace

connection::connection(stream accepted, responder& responses, const connection_limits& limits,
                       time_point now)
    : stream_(std::move(accepted)), responses_(responses), limits_(limits),
      deadline_(after(now, limits.timeout))
{
}

template <class Work>
void connection::guarded(Work work) noexcept
{
    try {
        work();
    } catch (...) {
        end();
    }
}

void connection::begin() noexcept
{
    guarded([&] { receive(); });
}

void connection::check(time_point now) noexcept
{
    if (now < deadline_ || is_over())
        return;
    // To a client that has sent nothing, as a browser in advance, it would be the answer to what it
    // sends at the same time.
    if (step_ != step::receiving || head_.empty()) {
        end();
        return;
    }
    // A receive under way goes on, and its bytes are not looked at.
    guarded([&] {
        send(too_slow_response());
        deadline_ = after(now, limits_.timeout);
    });
}

void connection::receive()
{
    const auto begun =
        stream_.receive(buffer_, [self = shared_from_this()](const result<std::size_t>& count) {
            // A receive may end after check() has begun to send.
            if (self->step_ != step::receiving)
                return;
            if (!count || *count == 0)
                self->end();
            else
                self->guarded([&] { self->take(*count); });
        });
    if (!begun)
        end();
}

void connection::take(std::size_t count)
{
    const std::size_t before = head_.size();
    head_.append(reinterpret_cast<const char*>(buffer_.data()), count);
    const std::size_t size = head_size(head_, before);
    if (std::min(size, head_.size()) > limits_.request_size) {
        send(too_large_response());
        return;
    }
    if (size == std::string::npos) {
        receive();
        return;
    }
    response_ = responses_.respond(std::string_view(head_).substr(0, size));
    if (response_.empty())
        end();
    else
        send(response_);
}

void connection::send(std::string_view response)
{
    step_ = step::sending;
    const auto begun = stream_.send(std::as_bytes(std::span(response)),
                                    [self = shared_from_this()](const result<std::size_t>& sent) {
                                        if (self->is_over())
                                            return;
                                        if (!sent)
                                            self->end();
                                        else
                                            self->guarded([&] { self->drain(); });
                                    });
    if (!begun)
        end();
}

/// A connection that is closed while the client still sends is reset, and the client may lose the
/// response.
void connection::drain()
{
    step_ = step::draining;
    deadline_ = never; // it has a time of its own
    const auto begun =
        stream_.close_after_drain(std::min(max_drain_time, limits_.timeout),
                                  [self = shared_from_this()](error) { self->end(); });
    if (!begun)
        end();
}

void connection::end() noexcept
{
    if (std::exchange(step_, step::over) == step::over)
        return;
    stream_.reset();
}

} // namespace slk::http
