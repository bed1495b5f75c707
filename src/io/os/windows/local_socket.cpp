// SPDX-License-Identifier: MPL-2.0
#include "io/os/local_socket.hpp"

#include "io/os/system.hpp"

namespace slk::io::os {

// Windows has had Unix domain sockets since version 10, but ConnectEx and AcceptEx, which the
// completion port needs, do not take them.

result<void> check_local_name(std::string_view /*path*/)
{
    return fail(errc::not_supported, phase::setup, no_local_sockets);
}

error translate_local(int native, phase in) noexcept
{
    return translate(native, in);
}

result<native_handle> open_local_listener(const listen_settings& /*settings*/)
{
    return fail(errc::not_supported, phase::listen, no_local_sockets);
}

result<std::unique_ptr<local_name>> local_name::choose(const std::string& /*name*/)
{
    return fail(errc::not_supported, phase::listen, no_local_sockets);
}

local_name::~local_name() = default;

void local_name::taken() noexcept {}
void local_name::give_back() noexcept {}
void local_name::end() noexcept {}

} // namespace slk::io::os
