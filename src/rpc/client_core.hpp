// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_RPC_CLIENT_CORE_HPP
#define SLK_RPC_CLIENT_CORE_HPP

/// What slk::client is made of: a socket that is a DEALER for its peers, but names them as a ROUTER
/// does; its requests, and the peers that they were sent to.

#include <serverlink/client.hpp>

#include "messaging/socket/socket_core.hpp"
#include "pattern/envelope.hpp"
#include "rpc/due_times.hpp"
#include "rpc/pending.hpp"

#include <array>
#include <functional>
#include <memory>
#include <vector>

namespace slk::rpc {

/// The socket of a client.
class peer_socket final : public slk::socket {
public:
    [[nodiscard]] static result<peer_socket> create(context& in, const socket_options& options);

private:
    using socket::socket;
};

class client_core {
public:
    client_core(peer_socket&& on, std::uint32_t max_requests, std::uint64_t first) noexcept
        : socket_(std::move(on)), max_requests_(max_requests),
          next_(static_cast<std::uint32_t>(first))
    {
    }
    client_core(const client_core&) = delete;
    client_core& operator=(const client_core&) = delete;
    ~client_core()
    {
        end_all();
        (void)socket_.close(duration::zero());
    }

    [[nodiscard]] slk::socket& socket() noexcept { return socket_; }
    [[nodiscard]] const client_counters& counters() const noexcept { return counters_; }
    [[nodiscard]] std::size_t outstanding() const noexcept { return outstanding_; }

    /// Returns a request with one reference, which is the caller's.
    [[nodiscard]] result<pending*> start(multipart&& parts, const request_options& options);
    /// Waits until `is_over()`. Errors: in_progress (the limit), cancelled, out_of_memory.
    template <class IsOver>
    result<void> run(const IsOver& is_over, const timeout& limit);
    result<std::size_t> wait_any(const timeout& limit);
    /// Does all that is to be done now. Errors: as wait_any().
    result<void> make_progress();
    void end(pending& which, const error& why) noexcept;
    /// All of them are cancelled.
    void end_all() noexcept;

private:
    /// A peer that is connected.
    struct peer {
        peer_id id;
        bool lost = false; ///< but what it has sent may not have been received yet
        list<pending> asked;
    };

    result<void> take_arrived();
    result<void> take(router_event what, message& first);
    result<void> take_reply(message& first);
    void add_peer();
    [[nodiscard]] peer* find_peer(std::uint64_t generation) const noexcept;
    void lose_peers() noexcept;
    void do_what_is_due() noexcept;
    result<void> send_waiting();
    [[nodiscard]] result<bool> send_to(peer& to, pending& which);
    void wait_again(pending& which) noexcept;
    result<void> sleep(duration left, const timeout& limit);
    [[nodiscard]] result<void> make_slot(pending& for_this) noexcept;
    [[nodiscard]] pending* find(std::uint64_t number) const noexcept;
    [[nodiscard]] time_point now() const noexcept { return socket_.core()->context()->now(); }

    peer_socket socket_;
    const std::uint32_t max_requests_;
    std::uint32_t next_; ///< the upper half of the next number; the lower one is a slot
    std::vector<pending*> slots_; ///< null: free
    std::vector<std::uint32_t> free_slots_; ///< with room for all of them
    std::size_t outstanding_ = 0;
    std::size_t ended_ = 0; ///< since the last wait_any()
    list<pending> waiting_;
    due_times due_;
    std::vector<std::unique_ptr<peer>> peers_;
    std::size_t next_peer_ = 0;
    peer_id from_; ///< of what is being received
    pattern::enveloped_parts written_;
    client_counters counters_{};
};

} // namespace slk::rpc

#endif
