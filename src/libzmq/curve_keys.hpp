// SPDX-License-Identifier: MPL-2.0
#ifndef SLK_LIBZMQ_CURVE_KEYS_HPP
#define SLK_LIBZMQ_CURVE_KEYS_HPP

namespace slk::libzmq {

/// Whether the library was built with CURVE.
inline constexpr bool has_curve = false;

} // namespace slk::libzmq

#endif
