// SPDX-License-Identifier: MPL-2.0
#include <serverlink/loop.hpp>

#include "base/call_user.hpp"
#include "base/try_allocate.hpp"
#include "io/loop_core.hpp"
#include "io/timed_call.hpp"
#include "io/watch_call.hpp"

#include <utility>

namespace slk {

namespace {

constexpr error moved_from{errc::invalid_state, phase::none, 0, "the loop was moved from"};

} // namespace

loop::loop(std::shared_ptr<io::loop_core> core) noexcept : core_(std::move(core)) {}
loop::loop(loop&& other) noexcept = default;

loop& loop::operator=(loop&& other) noexcept
{
    if (this != &other) {
        if (core_ != nullptr)
            core_->close();
        core_ = std::move(other.core_);
    }
    return *this;
}

loop::~loop()
{
    if (core_ != nullptr)
        core_->close();
}

result<loop> loop::create(loop_options options)
{
    SLK_TRY(auto core, io::loop_core::create(std::move(options)));
    return loop(std::move(core));
}

result<void> loop::run()
{
    if (core_ == nullptr)
        return fail(moved_from);
    SLK_TRY(core_->run(nullptr, duration::max()));
    return {};
}

result<void> loop::run_for(duration time)
{
    if (core_ == nullptr)
        return fail(moved_from);
    SLK_TRY(core_->run(nullptr, std::max(time, duration::zero())));
    return {};
}

result<bool> loop::run_until(const std::function<bool()>& done, duration timeout)
{
    if (core_ == nullptr)
        return fail(moved_from);
    if (!done)
        return fail(errc::invalid_argument, phase::none, "done is empty");
    const std::function<bool()> guarded = [&done] {
        return call_user("the condition of loop::run_until()", done);
    };
    return core_->run(&guarded, std::max(timeout, duration::zero()));
}

result<void> loop::start_thread()
{
    return core_ != nullptr ? core_->start_thread() : fail(moved_from);
}

void loop::stop()
{
    if (core_ != nullptr)
        core_->stop();
}

bool loop::post(std::function<void()> work)
{
    return core_ != nullptr && work && core_->post(std::move(work));
}

result<timer> loop::call_after(duration delay, std::function<void()> work)
{
    if (core_ == nullptr)
        return fail(moved_from);
    SLK_TRY(auto* const made,
            io::timed_call::start(core_, delay, duration::zero(), std::move(work)));
    return timer(made);
}

result<timer> loop::call_every(duration period, std::function<void()> work)
{
    if (core_ == nullptr)
        return fail(moved_from);
    if (period <= duration::zero())
        return fail(errc::invalid_argument, phase::none, "the period is not positive");
    SLK_TRY(auto* const made, io::timed_call::start(core_, period, period, std::move(work)));
    return timer(made);
}

result<descriptor_watch> loop::watch(std::intptr_t descriptor, watch_for wanted,
                                     std::function<void(descriptor_state)> work)
{
    if (core_ == nullptr)
        return fail(moved_from);
    SLK_TRY(auto* const made, io::watch_call::start(core_, descriptor, wanted, std::move(work)));
    return descriptor_watch(made);
}

result<std::intptr_t> loop::event_handle()
{
    if (core_ == nullptr)
        return fail(moved_from);
    SLK_TRY(core_->check_use());
    const io::native_handle handle = core_->io().wait_handle();
    if (handle == io::invalid_handle)
        return fail(errc::not_supported, phase::none, "this loop's backend has no handle");
    return handle;
}

duration loop::poll_timeout()
{
    return core_ != nullptr && core_->check_use() ? core_->poll_timeout() : duration::max();
}

time_point loop::now() const noexcept
{
    return core_ != nullptr ? core_->now() : time_point{};
}

std::string_view loop::backend() const noexcept
{
    return core_ != nullptr ? core_->backend() : std::string_view();
}

std::span<const refused_backend> loop::refused_backends() const noexcept
{
    return core_ != nullptr ? core_->refused_backends() : std::span<const refused_backend>();
}

std::vector<std::string_view> loop::compiled_backends()
{
    const auto names = io::compiled_backends();
    std::vector<std::string_view> found;
    if (try_reserve(found, names.size()))
        found.assign(names.begin(), names.end());
    return found;
}

} // namespace slk
