// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/acceptor.hpp"

#include "base/try_allocate.hpp"
#include "messaging/connection/peer_filter.hpp"

#include <new>

namespace slk::messaging {

namespace {

constexpr error no_memory_for_peer{errc::out_of_memory, phase::accept, 0,
                                   "no memory for a connection"};

[[nodiscard]] admission_limits limits_of(const socket_options& options) noexcept
{
    return {.pending_handshakes = options.max_pending_handshakes,
            .pending_handshakes_per_address = options.max_pending_handshakes_per_address,
            .peers = options.max_peers,
            .peers_per_address = options.max_peers_per_address,
            .accepts_per_second = options.max_accepts_per_second,
            .accepts_per_second_per_address = options.max_accepts_per_second_per_address,
            .curve_handshakes_per_second = options.max_curve_handshakes_per_second,
            .curve_handshakes_per_second_per_address =
                options.max_curve_handshakes_per_second_per_address};
}

} // namespace

result<reference<acceptor>> acceptor::create(std::shared_ptr<io_loop> on,
                                             std::shared_ptr<const connection_settings> settings,
                                             reference<inbox> owner, reference<endpoint_log> log)
{
    auto peers = reference<peer_count>::adopt(new (std::nothrow) peer_count);
    auto made =
        peers ? reference<acceptor>::adopt(new (std::nothrow) acceptor(
                    std::move(on), std::move(settings), std::move(owner), std::move(log), peers))
              : reference<acceptor>{};
    if (!made)
        return fail(errc::out_of_memory, phase::bind);
    return made;
}

acceptor::acceptor(std::shared_ptr<io_loop> on, std::shared_ptr<const connection_settings> settings,
                   reference<inbox> owner, reference<endpoint_log> log,
                   reference<peer_count> peers) noexcept
    : on_(std::move(on)), settings_(std::move(settings)), owner_(std::move(owner)),
      log_(std::move(log)),
      admission_(limits_of(settings_->options()), std::move(peers), on_->core->next_seed())
{
}

result<void> acceptor::open(const endpoint& at)
{
    const socket_options& options = settings_->options();
    listener_options wanted;
    if (!try_allocate([&] {
            wanted.at = at;
            wanted.tuning = options.tuning;
        }))
        return fail(errc::out_of_memory, phase::listen);
    wanted.backlog = options.backlog;
    wanted.dual_stack = options.dual_stack;
    wanted.descriptor = options.listening_descriptor;
    listener_handlers handlers;
    handlers.admits = [this](const address& peer) { return admits(peer); };
    handlers.accepted = [this](stream incoming) { accept(std::move(incoming)); };
    handlers.failed = [this](const error& why) { accept_failed(why); };
    SLK_TRY(auto opened, listener::create(*on_->loop, std::move(wanted), std::move(handlers)));
    listener_ = std::move(opened);
    return {};
}

void acceptor::accept_failed(const error& why) noexcept
{
    log_->record().accept_failures.add(1);
    log_->emit(event_kind::accept_failed, [&](slk::event& made) {
        made.reason = why;
        return true;
    });
}

bool acceptor::admits(const address& peer) noexcept
{
    const admission::decision made = admission_.ask(peer, now());
    if (made.gives_way != nullptr) {
        auto& leaving = static_cast<accepted_peer&>(*made.gives_way);
        const reference<connection> to = leaving.to;
        admission_.leave(leaving, now());
        to->give_way(made.why);
        return true;
    }
    if (made.why)
        report_refused(peer, made.why);
    return !made.why;
}

void acceptor::report_refused(const address& peer, const error& why) noexcept
{
    log_->count_failure(why);
    count_refused(peer, why);
}

void acceptor::count_refused(const address& peer, const error& why) noexcept
{
    owner_->counters().rejected.add(1);
    log_->record().refused.add(1);
    log_->emit(event_kind::accept_refused, [&](slk::event& refused) {
        refused.address = peer;
        refused.reason = why;
        return true;
    });
}

void acceptor::accept(stream incoming)
{
    if (const auto passed = check_peer(settings_->options().accepts, incoming); !passed) {
        report_refused(incoming.peer_address(), passed.error());
        return incoming.reset();
    }
    auto made = connection::create_accepted(on_, settings_, owner_, log_);
    auto* const peer = made ? new (std::nothrow) accepted_peer(*this, made) : nullptr;
    if (peer == nullptr || !admission_.enter(*peer, incoming.peer_address(), now())) {
        delete peer;
        log_->count_failure(no_memory_for_peer);
        accept_failed(no_memory_for_peer);
        return incoming.reset();
    }
    peers_.push_back(*peer);
    made->observe(peer);
    made->begin(std::move(incoming));
}

void acceptor::accepted_peer::handshake_progressed(handshake_stage stage) noexcept
{
    by.admission_.progress(*this, stage, by.now());
}

error acceptor::accepted_peer::exchange_keys(const address& peer) noexcept
{
    const error why = by.admission_.exchange_keys(*this, by.now());
    if (why)
        by.count_refused(peer, why); // its connection counts the failed handshake
    return why;
}

bool acceptor::accepted_peer::may_authenticate() noexcept
{
    return by.admission_.may_authenticate(*this, by.now());
}

time_point acceptor::accepted_peer::authenticated(bool right, time_point now,
                                                  time_point ends) noexcept
{
    return by.admission_.authenticated(*this, right, now, ends);
}

std::optional<zmtp::rejection> acceptor::accepted_peer::refuses() noexcept
{
    return by.admission_.refuses(*this);
}

void acceptor::accepted_peer::connection_ready() noexcept
{
    by.admission_.become_ready(*this);
    to->near()->count_in(by.admission_.peers());
}

void acceptor::accepted_peer::connection_closed() noexcept
{
    const auto kept = reference<acceptor>::to(by);
    kept->one_sent(*this);
    kept->remove(*this);
    kept->look_for_end();
}

void acceptor::remove(accepted_peer& peer) noexcept
{
    admission_.leave(peer, now());
    static_cast<in_peers&>(peer).unlink();
    delete &peer;
}

void acceptor::close(duration timeout, connection_observer& until_closed)
{
    stop_listening();
    until_closed_ = &until_closed;
    // One more than there are connections, so that nobody is notified before all are closing.
    closing_ = 1;
    retain();
    peers_.for_each([&](in_peers& each) {
        auto& peer = static_cast<accepted_peer&>(each);
        ++closing_;
        retain();
        const reference<connection> leaving = peer.to;
        remove(peer);
        leaving->close(timeout, closing_peers_);
    });
    one_closed();
}

void acceptor::depart(time_point deadline, connection_observer& observer) noexcept
{
    const auto kept = reference<acceptor>::to(*this);
    stop_listening();
    peers_.for_each([&](in_peers& each) {
        static_cast<accepted_peer&>(each).is_sending = true;
        ++sending_;
    });
    peers_.for_each([&](in_peers& each) {
        const reference<connection> leaving = static_cast<accepted_peer&>(each).to;
        leaving->depart(deadline);
    });
    departure_ = &observer;
    if (sending_ == 0)
        observer.everything_sent();
    look_for_end();
}

void acceptor::end(const error& reason) noexcept
{
    const auto kept = reference<acceptor>::to(*this);
    peers_.for_each([&](in_peers& each) {
        const reference<connection> leaving = static_cast<accepted_peer&>(each).to;
        leaving->end(reason);
    });
}

void acceptor::one_sent(accepted_peer& peer) noexcept
{
    if (std::exchange(peer.is_sending, false) && --sending_ == 0 && departure_ != nullptr)
        departure_->everything_sent();
}

void acceptor::look_for_end() noexcept
{
    if (departure_ != nullptr && peers_.empty())
        std::exchange(departure_, nullptr)->connection_closed();
}

bool acceptor::drain_sent(duration timeout) noexcept
{
    bool any = false;
    peers_.for_each([&](in_peers& each) {
        const reference<connection> draining = static_cast<accepted_peer&>(each).to;
        any = draining->drain_sent(timeout) || any;
    });
    return any;
}

void acceptor::one_closed() noexcept
{
    if (--closing_ == 0)
        std::exchange(until_closed_, nullptr)->connection_closed();
    release();
}

} // namespace slk::messaging
