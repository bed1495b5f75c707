// SPDX-License-Identifier: MPL-2.0
#include "link/connecter.hpp"

#include "base/call_user.hpp"
#include "base/try_allocate.hpp"
#include "link/address_order.hpp"
#include "link/endpoint_rules.hpp"
#include "link/services.hpp"
#include "link/tune.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <new>
#include <span>
#include <utility>

namespace slk::link_detail {

namespace {

constexpr error no_memory_to_link{errc::out_of_memory, phase::setup};

connecter_input failed(const error& failure, std::uint32_t candidate = no_candidate)
{
    return {.event = link_event::failed, .failure = failure, .candidate = candidate};
}

/// A buffer for received bytes that are discarded, shared by all links of a thread.
std::span<std::byte> discarded_bytes()
{
    static thread_local std::array<std::byte, 16 * 1024> buffer;
    return buffer;
}

} // namespace

connecter::connecter(std::shared_ptr<io::loop_core> loop, link_options options,
                     link_handlers handlers) noexcept
    : loop_(std::move(loop)), target_(std::move(options.to)), reconnect_(options.reconnect),
      tuning_(options.tuning == tuning_options{}
                  ? nullptr
                  : new(std::nothrow) const tuning_options(std::move(options.tuning))),
      handlers_(std::move(handlers)), numeric_(target_.numeric().value_or(address{})),
      random_(loop_->next_seed()),
      name_(numeric_.family == address_family::none ? new(std::nothrow) name_memory : nullptr)
{
    complete_ = (tuning_ != nullptr || options.tuning == tuning_options{}) &&
                (name_ != nullptr || numeric_.family != address_family::none);
    timer_.owner = this;
    timer_.on_expiry = [](io::timer& self) noexcept {
        auto* const link = static_cast<connecter*>(self.owner);
        const bool waiting = link->machine_.state() == link_state::backoff;
        link->feed({.event = waiting ? link_event::retry_due : link_event::deadline});
    };
    task_.owner = this;
    task_.run = [](io::task& self) noexcept {
        static_cast<connecter*>(self.owner)->handle_requests();
    };
    task_.drop = [](io::task& self) noexcept { static_cast<connecter*>(self.owner)->release(); };
    link_status initial;
    initial.since = loop_->now();
    status_.store(initial);
}

// --- the machine ---

void connecter::feed(connecter_input input) noexcept
{
    // A step that completes at once (a numeric address, a socket that opens) is the next input of
    // this loop, not a nested call.
    for (std::optional<connecter_input> next = input; next;) {
        const connecter_input cause = *next;
        const link_state before = machine_.state();
        const moment at{loop_->io().now(), random_.next()};
        const connecter_actions actions = machine_.step(reconnect_, at, cause);
        publish_status(before, cause, actions);
        next = perform(actions);
    }
    leave_loop_if_done();
}

std::optional<connecter_input> connecter::perform(const connecter_actions& actions) noexcept
{
    if (actions.disarm)
        loop_->io().disarm(timer_);
    if (actions.cancel)
        cancel();
    if (actions.drop_others)
        drop_racers();
    if (actions.close_socket)
        close_socket();
    if (actions.arm != never)
        loop_->io().arm(timer_, actions.arm);
    if (actions.arm_stagger != never)
        loop_->io().arm(attempt_->stagger, actions.arm_stagger);

    std::optional<connecter_input> outcome;
    if (actions.resolve)
        outcome = begin_lookup();
    else if (actions.open)
        outcome = open_candidate();
    else if (actions.connect)
        connect_candidate();
    else if (actions.tune)
        outcome = tune();
    else if (actions.hand_over)
        outcome = hand_over();
    give_attempt_back();
    return outcome;
}

// binding: the addresses of the name.
std::optional<connecter_input> connecter::begin_lookup() noexcept
{
    services* const shared = services::make(*loop_);
    if (attempt_ == nullptr && shared != nullptr)
        attempt_ = shared->attempts.take();
    if (attempt_ == nullptr)
        return failed(no_memory_to_link);
    attempt_->stagger.owner = this;
    attempt_->stagger.on_expiry = [](io::timer& self) noexcept {
        static_cast<connecter*>(self.owner)->feed({.event = link_event::stagger});
    };
    attempt_->candidates.clear();
    if (name_ == nullptr) {
        if (!try_push_back(attempt_->candidates, numeric_))
            return failed(no_memory_to_link);
        return take_candidates();
    }
    {
        const std::lock_guard lock(loop_->requests_guard());
        name_->failures.clear();
    }
    attempt_->lookup.owner = this;
    attempt_->lookup.on_complete = [](lookup_request& self,
                                      result<std::vector<address>> found) noexcept {
        auto* const link = static_cast<connecter*>(self.owner);
        link->feed(link->looked_up(std::move(found)));
    };
    shared->names.resolve(attempt_->lookup, target_.host, target_.port);
    return std::nullopt;
}

connecter_input connecter::looked_up(result<std::vector<address>> found) noexcept
{
    // The failure of a name service tells nothing about the name: its last answer is used. That the
    // name does not exist is an answer.
    const error failure = found ? error{} : found.error();
    if (found)
        name_->last_good = std::move(*found);
    const bool is_usable =
        !failure || (failure == errc::name_lookup_failed && !name_->last_good.empty());
    report_lookup(failure, is_usable);
    if (!is_usable)
        return failed(failure);
    if (!try_assign(attempt_->candidates, name_->last_good))
        return failed(no_memory_to_link);
    interleave_families(attempt_->candidates);
    return take_candidates();
}

void connecter::report_lookup(const error& failure, bool is_usable) noexcept
{
    if (!handlers_.looked_up || failure == errc::cancelled)
        return;
    const lookup_report done{.name = target_.host,
                             .addresses = is_usable ? std::span<const address>(name_->last_good)
                                                    : std::span<const address>{},
                             .took = loop_->io().now() - status_.load().since,
                             .failure = failure};
    call_handler("link_handlers::looked_up", [&] { handlers_.looked_up(done); });
}

connecter_input connecter::take_candidates() noexcept
{
    std::vector<address>& usable = attempt_->candidates;
    if (!target_.source.empty()) {
        if (const auto sources = find_sources(); !sources)
            return failed(sources.error());
        std::erase_if(usable, [&](const address& a) { return !source_for(a); });
        if (usable.empty())
            return failed({errc::address_family_not_supported, phase::resolve, 0,
                           "no address of the source's family"});
    }
    return {.event = link_event::resolved, .candidates = static_cast<std::uint32_t>(usable.size())};
}

result<void> connecter::find_sources() noexcept
{
    attempt_->sources.clear();
    if (const auto numeric = address::parse(target_.source, 0)) {
        if (!try_push_back(attempt_->sources, *numeric))
            return fail(no_memory_to_link);
        return {};
    }
    SLK_TRY(attempt_->sources, loop_->io().interface_addresses(target_.source));
    return {};
}

/// Returns nothing if the system chooses, or there is no source of the target's family.
std::optional<address> connecter::source_for(const address& target) const noexcept
{
    if (target_.source.empty())
        return std::nullopt;
    auto chosen = choose_address(attempt_->sources, target.family, target.is_link_local_ipv6());
    if (chosen)
        chosen->port = target_.source_port;
    return chosen;
}

// binding: a new socket for every address; one whose connect failed is never used again.
connecter_input connecter::open_candidate() noexcept
{
    const std::uint32_t candidate = machine_.candidate();
    const auto opened = open_socket(attempt_->candidates[candidate]);
    if (!opened)
        return failed(opened.error(), candidate);
    free_pool<racer>& pool = services::of(*loop_).racers;
    racer* const entry = pool.take();
    if (entry == nullptr) {
        loop_->io().close(*opened);
        return failed(no_memory_to_link, candidate);
    }
    entry->socket_of_its_own = *opened;
    entry->candidate = candidate;
    *std::ranges::find(attempt_->racing, nullptr) = entry;
    return {.event = link_event::bound, .candidate = candidate};
}

const tuning_options& connecter::tuning() const noexcept
{
    static const tuning_options defaults{};
    return tuning_ != nullptr ? *tuning_ : defaults;
}

result<io::socket_id> connecter::open_socket(const address& target) noexcept
{
    SLK_TRY(const io::socket_id opened, loop_->io().open(target.family));
    auto prepared = tune_before_connect(loop_->io(), opened, tuning());
    if (prepared)
        prepared = loop_->io().bind_source(opened, source_for(target));
    if (prepared)
        return opened;
    loop_->io().close(opened);
    return fail(prepared.error());
}

// connecting: the race.
void connecter::connect_candidate() noexcept
{
    const std::uint32_t candidate = machine_.candidate();
    const auto is_candidate = [&](const racer* each) {
        return each != nullptr && each->candidate == candidate;
    };
    racer& entry = **std::ranges::find_if(attempt_->racing, is_candidate);
    entry.owner = this;
    entry.on_complete = [](io::operation& self) noexcept {
        static_cast<connecter*>(self.owner)->connect_ended(static_cast<racer&>(self));
    };
    const address& target = attempt_->candidates[candidate];
    const bool local = target.family == address_family::local;
    loop_->io().connect(entry, entry.socket_of_its_own, target,
                        local ? std::string_view(target_.host) : std::string_view{});
}

void connecter::connect_ended(racer& entry) noexcept
{
    const connecter_input outcome = entry.failure ? failed(entry.failure, entry.candidate)
                                                  : connecter_input{.event = link_event::completed,
                                                                    .candidate = entry.candidate};
    if (entry.failure) {
        loop_->io().close(entry.socket_of_its_own);
    } else {
        socket_ = entry.socket_of_its_own;
        attempt_->peer = entry.target;
    }
    *std::ranges::find(attempt_->racing, &entry) = nullptr;
    services::of(*loop_).racers.give_back(entry);
    feed(outcome);
}

/// Closes the losers' sockets now; their completions return them to the pool.
void connecter::drop_racers() noexcept
{
    for (racer*& place : attempt_->racing) {
        racer* const loser = std::exchange(place, nullptr);
        if (loser == nullptr)
            continue;
        loser->owner = &services::of(*loop_).racers;
        loser->on_complete = [](io::operation& self) noexcept {
            static_cast<free_pool<racer>*>(self.owner)->give_back(static_cast<racer&>(self));
        };
        loop_->io().cancel(*loser);
        loop_->io().close(loser->socket_of_its_own);
    }
}

connecter_input connecter::tune() noexcept
{
    auto local = loop_->io().local_address(socket_);
    if (!local)
        return failed(local.error(), machine_.candidate());
    // A socket that connects to a free port of the ephemeral range may meet itself: simultaneous
    // open (RFC 9293 section 3.5) with one party. All addresses of local sockets are equal.
    if (*local == attempt_->peer && local->family != address_family::local)
        return failed({errc::self_connect, phase::tune}, machine_.candidate());
    attempt_->local = *local;
    if (auto tuned = tune_connected(loop_->io(), socket_, local->family, tuning()); !tuned)
        return failed(tuned.error(), machine_.candidate());
    return {.event = link_event::tuned};
}

std::optional<connecter_input> connecter::hand_over() noexcept
{
    stream_ = stream_core::create(loop_, socket_, attempt_->local, attempt_->peer, this);
    if (stream_ == nullptr)
        return connecter_input{.event = link_event::lost, .failure = no_memory_to_link};
    socket_ = {};
    stream_->retain();
    stream handle(stream_);
    if (handlers_.connected) {
        call_handler("link_handlers::connected", [&] { handlers_.connected(std::move(handle)); });
    } else {
        stream_->belongs_to_library();
        unattended_ = std::move(handle);
        watch_unattended_stream();
    }
    return std::nullopt;
}

/// Receives and discards, so that the loss of the connection is noticed.
void connecter::watch_unattended_stream() noexcept
{
    retain();
    const auto go_on = [this](result<std::size_t> received) {
        if (received && *received > 0)
            watch_unattended_stream();
        else
            unattended_.close();
        release();
    };
    if (!unattended_.receive(discarded_bytes(), go_on))
        release();
}

void connecter::cancel() noexcept
{
    if (attempt_->lookup.in_flight())
        services::of(*loop_).names.cancel(attempt_->lookup);
    for (racer* const each : attempt_->racing)
        if (each != nullptr)
            loop_->io().cancel(*each);
}

void connecter::close_socket() noexcept
{
    // A socket connected to itself would linger as its own peer, so it is reset.
    const bool self_connected = machine_.reason() == errc::self_connect;
    loop_->io().close(std::exchange(socket_, {}),
                      self_connected ? io::close_mode::reset : io::close_mode::graceful);
    if (stream_core* const handed_over = std::exchange(stream_, nullptr); handed_over != nullptr) {
        handed_over->retract();
        handed_over->release();
    }
    stream_over_ = false;
    unattended_.close();
}

void connecter::give_attempt_back() noexcept
{
    const link_state state = machine_.state();
    const bool resting =
        state == link_state::idle || state == link_state::backoff || state == link_state::connected;
    if (!resting || attempt_ == nullptr)
        return;
    loop_->io().disarm(attempt_->stagger);
    services::of(*loop_).attempts.give_back(*std::exchange(attempt_, nullptr));
}

// --- what others see ---

void connecter::publish_status(link_state before, const connecter_input& cause,
                               const connecter_actions& actions) noexcept
{
    const link_state now = machine_.state();
    link_status status = status_.load();
    remember_failure(cause);
    status.state = now;
    status.paused = machine_.paused();
    status.useful = machine_.useful();
    status.attempt = machine_.attempt();
    status.retries = machine_.retries();
    status.next_attempt = machine_.next_attempt();
    status.generation = machine_.generation();
    status.last_error = machine_.reason();
    switch (actions.subject) {
    case reason_subject::unchanged: break;
    case reason_subject::no_address: status.last_error_address = {}; break;
    case reason_subject::candidate:
        // The attempt is given back when its address has connected.
        status.last_error_address =
            attempt_ != nullptr ? attempt_->candidates[actions.failed_candidate] : status.peer;
        break;
    }

    if (now == link_state::idle || now == link_state::backoff)
        status.peer = {};
    else if (attempt_ != nullptr && machine_.candidate() < attempt_->candidates.size())
        status.peer = attempt_->candidates[machine_.candidate()];
    if (now != link_state::connected)
        status.local = {};
    else if (attempt_ != nullptr)
        status.local = attempt_->local;

    if (now == before) {
        status_.store(status);
        return;
    }
    status.since = loop_->io().now();
    status_.store(status);

    const bool went_wrong = now == link_state::idle || now == link_state::backoff ||
                            (now == link_state::binding && cause.event == link_event::failed);
    link_transition move{
        .at = status.since,
        .from = before,
        .to = now,
        .event = cause.event,
        .attempt = static_cast<std::uint32_t>(status.attempt),
        .reason = went_wrong ? machine_.reason() : error{},
        .delay = now == link_state::backoff ? machine_.delay() : duration{},
    };
    recorder_.record(move);
    if (handlers_.state_changed)
        call_handler("link_handlers::state_changed",
                     [&] { handlers_.state_changed(move, status); });
}

void connecter::remember_failure(const connecter_input& cause) noexcept
{
    const bool of_an_address = cause.event == link_event::failed && cause.candidate != no_candidate;
    if (name_ == nullptr || !of_an_address || cause.failure == errc::cancelled)
        return;
    const std::lock_guard lock(loop_->requests_guard());
    // For people only: without memory the list lacks one.
    (void)try_push_back(name_->failures,
                        address_failure{attempt_->candidates[cause.candidate], cause.failure});
}

link_status connecter::status() const noexcept
{
    // The parent's loop may have been in the middle of a store when it forked.
    if (loop_->forked())
        return {.last_error = loop_->why_closed()};
    return status_.load();
}

std::vector<address_failure> connecter::address_failures() const
{
    std::vector<address_failure> all;
    if (loop_->forked())
        return all;
    if (name_ != nullptr) {
        const std::lock_guard lock(loop_->requests_guard());
        (void)try_assign(all, name_->failures);
        return all;
    }
    const link_status now = status();
    if (now.last_error_address.family != address_family::none)
        (void)try_push_back(all, address_failure{now.last_error_address, now.last_error});
    return all;
}

template <class Call>
void connecter::call_handler(const char* name, const Call& call) noexcept
{
    calling expected = calling::no;
    if (!calling_.compare_exchange_strong(expected, calling::yes))
        return;
    call_user(name, call);
    // The handler may have destroyed the handle: then it stays never_again.
    expected = calling::yes;
    if (calling_.compare_exchange_strong(expected, calling::no) || expected != calling::awaited)
        return;
    io::handler_calls& calls = loop_->handler_calls_of_links();
    const std::lock_guard lock(calls.guard);
    calling_.store(calling::no);
    calls.changed.notify_all();
}

// --- the handle and the loop ---

/// Keeps the last of each pair of requests that cancel each other, in their order; and the last
/// stop before a start, which makes that a restart.
void connecter::request_queue::condense() noexcept
{
    const std::span<const request> before = all();
    const auto is_needed = [&](std::size_t place) {
        const auto rest = before.subspan(place + 1);
        const auto follows = [&](auto... any) {
            return std::ranges::any_of(rest, [&](request each) { return ((each == any) || ...); });
        };
        switch (before[place]) {
        case request::start: return !follows(request::start, request::stop);
        case request::stop: return !follows(request::stop);
        case request::pause:
        case request::resume: return !follows(request::pause, request::resume);
        case request::retry_now:
        case request::confirm_useful:
        case request::close: return !follows(before[place]);
        }
        return true;
    };
    std::array<request, 16> kept{};
    std::uint8_t count = 0;
    for (std::size_t place = 0; place < before.size(); ++place)
        if (is_needed(place))
            kept[count++] = before[place];
    all_ = kept;
    size_ = count;
}

void connecter::ask(request asked) noexcept
{
    if (loop_->forked())
        return;
    {
        const std::lock_guard lock(loop_->requests_guard());
        requests_.add(asked);
    }
    schedule();
}

void connecter::schedule() noexcept
{
    {
        const std::lock_guard lock(loop_->requests_guard());
        if (std::exchange(scheduled_, true))
            return;
    }
    retain();
    if (!loop_->post(task_))
        release();
}

void connecter::close_handle() noexcept
{
    if (loop_->forked()) {
        loop_->leave_to_parent();
        return release();
    }
    if (loop_->inside()) {
        calling_.store(calling::never_again);
    } else {
        io::handler_calls& calls = loop_->handler_calls_of_links();
        std::unique_lock lock(calls.guard);
        calling expected = calling::no;
        while (!calling_.compare_exchange_strong(expected, calling::never_again)) {
            if (expected == calling::awaited ||
                calling_.compare_exchange_strong(expected, calling::awaited))
                calls.changed.wait(lock);
            expected = calling::no;
        }
    }
    ask(request::close);
    release();
}

void connecter::handle_requests() noexcept
{
    request_queue waiting;
    {
        const std::lock_guard lock(loop_->requests_guard());
        scheduled_ = false;
        waiting = requests_;
        requests_.clear();
    }
    if (std::exchange(stream_over_, false)) {
        // The user ended the stream, so the link need not close it.
        std::exchange(stream_, nullptr)->release();
        feed({.event = link_event::lost, .failure = stream_reason_});
    }
    for (const request next : waiting.all())
        handle(next);
    release();
}

void connecter::handle(request asked) noexcept
{
    if (!attached_ && !closing_ && asked != request::close)
        attach();
    if (closing_)
        return;
    switch (asked) {
    case request::start: return feed({.event = link_event::start});
    case request::stop: return feed({.event = link_event::stop});
    case request::retry_now: return feed({.event = link_event::retry_now});
    case request::pause: return feed({.event = link_event::pause});
    case request::resume: return feed({.event = link_event::resume});
    case request::confirm_useful:
        if (reconnect_.useful_when == usefulness::confirmed)
            feed({.event = link_event::useful});
        return;
    case request::close: closing_ = true; return feed({.event = link_event::stop});
    }
}

void connecter::attach() noexcept
{
    attached_ = true;
    retain();
    loop_->add(*this);
}

/// The last call of every entry from the loop: `this` may be destroyed here.
void connecter::leave_loop_if_done() noexcept
{
    if (!closing_ || !attached_ || machine_.state() != link_state::idle)
        return;
    attached_ = false;
    loop_->remove(*this);
    release();
}

void connecter::loop_closing() noexcept
{
    closing_ = true;
    feed({.event = link_event::stop});
}

void connecter::system_resumed() noexcept
{
    feed({.event = link_event::woke});
}

void connecter::stream_received() noexcept
{
    if (reconnect_.useful_when == usefulness::first_receive)
        feed({.event = link_event::useful});
}

void connecter::stream_ended(const error& reason) noexcept
{
    stream_over_ = true;
    stream_reason_ = reason;
    schedule();
}

} // namespace slk::link_detail
