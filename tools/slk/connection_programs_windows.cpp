// SPDX-License-Identifier: MPL-2.0
#include "connection_programs.hpp"

namespace slk::tool {

// A socket of this library is one for overlapped operations, which the standard library of most
// programs cannot read as a file.

struct connection_programs::state {};

connection_programs::connection_programs(std::string /*command_line*/,
                                         std::function<void()> /*ended*/)
{
}

connection_programs::~connection_programs() = default;

bool connection_programs::are_supported() noexcept
{
    return false;
}

result<void> connection_programs::start(stream /*accepted*/)
{
    return fail(errc::not_supported, phase::setup);
}

std::size_t connection_programs::running() const
{
    return 0;
}

} // namespace slk::tool
