// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_ENDPOINT_RULES_HPP
#define SLK_LINK_ENDPOINT_RULES_HPP

/// What links and listeners demand of an endpoint, which need not come from endpoint::parse.

#include <serverlink/endpoint.hpp>

#include "io/poller.hpp"

namespace slk::link_detail {

/// invalid_argument, with what is wrong as detail.
[[nodiscard]] result<void> check_endpoint(const endpoint& value);

/// not_supported, with a sentence, for an ipc endpoint where there is none. Any thread.
[[nodiscard]] result<void> check_supported(const endpoint& value, const io::poller& by);

/// The address to bind to, among those of an interface: one of the family and, for a link-local
/// target, of its kind. Empty if the interface has none of that family. The port is left alone.
[[nodiscard]] std::optional<address> choose_address(std::span<const address> of_interface,
                                                    address_family family, bool link_local);

} // namespace slk::link_detail

#endif
