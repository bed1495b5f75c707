// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/acceptor.hpp"

#include <new>

namespace slk::messaging {

namespace {

constexpr error no_memory{errc::out_of_memory, phase::accept, 0, "no memory for a connection"};

[[nodiscard]] admission_limits limits_of(const socket_options& options) noexcept
{
    return {.pending_handshakes = options.max_pending_handshakes,
            .pending_handshakes_per_address = options.max_pending_handshakes_per_address,
            .peers = options.max_peers,
            .peers_per_address = options.max_peers_per_address,
            .handshake_timeout = options.handshake_timeout};
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
    wanted.at = at;
    wanted.backlog = options.backlog;
    wanted.dual_stack = options.dual_stack;
    wanted.tuning = options.tuning;
    listener_handlers handlers;
    handlers.admits = [this](const address& peer) { return admits(peer); };
    handlers.accepted = [this](stream incoming) { accept(std::move(incoming)); };
    SLK_TRY(auto opened, listener::create(*on_->loop, std::move(wanted), std::move(handlers)));
    listener_ = std::move(opened);
    return {};
}

bool acceptor::admits(const address& peer) noexcept
{
    const admission::decision made = admission_.ask(peer);
    if (made.gives_way != nullptr) {
        auto& leaving = static_cast<accepted_peer&>(*made.gives_way);
        const reference<connection> to = leaving.to;
        admission_.leave(leaving, now());
        to->give_way(made.why);
        return true;
    }
    if (made.why)
        log_->handshake_failed(made.why);
    return !made.why;
}

void acceptor::accept(stream incoming)
{
    auto made = connection::create_accepted(on_, settings_, owner_, log_);
    auto* const peer = made ? new (std::nothrow) accepted_peer(*this, made) : nullptr;
    if (peer == nullptr || !admission_.enter(*peer, incoming.peer_address())) {
        delete peer;
        log_->handshake_failed(no_memory);
        return incoming.reset();
    }
    peers_.push_back(*peer);
    made->observe(peer);
    made->begin(std::move(incoming));
}

void acceptor::accepted_peer::handshake_progressed(handshake_stage stage) noexcept
{
    by.admission_.progress(*this, stage);
}

bool acceptor::accepted_peer::may_authenticate() noexcept
{
    return by.admission_.may_authenticate(*this, by.now());
}

time_point acceptor::accepted_peer::authenticated(bool right, time_point now) noexcept
{
    return by.admission_.authenticated(*this, right, now);
}

std::optional<zmtp::rejection> acceptor::accepted_peer::admit() noexcept
{
    return by.admission_.become_ready(*this);
}

void acceptor::accepted_peer::connection_ready() noexcept
{
    to->near()->count_in(by.admission_.peers());
}

void acceptor::accepted_peer::connection_closed() noexcept
{
    by.remove(*this);
}

void acceptor::remove(accepted_peer& peer) noexcept
{
    admission_.leave(peer, now());
    peer.unlink();
    delete &peer;
}

void acceptor::close(duration timeout, std::function<void()> done)
{
    stop_listening();
    // One more than there are connections, so that `done` is not called before all are closing.
    auto left = std::make_shared<std::size_t>(1);
    const auto one_less = [left, done = std::move(done)] {
        if (--*left == 0)
            done();
    };
    peers_.for_each([&](accepted_peer& peer) {
        ++*left;
        const reference<connection> leaving = peer.to;
        remove(peer);
        leaving->close(timeout, one_less);
    });
    one_less();
}

} // namespace slk::messaging
