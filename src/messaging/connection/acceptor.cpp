// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/acceptor.hpp"

#include "base/try_allocate.hpp"

#include <new>

namespace slk::messaging {

namespace {

constexpr error no_memory_for_peer{errc::out_of_memory, phase::handshake, 0,
                                   "no memory for one more peer"};
constexpr error too_many{errc::connection_refused, phase::handshake, 0, "max_pending_handshakes"};

} // namespace

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
    listener_handlers handlers;
    handlers.accepted = [this](stream incoming) { accept(std::move(incoming)); };
    SLK_TRY(auto opened, listener::create(*on_->loop, std::move(wanted), std::move(handlers)));
    listener_ = std::move(opened);
    return {};
}

void acceptor::accept(stream incoming)
{
    if (pending_handshakes_ >= settings_->options().max_pending_handshakes)
        return refuse(incoming, too_many);
    auto made = connection::create_accepted(on_, settings_, owner_, endpoint_);
    auto* const peer = made ? new (std::nothrow) accepted_peer(*this, made) : nullptr;
    if (peer == nullptr)
        return refuse(incoming, no_memory_for_peer);
    peers_.push_back(*peer);
    ++pending_handshakes_;
    made->observe(peer);
    made->begin(std::move(incoming));
}

void acceptor::refuse(stream& incoming, const error& reason)
{
    owner_->counters().handshake_failures.add(1);
    (void)owner_->post({.what = handshake_failed{},
                        .endpoint = endpoint_,
                        .where = incoming.peer_address(),
                        .when = on_->core->io().now(),
                        .why = reason});
    incoming.reset();
}

void acceptor::accepted_peer::connection_ready() noexcept
{
    was_ready = true;
    --by.pending_handshakes_;
}

void acceptor::accepted_peer::connection_closed() noexcept
{
    by.remove(*this);
}

void acceptor::remove(accepted_peer& peer) noexcept
{
    if (!peer.was_ready)
        --pending_handshakes_;
    peer.unlink();
    delete &peer;
}

void acceptor::close(duration timeout, std::function<void()> done)
{
    stop_listening();
    closed_handler_ = std::move(done);
    // One more than there are connections, so that `done` is not called before all are closing.
    closing_ = 1;
    retain();
    peers_.for_each([&](accepted_peer& peer) {
        ++closing_;
        retain();
        const reference<connection> leaving = peer.to;
        peer.unlink();
        delete &peer;
        leaving->close(timeout, [this] { one_closed(); });
    });
    pending_handshakes_ = 0;
    one_closed();
}

void acceptor::one_closed() noexcept
{
    if (--closing_ == 0)
        std::exchange(closed_handler_, {})();
    release();
}

} // namespace slk::messaging
