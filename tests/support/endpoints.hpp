// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_TESTS_SUPPORT_ENDPOINTS_HPP
#define SLK_TESTS_SUPPORT_ENDPOINTS_HPP

/// Addresses and endpoints from their text.

#include <serverlink/address.hpp>
#include <serverlink/endpoint.hpp>

#include "support/must.hpp"

#include <cstdint>
#include <string>

namespace slk::testing {

[[nodiscard]] inline address ip(const char* text, std::uint16_t port = 0)
{
    const auto parsed = address::parse(text, port);
    REQUIRE(parsed.has_value());
    return *parsed;
}

[[nodiscard]] inline endpoint endpoint_of(const std::string& text)
{
    return must(endpoint::parse(text));
}

} // namespace slk::testing

#endif
