// SPDX-License-Identifier: MPL-2.0
#include "messaging/connection/acceptor.hpp"

#include <new>

namespace slk::messaging {

namespace {

constexpr error too_many{errc::connection_refused, phase::handshake, 0, "max_pending_handshakes"};

} // namespace

result<void> acceptor::open(const endpoint& at)
{
    const socket_options& options = settings_->options();
    listener_options wanted;
    wanted.at = at;
    wanted.backlog = options.backlog;
    wanted.dual_stack = options.dual_stack;
    wanted.tuning = options.tuning;
    listener_handlers handlers;
    handlers.accepted = [this](stream incoming) { accept(std::move(incoming)); };
    SLK_TRY(auto opened, listener::create(*on_->loop, std::move(wanted), std::move(handlers)));
    listener_ = std::move(opened);
    return {};
}

void acceptor::accept(stream incoming)
{
    if (pending_handshakes_ >= settings_->options().max_pending_handshakes)
        return refuse(incoming);
    auto made = connection::create_accepted(on_, settings_, owner_, endpoint_);
    auto* const peer = made ? new (std::nothrow) accepted_peer(*this, made) : nullptr;
    if (peer == nullptr)
        return refuse(incoming);
    peers_.push_back(*peer);
    ++pending_handshakes_;
    made->observe(peer);
    made->begin(std::move(incoming));
}

void acceptor::refuse(stream& incoming)
{
    owner_->counters().handshake_failures.add(1);
    owner_->post({.what = handshake_failed{},
                  .endpoint = endpoint_,
                  .where = incoming.peer_address(),
                  .when = on_->core->io().now(),
                  .why = too_many});
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
    // One more than there are connections, so that `done` is not called before all are closing.
    auto left = std::make_shared<std::size_t>(1);
    const auto one_less = [left, done = std::move(done)] {
        if (--*left == 0)
            done();
    };
    peers_.for_each([&](accepted_peer& peer) {
        ++*left;
        const reference<connection> leaving = peer.to;
        peer.unlink();
        delete &peer;
        leaving->close(timeout, one_less);
    });
    pending_handshakes_ = 0;
    one_less();
}

} // namespace slk::messaging
