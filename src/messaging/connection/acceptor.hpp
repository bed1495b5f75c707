// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_ACCEPTOR_HPP
#define SLK_MESSAGING_CONNECTION_ACCEPTOR_HPP

/// One bound endpoint, on its loop: a listener, and the connections of the peers that it accepted.

#include <serverlink/listener.hpp>

#include "base/list.hpp"
#include "messaging/connection/admission.hpp"
#include "messaging/connection/connection.hpp"
#include "messaging/observe/endpoint_log.hpp"

#include <memory>
#include <optional>

namespace slk::messaging {

/// For the loop's thread, but for create() and on().
class acceptor final : public ref_counted<acceptor> {
public:
    /// Errors: out_of_memory.
    [[nodiscard]] static result<reference<acceptor>>
    create(std::shared_ptr<io_loop> on, std::shared_ptr<const connection_settings> settings,
           reference<inbox> owner, reference<endpoint_log> log);

    [[nodiscard]] const std::shared_ptr<io_loop>& on() const noexcept { return on_; }

    result<void> open(const endpoint& at);
    /// After open() and before stop_listening().
    [[nodiscard]] endpoint local_endpoint() const { return listener_->local_endpoint(); }
    /// Between the same two.
    [[nodiscard]] std::intptr_t native_handle() const noexcept
    {
        return listener_->native_handle();
    }
    /// On the thread that uses the socket, too: that thread alone stops the listener.
    [[nodiscard]] listener_status status() const noexcept
    {
        return listener_ ? listener_->status() : listener_status{};
    }
    /// The port is free on return. Connections stay.
    void stop_listening() noexcept { listener_.reset(); }
    /// Ends all connections, as connection::close(); `until_closed` is notified when the last one
    /// has ended.
    void close(duration timeout, connection_observer& until_closed);
    /// As connection::depart(), for all connections; listens no more. `observer`: is notified once,
    /// when everything was sent, and when the last connection has ended.
    void depart(time_point deadline, connection_observer& observer) noexcept;
    /// After depart().
    void end(const error& reason) noexcept;
    /// There is no connection.
    [[nodiscard]] bool is_idle() const noexcept { return peers_.empty(); }
    /// As connection::drain_sent(), for all connections. Returns true if there is one.
    bool drain_sent(duration timeout) noexcept;

private:
    friend class ref_counted<acceptor>;

    acceptor(std::shared_ptr<io_loop> on, std::shared_ptr<const connection_settings> settings,
             reference<inbox> owner, reference<endpoint_log> log,
             reference<peer_count> peers) noexcept;
    ~acceptor() = default;

    struct in_peers : list_node {};
    struct accepted_peer final : in_peers, admitted_peer, connection_observer {
        accepted_peer(acceptor& owner, reference<connection> made) noexcept
            : by(owner), to(std::move(made))
        {
        }

        [[nodiscard]] bool tells_ready_last() const noexcept override
        {
            return admission::is_told_last(*this);
        }
        void handshake_progressed(handshake_stage stage) noexcept override;
        [[nodiscard]] error exchange_keys(const address& peer) noexcept override;
        [[nodiscard]] bool may_authenticate() noexcept override;
        [[nodiscard]] time_point authenticated(bool right, time_point now,
                                               time_point ends) noexcept override;
        [[nodiscard]] std::optional<zmtp::rejection> refuses() noexcept override;
        void connection_ready() noexcept override;
        void everything_sent() noexcept override { by.one_sent(*this); }
        void connection_closed() noexcept override;

        acceptor& by;
        reference<connection> to;
        bool is_sending = false; ///< after depart()
    };

    /// The connections that close() ends, of which each has a reference.
    struct closing_peers final : connection_observer {
        explicit closing_peers(acceptor& owner) noexcept : by(owner) {}
        void connection_closed() noexcept override { by.one_closed(); }

        acceptor& by;
    };

    [[nodiscard]] bool admits(const address& peer) noexcept;
    void accept(stream incoming);
    void accept_failed(const error& why) noexcept;
    void report_refused(const address& peer, const error& why) noexcept;
    void count_refused(const address& peer, const error& why) noexcept;
    void remove(accepted_peer& peer) noexcept;
    void one_closed() noexcept;
    void one_sent(accepted_peer& peer) noexcept;
    void look_for_end() noexcept;
    [[nodiscard]] time_point now() const noexcept { return on_->core->io().now(); }

    const std::shared_ptr<io_loop> on_;
    const std::shared_ptr<const connection_settings> settings_;
    const reference<inbox> owner_;
    const reference<endpoint_log> log_;
    admission admission_;
    std::optional<listener> listener_;
    list<in_peers> peers_;
    std::size_t closing_ = 0; ///< of those that close() ends; it has a reference for each
    closing_peers closing_peers_{*this};
    connection_observer* until_closed_ = nullptr; ///< of close()
    connection_observer* departure_ = nullptr; ///< of depart(), until it has learned of the end
    std::size_t sending_ = 0; ///< of those that depart
};

} // namespace slk::messaging

#endif
