// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TOOL_HTTP_GET_HPP
#define SLK_TOOL_HTTP_GET_HPP

/// One request to an HTTP server that closes the connection after its answer, as slk::http_server.

#include <serverlink/endpoint.hpp>
#include <serverlink/loop.hpp>
#include <serverlink/result.hpp>

#include <functional>
#include <string>

namespace slk::tool {

/// Where a page is: "http://127.0.0.1:9464/", "127.0.0.1:9464" or "tcp://127.0.0.1:9464". Throws
/// usage_error.
[[nodiscard]] endpoint parse_page(const std::string& text);

/// Returns the body. Runs the loop, and calls `give_up` often meanwhile: true ends the request with
/// errc::cancelled. Other errors: those of connecting, timed_out, protocol_error (no answer of such
/// a server), message_too_large.
[[nodiscard]] result<std::string> http_get(loop& on, const endpoint& at, const std::string& path,
                                           duration timeout, const std::function<bool()>& give_up);

} // namespace slk::tool

#endif
