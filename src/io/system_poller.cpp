// SPDX-License-Identifier: MPL-2.0
#include "io/system_poller.hpp"

#include "io/os/local_socket.hpp"
#include "io/os/system.hpp"

#include <new>

namespace slk::io {

namespace {

/// On some systems the address of a local socket without a name, such as a client's, has no family.
result<address> named_by(const socket_entry& entry, result<address> found)
{
    if (found && entry.family == address_family::local)
        return address::local();
    return found;
}

} // namespace

system_poller::system_poller(clock& time) noexcept : poller(time) {}
system_poller::~system_poller() = default;

result<void> system_poller::check_local_name(std::string_view path) const
{
    return os::check_local_name(path);
}

result<std::vector<address>> system_poller::interface_addresses(const std::string& name)
{
    return os::interface_addresses(name);
}

result<native_handle> system_poller::open_handle(address_family family)
{
    return os::open_stream(family);
}

result<native_handle> system_poller::open_listening_handle(const address& local,
                                                           const listen_settings& settings)
{
    if (reserve_ == nullptr)
        reserve_.reset(new (std::nothrow) os::reserve_descriptor);
    return os::open_listener(local, settings);
}

result<void> system_poller::bind_handle(socket_entry& entry, const std::optional<address>& source)
{
    return os::bind_source(entry.handle, entry.family, source, entry.bound);
}

result<address> system_poller::local_address_of(const socket_entry& entry)
{
    return named_by(entry, os::local_address(entry.handle));
}

result<address> system_poller::peer_address_of(const socket_entry& entry)
{
    return named_by(entry, os::peer_address(entry.handle));
}

result<void> system_poller::set_option_of(const socket_entry& entry, socket_option option,
                                          int value)
{
    return os::set_option(entry.handle, entry.family, option, value);
}

result<void> system_poller::bind_handle_to_device(const socket_entry& entry,
                                                  std::string_view device)
{
    return os::bind_to_device(entry.handle, device);
}

result<void> system_poller::shutdown_send_of(const socket_entry& entry)
{
    return os::shutdown_send(entry.handle);
}

bool system_poller::peer_has_finished_of(const socket_entry& entry) noexcept
{
    return os::peer_has_finished(entry.handle);
}

bool system_poller::peer_may_have_finished_of(const socket_entry& entry) noexcept
{
    return os::peer_may_have_finished(entry.handle);
}

bool system_poller::peer_acknowledges_of(const socket_entry& entry, duration within) noexcept
{
    return os::peer_acknowledges(entry.handle, within);
}

std::size_t system_poller::shed_from(const socket_entry& listener, std::size_t max)
{
    return reserve_ != nullptr ? reserve_->shed(listener.handle, max) : 0;
}

void system_poller::close_copies() noexcept
{
    table().for_each_handle([](native_handle each) { os::close(each, close_mode::graceful); });
    reserve_.reset();
}

void system_poller::close_handle(native_handle handle, close_mode mode) noexcept
{
    os::close(handle, mode);
}

} // namespace slk::io
