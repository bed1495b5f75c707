// SPDX-License-Identifier: MPL-2.0
#include "link/connecter_machine.hpp"

#include <serverlink/random.hpp>

#include <algorithm>
#include <utility>

namespace slk::link_detail {

namespace {

using enum link_state;

// clang-format off
constexpr connecter_transition transitions[] = {
    {idle, link_event::start, binding, ""},
    {idle, link_event::start, backoff, "paused, or the first attempt is spread"},
    {idle, link_event::retry_now, binding, "not paused"},
    {idle, link_event::retry_now, backoff, "not paused, and the first attempt is spread"},
    {idle, link_event::pause, idle, ""},
    {idle, link_event::resume, idle, ""},

    {binding, link_event::resolved, binding, "the first address is opened"},
    {binding, link_event::bound, connecting, ""},
    {binding, link_event::failed, binding, "addresses are left, or start after stop"},
    {binding, link_event::failed, backoff, "no address is left"},
    {binding, link_event::failed, idle, "the policy says stop, or a stop was pending"},
    {binding, link_event::resolved, backoff, "the deadline had passed"},
    {binding, link_event::resolved, idle, "a stop was pending, or the policy says stop"},
    {binding, link_event::deadline, binding, "the lookup is cancelled; its completion is awaited"},
    {binding, link_event::deadline, backoff, "nothing is in flight"},
    {binding, link_event::deadline, idle, "the policy says stop"},
    {binding, link_event::stop, binding, "the lookup is cancelled; its completion is awaited"},
    {binding, link_event::stop, idle, "nothing is in flight"},
    {binding, link_event::start, binding, "a stop was pending"},
    {binding, link_event::pause, binding, ""},
    {binding, link_event::resume, binding, ""},

    {connecting, link_event::stagger, connecting, "addresses are left: the next is opened"},
    {connecting, link_event::bound, connecting, "its connect joins the race"},
    {connecting, link_event::completed, tuning, "the others are dropped"},
    {connecting, link_event::completed, connecting, "too late, and others are in flight"},
    {connecting, link_event::completed, backoff, "the deadline had passed"},
    {connecting, link_event::completed, idle, "a stop was pending, or the policy says stop"},
    {connecting, link_event::completed, binding, "start after stop"},
    {connecting, link_event::failed, connecting, "others are in flight"},
    {connecting, link_event::failed, binding, "addresses are left, or start after stop"},
    {connecting, link_event::failed, backoff, "no address is left"},
    {connecting, link_event::failed, idle, "the policy says stop, or a stop was pending"},
    {connecting, link_event::deadline, connecting, "the connects are cancelled; their completions are awaited"},
    {connecting, link_event::stop, connecting, "the connects are cancelled; their completions are awaited"},
    {connecting, link_event::start, connecting, "a stop was pending"},
    {connecting, link_event::pause, connecting, ""},
    {connecting, link_event::resume, connecting, ""},

    {tuning, link_event::tuned, connected, ""},
    {tuning, link_event::failed, binding, "addresses are left"},
    {tuning, link_event::failed, backoff, "no address is left"},
    {tuning, link_event::failed, idle, "the policy says stop"},
    {tuning, link_event::deadline, backoff, ""},
    {tuning, link_event::deadline, idle, "the policy says stop"},
    {tuning, link_event::stop, idle, ""},
    {tuning, link_event::pause, tuning, ""},
    {tuning, link_event::resume, tuning, ""},

    {connected, link_event::useful, connected, ""},
    {connected, link_event::lost, backoff, ""},
    {connected, link_event::lost, idle, "the policy says stop"},
    {connected, link_event::stop, idle, ""},
    {connected, link_event::pause, connected, ""},
    {connected, link_event::resume, connected, ""},

    {backoff, link_event::retry_due, binding, "not paused"},
    {backoff, link_event::retry_now, backoff, "not paused: a new, short delay begins"},
    {backoff, link_event::woke, backoff, "not paused: a new, short delay begins"},
    {backoff, link_event::pause, backoff, "the timer is disarmed"},
    {backoff, link_event::resume, backoff, "a new, short delay begins"},
    {backoff, link_event::stop, idle, ""},
};
// clang-format on

/// reconnect_options::base = 0 retries at once, but never more often than this.
constexpr duration min_cycle = std::chrono::milliseconds(10);

constexpr error stopped{errc::cancelled, phase::none, 0, "stopped by its owner"};
constexpr error out_of_time{errc::timed_out, phase::connect, 0, "connect_timeout"};

connecter_actions about_no_address(connecter_actions actions) noexcept
{
    actions.subject = reason_subject::no_address;
    return actions;
}

connecter_actions about(std::uint32_t candidate, connecter_actions actions) noexcept
{
    actions.subject = reason_subject::candidate;
    actions.failed_candidate = candidate;
    return actions;
}

} // namespace

std::span<const connecter_transition> connecter_transitions() noexcept
{
    return transitions;
}

std::uint64_t connecter_machine::fingerprint() const noexcept
{
    std::uint64_t packed = static_cast<std::uint64_t>(state_);
    const auto append = [&packed](std::uint64_t value, unsigned bits) {
        packed = (packed << bits) | value;
    };
    append(static_cast<std::uint64_t>(ending_), 2);
    append(looking_up_ ? 1 : 0, 1);
    append(opening_ ? 1 : 0, 1);
    append(failed_ ? 1 : 0, 1);
    append(paused_ ? 1 : 0, 1);
    append(useful_ ? 1 : 0, 1);
    append(next_attempt_ == never ? 0 : 1, 1);
    append(std::min<std::uint32_t>(connects_, 15), 4);
    append(std::min<std::uint32_t>(candidate_, 15), 4);
    append(std::min<std::uint32_t>(begun_, 15), 4);
    append(std::min<std::uint32_t>(candidates_, 15), 4);
    append(std::min<std::uint32_t>(retries_, 3), 2);
    append(static_cast<std::uint64_t>(reason_.code), 16);
    return packed;
}

connecter_actions connecter_machine::step(const reconnect_options& options, moment at,
                                          const connecter_input& input) noexcept
{
    switch (input.event) {
    case link_event::start: return start(options, at);
    case link_event::stop: return stop();
    case link_event::pause:
        paused_ = true;
        if (state_ != backoff)
            return {};
        next_attempt_ = never;
        delay_ = {};
        return {.disarm = true};
    case link_event::resume:
        if (!std::exchange(paused_, false) || state_ != backoff)
            return {};
        return wait_for_retry(at, backoff_delay_now(options, at));
    case link_event::retry_now:
        if (paused_)
            return {};
        if (state_ == idle)
            return start(options, at);
        [[fallthrough]];
    case link_event::woke:
        if (state_ != backoff || paused_)
            return {};
        retries_ = 0;
        return wait_for_retry(at, backoff_delay_now(options, at));
    case link_event::resolved: return resolved(options, at, input.candidates);
    case link_event::bound: return bound(options, at, input.candidate);
    case link_event::completed: return completed(options, at, input.candidate);
    case link_event::stagger:
        if (state_ != connecting || ending() || opening_ || begun_ == candidates_ ||
            connects_ == max_at_once)
            return {};
        return open_next();
    case link_event::tuned:
        if (state_ != tuning)
            return {};
        state_ = connected;
        connected_at_ = at.now;
        useful_ = options.useful_when == usefulness::connected;
        ++generation_;
        return {.disarm = true, .hand_over = true};
    case link_event::failed: return failed(options, at, input.failure, input.candidate);
    case link_event::deadline: return expire(options, at);
    case link_event::retry_due:
        if (state_ != backoff || paused_)
            return {};
        return begin_attempt(options, at);
    case link_event::useful: useful_ = useful_ || state_ == connected; return {};
    case link_event::lost: return lose(options, at, input.failure);
    }
    return {};
}

// --- beginning ---

connecter_actions connecter_machine::start(const reconnect_options& options, moment at) noexcept
{
    if (state_ != idle) {
        // A link that is being stopped restarts when its cancelled operations have completed.
        if (ending_ == end_kind::link)
            ending_ = end_kind::restart;
        return {};
    }
    retries_ = 0;
    reason_ = {};
    if (paused_ || (options.spread_first_attempt && attempt_ == 0))
        return about_no_address(
            wait_for_retry(at, paused_ ? duration{} : backoff_delay_now(options, at)));
    return about_no_address(begin_attempt(options, at));
}

connecter_actions connecter_machine::begin_attempt(const reconnect_options& options,
                                                   moment at) noexcept
{
    state_ = binding;
    looking_up_ = true;
    opening_ = false;
    failed_ = false;
    ++attempt_;
    candidate_ = 0;
    begun_ = 0;
    candidates_ = 0;
    attempt_began_ = at.now;
    next_attempt_ = never;
    connecter_actions actions{.disarm = true, .resolve = true};
    if (options.connect_timeout > duration::zero())
        actions.arm = after(at.now, options.connect_timeout);
    return actions;
}

connecter_actions connecter_machine::resolved(const reconnect_options& options, moment at,
                                              std::uint32_t candidates) noexcept
{
    if (state_ != binding || !looking_up_)
        return {};
    looking_up_ = false;
    if (ending())
        return finish_ending(options, at);
    candidates_ = static_cast<std::uint8_t>(std::min(candidates, max_candidates));
    if (candidates == 0)
        return about_no_address(
            end_attempt(options, at, {errc::name_not_found, phase::resolve, 0, "no address"}));
    return open_next();
}

// --- the race ---

connecter_actions connecter_machine::open_next() noexcept
{
    if (connects_ == 0)
        state_ = binding;
    candidate_ = begun_++;
    opening_ = true;
    return {.open = true};
}

connecter_actions connecter_machine::bound(const reconnect_options& options, moment at,
                                           std::uint32_t candidate) noexcept
{
    if (!opening_ || candidate != candidate_)
        return {};
    opening_ = false;
    state_ = connecting;
    ++connects_;
    connecter_actions actions{.connect = true};
    if (begun_ < candidates_ && connects_ < max_at_once)
        actions.arm_stagger = after(at.now, options.address_stagger);
    return actions;
}

connecter_actions connecter_machine::completed(const reconnect_options& options, moment at,
                                               std::uint32_t candidate) noexcept
{
    if (state_ != connecting || connects_ == 0)
        return {};
    --connects_;
    if (ending())
        return connects_ > 0 ? connecter_actions{.close_socket = true} : finish_ending(options, at);
    state_ = tuning;
    candidate_ = static_cast<std::uint8_t>(candidate);
    return {.drop_others = std::exchange(connects_, std::uint8_t{0}) > 0, .tune = true};
}

// --- ending ---

connecter_actions connecter_machine::failed(const reconnect_options& options, moment at,
                                            const error& failure, std::uint32_t candidate) noexcept
{
    if (state_ != binding && state_ != connecting && state_ != tuning)
        return {};
    const bool lookup_failed = std::exchange(looking_up_, false);
    const bool open_failed = std::exchange(opening_, false);
    if (state_ == connecting && !open_failed && connects_ > 0)
        --connects_;
    if (ending())
        return connects_ > 0 ? connecter_actions{} : finish_ending(options, at);
    if (lookup_failed)
        return about_no_address(end_attempt(options, at, failure));
    return candidate_failed(options, at, failure, candidate);
}

/// One address failed: the next begins at once. The cycle's reason is the failure that the policy
/// treats most gently, so that "stop on refused" means refused by all addresses.
connecter_actions connecter_machine::candidate_failed(const reconnect_options& options, moment at,
                                                      const error& failure,
                                                      std::uint32_t candidate) noexcept
{
    const auto rule_of = [&](const error& e) { return options.policy[classify(e)]; };
    const bool earlier_is_gentler = failed_ && rule_of(reason_) < rule_of(failure);
    if (!earlier_is_gentler)
        reason_ = failure;
    failed_ = true;
    connecter_actions actions;
    if (begun_ < candidates_) {
        actions = open_next();
        actions.close_socket = true;
    } else if (connects_ == 0) {
        actions = end_attempt(options, at, reason_);
    }
    return earlier_is_gentler ? actions : about(candidate, actions);
}

connecter_actions connecter_machine::expire(const reconnect_options& options, moment at) noexcept
{
    if (state_ != binding && state_ != connecting && state_ != tuning)
        return {};
    if (!awaiting())
        return run_out_of_time(options, at);
    if (ending())
        return {};
    ending_ = end_kind::attempt;
    return {.cancel = true};
}

connecter_actions connecter_machine::run_out_of_time(const reconnect_options& options,
                                                     moment at) noexcept
{
    connecter_actions actions = end_attempt(options, at, out_of_time);
    return begun_ > 0 ? about(candidate_, actions) : about_no_address(actions);
}

connecter_actions connecter_machine::stop() noexcept
{
    if (state_ == idle)
        return {};
    if (!awaiting())
        return about_no_address(go_idle(stopped));
    const bool cancelled_already = ending();
    ending_ = end_kind::link;
    return {.disarm = true, .cancel = !cancelled_already};
}

/// The cancelled operations have completed, whatever their outcomes.
connecter_actions connecter_machine::finish_ending(const reconnect_options& options,
                                                   moment at) noexcept
{
    switch (std::exchange(ending_, end_kind::no)) {
    case end_kind::link: return about_no_address(go_idle(stopped));
    case end_kind::restart: {
        retries_ = 0;
        reason_ = {};
        connecter_actions actions = paused_ ? wait_for_retry(at, {}) : begin_attempt(options, at);
        actions.close_socket = true;
        return about_no_address(actions);
    }
    case end_kind::no:
    case end_kind::attempt: break;
    }
    return run_out_of_time(options, at);
}

connecter_actions connecter_machine::end_attempt(const reconnect_options& options, moment at,
                                                 const error& failure) noexcept
{
    const retry_rule rule = options.policy[classify(failure)];
    if (rule == retry_rule::stop || options.base < duration::zero())
        return go_idle(failure);
    reason_ = failure;
    connecter_actions actions = wait_for_retry(at, retry_delay(options, at, rule));
    actions.close_socket = true;
    return actions;
}

connecter_actions connecter_machine::lose(const reconnect_options& options, moment at,
                                          const error& failure) noexcept
{
    if (state_ != connected)
        return {};
    const duration lived = at.now - connected_at_;
    if (useful_ && lived >= std::max(options.stable_after, delay_))
        retries_ = 0;
    useful_ = false;
    const connecter_actions actions = end_attempt(options, at, failure);
    const bool by_owner = !failure || failure == errc::cancelled;
    return by_owner ? about_no_address(actions) : about(candidate_, actions);
}

connecter_actions connecter_machine::go_idle(const error& reason) noexcept
{
    state_ = idle;
    opening_ = false;
    useful_ = false;
    next_attempt_ = never;
    delay_ = {};
    reason_ = reason;
    return {.disarm = true, .close_socket = true};
}

// --- waiting ---

connecter_actions connecter_machine::wait_for_retry(moment at, duration delay) noexcept
{
    state_ = backoff;
    opening_ = false;
    delay_ = paused_ ? duration{} : delay;
    next_attempt_ = paused_ ? never : after(at.now, delay);
    return {.disarm = paused_, .arm = next_attempt_};
}

duration connecter_machine::retry_delay(const reconnect_options& options, moment at,
                                        retry_rule rule) noexcept
{
    const std::uint32_t retry = retries_;
    if (retries_ != UINT32_MAX)
        ++retries_;
    if (options.base == duration::zero())
        return std::max(duration{}, min_cycle - (at.now - attempt_began_));
    return rule == retry_rule::retry_slowly ? slow_backoff_delay(options, at.random)
                                            : backoff_delay(options, retry, at.random);
}

/// An immediate retry is spread over U[0, base] too, for a fleet that retries at the same moment.
duration connecter_machine::backoff_delay_now(const reconnect_options& options,
                                              moment at) const noexcept
{
    if (options.base <= duration::zero())
        return std::max(duration{}, min_cycle - (at.now - attempt_began_));
    const auto base = static_cast<std::uint64_t>(options.base.count());
    return duration(static_cast<duration::rep>(scale(at.random, base)));
}

} // namespace slk::link_detail
