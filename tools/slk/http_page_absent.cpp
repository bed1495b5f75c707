// SPDX-License-Identifier: MPL-2.0
// A build without serverlink-http.

#include "http_page.hpp"

#include "tools/support/command_line.hpp"

namespace slk::tool {

struct http_page::state {};

http_page::http_page(const context&, const std::optional<std::string>& address)
{
    if (address)
        throw usage_error("--http", "this slk was built without serverlink-http (-Dhttp=enabled)");
}

http_page::~http_page() = default;

bool http_page::is_available() noexcept
{
    return false;
}

std::string http_page::url() const
{
    return {};
}

void http_page::announce(printer&) const {}

void http_page::show_link(std::string_view, const link_transition&, const link_status&) {}

void http_page::show_listener(std::string_view, const listener_status&) {}

} // namespace slk::tool
