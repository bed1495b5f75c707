// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_SOCKET_CORE_HPP
#define SLK_MESSAGING_SOCKET_CORE_HPP

/// What slk::socket is made of: a pattern that routes, the pipes that it routes to, and the
/// endpoints by which they come.
///
/// All of it belongs to the thread that uses the socket. What loops have to say arrives in the
/// mailbox, and is taken notice of at the beginning of every call.

#include <serverlink/endpoint.hpp>
#include <serverlink/link.hpp>
#include <serverlink/router.hpp>
#include <serverlink/socket.hpp>

#include "messaging/binding.hpp"
#include "messaging/context_core.hpp"
#include "messaging/pipe.hpp"
#include "messaging/session.hpp"
#include "pattern/pattern.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slk::pattern {
class router;
}

namespace slk::messaging {

/// A part that is to be sent: bytes, and who holds them if they may be shared.
struct part_view {
    std::span<const std::byte> bytes;
    message_detail::shared_memory* owner = nullptr;
};

class socket_core final : public ref_counted<socket_core> {
public:
    [[nodiscard]] static result<socket_core*> create(const std::shared_ptr<context_core>& in,
                                                     zmtp::socket_type type,
                                                     const socket_options& options);

    // --- endpoints (socket_endpoints.cpp) ---

    result<std::string> bind(std::string_view text);
    result<void> connect(std::string_view text, const connect_options& how);
    result<close_report> withdraw(endpoint_kind kind, std::string_view text, duration timeout);
    [[nodiscard]] const std::string& last_endpoint() const noexcept { return last_endpoint_; }
    close_report close(duration timeout);

    // --- state (socket_state.cpp) ---

    [[nodiscard]] std::vector<endpoint_status> endpoints();
    [[nodiscard]] std::vector<peer_status> peers();
    [[nodiscard]] socket_counters counters();
    result<void> wait_ready(const timeout& limit);
    /// What is left out stays as it is.
    struct marks {
        std::optional<std::uint32_t> send{};
        std::optional<std::uint32_t> receive{};
        std::optional<std::uint64_t> send_bytes{};
        std::optional<std::uint64_t> receive_bytes{};
    };
    result<void> set_marks(const marks& changed);

    // --- messages (socket_messages.cpp) ---

    result<send_outcome> send(std::span<const part_view> parts, const timeout& limit,
                              const peer_id* to = nullptr);
    result<std::size_t> send_batch(std::span<message> messages, const timeout& limit);
    /// `from`: of a ROUTER.
    result<router_event> receive(message& into, const timeout& limit, peer_id* from = nullptr);
    result<std::size_t> receive_batch(std::span<message> into, const timeout& limit);

    result<void> disconnect_peer(const peer_id& whom, const char* reason);
    result<bool> has_room(const peer_id& to);

    // --- other event loops (wait.cpp) ---

    [[nodiscard]] socket_events events();
    result<std::intptr_t> event_handle();
    [[nodiscard]] duration poll_timeout() const noexcept;
    [[nodiscard]] const std::shared_ptr<context_core>& context() const noexcept { return context_; }
    [[nodiscard]] mailbox& box() noexcept { return *box_; }
    [[nodiscard]] result<void> usable() const noexcept;

    [[nodiscard]] socket_options& options() noexcept { return options_; }
    [[nodiscard]] bool closed() const noexcept { return closed_; }
    /// Of a DEALER and a ROUTER.
    bool probe = false;
    /// Of a ROUTER.
    bool mandatory = true;
    bool notify_connect = false;
    bool notify_disconnect = false;
    void set_handover(bool on) noexcept;

private:
    friend class ref_counted<socket_core>;

    struct endpoint_entry final : session_observer {
        /// A peer that accepts and then refuses the handshake is not to be hammered.
        void session_ready() noexcept override { connection->confirm_useful(); }
        void session_lost(const error&) noexcept override {}

        endpoint_kind kind = endpoint_kind::connected;
        std::string text;
        std::uint64_t number = 0;
        std::string inproc_name{};
        std::optional<link> connection{};
        reference<session> carries{};
        reference<pipe> leads{};
        reference<binding> listens{};
        std::uint64_t handshake_failures = 0;
        error last_handshake_failure{};
    };
    /// Whom a ROUTER's message is for.
    struct routed {
        pipe* to = nullptr; ///< null: not there, or full
        bool known = false;
    };
    struct notice {
        peer_id about;
        router_event what;
    };

    socket_core(std::shared_ptr<context_core> in, zmtp::socket_type type,
                const socket_options& options);
    ~socket_core() = default;

    // What has happened.
    void take_news()
    {
        if (box_->has_news()) [[unlikely]]
            read_news();
    }
    void read_news();
    /// The same, and whoever runs the loop himself gives it a chance.
    void look_around();
    void read(mail& letter);
    void arrived(pipe& who, mail& letter);
    void left(pipe& who, const mail& letter);
    result<void> admit(pipe& who);
    void turn_away(pipe& who, const error& reason);
    void disconnect(pipe& who, const error& reason);
    void retire(pipe& who);
    void detach(pipe& who);
    void end_of(pipe& who);
    void throw_away(pipe& who);
    [[nodiscard]] static std::uint64_t taken_of(const pipe& who,
                                                const newest_message::counts& sent) noexcept;
    [[nodiscard]] static std::uint64_t conflated_of(pipe& who) noexcept;
    void drop(pipe& who, const error& reason);
    void greet(pipe& who);
    void show_receive_mark(pipe& who) noexcept;

    // Waiting.
    template <class Ready>
    result<void> await(Ready ready, const timeout& limit, bool expects_answer = false);

    // Sending.
    [[nodiscard]] pipe* choose() noexcept;
    [[nodiscard]] routed choose(const peer_id& to) noexcept;
    [[nodiscard]] bool has_credit(pipe& to) noexcept;
    [[nodiscard]] result<void> write(pipe& to, std::span<const part_view> parts) noexcept;
    [[nodiscard]] result<void> replace(pipe& to, std::span<const part_view> parts) noexcept;
    void publish(pipe& to, std::uint32_t messages, bool by_hand = false) noexcept;
    void publish_staged() noexcept;
    [[nodiscard]] std::uint64_t send_mark(const pipe& to) const noexcept;
    [[nodiscard]] std::uint64_t send_bytes(const pipe& to) const noexcept;

    // Receiving.
    [[nodiscard]] pipe* read_part_of_anybody(message& into);
    [[nodiscard]] bool can_receive();
    void nothing_left(pipe& from);
    void consumed(pipe& from) noexcept;
    [[nodiscard]] bool time_to_look(pipe& from) noexcept;
    void refill(pipe& from) noexcept;
    void told_of(peer_id* from, const pipe& who);

    // Endpoints.
    result<std::string> bind_inproc(const std::string& name);
    result<void> connect_inproc(endpoint_entry& entry, const std::string& name);
    result<void> connect_link(endpoint_entry& entry, const endpoint& to);
    [[nodiscard]] inproc_party party(std::uint64_t number) noexcept;
    [[nodiscard]] bool has_route(std::string_view routing_id) const noexcept;
    void remember(pipe& made);
    void flush(const std::vector<endpoint_entry*>& which, duration timeout);
    [[nodiscard]] std::vector<reference<pipe>>
    pipes_of(const std::vector<endpoint_entry*>& which) const;
    [[nodiscard]] close_report report(const std::vector<endpoint_entry*>& which,
                                      const std::vector<reference<pipe>>& leaving);
    void end(const std::vector<endpoint_entry*>& which, duration timeout);
    close_report let_go(const std::vector<endpoint_entry*>& which, duration timeout);
    [[nodiscard]] bool belongs_to(const pipe& who,
                                  const std::vector<endpoint_entry*>& which) const noexcept;
    [[nodiscard]] endpoint_entry* find(std::uint64_t number) noexcept;

    const std::shared_ptr<context_core> context_;
    const zmtp::socket_type type_;
    socket_options options_;
    /// For all connections: but for the marks the options do not change.
    std::shared_ptr<const session_settings> settings_;
    const reference<mailbox> box_;
    std::unique_ptr<pattern::pattern> pattern_;
    pattern::router* router_ = nullptr; ///< the pattern, if it is one
    lane::chunk_pools pools_;
    std::vector<reference<pipe>> pipes_;
    std::vector<std::unique_ptr<endpoint_entry>> endpoints_;
    std::string last_endpoint_;
    std::deque<notice> notices_;
    std::vector<pipe*> staged_;   ///< have messages that were not published
    pipe* receiving_ = nullptr;   ///< more parts of its message are to be taken
    socket_counters counters_{};  ///< what pipes that are gone have not taken along
    bool waited_ = false; ///< for a message, since the last one was sent
    bool closed_ = false;
};

} // namespace slk::messaging

#endif
