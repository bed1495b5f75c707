// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_SOCKET_STATE_HPP
#define SLK_MESSAGING_SOCKET_SOCKET_STATE_HPP

/// What the parts of a socket share: its options, pattern, peers and endpoints, and the inbox whose
/// reports change them. For the socket's thread.

#include <serverlink/socket_options.hpp>

#include "messaging/connection/connection_settings.hpp"
#include "messaging/context/context_core.hpp"
#include "messaging/observe/inbox.hpp"
#include "messaging/socket/endpoint_table.hpp"
#include "messaging/socket/fan_out_run.hpp"
#include "messaging/socket/peer_table.hpp"
#include "messaging/socket/waiter.hpp"
#include "pattern/pattern.hpp"

#include <memory>
#include <utility>

namespace slk::messaging {

class socket_state {
public:
    socket_state(std::shared_ptr<context_core> in, zmtp::socket_type of, reference<inbox> box,
                 std::unique_ptr<pattern::pattern> routes) noexcept;
    socket_state(const socket_state&) = delete;
    socket_state& operator=(const socket_state&) = delete;
    ~socket_state() { stop_waiting_for_memory(); }

    // What every message passes is inlined by force: a compiler that sees many files at once runs
    // out of what it may inline.

    [[nodiscard, gnu::always_inline]] bool is_usable() const noexcept
    {
        return !closed && !context->stopped();
    }
    /// Where that is false: invalid_state (closed), cancelled (the context was shut down), forked.
    [[nodiscard]] error why_unusable() const noexcept;
    /// Errors: those of why_unusable().
    [[nodiscard]] result<void> usable() const noexcept
    {
        if (!is_usable()) [[unlikely]]
            return fail(why_unusable());
        return {};
    }

    /// Takes notice of what has happened. At the beginning of every call of a socket.
    [[gnu::always_inline]] void process_reports()
    {
        end_run();
        if (reports->has_reports()) [[unlikely]]
            read_inbox();
    }
    /// Before a message is routed, or peers are looked at.
    [[gnu::always_inline]] void end_run() noexcept
    {
        if (has_open_run()) [[unlikely]]
            run->end();
    }
    [[nodiscard, gnu::always_inline]] bool has_open_run() const noexcept
    {
        return run && run->is_open();
    }
    /// Peers have come or gone, or have room: messages that waited for a peer are sent, and a
    /// place that is free is offered to sockets of inproc that wait for it.
    void settle();
    /// As process_reports(); and a loop that the caller runs has a turn.
    void run_and_process();

    /// As far as is known, there is something that the caller may receive now.
    [[nodiscard]] bool may_receive() const
    {
        return !routes->own_messages.empty() ||
               (routes->receive_from() != nullptr &&
                (!routes->inspects || routes->check_receive().has_value()));
    }
    /// A message was sent, after which the caller may receive: sets the event handle if so.
    void show_readable()
    {
        if (may_receive())
            reports->set_event_handle();
    }

    /// Peers of inproc could not be met for want of memory: settle() tries again.
    void want_meetings() noexcept;
    /// Before the end: the peers that could not be taken in are told.
    void give_up_postponed(const error& reason) noexcept;

    /// Waits and processes reports until `ready` returns true. Errors: those of waiter::wait().
    template <class Ready>
    result<void> await(Ready ready, const timeout& limit, bool expects_reply = false)
    {
        waiter waiting(*context, *reports, limit);
        waiting.set_interruptible(options.interruptible);
        if (expects_reply)
            waiting.expect_reply();
        do {
            SLK_TRY(waiting.wait());
            process_reports();
        } while (!ready());
        return {};
    }

    /// No room to send because the budget of memory is used up. Returns true if there will be a
    /// report when there is memory; false if there is some meanwhile.
    [[nodiscard]] bool must_wait_for_memory() noexcept
    {
        if (context->budget()->must_wait(wants_memory_))
            return waits_for_memory_ = true;
        // Other peers have waited for the report that does not come any more.
        if (waits_for_memory_)
            reports->notify();
        return false;
    }
    void stop_waiting_for_memory() noexcept
    {
        if (std::exchange(waits_for_memory_, false))
            context->budget()->withdraw(wants_memory_);
    }

    const std::shared_ptr<context_core> context;
    const zmtp::socket_type type;
    const reference<inbox> reports;
    const std::unique_ptr<pattern::pattern> routes;
    lane::chunk_pools pools; ///< for the socket's thread
    socket_options options;
    /// For the connections of the next bind() and connect(): the options as they are now.
    std::shared_ptr<const connection_settings> settings;
    peer_table peers;
    endpoint_table endpoints;
    reference<fan_out_run> run; ///< of a publisher to many peers; ends with every other call
    bool closed = false;
    /// Endpoints have come to their end with their peers, and are to be removed.
    bool has_ended_endpoints = false;

private:
    void read_inbox();
    void read(peer_report& report);
    void connected(peer_connected&& how);
    void look_for_memory();
    void disconnected(pipe& peer, bool for_good, const error& reason);
    void give_up(pipe& peer, const error& reason) noexcept;
    void retry_postponed();
    [[nodiscard]] bool forget_postponed(pipe& peer) noexcept;

    memory_claim wants_memory_;
    bool waits_for_memory_ = false; ///< or has been called since
    /// Peers of inproc may be met, which there was no memory or no place for.
    bool wants_meetings_ = false;
    /// Peers of inproc that there was no memory for, as a chain through their pipes.
    reference<pipe> postponed_;
};

} // namespace slk::messaging

#endif
