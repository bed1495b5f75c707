// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_MESSAGING_CONNECTION_LINK_CONNECTIONS_HPP
#define SLK_MESSAGING_CONNECTION_LINK_CONNECTIONS_HPP

/// The connections of a connect() whose peers are known by their own routing ids (a ROUTER).
///
/// Another peer may answer at the same address when a link has reconnected. So each stream has a
/// connection and a pipe of its own: what was queued for a peer with a routing id cannot reach
/// another. Peers without one cannot be told apart. The peer of a STREAM is known before it is
/// connected, and has the first connection from then on.

#include <serverlink/stream.hpp>

#include "messaging/connection/connection.hpp"

#include <memory>

namespace slk::messaging {

/// For the loop's thread, but for on().
class link_connections final : public ref_counted<link_connections>, private connection_observer {
public:
    /// `observer`: is notified of each handshake that is over, and after depart() of the end; lives
    /// until close() or that end.
    link_connections(std::shared_ptr<io_loop> on,
                     std::shared_ptr<const connection_settings> settings, reference<inbox> owner,
                     reference<endpoint_log> log, connection_observer& observer) noexcept
        : on_(std::move(on)), settings_(std::move(settings)), owner_(std::move(owner)),
          log_(std::move(log)), observer_(observer)
    {
    }

    [[nodiscard]] const std::shared_ptr<io_loop>& on() const noexcept { return on_; }

    /// Before the link begins, on the socket's thread: makes the connection of the first stream, so
    /// that messages are queued for it. `pools`: those of the calling thread. Returns its pipe, or
    /// null when memory is exhausted.
    [[nodiscard]] reference<pipe> prepare(lane::chunk_pools& pools) noexcept;
    /// The next stream. It waits until the connection before has ended.
    void begin(stream next);
    /// Ends the present connection, as connection::close(), and takes no other stream.
    void close(duration timeout, connection_observer& until_closed);
    /// As connection::depart(), for the present connection; takes no other stream.
    void depart(time_point deadline) noexcept;
    /// After depart().
    void end(const error& reason) noexcept
    {
        if (const reference<connection> leaving = present_; leaving)
            leaving->end(reason);
    }
    /// As connection::drain_sent(), for the present connection.
    bool drain_sent(duration timeout) noexcept;

private:
    friend class ref_counted<link_connections>;
    ~link_connections() = default;

    void connection_ready() noexcept override { observer_.connection_ready(); }
    void everything_sent() noexcept override { observer_.everything_sent(); }
    void connection_closed() noexcept override;

    const std::shared_ptr<io_loop> on_;
    const std::shared_ptr<const connection_settings> settings_;
    const reference<inbox> owner_;
    const reference<endpoint_log> log_; ///< of the endpoint
    connection_observer& observer_;
    reference<connection> present_;
    bool is_prepared_ = false; ///< the present one has no stream yet
    stream next_;
    bool closed_ = false;
    bool departs_ = false;
};

} // namespace slk::messaging

#endif
