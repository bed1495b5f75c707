// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_ENDPOINT_RULES_HPP
#define SLK_LINK_ENDPOINT_RULES_HPP

/// The requirements of links and listeners on an endpoint, which need not come from
/// endpoint::parse.

#include <serverlink/endpoint.hpp>

#include "io/poller.hpp"

namespace slk::link_detail {

/// invalid_argument, with the fault as detail.
[[nodiscard]] result<void> check_endpoint(const endpoint& value);

/// not_supported, with a text, for an ipc endpoint where there are no such sockets. Any thread.
[[nodiscard]] result<void> check_supported(const endpoint& value, const io::poller& by);

/// Returns the address of an interface to bind to: one of the family and, for a link-local target,
/// a link-local one. Nothing if the interface has none of that family. The port is unchanged.
[[nodiscard]] std::optional<address> choose_address(std::span<const address> of_interface,
                                                    address_family family, bool link_local);

} // namespace slk::link_detail

#endif
