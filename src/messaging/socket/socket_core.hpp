// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_SOCKET_CORE_HPP
#define SLK_MESSAGING_SOCKET_SOCKET_CORE_HPP

/// What slk::socket is made of: a thin front of its parts. For one thread at a time, but for
/// counters().

#include <serverlink/endpoint.hpp>
#include <serverlink/socket.hpp>

#include "base/ref_counted.hpp"
#include "messaging/socket/receiver.hpp"
#include "messaging/socket/sender.hpp"
#include "messaging/socket/socket_state.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace slk::messaging {

/// The connections whose end a close() waits for. Any thread.
class closing_count final : public ref_counted<closing_count>, public connection_observer {
public:
    explicit closing_count(reference<inbox> reports) noexcept : reports_(std::move(reports)) {}

    void begun() noexcept
    {
        retain();
        left_.fetch_add(1, std::memory_order_relaxed);
    }
    /// Once for each begun().
    void connection_closed() noexcept override
    {
        if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            reports_->notify();
        release();
    }
    [[nodiscard]] bool any() const noexcept { return left_.load(std::memory_order_acquire) > 0; }

private:
    friend class ref_counted<closing_count>;
    ~closing_count() = default;

    const reference<inbox> reports_;
    std::atomic<std::size_t> left_{0};
};

class socket_core final : public ref_counted<socket_core> {
public:
    /// Errors: those of push::create() and its like.
    [[nodiscard]] static result<socket_core*> create(const std::shared_ptr<context_core>& in,
                                                     zmtp::socket_type type,
                                                     const socket_options& options);
    /// With a pattern of the caller's.
    [[nodiscard]] static result<socket_core*> create(const std::shared_ptr<context_core>& in,
                                                     zmtp::socket_type type,
                                                     const socket_options& options,
                                                     std::unique_ptr<pattern::pattern> routes);

    // --- options ---

    [[nodiscard]] const socket_options& options() const noexcept { return state_.options; }
    result<void> set_options(const socket_options& options);
    [[nodiscard]] pattern::pattern& routes() noexcept { return *state_.routes; }

    // --- endpoints (opening.cpp, closing.cpp) ---

    result<std::string> bind(std::string_view text);
    result<void> connect(std::string_view text, const connect_options& how);
    result<close_report> withdraw(endpoint_kind kind, std::string_view text, duration timeout);
    result<void> withdraw_in_background(endpoint_kind kind, std::string_view text, duration linger);
    result<void> stop_listening(std::string_view text);
    /// Whether there is an endpoint with this text. Errors: out_of_memory.
    [[nodiscard]] result<bool> has_endpoint(endpoint_kind kind, std::string_view text) const
    {
        SLK_TRY(const endpoint_list which, state_.endpoints.find_all(kind, text));
        return !which.empty();
    }
    /// The link does not try any more; one that was never tried is about to begin.
    [[nodiscard]] static bool has_stopped(const link_status& now) noexcept
    {
        return now.state == link_state::idle && now.attempt > 0;
    }
    result<bool> has_endpoint(endpoint_kind kind, std::string_view text)
    {
        SLK_TRY(state_.usable());
        SLK_TRY(const endpoint_list found, state_.endpoints.find_all(kind, text));
        bool any = false;
        found.for_each([&](const endpoint_entry& each) {
            any = any || !each.connecting || !has_stopped(each.connecting->status());
        });
        return any;
    }
    [[nodiscard]] const std::string& last_endpoint() const noexcept
    {
        return state_.endpoints.last_text();
    }
    close_report close(duration timeout);
    void close_in_background(duration linger) noexcept;

    // --- state ---

    [[nodiscard]] std::vector<endpoint_status> endpoints();
    [[nodiscard]] std::vector<peer_status> peers();
    /// Any thread.
    [[nodiscard]] socket_counters counters() const noexcept
    {
        return state_.reports->counters().snapshot();
    }
    result<void> wait_ready(const timeout& limit);

    // --- messages ---

    result<send_outcome> send(std::span<const pattern::part_view> parts, const timeout& limit,
                              const peer_id* to = nullptr, std::uint32_t lifetime = 0)
    {
        if (!state_.is_usable()) [[unlikely]]
            return fail(state_.why_unusable());
        return sender_.send(parts, limit, to, lifetime);
    }
    /// As sender::await_room().
    result<void> await_room(std::span<const std::byte> first_part, const timeout& limit,
                            const peer_id* to = nullptr)
    {
        if (!state_.is_usable()) [[unlikely]]
            return fail(state_.why_unusable());
        return sender_.await_room(first_part, limit, to);
    }
    template <class Messages>
    result<std::size_t> send_batch(Messages messages, const timeout& limit)
    {
        if (!state_.is_usable()) [[unlikely]]
            return fail(state_.why_unusable());
        return sender_.send_batch(messages, limit);
    }
    result<router_event> receive(message& into, const timeout& limit, peer_id* from = nullptr)
    {
        if (!state_.is_usable()) [[unlikely]]
            return fail(state_.why_unusable());
        return receiver_.receive(into, limit, from);
    }
    /// As receiver::receive_part().
    template <class Part>
    result<void> receive_part(Part& into, const timeout& limit)
    {
        if (!state_.is_usable()) [[unlikely]]
            return fail(state_.why_unusable());
        return receiver_.receive_part(into, limit);
    }
    result<std::size_t> receive_batch(std::span<message> into, const timeout& limit)
    {
        if (!state_.is_usable()) [[unlikely]]
            return fail(state_.why_unusable());
        return receiver_.receive_batch(into, limit);
    }
    result<std::size_t> receive_batch(received_batch& into, std::size_t max, const timeout& limit)
    {
        if (!state_.is_usable()) [[unlikely]]
            return fail(state_.why_unusable());
        return receiver_.receive_batch(into, max, limit);
    }

    /// Moves messages to the peers of another socket, as receiver::forward().
    result<forwarded> forward(socket_core& to, std::uint64_t max)
    {
        SLK_TRY(state_.usable());
        SLK_TRY(to.state_.usable());
        return receiver_.forward(to.sender_, max);
    }
    /// As receiver::peek() and skip().
    result<peeked_message> peek(std::vector<pattern::part_view>& into)
    {
        SLK_TRY(state_.usable());
        return receiver_.peek(into);
    }
    void skip(const peeked_message& which) noexcept { receiver_.skip(which); }

    // --- the peers of a ROUTER ---

    /// SUB and XSUB only.
    result<void> subscribe(std::span<const std::byte> topic);
    result<void> unsubscribe(std::span<const std::byte> topic);
    /// SUB and XSUB only. Errors: those of glob::compile().
    result<void> psubscribe(std::span<const std::byte> pattern);
    result<void> punsubscribe(std::span<const std::byte> pattern);
    /// XSUB only: subscribes, takes subscriptions back, and sends the other parts to all peers.
    result<send_outcome> send_upstream(std::span<const pattern::part_view> parts);
    /// XPUB only: for the peer whose report was received last.
    result<void> subscribe_for_peer(bool subscribe, std::span<const std::byte> topic);
    /// PUB, XPUB, SUB and XSUB only: different topics.
    [[nodiscard]] std::size_t topics_count();
    /// PUB and XPUB only.
    result<void> wait_subscribers(std::span<const std::byte> topic, std::size_t count,
                                  const timeout& limit);

    /// STREAM only: the connection ends when what is queued was sent, and with it an endpoint of
    /// connect(). Errors: those of finding the peer.
    result<void> finish_peer(const result<pattern::peer*>& known);
    /// STREAM only: takes the endpoints back whose peers have been closed by this side.
    void remove_ended_endpoints()
    {
        if (state_.has_ended_endpoints) [[unlikely]]
            remove_endpoints_that_are_over();
    }
    /// Errors: those of finding it.
    result<void> disconnect_peer(const result<pattern::peer*>& known, const char* reason);
    result<bool> has_room(const result<pattern::peer*>& known);
    /// ROUTER only (router_peers.cpp). Errors: those of router::find().
    result<peer_stats> stats_of(const peer_id& id);
    result<bool> is_known(const peer_id& id);
    result<std::vector<peer_id>> known_peers();
    /// STREAM only.
    result<peer_id> peer_at(std::string_view endpoint);

    // --- other event loops ---

    /// Looks only for what is asked for; the rest is false.
    [[nodiscard]] socket_events events(bool to_receive = true, bool to_send = true);
    /// The caller begins to wait for a message, as in receive(). Returns true if it has sent one
    /// since the last wait.
    [[nodiscard]] bool begin_wait() noexcept { return sender_.begin_wait(); }
    /// Whether a send would not wait. Unlike events(), no loop has a turn.
    [[nodiscard]] bool can_send()
    {
        state_.process_reports();
        return sender_.can_send();
    }
    /// The next part that is received is not the first one of a peer's message.
    /// As peer_table has them.
    void watch_receivers(bool on) noexcept { state_.peers.watch_receivers(on); }
    [[nodiscard]] bool has_lost_receivers() const noexcept
    {
        return state_.peers.has_lost_receivers();
    }
    [[nodiscard]] bool is_mid_message() const noexcept
    {
        return state_.peers.mid_message != nullptr;
    }
    /// As frame_socket::origin().
    [[nodiscard]] message_origin* origin(message_detail::shared_memory* before) noexcept
    {
        return receiver_.origin(before);
    }
    [[nodiscard]] zmtp::socket_type type() const noexcept { return state_.type; }
    result<std::intptr_t> event_handle();
    result<void> on_news(std::function<void()> call);
    [[nodiscard]] duration poll_timeout() const noexcept;
    [[nodiscard]] const std::shared_ptr<context_core>& context() const noexcept
    {
        return state_.context;
    }
    [[nodiscard]] inbox& reports() noexcept { return *state_.reports; }
    [[nodiscard]] result<void> usable() const noexcept { return state_.usable(); }
    void process_reports() { state_.process_reports(); }

private:
    friend class ref_counted<socket_core>;

    socket_core(const std::shared_ptr<context_core>& in, zmtp::socket_type type,
                reference<inbox> reports, std::unique_ptr<pattern::pattern> routes,
                reference<closing_count> closing) noexcept
        : state_(in, type, std::move(reports), std::move(routes)), closing_(std::move(closing))
    {
    }
    ~socket_core() = default;

    result<std::string> open(std::string_view text);
    result<std::string> bind_inproc(const std::string& name);
    result<void> connect_inproc(endpoint_entry& entry, const std::string& name,
                                const connect_options& how);
    result<void> connect_link(endpoint_entry& entry, const endpoint& to,
                              const connect_options& how);
    [[nodiscard]] result<inproc_party> party(const endpoint_entry& entry) noexcept;
    [[nodiscard]] result<void> take_place(std::uint64_t endpoint, const connect_options& how);

    [[nodiscard]] result<endpoint_list> find(endpoint_kind kind, std::string_view text);
    void give_away_peers(const endpoint_list& which, bool keeps);
    void send_off(const endpoint_list& which, duration linger);
    void forget_name(const endpoint_entry& of) noexcept;
    void forget_unbound();
    void release_names(const endpoint_list& which) noexcept;
    std::size_t end();
    [[nodiscard]] close_report end_connections(const endpoint_list& which, duration timeout);
    close_report remove(const endpoint_list& which, duration timeout);
    void remove_endpoints_that_are_over();
    void flush(const endpoint_list& which, duration timeout);
    bool flush(const endpoint_list& which, duration timeout, time_point drain_until);
    void drain_sent(const endpoint_list& which, duration drain);
    [[nodiscard]] bool has_others(const endpoint_list& which) const noexcept;
    [[nodiscard]] bool close_connections(const endpoint_list& which, duration timeout);
    close_report leave_to_parent() noexcept;

    socket_state state_;
    const reference<closing_count> closing_;
    sender sender_{state_};
    receiver receiver_{state_, sender_};
};

} // namespace slk::messaging

#endif
