// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_BACKEND_SIM_SIM_POLLER_HPP
#define SLK_IO_BACKEND_SIM_SIM_POLLER_HPP

/// A poller on a simulated host.
///
/// A submitted operation is tried at once and again whenever something happens to its socket. An
/// outcome may be reported late, and a cancel may take effect late, as on systems that complete
/// operations on their own. Several pollers share a network and its time. The one whose turn() is
/// called from outside lets time pass while it waits; the network runs the others when something
/// happens for them.

#include "io/backend/sim/network.hpp"
#include "io/poller.hpp"

#include <atomic>

namespace slk::io::sim {

class sim_poller final : public poller {
public:
    sim_poller(std::shared_ptr<network> net, std::uint32_t on_host, clock& time);
    ~sim_poller() override;

    [[nodiscard]] std::string_view name() const noexcept override { return "sim"; }
    [[nodiscard]] name_service* names() noexcept override { return &host_here().names; }
    void wake() noexcept override;

    // For the network.

    [[nodiscard]] host& host_here() noexcept { return network_->at_host(host_); }
    /// Runs a turn of this poller and returns the time of its next one. Empty: only its owner calls
    /// turn().
    std::function<time_point()> run;
    /// Returns the time of the next turn if nothing happens. Set if `run` is.
    std::function<time_point()> next_turn;
    /// Set while the network runs it: its wait does not let time pass.
    bool driven = false;
    [[nodiscard]] bool has_work() const noexcept
    {
        return completions_ > 0 || woken_.load(std::memory_order_acquire);
    }
    [[nodiscard]] bool take_wake_notice() noexcept { return noticed_.exchange(false); }
    /// Something has happened to the socket: continues the waiting operations.
    void serve(socket_id id);
    void late(operation& op, const error& failure);
    /// Returns the network's time until which a wait may last, if its clock may show `until`.
    [[nodiscard]] time_point network_time_of(time_point until);
    [[nodiscard]] std::uint32_t number() const noexcept { return number_; }

    [[nodiscard]] result<void> check_local_name(std::string_view path) const override;
    [[nodiscard]] result<std::vector<address>>
    interface_addresses(const std::string& name) override;

protected:
    result<native_handle> open_handle(address_family family) override;
    result<native_handle> open_listening_handle(const address& local,
                                                const listen_settings& settings) override;
    result<void> bind_handle(socket_entry& entry, const std::optional<address>& source) override;
    result<address> local_address_of(const socket_entry& entry) override;
    result<address> peer_address_of(const socket_entry& entry) override;
    result<void> set_option_of(const socket_entry& entry, socket_option option, int value) override;
    result<void> bind_handle_to_device(const socket_entry& entry, std::string_view device) override;
    result<void> shutdown_send_of(const socket_entry& entry) override;
    bool peer_has_finished_of(const socket_entry& entry) noexcept override;
    bool peer_may_have_finished_of(const socket_entry& entry) noexcept override;
    bool peer_acknowledges_of(const socket_entry& entry, duration within) noexcept override;
    std::size_t shed_from(const socket_entry& listener, std::size_t max) override;
    void close_handle(native_handle handle, close_mode mode) noexcept override;

    void start_connect(connect_operation& op, socket_entry& entry) override;
    void start_accept(accept_operation& op, socket_entry& entry) override;
    void start_receive(receive_operation& op, socket_entry& entry) override;
    void start_send(send_operation& op, socket_entry& entry) override;
    void start_cancel(operation& op, socket_entry& entry) override;
    result<void> attach(socket_id id, socket_entry& entry) override;
    void release(socket_entry& entry, close_mode mode) override;
    result<void> wait(time_point until) override;

private:
    void decide(operation& op, const error& failure);
    void report(operation& op, const error& failure, duration lateness);
    void finish(operation& op, const error& failure);
    [[nodiscard]] time_point& latest_late_of(const operation& op, const socket_entry& entry);
    [[nodiscard]] bool try_accept(accept_operation& op, socket_entry& entry);
    [[nodiscard]] bool try_receive(receive_operation& op, socket_entry& entry);
    [[nodiscard]] bool try_send(send_operation& op, socket_entry& entry,
                                std::span<const std::span<const std::byte>> buffers);
    [[nodiscard]] bool try_connect(connect_operation& op, socket_entry& entry);
    void serve_accepts(socket_entry& entry);
    void serve_receives(socket_entry& entry);
    void serve_outbound(socket_entry& entry);

    const std::shared_ptr<network> network_;
    const std::uint32_t host_;
    std::uint32_t number_ = 0;
    std::uint64_t completions_ = 0; ///< since the last wait
    std::atomic<bool> woken_{false};
    std::atomic<bool> noticed_{false};
};

} // namespace slk::io::sim

#endif
