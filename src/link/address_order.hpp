// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_ADDRESS_ORDER_HPP
#define SLK_LINK_ADDRESS_ORDER_HPP

/// The order in which the addresses of a name are tried.

#include <serverlink/address.hpp>

#include <vector>

namespace slk::link_detail {

/// The families alternate, beginning with the family of the first address. Within a family the
/// order stays, which is the system resolver's preference (RFC 8305 section 4).
void interleave_families(std::vector<address>& addresses);

} // namespace slk::link_detail

#endif
