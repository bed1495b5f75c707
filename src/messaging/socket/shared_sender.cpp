// SPDX-License-Identifier: MPL-2.0

// slk::sender: a socket behind a lock.

#include <serverlink/sender.hpp>

#include "base/ref_counted.hpp"
#include "messaging/socket/socket_core.hpp"
#include "messaging/socket/wait_or_interrupt.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <optional>
#include <stop_token>
#include <utility>

namespace slk::messaging {

namespace {

constexpr error closed_socket{errc::invalid_state, phase::none, 0, "the socket is closed"};

} // namespace

class shared_sender final : public ref_counted<shared_sender> {
public:
    explicit shared_sender(socket&& of) noexcept : socket_(std::move(of)) {}

    /// `attempt` sends without waiting.
    template <class Attempt>
    result<send_outcome> send(const timeout& limit, const Attempt& attempt)
    {
        if (socket_.core()->context()->forked())
            return fail(errc::forked, phase::none);
        const time_point begin = now();
        std::optional<std::stop_callback<notify_others>> on_stop;
        if (limit.stop.stop_possible())
            on_stop.emplace(limit.stop, notify_others{this});
        std::unique_lock lock(guard_);
        SLK_TRY(await_turn(lock, limit, begin));
        auto outcome = attempt(socket_);
        if (outcome || outcome.error() != errc::would_block || limit.max_wait == no_wait)
            return outcome;
        // The lock is free meanwhile, so that calls that do not wait return at once.
        waiting_ = true;
        lock.unlock();
        do {
            if (auto room = await_room(limit, begin); !room)
                outcome = fail(room.error());
            else
                outcome = attempt(socket_);
        } while (!outcome && outcome.error() == errc::would_block);
        lock.lock();
        waiting_ = false;
        changed_.notify_all();
        return outcome;
    }

    close_report close(duration timeout)
    {
        if (socket_.core()->context()->forked())
            return socket_.close(timeout);
        if (ends_.exchange(true))
            return {};
        inbox& reports = socket_.core()->reports();
        std::unique_lock lock(guard_);
        reports.wake();
        changed_.notify_all();
        changed_.wait(lock, [this] { return !waiting_; });
        waiting_ = true;
        lock.unlock();
        close_report report = socket_.close(timeout);
        lock.lock();
        waiting_ = false;
        changed_.notify_all();
        return report;
    }

    [[nodiscard]] const socket& through() const noexcept { return socket_; }

private:
    friend class ref_counted<shared_sender>;
    ~shared_sender() = default;

    struct open_socket : socket {
        explicit open_socket(socket&& from) noexcept : socket(std::move(from)) {}
        using socket::send;
    };

    struct notify_others {
        shared_sender* of;
        void operator()() const noexcept
        {
            // A thread that is about to sleep has seen the request, or sleeps by then.
            const std::lock_guard lock(of->guard_);
            of->changed_.notify_all();
        }
    };

    /// The context has threads: its clock is the machine's.
    [[nodiscard]] time_point now() const noexcept { return socket_.core()->context()->now(); }

    [[nodiscard]] duration left_of(const timeout& limit, time_point begin) const noexcept
    {
        if (limit.max_wait == duration::max())
            return duration::max();
        return std::max(limit.max_wait - (now() - begin), duration::zero());
    }

    /// Waits until no other call waits for room.
    result<void> await_turn(std::unique_lock<std::mutex>& lock, const timeout& limit,
                            time_point begin)
    {
        for (;;) {
            if (ends_.load())
                return fail(closed_socket);
            if (!waiting_)
                return {};
            if (limit.stop.stop_requested())
                return fail(errc::cancelled, phase::none, "a stop was requested");
            if (limit.max_wait == no_wait)
                return fail(errc::would_block, phase::none);
            const duration left = left_of(limit, begin);
            if (left == duration::zero())
                return fail(errc::timed_out, phase::none);
            if (left == duration::max())
                changed_.wait(lock);
            else
                (void)changed_.wait_for(lock, std::min<duration>(left, std::chrono::hours(24)));
        }
    }

    result<void> await_room(const timeout& limit, time_point begin)
    {
        const duration left = left_of(limit, begin);
        if (left == duration::zero())
            return fail(errc::timed_out, phase::none);
        wait_item item;
        item.on = &socket_;
        item.to_receive = false;
        item.to_send = true;
        auto ready = wait_or_interrupt({&item, 1}, {left, limit.stop}, ends_);
        if (ends_.load())
            return fail(closed_socket);
        if (!ready)
            return fail(ready.error());
        return {};
    }

    open_socket socket_;
    std::atomic<bool> ends_{false};
    std::mutex guard_; ///< and the turn to use socket_, while no call waits for room
    std::condition_variable changed_;
    bool waiting_ = false; ///< guarded; a call waits for room, and has the turn without the lock
};

} // namespace slk::messaging

namespace slk {

using messaging::shared_sender;

namespace {

constexpr error empty_sender{errc::invalid_state, phase::none, 0, "the sender is empty"};

bool only_sends(zmtp::socket_type type) noexcept
{
    return type == zmtp::socket_type::push || type == zmtp::socket_type::pub ||
           type == zmtp::socket_type::dealer || type == zmtp::socket_type::pair;
}

} // namespace

result<sender> sender::create(socket&& from)
{
    if (from.core() == nullptr)
        return fail(errc::invalid_state, phase::none, "the socket was moved from");
    SLK_TRY(from.core()->usable());
    if (!only_sends(from.core()->type()))
        return fail(errc::not_supported, phase::none, "not a PUSH, PUB, DEALER or PAIR");
    if (from.core()->context()->run_by_caller())
        return fail(errc::not_supported, phase::none, "the context has no threads");
    auto* const made = new (std::nothrow) shared_sender(std::move(from));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::none);
    return sender(made);
}

sender::sender(const sender& other) noexcept : core_(other.core_)
{
    if (core_ != nullptr)
        core_->retain();
}

sender::sender(sender&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}

sender& sender::operator=(const sender& other) noexcept
{
    sender copy(other);
    std::swap(core_, copy.core_);
    return *this;
}

sender& sender::operator=(sender&& other) noexcept
{
    sender taken(std::move(other));
    std::swap(core_, taken.core_);
    return *this;
}

sender::~sender()
{
    if (core_ != nullptr)
        core_->release();
}

result<send_outcome> sender::send(message&& whole, const timeout& limit) const
{
    if (core_ == nullptr)
        return fail(empty_sender);
    return core_->send(limit, [&](auto& by) { return by.send(std::move(whole), no_wait); });
}

result<send_outcome> sender::send(std::span<const std::byte> whole, const timeout& limit) const
{
    if (core_ == nullptr)
        return fail(empty_sender);
    return core_->send(limit, [&](auto& by) { return by.send(whole, no_wait); });
}

result<send_outcome> sender::send(multipart&& whole, const timeout& limit) const
{
    if (core_ == nullptr)
        return fail(empty_sender);
    return core_->send(limit, [&](auto& by) { return by.send(std::move(whole), no_wait); });
}

close_report sender::close(duration timeout) const
{
    return core_ != nullptr ? core_->close(timeout) : close_report{};
}

std::uint64_t sender::number() const noexcept
{
    return core_ != nullptr ? core_->through().number() : 0;
}

socket_counters sender::counters() const noexcept
{
    return core_ != nullptr ? core_->through().counters() : socket_counters{};
}

} // namespace slk
