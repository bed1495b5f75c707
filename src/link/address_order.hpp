// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LINK_ADDRESS_ORDER_HPP
#define SLK_LINK_ADDRESS_ORDER_HPP

/// The order in which the addresses of a name are tried.

#include <serverlink/address.hpp>

#include <vector>

namespace slk::link_detail {

/// The families take turns, beginning with the family of the first address; within a family the
/// order, which is the system resolver's preference, stays (RFC 8305 section 4).
void interleave_families(std::vector<address>& addresses);

} // namespace slk::link_detail

#endif
