// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_COROUTINE_OPERATION_HPP
#define SERVERLINK_COROUTINE_OPERATION_HPP

/// What tasks wait for. Used by the other coroutine headers only.

#include <serverlink/clock.hpp>
#include <serverlink/export.hpp>
#include <serverlink/result.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <utility>

namespace slk::coroutine_detail {

class scheduler;
class root;
class scope_core;
class join_operation;

/// What goes on when an operation has ended: a coroutine, or something that waits for several.
struct continuation {
    /// Returns what is to be resumed.
    using body = std::coroutine_handle<> (*)(continuation& self) noexcept;

    explicit continuation(body what) noexcept : next(what) {}

    body next;
};

/// What a strand waits for.
struct cancellable {
    using body = void (*)(cancellable& self) noexcept;

    explicit cancellable(body how) noexcept : cancel(how) {}

    /// It ends soon, not inside this call, with errc::cancelled unless it ends otherwise before.
    body cancel;
};

/// A line of execution: a task and the tasks that it awaits. It waits for one thing at a time.
struct strand {
    scheduler* on = nullptr;
    root* of = nullptr;
    cancellable* waiting = nullptr;
    bool cancelled = false;

    void cancel() noexcept
    {
        cancelled = true;
        if (waiting != nullptr)
            waiting->cancel(*waiting);
    }
};

/// A place in a list, which an element can leave without knowing the list.
struct place {
    place* previous = nullptr;
    place* next = nullptr;

    place() noexcept = default;
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    ~place() { leave(); }

    [[nodiscard]] bool linked() const noexcept { return next != nullptr; }
    void leave() noexcept
    {
        if (next == nullptr)
            return;
        previous->next = next;
        next->previous = previous;
        previous = next = nullptr;
    }
    void join(place& end) noexcept
    {
        previous = end.previous;
        next = &end;
        previous->next = this;
        end.previous = this;
    }
};

/// A list of them, in order. It does not move while it holds any.
class places {
public:
    places() noexcept { head_.previous = head_.next = &head_; }
    places(const places&) = delete;
    places& operator=(const places&) = delete;
    /// Elements that are left have no list any more.
    ~places()
    {
        while (take_first() != nullptr) {
        }
    }

    [[nodiscard]] bool empty() const noexcept { return head_.next == &head_; }
    void add(place& last) noexcept { last.join(head_); }
    [[nodiscard]] place* first() noexcept { return empty() ? nullptr : head_.next; }
    [[nodiscard]] place* take_first() noexcept
    {
        place* const taken = first();
        if (taken != nullptr)
            taken->leave();
        return taken;
    }
    /// The list stays as it is meanwhile.
    template <class Visit>
    void for_each(Visit&& visit)
    {
        for (place* each = head_.next; each != &head_; each = each->next)
            visit(*each);
    }
    /// All elements of `other` come to the end of this list.
    void take(places& other) noexcept
    {
        while (place* const each = other.take_first())
            add(*each);
    }

private:
    place head_;
};

/// One thing that a strand waits for. Until it is begun it may be moved. Its end cancels it at
/// once: nothing is called any more.
///
/// It ends by an attempt that succeeds, and attempts are made when it is about to be resumed: so
/// what an attempt takes is never lost.
class SLK_API operation : private cancellable, private place {
public:
    /// What kinds of operations do in their own ways. On the loop's thread.
    struct behaviour {
        /// Returns true if the operation has ended; the outcome is there.
        bool (*attempt)(operation& self) noexcept;
        /// Sees to it that wake() is called when an attempt may succeed. An error ends it.
        result<void> (*park)(operation& self) noexcept;
        /// Undoes what park() did, but for the place in a list. May be null.
        void (*unpark)(operation& self) noexcept;
        /// Sets the outcome.
        void (*end)(operation& self, const error& why) noexcept;
    };

    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;

    /// Returns true if it has ended at once. Otherwise `then` is called when it has.
    [[nodiscard]] bool begin(strand& by, continuation& then) noexcept;
    /// As begin(), without an attempt inside the call.
    void begin_later(strand& by, continuation& then) noexcept;
    /// The next attempt may succeed: it is made soon, not inside this call.
    void wake() noexcept;

    /// In park(): waits in this list.
    void wait_in(places& all) noexcept { all.add(*this); }
    [[nodiscard]] static operation& of(place& in) noexcept { return static_cast<operation&>(in); }
    [[nodiscard]] strand& by() const noexcept { return *by_; }

protected:
    explicit operation(const behaviour& how) noexcept : cancellable(&request_cancel), how_(&how) {}
    /// Of one that was not begun.
    operation(operation&& other) noexcept : cancellable(&request_cancel), how_(other.how_) {}
    ~operation() { leave_strand(); }
    /// First in the destructor of what park() uses.
    void leave_strand() noexcept
    {
        if (by_ != nullptr)
            abandon();
    }

private:
    friend class scheduler;

    static void request_cancel(cancellable& self) noexcept;
    void abandon() noexcept;

    const behaviour* how_;
    strand* by_ = nullptr; ///< while it is under way
    continuation* then_ = nullptr;
    bool parked_ = false;
    bool cancelled_ = false;
};

/// With an outcome.
template <class Result>
class operation_of : public operation {
public:
    using awaited_result = Result;

    [[nodiscard]] Result take() noexcept
    {
        if (!outcome_)
            return fail(errc::invalid_state, phase::none, "an operation is awaited once");
        Result taken = *std::move(outcome_);
        outcome_.reset();
        return taken;
    }

protected:
    using operation::operation;
    operation_of(operation_of&&) noexcept = default;
    ~operation_of() = default;

    static void fail_with(operation& self, const error& why) noexcept
    {
        static_cast<operation_of&>(self).outcome_.emplace(fail(why));
    }

    std::optional<Result> outcome_{};
};

/// Calls a function once when a time has passed. On the loop's thread.
class SLK_API alarm {
public:
    using body = void (*)(void* owner) noexcept;

    alarm() noexcept;
    alarm(const alarm&) = delete;
    alarm& operator=(const alarm&) = delete;
    ~alarm();

    /// Arms it, or arms it again. Never: duration::max().
    void set(scheduler& on, duration delay, body call, void* owner) noexcept;
    /// The same at a time of the loop's clock.
    void set_at(scheduler& on, time_point when, body call, void* owner) noexcept;
    void cancel() noexcept;

private:
    scheduler* on_ = nullptr; ///< while it is armed
    body call_ = nullptr;
    void* owner_ = nullptr;
    alignas(void*) std::byte timer_[10 * sizeof(std::uint64_t)];
};

/// Cancels a strand when a stop is requested, on whatever thread.
class SLK_API stop_link : private place {
public:
    stop_link() noexcept = default;
    ~stop_link() { unlink(); }

    void link(std::stop_token token, scheduler& on, strand& which) noexcept;
    void unlink() noexcept;

private:
    friend class scheduler;
    struct request {
        stop_link* by;
        void operator()() const noexcept { by->requested(); }
    };
    void requested() noexcept;

    scheduler* on_ = nullptr;
    strand* which_ = nullptr;
    std::optional<std::stop_callback<request>> callback_{};
};

/// What a task may wait for: tasks, operations, and those that join several.
template <class T>
inline constexpr bool is_awaited = requires(T& what, strand& by, continuation& then) {
    { what.begin(by, then) } -> std::same_as<bool>;
    typename T::awaited_result;
};

} // namespace slk::coroutine_detail

#endif
