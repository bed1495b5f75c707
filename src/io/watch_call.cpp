// SPDX-License-Identifier: MPL-2.0
#include "io/watch_call.hpp"

#include "base/call_user.hpp"

#include <new>
#include <utility>

namespace slk::io {

watch_call::watch_call(std::shared_ptr<loop_core> on, function work) noexcept
    : user_call(std::move(on)), work_(std::move(work))
{
    watch_.owner = this;
    watch_.on_ready = [](watch& self) noexcept { static_cast<watch_call*>(self.owner)->ready(); };
}

result<watch_call*> watch_call::start(const std::shared_ptr<loop_core>& on,
                                      native_handle descriptor, watch_for wanted, function work)
{
    if (!work)
        return fail(errc::invalid_argument, phase::none, "the function is empty");
    SLK_TRY(on->check_use());
    auto* const made = new (std::nothrow) watch_call(on, std::move(work));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    if (auto begun =
            on->io().begin_watch(made->watch_, descriptor, includes(wanted, watch_for::readable),
                                 includes(wanted, watch_for::writable));
        !begun) {
        made->release();
        return fail(begun.error());
    }
    made->attach();
    return made;
}

result<void> watch_call::set(watch_for wanted) noexcept
{
    SLK_TRY(on().check_use());
    if (!active())
        return fail(errc::invalid_state, phase::none, "the watch has ended");
    auto changed = on().io().change_watch(watch_, includes(wanted, watch_for::readable),
                                          includes(wanted, watch_for::writable));
    if (!changed)
        end();
    return changed;
}

void watch_call::ready() noexcept
{
    const descriptor_state state{watch_.readable, watch_.writable, watch_.failed};
    (void)make(watch_.lost, [&] { call_user("the function of a watch", [&] { work_(state); }); });
}

void watch_call::detach() noexcept
{
    on().io().end_watch(watch_);
}

void watch_call::destroy_function() noexcept
{
    const function gone = std::exchange(work_, nullptr);
}

} // namespace slk::io

namespace slk {

descriptor_watch::descriptor_watch(descriptor_watch&& other) noexcept
    : core_(std::exchange(other.core_, nullptr))
{
}

descriptor_watch& descriptor_watch::operator=(descriptor_watch&& other) noexcept
{
    if (this != &other) {
        const descriptor_watch old(std::move(*this));
        core_ = std::exchange(other.core_, nullptr);
    }
    return *this;
}

descriptor_watch::~descriptor_watch()
{
    if (core_ == nullptr)
        return;
    core_->cancel();
    core_->release();
}

void descriptor_watch::cancel() noexcept
{
    if (core_ != nullptr)
        core_->cancel();
}

result<void> descriptor_watch::set(watch_for wanted)
{
    if (core_ == nullptr)
        return fail(errc::invalid_state, phase::none, "the handle has no watch");
    return core_->set(wanted);
}

bool descriptor_watch::active() const noexcept
{
    return core_ != nullptr && core_->active();
}

} // namespace slk
