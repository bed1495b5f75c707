// SPDX-License-Identifier: MPL-2.0

// Links, listeners and names in tasks.

#include <serverlink/coroutine_streams.hpp>

#include "base/ref_counted.hpp"
#include "base/reference.hpp"
#include "base/try_allocate.hpp"
#include "coroutine/stream_io.hpp"
#include "link/services.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace slk::coroutine_detail {

namespace {

constexpr error moved_from{errc::invalid_state, phase::none, 0, "the object was moved from"};
constexpr error handle_gone{errc::cancelled, phase::none, 0, "its owner is gone"};

void wake_all(places& waiting) noexcept
{
    while (place* const each = waiting.first())
        operation::of(*each).wake();
}

/// Others would be woken by the wrong thread.
result<void> check_loop(const operation& which, const io::loop_core* own) noexcept
{
    if (&which.by().on->loop() != own)
        return fail(errc::invalid_state, phase::none, "a task of another loop");
    return {};
}

} // namespace

// --- links ---

class link_io final : public ref_counted<link_io> {
public:
    [[nodiscard]] result<void> open(loop& on, link_options options)
    {
        loop_ = on.core().get();
        link_handlers handlers;
        handlers.connected = [this](stream made) {
            next_ = std::move(made);
            wake_all(waiting_);
        };
        handlers.state_changed = [this](const link_transition& move, const link_status&) {
            if (move.to == link_state::idle)
                wake_all(waiting_);
        };
        SLK_TRY(auto made, link::create(on, std::move(options), std::move(handlers)));
        link_.emplace(std::move(made));
        link_->start();
        return {};
    }
    void close() noexcept
    {
        last_ = link_->status();
        link_.reset();
        next_ = {};
        wake_all(waiting_);
    }
    [[nodiscard]] link_status status() const noexcept { return link_ ? link_->status() : last_; }
    void stop() noexcept
    {
        stopped_ = true;
        link_->stop();
        next_ = {};
        wake_all(waiting_);
    }

    [[nodiscard]] std::optional<result<async_stream>> take() noexcept
    {
        if (next_)
            return async_stream::create(std::move(next_));
        if (!link_)
            return fail(handle_gone);
        if (stopped_)
            return fail(errc::cancelled, phase::none, "the link was stopped");
        // Before the first attempt it is idle, too.
        if (const link_status now = link_->status();
            now.state == link_state::idle && now.attempt > 0)
            return fail(now.last_error);
        return std::nullopt;
    }
    [[nodiscard]] result<void> park(operation& which) noexcept
    {
        SLK_TRY(check_loop(which, loop_));
        which.wait_in(waiting_);
        return {};
    }

private:
    friend class ref_counted<link_io>;
    ~link_io() = default;

    const io::loop_core* loop_ = nullptr; ///< for comparison
    std::optional<link> link_;
    stream next_;
    link_status last_{};
    bool stopped_ = false;
    places waiting_;
};

const operation::behaviour connected_operation::how{
    .attempt =
        [](operation& self) noexcept {
            auto& connect = static_cast<connected_operation&>(self);
            if (connect.of_ == nullptr)
                connect.outcome_.emplace(fail(moved_from));
            else if (auto got = connect.of_->take())
                connect.outcome_.emplace(*std::move(got));
            return connect.outcome_.has_value();
        },
    .park =
        [](operation& self) noexcept {
            return static_cast<connected_operation&>(self).of_->park(self);
        },
    .unpark = nullptr,
    .end = &fail_with,
};

connected_operation::connected_operation(link_io* of) noexcept : operation_of(how), of_(of)
{
    if (of_ != nullptr)
        of_->retain();
}

connected_operation::connected_operation(connected_operation&& other) noexcept
    : operation_of(std::move(other)), of_(std::exchange(other.of_, nullptr))
{
}

connected_operation::~connected_operation()
{
    leave_strand();
    if (of_ != nullptr)
        of_->release();
}

// --- listeners ---

class listener_io final : public ref_counted<listener_io> {
public:
    [[nodiscard]] result<void> open(loop& on, listener_options options)
    {
        loop_ = on.core().get();
        waiting_streams_.reset(new (std::nothrow) stream[async_listener::max_waiting]);
        if (waiting_streams_ == nullptr)
            return fail(errc::out_of_memory, phase::setup);
        listener_handlers handlers;
        handlers.accepted = [this](stream made) {
            waiting_streams_[(first_ + count_) % async_listener::max_waiting] = std::move(made);
            ++count_;
            wake_all(waiting_);
        };
        handlers.admits = [this](const address&) { return count_ < async_listener::max_waiting; };
        SLK_TRY(auto made, listener::create(on, std::move(options), std::move(handlers)));
        listener_.emplace(std::move(made));
        return {};
    }
    void close() noexcept
    {
        last_ = listener_->status();
        listener_.reset();
        waiting_streams_.reset();
        count_ = 0;
        wake_all(waiting_);
    }
    [[nodiscard]] listener_status status() const noexcept
    {
        return listener_ ? listener_->status() : last_;
    }
    [[nodiscard]] endpoint local_endpoint() const
    {
        return listener_ ? listener_->local_endpoint() : endpoint{};
    }

    [[nodiscard]] std::optional<result<async_stream>> take() noexcept
    {
        if (count_ > 0) {
            stream next = std::move(waiting_streams_[first_]);
            first_ = (first_ + 1) % async_listener::max_waiting;
            --count_;
            return async_stream::create(std::move(next));
        }
        if (!listener_)
            return fail(handle_gone);
        return std::nullopt;
    }
    [[nodiscard]] result<void> park(operation& which) noexcept
    {
        SLK_TRY(check_loop(which, loop_));
        which.wait_in(waiting_);
        return {};
    }

private:
    friend class ref_counted<listener_io>;
    ~listener_io() = default;

    const io::loop_core* loop_ = nullptr; ///< for comparison
    std::optional<listener> listener_;
    std::unique_ptr<stream[]> waiting_streams_; ///< a ring
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    listener_status last_{};
    places waiting_;
};

const operation::behaviour accept_operation::how{
    .attempt =
        [](operation& self) noexcept {
            auto& accept = static_cast<accept_operation&>(self);
            if (accept.of_ == nullptr)
                accept.outcome_.emplace(fail(moved_from));
            else if (auto got = accept.of_->take())
                accept.outcome_.emplace(*std::move(got));
            return accept.outcome_.has_value();
        },
    .park =
        [](operation& self) noexcept {
            return static_cast<accept_operation&>(self).of_->park(self);
        },
    .unpark = nullptr,
    .end = &fail_with,
};

accept_operation::accept_operation(listener_io* of) noexcept : operation_of(how), of_(of)
{
    if (of_ != nullptr)
        of_->retain();
}

accept_operation::accept_operation(accept_operation&& other) noexcept
    : operation_of(std::move(other)), of_(std::exchange(other.of_, nullptr))
{
}

accept_operation::~accept_operation()
{
    leave_strand();
    if (of_ != nullptr)
        of_->release();
}

// --- names ---

/// A lookup outlives the operation that asked for it.
class lookup_io final : public ref_counted<lookup_io> {
public:
    [[nodiscard]] result<void> begin(std::string_view host, std::uint16_t port, scheduler& on)
    {
        std::string name;
        link_detail::services* const shared = link_detail::services::make(on.loop());
        if (shared == nullptr || !try_assign(name, host))
            return fail(errc::out_of_memory, phase::resolve);
        names_ = &shared->names;
        request_.owner = this;
        request_.on_complete = [](link_detail::lookup_request& self,
                                  result<std::vector<address>> found) noexcept {
            const auto held = reference<lookup_io>::adopt(static_cast<lookup_io*>(self.owner));
            held->found_.emplace(std::move(found));
            wake_all(held->waiting_);
        };
        retain();
        names_->resolve(request_, name, port);
        return {};
    }
    /// The operation is gone.
    void cancel() noexcept
    {
        if (request_.in_flight())
            names_->cancel(request_);
    }
    [[nodiscard]] std::optional<result<std::vector<address>>>& found() noexcept { return found_; }
    [[nodiscard]] places& waiting() noexcept { return waiting_; }

private:
    friend class ref_counted<lookup_io>;
    ~lookup_io() = default;

    link_detail::resolver* names_ = nullptr; ///< while the request is in flight
    link_detail::lookup_request request_;
    std::optional<result<std::vector<address>>> found_;
    places waiting_;
};

const operation::behaviour lookup_operation::how{
    .attempt =
        [](operation& self) noexcept {
            auto& lookup = static_cast<lookup_operation&>(self);
            if (lookup.of_ != nullptr) {
                if (lookup.of_->found())
                    lookup.outcome_.emplace(*std::move(lookup.of_->found()));
            } else if (const auto numeric = address::parse(lookup.host_, lookup.port_)) {
                std::vector<address> found;
                if (try_push_back(found, *numeric))
                    lookup.outcome_.emplace(std::move(found));
                else
                    lookup.outcome_.emplace(fail(errc::out_of_memory, phase::resolve));
            }
            return lookup.outcome_.has_value();
        },
    .park = [](operation& self) noexcept -> result<void> {
        auto& lookup = static_cast<lookup_operation&>(self);
        if (lookup.of_ == nullptr) {
            lookup.of_ = new (std::nothrow) lookup_io;
            if (lookup.of_ == nullptr)
                return fail(errc::out_of_memory, phase::resolve);
            SLK_TRY(lookup.of_->begin(lookup.host_, lookup.port_, *self.by().on));
        }
        self.wait_in(lookup.of_->waiting());
        return {};
    },
    .unpark = nullptr,
    .end = &fail_with,
};

lookup_operation::lookup_operation(std::string_view host, std::uint16_t port) noexcept
    : operation_of(how), host_(host), port_(port)
{
}

lookup_operation::lookup_operation(lookup_operation&& other) noexcept
    : operation_of(std::move(other)), host_(other.host_), port_(other.port_)
{
}

lookup_operation::~lookup_operation()
{
    leave_strand();
    if (of_ == nullptr)
        return;
    of_->cancel();
    of_->release();
}

} // namespace slk::coroutine_detail

namespace slk {

using coroutine_detail::link_io;
using coroutine_detail::listener_io;

result<async_link> async_link::create(loop& on, link_options options)
{
    auto made = reference<link_io>::adopt(new (std::nothrow) link_io);
    if (!made)
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(made->open(on, std::move(options)));
    made->retain();
    return async_link(made.get());
}

result<async_link> async_link::create(loop& on, std::string_view to, link_options options)
{
    SLK_TRY(options.to, endpoint::parse(to));
    return create(on, std::move(options));
}

async_link& async_link::operator=(async_link&& other) noexcept
{
    if (this != &other) {
        const async_link old(std::move(*this));
        core_ = std::exchange(other.core_, nullptr);
    }
    return *this;
}

async_link::~async_link()
{
    if (core_ == nullptr)
        return;
    core_->close();
    core_->release();
}

link_status async_link::status() const noexcept
{
    return core_ != nullptr ? core_->status() : link_status{};
}

void async_link::stop() noexcept
{
    if (core_ != nullptr)
        core_->stop();
}

result<async_listener> async_listener::create(loop& on, listener_options options)
{
    auto made = reference<listener_io>::adopt(new (std::nothrow) listener_io);
    if (!made)
        return fail(errc::out_of_memory, phase::setup);
    SLK_TRY(made->open(on, std::move(options)));
    made->retain();
    return async_listener(made.get());
}

result<async_listener> async_listener::create(loop& on, std::string_view at,
                                              listener_options options)
{
    SLK_TRY(options.at, endpoint::parse(at));
    return create(on, std::move(options));
}

async_listener& async_listener::operator=(async_listener&& other) noexcept
{
    if (this != &other) {
        const async_listener old(std::move(*this));
        core_ = std::exchange(other.core_, nullptr);
    }
    return *this;
}

async_listener::~async_listener()
{
    if (core_ == nullptr)
        return;
    core_->close();
    core_->release();
}

listener_status async_listener::status() const noexcept
{
    return core_ != nullptr ? core_->status() : listener_status{};
}

endpoint async_listener::local_endpoint() const
{
    return core_ != nullptr ? core_->local_endpoint() : endpoint{};
}

} // namespace slk
