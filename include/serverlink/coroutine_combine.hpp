// SPDX-License-Identifier: MPL-2.0
#ifndef SERVERLINK_COROUTINE_COMBINE_HPP
#define SERVERLINK_COROUTINE_COMBINE_HPP

/// Several operations or tasks at once, and limits of their time: slk::when_all(),
/// slk::when_any(), slk::with_timeout(), slk::with_stop(), slk::async_sleep(). Included by
/// serverlink/coroutine.hpp.
///
///     auto got = co_await slk::with_timeout(1s, slk::async_receive(pull, next));
///
/// What they are given is theirs; none of them allocates.

#include <serverlink/coroutine_task.hpp>

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace slk {

namespace coroutine_detail {

template <class T>
concept awaited = is_awaited<T>;

/// Waits until a time has passed.
class SLK_API sleep_operation final : public operation_of<result<void>> {
public:
    explicit sleep_operation(duration time) noexcept : operation_of(how), time_(time) {}
    sleep_operation(sleep_operation&& other) noexcept
        : operation_of(std::move(other)), time_(other.time_)
    {
    }
    sleep_operation& operator=(sleep_operation&&) = delete;
    ~sleep_operation();

private:
    static const behaviour how;

    duration time_;
    bool over_ = false;
    alarm alarm_;
};

/// What one operation and a reason to cancel it have in common.
template <class Awaited>
class limited : private cancellable, private continuation {
public:
    using awaited_result = typename Awaited::awaited_result;

    limited(const limited&) = delete;
    limited& operator=(const limited&) = delete;

protected:
    explicit limited(Awaited&& inner) noexcept
        : cancellable(&cancel_inner), continuation(&ended), inner_(std::move(inner))
    {
    }
    limited(limited&& other) noexcept
        : cancellable(&cancel_inner), continuation(&ended), inner_(std::move(other.inner_))
    {
    }
    ~limited()
    {
        if (by_ != nullptr)
            by_->waiting = nullptr;
    }

    /// Returns true if it has ended at once.
    [[nodiscard]] bool begin_inner(strand& by, continuation& then) noexcept
    {
        own_.on = by.on;
        own_.of = by.of;
        own_.cancelled = own_.cancelled || by.cancelled;
        if (inner_.begin(own_, *this))
            return true;
        by_ = &by;
        then_ = &then;
        by.waiting = this;
        return false;
    }
    /// Called when it has ended later.
    void (*after_end_)(limited& self) noexcept = nullptr;

    strand own_;
    strand* by_ = nullptr; ///< while it is under way
    continuation* then_ = nullptr;
    Awaited inner_;

private:
    static void cancel_inner(cancellable& self) noexcept
    {
        static_cast<limited&>(self).own_.cancel();
    }
    static std::coroutine_handle<> ended(continuation& self) noexcept
    {
        auto& all = static_cast<limited&>(self);
        std::exchange(all.by_, nullptr)->waiting = nullptr;
        all.after_end_(all);
        return all.then_->next(*all.then_);
    }
};

template <class Awaited>
class timed final : public limited<Awaited> {
public:
    timed(duration limit, Awaited&& inner) noexcept
        : limited<Awaited>(std::move(inner)), limit_(limit)
    {
    }
    timed(timed&& other) noexcept : limited<Awaited>(std::move(other)), limit_(other.limit_) {}

    [[nodiscard]] bool begin(strand& by, continuation& then) noexcept
    {
        this->after_end_ = [](limited<Awaited>& self) noexcept {
            static_cast<timed&>(self).alarm_.cancel();
        };
        if (this->begin_inner(by, then))
            return true;
        alarm_.set(*by.on, limit_, &expired, this);
        return false;
    }
    [[nodiscard]] auto take() noexcept
    {
        auto outcome = this->inner_.take();
        if (expired_ && !outcome && outcome.error() == errc::cancelled)
            outcome = fail(errc::timed_out, phase::none);
        return outcome;
    }

private:
    static void expired(void* owner) noexcept
    {
        auto& all = *static_cast<timed*>(owner);
        if (all.own_.cancelled)
            return; // it was cancelled before
        all.expired_ = true;
        all.own_.cancel();
    }

    duration limit_;
    bool expired_ = false;
    alarm alarm_;
};

template <class Awaited>
class stoppable final : public limited<Awaited> {
public:
    stoppable(std::stop_token stop, Awaited&& inner) noexcept
        : limited<Awaited>(std::move(inner)), stop_(std::move(stop))
    {
    }
    stoppable(stoppable&& other) noexcept
        : limited<Awaited>(std::move(other)), stop_(std::move(other.stop_))
    {
    }

    [[nodiscard]] bool begin(strand& by, continuation& then) noexcept
    {
        this->after_end_ = [](limited<Awaited>& self) noexcept {
            static_cast<stoppable&>(self).link_.unlink();
        };
        this->own_.cancelled = stop_.stop_requested();
        if (this->begin_inner(by, then))
            return true;
        link_.link(std::move(stop_), *by.on, this->own_);
        return false;
    }
    [[nodiscard]] auto take() noexcept { return this->inner_.take(); }

private:
    std::stop_token stop_;
    stop_link link_;
};

/// Several at once. `Derived` has `void one_ended(std::size_t)`.
template <class Derived, class... Awaited>
class joined : private cancellable {
public:
    joined(const joined&) = delete;
    joined& operator=(const joined&) = delete;

    [[nodiscard]] bool begin(strand& by, continuation& then) noexcept
    {
        left_ = sizeof...(Awaited);
        cancelled_ = by.cancelled;
        // Those that end at once must not resume the coroutine.
        beginning_ = true;
        std::apply([&](auto&... each) { (begin_one(each, by), ...); }, all_);
        beginning_ = false;
        if (left_ == 0)
            return true;
        by_ = &by;
        then_ = &then;
        by.waiting = this;
        return false;
    }

protected:
    explicit joined(Awaited&&... what) noexcept
        : cancellable(&cancel_them), all_(child<Awaited>(std::move(what))...)
    {
    }
    joined(joined&& other) noexcept : cancellable(&cancel_them), all_(std::move(other.all_)) {}
    ~joined()
    {
        if (by_ != nullptr)
            by_->waiting = nullptr;
    }

    void cancel_all() noexcept
    {
        cancelled_ = true;
        std::apply([](auto&... each) { (each.own.cancel(), ...); }, all_);
    }
    [[nodiscard]] std::tuple<typename Awaited::awaited_result...> take_all() noexcept
    {
        return std::apply(
            [](auto&... each) {
                return std::tuple<typename Awaited::awaited_result...>(each.what.take()...);
            },
            all_);
    }

private:
    template <class What>
    struct child final : continuation {
        explicit child(What&& one) noexcept : continuation(&ended), what(std::move(one)) {}
        child(child&& other) noexcept : continuation(&ended), what(std::move(other.what)) {}

        static std::coroutine_handle<> ended(continuation& self) noexcept
        {
            auto& one = static_cast<child&>(self);
            return one.of->child_ended(one.index);
        }

        joined* of = nullptr;
        std::size_t index = 0;
        strand own;
        What what;
    };

    template <class What>
    void begin_one(child<What>& one, const strand& by) noexcept
    {
        one.of = this;
        one.index = begun_++;
        one.own.on = by.on;
        one.own.of = by.of;
        one.own.cancelled = cancelled_;
        if (one.what.begin(one.own, one))
            (void)child_ended(one.index);
    }
    std::coroutine_handle<> child_ended(std::size_t index) noexcept
    {
        --left_;
        static_cast<Derived*>(this)->one_ended(index);
        if (left_ > 0 || beginning_)
            return std::noop_coroutine();
        std::exchange(by_, nullptr)->waiting = nullptr;
        return then_->next(*then_);
    }
    static void cancel_them(cancellable& self) noexcept { static_cast<joined&>(self).cancel_all(); }

    std::tuple<child<Awaited>...> all_;
    strand* by_ = nullptr; ///< while it is under way
    continuation* then_ = nullptr;
    std::size_t left_ = 0;
    std::size_t begun_ = 0;
    bool beginning_ = false;
    bool cancelled_ = false;
};

template <class... Awaited>
class all_of final : public joined<all_of<Awaited...>, Awaited...> {
    using base = joined<all_of, Awaited...>;

public:
    using awaited_result = std::tuple<typename Awaited::awaited_result...>;

    explicit all_of(Awaited&&... what) noexcept : base(std::move(what)...) {}
    all_of(all_of&& other) noexcept : base(std::move(other)) {}

    [[nodiscard]] awaited_result take() noexcept { return this->take_all(); }

private:
    friend base;
    void one_ended(std::size_t) noexcept {}
};

} // namespace coroutine_detail

/// What when_any() returns.
template <class... Results>
struct any_result {
    std::size_t index; ///< the one that has ended first
    /// That one's result is at `index`. The others were cancelled, and are errc::cancelled unless
    /// they have ended otherwise all the same.
    std::tuple<Results...> results;
};

namespace coroutine_detail {

template <class... Awaited>
class any_of final : public joined<any_of<Awaited...>, Awaited...> {
    using base = joined<any_of, Awaited...>;

public:
    using awaited_result = any_result<typename Awaited::awaited_result...>;

    explicit any_of(Awaited&&... what) noexcept : base(std::move(what)...) {}
    any_of(any_of&& other) noexcept : base(std::move(other)) {}

    [[nodiscard]] awaited_result take() noexcept { return {first_, this->take_all()}; }

private:
    friend base;
    void one_ended(std::size_t index) noexcept
    {
        if (first_ != SIZE_MAX)
            return;
        first_ = index;
        this->cancel_all();
    }

    std::size_t first_ = SIZE_MAX;
};

} // namespace coroutine_detail

// co_await

/// Waits for `time`, by the loop's clock. Zero and less: until the loop's next turn.
[[nodiscard]] inline coroutine_detail::sleep_operation async_sleep(duration time) noexcept
{
    return coroutine_detail::sleep_operation(time);
}

/// Cancels `what` when `limit` has passed: the result is timed_out then, unless it has ended
/// otherwise all the same. `what` has a result<T>.
template <coroutine_detail::awaited Awaited>
[[nodiscard]] coroutine_detail::timed<Awaited> with_timeout(duration limit, Awaited what) noexcept
{
    return {limit, std::move(what)};
}

/// Cancels `what` once a stop is requested, on any thread.
template <coroutine_detail::awaited Awaited>
[[nodiscard]] coroutine_detail::stoppable<Awaited> with_stop(std::stop_token stop,
                                                             Awaited what) noexcept
{
    return {std::move(stop), std::move(what)};
}

/// Waits for all of them; a failure of one does not cancel the others. Returns their results, as a
/// std::tuple.
template <coroutine_detail::awaited... Awaited>
    requires(sizeof...(Awaited) > 0)
[[nodiscard]] coroutine_detail::all_of<Awaited...> when_all(Awaited... what) noexcept
{
    return coroutine_detail::all_of<Awaited...>(std::move(what)...);
}

/// Waits for the first of them to end, with a value or an error, cancels the others, and waits for
/// their end. Returns an any_result.
template <coroutine_detail::awaited... Awaited>
    requires(sizeof...(Awaited) > 0)
[[nodiscard]] coroutine_detail::any_of<Awaited...> when_any(Awaited... what) noexcept
{
    return coroutine_detail::any_of<Awaited...>(std::move(what)...);
}

} // namespace slk

#endif
