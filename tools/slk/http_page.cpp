// SPDX-License-Identifier: MPL-2.0
#include "http_page.hpp"

#include "tools/support/command_line.hpp"

#include <serverlink/http.hpp>

#include <stdexcept>
#include <utility>

namespace slk::tool {

struct http_page::state {
    http_server server;
    std::uint64_t shown_accepts = 0; ///< and failures; 0: nothing is shown yet
};

http_page::http_page(const context& of, const std::optional<std::string>& address)
{
    if (!address)
        return;
    auto made = http_server::create(of, {.address = *address});
    if (!made && made.error() == errc::invalid_argument)
        throw usage_error("--http", "'" + *address + "' is no ADDRESS:PORT, as in 127.0.0.1:9464");
    if (!made)
        throw std::runtime_error("--http " + *address + ": " + to_string(made.error()));
    state_ = std::make_unique<state>(state{*std::move(made)});
}

http_page::~http_page() = default;

bool http_page::is_available() noexcept
{
    return true;
}

std::string http_page::url() const
{
    return state_ ? state_->server.url() : std::string();
}

void http_page::announce(printer& notes) const
{
    if (state_)
        notes.line("page: " + url());
}

void http_page::show_link(std::string_view name, const link_transition& move,
                          const link_status& status)
{
    if (state_)
        state_->server.show_link(name, move, status);
}

void http_page::show_listener(std::string_view name, const listener_status& status)
{
    if (!state_)
        return;
    const std::uint64_t accepts =
        1 + status.accepted + status.failed + status.refused + status.shed + status.pauses;
    if (std::exchange(state_->shown_accepts, accepts) != accepts)
        state_->server.show_listener(name, status);
}

} // namespace slk::tool
