// SPDX-License-Identifier: MPL-2.0
#include <serverlink/link.hpp>

#include "base/try_allocate.hpp"
#include "link/connecter.hpp"
#include "link/endpoint_rules.hpp"

#include <new>
#include <utility>

namespace slk {

using request = link_detail::connecter::request;

result<void> link_options::validate() const
{
    SLK_TRY(link_detail::check_endpoint(to));
    if (to.port == 0 && to.transport == transport::tcp)
        return fail(errc::invalid_argument, phase::setup, "port 0 cannot be connected to");
    if (to.host == "*")
        return fail(errc::invalid_argument, phase::setup, "'*' is for listeners");
    SLK_TRY(reconnect.validate());
    SLK_TRY(tuning.validate());
    return {};
}

result<link> link::create(loop& on, link_options options, link_handlers handlers)
{
    SLK_TRY(options.validate());
    if (on.core() == nullptr)
        return fail(errc::loop_closed, phase::setup);
    if (on.core()->closed())
        return fail(on.core()->why_closed());
    SLK_TRY(link_detail::check_supported(options.to, on.core()->io()));
    auto* const made = new (std::nothrow)
        link_detail::connecter(on.core(), std::move(options), std::move(handlers));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    if (!made->complete()) {
        made->release();
        return fail(errc::out_of_memory, phase::setup);
    }
    return link(made);
}

result<link> link::create(loop& on, std::string_view to, link_options options,
                          link_handlers handlers)
{
    SLK_TRY(options.to, endpoint::parse(to));
    return create(on, std::move(options), std::move(handlers));
}

link::link(link&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}

link& link::operator=(link&& other) noexcept
{
    if (this != &other) {
        if (core_ != nullptr)
            core_->close_handle();
        core_ = std::exchange(other.core_, nullptr);
    }
    return *this;
}

link::~link()
{
    if (core_ != nullptr)
        core_->close_handle();
}

void link::start()
{
    if (core_ != nullptr)
        core_->ask(request::start);
}

void link::stop()
{
    if (core_ != nullptr)
        core_->ask(request::stop);
}

void link::retry_now()
{
    if (core_ != nullptr)
        core_->ask(request::retry_now);
}

void link::pause()
{
    if (core_ != nullptr)
        core_->ask(request::pause);
}

void link::resume()
{
    if (core_ != nullptr)
        core_->ask(request::resume);
}

void link::confirm_useful()
{
    if (core_ != nullptr)
        core_->ask(request::confirm_useful);
}

link_status link::status() const noexcept
{
    return core_ != nullptr ? core_->status() : link_status{};
}

std::vector<link_transition> link::recent_transitions() const
{
    return core_ != nullptr ? core_->recent_transitions() : std::vector<link_transition>{};
}

std::vector<address_failure> link::address_failures() const
{
    return core_ != nullptr ? core_->address_failures() : std::vector<address_failure>{};
}

std::string link::report() const
{
    if (core_ == nullptr)
        return {};
    std::string text;
    const auto add = [&](std::string_view part) { return try_append(text, part); };
    if (!add(to_string(target())) || !add(": ") || !add(to_string(status(), core_->now())) ||
        !add("\n"))
        return {};
    if (const auto failures = address_failures(); failures.size() > 1)
        for (const address_failure& each : failures)
            if (!add("  ") || !add(to_string(each.address)) || !add(": ") ||
                !add(to_string(each.reason)) || !add("\n"))
                return {};
    const auto moves = recent_transitions();
    for (const link_transition& move : moves)
        if (!add(to_string(move, moves.front().at)) || !add("\n"))
            return {};
    return text;
}

const endpoint& link::target() const noexcept
{
    static const endpoint none{};
    return core_ != nullptr ? core_->target() : none;
}

} // namespace slk
