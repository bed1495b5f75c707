// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_HTTP_PAGE_HPP
#define SLK_TOOL_HTTP_PAGE_HPP

/// The page of commands that run for long (the option --http). A build without serverlink-http has
/// the option, too, and refuses it.

#include "output.hpp"

#include <serverlink/context.hpp>
#include <serverlink/link_status.hpp>
#include <serverlink/listener.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace slk::tool {

/// A page, or nothing if there is no address. The context outlives it.
class http_page {
public:
    /// Throws std::runtime_error, or usage_error for an address that is wrong.
    http_page(const context& of, const std::optional<std::string>& address);
    http_page(const http_page&) = delete;
    http_page& operator=(const http_page&) = delete;
    ~http_page();

    /// Whether this build has pages.
    [[nodiscard]] static bool is_available() noexcept;
    /// "http://127.0.0.1:9464/"; empty without a page.
    [[nodiscard]] std::string url() const;
    /// Prints a line with the address of the page, if there is one.
    void announce(printer& notes) const;

    // As those of slk::http_server.
    void show_link(std::string_view name, const link_transition& move, const link_status& status);
    /// Also without a change since the last call, which costs nothing then.
    void show_listener(std::string_view name, const listener_status& status);

private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace slk::tool

#endif
