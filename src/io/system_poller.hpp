// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_IO_SYSTEM_POLLER_HPP
#define SLK_IO_SYSTEM_POLLER_HPP

/// A poller on the operating system's sockets: the base of every backend but the simulated one.

#include "io/poller.hpp"

#include <memory>

namespace slk::io {

namespace os {
class reserve_descriptor;
}

class system_poller : public poller {
public:
    ~system_poller() override;

    [[nodiscard]] result<void> check_local_name(std::string_view path) const final;
    [[nodiscard]] result<std::vector<address>> interface_addresses(const std::string& name) final;
    void close_copies() noexcept override;

protected:
    explicit system_poller(clock& time) noexcept;

    result<native_handle> open_handle(address_family family) final;
    result<native_handle> open_listening_handle(const address& local,
                                                const listen_settings& settings) final;
    result<void> bind_handle(socket_entry& entry, const std::optional<address>& source) final;
    result<address> local_address_of(const socket_entry& entry) final;
    result<address> peer_address_of(const socket_entry& entry) final;
    result<void> set_option_of(const socket_entry& entry, socket_option option, int value) final;
    result<void> bind_handle_to_device(const socket_entry& entry, std::string_view device) final;
    result<void> shutdown_send_of(const socket_entry& entry) override;
    bool peer_has_finished_of(const socket_entry& entry) noexcept final;
    bool peer_may_have_finished_of(const socket_entry& entry) noexcept final;
    bool peer_acknowledges_of(const socket_entry& entry, duration within) noexcept final;
    std::size_t shed_from(const socket_entry& listener, std::size_t max) final;
    void close_handle(native_handle handle, close_mode mode) noexcept final;

private:
    std::unique_ptr<os::reserve_descriptor> reserve_; ///< from the first listener on
};

} // namespace slk::io

#endif
