// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_ACCEPTOR_HPP
#define SLK_MESSAGING_CONNECTION_ACCEPTOR_HPP

/// One bound endpoint, on its loop: a listener, and the connections of the peers that it accepted.

#include <serverlink/listener.hpp>

#include "base/list.hpp"
#include "messaging/connection/connection.hpp"

#include <functional>
#include <memory>

namespace slk::messaging {

/// For the loop's thread, but for on().
class acceptor final : public ref_counted<acceptor> {
public:
    acceptor(std::shared_ptr<io_loop> on, std::shared_ptr<const connection_settings> settings,
             reference<inbox> owner, std::uint64_t endpoint) noexcept
        : on_(std::move(on)), settings_(std::move(settings)), owner_(std::move(owner)),
          endpoint_(endpoint)
    {
    }

    [[nodiscard]] const std::shared_ptr<io_loop>& on() const noexcept { return on_; }

    result<void> open(const endpoint& at);
    /// After open() and before stop_listening().
    [[nodiscard]] endpoint local_endpoint() const { return listener_->local_endpoint(); }
    /// On the thread that uses the socket, too: that thread alone stops the listener.
    [[nodiscard]] listener_status status() const noexcept
    {
        return listener_ ? listener_->status() : listener_status{};
    }
    /// The port is free on return. Connections stay.
    void stop_listening() noexcept { listener_.reset(); }
    /// Ends all connections, as connection::close(); `done` is called when the last one has ended.
    void close(duration timeout, std::function<void()> done);

private:
    friend class ref_counted<acceptor>;
    ~acceptor() = default;

    struct accepted_peer final : list_node, connection_observer {
        accepted_peer(acceptor& owner, reference<connection> made) noexcept
            : by(owner), to(std::move(made))
        {
        }

        void connection_ready() noexcept override;
        void connection_closed() noexcept override;

        acceptor& by;
        reference<connection> to;
        bool was_ready = false;
    };

    void accept(stream incoming);
    void refuse(stream& incoming, const error& reason);
    void remove(accepted_peer& peer) noexcept;
    void one_closed() noexcept;

    const std::shared_ptr<io_loop> on_;
    const std::shared_ptr<const connection_settings> settings_;
    const reference<inbox> owner_;
    const std::uint64_t endpoint_; ///< its number
    std::optional<listener> listener_;
    list<accepted_peer> peers_;
    std::uint32_t pending_handshakes_ = 0;
    std::size_t closing_ = 0; ///< of those that close() ends; it has a reference for each
    std::function<void()> closed_handler_;
};

} // namespace slk::messaging

#endif
